import json

import numpy as np
import pytest
from support import write_tone

from explorer.database.database import Database

QUICK = ("--weights", "untrained", "--hop", "1.0")


def test_embed_prints_shape_range_and_speed_and_writes_to_the_current_folder(
    tmp_path, run_command, monkeypatch
):
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


def test_embed_json_for_one_file_is_one_flat_object(tmp_path, run_command):
    file = write_tone(tmp_path / "x.flac")
    status, out, _ = run_command("embed", file, "--out", tmp_path / "y.npz", *QUICK, "--json")
    result = json.loads(out)
    assert status == 0
    assert (result["out"], result["shape"], result["windows"]) == (str(tmp_path / "y.npz"), [2, 512], 2)
    assert result["model"]["precision"] == "float32"
    with np.load(tmp_path / "y.npz") as arrays:
        assert (result["min"], result["max"]) == (arrays["embedding"].min(), arrays["embedding"].max())


def test_embed_continues_after_a_bad_file_and_fails_at_the_end(tmp_path, run_command):
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
    result = json.loads(out)
    assert (status, set(result)) == (1, {"files", "failed"})
    assert [result["file"] for result in result["files"]] == list(map(str, files))
    assert [result["out"] for result in result["files"]] == [
        str(tmp_path / "out" / name) for name in ("x.npz", "x (2).npz")
    ]
    assert [result["file"] for result in result["failed"]] == [str(tmp_path / "bad.mp3")]
    assert result["failed"][0]["reason"].startswith("bad.mp3 is not audio")


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["folder"], "folder is a folder: name files, or run `python run.py index FOLDER` for all of it."),
        (["absent.mp3"], "absent.mp3 cannot be read: No such file or directory."),
    ],
)
def test_embed_refuses_a_folder_and_a_missing_file_in_one_sentence(
    tmp_path, run_command, monkeypatch, names, sentence
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    assert run_command("embed", *names, *QUICK, "--json") == (1, "", f"{sentence}\n")
    assert run_command("embed")[0] == 2


def test_embed_like_library_uses_the_librarys_hop(indexed, tmp_path, run_command):
    file = indexed / "music" / "1.flac"
    options = ("--like-library", "--db", indexed / "songs.db", "--out", f"{tmp_path}/", "--json")
    status, out, _ = run_command("embed", file, file, *options)
    assert status == 0
    assert [result["model"]["hop_s"] for result in json.loads(out)["files"]] == [1.0, 1.0]
    with np.load(tmp_path / "1 (2).npz") as arrays, Database.open_readonly(indexed / "songs.db") as library:
        np.testing.assert_allclose(arrays["pooled"], library.vector("1.flac"), atol=1e-4)


def test_embed_does_not_overwrite_the_library(indexed, run_command, monkeypatch):
    path = indexed / "songs.db"
    before = path.read_bytes()
    monkeypatch.chdir(indexed / "music")
    status, out, err = run_command("embed", "0.flac", *QUICK, "--db", path, "--out", path)
    assert (status, out) == (1, "")
    assert "is the library itself" in err
    assert path.read_bytes() == before
