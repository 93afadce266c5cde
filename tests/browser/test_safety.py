"""Hostile titles are text everywhere, the page's policy holds, and everybody can use it: in Chromium."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from gestures import choose, click_song, drag, hover_song, text, wait_until_playing

from explorer.library.database import Database

HOSTILE = {
    1: "<img src=x onerror=alert(1)>",
    2: '"><script>window.hacked = 1</script>',
    4: "{{7*7}}",
    5: "\u202egnp.cod",
    6: "long " * 2000,
    7: "two\nlines\r\nand\ttabs",
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, serve):
    """A library whose titles, artists, albums and genres are hostile, served."""
    from support import store_library

    folder = tmp_path_factory.mktemp("hostile")
    store_library(folder / "songs.db", folder / "music", titles=HOSTILE, seconds=2.0)
    with Database.open(folder / "songs.db") as library:
        evil = "<b onmouseover=window.hacked=1>Techno</b>"
        library._rows("UPDATE songs_genres SET genre = ? WHERE genre = 'Techno'", (evil,))
        library._rows(
            "UPDATE songs SET info = json_set(info, '$.artists[0].name', ?, '$.album.name', ?)", (evil, evil)
        )
        library._rows("UPDATE clusters SET name = ? WHERE number = 0", (evil,))
    with serve(folder / "songs.db") as url:
        yield url


@pytest.mark.parametrize("index", HOSTILE)
def test_hostile_titles_show_as_text_everywhere(hostile, open_page, index):
    page = open_page(hostile)
    page.on("dialog", lambda dialog: pytest.fail(f"a title opened a dialog: {dialog.message}"))
    title = " ".join(HOSTILE[index].split())
    hover_song(page, index)
    page.wait_for_selector("#tooltip:not([hidden])")
    click_song(page, index)
    page.wait_for_selector("#panel-song .song-row")
    page.wait_for_function("!document.getElementById('now-title').textContent.startsWith('Click')")
    page.get_by_text("Add to selection").click()
    page.locator("#tab-choice").click()
    page.wait_for_function("document.querySelector('#choice-list .row-title').textContent !== '…'")
    shown = "s => document.querySelector(s).textContent.split(/\\\\s+/).join(' ').trim()"
    for selector in (".tooltip-title", "#now-title", ".panel-title", "#choice-list .row-title"):
        found = page.evaluate(
            "s => document.querySelector(s).textContent.split(/\\s+/).join(' ').trim()", selector
        )
        assert found == title, (selector, shown)
    assert page.title().startswith(" ".join(title.split())[:40])
    page.locator("#search").fill(title.split()[0][:30])
    page.wait_for_timeout(600)
    choose(page, "Genre")
    page.wait_for_selector("#map-frame[data-drawn='tsne genre dark']")
    assert "<b onmouseover" in text(page, "#legend")
    assert page.evaluate("window.hacked") is None
    assert (
        page.locator(
            "#legend b, .tooltip b, #panel-song b, #panel-song script, #panel-song .cover img"
        ).count()
        == 0
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    panel = page.locator("#panel").bounding_box()
    assert panel["x"] + panel["width"] <= 1280


def test_an_injected_script_does_not_run(site, open_page):
    page = open_page(site[0], attacked=True)
    violations = page.evaluate(
        """() => new Promise((resolve) => {
            document.addEventListener("securitypolicyviolation", (event) => resolve(event.violatedDirective));
            document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.hacked = 1'>");
        })"""
    )
    assert violations.startswith("script-src")
    assert page.evaluate("window.hacked") is None


STATES = {
    "plain": lambda page: None,
    "playing": lambda page: (click_song(page, 10), wait_until_playing(page, "010.flac")),
    "filters": lambda page: (
        page.locator("#filter-toggle").click(),
        page.wait_for_selector("#filters[data-ready]"),
    ),
    "keys": lambda page: page.keyboard.press("?"),
    "selection": lambda page: (page.locator("#tool-box").click(), drag(page, (300, 120), (880, 640))),
    "original": lambda page: (
        choose(page, "Original"),
        page.wait_for_selector("#map-frame[data-drawn^='original']"),
    ),
}


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing_serious(site, open_page, theme, state):
    page = open_page(site[0], theme=theme)
    STATES[state](page)
    page.wait_for_timeout(900)
    found = Axe().run(page).response["violations"]
    serious = [
        (one["id"], [(node["target"], node["failureSummary"][:300]) for node in one["nodes"][:4]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_serious_on_a_phone(site, open_page, theme):
    page = open_page(site[0], width=390, height=844, theme=theme, touch=True)
    x, y = page.evaluate("(({x, y}) => [x, y])(explorer.map.toPixels(...explorer.map.placeOf(10)))")
    page.touchscreen.tap(x, y)
    page.wait_for_selector("#panel .song-row")
    page.wait_for_timeout(600)
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
