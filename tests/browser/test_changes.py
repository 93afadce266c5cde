"""Songs that are there twice, or whose files are missing, in Chromium."""

import shutil

import pytest
from gestures import (
    choose,
    click_song,
    drag,
    hover_song,
    open_filters,
    pixel_of,
    serious_findings,
    text,
    wait_until_playing,
    wait_until_still,
)
from support import store_library

from explorer.audio.previews import preview
from explorer.config import Settings
from explorer.database.database import Database

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


def hide(page, kind):
    page.get_by_role("switch", name=f"Hide {kind}").check(force=True)


def wait_for_hidden(page, songs):
    page.wait_for_function(
        "songs => explorer.map.meta && JSON.stringify([...Array(24).keys()]"
        ".filter((i) => explorer.map.isHidden(i))) === songs",
        arg="[" + ",".join(map(str, songs)) + "]",
    )


@pytest.fixture
def page(changed, share_page):
    return share_page(changed[0])


def test_hidden_songs_are_not_on_the_map_nor_found_by_pointer_lasso_or_keys(page):
    open_filters(page)
    assert page.get_by_role("switch", name="Hide duplicates (2)").is_visible()
    assert page.get_by_role("switch", name="Hide missing songs (2)").is_visible()
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur(); explorer.filters.toggle(false)")
    # Before, they can be found and chosen.
    hover_song(page, 4)
    page.wait_for_function("explorer.overlays.hovered === 4")
    page.keyboard.press("l")
    corners = [(330, 100), (1180, 100), (1180, 690), (330, 690)]
    drag(page, *corners)
    page.wait_for_function("explorer.selection.songs.length > 20")
    chosen = page.evaluate("explorer.selection.songs")
    assert {4, 9, 17} <= set(chosen)
    open_filters(page)
    hide(page, "duplicates")
    hide(page, "missing")
    wait_for_hidden(page, HIDDEN)
    page.wait_for_function(
        "document.getElementById('filter-state').innerText.includes('20 of 24 songs · 4 hidden')"
    )
    page.wait_for_selector("#holes[data-count='0']", state="attached")
    # They leave what was chosen before, and are not chosen again.
    left = [song for song in chosen if song not in HIDDEN]
    page.wait_for_function("n => explorer.selection.songs.length === n", arg=len(left))
    assert page.evaluate("explorer.selection.songs") == left
    page.evaluate("explorer.filters.toggle(false); explorer.selection.clear()")
    page.keyboard.press("b")
    drag(page, corners[0], corners[2])
    page.wait_for_function("n => explorer.selection.songs.length === n", arg=len(left))
    for song in HIDDEN:
        found = page.evaluate("([x, y]) => explorer.pointer.within(x, y, 40)", list(pixel_of(page, song)))
        assert song not in [one["index"] for one in found]
    walked = page.evaluate(
        """() => [...Array(24).keys()].flatMap((i) => Object.values(explorer.walk.DIRECTIONS).map((way) =>
            explorer.walk.nearestTowards(explorer.map.points, i, way, (j) => explorer.map.isLit(j))))"""
    )
    assert not set(HIDDEN) & set(walked)


def test_what_is_hidden_is_remembered_for_every_view_and_let_go_with_the_filters(page):
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
    page.wait_for_selector("#filter-state", state="hidden")


def test_a_missing_song_is_a_ring_says_so_and_leaves_what_plays_alone(page):
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
    # The arrows walk on from it.
    towards = """() => Object.entries(explorer.walk.DIRECTIONS).map(([key, way]) =>
        [key, explorer.walk.nearestTowards(explorer.map.points, 4, way, (i) => explorer.map.isLit(i))])"""
    key, expected = next((key, index) for key, index in page.evaluate(towards) if index is not None)
    page.keyboard.press(key)
    page.wait_for_function("i => explorer.player.asked === i", arg=expected)
    # What was kept of another one is played, and told.
    click_song(page, 12)
    page.wait_for_function(
        "audio.src.endsWith('preview/012.flac') && !audio.paused && audio.currentTime > 0.2"
    )
    assert text(page, "#message").endswith("2025: you hear the preview that was kept.")
    page.wait_for_function(
        "document.querySelector('#panel .panel-missing')?.innerText.includes('Its preview was kept')"
    )


def test_walking_and_playing_a_list_pass_what_cannot_be_played(page):
    click_song(page, 2)
    wait_until_playing(page, "002.flac")
    page.wait_for_function("explorer.walk.list.length === 11")
    page.evaluate("explorer.walk.list = [2, 4, 3]")
    page.keyboard.press("n")
    wait_until_playing(page, "003.flac")
    page.keyboard.press("p")
    wait_until_playing(page, "002.flac")
    page.evaluate("explorer.selection.songs = [4, 5, 4]; explorer.selection.changed()")
    page.evaluate("explorer.selection.playFrom(0)")
    wait_until_playing(page, "005.flac")
    assert page.evaluate("explorer.selection.at") == 1
    page.evaluate("audio.currentTime = audio.duration - 0.2")
    page.wait_for_function("audio.paused && explorer.selection.at === null")
    assert "cannot be played" in text(page, "#message")


def test_a_duplicate_names_the_others_and_goes_to_them(page):
    click_song(page, 9)
    wait_until_playing(page, "009.flac")
    page.wait_for_selector("#panel .twins")
    assert "2 other songs" in text(page, "#panel")
    twins = page.locator("#panel .twins .row-names")
    assert [row.splitlines() for row in twins.all_inner_texts()] == [
        ["Techno piece 1", "001.flac"],
        ["Ambient piece 17", "017.flac"],
    ]
    # By keyboard.
    twins.nth(1).focus()
    page.keyboard.press("Enter")
    wait_until_playing(page, "017.flac")
    page.wait_for_function("document.querySelector('#panel .panel-title').textContent === 'Ambient piece 17'")
    # With duplicates hidden, neighbours are other songs; what plays goes on.
    page.evaluate("explorer.visit(1)")
    wait_until_playing(page, "001.flac")
    page.evaluate("document.activeElement.blur()")
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
    # One that is hidden can be gone to, says so, and offers a way back.
    page.evaluate("explorer.filters.toggle(false)")
    page.locator("#panel .twins .row-names").first.click()
    wait_until_playing(page, "009.flac")
    page.get_by_role("button", name="Show hidden songs").click()
    wait_for_hidden(page, [])
    page.get_by_role("button", name="Show on the map").wait_for()


def test_a_page_hears_of_files_that_go_and_come_back(page, changed):
    path = changed[1]
    file, away = path.parent / "music" / "006.flac", path.parent / "away.flac"
    assert text(page, ".legend-missing").split()[-1] == "2"
    click_song(page, 6)
    page.wait_for_function("document.querySelector('#panel .panel-title')?.textContent.includes('piece 6')")
    shutil.move(file, away)
    with Database.open(path) as database:
        database.mark_gone(1, [b"006.flac"], since=SINCE)
    page.evaluate("explorer.updates.look()")
    page.wait_for_selector("#panel .panel-missing")
    page.wait_for_function("document.querySelector('.legend-missing').innerText.trim().endsWith('3')")
    shutil.move(away, file)
    with Database.open(path) as database:
        database.unmark_gone(1, [b"006.flac"])
    page.evaluate("explorer.updates.look()")
    page.wait_for_selector("#panel .panel-missing", state="detached")


def test_axe_finds_nothing_serious_in_either_theme_at_any_width(changed, share_page):
    for width in (390, 1280):
        page = share_page(changed[0], width=width, touch=True) if width < 500 else share_page(changed[0])
        page.evaluate("explorer.play(4)")
        page.wait_for_selector("#panel .panel-missing")
        expect_nothing_serious(page)
        page.evaluate("explorer.play(1)")
        page.wait_for_selector("#panel .twins")
        page.evaluate("explorer.panel.shut()")
        page.locator("#filter-toggle").click()
        page.wait_for_selector("#filters[data-ready]")
        hide(page, "duplicates")
        wait_for_hidden(page, [9, 17])
        expect_nothing_serious(page)


def expect_nothing_serious(page):
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_selector(f"#map-frame[data-drawn$='{theme}']")
        wait_until_still(page)
        assert serious_findings(page) == [], theme
