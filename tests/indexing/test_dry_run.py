import json
import shutil

import mutagen
import pytest
from support import RecordingReporter

from explorer.cli.main import run
from explorer.config import Settings
from explorer.database.database import Database
from explorer.indexing.dry_run import plan_dry_run
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.model import ModelRequest

REQUEST = ModelRequest(models_dir=Settings().models, weights="untrained", hop_s=1.0)


@pytest.fixture
def music(tmp_path, make_tone):
    folder = tmp_path / "music"
    for number in range(6):
        make_tone(folder / f"disc {number % 2}" / f"{number}.flac", frequency_hz=150 * (number + 1))
    (folder / "broken.mp3").write_bytes(b"no music " * 100)
    return folder


def dry_run(database, folder, **options):
    options = {"retry": False, "reporter": RecordingReporter()} | options
    return plan_dry_run(database, folder, **options)


def change_everything(music, make_tone):
    (music / "disc 0" / "0.flac").rename(music / "moved.flac")
    (music / "disc 0" / "2.flac").unlink()
    shutil.copy(music / "disc 1" / "1.flac", music / "copy.flac")
    file = mutagen.File(music / "disc 1" / "3.flac")
    file["title"] = "Another"
    file.save()
    make_tone(music / "disc 1" / "5.flac", frequency_hz=77)
    make_tone(music / "new.flac", frequency_hz=99)
    (music / "unreadable.ogg").touch()


def test_a_dry_run_lists_each_kind_of_change_and_writes_nothing(fresh_db, music, make_tone):
    index_folder(IndexRun(fresh_db, music, request=REQUEST, reporter=RecordingReporter()))
    change_everything(music, make_tone)
    before = fresh_db.path.read_bytes()
    plan = dry_run(fresh_db, music)
    assert fresh_db.path.read_bytes() == before
    assert plan.new == [str(music / "new.flac")]
    assert plan.changed == [str(music / "disc 1" / "5.flac")]
    assert plan.moved == [(str(music / "disc 0" / "0.flac"), str(music / "moved.flac"))]
    assert plan.copied == [str(music / "copy.flac")]
    assert plan.retagged == [str(music / "disc 1" / "3.flac")]
    assert plan.unreadable == [str(music / "unreadable.ogg")]
    assert plan.gone == [str(music / "disc 0" / "2.flac")]
    assert (plan.unchanged, plan.failed_before, plan.to_embed) == (3, 1, 2)
    assert plan.songs_per_second > 0
    assert dry_run(fresh_db, music, retry=True).unreadable == [
        str(music / "broken.mp3"),
        str(music / "unreadable.ogg"),
    ]


def test_the_run_does_what_the_dry_run_said(fresh_db, music, make_tone):
    index_folder(IndexRun(fresh_db, music, request=REQUEST, reporter=RecordingReporter()))
    change_everything(music, make_tone)
    plan = dry_run(fresh_db, music)
    done = index_folder(IndexRun(fresh_db, music, request=REQUEST, reporter=RecordingReporter()))
    assert done.embedded == plan.to_embed
    assert (done.moved, done.copied, done.retagged) == (1, 1, 1)
    assert (done.gone, done.failed, done.skipped) == (len(plan.gone), 1, plan.unchanged)
    again = dry_run(fresh_db, music)
    assert (again.to_embed, again.moved, again.unchanged) == (0, [], 9)


def test_a_dry_run_of_a_folder_inside_or_around_a_root_knows_its_songs(fresh_db, music):
    index_folder(IndexRun(fresh_db, music / "disc 0", request=REQUEST, reporter=RecordingReporter()))
    around = dry_run(fresh_db, music)
    assert (len(around.new), around.unchanged, len(around.unreadable)) == (3, 3, 1)
    index_folder(IndexRun(fresh_db, music, request=REQUEST, reporter=RecordingReporter()))
    inside = dry_run(fresh_db, music / "disc 1")
    assert (inside.new, inside.unchanged, inside.gone) == ([], 3, [])


def test_songs_that_moved_to_another_root_are_listed_as_moved(fresh_db, music, tmp_path):
    index_folder(IndexRun(fresh_db, music, request=REQUEST, reporter=RecordingReporter()))
    other = tmp_path / "other"
    other.mkdir()
    (music / "disc 0" / "0.flac").rename(other / "0.flac")
    shutil.copy(music / "disc 1" / "1.flac", other)
    plan = dry_run(fresh_db, other)
    assert plan.moved == [(str(music / "disc 0" / "0.flac"), str(other / "0.flac"))]
    assert (plan.new, plan.copied) == ([], [str(other / "1.flac")])


def test_two_copies_of_a_missing_song_are_one_move_and_one_copy(fresh_db, music):
    index_folder(IndexRun(fresh_db, music, request=REQUEST, reporter=RecordingReporter()))
    shutil.copy(music / "disc 0" / "0.flac", music / "x.flac")
    (music / "disc 0" / "0.flac").rename(music / "y.flac")
    plan = dry_run(fresh_db, music)
    assert (len(plan.moved), len(plan.copied), plan.gone) == (1, 1, [])


def test_without_a_library_every_file_is_new_and_no_library_is_made(tmp_path, music, capsys):
    database = tmp_path / "none" / "songs.db"
    assert run(["index", str(music), "--dry-run", "--json", "--db", str(database)]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["dry_run"] is True
    assert (plan["to_embed"], len(plan["new"]), plan["unchanged"]) == (7, 7, 0)
    assert not database.parent.exists()


def test_the_command_prints_the_dry_run(tmp_path, music, make_tone, capsys):
    database = tmp_path / "songs.db"
    with Database.open(database) as library:
        index_folder(IndexRun(library, music, request=REQUEST, reporter=RecordingReporter()))
    change_everything(music, make_tone)
    assert run(["index", str(music), "--dry-run", "--db", str(database)]) == 0
    said = capsys.readouterr().out
    assert f"{music}/disc 0/0.flac → {music}/moved.flac" in said
    assert "Embedding would take about" in said
    assert said.rstrip().endswith("Nothing was done.")
    assert run(["index", str(tmp_path / "nowhere"), "--dry-run", "--db", str(database)]) == 1
    assert "does not exist" in capsys.readouterr().err


def test_a_dry_run_respects_the_limit(fresh_db, music):
    assert dry_run(fresh_db, music, limit=2).to_embed == 2
    index_folder(IndexRun(fresh_db, music, request=REQUEST, reporter=RecordingReporter()))
    assert dry_run(fresh_db, music, reindex=True).to_embed == 7
