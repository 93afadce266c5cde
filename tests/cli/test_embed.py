import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support import write_tone

from explorer.cli.main import run
from explorer.config import Settings
from explorer.database.database import Database
from explorer.demo.synthetic_sounds import SIGNALS
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
        index_folder(library, folder / "music", request=request, reporter=Reporter())
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
    status, out, err = told("embed", "music/x.flac", *QUICK, "--db", tmp_path / "absent" / "songs.db")
    assert status == 0
    assert "music/x.flac: shape (3, 512), " in out
    assert "s per second of audio (" in out
    assert "times real time), in x.npz" in out
    assert "UNTRAINED" in err
    assert not (tmp_path / "absent").exists()
    with np.load(tmp_path / "x.npz") as arrays:
        assert arrays["embedding"].dtype == np.float32


def test_embed_answers_for_one_file_with_one_flat_object(tmp_path, told):
    file = write_tone(tmp_path / "x.flac")
    status, out, _ = told("embed", file, "--out", tmp_path / "y.npz", *QUICK, "--json")
    found = json.loads(out)
    assert status == 0
    assert (found["out"], found["shape"], found["windows"]) == (str(tmp_path / "y.npz"), [2, 512], 2)
    assert found["model"]["precision"] == "float32"
    with np.load(tmp_path / "y.npz") as arrays:
        assert (found["min"], found["max"]) == (arrays["embedding"].min(), arrays["embedding"].max())


def test_embed_goes_on_after_a_bad_file_and_fails_at_the_end(tmp_path, told):
    files = [write_tone(tmp_path / folder / "x.flac") for folder in ("a", "b")]
    (tmp_path / "bad.mp3").write_text("words")
    arguments = ("embed", files[0], tmp_path / "bad.mp3", files[1], "--out", tmp_path / "out", *QUICK)
    status, out, err = told(*arguments)
    assert status == 1
    assert len(out.splitlines()) == 2
    lines = err.splitlines()
    assert lines[-1] == "1 of 3 files could not be embedded."
    assert any(line.startswith(f"Failed: {tmp_path / 'bad.mp3'}: bad.mp3 is not audio") for line in lines)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["x (2).npz", "x.npz"]
    status, out, _ = told(*arguments, "--json")
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
def test_embed_says_in_a_sentence_what_it_cannot_take(tmp_path, told, monkeypatch, names, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    assert told("embed", *names, *QUICK, "--json") == (1, "", f"{sentence}\n")
    assert told("embed")[0] == 2


def test_embed_like_the_library_takes_its_hop(indexed, tmp_path, told):
    file = indexed / "music" / "1.flac"
    options = ("--like-library", "--db", indexed / "songs.db", "--out", f"{tmp_path}/", "--json")
    status, out, _ = told("embed", file, file, *options)
    assert status == 0
    assert [one["model"]["hop_s"] for one in json.loads(out)["files"]] == [1.0, 1.0]
    with np.load(tmp_path / "1 (2).npz") as arrays, Database.open_readonly(indexed / "songs.db") as library:
        np.testing.assert_allclose(arrays["pooled"], library.vector("1.flac"), atol=1e-4)


def test_similar_lists_songs_and_says_that_filters_are_untrained(indexed, told):
    status, out, err = told("similar", "tone 1", "--db", indexed / "songs.db", "-k", "2")
    lines = out.splitlines()
    assert (status, len(lines)) == (0, 3)
    assert lines[0] == "Songs like Tone 1 (Us):"
    assert "UNTRAINED" in err


def test_similar_answers_in_json_for_a_song_and_for_a_file(indexed, told, tmp_path):
    new = write_tone(tmp_path / "new.flac", frequency_hz=1590)
    for text, first in ((new, "2.flac"), ("Tone 1", None)):
        status, out, _ = told("similar", text, "--db", indexed / "songs.db", "-k", "2", "--json")
        rows = json.loads(out)
        assert (status, len(rows)) == (0, 2)
        assert set(rows[0]) == {"song_id", "similarity", "title", "artist", "path"}
        assert rows[0]["song_id"] == first or first is None
        assert all(Path(row["path"]).is_file() for row in rows)


def test_similar_makes_a_playlist_of_files_that_are_there(indexed, told, tmp_path):
    arguments = ("similar", "Tone 1", "--db", indexed / "songs.db", "--m3u8")
    status, out, _ = told(*arguments)
    assert status == 0
    assert out.startswith("#EXTM3U\n#EXTINF:")
    assert {Path(line).name for line in out.splitlines()[2::2]} == {"0.flac", "2.flac", "3.flac"}
    status, nothing, err = told(*arguments, "--out", tmp_path / "x.m3u8")
    assert (status, nothing) == (0, "")
    assert (tmp_path / "x.m3u8").read_text(encoding="utf-8") == out
    assert f"The songs are in {tmp_path / 'x.m3u8'}." in err
    status, rows, _ = told(*arguments, "--json", "--out", tmp_path / "y.m3u8")
    assert (tmp_path / "y.m3u8").read_text(encoding="utf-8") == out
    assert len(json.loads(rows)) == 3


def test_similar_puts_json_into_a_file(indexed, told, tmp_path):
    arguments = ("similar", "Tone 1", "--db", indexed / "songs.db", "--json")
    _, rows, _ = told(*arguments)
    status, out, err = told(*arguments, "--out", tmp_path / "x.json")
    assert (status, out) == (0, "")
    assert (tmp_path / "x.json").read_text(encoding="utf-8") == rows
    assert "x.json" in err
    status, out, err = told(*arguments, "--out", tmp_path / "no" / "x.json")
    assert (status, out) == (1, "")
    assert (
        err.splitlines()[-1] == f"{tmp_path / 'no' / 'x.json'} cannot be written: No such file or directory."
    )


@pytest.mark.parametrize("options", [("--m3u8", "--json"), ("--out", "x.txt")])
def test_similar_refuses_what_cannot_be_meant(indexed, told, options):
    assert told("similar", "Tone 1", "--db", indexed / "songs.db", *options)[0] == 2


def test_similar_says_in_one_sentence_that_there_is_neither_song_nor_file(indexed, told):
    status, out, err = told("similar", "nothing", "--db", indexed / "songs.db")
    assert (status, out, len(err.splitlines())) == (1, "", 1)
    assert "title or file name 'nothing', and there is no audio file of that name either." in err


def test_similar_prints_titles_that_move_no_cursor(library, told):
    path, ids = library
    evil = "\x1b[31mred\x00\r\n\u202egpj.exe"
    with Database.open(path) as database, database.transaction():
        database._rows("UPDATE songs SET info = json_set(info, '$.name', ?)", (evil,))
    status, out, _ = told("similar", ids[0], "--db", path)
    assert (status, len(out.splitlines())) == (0, 11)
    assert "[31mred gpj.exe" in out
    assert all(letter.isprintable() for line in out.splitlines() for letter in line)


@pytest.mark.parametrize("command", [("similar", "Tone 1", "--json"), ("embed", "0.flac", *QUICK)])
def test_nothing_is_written_over_the_library(indexed, told, monkeypatch, command):
    path = indexed / "songs.db"
    before = path.read_bytes()
    monkeypatch.chdir(indexed / "music")
    status, out, err = told(*command, "--db", path, "--out", path)
    assert (status, out) == (1, "")
    assert "is the library itself" in err
    assert path.read_bytes() == before
