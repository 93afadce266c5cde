import os
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from explorer.errors import LibraryError
from explorer.util.atomic_write import atomic_write


def test_a_file_appears_only_when_it_is_complete(tmp_path):
    target = tmp_path / "x.txt"
    with atomic_write(target) as part:
        part.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_an_error_keeps_the_old_file_and_removes_the_temporary_one(tmp_path):
    target = tmp_path / "x.txt"
    target.write_text("old")
    with pytest.raises(ValueError, match="half"), atomic_write(target) as part:
        part.write_text("ne")
        raise ValueError("half way")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(os.name == "nt", reason="Windows needs a privilege for links")
@pytest.mark.parametrize("old", ["old", None])
def test_no_file_is_written_through_a_link(tmp_path, old):
    target, link = tmp_path / "y.txt", tmp_path / "x.txt"
    if old:
        target.write_text(old)
    link.symlink_to(target)
    with pytest.raises(LibraryError, match=r"x\.txt is a symbolic link"), atomic_write(link) as part:
        part.write_text("new")
    assert link.is_symlink()
    assert (target.read_text() if target.exists() else None) == old


@pytest.mark.skipif(not os.path.islink("/proc/self/fd/0"), reason="needs /proc")  # noqa: PTH114
def test_the_links_of_the_system_are_followed(tmp_path):
    with (tmp_path / "x.txt").open("w") as file, atomic_write(Path(f"/proc/self/fd/{file.fileno()}")) as part:
        part.write_text("new")
    assert (tmp_path / "x.txt").read_text() == "new"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes in folders")
def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with atomic_write(pipe) as part:
            part.write_text("new")
        assert os.read(reader, 10) == b"new"
        assert pipe.is_fifo()
    finally:
        os.close(reader)


def test_the_temporary_file_is_in_the_given_folder(tmp_path):
    (tmp_path / "parts").mkdir()
    with atomic_write(tmp_path / "x.txt", parts=tmp_path / "parts") as part:
        part.write_text("new")
        assert list((tmp_path / "parts").glob("*.part")) == [part]
    assert (tmp_path / "x.txt").read_text() == "new"
    assert list((tmp_path / "parts").iterdir()) == []


def test_a_database_is_never_replaced(tmp_path):
    with closing(apsw.Connection(str(tmp_path / "any.name"))) as connection:
        connection.execute("CREATE TABLE t(x)")
    before = (tmp_path / "any.name").read_bytes()
    (tmp_path / "link.csv").symlink_to(tmp_path / "any.name")
    for name in ("any.name", "link.csv"):
        with (
            pytest.raises(LibraryError, match=f"{name} belongs to a database"),
            atomic_write(tmp_path / name) as part,
        ):
            part.write_text("new")
    assert (tmp_path / "any.name").read_bytes() == before
