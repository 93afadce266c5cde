"""The points of the map in Chromium, on pages of their own (points.html, drawing.html): pixels are read."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest

from explorer.config import ROOT

LIT, HIDDEN, MISSING, FADED, VERY_FADED, CHOSEN = 1, 2, 4, 8, 16, 32
WIDTH, HEIGHT = 320, 200
RED, GREEN, GROUND, GREY, RING = (230, 40, 50), (20, 200, 90), (12, 14, 19), (74, 80, 93), (240, 240, 240)
TOLERANCE = 3
TIMEOUT_S = 90
# The tests' browser has no graphics card: without this, the processor draws the points.
WITH_CARD = "WebGL2RenderingContext.prototype.getParameter = new Proxy(" + (
    "WebGL2RenderingContext.prototype.getParameter, { apply: (original, gl, [name]) => "
    "[gl.RENDERER, 37446].includes(name) ? 'A graphics card' : original.call(gl, name) });"
)
SET_RATIO = "value => Object.defineProperty(window, 'devicePixelRatio', { value, configurable: true })"


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


_Files.extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}


@pytest.fixture(scope="module")
def address():
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(ROOT))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/tests/browser/"
        server.shutdown()


def open_points(browser, address, script="", name="points", **options):
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, **options)
    page.add_init_script(script)
    page.set_default_timeout(TIMEOUT_S * 1000)
    page.goto(f"{address}{name}.html")
    page.wait_for_function("window.isReady")
    return page


@pytest.fixture(scope="module")
def page(chromium, address):
    page = open_points(chromium, address)
    yield page
    page.close()


@pytest.fixture
def picture(page):
    """Draw songs, and return the picture [shape=(height, width, 4), int]."""

    def draw(songs, layer="webgl", style=None, density=1, **view):
        page.evaluate(SET_RATIO, density)
        pixels = page.evaluate(
            "args => picture(...args)", [layer, songs, {**view, "density": density}, style or {}]
        )
        return np.array(pixels).reshape(HEIGHT * density, WIDTH * density, 4)

    return draw


def is_near(pixel, colour, alpha=255):
    return np.abs(pixel[:3] - colour).max() <= TOLERANCE and abs(pixel[3] - alpha) <= TOLERANCE


LAYERS = pytest.mark.parametrize("layer", ["webgl", "canvas"])


@LAYERS
def test_points_have_their_groups_colours_and_hidden_ones_are_not_drawn(picture, layer):
    songs = [
        [40, 50, 0, LIT],
        [100, 50, 1, LIT],
        [160, 50, 0, LIT | HIDDEN],
        [220, 50, 1, 0],
        [300, 199, 1, LIT],
    ]
    image = picture(songs, layer)
    assert is_near(image[50, 40], RED)
    assert is_near(image[50, 100], GREEN)
    assert not image[40:60, 150:170].any()
    assert is_near(image[50, 220], GREY)
    # A point at the edge is cut off, not left out.
    assert is_near(image[197, 300], GREEN)
    assert image[..., 3].astype(bool).sum() < 5 * 400


@LAYERS
def test_points_fade_towards_the_ground(picture, layer):
    image = picture([[40, 50, 0, LIT | FADED], [100, 50, 0, LIT | VERY_FADED]], layer)
    for x, share in ((40, 0.62), (100, 0.85)):
        assert is_near(image[50, x], RED, alpha=255 * (1 - share))


@LAYERS
def test_songs_whose_files_are_missing_are_hollow(picture, layer):
    songs = [[40, 50, 0, LIT | MISSING], [100, 50, 0, MISSING]]
    image = picture(songs, layer)
    assert is_near(image[50, 40], GROUND)
    assert is_near(image[50, 48], RED, alpha=255 * 0.75)
    # If such a song does not match the filter, it is as faint as all others.
    assert is_near(image[50, 100], GREY)
    on_regions = picture(songs, layer, style={"isOnRegions": True})
    assert is_near(on_regions[50, 40], RED)
    assert is_near(on_regions[50, 48], (0, 0, 0), alpha=0.55 * 255)


@LAYERS
def test_chosen_songs_have_a_ring_above_all_points(picture, layer):
    songs = [[40, 50, 0, LIT | CHOSEN], [62, 50, 1, LIT], [120, 50, 1, CHOSEN]]
    image = picture(songs, layer)
    assert is_near(image[50, 40], RED)
    # The radius of the points is 10 pixels, that of the ring 11.5; pixel 51 reaches from 11 to 12.
    assert is_near(image[50, 51], RING)
    assert is_near(image[50, 64], GREEN)
    assert is_near(image[50, 120], GREY)
    assert is_near(image[50, 131], RING)


@LAYERS
def test_songs_that_do_not_match_lie_below_the_others(picture, layer):
    for flags in ([LIT, 0], [0, LIT]):
        image = picture([[40, 50, 0, flags[0]], [40, 50, 1, flags[1]]], layer)
        assert is_near(image[50, 40], RED if flags[0] else GREEN)


@LAYERS
def test_points_glide_from_their_places_before_and_new_songs_appear(picture, page, layer):
    image = picture([[40, 50, 0, LIT, 240, 150], [100, 20, 1, LIT, None, None]], layer, progress=0.5)
    assert is_near(image[100, 140], RED)
    assert not image[50, 40].any() and not image[150, 240].any()
    assert is_near(image[20, 100], GREEN, alpha=128)
    ended = np.array(page.evaluate("layer => again(layer, { progress: 1 })", layer)).reshape(HEIGHT, WIDTH, 4)
    assert is_near(ended[50, 40], RED)
    assert is_near(ended[20, 100], GREEN)


@LAYERS
@pytest.mark.parametrize("density", [1, 2])
def test_points_are_round_and_smooth_at_any_resolution(picture, layer, density):
    image = picture([[60.3, 50.8, 0, LIT]], layer, density=density, diameter=9)
    coverage = image[..., 3] / 255
    assert coverage.sum() == pytest.approx(np.pi * (4.5 * density) ** 2, rel=0.06)
    ys, xs = np.indices(coverage.shape) + 0.5
    middle = (coverage * xs).sum() / coverage.sum(), (coverage * ys).sum() / coverage.sum()
    assert middle == pytest.approx((60.3 * density, 50.8 * density), abs=0.15 * density)
    assert len(np.unique(image[..., 3])) > 4


@pytest.mark.parametrize("glow", [None, {"sigma_px": 15, "strength": 1, "maxOpacity": 0.5}])
def test_both_layers_draw_the_same(picture, glow):
    rng = np.random.default_rng(3)
    flags = rng.choice([LIT, LIT | FADED, LIT | MISSING, LIT | CHOSEN, HIDDEN, 0], 300).tolist()
    places = rng.uniform(0, 1, (300, 2)) * (WIDTH, HEIGHT)
    songs = [
        [*place, i % 2, flag] for i, (place, flag) in enumerate(zip(places.tolist(), flags, strict=True))
    ]
    images = [picture(songs, layer, diameter=7, opacity=0.9, glow=glow) for layer in ("webgl", "canvas")]
    first, second = (image[..., :3] * (image[..., 3:] / 255) for image in images)
    difference = np.abs(first - second)
    assert first.mean() > 15
    assert difference.mean() < 5
    assert (difference.max(axis=2) > 60).mean() < 0.02


@LAYERS
def test_a_glow_has_the_colours_of_the_songs_around_and_fades_away(picture, layer):
    glow = {"sigma_px": 15, "strength": 1, "maxOpacity": 0.5}
    songs = [[60, 100, 0, LIT], [200, 100, 1, LIT], [300, 20, 0, 0]]
    image = picture(songs, layer, diameter=4, glow=glow)
    for x, strong in ((60, 0), (200, 1)):
        red, green, _, alpha = image[100, x + 12]
        assert 20 < alpha < 128
        assert (green > 1.5 * red) if strong else (red > 1.5 * green)
        along = image[100, x + 4 : x + 60, 3]
        assert (np.diff(along) <= 2).all() and along[-1] <= 1
    assert not image[20, 308:].any()
    assert image[100, 48, 3] == pytest.approx(image[88, 60, 3], abs=4)
    assert not picture(songs, layer, diameter=4)[100, 72].any()


def many_songs():
    """60,000 points in a grid; the upper half does not match, and one of 16 is chosen."""
    xs, ys = np.meshgrid(np.arange(300) + 10.5, np.arange(200) * 0.9 + 10.5)
    places = np.column_stack([xs.ravel(), ys.ravel()])
    return [
        [x, y, i % 2, (LIT if y > 100 else 0) | (CHOSEN if not i % 1600 else 0)]
        for i, (x, y) in enumerate(places.tolist())
    ]


@LAYERS
def test_a_slow_browser_draws_a_sample_while_the_map_moves_and_all_points_when_it_stands(
    picture, page, layer
):
    def again(is_moving):
        page.evaluate("layer => window.layer(layer).msPerPoint = 1", layer)
        arguments = [layer, {"diameter": 1, "isMoving": is_moving}]
        return np.array(page.evaluate("values => again(...values)", arguments)).reshape(HEIGHT, WIDTH, 4)

    before = picture(many_songs(), layer, diameter=1)
    moving, standing = again(is_moving=True), again(is_moving=False)
    drawn = [np.count_nonzero(image[..., 3] > 128) for image in (moving, standing)]
    assert 0.1 * drawn[1] < drawn[0] < 0.5 * drawn[1]
    assert np.abs(standing - before).max() <= 1


def test_a_lost_context_is_restored(chromium, address):
    page = open_points(chromium, address, script=WITH_CARD)
    page.evaluate("mountLayer()")
    songs = [[40, 50, 0, LIT], [100, 50, 1, LIT]]

    def pixel():
        pixels = page.evaluate("songs => picture('mounted', songs)", songs)
        return np.array(pixels).reshape(HEIGHT, WIDTH, 4)[50, 40]

    assert page.evaluate("hasWebgl()")
    assert is_near(pixel(), RED)
    page.evaluate("window.loss = layer('mounted').gl.getExtension('WEBGL_lose_context'); loss.loseContext()")
    page.wait_for_selector(".map-note")
    assert "no WebGL" in page.locator(".map-note").inner_text()
    assert not page.evaluate("hasWebgl()")
    assert page.locator("#points-2d").is_visible() and page.locator("#points").is_hidden()
    assert is_near(pixel(), RED)
    page.evaluate("loss.restoreContext()")
    page.wait_for_selector(".map-note", state="detached")
    assert page.evaluate("hasWebgl()")
    assert page.locator("#points-2d").count() == 0 and page.locator("#points").is_visible()
    assert is_near(pixel(), RED)
    page.close()


def test_without_a_graphics_card_the_processor_draws(chromium, address):
    page = open_points(chromium, address)
    page.evaluate("mountLayer()")
    assert not page.evaluate("hasWebgl()")
    assert page.locator("#points-2d").is_visible() and page.locator("#points").is_hidden()
    # It draws all that a graphics card would: there is nothing to tell.
    assert page.locator(".map-note").count() == 0
    page.close()


def test_a_browser_without_webgl_draws_on_a_canvas_and_says_so(chromium, address):
    without = "const { getContext } = HTMLCanvasElement.prototype;" + (
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
        "return kind === '2d' ? getContext.call(this, kind, ...rest) : null; }"
    )
    page = open_points(chromium, address, script=without)
    page.evaluate("mountLayer()")
    assert page.locator(".map-note").count() == 1
    assert not page.evaluate("hasWebgl()")
    pixels = page.evaluate("songs => picture('mounted', songs)", [[40, 50, 0, LIT]])
    assert is_near(np.array(pixels).reshape(HEIGHT, WIDTH, 4)[50, 40], RED)
    page.close()


MAP = {"projection": "tsne", "revision": 1, "places": [[0, 0], [40, 0], [0, 40], [40, 40]]}
MOVED = [[0, 40], [0, 0], [40, 40], [40, 0]]


@pytest.fixture(params=[WITH_CARD, ""], ids=["webgl", "canvas"])
def drawing(chromium, address, request):
    """A page on which a test lets the animation frames run."""
    page = open_points(chromium, address, request.param, name="drawing")
    yield page
    page.close()


def show(page, **changes):
    page.evaluate("options => show(options)", {**MAP, **changes})


def colour_at(page, now, index, share=0.0, places=MAP["places"], other=MOVED):
    """Run the animation frame of a time, and return the colour between two places of a song."""
    (x, y), (other_x, other_y) = places[index], other[index]
    place = [x + (other_x - x) * share, y + (other_y - y) * share]
    return np.array(page.evaluate("([now, place]) => tick(now, place)", [now, place]))


def test_the_frame_says_what_is_drawn_when_all_points_are(drawing):
    show(drawing)
    assert drawing.evaluate("frame.dataset.drawn") is None
    assert is_near(colour_at(drawing, 0, 0), RED)
    assert drawing.evaluate("frame.dataset.drawn") == "tsne cluster dark"
    assert drawing.evaluate("isGliding()") is False


def test_points_glide_to_another_projection_for_600_ms(drawing):
    show(drawing)
    colour_at(drawing, 0, 0)
    show(drawing, projection="umap", places=MOVED)
    for now, share in ((1000, 0), (1150, 0.0625), (1300, 0.5), (1450, 0.9375)):
        assert is_near(colour_at(drawing, now, 1, share), GREEN), now
        assert drawing.evaluate("[isGliding(), frame.className]") == [True, "map-frame morphing"]
        assert drawing.evaluate("frame.dataset.drawn") == "tsne cluster dark"
    assert is_near(colour_at(drawing, 1600, 1, 1), GREEN)
    colour_at(drawing, 1616, 1)
    assert drawing.evaluate("[isGliding(), frame.className]") == [False, "map-frame"]
    assert drawing.evaluate("frame.dataset.drawn") == "umap cluster dark"


def test_another_map_during_a_glide_begins_where_the_points_are(drawing):
    show(drawing)
    colour_at(drawing, 0, 0)
    show(drawing, projection="umap", places=MOVED)
    drawing.evaluate("performance.now = () => 1300")
    colour_at(drawing, 1000, 1)
    show(drawing, projection="pca")
    halfway = [[0, 20], [20, 0], [20, 40], [40, 20]]
    assert is_near(colour_at(drawing, 1300, 1, 0, halfway, MAP["places"]), GREEN)
    assert is_near(colour_at(drawing, 1600, 1, 0.5, halfway, MAP["places"]), GREEN)


def test_a_new_map_of_the_same_songs_glides_also_with_30_000_of_them(drawing):
    places, places_after = ([[x, 0], [40, 40]] + [[20, 20]] * 30_000 for x in (0, 30))
    show(drawing, places=places)
    colour_at(drawing, 0, 0)
    # The first two songs have changed their indices.
    show(drawing, revision=2, order="b", places=places_after, moved=[1, 0, *range(2, 30_002)])
    drawing.evaluate("tick(1000, [0, 0])")
    assert drawing.evaluate("isGliding()")


@pytest.mark.parametrize(
    "changes",
    [
        {"colouring": "genre"},
        {"revision": 2, "order": "a"},
        {"revision": 2, "order": "unknown", "places": MOVED},
    ],
)
def test_points_do_not_glide_if_none_moves_or_nobody_knows_from_where(drawing, changes):
    show(drawing)
    colour_at(drawing, 0, 0)
    show(drawing, **changes)
    colour_at(drawing, 1000, 0)
    assert drawing.evaluate("[isGliding(), frame.className]") == [False, "map-frame"]


def test_points_do_not_glide_for_users_who_asked_for_less_motion(chromium, address):
    page = open_points(chromium, address, name="drawing", reduced_motion="reduce")
    show(page)
    colour_at(page, 0, 0)
    show(page, projection="umap", places=MOVED)
    assert is_near(colour_at(page, 1000, 1, 1), GREEN)
    assert not page.evaluate("isGliding()")
    page.close()


def test_the_original_view_has_cells_below_and_crosses_above_the_points(drawing):
    polygons = [[[-60, -60], [20, -60], [20, 90], [-60, 90]], [[20, -60], [90, -60], [90, 90], [20, 90]]]
    regions = {"polygons": polygons, "centres": [[0, 20], [30, 20]]}
    show(drawing, projection="original", regions=regions, bounds=[-60, 90, -60, 90])
    assert is_near(colour_at(drawing, 0, 0), (0, 0, 0))
    pixel = "([canvas, place]) => pixelOf(canvas, place)"
    assert is_near(np.array(drawing.evaluate(pixel, ["regions", [-40, 0]])), RED)
    assert is_near(np.array(drawing.evaluate(pixel, ["regions", [60, 0]])), GREEN)
    assert is_near(np.array(drawing.evaluate(pixel, ["crosses", [0, 20]])), (255, 255, 255))
    assert np.array(drawing.evaluate(pixel, ["crosses", [0, 50]]))[3] == 0
    show(drawing)
    colour_at(drawing, 1000, 0)
    assert drawing.evaluate("document.getElementById('regions').hidden")


def has_ring(page):
    *colour, alpha = page.evaluate("ringOf([0, 40])")
    return alpha > 100 and np.abs(np.array(colour) - RING).max() <= TOLERANCE


def test_chosen_songs_get_their_rings_unless_they_are_very_many(drawing):
    show(drawing)
    colour_at(drawing, 0, 0)
    assert not has_ring(drawing)
    drawing.evaluate("choose([2])")
    drawing.evaluate("tick(50, [0, 0])")
    assert has_ring(drawing)
    show(drawing, places=MAP["places"] + [[20, 20]] * 2000)
    opacities = []
    for place in ([0, 0], [0, 40]):
        drawing.evaluate("choose([2, ...Array.from({ length: 1500 }, (_, i) => i + 4)])")
        *_, opacity = drawing.evaluate("place => tick(100, place)", place)
        opacities.append(opacity)
    assert not has_ring(drawing)
    # Then the songs that are not chosen fade.
    assert opacities[0] < 0.3 * opacities[1]


def test_a_moment_lights_its_songs_the_more_alike_the_larger_and_all_others_are_grey(drawing):
    show(drawing)
    colour_at(drawing, 0, 0)
    drawn = []
    for song in range(4):
        # WebGL's pixels can be read only in the frame that draws them.
        drawing.evaluate("light([[1, 0.9], [2, 0.5]])")
        drawn.append(colour_at(drawing, 100 + song, song))
    assert is_near(drawn[1], GREEN) and is_near(drawn[2], RED)
    assert all(np.abs(drawn[song][:3] - GREY).max() < 12 for song in (0, 3))
    lights = [
        sum(
            drawing.evaluate("args => pixelOf('moment-lights', ...args)", [place, right])[3] > 0
            for right in range(30)
        )
        for place in MAP["places"]
    ]
    assert lights[1] > lights[2] + 4 > 8 and lights[0] == lights[3] == 0
    # Songs that do not match the filter are not lit; and all look as before without the moment.
    drawing.evaluate("light(null)")
    assert is_near(colour_at(drawing, 200, 0), RED)
    assert drawing.evaluate("document.getElementById('moment-lights').hidden")


def test_a_lost_context_gets_all_its_points_again(chromium, address):
    page = open_points(chromium, address, WITH_CARD, name="drawing")
    show(page)
    page.evaluate("choose([2])")
    colour_at(page, 0, 0)
    page.evaluate("lose()")
    page.wait_for_selector("#points-2d")
    assert is_near(colour_at(page, 100, 0), RED)
    assert has_ring(page)
    page.close()
