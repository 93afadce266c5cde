import os
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

from explorer.database.songs import PlaylistSong
from explorer.errors import LibraryError
from explorer.exporting.file_paths import FilePaths
from explorer.exporting.playlists import write_playlist


def song(root, path):
    return PlaylistSong("id", "Title", root=str(root), path=path)


@pytest.fixture
def two_roots(tmp_path):
    """Two folders of music with the same relative path: a list of songs."""
    for disk in ("disk1", "disk2"):
        (tmp_path / disk / "Album").mkdir(parents=True)
        (tmp_path / disk / "Album" / "01.mp3").write_text(disk)
    return [song(tmp_path / disk, b"Album/01.mp3") for disk in ("disk1", "disk2")]


@pytest.mark.parametrize("form", ["m3u8", "xspf"])
@pytest.mark.parametrize("place", [".", "lists", "disk1", "disk1/Album", "disk2/Album/more"])
def test_relative_paths_lead_from_the_playlist_to_each_file(two_roots, tmp_path, form, place):
    folder = tmp_path / place
    folder.mkdir(parents=True, exist_ok=True)
    file_paths = FilePaths(two_roots, paths="relative", folder=folder)
    text, _ = write_playlist(two_roots, form=form, file_paths=file_paths)
    native = [file_paths.native(song) for song in two_roots]
    assert not any(map(os.path.isabs, native))
    assert [(folder / name).read_text() for name in native] == ["disk1", "disk2"]
    assert all(name in text for name in native)
    assert file_paths.problem == ""


def test_the_path_to_a_file_beside_the_playlist_is_its_name(two_roots, tmp_path):
    file_paths = FilePaths(two_roots[:1], paths="relative", folder=tmp_path / "disk1" / "Album")
    assert file_paths.native(two_roots[0]) == "01.mp3"


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_relative_paths_lead_through_links_to_folders(two_roots, tmp_path):
    elsewhere = tmp_path / "a" / "b" / "c"
    elsewhere.mkdir(parents=True)
    (tmp_path / "link").symlink_to(elsewhere)
    (tmp_path / "music").symlink_to(tmp_path / "disk1")
    songs = [song(tmp_path / "music", b"Album/01.mp3"), two_roots[1]]
    file_paths = FilePaths(songs, paths="relative", folder=tmp_path / "link")
    assert [(elsewhere / file_paths.native(song)).read_text() for song in songs] == ["disk1", "disk2"]
    file_paths = FilePaths(songs, paths="relative", folder=tmp_path / "music")
    assert file_paths.native(songs[0]) == "Album/01.mp3"


def test_without_a_place_relative_paths_begin_at_the_only_folder_of_music(two_roots):
    file_paths = FilePaths(two_roots[:1], paths="relative")
    assert file_paths.native(two_roots[0]) == "Album/01.mp3"
    assert file_paths.problem == ""


def test_without_a_place_the_paths_of_songs_in_two_folders_are_absolute_and_this_is_told(two_roots):
    file_paths = FilePaths(two_roots, paths="relative")
    assert [Path(file_paths.native(song)).read_text() for song in two_roots] == ["disk1", "disk2"]
    assert file_paths.uri(two_roots[0]).startswith("file:///")
    assert "absolute" in file_paths.problem
    assert "2 folders" in file_paths.problem
    assert FilePaths(two_roots, paths="absolute").problem == ""


def test_songs_on_a_server_have_absolute_paths_in_a_playlist_on_this_machine(two_roots, tmp_path):
    songs = [song("http://host/music", b"a b.mp3"), two_roots[0]]
    file_paths = FilePaths(songs, paths="relative", folder=tmp_path)
    assert [file_paths.native(song) for song in songs] == [
        "http://host/music/a%20b.mp3",
        "disk1/Album/01.mp3",
    ]
    assert "http://host/music" in file_paths.problem


@pytest.mark.skipif(os.name == "nt", reason="file names are text on Windows")
@pytest.mark.parametrize("name", [b"caf\xe9.mp3", b"#1 100%.mp3", b"http:x.mp3", b" a ;b.mp3"])
def test_any_name_is_found_from_the_folder_of_the_playlist(tmp_path, name):
    root = tmp_path / "music"
    root.mkdir()
    Path(os.fsdecode(os.fsencode(root) + b"/" + name)).write_text("sound")
    songs = [song(root, name)]
    for folder in (root, tmp_path):
        file_paths = FilePaths(songs, paths="relative", folder=folder)
        line = write_playlist(songs, form="m3u8", file_paths=file_paths)[0].splitlines()[-1]
        assert not line.startswith(("#", "http:"))
        assert (folder / line).read_text() == "sound" if b"\xe9" not in name else line.startswith("file:")
        uri = unquote_to_bytes(file_paths.uri(songs[0]))
        assert Path(os.fsdecode(os.fsencode(folder) + b"/" + uri)).read_text() == "sound"


def test_another_kind_of_path_is_an_error():
    with pytest.raises(LibraryError, match="paths"):
        FilePaths([], paths="../..")
