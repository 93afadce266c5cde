"""Selecting songs with a lasso or a box, the list of selected songs, and its export, in Chromium."""

import csv
import io

import numpy as np
from gestures import (
    box_of,
    click_song,
    drag,
    pixels_of,
    text,
    wait_for_map,
    wait_until_playing,
    wait_until_still,
)
from pixels import circle_at, distance, picture, rgb
from support import store_library, three_islands, write_song

from explorer.database.database import Database
from explorer.library.music_file import Tags

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
    page.evaluate("explorer.queue.setRepeat('on')")
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


def toast(page, text):
    """Wait for the notice about the selection that contains a text, and return it."""
    return page.locator(".toast", has_text=text)


def wait_until_kept(page, count):
    """Wait until the browser has stored a selection of so many songs."""
    page.wait_for_function(
        """count => Object.entries(localStorage).some(
            ([key, value]) => key.startsWith("selection ") && JSON.parse(value).songs.length === count)""",
        arg=count,
    )


def test_clearing_and_a_second_box_can_be_undone(page):
    select_box(page, range(8))
    order = selected(page)
    page.locator("#choice-clear").click()
    assert selected(page) == []
    toast(page, "cleared").get_by_text("Undo").click()
    assert selected(page) == order
    # A second box without Shift.
    select_box(page, range(8, 16))
    assert sorted(selected(page)) == list(range(8, 16))
    toast(page, "8 songs selected instead of 8").wait_for()
    page.keyboard.press("Control+z")
    assert selected(page) == order
    page.keyboard.press("Control+Shift+Z")
    assert sorted(selected(page)) == list(range(8, 16))
    page.locator("#choice-undo").click()
    assert selected(page) == order
    page.keyboard.press("Control+y")
    assert sorted(selected(page)) == list(range(8, 16))
    # A box around nothing changes nothing.
    page.locator("#tool-box").click()
    left, top, _, _ = box_of(page, range(24))
    drag(page, (left - 12, top - 12), (left - 4, top - 4))
    assert sorted(selected(page)) == list(range(8, 16))
    # A text field undoes its own changes; while it shows the selection's name, it has none.
    page.locator("#choice-name").click()
    page.keyboard.type("Later")
    page.keyboard.press("Control+z")
    assert sorted(selected(page)) == list(range(8, 16))
    page.keyboard.press("Escape")
    page.locator("#choice-name").click()
    page.keyboard.press("Control+z")
    assert selected(page) == order


def test_clearing_by_keyboard_can_be_undone_by_keyboard(page):
    select_box(page, range(8))
    order = selected(page)
    page.locator("#choice-clear").focus()
    page.keyboard.press("Enter")
    assert selected(page) == []
    assert page.evaluate("document.activeElement.id") == "choice-undo"
    page.keyboard.press("Control+z")
    assert selected(page) == order
    # After a reload too.
    page.locator("#choice-clear").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => !Object.keys(localStorage).some((key) => key.startsWith('selection '))")
    page.reload()
    wait_for_map(page)
    page.wait_for_function("() => explorer.state.selectionUndo")
    page.keyboard.press("Control+z")
    page.wait_for_function("count => explorer.state.chosen.length === count", arg=len(order))
    assert selected(page) == order


def test_a_name_keeps_the_focus_and_is_not_lost(page):
    select_box(page, range(8))
    page.locator("#choice-name").fill("For Friday")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "choice-name"
    page.keyboard.press("Control+a")
    page.keyboard.type("Not confirmed")
    page.reload()
    wait_for_map(page)
    page.wait_for_function("() => explorer.state.chosen.length === 8")
    assert page.locator("#choice-name").input_value() == "Not confirmed"


def test_the_ends_of_the_list_cannot_be_moved_further_and_the_tab_says_how_many_songs(page):
    select_box(page, range(8))
    order = selected(page)
    rows = page.locator("#choice-list .song-row")
    disabled = "buttons => buttons.map((button) => button.disabled)"
    ups = page.locator("#choice-list .row-tool:nth-child(2)").evaluate_all(disabled)
    downs = page.locator("#choice-list .row-tool:nth-child(3)").evaluate_all(disabled)
    assert (ups, downs) == ([True, *[False] * 7], [*[False] * 7, True])
    rows.nth(1).locator(".row-tool").nth(1).focus()
    page.keyboard.press("Enter")
    assert selected(page)[:2] == [order[1], order[0]]
    # The button that was pressed is disabled now.
    assert rows.nth(0).locator(".row-tool").nth(2).evaluate("button => button === document.activeElement")
    assert page.get_by_role("tab", name="Selection, 8 songs", exact=True).count() == 1


def test_a_removed_song_comes_back_by_its_notice_and_the_focus_stays_in_the_list(page):
    select_box(page, range(8))
    order = selected(page)
    page.wait_for_function(
        "() => !document.querySelector('#choice-list .row-title').textContent.includes('…')"
    )
    title = text(page, "#choice-list .row-title >> nth=0")
    page.locator("#choice-list .song-row").nth(0).get_by_label("Remove").focus()
    page.keyboard.press("Enter")
    assert selected(page) == order[1:]
    assert page.evaluate("document.activeElement.closest('.song-row').dataset.index") == str(order[1])
    # Screen readers hear it: the notices are a live region.
    notice = toast(page, f"“{title}” was removed: 7 songs selected.")
    assert notice.locator("xpath=ancestor::*[@role='status']").count() == 1
    notice.get_by_text("Undo").click()
    assert selected(page) == order


def test_a_selection_is_there_again_after_a_reload(site, open_page):
    page = open_page(site[0])
    select_box(page, range(8))
    order = selected(page)
    page.locator("#choice-name").fill("For Friday")
    page.keyboard.press("Enter")
    wait_until_kept(page, 8)
    page.reload()
    wait_for_map(page)
    page.wait_for_function("() => explorer.state.chosen.length === 8")
    assert selected(page) == order
    page.locator("#tab-choice").click()
    assert page.locator("#choice-name").input_value() == "For Friday"


def test_all_songs_are_found_again_on_a_map_with_unknown_numbers(tmp_path, serve, open_page):
    path, folder = tmp_path / "songs.db", tmp_path / "music"
    store_library(path, folder, seconds=0.05)
    with serve(path) as url:
        page = open_page(url)
        # More songs than the list shows without scrolling.
        select_box(page, range(24))
        order = selected(page)
        wait_until_kept(page, 24)
        # Nobody knows which numbers the songs have on the next map, as after a restart of the server.
        page.route("**/since/*", lambda route: route.fulfill(status=409, body="The map has changed."))
        with Database.open(path) as library:
            root = library.add_root(folder)
            song = write_song(folder, 24, Tags("A new piece"), seconds=0.05)
            library.store_song(root, song, library.vector("000.flac"))
            song_ids, _ = library.vectors()
            song_ids.remove("010.flac")
            library.store_map(three_islands(song_ids, len(song_ids) // 3, np.random.default_rng(1)))
        page.evaluate("() => void import('/assets/core/updates.js').then(({ check }) => check())")
        page.locator("#updates-show").click()
        page.wait_for_function("() => explorer.state.map.meta.revision === 2")
        page.wait_for_function("() => explorer.state.chosen.length === 23")
        assert selected(page) == [index - (index > 10) for index in order if index != 10]
        assert text(page, "#choice-away") == "Not listed: 1 song is not on the map yet."
        page.wait_for_selector("#updates", state="hidden")
        # Nothing was lost: the next map has the song again.
        page.unroute("**/since/*")
        with Database.open(path) as library:
            song_ids, _ = library.vectors()
            library.store_map(three_islands(song_ids[:24], 8, np.random.default_rng(1)))
        page.evaluate("() => void import('/assets/core/updates.js').then(({ check }) => check())")
        page.wait_for_selector("#updates:not([hidden])")
        page.locator("#updates-show").click()
        page.wait_for_function("() => explorer.state.chosen.length === 24")
        assert selected(page) == order


def test_selections_are_renamed_opened_and_deleted(page):
    select_box(page, range(8))
    first = selected(page)
    page.locator("#choice-name").fill("For Friday")
    page.keyboard.press("Enter")
    page.locator("#choice-all").click()
    page.locator("#choice-new").click()
    assert selected(page) == []
    page.keyboard.type("Later")
    page.keyboard.press("Enter")
    select_box(page, range(8, 16))
    page.locator("#choice-all").click()
    menu = page.locator("#choice-menu")
    menu.get_by_text("For Friday").click()
    assert selected(page) == first
    assert menu.is_hidden()
    page.locator("#choice-all").click()
    menu.get_by_label("Delete “Later”").click()
    assert menu.get_by_text("Later").count() == 0
    toast(page, "“Later” was deleted: 8 songs.").get_by_text("Undo").click()
    menu.get_by_text("Later").click()
    assert sorted(selected(page)) == list(range(8, 16))


def test_hidden_songs_come_back_into_the_selection(page):
    select_box(page, range(8))
    order = selected(page)
    hide = """hidden => {
        const { map } = explorer.state;
        const flags = map.flags.map((flag, i) => (hidden.includes(i) ? flag | 2 : flag & ~2));
        explorer.update({ map: { ...map, flags } });
    }"""
    page.evaluate(hide, order[:2])
    assert selected(page) == order[2:]
    assert text(page, "#choice-away") == "Not listed: 2 songs are hidden on the map."
    page.evaluate(hide, [])
    assert selected(page) == order
    assert page.locator("#choice-away").text_content() == ""


def test_a_row_plays_in_the_list_and_another_button_shows_its_song_on_the_map(page):
    select_box(page, range(8, 16))
    order = selected(page)
    viewport = page.evaluate("explorer.state.viewport")
    page.locator("#choice-list .row-names").nth(3).click()
    wait_until_playing(page, f"{order[3]:03d}.flac")
    # The panel stays, and so does the map; the list goes on from here.
    assert page.evaluate("explorer.state.viewport") == viewport
    assert page.evaluate("[explorer.state.chosenPosition, explorer.state.selected]") == [3, None]
    assert page.locator("#tab-choice").get_attribute("aria-selected") == "true"
    row = page.locator("#choice-list .song-row").nth(3)
    assert row.get_attribute("aria-current") == "true"
    assert page.locator("#choice-list [aria-current]").count() == 1
    page.evaluate("explorer.queue.setRepeat('on')")
    page.evaluate("audio.currentTime = audio.duration - 1")
    wait_until_playing(page, f"{order[4]:03d}.flac")
    # The row under the pointer has a mark on the map.
    page.locator("#choice-list .row-names").nth(0).hover()
    assert page.evaluate("explorer.state.pointed") == order[0]
    page.mouse.move(300, 300)
    assert page.evaluate("explorer.state.pointed") is None
    page.locator("#choice-list .song-row").nth(0).get_by_label("on the map").click()
    wait_until_still(page)
    assert page.evaluate("explorer.camera.zoomNow()") > 2
    assert page.evaluate("explorer.state.playing") == order[4]
