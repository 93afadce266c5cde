"""Forced colours, such as those of Windows high contrast: what must stay visible in Chromium."""

import numpy as np
import pytest
from gestures import choose_in_header, wait_for_map, wait_until_still
from pixels import picture

ICONS = (
    "#play",
    "#next",
    "#previous",
    "#repeat",
    "#spectrum",
    "#mute",
    "#zoom-in",
    "#zoom-out",
    "#zoom-fit",
    "#tool-lasso",
    "#tool-box",
    "#share-open",
    "#filter-toggle",
    "#upload-button",
    "#theme-toggle",
    "#help-open",
    "#panel-close",
    ".neighbours .row-main",
    ".neighbours .row-explore",
)
SOME_PIXELS = 12


@pytest.fixture(params=["dark", "light"])
def forced(request, site, open_page):
    """The page in forced colours, with a song in the panel."""
    page = open_page("about:blank", has_map=False, theme=request.param)
    page.emulate_media(forced_colors="active", color_scheme=request.param)
    page.goto(site[0])
    wait_for_map(page)
    page.evaluate("explorer.actions.play(10)")
    page.wait_for_selector(".neighbours .song-row")
    page.mouse.move(640, 5)
    wait_until_still(page)
    return page


def part_of(image, box, margin=0):
    """Return the pixels of a box."""
    left, top = round(box["x"]) + margin, round(box["y"]) + margin
    right, bottom = round(box["x"] + box["width"]) - margin, round(box["y"] + box["height"]) - margin
    return image[top:bottom, left:right]


def n_contrasting(pixels, background):
    """Return how many pixels are clearly lighter or darker than the background."""
    return int((np.abs(pixels - background).max(axis=-1) > 100).sum())


def test_icons_can_be_seen(forced):
    image = picture(forced)
    for selector in ICONS:
        pixels = part_of(image, forced.locator(f"{selector} .icon").first.bounding_box())
        # The corner of an icon is empty.
        assert n_contrasting(pixels, pixels[0, 0]) > SOME_PIXELS, selector


def test_an_icon_of_a_pressed_button_can_be_seen_and_the_button_differs(forced):
    before = part_of(picture(forced), forced.locator("#filter-toggle").bounding_box(), margin=4)
    forced.locator("#filter-toggle").click()
    forced.wait_for_selector("#filters[data-ready]")
    forced.mouse.move(640, 5)
    after = part_of(picture(forced), forced.locator("#filter-toggle").bounding_box(), margin=4)
    background = after[0, 0]
    assert np.abs(background - before[0, 0]).max() > 50
    assert n_contrasting(after, background) > SOME_PIXELS


def test_legend_dots_keep_their_colours(forced):
    colours = forced.evaluate(
        """[...document.querySelectorAll('.legend li .dot')].map((dot) =>
            [getComputedStyle(dot).backgroundColor, dot.style.background])"""
    )
    assert len(colours) > 1
    assert len({shown for shown, _ in colours}) == len(colours)
    assert all(shown == given for shown, given in colours)


def test_bars_and_sliders_can_be_seen(forced):
    image = picture(forced)
    card = part_of(image, forced.locator("#player").bounding_box())[4, 20]
    volume = part_of(image, forced.locator("#volume input").bounding_box())
    assert n_contrasting(volume, card) > 5 * SOME_PIXELS
    for selector in ("#hear .hear-track", ".neighbours .row-bar"):
        bar = part_of(image, forced.locator(selector).first.bounding_box())
        assert n_contrasting(bar, card) > SOME_PIXELS, selector


def test_names_on_the_map_are_letters_and_not_blocks(forced):
    image = picture(forced)
    ground = forced.evaluate("explorer.state.map.meta.ground")
    ground = np.array([int(ground[i : i + 2], 16) for i in (1, 3, 5)])
    labels = forced.locator("#labels .shown")
    assert labels.count() > 0
    for label in labels.all():
        pixels = part_of(image, label.bounding_box())
        share = n_contrasting(pixels, ground) / (pixels.shape[0] * pixels.shape[1])
        assert 0.05 < share < 0.6, label.inner_text()


def test_the_row_that_plays_is_marked(forced):
    row = forced.locator(".neighbours .song-row").nth(1)
    row.locator(".row-main").click()
    forced.wait_for_selector(".neighbours .song-row.playing")
    mark = "row => getComputedStyle(row, '::before').backgroundColor"
    ground = forced.locator("#panel").evaluate("e => getComputedStyle(e).backgroundColor")
    assert row.evaluate(mark) not in (ground, "rgba(0, 0, 0, 0)")
    assert row.evaluate("row => getComputedStyle(row, '::before').width") == "3px"


def test_the_scale_has_its_colours(forced):
    choose_in_header(forced, "Length")
    bar = forced.locator(".scale-bar")
    bar.wait_for()
    wait_until_still(forced)
    pixels = part_of(picture(forced), bar.bounding_box(), margin=3)
    assert np.abs(pixels[3, 2] - pixels[3, -3]).max() > 50
    assert bar.evaluate("e => getComputedStyle(e).borderTopStyle") == "solid"


def test_the_chosen_layout_is_marked(forced):
    forced.locator("#map-menu-toggle").click()
    colours = forced.locator("#map-menu [type=radio]").evaluate_all(
        "all => all.map((e) => [e.checked, getComputedStyle(e).backgroundColor])"
    )
    chosen = [colour for is_checked, colour in colours if is_checked]
    assert len(chosen) == 1
    assert chosen[0] not in [colour for is_checked, colour in colours if not is_checked]


def test_the_first_suggestion_and_the_open_selection_are_marked(forced):
    forced.locator("#search").fill("piece")
    options = forced.locator(".header .mantine-Select-option")
    options.nth(1).wait_for()
    first, second = (options.nth(i).evaluate("e => getComputedStyle(e).backgroundColor") for i in range(2))
    assert first != second
    forced.keyboard.press("Escape")
    forced.evaluate("explorer.panel.showTab('choice')")
    assert (
        forced.locator("#tab-song .tab-count").evaluate("e => getComputedStyle(e).borderTopStyle") == "none"
    )
    forced.evaluate("explorer.selection_store.setSongs([3, 5], { kind: 'added', count: 2 })")
    forced.locator("#choice-all").click()
    row = forced.locator(".choice-kept.open").first
    assert row.evaluate("e => getComputedStyle(e).borderLeftWidth") == "3px"
