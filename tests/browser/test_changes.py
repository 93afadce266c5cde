"""Duplicate songs, and songs whose files are missing, in Chromium."""

import shutil

import numpy as np
import pytest
from gestures import (
    choose_in_header,
    click_song,
    drag,
    hover_song,
    open_filters,
    pixel_of,
    pixels_of,
    serious_findings,
    text,
    wait_for_map,
    wait_until_playing,
    wait_until_still,
)
from pixels import circle_at, colour_at, distance, ground, picture
from support import store_library

from explorer.audio.playable import previews_in
from explorer.audio.previews import write_preview
from explorer.config import Settings
from explorer.database.database import Database

SINCE = "2025-11-03T10:00:00+00:00"
MISSING = ("004.flac", "012.flac")
HIDDEN = [4, 9, 12, 17]


@pytest.fixture(scope="module")
def changed(tmp_path_factory, serve):
    """A served library: (address, database).

    Songs 1, 9 and 17 have the same sound. The files of 4 and 12 are missing; 12 still has a preview.
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
        database.mark_gone(1, [name.encode() for name in MISSING], since=SINCE)
        fingerprint = database.file_of("012.flac").fingerprint
    cache = Settings(database=path).previews
    with previews_in(cache).writing(fingerprint) as part:
        write_preview(folder / "music" / "012.flac", part, start_s=0.0)
    for name in MISSING:
        (folder / "music" / name).unlink()
    with serve(path) as url:
        yield url, path


def hide(page, kind):
    """Turn on the switch that hides "duplicates" or "missing" songs."""
    page.get_by_role("switch", name=f"Hide {kind}").check(force=True)


def wait_for_hidden(page, songs):
    """Wait until exactly these of the 24 songs are hidden."""
    page.wait_for_function(
        """expected => {
            const { state, songs } = explorer;
            return state.map && [...Array(24).keys()].filter(songs.isHidden).join() === expected;
        }""",
        arg=",".join(map(str, songs)),
    )


@pytest.fixture
def page(changed, share_page):
    return share_page(changed[0])


def test_hidden_songs_are_not_drawn_nor_found_by_pointer_lasso_or_keys(page):
    open_filters(page)
    assert page.get_by_role("switch", name="Hide duplicates (2)").is_visible()
    assert page.get_by_role("switch", name="Hide missing songs (2)").is_visible()
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur(); explorer.filters.toggle(false)")
    # As long as these songs are not hidden, the pointer finds them and they can be selected.
    hover_song(page, 4)
    page.wait_for_function("() => explorer.state.hovered === 4")
    page.keyboard.press("l")
    corners = [(330, 100), (1180, 100), (1180, 690), (330, 690)]
    drag(page, *corners)
    page.wait_for_function("() => explorer.state.chosen.length > 20")
    selected = page.evaluate("explorer.state.chosen")
    assert {4, 9, 17} <= set(selected)
    page.mouse.move(80, 40)
    wait_until_still(page)
    places = pixels_of(page, HIDDEN)
    shown = picture(page)
    open_filters(page)
    hide(page, "duplicates")
    hide(page, "missing")
    wait_for_hidden(page, HIDDEN)
    page.wait_for_function(
        "() => document.getElementById('filter-state').innerText.includes('20 of 24 songs · 4 hidden')"
    )
    # The hidden songs are removed from the selection, and cannot be selected again.
    remaining = [song for song in selected if song not in HIDDEN]
    page.wait_for_function("n => explorer.state.chosen.length === n", arg=len(remaining))
    assert page.evaluate("explorer.state.chosen") == remaining
    page.evaluate("explorer.filters.toggle(false); explorer.selection.clear()")
    wait_until_still(page)
    image = picture(page)
    for place in places:
        before, after = (np.median(circle_at(screen, place, 4), axis=0) for screen in (shown, image))
        assert distance(after, ground(page)) < 0.5 * distance(before, ground(page))
    page.keyboard.press("b")
    drag(page, corners[0], corners[2])
    page.wait_for_function("n => explorer.state.chosen.length === n", arg=len(remaining))
    for song in HIDDEN:
        near = "([x, y]) => [explorer.picking.nearest(x, y, 1), ...explorer.picking.around(x, y, 24)]"
        assert song not in page.evaluate(near, list(pixel_of(page, song)))
    reached = page.evaluate(
        """() => {
            const { nearestInDirection, DIRECTIONS } = explorer.directions;
            const { places, flags } = explorer.state.map;
            const next = (i) => (direction) => nearestInDirection(places, flags, i, direction);
            return [...Array(24).keys()].flatMap((i) => Object.values(DIRECTIONS).map(next(i)));
        }"""
    )
    assert not set(HIDDEN) & set(reached)


def test_hidden_songs_stay_hidden_in_every_view_until_the_filters_are_cleared(page):
    open_filters(page)
    hide(page, "missing")
    wait_for_hidden(page, [4, 12])
    page.wait_for_function("() => location.search.includes('hide=missing')")
    page.reload()
    wait_for_map(page)
    wait_for_hidden(page, [4, 12])
    choose_in_header(page, "Original")
    page.wait_for_selector("#map-frame[data-drawn^=original]")
    wait_for_hidden(page, [4, 12])
    open_filters(page)
    assert page.get_by_role("switch", name="Hide missing songs").is_checked()
    page.locator("#filter-clear").click()
    wait_for_hidden(page, [])
    assert not page.get_by_role("switch", name="Hide missing songs").is_checked()
    page.wait_for_selector("#filter-state", state="hidden")


def test_a_missing_song_is_a_ring_and_does_not_stop_the_playing_song(page):
    assert text(page, ".legend-missing").split() == ["File", "missing", "2"]
    image = picture(page)
    for song, place in zip((4, 5), pixels_of(page, [4, 5]), strict=True):
        middle, rim = colour_at(image, place), np.median(circle_at(image, place, 4), axis=0)
        assert distance(rim, ground(page)) > 60
        assert (distance(middle, ground(page)) < 8) == (song == 4)
    click_song(page, 2)
    wait_until_playing(page, "002.flac")
    # Repeat the song, so that it still plays later on a slow machine.
    page.evaluate("explorer.queue.setRepeat('one')")
    hover_song(page, 4)
    page.wait_for_selector("#tooltip:not([hidden])")
    page.wait_for_function("() => document.getElementById('tooltip').innerText.includes('3 November 2025')")
    assert "File missing since 3 November 2025" in text(page, "#tooltip")
    click_song(page, 4)
    page.wait_for_selector("#panel .panel-missing")
    assert text(page, "#panel .panel-title") == "Techno piece 4"
    assert "cannot be played" in text(page, "#panel .panel-missing")
    message = text(page, "#toasts")
    for part in ("Techno piece 4", "missing since 3 November 2025", "cannot be played"):
        assert part in message
    # The neighbours of the missing song are shown. The playing song continues and keeps its mark.
    page.wait_for_function("() => explorer.state.lineEnds.length > 4")
    assert page.locator("#neighbour-lines").get_attribute("data-count") == "7"
    time_s = page.evaluate("audio.currentTime")
    page.wait_for_function(
        "time => !audio.paused && audio.currentTime > time + 0.2 && audio.src.endsWith('002.flac')",
        arg=time_s,
    )
    assert page.locator("#player").get_attribute("data-state") == "playing"
    assert page.locator("#mark").get_attribute("data-index") == "2"
    assert text(page, "#now-title") == "Techno piece 2"
    # The arrow keys start from the missing song.
    next_songs = """() => {
        const { nearestInDirection, DIRECTIONS } = explorer.directions;
        const { places, flags } = explorer.state.map;
        const next = (direction) => nearestInDirection(places, flags, 4, direction);
        return Object.entries(DIRECTIONS).map(([key, direction]) => [key, next(direction)]);
    }"""
    key, expected = next(pair for pair in page.evaluate(next_songs) if pair[1] is not None)
    page.keyboard.press(key)
    page.wait_for_function("i => explorer.state.requested === i", arg=expected)
    # For the other missing song, its preview plays, and a message says so.
    click_song(page, 12)
    page.wait_for_function(
        "() => audio.src.endsWith('preview/012.flac') && !audio.paused && audio.currentTime > 0.2"
    )
    assert "3 November 2025" in text(page, "#toasts")
    assert "preview" in text(page, "#toasts")
    page.wait_for_function(
        "() => document.querySelector('#panel .panel-missing')?.innerText.includes('preview')"
    )


def test_walking_and_playing_a_list_skip_songs_that_cannot_be_played(page):
    click_song(page, 2)
    wait_until_playing(page, "002.flac")
    page.wait_for_function("() => explorer.state.walk.length > 4")
    page.evaluate("explorer.update({ walk: [2, 4, 3], walkPosition: 0 })")
    page.keyboard.press("n")
    wait_until_playing(page, "003.flac")
    page.keyboard.press("p")
    wait_until_playing(page, "002.flac")
    page.evaluate("explorer.queue.setRepeat('on')")
    page.evaluate("explorer.update({ chosen: [4, 5, 4] })")
    page.evaluate("explorer.selection.playFrom(0)")
    wait_until_playing(page, "005.flac")
    assert page.evaluate("explorer.state.chosenPosition") == 1
    page.evaluate("audio.currentTime = audio.duration - 0.2")
    page.wait_for_function("() => audio.paused && explorer.state.chosenPosition === null")
    assert "cannot be played" in text(page, "#toasts")


def test_a_duplicate_lists_the_songs_with_the_same_sound_and_goes_to_them(page):
    click_song(page, 9)
    wait_until_playing(page, "009.flac")
    page.wait_for_selector("#panel .same-sound")
    assert "2 other songs" in text(page, "#panel")
    same_sound = page.locator("#panel .same-sound .row-main")
    assert [row.split() for row in same_sound.locator(".row-names").all_inner_texts()] == [
        "Techno piece 1 FLAC · 001.flac".split(),
        "Ambient piece 17 FLAC · 017.flac".split(),
    ]
    # The keyboard can go to such a song.
    same_sound.nth(1).focus()
    page.keyboard.press("Enter")
    wait_until_playing(page, "017.flac")
    page.locator("#panel .same-sound .row-explore").nth(1).click()
    page.wait_for_function(
        "() => document.querySelector('#panel .panel-title').textContent === 'Ambient piece 17'"
    )
    # When duplicates are hidden, they are not neighbours any more; the playing song continues.
    page.evaluate("explorer.actions.flyToAndPlay(1)")
    wait_until_playing(page, "001.flac")
    page.evaluate("document.activeElement.blur()")
    open_filters(page)
    hide(page, "duplicates")
    hide(page, "missing")
    wait_for_hidden(page, HIDDEN)
    page.wait_for_function("() => explorer.state.lineEnds.length > 4")
    page.wait_for_function(
        "hidden => explorer.state.walk.length > 4 && !explorer.state.walk.some((i) => hidden.includes(i))",
        arg=HIDDEN,
    )
    assert not page.evaluate("audio.paused")
    # The user can go to a hidden song; its panel has a button that shows the hidden songs.
    page.evaluate("explorer.filters.toggle(false)")
    page.locator("#panel .same-sound .row-main").first.click()
    wait_until_playing(page, "009.flac")
    page.locator("#panel .same-sound .row-explore").first.click()
    page.get_by_role("button", name="Show hidden songs").click()
    wait_for_hidden(page, [])
    page.get_by_role("button", name="Show on the map").wait_for()


def test_a_page_shows_files_that_go_missing_and_come_back(page, changed):
    path = changed[1]
    file, away = path.parent / "music" / "006.flac", path.parent / "away.flac"
    assert text(page, ".legend-missing").split()[-1] == "2"
    click_song(page, 6)
    page.wait_for_function(
        "() => document.querySelector('#panel .panel-title')?.textContent.includes('piece 6')"
    )
    shutil.move(file, away)
    with Database.open(path) as database:
        database.mark_gone(1, [b"006.flac"], since=SINCE)
    page.evaluate("explorer.updates.check()")
    page.wait_for_selector("#panel .panel-missing")
    page.wait_for_function("() => document.querySelector('.legend-missing').innerText.trim().endsWith('3')")
    shutil.move(away, file)
    with Database.open(path) as database:
        database.unmark_gone(1, [b"006.flac"])
    page.evaluate("explorer.updates.check()")
    page.wait_for_selector("#panel .panel-missing", state="detached")


def test_axe_finds_nothing_serious_in_either_theme_at_any_width(changed, share_page):
    for width in (390, 1280):
        page = share_page(changed[0], width=width, touch=True) if width < 500 else share_page(changed[0])
        page.evaluate("explorer.actions.play(4)")
        page.wait_for_selector("#panel .panel-missing")
        expect_no_serious_findings(page)
        page.evaluate("explorer.actions.play(1)")
        page.wait_for_selector("#panel .same-sound")
        page.evaluate("explorer.panel.close()")
        page.locator("#filter-toggle").click()
        page.wait_for_selector("#filters[data-ready]")
        hide(page, "duplicates")
        wait_for_hidden(page, [9, 17])
        expect_no_serious_findings(page)


def expect_no_serious_findings(page):
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_selector(f"#map-frame[data-drawn$='{theme}']")
        wait_until_still(page)
        assert serious_findings(page) == [], theme
