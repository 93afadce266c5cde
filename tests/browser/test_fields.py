"""Fields with lists in Chromium: what they show, what screen readers hear, and the keys after the mouse."""

import pytest
from gestures import (
    choose_in_header,
    open_filters,
    open_map_menu,
    query_of,
    serious_findings,
    text,
    wait_for_matching,
    wait_until_drawn,
    wait_until_playing,
)


def described(page, field):
    """Wait until a field says that its list is open, and return the list's name and role."""
    page.wait_for_selector(f"#{field}[role=combobox][aria-expanded=true]")
    return page.evaluate(
        """id => {
            const list = document.getElementById(document.getElementById(id).getAttribute("aria-controls"));
            return [list.getAttribute("role"), list.getAttribute("aria-label")];
        }""",
        field,
    )


def test_the_artists_are_there_when_the_filter_opens(page):
    open_filters(page)
    page.locator("#filter-artists").click()
    page.get_by_role("option", name="Artist 1").wait_for()
    assert page.locator(".mantine-MultiSelect-empty >> visible=true").count() == 0
    page.keyboard.type("zz")
    page.get_by_text("No results for “zz”").wait_for()


@pytest.mark.parametrize(
    ("field", "name"),
    [("filter-genres", "Genres"), ("filter-clusters", "Clusters"), ("filter-artists", "Artists")],
)
def test_a_field_of_the_filter_is_a_combobox(page, field, name):
    open_filters(page)
    assert page.locator(f"#{field}").get_attribute("aria-expanded") == "false"
    page.locator(f"#{field}").click()
    assert described(page, field) == ["listbox", name]
    assert serious_findings(page) == []
    page.keyboard.press("Escape")
    page.wait_for_selector(f"#{field}[aria-expanded=false]")


def test_the_search_says_that_its_list_is_open_without_another_key(page):
    page.locator("#search").click()
    page.keyboard.insert_text("waltz")
    assert described(page, "search") == ["listbox", "Search results"]
    assert serious_findings(page) == []


def test_space_pauses_after_the_mouse_has_chosen_a_colouring(page):
    page.evaluate("explorer.actions.play(3)")
    wait_until_playing(page, "003.flac")
    page.locator("#colouring").click()
    described(page, "colouring")
    page.get_by_role("option", name="Genre", exact=True).click()
    wait_until_drawn(page, "tsne genre dark")
    page.keyboard.press("Space")
    page.wait_for_function("() => audio.paused")
    # With the keyboard, the field keeps the focus.
    page.locator("#colouring").focus()
    page.keyboard.press("Enter")
    described(page, "colouring")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    wait_until_drawn(page, "tsne artist dark")
    assert page.evaluate("document.activeElement.id") == "colouring"


def test_screen_readers_hear_how_many_songs_a_filter_leaves(page):
    main = page.get_by_role("main")
    assert main.get_attribute("aria-label") == "Map: all 24 songs"
    assert text(page, "#map-frame") is not None
    page.evaluate("explorer.filters.add('genre', 'Waltz')")
    page.wait_for_function("() => announcer.textContent === '8 of 24 songs'")
    assert main.get_attribute("aria-label") == "Map: 8 of 24 songs"
    page.get_by_role("button", name="Remove the filter genre: Waltz").click()
    page.wait_for_function("() => announcer.textContent === 'All 24 songs'")


def test_shift_and_enter_add_a_group_of_the_legend(page):
    choose_in_header(page, "Genre")
    wait_until_drawn(page, "tsne genre dark")
    rows = page.locator("#legend [data-group]")
    rows.nth(0).focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => explorer.state.map.meta.lit === 8")
    rows.nth(1).focus()
    page.keyboard.press("Shift+Enter")
    page.wait_for_function("() => explorer.state.map.meta.lit === 16")


def test_a_genre_that_the_library_does_not_have_leaves_the_filter_and_the_address(site, open_page):
    page = open_page(site[0] + "?genre=Nonsense&artist=Nobody")
    page.locator(".toast", has_text="The genre “Nonsense” is not in this library.").wait_for()
    page.locator(".toast", has_text="The artist “Nobody” is not in this library.").wait_for()
    wait_for_matching(page, range(24))
    page.wait_for_function("() => !location.search")


def test_the_number_of_clusters_is_one_that_can_be_drawn(site, open_page):
    page = open_page(site[0] + "?clusters=999")
    page.wait_for_function("() => explorer.state.map.meta.view.clusters === 24")
    assert query_of(page) == {"clusters": "24"}
    open_map_menu(page)
    field = page.locator("#clusters")
    assert field.input_value() == "24"
    field.fill("")
    page.wait_for_timeout(400)
    field.blur()
    page.wait_for_function("() => document.getElementById('clusters').value === '24'")
    field.fill("60")
    page.wait_for_timeout(400)
    assert query_of(page) == {"clusters": "24"}
    field.fill("2")
    page.wait_for_function("() => location.search === '?clusters=2'")


def test_a_narrow_window_has_a_short_placeholder(site, open_page):
    page = open_page(site[0], width=390)
    page.wait_for_function("() => document.getElementById('search').placeholder === 'Search songs'")
    name = "Search a title, artist, album or genre"
    assert page.locator("#search").get_attribute("aria-label") == name
    page.set_viewport_size({"width": 1280, "height": 800})
    page.wait_for_function("name => document.getElementById('search').placeholder === name", arg=name)
