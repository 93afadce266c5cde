"""Music folders that were moved, renamed, or mounted elsewhere, with real files."""

import os
import shutil

import mutagen
import numpy as np
import pytest
from support import RecordingReporter, write_tone

from explorer.cli.main import run
from explorer.config import Settings
from explorer.database.database import Database
from explorer.embedding.engines import Engine
from explorer.indexing import moved_roots
from explorer.indexing.dry_run import plan_dry_run
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.make_map import make_map
from explorer.indexing.model import ModelRequest
from explorer.indexing.moved_roots import _changed_beginning
from explorer.util.progress import Reporter

REQUEST = ModelRequest(models_dir=Settings().models, weights="untrained", hop_s=1.0)
NAMES = ("Rock/Live/1.flac", "Rock/2.flac", "Jazz/1.flac", "Jazz/2.wav", "top.flac", "Jazz/Ünïcode 3.flac")


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A folder with music, and a library of it."""
    folder = tmp_path_factory.mktemp("template")
    for number, name in enumerate(NAMES):
        write_tone(folder / "Music" / name, frequency_hz=150 * (number + 1))
    with Database.open(folder / "songs.db") as database:
        index(database, folder / "Music")
    return folder


@pytest.fixture
def old(template, tmp_path):
    folder = tmp_path / "mnt" / "disk" / "Music"
    shutil.copytree(template / "Music", folder)
    return folder


@pytest.fixture
def library(template, old, tmp_path):
    """A library of the folder `old`."""
    shutil.copy(template / "songs.db", tmp_path / "library.db")
    with Database.open(tmp_path / "library.db") as database:
        with database.transaction():
            database._rows("UPDATE roots SET path = ?", (str(old),))
        yield database


@pytest.fixture(autouse=True)
def embedded(monkeypatch):
    """Count the windows that the network is given."""
    seen = []
    embed = Engine.embed

    def count(engine, inputs):
        seen.append(len(inputs))
        return embed(engine, inputs)

    monkeypatch.setattr(Engine, "embed", count)
    return seen


def index(database, folder, **options):
    options.setdefault("reporter", RecordingReporter())
    return index_folder(IndexRun(database, folder, request=REQUEST, **options))


def dry_run(database, folder):
    return plan_dry_run(database, folder, retry=False, reporter=RecordingReporter())


def counts(summary):
    names = ("indexed", "skipped", "failed", "copied", "moved", "retagged", "gone", "back")
    return {name: getattr(summary, name) for name in names if getattr(summary, name)}


def everything(database):
    """All that belongs to a song, by its id."""
    ids, vectors = database.vectors()
    places = database.stored_positions()
    clusters = dict(database._rows("SELECT song_id, cluster FROM song_clusters"))
    return {
        song_id: (
            vector.tobytes(),
            {name: places[name].get(song_id) for name in places},
            clusters.get(song_id),
            database.genres_of(song_id),
        )
        for song_id, vector in zip(ids, vectors, strict=True)
    }


def move(old, new):
    new.parent.mkdir(parents=True, exist_ok=True)
    old.rename(new)
    return new


def test_a_moved_folder_keeps_its_songs_and_nothing_is_read_again(fresh_db, old, tmp_path, embedded):
    (old / "broken.mp3").write_bytes(b"no music " * 100)
    index(fresh_db, old, genre_from="folder")
    make_map(fresh_db, reporter=Reporter())
    with fresh_db.transaction():
        fresh_db._rows('UPDATE roots SET scan_options = \'{"exclude": ["x"]}\'')
    before, revision = everything(fresh_db), fresh_db.map_revision()
    embedded.clear()
    new, reporter = move(old, tmp_path / "media" / "New name"), RecordingReporter()
    assert counts(index(fresh_db, new, reporter=reporter)) == {"skipped": 7}
    assert not embedded
    assert everything(fresh_db) == before
    assert fresh_db.map_revision() == revision
    assert fresh_db._rows("SELECT path, name, genres_from FROM roots") == [(str(new), "New name", "folder")]
    assert fresh_db.scan_options(new).exclude == ("x",)
    assert fresh_db.file_of("Rock/2.flac").path == new / "Rock" / "2.flac"
    assert fresh_db.failures()[0][0] == f"{new}/broken.mp3"
    said = [line for line in reporter.said if str(old) in line and str(new) in line]
    assert len(said) == 1
    assert "6 songs" in said[0]


def test_a_copied_folder_whose_original_is_gone_is_only_compared(library, old, tmp_path, embedded):
    before = everything(library)
    embedded.clear()
    new = tmp_path / "new"
    shutil.copytree(old, new, copy_function=shutil.copyfile)
    shutil.rmtree(old)
    assert counts(index(library, new)) == {"indexed": 6, "retagged": 6}
    assert not embedded
    assert everything(library) == before
    assert library.roots() == [str(new)]


def test_a_folder_that_still_exists_is_copied(library, old, tmp_path):
    shutil.copytree(old, tmp_path / "new")
    assert counts(index(library, tmp_path / "new")) == {"indexed": 6, "copied": 6}
    assert library.roots() == [str(old), str(tmp_path / "new")]


def test_a_folder_that_cannot_be_read_is_not_gone(library, old, tmp_path, monkeypatch):
    new, stat = move(old, tmp_path / "new"), os.stat

    def fail(path, **options):
        if os.fspath(path) == str(old):
            raise OSError(107, "Transport endpoint is not connected")
        return stat(path, **options)

    monkeypatch.setattr(os, "stat", fail)
    assert counts(index(library, new)) == {"indexed": 6, "copied": 6}


def test_an_empty_folder_where_a_disk_was_mounted_is_gone(library, old, tmp_path):
    new = move(old, tmp_path / "new")
    old.mkdir()
    assert counts(index(library, new)) == {"skipped": 6}
    assert library.roots() == [str(new)]


@pytest.mark.parametrize(
    ("kept", "found"), [(3, {"skipped": 3, "gone": 3}), (2, {"indexed": 2, "copied": 2})]
)
def test_a_root_moves_if_at_least_half_of_its_songs_are_there(library, old, tmp_path, kept, found):
    new = move(old, tmp_path / "new")
    for name in NAMES[kept:]:
        (new / name).unlink()
    assert counts(index(library, new)) == found
    assert library.roots() == ([str(new)] if kept == 3 else [str(old), str(new)])


def test_other_songs_with_the_same_names_and_sizes_are_no_move(library, old, tmp_path, make_tone, embedded):
    shutil.rmtree(old)
    embedded.clear()
    for number, name in enumerate(NAMES):
        make_tone(tmp_path / "new" / name, frequency_hz=1000 + 100 * number)
    assert counts(index(library, tmp_path / "new")) == {"indexed": 6}
    assert sum(embedded) >= 6
    assert len(everything(library)) == 12


@pytest.mark.parametrize("extra", [True, False])
def test_the_folder_around_the_moved_one_is_indexed(library, old, tmp_path, make_tone, extra):
    before = everything(library)
    new = move(old, tmp_path / "media" / "x" / "Music")
    if extra:
        make_tone(new.parent / "Other" / "new.flac", frequency_hz=2000)
    assert counts(index(library, new.parent)) == ({"indexed": 1, "skipped": 6} if extra else {"skipped": 6})
    assert library.roots() == [str(new.parent)]
    assert before.items() <= everything(library).items()
    assert library.file_of("Rock/2.flac").path == new / "Rock" / "2.flac"
    assert counts(index(library, new)) == {"skipped": 6}


def test_a_folder_inside_the_moved_one_is_indexed(fresh_db, old, tmp_path):
    index(fresh_db, old.parent)
    assert "Music/Rock/2.flac" in everything(fresh_db)
    before = everything(fresh_db)
    new = move(old, tmp_path / "media" / "Tunes")
    assert counts(index(fresh_db, new)) == {"skipped": 6}
    assert everything(fresh_db) == before
    assert fresh_db.file_of("Music/Rock/2.flac").path == new / "Rock" / "2.flac"


def test_songs_outside_the_indexed_part_are_found_when_they_are_indexed(fresh_db, old, tmp_path, make_tone):
    make_tone(old.parent / "Talk" / "a.flac", frequency_hz=2000)
    index(fresh_db, old.parent)
    before = everything(fresh_db)
    new = move(old.parent, tmp_path / "media" / "disk")
    assert counts(index(fresh_db, new / "Music")) == {"skipped": 6, "gone": 1}
    assert counts(index(fresh_db, new)) == {"indexed": 1, "skipped": 6, "moved": 1}
    assert sorted(map(repr, everything(fresh_db).values())) == sorted(map(repr, before.values()))
    assert fresh_db.roots() == [str(new)]


def test_two_roots_on_one_disk_move_together_or_one_by_one(library, old, tmp_path, make_tone):
    second = old.parent / "Podcasts"
    for number in range(4):
        make_tone(second / f"{number}.flac", frequency_hz=2000 + 100 * number)
    index(library, second)
    before = everything(library)
    disk = move(old.parent, tmp_path / "media" / "usb")
    reporter = RecordingReporter()
    assert counts(index(library, disk, reporter=reporter)) == {"skipped": 10}
    assert library.roots() == [str(disk)]
    assert everything(library) == before
    assert [line for line in reporter.said if f"{old} was moved to {disk / 'Music'}" in line]
    assert [line for line in reporter.said if f"{second} was moved to {disk / 'Podcasts'}" in line]


def test_roots_with_the_same_songs_move_to_their_own_folders(library, old, tmp_path):
    backup = old.parent / "Backup"
    shutil.copytree(old, backup)
    index(library, backup)
    disk = move(old.parent, tmp_path / "media" / "usb")
    assert counts(index(library, disk / "Backup")) == {"skipped": 6}
    assert library.roots() == [str(old), str(disk / "Backup")]
    assert counts(index(library, disk / "Music")) == {"skipped": 6}
    assert library.roots() == [str(disk / "Music"), str(disk / "Backup")]


def test_a_moved_folder_inside_a_known_root_joins_it(library, old, tmp_path, make_tone, embedded):
    around = tmp_path / "home"
    make_tone(around / "own.flac", frequency_hz=2000)
    (old / "broken.mp3").write_bytes(b"no music " * 100)
    index(library, around, genre_from="tags")
    index(library, old)
    before = everything(library)
    embedded.clear()
    new = move(old, around / "Albums" / "Music")
    assert counts(index(library, around)) == {"skipped": 8}
    assert not embedded
    assert everything(library) == before
    assert library._rows("SELECT path, genres_from FROM roots") == [(str(around), "tags")]
    assert library.file_of("Rock/2.flac").path == new / "Rock" / "2.flac"
    assert [path for path, _ in library.failures()] == [f"{new}/broken.mp3"]


def test_a_new_root_can_contain_a_known_root_and_a_moved_one(library, old, tmp_path, make_tone):
    inner = tmp_path / "home" / "Mine"
    make_tone(inner / "own.flac", frequency_hz=2000)
    index(library, inner)
    before = everything(library)
    move(old, tmp_path / "home" / "Theirs")
    assert counts(index(library, tmp_path / "home")) == {"skipped": 7}
    assert library.roots() == [str(tmp_path / "home")]
    assert everything(library) == before


def test_renamed_files_of_a_moved_folder_keep_their_vectors(library, old, tmp_path, embedded):
    vectors = sorted(vector for vector, *_ in everything(library).values())
    embedded.clear()
    new = tmp_path / "new"
    new.mkdir()
    for number, name in enumerate(NAMES):
        (old / name).rename(new / f"track {number}{(old / name).suffix}")
    shutil.rmtree(old)
    assert counts(index(library, new)) == {"indexed": 6, "moved": 6}
    assert not embedded
    assert sorted(vector for vector, *_ in everything(library).values()) == vectors
    assert "track 4.flac" in everything(library)
    assert library.roots() == [str(new)]


def test_retagged_files_of_a_moved_folder_keep_their_vectors(library, old, tmp_path, embedded):
    ids = everything(library).keys()
    embedded.clear()
    new = move(old, tmp_path / "new")
    for name in NAMES:
        file = mutagen.File(new / name)
        if file.tags is None:
            file.add_tags()
        if name.endswith("flac"):
            file["comment"] = name * 5000
        file.save()
    assert counts(index(library, new))["retagged"] >= 5
    assert not embedded
    assert everything(library).keys() == ids


def test_only_some_songs_of_a_large_root_are_compared(library, old, tmp_path, monkeypatch):
    monkeypatch.setattr(moved_roots, "MAX_COMPARED", 3)
    read = []
    decoder = moved_roots.Decoder.fingerprints
    monkeypatch.setattr(
        moved_roots.Decoder,
        "fingerprints",
        lambda self, path, **options: read.append(path) or decoder(self, path, **options),
    )
    read.clear()
    assert counts(index(library, move(old, tmp_path / "new"))) == {"skipped": 6}
    assert 0 < len(read) <= 3


def test_songs_that_were_marked_as_missing_are_found_in_a_moved_folder(library, old, tmp_path):
    new = move(old, tmp_path / "new")
    old.mkdir()
    assert counts(index(library, old)) == {"gone": 6}
    assert counts(index(library, new)) == {"skipped": 6, "back": 6}
    assert library.roots() == [str(new)]


def test_all_songs_of_a_moved_folder_can_be_embedded_again(library, old, tmp_path):
    ids = everything(library).keys()
    new = move(old, tmp_path / "new")
    request = ModelRequest(
        models_dir=Settings().models, weights="untrained", hop_s=1.0, precision="float32", reindex=True
    )
    run = IndexRun(library, new, request=request, reporter=RecordingReporter())
    assert counts(index_folder(run)) == {"indexed": 6}
    assert everything(library).keys() == ids
    assert library.roots() == [str(new)]


def test_a_failing_run_moves_nothing(library, old, tmp_path):
    new = move(old, tmp_path / "new")
    with pytest.raises(Exception, match=r"none\.csv"):
        index(library, new, genre_from=str(tmp_path / "none.csv"))
    assert library.roots() == [str(old)]


def test_a_dry_run_tells_the_move_and_changes_nothing(library, old, tmp_path, capsys):
    new = move(old, tmp_path / "media" / "Music")
    (new / "top.flac").rename(new / "renamed.flac")
    os.utime(new / "Rock" / "2.flac", (1, 1))
    (new / "Jazz" / "1.flac").unlink()
    before = library.path.read_bytes()
    for folder in (new, new.parent):
        plan = dry_run(library, folder)
        assert plan.moved_roots == [(str(old), str(new), 6)]
        assert (plan.unchanged, plan.retagged) == (3, [str(new / "Rock" / "2.flac")])
        assert plan.moved == [(str(new / "top.flac"), str(new / "renamed.flac"))]
        assert plan.gone == [str(new / "Jazz" / "1.flac")]
        assert (plan.to_embed, plan.copied) == (0, [])
    assert library.path.read_bytes() == before
    assert run(["index", str(new), "--dry-run", "--db", str(library.path)]) == 0
    said = capsys.readouterr().out
    assert f"{old} was moved to {new}" in said
    done = index(library, new.parent)
    assert (done.moved, done.retagged, done.gone, done.skipped) == (1, 1, 1, 3)
    assert dry_run(library, new).moved_roots == []


def test_a_dry_run_uses_the_options_of_the_folder_that_was_moved(fresh_db, old, tmp_path):
    index(fresh_db, old)
    index(fresh_db, old, exclude=["Jazz/"])
    new = move(old, tmp_path / "new")
    assert dry_run(fresh_db, new).back == []
    assert index(fresh_db, new).back == 0


@pytest.mark.parametrize(
    ("pairs", "change"),
    [
        ([(b"a.mp3", b"a.mp3")], (b"", b"")),
        ([(b"x/a.mp3", b"x/a.mp3")], (b"", b"")),
        ([(b"a.mp3", b"New/Music/a.mp3")], (b"", b"New/Music/")),
        ([(b"Music/x/a.mp3", b"x/a.mp3")], (b"Music/", b"")),
        ([(b"A/x/a.mp3", b"B/C/x/a.mp3")], (b"A/", b"B/C/")),
        ([(b"a.mp3", b"renamed.mp3")], (b"", b"")),
        ([(b"r/a.mp3", b"s/a.mp3"), (b"x/b.mp3", b"x/b.mp3"), (b"y/b.mp3", b"y/b.mp3")], (b"", b"")),
        ([(b"r/\xff.mp3", b"s/\xff.mp3")], (b"r/", b"s/")),
    ],
)
def test_the_most_frequent_change_of_the_paths_beginning(pairs, change):
    assert _changed_beginning(pairs) == change


def test_paths_that_become_other_songs_old_paths_do_not_collide(fresh_db, tmp_path, make_tone):
    old = tmp_path / "old"
    for number, name in enumerate(("x.flac", "Music/x.flac", "Music/Music/x.flac", "Music/y.flac")):
        make_tone(old / name, frequency_hz=200 * (number + 1))
    index(fresh_db, old)
    before = everything(fresh_db)
    new = move(old, tmp_path / "media" / "Music")
    assert counts(index(fresh_db, new.parent)) == {"skipped": 4}
    assert everything(fresh_db) == before
    assert np.all([fresh_db.file_of(song_id).path == new / song_id for song_id in before])
    move(new, tmp_path / "third")
    assert counts(index(fresh_db, tmp_path / "third")) == {"skipped": 4}
    assert np.all([fresh_db.file_of(song_id).path == tmp_path / "third" / song_id for song_id in before])


def test_a_folder_around_the_old_and_the_new_name_is_indexed(library, old, embedded):
    vectors = sorted(vector for vector, *_ in everything(library).values())
    move(old, old.parent / "Tunes")
    assert counts(index(library, old.parent)) == {"indexed": 6, "moved": 6}
    assert not embedded
    assert sorted(vector for vector, *_ in everything(library).values()) == vectors
    assert library.roots() == [str(old.parent)]


def test_a_moved_folder_is_found_by_the_tracks_of_its_cue_sheets(fresh_db, tmp_path, make_tone):
    old, new = tmp_path / "old", tmp_path / "new"
    make_tone(old / "album.flac", seconds=4.0)
    tracks = "".join(f"TRACK {n} AUDIO\nINDEX 01 00:0{n}:00\n" for n in (1, 2))
    (old / "album.cue").write_text(f'FILE "album.wav" WAVE\n{tracks}')
    index(fresh_db, old)
    old.rename(new)
    index(fresh_db, new)
    assert fresh_db.roots() == [str(new)]
    assert fresh_db.vectors()[0] == ["album.flac#01", "album.flac#02"]
