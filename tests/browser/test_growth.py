"""A map that fills while one listens, in Chromium."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest
from gestures import (
    click_song,
    pixel_of,
    pixels_of,
    serious_findings,
    text,
    wait_for_map,
    wait_until_playing,
    wait_until_still,
)
from support import store_library, three_islands, write_song, write_tone

from explorer.config import ROOT
from explorer.database.database import Database
from explorer.database.records import encode_vector
from explorer.indexing.running import index_lock
from explorer.library.music_file import Tags

PATIENCE_S = 90

LISTEN = """async () => {
    const { subscribe } = await import("/assets/core/state.js");
    window.pauses = 0;
    window.glides = 0;
    audio.addEventListener("pause", () => window.pauses++);
    subscribe(["isGliding"], () => (window.glides += Number(explorer.state.isGliding)));
}"""


@pytest.fixture
def first_look(tmp_path):
    """A library of 24 songs in the middle of a first look: (path, folder of music)."""
    path, folder = tmp_path / "songs.db", tmp_path / "music"
    store_library(path, folder, seconds=30.0)
    with Database.open(path) as database, database.transaction():
        database._rows("INSERT INTO coarse_vectors SELECT song_id, embedding FROM songs_vectors")
        database._rows("DELETE FROM songs_vectors")
        database.show_coarse(True)
    return path, folder


def show_full(path):
    """Replace the coarse vectors by full ones, as the end of an index run does; no song moves."""
    with Database.open(path) as database, database.transaction():
        database._rows("INSERT INTO songs_vectors SELECT song_id, embedding FROM coarse_vectors")
        database.show_coarse(False)
        database._rows('UPDATE projections SET parameters = \'{"vectors": "coarse", "songs": 24}\'')
        database.increment_map_revision()


def look_at(path, folder, numbers, *, mapped):
    """Store songs with coarse vectors, and a new map of all songs."""
    rng = np.random.default_rng(5)
    with Database.open(path) as database:
        root = database.add_root(folder)
        near = database.vector("000.flac")
        for number in numbers:
            song = write_song(folder, number, Tags(f"New piece {number}", ("Somebody",)), seconds=20.0)
            song_id = database.store_song(root, song, None)
            vector = encode_vector(near + rng.normal(size=512))
            with database.transaction():
                database._rows("INSERT INTO coarse_vectors VALUES (?, ?)", (song_id, vector))
        if mapped:
            song_ids, _ = database.vectors()
            database.store_map(three_islands(song_ids, len(song_ids) // 3, rng))


def wait_for_songs(page, count):
    page.wait_for_function(
        """count => {
            explorer.updates.check();
            const { map, view, isGliding } = explorer.state;
            return map.count === count && view.revision === map.meta.revision && !isGliding;
        }""",
        arg=count,
        polling=300,
    )
    wait_until_still(page)


def test_a_map_fills_while_a_song_plays(first_look, serve, open_page):
    path, folder = first_look
    with serve(path) as url, index_lock(path, str(folder)) as progress:
        progress._progress.stage = "first look"
        progress._progress.to_look, progress._progress.looked = 30, 24
        page = open_page(url, reduced_motion=False)
        page.wait_for_selector("#progress:not([hidden])")
        page.evaluate(LISTEN)
        page.evaluate("explorer.queue.setRepeat('one')")
        click_song(page, 10)
        wait_until_playing(page, "010.flac")
        page.evaluate("explorer.selection.choose([3, 12], { adds: false })")
        page.evaluate("explorer.panel.showTab('song'); explorer.camera.flyTo(10)")
        wait_until_still(page)
        before = pixel_of(page, 10)
        source = page.evaluate("audio.currentSrc")

        # The new song -01.flac comes first: all other songs get other indices and places.
        look_at(path, folder, (-1, 24, 25), mapped=True)
        wait_for_songs(page, 27)
        page.wait_for_function("() => explorer.state.walk.length > 4 && explorer.state.walk[0] === 11")
        known = """() => {
            const { playing, song, selected, selectedId, chosen } = explorer.state;
            return [playing, song.id, selected, selectedId, chosen];
        }"""
        assert page.evaluate(known) == [11, "010.flac", 11, "010.flac", [4, 13]]
        assert "Waltz piece 10" in text(page, "#panel-song")
        assert page.evaluate("[audio.currentSrc, audio.paused, pauses]") == [source, False, 0]
        assert page.evaluate("glides") == 1
        assert np.allclose(pixel_of(page, 11), before, atol=2)
        assert text(page, "#counts").startswith("27 songs")
        assert page.locator("#updates").is_hidden()
        page.wait_for_function(
            "() => document.getElementById('progress-text').innerText.startsWith('First look: ')"
        )

        # A song that is not on the map yet is found and plays; then it gets its mark on the map.
        look_at(path, folder, (26, 27, 28), mapped=False)
        page.locator("#search").fill("new piece 26")
        option = page.locator("[role=option]:has(.suggestion)").first
        assert "not on the map yet" in option.inner_text()
        option.click()
        wait_until_playing(page, "026.flac")
        assert page.evaluate("explorer.state.playing") is None
        look_at(path, folder, (), mapped=True)
        wait_for_songs(page, 30)
        page.wait_for_function("() => explorer.state.playing === 27")
        wait_until_playing(page, "026.flac")

        # What was played and selected is embedded first.
        until = time.monotonic() + PATIENCE_S
        asked = set()
        while not asked >= {"010.flac", "026.flac"}:
            assert time.monotonic() < until
            time.sleep(0.2)
            with Database.open_readonly(path) as database:
                asked = {song_id for (song_id,) in database._rows("SELECT song_id FROM asked_songs")}

        # The full vectors replace those of the first look.
        show_full(path)
        page.wait_for_function(
            "() => (explorer.updates.check(), !document.getElementById('exact').hidden)", polling=300
        )
        wait_until_playing(page, "026.flac")


def test_a_redraw_is_offered_until_it_is_made_or_refused(first_look, serve, open_page):
    path, _ = first_look
    show_full(path)
    with serve(path) as url:
        page = open_page(url)
        page.wait_for_selector("#exact:not([hidden])")
        page.locator("#exact-keep").click()
        page.reload()
        wait_for_map(page)
        assert page.locator("#exact").is_hidden()
        page.evaluate("localStorage.clear()")
        page.reload()
        page.wait_for_selector("#exact:not([hidden])")
        page.locator("#exact-redraw").click()
        page.wait_for_selector("#exact-redraw:disabled")
        page.wait_for_selector("#exact", state="hidden")
    with Database.open_readonly(path) as database:
        assert not any("vectors" in made["parameters"] for made in database.projections().values())


@pytest.mark.parametrize(("width", "height", "rows"), [(1280, 800, 7), (1280, 640, 4), (390, 844, 0)])
def test_the_cards_leave_room_for_the_legend_and_the_map(first_look, serve, open_page, width, height, rows):
    path, folder = first_look
    with Database.open(path) as database, database.transaction():
        for number in range(3, 12):
            database._rows("INSERT INTO clusters VALUES (?, ?, NULL)", (number, f"Group {number}"))
            database._rows(
                "UPDATE song_clusters SET cluster = ? WHERE song_id = ?", (number, f"{number:03d}.flac")
            )
    with serve(path) as url, index_lock(path, str(folder)) as progress:
        progress._progress.stage = "first look"
        progress._progress.to_look, progress._progress.looked = 3000, 1240
        page = open_page(url, width=width, height=height, touch=width < 400)
        page.wait_for_selector("#progress:not([hidden])")
        visible = page.evaluate(
            """() => {
                const list = document.querySelector("#legend ul").getBoundingClientRect();
                const rows = [...document.querySelectorAll("#legend li")];
                const boxes = rows.map((row) => row.getBoundingClientRect());
                return boxes.filter(({ bottom, height }) => bottom <= list.bottom + 1 && height).length;
            }"""
        )
        assert visible >= rows
        cards = page.locator(".warnings").bounding_box()
        assert cards["height"] < 100
        wait_until_still(page)
        if not rows:
            assert all(y > cards["y"] + cards["height"] for _, y in pixels_of(page, range(24)))
        for theme in ("dark", "light"):
            page.emulate_media(color_scheme=theme)
            page.wait_for_selector(f"#map-frame[data-drawn$='{theme}']")
            wait_until_still(page)
            assert serious_findings(page) == []
        # The whole sentence is one key press or tap away.
        page.locator("#progress summary").focus()
        page.keyboard.press("Enter")
        assert "rough" in text(page, "#progress-note")


def test_open_shows_the_songs_as_they_are_heard_and_ends_with_its_page(tmp_path, open_page):
    folder = tmp_path / "music"
    for number in range(4):
        write_tone(folder / f"{number}.flac", frequency_hz=100 * (number + 2), seconds=4)
    model = ["--weights", "untrained", "--hop", "1", "--precision", "float32", "--no-previews"]
    command = [sys.executable, str(ROOT / "run.py"), "open", str(folder), "--db", str(tmp_path / "songs.db")]
    process = subprocess.Popen(
        [*command, "--port", "0", *model],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"BROWSER": "true"},
    )
    with process:
        try:
            url = process.stderr.readline().split("The map is at ")[1].split()[0]
            page = open_page(url, has_map=False)
            page.wait_for_selector("#notice[data-kind=listening]")
            assert "Listening to your music" in text(page, "#notice")
            page.wait_for_selector("#map-frame[data-drawn]")
            page.reload()
            wait_for_map(page)
            click_song(page, 2)
            wait_until_playing(page, "2.flac")
            assert process.poll() is None
            page.goto("about:blank")
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()
