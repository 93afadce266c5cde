import numpy as np

from explorer.database.features import FeatureRow
from explorer.web.data.feature_values import FeatureValues

ROWS = [
    FeatureRow(120.0, 0.9, "A minor", 0.9, 0.5, -14.0, 1800.0),
    FeatureRow(90.0, 0.1, "C major", 0.1),
    FeatureRow(60.0, 0.1, "C major", 0.1, tag_tempo="174", tag_key="8B"),
    FeatureRow(),
]


def test_a_tempo_or_key_that_is_not_sure_gives_no_colour_and_is_counted_as_doubt():
    scales = FeatureValues.of(ROWS, 4).scales
    tempo, key, everyone = scales["tempo"], scales["key"], np.ones(4, dtype=bool)
    np.testing.assert_array_equal(tempo.values, [120, np.nan, 174, np.nan])
    assert tempo.unknown_counts(everyone) == [("Tempo not sure", 1), ("Unknown tempo", 1)]
    assert key.numbers.tolist() == [14, -1, 15, -1]
    assert key.unknown_counts(everyone) == [("Key not sure", 1), ("Unknown key", 1)]


def test_values_without_a_confidence_are_taken_as_they_are():
    scales = FeatureValues.of(ROWS, 4).scales
    assert set(scales) == {"tempo", "key", "energy", "loudness", "brightness"}
    for name, value in (("energy", 0.5), ("loudness", -14), ("brightness", 1800)):
        np.testing.assert_array_equal(scales[name].values, np.array([value, np.nan, np.nan, np.nan], "f4"))
        assert scales[name].unknown_counts(np.ones(4, dtype=bool)) == [(f"Unknown {name}", 3)]


def test_a_library_without_features_has_no_values():
    assert not any(scale.has_values for scale in FeatureValues.of([FeatureRow()] * 3, 3).scales.values())
