"""Views that morph into one another, the original view, and the page's address, in Chromium."""

from urllib.parse import parse_qs, urlsplit

import pytest
from gestures import choose, click_song, pixel_of, text, wait_until_playing


def said(page):
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def drawn(page, what):
    page.wait_for_selector(f"#map-frame[data-drawn='{what}']")


def test_points_glide_from_one_view_to_the_next(site, open_page):
    page = open_page(site[0], still=False)
    click_song(page, 10)
    wait_until_playing(page, "010.flac")
    page.evaluate(
        """() => {
            window.seen = [];
            const paint = explorer.morph.paint;
            explorer.morph.paint = function (before, after, share, ...rest) {
                const hidden = getComputedStyle(explorer.map.plot).opacity === "0";
                seen.push([performance.now(), share, hidden, [...before], [...after]]);
                paint.call(this, before, after, share, ...rest);
            };
        }"""
    )
    before = [pixel_of(page, index) for index in range(24)]
    choose(page, "PCA")
    page.wait_for_function("seen.length && seen.at(-1)[1] === 1")
    page.wait_for_selector("#map-frame:not(.morphing)")
    steps = page.evaluate("seen")
    assert 450 < steps[-1][0] - steps[0][0] < 1500
    assert len(steps) > 5
    assert all(hidden for _, _, hidden, _, _ in steps)
    shares = [share for _, share, *_ in steps]
    assert shares == sorted(shares)
    first, last = steps[0][3], steps[-1][4]
    for index in range(24):
        assert first[2 * index : 2 * index + 2] == pytest.approx(before[index], abs=1)
        assert last[2 * index : 2 * index + 2] == pytest.approx(pixel_of(page, index), abs=1)
    assert page.evaluate("explorer.overlays.playing") == 10
    assert not page.evaluate("audio.paused")
    assert "Waltz piece 10" in text(page, "#panel-song")


def test_many_points_change_at_once(site, open_page):
    page = open_page(site[0], still=False)
    page.evaluate("explorer.morph.MOST_POINTS = 10")
    choose(page, "UMAP")
    drawn(page, "umap cluster dark")
    assert page.evaluate("explorer.morph.frames") is None
    assert page.locator("#map-frame.morphing").count() == 0


def test_the_original_view_has_regions_crosses_and_black_dots(site, open_page):
    page = open_page(site[0])
    choose(page, "Original")
    drawn(page, "original cluster dark")
    page.wait_for_selector("#map-frame:not(.morphing)")
    page.wait_for_timeout(300)
    assert page.evaluate("explorer.map.plot._fullLayout.shapes.length") == 3
    assert "Regions" in text(page, "#legend")
    page.locator("#clusters").fill("5")
    page.wait_for_function("explorer.map.plot._fullLayout.shapes.length === 5")
    assert page.locator("#legend [data-group]").count() == 5
    assert page.evaluate("explorer.map.plot._fullData[1].x.length") == 5
    assert page.evaluate("explorer.map.plot._fullData[1].marker.color") in (
        "#fff",
        "#ffffff",
        "white",
        "rgb(255, 255, 255)",
    )
    page.wait_for_timeout(400)
    click_song(page, 5)
    wait_until_playing(page, "005.flac")
    assert page.locator("#mark").get_attribute("data-index") == "5"


def test_the_address_says_what_is_shown_and_brings_it_back(site, open_page):
    page = open_page(site[0])
    assert said(page) == {}
    choose(page, "UMAP")
    drawn(page, "umap cluster dark")
    choose(page, "Genre")
    drawn(page, "umap genre dark")
    page.keyboard.press("/")
    page.keyboard.type("waltz")
    page.locator(".suggestion-genre").click()
    page.wait_for_function("explorer.map.meta.lit === 8")
    page.wait_for_selector("#map-frame:not(.morphing)")
    click_song(page, 9)
    wait_until_playing(page, "009.flac")
    page.locator("#zoom-in").click()
    page.wait_for_function("location.search.includes('zoom')")
    page.wait_for_timeout(900)
    address = said(page)
    assert {name: address[name] for name in ("view", "colour", "genre", "song")} == {
        "view": "umap",
        "colour": "genre",
        "genre": "Waltz",
        "song": "009.flac",
    }
    place = pixel_of(page, 9)
    other = open_page(page.url)
    drawn(other, "umap genre dark")
    other.wait_for_function("explorer.map.meta.lit === 8")
    other.wait_for_selector("#mark[data-index='9']", state="attached")
    other.wait_for_timeout(600)
    assert pixel_of(other, 9) == pytest.approx(place, abs=3)
    assert "Waltz piece 9" in text(other, "#panel-song")
    assert other.evaluate("audio.paused")
    assert said(other) == address
    other.keyboard.press("Space")
    wait_until_playing(other, "009.flac")


def test_going_back_undoes_step_by_step(site, open_page):
    page = open_page(site[0])
    choose(page, "PCA")
    drawn(page, "pca cluster dark")
    page.locator("#legend [data-group]").nth(1).click()
    page.wait_for_function("explorer.map.meta.lit === 8")
    click_song(page, 9)
    wait_until_playing(page, "009.flac")
    page.wait_for_function("location.search.includes('song=009.flac')")
    page.go_back()
    page.wait_for_function("explorer.walk.anchor === null && explorer.map.meta.lit === 8")
    page.go_back()
    page.wait_for_function("explorer.map.meta.unlit === null")
    assert said(page) == {"view": "pca"}
    page.go_back()
    drawn(page, "tsne cluster dark")
    page.go_forward()
    drawn(page, "pca cluster dark")


@pytest.mark.parametrize(
    "query",
    [
        "?view=nonsense&colour=7&clusters=-3&zoom=abc&x=1",
        "?song=absent.flac",
        "?only=99.-1&years=x-y&view=original",
        "?clusters=9999",
    ],
)
def test_an_address_that_makes_no_sense_still_shows_a_map(site, open_page, query):
    page = open_page(site[0] + query)
    assert page.evaluate("explorer.map.points.x.length") == 24
    if "song" in query:
        page.wait_for_function("document.getElementById('message').textContent.includes('not on the map')")


def test_crowded_places_are_shaded(site, open_page):
    page = open_page(site[0])
    page.wait_for_timeout(300)
    shade = """([x, y]) => {
        const scale = glow.width / glow.clientWidth;
        return glow.getContext("2d").getImageData(x * scale, y * scale, 1, 1).data[3];
    }"""
    places = [pixel_of(page, index) for index in range(8)]
    middle = [sum(x for x, _ in places) / 8, sum(y for _, y in places) / 8]
    edge = [places[0][0] + 300 * (1 if places[0][0] < 600 else -1), 400]
    assert page.evaluate(shade, middle) > page.evaluate(shade, edge)


def test_a_closer_look_shows_more_names(open_page, serve, tmp_path, make_library):
    make_library(tmp_path / "songs.db", tmp_path / "music")
    with serve(tmp_path / "songs.db") as url:
        page = open_page(url)
        count = "document.querySelectorAll('.labels span.shown').length"
        # A group that lies in two places has its lesser name only from near.
        page.evaluate(
            """() => {
                const [first] = explorer.map.meta.names;
                explorer.map.meta.names.push({ ...first, name: "elsewhere", rank: 1, top: first.top + 0.05 });
                explorer.overlays.measuredX = null;
                explorer.map.drawn();
            }"""
        )
        far = page.evaluate(count)
        x, y = pixel_of(page, 0)
        page.mouse.move(x, y)
        for _ in range(2):
            page.mouse.wheel(0, -200)
            page.wait_for_timeout(60)
        page.wait_for_function(
            "[...document.querySelectorAll('.labels span.shown')].some((e) => e.textContent === 'elsewhere')"
        )
        assert far == 3
