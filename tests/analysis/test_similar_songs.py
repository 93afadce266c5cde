import json
import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from support import write_tone

from explorer.analysis.similar_songs import recommend
from explorer.config import Settings
from explorer.database.database import Database
from explorer.database.records import Song
from explorer.errors import AmbiguousSongError, AudioError, LibraryError, SongNotFoundError
from explorer.indexing import embed_files
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.model import ModelRequest
from explorer.library.music_file import ScannedFile, Tags
from explorer.util.progress import Reporter

ANY = ModelRequest(Settings().models)
QUICK = ModelRequest(Settings().models, weights="untrained", hop_s=1.0, precision="float32")


@pytest.fixture(scope="module")
def indexed(tmp_path_factory):
    """Return the folder of a library of six tones that was really indexed."""
    folder = tmp_path_factory.mktemp("indexed")
    for number in range(6):
        tags = {"title": f"Tone {number}", "artist": f"Artist {number}"}
        write_tone(folder / "music" / "rock" / f"song {number}.flac", frequency_hz=100 * 2**number, tags=tags)
    with Database.open(folder / "songs.db") as library:
        index_folder(IndexRun(library, folder / "music", request=QUICK, reporter=Reporter()))
    return folder


@pytest.fixture
def no_engine(monkeypatch):
    """Make every attempt to embed a file fail."""

    def fail(**_options):
        raise AssertionError("an engine was opened")

    monkeypatch.setattr(embed_files, "open_embedder", fail)


def recommend_from(folder, text, count=3, **options):
    options |= {"database": folder / "songs.db", "request": ANY, "reporter": Reporter()}
    return recommend(str(text), count=count, **options)


def exact_neighbours(path, song_id, count):
    """Return the ids nearest to a song and their centred cosines, in double precision."""
    with Database.open_readonly(path) as database:
        ids, vectors = database.vectors()
    rows = vectors - vectors.mean(axis=0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    similarities = rows @ rows[ids.index(song_id)]
    order = [number for number in np.argsort(-similarities) if ids[number] != song_id][:count]
    return [ids[number] for number in order], similarities[order]


def test_the_nearest_songs_come_first_and_not_the_song_itself(library):
    path, ids = library
    recommendations = recommend_from(path.parent, ids[2], count=7)
    assert recommendations.song_id == ids[2]
    assert {song.song_id for song, _ in recommendations.songs} == set(ids[:8]) - {ids[2]}
    expected, values = exact_neighbours(path, ids[2], 7)
    assert [song.song_id for song, _ in recommendations.songs] == expected
    assert [value for _, value in recommendations.songs] == pytest.approx(values, abs=1e-6)


def test_a_song_without_a_vector_is_refused(library):
    path, ids = library
    with Database.open(path) as database, database.transaction():
        database._rows("DELETE FROM songs_vectors WHERE song_id = ?", (ids[0],))
    with pytest.raises(SongNotFoundError, match=r"'000\.flac' has no vector yet"):
        recommend_from(path.parent, ids[0])


@pytest.mark.parametrize(
    "text",
    ["rock/song 2.flac", "Tone 2", "song 2.flac", "song 2", "rock/song 2", "Song 2", "SONG 2.FLAC", "path"],
)
def test_a_song_is_found_by_id_path_title_or_file_name_without_embedding(indexed, no_engine, text):
    text = indexed / "music" / "rock" / "song 2.flac" if text == "path" else text
    recommendations = recommend_from(indexed, text)
    assert (recommendations.song_id, recommendations.title, recommendations.artist) == (
        "rock/song 2.flac",
        "Tone 2",
        "Artist 2",
    )
    expected, values = exact_neighbours(indexed / "songs.db", "rock/song 2.flac", 3)
    assert [song.song_id for song, _ in recommendations.songs] == expected
    assert [value for _, value in recommendations.songs] == pytest.approx(values, abs=1e-5)


def test_recommendations_are_rows_with_titles_and_absolute_paths(indexed, no_engine):
    rows = recommend_from(indexed, "Tone 2", count=5).rows()
    assert json.loads(json.dumps(rows)) == rows
    assert {row["song_id"] for row in rows} == {f"rock/song {n}.flac" for n in (0, 1, 3, 4, 5)}
    for row in rows:
        number = row["song_id"][-6]
        assert (row["title"], row["artist"]) == (f"Tone {number}", f"Artist {number}")
        assert Path(row["path"]) == indexed / "music" / row["song_id"]
        assert -1 <= row["similarity"] <= 1
    assert [row["similarity"] for row in rows] == sorted((row["similarity"] for row in rows), reverse=True)


def test_a_copy_of_a_song_is_that_song_whatever_it_is_called(indexed, no_engine, tmp_path):
    copy = shutil.copy(indexed / "music" / "rock" / "song 4.flac", tmp_path / "song 1.flac")
    recommendations = recommend_from(indexed, copy)
    assert recommendations.song_id == "rock/song 4.flac"
    assert "rock/song 4.flac" not in [song.song_id for song, _ in recommendations.songs]


def test_a_file_outside_the_library_is_embedded_as_its_songs_were(indexed, tmp_path):
    before = (indexed / "songs.db").read_bytes()
    tags = {"title": "New", "artist": "Us"}
    file = write_tone(tmp_path / "x.flac", frequency_hz=400, tags=tags)
    recommendations = recommend_from(indexed, file, count=10)
    assert (
        recommendations.song_id,
        recommendations.title,
        recommendations.artist,
        recommendations.is_trained,
    ) == (None, "New", "Us", False)
    first, *others = recommendations.songs
    assert first[0].song_id == "rock/song 2.flac"
    assert first[1] == pytest.approx(1, abs=1e-4)
    assert len(others) == 5
    assert (indexed / "songs.db").read_bytes() == before
    _, values = exact_neighbours(indexed / "songs.db", "rock/song 2.flac", 5)
    np.testing.assert_allclose([value for _, value in others], values, atol=1e-3)


def test_an_existing_file_does_not_mean_the_song_with_its_file_name(indexed, tmp_path, monkeypatch):
    write_tone(tmp_path / "song 1.flac", frequency_hz=3_000)
    monkeypatch.chdir(tmp_path)
    assert recommend_from(indexed, "song 1.flac").song_id is None
    assert recommend_from(indexed, "song 1").song_id == "rock/song 1.flac"


@pytest.mark.parametrize("text", ["nothing", "~nobody", "x" * 5_000, "", "/no/such.mp3"])
def test_a_text_that_is_neither_song_nor_file_is_refused(indexed, text):
    with pytest.raises(SongNotFoundError, match=r"path, title or file name .* and there is no audio file"):
        recommend_from(indexed, text)


def test_folders_and_files_without_audio_are_refused(indexed, tmp_path):
    with pytest.raises(AudioError, match="is a folder: name a song of"):
        recommend_from(indexed, tmp_path)
    (tmp_path / "x.mp3").write_text("words")
    with pytest.raises(AudioError, match=r"x\.mp3 is not audio"):
        recommend_from(indexed, tmp_path / "x.mp3")


def test_an_ambiguous_title_or_file_name_is_refused_with_the_ids(tmp_path):
    with Database.open(tmp_path / "songs.db") as library:
        root = library.add_root(tmp_path / "music")
        for number, path in enumerate((b"a/x.mp3", b"b/x.flac", b"b/y.mp3")):
            song = Song(ScannedFile(path, 1, 1), Tags("Once"), f"{number}", "mp3/mp3", 1.0)
            library.store_song(root, song, np.ones(512) * number)
        for text in ("Once", "x"):
            with pytest.raises(AmbiguousSongError, match=f"songs fit '{text}'") as raised:
                library.find_song(text)
            assert [note.split()[-1] for note in raised.value.__notes__][:2] == ["a/x.mp3", "b/x.flac"]
        assert library.find_song("x.flac").song_id == library.find_song("b/x").song_id == "b/x.flac"
        assert library.find_song("music/a/x").song_id == "a/x.mp3"
        assert library.find_song(str(tmp_path / "music" / "b" / "y")).song_id == "b/y.mp3"
        for text in ("ab/x", ".mp3", "", ".", "y.flac", "%", "_"):
            with pytest.raises(SongNotFoundError, match="No song"):
                library.find_song(text)
    with pytest.raises(SongNotFoundError, match="2 songs fit 'x'"):
        recommend_from(tmp_path, "x")


def test_case_distinguishes_file_names_that_differ_only_in_case(tmp_path):
    with Database.open(tmp_path / "songs.db") as library:
        root = library.add_root(tmp_path)
        for path in (b"a/Song.mp3", b"b/song.mp3"):
            song = Song(ScannedFile(path, 1, 1), Tags("t" + path.decode()), path.decode(), "mp3/mp3", 1.0)
            library.store_song(root, song, np.ones(512))
        assert library.find_song("Song").song_id == "a/Song.mp3"
        assert library.find_song("song").song_id == "b/song.mp3"


@pytest.fixture
def credited(library):
    """A library of 24 songs, of which some have artists; return its path, its ids and the artists by id."""
    path, ids = library
    credits = [["A"], ["a"], ["A", "B"], ["B"], ["C", "c"], [], ["C"], ["D"]] * 3
    with Database.open(path) as database, database.transaction():
        for song_id, artists in zip(ids, credits, strict=True):
            database._rows(
                "UPDATE songs SET info = json_set(info, '$.artists', json(?)) WHERE id = ?",
                (json.dumps(artists), song_id),
            )
    return path, ids, dict(zip(ids, credits, strict=True))


@pytest.mark.parametrize(("per_artist", "count"), [(1, 4), (2, 4), (2, 30), (3, 10), (9, 30)])
def test_each_artist_has_at_most_so_many_songs_and_farther_ones_fill_the_list(credited, per_artist, count):
    path, ids, artists = credited
    recommendations = recommend_from(path.parent, ids[0], count, per_artist=per_artist)
    counts, expected = Counter(), []
    for song_id in exact_neighbours(path, ids[0], 23)[0]:
        names = {name.lower() for name in artists[song_id]}
        if all(counts[name] < per_artist for name in names):
            counts.update(names)
            expected.append(song_id)
    assert [song.song_id for song, _ in recommendations.songs] == expected[:count]
    similarities = [similarity for _, similarity in recommendations.songs]
    assert similarities == sorted(similarities, reverse=True)


def test_a_file_has_at_most_so_many_neighbours_of_an_artist(indexed, tmp_path):
    file = write_tone(tmp_path / "x.flac", frequency_hz=400)
    assert len(recommend_from(indexed, file, count=4, per_artist=1).songs) == 4
    copy = tmp_path / "songs.db"
    shutil.copy(indexed / "songs.db", copy)
    with Database.open(copy) as library, library.transaction():
        library._rows("""UPDATE songs SET info = json_set(info, '$.artists', json('["One"]'))""")
    assert len(recommend_from(tmp_path, file, count=4, per_artist=1).songs) == 1


def test_a_song_is_found_by_words_but_a_folder_is_not_such_words(indexed, no_engine, tmp_path, monkeypatch):
    assert recommend_from(indexed, "artist 4 tone").song_id == "rock/song 4.flac"
    (tmp_path / "artist 4").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AudioError, match="is a folder"):
        recommend_from(indexed, "artist 4")


def test_songs_with_ids_of_other_programs_are_found_by_the_end_of_the_id(fresh_db):
    with fresh_db.transaction():
        fresh_db._rows("INSERT INTO songs VALUES ('previews/abc.mp3', '{}'), ('spotify:track:1', '{}')")
    assert fresh_db.find_song("abc").song_id == "previews/abc.mp3"
    assert fresh_db.find_song("spotify:track:1").song_id == "spotify:track:1"


def test_an_imported_library_finds_neighbours_of_songs_but_refuses_files(library, tmp_path):
    path, ids = library
    with Database.open(path) as database, database.transaction():
        model = database.model() | {"weights": "unknown", "weights_sha256": "", "trained": None}
        database._rows("UPDATE state SET value = ? WHERE key = 'model'", (json.dumps(model),))
    recommendations = recommend_from(tmp_path, ids[0])
    assert (len(recommendations.songs), recommendations.is_trained) == (3, None)
    file = write_tone(tmp_path / "new.flac")
    with pytest.raises(LibraryError, match=r"imported.*unknown"):
        recommend_from(tmp_path, file)


def test_a_library_reindexed_with_another_model_meanwhile_is_refused(indexed, tmp_path, monkeypatch):
    for name in ("songs.db", "music"):
        copy = shutil.copytree if (indexed / name).is_dir() else shutil.copy
        copy(indexed / name, tmp_path / name)
    embed = embed_files.Embedder.embed

    def embed_slowly(self, file):
        with Database.open(tmp_path / "songs.db") as library, library.transaction():
            model = library.model() | {"hop_s": 0.5}
            library._rows("UPDATE state SET value = ? WHERE key = 'model'", (json.dumps(model),))
        return embed(self, file)

    monkeypatch.setattr(embed_files.Embedder, "embed", embed_slowly)
    with pytest.raises(LibraryError, match="with another model"):
        recommend_from(tmp_path, write_tone(tmp_path / "x.flac", frequency_hz=333))


def test_a_switch_to_full_vectors_meanwhile_does_not_mix_vectors(indexed, tmp_path, monkeypatch):
    shutil.copytree(indexed / "music", tmp_path / "music")
    shutil.copy(indexed / "songs.db", tmp_path / "songs.db")
    with Database.open(tmp_path / "songs.db") as library:
        library.choose_coarse_windows(1)
        library.show_coarse(True)
        with library.transaction():
            library._rows("INSERT INTO coarse_vectors SELECT song_id, embedding FROM songs_vectors")
            library._rows("UPDATE files SET fingerprint = 'other ' || fingerprint")
    embed = embed_files.Embedder.embed

    def embed_slowly(self, file):
        embedded = embed(self, file)
        with Database.open(tmp_path / "songs.db") as library:
            library.show_coarse(False)
        assert not np.array_equal(embedded.coarse, embedded.pooled)
        return embedded

    monkeypatch.setattr(embed_files.Embedder, "embed", embed_slowly)
    found, similarity = recommend_from(tmp_path, tmp_path / "music" / "rock" / "song 1.flac").songs[0]
    assert (found.song_id, similarity) == ("rock/song 1.flac", pytest.approx(1.0))


def test_a_playlist_names_the_files_and_leaves_out_songs_without_one(indexed, no_engine, tmp_path):
    text, without = recommend_from(indexed, "Tone 2", count=5).playlist()
    lines = text.splitlines()
    assert (lines[0], len(lines), without) == ("#EXTM3U", 11, 0)
    assert {Path(line) for line in lines[2::2]} == {
        indexed / "music" / "rock" / f"song {n}.flac" for n in (0, 1, 3, 4, 5)
    }
    copy = tmp_path / "songs.db"
    shutil.copy(indexed / "songs.db", copy)
    with Database.open(copy) as library, library.transaction():
        library._rows("DELETE FROM files WHERE song_id = 'rock/song 1.flac'")
    text, without = recommend_from(tmp_path, "Tone 2", count=5).playlist()
    assert (len(text.splitlines()), without) == (9, 1)
    rows = {row["song_id"]: row["path"] for row in recommend_from(tmp_path, "Tone 2", count=5).rows()}
    assert rows["rock/song 1.flac"] is None


@pytest.mark.skipif(os.name == "nt", reason="file names are text on Windows")
def test_a_path_that_is_not_utf_8_can_be_written_as_json(tmp_path):
    with Database.open(tmp_path / "songs.db") as library:
        root = library.add_root(tmp_path)
        for number, path in enumerate((b"caf\xe9.mp3", b"b.mp3")):
            song = Song(ScannedFile(path, 1, 1), Tags(f"{number}"), f"{number}", "mp3/mp3", 1.0)
            library.store_song(root, song, np.eye(512)[number])
    (row,) = recommend_from(tmp_path, "1").rows()
    assert row["path"] == str(tmp_path / "caf�.mp3")
    assert json.dumps(row, ensure_ascii=False).encode()
    assert recommend_from(tmp_path, os.fsdecode(b"caf\xe9")).title == "0"
