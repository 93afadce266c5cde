"""Songs that are there twice, or whose files are missing, in Chromium."""

import shutil

import pytest
from axe_playwright_python.sync_playwright import Axe
from gestures import choose, click_song, drag, hover_song, pixel_of, text, wait_until_playing
from support import store_library

from explorer.audio.previews import preview
from explorer.config import Settings
from explorer.library.database import Database

SINCE = "2025-11-03T10:00:00+00:00"
GONE = ("004.flac", "012.flac")
HIDDEN = [4, 9, 12, 17]


@pytest.fixture(scope="module")
def changed(tmp_path_factory, serve):
    """A library in which 1, 9 and 17 have one sound, and 4 and 12 no file: (address, database).

    Of 12 a preview was kept.
    """
    folder = tmp_path_factory.mktemp("changed")
    path = folder / "songs.db"
    store_library(path, folder / "music", seconds=20.0)
    with Database.open(path) as database:
        with database.transaction():
            database._rows(
                "UPDATE files SET audio_fingerprint = 's' "
                "WHERE song_id IN ('001.flac', '009.flac', '017.flac')"
            )
        database.mark_gone(1, [name.encode() for name in GONE], since=SINCE)
        mark = database.file_of("012.flac").fingerprint
    preview(folder / "music" / "012.flac", cache=Settings(database=path).previews, key=mark, start_s=0.0)
    for name in GONE:
        (folder / "music" / name).unlink()
    with serve(path) as url:
        yield url, path


def open_filters(page):
    page.keyboard.press("f")
    page.wait_for_selector("#filters[data-ready]")


def hide(page, kind):
    page.get_by_role("switch", name=f"Hide {kind}").check(force=True)


def wait_for_hidden(page, songs):
    page.wait_for_function(
        "songs => explorer.map.meta && JSON.stringify([...Array(24).keys()]"
        ".filter((i) => explorer.map.isHidden(i))) === songs",
        arg="[" + ",".join(map(str, songs)) + "]",
    )


def test_switches_are_there_only_where_there_is_something_to_hide(site, changed, open_page):
    page = open_page(site[0])
    open_filters(page)
    assert page.get_by_role("switch", name="Hide").count() == 0
    other = open_page(changed[0])
    open_filters(other)
    assert other.get_by_role("switch", name="Hide duplicates (2)").is_visible()
    assert other.get_by_role("switch", name="Hide missing songs (2)").is_visible()


def test_hidden_songs_are_not_on_the_map_nor_found_by_pointer_lasso_or_keys(changed, open_page):
    page = open_page(changed[0])
    hover_song(page, 4)
    page.wait_for_function("explorer.overlays.hovered === 4")
    page.keyboard.press("l")
    corners = [(330, 100), (1180, 100), (1180, 690), (330, 690)]
    drag(page, *corners)
    page.wait_for_function("explorer.choosing.songs.length > 20")
    chosen = page.evaluate("explorer.choosing.songs")
    assert {4, 9, 17} <= set(chosen)
    open_filters(page)
    hide(page, "duplicates")
    hide(page, "missing")
    wait_for_hidden(page, HIDDEN)
    assert "20 of 24 songs · 4 hidden" in text(page, "#filter-state")
    assert page.locator("#holes").get_attribute("data-count") == "0"
    # They leave what was chosen before, and are not chosen again.
    left = [song for song in chosen if song not in HIDDEN]
    page.wait_for_function("n => explorer.choosing.songs.length === n", arg=len(left))
    assert page.evaluate("explorer.choosing.songs") == left
    page.evaluate("explorer.filters.toggle(false)")
    page.keyboard.press("b")
    drag(page, corners[0], corners[2])
    page.wait_for_function("n => explorer.choosing.songs.length === n", arg=len(left))
    for song in HIDDEN:
        found = page.evaluate("([x, y]) => explorer.pointer.within(x, y, 40)", list(pixel_of(page, song)))
        assert song not in [one["index"] for one in found]
    walked = page.evaluate(
        """() => [...Array(24).keys()].flatMap((i) =>
            Object.values(explorer.walk.DIRECTIONS).map((way) => explorer.walk.nearestTowards(i, way)))"""
    )
    assert not set(HIDDEN) & set(walked)


def test_what_is_hidden_is_remembered_for_every_view_and_let_go_with_the_filters(changed, open_page):
    page = open_page(changed[0])
    open_filters(page)
    hide(page, "missing")
    wait_for_hidden(page, [4, 12])
    page.wait_for_function("location.search.includes('hide=missing')")
    page.reload()
    page.wait_for_selector("#map-frame[data-drawn]")
    wait_for_hidden(page, [4, 12])
    choose(page, "Original")
    page.wait_for_selector("#map-frame[data-drawn^=original]")
    wait_for_hidden(page, [4, 12])
    open_filters(page)
    assert page.get_by_role("switch", name="Hide missing songs").is_checked()
    page.locator("#filter-clear").click()
    wait_for_hidden(page, [])
    assert not page.get_by_role("switch", name="Hide missing songs").is_checked()
    assert page.locator("#filter-state").is_hidden()


def test_neighbours_are_others_once_duplicates_are_hidden(changed, open_page):
    page = open_page(changed[0])
    click_song(page, 1)
    wait_until_playing(page, "001.flac")
    page.wait_for_selector("#panel .twins")
    open_filters(page)
    hide(page, "duplicates")
    hide(page, "missing")
    wait_for_hidden(page, HIDDEN)
    page.wait_for_function("explorer.overlays.neighbours.length === 10")
    page.wait_for_function(
        "hidden => explorer.walk.list.length === 11 && !explorer.walk.list.some((i) => hidden.includes(i))",
        arg=HIDDEN,
    )
    assert not page.evaluate("audio.paused")


def test_a_missing_song_is_a_ring_says_so_and_leaves_what_plays_alone(changed, open_page):
    page = open_page(changed[0])
    assert page.locator("#holes").get_attribute("data-count") == "2"
    assert text(page, ".legend-missing").split() == ["File", "missing", "2"]
    click_song(page, 2)
    wait_until_playing(page, "002.flac")
    hover_song(page, 4)
    page.wait_for_selector("#tooltip:not([hidden])")
    page.wait_for_function("document.getElementById('tooltip').innerText.includes('3 November 2025')")
    assert "File missing since 3 November 2025" in text(page, "#tooltip")
    click_song(page, 4)
    page.wait_for_selector("#panel .panel-missing")
    assert text(page, "#panel .panel-title") == "Techno piece 4"
    assert "There is nothing left to play." in text(page, "#panel .panel-missing")
    assert text(page, "#message") == (
        "The file of “Techno piece 4” has been missing since 3 November 2025: it cannot be played."
    )
    # Its neighbours are shown, and what played goes on, marked as before.
    page.wait_for_function("explorer.overlays.neighbours.length === 10")
    assert page.locator("#threads").get_attribute("data-count") == "10"
    at = page.evaluate("audio.currentTime")
    page.wait_for_function(
        "at => !audio.paused && audio.currentTime > at + 0.2 && audio.src.endsWith('002.flac')", arg=at
    )
    assert page.locator("#player").get_attribute("data-state") == "playing"
    assert page.locator("#mark").get_attribute("data-index") == "2"
    assert text(page, "#now-title") == "Techno piece 2"


def test_what_was_kept_of_a_missing_song_is_played_and_told(changed, open_page):
    page = open_page(changed[0])
    click_song(page, 12)
    page.wait_for_function(
        "audio.src.endsWith('preview/012.flac') && !audio.paused && audio.currentTime > 0.2"
    )
    assert text(page, "#message").endswith("2025: you hear the preview that was kept.")
    assert "Its preview was kept" in text(page, "#panel .panel-missing")


def test_walking_and_playing_a_list_pass_what_cannot_be_played(changed, open_page):
    page = open_page(changed[0])
    click_song(page, 2)
    wait_until_playing(page, "002.flac")
    page.wait_for_function("explorer.walk.list.length === 11")
    page.evaluate("explorer.walk.list = [2, 4, 3]")
    page.keyboard.press("n")
    wait_until_playing(page, "003.flac")
    page.keyboard.press("p")
    wait_until_playing(page, "002.flac")
    page.evaluate("explorer.choosing.songs = [4, 5, 4]; explorer.choosing.changed()")
    page.evaluate("explorer.choosing.playFrom(0)")
    wait_until_playing(page, "005.flac")
    assert page.evaluate("explorer.choosing.at") == 1
    page.evaluate("audio.currentTime = audio.duration - 0.2")
    page.wait_for_function("audio.paused && explorer.choosing.at === null")
    assert "cannot be played" in text(page, "#message")


def test_arrows_walk_on_from_a_missing_song(changed, open_page):
    page = open_page(changed[0])
    click_song(page, 2)
    wait_until_playing(page, "002.flac")
    click_song(page, 4)
    page.wait_for_selector("#panel .panel-missing")
    way = next(
        key
        for key in ("ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight")
        if page.evaluate("key => explorer.walk.nearestTowards(4, explorer.walk.DIRECTIONS[key])", key)
        is not None
    )
    expected = page.evaluate("key => explorer.walk.nearestTowards(4, explorer.walk.DIRECTIONS[key])", way)
    page.keyboard.press(way)
    page.wait_for_function("i => explorer.player.asked === i", arg=expected)


def test_a_duplicate_names_the_others_and_goes_to_them_by_keyboard(changed, open_page):
    page = open_page(changed[0])
    click_song(page, 9)
    wait_until_playing(page, "009.flac")
    page.wait_for_selector("#panel .twins")
    assert "2 other songs" in text(page, "#panel")
    twins = page.locator("#panel .twins .row-names")
    assert [row.splitlines() for row in twins.all_inner_texts()] == [
        ["Techno piece 1", "001.flac"],
        ["Ambient piece 17", "017.flac"],
    ]
    twins.nth(1).focus()
    page.keyboard.press("Enter")
    wait_until_playing(page, "017.flac")
    page.wait_for_function("document.querySelector('#panel .panel-title').textContent === 'Ambient piece 17'")


def test_a_hidden_song_that_is_gone_to_says_so_and_offers_a_way_back(changed, open_page):
    page = open_page(changed[0] + "?hide=duplicates")
    wait_for_hidden(page, [9, 17])
    click_song(page, 1)
    page.wait_for_selector("#panel .twins")
    page.locator("#panel .twins .row-names").first.click()
    wait_until_playing(page, "009.flac")
    page.get_by_role("button", name="Show hidden songs").click()
    wait_for_hidden(page, [])
    page.get_by_role("button", name="Show on the map").wait_for()


def test_a_page_hears_of_files_that_go_and_come_back(open_page, make_library, serve, tmp_path):
    path = tmp_path / "songs.db"
    make_library(path, tmp_path / "music")
    with serve(path) as url:
        page = open_page(url)
        assert page.locator(".legend-missing").count() == 0
        click_song(page, 6)
        page.wait_for_selector("#panel .panel-title")
        shutil.move(tmp_path / "music" / "006.flac", tmp_path / "away.flac")
        with Database.open(path) as database:
            database.mark_gone(1, [b"006.flac"], since=SINCE)
        page.evaluate("explorer.news.look()")
        page.wait_for_selector("#panel .panel-missing")
        page.wait_for_selector(".legend-missing")
        shutil.move(tmp_path / "away.flac", tmp_path / "music" / "006.flac")
        with Database.open(path) as database:
            database.mark_back(1, [b"006.flac"])
        page.evaluate("explorer.news.look()")
        page.wait_for_selector("#panel .panel-missing", state="detached")


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_serious(changed, open_page, theme, width):
    page = open_page(changed[0], theme=theme, width=width, touch=width < 500)
    page.evaluate("explorer.play(4)")
    page.wait_for_selector("#panel .panel-missing")
    assert serious(page) == []
    page.evaluate("explorer.play(1)")
    page.wait_for_selector("#panel .twins")
    page.evaluate("explorer.panel.shut()")
    page.locator("#filter-toggle").click()
    page.wait_for_selector("#filters[data-ready]")
    hide(page, "duplicates")
    wait_for_hidden(page, [9, 17])
    assert serious(page) == []


def serious(page):
    found = Axe().run(page).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]
