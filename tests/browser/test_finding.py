"""Search, filters and the legend in Chromium."""

from gestures import (
    choose_in_header,
    click_song,
    hover_song,
    open_filters,
    pixels_of,
    text,
    wait_for_map,
    wait_for_matching,
    wait_until_drawn,
    wait_until_playing,
    wait_until_still,
)
from pixels import colour_at, picture, saturation


def test_the_search_finds_songs_and_genres(page):
    page.keyboard.press("/")
    page.keyboard.type("artist 2")
    page.wait_for_function("() => document.querySelectorAll('.suggestion').length === 9")
    page.keyboard.press("Escape")
    page.locator("#search").fill("zzzz")
    page.locator(".mantine-Select-empty").wait_for()
    # A chosen genre becomes a filter, which stays on in every view. Nothing plays.
    page.locator("#search").fill("WALTZ")
    page.wait_for_selector(".suggestion-genre")
    assert text(page, ".suggestion-genre").splitlines() == ["Waltz", "Show this genre: 8 songs"]
    page.locator(".suggestion-genre").click()
    wait_for_matching(page, range(8, 16))
    page.wait_for_function(
        "() => document.getElementById('filter-state').innerText.includes('8 of 24 songs')"
    )
    assert page.evaluate("audio.paused")
    for view in ("UMAP", "PCA", "Original"):
        choose_in_header(page, view)
        page.wait_for_selector(f"#map-frame[data-drawn^='{view.lower()}']")
        wait_for_matching(page, range(8, 16))
    page.locator("#show-all").click()
    wait_for_matching(page, range(24))
    assert page.locator("#filter-state").is_hidden()


def test_filters_combine_and_clear_and_filtered_out_songs_turn_grey(page):
    places = page.evaluate("[...explorer.state.map.places]")
    image, pixels = picture(page), pixels_of(page, range(24))
    assert all(saturation(colour_at(image, place)) > 60 for place in pixels)
    open_filters(page)
    # This library has no duplicates and no missing songs to hide.
    assert page.get_by_role("switch", name="Hide").count() == 0
    for field, typed, name in (
        ("genres", "te", "Techno (8)"),
        ("genres", "am", "Ambient (8)"),
        ("artists", "artist 2", "Artist 2"),
    ):
        page.locator(f"#filter-{field}").click()
        page.keyboard.type(typed)
        page.get_by_role("option", name=name, exact=True).click()
    wait_for_matching(page, range(16, 24))
    # Filtered-out songs are grey, and still have a tooltip and can be played.
    assert page.evaluate("[...explorer.state.map.places]") == places
    grey = page.evaluate("explorer.state.map.meta.filtered_out")
    assert page.evaluate("explorer.songs.colourOf(3)") == grey
    # The first press closes the list, the second one the card.
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.wait_for_selector("#filters", state="hidden")
    wait_until_still(page)
    image = picture(page)
    for index, place in enumerate(pixels):
        colour = colour_at(image, place)
        assert saturation(colour) > 60 if index >= 16 else saturation(colour) < 40, index
    hover_song(page, 3)
    page.wait_for_selector("#tooltip:not([hidden])")
    click_song(page, 3)
    wait_until_playing(page, "003.flac")
    # If no song matches, a message says so, and the filter can be cleared.
    open_filters(page)
    page.locator("#filter-genres").click()
    page.keyboard.press("Backspace")
    page.wait_for_function("() => explorer.state.map.meta.lit === 0")
    assert "No songs match these filters" in text(page, "#filter-state")
    page.locator("#filter-clear").click()
    wait_for_matching(page, range(24))


def test_year_and_length_filters_exclude_other_songs_and_songs_without_a_year(page):
    open_filters(page)
    assert text(page, "#filter-years-note").startswith("12 songs")
    page.wait_for_selector("[role=slider][aria-label='Length: to'][aria-valuenow='21']", state="attached")
    page.get_by_role("slider", name="Length: from").focus()
    for _ in range(11):
        page.keyboard.press("ArrowRight")
    wait_for_matching(page, range(1, 24))
    page.get_by_role("slider", name="Year: to").focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    wait_for_matching(page, range(1, 8))
    page.wait_for_function(
        "() => location.search.includes('years=1970-1977') && location.search.includes('seconds=11')"
    )
    # The address contains both filters. When the filter card is opened after a reload, they do not change.
    page.reload()
    wait_for_map(page)
    wait_for_matching(page, range(1, 8))
    open_filters(page)
    page.wait_for_selector("[role=slider][aria-label='Year: to'][aria-valuenow='1977']", state="attached")
    page.wait_for_selector("[role=slider][aria-label='Length: from'][aria-valuenow='11']", state="attached")
    wait_for_matching(page, range(1, 8))


def test_a_click_on_the_legend_isolates_a_group_and_shift_adds_one(page):
    rows = page.locator("#legend [data-group]")
    rows.nth(0).click()
    wait_for_matching(page, range(8))
    assert rows.nth(0).get_attribute("aria-pressed") == "true"
    rows.nth(2).click(modifiers=["Shift"])
    wait_for_matching(page, [*range(8), *range(16, 24)])
    rows.nth(1).click()
    wait_for_matching(page, range(8, 16))
    rows.nth(1).click()
    wait_for_matching(page, range(24))
    choose_in_header(page, "Genre")
    wait_until_drawn(page, "tsne genre dark")
    rows.nth(0).focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => explorer.state.map.meta.lit === 8")
    choose_in_header(page, "Artist")
    # The filter stays: the legend of artists does not show what filters, but the chip does.
    page.wait_for_function(
        "() => explorer.state.map.meta.colouring === 'artist' && explorer.state.map.meta.lit === 8"
    )
