import os
import time
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import apsw
import numpy as np
import pytest
from support import write_tone

from explorer.audio.fingerprints import audio_fingerprint
from explorer.database.database import Database
from explorer.embedding.song_windows import RawWindows, fit_basis
from explorer.errors import AudioError, LibraryBusyError, LibraryError
from explorer.library.genres import DROPPED_FOLDER
from explorer.library.music_file import Fingerprints, Tags
from explorer.library.remote import as_root
from explorer.library.scan_rules import ScanOptions
from explorer.library.scanning import scan_folder
from explorer.web.security import RefusedError
from explorer.web.sound_jobs import SoundJobs
from explorer.web.uploads.keep import EmbeddedFile, keep_song, safe_name
from explorer.web.uploads.upload_folder import KEEP_FREE_BYTES


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("song.mp3", "song.mp3"),
        ("../../etc/passwd.mp3", "passwd.mp3"),
        ("C:\\Users\\me\\song.mp3", "song.mp3"),
        ("/absolute/x.flac", "x.flac"),
        ("..", "song"),
        (".", "song"),
        ("", "song"),
        ("/", "song"),
        (".hidden.mp3", "hidden.mp3"),
        (".mp3", "mp3"),
        ("a\x00b\nc\u202ed.mp3", "abcd.mp3"),
        ('what<>:"|?*.mp3', "what_______.mp3"),
        ("CON.mp3", "_CON.mp3"),
        ("com1.tar.mp3", "_com1.tar.mp3"),
        ("  two   words . mp3", "two words.mp3"),
        ("trailing. .mp3", "trailing.mp3"),
        ("-rf.mp3", "-rf.mp3"),
        ("half\ud800.mp3", "half.mp3"),
        ("naïve ☂ 音楽.ogg", "naïve ☂ 音楽.ogg"),
    ],
)
def test_names_are_safe_on_every_system(given, made):
    assert safe_name(given) == made


def test_long_names_are_cut_and_keep_their_extension():
    for text in ("x" * 5000, "音" * 5000):
        name = safe_name(f"{text}.flac")
        assert len(name.encode()) <= 180
        assert name.endswith(".flac")
        assert len(name) > 50
    assert len(safe_name("a." + "b" * 5000)) < 50


@pytest.fixture(scope="module")
def jobs():
    jobs = SoundJobs()
    yield jobs
    jobs.close()


@pytest.fixture
def keep(jobs):
    """`keep_song` with a decoding process that all tests share."""
    return partial(keep_song, jobs=jobs)


@pytest.fixture
def upload(tmp_path):
    """A file that is not in the library."""
    return write_tone(tmp_path / "uploaded" / "x.flac", frequency_hz=777, tags={"title": "Upload"})


@pytest.fixture
def embedded(library):
    """A result of embedding a file with the library's model."""
    with Database.open_readonly(library[0]) as database:
        return EmbeddedFile(np.arange(512.0), database.model(), "flac/pcm_16", 1.5, 0.5)


def test_a_kept_song_is_copied_and_stored(keep, library, tmp_path, upload, embedded):
    song_id = keep(library[0], upload, "my song.flac", embedded)
    assert song_id == f"{DROPPED_FOLDER}/my song.flac"
    assert (tmp_path / "music" / song_id).read_bytes() == upload.read_bytes()
    with Database.open_readonly(library[0]) as database:
        song = database.song(song_id)
        assert (song.title, song.duration_s, song.preview_start_s) == ("Upload", 1.5, 0.5)
        assert (database.vector(song_id) == np.arange(512.0)).all()
        assert database.features_of(song_id).brightness_hz > 700
        files = {file.path: file for file in scan_folder(tmp_path / "music")}
        known = database.known_files(1)[song_id.encode()]
    assert known.is_unchanged(files[song_id.encode()])


def test_tags_in_a_national_encoding_are_decoded(keep, library, tmp_path, embedded):
    title, artist = (text.encode("cp1251").decode("latin-1") for text in ("Группа крови", "Кино"))
    file = write_tone(tmp_path / "uploaded" / "y.flac", tags={"title": title, "artist": artist})
    song_id = keep(library[0], file, "y.flac", embedded)
    with Database.open_readonly(library[0]) as database:
        song = database.song(song_id)
    assert (song.title, song.artist) == ("Группа крови", "Кино")


def test_a_name_that_is_taken_gets_a_number(keep, library, tmp_path, upload, embedded):
    for number, expected in enumerate(["a.flac", "a (2).flac", "a (3).flac"]):
        upload.write_bytes(upload.read_bytes() + bytes(number))
        assert keep(library[0], upload, "a.flac", embedded) == f"{DROPPED_FOLDER}/{expected}"
    assert len(list((tmp_path / "music" / DROPPED_FOLDER).iterdir())) == 3


@pytest.mark.parametrize(
    ("format", "name"),
    [("mp3/mp3", "x.mp3"), ("mov/aac", "x.m4a"), ("ogg/vorbis", "x.ogg"), ("odd/odd", "x.mka")],
)
def test_a_file_without_an_audio_extension_gets_one_that_an_index_looks_for(
    keep, library, upload, embedded, format, name
):
    song_id = keep(library[0], upload, "x", replace(embedded, format=format))
    assert song_id == f"{DROPPED_FOLDER}/{name}"


def test_a_kept_song_can_be_found_by_its_sound(keep, library, tmp_path, upload, embedded):
    song_id = keep(library[0], upload, "a.flac", embedded)
    copy = tmp_path / "music" / song_id
    with Database.open_readonly(library[0]) as database:
        fingerprints = Fingerprints("another", audio_fingerprint(copy), Tags(""))
        assert [song.song_id for song in database.same_sound(fingerprints)] == [song_id]


def test_a_song_that_an_index_would_leave_out_is_refused(keep, library, tmp_path, upload, embedded):
    music = tmp_path / "music"
    with Database.open(library[0]) as database:
        database.choose_scan_options(1, ScanOptions(exclude=("*.flac",)))
    with pytest.raises(LibraryError, match=r"a\.flac is left out"):
        keep(library[0], upload, "a.flac", embedded)
    assert not (music / DROPPED_FOLDER).exists()
    assert keep(library[0], upload, "a.wav", embedded) == f"{DROPPED_FOLDER}/a.wav"


def untouched(library, folder):
    """Tell whether a library of 24 songs has not changed."""
    with Database.open_readonly(library[0]) as database:
        songs = database.count_vectors()
    return songs == 24 and not (folder / "music" / DROPPED_FOLDER).exists()


def test_a_song_that_the_library_has_is_not_copied(keep, library, tmp_path, embedded):
    copy = write_tone(tmp_path / "uploaded" / "y.flac")
    first = keep(library[0], copy, "y.flac", embedded)
    assert keep(library[0], copy, "z.flac", embedded) == first
    assert len(list((tmp_path / "music" / DROPPED_FOLDER).iterdir())) == 1


def test_a_vector_of_another_model_is_refused_and_nothing_is_copied(
    keep, library, tmp_path, upload, embedded
):
    other = replace(embedded, model=embedded.model | {"hop_s": 0.1})
    with pytest.raises(LibraryError, match="another model"):
        keep(library[0], upload, "x.flac", other)
    assert untouched(library, tmp_path)


def test_nothing_is_copied_if_the_library_is_busy(keep, library, tmp_path, upload, embedded, monkeypatch):
    monkeypatch.setattr("explorer.database.connection.BUSY_TIMEOUT_MS", 50)
    writer = apsw.Connection(str(library[0]))
    writer.execute("BEGIN IMMEDIATE")
    with pytest.raises(LibraryBusyError):
        keep(library[0], upload, "x.flac", embedded)
    writer.execute("ROLLBACK")
    writer.close()
    assert untouched(library, tmp_path)


def test_a_missing_music_folder_is_an_error(keep, library, tmp_path, upload, embedded):
    (tmp_path / "music").rename(tmp_path / "elsewhere")
    with pytest.raises(LibraryError, match=r"music folder .* is missing"):
        keep(library[0], upload, "x.flac", embedded)
    assert not (tmp_path / "music").exists()


def test_a_song_is_copied_into_the_first_music_folder_that_is_present_on_this_computer(
    keep, library, tmp_path, upload, embedded
):
    (tmp_path / "second").mkdir()
    with Database.open(library[0]) as database, database.transaction():
        database.add_root(as_root("https://example.invalid/music"))
        database.add_root(tmp_path / "second")
        database._rows("UPDATE roots SET path = ? WHERE id = 1", (str(tmp_path / "absent"),))
    keep(library[0], upload, "x.flac", embedded)
    assert (tmp_path / "second" / DROPPED_FOLDER / "x.flac").is_file()


def test_a_file_that_cannot_be_read_is_not_kept(library, tmp_path, upload, embedded):
    class DyingJobs:
        def fingerprints(self, path):
            raise AudioError(f"{path.name} crashes its decoder.")

    with pytest.raises(AudioError, match=r"x\.flac crashes"):
        keep_song(library[0], upload, "x.flac", embedded, jobs=DyingJobs())
    assert untouched(library, tmp_path)


def test_nothing_is_copied_to_a_disk_that_is_nearly_full(
    keep, library, tmp_path, upload, embedded, monkeypatch
):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=KEEP_FREE_BYTES))
    with pytest.raises(RefusedError) as refused:
        keep(library[0], upload, "x.flac", embedded)
    assert refused.value.status == 507
    assert untouched(library, tmp_path)


def test_partial_copies_of_killed_servers_are_removed(keep, library, tmp_path, upload, embedded):
    folder = tmp_path / "music" / DROPPED_FOLDER
    folder.mkdir()
    killed, running, other = f".{'a1' * 8}.part", f".{'b2' * 8}.part", "download.part"
    for name in (killed, running, other):
        (folder / name).touch()
    for name in (killed, other):
        os.utime(folder / name, (time.time() - 3600,) * 2)
    keep(library[0], upload, "x.flac", embedded)
    assert {path.name for path in folder.iterdir()} == {running, other, "x.flac"}


def test_a_library_without_a_music_folder_is_an_error(keep, tmp_path, upload, embedded):
    Database.open(tmp_path / "empty.db").close()
    with pytest.raises(LibraryError, match="no music folder"):
        keep(tmp_path / "empty.db", upload, "x.flac", embedded)


def test_nothing_is_copied_through_a_link_out_of_the_music_folder(keep, library, tmp_path, upload, embedded):
    (tmp_path / "outside").mkdir()
    (tmp_path / "music" / DROPPED_FOLDER).symlink_to(tmp_path / "outside")
    with pytest.raises(LibraryError, match="leads out"):
        keep(library[0], upload, "x.flac", embedded)
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize("step", ["shutil.copyfileobj", "pathlib.Path.replace", "pathlib.Path.mkdir"])
def test_a_failed_write_leaves_nothing(keep, library, tmp_path, upload, embedded, monkeypatch, step):
    def fail(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(step, fail)
    with pytest.raises(LibraryError, match=r"No space left on device|is full: make room"):
        keep(library[0], upload, "x.flac", embedded)
    monkeypatch.undo()
    assert untouched(library, tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_write_permission_is_an_error(keep, library, tmp_path, upload, embedded):
    (tmp_path / "music").chmod(0o500)
    with pytest.raises(LibraryError, match="check the folder's permissions"):
        keep(library[0], upload, "x.flac", embedded)
    (tmp_path / "music").chmod(0o700)


def test_a_missing_library_is_not_created(keep, tmp_path, upload, embedded):
    with pytest.raises(LibraryError, match="There is no library"):
        keep(tmp_path / "absent.db", upload, "x.flac", embedded)
    assert not (tmp_path / "absent.db").exists()


def test_a_song_is_copied_into_the_first_of_several_music_folders(keep, library, tmp_path, upload, embedded):
    (tmp_path / "second").mkdir()
    with Database.open(library[0]) as database:
        database.add_root(tmp_path / "second")
    keep(library[0], upload, "x.flac", embedded)
    assert (tmp_path / "music" / DROPPED_FOLDER / "x.flac").is_file()


def test_a_kept_song_gets_the_spelling_of_its_genre_that_the_library_has(keep, library, tmp_path, embedded):
    path, _ = library
    upload = write_tone(tmp_path / "uploaded" / "y.flac", frequency_hz=555, tags={"genre": "TECHNO"})
    song_id = keep(path, upload, "y.flac", embedded)
    with Database.open_readonly(path) as database:
        assert database.song(song_id).genres == ("Techno",)


def test_a_kept_song_has_windows_if_the_library_keeps_windows(keep, library, upload, embedded):
    raw = RawWindows(np.random.default_rng(0).normal(size=(50, 512)).astype(np.float16), 0.5)
    embedded = replace(embedded, windows=raw)
    without = keep(library[0], upload, "a.flac", embedded)
    with Database.open(library[0]) as database:
        assert not database.keeps_windows()
        basis = fit_basis(raw.frames)
        database.store_windows(library[1][0], raw)
        database.store_window_basis(basis)
    upload.write_bytes(upload.read_bytes() + b"0")
    song_id = keep(library[0], upload, "b.flac", embedded)
    with Database.open_readonly(library[0]) as database:
        assert database.windows_of(without) is None
        np.testing.assert_array_equal(database.windows_of(song_id).codes, basis.encode(raw).codes)
