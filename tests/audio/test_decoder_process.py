import json
import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from explorer.audio import decoder_process
from explorer.audio.decoder_process import GREETING, HEADER, read_marks, read_sound
from explorer.config import ROOT
from explorer.errors import AudioError

COMMAND = [sys.executable, "-c", "from explorer.audio.decoder_process import main; main()"]


def test_nothing_is_answered_to_nothing_and_the_process_ends_with_its_input():
    done = subprocess.run(COMMAND, input=b"", stdout=subprocess.PIPE, cwd=ROOT)
    assert GREETING.startswith(done.stdout)
    assert done.returncode == 0


def test_a_sound_is_told_from_its_format_to_its_length(tmp_path, make_tone):
    """Jobs are answered one by one: standard input stays open meanwhile."""
    path = make_tone(tmp_path / "x.flac")
    process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    job = {"path": os.fsencode(path).hex(), "job": "sound", "rate_hz": 44_100, "seconds": None}
    process.stdin.write(json.dumps(job).encode() + b"\n")
    process.stdin.flush()
    assert process.stdout.read(len(GREETING)) == GREETING
    kinds, content = [], b""
    while "end" not in kinds:
        n_facts, n_content = HEADER.unpack(process.stdout.read(HEADER.size))
        facts = json.loads(process.stdout.read(n_facts))
        kinds.append(facts["is"])
        content += process.stdout.read(n_content)
    process.communicate()
    assert (kinds[0], kinds[-1], facts["duration_s"]) == ("opened", "end", 1.5)
    np.testing.assert_array_equal(
        np.frombuffer(content, np.float32), soundfile.read(path, dtype="float32")[0]
    )


def test_small_blocks_come_together(tmp_path, make_sound):
    # Frames of AAC have 1,024 samples.
    path = make_sound(tmp_path / "x.m4a", np.zeros(48_000 * 5), 48_000)
    sizes = [
        len(content) // 4 for facts, content in read_sound(path, rate_hz=48_000, seconds=None) if content
    ]
    assert len(sizes) == 4
    assert min(sizes[:-1]) >= 65_536


def test_a_block_that_has_waited_for_a_second_is_told(monkeypatch, tmp_path, make_sound):
    monkeypatch.setattr(decoder_process, "_AT_LEAST_EVERY_S", 0.0)
    path = make_sound(tmp_path / "x.m4a", np.zeros(48_000 * 5), 48_000)
    assert len(list(read_sound(path, rate_hz=48_000, seconds=None))) > 200


def test_a_sound_without_end_is_given_up(monkeypatch, tmp_path):
    monkeypatch.setattr(decoder_process, "LONGEST_SONG_S", 3600.0)
    soundfile.write(tmp_path / "long.flac", np.zeros(3_700_000), 1_000)
    with pytest.raises(AudioError, match=r"long\.flac plays for more than 1 hours"):
        list(read_sound(tmp_path / "long.flac", rate_hz=1_000, seconds=None))


def test_what_is_no_file_has_no_marks(tmp_path):
    (tmp_path / "x.mp3").mkdir()
    with pytest.raises(AudioError, match=r"^x\.mp3 is a folder"):
        read_marks(tmp_path / "x.mp3", print)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.mp3")
        with pytest.raises(AudioError, match=r"^pipe\.mp3 is no file"):
            read_marks(tmp_path / "pipe.mp3", print)


def test_a_large_file_is_heard_of_while_its_marks_are_taken(tmp_path):
    told = []
    with (tmp_path / "large.flac").open("wb") as file:
        file.truncate(100 << 20)
    read_marks(tmp_path / "large.flac", told.append)
    assert told[:3] == [({"is": "alive"}, b"")] * 3
