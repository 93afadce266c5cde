import json
import shutil

import numpy as np
import pytest
from report_support import SONGS, as_npy, ask, change, store_blob, store_sound_library, vector_of
from support import store_vectors

from explorer.analysis.report.library_report import verify
from explorer.audio.fingerprints import fingerprint
from explorer.database.database import Database
from explorer.database.records import Song
from explorer.database.state import Run
from explorer.errors import AnalysisError
from explorer.library.music_file import Part, ScannedFile, Tags
from explorer.util.progress import Reporter

READABLE, FINITE = "Every vector is 512 float64", "Every value is finite"
CONSTANT, IN_RANGE = "No vector is constant", "Values are in range"
COPIES, ROWS = "No two recordings share a vector", "Every row has its song"
PLACES, POSITIONS = "Every song is on the map", "Every position is finite"
TRUST, NEAR = "The projections can be trusted", "The map's neighbour counts are correct"
GENRES, UNDAMAGED = "Neighbours share a genre", "The database file is undamaged"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    return store_sound_library(folder)


@pytest.fixture
def sound(original, tmp_path):
    """Copy the database of a sound library; its music files are not copied."""
    return shutil.copy(original, tmp_path / "songs.db")


def report_of(path, **options):
    options = {"recompute": 0} | options
    with Database.open_readonly(path) as database:
        return verify(database, reporter=Reporter(), **options).report


def statuses(report):
    return {check["name"]: check["status"] for check in report["checks"]}


def finding(report, name):
    return next(check["finding"] for check in report["checks"] if check["name"] == name)


def songs_of(report, name):
    return next(check["songs"] for check in report["checks"] if check["name"] == name)


def test_a_library_without_a_map_is_not_called_out_of_date(sound):
    change(sound, "DELETE FROM positions", "DELETE FROM projections")
    report = report_of(sound)
    assert statuses(report)[NEAR] == "not judged"
    assert finding(report, NEAR) == finding(report, POSITIONS) == "There is no map yet."


def test_nothing_fails_in_a_sound_library(sound):
    report = report_of(sound)
    assert report["failed"] == []
    assert set(statuses(report).values()) <= {"passed", "noted", "not judged"}
    judged = {
        READABLE,
        FINITE,
        CONSTANT,
        IN_RANGE,
        COPIES,
        ROWS,
        PLACES,
        POSITIONS,
        TRUST,
        NEAR,
        GENRES,
        UNDAMAGED,
    }
    assert {statuses(report)[name] for name in judged} == {"passed"}


def test_a_report_is_json_with_all_documented_keys(sound):
    report = report_of(sound)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert set(report) == {
        *("database", "written", "verdict", "failed", "counts", "model", "checks", "vectors", "neighbours"),
        *("genre_purity", "genre_chance", "genres", "projections", "failures", "storage", "speed"),
        *("pooling", "pooling_reason"),
    }
    assert report["counts"] | {"audio_seconds": 12.0} == {
        "songs": SONGS,
        "vectors": SONGS,
        "songs_without_vector": 0,
        "files": SONGS,
        "files_gone": 0,
        "files_changed": 0,
        "failures": 0,
        "genres": 3,
        "artists": 3,
        "clusters": 3,
        "audio_seconds": 12.0,
    }
    assert report["genre_purity"] == 1.0
    assert report["genre_chance"] == pytest.approx(19 / 59, abs=0.03)
    assert set(report["projections"]) == {"pca", "tsne"}
    assert report["storage"]["database_bytes"] == sound.stat().st_size
    assert (report["pooling"], report["speed"]) == (None, None)
    for check in report["checks"]:
        assert set(check) == {"name", "status", "finding", "songs"}


def test_the_statistics_of_the_vectors_are_those_of_numpy(sound):
    with Database.open_readonly(sound) as database:
        _, vectors = database.vectors()
    facts = report_of(sound)["vectors"]
    for name in ("min", "max", "median", "mean", "std"):
        assert facts[name] == pytest.approx(getattr(np, name)(vectors), rel=1e-5, abs=1e-5)
    assert facts["norms"]["p50"] == pytest.approx(np.median(np.linalg.norm(vectors, axis=1)), rel=1e-5)


def change_vector(function):
    return lambda path: store_blob("005.flac", as_npy(function(vector_of(path, "005.flac"))))(path)


def with_value(value):
    def change_one(vector):
        vector[100] = value
        return vector

    return change_one


def copy_vector(path):
    store_blob("005.flac", as_npy(vector_of(path, "050.flac")))(path)


def shuffle_genres(path):
    genres = ask(path, "SELECT rowid, genre FROM songs_genres")
    mixed = np.random.default_rng(0).permutation([genre for _, genre in genres])
    for (row, _), genre in zip(genres, mixed, strict=True):
        change(path, ("UPDATE songs_genres SET genre = ? WHERE rowid = ?", (str(genre), row)))


def break_index(path):
    change(
        path,
        "PRAGMA writable_schema = 1",
        "UPDATE sqlite_schema SET sql = 'CREATE INDEX files_by_fingerprint ON files(format)' "
        "WHERE name = 'files_by_fingerprint'",
    )


def run_sql(*statements):
    return lambda path: change(path, *statements)


HARM = {
    "NaN": (change_vector(with_value(np.nan)), FINITE),
    "infinity": (change_vector(with_value(-np.inf)), FINITE),
    "511 values": (change_vector(lambda vector: vector[:511]), READABLE),
    "two dimensions": (change_vector(lambda vector: vector.reshape(2, 256)), READABLE),
    "float32": (change_vector(lambda vector: vector.astype(np.float32)), READABLE),
    "cut short": (
        lambda path: store_blob("005.flac", as_npy(vector_of(path, "005.flac"))[:-10])(path),
        READABLE,
    ),
    "no header": (store_blob("005.flac", b"\x93NUMPY\x01\x00\xff\xff{'descr': ["), READABLE),
    "nothing": (store_blob("005.flac", b""), READABLE),
    "text": (store_blob("005.flac", "0.1 0.2"), READABLE),
    "zeros": (change_vector(lambda vector: 0 * vector), CONSTANT),
    "one value": (change_vector(lambda vector: 0 * vector + 3.5), CONSTANT),
    "enormous": (change_vector(with_value(-1e300)), IN_RANGE),
    "another song's": (copy_vector, COPIES),
    "vector without song": (
        run_sql(("INSERT INTO songs_vectors VALUES ('ghost', ?)", (as_npy(np.arange(512.0)),))),
        ROWS,
    ),
    "genre without song": (run_sql("INSERT INTO songs_genres VALUES ('ghost', 'Techno')"), ROWS),
    "infinite place": (
        run_sql("UPDATE positions SET x = 9e999 WHERE song_id = '005.flac' AND projection = 'tsne'"),
        POSITIONS,
    ),
    "all in one place": (run_sql("UPDATE positions SET x = 1, y = 2, near = NULL"), POSITIONS),
    "missing place": (
        run_sql("DELETE FROM positions WHERE song_id = '005.flac' AND projection = 'tsne'"),
        PLACES,
    ),
    "untrue map": (
        run_sql("""UPDATE projections SET quality = '{"trustworthiness": 0.51}' WHERE name = 'pca'"""),
        TRUST,
    ),
    "wrong figures": (run_sql("UPDATE positions SET near = 0"), NEAR),
    "shuffled genres": (shuffle_genres, GENRES),
    "broken index": (break_index, UNDAMAGED),
}


@pytest.mark.parametrize("harm", HARM)
def test_each_harm_fails_its_own_check(sound, harm):
    do, name = HARM[harm]
    do(sound)
    report = report_of(sound)
    assert report["failed"] == [name]
    assert report["verdict"] == f"1 check failed: {name}."


@pytest.mark.parametrize(
    "harm", ["NaN", "cut short", "zeros", "enormous", "another song's", "infinite place"]
)
def test_the_song_that_was_harmed_is_named(sound, harm):
    do, name = HARM[harm]
    do(sound)
    report = report_of(sound)
    assert "005.flac" in songs_of(report, name)
    assert "'005.flac'" in finding(report, name)


def test_a_map_with_shuffled_positions_fails(sound):
    places = ask(sound, "SELECT song_id, x, y, near FROM positions WHERE projection = 'tsne'")
    mixed = np.random.default_rng(1).permutation(len(places))
    for (song_id, *_), row in zip(places, mixed, strict=True):
        sql = "UPDATE positions SET x = ?, y = ?, near = ? WHERE projection = 'tsne' AND song_id = ?"
        change(sound, (sql, (*places[row][1:], song_id)))
    assert set(report_of(sound)["failed"]) >= {TRUST, NEAR}


def test_untrained_filters_do_not_fail_the_genre_check(sound):
    shuffle_genres(sound)
    change(sound, "UPDATE state SET value = json_set(value, '$.trained', json('false')) WHERE key = 'model'")
    report = report_of(sound)
    assert report["failed"] == []
    assert "untrained filters" in finding(report, GENRES)
    assert "no better than chance" in finding(report, GENRES)


def test_songs_without_a_position_or_a_vector_are_noted(sound):
    change(sound, "DELETE FROM positions WHERE song_id = '005.flac'")
    report = report_of(sound)
    assert (report["failed"], statuses(report)[PLACES]) == ([], "noted")
    assert f"run `python run.py map --db {report['database']}`" in finding(report, PLACES)
    change(sound, "DELETE FROM songs_vectors WHERE song_id = '007.flac'")
    report = report_of(sound)
    assert report["failed"] == []
    assert songs_of(report, "Every song has a vector") == ["007.flac"]


def test_files_that_are_gone_or_changed_are_noted(tmp_path):
    path = store_sound_library(tmp_path)
    (tmp_path / "music" / "003.flac").unlink()
    (tmp_path / "music" / "004.flac").write_bytes(b"else")
    report = report_of(path)
    assert (report["counts"]["files_gone"], report["counts"]["files_changed"]) == (1, 1)
    assert report["failed"] == []
    assert songs_of(report, "Every song's file exists, unchanged") == ["003.flac", "004.flac"]


def test_a_file_that_was_only_touched_has_not_changed(tmp_path, fresh_db, make_tone):
    file = make_tone(tmp_path / "a.flac")
    scanned = ScannedFile(b"a.flac", file.stat().st_size, 1)
    song = Song(scanned, Tags("a"), fingerprint(file), "flac/pcm_16", 1.5)
    fresh_db.store_song(fresh_db.add_root(tmp_path), song, np.arange(512.0))
    assert report_of(fresh_db.path)["counts"]["files_changed"] == 0
    change(fresh_db.path, "UPDATE files SET fingerprint = 'another'")
    assert report_of(fresh_db.path)["counts"]["files_changed"] == 1


def test_tracks_of_a_touched_file_have_not_changed(tmp_path, fresh_db, make_tone):
    file = make_tone(tmp_path / "album.flac", seconds=3.0)
    scanned = ScannedFile(b"album.flac", file.stat().st_size, 1)
    for part in (Part(1, 0.0, 1.5), Part(2, 1.5, None)):
        prints = part.fingerprint(fingerprint(file))
        song = Song(scanned, Tags(f"{part.track}"), prints, "flac/pcm_16", 1.5, part=part)
        fresh_db.store_song(fresh_db.add_root(tmp_path), song, np.arange(512.0) * part.track)
    assert report_of(fresh_db.path)["counts"]["files_changed"] == 0
    change(fresh_db.path, "UPDATE files SET end_s = 1.4 WHERE track = 1")
    assert report_of(fresh_db.path)["counts"]["files_changed"] == 1


@pytest.mark.parametrize("count", range(5))
def test_very_small_libraries_are_reported_too(fresh_db, tmp_path, count):
    vectors = np.random.default_rng(0).normal(size=(count, 512))
    store_vectors(fresh_db, tmp_path, vectors, genres=["A", "B", "A", "B"][:count])
    report = report_of(fresh_db.path)
    assert report["failed"] == []
    assert report["counts"]["vectors"] == count


def test_failures_are_counted_by_reason_without_the_file_name(sound):
    with Database.open(sound) as database:
        root = database.add_root(sound.parent)
        for name in (b"a.mp3", b"b/c.mp3"):
            reason = f"{name.decode().split('/')[-1]} is empty."
            database.store_failure(root, ScannedFile(name, 0, 0), reason)
        database.store_failure(root, ScannedFile(b"d.mp3", 0, 0), "d.mp3 holds no sound.")
    assert report_of(sound)["failures"] == {"is empty": 2, "holds no sound": 1}


def test_speed_is_measured_on_runs_that_embedded_songs(sound):
    with Database.open(sound) as database:
        database.store_run(Run("2026-01-01", 10.0, 5, 0, 0, 100.0))
        database.store_run(Run("2026-01-02", 1.0, 50, 50, 0, 9000.0))
        database.store_run(Run("2026-01-03", 3.0, 0, 0, 2, 0.0))
    speed = report_of(sound)["speed"]
    assert (speed["times_real_time"], speed["seconds_per_audio_second"], speed["runs"]) == (10.0, 0.1, 3)


def test_an_unreadable_database_gives_the_failed_check_as_error(sound):
    root = ask(sound, "SELECT rootpage FROM sqlite_schema WHERE name = 'songs_vectors'")[0][0]
    (size,) = ask(sound, "PRAGMA page_size")[0]
    with sound.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    with pytest.raises(AnalysisError, match=UNDAMAGED):
        report_of(sound)
