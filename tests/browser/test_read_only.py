"""The page of a library that was made elsewhere, in Chromium."""

import pytest
from gestures import close_map_menu, open_map_menu, serious_findings, text
from support import store_library


@pytest.mark.parametrize(("theme", "width"), [("dark", 1280), ("light", 390)])
def test_the_page_of_a_library_from_elsewhere_says_what_it_cannot_do(
    tmp_path, no_music_folders, serve, open_page, theme, width
):
    store_library(tmp_path / "songs.db", tmp_path / "music", per_genre=2)
    with serve(tmp_path / "songs.db") as url:
        page = open_page(url, theme=theme, width=width)
        assert page.locator("#upload-button").is_hidden()
        assert "--audio" in page.locator("#made-elsewhere").text_content()
        assert "drop" not in page.locator("#panel-song").text_content()
        open_map_menu(page)
        page.locator("#redraw summary").click()
        assert page.locator("#redraw-start").is_hidden()
        assert "--audio" in text(page, "#redraw-refused")
        page.evaluate("explorer.upload.placeFile(new File(['x'], 'song.flac'))")
        assert "--audio" in text(page, "#toasts")
        assert serious_findings(page) == []
        close_map_menu(page)
        # The page can show a newer map, but cannot make one.
        answers = answer_latest(page, songs=99, newer=0)
        page.evaluate("explorer.updates.check()")
        assert answers
        assert page.locator("#updates").is_hidden()
        answers = answer_latest(page, songs=99, newer=1)
        page.evaluate("explorer.updates.check()")
        assert answers
        assert page.locator("#updates").is_visible()


def answer_latest(page, *, songs, newer):
    """Let the server tell of more songs and a newer map, and return a list of what it tells."""
    answers = []

    def answer(route):
        latest = route.fetch().json()
        answers.append(latest | {"songs": songs, "revision": latest["revision"] + newer})
        route.fulfill(json=answers[-1])

    page.route("**/latest?*", answer)
    return answers


def test_the_legend_keeps_room_beside_long_warnings_in_a_low_window(
    tmp_path, no_music_folders, serve, open_page
):
    store_library(tmp_path / "songs.db", tmp_path / ("music " * 30), per_genre=2)
    with serve(tmp_path / "songs.db") as url:
        page = open_page(url, width=1280, height=600)
        assert page.locator("#legend").bounding_box()["height"] > 50
        # The whole warning is in a card that its chip opens.
        page.locator("#made-elsewhere button").click()
        card = page.locator("#made-elsewhere-explained").bounding_box()
        assert card["y"] + card["height"] <= 600
        assert "--audio" in text(page, "#made-elsewhere-explained")
