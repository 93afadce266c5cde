import os
import subprocess
import sys
from multiprocessing import Pipe

import numpy as np
import pytest
import soundfile

from explorer.audio import decoder_process
from explorer.audio.decoder_process import Answer, read_fingerprints, read_sound
from explorer.config import ROOT
from explorer.errors import AudioError

COMMAND = """
import sys
from multiprocessing.connection import Connection
from explorer.audio.decoder_process import main
main(Connection(int(sys.argv[1])))
"""


def start_process():
    """Start the process; return it and our end of its connection."""
    ours, theirs = Pipe()
    with theirs:
        number = theirs.fileno()
        process = subprocess.Popen([sys.executable, "-c", COMMAND, str(number)], cwd=ROOT, pass_fds=[number])
    return process, ours


@pytest.mark.skipif(os.name == "nt", reason="Passes a file descriptor.")
def test_the_process_ends_with_its_connection():
    process, connection = start_process()
    connection.close()
    assert process.wait(60) == 0


@pytest.mark.skipif(os.name == "nt", reason="Passes a file descriptor.")
def test_jobs_are_answered_one_by_one(tmp_path, make_tone):
    path = make_tone(tmp_path / "x.flac")
    process, connection = start_process()
    with process, connection:
        assert connection.recv() == Answer("ready")
        connection.send((read_sound, path, None, {"rate_hz": 44_100, "seconds": None}))
        answers = [connection.recv()]
        while answers[-1].kind != "end":
            answers.append(connection.recv())
        assert answers[0] == Answer("format", "flac/pcm_16")
        assert answers[-1].value == 1.5
        sound = np.concatenate([answer.value for answer in answers if answer.kind == "sound"])
        np.testing.assert_array_equal(sound, soundfile.read(path, dtype="float32")[0])
        connection.send((read_fingerprints, path.with_name("gone.flac"), None, {}))
        assert connection.recv().kind == "failed"
    assert process.returncode == 0


def test_what_decoding_does_not_need_is_not_imported():
    """Each decoding process would pay for it in time and in memory."""
    code = "import sys; import explorer.audio.decoder_process; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "soundfile" in loaded
    assert loaded.isdisjoint(
        {"tensorflow", "keras", "openvino", "dash", "flask", "sklearn", "scipy", "dask", "pandas"}
    )


def test_small_blocks_are_joined(tmp_path, make_sound):
    # Frames of AAC have 1,024 samples.
    path = make_sound(tmp_path / "x.m4a", np.zeros(48_000 * 5), 48_000)
    sizes = [len(answer.value) for answer in sound_of(path)]
    assert len(sizes) == 4
    assert min(sizes[:-1]) >= 65_536


def test_a_block_that_has_waited_for_a_second_is_sent(monkeypatch, tmp_path, make_sound):
    monkeypatch.setattr(decoder_process, "_LONGEST_SILENCE_S", 0.0)
    path = make_sound(tmp_path / "x.m4a", np.zeros(48_000 * 5), 48_000)
    assert len(sound_of(path)) > 200


def sound_of(path):
    told = []
    read_sound(path, told.append, rate_hz=48_000, seconds=None)
    return [answer for answer in told if answer.kind == "sound"]


def test_a_sound_without_end_is_given_up(monkeypatch, tmp_path):
    monkeypatch.setattr(decoder_process, "LONGEST_SONG_S", 3600.0)
    soundfile.write(tmp_path / "long.flac", np.zeros(3_700_000), 1_000)
    with pytest.raises(AudioError, match=r"long\.flac plays for more than 1 hours"):
        sound_of(tmp_path / "long.flac")


def test_what_is_no_file_has_no_marks(tmp_path):
    (tmp_path / "x.mp3").mkdir()
    with pytest.raises(AudioError, match=r"^x\.mp3 is a folder"):
        read_fingerprints(tmp_path / "x.mp3", print)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.mp3")
        with pytest.raises(AudioError, match=r"^pipe\.mp3 is no file"):
            read_fingerprints(tmp_path / "pipe.mp3", print)


def test_a_large_file_gives_signs_of_life_while_its_marks_are_read(tmp_path):
    told = []
    with (tmp_path / "large.flac").open("wb") as file:
        file.truncate(100 << 20)
    read_fingerprints(tmp_path / "large.flac", told.append)
    assert told[:3] == [Answer("alive")] * 3
