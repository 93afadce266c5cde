import errno
import os
from pathlib import Path

import pytest

from explorer.errors import LibraryError
from explorer.library.remote import as_root
from explorer.library.scan_rules import ScanOptions
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


def write(folder, *names):
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"" if file.name in (".nomedia", ".ndignore") else b"abc")


MUSIC = (
    "a.mp3",
    "...Baby One More Time.mp3",
    "...And Justice/1.spx",
    "._a.mp3",
    ".DS_Store",
    "._cover.jpg",
    "...And Justice/._1.spx",
    ".hidden/x.mp3",
    "#recycle/x.mp3",
    "Album/@eaDir/x.mp3",
    "Album/1.tak",
    "Album/cover.jpg",
    "Album/list.M3U8",
    "Album/notes",
    "Album/concert.avi",
    "Album/two.jpg",
    "phone/.nomedia",
    "phone/deeper/x.mp3",
    "drafts/.ndignore",
    "drafts/x.mp3",
    "Live/1.wav",
    "Live/1.mp3",
)
SONGS = [b"...And Justice/1.spx", b"...Baby One More Time.mp3", b"Album/1.tak"]


@pytest.fixture(params=["local", "remote"])
def music(request, tmp_path):
    """A folder and its twin in the memory of fsspec: the function that scans it."""
    fsspec = pytest.importorskip("fsspec")
    write(tmp_path / "music", *MUSIC)
    if request.param == "local":
        yield tmp_path / "music"
        return
    memory = fsspec.filesystem("memory")
    memory.put(str(tmp_path / "music"), "/music", recursive=True)
    yield as_root("memory://music")
    memory.rm("/music", recursive=True)


def test_hidden_files_system_folders_and_ignored_folders_are_left_out(music):
    scan = scan_folder(music)
    assert [file.path for file in scan] == [*SONGS, b"Live/1.mp3", b"Live/1.wav", b"a.mp3"]
    assert scan.other_files == {".jpg": 2, ".m3u8": 1, "": 1, ".avi": 1}
    assert scan.passed_over == 5
    assert scan.unread == []


def test_videos_are_listed_on_request(music):
    scan = scan_folder(music, options=ScanOptions(video=True))
    assert b"Album/concert.avi" in [file.path for file in scan]
    assert ".avi" not in scan.other_files


def test_excluded_files_are_left_out_and_known_to_be_there(music):
    scan = scan_folder(music, options=ScanOptions(exclude=("*.wav", "/a.*", "Album/")))
    assert [file.path for file in scan] == [*SONGS[:2], b"Live/1.mp3"]
    there = (b"Live/1.wav", b"a.mp3", b"Album/1.tak", b"#recycle/x.mp3", b"phone/deeper/x.mp3", b"._a.mp3")
    assert scan.those_left_out([*there, b"gone.mp3", b"Live/gone.mp3"]) == list(there)
    assert all(map(scan.covers, there))
    assert scan.other_files == {}


def test_patterns_are_relative_to_the_root_also_if_a_folder_of_it_is_scanned(music):
    options = ScanOptions(exclude=("/Live/*.wav", "/1.mp3"))
    scan = scan_folder(music / "Live", root=music, options=options)
    assert [file.path for file in scan] == [b"Live/1.mp3"]
    left_out = scan_folder(music / "Live", root=music, options=ScanOptions(exclude=("Live",)))
    assert (left_out.files, left_out.left_out) == ([], [b"Live/"])


def test_an_ignore_file_above_the_scanned_folder_counts(music):
    assert scan_folder(music / "phone" / "deeper", root=music).left_out == [b"phone/deeper/"]
    # The user named this folder as a root: nothing above it counts.
    assert [file.path for file in scan_folder(music / "phone" / "deeper")] == [b"x.mp3"]
    assert [file.path for file in scan_folder(music / "phone")] == [b"deeper/x.mp3"]


def test_patterns_in_an_ignore_file_count_below_its_folder(tmp_path):
    write(tmp_path, "a/1.wav", "a/b/1.wav", "a/b/1.mp3", "1.wav")
    (tmp_path / "a" / ".PlexIgnore").write_bytes(b"\xef\xbb\xbf*.wav\r\n# *.mp3\r\n")
    assert paths(tmp_path) == [b"1.wav", b"a/b/1.mp3"]


def test_a_folder_with_an_unreadable_ignore_file_is_unread(tmp_path, monkeypatch):
    write(tmp_path, "a/1.mp3", "a/.ndignore", "2.mp3")
    opened = Path.open

    def refuse(path, *arguments, **options):
        if path.name == ".ndignore":
            raise PermissionError(path)
        return opened(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    scan = scan_folder(tmp_path)
    assert ([file.path for file in scan], scan.unread) == ([b"2.mp3"], [b"a/"])


def test_a_folder_that_is_left_out_is_not_read(tmp_path, monkeypatch):
    write(tmp_path, "System Volume Information/x.mp3", "Live/x.mp3", "1.mp3")
    scandir = os.scandir

    def refuse(path):
        if path != os.fsencode(tmp_path):
            raise PermissionError(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    scan = scan_folder(tmp_path, options=ScanOptions(exclude=("Live/",)))
    assert ([file.path for file in scan], scan.unread) == ([b"1.mp3"], [])


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="This user may read every folder.")
def test_a_folder_without_permission_is_an_error(tmp_path):
    (tmp_path / "closed" / "music").mkdir(parents=True)
    (tmp_path / "closed").chmod(0)
    with pytest.raises(LibraryError, match="cannot be read"):
        scan_folder(tmp_path / "closed" / "music")


def test_a_folder_whose_disk_fails_is_an_error(tmp_path, monkeypatch):
    def fail(*_args, **_options):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "stat", fail)
    with pytest.raises(LibraryError, match=r"cannot be read \(Input/output error\)"):
        scan_folder(tmp_path)


def test_excluded_cue_sheets_are_known_to_be_there(tmp_path):
    write(tmp_path, "a.mp3", "a.cue")
    options = ScanOptions(exclude=("*.cue",))
    scan = scan_folder(tmp_path, options=options)
    assert (scan.sheets, scan.left_out, options.unmatched(scan.left_out)) == ([], [b"a.cue"], [])
