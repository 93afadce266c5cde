import json

import pytest
from report_support import change, store_sound_library

from explorer.cli.main import run


@pytest.fixture(scope="module")
def sound_library(tmp_path_factory):
    return store_sound_library(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def damaged_library(sound_library, tmp_path):
    path = tmp_path / "songs.db"
    path.write_bytes(sound_library.read_bytes())
    change(path, "UPDATE positions SET x = 9e999 WHERE song_id = '005.flac'")
    change(path, "INSERT INTO songs_genres VALUES ('ghost', 'Techno')")
    return path


def test_the_report_of_a_sound_library_has_status_0(sound_library, tmp_path, capsys):
    assert (
        run(["report", "--db", str(sound_library), "--recompute", "0", "--out", str(tmp_path / "r.html")])
        == 0
    )
    captured = capsys.readouterr()
    assert "17 checks" in captured.out
    assert "passed      Every value is finite" in captured.out
    assert str(tmp_path / "r.html") in captured.err
    assert (tmp_path / "r.html").read_text().count("<svg") == 6


def test_the_default_page_is_beside_the_database(damaged_library, capsys):
    run(["report", "--db", str(damaged_library), "--recompute", "0"])
    assert (damaged_library.parent / "report.html").is_file()


def test_failed_checks_are_named_in_the_last_line_after_the_page_is_written(
    damaged_library, tmp_path, capsys
):
    out = tmp_path / "r.html"
    assert run(["report", "--db", str(damaged_library), "--recompute", "0", "--out", str(out)]) == 1
    captured = capsys.readouterr()
    last_line = captured.err.strip().splitlines()[-1]
    assert "2 checks failed" in last_line
    assert "Every row has its song" in last_line and "Every position is finite" in last_line
    assert "failed      Every position is finite" in captured.out
    assert "2 checks failed" in out.read_text()


def test_json_is_printed_also_when_checks_fail(damaged_library, tmp_path, capsys):
    status = run(
        [
            "report",
            "--db",
            str(damaged_library),
            "--recompute",
            "0",
            "--json",
            "--out",
            str(tmp_path / "r.html"),
        ]
    )
    report = json.loads(capsys.readouterr().out)
    assert status == 1
    assert report["failed"] == ["Every row has its song", "Every position is finite"]
    assert report["counts"]["songs"] == 60


def test_a_missing_library_is_an_error(tmp_path, capsys):
    assert run(["report", "--db", str(tmp_path / "absent.db")]) == 1
    assert str(tmp_path / "absent.db") in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_report_does_not_change_the_database(sound_library, tmp_path):
    before = sound_library.read_bytes()
    sound_library.chmod(0o444)
    try:
        assert (
            run(["report", "--db", str(sound_library), "--recompute", "0", "--out", str(tmp_path / "r.html")])
            == 0
        )
    finally:
        sound_library.chmod(0o644)
    assert sound_library.read_bytes() == before


def test_control_characters_of_file_names_are_not_printed(sound_library, tmp_path, capsys):
    path = tmp_path / "songs.db"
    path.write_bytes(sound_library.read_bytes())
    change(path, ("INSERT INTO failures VALUES (1, ?, 0, 0, ?, 2)", (b"x.mp3", "is \x07\r damaged")))
    run(["report", "--db", str(path), "--recompute", "0"])
    out = capsys.readouterr().out
    assert "damaged" in out
    assert not {"\x07", "\r"} & set(out)


def test_a_report_does_not_overwrite_the_library(sound_library, capsys):
    before = sound_library.read_bytes()
    assert run(["report", "--db", str(sound_library), "--recompute", "0", "--out", str(sound_library)]) == 1
    captured = capsys.readouterr()
    assert (captured.out, "is the library itself" in captured.err) == ("", True)
    assert sound_library.read_bytes() == before


def test_a_report_on_imported_vectors_does_not_deny_that_they_are_openl3s(sound_library, tmp_path, capsys):
    path = tmp_path / "songs.db"
    path.write_bytes(sound_library.read_bytes())
    change(path, "UPDATE state SET value = json_set(value, '$.trained', json('null')) WHERE key = 'model'")
    run(["report", "--db", str(path), "--recompute", "0"])
    out = capsys.readouterr().out
    assert "unknown" in out
    assert "not OpenL3's" not in out
