"""URLs where folders may stand."""

import sys
from pathlib import Path

import pytest

from explorer.database.records import absolute_path
from explorer.errors import LibraryError
from explorer.library.remote import RemotePath, as_root, is_missing, is_there


@pytest.mark.parametrize(
    "text", ["s3://bucket/music", "S3://bucket/music/", "gs://b", "https://example.org/a"]
)
def test_urls_are_known_as_such(text):
    assert isinstance(as_root(text), RemotePath)


@pytest.mark.parametrize("text", ["/music", "music", "C:/music", "c:\\music", "a:b", "it's 5://7"])
def test_paths_stay_paths(text):
    assert as_root(text) == Path(text)


def test_a_url_that_has_been_a_path_has_both_slashes_again():
    assert str(as_root(Path("s3://bucket/music"))) == "s3://bucket/music"


def test_a_files_url_is_a_path():
    assert as_root("file:///music/of%20mine") == Path("/music/of mine")


def test_parts_are_joined_and_told_apart():
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


def test_names_on_the_web_are_quoted_only_there():
    song = as_root("http://example.org/music") / "Ärger & Co.mp3"
    assert song.url == "http://example.org/music/%C3%84rger%20%26%20Co.mp3"
    assert song.name == "Ärger & Co.mp3"


def test_stored_paths_join_either_kind_of_root():
    assert absolute_path("/music", b"a/b.mp3") == Path("/music/a/b.mp3")
    assert str(absolute_path("s3://bucket/music", b"a/b.mp3")) == "s3://bucket/music/a/b.mp3"


def test_a_root_inside_or_around_another_is_found_by_url_too(fresh_db):
    inner, _ = fresh_db.settle_root(as_root("s3://bucket/music/rock"))
    outer, root = fresh_db.settle_root(as_root("s3://bucket/music"))
    assert (fresh_db.roots(), str(root)) == (["s3://bucket/music"], "s3://bucket/music")
    assert fresh_db.settle_root(as_root("s3://bucket/music/jazz")) == (outer, root)
    assert fresh_db.settle_root(Path("/bucket/music"))[1] == Path("/bucket/music")
    assert inner != outer


def test_without_the_packages_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(LibraryError, match=r"run `pip install -r requirements-distributed\.txt`"):
        is_there(as_root("s3://bucket"))


def test_what_no_package_can_read_is_said_in_a_sentence():
    with pytest.raises(LibraryError, match=r"nonsense://x cannot be used"):
        is_there(as_root("nonsense://x"))


def test_of_what_cannot_be_asked_nobody_knows_that_it_is_missing():
    root = as_root("http://127.0.0.1:9/music")
    with pytest.raises(LibraryError, match=r"cannot be reached .*check the address"):
        is_there(root)
    assert not is_missing(root, root / "song.mp3")


def test_a_file_is_missing_from_a_folder_that_is_there(tmp_path):
    assert is_missing(tmp_path, tmp_path / "song.mp3")
    assert not is_missing(tmp_path / "unmounted", tmp_path / "unmounted" / "song.mp3")
