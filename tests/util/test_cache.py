import os
import re

import pytest

from explorer.util.cache import Cache


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_file_appears_only_when_it_is_complete(tmp_path):
    cache = Cache(tmp_path, suffix=".mp3")
    key = "ab" * 16
    target = cache.path(key)
    assert target == tmp_path / "ab" / f"{key}.mp3"
    with cache.writing(key) as part:
        part.write_bytes(b"half")
        assert not target.exists()
    assert target.read_bytes() == b"half"
    with pytest.raises(ZeroDivisionError), cache.writing(key) as part:
        part.write_bytes(b"another")
        raise ZeroDivisionError
    assert target.read_bytes() == b"half"
    assert files(tmp_path) == [f"{key}.mp3"]


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
    a, b, c, d, e = (letter * 32 for letter in "abcde")
    for number, key in enumerate((a, b, c)):
        write(cache, key, b"0123456789")
        os.utime(cache.path(key), (number, number))
    before = cache.path(a).stat().st_mtime
    cache.find(a)
    assert cache.path(a).stat().st_mtime == before
    write(cache, d, b"0123456789")
    assert files(tmp_path) == [a, c, d]
    # A new file stays, even if it alone is too large.
    write(cache, e, bytes(31))
    assert files(tmp_path) == [e]


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


HOSTILE_KEYS = (
    "../../../../tmp/x",
    "/etc/passwd",
    "..",
    "",
    "*",
    "?" * 32,
    "a/b",
    "A" * 32,
    "a" * 31 + "\n",
    "a" * 33,
    "nul\0",
    "\udcff",
)


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_a_key_that_is_no_hash_stays_inside_the_folder(tmp_path, key):
    folder, other = tmp_path / "cache", "b" * 32
    cache = Cache(folder, suffix=".flac")
    (tmp_path / "x.flac").write_bytes(b"precious")
    write(cache, other, b"other")
    write(cache, key, b"made")
    path = cache.find(key)
    assert path.parent.parent == folder
    assert re.fullmatch(r"[0-9a-f]{32}\.flac", path.name)
    assert path.parent.name == path.name[:2]
    cache.remove(key)
    assert not path.exists()
    assert cache.has(other)
    assert files(tmp_path) == [f"{other}.flac", "x.flac"]


def test_a_link_in_the_folder_is_replaced_and_not_followed(tmp_path):
    cache, key = Cache(tmp_path / "cache"), "c" * 32
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    cache.path(key).parent.mkdir(parents=True)
    cache.path(key).symlink_to(secret)
    assert not cache.has(key)
    assert cache.find(key) is None
    write(cache, key, b"made")
    assert cache.find(key).read_bytes() == b"made"
    assert secret.read_bytes() == b"secret"


@pytest.mark.skipif(os.name != "posix", reason="FIFOs")
def test_a_pipe_in_the_folder_is_replaced_and_not_written_to(tmp_path):
    """Writing to a pipe would wait for its other end."""
    cache, key = Cache(tmp_path), "c" * 32
    cache.path(key).parent.mkdir()
    os.mkfifo(cache.path(key))
    with cache.writing(key) as part:
        assert part != cache.path(key)
        part.write_bytes(b"made")
    assert cache.find(key).read_bytes() == b"made"
