import json
from pathlib import Path

import pytest
import soundfile

from explorer.demo.synthetic_sounds import SIGNALS


def test_synth_writes_the_test_sounds_and_lists_their_files(tmp_path, run_command):
    status, out, err = run_command("synth", tmp_path / "x", "--seconds", "1")
    assert status == 0
    assert out.splitlines() == [str(tmp_path / "x" / f"{name}.mp3") for name in SIGNALS]
    assert all(Path(line).is_file() for line in out.splitlines())
    assert "11 of 11 sounds" in err


def test_synth_uses_format_length_rate_and_seed_and_prints_json(tmp_path, run_command):
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
        (("--seconds", "0"), "A test sound cannot be 0 s long"),
        (("--seed", "-1"), "The seed -1 is negative"),
    ],
)
def test_synth_refuses_impossible_options_in_one_sentence(tmp_path, run_command, options, sentence):
    status, out, err = run_command("synth", tmp_path / "x", *options)
    lines = err.strip().splitlines()
    assert (status, out) == (1, "")
    assert lines[-1].startswith(sentence)
    assert not (tmp_path / "x").exists()
