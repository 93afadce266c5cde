import shutil
import threading

import numpy as np
import pytest

from explorer.audio.decoder import DecoderError
from explorer.config import ROOT
from explorer.indexing import decode_ahead as decode_module
from explorer.indexing.batches import Decoded, Undecoded
from explorer.indexing.decode_ahead import DecodeAhead, decoding_threads
from explorer.indexing.outcomes import Failed, Known
from explorer.library.scanning import scan_folder


@pytest.fixture
def music(tmp_path, make_tone):
    folder = tmp_path / "music"
    for number in range(7):
        make_tone(folder / f"{number}.flac", frequency_hz=100 * (number + 1), seconds=0.5 + 0.6 * number)
    (folder / "broken.mp3").write_bytes(b"no music " * 100)
    return folder


def decode(folder, *, threads=1, batch_size=4, prepare=np.copy, known=frozenset()):
    files = list(scan_folder(folder))
    decode_ahead = DecodeAhead(
        folder,
        files,
        prepare=prepare,
        hop_s=0.5,
        batch_size=batch_size,
        known=set(known),
        threads=threads,
    )
    return files, decode_ahead


def collect(folder, **options):
    """Return each file's windows, put together again, and how it ended."""
    files, decode_ahead = decode(folder, **options)
    parts_of, endings = {}, {}
    for batch in decode_ahead.batches():
        for number, start, stop in batch.parts:
            assert number not in endings
            parts_of.setdefault(files[number].text, []).append(batch.inputs[start:stop])
        endings.update({ending.number: ending for ending in batch.endings})
    windows = {name: np.concatenate(parts) for name, parts in parts_of.items()}
    return windows, {files[number].text: ending for number, ending in endings.items()}


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("batch_size", [1, 4, 64])
def test_every_song_is_complete_with_any_number_of_threads(music, threads, batch_size):
    windows, endings = collect(music, threads=threads, batch_size=batch_size)
    expected, _ = collect(music)
    assert {name: len(rows) for name, rows in windows.items()} == {
        f"{number}.flac": 1 + int(np.ceil(max(0, 0.6 * number) / 0.5)) for number in range(7)
    }
    for name, rows in windows.items():
        np.testing.assert_array_equal(rows, expected[name])
    assert isinstance(endings.pop("broken.mp3").outcome, Failed)
    assert all(isinstance(ending, Decoded) for ending in endings.values())
    assert endings["3.flac"].song.duration_s == pytest.approx(2.3, abs=1e-3)


def test_a_copy_ends_after_its_original(music):
    shutil.copy(music / "0.flac", music / "9.flac")
    _, endings = collect(music)
    assert list(endings).index("0.flac") < list(endings).index("9.flac")
    assert isinstance(endings["9.flac"].outcome, Known)


def test_a_song_whose_log_mel_fails_fails_alone(music):
    def prepare(windows):
        if len(windows) == 4:
            raise ValueError("four")
        return windows

    _, endings = collect(music, prepare=prepare)
    failed = {
        name: ending.outcome.reason for name, ending in endings.items() if isinstance(ending, Undecoded)
    }
    assert set(failed) == {"broken.mp3", "2.flac"}
    assert failed["2.flac"] == "2.flac cannot be read (ValueError: four)."


def test_a_song_that_crashes_its_decoder_fails_alone(music, monkeypatch, make_tone):
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "tests" / "troubles"))
    make_tone(music / "crash.flac")
    windows, endings = collect(music)
    failed = {
        name: ending.outcome.reason for name, ending in endings.items() if isinstance(ending, Undecoded)
    }
    assert set(failed) == {"broken.mp3", "crash.flac"}
    assert failed["crash.flac"] == "crash.flac crashes its decoder (SIGSEGV)."
    assert len(windows) == 7


@pytest.mark.parametrize("threads", [1, 3])
def test_if_no_decoder_can_start_the_run_fails_and_no_file(music, monkeypatch, tmp_path, threads):
    (tmp_path / "sitecustomize.py").write_text("import os\nos._exit(3)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    _, decode_ahead = decode(music, threads=threads)
    with pytest.raises(DecoderError, match="can be started"):
        list(decode_ahead.batches())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decoding")]


def test_threads_end_when_the_reader_stops(music):
    _, decode_ahead = decode(music, threads=3, batch_size=1)
    batches = decode_ahead.batches()
    next(batches)
    batches.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decoding")]


def test_decoding_waits_when_the_queue_is_full(music, monkeypatch):
    monkeypatch.setattr(decode_module, "QUEUED_WINDOWS", 2)
    prepared = []

    def prepare(windows):
        prepared.append(len(windows))
        return windows

    _, decode_ahead = decode(music, batch_size=1, prepare=prepare)
    batches = decode_ahead.batches()
    next(batches)
    # Two in the queue, one taken, and one song's windows in the hand of the thread that waits.
    for _ in range(200):
        if len(prepared) > 4:
            break
        threading.Event().wait(0.005)
    assert len(prepared) <= 4
    batches.close()


@pytest.mark.parametrize(
    ("cores", "full", "first_look"),
    [(1, 1, 1), (2, 1, 2), (3, 1, 3), (4, 2, 4), (8, 3, 8), (16, 6, 16), (32, 11, 16), (200, 16, 16)],
)
def test_a_third_of_the_cores_decode_and_all_of_them_in_a_first_look(cores, full, first_look):
    assert decoding_threads(cores=cores) == full
    assert decoding_threads(first_look=True, cores=cores) == first_look


def test_the_cores_are_those_that_may_be_used(monkeypatch):
    monkeypatch.setattr(decode_module, "count_cores", lambda: 12)
    assert decoding_threads() == 4
