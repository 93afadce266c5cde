import json

import numpy as np
import pytest
from support import write_tone

from explorer.database.database import Database
from explorer.demo.synthetic_sounds import SIGNALS
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.model import ModelRequest
from explorer.util.progress import Reporter

QUICK = ("--weights", "untrained", "--hop", "1.0")


@pytest.fixture
def told(capsys):
    """Run a command and return its exit status, standard output and standard error."""

    def run_it(*arguments):
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return run_it


@pytest.fixture(scope="module")
def indexed(tmp_path_factory):
    """A really indexed library of four songs: its folder."""
    folder = tmp_path_factory.mktemp("indexed")
    for number in range(4):
        tags = {"title": f"Tone {number}", "artist": "Us"}
        write_tone(folder / "music" / f"{number}.flac", frequency_hz=100 * 4**number, tags=tags)
    request = ModelRequest(Settings().models, weights="untrained", hop_s=1.0, precision="float32")
    with Database.open(folder / "songs.db") as library:
        index_folder(IndexRun(library, folder / "music", request=request, reporter=Reporter()))
    return folder


def test_synth_writes_the_test_sounds_and_lists_them(tmp_path, told):
    status, out, err = told("synth", tmp_path / "x", "--seconds", "1")
    assert status == 0
    assert out.splitlines() == [str(tmp_path / "x" / f"{name}.mp3") for name in SIGNALS]
    assert all(Path(line).is_file() for line in out.splitlines())
    assert "11 of 11 sounds" in err


def test_synth_takes_a_format_a_length_a_rate_and_a_seed_and_answers_in_json(tmp_path, told):
    options = ("--format", "flac", "--seconds", "1.5", "--rate", "16000", "--json")
    contents = []
    for number, seed in enumerate((5, 5, 6)):
        folder = tmp_path / f"{number}"
        status, out, _ = told("synth", folder, "--seed", seed, *options)
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
def test_synth_says_in_a_sentence_what_cannot_be(tmp_path, told, options, sentence):
    status, out, err = told("synth", tmp_path / "x", *options)
    lines = err.strip().splitlines()
    assert (status, out) == (1, "")
    assert lines[-1].startswith(sentence)
    assert not (tmp_path / "x").exists()


def test_embed_needs_no_out_and_tells_shape_range_and_pace(tmp_path, told, monkeypatch):
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
