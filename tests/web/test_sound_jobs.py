"""Jobs that decode or encode for the page: in other processes, bounded, and nothing else waits for them."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

import av
import mutagen.id3
import numpy as np
import pytest
import soundfile

from explorer.audio.playable import copies_in
from explorer.config import ROOT, Settings
from explorer.database.database import Database
from explorer.database.records import Song
from explorer.errors import AudioError
from explorer.library.music_file import ScannedFile, Tags
from explorer.web.app import create_app
from explorer.web.connections import THREADS
from explorer.web.sound_jobs import _PREVIEW, _SPECTROGRAM, MAX_WAITING_REQUESTS, SoundJobs

RATE_HZ = 44_100
ALL = ("preview/{}", "waveform/{}", "spectrogram/{}", "cover/{}", "audio/{}?copy=flac")
TROUBLES = ROOT / "tests" / "troubles"
"""Makes files named crash, hang or grow do that to the process that opens them."""


def add_song(database, folder, name):
    """Add a file to a library, without decoding it."""
    state = (folder / name).stat()
    file = ScannedFile(name.encode(), state.st_size, state.st_mtime_ns)
    fingerprint = name.encode().hex()[:32].ljust(32, "0")
    with Database.open(database) as library:
        song = Song(file, Tags(name), fingerprint, "wav/float", 2.0, 0.0)
        library.store_song(library.add_root(folder), song, library.vectors()[1][0])


@contextmanager
def serving(database, **environment):
    """Run `run.py serve` on a free port; yield (its address, the process)."""
    command = [sys.executable, str(ROOT / "run.py"), "serve", "--no-browser", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--db", str(database)],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | environment,
    )
    try:
        line = process.stderr.readline()
        assert "The map is at " in line, line + process.stderr.read()
        yield line.split()[4], process
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stderr.close()


def get(url, *, timeout=60):
    """Return an answer's status, headers and text."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def children_of(pid):
    """Return the ids of a process's children that are not zombies."""
    children = set()
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # The process has just ended.
            state, parent = file.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                children.add(int(file.parent.name))
    return children


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not become true"
        time.sleep(0.02)


@pytest.mark.skipif(sys.platform != "linux", reason="Reads /proc.")
def test_a_server_survives_files_that_end_their_decoder_and_a_flood_of_long_jobs(library):
    path, _ = library
    folder = path.parent / "music"
    burst = 0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE_HZ) / RATE_HZ)[:, None] * np.ones((1, 2))
    # `index` accepts this: the average of the channels is silence.
    burst[30_000:33_000] = 1.6e38, -1.6e38
    soundfile.write(folder / "burst.wav", burst.astype(np.float32), RATE_HZ, subtype="FLOAT")
    for name in ("crash.wav", "grow.wav", *(f"hang{number}.wav" for number in range(12))):
        soundfile.write(folder / name, burst.astype(np.float32), RATE_HZ, subtype="FLOAT")
    for file in folder.glob("*.wav"):
        add_song(path, folder, file.name)

    with serving(path, PYTHONPATH=str(TROUBLES)) as (url, server):
        answers = [get(url + route.format("burst.wav")) for route in ALL]
        assert [status for status, *_ in answers] == [200, 200, 200, 204, 200]
        for path in ("preview/crash.wav", "audio/crash.wav?copy=flac", "spectrogram/grow.wav"):
            status, headers, body = get(url + path)
            assert (status, headers.get_content_type()) == (415, "text/plain")
            assert path.partition("/")[2].partition("?")[0] in body.decode()
        assert server.poll() is None

        # Twelve spectrograms that take for ever: a few wait, and the others are refused at once.
        answers = {}

        def ask(number):
            try:
                answers[number] = get(f"{url}spectrogram/hang{number}.wav")
            except OSError as error:
                answers[number] = error  # The server was stopped.

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(answers) == 12 - _SPECTROGRAM.max_waiting)
        assert {status for status, *_ in answers.values()} == {503}
        assert all(int(headers["Retry-After"]) >= 1 for _, headers, _ in answers.values())
        # Meanwhile everything else is answered: also what must be decoded, and what is cached.
        for path in ("", "healthz", "spectrogram/burst.wav", "preview/005.flac", "waveform/005.flac"):
            assert get(url + path)[0] == 200
        assert get(url + "audio/005.flac?copy=flac")[1].get_content_type() == "audio/flac"
        processes = children_of(server.pid)
        assert len(processes) >= 3
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes))
        for thread in threads:
            thread.join(20)


@pytest.mark.parametrize("route", ALL)
def test_nothing_is_decoded_in_the_servers_process(library, sound_jobs, monkeypatch, route):
    def refuse(*_arguments, **_options):
        pytest.fail("A file was decoded in the server's process.")

    monkeypatch.setattr(av, "open", refuse)
    monkeypatch.setattr(soundfile, "SoundFile", refuse)
    monkeypatch.setattr(soundfile, "write", refuse)
    monkeypatch.setattr("explorer.library.covers.tag_blocks", refuse)
    monkeypatch.setattr("explorer.library.tags.tag_blocks", refuse)
    monkeypatch.setattr(mutagen.id3, "ID3", refuse)
    path, ids = library
    client = create_app(Settings(database=path), jobs=sound_jobs).server.test_client()
    assert client.get(route.format(ids[2])).status_code in (200, 204)


@pytest.mark.parametrize("route", ALL)
def test_a_job_ends_with_its_request_if_the_client_has_gone(library, sound_jobs, route):
    path, ids = library
    client = create_app(Settings(database=path), jobs=sound_jobs).server.test_client()
    gone = {"waitress.client_disconnected": lambda: True}
    response = client.get(route.format(ids[2]), environ_overrides=gone)
    assert response.status_code == 503
    assert response.headers["Retry-After"]


def test_a_killed_decoder_leaves_no_temporary_file(tmp_path):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 600 * 22_050).astype(np.float32)
    soundfile.write(tmp_path / "long.wav", noise, 22_050)
    cache, errors = tmp_path / "copies", []
    jobs = SoundJobs()

    def copy():
        with pytest.raises(AudioError, match="crashes its decoder") as error:
            jobs.copy(tmp_path / "long.wav", cache=cache, key="aa")
        errors.append(error)

    thread = threading.Thread(target=copy)
    thread.start()
    wait_until(lambda: any(part.stat().st_size for part in cache.glob("*.part")))
    (decoder,) = jobs._heavy._decoders
    decoder._process.kill()
    thread.join(30)
    assert errors
    assert [path for path in cache.rglob("*") if path.is_file()] == []
    jobs.close()


def test_a_copy_is_made_once_and_a_damaged_picture_in_the_cache_is_made_again(
    tmp_path, make_tone, sound_jobs
):
    source = make_tone(tmp_path / "x.flac")
    copy = sound_jobs.copy(source, cache=tmp_path / "copies", key="ab")
    assert copy == copies_in(tmp_path / "copies").path("ab")
    first = sound_jobs.waveform(source, cache=tmp_path / "waveforms", key="ab")
    (cached,) = [path for path in (tmp_path / "waveforms").rglob("*") if path.is_file()]
    cached.write_bytes(cached.read_bytes()[:100])
    again = sound_jobs.waveform(source, cache=tmp_path / "waveforms", key="ab")
    np.testing.assert_array_equal(again.peaks, first.peaks)
    source.unlink()
    assert sound_jobs.copy(source, cache=tmp_path / "copies", key="ab") == copy
    assert sound_jobs.waveform(source, cache=tmp_path / "waveforms", key="ab").duration_s == 1.5


def test_a_cache_that_cannot_be_written_costs_a_copy_but_no_picture(tmp_path, make_tone, sound_jobs):
    source = make_tone(tmp_path / "x.flac")
    (tmp_path / "file").write_bytes(b"")
    assert sound_jobs.waveform(source, cache=tmp_path / "file", key="ab").peaks.max() == 255
    assert sound_jobs.spectrogram(source, cache=tmp_path / "file", key="ab").levels.max() == 255
    for make in (sound_jobs.copy, lambda *a, **o: sound_jobs.preview(*a, start_s=None, **o)):
        with pytest.raises(AudioError, match=r"x\.flac cannot be written"):
            make(source, cache=tmp_path / "file", key="ab")


def test_old_temporary_files_are_removed_when_the_server_starts(library):
    settings = Settings(database=library[0])
    for cache in settings.caches:
        cache.mkdir(exist_ok=True)
        for name, age_s in (("old.part", 7200), ("new.part", 0)):
            (cache / name).write_bytes(b"half")
            os.utime(cache / name, (time.time() - age_s,) * 2)
    create_app(settings)
    assert {path.name for cache in settings.caches for path in cache.iterdir()} == {"new.part"}


def test_one_page_whose_pointer_moves_over_the_map_is_never_refused():
    """It asks for some previews at once, and drops them for others, whose requests may arrive first."""
    script = (ROOT / "assets" / "sound" / "previews.js").read_text()
    at_once = int(re.search(r"MAX_LOADING = (\d+)", script)[1])
    assert _PREVIEW.max_waiting >= 2 * at_once
    assert MAX_WAITING_REQUESTS < THREADS
