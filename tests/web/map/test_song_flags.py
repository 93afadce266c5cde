import re

import numpy as np
import pytest

from explorer.config import ROOT
from explorer.web.map import song_flags as module
from explorer.web.map.song_flags import FADED, HIDDEN, LIT, MISSING, VERY_FADED, fading, song_flags, visible


def mask(*numbers, n=4):
    return np.isin(np.arange(n), numbers)


def test_the_bits_are_those_of_the_page():
    source = (ROOT / "assets" / "map" / "flags.js").read_text(encoding="utf-8")
    bits = {name: int(value) for name, value in re.findall(r"export const (\w+) = (\d+);", source)}
    assert bits.pop("CHOSEN") not in (LIT, HIDDEN, MISSING, FADED, VERY_FADED)
    assert bits == {name: getattr(module, name) for name in bits}
    assert len(bits) == 5


def test_each_song_has_the_flags_of_every_kind_that_it_belongs_to():
    assert song_flags(4).tolist() == [LIT] * 4
    flags = song_flags(4, matching=mask(0, 1), hidden=mask(1, 2), missing=mask(2))
    assert flags.tolist() == [LIT, LIT | HIDDEN, HIDDEN | MISSING, 0]
    assert flags.dtype == np.uint8
    with_fading = song_flags(4, missing=mask(0), near=np.array([0, 1, 3, -1]))
    assert with_fading.tolist() == [LIT | MISSING | VERY_FADED, LIT | FADED, LIT, LIT]
    assert song_flags(0).tolist() == []


def test_points_with_few_near_neighbours_fade():
    near = np.array([10, 5, 4, 2, 1, 0, -1], dtype=np.int16)
    assert fading(near, neighbours=100).tolist() == [0, 0, FADED, FADED, VERY_FADED, VERY_FADED, 0]
    assert fading(np.array([2, 1, 0]), neighbours=2).tolist() == [0, 0, VERY_FADED]
    assert fading(np.array([0]), neighbours=0).tolist() == [VERY_FADED]
    assert fading(near, neighbours=100).dtype == np.uint8


@pytest.mark.parametrize(
    ("matching", "hidden", "expected"),
    [
        (None, None, None),
        (mask(0, 1), None, [0, 1]),
        (None, mask(3), [0, 1, 2]),
        (mask(0, 3), mask(3), [0]),
    ],
)
def test_visible_songs_match_and_are_not_hidden(matching, hidden, expected):
    songs = visible(matching, hidden)
    assert (None if songs is None else np.flatnonzero(songs).tolist()) == expected
