"""Selecting songs with a lasso or a box, the list of selected songs, and its export, in Chromium."""

import csv
import io

from gestures import box_of, click_song, drag, pixels_of, text, wait_until_playing
from pixels import circle_at, distance, picture, rgb

RING_PX = 7


def select_box(page, indices):
    left, top, right, bottom = box_of(page, indices)
    page.locator("#tool-box").click()
    drag(page, (left, top), (right, bottom))
    page.wait_for_selector("#choice-list .song-row")


def selected(page):
    return page.evaluate("explorer.state.chosen")


def test_a_box_and_a_lasso_select_the_songs_inside(page):
    # A box; the map does not move, and nothing plays.
    viewport = page.evaluate("explorer.state.viewport")
    select_box(page, range(8, 16))
    assert sorted(selected(page)) == list(range(8, 16))
    assert page.evaluate("explorer.state.viewport") == viewport
    assert page.locator("#tab-choice").get_attribute("aria-selected") == "true"
    assert page.locator("#tab-choice-count").inner_text() == "8"
    page.wait_for_function(
        "() => [...document.querySelectorAll('#choice-list .row-title')].every((e) => e.textContent !== '…')"
    )
    assert "Waltz piece 9" in text(page, "#choice-list")
    # Each selected song has a ring, and no other song.
    text_colour = rgb(page.evaluate("getComputedStyle(document.body).getPropertyValue('--text')").strip())
    image = picture(page)
    for index, place in enumerate(pixels_of(page, range(24))):
        is_ring = distance(circle_at(image, place, RING_PX), text_colour) < 60
        assert is_ring.mean() > 0.7 if index in range(8, 16) else is_ring.mean() < 0.3, index
    assert page.evaluate("audio.paused")
    # A lasso selects other songs, and a box with Shift adds more.
    left, top, right, bottom = box_of(page, range(8))
    page.keyboard.press("l")
    drag(page, (left, top), (right, top), (right, bottom), (left, bottom), (left, top + 4))
    page.wait_for_function("() => explorer.state.chosen.length === 8")
    assert sorted(selected(page)) == list(range(8))
    left, top, right, bottom = box_of(page, range(16, 24))
    page.keyboard.press("b")
    page.keyboard.down("Shift")
    drag(page, (left, top), (right, bottom))
    page.keyboard.up("Shift")
    page.wait_for_function("() => explorer.state.chosen.length === 16")
    assert sorted(selected(page)) == [*range(8), *range(16, 24)]
    page.keyboard.press("Escape")
    assert len(selected(page)) == 16
    page.locator("#choice-clear").click()
    assert selected(page) == []
    page.wait_for_selector("#choice-empty")
    # Filtered-out songs are not selected.
    page.locator("#legend [data-group]").nth(0).click()
    page.wait_for_function("() => explorer.state.map.meta.lit === 8")
    select_box(page, range(24))
    assert sorted(selected(page)) == list(range(8))


def test_the_selection_plays_in_an_order_that_can_be_changed(page):
    select_box(page, range(8, 16))
    # It plays from the first song on.
    order = selected(page)
    page.locator("#choice-play").click()
    wait_until_playing(page, f"{order[0]:03d}.flac")
    page.locator("#next").click()
    wait_until_playing(page, f"{order[1]:03d}.flac")
    page.evaluate("audio.currentTime = audio.duration - 1")
    wait_until_playing(page, f"{order[2]:03d}.flac")
    page.keyboard.press("p")
    wait_until_playing(page, f"{order[1]:03d}.flac")
    page.wait_for_selector("#choice-list .song-row.playing")
    # Songs can be moved with buttons, with the keyboard and by dragging, and can be removed.
    first, second, third = order[:3]
    rows = page.locator("#choice-list .song-row")
    rows.nth(0).get_by_label("down").click()
    assert selected(page)[:3] == [second, first, third]
    # After the click the map has the focus; the keyboard's focus stays on the button of the row that moves.
    rows.nth(1).get_by_label("down").focus()
    page.keyboard.press("Enter")
    assert selected(page)[:3] == [second, third, first]
    rows.nth(2).drag_to(rows.nth(0))
    page.wait_for_function("first => explorer.state.chosen[0] === first", arg=first)
    assert selected(page)[:3] == [first, second, third]
    rows.nth(1).get_by_label("Remove").click()
    assert selected(page)[:2] == [first, third]
    assert len(selected(page)) == 7
    # Single songs can be added and removed in their panel.
    page.locator("#choice-clear").click()
    click_song(page, 4)
    page.wait_for_function("() => document.querySelector('.panel-title')?.textContent === 'Techno piece 4'")
    page.get_by_text("Add to selection").click()
    click_song(page, 20)
    page.wait_for_function("() => document.querySelector('.panel-title').textContent.startsWith('WWW')")
    page.get_by_text("Add to selection").click()
    assert selected(page) == [4, 20]
    page.get_by_text("Remove from selection").click()
    assert selected(page) == [4]


def test_the_selection_is_exported(site, page):
    music = site[1]
    select_box(page, range(8))
    order = selected(page)
    files = {}
    for form, paths in (("m3u8", "relative"), ("xspf", "absolute"), ("csv", "absolute")):
        page.locator("#export-form").select_option(form)
        page.locator("#export-paths").select_option(paths)
        with page.expect_download() as download:
            page.locator("#export-start").click()
        assert download.value.suggested_filename.endswith("." + form)
        files[form] = download.value.path().read_text("utf-8")
    lines = files["m3u8"].splitlines()
    assert lines[0] == "#EXTM3U"
    assert [line for line in lines if line and not line.startswith("#")] == [
        f"{index:03d}.flac" for index in order
    ]
    assert "#EXTINF:20,Artist 0 - <img src=x onerror=window.hacked=1>" in lines
    assert f"file://{music}" in files["xspf"]
    assert "&lt;img src=x" in files["xspf"]
    rows = list(csv.DictReader(io.StringIO(files["csv"])))
    assert [row["song_id"] for row in rows] == [f"{index:03d}.flac" for index in order]
    assert rows[order.index(3)]["title"] == "<img src=x onerror=window.hacked=1>"
    page.wait_for_function("() => document.getElementById('export-state').textContent.includes('was saved')")
