"""The animation between projections, the original view, and the page's address, in Chromium."""

from urllib.parse import urlsplit

import numpy as np
import pytest
from gestures import (
    choose_in_header,
    click_song,
    close_map_menu,
    open_map_menu,
    pixel_of,
    pixels_of,
    query_of,
    text,
    visit,
    wait_for_map,
    wait_for_matching,
    wait_until_drawn,
    wait_until_playing,
    wait_until_still,
)
from pixels import circle_at, colour_at, distance, group_colour, picture, rgb

CLOCK = """() => {
    // A clock for animations that can be slow, or stand.
    const [now, request] = [performance.now.bind(performance), requestAnimationFrame.bind(window)];
    let [speed, began, shown] = [1, now(), now()];
    const at = (time) => shown + (time - began) * speed;
    window.setSpeed = (to) => {
        [shown, began] = [at(now()), now()];
        speed = to;
    };
    performance.now = () => at(now());
    window.requestAnimationFrame = (step) => request((time) => step(at(time)));
    // All pictures of the points, as their progress from the old to the new places.
    window.drawn = [];
    window.stopsAt = Infinity;
    const layer = explorer.points_layer.points();
    const draw = layer.draw;
    layer.draw = function (view) {
        drawn.push(view.progress);
        if (explorer.state.isGliding && view.progress >= stopsAt) setSpeed(0);
        return draw.call(this, view);
    };
}"""


def count_songs_at(page, places, songs=range(24)):
    """Count the songs that have their group's colour at a place in the window."""
    image = picture(page)
    near = [
        distance(colour_at(image, place), group_colour(page, song)) < 45
        for song, place in zip(songs, places, strict=True)
    ]
    return sum(near)


def test_points_and_the_map_move_smoothly(site, open_page):
    page = open_page(site[0], reduced_motion=False)
    page.evaluate(CLOCK)
    assert count_songs_at(page, pixels_of(page, range(24))) >= 22
    # The mark of the playing song pulses, without new drawings of the map. Repeat the song, so that it still
    # plays later on a slow machine.
    page.evaluate("explorer.queue.setRepeat('one')")
    click_song(page, 10)
    wait_until_playing(page, "010.flac")
    wait_until_still(page)
    page.evaluate("drawn.length = 0")
    page.evaluate("audio.currentTime = 0")
    page.wait_for_function("() => audio.currentTime > 1")
    assert page.locator("#mark").evaluate("e => getComputedStyle(e, '::after').animationName") == "pulse"
    assert page.evaluate("drawn") == []
    page.mouse.move(80, 40)
    # Points move from one projection to the next. Here they move slowly, so that a slow machine also draws
    # several frames, and stop on their way.
    before = np.array(pixels_of(page, range(24)))
    page.evaluate("setSpeed(0.05); window.stopsAt = 0.2")
    choose_in_header(page, "PCA")
    page.wait_for_function("() => drawn.at(-1) >= stopsAt")
    assert page.evaluate("explorer.state.isGliding")
    progress = page.evaluate("drawn")
    assert len(progress) > 2
    assert progress == sorted(progress)
    assert 0.2 <= progress[-1] < 0.4
    after = np.array(pixels_of(page, range(24)))
    assert count_songs_at(page, before + (after - before) * progress[-1]) >= 22
    assert count_songs_at(page, before) < 12
    page.evaluate("window.stopsAt = Infinity; setSpeed(1)")
    wait_until_drawn(page, "pca cluster dark")
    wait_until_still(page)
    assert page.evaluate("drawn.at(-1)") == 1
    assert count_songs_at(page, pixels_of(page, range(24))) >= 20
    assert page.evaluate("explorer.state.playing") == 10
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
    free = page.evaluate("explorer.camera.freeArea()")
    middle = ((free["left"] + free["right"]) / 2, (free["top"] + free["bottom"]) / 2)
    assert pixel_of(page, 5) == pytest.approx(middle, abs=3)
    assert page.locator("#search").input_value() == ""


def test_the_original_view_has_regions_crosses_and_black_dots(page):
    choose_in_header(page, "Original")
    wait_until_drawn(page, "original cluster dark")
    assert "Regions" in text(page, "#legend")
    assert page.evaluate("explorer.state.map.meta.regions.polygons.length") == 3
    expect_regions(page, 3)
    open_map_menu(page)
    page.locator("#clusters").fill("5")
    page.wait_for_function("() => document.querySelectorAll('#legend [data-group]').length === 5")
    page.wait_for_function("() => explorer.state.map.meta.regions.polygons.length === 5")
    close_map_menu(page)
    expect_regions(page, 5)
    click_song(page, 5)
    wait_until_playing(page, "005.flac")
    assert page.locator("#mark").get_attribute("data-index") == "5"
    choose_in_header(page, "PCA")
    wait_until_drawn(page, "pca cluster dark")
    assert page.locator("#regions, #crosses").locator("visible=true").count() == 0


def expect_regions(page, count):
    """Expect cells of different colours, a white cross at the centre of each, and black dots."""
    wait_until_still(page)
    image = picture(page)
    regions = page.evaluate(
        """() => {
            const { regions, colours } = explorer.state.map.meta;
            const pixelOf = ([x, y]) => Object.values(explorer.camera.toPixels(x, y));
            return regions.centres.map((centre, i) => [pixelOf(centre), colours[i]]);
        }"""
    )
    assert len(regions) == count
    # The order of the centres is that of the cells. Points or a label can cover a part of a cell.
    for centre, colour in regions:
        assert distance(colour_at(image, centre), 255) < 20
        assert (distance(circle_at(image, centre, 14), rgb(colour)) < 6).mean() > 0.5
    black = [distance(colour_at(image, place), 0) < 40 for place in pixels_of(page, range(24))]
    assert sum(black) >= 20


def test_the_places_of_the_songs_are_loaded_once_for_each_projection(site, open_page):
    page = open_page(site[0])
    asked = []
    page.on("request", lambda request: "/map/" in request.url and asked.append(urlsplit(request.url).path))

    def new_requests():
        names = [path.split("/")[3:] for path in asked]
        asked.clear()
        return names

    page.evaluate("window.places = explorer.state.map.places")
    choose_in_header(page, "Genre")
    wait_until_drawn(page, "tsne genre dark")
    assert sorted(new_requests()) == [["flags"], ["groups"]]
    page.locator("#legend [data-group]").nth(2).click()
    wait_for_matching(page, range(8, 16))
    assert new_requests() == [["flags"]]
    page.evaluate("explorer.filters.add('artist', 'Artist 1')")
    page.wait_for_function("() => explorer.state.map.meta.view.filter.artists.length === 1")
    assert new_requests() == [["flags"]]
    page.keyboard.press("Escape")
    page.evaluate("explorer.filters.clear()")
    wait_for_matching(page, range(24))
    page.emulate_media(color_scheme="light")
    wait_until_drawn(page, "tsne genre light")
    assert ["positions", "tsne"] not in new_requests()
    assert page.evaluate("explorer.state.map.places === places")
    # The original view has the places of PCA.
    choose_in_header(page, "PCA")
    wait_until_drawn(page, "pca genre light")
    assert new_requests().count(["positions", "pca"]) == 1
    for name in ("Original", "PCA", "t-SNE"):
        choose_in_header(page, name)
        page.wait_for_selector(f"#map-frame[data-drawn^='{name.lower().replace('-', '')}']")
    assert "positions" not in [names[0] for names in new_requests()]
    assert page.evaluate("explorer.state.map.places === places")


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
    page.wait_for_function("() => location.search.includes('song')")
    page.locator("#zoom-in").click()
    page.wait_for_function("() => location.search.includes('zoom')")
    wait_until_still(page)
    page.wait_for_function("() => location.search === '?' + explorer.url.currentQuery()")
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
    other.wait_for_function(
        "() => document.getElementById('panel-song').textContent.includes('Waltz piece 9')"
    )
    wait_until_still(other)
    assert pixel_of(other, 9) == pytest.approx(place, abs=3)
    assert other.evaluate("audio.paused")
    other.wait_for_function("() => explorer.state.selectedId !== null")
    assert query_of(other) == address
    other.keyboard.press("Space")
    wait_until_playing(other, "009.flac")
    # An invalid address still shows the map.
    for query in (
        "?view=nonsense&colour=7&clusters=-3&zoom=abc&x=1",
        "?song=absent.flac",
        "?only=99.-1&years=x-y&view=original&colour=tempo",
        "?clusters=9999",
    ):
        visit(other, site[0] + query)
        assert other.evaluate("explorer.state.map.count") == 24
        if "song" in query:
            other.wait_for_function("() => toasts.textContent.includes('not on the map')")


def test_going_back_undoes_one_step_at_a_time(page):
    choose_in_header(page, "PCA")
    wait_until_drawn(page, "pca cluster dark")
    page.locator("#legend [data-group]").nth(1).click()
    page.wait_for_function("() => explorer.state.map.meta.lit === 8")
    click_song(page, 9)
    wait_until_playing(page, "009.flac")
    page.wait_for_function("() => location.search.includes('song=009.flac')")
    page.go_back()
    page.wait_for_function("() => explorer.state.selected === null && explorer.state.map.meta.lit === 8")
    page.go_back()
    page.wait_for_function("() => !explorer.state.map.meta.is_filtered")
    assert query_of(page) == {"view": "pca"}
    page.go_back()
    wait_until_drawn(page, "tsne cluster dark")
    page.go_forward()
    wait_until_drawn(page, "pca cluster dark")


@pytest.mark.parametrize("name", ["t-SNE", "UMAP", "PCA", "Original"])
def test_each_view_has_an_address_and_back_and_forward_work_in_it(page, site, name):
    view = name.lower().replace("-", "")
    other = "UMAP" if name == "PCA" else "PCA"
    choose_in_header(page, other)
    wait_until_drawn(page, f"{other.lower()} cluster dark")
    choose_in_header(page, name)
    wait_until_drawn(page, f"{view} cluster dark")
    wait_until_still(page)
    query = {} if view == "tsne" else {"view": view}
    assert query_of(page) == query
    page.locator("#legend [data-group]").nth(1).click()
    page.wait_for_function("() => explorer.state.map.meta.lit === 8")
    name = page.locator("#legend [data-group]").nth(1).get_attribute("data-group")
    assert query_of(page) == query | {"cluster": name}
    # The map's position is a part of the address, but no step of its own.
    page.locator("#zoom-in").click()
    page.wait_for_function("() => location.search.includes('zoom=1.6')")
    assert query_of(page).items() >= (query | {"cluster": name}).items()
    scale = page.evaluate("explorer.state.viewport.scale")
    page.go_back()
    page.wait_for_function("() => !explorer.state.map.meta.is_filtered && !explorer.state.isUserPositioned")
    assert query_of(page) == query
    page.go_forward()
    page.wait_for_function("() => explorer.state.map.meta.lit === 8 && explorer.state.isUserPositioned")
    assert page.evaluate("explorer.state.viewport.scale") == pytest.approx(scale, rel=0.01)
    assert page.evaluate("explorer.state.map.meta.projection") == view
    page.reload()
    wait_for_map(page)
    wait_until_drawn(page, f"{view} cluster dark")
    page.wait_for_function("() => explorer.state.map.meta.lit === 8 && explorer.state.isUserPositioned")
    assert page.evaluate("explorer.state.viewport.scale") == pytest.approx(scale, rel=0.01)
    page.go_back()
    page.wait_for_function("() => !explorer.state.map.meta.is_filtered")
    page.go_back()
    wait_until_drawn(page, f"{other.lower()} cluster dark")


def test_the_panel_follows_the_colours_of_the_map(page):
    click_song(page, 9)
    page.wait_for_selector("#panel-song .chips .dot")
    choose_in_header(page, "Artist")
    wait_until_drawn(page, "tsne artist dark")
    page.wait_for_function("() => !document.querySelector('#panel-song .chips .dot')")
    colour = page.evaluate("document.querySelector('#panel-song .cover').style.getPropertyValue('--colour')")
    assert colour == page.evaluate("explorer.songs.colourOf(9)")
