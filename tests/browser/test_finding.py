"""Search, filters and the legend, in Chromium."""

from gestures import (
    choose,
    click_song,
    hover_song,
    open_filters,
    text,
    wait_for_lit,
    wait_until_drawn,
    wait_until_playing,
)


def test_a_search_offers_songs_and_genres(page):
    page.keyboard.press("/")
    page.keyboard.type("artist 2")
    page.wait_for_function("document.querySelectorAll('.suggestion').length === 9")
    page.keyboard.press("Escape")
    page.locator("#search").fill("zzzz")
    page.get_by_text("Nothing here is called that").wait_for()
    # A genre is a filter, which holds in every view and plays nothing.
    page.locator("#search").fill("WALTZ")
    page.wait_for_selector(".suggestion-genre")
    assert text(page, ".suggestion-genre").splitlines() == ["Waltz", "Show this genre: 8 songs"]
    page.locator(".suggestion-genre").click()
    wait_for_lit(page, range(8, 16))
    assert "8 of 24 songs" in text(page, "#filter-state")
    assert page.evaluate("audio.paused")
    for view in ("UMAP", "PCA", "Original"):
        choose(page, view)
        page.wait_for_selector(f"#map-frame[data-drawn^='{view.lower()}']")
        wait_for_lit(page, range(8, 16))
    page.get_by_text("Show all").click()
    wait_for_lit(page, range(24))
    assert page.locator("#filter-state").is_hidden()


def test_filters_combine_and_clear_and_filtered_songs_turn_grey_but_stay(page):
    places = page.evaluate("[...explorer.map.points.x]")
    open_filters(page)
    # There is nothing to hide in this library.
    assert page.get_by_role("switch", name="Hide").count() == 0
    for field, typed, name in (
        ("genres", "te", "Techno (8)"),
        ("genres", "am", "Ambient (8)"),
        ("artists", "artist 2", "Artist 2"),
    ):
        page.locator(f"#filter-{field}").click()
        page.keyboard.type(typed)
        page.get_by_role("option", name=name, exact=True).click()
    wait_for_lit(page, range(16, 24))
    # Songs that are filtered out are grey, and can still be looked at and played.
    assert page.evaluate("[...explorer.map.points.x]") == places
    grey = page.evaluate("explorer.map.meta.colours[explorer.map.meta.unlit]")
    assert page.evaluate("i => explorer.map.colourOf(i)", 3) == grey
    page.keyboard.press("Escape")
    hover_song(page, 3)
    page.wait_for_selector("#tooltip:not([hidden])")
    click_song(page, 3)
    wait_until_playing(page, "003.flac")
    # A filter that nothing passes says so, and can be cleared.
    open_filters(page)
    page.locator("#filter-genres").click()
    page.keyboard.press("Backspace")
    page.wait_for_function("explorer.map.meta.lit === 0")
    assert "No song is like that" in text(page, "#filter-state")
    page.locator("#filter-clear").click()
    wait_for_lit(page, range(24))


def test_songs_without_a_year_or_of_another_length_are_left_out(page):
    open_filters(page)
    assert text(page, "#filter-years-note") == "12 songs say no year"
    page.wait_for_selector("[role=slider][aria-label='Length: to'][aria-valuenow='21']", state="attached")
    page.get_by_role("slider", name="Length: from").focus()
    for _ in range(11):
        page.keyboard.press("ArrowRight")
    wait_for_lit(page, range(1, 24))
    page.get_by_role("slider", name="Year: to").focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    wait_for_lit(page, range(1, 8))
    page.wait_for_function(
        "location.search.includes('years=1970-1977') && location.search.includes('seconds=11')"
    )
    # The address keeps them; opening the filters does not change them.
    page.reload()
    page.wait_for_selector("#map-frame[data-drawn]")
    wait_for_lit(page, range(1, 8))
    open_filters(page)
    page.wait_for_selector("[role=slider][aria-label='Year: to'][aria-valuenow='1977']", state="attached")
    page.wait_for_selector("[role=slider][aria-label='Length: from'][aria-valuenow='11']", state="attached")
    wait_for_lit(page, range(1, 8))


def test_the_legend_isolates_on_click_and_adds_with_shift(page):
    rows = page.locator("#legend [data-group]")
    rows.nth(0).click()
    wait_for_lit(page, range(8))
    assert rows.nth(0).get_attribute("aria-pressed") == "true"
    rows.nth(2).click(modifiers=["Shift"])
    wait_for_lit(page, [*range(8), *range(16, 24)])
    rows.nth(1).click()
    wait_for_lit(page, range(8, 16))
    rows.nth(1).click()
    wait_for_lit(page, range(24))
    choose(page, "Genre")
    wait_until_drawn(page, "tsne genre dark")
    rows.nth(0).focus()
    page.keyboard.press("Enter")
    page.wait_for_function("explorer.map.meta.lit === 8")
    choose(page, "Artist")
    page.wait_for_function("explorer.map.meta.colouring === 'artist' && explorer.map.meta.unlit === null")
