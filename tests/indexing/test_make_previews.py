import os
import sys
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile

from explorer.audio.playable import preview_path
from explorer.config import ROOT
from explorer.indexing import make_previews
from explorer.indexing.make_previews import PreviewMaker, choose_start, count_cores, window_levels

HOP_S = 0.5


def song(count, *, typical):
    """Windows of which the `typical` ones are most like the song, the first the most."""
    frames = np.zeros((count, 512), np.float32)
    for rank, number in enumerate(typical):
        frames[number] = 1 - 0.1 * rank
    return np.arange(count), frames, np.ones(512)


def choose(count, typical, *, levels=None, duration_s=60.0):
    levels = np.full(count, -20.0) if levels is None else levels
    return choose_start(*song(count, typical=typical), levels_db=levels, hop_s=HOP_S, duration_s=duration_s)


def test_a_preview_starts_with_the_most_typical_window():
    assert choose(121, [50, 20]) == 50 * HOP_S - 0.5
    assert choose(121, [1]) == 0.0
    assert choose(121, [0]) == 0.0


def test_a_window_too_near_the_end_is_not_chosen():
    assert choose(121, [100, 20]) == 20 * HOP_S - 0.5
    assert choose(121, [81, 20]) == 20 * HOP_S - 0.5
    assert choose(121, [80, 20]) == 80 * HOP_S - 0.5


def test_a_song_shorter_than_a_preview_starts_at_zero():
    assert choose(21, [15], duration_s=10.0) == 0.0
    assert choose(1, [0], duration_s=0.2) == 0.0


def test_a_silent_window_is_not_chosen():
    levels = np.full(121, -20.0)
    levels[50] = -60.0
    assert choose(121, [50, 20], levels=levels) == 20 * HOP_S - 0.5
    levels[50] = -50.0
    assert choose(121, [50, 20], levels=levels - 5) == 50 * HOP_S - 0.5
    assert choose(121, [50, 20], levels=np.full(121, -200.0)) == 50 * HOP_S - 0.5


def test_the_start_is_right_if_only_every_eighth_window_was_kept():
    numbers, frames, vector = song(121, typical=[48, 20])
    levels = np.full(121, -20.0)
    start_s = choose_start(numbers[::8], frames[::8], vector, levels_db=levels, hop_s=HOP_S, duration_s=60.0)
    assert start_s == 48 * HOP_S - 0.5


def test_the_level_of_a_window_is_that_of_its_quieter_half():
    windows = np.zeros((3, 48_000), np.float32)
    windows[0] = 0.1
    windows[1, 24_000:] = 0.1
    np.testing.assert_allclose(window_levels(windows), [-20, -200, -200], atol=0.01)


@pytest.fixture
def music(tmp_path, make_tone):
    for number in range(4):
        make_tone(tmp_path / "music" / f"{number}.flac", frequency_hz=200 * (number + 1))
    return tmp_path / "music"


def finish(maker):
    advanced = []
    maker.finish(lambda: advanced.append(1), threading.Event())
    return len(advanced)


def test_each_preview_is_made_once(music, tmp_path):
    cache = tmp_path / "previews"
    maker = PreviewMaker(cache, music)
    for number in range(4):
        maker.add(f"{number}.flac", f"{number:032x}", 0.0)
        maker.add(f"{number}.flac", f"{number:032x}", 0.0, replace=True)
    finish(maker)
    assert (maker.made, maker.problems) == (4, [])
    assert all(preview_path(cache, f"{number:032x}").exists() for number in range(4))
    maker = PreviewMaker(cache, music)
    maker.add("0.flac", f"{0:032x}", 0.0)
    maker.add("1.flac", f"{1:032x}", 0.0, replace=True)
    finish(maker)
    assert maker.made == 1


def test_a_failed_preview_is_one_sentence_and_the_others_are_made(music, tmp_path, monkeypatch):
    maker = PreviewMaker(tmp_path / "previews", music)
    maker.add("absent.flac", "aa", 0.0)
    maker.add("0.flac", "bb", 0.0)
    finish(maker)
    assert maker.made == 1
    (problem,) = maker.problems
    assert "absent.flac cannot be read" in problem
    monkeypatch.setattr(make_previews.Decoder, "write_preview", lambda *_, **__: 1 / 0)
    maker = PreviewMaker(tmp_path / "previews", music)
    maker.add("1.flac", "cc", 0.0)
    finish(maker)
    assert maker.problems == ["1.flac cannot be read (ZeroDivisionError: division by zero)."]


def test_after_a_stop_only_begun_previews_are_finished(music, tmp_path, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()

    def slowly(*_, **__):
        begun.set()
        go_on.wait(10)

    monkeypatch.setattr(make_previews.Decoder, "write_preview", slowly)
    monkeypatch.setattr(make_previews, "_thread_count", lambda: 1)
    maker = PreviewMaker(tmp_path / "previews", music)
    for number in range(4):
        maker.add(f"{number}.flac", f"{number:032x}", 0.0)
    begun.wait(10)
    stop = threading.Event()
    stop.set()
    threading.Timer(0.2, go_on.set).start()
    maker.finish(lambda: None, stop)
    assert maker.made == 1


def test_a_preview_that_crashes_its_process_fails_alone(music, tmp_path, monkeypatch, make_tone):
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "tests" / "troubles"))
    make_tone(music / "crash.flac")
    maker = PreviewMaker(tmp_path / "previews", music)
    for name in ("0", "crash", "1", "2"):
        maker.add(f"{name}.flac", f"key{name}", 0.0)
    finish(maker)
    assert (maker.made, maker.problems) == (3, ["crash.flac crashes its decoder (SIGSEGV)."])


@pytest.mark.skipif(sys.platform != "linux", reason="Looks into /proc.")
def test_preview_processes_have_low_priority_and_end(music, tmp_path):
    others = decoding_processes()
    maker = PreviewMaker(tmp_path / "previews", music)
    maker.add("0.flac", "aa", 0.0)
    seen = {}
    while maker.waiting:
        seen.update(dict.fromkeys(set(decoding_processes()).difference(others)))
        for process in seen:
            with suppress(OSError):
                seen[process] = os.getpriority(os.PRIO_PROCESS, process)
    finish(maker)
    assert maker.made == 1
    assert list(seen.values()) == [10]
    assert not set(decoding_processes()).difference(others)


def decoding_processes():
    children = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            if parent == str(os.getpid()) and b"decoder_process" in (entry / "cmdline").read_bytes():
                children.append(int(entry.name))
    return children


def test_files_that_a_killed_program_left_are_deleted(music, tmp_path):
    cache = tmp_path / "previews"
    cache.mkdir()
    old, new = cache / "old.part", cache / "new.part"
    for part in (old, new):
        part.write_bytes(b"half")
    os.utime(old, (0, 0))
    PreviewMaker(cache, music).close()
    assert [path.name for path in cache.iterdir()] == ["new.part"]


def test_a_preview_holds_the_chosen_part(tmp_path, music):
    time = np.arange(44_100 * 40) / 44_100
    sound = np.where(time < 25, 0.2 * np.sin(2 * np.pi * 300 * time), 0.2 * np.sin(2 * np.pi * 2000 * time))
    soundfile.write(music / "long.flac", sound, 44_100)
    maker = PreviewMaker(tmp_path / "previews", music)
    maker.add("long.flac", "dd", 15.0)
    finish(maker)
    heard, rate = soundfile.read(preview_path(tmp_path / "previews", "dd"))
    for begin, frequency in ((8, 300), (12, 2000)):
        part = heard[begin * rate : (begin + 1) * rate]
        assert np.argmax(np.abs(np.fft.rfft(part))) == pytest.approx(frequency, abs=2)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's cores")
@pytest.mark.parametrize(
    ("allowed", "limit", "cores"),
    [(8, "max 100000", 8), (3, "max 100000", 3), (8, "150000 100000", 2), (1, "400000 100000", 1)],
)
def test_only_the_cores_that_may_be_used_count(monkeypatch, tmp_path, allowed, limit, cores):
    (tmp_path / "cpu.max").write_text(limit)
    real_open, real_exists, file = open, os.path.exists, "/sys/fs/cgroup/cpu.max"

    def open_limit(path, *arguments, **options):
        return real_open(tmp_path / "cpu.max" if path == file else path, *arguments, **options)

    monkeypatch.setattr("builtins.open", open_limit)
    monkeypatch.setattr(os.path, "exists", lambda path: path == file or real_exists(path))
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(allowed)))
    assert count_cores() == cores
