import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support import store_original

from explorer.cli.main import cli, run
from explorer.config import ROOT
from explorer.database.database import Database
from explorer.demo import demo_library


@pytest.fixture
def run_json(capsys):
    """Run a command with --json and return its exit status and the object that it prints."""

    def run_it(*arguments):
        capsys.readouterr()
        status = run([str(argument) for argument in arguments] + ["--json"])
        out = capsys.readouterr().out.strip()
        return status, json.loads(out.splitlines()[-1]) if out else None

    return run_it


def test_a_folder_is_indexed_described_searched_and_mapped_again(tmp_path, make_tone, run_json, capsys):
    for number, genre in enumerate(["Low"] * 3 + ["High"] * 3):
        frequency = 100 + 20 * number if genre == "Low" else 2000 + 300 * number
        tags = {"title": f"Tone {number}", "artist": "Us", "genre": genre}
        make_tone(tmp_path / "music" / f"{number}.flac", frequency_hz=frequency, tags=tags)
    database = tmp_path / "songs.db"
    status, summary = run_json(
        "index", tmp_path / "music", "--weights", "untrained", "--hop", "1.0", "--db", database
    )
    assert status == 0
    assert {key: summary[key] for key in ("indexed", "skipped", "failed")} == {
        "indexed": 6,
        "skipped": 0,
        "failed": 0,
    }
    assert summary["audio_seconds"] == pytest.approx(9.0)

    status, facts = run_json("status", "--db", database)
    assert status == 0
    assert (facts["songs"], facts["vectors"], facts["failures"], facts["clusters"]) == (6, 6, 0, 2)
    assert facts["model"]["trained"] is False
    assert set(facts["projections"]) == {"pca", "tsne", "umap"}
    assert run(["status", "--db", str(database)]) == 0
    assert "UNTRAINED" in capsys.readouterr().out

    status, neighbours = run_json("similar", "tone 0", "-k", "3", "--db", database)
    assert status == 0
    assert {row["song_id"] for row in neighbours[:2]} == {"1.flac", "2.flac"}
    assert [row["similarity"] for row in neighbours] == sorted(
        (r["similarity"] for r in neighbours), reverse=True
    )
    assert run(["similar", str(tmp_path / "music" / "0.flac"), "--db", str(database)]) == 0
    assert "Tone 1" in capsys.readouterr().out

    status, new_map = run_json("map", "--clusters", "3", "--db", database)
    assert status == 0
    assert len(new_map["clusters"]) == 3
    with Database.open_readonly(database) as library:
        assert library.map_revision() == 2
        assert len(library.positions("tsne")[0]) == 6


def test_embed_writes_the_vectors_of_one_file(tmp_path, make_tone, run_json):
    file = make_tone(tmp_path / "x.wav", seconds=2.0)
    status, facts = run_json("embed", file, "--out", tmp_path / "x.npz", "--weights", "untrained")
    assert status == 0
    with np.load(tmp_path / "x.npz") as saved:
        assert saved["embedding"].shape == (facts["windows"], 512) == (4, 512)
        np.testing.assert_allclose(saved["timestamps"], [0, 0.5, 1.0, 1.5])
        np.testing.assert_allclose(saved["pooled"], saved["embedding"].max(axis=0))


@pytest.mark.parametrize(
    "arguments",
    [
        ["index", "/no/such/folder", "--weights", "untrained"],
        ["index", ".", "--weights", "/no/such/weights.h5"],
        ["map"],
        ["status"],
        ["similar", "x"],
        ["inside", "x"],
        ["embed", "/no/such.wav", "--out", "x.npz", "--weights", "untrained"],
    ],
)
def test_a_users_mistake_is_one_sentence_and_status_1(tmp_path, capsys, arguments):
    assert run([*arguments, "--db", str(tmp_path / "songs.db")]) == 1
    err = capsys.readouterr().err
    assert len(err.strip().splitlines()) == 1
    assert err.strip().endswith(".")
    assert "Traceback" not in err


def test_a_folder_without_music_is_reported(tmp_path, capsys, run_json):
    (tmp_path / "empty").mkdir()
    arguments = [
        "index",
        str(tmp_path / "empty"),
        "--weights",
        "untrained",
        "--db",
        str(tmp_path / "songs.db"),
    ]
    assert run(arguments) == 0
    assert str(tmp_path / "empty") in capsys.readouterr().err
    assert run_json(*arguments)[1]["indexed"] == 0


def test_failed_files_are_logged_and_give_status_3(tmp_path, make_tone, capsys, run_json):
    music = tmp_path / "music"
    make_tone(music / "good.flac")
    (music / "empty\nname.mp3").touch()
    for number in range(12):
        (music / f"{number}.wav").write_bytes(b"no sound at all")
    arguments = ["index", music, "--weights", "untrained", "--hop", "1.0", "--no-map", "--no-previews"]
    arguments += ["--db", tmp_path / "my.db"]
    status, summary = run_json(*arguments)
    assert status == 3
    assert (summary["indexed"], summary["failed"], summary["failed_before"]) == (1, 13, 0)
    assert sorted(summary["reasons"].values()) == [1, 12]
    lines = (tmp_path / "my.failures.log").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 13
    (empty,) = [line for line in lines if "empty" in line]
    when, path, reason = empty.split("\t")
    assert when.startswith("20")
    assert path == f"{music}/empty\\x0aname.mp3"
    assert reason.endswith("is empty.")
    status, summary = run_json(*arguments)
    assert status == 0
    assert (summary["skipped"], summary["failed"], summary["failed_before"]) == (14, 0, 13)
    assert len((tmp_path / "my.failures.log").read_text(encoding="utf-8").splitlines()) == 13
    capsys.readouterr()
    assert run([str(part) for part in [*arguments, "--retry"]]) == 3
    err = capsys.readouterr().err
    assert err.count("Failed: ") == 10
    assert "12 × " in err
    status, facts = run_json("status", "--db", tmp_path / "my.db")
    assert (facts["failures"], sum(facts["reasons"].values())) == (13, 13)
    assert facts["bytes"] > 0
    assert [run["failed"] for run in facts["runs"]] == [13, 13]


def test_songs_are_indexed_although_the_failure_log_cannot_be_written(tmp_path, make_tone, capsys):
    make_tone(tmp_path / "music" / "good.flac")
    (tmp_path / "music" / "bad.wav").write_bytes(b"no sound at all")
    (tmp_path / "songs.failures.log").mkdir()
    arguments = ["index", str(tmp_path / "music"), "--weights", "untrained", "--hop", "1.0", "--no-map"]
    assert run([*arguments, "--no-previews", "--db", str(tmp_path / "songs.db")]) == 3
    assert "songs.failures.log" in capsys.readouterr().err
    with Database.open_readonly(tmp_path / "songs.db") as library:
        assert (len(library.failures()), library.count_vectors()) == (1, 1)


def test_wrong_usage_is_status_2(capsys):
    assert run(["index", "--hop", "x"]) == 2
    assert run(["nonsense"]) == 2
    assert run([]) == 2
    capsys.readouterr()


def test_the_users_own_songs_replace_the_demos(tmp_path, make_tone, monkeypatch, run_json):
    monkeypatch.setattr(demo_library, "FOLDER", tmp_path / "demo")
    make_tone(tmp_path / "demo" / "demo.flac")
    make_tone(tmp_path / "mine" / "mine.flac", frequency_hz=300)
    make_tone(tmp_path / "more" / "more.flac", frequency_hz=500)
    arguments = ["--weights", "untrained", "--no-map", "--db", str(tmp_path / "songs.db")]
    assert run(["index", str(tmp_path / "demo"), *arguments]) == 0
    assert run(["index", str(tmp_path / "no such folder"), *arguments]) == 1
    with Database.open_readonly(tmp_path / "songs.db") as library:
        assert library.vectors()[0] == ["demo.flac"]
    for folder, expected in (
        ("demo", ["demo.flac"]),
        ("mine", ["mine.flac"]),
        ("more", ["mine.flac", "more.flac"]),
    ):
        assert run_json("index", tmp_path / folder, *arguments)[0] == 0
        with Database.open_readonly(tmp_path / "songs.db") as library:
            assert library.vectors()[0] == expected


def test_every_command_is_in_the_readme_and_every_option_there_or_in_the_guide():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    for name, command in cli.commands.items():
        assert f"run.py {name}" in readme, name
        for parameter in command.params:
            if getattr(parameter, "hidden", False):
                continue
            for option in (o for o in parameter.opts if o.startswith("--")):
                assert re.search(rf"{option}\b", readme + guide), f"{name} {option}"


def test_the_precision_is_recorded_and_shown(tmp_path, make_tone, run_json, capsys):
    for number in range(3):
        make_tone(tmp_path / "music" / f"{number}.flac", frequency_hz=200 * (number + 1))
    arguments = ["--weights", "untrained", "--hop", "1.0", "--no-map"]
    half, unspecified = tmp_path / "half.db", tmp_path / "open.db"
    assert run_json("index", tmp_path / "music", *arguments, "--precision", "bfloat16", "--db", half)[0] == 0
    _, facts = run_json("status", "--db", half)
    assert (facts["model"]["precision"], facts["precision_trial"]) == ("bfloat16", None)
    assert run_json("index", tmp_path / "music", *arguments, "--db", unspecified)[0] == 0
    _, facts = run_json("status", "--db", unspecified)
    assert (facts["model"]["precision"], facts["precision_trial"]["precision"]) == ("float32", "float32")
    assert run(["status", "--db", str(unspecified)]) == 0
    out = capsys.readouterr().out
    assert "precision    float32" in out and "16 songs" in out


def test_a_missing_engine_is_an_error_of_one_sentence(tmp_path, make_tone, monkeypatch, capsys):
    make_tone(tmp_path / "0.flac")
    monkeypatch.setitem(sys.modules, "openl3", None)
    out = ["--out", str(tmp_path / "o.npz")]
    assert run(["embed", str(tmp_path / "0.flac"), *out, "--weights", "untrained", "--engine", "openl3"]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "'openl3'" in line
    assert "requirements-openl3.txt" in line


needs_dev_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


@needs_dev_full
@pytest.mark.parametrize("arguments", [["status", "--json"], ["export", "--format", "csv"]])
def test_output_to_a_full_disk_is_an_error_of_one_sentence(library, arguments):
    """PYTHONUNBUFFERED is removed, so that Python buffers the output."""
    command = [sys.executable, str(ROOT / "run.py"), *arguments, "--db", str(library[0])]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=ROOT, env=environment
        )
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "no space" in line


COMMANDS_WITH_OUTPUT = [
    "index MUSIC --weights untrained --hop 1.0 --precision float32 --no-map --no-previews --limit 1 --json",
    "index MUSIC --dry-run",
    "index MUSIC --dry-run --json",
    "map --projection pca",
    "map --projection pca --json",
    "map --projection pca --progress-lines",
    "status",
    "status --json",
    "similar SONG",
    "similar SONG --json",
    "similar SONG --m3u8",
    "inside SONG",
    "inside SONG --json",
    "inside SONG --out OUT/x.png",
    "compare SONG SONG2 --pairs 1 --out OUT",
    "compare SONG SONG2 --pairs 1 --out OUT --json",
    *(f"export --format {form}" for form in ("csv", "parquet", "m3u8", "xspf")),
    "export --out OUT/songs.csv",
    "export --out OUT/songs.csv --json",
    "embed FILE --out OUT/x.npz --weights untrained",
    "embed FILE --out OUT/x.npz --weights untrained --json",
    "weights --weights untrained",
    "weights --weights untrained --json",
    "report --recompute 0",
    "report --recompute 0 --json",
    "import ORIGINAL --no-map --json",
    "synth OUT --seconds 0.5 --format wav",
    "synth OUT --seconds 0.5 --format wav --json",
    "--help",
]


@needs_dev_full
@pytest.mark.parametrize("command", COMMANDS_WITH_OUTPUT)
def test_every_command_reports_that_its_output_disk_is_full(library, tmp_path, command, capsys, monkeypatch):
    path, song_ids = library
    (tmp_path / "out").mkdir()
    store_original(tmp_path / "original.db", count=3)
    paths = {
        "MUSIC": tmp_path / "music",
        "SONG": song_ids[0],
        "SONG2": song_ids[1],
        "FILE": next((tmp_path / "music").rglob("*.flac")),
        "ORIGINAL": tmp_path / "original.db",
    }
    arguments = [str(paths.get(word, word)).replace("OUT", str(tmp_path / "out")) for word in command.split()]
    has_db_option = arguments[0] not in ("weights", "synth", "--help")
    database = tmp_path / "new.db" if arguments[0] in ("index", "import") else path
    with Path("/dev/full").open("w") as full, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", full)
        status = run([*arguments, *(["--db", str(database)] if has_db_option else [])])
    # `full` was closed without an error, so no output was left in its buffer.
    assert status == 1
    assert "no space" in capsys.readouterr().err.splitlines()[-1].lower()


PATH_COMMANDS = [
    "export --db DB --out PATH.csv",
    "similar 1 --db DB --m3u8 --out PATH",
    "inside 001.flac --db DB --out PATH/x.png",
    "inside PATH --db DB",
    "report --db DB --recompute 0 --out PATH",
    "compare --db DB --out PATH/x",
    "embed PATH.flac --weights untrained",
    "index PATH --weights untrained --db NEW",
    "import PATH --db NEW",
    "serve --db DB --audio PATH --no-browser",
    "weights --weights PATH",
    "synth PATH --seconds 0.5",
    "demo --db PATH --no-serve",
]


@pytest.mark.skipif(os.name == "nt", reason="Windows needs a privilege for links")
@pytest.mark.parametrize("command", PATH_COMMANDS)
@pytest.mark.parametrize("kind", ["long", "loop"])
def test_a_path_that_no_system_can_open_is_one_sentence(library, tmp_path, capsys, command, kind):
    for ending in ("", ".csv", ".flac"):
        (tmp_path / f"loop{ending}").symlink_to(f"loop{ending}")
    path = tmp_path / (kind * 100 if kind == "long" else kind)
    words = {"DB": str(library[0]), "NEW": str(tmp_path / "new.db")}
    arguments = [words.get(word, word.replace("PATH", str(path))) for word in command.split()]
    assert run(arguments) == 1
    lines = capsys.readouterr().err.splitlines()
    assert kind in lines[-1]
