"""The song panel: what plays, what its list is about, and where a row's song is; in Chromium."""

import json

import pytest
from gestures import choose_in_header, click_song, hover_song, pixel_of, text, wait_until_playing
from support import store_library

from explorer.database.database import Database

RIGHT_TO_LEFT = "أنشودة المطر الطويلة جدا التي لا تنتهي أبدا"
DIRECTION = "selector => getComputedStyle(document.querySelector(selector)).direction"


def open_song(page, index):
    """Play a song and wait for its list."""
    page.evaluate("i => explorer.actions.play(i)", index)
    page.wait_for_function(
        "i => explorer.state.selected === i && document.querySelector('.neighbours .song-row')", arg=index
    )
    wait_until_playing(page, f"{index:03d}.flac", beyond=0)


def row_index(row):
    return int(row.get_attribute("data-index"))


def test_the_panel_says_what_plays_and_what_its_list_is_about(page):
    open_song(page, 10)
    assert text(page, ".list-about") == "More like Waltz piece 10"
    assert page.locator("#now-line").is_hidden()
    # Another song plays: the panel stays, and says so.
    row = page.locator(".neighbours .song-row").nth(2)
    row.locator(".row-main").click()
    wait_until_playing(page, f"{row_index(row):03d}.flac")
    page.wait_for_selector("#now-line")
    title = row.locator(".row-title").inner_text()
    assert " ".join(text(page, "#now-line").split()) == f"Playing: {title} Show it"
    assert text(page, ".panel-title") == "Waltz piece 10"
    page.evaluate("audio.pause()")
    page.wait_for_function("() => document.getElementById('now-line').innerText.startsWith('Paused:')")
    # Its button shows the song.
    page.get_by_role("button", name="Show it").click()
    page.wait_for_function("title => document.querySelector('.panel-title').innerText === title", arg=title)
    page.wait_for_selector("#now-line", state="hidden")


def test_the_whole_row_plays_and_a_small_button_shows_more_like_it(page):
    open_song(page, 10)
    row = page.locator(".neighbours .song-row").nth(3)
    index, title = row_index(row), row.locator(".row-title").inner_text()
    # A click anywhere on the row plays its song.
    row.locator(".row-value").click()
    wait_until_playing(page, f"{index:03d}.flac")
    assert page.evaluate("explorer.state.selected") == 10
    assert row.get_attribute("aria-current") == "true"
    assert page.locator("#panel-song [aria-current]").count() == 1
    assert row.get_by_role("button", name="Pause " + title).count() == 1
    row.locator(".row-main").click()
    page.wait_for_function("() => audio.paused")
    assert row.get_by_role("button", name="Play " + title).count() == 1
    row.locator(".row-main").click()
    page.wait_for_function("() => !audio.paused")
    # The second button shows another row's song and its neighbours; what plays goes on.
    other = page.locator(".neighbours .song-row").nth(5)
    shown, name = row_index(other), other.locator(".row-title").inner_text()
    other.locator(".row-explore").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("title => document.querySelector('.panel-title').innerText === title", arg=name)
    assert page.evaluate("[explorer.state.selected, explorer.state.playing]") == [shown, index]
    assert not page.evaluate("audio.paused")
    # The keyboard's focus is at the new song.
    assert page.evaluate("document.activeElement.className") == "panel-title"


def test_a_row_under_the_pointer_or_with_the_focus_marks_its_point(page):
    open_song(page, 10)
    mark = page.locator("#pointed-mark")
    assert mark.is_hidden()
    for number, point_at in ((1, lambda row: row.hover()), (4, lambda row: row.locator(".row-main").hover())):
        row = page.locator(".neighbours .song-row").nth(number)
        point_at(row)
        page.wait_for_function("i => explorer.state.pointed === i", arg=row_index(row))
        box = mark.bounding_box()
        assert (box["x"], box["y"]) == pytest.approx(pixel_of(page, row_index(row)), abs=1)
    page.mouse.move(600, 300)
    page.wait_for_selector("#pointed-mark", state="hidden")
    # The keyboard does the same.
    page.locator(".neighbours .row-main").first.focus()
    for _ in ("why", "explore", "the next row"):
        page.keyboard.press("Tab")
    row = page.locator(".neighbours .song-row").nth(1)
    page.wait_for_function("i => explorer.state.pointed === i", arg=row_index(row))
    page.evaluate("document.activeElement.blur()")
    page.wait_for_selector("#pointed-mark", state="hidden")
    # The rows of the selection mark their points, too; a row that disappears leaves no mark.
    page.evaluate("explorer.update({ chosen: [3, 4] })")
    page.evaluate("explorer.panel.showTab('choice')")
    page.locator("#choice-list .song-row").first.hover()
    page.wait_for_function("() => explorer.state.pointed === 3")
    page.evaluate("explorer.panel.showTab('song')")
    page.wait_for_function("() => explorer.state.pointed !== 3")


def test_a_song_without_similar_songs_says_so(site, open_page):
    page = open_page(site[0])
    page.route("**/neighbours/**", lambda route: route.fulfill(json={"neighbours": []}))
    click_song(page, 10)
    page.wait_for_function(
        """() => document.getElementById('panel-song').innerText
            .includes('Nothing else here sounds much like it.')"""
    )
    assert page.locator("#panel-song .neighbours").count() == 0


@pytest.fixture(scope="module")
def foreign(tmp_path_factory, serve):
    """A served library with titles and artists that are written from right to left, or unknown."""
    folder = tmp_path_factory.mktemp("foreign")
    titles = dict.fromkeys(range(4), RIGHT_TO_LEFT)
    store_library(folder / "songs.db", folder / "music", per_genre=4, titles=titles, seconds=2.0)
    with Database.open(folder / "songs.db") as library, library.transaction():
        for song_id, artists in (("001.flac", [RIGHT_TO_LEFT]), ("002.flac", [])):
            library._rows(
                "UPDATE songs SET info = json_set(info, '$.artists', json(?)) WHERE id = ?",
                (json.dumps(artists), song_id),
            )
    with serve(folder / "songs.db") as address:
        yield address


def test_titles_from_right_to_left_keep_their_beginning(foreign, open_page):
    page = open_page(foreign)
    page.evaluate("explorer.actions.play(1)")
    page.wait_for_selector(".neighbours .song-row")
    page.wait_for_function("() => document.getElementById('now-title').dir === 'auto'")
    page.wait_for_function("() => !document.getElementById('now-title').innerText.includes('Click')")
    for selector in (
        ".panel-title",
        ".panel-by",
        "#now-title",
        ".neighbours [data-index='0'] .row-title",
        ".list-about em",
    ):
        assert page.evaluate(DIRECTION, selector) == "rtl", selector
    hover_song(page, 3)
    page.wait_for_selector("#tooltip:not([hidden])")
    assert page.evaluate(DIRECTION, ".tooltip-title") == "rtl"
    page.evaluate("dash_clientside.set_props('search', { searchValue: 'أنشودة' })")
    page.locator("#search").click()
    page.wait_for_selector(".suggestion-title")
    assert page.evaluate(DIRECTION, ".suggestion-title") == "rtl"
    page.evaluate("explorer.update({ chosen: [0] })")
    page.evaluate("explorer.panel.showTab('choice')")
    page.wait_for_function(
        "t => document.querySelector('#choice-list .row-title').textContent === t", arg=RIGHT_TO_LEFT
    )
    assert page.evaluate(DIRECTION, "#choice-list .row-title") == "rtl"
    choose_in_header(page, "Artist")
    page.wait_for_selector("#map-frame[data-drawn*=' artist ']")
    names = page.locator(".legend-name", has_text="أنشودة")
    assert names.first.evaluate("name => getComputedStyle(name).direction") == "rtl"
    labels = page.evaluate("[...document.querySelectorAll('#labels span')].map((label) => label.dir)")
    assert set(labels) == {"auto"}
    # Other titles begin at the left.
    page.evaluate("explorer.actions.play(5)")
    page.wait_for_function("() => document.querySelector('.panel-title').textContent.includes('piece 5')")
    assert page.evaluate(DIRECTION, ".panel-title") == "ltr"


def test_a_song_without_an_artist_has_an_unknown_artist_everywhere(foreign, open_page):
    page = open_page(foreign)
    hover_song(page, 2)
    page.wait_for_selector("#tooltip:not([hidden])")
    assert text(page, ".tooltip-by").startswith("Unknown artist")
    page.evaluate("explorer.actions.play(2)")
    page.wait_for_selector(".neighbours .song-row")
    assert text(page, ".panel-by") == "Unknown artist"
    page.wait_for_function("() => document.getElementById('now-by').innerText.startsWith('Unknown artist')")
    page.evaluate("explorer.actions.select(0)")
    page.wait_for_selector(".neighbours [data-index='2']")
    assert "Unknown artist" in text(page, ".neighbours [data-index='2'] .row-by")
    choose_in_header(page, "Artist")
    page.locator(".legend-name", has_text="Unknown artist").wait_for()
