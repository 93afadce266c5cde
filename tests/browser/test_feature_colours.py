"""Colours by tempo and key in Chromium: the menu, the legend, the points and the tooltip."""

import shutil

import pytest
from gestures import choose_in_header, hover_song, serious_findings, text, wait_until_drawn, wait_until_still
from pixels import colour_at, distance, group_colour, picture

from explorer.database.database import Database
from explorer.structure.song_features import SongFeatures

KEYS = ("A minor", "C major", "E minor", "F# major")


@pytest.fixture(scope="module")
def musical_site(site, serve, tmp_path_factory):
    """The address of the library with the features of songs 0 to 15; those of 12 to 15 are doubtful."""
    path = tmp_path_factory.mktemp("musical") / "songs.db"
    shutil.copy(site[2], path)
    with Database.open(path) as database:
        for number in range(16):
            confidence = 0.95 if number < 12 else 0.01
            features = SongFeatures(80 + 5 * number, confidence, KEYS[number % 4], confidence, energy=0.6)
            database.store_features(f"{number:03d}.flac", features)
    with serve(path) as url:
        yield url


def test_the_map_can_be_coloured_by_tempo_and_key_and_doubt_is_grey(musical_site, open_page):
    page = open_page(musical_site)
    page.click("#colouring")
    shown = page.locator(".mantine-Select-option").all_inner_texts()
    assert shown == ["Cluster", "Genre", "Artist", "Tempo", "Key", "Energy", "Year", "Length"]
    page.keyboard.press("Escape")

    choose_in_header(page, "Tempo")
    wait_until_drawn(page, "tsne tempo dark")
    lines = text(page, "#legend").splitlines()
    assert lines[:2] == ["Tempo", "12 songs"]
    assert {"80 bpm", "135 bpm"} <= set(lines)
    assert lines[-4:] == ["Tempo not sure", "4", "Unknown tempo", "8"]
    hover_song(page, 3)
    page.wait_for_function("() => document.getElementById('tooltip').textContent.includes('95 bpm')")
    hover_song(page, 13)
    page.wait_for_function(
        "() => document.getElementById('tooltip').textContent.includes('about 145 bpm (not sure)')"
    )
    hover_song(page, 20)
    page.wait_for_function("() => document.getElementById('tooltip').textContent.includes('Unknown tempo')")

    choose_in_header(page, "Key")
    wait_until_drawn(page, "tsne key dark")
    cells = page.locator(".key-cell").all_inner_texts()
    assert len(cells) == 24
    assert cells[14].split("\n") == ["A minor", "3"]
    assert cells[16].split("\n") == ["E minor", "3"]
    assert page.locator(".key-step").all_inner_texts() == [str(step) for step in range(1, 13)]
    assert text(page, "#legend").splitlines()[-4:] == ["Key not sure", "4", "Unknown key", "8"]
    colours = page.evaluate("[0, 1, 2, 3, 4, 12, 20].map((i) => explorer.songs.colourOf(i))")
    assert len(set(colours[:4])) == 4
    assert colours[4] == colours[0]
    assert colours[5] == colours[6] not in colours[:4]
    wait_until_still(page)
    image = picture(page)
    place = page.evaluate("explorer.camera.toPixels(...explorer.songs.placeOf(3))")
    assert distance(colour_at(image, (place["x"], place["y"])), group_colour(page, 3)) < 45
    hover_song(page, 4)
    page.wait_for_function("() => document.getElementById('tooltip').textContent.includes('A minor · 8A')")
    assert "not sure" not in text(page, "#tooltip")
    assert serious_findings(page) == []
