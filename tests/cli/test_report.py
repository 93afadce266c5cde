import json

import pytest
from report_support import change, store_sound_library

from explorer.cli.main import run


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return store_sound_library(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def harmed(sound, tmp_path):
    path = tmp_path / "songs.db"
    path.write_bytes(sound.read_bytes())
    change(path, "UPDATE positions SET x = 9e999 WHERE song_id = '005.flac'")
    change(path, "INSERT INTO songs_genres VALUES ('ghost', 'Techno')")
    return path


def test_a_sound_library_is_reported_with_status_0(sound, tmp_path, capsys):
    assert run(["report", "--db", str(sound), "--recompute", "0", "--out", str(tmp_path / "r.html")]) == 0
    told = capsys.readouterr()
    assert "None of the 17 checks failed." in told.out
    assert "passed      Every value is finite" in told.out
    assert f"The report is at {tmp_path / 'r.html'}" in told.err
    assert (tmp_path / "r.html").read_text().count("<svg") == 6


def test_the_page_lies_beside_the_database_by_default(harmed, capsys):
    run(["report", "--db", str(harmed), "--recompute", "0"])
    assert (harmed.parent / "report.html").is_file()


def test_failures_are_named_in_one_sentence_after_everything_was_written(harmed, tmp_path, capsys):
    out = tmp_path / "r.html"
    assert run(["report", "--db", str(harmed), "--recompute", "0", "--out", str(out)]) == 1
    told = capsys.readouterr()
    last = told.err.strip().splitlines()[-1]
    assert "2 checks failed: Every row has its song; Every position is finite." in last
    assert "failed      Every position is finite" in told.out
    assert "2 checks failed" in out.read_text()


def test_json_comes_before_the_failure(harmed, tmp_path, capsys):
    status = run(
        ["report", "--db", str(harmed), "--recompute", "0", "--json", "--out", str(tmp_path / "r.html")]
    )
    report = json.loads(capsys.readouterr().out)
    assert status == 1
    assert report["failed"] == ["Every row has its song", "Every position is finite"]
    assert report["counts"]["songs"] == 60


def test_a_library_that_is_not_there_is_a_sentence(tmp_path, capsys):
    assert run(["report", "--db", str(tmp_path / "absent.db")]) == 1
    assert "There is no library" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_report_changes_nothing_in_the_database(sound, tmp_path):
    before = sound.read_bytes()
    sound.chmod(0o444)
    try:
        assert run(["report", "--db", str(sound), "--recompute", "0", "--out", str(tmp_path / "r.html")]) == 0
    finally:
        sound.chmod(0o644)
    assert sound.read_bytes() == before


def test_what_a_file_is_called_moves_no_cursor(sound, tmp_path, capsys):
    path = tmp_path / "songs.db"
    path.write_bytes(sound.read_bytes())
    change(path, ("INSERT INTO failures VALUES (1, ?, 0, 0, ?)", (b"x.mp3", "is \x07\r damaged")))
    run(["report", "--db", str(path), "--recompute", "0"])
    out = capsys.readouterr().out
    assert "damaged" in out
    assert not {"\x07", "\r"} & set(out)


def test_a_report_is_not_written_over_the_library(sound, capsys):
    before = sound.read_bytes()
    assert run(["report", "--db", str(sound), "--recompute", "0", "--out", str(sound)]) == 1
    told = capsys.readouterr()
    assert (told.out, "is the library itself" in told.err) == ("", True)
    assert sound.read_bytes() == before


def test_imported_vectors_are_not_said_to_be_other_than_openl3s(sound, tmp_path, capsys):
    path = tmp_path / "songs.db"
    path.write_bytes(sound.read_bytes())
    change(path, "UPDATE state SET value = json_set(value, '$.trained', json('null')) WHERE key = 'model'")
    run(["report", "--db", str(path), "--recompute", "0"])
    out = capsys.readouterr().out
    assert "What made these vectors is unknown" in out
    assert "not OpenL3's" not in out
