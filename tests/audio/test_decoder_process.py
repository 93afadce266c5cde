import os
import subprocess
import sys
from multiprocessing import Pipe

import numpy as np
import pytest
import soundfile

from explorer.audio import decoder_process
from explorer.audio.decoder_process import Answer, SoundEnd, read_fingerprints, read_sound
from explorer.config import ROOT
from explorer.errors import AudioError

COMMAND = """
import sys
from multiprocessing.connection import Connection
from explorer.audio.decoder_process import main
main(Connection(int(sys.argv[1])))
"""


def start_process():
    """Start the process; return it and the parent's end of its connection."""
    parent_end, child_end = Pipe()
    with child_end:
        descriptor = child_end.fileno()
        command = [sys.executable, "-c", COMMAND, str(descriptor)]
        process = subprocess.Popen(command, cwd=ROOT, pass_fds=[descriptor])
    return process, parent_end


@pytest.mark.skipif(os.name == "nt", reason="Passes a file descriptor.")
def test_the_process_exits_when_its_connection_is_closed():
    process, connection = start_process()
    connection.close()
    assert process.wait(60) == 0


@pytest.mark.skipif(os.name == "nt", reason="Passes a file descriptor.")
def test_jobs_are_answered_in_order(tmp_path, make_tone):
    path = make_tone(tmp_path / "x.flac")
    process, connection = start_process()
    with process, connection:
        assert connection.recv() == Answer("ready")
        connection.send(("sound", path, None, {"rate_hz": 44_100}))
        answers = [connection.recv()]
        while answers[-1].kind not in ("end", "failed"):
            answers.append(connection.recv())
        assert answers[0] == Answer("format", ("flac/flac", 1.5))
        assert answers[-1].value == SoundEnd(1.5, "", None)
        sound = np.concatenate([answer.value for answer in answers if answer.kind == "sound"])
        np.testing.assert_array_equal(sound, soundfile.read(path, dtype="float32")[0])
        connection.send(("fingerprints", path.with_name("gone.flac"), None, {}))
        assert connection.recv().kind == "failed"
    assert process.returncode == 0


def test_the_process_imports_only_the_libraries_that_decode():
    """Other libraries would cost each decoding process time and memory."""
    code = "import sys; import explorer.audio.decoder_process; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "soundfile" in loaded
    assert loaded.isdisjoint(
        {"tensorflow", "keras", "openvino", "dash", "flask", "sklearn", "scipy", "dask", "pandas"}
    )


def sound_of(path):
    """Return the "sound" answers of a file."""
    answers = []
    read_sound(path, answers.append, rate_hz=48_000)
    return [answer for answer in answers if answer.kind == "sound"]


def test_a_sound_longer_than_the_limit_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr(decoder_process, "MAX_SONG_S", 3600.0)
    soundfile.write(tmp_path / "long.flac", np.zeros(3_700_000), 1_000)
    with pytest.raises(AudioError, match=r"long\.flac .*longer than 1 hours"):
        sound_of(tmp_path / "long.flac")


def test_a_folder_or_a_pipe_has_no_fingerprints(tmp_path):
    (tmp_path / "x.mp3").mkdir()
    with pytest.raises(AudioError, match=r"^x\.mp3 is a folder"):
        read_fingerprints(tmp_path / "x.mp3", print)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.mp3")
        with pytest.raises(AudioError, match=r"^pipe\.mp3 is not a regular file"):
            read_fingerprints(tmp_path / "pipe.mp3", print)


def test_alive_answers_are_sent_while_a_large_file_is_hashed(tmp_path):
    answers = []
    with (tmp_path / "large.flac").open("wb") as file:
        file.truncate(100 << 20)
    read_fingerprints(tmp_path / "large.flac", answers.append)
    assert answers[:3] == [Answer("alive")] * 3
