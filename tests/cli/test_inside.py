import json
import shutil

import numpy as np
import pytest
from support import write_tone

from explorer.database.database import Database
from explorer.embedding.song_windows import RawWindows, fit_basis
from explorer.structure.song_features import SongFeatures

FEATURES = SongFeatures(119.6, 0.05, "A minor", 0.9, 0.5, -14.3, 1812.0)


@pytest.fixture(scope="module")
def analysed(indexed, tmp_path_factory):
    """The path of a library in which one song has windows, and the features of all are known."""
    path = tmp_path_factory.mktemp("analysed") / "songs.db"
    shutil.copy(indexed / "songs.db", path)
    with Database.open(path) as database:
        basis = fit_basis(np.random.default_rng(0).normal(size=(99, 512)))
        database.store_window_basis(basis)
        frames = np.random.default_rng(1).normal(size=(4, 512)).astype(np.float16)
        database.store_windows("1.flac", basis.encode(RawWindows(frames, 0.5)))
        database._rows("DELETE FROM song_windows WHERE song_id <> '1.flac'")
        for number in range(4):
            database.store_features(f"{number}.flac", FEATURES)
    return path


def test_inside_prints_sections_tempo_and_key_with_their_doubt(analysed, run_command):
    status, out, err = run_command("inside", "tone 1", "--db", analysed)
    lines = [line.strip() for line in out.splitlines()]
    assert (status, lines[0]) == (0, "Inside Tone 1 (Us) (0:02):")
    assert "Tempo       about 120 bpm (not sure)" in lines
    assert "Key         A minor · 8A" in lines
    assert lines[-1].startswith("A    0:00 to 0:02")
    assert "UNTRAINED" in err


def test_inside_prints_one_json_object(analysed, run_command):
    status, out, _ = run_command("inside", "1.flac", "--db", analysed, "--json")
    found = json.loads(out)
    assert (status, found["song_id"], found["figure"]) == (0, "1.flac", None)
    assert (found["tempo_bpm"], found["tempo_is_sure"], found["camelot"]) == (119.6, False, "8A")
    assert [section["label"] for section in found["sections"]] == ["A"]


def test_a_song_without_windows_is_described_and_the_command_for_windows_is_named(analysed, run_command):
    status, out, err = run_command("inside", "tone 2", "--db", analysed)
    assert status == 0
    assert "A minor" in out and "Sections" not in out
    assert f"index {analysed.parent}" in err or "--windows --db" in err


def test_a_file_outside_the_library_is_described(analysed, run_command, tmp_path):
    file = write_tone(tmp_path / "new.flac", tags={"title": "New"})
    status, out, _ = run_command("inside", file, "--db", analysed, "--json")
    found = json.loads(out)
    assert (status, found["song_id"], found["title"], found["has_windows"]) == (0, None, "New", True)
    assert found["sections"][0]["end_s"] == pytest.approx(1.5, abs=0.01)


@pytest.mark.parametrize("name", ["x.png", "x.svg", "x.PDF"])
def test_inside_draws_a_figure(analysed, run_command, tmp_path, name):
    out = tmp_path / "new folder" / name
    status, printed, _ = run_command("inside", "tone 1", "--db", analysed, "--out", out)
    assert (status, printed.splitlines()[-1]) == (0, f"Wrote the figure to {out}.")
    signature = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[out.suffix.lower()]
    assert out.read_bytes().startswith(signature)


def test_a_figure_of_another_kind_is_wrong_usage(analysed, run_command, tmp_path):
    status, _, err = run_command("inside", "tone 1", "--db", analysed, "--out", tmp_path / "x.gif")
    assert status == 2
    assert ".png, .svg or .pdf" in err


def test_a_figure_replaces_neither_the_library_nor_a_song(analysed, run_command, tmp_path):
    song = tmp_path / "song.png"
    write_tone(tmp_path / "song.flac").rename(song)
    link = tmp_path / "link.png"
    link.symlink_to(analysed)
    for out, query in ((song, song), (link, "tone 1")):
        before = out.read_bytes()
        status, _, err = run_command("inside", query, "--db", analysed, "--out", out)
        assert (status, out.read_bytes()) == (1, before)
        assert "name another file with --out" in err


def test_names_that_fit_nothing_or_no_sound_are_one_sentence(analysed, run_command, tmp_path):
    (tmp_path / "no sound.wav").write_bytes(b"no sound at all")
    for query in ("no such song at all", tmp_path / "no sound.wav", tmp_path):
        status, out, err = run_command("inside", query, "--db", analysed)
        assert (status, out) == (1, "")
        assert err.splitlines()[-1].endswith(".") or "library" in err
