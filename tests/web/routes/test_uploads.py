"""Songs dropped on the map: audio files, embedded by a real process with the model of an indexed library."""

import io
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import soundfile
from flask import Flask
from support import store_library, write_tone

from explorer.audio.decoder import Decoder
from explorer.config import ROOT, Settings
from explorer.database.database import Database
from explorer.errors import EmbeddingError
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
from explorer.web.uploads import queue, upload_folder
from explorer.web.uploads.embed_process import EmbedProcess
from explorer.web.uploads.queue import UploadQueue
from explorer.web.uploads.upload_folder import KEEP_FREE_BYTES

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


def stored(home):
    """Return the uploaded files on the disk."""
    return [path for path in (home / "uploads").rglob("*") if path.is_file() and path.suffix != ".lock"]


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
    assert len(others) <= 5
    assert all(0.2 <= song["similarity"] < 0.99 for song in others)
    assert set(state["places"]) == {"tsne", "umap", "pca"}
    for name, place in state["places"].items():
        assert distance(place, catalogue.positions[name][first["index"]]) < 0.05


def test_an_upload_is_described_played_and_removed_without_entering_the_library(
    client, home, tmp_path, monkeypatch
):
    state = finished(client, drop(client, sound(tmp_path / "x.mp3"), "dir/my song.mp3"))
    assert state["phase"] == "ready"
    assert (state["name"], state["title"], state["artist"]) == ("my song.mp3", "<b>Uploaded</b>", "A & B")
    assert state["genres"] == ["Polka"]
    assert state["duration_s"] == pytest.approx(1.2, abs=0.1)
    assert len(state["neighbours"]) <= 6
    address = f"/uploads/{state['token']}"
    played = client.get(f"{address}/audio", headers={"Range": "bytes=0-9"})
    assert (played.status_code, played.mimetype) == (206, "audio/mpeg")
    assert played.data == (tmp_path / "x.mp3").read_bytes()[:10]
    with monkeypatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=KEEP_FREE_BYTES))
        assert client.get(f"{address}/audio?copy=flac").status_code == 507
        assert client.get(f"{address}/audio").status_code == 200
    copy = client.get(f"{address}/audio?copy=flac", headers={"Range": "bytes=0-3"})
    assert (copy.status_code, copy.mimetype, copy.data) == (206, "audio/flac", b"fLaC")
    with Database.open_readonly(home / "songs.db") as library:
        assert library.count_vectors() == 6
    shutil.rmtree(home / "uploads")  # As a program that tidies up does.
    for path in ("/audio", "/audio?copy=flac"):
        assert client.get(address + path).status_code == 410
    assert client.delete(address).status_code == 204
    for method, path in (("GET", ""), ("GET", "/audio"), ("DELETE", ""), ("POST", "/keep")):
        response = client.open(address + path, method=method)
        assert (response.status_code, response.mimetype) == (404, "text/plain")
    assert stored(home) == []


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
    assert stored(home) == []


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
    assert len(again["neighbours"]) <= 5


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
    wait_until(lambda: isinstance(getattr(uploads.get(first).stop, "__self__", None), EmbedProcess))
    process = uploads.get(first).stop.__self__
    assert client.delete(f"/uploads/{first}").status_code == 204
    assert process.wait(20) == -signal.SIGKILL
    state_of(client, second, "embedding")
    assert client.delete(f"/uploads/{second}").status_code == 204


def test_an_embedding_that_takes_too_long_is_stopped_and_the_next_begins(home, tmp_path):
    client, uploads = routes(home, time_limit=lambda _: 0.6)
    state = finished(client, drop(client, sound(tmp_path / "long.flac", seconds=150.0)))
    assert state["phase"] == "failed"
    assert "took longer than 0.01 minutes" in state["error"]
    uploads._time_limit = lambda _: 300
    content = (home / "music" / "3.flac").read_bytes()
    assert finished(client, drop(client, content))["phase"] == "ready"


def test_uploads_are_removed_after_a_day(home):
    client, uploads = routes(home)
    old, new = (finished(client, drop(client, b"no sound", f"{n}.mp3"))["token"] for n in range(2))
    uploads.get(old).arrived_s -= queue.MAX_AGE_S + 1
    drop(client, b"no sound")
    assert [client.get(f"/uploads/{token}").status_code for token in (old, new)] == [404, 200]
    assert len(stored(home)) == 2


@pytest.fixture
def idle(home, monkeypatch):
    """A test client and its queue, which stores songs but does not analyse them."""
    monkeypatch.setattr(UploadQueue, "_start_threads", lambda _: None)
    return routes(home)


def test_a_new_song_pushes_out_failed_ones_but_no_song_that_has_just_become_ready(idle, home, monkeypatch):
    monkeypatch.setattr(queue, "MAX_UPLOADS", 3)
    client, uploads = idle

    def dropped():
        answer = drop(client, b"sound")
        return uploads.get(answer.get_json()["token"]) if answer.status_code == 202 else answer.status_code

    ready, failed, waiting = (dropped() for _ in range(3))
    ready.finish()
    failed.finish("It is damaged.")
    newest = dropped()
    assert set(uploads._uploads.values()) == {ready, waiting, newest}
    assert dropped() == 429
    ready.finished_s -= queue.MIN_READY_S + 1
    with ready.lock:  # It is being added to the library.
        assert dropped() == 429
    assert uploads.get(dropped().token)
    assert ready not in uploads._uploads.values()
    assert len(stored(home)) == 3


def test_sixty_songs_at_once_get_twenty_places(idle, home):
    """Every body waits until all sixty requests have either a place or an answer."""
    client, uploads = idle
    arrived, go = threading.Semaphore(0), threading.Event()

    class Body(io.BytesIO):
        def readinto(self, buffer):
            if not self.tell():
                arrived.release()
                assert go.wait(PATIENCE_S)
            return super().readinto(buffer)

    def send(_):
        body = {"wsgi.input": Body(b"sound"), "wsgi.input_terminated": True}
        one = client.application.test_client()
        answer = one.post("/uploads?name=a.mp3", headers=RAW, environ_overrides=body)
        if answer.status_code != 202:
            arrived.release()
        return answer.status_code

    with ThreadPoolExecutor(60) as pool:
        answers = pool.map(send, range(60))
        for _ in range(60):
            assert arrived.acquire(timeout=PATIENCE_S)
        go.set()
        statuses = Counter(answers)
    assert statuses == {202: 20, 429: 40}
    assert len(stored(home)) == len(uploads._uploads) == 20


def test_a_place_is_free_again_when_a_song_cannot_be_stored(idle, home, monkeypatch):
    monkeypatch.setattr(queue, "MAX_UPLOADS", 1)
    client, _ = idle

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(upload_folder, "_write", full)
        response = drop(client, b"abc", "x.mp3")
    assert (response.status_code, "No space left on device" in response.text) == (507, True)
    assert drop(client, b"").status_code == 400
    assert stored(home) == []
    assert drop(client, b"abc").status_code == 202


def test_a_disk_that_is_nearly_full_gets_no_song(idle, home, monkeypatch):
    client, _ = idle
    content = bytes(1_000_000)
    for free, status in ((KEEP_FREE_BYTES + 999_999, 507), (KEEP_FREE_BYTES + 1_000_000, 202)):
        monkeypatch.setattr("shutil.disk_usage", lambda _, free=free: SimpleNamespace(free=free))
        assert drop(client, content).status_code == status


class FakeProcess:
    """Stands for an embedding process: it runs until it is stopped."""

    begun: ClassVar[list] = []

    def __init__(self, file, _database, *, limit_s, niceness):
        self.name, self.limit_s, self.niceness = file.name, limit_s, niceness
        self.is_stopped = threading.Event()
        FakeProcess.begun.append(self)

    def kill(self):
        self.is_stopped.set()

    def embed(self, _report):
        assert self.is_stopped.wait(PATIENCE_S)
        raise EmbeddingError("It was stopped.")


@pytest.fixture
def fake_process(monkeypatch):
    monkeypatch.setattr(queue, "EmbedProcess", FakeProcess)
    monkeypatch.setattr(FakeProcess, "begun", [])


def silence(path, seconds, *, claimed_s=None):
    """Return a FLAC file of silence whose header may claim another duration."""
    soundfile.write(path, np.zeros(int(seconds * 8000), np.int16), 8000)
    data = bytearray(path.read_bytes())
    if claimed_s is not None:
        data[22:26] = (claimed_s * 8000).to_bytes(4, "big")  # The low 32 of 36 bits of STREAMINFO.
    return bytes(data)


@pytest.mark.parametrize("claimed_s", [None, 1])
def test_a_song_of_more_than_an_hour_is_refused_and_never_embedded(home, tmp_path, fake_process, claimed_s):
    client, _ = routes(home)
    content = silence(tmp_path / "x.flac", 2 * 3600, claimed_s=claimed_s)
    assert len(content) < 500_000
    state = finished(client, drop(client, content))
    assert (state["phase"], "longer than an hour" in state["error"]) == ("failed", True)
    assert FakeProcess.begun == []


def test_long_songs_wait_in_a_line_of_their_own(home, tmp_path, fake_process, monkeypatch):
    """A short song whose header claims a day, and long songs whose headers claim a second."""
    monkeypatch.setattr(queue, "MAX_LONG", 2)
    client, _ = routes(home)
    long = silence(tmp_path / "x.flac", 660, claimed_s=1)
    short = silence(tmp_path / "x.flac", 2, claimed_s=86_400)
    tokens = {}
    for name, content in (("a", long), ("b", long), ("c", long), ("d", short), ("e", short)):
        tokens[name] = drop(client, content, f"{name}.flac").get_json()["token"]

    def state(name, *phases):
        return state_of(client, tokens[name], *phases)

    assert "2 long songs" in state("c", "failed")["error"]
    for name in ("a", "d"):
        state(name, "embedding")
        wait_until(lambda name=name: f"{name}.flac" in [process.name for process in FakeProcess.begun])
    assert (state("b", "waiting")["ahead"], state("e", "waiting")["ahead"]) == (1, 1)
    limits = {process.name: process.limit_s for process in FakeProcess.begun}
    assert limits == {"a.flac": pytest.approx(630), "d.flac": pytest.approx(301)}
    client.delete(f"/uploads/{tokens['d']}")
    wait_until(lambda: FakeProcess.begun[-1].name == "e.flac")
    assert [process.name for process in FakeProcess.begun if process.niceness] == ["a.flac"]
    for name in "abe":
        client.delete(f"/uploads/{tokens[name]}")


def wait_until(is_true):
    until = time.monotonic() + PATIENCE_S
    while not is_true():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.skipif(os.name != "posix", reason="SIGSTOP")
def test_removing_a_song_ends_a_decoder_that_hangs_on_it(home, monkeypatch):
    """The first process to read a song hangs; the next one does not."""
    client, _ = routes(home)
    read_tags, frozen = Decoder.tags, []

    def tags(decoder, path):
        if not frozen:
            frozen.append(decoder._ready_process(path))
            frozen[0].send_signal(signal.SIGSTOP)
        return read_tags(decoder, path)

    monkeypatch.setattr(Decoder, "tags", tags)
    first, second = (drop(client, b"no sound", f"{name}.mp3") for name in "ab")
    wait_until(lambda: frozen)
    assert client.delete(f"/uploads/{first.get_json()['token']}").status_code == 204
    assert frozen[0].wait(PATIENCE_S) == -signal.SIGKILL
    assert finished(client, second)["phase"] == "failed"


def test_folders_of_killed_servers_are_removed_and_those_of_running_ones_are_not(idle, home):
    client, _ = idle
    drop(client, b"sound")
    (running,) = stored(home)
    killed = home / "uploads" / f"{upload_folder._PREFIX}0123"
    (killed / "token").mkdir(parents=True)
    (killed / "token" / "a.mp3").touch()
    killed.with_name(f"{killed.name}.lock").touch()
    other = home / "uploads" / "other"
    other.mkdir()
    routes(home)
    assert stored(home) == [running]
    assert {path.name for path in (home / "uploads").iterdir()} == {
        running.parents[1].name,
        f"{running.parents[1].name}.lock",
        "other",
    }


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
