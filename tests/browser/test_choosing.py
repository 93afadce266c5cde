"""Choosing songs by lasso and box, the list of them, and its export, in Chromium."""

import csv
import io

from gestures import click_song, drag, pixel_of, text, wait_until_playing


def around(page, indices, margin=14):
    places = [pixel_of(page, index) for index in indices]
    xs, ys = [x for x, _ in places], [y for _, y in places]
    return min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + margin


def box_around(page, indices):
    left, top, right, bottom = around(page, indices)
    page.locator("#tool-box").click()
    drag(page, (left, top), (right, bottom))
    page.wait_for_selector("#choice-list .song-row")


def test_a_box_chooses_the_songs_in_it(site, open_page):
    page = open_page(site[0])
    view = page.evaluate("({ ...explorer.map.view })")
    box_around(page, range(8, 16))
    assert sorted(page.evaluate("explorer.choosing.songs")) == list(range(8, 16))
    assert page.evaluate("({ ...explorer.map.view })") == view
    assert page.locator("#tab-choice").get_attribute("aria-selected") == "true"
    assert page.locator("#tab-choice-count").inner_text() == "8"
    page.wait_for_function(
        "[...document.querySelectorAll('#choice-list .row-title')].every((e) => e.textContent !== '…')"
    )
    assert "Waltz piece 9" in text(page, "#choice-list")
    assert page.locator("#rope").get_attribute("data-count") == "8"
    assert page.evaluate("audio.currentSrc") == ""


def test_a_lasso_chooses_what_it_encloses_and_shift_adds(site, open_page):
    page = open_page(site[0])
    left, top, right, bottom = around(page, range(8))
    page.keyboard.press("l")
    drag(page, (left, top), (right, top), (right, bottom), (left, bottom), (left, top + 4))
    page.wait_for_function("explorer.choosing.songs.length === 8")
    assert sorted(page.evaluate("explorer.choosing.songs")) == list(range(8))
    left, top, right, bottom = around(page, range(16, 24))
    page.keyboard.press("b")
    page.keyboard.down("Shift")
    drag(page, (left, top), (right, bottom))
    page.keyboard.up("Shift")
    page.wait_for_function("explorer.choosing.songs.length === 16")
    page.keyboard.press("Escape")
    assert page.evaluate("explorer.choosing.songs") == []
    page.wait_for_selector("#choice-empty")


def test_the_selection_plays_in_its_order(site, open_page):
    page = open_page(site[0])
    box_around(page, range(8, 16))
    order = page.evaluate("explorer.choosing.songs")
    page.locator("#choice-play").click()
    wait_until_playing(page, f"{order[0]:03d}.flac")
    page.locator("#next").click()
    wait_until_playing(page, f"{order[1]:03d}.flac")
    page.evaluate("audio.currentTime = audio.duration - 2")
    wait_until_playing(page, f"{order[2]:03d}.flac")
    page.keyboard.press("p")
    wait_until_playing(page, f"{order[1]:03d}.flac")
    page.wait_for_selector("#choice-list .song-row.playing")


def test_the_selection_can_be_reordered_by_mouse_and_keyboard(site, open_page):
    page = open_page(site[0])
    box_around(page, range(8, 16))
    first, second, third = page.evaluate("explorer.choosing.songs.slice(0, 3)")
    page.locator("#choice-list .song-row").nth(0).get_by_label("down").click()
    assert page.evaluate("explorer.choosing.songs.slice(0, 3)") == [second, first, third]
    page.keyboard.press("Enter")
    assert page.evaluate("explorer.choosing.songs.slice(0, 3)") == [second, third, first]
    rows = page.locator("#choice-list .song-row")
    rows.nth(2).drag_to(rows.nth(0))
    assert page.evaluate("explorer.choosing.songs.slice(0, 3)") == [first, second, third]
    page.locator("#choice-list .song-row").nth(1).get_by_label("Remove").click()
    assert page.evaluate("explorer.choosing.songs.slice(0, 2)") == [first, third]
    assert page.evaluate("explorer.choosing.songs.length") == 7


def test_single_songs_join_from_their_panel(site, open_page):
    page = open_page(site[0])
    click_song(page, 4)
    page.get_by_text("Add to selection").click()
    click_song(page, 20)
    page.wait_for_function("explorer.panel.index === 20")
    page.wait_for_function("document.querySelector('.panel-title').textContent.startsWith('WWW')")
    page.get_by_text("Add to selection").click()
    assert page.evaluate("explorer.choosing.songs") == [4, 20]
    page.get_by_text("Remove from selection").click()
    assert page.evaluate("explorer.choosing.songs") == [4]


def test_the_selection_is_exported(site, open_page):
    page = open_page(site[0])
    music = site[1]
    box_around(page, range(8))
    order = page.evaluate("explorer.choosing.songs")
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
    page.wait_for_function("document.getElementById('export-state').textContent.includes('is saved')")


def test_songs_that_are_filtered_out_are_not_chosen(site, open_page):
    page = open_page(site[0])
    page.locator("#legend [data-group]").nth(0).click()
    page.wait_for_function("explorer.map.meta.lit === 8")
    box_around(page, range(24))
    assert sorted(page.evaluate("explorer.choosing.songs")) == list(range(8))
