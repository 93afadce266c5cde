"""What a person does with the page, done in Chromium."""

import apsw
import pytest
from gestures import choose, click_song, pixel_of, text, wait_until_playing

from explorer.library.database import Database

FULL, WIDE, PHONE = (1280, 800), (1920, 1080), (390, 844)


def test_a_click_plays_the_song_and_a_second_click_restarts_it(site, open_page):
    page = open_page(site[0])
    click_song(page, 10)
    wait_until_playing(page, "010.flac")
    assert text(page, "#now-title") == "Waltz piece 10"
    assert text(page, "#now-by") == "Artist 1 · Waltz"
    assert text(page, "#duration") == "0:20"
    assert page.evaluate("audio.duration") == pytest.approx(20.0, abs=0.1)
    page.wait_for_function("audio.currentTime > 1.5")
    click_song(page, 10)
    page.wait_for_function("audio.currentTime < 1.0 && !audio.paused")
    wait_until_playing(page, "010.flac")
    click_song(page, 2)
    wait_until_playing(page, "002.flac")
    assert "Playing Techno piece 2 by Artist 0" in text(page, "#announcer")


def test_the_playing_song_is_marked_where_its_point_is(site, open_page):
    page = open_page(site[0])
    assert page.locator("#mark").is_hidden()
    click_song(page, 7)
    wait_until_playing(page, "007.flac")
    for projection in ("UMAP", "PCA"):
        mark = page.locator("#mark").bounding_box()
        assert (mark["x"], mark["y"]) == pytest.approx(pixel_of(page, 7), abs=1)
        choose(page, projection)
        page.wait_for_selector(f"#map-frame[data-drawn^='{projection.lower()}']")
    page.locator("#zoom-in").click()
    page.wait_for_timeout(500)
    mark = page.locator("#mark").bounding_box()
    assert (mark["x"], mark["y"]) == pytest.approx(pixel_of(page, 7), abs=1)
    assert page.locator("#mark").get_attribute("data-state") == "playing"


def test_hovering_shows_title_artist_and_genre(site, open_page):
    page = open_page(site[0])
    x, y = pixel_of(page, 12)
    page.mouse.move(x - 5, y)
    page.mouse.move(x, y)
    page.wait_for_selector("#tooltip:not([hidden])")
    assert text(page, "#tooltip").splitlines() == [
        "Waltz piece 12",
        "Artist 1 · Waltz",
        "8 of the 10 that sound most like it are near",
    ]
    page.mouse.move(640, 740)
    page.wait_for_selector("#tooltip", state="hidden")


def test_the_bar_pauses_seeks_and_sets_the_volume(site, open_page):
    page = open_page(site[0])
    click_song(page, 1)
    wait_until_playing(page, "001.flac")
    page.locator("#play").click()
    page.wait_for_function("audio.paused")
    page.wait_for_selector("#play[aria-label='Play (space)']")
    box = page.locator("#seek input").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)
    page.wait_for_function("Math.abs(audio.currentTime - 15) < 0.4")
    page.locator("#volume input").fill("40")
    assert page.evaluate("audio.volume") == pytest.approx(0.4)
    page.locator("#mute").click()
    assert page.evaluate("audio.muted")


def test_space_pauses_and_m_mutes_but_not_while_typing(site, open_page):
    page = open_page(site[0])
    click_song(page, 1)
    wait_until_playing(page, "001.flac")
    page.keyboard.press("Space")
    page.wait_for_function("audio.paused")
    page.keyboard.press("Space")
    page.wait_for_function("!audio.paused")
    page.keyboard.press("m")
    assert page.evaluate("audio.muted")
    page.keyboard.press("m")
    page.keyboard.press("/")
    page.keyboard.type("m m")
    assert page.locator("#search").input_value() == "m m"
    assert not page.evaluate("audio.muted || audio.paused")
    page.keyboard.press("Escape")
    choose(page, "PCA")
    page.keyboard.press("Space")
    page.wait_for_function("audio.paused")


def test_projection_and_colouring_can_be_switched(site, open_page):
    page = open_page(site[0])
    before = pixel_of(page, 4)
    choose(page, "UMAP")
    page.wait_for_selector("#map-frame[data-drawn='umap cluster dark']")
    assert pixel_of(page, 4) != pytest.approx(before, abs=5)
    choose(page, "Genre")
    page.wait_for_selector("#map-frame[data-drawn='umap genre dark']")
    assert "Genres" in text(page, "#legend")
    page.wait_for_selector("#clusters", state="hidden")
    choose(page, "Artist")
    page.wait_for_selector("#map-frame[data-drawn='umap artist dark']")
    assert [line for line in text(page, "#legend").splitlines() if "Artist " in line] == [
        f"Artist {n}" for n in range(3)
    ]


def test_the_number_of_clusters_can_be_changed(site, open_page):
    page = open_page(site[0])
    assert page.locator("#legend li").count() == 3
    page.locator("#clusters").fill("5")
    page.wait_for_function("document.querySelectorAll('#legend li').length === 5")
    names = page.locator("#legend .legend-name").all_inner_texts()
    assert len(set(names)) == 5


def test_a_search_offers_songs_and_flies_to_the_chosen_one(site, open_page):
    page = open_page(site[0], still=False)
    page.keyboard.press("/")
    page.keyboard.type("ete ind")
    page.wait_for_selector(".suggestion")
    assert text(page, ".suggestion").splitlines() == ["Été indien", "Artist 0"]
    page.keyboard.press("Enter")
    wait_until_playing(page, "005.flac")
    page.wait_for_timeout(900)
    free = page.evaluate("explorer.map.freeArea()")
    middle = ((free["left"] + free["right"]) / 2, (free["top"] + free["bottom"]) / 2)
    assert pixel_of(page, 5) == pytest.approx(middle, abs=3)
    assert page.locator("#search").input_value() == ""
    page.keyboard.press("/")
    page.keyboard.type("artist 2")
    page.wait_for_function("document.querySelectorAll('.suggestion').length === 9")
    page.keyboard.press("Escape")
    page.locator("#search").fill("zzzz")
    page.get_by_text("Nothing here is called that").wait_for()


def test_titles_are_text_everywhere(site, open_page):
    page = open_page(site[0])
    click_song(page, 3)
    wait_until_playing(page, "003.flac")
    title = "<img src=x onerror=window.hacked=1>"
    assert text(page, "#now-title") == title
    assert title in text(page, "#tooltip")
    assert title in page.title()
    page.locator("#search").fill("onerror")
    page.wait_for_selector(".suggestion")
    assert title in text(page, ".suggestion")
    assert page.evaluate("window.hacked") is None
    click_song(page, 20)
    wait_until_playing(page, "020.flac")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("width", "height"), [FULL, WIDE, PHONE])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_point_is_free_of_the_cards_at_every_size(site, open_page, width, height, theme):
    page = open_page(site[0], width=width, height=height, theme=theme)
    assert page.locator("html").get_attribute("data-mantine-color-scheme") == theme
    click_song(page, 6)
    wait_until_playing(page, "006.flac")
    cards = [page.locator(s).bounding_box() for s in (".header", ".player", ".zoom", ".legend", "#untrained")]
    for index in range(24):
        x, y = pixel_of(page, index)
        assert 0 < x < width
        for card in filter(None, cards[: 2 if width == 390 else 5]):
            inside = card["x"] < x < card["x"] + card["width"] and card["y"] < y < card["y"] + card["height"]
            assert not inside, (index, card)
    for selector in (".header", ".player"):
        card = page.locator(selector).bounding_box()
        assert card["x"] >= 0
        assert card["x"] + card["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_phone_has_every_control(site, open_page):
    page = open_page(site[0], width=390, height=844, touch=True)
    x, y = pixel_of(page, 14)
    page.touchscreen.tap(x, y)
    wait_until_playing(page, "014.flac")
    assert page.get_by_text("UMAP", exact=True).is_hidden()
    page.locator("#controls-toggle").tap()
    page.get_by_text("UMAP", exact=True).tap()
    page.wait_for_selector("#map-frame[data-drawn^='umap']")
    page.locator(".segments").get_by_text("Genre", exact=True).tap()
    page.wait_for_selector("#map-frame[data-drawn='umap genre dark']")
    page.wait_for_selector("#legend", state="visible")
    page.screenshot(path="tests/screenshots/phone-controls.png")
    page.locator("#controls-toggle").tap()
    page.wait_for_selector("#legend", state="hidden")
    page.locator("#search").tap()
    page.keyboard.type("waltz")
    page.wait_for_selector(".suggestion")


def test_the_theme_can_be_switched_and_is_remembered(site, open_page):
    page = open_page(site[0], theme="dark")
    page.locator("#theme-toggle").click()
    page.wait_for_selector("#map-frame[data-drawn$='light']")
    assert page.locator("html").get_attribute("data-mantine-color-scheme") == "light"
    page.reload()
    page.wait_for_selector("#map-frame[data-drawn$='light']")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(246, 245, 241)"


def test_the_map_pans_zooms_and_comes_back(site, open_page):
    page = open_page(site[0])
    page.wait_for_timeout(500)
    before = pixel_of(page, 0)
    page.mouse.move(700, 650)
    page.mouse.down()
    page.mouse.move(800, 600, steps=5)
    page.mouse.up()
    assert pixel_of(page, 0) == pytest.approx((before[0] + 100, before[1] - 50), abs=3)
    for _ in range(3):
        page.mouse.wheel(0, -400)
        page.wait_for_timeout(150)
    page.wait_for_function("explorer.map.view.scale < explorer.map.fittingView().scale * 0.9")
    choose(page, "Genre")
    page.wait_for_selector("#map-frame[data-drawn='tsne genre dark']")
    assert page.evaluate("explorer.map.view.scale < explorer.map.fittingView().scale * 0.9")
    page.locator("#zoom-fit").click()
    page.wait_for_timeout(1000)
    assert pixel_of(page, 0) == pytest.approx(before, abs=2)
    page.set_viewport_size({"width": 900, "height": 700})
    page.wait_for_timeout(500)
    assert all(0 < pixel_of(page, i)[0] < 900 for i in range(24))


def test_the_keyboards_focus_is_visible_on_every_control(site, open_page):
    page = open_page(site[0])
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        found = page.evaluate(
            """() => {
              const element = document.activeElement;
              const label = element.type === "radio" ? element.nextElementSibling : element;
              const style = getComputedStyle(label);
              const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
              const name = element.id || element.getAttribute("aria-label") || element.value;
              return [name, ring || element.matches("#search, #clusters")];
            }"""
        )
        seen.add(found[0])
        assert found[1] or found[0] in (None, ""), found
    assert {"search", "clusters", "theme-toggle", "zoom-in", "zoom-fit"} <= seen


def test_a_vanished_file_is_told_and_the_next_song_plays(site, open_page):
    url, music, _ = site
    (music / "022.flac").rename(music / "elsewhere")
    try:
        page = open_page(url)
        click_song(page, 22)
        page.wait_for_selector("#message:not(:empty)")
        assert "The file is missing: 022.flac" in text(page, "#message")
        assert page.locator("#player").get_attribute("data-state") == "error"
        page.screenshot(path="tests/screenshots/vanished.png")
        click_song(page, 21)
        wait_until_playing(page, "021.flac")
        assert page.locator("#message").is_hidden()
    finally:
        (music / "elsewhere").rename(music / "022.flac")


def test_an_unplayable_file_is_told(site, open_page):
    url, music, _ = site
    whole = (music / "023.flac").read_bytes()
    (music / "023.flac").write_bytes(b"nothing that plays" * 100)
    try:
        page = open_page(url)
        click_song(page, 23)
        page.wait_for_selector("#message:not(:empty)")
        assert "cannot play" in text(page, "#message")
    finally:
        (music / "023.flac").write_bytes(whole)


def test_a_library_that_is_busy_opens_when_it_is_free(site, open_page):
    url, _, database = site
    other = apsw.Connection(str(database))
    other.pragma("locking_mode", "exclusive")
    other.execute("BEGIN EXCLUSIVE; UPDATE state SET value = value")
    page = open_page(url, drawn=False)
    page.wait_for_selector("#notice")
    assert "The library is busy" in text(page, "#notice")
    page.screenshot(path="tests/screenshots/busy.png")
    other.execute("ROLLBACK")
    other.close()
    page.wait_for_selector("#map-frame[data-drawn]", timeout=20_000)
    assert page.locator("#notice").count() == 0


def test_songs_without_a_map_say_what_to_do(library, serve, open_page):
    with Database.open(library[0]) as database, database.transaction():
        database._rows("DELETE FROM projections")
    with serve(library[0]) as url:
        page = open_page(url, drawn=False)
        page.wait_for_selector("#notice")
        assert "python run.py map" in text(page, "#notice")


def test_an_empty_library_says_what_to_do(tmp_path, serve, open_page):
    with serve(tmp_path / "songs.db") as url:
        for width, height in (FULL, PHONE):
            page = open_page(url, width=width, height=height, drawn=False)
            page.wait_for_selector("#notice")
            assert "python run.py index FOLDER" in text(page, "#notice")
            assert page.locator(".player").is_hidden()
