"""The first sight of the page, in Chromium."""

import pytest
from gestures import pixels_of, serious_findings, text, wait_for_map, wait_until_playing, wait_until_still
from test_layout import CARDS, SEEN, hidden_controls


def test_the_first_visit_says_what_the_map_is_and_plays_something(site, open_page):
    page = open_page(site[0], is_first_visit=True)
    assert "Each dot is a song. Songs close together sound alike." in text(page, "#welcome")
    assert page.locator("#panel").is_hidden()
    wait_until_still(page)
    top = page.locator("#welcome").bounding_box()["y"]
    assert all(y < top for _, y in pixels_of(page, range(24)))
    assert serious_findings(page) == []
    first = page.evaluate("explorer.next_song.firstSong(explorer.state.map)")
    page.locator("#welcome-play").click()
    wait_until_playing(page, f"{first:03d}.flac")
    assert page.locator("#welcome").is_hidden()
    # It does not come back.
    page.goto(site[0])
    wait_for_map(page)
    assert page.locator("#welcome").is_hidden()


def test_the_welcome_switches_hover_to_hear_on(site, open_page):
    page = open_page(site[0], is_first_visit=True)
    page.locator("#welcome-hear").click()
    page.wait_for_function(
        "() => explorer.state.isHearing && explorer.hover.output()?.context.state === 'running'"
    )
    assert page.locator("#welcome").is_hidden()


def test_the_welcome_leaves_at_the_first_action_or_when_it_is_closed(site, open_page):
    page = open_page(site[0], is_first_visit=True)
    page.locator("#welcome-close").click()
    assert page.locator("#welcome").is_hidden()
    page.evaluate("localStorage.clear()")
    page.goto(site[0])
    wait_for_map(page)
    assert page.locator("#welcome").is_visible()
    page.locator("#search").fill("waltz")
    page.wait_for_selector("#welcome", state="hidden")
    assert page.evaluate("localStorage.getItem('welcomed')") == "yes"


@pytest.mark.parametrize(
    ("width", "height", "touch"), [(320, 480, True), (844, 390, True), (720, 450, False), (1280, 800, False)]
)
def test_the_welcome_covers_nothing(site, open_page, width, height, touch):
    page = open_page(site[0], width=width, height=height, touch=touch, is_first_visit=True)
    assert page.locator("#welcome").is_visible()
    assert page.locator("#welcome-hear").is_hidden() == touch
    wait_until_still(page)
    assert page.evaluate(SEEN, CARDS) == []
    assert hidden_controls(page) == []
