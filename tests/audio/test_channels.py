"""Channels that cancel each other."""

import numpy as np
import pytest

from explorer.audio.channels import ChannelPowers, audible_average, average_channels

NOISE = np.random.default_rng(2).normal(0, 0.1, (5, 4_800)).astype(np.float32)


def louder_channel(*channels):
    powers = ChannelPowers()
    for block in np.array_split(np.stack(channels, axis=1), 3):
        powers.add(block, average_channels(block))
    return powers.louder_channel


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        ([NOISE[0], -NOISE[0]], 0),
        ([NOISE[0], -1.1 * NOISE[0]], 1),
        ([NOISE[0], -1.3 * NOISE[0]], None),
        ([NOISE[0], NOISE[0]], None),
        ([NOISE[0], NOISE[1]], None),
        ([NOISE[0], 0 * NOISE[0]], None),
        ([0 * NOISE[0], 0 * NOISE[0]], None),
        ([NOISE[0], -NOISE[0], 0.01 * NOISE[1], NOISE[2], -NOISE[2], NOISE[3] / 100], 0),
        (list(NOISE), None),
    ],
)
def test_channels_cancel_if_their_average_is_20_db_below_them(channels, expected):
    assert louder_channel(*channels) == expected


def test_the_power_of_all_channels_is_divided_by_that_of_the_mono_sound():
    def ratio(*channels):
        powers = ChannelPowers()
        for block in np.array_split(np.stack(channels, axis=1), 3):
            powers.add(block, average_channels(block))
        return powers.ratio

    assert ratio(NOISE[0], NOISE[0]) == pytest.approx(2)
    assert ratio(NOISE[0], NOISE[1]) == pytest.approx(4, rel=0.05)
    assert ratio(0 * NOISE[0], 0 * NOISE[0]) == ChannelPowers().ratio == 1.0
    powers = ChannelPowers()
    powers.add_alone(np.stack([NOISE[0], -2 * NOISE[0]], axis=1), 1)
    assert powers.ratio == pytest.approx(1.25)
    assert powers.louder_channel is None


def test_one_cancelling_block_does_not_change_a_song():
    assert louder_channel(np.r_[NOISE[0], NOISE[1]], np.r_[-NOISE[0], NOISE[1]]) is None


def test_a_block_that_cancels_is_heard():
    block = np.stack([NOISE[0], -2 * NOISE[0] + NOISE[0]], axis=1)
    np.testing.assert_array_equal(audible_average(block), NOISE[0])
    np.testing.assert_allclose(audible_average(block[:, :1]), NOISE[0])
