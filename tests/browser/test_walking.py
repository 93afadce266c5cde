"""The panel and the ways from song to song, in Chromium."""

from io import BytesIO

import mutagen
import pytest
from gestures import click_song, pixel_of, text, wait_until_playing
from mutagen.flac import Picture

# The smallest PNG: one red pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
    "53de0000000c4944415408d763f8cfc000000301010018dd8db00000000049454e44ae426082"
)


def test_a_selected_song_has_a_panel_with_the_ten_that_sound_most_like_it(site, open_page):
    page = open_page(site[0])
    assert "Nothing is selected" in text(page, "#panel-song")
    click_song(page, 10)
    wait_until_playing(page, "010.flac")
    page.wait_for_selector("#panel-song .song-row")
    panel = text(page, "#panel-song")
    for part in ("Waltz piece 10", "Artist 1", "Album", "Waltz", "0:20", "Sounds like"):
        assert part in panel
    rows = page.locator("#panel-song .song-row")
    assert rows.count() == 10
    values = [float(value) for value in page.locator(".row-value").all_inner_texts()]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.8
    neighbours = page.evaluate("explorer.overlays.neighbours.map((one) => one.index)")
    assert [int(row.get_attribute("data-index")) for row in rows.all()] == neighbours


def test_a_neighbour_plays_from_its_row_and_its_name_goes_to_it(site, open_page):
    page = open_page(site[0])
    click_song(page, 10)
    row = page.locator("#panel-song .song-row").nth(3)
    row.wait_for()
    index = int(row.get_attribute("data-index"))
    row.locator(".row-play").click()
    wait_until_playing(page, f"{index:03d}.flac")
    assert text(page, "#panel-song .panel-title") == "Waltz piece 10"
    assert "playing" in row.get_attribute("class")
    assert page.locator("#mark").get_attribute("data-index") == str(index)
    row.locator(".row-play").click()
    page.wait_for_function("audio.paused")
    title = row.locator(".row-title").inner_text()
    row.locator(".row-names").click()
    page.wait_for_function("t => document.querySelector('.panel-title').textContent === t", arg=title)


def test_cover_art_is_shown_where_the_file_has_some(open_page, serve, tmp_path, make_library):
    make_library(tmp_path / "songs.db", tmp_path / "music")
    file = mutagen.File(tmp_path / "music" / "004.flac")
    picture = Picture()
    picture.data, picture.mime, picture.type = PNG, "image/png", 3
    file.add_picture(picture)
    file.save()
    with serve(tmp_path / "songs.db") as url:
        page = open_page(url)
        click_song(page, 4)
        page.wait_for_selector(".cover img")
        assert page.evaluate("document.querySelector('.cover img').naturalWidth") == 1
        click_song(page, 5)
        page.wait_for_function("document.querySelector('.panel-title').textContent.includes('piece 5')")
        assert page.locator(".cover img").count() == 0
    assert BytesIO(PNG).read(4) == b"\x89PNG"


@pytest.mark.parametrize("key", ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"])
def test_arrow_keys_go_to_the_nearest_song_in_that_direction(site, open_page, key):
    page = open_page(site[0])
    places = [pixel_of(page, index) for index in range(24)]
    sign = -1 if key in ("ArrowLeft", "ArrowUp") else 1
    axis = 0 if key in ("ArrowLeft", "ArrowRight") else 1
    # From the song furthest the other way there is always one to go to.
    start = min(range(24), key=lambda i: sign * places[i][axis])
    click_song(page, start)
    wait_until_playing(page, f"{start:03d}.flac")
    page.keyboard.press(key)
    page.wait_for_function("i => explorer.player.index !== i", arg=start)
    arrived = page.evaluate("explorer.player.index")
    assert sign * (places[arrived][axis] - places[start][axis]) > 0
    wait_until_playing(page, f"{arrived:03d}.flac")
    title = page.evaluate("async i => (await explorer.songs.get(i)).title", arrived)
    page.wait_for_function("t => announcer.textContent.startsWith('Playing ' + t)", arg=title)
    assert page.locator("#announcer").get_attribute("aria-live") == "polite"


def test_at_the_edge_an_arrow_says_that_there_is_nothing_further(site, open_page):
    page = open_page(site[0])
    places = [pixel_of(page, index) for index in range(24)]
    last = max(range(24), key=lambda i: places[i][0])
    click_song(page, last)
    wait_until_playing(page, f"{last:03d}.flac")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("announcer.textContent.includes('no song further')")


def test_n_and_p_go_through_the_true_neighbours(site, open_page):
    page = open_page(site[0])
    click_song(page, 10)
    page.wait_for_function("explorer.walk.list.length === 11")
    order = page.evaluate("explorer.walk.list")
    for key, step in (("n", 1), ("n", 2), ("p", 1), ("p", 0), ("p", 10)):
        page.keyboard.press(key)
        wait_until_playing(page, f"{order[step]:03d}.flac", beyond=0.05)
    assert page.evaluate("explorer.walk.anchor") == 10
    page.wait_for_function("announcer.textContent.startsWith('Playing ')")


def test_arrows_begin_in_the_middle_of_the_map(site, open_page):
    page = open_page(site[0])
    page.keyboard.press("ArrowUp")
    page.wait_for_function("!audio.paused && audio.currentTime > 0.2")


def test_question_mark_shows_the_keys_and_escape_shuts_them(site, open_page):
    page = open_page(site[0])
    page.keyboard.press("?")
    page.wait_for_selector("#keys[open]")
    keys = text(page, "#keys")
    for said in ("play or pause", "search", "hover to hear", "repeat", "lasso"):
        assert said in keys
    page.keyboard.press("Escape")
    page.wait_for_selector("#keys", state="hidden")


def test_escape_lets_go_of_the_song(site, open_page):
    page = open_page(site[0])
    click_song(page, 10)
    page.wait_for_selector("#threads[data-count='10']")
    page.keyboard.press("Escape")
    page.wait_for_selector("#threads[data-count='0']")
    assert "Nothing is selected" in text(page, "#panel-song")
    page.wait_for_function("!location.search.includes('song')")


def test_the_panel_can_be_shut_and_stays_so(site, open_page):
    page = open_page(site[0])
    before = page.evaluate("explorer.map.freeArea().right")
    page.locator("#panel-close").click()
    page.wait_for_selector("#panel", state="hidden")
    assert page.evaluate("explorer.map.freeArea().right") > before + 200
    page.wait_for_timeout(500)
    click_song(page, 10)
    wait_until_playing(page, "010.flac")
    assert page.locator("#panel").is_hidden()
    page.reload()
    page.wait_for_selector("#map-frame[data-drawn]")
    assert page.locator("#panel").is_hidden()
    page.locator("#panel-open").click()
    page.wait_for_selector("#panel")


def test_a_phone_has_a_sheet_that_is_pulled_down(site, open_page):
    page = open_page(site[0], width=390, height=844, touch=True)
    assert page.locator("#panel").is_hidden()
    x, y = pixel_of(page, 14)
    page.touchscreen.tap(x, y)
    wait_until_playing(page, "014.flac")
    page.wait_for_selector("#panel .song-row")
    sheet = page.locator("#panel").bounding_box()
    assert sheet["y"] > 300
    page.wait_for_function("s => explorer.map.freeArea().bottom < s", arg=sheet["y"])
    page.wait_for_timeout(500)
    assert all(pixel_of(page, index)[1] < sheet["y"] for index in range(24))
    page.locator("#panel-song .row-play").nth(2).tap()
    page.wait_for_function("!audio.currentSrc.endsWith('014.flac') && audio.currentTime > 0.2")
    page.mouse.move(195, sheet["y"] + 14)
    page.mouse.down()
    page.mouse.move(195, sheet["y"] + 90, steps=4)
    page.mouse.up()
    page.wait_for_selector("#panel", state="hidden")


def test_two_fingers_zoom_the_map(site, open_page):
    page = open_page(site[0], width=390, height=844, touch=True)
    before = page.evaluate("explorer.map.view.scale")
    fingers = """(gap) => {
        const { frame } = explorer.map;
        const say = (kind, id, x) => frame.dispatchEvent(new PointerEvent(kind, {
            pointerId: id, pointerType: "touch", clientX: x, clientY: 400, bubbles: true,
        }));
        say("pointerdown", 11, 195 - 40);
        say("pointerdown", 12, 195 + 40);
        for (let wide = 40; wide <= gap; wide += 10) {
            say("pointermove", 11, 195 - wide);
            say("pointermove", 12, 195 + wide);
        }
        say("pointerup", 11, 195 - gap);
        say("pointerup", 12, 195 + gap);
    }"""
    page.evaluate(fingers, 120)
    page.wait_for_function("before => explorer.map.view.scale < before / 2.2", arg=before)
    assert page.evaluate("audio.currentSrc") == ""
