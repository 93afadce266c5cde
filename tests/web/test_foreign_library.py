"""Attacks by a songs.db that somebody else made, and by links that are put into a music folder."""

import http.server
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from contextlib import closing, contextmanager

import apsw
import pytest
from support import store_library, write_tone

from explorer.analysis.library_status import library_status
from explorer.analysis.report.inputs import read_library
from explorer.config import ROOT, Settings
from explorer.database.database import Database
from explorer.errors import AudioError
from explorer.indexing.moved_roots import find_moved_roots
from explorer.indexing.prune import clear_caches, lost_roots
from explorer.library.confirmed_roots import confirm, is_confirmed
from explorer.library.music_file import Fingerprints, Tags
from explorer.library.remote import as_root
from explorer.library.remote_copies import copies_of, fetch
from explorer.library.scanning import scan_folder
from explorer.util.progress import Reporter
from explorer.web.app import create_app

ROUTES = ("audio", "preview", "waveform", "spectrogram", "cover")
SONG = "000.flac"


@pytest.fixture
def home(tmp_path, no_music_folders):
    """A folder with a library, its songs in music/, and a song outside that a stranger wants to read."""
    store_library(tmp_path / "songs.db", tmp_path / "music", per_genre=2)
    write_tone(tmp_path / "private" / "secret.flac")
    return tmp_path


def forge(home, sql, *bindings):
    """Change songs.db as another program would."""
    with closing(apsw.Connection(str(home / "songs.db"))) as connection:
        connection.execute(sql, bindings)


def client_of(home, **settings):
    return create_app(Settings(database=home / "songs.db", **settings)).server.test_client()


def statuses(client, song=SONG):
    return {route: client.get(f"/{route}/{song}").status_code for route in ROUTES}


def all_files(folder):
    return {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "songs.db" not in path.name
    }


@contextmanager
def listening(redirect_to=None):
    """Run a server that records the paths it is asked for; yield (its address, the paths)."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(302 if redirect_to else 200)
            if redirect_to:
                self.send_header("Location", redirect_to)
            self.send_header("Content-Length", "6")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(b"secret")

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()


@pytest.mark.parametrize(
    ("root", "path"),
    [
        (None, SONG.encode()),
        ("/", b"etc/passwd"),
        ("file:///", b"etc/passwd"),
        (".", b"README.md"),
    ],
)
def test_no_file_of_a_root_that_the_user_did_not_give_is_sent(home, root, path):
    if root is not None:
        forge(home, "UPDATE roots SET path = ?", root)
        forge(home, "UPDATE files SET path = ? WHERE song_id = ?", path, SONG)
    before = all_files(home)
    client = client_of(home)
    assert statuses(client) == dict.fromkeys(ROUTES, 403)
    answer = client.get(f"/audio/{SONG}").text
    assert "--audio" in answer
    assert str(as_root(root or home / "music")) in answer
    # What needs no file works.
    assert client.get("/").status_code == 200
    assert client.get("/songs/1/0").status_code == 200
    assert client.get("/neighbours/1/0").get_json()["neighbours"]
    body = {"revision": 1, "songs": [0], "form": "m3u8", "paths": "absolute"}
    assert client.post("/export", json=body).status_code == 200
    assert all_files(home) == before


@pytest.mark.parametrize(
    "path",
    [b"../private/secret.flac", b"link.flac", b"linked/secret.flac", b"/etc/passwd", b"a\0b", b"pipe.flac"],
)
def test_no_file_outside_a_confirmed_root_is_sent(home, path):
    music = home / "music"
    confirm(music)
    (music / "link.flac").symlink_to(home / "private" / "secret.flac")
    (music / "linked").symlink_to(home / "private")
    if hasattr(os, "mkfifo"):
        os.mkfifo(music / "pipe.flac")
    forge(home, "UPDATE files SET path = ? WHERE song_id = ?", path, SONG)
    client = client_of(home)
    expected = 404 if path == b"pipe.flac" else 403
    assert statuses(client) == dict.fromkeys(ROUTES, expected)
    assert client.get("/audio/001.flac").status_code == 200
    # A forged target helps only a link, which the stranger cannot make.
    forge(home, "UPDATE files SET link_target = ?", os.fsencode((home / "private/secret.flac").resolve()))
    expected = 200 if path in (b"link.flac", b"linked/secret.flac") else expected
    assert client.get(f"/audio/{SONG}").status_code == expected


def test_a_link_that_was_put_in_place_of_a_song_is_not_followed_until_the_next_index(home):
    music = home / "music"
    confirm(music)
    client = client_of(home)
    assert client.get(f"/audio/{SONG}").status_code == 200
    (music / SONG).unlink()
    (music / SONG).symlink_to(home / "private" / "secret.flac")
    assert statuses(client) == dict.fromkeys(ROUTES, 403)
    with Database.open(home / "songs.db") as library:
        library.store_link_targets(1, [file for file in scan_folder(music) if file.text == SONG])
    assert client.get(f"/audio/{SONG}").data == (home / "private" / "secret.flac").read_bytes()


@pytest.mark.parametrize("place", [b"x.flac", b"../x.flac", b""])
def test_no_server_is_asked_that_the_user_did_not_give(home, place):
    with listening() as (url, asked):
        forge(home, "UPDATE roots SET path = ?", url)
        forge(home, "UPDATE files SET path = ? WHERE song_id = ?", place, SONG)
        forge(home, "UPDATE files SET gone_since = '2026-01-01'")
        client = client_of(home)
        assert statuses(client) == dict.fromkeys(ROUTES, 403)
        client.get("/")
        client.get("/songs/1/0")
        client.post("/uploads?name=a.flac", data=b"x", content_type="application/octet-stream")
    assert asked == []


def test_commands_ask_no_server_and_read_no_file_that_the_user_did_not_give(home):
    with listening() as (url, asked), Database.open(home / "songs.db") as library:
        music = home / "music"
        confirm(music)
        forge(home, "UPDATE roots SET path = ?", url)
        copy = Fingerprints(f"{0:032x}", None, Tags(""))
        (song,) = library.same_sound(copy)
        assert not song.is_gone
        assert library.song_with_bytes(f"{0:032x}") is None
        assert find_moved_roots(library, music, scan_folder(music).files, reporter=Reporter()) == []
        assert lost_roots(library) == {}
        library_status(library)
        contents = read_library(library)
        assert contents.files == {}
        assert len(contents.unread) == 6
    assert asked == []


@pytest.mark.parametrize("key", ["../../../precious", "/tmp/precious", "*", ""])
def test_a_fingerprint_is_no_path(home, key):
    confirm(home / "music")
    forge(home, "UPDATE files SET fingerprint = ?, audio_fingerprint = ? WHERE song_id = ?", key, key, SONG)
    for suffix in ("", ".mp3", ".flac"):
        (home / f"precious{suffix}").write_bytes(b"precious")
    before = all_files(home)
    client = client_of(home)
    assert statuses(client) == dict(zip(ROUTES, (200, 200, 200, 200, 204), strict=True))
    assert client.get(f"/audio/{SONG}?copy=flac").data.startswith(b"fLaC")
    after = all_files(home)
    assert before.items() <= after.items()
    made = {path.relative_to(home).parts[0] for path in after.keys() - before.keys()}
    assert made == {"previews", "waveforms", "transcodes", "spectrograms"}
    clear_caches(Settings(database=home / "songs.db"), {key})
    assert all_files(home) == before


def test_the_name_and_extension_of_a_remote_file_are_no_path(tmp_path):
    with listening() as (url, asked):
        url = as_root(f"{url}/a.%2F..%2F..%2F..%2Fprecious.mp3")
        copy = fetch(url, tmp_path / "copies" / "here")
        assert copy.parent == tmp_path / "copies" / "here"
        cached = copies_of(as_root("memory://x/a.mp3\0/../.."), cache=tmp_path / "cache").path("k")
        assert cached.parent.parent == tmp_path / "cache"
    assert len(asked) >= 1


def test_a_server_cannot_send_this_program_to_another_one(tmp_path, monkeypatch):
    monkeypatch.setattr("explorer.library.remote_copies.BETWEEN_ATTEMPTS_S", 0.0)
    with (
        listening() as (private, asked_private),
        listening(f"{private}/admin") as (given, asked),
        pytest.raises(AudioError, match="redirects to another server"),
    ):
        fetch(as_root(f"{given}/song.mp3"), tmp_path)
    assert asked
    assert asked_private == []


@pytest.mark.parametrize("why", ["foreign", "network"])
def test_a_library_that_may_not_be_changed_is_read_only(home, why):
    settings = {"host": "0.0.0.0"} if why == "network" else {}
    if why == "network":
        confirm(home / "music")
    before = all_files(home)
    # A song without a place, which the page offers to add to the map.
    forge(home, "DELETE FROM positions WHERE song_id = ?", SONG)
    client = client_of(home, **settings)
    option = "--allow-changes" if why == "network" else "--audio"
    song = (home / "private" / "secret.flac").read_bytes()
    for answer in (
        client.post("/uploads?name=a.flac", data=song, content_type="application/octet-stream"),
        client.post("/uploads/token/keep"),
        client.delete("/uploads/token"),
        press(client, "redraw-start"),
        press(client, "exact-redraw"),
        press(client, "updates-show"),
    ):
        assert (answer.status_code, option in answer.text) == (403, True), answer.text
    assert all_files(home) == before
    layout = client.get("/_dash-layout").text
    assert option in layout
    if why == "network":
        assert statuses(client) == dict(zip(ROUTES, (200, 200, 200, 200, 204), strict=True))
        allowed = client_of(home, **settings, changes_from_network=True)
        assert option not in allowed.get("/_dash-layout").text
        assert allowed.delete("/uploads/token").status_code == 404


def press(client, button):
    """Press a button of the page, as a forged request does."""
    for entry in client.get("/_dash-dependencies").get_json():
        if button in (item["id"] for item in entry["inputs"]):
            identifier, _, prop = entry["output"].strip(".").partition(".")
            fields = {kind: [{**item, "value": 1} for item in entry[kind]] for kind in ("inputs", "state")}
            output = {"id": identifier, "property": prop}
            body = {"output": entry["output"], "outputs": output, "changedPropIds": [f"{button}.n_clicks"]}
            return client.post("/_dash-update-component", json=body | fields)
    raise AssertionError(button)


def test_songs_in_a_folder_that_was_named_instead_are_played_and_the_database_stays(home):
    folder = home / "here now"
    (home / "music").rename(folder)
    forge(home, "UPDATE roots SET path = '/home/stranger/music'")
    confirm(folder)
    client = client_of(home, songs_folder=folder)
    assert client.get(f"/audio/{SONG}").data == (folder / SONG).read_bytes()
    body = {"revision": 1, "songs": [0], "form": "m3u8", "paths": "absolute"}
    assert str(folder) in client.post("/export", json=body).text
    assert client.post("/uploads/token/keep").status_code == 403
    with Database.open_readonly(home / "songs.db") as library:
        assert library.roots() == ["/home/stranger/music"]


def get(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@contextmanager
def serving(home, *options):
    """Run `run.py serve`; yield (its port, the lines that it prints before its address)."""
    command = [sys.executable, str(ROOT / "run.py"), "serve", "--no-browser", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--db", str(home / "songs.db"), *options], stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        said = []
        while "The map is at " not in (line := process.stderr.readline()):
            assert line, said
            said.append(line)
        yield int(line.rsplit(":", 1)[1].split("/")[0]), said
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stderr.close()


def test_a_real_server_reads_nothing_until_its_user_names_the_folder(home):
    with listening() as (url, asked):
        forge(home, "INSERT INTO roots(path, name) VALUES (?, '\x1b]0;stranger\a')", f"{url}/\x1b[2J")
        forge(home, "UPDATE files SET root_id = 2 WHERE song_id = '001.flac'")
        with serving(home) as (port, said):
            assert [get(port, f"/audio/{song}")[0] for song in (SONG, "001.flac")] == [403, 403]
            assert get(port, f"/preview/{SONG}")[0] == 403
        assert asked == []
    assert len(said) == 1
    assert "--audio" in said[0]
    assert "\x1b" not in said[0]
    with serving(home, "--audio", str(home / "music")) as (port, said):
        assert [get(port, f"/audio/{song}")[0] for song in (SONG, "001.flac")] == [200, 403]
    forge(home, "DELETE FROM files WHERE root_id = 2")
    forge(home, "DELETE FROM roots WHERE id = 2")
    # The folder is remembered.
    assert is_confirmed(home / "music")
    with serving(home) as (port, said):
        assert get(port, f"/audio/{SONG}") == (200, (home / "music" / SONG).read_bytes())
    assert said == []
