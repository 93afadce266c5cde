import pytest
from support import RecordingReporter

from explorer.audio.previews import preview_path
from explorer.cli.main import run
from explorer.config import Settings
from explorer.database.database import Database
from explorer.errors import LibraryError
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.make_map import make_map
from explorer.indexing.model import ModelRequest
from explorer.indexing.prune import prune
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
