"""New songs that are indexed while the page is open appear without a reload, in Chromium."""

import numpy as np
from gestures import click_song, text, wait_for_map, wait_until_playing
from support import store_library, three_islands, write_song

from explorer.database.database import Database
from explorer.library.music_file import Tags


def add_songs(path, folder, first, count, *, mapped):
    """Add songs that sound like song 0."""
    with Database.open(path) as database:
        root = database.add_root(folder)
        near = database.vector("000.flac")
        for number in range(first, first + count):
            song = write_song(folder, number, Tags(f"New piece {number}"), seconds=1.0)
            database.store_song(root, song, near + np.random.default_rng(number).normal(size=512))
    if mapped:
        map_songs(path)


def map_songs(path):
    """Store a new map of all songs, as another process would do."""
    with Database.open(path) as database:
        song_ids, _ = database.vectors()
        database.store_map(three_islands(song_ids, len(song_ids) // 3, np.random.default_rng(1)))


def check_for_updates(page):
    page.evaluate("() => void import('/assets/core/updates.js').then(({ check }) => check())")


def point_count(page):
    return page.evaluate("explorer.state.map.count")


def test_new_songs_are_offered_and_added_while_music_plays(tmp_path, serve, open_page):
    path, folder = tmp_path / "songs.db", tmp_path / "music"
    store_library(path, folder, seconds=30.0)
    with serve(path) as url:
        page = open_page(url)
        asked = []
        page.on("request", lambda request: "/positions/" in request.url and asked.append(request.url))
        check_for_updates(page)
        assert page.locator("#updates").is_hidden()
        # Repeat the song, so that it still plays later on a slow machine.
        page.evaluate("explorer.queue.setRepeat('one')")
        click_song(page, 10)
        wait_until_playing(page, "010.flac")
        # Another process adds three songs to the map.
        add_songs(path, folder, 24, 3, mapped=True)
        check_for_updates(page)
        page.wait_for_selector("#updates:not([hidden])")
        assert text(page, "#updates-text") == "3 new songs on the map"
        page.locator("#updates-show").click()
        page.wait_for_function("() => explorer.state.map.count === 27")
        page.wait_for_selector("#updates", state="hidden")
        assert text(page, "#announcer") == "3 new songs are on the map"
        wait_until_playing(page, "010.flac")
        assert page.evaluate("performance.getEntriesByType('navigation').length") == 1
        # A new song that is not on the map is added when the user clicks the button.
        add_songs(path, folder, 27, 1, mapped=False)
        check_for_updates(page)
        page.wait_for_selector("#updates:not([hidden])")
        assert text(page, "#updates-text") == "1 new song"
        page.locator("#updates-show").click()
        page.wait_for_function("() => explorer.state.map.count === 28")
        page.wait_for_selector("#updates", state="hidden")
        page.evaluate("explorer.actions.flyToAndPlay(27)")
        wait_until_playing(page, "027.flac")
        # The places are loaded once for each new map.
        assert len(asked) == len(set(asked)) == 2


def test_a_page_without_a_map_says_what_to_do_and_then_shows_the_map(tmp_path, serve, open_page):
    path = tmp_path / "songs.db"
    with serve(path) as url:
        # There is no library.
        page = open_page(url, has_map=False)
        for width, height in ((390, 844), (1280, 800)):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_selector("#notice")
            assert "python run.py open FOLDER" in text(page, "#notice")
            assert page.locator(".player").is_hidden()
        # There is a library without a map: the page shows another notice without a reload by the user.
        store_library(path, tmp_path / "music")
        with Database.open(path) as database, database.transaction():
            database._rows("DELETE FROM projections")
        check_for_updates(page)
        page.wait_for_function(
            "() => document.getElementById('notice')?.innerText.includes('python run.py map')"
        )
        # There is a map.
        map_songs(path)
        check_for_updates(page)
        wait_for_map(page)
        assert point_count(page) == 24
