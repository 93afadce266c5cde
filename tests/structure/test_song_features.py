"""The features of a song that has none."""

from explorer.structure.song_features import SongFeatures


def test_features_without_measurements_are_unknown():
    features = SongFeatures()
    assert features.tempo_bpm is None and features.key is None
    assert len(features.beats_s) == len(features.loudness_curve) == 0
