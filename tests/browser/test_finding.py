"""Search, filters and the legend, in Chromium."""

from gestures import choose, click_song, hover_song, text, wait_until_playing

LIT = "() => [...Array(24).keys()].filter((i) => explorer.map.isLit(i))"


def wait_for_lit(page, songs):
    page.wait_for_function(
        "songs => JSON.stringify([...Array(24).keys()].filter((i) => explorer.map.isLit(i))) === songs",
        arg="[" + ",".join(map(str, songs)) + "]",
    )


def test_typing_a_genre_offers_it_as_a_filter(site, open_page):
    page = open_page(site[0])
    page.keyboard.press("/")
    page.keyboard.type("WALTZ")
    page.wait_for_selector(".suggestion-genre")
    assert text(page, ".suggestion-genre").splitlines() == ["Waltz", "Show this genre: 8 songs"]
    page.locator(".suggestion-genre").click()
    wait_for_lit(page, range(8, 16))
    assert "8 of 24 songs" in text(page, "#filter-state")
    assert page.evaluate("audio.currentSrc") == ""
    page.get_by_text("Show all").click()
    wait_for_lit(page, range(24))
    assert page.locator("#filter-state").is_hidden()


def test_filtered_songs_turn_grey_and_stay(site, open_page):
    page = open_page(site[0])
    places = page.evaluate("[...explorer.map.points.x]")
    page.locator("#filter-toggle").click()
    page.wait_for_selector("#filters[data-ready]")
    page.locator("#filter-artists").click()
    page.keyboard.type("artist 2")
    page.get_by_role("option", name="Artist 2").click()
    wait_for_lit(page, range(16, 24))
    assert page.evaluate("[...explorer.map.points.x]") == places
    grey = page.evaluate("explorer.map.meta.colours[explorer.map.meta.unlit]")
    assert page.evaluate("i => explorer.map.colourOf(i)", 3) == grey
    page.keyboard.press("Escape")
    hover_song(page, 3)
    page.wait_for_selector("#tooltip:not([hidden])")
    click_song(page, 3)
    wait_until_playing(page, "003.flac")


def test_kinds_of_filters_combine_and_clear(site, open_page):
    page = open_page(site[0])
    page.keyboard.press("f")
    page.wait_for_selector("#filters[data-ready]")
    for field, typed, name in (
        ("genres", "te", "Techno (8)"),
        ("genres", "am", "Ambient (8)"),
        ("artists", "2", "Artist 2"),
    ):
        page.locator(f"#filter-{field}").click()
        page.keyboard.type(typed)
        page.get_by_role("option", name=name, exact=True).click()
    wait_for_lit(page, range(16, 24))
    page.locator("#filter-genres").click()
    page.keyboard.press("Backspace")
    page.wait_for_function("explorer.map.meta.lit === 0")
    assert "No song is like that" in text(page, "#filter-state")
    page.locator("#filter-clear").click()
    wait_for_lit(page, range(24))


def test_songs_without_a_year_or_of_another_length_are_left_out(open_page, serve, tmp_path, make_library):
    from explorer.library.database import Database

    make_library(tmp_path / "songs.db", tmp_path / "music")
    with Database.open(tmp_path / "songs.db") as library:
        library._rows("UPDATE files SET duration_s = 20 * CAST(substr(song_id, 1, 3) AS INTEGER) + 20")
        library._rows(
            """UPDATE songs SET info = json_set(info, '$.year', '19' || (70 + substr(id, 1, 3)))
               WHERE id < '012'"""
        )
    with serve(tmp_path / "songs.db") as url:
        page = open_page(url)
        page.locator("#filter-toggle").click()
        page.wait_for_selector("#filters[data-ready]")
        assert text(page, "#filter-years-note") == "12 songs say no year"
        page.wait_for_selector(
            "[role=slider][aria-label='Length: to'][aria-valuenow='481']", state="attached"
        )
        thumb = page.get_by_role("slider", name="Length: from")
        thumb.focus()
        for _ in range(21):
            page.keyboard.press("ArrowRight")
        wait_for_lit(page, range(1, 24))
        page.get_by_role("slider", name="Year: to").focus()
        for _ in range(4):
            page.keyboard.press("ArrowLeft")
        wait_for_lit(page, range(1, 8))
        page.wait_for_function(
            "location.search.includes('years=1970-1977') && location.search.includes('seconds=21')"
        )
        page.reload()
        page.wait_for_selector("#map-frame[data-drawn]")
        wait_for_lit(page, range(1, 8))
        page.locator("#filter-toggle").click()
        page.wait_for_selector("#filters[data-ready]")
        page.wait_for_timeout(600)
        assert page.evaluate(LIT) == list(range(1, 8))


def test_the_legend_isolates_on_click_and_adds_with_shift(site, open_page):
    page = open_page(site[0])
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
    page.wait_for_selector("#map-frame[data-drawn='tsne genre dark']")
    rows.nth(0).focus()
    page.keyboard.press("Enter")
    page.wait_for_function("explorer.map.meta.lit === 8")
    choose(page, "Artist")
    page.wait_for_function("explorer.map.meta.colouring === 'artist' && explorer.map.meta.unlit === null")


def test_filters_hold_for_every_view(site, open_page):
    page = open_page(site[0])
    page.keyboard.press("/")
    page.keyboard.type("waltz")
    page.locator(".suggestion-genre").click()
    wait_for_lit(page, range(8, 16))
    for view in ("UMAP", "PCA", "Original"):
        choose(page, view)
        page.wait_for_selector(f"#map-frame[data-drawn^='{view.lower()}']")
        wait_for_lit(page, range(8, 16))
