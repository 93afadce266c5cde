"""Previews and their starts, through real index runs."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
from support import RecordingReporter

from explorer.analysis.library_status import describe_library, library_status
from explorer.audio.playable import preview_path
from explorer.config import ROOT, Settings
from explorer.indexing import make_previews
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.model import ModelRequest
from explorer.util.progress import Reporter

REQUEST = ModelRequest(models_dir=Settings().models, weights="untrained", hop_s=1.0, precision="float32")
RATE_HZ = 16_000
INDEX = [sys.executable, str(ROOT / "run.py"), "index", "--weights", "untrained", "--hop", "1.0", "--no-map"]


def index(database, folder, **options):
    options.setdefault("request", REQUEST)
    options.setdefault("reporter", Reporter())
    return index_folder(IndexRun(database, folder, **options))


def music(seconds, seed=0):
    time_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    rng = np.random.default_rng(seed)
    tone = np.sin(2 * np.pi * 220 * (1 + seed) * time_s) * (1 + np.sin(2 * np.pi * 0.3 * time_s)) / 6
    return tone + rng.normal(0, 0.05, len(time_s)) * np.exp(-30 * (time_s % 0.5))


def start_of(database, song_id):
    return database.file_of(song_id).preview_start_s


def kept(cache):
    return sorted(path.stem for path in cache.glob("*/*.mp3"))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "music").mkdir()
    for number in range(3):
        soundfile.write(tmp_path / "music" / f"{number}.flac", music(3, seed=number), RATE_HZ)
    return tmp_path / "music"


def test_the_preview_of_a_song_with_a_silent_intro_starts_in_the_music(fresh_db, tmp_path):
    (tmp_path / "music").mkdir()
    for name, intro in (
        ("digital.flac", np.zeros(30 * RATE_HZ)),
        ("hiss.flac", np.random.default_rng(5).normal(0, 2e-4, 30 * RATE_HZ)),
    ):
        soundfile.write(tmp_path / "music" / name, np.concatenate([intro, music(30)]), RATE_HZ)
    index(fresh_db, tmp_path / "music", previews=tmp_path / "previews")
    for name in ("digital.flac", "hiss.flac"):
        assert 30.0 <= start_of(fresh_db, name) <= 40.0
        mark = fresh_db.file_of(name).fingerprint
        heard, rate = soundfile.read(preview_path(tmp_path / "previews", mark))
        assert len(heard) / rate == pytest.approx(20.0, abs=0.01)
        levels = np.sqrt(np.square(heard[: 19 * rate].reshape(19, -1)).mean(axis=1))
        assert levels.min() > 0.1 * levels.max()


def test_every_song_has_a_preview_when_the_run_ends(fresh_db, folder, tmp_path):
    summary = index(fresh_db, folder, previews=tmp_path / "previews")
    assert (summary.indexed, summary.previews) == (3, 3)
    fingerprints = sorted(fresh_db.file_of(f"{number}.flac").fingerprint for number in range(3))
    assert kept(tmp_path / "previews") == fingerprints
    assert index(fresh_db, folder, previews=tmp_path / "previews").previews == 0


def test_preview_starts_are_stored_even_without_previews(fresh_db, folder, tmp_path):
    soundfile.write(folder / "long.flac", music(26), RATE_HZ)
    shutil.copy(folder / "long.flac", folder / "zz copy.flac")
    assert index(fresh_db, folder).previews == 0
    assert not (tmp_path / "previews").exists()
    starts = [start_of(fresh_db, f"{name}.flac") for name in ("0", "1", "2", "long", "zz copy")]
    assert starts[:3] == [0.0, 0.0, 0.0]
    assert 0 < starts[3] <= 6
    assert starts[4] == starts[3]
    shutil.move(folder / "long.flac", folder / "moved.flac")
    index(fresh_db, folder)
    assert start_of(fresh_db, "moved.flac") == starts[3]


def test_known_songs_get_missing_previews_without_embedding(fresh_db, folder, tmp_path, monkeypatch):
    index(fresh_db, folder)
    cache = tmp_path / "previews"
    lacking = fresh_db.file_of("1.flac").fingerprint
    index(fresh_db, folder, previews=cache)
    preview_path(cache, lacking).unlink()
    before = {mark: preview_path(cache, mark).stat().st_mtime_ns for mark in kept(cache)}
    summary = index(fresh_db, folder, previews=cache)
    assert (summary.indexed, summary.skipped, summary.previews) == (0, 3, 1)
    assert preview_path(cache, lacking).exists()
    assert {mark: preview_path(cache, mark).stat().st_mtime_ns for mark in before} == before


def test_a_preview_is_made_again_if_its_start_changes(fresh_db, folder, tmp_path):
    cache = tmp_path / "previews"
    index(fresh_db, folder, previews=cache)
    with fresh_db.transaction():
        fresh_db._rows("UPDATE files SET preview_start_s = 1.0 WHERE song_id = '1.flac'")
    again = ModelRequest(**{**vars(REQUEST), "reindex": True})
    assert index(fresh_db, folder, previews=cache, request=again).previews == 1


def test_a_failed_preview_is_reported_and_its_song_stays(fresh_db, folder, tmp_path, monkeypatch):
    write = make_previews.Decoder.write_preview

    def fail_once(decoder, source, **options):
        if source.name == "1.flac":
            raise RuntimeError("no luck")
        write(decoder, source, **options)

    monkeypatch.setattr(make_previews.Decoder, "write_preview", fail_once)
    reporter = RecordingReporter()
    summary = index(fresh_db, folder, previews=tmp_path / "previews", reporter=reporter)
    assert (summary.indexed, summary.failed, summary.previews) == (3, 0, 2)
    assert "No preview: 1.flac cannot be read (RuntimeError: no luck)." in reporter.said


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_files_whose_names_are_not_utf8_become_songs_or_failures(fresh_db, folder, tmp_path):
    shutil.copy(folder / "0.flac", os.fsencode(folder) + b"/caf\xe9.flac")
    (folder / "0.flac").unlink()
    with open(os.fsencode(folder) + b"/bad\xff.mp3", "wb") as broken:  # noqa: PTH123
        broken.write(b"no music " * 100)
    summary = index(fresh_db, folder, previews=tmp_path / "previews")
    assert (summary.indexed, summary.failed, summary.previews) == (3, 1, 3)


def test_status_counts_the_previews(fresh_db, folder):
    settings = Settings(database=fresh_db.path)
    index(fresh_db, folder, previews=settings.previews)
    status = library_status(fresh_db)
    total = sum(path.stat().st_size for path in settings.previews.rglob("*.mp3"))
    assert status["caches"]["previews"] == {"files": 3, "bytes": total}
    assert status["caches"]["transcodes"] == status["caches"]["waveforms"] == {"files": 0, "bytes": 0}
    assert "previews     3 (0." in describe_library(status)


def stored_songs(path):
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        (count,) = connection.execute("SELECT count(*) FROM songs_vectors").fetchone()
        connection.close()
    except sqlite3.OperationalError:
        return 0
    return count


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX's")
def test_after_a_kill_all_previews_are_complete_and_the_next_run_makes_the_rest(tmp_path):
    folder, database = tmp_path / "music", tmp_path / "songs.db"
    folder.mkdir()
    for number in range(10):
        soundfile.write(folder / f"{number}.flac", music(21, seed=number)[:, None].repeat(2, 1), RATE_HZ)
    command = [*INDEX, str(folder), "--db", str(database), "--precision", "float32"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while stored_songs(database) < 4 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    done, cache = stored_songs(database), tmp_path / "previews"
    assert 4 <= done < 10
    for path in cache.glob("*/*.mp3"):
        assert soundfile.info(path).duration == pytest.approx(20.0, abs=0.01)
    last = subprocess.run([*command, "--json"], check=True, capture_output=True, text=True)
    assert json.loads(last.stdout.splitlines()[-1])["indexed"] == 10 - done
    assert len(kept(cache)) == 10


def test_no_previews_are_made_with_the_option_no_previews(tmp_path, folder):
    database = tmp_path / "songs.db"
    command = [*INDEX, str(folder), "--db", str(database)]
    subprocess.run([*command, "--no-previews"], check=True, capture_output=True)
    assert not (tmp_path / "previews").exists()
    subprocess.run(command, check=True, capture_output=True)
    assert len(kept(tmp_path / "previews")) == 3


def test_ctrl_c_stops_the_run_while_it_makes_the_last_previews(fresh_db, folder, tmp_path, monkeypatch):
    finish = make_previews.PreviewMaker.finish

    def finish_after_ctrl_c(maker, *arguments):
        signal.raise_signal(signal.SIGINT)
        finish(maker, *arguments)

    monkeypatch.setattr(make_previews.PreviewMaker, "finish", finish_after_ctrl_c)
    monkeypatch.setattr(make_previews.PreviewMaker, "waiting", 1)
    summary = index(fresh_db, folder, previews=tmp_path / "previews")
    assert summary.interrupted
    assert fresh_db.count_vectors() == 3
