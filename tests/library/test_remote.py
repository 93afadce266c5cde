"""URLs as paths of folders and files."""

import os
import sys
from pathlib import Path

import pytest

from explorer.database.records import absolute_path
from explorer.errors import LibraryError
from explorer.library.remote import RemotePath, as_root, file_exists, is_gone, is_gone_or_empty, is_missing


@pytest.mark.parametrize(
    "text", ["s3://bucket/music", "S3://bucket/music/", "gs://b", "https://example.org/a"]
)
def test_a_url_becomes_a_remote_path(text):
    assert isinstance(as_root(text), RemotePath)


@pytest.mark.parametrize("text", ["/music", "music", "C:/music", "c:\\music", "a:b", "it's 5://7"])
def test_a_local_path_stays_a_path(text):
    assert as_root(text) == Path(text)


def test_a_url_that_was_a_path_gets_its_second_slash_back():
    assert str(as_root(Path("s3://bucket/music"))) == "s3://bucket/music"


def test_a_file_url_becomes_a_path():
    assert as_root("file:///music/of%20mine") == Path("/music/of mine")


def test_remote_paths_are_joined_and_compared():
    root = as_root("s3://bucket/music/")
    song = root / "Artist/A #1 song?.mp3"
    assert str(song) == "s3://bucket/music/Artist/A #1 song?.mp3"
    assert (song.name, song.suffix) == ("A #1 song?.mp3", ".mp3")
    assert song.relative_to(root) == Path("Artist/A #1 song?.mp3")
    assert root.relative_to(root) == Path()
    assert song.is_relative_to("s3://bucket")
    assert not song.is_relative_to("s3://bucket/mus")
    assert not song.is_relative_to("/music")
    assert not Path("/music").is_relative_to(root)
    with pytest.raises(ValueError, match="does not lie below"):
        song.relative_to("s3://other")


def test_http_urls_are_percent_encoded_and_names_are_not():
    song = as_root("http://example.org/music") / "Ärger & Co.mp3"
    assert song.url == "http://example.org/music/%C3%84rger%20%26%20Co.mp3"
    assert song.name == "Ärger & Co.mp3"


def test_stored_paths_are_joined_with_local_and_remote_roots():
    assert absolute_path("/music", b"a/b.mp3") == Path("/music/a/b.mp3")
    assert str(absolute_path("s3://bucket/music", b"a/b.mp3")) == "s3://bucket/music/a/b.mp3"


def test_roots_at_urls_contain_each_other_like_folders(fresh_db):
    inner, _ = fresh_db.find_or_add_root(as_root("s3://bucket/music/rock"))
    outer, root = fresh_db.find_or_add_root(as_root("s3://bucket/music"))
    assert (fresh_db.roots(), str(root)) == (["s3://bucket/music"], "s3://bucket/music")
    assert fresh_db.find_or_add_root(as_root("s3://bucket/music/jazz")) == (outer, root)
    assert fresh_db.find_or_add_root(Path("/bucket/music"))[1] == Path("/bucket/music")
    assert inner != outer


def test_the_error_for_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(LibraryError, match=r"run `pip install -r requirements-distributed\.lock`"):
        file_exists(as_root("s3://bucket"))


def test_the_error_for_an_unknown_scheme_names_the_url():
    with pytest.raises(LibraryError, match=r"nonsense://x cannot be used"):
        file_exists(as_root("nonsense://x"))


def test_a_file_on_an_unreachable_server_is_not_missing():
    root = as_root("http://127.0.0.1:9/music")
    with pytest.raises(LibraryError, match=r"cannot be reached .*check the address"):
        file_exists(root)
    assert not is_missing(root, root / "song.mp3")


def test_a_file_is_missing_only_if_its_root_exists(tmp_path):
    assert is_missing(tmp_path, tmp_path / "song.mp3")
    assert not is_missing(tmp_path / "unmounted", tmp_path / "unmounted" / "song.mp3")


def test_a_folder_is_gone_only_if_the_system_says_that_it_does_not_exist(tmp_path, monkeypatch):
    folder, file = tmp_path / "folder", tmp_path / "file"
    folder.mkdir()
    file.touch()
    assert [is_gone(path) for path in (folder, tmp_path / "none", file / "folder")] == [False, True, True]
    assert [is_gone_or_empty(path) for path in (folder, tmp_path, tmp_path / "none")] == [True, False, True]
    stat = os.stat

    def fail(path, **options):
        if os.fspath(path) == str(tmp_path / "disconnected"):
            raise OSError(107, "Transport endpoint is not connected")
        return stat(path, **options)

    monkeypatch.setattr(os, "stat", fail)
    assert not is_gone(tmp_path / "disconnected")
    assert not is_gone_or_empty(tmp_path / "disconnected")


def test_a_url_is_gone_only_if_its_server_says_so(monkeypatch):
    url = as_root("memory://music")
    answers = {"not found": FileNotFoundError, "no answer": ConnectionError}
    for answer, error in answers.items():

        class System:
            def invalidate_cache(self):
                pass

            def info(self, _path, error=error):
                raise error

        monkeypatch.setattr("explorer.library.remote.open_system", lambda path, system=System: (system(), ""))
        assert is_gone(url) == is_gone_or_empty(url) == (answer == "not found")
