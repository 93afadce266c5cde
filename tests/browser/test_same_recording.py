"""The panel of a song that the library has in two encodings, and of songs with equal titles."""

import pytest
from gestures import click_song, wait_until_playing
from support import store_library

from explorer.database.database import Database
from explorer.database.records import encode_vector


@pytest.fixture
def url(tmp_path, serve):
    """The address of a library: songs 2 and 9 are the same recording, and song 9 is called an MP3."""
    store_library(
        tmp_path / "songs.db", tmp_path / "music", titles={2: "One Song", 9: "One Song"}, seconds=2.0
    )
    with Database.open(tmp_path / "songs.db") as library, library.transaction():
        blob = encode_vector(library.vector("002.flac") * 1.001)
        library._rows("UPDATE songs_vectors SET embedding = ? WHERE song_id = '009.flac'", (blob,))
        library._rows("UPDATE files SET format = 'mp3/mp3' WHERE song_id = '009.flac'")
        library._rows("UPDATE songs SET info = json_set(info, '$.album', 'Best of') WHERE id = '009.flac'")
    with serve(tmp_path / "songs.db") as address:
        yield address


def test_the_panel_lists_the_other_encoding_and_tells_equal_titles_apart(url, open_page):
    page = open_page(url)
    click_song(page, 2)
    page.wait_for_selector("#panel .same-recording")
    row = page.locator("#panel .same-recording .row-names")
    assert row.all_inner_texts() == ["One Song\nMP3 · \n009.flac"]
    assert page.locator("#panel .same-sound").count() == 0
    neighbour = page.locator("#panel .song-row[data-index='9'] .row-by").last
    assert neighbour.text_content() == "Same recording · Artist 1 · Best of"
    others = page.locator("#panel .song-list").last.locator(".song-row:not([data-index='9']) .row-by")
    assert set(others.all_inner_texts()) <= {f"Artist {number}" for number in range(3)}
    row.click()
    wait_until_playing(page, "009.flac", beyond=0.1)
    page.locator("#panel .same-recording .row-explore").click()
    page.wait_for_function(
        "() => document.querySelector('#panel .same-recording')?.textContent.includes('FLAC · 002')"
    )
