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


IS_ON_TOP = """(element) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    return element.contains(document.elementFromPoint(left + width / 2, top + height / 2));
}"""


def box_of(page, selector):
    """Return the left, top, right and bottom edge of an element."""
    box = page.locator(selector).bounding_box()
    return box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]


def are_apart(a, b):
    return a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


@pytest.mark.parametrize(
    ("width", "height", "touch"),
    [(390, 844, True), (320, 480, True), (844, 390, True), (720, 450, False), (1280, 800, False)],
)
def test_the_end_of_the_filter_card_can_be_seen_and_it_covers_no_chips(
    site, share_page, width, height, touch
):
    page = share_page(site[0], width=width, height=height, touch=touch)
    page.evaluate("explorer.filters.add('genre', 'Techno')")
    page.wait_for_selector("#filter-state:not([hidden])", state="attached")
    page.locator("#filter-toggle").click()
    page.wait_for_selector("#filters[data-ready]")
    card = box_of(page, "#filters")
    assert card[3] <= box_of(page, "#player")[1]
    note = page.locator(".filters-note")
    note.scroll_into_view_if_needed()
    assert note.evaluate(IS_ON_TOP)
    if page.locator("#filter-state").is_visible():
        assert are_apart(card, box_of(page, "#filter-state"))
        assert page.locator("#show-all").evaluate(IS_ON_TOP)
    else:
        # On a phone the card has the count.
        assert page.locator("#filters-count").inner_text() == page.locator("#filter-count").text_content()


def test_the_welcome_is_beside_the_filter_card_and_near_the_first_tab_stop(site, open_page):
    page = open_page(site[0], is_first_visit=True)
    order = page.locator("#welcome-play, #zoom-in, #tab-song, #trust").evaluate_all(
        "all => all.map((e) => e.id)"
    )
    assert order[0] == "welcome-play"
    for width, height in ((1280, 800), (1120, 700), (720, 450)):
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("explorer.filters.toggle(true)")
        assert are_apart(box_of(page, "#filters"), box_of(page, "#welcome")), width


@pytest.mark.parametrize(
    ("width", "height", "touch"), [(844, 390, True), (720, 450, False), (320, 480, True)]
)
def test_cards_of_the_tools_cover_neither_header_nor_player(site, share_page, width, height, touch):
    page = share_page(site[0], width=width, height=height, touch=touch)
    for button, card in (("#legend-toggle", "#legend-card"), ("#share-open", "#share-menu")):
        page.locator(button).click()
        box = box_of(page, card)
        assert box[0] >= 0
        assert box[2] <= width
        assert are_apart(box, box_of(page, ".header")), card
        assert are_apart(box, box_of(page, ".player")), card
        assert are_apart(box, box_of(page, button)), card
        # At least three rows.
        assert box[3] - box[1] > 100, card
        page.locator(button).click()


@pytest.mark.parametrize("is_open", [True, False])
def test_filter_chips_in_a_low_window_are_one_row_that_scrolls(site, share_page, is_open):
    page = share_page(site[0], width=720, height=450)
    page.evaluate(f"explorer.panel.{'open' if is_open else 'close'}()")
    for kind, name in (
        ("genre", "Techno"),
        ("artist", "Artist 0"),
        ("artist", "Artist 1"),
        ("artist", "Artist 2"),
    ):
        page.evaluate("([kind, name]) => explorer.filters.add(kind, name)", [kind, name])
        page.locator(".filter-chip", has_text=name).wait_for()
    tops = page.locator(".filter-chip").evaluate_all("all => all.map((e) => e.getBoundingClientRect().top)")
    assert len(set(tops)) == 1
    assert page.locator("#filter-chips").evaluate("e => e.clientWidth > 150")
    if is_open:
        assert page.locator("#filter-chips").evaluate("e => e.scrollWidth > e.clientWidth")
    last = page.locator(".filter-chip").last
    last.scroll_into_view_if_needed()
    assert last.evaluate(IS_ON_TOP)


def test_titles_in_the_selection_have_room_on_a_phone_on_its_side(site, share_page):
    page = share_page(site[0], width=844, height=390, touch=True)
    page.evaluate("explorer.selection_store.setSongs([3, 5, 20], { kind: 'added', count: 3 })")
    page.evaluate("explorer.actions.play(5)")
    page.evaluate("explorer.panel.open(); explorer.panel.showTab('choice')")
    page.wait_for_selector("#choice-list .playing")
    for names in page.locator("#choice-list .row-names").all():
        assert names.bounding_box()["width"] > 110
    # The row that plays has all buttons.
    assert page.locator("#choice-list .playing .row-tool:visible").count() == 4
    assert page.locator("#choice-list .song-row:not(.playing) .row-tool:visible").count() == 4


def test_the_row_that_plays_has_one_bar(site, share_page):
    page = share_page(site[0])
    page.evaluate("explorer.actions.play(14)")
    page.locator("#panel .neighbours .row-main").first.click()
    row = page.locator("#panel .neighbours .song-row.playing")
    row.wait_for()
    assert row.evaluate("row => getComputedStyle(row).boxShadow") == "none"
    assert row.evaluate("row => getComputedStyle(row, '::before').width") == "3px"


def test_the_length_filter_shows_the_range_of_all_songs(page):
    page.locator("#filter-toggle").click()
    page.wait_for_selector("#filters[data-ready]")
    assert page.locator("#filter-duration-field .range-value").inner_text().strip() == "0:00 – 0:21"
    assert page.locator("#filter-years-field .range-value").inner_text().strip() == "1970 – 1981"
