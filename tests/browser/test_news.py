"""The page while an index is running: new songs are offered, and come without a reload."""

import numpy as np
import pytest
from gestures import click_song, text, wait_until_playing
from support import store_library, write_song

from explorer.indexing.mapmaker import make_map
from explorer.library.database import Database
from explorer.library.records import Tags
from explorer.progress import Reporter


@pytest.fixture
def growing(tmp_path, serve):
    """A library that is served while songs come in: (address, a function that adds songs)."""
    path, folder = tmp_path / "songs.db", tmp_path / "music"
    store_library(path, folder, seconds=20.0)

    def add(first, count, *, mapped):
        with Database.open(path) as database:
            root = database.add_root(folder)
            near = database.vector("000.flac")
            for number in range(first, first + count):
                song = write_song(folder, number, Tags(f"New piece {number}"), seconds=1.0)
                database.store_song(root, song, near + np.random.default_rng(number).normal(size=512))
            if mapped:
                make_map(database, reporter=Reporter())

    with serve(path) as url:
        yield url, add


def look(page):
    page.evaluate("explorer.news.look()")


def points(page):
    return page.evaluate("explorer.map.points.x.length")


def test_songs_that_another_program_has_mapped_come_with_a_click_while_the_music_plays(growing, open_page):
    url, add = growing
    page = open_page(url)
    look(page)
    assert page.locator("#news").is_hidden()
    click_song(page, 10)
    wait_until_playing(page, "010.flac")
    add(24, 3, mapped=True)
    look(page)
    page.wait_for_selector("#news:not([hidden])")
    assert text(page, "#news-text") == "3 new songs on the map"
    page.locator("#news-show").click()
    page.wait_for_function("explorer.map.points.x.length === 27")
    page.wait_for_selector("#news", state="hidden")
    wait_until_playing(page, "010.flac")
    assert page.evaluate("performance.getEntriesByType('navigation').length") == 1


def test_songs_without_a_place_get_one_when_they_are_wanted(growing, open_page):
    url, add = growing
    page = open_page(url)
    add(24, 1, mapped=False)
    look(page)
    page.wait_for_selector("#news:not([hidden])")
    assert text(page, "#news-text") == "1 new song"
    page.locator("#news-show").click()
    page.wait_for_function("explorer.map.points.x.length === 25", timeout=60_000)
    page.wait_for_selector("#news", state="hidden")
    click_song(page, 24)
    wait_until_playing(page, "024.flac")


def test_a_page_without_a_library_becomes_its_map_when_there_is_one(tmp_path, serve, open_page):
    with serve(tmp_path / "songs.db") as url:
        page = open_page(url, drawn=False)
        page.wait_for_selector("#notice")
        store_library(tmp_path / "songs.db", tmp_path / "music")
        look(page)
        page.wait_for_selector("#map-frame[data-drawn]", timeout=30_000)
        assert points(page) == 24
