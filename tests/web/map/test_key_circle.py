import numpy as np

from explorer.structure.keys import Key, known_key
from explorer.web.map.key_circle import KEYS, KeyCircle, key_number


def circle(*names, doubtful=()):
    keys = [known_key(measured=name, confidence=1.0) for name in names]
    numbers = np.array([key_number(key) if key else -1 for key in keys])
    is_doubtful = np.isin(np.arange(len(names)), doubtful)
    return KeyCircle(np.where(is_doubtful, -1, numbers), is_doubtful)


def test_the_keys_are_in_the_order_of_the_camelot_wheel():
    assert [key.camelot for key in KEYS] == [f"{step}{letter}" for step in range(1, 13) for letter in "AB"]
    assert [key_number(key) for key in KEYS] == list(range(24))
    assert (KEYS[14].name, KEYS[15].name) == ("A minor", "C major")


def test_songs_of_a_key_have_its_colour_and_songs_whose_key_is_not_sure_are_grey():
    keys = circle("A minor", None, "C major", "D minor", "A minor", doubtful=[3])
    assert keys.colour_numbers.dtype == np.uint8
    assert keys.colour_numbers.tolist() == [14, 24, 15, 24, 14]
    assert keys.has_values
    assert not circle(None, "A minor", doubtful=[1]).has_values


def test_hidden_songs_do_not_count():
    keys = circle("A minor", "A minor", "C major", "D minor", "D minor", None, doubtful=[3, 4])
    is_shown = np.array([True, False, True, True, True, True])
    counts = keys.counts(is_shown)
    assert (len(counts), counts[14], counts[15], counts.sum()) == (24, 1, 1, 2)
    assert keys.unknown_counts(is_shown) == [("Key not sure", 2), ("Unknown key", 1)]
    assert keys.unknown_counts(~is_shown) == []


def test_a_key_of_a_tag_has_its_place_on_the_circle():
    assert key_number(Key(9, True, 1.0, "tag")) == 14
