import os

import pytest

from explorer.errors import LibraryError
from explorer.util.atomic_write import refuse_library, whole_file


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    target = tmp_path / "x.txt"
    with whole_file(target) as part:
        part.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_what_fails_half_way_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "x.txt"
    target.write_text("old")
    with pytest.raises(ValueError, match="half"), whole_file(target) as part:
        part.write_text("ne")
        raise ValueError("half way")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "there").mkdir()
    link = tmp_path / "x.txt"
    link.symlink_to(tmp_path / "there" / "y.txt")
    with whole_file(link) as part:
        part.write_text("new")
    assert link.is_symlink()
    assert (tmp_path / "there" / "y.txt").read_text() == "new"


@pytest.mark.skipif(os.name == "nt", reason="there are no such files there")
def test_what_is_no_file_is_not_replaced_by_one(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with whole_file(pipe) as part:
            part.write_text("new")
        assert os.read(reader, 10) == b"new"
        assert pipe.is_fifo()
    finally:
        os.close(reader)


def test_what_is_not_whole_yet_lies_where_it_is_told_to(tmp_path):
    (tmp_path / "parts").mkdir()
    with whole_file(tmp_path / "x.txt", parts=tmp_path / "parts") as part:
        part.write_text("new")
        assert list((tmp_path / "parts").glob("*.part")) == [part]
    assert (tmp_path / "x.txt").read_text() == "new"
    assert list((tmp_path / "parts").iterdir()) == []


def test_a_library_is_refused_by_whatever_name(tmp_path):
    library = tmp_path / "songs.db"
    library.write_text("songs")
    (tmp_path / "other.html").hardlink_to(library)
    for name in ("songs.db", "./x/../songs.db", "other.html"):
        (tmp_path / "x").mkdir(exist_ok=True)
        with pytest.raises(LibraryError, match="is the library itself: name another file with --out"):
            refuse_library(tmp_path / name, library)
    refuse_library(tmp_path / "new.html", library)
    refuse_library(tmp_path / "new.html", tmp_path / "no such.db")
