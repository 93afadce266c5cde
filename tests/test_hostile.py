"""The benchmark of damaged files, on few of them: it accounts for all, and says when it cannot."""

import subprocess
import sys

import numpy as np
import pytest

from explorer.config import ROOT

SCRIPT = ROOT / "benchmarks" / "hostile.py"


@pytest.fixture
def hostile(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import hostile

    return hostile


@pytest.fixture
def clips(tmp_path, make_tone):
    for number, suffix in enumerate(("flac", "mp3", "ogg")):
        make_tone(tmp_path / "clips" / f"{number}.{suffix}", frequency_hz=200 * (number + 1), seconds=3)
    return tmp_path / "clips"


def run(*options):
    return subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, options)], stdout=subprocess.PIPE, text=True
    )


def test_each_damaged_file_is_accounted_for(clips):
    done = run("--folder", clips, "--files", 24)
    assert done.returncode == 0, done.stdout
    assert "Unaccounted for: 0" in done.stdout
    (total,) = [line for line in done.stdout.splitlines() if line.startswith("| all |")]
    assert sum(map(int, total.split("|")[2:5])) == 24


def test_a_run_that_takes_too_long_is_a_failure(clips):
    done = run("--folder", clips, "--files", 12, "--limit-s", 0.1)
    assert done.returncode == 1
    assert "was not done after 0.1 s" in done.stdout


def test_the_same_seed_makes_the_same_files(hostile, clips, tmp_path):
    contents = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        (tmp_path / name).mkdir()
        sources = sorted(clips.iterdir())
        kinds = hostile.mutate(sources, tmp_path / name, 36, np.random.default_rng(seed))
        assert sorted(kinds.values()) == sorted(list(hostile.MUTATIONS) * 3)
        contents.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert len(contents[0]) == 36
    assert contents[0] == contents[1] != contents[2]


@pytest.mark.parametrize("size", [1, 5, 200, 100_000])
def test_anything_can_be_damaged(hostile, clips, size):
    rng = np.random.default_rng(0)
    data = rng.bytes(size)
    sources = sorted(clips.iterdir())
    for mutate in hostile.MUTATIONS.values():
        for _ in range(20):
            assert isinstance(mutate(data, rng, sources), bytes)
