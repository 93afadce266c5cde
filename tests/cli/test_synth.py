import json
from pathlib import Path

import pytest
import soundfile

from explorer.demo.synthetic_sounds import SIGNALS


def test_synth_writes_the_test_sounds_and_lists_them(tmp_path, run_command):
    status, out, err = run_command("synth", tmp_path / "x", "--seconds", "1")
    assert status == 0
    assert out.splitlines() == [str(tmp_path / "x" / f"{name}.mp3") for name in SIGNALS]
    assert all(Path(line).is_file() for line in out.splitlines())
    assert "11 of 11 sounds" in err


def test_synth_takes_a_format_a_length_a_rate_and_a_seed_and_answers_in_json(tmp_path, run_command):
    options = ("--format", "flac", "--seconds", "1.5", "--rate", "16000", "--json")
    contents = []
    for number, seed in enumerate((5, 5, 6)):
        folder = tmp_path / f"{number}"
        status, out, _ = run_command("synth", folder, "--seed", seed, *options)
        assert status == 0
        assert json.loads(out) == {
            "folder": str(folder),
            "files": [str(folder / f"{name}.flac") for name in SIGNALS],
        }
        contents.append((folder / "white_noise.flac").read_bytes())
    stored = soundfile.info(tmp_path / "0" / "sweep.flac")
    assert (stored.samplerate, stored.frames) == (16_000, 24_000)
    assert contents[0] == contents[1] != contents[2]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--rate", "22000"), "An MP3 cannot have 22000 Hz"),
        (("--seconds", "0"), "0 s is no length for a test sound"),
        (("--seed", "-1"), "The seed -1 is negative"),
    ],
)
def test_synth_says_in_a_sentence_what_cannot_be(tmp_path, run_command, options, sentence):
    status, out, err = run_command("synth", tmp_path / "x", *options)
    lines = err.strip().splitlines()
    assert (status, out) == (1, "")
    assert lines[-1].startswith(sentence)
    assert not (tmp_path / "x").exists()
