import re
from pathlib import Path

import numpy as np
import pytest

from explorer.mapping.voronoi import voronoi_regions
from explorer.web.map.key_palette import KEY_COLOURS
from explorer.web.map.palette import (
    CELLS,
    FILTERED_OUT,
    GREYS,
    MAX_COLOURS,
    PALETTES,
    cell_slots,
    colour_slots,
)
from explorer.web.map.scale_palette import SCALE_STEPS, scale_colours

GROUNDS = {"dark": "#0c0e13", "light": "#f6f5f1"}
# How colours look with each kind of colour blindness, in linear RGB: Machado, Oliveira & Fernandes, 2009.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
# The minimum distance among the first 8, 12 and 20 colours, in hundredths of OKLab, rounded down; True is for
# normal vision, False for the kinds of colour blindness.
MIN_DISTANCES = {
    ("dark", True): {8: 19.9, 12: 13.9, 20: 11.0},
    ("dark", False): {8: 9.4, 12: 7.4, 20: 5.1},
    ("light", True): {8: 13.0, 12: 11.4, 20: 11.0},
    ("light", False): {8: 10.0, 12: 5.8, 20: 4.2},
}
MIN_DISTANCES_FROM_GREY = {"dark": 5.1, "light": 4.2}


def linear(colour):
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def oklab(rgb):
    """Ottosson (2020), "A perceptual color space for image processing"."""
    to_cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    from_cones = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return np.cbrt(rgb @ to_cones.T) @ from_cones.T


def seen(colours, vision):
    rgb = np.array([linear(colour) for colour in colours])
    return 100 * oklab(np.clip(rgb @ VISIONS[vision].T, 0, 1))


def min_distance(places, others):
    return np.linalg.norm(places[:, None] - others[None], axis=-1).min()


def contrast(one, other):
    """Return the contrast ratio of WCAG 2.2."""
    dim, bright = sorted(linear(colour) @ [0.2126, 0.7152, 0.0722] for colour in (one, other))
    return (bright + 0.05) / (dim + 0.05)


def mixed(colour, ground, share):
    """Mix a share of the ground's colour into a colour."""
    pairs = zip(bytes.fromhex(colour[1:]), bytes.fromhex(ground[1:]), strict=True)
    return "#" + bytes(round(own + (other - own) * share) for own, other in pairs).hex()


def test_the_grounds_are_the_pages_background_colours():
    style = (Path(__file__).parents[3] / "assets" / "style.css").read_text(encoding="utf-8")
    on_screen = style.split("@media print")[0]
    assert set(re.findall(r"--ground:\s*(#\w+)", on_screen)) == set(GROUNDS.values())


@pytest.mark.parametrize("theme", GROUNDS)
def test_every_colour_and_the_grey_have_a_contrast_with_their_ground(theme):
    assert len({*PALETTES[theme], GREYS[theme]}) == MAX_COLOURS + 1
    for colour in (*PALETTES[theme], GREYS[theme]):
        assert contrast(colour, GROUNDS[theme]) >= 3.0, colour


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("m", [8, 12, 20])
@pytest.mark.parametrize("theme", GROUNDS)
def test_the_first_colours_differ_for_every_kind_of_vision(theme, m, vision):
    places = seen(PALETTES[theme][:m], vision)
    assert (
        min(min_distance(places[:i], places[i : i + 1]) for i in range(1, m))
        >= MIN_DISTANCES[theme, vision == "normal"][m]
    )


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("theme", GROUNDS)
def test_no_colour_looks_like_the_shared_grey(theme, vision):
    distance = min_distance(seen(PALETTES[theme], vision), seen([GREYS[theme]], vision))
    assert distance >= MIN_DISTANCES_FROM_GREY[theme]


@pytest.mark.parametrize("theme", GROUNDS)
def test_every_colour_has_a_hue(theme):
    _, a, b = seen(PALETTES[theme], "normal").T
    assert np.hypot(a, b).min() >= 6
    _, a, b = seen([GREYS[theme]], "normal").T
    assert np.hypot(a, b).max() <= 3


@pytest.mark.parametrize("theme", GROUNDS)
def test_the_first_colour_is_a_blue(theme):
    red, green, blue = linear(PALETTES[theme][0])
    assert blue > green > red


def test_up_to_twenty_groups_get_the_colour_of_their_number():
    assert colour_slots([]).tolist() == []
    assert colour_slots([1, 9, 5]).tolist() == [0, 1, 2]
    assert colour_slots(np.arange(20)).tolist() == list(range(20))


def test_of_more_groups_the_largest_get_colours_and_the_others_are_grey():
    slots = colour_slots([30] * 20 + [5, 4, 3])
    assert slots.tolist() == [*range(20), MAX_COLOURS, MAX_COLOURS, MAX_COLOURS]


def test_a_large_group_with_a_high_number_gets_the_colour_of_a_small_one_and_no_other_changes():
    counts = [30] * 25
    counts[3], counts[7], counts[20], counts[21], counts[22] = 1, 2, 3, 80, 5
    slots = colour_slots(counts)
    assert slots[3] == slots[7] == slots[20] == slots[22] == slots[24] == MAX_COLOURS
    # 21 and 23 are among the largest, so they get the colours of 3 and 7.
    assert (slots[21], slots[23]) == (3, 7)
    unchanged = [number for number in range(20) if number not in (3, 7)]
    assert slots[unchanged].tolist() == unchanged


def test_of_equally_large_groups_the_first_get_colours():
    assert colour_slots([4] * 30).tolist() == [*range(20)] + [MAX_COLOURS] * 10


@pytest.mark.parametrize("theme", GROUNDS)
def test_songs_that_are_filtered_out_are_visible_but_faint(theme):
    *channels, opacity = (float(part) for part in re.findall(r"[\d.]+", FILTERED_OUT[theme]))
    colour = "#" + bytes(map(int, channels)).hex()
    for opacity_of_all in (0.92, 0.75):
        alone = mixed(colour, GROUNDS[theme], 1 - opacity * opacity_of_all)
        assert 1.25 <= contrast(alone, GROUNDS[theme]) <= 1.5
    # Many points on top of each other come close to the opaque colour.
    assert contrast(colour, GROUNDS[theme]) < 2.5 < contrast(GREYS[theme], GROUNDS[theme])
    _, a, b = seen([colour], "normal").T
    assert np.hypot(a, b).max() <= 3


@pytest.mark.parametrize("theme", GROUNDS)
def test_points_have_a_contrast_with_every_cell_and_crosses_with_cells_or_their_rims(theme):
    assert len(set(CELLS[theme])) == len(CELLS[theme]) == 24
    for colour in CELLS[theme]:
        assert contrast(colour, "#000000") >= 4.5
        if theme == "dark":
            assert contrast(colour, "#ffffff") >= 2.0
    assert contrast("#ffffff", "#000000") >= 2.0


@pytest.mark.parametrize("theme", GROUNDS)
def test_cell_colours_are_pairs_of_one_hue_the_darker_first(theme):
    light, a, b = seen(CELLS[theme], "normal").T
    assert (light[1::2] - light[::2] >= 8).all()
    hues = np.degrees(np.arctan2(b, a))
    apart = np.abs((hues[1::2] - hues[::2] + 180) % 360 - 180)
    assert apart.max() < 12
    places = seen(CELLS[theme], "normal")
    assert min(min_distance(places[:i], places[i : i + 1]) for i in range(1, 24)) >= 3.7


def test_adjacent_cells_have_different_colours():
    positions = np.random.default_rng(0).normal(size=(2_000, 2))
    regions = voronoi_regions(positions, count=120)
    slots = cell_slots(120, regions.borders)
    one, other = regions.borders.T
    assert (slots[one] != slots[other]).all()
    assert np.bincount(slots, minlength=24).tolist() == [5] * 24
    # A wheel: the first or the last cell is adjacent to all others, which form a ring.
    ring = [(0, i) for i in range(1, 50)] + [(i, i % 49 + 1) for i in range(1, 50)]
    for pairs in (ring, [(49 - one, 49 - other) for one, other in ring]):
        slots = cell_slots(50, pairs)
        assert all(slots[one] != slots[other] for one, other in pairs)


def test_few_cells_get_the_colours_of_their_numbers():
    assert cell_slots(24, [(0, 1)]).tolist() == list(range(24))
    assert cell_slots(0, []).tolist() == []


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_scale_becomes_lighter_in_equal_steps_and_can_be_seen_on_the_background(theme):
    colours = scale_colours(theme)
    assert len(set(colours)) == SCALE_STEPS
    assert min(contrast(colour, GROUNDS[theme]) for colour in colours) >= 3
    for vision in VISIONS:
        assert (np.diff(seen(colours, vision)[:, 0]) > 0).all()
    # Of colours further apart: a single step is not much larger than what rounding to bytes changes.
    steps = np.linalg.norm(np.diff(seen(colours[::7], "normal"), axis=0), axis=1)
    assert steps.max() < 1.25 * steps.min()


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("theme", GROUNDS)
def test_keys_beside_each_other_on_the_wheel_differ_for_every_kind_of_vision(theme, vision):
    places = seen(KEY_COLOURS[theme], vision)
    wheel = places.reshape(12, 2, 3)
    to_next_step = np.linalg.norm(wheel - np.roll(wheel, -1, axis=0), axis=-1)
    to_other_mode = np.linalg.norm(wheel[:, 0] - wheel[:, 1], axis=-1)
    assert to_next_step.min() >= {"dark": 6.2, "light": 5.3}[theme]
    assert to_other_mode.min() >= {"dark": 9.1, "light": 7.9}[theme]
    assert min_distance(places, seen([GREYS[theme]], vision)) >= {"dark": 6.9, "light": 5.8}[theme]
    assert min(min_distance(places[:i], places[i : i + 1]) for i in range(1, 24)) >= 3.3


@pytest.mark.parametrize("theme", GROUNDS)
def test_the_hues_of_the_keys_go_once_around_the_circle_and_major_is_the_lighter(theme):
    light, a, b = seen(KEY_COLOURS[theme], "normal").T
    assert (light[1::2] > light[::2] + 3).all()
    for mode in (0, 1):
        hues = np.unwrap(np.arctan2(b[mode::2], a[mode::2]))
        steps = np.degrees(np.diff([*hues, hues[0] + 2 * np.pi]))
        assert steps.min() > 5 and steps.max() < 65
    assert min(contrast(colour, GROUNDS[theme]) for colour in KEY_COLOURS[theme]) >= 3.0
