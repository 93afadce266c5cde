"""How reliable the map is, and drawing it again, in Chromium."""

import numpy as np
import pytest
from gestures import (
    box_of,
    choose_in_header,
    click_song,
    close_map_menu,
    open_map_menu,
    pixel_of,
    pixels_of,
    text,
    wait_until_drawn,
    wait_until_playing,
    wait_until_still,
)
from pixels import colour_at, distance, ground, group_colour, picture, rgb
from support import write_tone

from explorer.database.database import Database


def halfway(page, song, other):
    """Return the pixel in the middle between two songs."""
    (x, y), (other_x, other_y) = pixels_of(page, [song, other])
    return [(x + other_x) / 2, (y + other_y) / 2]


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_the_note_of_a_browser_without_webgl_covers_nothing(site, open_page, width, height):
    page = open_page(site[0], width=width, height=height)
    page.evaluate(
        "() => document.getElementById('points').getContext('webgl2')"
        ".getExtension('WEBGL_lose_context').loseContext()"
    )
    page.wait_for_selector(".map-note")
    page.evaluate("explorer.camera.showAll()")
    wait_until_still(page)
    note = page.locator(".map-note").bounding_box()
    for selector in (".trust", ".player", ".tool-group >> nth=-1", ".side"):
        if other := page.locator(selector).bounding_box():
            is_beside = note["x"] + note["width"] <= other["x"] or other["x"] + other["width"] <= note["x"]
            is_apart = note["y"] + note["height"] <= other["y"] or other["y"] + other["height"] <= note["y"]
            assert is_beside or is_apart, selector
    assert all(y < note["y"] for _, y in pixels_of(page, range(24)))


def test_the_map_shows_how_reliable_it_is(page):
    # The glow is strong where there are many points. Points cover less than half of the pixels there.
    left, top, right, bottom = np.round(box_of(page, range(8), margin=0)).astype(int)
    image = picture(page)
    among_points = np.median(image[top:bottom, left:right].reshape(-1, 3), axis=0)
    assert distance(among_points, ground(page)) > 8
    free = page.evaluate("explorer.camera.freeArea()")
    corner = image[int(free["top"]) :, int(free["left"]) :][:40, :40].reshape(-1, 3)
    assert distance(np.median(corner, axis=0), ground(page)) < 3
    # Lines connect a selected song with its neighbours.
    assert page.locator("#neighbour-lines").get_attribute("data-count") in (None, "0")
    click_song(page, 10)
    page.wait_for_selector("#neighbour-lines[data-count='7']")
    neighbours = page.evaluate("explorer.state.lineEnds.map(({ index }) => index)")
    assert set(range(8, 16)) - {10} == set(neighbours)
    line_opacity = """([x, y]) => {
        const canvas = document.getElementById("neighbour-lines");
        const scale = canvas.width / canvas.clientWidth;
        const bytes = canvas.getContext("2d").getImageData(x * scale - 1, y * scale - 1, 3, 3).data;
        return Math.max(...bytes);
    }"""
    assert page.evaluate(line_opacity, halfway(page, 10, neighbours[-1])) > 100
    page.locator("#zoom-in").click()
    wait_until_still(page)
    assert page.evaluate(line_opacity, halfway(page, 10, neighbours[0])) > 100
    # The legend plays a cluster's representative.
    page.locator("[data-representative]").nth(1).click()
    wait_until_playing(page, "008.flac")
    assert page.locator("#mark").get_attribute("data-index") == "8"
    # The map's quality is one line of text.
    line = page.locator(".trust-line")
    assert line.inner_text() == "Of each song's 10 closest matches, 6 are drawn nearby"
    assert line.bounding_box()["height"] < 32
    # The figures behind it are one key press away.
    line.focus()
    page.keyboard.press("Enter")
    figures = text(page, "#trust-card")
    assert all(figure in figures for figure in ("60%", "0.970", "0.950", "90%", "30%"))
    assert "1 when songs that sound alike are also near each other" in figures
    page.keyboard.press("Escape")
    assert page.locator("#trust-card").is_hidden()
    # A song's point is faded if few of its nearest neighbours by sound are near it on the map.
    page.evaluate("explorer.actions.select(null); explorer.camera.showAll()")
    wait_until_still(page)
    image, places = picture(page), pixels_of(page, [3, 4])
    normal = [colour_at(image, place) for place in places]
    assert distance(*normal) < 12
    open_map_menu(page)
    page.locator("#fade").focus()
    page.keyboard.press("Space")
    page.wait_for_function("() => explorer.state.map.flags[4] !== explorer.state.map.flags[3]")
    close_map_menu(page)
    wait_until_still(page)
    image = picture(page)
    assert distance(colour_at(image, places[0]), normal[0]) < 12
    faded = distance(colour_at(image, places[1]), ground(page))
    assert faded < 0.6 * distance(normal[1], ground(page))
    assert rgb(page.evaluate("explorer.songs.colourOf(4)")) == pytest.approx(group_colour(page, 4))


def test_zooming_in_shows_more_labels(site, open_page):
    page = open_page(site[0])
    # A group with a second, smaller dense area has a second label only when the map is zoomed in.
    page.evaluate(
        """() => {
            const { map } = explorer.state;
            const [first] = map.meta.names;
            const other = { ...first, name: "elsewhere", rank: 1, top: first.top + 0.05 };
            const meta = { ...map.meta, names: [...map.meta.names, other] };
            explorer.update({ map: { ...map, meta } });
        }"""
    )
    wait_until_still(page)
    assert page.locator(".labels span").count() == 4
    assert page.locator(".labels span.shown").count() == 3
    page.mouse.move(*pixel_of(page, 0))
    for _ in range(2):
        scale = page.evaluate("explorer.state.viewport.scale")
        page.mouse.wheel(0, -200)
        page.wait_for_function("scale => explorer.state.viewport.scale < scale", arg=scale)
    page.wait_for_function(
        """() => [...document.querySelectorAll(".labels span.shown")].some(
            (label) => label.textContent === "elsewhere")"""
    )


def test_the_map_is_drawn_again_while_music_plays_and_the_song_keeps_its_mark(
    open_page, serve, tmp_path, make_library
):
    # There are so many songs that t-SNE takes a while. Song 009 is long and repeats, so that it still plays
    # at the end of the test.
    make_library(tmp_path / "songs.db", tmp_path / "music", per_genre=250)
    write_tone(tmp_path / "music" / "009.flac", seconds=120.0)
    with serve(tmp_path / "songs.db") as url:
        page = open_page(url)
        open_map_menu(page)
        page.locator("#redraw summary").click()
        # A new drawing can be cancelled; then the map does not change.
        page.locator("#redraw-start").click()
        page.wait_for_selector("#redraw[data-phase='running']")
        page.locator("#redraw-cancel").click()
        page.wait_for_selector("#redraw[data-phase='cancelled']")
        assert "Cancelled" in text(page, ".redraw-text")
        assert page.locator("#redraw-start").is_visible()
        with Database.open(tmp_path / "songs.db") as database:
            assert database.map_revision() == 1
            database._rows("DELETE FROM songs WHERE id = '002.flac'")
        # The map is drawn again while a song plays; songs after the deleted one get other indices.
        page.evaluate("explorer.queue.setRepeat('one'); explorer.actions.play(9)")
        wait_until_playing(page, "009.flac")
        close_map_menu(page)
        page.get_by_text("Add to selection").click()
        choose_in_header(page, "PCA")
        wait_until_drawn(page, "pca cluster dark")
        open_map_menu(page)
        assert page.locator("#perplexity").is_hidden()
        assert page.locator("#neighbours").is_hidden()
        page.locator("#redraw-start").click()
        page.wait_for_selector("#redraw[data-phase='done']")
        # A map that lost a song has another number than the one that was shown, and so has the next one.
        page.wait_for_function("() => explorer.state.map.meta.revision % 2 ** 32 === 2")
        page.wait_for_selector("#mark[data-index='8']", state="attached")
        page.wait_for_function("() => explorer.state.playing === 8")
        page.wait_for_function("() => explorer.state.chosen.join() === '8'")
        assert not page.evaluate("audio.paused")
        assert "map" in text(page, ".redraw-text")
