"""The keyboard's focus, Escape, the search as a combobox, skip links and landmarks, in Chromium."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from gestures import (
    choose_in_header,
    click_song,
    drag,
    open_filters,
    text,
    wait_for_matching,
    wait_until_drawn,
    wait_until_playing,
    wait_until_still,
)

FOCUS = """() => {
    const { id, className, dataset } = document.activeElement;
    return id || dataset.group || className || document.activeElement.tagName;
}"""
CALLBACKS = "**/_dash-update-component*"


def focus(page):
    """Return what has the focus: its id, else its group, else its class, else its tag."""
    return page.evaluate(FOCUS)


def wait_for_focus(page, selector):
    page.wait_for_function(
        "selector => document.activeElement.matches(selector)", arg=selector, timeout=10_000
    )


def is_paused(page):
    return page.evaluate("audio.paused")


def press_in_turn(page, *keys):
    for key in keys:
        page.keyboard.press(key)


# The search


def test_enter_opens_the_first_result_of_the_search_and_no_option_of_another_list(page):
    # The lists of the filters stay in the page after they were opened once.
    open_filters(page)
    page.locator("#filter-genres").click()
    page.get_by_role("option", name="Techno (8)").wait_for()
    press_in_turn(page, "Escape", "Escape")
    page.wait_for_selector("#filters", state="hidden")
    page.keyboard.press("/")
    page.keyboard.type("piece 12")
    page.keyboard.press("Enter")
    wait_until_playing(page, "012.flac")
    assert not page.evaluate("explorer.state.map.meta.is_filtered")
    assert page.locator("#search").input_value() == ""
    assert focus(page) == "map-frame"


def test_enter_opens_the_result_that_the_arrow_keys_have_chosen(page):
    page.keyboard.press("/")
    page.keyboard.type("waltz piece")
    page.wait_for_function("() => document.querySelectorAll('.suggestion').length === 8")
    press_in_turn(page, "ArrowDown", "ArrowDown")
    second = page.locator("[role=option][aria-selected=true] .suggestion-title").inner_text()
    page.keyboard.press("Enter")
    page.wait_for_function("title => document.getElementById('now-title').textContent === title", arg=second)


def test_the_search_says_that_there_is_nothing_only_after_the_answer(page):
    waiting = []
    page.route(CALLBACKS, lambda route: waiting.append(route))
    page.locator("#search").fill("zzzz")
    page.wait_for_selector(".mantine-Select-empty:has-text('Searching')")
    page.evaluate("explorer.update({ serverAnswers: false })")
    page.wait_for_selector(".mantine-Select-empty:has-text('The server does not answer')")
    page.evaluate("explorer.update({ serverAnswers: true })")
    page.wait_for_selector(".mantine-Select-empty:has-text('Searching')")
    for route in waiting:
        route.continue_()
    page.unroute(CALLBACKS)
    page.wait_for_selector(".mantine-Select-empty:has-text('No results for “zzzz”')")
    page.wait_for_function("() => announcer.textContent.includes('No results')")


def test_the_search_asks_again_when_the_server_is_back_and_enter_still_counts(page):
    page.route(CALLBACKS, lambda route: route.abort())
    page.locator("#search").fill("waltz")
    page.wait_for_selector(".mantine-Select-empty:has-text('Searching')")
    page.keyboard.press("Enter")
    page.unroute(CALLBACKS)
    page.evaluate("explorer.update({ serverAnswers: false })")
    page.evaluate("explorer.update({ serverAnswers: true })")
    wait_for_matching(page, range(8, 16))


def test_the_search_is_a_combobox_to_a_screen_reader(page):
    field = page.get_by_role("combobox", name="Search")
    assert field.get_attribute("aria-expanded") == "false"
    field.fill("waltz")
    page.wait_for_selector("#search[aria-expanded=true]")
    page.get_by_role("listbox", name="Search results").wait_for()
    assert page.evaluate(
        """() => {
            const list = document.getElementById(search.getAttribute("aria-controls"));
            return [list.getAttribute("role"), list.querySelectorAll("[role=option]").length];
        }"""
    ) == ["listbox", 9]
    page.wait_for_function("() => announcer.textContent.startsWith('9 results')")
    page.keyboard.press("ArrowDown")
    chosen = "document.getElementById(search.getAttribute('aria-activedescendant')).textContent"
    assert page.evaluate(chosen).startswith("Waltz")
    page.keyboard.press("Escape")
    page.wait_for_selector("#search[aria-expanded=false]")
    # Nothing is highlighted in the results for another text: Enter opens the first of them.
    field.fill("piece 21")
    page.wait_for_selector("#search[aria-expanded=true]:not([aria-activedescendant])")
    page.keyboard.press("Enter")
    wait_until_playing(page, "021.flac")


# Space and the arrow keys after a click with the mouse


def click_on_slider(page, selector, share):
    box = page.locator(f"{selector} input").bounding_box()
    page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)


CLICKS = {
    "waveform": lambda page: click_on_slider(page, "#seek", 0.2),
    "volume": lambda page: click_on_slider(page, "#volume", 0.5),
    "repeat": lambda page: page.locator("#repeat").click(),
    "view": lambda page: (choose_in_header(page, "UMAP"), wait_until_drawn(page, "umap cluster dark")),
    "legend": lambda page: (
        page.locator("#legend [data-group]").first.click(),
        page.wait_for_function("() => explorer.state.map.meta.lit === 8"),
    ),
    "theme": lambda page: (
        page.locator("#theme-toggle").click(),
        page.wait_for_selector("#map-frame[data-drawn$='light']"),
    ),
    "switch": lambda page: page.locator("#hear").click(),
    "tab": lambda page: page.locator("#tab-choice").click(),
    "keys": lambda page: (page.locator("#help-open").click(), page.locator("#keys-close").click()),
}


def test_space_pauses_after_a_click_on_any_control(page):
    click_song(page, 9)
    wait_until_playing(page, "009.flac")
    for name, click in CLICKS.items():
        click(page)
        page.wait_for_function("() => document.activeElement.id === 'map-frame'")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "none", name
        page.keyboard.press("Space")
        assert is_paused(page), name
        page.keyboard.press("Space")
        page.wait_for_function("() => !audio.paused")
    page.locator("#theme-toggle").click()
    page.locator("#next").click()
    page.wait_for_function("() => explorer.state.playing !== 9 && !audio.paused")
    page.keyboard.press("Space")
    assert is_paused(page)
    before = page.evaluate("explorer.state.playing")
    for key in ("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
    page.wait_for_function("before => explorer.state.playing !== before", arg=before)


def test_fields_and_the_keyboards_focus_keep_space_and_the_arrows(page):
    click_song(page, 9)
    wait_until_playing(page, "009.flac")
    page.locator("#search").click()
    page.keyboard.type("waltz piece")
    assert page.locator("#search").input_value() == "waltz piece"
    press_in_turn(page, "Escape", "Escape")
    wait_for_focus(page, "#map-frame")
    # A button that the keyboard has reached is pressed by Space, and keeps the focus.
    page.locator("#repeat").focus()
    page.keyboard.press("Space")
    assert page.evaluate("explorer.state.repeat") != "off"
    assert focus(page) == "repeat"
    assert not is_paused(page)
    page.locator("#volume input").focus()
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("explorer.state.volume") == pytest.approx(0.99)


# The focus does not get lost


def test_the_focus_stays_on_a_row_of_the_legend_and_comes_back_to_the_map(page):
    rows = page.locator("#legend [data-group]")
    name = rows.nth(1).get_attribute("data-group")
    rows.nth(1).focus()
    for lit in (8, 24, 8):
        page.keyboard.press("Enter")
        page.wait_for_function("lit => explorer.state.map.meta.lit === lit", arg=lit)
        wait_until_still(page)
        wait_for_focus(page, f"#legend [data-group='{name}']")
    # "Show all" goes away together with its line.
    page.locator("#filter-state button").first.wait_for()
    page.locator("#filter-state").get_by_role("button", name="Show all").focus()
    page.keyboard.press("Enter")
    wait_for_matching(page, range(24))
    wait_for_focus(page, "#filter-toggle")


def test_the_focus_stays_in_the_panel_after_enter_on_a_neighbour(page):
    click_song(page, 10)
    page.wait_for_selector("#panel-song .song-row")
    for _ in range(2):
        title = text(page, "#panel-song .panel-title")
        page.locator("#panel-song .row-explore").nth(2).focus()
        page.keyboard.press("Enter")
        page.wait_for_function(
            "title => document.querySelector('#panel-song .panel-title').textContent !== title", arg=title
        )
        page.wait_for_selector("#panel-song .song-row")
        wait_for_focus(page, "#panel-song *")


def test_the_focus_goes_to_the_next_row_when_rows_are_removed(page):
    page.evaluate("explorer.selection.choose([3, 4, 5], { adds: false })")
    page.locator("#choice-list [data-index='4'] .icon-close").locator("..").focus()
    page.keyboard.press("Enter")
    wait_for_focus(page, "#choice-list [data-index='5'] button:has(.icon-close)")
    page.keyboard.press("Enter")
    wait_for_focus(page, "#choice-list [data-index='3'] button:has(.icon-close)")
    page.keyboard.press("Enter")
    page.wait_for_selector("#choice-empty")
    wait_for_focus(page, "#panel *")


def test_closing_something_gives_the_focus_to_what_opens_it(page):
    page.locator("#panel-close").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#panel", state="hidden")
    wait_for_focus(page, "#panel-open")
    page.keyboard.press("Enter")
    page.wait_for_selector("#panel")
    open_filters(page)
    page.keyboard.press("Escape")
    page.wait_for_selector("#filters", state="hidden")
    wait_for_focus(page, "#filter-toggle")
    page.locator("#help-open").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#keys[open]")
    page.keyboard.press("Escape")
    wait_for_focus(page, "#help-open")


# Escape


def test_escape_closes_one_thing_at_a_time_and_destroys_nothing(page):
    page.evaluate("explorer.selection.choose([3, 4, 5], { adds: false })")
    page.locator("#legend [data-group]").nth(1).click()
    page.wait_for_function("() => explorer.state.map.meta.lit === 8")
    click_song(page, 10)
    wait_until_playing(page, "010.flac")
    page.keyboard.press("s")
    page.wait_for_selector("#spectrogram:not([hidden])")
    page.keyboard.press("l")
    open_filters(page)
    page.locator("#filter-genres").click()
    page.get_by_role("option", name="Techno (8)").wait_for()
    opened = "[document.querySelector('#filter-genres[data-expanded]') !== null, !filters.hidden,"
    opened += " explorer.state.tool !== null, explorer.state.isSpectrogramOpen]"
    for left in (4, 3, 2, 1, 0, 0, 0):
        assert sum(page.evaluate(opened)) == left
        page.keyboard.press("Escape")
    state = page.evaluate("[explorer.state.chosen, explorer.state.selected, explorer.state.map.meta.lit]")
    assert state == [[3, 4, 5], 10, 8]
    assert page.locator("#panel").is_visible()


def test_escape_closes_the_panel_of_a_narrow_window(site, share_page):
    page = share_page(site[0], width=900, height=700)
    click_song(page, 10)
    page.wait_for_selector("#panel .song-row")
    page.keyboard.press("Escape")
    page.wait_for_selector("#panel", state="hidden")
    assert page.evaluate("explorer.state.selected") == 10


# Skip links, landmarks and names


def test_skip_links_are_the_first_tab_stops(site, open_page):
    page = open_page(site[0])
    address = page.url
    for presses, label, target in ((1, "map", "map-frame"), (2, "player", "play"), (3, "song", "tab-song")):
        page.evaluate("document.getElementById('skip-links').querySelector('a').focus()")
        for _ in range(presses - 1):
            page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == f"Skip to the {label}"
        assert page.evaluate("document.elementFromPoint(40, 30) === document.activeElement")
        page.keyboard.press("Enter")
        assert focus(page) == target
    assert page.url == address
    page.reload()
    page.wait_for_selector("#map-frame[data-drawn]")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the map"


STATES = {
    "plain": lambda page: None,
    "playing": lambda page: (click_song(page, 4), wait_until_playing(page, "004.flac")),
    "searching": lambda page: (page.locator("#search").fill("waltz"), page.wait_for_selector(".suggestion")),
    "filters": lambda page: (press_in_turn(page, "Escape", "Escape"), open_filters(page)),
    "keys": lambda page: press_in_turn(page, "Escape", "?"),
    "spectrogram": lambda page: (
        press_in_turn(page, "Escape", "s"),
        page.wait_for_selector("#spectrogram:not([hidden])"),
    ),
    "selection": lambda page: (
        page.keyboard.press("Escape"),
        page.locator("#tool-box").click(),
        drag(page, (300, 120), (880, 640)),
        page.wait_for_selector("#choice-list .song-row"),
    ),
    "nothing found": lambda page: (
        page.locator("#search").fill("zzzz"),
        page.wait_for_selector(".mantine-Select-empty"),
    ),
}


def findings(page):
    """Return the accessibility problems that axe-core calls moderate or worse: (rule, places)."""
    return [
        (violation["id"], [(node["target"], node["failureSummary"][:300]) for node in violation["nodes"][:4]])
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] != "minor"
    ]


def test_axe_finds_no_moderate_problem_in_any_state(page):
    found = {}
    for state, reach in STATES.items():
        reach(page)
        wait_until_still(page)
        found[state] = findings(page)
    assert not any(found.values()), found


def test_the_page_has_landmarks_with_names(page):
    for role, name in (
        ("banner", None),
        ("main", "Map"),
        ("complementary", "Legend"),
        ("complementary", "Songs"),
        ("contentinfo", "Player"),
        ("region", "Map tools"),
    ):
        assert page.get_by_role(role, **({"name": name} if name else {})).count() == 1, (role, name)


def test_each_picture_has_a_name_or_is_hidden_from_screen_readers(page):
    click_song(page, 4)
    page.wait_for_selector(".cover img")
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("img, svg, canvas, [role=img]")]
            .filter((each) => each.checkVisibility() && !each.closest("[aria-hidden=true]"))
            .filter((each) => !each.getAttribute("aria-label") && each.getAttribute("alt") === null)
            .map((each) => each.outerHTML.slice(0, 100))"""
    )
    assert nameless == []


def test_the_list_of_keys_is_grouped(page):
    page.keyboard.press("?")
    groups = page.locator("#keys h3").all_inner_texts()
    assert len(groups) == 4
    assert page.locator("#keys dt").count() >= 14
