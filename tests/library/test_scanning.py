import os

import pytest

from explorer.errors import LibraryError
from explorer.library.scanning import scan_folder


def paths(folder):
    return [file.path for file in scan_folder(folder)]


def test_only_audio_files_are_listed_in_order(tmp_path):
    for name in (
        "b/2.MP3",
        "b/1.flac",
        "a.ogg",
        "cover.jpg",
        ".hidden.mp3",
        ".trash/x.mp3",
        "a-folder.mp3/x.txt",
    ):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"abc")
    assert paths(tmp_path) == [b"a.ogg", b"b/1.flac", b"b/2.MP3"]
    assert next(iter(scan_folder(tmp_path))).size_bytes == 3


def test_a_link_to_a_folder_above_is_no_endless_loop(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.mp3").write_bytes(b"x")
    (tmp_path / "deep" / "up").symlink_to(tmp_path, target_is_directory=True)
    assert paths(tmp_path) == [b"deep/a.mp3"]


def test_names_that_are_not_utf8_are_listed(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9\n.mp3")).write_bytes(b"x")
    (found,) = scan_folder(tmp_path)
    assert found.path == b"caf\xe9\n.mp3"
    assert found.text == "caf\ufffd\n.mp3"
    assert (tmp_path / found.native).exists()


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(LibraryError, match="absent does not exist"):
        paths(tmp_path / "absent")
    (tmp_path / "file.mp3").write_bytes(b"x")
    with pytest.raises(LibraryError, match="is not a folder"):
        paths(tmp_path / "file.mp3")


def test_paths_are_relative_to_the_root(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c.mp3").write_bytes(b"x")
    scan = scan_folder(tmp_path / "a", root=tmp_path)
    assert ([file.path for file in scan], scan.prefix) == ([b"a/b/c.mp3"], b"a/")
    assert scan_folder(tmp_path, root=tmp_path).prefix == b""


def test_a_scan_covers_only_its_folder_and_readable_folders(tmp_path, monkeypatch):
    (tmp_path / "a" / "locked").mkdir(parents=True)
    scandir = os.scandir

    def refuse_locked(path):
        if path.endswith(b"locked"):
            raise PermissionError(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse_locked)
    scan = scan_folder(tmp_path / "a", root=tmp_path)
    assert scan.unread == [b"a/locked/"]
    paths = (b"a/gone.mp3", b"a/locked/x.mp3", b"a/locked too.mp3", b"gone.mp3")
    assert [scan.covers(path) for path in paths] == [True, False, True, False]
