"""Tags in national encodings, indexed from files: what is stored, and what a later run changes."""

import json

import pytest
from mutagen.id3 import ID3, TALB, TCON, TIT2, TPE1
from support import RecordingReporter

from explorer.config import Settings
from explorer.database.database import Database
from explorer.database.raw_tags import StoredTags
from explorer.indexing import decode_tags
from explorer.indexing.decode_tags import decode_dropped_song
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.model import ModelRequest
from explorer.library.music_file import Tags

REQUEST = ModelRequest(models_dir=Settings().models, weights="untrained", hop_s=1.0, precision="float32")


def cp1251(text):
    return text.encode("cp1251").decode("latin-1")


@pytest.fixture
def add(tmp_path, make_tone):
    """Add a song to the folder `music`; its tags are written as bytes of Windows-1251."""

    def add_it(name, title, artist="", genre="", album=""):
        path = tmp_path / "music" / name
        make_tone(path, frequency_hz=200 + sum(name.encode()) % 997, seconds=0.5)
        frames = {TIT2: title, TPE1: artist, TCON: genre, TALB: album}
        tags = ID3()
        for frame, text in frames.items():
            if text:
                tags.add(frame(encoding=0, text=[cp1251(text)]))
        tags.save(path)
        return path

    return add_it


@pytest.fixture
def index(tmp_path):
    """Index the folder `music` and return the summary."""

    def index_it(**options):
        with Database.open(tmp_path / "songs.db") as database:
            run = IndexRun(
                database, tmp_path / "music", request=REQUEST, reporter=RecordingReporter(), **options
            )
            return index_folder(run)

    return index_it


@pytest.fixture
def songs(tmp_path):
    """Return title, artist and genres of each song, by id, and the stored infos."""

    def read():
        with Database.open(tmp_path / "songs.db") as database:
            infos = {song_id: json.loads(info) for song_id, info in database._rows("SELECT * FROM songs")}
            return {song.song_id: (song.title, song.artist, song.genres) for song in database.songs()}, infos

    return read


def test_tags_are_decoded_after_indexing_and_the_text_that_was_read_is_kept(add, index, songs, tmp_path):
    add("a.mp3", "Группа крови", "Кино", "Рок", "Альбом")
    add("b.mp3", "Звезда по имени Солнце", "Кино")
    add("other/c.mp3", "Größe".encode("latin-1").decode("cp1251"), "Die")
    summary = index()
    shown, infos = songs()
    assert shown == {
        "a.mp3": ("Группа крови", "Кино", ("Рок",)),
        "b.mp3": ("Звезда по имени Солнце", "Кино", ()),
        "other/c.mp3": ("Größe", "Die", ()),
    }
    assert (summary.decoded, summary.encodings) == (2, {"Windows-1251": 2})
    assert infos["a.mp3"]["raw"] == {
        "name": cp1251("Группа крови"),
        "artists": [{"name": cp1251("Кино")}],
        "album": {"name": cp1251("Альбом")},
        "genres": [cp1251("Рок")],
    }
    assert infos["a.mp3"]["album"]["name"] == "Альбом"
    assert "raw" not in infos["other/c.mp3"]
    with Database.open(tmp_path / "songs.db") as database:
        assert list(database.search("солнце")) == ["b.mp3"]
    assert index().decoded == 0
    assert songs() == (shown, infos)


def test_id3v1_is_decoded(add, index, songs):
    path = add("a.mp3", "")
    ID3(path).delete(path)
    fields = (
        (b"TAG", 3),
        ("Звезда по имени Солнце и снова ".encode("cp1251"), 30),
        ("Кино".encode("cp1251"), 30),
    )
    path.write_bytes(
        path.read_bytes()
        + b"".join(text[:size].ljust(size, b"\0") for text, size in fields).ljust(128, b"\0")
    )
    index()
    assert songs()[0]["a.mp3"][:2] == ("Звезда по имени Солнце и снова", "Кино")


def test_a_folder_is_decided_again_when_it_gains_songs(add, index, songs):
    add("a.mp3", "Кино")
    assert index().decoded == 0
    assert songs()[0]["a.mp3"][0] == cp1251("Кино")
    add("b.mp3", "Звезда по имени Солнце")
    assert index().decoded == 2
    assert songs()[0]["a.mp3"][0] == "Кино"


def test_a_wrong_decision_is_undone(add, index, songs, tmp_path):
    add("a.mp3", "Кино", genre="Рок")
    index()
    before = songs()
    with Database.open(tmp_path / "songs.db") as database:
        (stored,) = database.stored_tags(["a.mp3"]).values()
        database.store_decoded_tags(
            {"a.mp3": StoredTags(stored.raw, Tags("wrong", ("wrong",), "", ("wrong",)))}
        )
    assert songs()[0]["a.mp3"] == ("wrong", "wrong", ("wrong",))
    add("b.mp3", "Plain")
    index()
    shown, infos = songs()
    assert shown["a.mp3"] == before[0]["a.mp3"]
    assert infos["a.mp3"] == before[1]["a.mp3"]


def test_new_tags_replace_the_decoded_ones(add, index, songs):
    add("a.mp3", "Группа крови", "Кино")
    index()
    path = add("a.mp3", "Plain", "Somebody")
    tags = ID3(path)
    tags.add(TIT2(encoding=3, text=["Кино и немцы"]))
    tags.save(path)
    assert index().decoded == 0
    shown, infos = songs()
    assert shown["a.mp3"][:2] == ("Кино и немцы", "Somebody")
    assert "raw" not in infos["a.mp3"]


def test_a_run_that_was_killed_before_decoding_is_completed_by_the_next(add, index, songs, monkeypatch):
    add("a.mp3", "Группа крови", "Кино")
    with monkeypatch.context() as patch:
        patch.setattr(decode_tags, "decode_folder", interrupt)
        with pytest.raises(KeyboardInterrupt):
            index()
    assert songs()[0]["a.mp3"][0] == cp1251("Группа крови")
    assert index().decoded == 1
    assert songs()[0]["a.mp3"][0] == "Группа крови"


def test_songs_that_an_older_version_stored_are_decoded_when_they_are_read_again(add, index, songs, tmp_path):
    add("a.mp3", "Группа крови", "Кино")
    index()
    with Database.open(tmp_path / "songs.db") as database:
        (stored,) = database.stored_tags(["a.mp3"]).values()
        database.store_decoded_tags({"a.mp3": StoredTags(stored.raw, stored.raw)})
        database._rows("UPDATE files SET read_version = 1")
    assert index().decoded == 1
    assert songs()[0]["a.mp3"][0] == "Группа крови"


def interrupt(_):
    raise KeyboardInterrupt


def test_a_title_that_is_only_the_name_of_the_file_is_not_examined(index, songs, make_tone, tmp_path):
    name = cp1251("Звезда по имени Солнце")
    make_tone(tmp_path / "music" / f"{name}.wav")
    assert index().decoded == 0
    assert songs()[0][f"{name}.wav"][0] == name


def test_another_source_of_genres_keeps_the_decoded_text(add, index, songs):
    add("one/a.mp3", "Группа крови", "Кино", "Рок")
    add("two/b.mp3", "Звезда по имени Солнце", "Кино", "Рок")
    index()
    before = songs()
    assert index(genre_from="tags").genres_changed == 0
    assert songs() == before
    assert index(genre_from="folder").genres_changed == 2
    shown, _ = songs()
    assert shown["one/a.mp3"] == ("Группа крови", "Кино", ("one",))
    assert index(genre_from="tags").genres_changed == 2
    assert songs() == before


def test_imported_songs_stay_as_they_are(add, index, tmp_path):
    add("a.mp3", "Группа крови", "Кино")
    index()
    info = json.dumps(
        {"name": cp1251("Группа крови"), "artists": [{"name": cp1251("Кино")}], "album": {"name": ""}}
    )
    with Database.open(tmp_path / "songs.db") as database:
        database.store_imported("a.mp3", info, (), None)
        decode_dropped_song(database, "a.mp3")
        assert database._value("SELECT info FROM songs") == info


def test_a_dropped_song_is_decoded_with_its_folder(add, index, songs, tmp_path):
    add("a.mp3", "Группа крови", "Кино")
    index()
    with Database.open(tmp_path / "songs.db") as database:
        (stored,) = database.stored_tags(["a.mp3"]).values()
        database.store_decoded_tags({"a.mp3": StoredTags(stored.raw, stored.raw)})
        decode_dropped_song(database, "a.mp3")
    assert songs()[0]["a.mp3"][:2] == ("Группа крови", "Кино")
