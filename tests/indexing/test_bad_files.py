"""Odd and broken files in one real index run: each becomes a song or a failure."""

import ctypes
import os
import subprocess
import sys

import av
import mutagen
import numpy as np
import pytest
import soundfile
from support import RecordingReporter, write_tone

from explorer.audio.playable import preview_path
from explorer.config import ROOT, Settings
from explorer.database.database import Database
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.model import ModelRequest

# So rarely, because one of the files is four hours long: at 48 kHz more than the decoder's 2 GiB.
REQUEST = ModelRequest(models_dir=Settings().models, weights="untrained", hop_s=600.0, precision="float32")
RATE_HZ = 44_100
POSIX = os.name == "posix"
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, PR_CAPBSET_DROP = 1, 2, 24
NOT_TO_BE_HAD = 77

NAMES = {
    "a line\nbreak.flac": 1.5,
    "no text \udcff\udc80.flac": 1.5,
    "🎵 ünï 雪.flac": 1.5,
    "n" * 250 + ".flac": 1.5,
    "<script>alert(1)&.flac": 1.5,
    "-rf --db x.flac": 1.5,
}
SONGS = {
    "truncated.mp3": (0.5, 3.5),
    "truncated.flac": (0.5, 3.5),
    "claims 3.8e14 s.ogg": (1.9, 2.1),
    "cover as video.m4a": (1.9, 2.2),
    "nan.wav": 2.0,
    "infinite.wav": 2.0,
    "silence.wav": 2.0,
    "0.05 s.wav": 0.05,
    "one sample.wav": 1 / RATE_HZ,
    "four hours.flac": 14_400.0,
    "really a wav.mp3": 1.5,
    "really an mp3.flac": (1.4, 1.7),
    "folder.mp3/inside.flac": 1.5,
    "linked.flac": 1.5,
    "junk around.mp3": (1.4, 1.7),
    **(NAMES if POSIX else {}),
}
"""The expected duration in seconds, or its bounds."""

FAILURES = {
    "empty.mp3": "empty.mp3 is empty.",
    "390 bytes claim 818 s.mp3": "390 bytes claim 818 s.mp3 is not audio that can be decoded: it is "
    "damaged, or another kind of file.",
    "words.mp3": "words.mp3 is not audio that can be decoded: it is damaged, or another kind of file.",
    "header alone.wav": "The sound holds no sample at all, so there is nothing to embed.",
    "cover alone.mp4": "cover alone.mp4 holds no sound.",
    "claims 1 Hz.wav": "claims 1 Hz.wav claims a sample rate of 1 Hz: only rates from 1,000 Hz to "
    "10,000,000 Hz can be decoded.",
    "vanishing.flac": "vanishing.flac cannot be read: No such file or directory.",
}


class Remover(RecordingReporter):
    """Removes a file before the run reads it."""

    def __init__(self, path):
        super().__init__()
        self._path = path

    def counting(self, what, **options):
        """Count as any other reporter."""
        if what == "Indexing":
            self._path.unlink()
        return super().counting(what, **options)


def noise(seconds, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, int(seconds * RATE_HZ)).astype(np.float32)


def write_folder(folder):
    folder.mkdir()
    (folder / "empty.mp3").touch()
    (folder / "words.mp3").write_bytes(b"just words, no music\n" * 50)
    write_tone(folder / "vanishing.flac")
    write_cut(folder)
    write_liars(folder)
    write_with_covers(folder)
    write_strange_samples(folder)
    write_four_hours(folder / "four hours.flac")
    write_misnamed(folder)
    write_links(folder)
    for number, name in enumerate(NAMES if POSIX else ()):
        write_tone(folder / f"{number}.flac", frequency_hz=500 + 10 * number)
        (folder / f"{number}.flac").rename(folder / name)


def write_cut(folder):
    for number, suffix in enumerate((".mp3", ".flac")):
        path = folder / f"truncated{suffix}"
        soundfile.write(path, noise(4, seed=number), RATE_HZ)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    soundfile.write(folder / "header alone.wav", noise(0), RATE_HZ)


def write_liars(folder):
    ogg = folder / "claims 3.8e14 s.ogg"
    soundfile.write(ogg, noise(2, seed=3)[: 2 * 24_000], 24_000, format="OGG", subtype="VORBIS")
    content = bytearray(ogg.read_bytes())
    last = content.rindex(b"OggS")
    content[last + 6 : last + 14] = (2**63 - 1).to_bytes(8, "little")
    content[last + 22 : last + 26] = bytes(4)
    content[last + 22 : last + 26] = ogg_checksum(content[last:]).to_bytes(4, "little")
    ogg.write_bytes(content)
    assert mutagen.File(ogg).info.length == pytest.approx(3.8e14, rel=0.02)
    write_short_liar(folder / "390 bytes claim 818 s.mp3")
    soundfile.write(folder / "claims 1 Hz.wav", noise(0.1), 1)


def write_short_liar(path):
    """Write an MP3 of 390 bytes: a Xing header of 818 s in a frame of its own, and another frame cut off."""
    # MPEG-2 layer III, 64 kbit/s, 22,050 Hz, mono: frames of 208 bytes and 576 samples.
    header = bytes([0xFF, 0xF3, 0x80, 0xC0])
    frames = 818 * 22_050 // 576
    xing = header + bytes(9) + b"Xing" + (1).to_bytes(4, "big") + frames.to_bytes(4, "big")
    path.write_bytes((xing.ljust(208, b"\0") + header.ljust(208, b"\0"))[:390])
    assert mutagen.File(path).info.length == pytest.approx(818, abs=1)


def ogg_checksum(page):
    """CRC-32 with the polynomial 0x04c11db7, not reflected, from zero: RFC 3533, section 6."""
    checksum = 0
    for byte in page:
        checksum ^= byte << 24
        for _ in range(8):
            checksum = (checksum << 1) ^ (0x04C11DB7 if checksum & 0x80000000 else 0)
        checksum &= 0xFFFFFFFF
    return checksum


def write_with_covers(folder):
    for name, samples in (("cover alone.mp4", None), ("cover as video.m4a", noise(2, seed=4))):
        with av.open(str(folder / name), "w", format="mp4") as output:
            picture = output.add_stream("mjpeg", rate=1)
            picture.width, picture.height, picture.pix_fmt = 64, 64, "yuvj420p"
            if samples is not None:
                sound = output.add_stream("aac", rate=RATE_HZ, layout="mono")
            output.mux(picture.encode(av.VideoFrame(64, 64, "yuvj420p")))
            output.mux(picture.encode(None))
            if samples is not None:
                frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
                frame.sample_rate = RATE_HZ
                resampler = av.AudioResampler(format="fltp", layout="mono", rate=RATE_HZ, frame_size=1024)
                for part in [*resampler.resample(frame), *resampler.resample(None)]:
                    output.mux(sound.encode(part))
                output.mux(sound.encode(None))


def write_strange_samples(folder):
    for name, value in (("nan.wav", np.nan), ("infinite.wav", np.inf)):
        samples = noise(2, seed=5)
        samples[RATE_HZ] = value
        soundfile.write(folder / name, samples, RATE_HZ, subtype="FLOAT")
    soundfile.write(folder / "silence.wav", np.zeros(2 * RATE_HZ), RATE_HZ)
    soundfile.write(folder / "0.05 s.wav", noise(0.05, seed=6), RATE_HZ)
    soundfile.write(folder / "one sample.wav", np.array([0.5]), RATE_HZ)


def write_four_hours(path):
    minute = np.zeros(60 * 8_000, np.float32)
    minute[:8_000] = 0.3 * np.sin(2 * np.pi * 440 * np.arange(8_000) / 8_000)
    with soundfile.SoundFile(path, "w", 8_000, 1, format="FLAC") as file:
        for _ in range(240):
            file.write(minute)


def write_misnamed(folder):
    write_tone(folder / "x.wav", frequency_hz=300).rename(folder / "really a wav.mp3")
    write_tone(folder / "x.mp3", frequency_hz=310).rename(folder / "really an mp3.flac")
    song = write_tone(folder / "x.mp3", frequency_hz=320)
    junk = np.random.default_rng(8).integers(0, 256, 5_000, dtype=np.uint8).tobytes()
    (folder / "junk around.mp3").write_bytes(junk + song.read_bytes() + junk)
    song.unlink()


def write_links(folder):
    write_tone(folder / "folder.mp3" / "inside.flac", frequency_hz=330)
    write_tone(folder.parent / "elsewhere.flac", frequency_hz=340)
    (folder / "linked.flac").symlink_to(folder.parent / "elsewhere.flac")
    (folder / "folder.mp3" / "up").symlink_to(folder)
    (folder / "a itself.mp3").symlink_to(folder / "a itself.mp3")
    (folder / "dangling.mp3").symlink_to(folder / "nowhere.mp3")


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The result of a run: summary, songs and failures by path, previews, messages, and the next summary."""
    base = tmp_path_factory.mktemp("bad")
    write_folder(base / "music")
    reporter = Remover(base / "music" / "vanishing.flac")
    with Database.open(base / "songs.db") as database:
        summary = index_folder(
            IndexRun(database, base / "music", request=REQUEST, reporter=reporter, previews=base / "previews")
        )
        ids, vectors = database.vectors()
        songs = {
            song_id: (database.file_of(song_id), row, vector)
            for song_id, row, vector in zip(ids, database.songs(), vectors, strict=True)
        }
        failures = {path.removeprefix(f"{base / 'music'}/"): why for path, why in database.failures()}
        again = index_folder(
            IndexRun(database, base / "music", request=REQUEST, reporter=RecordingReporter())
        )
    return summary, songs, failures, base / "previews", reporter.said, again


def song_id(name):
    return os.fsencode(name).decode("utf-8", "replace")


def test_every_file_is_a_song_or_a_failure(found):
    summary, songs, failures, _, _, again = found
    assert set(songs) == {song_id(name) for name in SONGS}
    assert set(failures) == set(FAILURES)
    assert (summary.indexed, summary.failed, summary.skipped) == (len(SONGS), len(FAILURES), 0)
    assert not summary.interrupted
    # The vanished file was forgotten.
    assert (again.indexed, again.failed, again.skipped) == (0, 0, len(SONGS) + len(FAILURES) - 1)


@pytest.mark.parametrize("name", SONGS)
def test_an_odd_but_readable_file_is_embedded(found, name):
    _, songs, _, previews, _, _ = found
    file, row, vector = songs[song_id(name)]
    expected = SONGS[name]
    if isinstance(expected, tuple):
        assert expected[0] <= row.duration_s <= expected[1]
    else:
        assert row.duration_s == pytest.approx(expected, rel=1e-3)
    assert np.isfinite(vector).all()
    assert preview_path(previews, file.fingerprint).exists()


@pytest.mark.parametrize("name", FAILURES)
def test_the_reason_of_a_failure_is_one_sentence(found, name):
    assert found[2][name] == FAILURES[name]


def test_every_song_gets_a_preview(found):
    summary, songs, _, _, said, _ = found
    assert not [line for line in said if line.startswith("No preview")]
    assert summary.previews == len(songs)


INDEX = """
import os, sys
from pathlib import Path
from support import RecordingReporter
from test_bad_files import REQUEST
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.database.database import Database
folder = Path(sys.argv[1])
with Database.open(folder / "songs.db") as database:
    run = IndexRun(database, folder / "music", request=REQUEST, reporter=RecordingReporter())
    summary = index_folder(run)
print(summary.indexed, summary.failed)
for failure in summary.failures:
    print(*failure, sep=": ")
"""


def obey_permissions():
    """Drop the capabilities that let root read every file, in the next program: capabilities(7)."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH) if os.geteuid() == 0 else ():
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
            os._exit(NOT_TO_BE_HAD)


@pytest.mark.skipif(sys.platform != "linux", reason="Other systems may allow it.")
def test_an_unreadable_folder_is_reported(tmp_path, make_tone):
    secret = make_tone(tmp_path / "music" / "secret.flac")
    shut = make_tone(tmp_path / "music" / "shut" / "inside.flac").parent
    make_tone(tmp_path / "music" / "song.flac", frequency_hz=200)
    secret.chmod(0)
    shut.chmod(0)
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "tests", ROOT / "tests" / "indexing")))
    done = subprocess.run(
        [sys.executable, "-c", INDEX, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=obey_permissions,
    )
    shut.chmod(0o700)
    if done.returncode == NOT_TO_BE_HAD:
        pytest.skip("Root can read everything here.")
    assert done.stdout.splitlines() == [
        "1 1",
        "secret.flac: secret.flac cannot be read: Permission denied.",
    ]
