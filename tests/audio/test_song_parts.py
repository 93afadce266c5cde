"""Tracks of a cue sheet: exact samples of a long file, found by seeking."""

import numpy as np
import pytest
import soundfile

from explorer.audio import song_parts
from explorer.audio.decoding import open_audio
from explorer.audio.previews import write_preview
from explorer.audio.song_parts import Cutter, open_part
from explorer.audio.spectrogram import spectrogram
from explorer.audio.transcoding import write_copy
from explorer.audio.waveform import measure_waveform
from explorer.errors import AudioError
from explorer.library.music_file import WHOLE, Part

RATE_HZ = 44_100
NOISE = np.random.default_rng(3).integers(-9000, 9000, (RATE_HZ * 30, 2)).astype(np.int16)


def staircase(seconds=30):
    """Return a tone that rises by 40 Hz each second, from 200 Hz, so that its pitch identifies the second."""
    time = np.arange(RATE_HZ) / RATE_HZ
    return np.concatenate([0.4 * np.sin(2 * np.pi * (200 + 40 * s) * time) for s in range(seconds)])


def seconds_heard(samples):
    """Return for each second of mono samples which second of the staircase it is."""
    numbers = []
    for begin in range(0, len(samples) - RATE_HZ + 1, RATE_HZ):
        middle = samples[begin + RATE_HZ // 4 : begin + 3 * RATE_HZ // 4]
        peak = np.argmax(np.abs(np.fft.rfft(middle * np.hanning(len(middle)))))
        numbers.append(round((peak * 2 - 200) / 40))
    return numbers


def decode(path, part):
    stream = open_part(path, part)
    return np.concatenate([np.empty((0, stream.channels), np.float32), *stream.blocks()]), stream


@pytest.mark.parametrize("block_size", [1, 3, 7, 100])
def test_blocks_are_cut_at_any_samples(block_size):
    sound = np.arange(50)
    cutter = Cutter(sound[n : n + block_size] for n in range(0, 50, block_size))
    parts = [np.concatenate([*cutter.take(*ends), []]) for ends in ((3, 10), (10, 11), (20, 40), (40, None))]
    assert [part.tolist() for part in parts] == [
        list(range(3, 10)),
        [10],
        list(range(20, 40)),
        list(range(40, 50)),
    ]
    assert list(cutter.take(50, 60)) == []


@pytest.mark.parametrize("suffix", [".flac", ".wav"])
@pytest.mark.parametrize(
    "part", [Part(1, 0.0, 7.04), Part(2, 7.04, 18 + 37 / 75), Part(3, 18 + 37 / 75, None), WHOLE]
)
def test_a_part_of_a_lossless_file_has_exactly_its_samples(tmp_path, suffix, part):
    path = tmp_path / f"a{suffix}"
    soundfile.write(path, NOISE, RATE_HZ, subtype="PCM_16")
    begin, end = part.samples(RATE_HZ)
    samples, stream = decode(path, part)
    np.testing.assert_array_equal(samples * 32768, NOISE[begin:end])
    assert stream.duration_s == pytest.approx(len(NOISE[begin:end]) / RATE_HZ)


@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".ogg", ".m4a"])
def test_a_part_is_found_by_seeking(tmp_path, make_sound, suffix, monkeypatch):
    source = make_sound(tmp_path / f"stairs{suffix}", staircase())
    opened = []

    def open_and_record(path, **options):
        opened.append(options)
        return open_audio(path, **options)

    monkeypatch.setattr(song_parts, "open_audio", open_and_record)
    samples, _ = decode(source, Part(4, 20.0, 24.0))
    assert len(samples) == 4 * RATE_HZ
    assert seconds_heard(samples.mean(axis=1)) == [20, 21, 22, 23]
    assert opened == [{"start_s": 20.0}]


def test_an_exact_part_has_the_samples_that_an_index_run_embeds(tmp_path, make_sound):
    # After seeking, FFmpeg gives the frames of a WMA file the wrong times.
    source = make_sound(tmp_path / "stairs.wma", staircase(6))
    whole = np.concatenate([*open_audio(source).blocks()])
    part = Part(2, 2.5, 5.0)
    begin, end = part.samples(RATE_HZ)
    exact = np.concatenate([*open_part(source, part, exact=True).blocks()])
    np.testing.assert_array_equal(exact, whole[begin:end])


@pytest.mark.parametrize("fails_late", [False, True])
def test_a_file_that_cannot_seek_is_decoded_from_the_beginning(tmp_path, make_sound, monkeypatch, fails_late):
    source = make_sound(tmp_path / "stairs.wav", staircase())

    def cannot_seek(path, *, start_s=0.0):
        stream = open_audio(path)
        if start_s and not fails_late:
            raise AudioError("no")
        if start_s:
            stream.blocks = lambda: iter(())
        return stream

    monkeypatch.setattr(song_parts, "open_audio", cannot_seek)
    samples, _ = decode(source, Part(4, 20.0, 24.0))
    assert seconds_heard(samples[:, 0]) == [20, 21, 22, 23]


def test_a_part_beyond_the_end_is_empty(tmp_path, make_sound):
    source = make_sound(tmp_path / "stairs.flac", staircase(3))
    samples, stream = decode(source, Part(4, 20.0, None))
    assert (len(samples), stream.duration_s) == (0, 0.0)


def test_what_is_made_from_a_part(tmp_path, make_sound):
    sound = staircase() * np.repeat([0.1, 1.0, 0.3], 10 * RATE_HZ)
    source = make_sound(tmp_path / "stairs.flac", sound)
    part = Part(2, 10.0, 16.0)
    write_copy(source, tmp_path / "copy.part", part=part)
    samples, rate = soundfile.read(tmp_path / "copy.part")
    assert (seconds_heard(samples), rate, len(samples)) == ([10, 11, 12, 13, 14, 15], RATE_HZ, 6 * RATE_HZ)
    outline = measure_waveform(source, part)
    assert outline.duration_s == pytest.approx(6.0)
    assert outline.peaks.min() > 250
    assert spectrogram(source, part).duration_s == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("part", "start_s", "heard"),
    [
        (Part(1, 0.0, 25.0), 3.0, list(range(3, 23))),
        (Part(1, 3.0, 28.0), 3.0, list(range(6, 26))),
        # A start near the track's end, and a track shorter than a preview.
        (Part(1, 3.0, 28.0), 20.0, list(range(8, 28))),
        (Part(2, 22.0, 26.0), 0.0, [22, 23, 24, 25]),
        (Part(2, 26.0, 30.0), 1.5, [26, 27, 28, 29]),
        (Part(1, 0.0, 30.0), None, list(range(10, 30))),
    ],
)
def test_a_preview_stays_inside_its_track(tmp_path, make_sound, part, start_s, heard):
    source = make_sound(tmp_path / "stairs.flac", staircase())
    write_preview(source, tmp_path / "preview.part", start_s=start_s, part=part)
    samples, _ = soundfile.read(tmp_path / "preview.part")
    assert seconds_heard(samples)[: len(heard)] == heard
    assert len(samples) / RATE_HZ == pytest.approx(len(heard), abs=0.1)
