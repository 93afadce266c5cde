"""Tests of the list of places that songs may be read from."""

import json
import logging
import os
import threading

import pytest

from explorer.errors import LibraryError
from explorer.library.confirmed_roots import confirm, confirm_folders, is_confirmed, unconfirmed

pytestmark = pytest.mark.usefixtures("no_music_folders")


@pytest.fixture
def music(tmp_path):
    folder = tmp_path / "music"
    (folder / "jazz").mkdir(parents=True)
    (tmp_path / "musical").mkdir()
    return folder


def test_a_folder_and_what_is_inside_are_confirmed(music, tmp_path):
    assert unconfirmed([str(music), "/"]) == [str(music), "/"]
    confirm(music)
    outside = tmp_path / "link in music"
    (music / "link").symlink_to(tmp_path / "musical")
    assert [is_confirmed(str(music)), is_confirmed(music / "jazz"), is_confirmed(music / "none yet")] == [
        True
    ] * 3
    for other in (
        *(tmp_path, "/", tmp_path / "musical", outside, music / "link", music / "jazz" / ".." / ".."),
        *("music", "", f"{music}\0", "//server/share", "http://example.org", f"file://{tmp_path}"),
    ):
        assert not is_confirmed(other), other
    assert is_confirmed(f"file://{music}")


def test_a_folder_that_was_moved_and_linked_stays_confirmed(music, tmp_path):
    confirm(music)
    music.rename(tmp_path / "disk")
    music.symlink_to(tmp_path / "disk")
    assert is_confirmed(music)
    assert is_confirmed(music / "jazz")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://nas:8000/music", True),
        ("http://nas:8000/music/", True),
        ("http://nas:8000/music/jazz", True),
        ("http://nas:8000/musical", False),
        ("http://nas:8000/", False),
        ("https://nas:8000/music", False),
        ("http://nas/music", False),
        ("http://nas:8000@127.0.0.1/music", False),
        ("http://127.0.0.1:8000/music", False),
        ("http://nas:8000/music/../private", False),
        ("http://nas:8000/music/%2e%2E/private", False),
        ("http://nas:8000/music/x::http://127.0.0.1/", False),
        ("zip://x::http://nas:8000/music", False),
        ("file:///etc", False),
        ("memory://music", False),
    ],
)
def test_a_url_is_confirmed_below_one_that_was_given(url, expected):
    confirm("http://nas:8000/music")
    assert is_confirmed(url) is expected


def test_commands_at_the_same_time_lose_no_place(no_music_folders, tmp_path, monkeypatch):
    folders = [tmp_path / f"{number}\n\udcff" for number in range(40)]
    threads = [threading.Thread(target=confirm, args=(folder,)) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    monkeypatch.setattr("explorer.library.confirmed_roots._given_to_this_process", set())
    assert all(map(is_confirmed, folders))
    before = no_music_folders.read_bytes()
    confirm(folders[0] / "inside")
    assert no_music_folders.read_bytes() == before


def test_damaged_lines_are_ignored_with_a_sentence(no_music_folders, tmp_path, caplog):
    no_music_folders.parent.mkdir(parents=True)
    good = json.dumps(str(tmp_path / "good"))
    no_music_folders.write_bytes(b'\xff\xfe\0{"\n' + good.encode() + b'\n[1]\n""\n"/half')
    with caplog.at_level(logging.WARNING):
        assert is_confirmed(tmp_path / "good")
        assert not is_confirmed("/half")
    assert [record.args[1] for record in caplog.records] == [4]
    confirm(tmp_path / "new")
    assert json.dumps(str(tmp_path / "new")) in no_music_folders.read_text("utf-8", "replace").splitlines()


def test_a_list_that_cannot_be_written_confirms_for_this_process(no_music_folders, music, monkeypatch):
    no_music_folders.parent.parent.touch()
    confirm(music)
    assert is_confirmed(music)
    monkeypatch.setattr("explorer.library.confirmed_roots._given_to_this_process", set())
    assert not is_confirmed(music)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_list_that_is_a_folder_is_empty(no_music_folders, music, caplog):
    no_music_folders.mkdir(parents=True)
    with caplog.at_level(logging.WARNING):
        assert not is_confirmed(music)
        assert not is_confirmed(music)
    assert len(caplog.records) == 1
    confirm(music)
    assert is_confirmed(music)


def test_naming_a_library_s_folder_confirms_it(music, tmp_path):
    assert confirm_folders([tmp_path], [str(music)]) is None
    assert is_confirmed(music)


def test_naming_another_folder_reads_the_songs_of_the_only_root_there(music, tmp_path):
    other = tmp_path / "musical"
    assert confirm_folders([other], ["/home/stranger/music"]) == other
    assert is_confirmed(other)
    assert not is_confirmed("/home/stranger/music")
    # The root is confirmed, but does not exist any more.
    confirm(tmp_path / "old")
    assert confirm_folders([other], [str(tmp_path / "old")]) == other


@pytest.mark.parametrize("roots", [[], ["/a", "/b"], ["music"]])
def test_a_folder_that_cannot_be_meant_is_refused(music, tmp_path, roots):
    if roots == ["music"]:
        confirm(music)
        roots = [str(music)]
    with pytest.raises(LibraryError, match="musical"):
        confirm_folders([tmp_path / "musical"], roots)
    with pytest.raises(LibraryError, match="none"):
        confirm_folders([tmp_path / "none"], roots)
    assert not is_confirmed(tmp_path / "musical")
