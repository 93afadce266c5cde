import os

import pytest

from explorer.util.cache import Cache


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_file_appears_only_when_it_is_complete(tmp_path):
    cache = Cache(tmp_path, suffix=".mp3")
    target = cache.path("abcdef")
    assert target == tmp_path / "ab" / "abcdef.mp3"
    with cache.writing("abcdef") as part:
        part.write_bytes(b"half")
        assert not target.exists()
    assert target.read_bytes() == b"half"
    with pytest.raises(ZeroDivisionError), cache.writing("abcdef") as part:
        part.write_bytes(b"another")
        raise ZeroDivisionError
    assert target.read_bytes() == b"half"
    assert files(tmp_path) == ["abcdef.mp3"]


def write(cache, key, content):
    with cache.writing(key) as part:
        part.write_bytes(content)


def test_a_file_is_found_until_it_is_deleted(tmp_path):
    cache = Cache(tmp_path)
    assert cache.find("key") is None
    write(cache, "key", b"12345")
    assert cache.find("key").read_bytes() == b"12345"
    cache.path("key").unlink()
    assert cache.find("key") is None


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        write(Cache(tmp_path / "file"), "key", b"all")


def test_the_least_recently_used_files_are_removed(tmp_path):
    cache = Cache(tmp_path, max_bytes=30)
    for number, key in enumerate("abc"):
        write(cache, key, b"0123456789")
        os.utime(cache.path(key), (number, number))
    before = cache.path("a").stat().st_mtime
    cache.find("a")
    assert cache.path("a").stat().st_mtime == before
    write(cache, "d", b"0123456789")
    assert files(tmp_path) == ["a", "c", "d"]
    # A new file stays, even if it alone is too large.
    write(cache, "e", bytes(31))
    assert files(tmp_path) == ["e"]


def test_temporary_files_are_not_measured(tmp_path):
    assert Cache(tmp_path / "absent").measure() == {"files": 0, "bytes": 0}
    for key in ("aaaa", "bbbb"):
        write(Cache(tmp_path), key, b"12345")
    (tmp_path / "x.part").write_bytes(b"half")
    assert Cache(tmp_path).measure() == {"files": 2, "bytes": 10}


def test_sweep_removes_old_temporary_files(tmp_path):
    old, new = tmp_path / "old.part", tmp_path / "new.part"
    for part in (old, new):
        part.write_bytes(b"half")
    os.utime(old, (0, 0))
    Cache(tmp_path).remove_old_parts()
    assert files(tmp_path) == ["new.part"]
