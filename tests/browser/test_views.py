"""The animation between projections, the original view, and the page's address, in Chromium."""

import pytest
from gestures import (
    choose_in_header,
    click_song,
    pixel_of,
    pixels_of,
    query_of,
    text,
    wait_for_matching,
    wait_until_drawn,
    wait_until_playing,
    wait_until_still,
)


def test_points_and_the_map_move_smoothly(site, open_page):
    page = open_page(site[0], reduced_motion=False)
    # The mark of the playing song pulses, without new drawings of the map.
    page.evaluate(
        """() => {
            window.drawings = 0;
            explorer.map.plot.on("plotly_afterplot", () => (drawings += 1));
        }"""
    )
    click_song(page, 10)
    wait_until_playing(page, "010.flac", beyond=1.0)
    assert page.locator("#mark").evaluate("e => getComputedStyle(e, '::after').animationName") == "pulse"
    assert page.evaluate("drawings") == 0
    # Points move from one projection to the next. Here they move slowly, so that a slow machine also draws
    # several frames.
    page.evaluate("explorer.morph.DURATION_MS = 3000")
    wait_until_still(page)
    page.evaluate(
        """() => {
            window.painted = [];
            const paint = explorer.morph.paint;
            explorer.morph.paint = function (before, after, progress, ...rest) {
                const hidden = getComputedStyle(explorer.map.plot).opacity === "0";
                painted.push([performance.now(), progress, hidden, [...before], [...after]]);
                paint.call(this, before, after, progress, ...rest);
            };
        }"""
    )
    before = pixels_of(page, range(24))
    choose_in_header(page, "PCA")
    page.wait_for_function("painted.length && painted.at(-1)[1] === 1")
    wait_until_drawn(page, "pca cluster dark")
    steps = page.evaluate("painted")
    assert steps[-1][0] - steps[0][0] > 0.75 * 3000
    assert len(steps) > 2
    assert all(hidden for _, _, hidden, _, _ in steps)
    progress = [step[1] for step in steps]
    assert progress == sorted(progress)
    first, last = steps[0][3], steps[-1][4]
    for index, place in enumerate(pixels_of(page, range(24))):
        assert first[2 * index : 2 * index + 2] == pytest.approx(before[index], abs=1)
        assert last[2 * index : 2 * index + 2] == pytest.approx(place, abs=1)
    assert page.evaluate("explorer.overlays.playing") == 10
    assert not page.evaluate("audio.paused")
    assert "Waltz piece 10" in text(page, "#panel-song")
    # The map moves to a song that is chosen in the search.
    page.keyboard.press("/")
    page.keyboard.type("ete ind")
    page.wait_for_selector(".suggestion")
    assert text(page, ".suggestion").splitlines() == ["Été indien", "Artist 0"]
    page.keyboard.press("Enter")
    wait_until_playing(page, "005.flac")
    wait_until_still(page)
    free = page.evaluate("explorer.map.freeArea()")
    middle = ((free["left"] + free["right"]) / 2, (free["top"] + free["bottom"]) / 2)
    assert pixel_of(page, 5) == pytest.approx(middle, abs=3)
    assert page.locator("#search").input_value() == ""
    # With many points there is no animation.
    page.evaluate("explorer.morph.MAX_POINTS = 10; painted.length = 0")
    choose_in_header(page, "UMAP")
    wait_until_drawn(page, "umap cluster dark")
    assert page.evaluate("painted.length") == 0


def test_the_original_view_has_regions_crosses_and_black_dots(page):
    choose_in_header(page, "Original")
    wait_until_drawn(page, "original cluster dark")
    assert page.evaluate("explorer.map.plot._fullLayout.shapes.length") == 3
    assert "Regions" in text(page, "#legend")
    page.locator("#clusters").fill("5")
    page.wait_for_function("explorer.map.plot._fullLayout.shapes.length === 5")
    page.wait_for_function("document.querySelectorAll('#legend [data-group]').length === 5")
    assert page.evaluate("explorer.map.plot._fullData[1].x.length") == 5
    assert page.evaluate("explorer.map.plot._fullData[1].marker.color") in (
        "#fff",
        "#ffffff",
        "white",
        "rgb(255, 255, 255)",
    )
    wait_until_still(page)
    click_song(page, 5)
    wait_until_playing(page, "005.flac")
    assert page.locator("#mark").get_attribute("data-index") == "5"


def test_the_address_contains_what_is_shown_and_restores_it(site, page, open_page):
    assert query_of(page) == {}
    choose_in_header(page, "UMAP")
    wait_until_drawn(page, "umap cluster dark")
    choose_in_header(page, "Genre")
    wait_until_drawn(page, "umap genre dark")
    page.keyboard.press("/")
    page.keyboard.type("waltz")
    page.locator(".suggestion-genre").click()
    wait_for_matching(page, range(8, 16))
    wait_until_still(page)
    click_song(page, 9)
    wait_until_playing(page, "009.flac")
    page.wait_for_function("location.search.includes('song')")
    page.locator("#zoom-in").click()
    page.wait_for_function("location.search.includes('zoom')")
    wait_until_still(page)
    page.wait_for_function("location.search === '?' + explorer.url.currentQuery()")
    address = query_of(page)
    assert {name: address[name] for name in ("view", "colour", "genre", "song")} == {
        "view": "umap",
        "colour": "genre",
        "genre": "Waltz",
        "song": "009.flac",
    }
    place = pixel_of(page, 9)
    # In another window the same address shows the same, but nothing plays.
    other = open_page(page.url)
    wait_until_drawn(other, "umap genre dark")
    wait_for_matching(other, range(8, 16))
    other.wait_for_selector("#mark[data-index='9']", state="attached")
    other.wait_for_function("document.getElementById('panel-song').textContent.includes('Waltz piece 9')")
    wait_until_still(other)
    assert pixel_of(other, 9) == pytest.approx(place, abs=3)
    assert other.evaluate("audio.paused")
    other.wait_for_function("explorer.walk.anchorId !== null")
    assert query_of(other) == address
    other.keyboard.press("Space")
    wait_until_playing(other, "009.flac")
    # An invalid address still shows the map.
    for query in (
        "?view=nonsense&colour=7&clusters=-3&zoom=abc&x=1",
        "?song=absent.flac",
        "?only=99.-1&years=x-y&view=original",
        "?clusters=9999",
    ):
        other.goto(site[0] + query)
        other.wait_for_selector("#map-frame[data-drawn]")
        assert other.evaluate("explorer.map.points.x.length") == 24
        if "song" in query:
            other.wait_for_function("message.textContent.includes('not on the map')")


def test_going_back_undoes_one_step_at_a_time(page):
    choose_in_header(page, "PCA")
    wait_until_drawn(page, "pca cluster dark")
    page.locator("#legend [data-group]").nth(1).click()
    page.wait_for_function("explorer.map.meta.lit === 8")
    click_song(page, 9)
    wait_until_playing(page, "009.flac")
    page.wait_for_function("location.search.includes('song=009.flac')")
    page.go_back()
    page.wait_for_function("explorer.walk.anchor === null && explorer.map.meta.lit === 8")
    page.go_back()
    page.wait_for_function("explorer.map.meta.unlit === null")
    assert query_of(page) == {"view": "pca"}
    page.go_back()
    wait_until_drawn(page, "tsne cluster dark")
    page.go_forward()
    wait_until_drawn(page, "pca cluster dark")
