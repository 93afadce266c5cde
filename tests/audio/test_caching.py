import pytest

from explorer.audio.caching import cached_path, measure, writing


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    target = cached_path(tmp_path, "abcdef", ".mp3")
    assert target == tmp_path / "ab" / "abcdef.mp3"
    with writing(target, cache=tmp_path) as part:
        part.write_bytes(b"half")
        assert not target.exists()
    assert target.read_bytes() == b"half"
    with pytest.raises(ZeroDivisionError), writing(target, cache=tmp_path) as part:
        part.write_bytes(b"another")
        raise ZeroDivisionError
    assert target.read_bytes() == b"half"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["abcdef.mp3"]


def test_a_cache_is_measured_without_what_is_being_written(tmp_path):
    assert measure(tmp_path / "absent") == {"files": 0, "bytes": 0}
    for key in ("aaaa", "bbbb"):
        with writing(cached_path(tmp_path, key), cache=tmp_path) as part:
            part.write_bytes(b"12345")
    (tmp_path / "x.part").write_bytes(b"half")
    assert measure(tmp_path) == {"files": 2, "bytes": 10}
