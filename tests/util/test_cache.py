import os
import threading

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


def test_a_file_is_made_once_and_again_after_it_was_deleted(tmp_path):
    cache, calls = Cache(tmp_path), []

    def make(part):
        calls.append(part)
        part.write_bytes(b"12345")

    for _ in range(3):
        assert cache.get("key", make).read_bytes() == b"12345"
    assert len(calls) == 1
    cache.path("key").unlink()
    assert cache.get("key", make).read_bytes() == b"12345"
    assert len(calls) == 2


def test_an_error_leaves_no_file(tmp_path):
    with pytest.raises(ZeroDivisionError):
        Cache(tmp_path).get("key", lambda part: part.write_bytes(b"half") and 1 / 0)
    assert files(tmp_path) == []
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        Cache(tmp_path / "file").get("key", lambda part: part.write_bytes(b"all"))


def test_threads_wait_for_the_same_file_but_not_for_others(tmp_path):
    started, other_made, calls = threading.Event(), threading.Event(), []

    def make(part):
        calls.append(part)
        started.set()
        assert other_made.wait(20)
        part.write_bytes(b"all")

    # Each thread has its own Cache, as each request of the web server has.
    threads = [threading.Thread(target=Cache(tmp_path).get, args=("key", make)) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert started.wait(20)
    Cache(tmp_path).get("another", lambda part: part.write_bytes(b"other"))
    other_made.set()
    for thread in threads:
        thread.join()
    assert len(calls) == 1


def test_the_least_recently_used_files_are_removed(tmp_path):
    cache = Cache(tmp_path, max_bytes=30)
    for number, key in enumerate("abc"):
        cache.get(key, lambda part: part.write_bytes(b"0123456789"))
        os.utime(cache.path(key), (number, number))
    before = cache.path("a").stat().st_mtime
    cache.get("a", None)
    assert cache.path("a").stat().st_mtime == before
    cache.get("d", lambda part: part.write_bytes(b"0123456789"))
    assert files(tmp_path) == ["a", "c", "d"]
    # A new file stays, even if it alone is too large.
    cache.get("e", lambda part: part.write_bytes(bytes(31)))
    assert files(tmp_path) == ["e"]


def test_temporary_files_are_not_measured(tmp_path):
    assert Cache(tmp_path / "absent").measure() == {"files": 0, "bytes": 0}
    for key in ("aaaa", "bbbb"):
        with Cache(tmp_path).writing(key) as part:
            part.write_bytes(b"12345")
    (tmp_path / "x.part").write_bytes(b"half")
    assert Cache(tmp_path).measure() == {"files": 2, "bytes": 10}


def test_sweep_removes_old_temporary_files(tmp_path):
    old, new = tmp_path / "old.part", tmp_path / "new.part"
    for part in (old, new):
        part.write_bytes(b"half")
    os.utime(old, (0, 0))
    Cache(tmp_path).remove_old_parts()
    assert files(tmp_path) == ["new.part"]
