import json
import re
from pathlib import Path

import pytest
from support import write_tone
from window_support import song_windows, store_windows

from explorer.database.database import Database


def test_similar_lists_songs_and_warns_of_untrained_filters(indexed, run_command):
    status, out, err = run_command("similar", "tone 1", "--db", indexed / "songs.db", "-k", "2")
    lines = out.splitlines()
    assert (status, len(lines)) == (0, 3)
    assert lines[0] == "Songs like Tone 1 (Us):"
    assert "UNTRAINED" in err


def test_similar_prints_json_for_a_song_and_for_a_file(indexed, run_command, tmp_path):
    new = write_tone(tmp_path / "new.flac", frequency_hz=1590)
    for query, nearest in ((new, "2.flac"), ("Tone 1", None)):
        status, out, _ = run_command("similar", query, "--db", indexed / "songs.db", "-k", "2", "--json")
        rows = json.loads(out)
        assert (status, len(rows)) == (0, 2)
        assert set(rows[0]) == {"song_id", "similarity", "title", "artist", "path"}
        assert rows[0]["song_id"] == nearest or nearest is None
        assert all(Path(row["path"]).is_file() for row in rows)


def test_similar_decodes_the_tags_of_a_file(indexed, run_command, tmp_path):
    tags = {"title": "Звезда по имени Солнце", "artist": "Кино"}
    raw = {name: text.encode("cp1251").decode("latin-1") for name, text in tags.items()}
    status, out, _ = run_command(
        "similar", write_tone(tmp_path / "new.flac", tags=raw), "--db", indexed / "songs.db"
    )
    assert (status, out.splitlines()[0]) == (0, "Songs like Звезда по имени Солнце (Кино):")


def test_similar_writes_a_playlist_of_existing_files(indexed, run_command, tmp_path):
    arguments = ("similar", "Tone 1", "--db", indexed / "songs.db", "--m3u8")
    status, out, _ = run_command(*arguments)
    assert status == 0
    assert out.startswith("#EXTM3U\n#EXTINF:")
    assert {Path(line).name for line in out.splitlines()[2::2]} == {"0.flac", "2.flac", "3.flac"}
    status, printed, err = run_command(*arguments, "--out", tmp_path / "x.m3u8")
    assert (status, printed) == (0, "")
    assert (tmp_path / "x.m3u8").read_text(encoding="utf-8") == out
    assert str(tmp_path / "x.m3u8") in err
    status, rows, _ = run_command(*arguments, "--json", "--out", tmp_path / "y.m3u8")
    assert (tmp_path / "y.m3u8").read_text(encoding="utf-8") == out
    assert len(json.loads(rows)) == 3


def test_similar_writes_json_to_a_file(indexed, run_command, tmp_path):
    arguments = ("similar", "Tone 1", "--db", indexed / "songs.db", "--json")
    _, rows, _ = run_command(*arguments)
    status, out, err = run_command(*arguments, "--out", tmp_path / "x.json")
    assert (status, out) == (0, "")
    assert (tmp_path / "x.json").read_text(encoding="utf-8") == rows
    assert "x.json" in err
    status, out, err = run_command(*arguments, "--out", tmp_path / "no" / "x.json")
    assert (status, out) == (1, "")
    assert f"{tmp_path / 'no' / 'x.json'} cannot be written" in err.splitlines()[-1]
    assert "No such file or directory" in err.splitlines()[-1]


@pytest.mark.parametrize("options", [("--m3u8", "--json"), ("--out", "x.txt"), ("--m3u8", "--why")])
def test_similar_refuses_options_that_contradict_each_other(indexed, run_command, options):
    assert run_command("similar", "Tone 1", "--db", indexed / "songs.db", *options)[0] == 2


def test_similar_for_an_unknown_song_is_an_error_of_one_sentence(indexed, run_command):
    status, out, err = run_command("similar", "nothing", "--db", indexed / "songs.db")
    assert (status, out, len(err.splitlines())) == (1, "", 1)
    assert "'nothing'" in err
    assert "audio file" in err


def test_similar_takes_words_that_fit_one_song_and_lists_the_songs_that_fit(indexed, run_command):
    status, out, _ = run_command("similar", "us 3", "--db", indexed / "songs.db")
    assert (status, out.splitlines()[0]) == (0, "Songs like Tone 3 (Us):")
    status, out, err = run_command("similar", "ton", "--db", indexed / "songs.db")
    sentence, *candidates = err.splitlines()
    assert (status, out) == (1, "")
    assert "4 songs fit 'ton'" in sentence
    assert candidates == [f"  Tone {number}  ·  Us  ·  {number}.flac" for number in range(4)]


def test_similar_suggests_a_title_that_is_nearly_the_text(indexed, run_command):
    status, _, err = run_command("similar", "Tome 3", "--db", indexed / "songs.db")
    assert status == 1
    assert "'Tone 3'" in err


def test_similar_lists_at_most_so_many_songs_of_an_artist(indexed, run_command):
    arguments = ("similar", "Tone 1", "--db", indexed / "songs.db", "--per-artist")
    assert len(run_command(*arguments, "2")[1].splitlines()) == 3
    assert len(json.loads(run_command(*arguments, "1", "--json")[1])) == 1
    assert len(run_command(*arguments, "1", "--m3u8")[1].splitlines()) == 3
    assert run_command(*arguments, "0")[0] == 2


def test_similar_removes_control_characters_from_titles(library, run_command):
    path, ids = library
    title = "\x1b[31mred\x00\r\n\u202egpj.exe"
    with Database.open(path) as database, database.transaction():
        database._rows("UPDATE songs SET info = json_set(info, '$.name', ?)", (title,))
    status, out, _ = run_command("similar", ids[0], "--db", path)
    assert (status, len(out.splitlines())) == (0, 11)
    assert "[31mred gpj.exe" in out
    assert all(character.isprintable() for line in out.splitlines() for character in line)


def test_similar_does_not_overwrite_the_library(indexed, run_command, monkeypatch):
    path = indexed / "songs.db"
    before = path.read_bytes()
    monkeypatch.chdir(indexed / "music")
    status, out, err = run_command("similar", "Tone 1", "--json", "--db", path, "--out", path)
    assert (status, out) == (1, "")
    assert "is the library itself" in err
    assert path.read_bytes() == before


def test_similar_says_where_songs_sound_most_alike(library, run_command):
    path, ids = library
    store_windows(path, {song_id: song_windows(n, shared_at=4 + 2 * n) for n, song_id in enumerate(ids[:7])})
    status, out, err = run_command("similar", ids[0], "--why", "-k", 7, "--db", path)
    assert status == 0
    lines = [line for line in out.splitlines() if "here" in line]
    assert len(lines) == 6
    for line in lines:
        here, there = re.search(r"(\d:\d\d) here, (\d:\d\d) there$", line).groups()
        assert here in ("0:01", "0:02", "0:03")
        number = ids.index(next(song_id for song_id in ids if song_id in line))
        assert int(there[2:]) == pytest.approx(int(here[2:]) + number, abs=1)
    assert "1 song" in err
    assert f"index {path.parent / 'music'} --windows" in err
    status, out, err = run_command("similar", ids[0], "--why", "-k", 7, "--json", "--db", path)
    rows = json.loads(out)
    assert sum(row["why"] is None for row in rows) == 1
    assert all(set(row["why"]) == {"query_s", "song_s", "similarity"} for row in rows if row["why"])


def test_similar_without_why_needs_no_windows(library, run_command):
    path, ids = library
    status, out, err = run_command("similar", ids[0], "--db", path)
    assert (status, "here" in out, "windows" in err) == (0, False, False)
