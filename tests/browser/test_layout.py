"""Every window size has room for everything, in Chromium."""

import pytest
from gestures import wait_until_playing, wait_until_still

PHONES = ((320, 480), (320, 640), (390, 844), (844, 390))
# 720 x 450 is a window of 1440 x 900 at 200 %.
DESKTOPS = ((720, 450), (1024, 768), (1280, 800), (1920, 1080), (3840, 2160))
CARDS = (
    ".header",
    ".player",
    ".tool-group",
    ".panel",
    ".legend",
    ".warning-chip",
    ".warning",
    ".trust-line",
    ".welcome",
    ".spectrogram",
    ".filter-state",
    # The controls within the cards at the top and at the bottom.
    ".brand",
    ".search",
    "#colouring-field",
    ".header-button",
    ".header .icon-button",
    ".player .icon-button",
    ".now",
    ".time",
    "#seek input",
    ".hear",
)
SEEN = """(selectors) => {
    const seen = [];
    for (const selector of selectors) {
        for (const element of document.querySelectorAll(selector)) {
            const { left, top, right, bottom, width, height } = element.getBoundingClientRect();
            const isSeen = element.checkVisibility({ visibilityProperty: true }) && width > 2 && height > 2;
            if (!isSeen || element.closest(".filters")) continue;
            seen.push({ element, name: element.id || selector, left, top, right, bottom });
        }
    }
    const problems = [];
    for (const [i, a] of seen.entries()) {
        if (a.left < 0 || a.top < 0 || a.right > innerWidth || a.bottom > innerHeight) {
            problems.push(`${a.name} leaves the window`);
        }
        for (const b of seen.slice(i + 1)) {
            if (a.element.contains(b.element) || b.element.contains(a.element)) continue;
            const isApart = a.right <= b.left + 1 || b.right <= a.left + 1 || a.bottom <= b.top + 1;
            if (!isApart && b.bottom > a.top + 1) problems.push(`${a.name} overlaps ${b.name}`);
        }
    }
    const free = explorer.camera.freeArea();
    for (const card of seen) {
        if (card.name === "filter-state") continue;
        const isApart = card.right <= free.left || card.left >= free.right || card.bottom <= free.top;
        if (!isApart && card.top < free.bottom) problems.push(`${card.name} covers the map`);
    }
    const [width, height] = [free.right - free.left, free.bottom - free.top];
    if (width < 200 || height < 90) problems.push(`the map has only ${width} x ${height}`);
    return problems;
}"""
HIDDEN_CONTROLS = """(ids) => ids.filter((id) => {
    const button = document.getElementById(id);
    const { left, top, width, height } = button.getBoundingClientRect();
    return !button.contains(document.elementFromPoint(left + width / 2, top + height / 2));
})"""
CONTROLS = (
    "tool-lasso",
    "tool-box",
    "zoom-in",
    "zoom-out",
    "zoom-fit",
    "map-menu-toggle",
    "filter-toggle",
    "play",
)


def hidden_controls(page):
    """Return the controls that are not seen. On a phone, two fingers zoom."""
    is_phone = page.viewport_size["width"] <= 640 and page.evaluate("matchMedia('(pointer: coarse)').matches")
    controls = [name for name in CONTROLS if not is_phone or name not in ("zoom-in", "zoom-out")]
    return page.evaluate(HIDDEN_CONTROLS, controls)


def expect_room(page, state):
    """Check the page in the window size that it has."""
    wait_until_still(page)
    assert page.evaluate(SEEN, CARDS) == [], state
    assert hidden_controls(page) == [], state
    expect_legend(page, state)


def expect_legend(page, state):
    """The rows of the legend are seen, or a button shows them."""
    row = page.locator("#legend [data-group]").first
    if has_button := row.is_hidden():
        page.locator("#legend-toggle").click()
    box = row.bounding_box()
    width, height = page.viewport_size["width"], page.viewport_size["height"]
    assert box["x"] >= 0, state
    assert box["y"] >= 0, state
    assert box["x"] + box["width"] <= width, state
    assert box["y"] + box["height"] <= height, state
    if has_button:
        page.locator("#legend-toggle").click()
        assert row.is_hidden(), state


@pytest.mark.parametrize(("sizes", "touch"), [(PHONES, True), (DESKTOPS, False)])
def test_nothing_overlaps_and_the_map_has_room_in_every_window(site, open_page, sizes, touch):
    width, height = sizes[0]
    page = open_page(site[0], width=width, height=height, touch=touch)
    page.evaluate("explorer.queue.setRepeat('one')")
    for plays in (False, True):
        if plays:
            page.evaluate("explorer.actions.play(14)")
            wait_until_playing(page, "014.flac")
            page.wait_for_selector("#panel .song-row", state="attached")
            # The second row of the legend.
            page.evaluate("document.querySelectorAll('#legend [data-group]')[1].click()")
            page.wait_for_selector("#filter-state:not([hidden])", state="attached")
        for width, height in sizes:
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_function("width => innerWidth === width", arg=width)
            for is_open in (True, False):
                page.evaluate(
                    "isOpen => isOpen ? explorer.panel.open() : explorer.panel.close({ byUser: true })",
                    is_open,
                )
                expect_room(page, (width, height, plays, is_open))


@pytest.mark.parametrize(("width", "height"), [(320, 480), (720, 450), (1280, 800)])
def test_the_menu_of_the_map_stays_in_the_window_and_closes(site, open_page, width, height):
    page = open_page(site[0], width=width, height=height)
    toggle, menu = page.locator("#map-menu-toggle"), page.locator("#map-menu")
    toggle.click()
    assert toggle.get_attribute("aria-expanded") == "true"
    # Its last part can be opened and reached.
    page.locator("#redraw summary").click()
    page.locator("#redraw-start").scroll_into_view_if_needed()
    for box in (menu.bounding_box(), page.locator("#redraw-start").bounding_box()):
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height
    page.keyboard.press("Escape")
    assert menu.is_hidden()
    assert page.evaluate("document.activeElement.id") == "map-menu-toggle"
    toggle.click()
    assert menu.is_visible()
    page.mouse.click(4, height / 2)
    assert menu.is_hidden()
    assert toggle.get_attribute("aria-expanded") == "false"
