import json

import numpy as np
import pytest
from support import write_tone

from explorer.database.database import Database

QUICK = ("--weights", "untrained", "--hop", "1.0")


def test_embed_needs_no_out_and_tells_shape_range_and_pace(tmp_path, run_command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_tone(tmp_path / "music" / "x.flac", seconds=2.0)
    status, out, err = run_command("embed", "music/x.flac", *QUICK, "--db", tmp_path / "absent" / "songs.db")
    assert status == 0
    assert "music/x.flac: shape (3, 512), " in out
    assert "s per second of audio (" in out
    assert "times real time), in x.npz" in out
    assert "UNTRAINED" in err
    assert not (tmp_path / "absent").exists()
    with np.load(tmp_path / "x.npz") as arrays:
        assert arrays["embedding"].dtype == np.float32


def test_embed_answers_for_one_file_with_one_flat_object(tmp_path, run_command):
    file = write_tone(tmp_path / "x.flac")
    status, out, _ = run_command("embed", file, "--out", tmp_path / "y.npz", *QUICK, "--json")
    found = json.loads(out)
    assert status == 0
    assert (found["out"], found["shape"], found["windows"]) == (str(tmp_path / "y.npz"), [2, 512], 2)
    assert found["model"]["precision"] == "float32"
    with np.load(tmp_path / "y.npz") as arrays:
        assert (found["min"], found["max"]) == (arrays["embedding"].min(), arrays["embedding"].max())


def test_embed_goes_on_after_a_bad_file_and_fails_at_the_end(tmp_path, run_command):
    files = [write_tone(tmp_path / folder / "x.flac") for folder in ("a", "b")]
    (tmp_path / "bad.mp3").write_text("words")
    arguments = ("embed", files[0], tmp_path / "bad.mp3", files[1], "--out", tmp_path / "out", *QUICK)
    status, out, err = run_command(*arguments)
    assert status == 1
    assert len(out.splitlines()) == 2
    lines = err.splitlines()
    assert lines[-1] == "1 of 3 files could not be embedded."
    assert any(line.startswith(f"Failed: {tmp_path / 'bad.mp3'}: bad.mp3 is not audio") for line in lines)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["x (2).npz", "x.npz"]
    status, out, _ = run_command(*arguments, "--json")
    found = json.loads(out)
    assert (status, set(found)) == (1, {"files", "failed"})
    assert [one["file"] for one in found["files"]] == list(map(str, files))
    assert [one["out"] for one in found["files"]] == [
        str(tmp_path / "out" / name) for name in ("x.npz", "x (2).npz")
    ]
    assert [one["file"] for one in found["failed"]] == [str(tmp_path / "bad.mp3")]
    assert found["failed"][0]["reason"].startswith("bad.mp3 is not audio")


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["folder"], "folder is a folder: name files, or run `python run.py index FOLDER` for all of it."),
        (["absent.mp3"], "absent.mp3 cannot be read: No such file or directory."),
    ],
)
def test_embed_says_in_a_sentence_what_it_cannot_take(tmp_path, run_command, monkeypatch, names, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    assert run_command("embed", *names, *QUICK, "--json") == (1, "", f"{sentence}\n")
    assert run_command("embed")[0] == 2


def test_embed_like_the_library_takes_its_hop(indexed, tmp_path, run_command):
    file = indexed / "music" / "1.flac"
    options = ("--like-library", "--db", indexed / "songs.db", "--out", f"{tmp_path}/", "--json")
    status, out, _ = run_command("embed", file, file, *options)
    assert status == 0
    assert [one["model"]["hop_s"] for one in json.loads(out)["files"]] == [1.0, 1.0]
    with np.load(tmp_path / "1 (2).npz") as arrays, Database.open_readonly(indexed / "songs.db") as library:
        np.testing.assert_allclose(arrays["pooled"], library.vector("1.flac"), atol=1e-4)


def test_an_npz_file_is_not_written_over_the_library(indexed, run_command, monkeypatch):
    path = indexed / "songs.db"
    before = path.read_bytes()
    monkeypatch.chdir(indexed / "music")
    status, out, err = run_command("embed", "0.flac", *QUICK, "--db", path, "--out", path)
    assert (status, out) == (1, "")
    assert "is the library itself" in err
    assert path.read_bytes() == before
