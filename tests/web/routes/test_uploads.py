"""Songs dropped on the map: audio files, embedded by a real process with the model of an indexed library."""

import io
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from flask import Flask
from support import store_library, write_tone

from explorer.config import ROOT, Settings
from explorer.database.database import Database
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.make_map import make_map
from explorer.indexing.model import ModelRequest
from explorer.library.genres import DROPPED_FOLDER
from explorer.util.progress import Reporter
from explorer.web.app import create_app
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.routes.uploads import make_uploads_blueprint
from explorer.web.security import MAX_UPLOAD_BYTES, RefusedError
from explorer.web.sound_jobs import SoundJobs
from explorer.web.uploads import queue
from explorer.web.uploads.queue import UploadQueue

RAW = {"Content-Type": "application/octet-stream"}
TAGS = {"title": "<b>Uploaded</b>", "artist": "A & B", "genre": "Polka"}


@pytest.fixture(scope="module")
def indexed(tmp_path_factory):
    """A library of six songs, indexed and mapped: its folder."""
    folder = tmp_path_factory.mktemp("indexed")
    rng = np.random.default_rng(0)
    for number in range(6):
        path = write_tone(folder / "music" / f"{number}.flac", frequency_hz=110 * 2**number, seconds=1.2)
        if number % 2:
            soundfile.write(path, 0.2 * rng.normal(size=52_920) / (number + 1), 44_100)
    index(folder)
    return folder


def index(folder):
    """Index a folder's music and make its map; return the index's summary."""
    request = ModelRequest(Settings().models, weights="untrained", hop_s=1.0, precision="float32")
    with Database.open(folder / "songs.db") as library:
        summary = index_folder(IndexRun(library, folder / "music", request=request, reporter=Reporter()))
        make_map(library, reporter=Reporter())
    return summary


@pytest.fixture
def home(indexed, tmp_path):
    """A copy of the library that a test may change: its folder."""
    shutil.copytree(indexed, tmp_path / "home")
    with Database.open(tmp_path / "home" / "songs.db") as library, library.transaction():
        library._rows("UPDATE roots SET path = ?", (str(tmp_path / "home" / "music"),))
    return tmp_path / "home"


@pytest.fixture
def client(home):
    return create_app(Settings(database=home / "songs.db")).server.test_client()


def drop(client, content, name="song.flac"):
    """Drop a song's bytes on the map."""
    return client.post("/uploads", query_string={"name": name}, data=content, headers=RAW)


PATIENCE_S = 120


def finished(client, response):
    """Wait until an upload is ready or failed; return its state."""
    assert response.status_code == 202, response.text
    return state_of(client, response.get_json()["token"], "ready", "failed")


def state_of(client, token, *phases):
    """Wait until an upload is in one of these phases; return its state."""
    until = time.monotonic() + PATIENCE_S
    while (state := client.get(f"/uploads/{token}").get_json())["phase"] not in phases:
        assert time.monotonic() < until, state
        time.sleep(0.02)
    return state


def sound(path, frequency_hz=300.0, seconds=1.2, tags=TAGS):
    return write_tone(path, frequency_hz=frequency_hz, seconds=seconds, tags=tags).read_bytes()


def distance(one, other):
    return float(np.linalg.norm(np.subtract(one, other)))


def test_a_copy_of_a_song_is_placed_beside_it_on_every_map(client, home):
    catalogue = CatalogueHolder(home / "songs.db").latest()
    state = finished(client, drop(client, (home / "music" / "3.flac").read_bytes()))
    assert (state["phase"], state["error"], state["revision"]) == ("ready", "", catalogue.revision)
    first, *others = state["neighbours"]
    assert catalogue.song_ids[first["index"]] == "3.flac"
    assert first["similarity"] == pytest.approx(1, abs=1e-4)
    assert len(others) == 5
    assert max(song["similarity"] for song in others) < 0.99
    assert set(state["places"]) == {"tsne", "umap", "pca"}
    for name, place in state["places"].items():
        assert distance(place, catalogue.positions[name][first["index"]]) < 0.05


def test_an_upload_is_described_played_and_removed_without_entering_the_library(client, home, tmp_path):
    state = finished(client, drop(client, sound(tmp_path / "x.mp3"), "dir/my song.mp3"))
    assert state["phase"] == "ready"
    assert (state["name"], state["title"], state["artist"]) == ("my song.mp3", "<b>Uploaded</b>", "A & B")
    assert state["genres"] == ["Polka"]
    assert state["duration_s"] == pytest.approx(1.2, abs=0.1)
    assert len(state["neighbours"]) == 6
    address = f"/uploads/{state['token']}"
    played = client.get(f"{address}/audio", headers={"Range": "bytes=0-9"})
    assert (played.status_code, played.mimetype) == (206, "audio/mpeg")
    assert played.data == (tmp_path / "x.mp3").read_bytes()[:10]
    copy = client.get(f"{address}/audio?copy=flac", headers={"Range": "bytes=0-3"})
    assert (copy.status_code, copy.mimetype, copy.data) == (206, "audio/flac", b"fLaC")
    with Database.open_readonly(home / "songs.db") as library:
        assert library.count_vectors() == 6
    assert client.delete(address).status_code == 204
    for method, path in (("GET", ""), ("GET", "/audio"), ("DELETE", ""), ("POST", "/keep")):
        response = client.open(address + path, method=method)
        assert (response.status_code, response.mimetype) == (404, "text/plain")
    assert [path for path in (home / "uploads").rglob("*") if path.is_file()] == []


def test_an_upload_that_browsers_cannot_play_is_streamed_as_flac(client, tmp_path):
    state = finished(client, drop(client, sound(tmp_path / "x.aiff", tags=None), "x.aiff"))
    assert state["phase"] == "ready"
    assert state["title"] == "x"
    played = client.get(f"/uploads/{state['token']}/audio", headers={"Range": "bytes=0-3"})
    assert (played.status_code, played.mimetype, played.data) == (206, "audio/flac", b"fLaC")


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("text", "x.mp3 is not audio that can be decoded"),
        ("short", "x.flac is too short (0.05 s)"),
        ("damaged", "x.flac"),
        ("empty", "x.wav cannot be embedded: The sound holds no sample"),
    ],
)
def test_an_upload_that_cannot_be_embedded_says_why(client, tmp_path, kind, sentence):
    name = {"text": "x.mp3", "empty": "x.wav"}.get(kind, "x.flac")
    content = b"just some words, over and over again\n" * 200
    if kind != "text":
        content = sound(tmp_path / name, seconds=0.05 if kind == "short" else 20.0, tags=None)
    if kind == "damaged":
        content = content[:60] + np.random.default_rng(1).bytes(3000)
    if kind == "empty":
        soundfile.write(tmp_path / name, np.zeros(0), 44_100)
        content = (tmp_path / name).read_bytes()
    state = finished(client, drop(client, content, name))
    assert state["phase"] == "failed"
    assert state["error"].startswith(sentence)
    assert state["error"].endswith(".")
    assert "Traceback" not in state["error"]
    assert state["neighbours"] == []
    address = f"/uploads/{state['token']}"
    assert client.post(f"{address}/keep").status_code == 409
    assert client.get(f"{address}/audio").status_code == 409


def test_an_invalid_upload_is_refused_at_once(client):
    empty = drop(client, b"", "nothing.mp3")
    assert (empty.status_code, empty.text) == (400, "nothing.mp3 is empty.")
    for headers in ({}, {"Content-Type": "multipart/form-data"}, {"Content-Type": "text/plain"}):
        response = client.post("/uploads?name=a.mp3", data=b"abc", headers=headers)
        assert (response.status_code, response.mimetype) == (415, "text/plain")
    large = drop(client, bytes(60_000_000))
    assert large.status_code == 413
    assert "50 MB" in large.text


def test_a_body_longer_than_announced_is_refused(home):
    settings = Settings(database=home / "songs.db")
    uploads = UploadQueue(settings, CatalogueHolder(settings.database), SoundJobs())
    with pytest.raises(RefusedError, match="too large") as refused:
        uploads.add("x.mp3", io.BytesIO(bytes(MAX_UPLOAD_BYTES + 1)))
    assert refused.value.status == 413
    assert [path for path in (home / "uploads").rglob("*") if path.is_file()] == []


def test_an_upload_is_refused_without_a_map(tmp_path):
    absent = create_app(Settings(database=tmp_path / "absent.db")).server.test_client()
    assert drop(absent, b"abc").status_code == 409
    store_library(tmp_path / "songs.db", tmp_path / "music")
    with Database.open(tmp_path / "songs.db") as library, library.transaction():
        library._rows("DELETE FROM projections")
    unmapped = create_app(Settings(database=tmp_path / "songs.db")).server.test_client()
    response = drop(unmapped, b"abc")
    assert response.status_code == 409
    assert "index your music first" in response.text


def test_missing_weights_are_reported_with_the_message_of_embed(tmp_path):
    """This library was made with weights that this machine does not have."""
    store_library(tmp_path / "songs.db", tmp_path / "music")
    client = create_app(Settings(database=tmp_path / "songs.db")).server.test_client()
    state = finished(client, drop(client, (tmp_path / "music" / "000.flac").read_bytes()))
    assert state["phase"] == "failed"
    assert state["error"].startswith("This library was made with untrained weights 00000000")


def test_a_kept_song_is_stored_as_index_would_store_it(client, home, tmp_path):
    content = sound(tmp_path / "x.flac")
    state = finished(client, drop(client, content, "../../../etc/CON\x00 new:?.flac"))
    kept = client.post(f"/uploads/{state['token']}/keep")
    assert kept.status_code == 200
    song_id = kept.get_json()["song_id"]
    assert song_id == f"{DROPPED_FOLDER}/CON new__.flac"
    assert (home / "music" / song_id).read_bytes() == content
    assert client.post(f"/uploads/{state['token']}/keep").get_json() == {"song_id": song_id}
    assert client.get(f"/uploads/{state['token']}").get_json()["song_id"] == song_id
    summary = index(home)
    assert (summary.indexed, summary.skipped, summary.failed) == (0, 7, 0)
    reference = tmp_path / "reference"
    (reference / "music" / DROPPED_FOLDER).mkdir(parents=True)
    shutil.copy2(home / "music" / song_id, reference / "music" / song_id)
    assert index(reference).indexed == 1
    with Database.open(home / "songs.db") as mine, Database.open(reference / "songs.db") as other:
        (stored, expected) = (library.song(song_id) for library in (mine, other))
        assert stored == expected
        (stored, expected) = (library.file_of(song_id) for library in (mine, other))
        assert (stored.format, stored.fingerprint) == (expected.format, expected.fingerprint)
        assert np.allclose(mine.vector(song_id), other.vector(song_id), atol=1e-4)
        assert mine.failures() == []


def test_a_song_that_is_in_the_library_is_not_copied_again(client, home):
    state = finished(client, drop(client, (home / "music" / "2.flac").read_bytes(), "again.flac"))
    assert client.post(f"/uploads/{state['token']}/keep").get_json() == {"song_id": "2.flac"}
    assert not (home / "music" / DROPPED_FOLDER).exists()


def test_neighbours_are_those_of_the_map_that_the_page_shows(client, home):
    content = (home / "music" / "3.flac").read_bytes()
    state = finished(client, drop(client, content))
    with Database.open(home / "songs.db") as library, library.transaction():
        library._rows("DELETE FROM songs WHERE id = '0.flac'")
    with Database.open(home / "songs.db") as library:
        make_map(library, reporter=Reporter())
    assert client.get("/_dash-layout").status_code == 200  # As when the page is reloaded.
    again = client.get(f"/uploads/{state['token']}").get_json()
    assert again["revision"] == state["revision"] + 1
    assert [song["index"] for song in again["neighbours"]][:1] == [2]
    assert len(again["neighbours"]) == 5


def test_uploads_are_embedded_again_when_the_library_has_another_model(client, home):
    state = finished(client, drop(client, (home / "music" / "3.flac").read_bytes()))
    request = ModelRequest(
        Settings().models, weights="untrained", hop_s=0.5, precision="float32", reindex=True
    )
    with Database.open(home / "songs.db") as library:
        index_folder(IndexRun(library, home / "music", request=request, reporter=Reporter()))
        for _ in range(state["revision"] + 1):
            make_map(library, reporter=Reporter())
    client.get("/_dash-layout")
    assert client.get(f"/uploads/{state['token']}").get_json()["phase"] == "waiting"
    again = state_of(client, state["token"], "ready", "failed")
    assert again["phase"] == "ready"
    assert again["neighbours"][0]["index"] == 3
    assert again["neighbours"][0]["similarity"] == pytest.approx(1, abs=1e-4)


def routes(home, **options):
    """Return a test client with only these routes, and the queue."""
    settings = Settings(database=home / "songs.db")
    jobs = SoundJobs()
    uploads = UploadQueue(settings, CatalogueHolder(settings.database), jobs, **options)
    app = Flask("uploads")
    app.register_blueprint(make_uploads_blueprint(uploads, jobs))
    return app.test_client(), uploads


def test_uploads_are_embedded_one_at_a_time_and_removing_one_stops_it(home, tmp_path):
    client, uploads = routes(home)
    content = sound(tmp_path / "long.flac", seconds=150.0)
    first, second = (drop(client, content, f"{name}.flac").get_json()["token"] for name in "ab")
    state_of(client, first, "embedding")
    assert client.get(f"/uploads/{second}").get_json()["phase"] == "waiting"
    process = uploads.get(first).process
    assert client.delete(f"/uploads/{first}").status_code == 204
    assert process.wait(20) == -signal.SIGKILL
    state_of(client, second, "embedding")
    assert client.delete(f"/uploads/{second}").status_code == 204


def test_an_embedding_that_takes_too_long_is_stopped_and_the_next_begins(home, tmp_path):
    client, uploads = routes(home, limit_s=0.6)
    state = finished(client, drop(client, sound(tmp_path / "long.flac", seconds=150.0)))
    assert state["phase"] == "failed"
    assert "took longer than 0.01 minutes" in state["error"]
    uploads._limit_s = 300
    content = (home / "music" / "3.flac").read_bytes()
    assert finished(client, drop(client, content))["phase"] == "ready"


def test_the_oldest_uploads_are_removed_when_there_are_too_many_or_after_a_day(home, monkeypatch):
    monkeypatch.setattr(queue, "MAX_UPLOADS", 3)
    client, uploads = routes(home)
    tokens = [finished(client, drop(client, b"no sound", f"{n}.mp3"))["token"] for n in range(4)]
    assert client.get(f"/uploads/{tokens[0]}").status_code == 404
    assert client.get(f"/uploads/{tokens[1]}").status_code == 200
    uploads.get(tokens[2]).arrived_s -= queue.MAX_AGE_S + 1
    last = finished(client, drop(client, b"no sound", "last.mp3"))["token"]
    left = [token for token in (*tokens, last) if client.get(f"/uploads/{token}").status_code == 200]
    assert left == [tokens[1], tokens[3], last]
    assert len(list((home / "uploads").rglob("*.mp3"))) == 3


def test_uploads_are_refused_while_too_many_wait(home, monkeypatch, tmp_path):
    monkeypatch.setattr(queue, "MAX_UPLOADS", 2)
    client, _ = routes(home)
    content = sound(tmp_path / "long.flac", seconds=150.0)
    tokens = [drop(client, content).get_json()["token"] for _ in range(2)]
    assert drop(client, content).status_code == 429
    for token in tokens:
        client.delete(f"/uploads/{token}")


def test_old_folders_of_earlier_servers_are_removed(home):
    old, new = home / "uploads" / "old", home / "uploads" / "new"
    for folder in (old, new):
        (folder / "token").mkdir(parents=True)
        (folder / "token" / "a.mp3").touch()
    os.utime(old, (time.time() - queue.MAX_AGE_S - 60,) * 2)
    client, _ = routes(home)
    drop(client, b"no sound")
    assert not old.exists()
    assert (new / "token" / "a.mp3").exists()


def test_a_full_disk_is_answered_with_a_sentence(home, monkeypatch):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(queue, "_receive", full)
    client, _ = routes(home)
    response = drop(client, b"abc", "x.mp3")
    assert response.status_code == 507
    assert "No space left on device" in response.text


def test_embed_like_library_uses_the_librarys_model_and_refuses_another(home, tmp_path):
    def embed(*options):
        command = [sys.executable, "-m", "explorer", "embed", str(home / "music" / "3.flac")]
        command += ["--out", str(tmp_path / "x.npz"), "--db", str(home / "songs.db"), "--like-library"]
        return subprocess.run([*command, *options], capture_output=True, text=True, check=False, cwd=ROOT)

    assert embed().returncode == 0
    with np.load(tmp_path / "x.npz") as arrays, Database.open_readonly(home / "songs.db") as library:
        assert arrays["embedding"].shape == (2, 512)
        assert np.allclose(arrays["pooled"], library.vector("3.flac"), atol=1e-4)
    other = embed("--hop", "0.5")
    assert other.returncode == 1
    assert "This library was made with" in other.stderr
    nowhere = embed("--db", str(Path(tmp_path) / "absent.db"))
    assert (nowhere.returncode, "There is no library" in nowhere.stderr) == (1, True)
