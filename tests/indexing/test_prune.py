import json
import shlex
import shutil

import pytest
from support import RecordingReporter

from explorer.audio.playable import preview_path
from explorer.cli.main import run
from explorer.config import Settings
from explorer.database.database import Database
from explorer.errors import LibraryBusyError, LibraryError
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.make_map import make_map
from explorer.indexing.model import ModelRequest
from explorer.indexing.prune import lost_roots, prune, prune_lost_folder
from explorer.indexing.running import index_lock
from explorer.library.remote import as_root
from explorer.util.progress import Reporter

REQUEST = ModelRequest(models_dir=Settings().models, weights="untrained", hop_s=1.0)


@pytest.fixture
def music(tmp_path, make_tone):
    folder = tmp_path / "music"
    for number in range(6):
        make_tone(folder / f"disc {number % 2}" / f"{number}.flac", frequency_hz=150 * (number + 1))
    return folder


def index(database, folder, **options):
    return index_folder(IndexRun(database, folder, request=REQUEST, reporter=RecordingReporter(), **options))


def test_pruned_songs_leave_no_rows_or_cached_files(fresh_db, music):
    caches = Settings(database=fresh_db.path)
    index(fresh_db, music, previews=caches.previews)
    make_map(fresh_db, reporter=Reporter())
    gone, kept = (fresh_db.file_of(f"disc {n}/{n}.flac").fingerprint for n in (0, 1))
    assert preview_path(caches.previews, gone).exists()
    revision = fresh_db.map_revision()
    (music / "disc 0" / "0.flac").unlink()
    index(fresh_db, music)
    assert prune(fresh_db, music) == 1
    assert fresh_db.map_revision() > revision
    tables = ("songs", "songs_vectors", "files", "song_texts", "song_clusters")
    assert {fresh_db._value(f"SELECT count(*) FROM {table}") for table in tables} == {5}
    assert fresh_db._value("SELECT count(*) FROM positions") == 15
    assert not preview_path(caches.previews, gone).exists()
    assert preview_path(caches.previews, kept).exists()
    assert prune(fresh_db, music) == 0


def test_cached_files_stay_if_a_copy_of_the_song_stays(fresh_db, music):
    caches = Settings(database=fresh_db.path)
    (music / "copy.flac").write_bytes((music / "disc 0" / "0.flac").read_bytes())
    index(fresh_db, music, previews=caches.previews)
    mark = fresh_db.file_of("copy.flac").fingerprint
    (music / "disc 0" / "0.flac").unlink()
    index(fresh_db, music)
    assert prune(fresh_db, music) == 1
    assert preview_path(caches.previews, mark).exists()


def test_more_than_half_of_a_library_is_pruned_only_with_force(fresh_db, music):
    index(fresh_db, music)
    for number in (0, 2, 4, 1):
        (music / f"disc {number % 2}" / f"{number}.flac").unlink()
    index(fresh_db, music)
    with pytest.raises(LibraryError, match=r"4 of the 6 songs .* missing disk.*--force"):
        prune(fresh_db, music)
    with pytest.raises(LibraryError, match="4 of the 6"):
        prune(fresh_db, music / "disc 1")
    assert fresh_db.count_vectors() == 6
    assert prune(fresh_db, music, force=True) == 4
    assert fresh_db.count_vectors() == 2


def test_only_songs_of_the_named_folder_are_pruned(fresh_db, music):
    index(fresh_db, music)
    for number in (0, 1):
        (music / f"disc {number}" / f"{number}.flac").unlink()
    index(fresh_db, music)
    assert prune(fresh_db, music / "disc 1") == 1
    assert fresh_db.songs()[0].song_id == "disc 0/0.flac"


def test_half_of_a_library_is_pruned_without_force(fresh_db, music):
    index(fresh_db, music)
    for number in (0, 2, 4):
        (music / "disc 0" / f"{number}.flac").unlink()
    index(fresh_db, music)
    assert prune(fresh_db, music) == 3


def test_the_command_refuses_to_prune_and_keeps_new_songs(tmp_path, music, capsys, make_tone):
    database = tmp_path / "songs.db"
    command = ["index", str(music), "--weights", "untrained", "--hop", "1", "--no-previews"]
    command += ["--db", str(database)]
    assert run(command) == 0
    for file in music.rglob("*.flac"):
        file.unlink()
    make_tone(music / "new.flac", frequency_hz=500)
    assert run([*command, "--prune"]) == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("6 of the 7 songs of ")
    assert last.endswith("add --force to drop these songs.")
    assert run([*command, "--prune", "--force"]) == 0
    assert "Pruned 6 songs" in capsys.readouterr().err
    with Database.open_readonly(database) as library:
        assert [song.song_id for song in library.songs()] == ["new.flac"]
        assert len(library.stored_positions()["pca"]) == 1


def command(folder, database, *options):
    return [
        *("index", str(folder), "--weights", "untrained", "--hop", "1", "--no-previews"),
        *("--db", str(database.path), *options),
    ]


def last_line(capsys):
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_pruning_an_unknown_folder_adds_no_root(fresh_db, music, tmp_path):
    index(fresh_db, music)
    with pytest.raises(LibraryError, match=rf"{tmp_path}/other .*{music}"):
        prune(fresh_db, tmp_path / "other")
    assert fresh_db.roots() == [str(music)]
    assert fresh_db.count_vectors() == 6


def test_a_root_that_is_gone_is_dropped_only_with_force(fresh_db, music, make_tone, capsys):
    other = music.parent / "other"
    make_tone(other / "other.flac", frequency_hz=2000)
    (music / "broken.mp3").write_bytes(b"no music " * 100)
    previews = Settings(database=fresh_db.path).previews
    index(fresh_db, other)
    index(fresh_db, music, previews=previews)
    cached = preview_path(previews, fresh_db.file_of("disc 0/0.flac").fingerprint)
    make_map(fresh_db, reporter=Reporter())
    revision = fresh_db.map_revision()
    assert cached.exists()
    shutil.rmtree(music)
    for options in ((), ("--prune",), ("--dry-run",), ("--dry-run", "--prune", "--force")):
        assert run(command(music, fresh_db, *options)) == 1
        sentence = last_line(capsys)
        assert f"{music} does not exist" in sentence
        assert "6 songs" in sentence
        assert f"index {shlex.quote(str(music))} --prune --force" in sentence
    assert (len(fresh_db.roots()), fresh_db.count_vectors(), len(fresh_db.failures())) == (2, 7, 1)
    assert run(command(music, fresh_db, "--prune", "--force", "--json")) == 0
    output = capsys.readouterr()
    assert json.loads(output.out)["pruned"] == 6
    assert [line for line in output.err.splitlines() if f"Pruned {music}" in line and "6 songs" in line]
    assert fresh_db.roots() == [str(other)]
    assert (fresh_db.song_ids(), fresh_db.failures()) == (["other.flac"], [])
    assert {len(places) for places in fresh_db.stored_positions().values()} == {1}
    assert fresh_db.map_revision() > revision
    assert not cached.exists()
    assert run(command(music, fresh_db, "--prune", "--force")) == 1
    assert "does not exist: name the folder" in last_line(capsys)


def test_pruning_another_folder_names_the_roots_that_are_gone(fresh_db, music, make_tone, capsys):
    other = music.parent / "other"
    make_tone(other / "other.flac", frequency_hz=2000)
    index(fresh_db, music)
    index(fresh_db, other)
    shutil.rmtree(music)
    assert run(command(other, fresh_db)) == 0
    assert str(music) not in capsys.readouterr().err
    assert run(command(other, fresh_db, "--prune")) == 0
    sentences = [line for line in capsys.readouterr().err.splitlines() if str(music) in line]
    assert len(sentences) == 1
    assert "6 songs" in sentences[0]
    assert "--prune --force" in sentences[0]
    assert fresh_db.count_vectors() == 7


def test_a_folder_inside_a_root_that_is_gone_is_dropped_only_with_force(fresh_db, music):
    index(fresh_db, music)
    shutil.rmtree(music)
    with pytest.raises(LibraryError, match="3 songs"):
        prune_lost_folder(fresh_db, music / "disc 0", reporter=RecordingReporter())
    assert prune_lost_folder(fresh_db, music / "disc 0", force=True, reporter=RecordingReporter()) == 3
    assert (fresh_db.count_vectors(), fresh_db.roots()) == (3, [str(music)])
    assert prune_lost_folder(fresh_db, music / "disc 1", force=True, reporter=RecordingReporter()) == 3
    assert (fresh_db.count_vectors(), fresh_db.roots()) == (0, [])


def test_a_folder_around_roots_that_are_gone_is_dropped_with_them(fresh_db, music):
    index(fresh_db, music / "disc 0")
    index(fresh_db, music / "disc 1")
    shutil.rmtree(music)
    with pytest.raises(LibraryError, match="6 songs"):
        prune_lost_folder(fresh_db, music, reporter=RecordingReporter())
    assert prune_lost_folder(fresh_db, music, force=True, reporter=RecordingReporter()) == 6
    assert fresh_db.roots() == []


def test_a_deleted_folder_of_a_root_is_dropped_unless_it_had_most_songs(fresh_db, music, make_tone):
    make_tone(music / "third" / "0.flac", frequency_hz=2000)
    (music / "third" / "broken.mp3").write_bytes(b"no music " * 100)
    index(fresh_db, music)
    shutil.rmtree(music / "third")
    assert prune_lost_folder(fresh_db, music / "third", reporter=RecordingReporter()) == 1
    assert fresh_db.failures() == []
    shutil.rmtree(music / "disc 0")
    (music / "disc 1" / "1.flac").unlink()
    index(fresh_db, music)
    assert prune(fresh_db, music / "disc 1", force=True) == 1
    with pytest.raises(LibraryError, match="3 songs"):
        prune_lost_folder(fresh_db, music / "disc 0", reporter=RecordingReporter())
    assert (fresh_db.count_vectors(), fresh_db.roots()) == (5, [str(music)])
    shutil.rmtree(music / "disc 1")
    for name, songs in (("disc 0", 3), ("disc 1", 2)):
        assert prune_lost_folder(fresh_db, music / name, force=True, reporter=RecordingReporter()) == songs
    assert (fresh_db.count_vectors(), fresh_db.roots()) == (0, [str(music)])


def test_a_folder_of_a_disk_that_is_not_mounted_is_dropped_only_with_force(fresh_db, music):
    for name in ("disc 2", "disc 3"):
        shutil.copytree(music / "disc 1", music / name)
    index(fresh_db, music)
    shutil.rmtree(music)
    music.mkdir()
    with pytest.raises(LibraryError, match="3 songs"):
        prune_lost_folder(fresh_db, music / "disc 0", reporter=RecordingReporter())
    assert fresh_db.count_vectors() == 12


def test_a_root_that_is_gone_is_not_dropped_while_an_index_runs(fresh_db, music):
    index(fresh_db, music)
    shutil.rmtree(music)
    with index_lock(fresh_db.path, "another"), pytest.raises(LibraryBusyError):
        prune_lost_folder(fresh_db, music, force=True, reporter=RecordingReporter())
    assert fresh_db.count_vectors() == 6


def test_roots_that_are_gone_have_a_sentence_unless_they_have_no_song(fresh_db, music):
    index(fresh_db, music)
    fresh_db.add_root(music.parent / "empty")
    fresh_db.add_root(as_root("s3://a bucket that nobody asks for"))
    assert lost_roots(fresh_db) == {str(music.parent / "empty"): ""}
    music.rename(music.parent / "elsewhere")
    assert "6 songs" in lost_roots(fresh_db)[str(music)]
