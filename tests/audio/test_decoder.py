"""Decoding processes that crash, hang, grow or are killed fail one file and leave nothing behind."""

import os
import signal
import struct
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from explorer.audio import decoder as decoder_module
from explorer.audio.decoder import Decoder, DecoderError
from explorer.audio.playable import preview_path
from explorer.config import ROOT
from explorer.errors import AudioError
from explorer.library.music_file import Part

TROUBLES = ROOT / "tests" / "troubles"
RATE_HZ = 48_000

# Starts a decoder, prints the id of its process, and then idles, decodes or hangs.
PARENT = """
import os, signal, sys, time
from pathlib import Path
from explorer.audio.decoder import Decoder
interrupted = []
signal.signal(signal.SIGINT, lambda *_: interrupted.append(True))
file, action = Path(sys.argv[1]), sys.argv[2]
os.environ["PYTHONPATH"] = sys.argv[3]
decoder = Decoder()
decoder.fingerprints(file)
print(decoder._process.pid, flush=True)
if action == "idle":
    time.sleep(1000)
blocks = decoder.sound(file, rate_hz=48_000).blocks()
if action == "hanging":
    next(blocks)
first = next(blocks)
print("decoding", flush=True)
# The handler must not print: a signal during print() would enter print() a second time. The loop must not
# read: a signal just before the read would not end it.
while not interrupted:
    time.sleep(0.01)
print(len(first) + sum(map(len, blocks)), flush=True)
"""


@pytest.fixture
def troubles(monkeypatch):
    """Make a file named crash, exit, hang, slow, grow or noisy do that to its decoder: see tests/troubles."""
    monkeypatch.setenv("PYTHONPATH", str(TROUBLES))


@pytest.fixture
def song(tmp_path, make_tone):
    return make_tone(tmp_path / "song.flac", tags={"title": "A", "artist": "B"})


@pytest.fixture
def decoder():
    with Decoder() as decoder:
        yield decoder


def length(decoder, path):
    """Decode a file; return its number of samples at 48 kHz."""
    return sum(len(block) for block in decoder.sound(path, rate_hz=RATE_HZ).blocks())


def decodes(decoder, path):
    return length(decoder, path) == pytest.approx(1.5 * RATE_HZ, abs=2)


def pid_of(decoder):
    return decoder._process.pid


def is_running(pid):
    """Return whether a process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def test_the_process_returns_the_files_tags_and_samples(decoder, song):
    fingerprints = decoder.fingerprints(song)
    assert (fingerprints.tags.title, fingerprints.tags.artists) == ("A", ("B",))
    assert len(fingerprints.fingerprint) == len(fingerprints.audio_fingerprint) == 32
    sound = decoder.sound(song, rate_hz=44_100)
    samples = np.concatenate(list(sound.blocks()))
    np.testing.assert_array_equal(samples, soundfile.read(song, dtype="float32")[0])
    assert (sound.format, sound.duration_s) == ("flac/flac", 1.5)


def test_parts_of_a_file_are_decoded_in_one_go(decoder, tmp_path):
    sound = np.random.default_rng(1).integers(-9000, 9000, (RATE_HZ * 3, 2)).astype(np.int16)
    sound[RATE_HZ : 2 * RATE_HZ, 1] = -sound[RATE_HZ : 2 * RATE_HZ, 0]
    soundfile.write(tmp_path / "x.wav", sound, RATE_HZ)
    parts = {
        Part(1, 0.0, 0.5): None,
        Part(2, 1.0, 2.0): None,
        Part(3, 2.0, None): 1,
        Part(4, 5.0, None): None,
    }
    found = []
    for part in decoder.sounds(tmp_path / "x.wav", rate_hz=RATE_HZ, parts=parts):
        samples = np.concatenate([np.empty(0, np.float32), *part.blocks()])
        found.append((samples, part.format, part.duration_s, part.louder_channel))
    left, right = sound.T / np.float32(32768)
    half = RATE_HZ // 2
    np.testing.assert_array_equal(found[0][0], ((left + right) / 2)[:half])
    assert not found[1][0].any()
    np.testing.assert_array_equal(found[2][0], right[2 * RATE_HZ :])
    assert [row[1:3] for row in found] == [("wav/pcm_s16le", seconds) for seconds in (0.5, 1.0, 1.0, 0.0)]
    assert [row[3] is None for row in found] == [True, False, True, True]
    assert length(decoder, tmp_path / "x.wav") == RATE_HZ * 3


def test_an_unreadable_file_is_an_error_and_the_process_continues(decoder, song, tmp_path):
    (tmp_path / "words.mp3").write_bytes(b"no music " * 100)
    decoder.fingerprints(song)
    before = pid_of(decoder)
    with pytest.raises(AudioError, match=r"^words\.mp3 is not audio that can be decoded"):
        length(decoder, tmp_path / "words.mp3")
    with pytest.raises(AudioError, match=r"^gone\.mp3 cannot be read: No such file"):
        decoder.fingerprints(tmp_path / "gone.mp3")
    assert decodes(decoder, song)
    assert pid_of(decoder) == before


@pytest.mark.parametrize(("name", "ending"), [("crash.flac", "SIGSEGV"), ("exit.flac", "exit status 7")])
def test_a_file_that_crashes_its_decoder_fails_alone(troubles, decoder, song, make_tone, name, ending):
    bad = make_tone(song.with_name(name))
    for _ in range(2):
        with pytest.raises(AudioError) as caught:
            length(decoder, bad)
        assert str(caught.value).startswith(name)
        assert "crashes" in str(caught.value)
        assert f"({ending})" in str(caught.value)
        assert decodes(decoder, song)


def test_a_file_that_hangs_its_decoder_fails_alone(troubles, song, make_tone):
    bad = make_tone(song.with_name("hang.flac"))
    with Decoder(message_timeout_s=2) as decoder:
        decoder.fingerprints(bad)
        hung = pid_of(decoder)
        with pytest.raises(AudioError, match=r"^hang\.flac .* hang.* 2 s\.$"):
            length(decoder, bad)
        assert not is_running(hung)
    with Decoder() as decoder:
        assert decodes(decoder, song)


def test_a_file_that_exceeds_the_total_waiting_time_fails_alone(
    troubles, monkeypatch, decoder, song, make_tone
):
    slow = make_tone(song.with_name("slow.flac"))
    assert decodes(decoder, slow)
    monkeypatch.setattr(decoder_module, "WAITING_LIMIT_S", 1.0)
    with pytest.raises(AudioError, match=r"^slow\.flac takes too long"):
        length(decoder, slow)


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux limits a process's memory.")
def test_a_file_that_exceeds_the_memory_limit_fails_alone(troubles, decoder, song, make_tone):
    with pytest.raises(AudioError, match=r"^grow\.flac .*2 GB of memory"):
        length(decoder, make_tone(song.with_name("grow.flac")))
    assert decodes(decoder, song)


def test_output_that_libraries_print_does_not_disturb_the_answers(troubles, decoder, song, make_tone):
    assert decodes(decoder, make_tone(song.with_name("noisy.flac")))
    assert decodes(decoder, song)


def test_a_process_killed_between_two_files_fails_neither(decoder, song):
    assert decodes(decoder, song)
    os.kill(pid_of(decoder), signal.SIGKILL)
    assert wait_until(decoder._process.has_ended)
    assert decodes(decoder, song)


def test_a_process_killed_during_a_file_fails_that_file(decoder, song, make_tone):
    long = make_tone(song.with_name("long.flac"), seconds=60)
    blocks = decoder.sound(long, rate_hz=RATE_HZ).blocks()
    next(blocks)
    os.kill(pid_of(decoder), signal.SIGSEGV)
    with pytest.raises(AudioError, match=r"^long\.flac crashes .*\(SIGSEGV\)"):
        list(blocks)


def test_a_sound_abandoned_midway_leaves_no_answers_for_the_next_file(decoder, song, make_tone):
    long = make_tone(song.with_name("long.flac"), seconds=60)
    blocks = decoder.sound(long, rate_hz=RATE_HZ).blocks()
    next(blocks)
    assert decoder.fingerprints(song).tags.title == "A"
    with pytest.raises(AudioError, match=r"^long\.flac was not decoded .*another file"):
        list(blocks)
    assert decodes(decoder, song)


def test_only_the_requested_seconds_are_decoded(decoder, song, make_tone):
    long = make_tone(song.with_name("long.flac"), seconds=60)
    sound = decoder.sound(long, rate_hz=RATE_HZ, seconds=5)
    assert 5 * RATE_HZ <= sum(map(len, sound.blocks())) <= 10 * RATE_HZ


def test_an_interrupt_from_another_thread_fails_the_current_and_all_later_files(
    troubles, decoder, song, make_tone
):
    assert decodes(decoder, song)
    bad = make_tone(song.with_name("hang.flac"))

    def interrupt():
        assert wait_until(lambda: decoder._is_busy)
        decoder.interrupt()

    threading.Thread(target=interrupt).start()
    with pytest.raises(AudioError, match=r"^hang\.flac was not decoded .*interrupted"):
        length(decoder, bad)
    with pytest.raises(AudioError, match=r"^song\.flac was not decoded: .*interrupted"):
        length(decoder, song)


def test_a_decoder_can_be_closed_twice_and_during_a_file(song):
    decoder = Decoder()
    decoder.close()
    blocks = decoder.sound(song, rate_hz=RATE_HZ).blocks()
    next(blocks)
    process = pid_of(decoder)
    decoder.close()
    decoder.close()
    assert not is_running(process)


def test_a_process_that_cannot_start_is_an_error_of_the_decoder_and_not_of_the_file(
    monkeypatch, tmp_path, song
):
    (tmp_path / "sitecustomize.py").write_text("import os\nos._exit(3)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Decoder() as decoder, pytest.raises(DecoderError, match=r"can be started \(exit status 3\)"):
        decoder.fingerprints(song)
    with pytest.raises(DecoderError, match=r"can be started \(No such file or directory\)"):
        monkeypatch.setattr(sys, "executable", str(tmp_path / "no python"))
        Decoder().fingerprints(song)


def test_modules_in_the_working_directory_are_not_imported(monkeypatch, tmp_path, song, decoder):
    (tmp_path / "json.py").write_text("raise SystemExit(5)\n")
    monkeypatch.chdir(tmp_path)
    assert decodes(decoder, song)


SCRIPT = """
import multiprocessing, sys
from pathlib import Path
from explorer.audio.decoder import Decoder
# A Dask worker is a daemon too, and a daemon must not start a multiprocessing.Process.
multiprocessing.current_process().daemon = True
with Decoder() as decoder:
    print(decoder.fingerprints(Path(sys.argv[1])).tags.title)
"""


def test_the_main_module_is_not_run_again(tmp_path, song):
    """The script has no `if __name__ == "__main__"`, so a second run of it would fail."""
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "script.py"), str(song)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert done.stdout == "A\n"


def test_a_file_name_that_is_not_valid_text_is_replaced_in_messages(troubles, decoder, song):
    name = os.fsdecode(b"crash \xff\n.flac")
    os.link(song, song.with_name(name))
    with pytest.raises(AudioError) as caught:
        length(decoder, song.with_name(name))
    assert str(caught.value).startswith("crash \ufffd\n.flac ")
    assert "(SIGSEGV)" in str(caught.value)
    assert decoder.fingerprints(song.with_name(name)).tags.title == "A"


def test_a_preview_is_written_and_a_file_that_crashes_fails_alone(
    troubles, decoder, song, make_tone, tmp_path
):
    bad = make_tone(song.with_name("crash.flac"))
    with pytest.raises(AudioError, match=r"^crash\.flac crashes"):
        decoder.write_preview(bad, cache=tmp_path / "cache", key="aa", start_s=0.0)
    decoder.write_preview(song, cache=tmp_path / "cache", key="bb", start_s=None)
    assert not preview_path(tmp_path / "cache", "aa").exists()
    assert soundfile.info(preview_path(tmp_path / "cache", "bb")).duration == pytest.approx(1.5, abs=0.01)


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="This system has no niceness.")
def test_the_process_runs_with_the_requested_niceness(song):
    with Decoder(niceness=7) as decoder:
        decoder.fingerprints(song)
        assert os.getpriority(os.PRIO_PROCESS, pid_of(decoder)) == 7
    assert os.getpriority(os.PRIO_PROCESS, 0) != 7


@pytest.mark.skipif(sys.platform != "linux", reason="Counts in /proc.")
def test_two_hundred_files_leave_no_process_thread_or_open_file_behind(troubles, song, make_tone):
    bad = make_tone(song.with_name("crash.flac"))

    def count_resources():
        processes = [entry for entry in Path("/proc").glob("[0-9]*/stat") if _parent(entry) == os.getpid()]
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count(), len(processes)

    before = count_resources()
    with Decoder() as decoder:
        for number in range(200):
            if number % 40 == 7:
                with pytest.raises(AudioError):
                    length(decoder, bad)
            elif number % 40 == 9:
                next(decoder.sound(song, rate_hz=RATE_HZ).blocks())
            else:
                decoder.fingerprints(song)
                length(decoder, song)
    assert count_resources() == before


def _parent(stat):
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def start_parent(song, action):
    """Start a program that uses a decoder; return it and the id of its decoding process."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(song), action, str(TROUBLES)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
        text=True,
    )
    return parent, int(parent.stdout.readline())


@pytest.mark.skipif(sys.platform != "linux", reason="Reads /proc.")
@pytest.mark.parametrize("action", ["idle", "decoding", "hanging"])
def test_a_killed_parent_leaves_no_process_behind(song, make_tone, action):
    names = {"idle": "song", "decoding": "long", "hanging": "hang"}
    file = make_tone(song.with_name(f"{names[action]}.flac"), seconds=60)
    parent, process = start_parent(file, action)
    if action == "decoding":
        assert parent.stdout.readline() == "decoding\n"
    else:
        time.sleep(0.3)
    assert is_running(process)
    parent.kill()
    parent.communicate()
    assert wait_until(lambda: not is_running(process))


@pytest.mark.skipif(os.name == "nt", reason="Sends a signal to a process group.")
def test_ctrl_c_on_the_terminal_does_not_reach_the_decoding_process(song, make_tone):
    long = make_tone(song.with_name("long.flac"), seconds=120)
    parent, _ = start_parent(long, "decoding")
    assert parent.stdout.readline() == "decoding\n"
    os.killpg(parent.pid, signal.SIGINT)
    out, _ = parent.communicate()
    assert int(out) == pytest.approx(120 * RATE_HZ, abs=2)


def id3(*frames):
    """Return an ID3v2.3 tag of frames: (name, content, flags)."""
    body = b"".join(name + struct.pack(">IH", len(data), flags) + data for name, data, flags in frames)
    return b"ID3\x03\x00\x00" + bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0)) + body


@pytest.mark.skipif(sys.platform != "linux", reason="Memory is limited on Linux only.")
@pytest.mark.parametrize("claimed_bytes", [800 << 20, 100])
def test_a_frame_that_unpacks_to_a_gigabyte_costs_its_tag_only(decoder, tmp_path, claimed_bytes):
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(800)) + packer.flush()
    bomb = (b"TXXX", struct.pack(">I", claimed_bytes) + packed, 0x80)
    soundfile.write(tmp_path / "x.mp3", np.zeros(RATE_HZ), RATE_HZ)
    sound = (tmp_path / "x.mp3").read_bytes()
    (tmp_path / "x.mp3").write_bytes(id3((b"TIT2", b"\0Title", 0), bomb) + sound)
    assert decoder.tags(tmp_path / "x.mp3").title == "Title"  # FFmpeg reads the other frames.
    assert decoder.fingerprints(tmp_path / "x.mp3").tags.title == "Title"
    assert decoder.cover(tmp_path / "x.mp3") is None
    assert length(decoder, tmp_path / "x.mp3") == pytest.approx(RATE_HZ, abs=3000)
    status = Path(f"/proc/{pid_of(decoder)}/status").read_text()
    (peak_kb,) = (int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    assert peak_kb < 450_000
