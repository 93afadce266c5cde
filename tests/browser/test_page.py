"""The basic use of the page in Chromium: clicks, keys, pan and zoom, window sizes, and errors."""

import re

import apsw
import pytest
from gestures import (
    choose_in_header,
    click_song,
    drag,
    hover_song,
    open_map_menu,
    pixel_of,
    pixels_of,
    text,
    visit,
    wait_for_map,
    wait_until_drawn,
    wait_until_playing,
    wait_until_still,
)

SIZES = [(1280, 800), (1920, 1080), (390, 844)]


def test_a_click_plays_a_song_and_its_mark_stays_on_it_in_every_view(page):
    assert page.locator("#mark").is_hidden()
    # The song under the pointer has a tooltip.
    hover_song(page, 12)
    page.wait_for_selector("#tooltip:not([hidden])")
    title, artist_and_genres, nearby = text(page, "#tooltip").splitlines()
    assert (title, artist_and_genres) == ("Waltz piece 12", "Artist 1 · Waltz")
    assert re.search(r"\b8 of .*\b10\b", nearby)
    page.mouse.move(640, 740)
    page.wait_for_selector("#tooltip", state="hidden")
    # A click plays it, a second click plays it from its start, and a click on another song plays that one.
    click_song(page, 10)
    wait_until_playing(page, "010.flac")
    assert text(page, "#now-title") == "Waltz piece 10"
    assert text(page, "#now-by") == "Artist 1 · Waltz"
    assert text(page, "#duration") == "0:20"
    assert page.evaluate("audio.duration") == pytest.approx(20.0, abs=0.1)
    page.evaluate("audio.currentTime = 12; starts = []")
    page.evaluate("audio.addEventListener('seeking', () => starts.push(audio.currentTime))")
    click_song(page, 10)
    page.wait_for_function("() => starts.at(-1) < 1 && audio.currentTime < 12 && !audio.paused")
    wait_until_playing(page, "010.flac")
    click_song(page, 2)
    wait_until_playing(page, "002.flac")
    page.wait_for_function("() => announcer.textContent.includes('Playing Techno piece 2 by Artist 0')")
    # Another projection, colouring or number of clusters draws the map again; the mark stays on its point.
    for projection in ("UMAP", "PCA"):
        before = pixel_of(page, 4)
        choose_in_header(page, projection)
        wait_until_drawn(page, f"{projection.lower()} cluster dark")
        assert pixel_of(page, 4) != pytest.approx(before, abs=5)
        expect_mark_on(page, 2)
    page.locator("#zoom-in").click()
    wait_until_still(page)
    expect_mark_on(page, 2)
    assert page.locator("#mark").get_attribute("data-state") == "playing"
    assert page.locator("#legend li").count() == 3
    open_map_menu(page)
    page.locator("#clusters").fill("5")
    page.wait_for_function("() => document.querySelectorAll('#legend li').length === 5")
    assert len(set(page.locator("#legend .legend-name").all_inner_texts())) == 5
    choose_in_header(page, "Genre")
    wait_until_drawn(page, "pca genre dark")
    assert "Genres" in text(page, "#legend")
    page.wait_for_selector("#clusters", state="hidden")
    choose_in_header(page, "Artist")
    wait_until_drawn(page, "pca artist dark")
    assert [line for line in text(page, "#legend").splitlines() if "Artist " in line] == [
        f"Artist {n}" for n in range(3)
    ]


def expect_mark_on(page, index):
    mark = page.locator("#mark").bounding_box()
    assert (mark["x"], mark["y"]) == pytest.approx(pixel_of(page, index), abs=1)


def test_the_bar_and_the_keys_pause_seek_and_mute(page):
    click_song(page, 1)
    wait_until_playing(page, "001.flac")
    # The buttons and sliders of the player.
    page.locator("#play").click()
    page.wait_for_function("() => audio.paused")
    page.wait_for_selector("#play[aria-label='Play (space)']")
    box = page.locator("#seek input").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)
    page.wait_for_function("() => Math.abs(audio.currentTime - 15) < 0.4")
    page.locator("#volume input").fill("40")
    assert page.evaluate("audio.volume") == pytest.approx(0.4)
    page.locator("#mute").click()
    assert page.evaluate("audio.muted")
    # The keys. In a text field they only type letters.
    page.locator("#mute").click()
    page.evaluate("document.activeElement.blur(); audio.currentTime = 0")
    page.keyboard.press("Space")
    page.wait_for_function("() => !audio.paused")
    page.keyboard.press("Space")
    page.wait_for_function("() => audio.paused")
    page.keyboard.press("Space")
    page.wait_for_function("() => !audio.paused")
    page.keyboard.press("m")
    assert page.evaluate("audio.muted")
    page.keyboard.press("m")
    page.keyboard.press("/")
    page.keyboard.type("m m")
    assert page.locator("#search").input_value() == "m m"
    assert not page.evaluate("audio.muted || audio.paused")
    page.keyboard.press("Escape")
    choose_in_header(page, "PCA")
    page.keyboard.press("Space")
    page.wait_for_function("() => audio.paused")


def test_the_seek_bar_works_without_a_waveform(site, open_page):
    page = open_page(site[0])
    page.route("**/waveform/**", lambda route: route.abort())
    visit(page, site[0])
    click_song(page, 1)
    wait_until_playing(page, "001.flac")
    page.keyboard.press("Space")
    page.wait_for_function("() => audio.paused")
    box = page.locator("#seek input").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)
    page.wait_for_function("() => Math.abs(audio.currentTime - 15) < 0.4")


def test_no_card_covers_a_point_at_any_size_in_either_theme(site, open_page):
    page = open_page(site[0])
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="dark")
        visit(page, site[0])
        # The page follows the system's theme.
        for theme in ("dark", "light"):
            page.emulate_media(color_scheme=theme)
            page.wait_for_selector(f"#map-frame[data-drawn$='{theme}']")
            assert page.locator("html").get_attribute("data-mantine-color-scheme") == theme
            click_song(page, 6)
            wait_until_playing(page, "006.flac")
            wait_until_still(page)
            expect_points_free_of_cards(page, width)


def expect_points_free_of_cards(page, width):
    selectors = (".header", ".player", ".zoom", ".legend", ".warning-chip")
    cards = [page.locator(selector).bounding_box() for selector in selectors]
    for index, (x, y) in enumerate(pixels_of(page, range(24))):
        assert 0 < x < width
        for card in filter(None, cards[: 2 if width == 390 else 5]):
            inside = card["x"] < x < card["x"] + card["width"] and card["y"] < y < card["y"] + card["height"]
            assert not inside, (index, card)
    for card in cards[:2]:
        assert card["x"] >= 0
        assert card["x"] + card["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


SONGS_IN_VIEW = """() => {
    const { left, right, top, bottom } = explorer.camera.freeArea();
    return Array.from({ length: explorer.state.map.count }, (_, i) => explorer.songs.placeOf(i))
        .map((place) => explorer.camera.toPixels(...place))
        .filter(({ x, y }) => x >= left && x <= right && y >= top && y <= bottom).length;
}"""


def test_the_songs_cannot_be_lost_from_view(page):
    for _ in range(30):
        page.keyboard.press("+")
    wait_until_still(page)
    assert page.evaluate(SONGS_IN_VIEW) > 0
    page.mouse.move(600, 330)
    for _ in range(30):
        page.mouse.wheel(0, -240)
    wait_until_still(page)
    assert page.evaluate(SONGS_IN_VIEW) > 0
    page.keyboard.press("0")
    wait_until_still(page)
    for _ in range(3):
        drag(page, (500, 300), (900, 650))
    page.wait_for_function("() => !explorer.camera.isMoving()")
    page.wait_for_function(SONGS_IN_VIEW)


def test_the_map_pans_zooms_and_shows_all_songs_again(page):
    before = pixel_of(page, 0)
    page.mouse.move(700, 650)
    page.mouse.down()
    page.mouse.move(800, 600, steps=5)
    page.mouse.up()
    wait_until_still(page)
    assert pixel_of(page, 0) == pytest.approx((before[0] + 100, before[1] - 50), abs=3)
    for _ in range(3):
        scale = page.evaluate("explorer.state.viewport.scale")
        page.mouse.wheel(0, -400)
        page.wait_for_function("scale => explorer.state.viewport.scale < scale", arg=scale)
    zoomed = "explorer.state.viewport.scale < explorer.camera.fittingViewport().scale * 0.9"
    assert page.evaluate(zoomed)
    choose_in_header(page, "Genre")
    wait_until_drawn(page, "tsne genre dark")
    assert page.evaluate(zoomed)
    page.locator("#zoom-fit").click()
    wait_until_still(page)
    assert pixel_of(page, 0) == pytest.approx(before, abs=2)
    page.set_viewport_size({"width": 900, "height": 700})
    page.wait_for_function("() => innerWidth === 900 && explorer.camera.frameSize().width === 900")
    wait_until_still(page)
    assert all(0 < x < 900 for x, _ in pixels_of(page, range(24)))


def test_the_keyboard_reaches_every_control_and_the_focus_is_visible(page):
    seen = set()
    for number in range(100):
        if number == 40:
            # What is in the menu of the map comes after its button.
            page.locator("#map-menu-toggle").focus()
            page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        found = page.evaluate(
            """() => {
              const element = document.activeElement;
              const style = getComputedStyle(element);
              const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
              const name = element.id || element.getAttribute("aria-label") || element.value;
              return [name, ring || element.matches("#search, #clusters")];
            }"""
        )
        seen.add(found[0])
        assert found[1] or found[0] in (None, ""), found
    assert {"search", "clusters", "theme-toggle", "zoom-in", "zoom-fit"} <= seen
    # The list of keys opens and closes.
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    page.wait_for_selector("#keys[open]")
    keys = text(page, "#keys")
    for action in ("play or pause", "search", "hover to hear", "repeat", "lasso"):
        assert action in keys
    page.keyboard.press("Escape")
    page.wait_for_selector("#keys", state="hidden")
    # Escape closes things; it does not deselect a song.
    click_song(page, 10)
    page.wait_for_selector("#neighbour-lines[data-count='7']")
    page.wait_for_function("() => location.search.includes('song')")
    page.keyboard.press("Escape")
    assert page.evaluate("explorer.state.selected") == 10
    assert page.locator("#neighbour-lines").get_attribute("data-count") == "7"


def test_theme_panel_and_hover_switch_are_remembered(site, open_page):
    page = open_page(site[0], theme="dark")
    # Choose the other theme, close the panel, turn on hover to hear.
    page.locator("#theme-toggle").click()
    page.wait_for_selector("#map-frame[data-drawn$='light']")
    assert page.locator("html").get_attribute("data-mantine-color-scheme") == "light"
    before = page.evaluate("explorer.camera.freeArea().right")
    page.locator("#panel-close").click()
    page.wait_for_selector("#panel", state="hidden")
    assert page.evaluate("explorer.camera.freeArea().right") > before + 200
    wait_until_still(page)
    click_song(page, 10)
    wait_until_playing(page, "010.flac")
    assert page.locator("#panel").is_hidden()
    page.keyboard.press("h")
    page.wait_for_function("() => explorer.hover.output()?.context.state === 'running'")
    # All three settings are kept after a reload. Sound starts only after a click or a key press.
    page.goto(site[0])
    wait_for_map(page, "light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(246, 245, 241)"
    assert page.locator("#panel").is_hidden()
    assert page.locator("#hear").get_attribute("aria-checked") == "true"
    hover_song(page, 4)
    page.wait_for_selector("#tooltip:not([hidden])")
    assert page.evaluate("explorer.hover.output()") is None
    click_song(page, 12)
    page.wait_for_function("() => explorer.hover.output()?.context.state === 'running'")
    hover_song(page, 4)
    page.wait_for_function("() => explorer.state.previewed === 4 && explorer.hover.level() > 0.02")
    page.locator("#panel-open").click()
    page.wait_for_selector("#panel")


def test_missing_or_unplayable_files_are_reported(site, page):
    _, music, _ = site
    whole = (music / "023.flac").read_bytes()
    (music / "022.flac").rename(music / "elsewhere")
    (music / "023.flac").write_bytes(b"no audio here" * 100)
    try:
        click_song(page, 22)
        page.wait_for_selector(".toast-error")
        assert "The file is missing: 022.flac" in text(page, "#toasts")
        assert page.locator("#player").get_attribute("data-state") == "error"
        # The notice may lie over this song's point.
        page.evaluate("explorer.actions.play(21)")
        wait_until_playing(page, "021.flac")
        assert page.locator(".toast").count() == 0
        click_song(page, 23)
        page.wait_for_selector(".toast-error")
        assert "023.flac" in text(page, "#toasts")
    finally:
        (music / "elsewhere").rename(music / "022.flac")
        (music / "023.flac").write_bytes(whole)


def test_the_page_of_a_busy_library_opens_when_it_is_free(site, open_page):
    url, _, database = site
    other = apsw.Connection(str(database))
    other.pragma("locking_mode", "exclusive")
    other.execute("BEGIN EXCLUSIVE; UPDATE state SET value = value")
    try:
        page = open_page(url, has_map=False)
        page.wait_for_selector("#notice")
        assert "The library is busy" in text(page, "#notice")
        other.execute("ROLLBACK")
    finally:
        other.close()
    page.wait_for_selector("#map-frame[data-drawn]")
    assert page.locator("#notice").count() == 0
