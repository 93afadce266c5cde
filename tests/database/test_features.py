from dataclasses import replace

import numpy as np

from explorer.database.features import FEATURES_VERSION, UnmeasuredSong
from explorer.database.raw_tags import StoredTags
from explorer.database.records import Song
from explorer.library.music_file import WHOLE, Part, ScannedFile, Tags
from explorer.structure.song_features import SongFeatures

VECTOR = np.arange(512, dtype=np.float64)
FEATURES = SongFeatures(
    *(120.5, 0.75, "A minor", 0.5, 0.25, -14.0, 1500.0),
    beats_s=np.array([0.5, 1.0], np.float32),
    loudness_curve=np.array([-14.0, -15.0], np.float32),
    brightness_curve=np.array([1500.0, 1400.0], np.float32),
)


def store(database, root, name, *, audio=None, tags=None, vector=VECTOR, part=WHOLE):
    song = Song(
        ScannedFile(name.encode(), 5, 7),
        tags or Tags(name),
        f"print of {name} {part.track}",
        "flac/flac",
        60.0,
        audio_fingerprint=audio,
        part=part,
    )
    return database.store_song(root, song, vector)


def test_features_are_read_as_they_were_stored(fresh_db, tmp_path):
    song = store(fresh_db, fresh_db.add_root(tmp_path), "x.flac", tags=Tags("T", bpm="128", key="8A"))
    assert fresh_db.features_of(song) is None
    fresh_db.store_features(song, FEATURES)
    stored = fresh_db.features_of(song)
    assert (stored.tempo_bpm, stored.key, stored.loudness_lufs) == (120.5, "A minor", -14.0)
    assert np.array_equal(stored.beats_s, FEATURES.beats_s)
    assert np.array_equal(stored.brightness_curve, FEATURES.brightness_curve)
    row = fresh_db.feature_row(song)
    assert (row.tempo_confidence, row.energy, row.tag_tempo, row.tag_key) == (0.75, 0.25, "128", "8A")
    assert (fresh_db.count_features(), FEATURES_VERSION) == (1, 1)


def test_unmeasured_songs_are_those_with_a_full_vector_and_a_file(fresh_db, tmp_path):
    root = fresh_db.add_root(tmp_path)
    measured = store(fresh_db, root, "a.flac")
    fresh_db.store_features(measured, FEATURES)
    song = store(fresh_db, root, "b.flac")
    track = store(fresh_db, root, "c.flac", part=Part(2, 10.0, None))
    store(fresh_db, root, "d.flac", vector=None)
    store(fresh_db, root, "e.flac")
    fresh_db.mark_gone(root, [b"e.flac"], since="2026-01-01")
    assert fresh_db.unmeasured_songs(root) == [
        UnmeasuredSong(song, b"b.flac", WHOLE, 5, 7, "print of b.flac 0"),
        UnmeasuredSong(track, b"c.flac", Part(2, 10.0, 70.0), 5, 7, "print of c.flac 2"),
    ]


def test_songs_with_the_same_sound_get_the_same_features(fresh_db, tmp_path):
    root = fresh_db.add_root(tmp_path)
    measured = store(fresh_db, root, "a.flac", audio="sound")
    same = store(fresh_db, root, "b.flac", audio="sound")
    other, unknown = store(fresh_db, root, "c.flac", audio="other"), store(fresh_db, root, "d.flac")
    fresh_db.store_features(measured, FEATURES)
    fresh_db.copy_features(root)
    assert fresh_db.features_of(same).tempo_bpm == 120.5
    assert np.array_equal(fresh_db.features_of(same).loudness_curve, FEATURES.loudness_curve)
    assert fresh_db.features_of(other) is fresh_db.features_of(unknown) is None


def test_tags_of_tempo_and_key_are_added_to_a_song(fresh_db, tmp_path):
    song = store(fresh_db, fresh_db.add_root(tmp_path), "x.flac", tags=Tags("T", bpm="100"))
    fresh_db.store_tempo_and_key_tags(song, bpm="", key="Am")
    row = fresh_db.feature_row(song)
    assert (row.tag_tempo, row.tag_key) == ("100", "Am")
    fresh_db.store_tempo_and_key_tags(song, bpm="128", key="")
    assert (fresh_db.feature_row(song).tag_tempo, fresh_db.feature_row(song).tag_key) == ("128", "Am")


def test_decoding_the_text_of_tags_keeps_tempo_and_key(fresh_db, tmp_path):
    song = store(fresh_db, fresh_db.add_root(tmp_path), "x.flac", tags=Tags("raw", bpm="128", key="Am"))
    (stored,) = fresh_db.stored_tags([song]).values()
    fresh_db.store_decoded_tags({song: StoredTags(stored.raw, replace(stored.shown, title="decoded"))})
    row = fresh_db.feature_row(song)
    assert (fresh_db.song(song).title, row.tag_tempo, row.tag_key) == ("decoded", "128", "Am")
