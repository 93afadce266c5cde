import numpy as np

from explorer.audio.limiter import limit_samples


def test_samples_are_limited_to_full_scale_and_what_is_no_number_becomes_silence():
    samples = np.array([[0.25, -1.0], [1.5, -1e38], [np.inf, -np.inf], [np.nan, 1.0]], np.float32)
    limited = limit_samples(samples)
    np.testing.assert_array_equal(limited, [[0.25, -1.0], [1.0, -1.0], [1.0, -1.0], [0.0, 1.0]])
    assert limited.dtype == np.float32
    assert np.isnan(samples[3, 0]), "the input is unchanged"
