"""Tests of which files may be opened by a root and a path of songs.db."""

import os
import threading
from contextlib import suppress

import pytest

from explorer.errors import ForbiddenFileError
from explorer.library.confirmed_roots import confirm
from explorer.library.remote import as_root
from explorer.library.scanning import scan_folder
from explorer.library.stored_paths import is_readable_file, locate

pytestmark = pytest.mark.usefixtures("no_music_folders")


@pytest.fixture
def music(tmp_path):
    folder = tmp_path / "music"
    folder.mkdir()
    (folder / "song.flac").write_bytes(b"song")
    (tmp_path / "secret.flac").write_bytes(b"secret")
    confirm(folder)
    return folder


@pytest.mark.parametrize(
    "path",
    [
        b"../secret.flac",
        b"x/../../secret.flac",
        b"/etc/passwd",
        b"//etc/passwd",
        b"",
        b"..",
        b".",
        b"song.flac\0",
        b"../music/song.flac",
    ],
)
def test_a_path_out_of_the_root_is_refused(music, path):
    with pytest.raises(ForbiddenFileError):
        locate(music, path)
    # A forged target does not help: the path itself must stay inside.
    with pytest.raises(ForbiddenFileError):
        locate(music, path, link_target=b"/etc/passwd")


@pytest.mark.parametrize("path", [b"a/../b", b"..", b"x::http://127.0.0.1/y", b"", b"a\0", b"./a"])
def test_a_path_out_of_a_url_is_refused(path):
    confirm("memory://music", remember=False)
    with pytest.raises(ForbiddenFileError):
        locate("memory://music", path)
    assert str(locate("memory://music", b"a/b c.mp3")) == "memory://music/a/b c.mp3"


def test_a_root_that_was_not_given_is_refused_but_a_part_of_it_can_be_given(music, tmp_path):
    with pytest.raises(ForbiddenFileError, match="--audio"):
        locate(tmp_path, b"secret.flac")
    for root in ("http://127.0.0.1:1", "/", "file:///", "relative"):
        with pytest.raises(ForbiddenFileError, match="--audio"):
            locate(root, b"etc/passwd")
    assert locate("/", os.fsencode(music / "song.flac")[1:]) == (music / "song.flac").resolve()


def test_a_link_is_followed_only_to_where_it_led_when_it_was_indexed(music, tmp_path):
    (tmp_path / "shelf").mkdir()
    (tmp_path / "shelf" / "a.flac").write_bytes(b"a")
    (music / "file.flac").symlink_to(tmp_path / "secret.flac")
    (music / "folder").symlink_to(tmp_path / "shelf")
    (music / "near.flac").symlink_to(music / "song.flac")
    files = {file.path: file.link_target for file in scan_folder(music)}
    assert files == {
        b"song.flac": None,
        b"near.flac": None,
        b"file.flac": os.fsencode((tmp_path / "secret.flac").resolve()),
        b"folder/a.flac": os.fsencode((tmp_path / "shelf" / "a.flac").resolve()),
    }
    for path, target in files.items():
        assert locate(music, path, link_target=target).is_file()
    with pytest.raises(ForbiddenFileError, match="index"):
        locate(music, b"file.flac")
    (tmp_path / "other.flac").write_bytes(b"other")
    (music / "file.flac").unlink()
    (music / "file.flac").symlink_to(tmp_path / "other.flac")
    with pytest.raises(ForbiddenFileError, match="index"):
        locate(music, b"file.flac", link_target=files[b"file.flac"])


def test_a_root_around_the_given_folder_gives_no_link_in_it_more_places_to_lead_to(music, tmp_path):
    (music / "link.flac").symlink_to(tmp_path / "secret.flac")
    assert locate(tmp_path, b"music/song.flac") == music / "song.flac"
    with pytest.raises(ForbiddenFileError):
        locate(tmp_path, b"music/link.flac")
    with pytest.raises(ForbiddenFileError):
        locate(music / "link.flac", b".")


def test_a_name_that_is_no_text_is_part_of_a_url():
    confirm("https://example.org/music")
    file = locate("https://example.org/music", b"a\xff.flac")
    assert str(file) == file.as_uri() == "https://example.org/music/a%FF.flac"
    assert (as_root("s3://bucket") / "a\udcff.flac").as_uri() == "s3://bucket/a%FF.flac"


def test_links_in_a_circle_are_no_files(music):
    (music / "loop.flac").symlink_to(music / "loop.flac")
    # Newer versions of Python return the link.
    with suppress(ForbiddenFileError):
        assert not is_readable_file(locate(music, b"loop.flac"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_a_device_and_a_link_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/etc/passwd")
    answers = []
    # Opening a pipe waits for a writer: use a thread, so that the test does not hang.
    asked = [tmp_path / "pipe", tmp_path / "link", "/dev/zero", tmp_path, tmp_path / "none", "nul\0"]
    thread = threading.Thread(target=lambda: answers.extend(map(is_readable_file, asked)), daemon=True)
    thread.start()
    thread.join(20)
    assert answers == [False] * 6
