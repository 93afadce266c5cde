"""Tests of the benchmark of damaged files, with few files."""

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


def test_a_run_that_exceeds_the_time_limit_fails(clips):
    command = [sys.executable, str(SCRIPT), str(clips), "--files", "12", "--encoded", "0", "--limit-s", "0.1"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1
    assert "0.1 s" in result.stderr


def test_a_file_that_the_library_does_not_know_is_reported(hostile, fresh_db, tmp_path):
    rows, unknown = hostile.outcome_rows(fresh_db.path, tmp_path, {b"1.mp3": "noise inside"})
    assert rows[-1] == ("all", 0, 0)
    assert unknown == ["1.mp3"]


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
def test_every_mutation_works_on_files_of_any_size(hostile, clips, size):
    rng = np.random.default_rng(0)
    data = rng.bytes(size)
    sources = sorted(clips.iterdir())
    for mutate in hostile.MUTATIONS.values():
        for _ in range(20):
            assert isinstance(mutate(data, rng, sources), bytes)


def test_a_clip_is_encoded_in_every_format(hostile, clips, tmp_path):
    sources = hostile.gather(clips, tmp_path / "sources", np.random.default_rng(0), encoded=1)
    assert len(sources) == 3 + 12
    assert all(source.stat().st_size > 1000 for source in sources)
