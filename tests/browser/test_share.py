"""Sharing what the page shows: a link, a picture of the map, and a print; in Chromium."""

import io

import av
import numpy as np
import pytest
from gestures import choose_in_header, click_song, visit, wait_until_drawn, wait_until_still
from pixels import picture

CAPTION_PX = 40
CARDS = ".header, .side, .map-tools, .panel, .player, .toasts"


def open_menu(page):
    page.locator("#share-open").click()
    page.wait_for_selector("#share-menu")


def saved_picture(page, tmp_path):
    """Save the picture; return its pixels at the page's density [shape=(height, width, 3)], and its name."""
    open_menu(page)
    with page.expect_download() as download:
        page.locator("#share-save").click()
    download.value.save_as(tmp_path / "map.png")
    with av.open(io.BytesIO((tmp_path / "map.png").read_bytes()), format="png_pipe") as file:
        pixels = next(file.decode(video=0)).to_ndarray(format="rgb24").astype(float)
    height, width = (2 * (side // 2) for side in pixels.shape[:2])
    halved = pixels[:height, :width].reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3))
    return halved, download.value.suggested_filename


def shown_map(page, size):
    """Return the part of the window that the picture must show [shape=(*size, 3)]."""
    area = page.evaluate("explorer.picture.visibleArea()")
    left, top = round(area["left"]), round(area["top"])
    return picture(page)[top : top + size[0], left : left + size[1]]


def similarity(one, other):
    """Return the correlation of two pictures' pixels, a little blurred: their edges have other samples."""
    blurred = []
    for image in (one, other):
        height, width = (4 * (side // 4) for side in image.shape[:2])
        blocks = image[:height, :width].reshape(height // 4, 4, width // 4, 4, 3)
        blurred.append(blocks.mean(axis=(1, 3)).ravel())
    return np.corrcoef(*blurred)[0, 1]


def assert_looks_like_the_page(page, tmp_path):
    drawn, name = saved_picture(page, tmp_path)
    page.evaluate("document.getElementById('toasts').replaceChildren()")
    drawn = drawn[: -CAPTION_PX - 1]
    shown = shown_map(page, drawn.shape[:2])
    assert shown.shape == drawn.shape
    assert similarity(drawn, shown) > 0.97
    assert np.abs(drawn - shown).mean() < 4
    return name


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_saved_picture_looks_like_the_page(site, open_page, tmp_path, theme):
    page = open_page(site[0], theme=theme)
    assert assert_looks_like_the_page(page, tmp_path) == "music-map-tsne-cluster.png"
    page.evaluate("explorer.update({ chosen: [1, 2, 3] })")
    choose_in_header(page, "Original")
    wait_until_drawn(page, f"original cluster {theme}")
    wait_until_still(page)
    # The lines from a song to its neighbours, too.
    page.evaluate("explorer.actions.select(10)")
    page.wait_for_function("() => explorer.state.lineEnds.length > 0")
    wait_until_still(page)
    assert assert_looks_like_the_page(page, tmp_path) == "music-map-original-cluster.png"


def test_a_picture_looks_like_a_page_whose_map_webgl_draws(site, open_page, tmp_path):
    page = open_page("about:blank", has_map=False)
    # The page takes the processor's WebGL for a graphics card.
    page.add_init_script(
        """const ask = WebGL2RenderingContext.prototype.getParameter;
        WebGL2RenderingContext.prototype.getParameter = function (name) {
            const value = ask.call(this, name);
            const isSoftware = typeof value === "string" && /swiftshader|software|llvmpipe/i.test(value);
            return isSoftware ? "A card" : value;
        };"""
    )
    visit(page, site[0])
    assert page.evaluate("explorer.state.hasWebgl")
    assert_looks_like_the_page(page, tmp_path)


def test_the_line_below_the_picture_says_what_it_shows(page):
    caption = page.evaluate("explorer.picture.captionOf(explorer.state.map.meta)")
    assert caption.startswith("Music Explorer · 24 songs")
    assert caption.endswith("t-SNE, coloured by cluster")


def test_a_link_is_copied(site, open_page):
    page = open_page(site[0])
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    click_song(page, 10)
    page.wait_for_function("() => location.search.includes('song=')")
    open_menu(page)
    page.locator("#share-link").click()
    page.get_by_text("The link was copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    assert page.locator("#share-menu").is_hidden()
    # As after each click with the mouse.
    assert page.evaluate("document.activeElement.id") == "map-frame"


def test_a_link_is_copied_without_the_browsers_clipboard(site, open_page):
    page = open_page("about:blank", has_map=False)
    # As on an address of the local network without HTTPS.
    page.add_init_script("Object.defineProperty(Navigator.prototype, 'clipboard', { get: () => undefined })")
    visit(page, site[0])
    page.evaluate("document.addEventListener('copy', () => (window.copied = getSelection().toString()))")
    page.evaluate("document.addEventListener('copy', () => (window.copied = document.activeElement.value))")
    open_menu(page)
    assert page.locator("#share-copy").is_hidden()
    page.locator("#share-link").click()
    page.get_by_text("The link was copied.").wait_for()
    assert page.evaluate("window.copied") == page.url


def test_a_picture_is_copied(site, open_page):
    page = open_page(site[0])
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_menu(page)
    page.locator("#share-copy").click()
    page.get_by_text("The picture was copied.").wait_for()
    types = "navigator.clipboard.read().then((items) => items.flatMap((item) => item.types))"
    assert page.evaluate(types) == ["image/png"]


def test_escape_and_a_click_elsewhere_close_only_the_menu(page):
    page.evaluate("explorer.update({ chosen: [1, 2] })")
    open_menu(page)
    page.keyboard.press("Escape")
    page.wait_for_selector("#share-menu", state="hidden")
    assert page.evaluate("explorer.state.chosen") == [1, 2]
    open_menu(page)
    page.mouse.click(640, 120)
    page.wait_for_selector("#share-menu", state="hidden")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_print_has_the_map_on_white_paper_and_no_controls(site, open_page, theme):
    page = open_page(site[0], theme=theme)
    page.evaluate("explorer.actions.select(10)")
    page.wait_for_selector(".neighbours .song-row")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    image = picture(page)
    # Most of the paper is white, and the map has coloured points.
    assert (image.min(axis=2) > 250).mean() > 0.8
    canvas = page.locator("#print-map canvas")
    box = canvas.bounding_box()
    assert box["width"] > 600
    x, y, width = (round(box[key]) for key in ("x", "y", "width"))
    drawn = image[y + 4 :, x + 4 : x + width - 4]
    assert ((drawn.max(axis=2) - drawn.min(axis=2)) > 60).sum() > 200
    for selector in (
        ".player",
        ".map-tools",
        ".header-buttons",
        ".search",
        "#map-frame",
        ".panel-actions",
        ".row-explore",
    ):
        assert not page.locator(selector).first.is_visible(), selector
    for selector in (".legend-name", "#panel-song .panel-title", ".neighbours .row-title"):
        assert page.locator(selector).first.is_visible(), selector
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.panel-title')).color") == "rgb(23, 26, 33)"
    )
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert canvas.count() == 0
