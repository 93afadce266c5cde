import json

import pytest

from explorer.web import page_lock as module
from explorer.web.page_lock import PageLock, ServedPage, page_lock


def test_a_second_program_learns_where_the_page_of_the_first_one_is(tmp_path):
    database, said = tmp_path / "songs.db", []
    with page_lock(database, "/music", say=said.append) as lock:
        assert isinstance(lock, PageLock)
        lock.publish(8051)
        with page_lock(database, "/other", say=said.append) as other:
            assert other == ServedPage(8051, "/music")
            assert other.url == "http://localhost:8051/"
        with page_lock(tmp_path / "another.db", "/music", say=said.append) as another:
            assert isinstance(another, PageLock)
    with page_lock(database, "/other", say=said.append) as lock:
        assert isinstance(lock, PageLock)
    assert said == []
    assert [file.name for file in tmp_path.iterdir()] == []


def test_a_program_that_is_ending_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_MAX_WAIT_S", 0.0)
    database, said = tmp_path / "songs.db", []
    with page_lock(database, "/music", say=said.append) as lock:
        lock.publish(8051)
        lock.retract()
        with page_lock(database, "/music", say=said.append) as other:
            assert other is None


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"port": "8050", "folder": "/m"}', '{"port": true, "folder": "/m"}']
    + [json.dumps({"port": port, "folder": "/m"}) for port in (0, -1, 65536, 1e9)]
    + ['{"port": 80, "folder": 3}', "[" * 5000],
)
def test_a_strange_description_of_a_page_is_ignored(tmp_path, content):
    (tmp_path / "page").write_text(content)
    assert module._read(tmp_path / "page") is None
