"""How far the map can be believed, and a new drawing of it: seen in Chromium."""

from gestures import choose, click_song, pixel_of, text, wait_until_playing

from explorer.library.database import Database


def test_a_selected_song_has_threads_to_those_that_sound_most_like_it(site, open_page):
    page = open_page(site[0])
    assert page.locator("#threads").get_attribute("data-count") in (None, "0")
    click_song(page, 10)
    page.wait_for_selector("#threads[data-count='10']")
    neighbours = page.evaluate("explorer.overlays.neighbours.map((one) => one.index)")
    assert set(range(8, 16)) - {10} == set(neighbours[:7])
    inked = """([x, y]) => {
        const scale = threads.width / threads.clientWidth;
        const at = threads.getContext("2d").getImageData(x * scale - 1, y * scale - 1, 3, 3).data;
        return Math.max(...at);
    }"""
    (x, y), (other_x, other_y) = pixel_of(page, 10), pixel_of(page, neighbours[-1])
    halfway = [(x + other_x) / 2, (y + other_y) / 2]
    assert page.evaluate(inked, halfway) > 100
    page.locator("#zoom-in").click()
    page.wait_for_timeout(500)
    (x, y), (other_x, other_y) = pixel_of(page, 10), pixel_of(page, neighbours[0])
    assert page.evaluate(inked, [(x + other_x) / 2, (y + other_y) / 2]) > 100


def test_a_clusters_anthem_plays_from_the_legend(site, open_page):
    page = open_page(site[0])
    page.locator("[data-anthem]").nth(1).click()
    wait_until_playing(page, "008.flac")
    assert page.locator("#mark").get_attribute("data-index") == "8"


def test_how_far_the_map_can_be_trusted_is_one_line_that_explains_itself(site, open_page):
    page = open_page(site[0])
    line = page.locator(".trust-line")
    assert line.inner_text() == (
        "0.970 trustworthiness · 0.950 continuity · 60% of neighbours kept · 90% genre purity (chance 30%)"
    )
    assert line.bounding_box()["height"] < 24
    line.focus()
    page.get_by_text("1 when songs that sound alike are also near each other").wait_for()


def test_points_that_lie_fade(open_page, serve, tmp_path, make_library):
    make_library(tmp_path / "songs.db", tmp_path / "music")
    with Database.open(tmp_path / "songs.db") as database:
        database._rows("UPDATE positions SET near = 1 WHERE song_id = '004.flac'")
    with serve(tmp_path / "songs.db") as url:
        page = open_page(url)
        shade = "i => explorer.map.meta.colours[explorer.map.plot._fullData[0].marker.color[i]]"
        before = [page.evaluate(shade, index) for index in (3, 4)]
        assert before[0] == before[1]
        page.locator("#fade").focus()
        page.keyboard.press("Space")
        page.wait_for_function("explorer.map.meta.colours.length > 21")
        after = [page.evaluate(shade, index) for index in (3, 4)]
        assert after[0] == before[0]
        assert after[1] != before[1]
        assert page.evaluate("explorer.map.colourOf(4)") == before[1]


def test_the_map_is_drawn_anew_while_music_plays_and_the_song_keeps_its_mark(
    open_page, serve, tmp_path, make_library
):
    make_library(tmp_path / "songs.db", tmp_path / "music", seconds=60.0)
    with serve(tmp_path / "songs.db") as url:
        page = open_page(url)
        click_song(page, 9)
        wait_until_playing(page, "009.flac")
        page.get_by_text("Add to selection").click()
        with Database.open(tmp_path / "songs.db") as database:
            database._rows("DELETE FROM songs WHERE id = '002.flac'")
        choose(page, "PCA")
        page.wait_for_selector("#map-frame[data-drawn='pca cluster dark']")
        page.locator("#redraw summary").click()
        assert page.locator("#perplexity").is_hidden()
        assert page.locator("#neighbours").is_hidden()
        page.locator("#redraw-start").click()
        page.wait_for_selector("#redraw[data-phase='done']", timeout=60_000)
        page.wait_for_function("explorer.map.meta.revision === 2")
        page.wait_for_selector("#mark[data-index='8']", state="attached")
        assert page.evaluate("explorer.player.index") == 8
        page.wait_for_function("JSON.stringify(explorer.choosing.songs) === '[8]'")
        assert not page.evaluate("audio.paused")
        assert text(page, ".redraw-text") == "The map is drawn anew."


def test_a_new_drawing_can_be_cancelled(open_page, serve, tmp_path, make_library):
    # So many that t-SNE takes a while.
    make_library(tmp_path / "songs.db", tmp_path / "music", per_genre=250)
    with serve(tmp_path / "songs.db") as url:
        page = open_page(url)
        page.locator("#redraw summary").click()
        page.locator("#redraw-start").click()
        page.wait_for_selector("#redraw[data-phase='running']")
        page.locator("#redraw-cancel").click()
        page.wait_for_selector("#redraw[data-phase='cancelled']")
        assert "as it was" in text(page, ".redraw-text")
        assert page.locator("#redraw-start").is_visible()
    with Database.open(tmp_path / "songs.db") as database:
        assert database.map_revision() == 1
