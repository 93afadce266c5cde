"""Hostile titles, the content security policy, globals, and accessibility, in Chromium."""

import re

import pytest
from gestures import (
    choose_in_header,
    click_song,
    drag,
    hover_song,
    open_filters,
    serious_findings,
    text,
    wait_for_map,
    wait_until_drawn,
    wait_until_playing,
    wait_until_still,
)
from support import store_library

from explorer.database.database import Database

HOSTILE = {
    1: "<img src=x onerror=alert(1)>",
    2: '"><script>window.hacked = 1</script>',
    4: "{{7*7}}",
    5: "\u202egnp.cod",
    6: "long " * 2000,
    7: "two\nlines\r\nand\ttabs",
    3: "W" * 400,
}
EVIL = "<b onmouseover=window.hacked=1>Techno</b>"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, serve):
    """The address of a library with hostile titles, artists, albums, genres and cluster names."""
    folder = tmp_path_factory.mktemp("hostile")
    store_library(folder / "songs.db", folder / "music", titles=HOSTILE, seconds=2.0)
    with Database.open(folder / "songs.db") as library:
        library._rows("UPDATE songs_genres SET genre = ? WHERE genre = 'Techno'", (EVIL,))
        library._rows(
            "UPDATE songs SET info = json_set(info, '$.artists[0].name', ?, '$.album.name', ?)", (EVIL, EVIL)
        )
        library._rows("UPDATE clusters SET name = ? WHERE number = 0", (EVIL,))
    with serve(folder / "songs.db") as url:
        yield url


def test_hostile_titles_are_shown_as_text(hostile, share_page):
    page = share_page(hostile)
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for index, raw in HOSTILE.items():
        title = " ".join(raw.split())
        page.evaluate("explorer.selection.clear()")
        # The title in the tooltip, the player, the panel and the selection.
        hover_song(page, index)
        expect_text(page, ".tooltip-title", title)
        click_song(page, index)
        expect_text(page, "#now-title", title)
        expect_text(page, ".panel-title", title)
        page.wait_for_selector("#panel-song .song-row")
        page.get_by_text("Add to selection").click()
        page.locator("#tab-choice").click()
        expect_text(page, "#choice-list .row-title", title)
        assert " ".join(page.title().split()).startswith(title[:40].strip())
        expect_nothing_broken(page)
    # In the search.
    page.locator("#search").fill("onerror")
    expect_text(page, ".suggestion-title", HOSTILE[1])
    page.keyboard.press("Escape")
    # In the legend.
    choose_in_header(page, "Genre")
    wait_until_drawn(page, "tsne genre dark")
    assert EVIL in text(page, "#legend")
    expect_nothing_broken(page)
    assert dialogs == []


def expect_text(page, selector, expected):
    """Wait until an element has the expected text; the kind of white space does not matter."""
    page.wait_for_function(
        r"""([selector, expected]) =>
            document.querySelector(selector)?.textContent.split(/\s+/).join(" ").trim() === expected""",
        arg=[selector, expected],
    )


def expect_nothing_broken(page):
    """Check that no title has become an element, has run as a script, or has widened the page."""
    assert page.evaluate("window.hacked") is None
    places = ("#legend b", ".tooltip b", "#panel b", "#panel script", "#panel .cover img", ".suggestion img")
    assert page.locator(", ".join(places)).count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    panel = page.locator("#panel").bounding_box()
    assert panel["x"] + panel["width"] <= 1280


def test_an_injected_script_does_not_run(site, open_page):
    page = open_page(site[0], expects_violations=True)
    violations = page.evaluate(
        """() => new Promise((resolve) => {
            document.addEventListener("securitypolicyviolation", (event) => resolve(event.violatedDirective));
            document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.hacked = 1'>");
        })"""
    )
    assert violations.startswith("script-src")
    assert page.evaluate("window.hacked") is None


REPORT_VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
    violations.push([event.violatedDirective, event.blockedURI, event.sourceFile].join(" "));
});
"""
DRAG_FILE_IN = """() => {
    const data = new DataTransfer();
    data.items.add(new File(["x"], "song.flac"));
    document.body.dispatchEvent(new DragEvent("dragenter", { dataTransfer: data, bubbles: true }));
}"""


def test_no_part_of_the_page_violates_the_content_security_policy(site, open_page):
    page = open_page("about:blank", has_map=False)
    page.add_init_script(REPORT_VIOLATIONS)
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    response = page.goto(site[0])
    assert "script-src 'self'" in response.headers["content-security-policy"]
    assert "unsafe-eval" not in response.headers["content-security-policy"]
    wait_for_map(page)
    for theme in ("dark", "light"):
        page.emulate_media(color_scheme=theme)
        for projection in ("UMAP", "PCA", "Original", "t-SNE"):
            choose_in_header(page, projection)
            wait_until_drawn(page, f"{projection.lower().replace('-', '')} cluster {theme}")
        for colouring in ("Genre", "Artist", "Cluster"):
            choose_in_header(page, colouring)
            wait_until_drawn(page, f"tsne {colouring.lower()} {theme}")
    # The panel with a cover, the player, a preview, and the spectrogram.
    click_song(page, 4)
    wait_until_playing(page, "004.flac")
    page.wait_for_selector(".cover img")
    page.locator("#hear").click()
    hover_song(page, 12)
    page.wait_for_function("() => explorer.state.previewed === 12")
    page.keyboard.press("s")
    page.wait_for_selector("#spectrogram[data-shown='004.flac']")
    page.keyboard.press("s")
    # The dialog of keys, the filters, and the search.
    page.keyboard.press("?")
    page.wait_for_selector("#keys[open]")
    page.keyboard.press("Escape")
    open_filters(page)
    page.keyboard.press("Escape")
    page.locator("#search").fill("waltz")
    page.wait_for_selector(".suggestion")
    page.keyboard.press("Escape")
    # The selection and its file, and the target for files.
    wait_until_still(page)
    page.locator("#tool-box").click()
    drag(page, (300, 120), (880, 640))
    page.wait_for_selector("#choice-list .song-row")
    with page.expect_download():
        page.locator("#export-start").click()
    page.evaluate(DRAG_FILE_IN)
    page.wait_for_selector("#drop:not([hidden])")
    # Also after a reload with all of this in the address.
    assert page.evaluate("violations") == []
    page.reload()
    wait_for_map(page)
    assert page.evaluate("violations") == []
    assert not [url for url in requests if "plotly" in url.lower()]


# The globals of Dash, React, Mantine, and the libraries that they bring.
LIBRARY_GLOBALS = re.compile(
    "dash_.*|dashMantineFunctions|DashRenderer|__dashprivate_.*|_dashPlotlyJSURL|store|webpackChunkdash_.*|"
    "React|ReactDOM|PropTypes|MantineCore|MantineHooks|FontAwesomeConfig|___FONT_AWESOME___|saveAs|"
    "core|__core-js_shared__|_babelPolyfill|regeneratorRuntime|setImmediate|clearImmediate|"
    "_lastElementInsertedByStyleLoader"
)


def test_the_page_has_no_globals_of_its_own(site, open_page):
    globals_now = "Object.getOwnPropertyNames(window)"
    page = open_page(f"{site[0]}healthz", has_map=False)
    of_browser = set(page.evaluate(globals_now))
    page.goto(site[0])
    page.wait_for_selector("#map-frame[data-drawn]")
    assert "React" in (names := page.evaluate(globals_now))
    assert not [name for name in set(names) - of_browser if not LIBRARY_GLOBALS.fullmatch(name)]
    # Dash finds the page's functions under one name.
    assert page.evaluate("Object.keys(dash_clientside.explorer)")


# The states of the page that axe checks, in this order, and how each is reached from the state before.
STATES = {
    "plain": lambda page: None,
    "playing": lambda page: (click_song(page, 10), wait_until_playing(page, "010.flac")),
    "filters": open_filters,
    "keys": lambda page: (page.keyboard.press("Escape"), page.keyboard.press("?")),
    "selection": lambda page: (
        page.keyboard.press("Escape"),
        page.locator("#tool-box").click(),
        drag(page, (300, 120), (880, 640)),
        page.wait_for_selector("#choice-list .song-row"),
    ),
    "original": lambda page: (
        choose_in_header(page, "Original"),
        page.wait_for_selector("#map-frame[data-drawn^='original']"),
    ),
}


def test_axe_finds_no_serious_problem_in_either_theme(page):
    findings = {}
    for state, reach in STATES.items():
        reach(page)
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            page.wait_for_selector(f"#map-frame[data-drawn$='{theme}']")
            wait_until_still(page)
            findings[state, theme] = serious_findings(page)
    assert not any(findings.values()), findings


def test_the_page_says_when_its_scripts_do_not_load(site, open_page, windows):
    page = open_page("about:blank", has_map=False)
    page.route("**/assets/map/walk.js", lambda route: route.abort())
    with page.expect_event("pageerror"):
        page.goto(site[0])
    page.wait_for_selector("[role=alert]:has-text('could not load all of its scripts')")
    assert "main.js" in windows.problems.pop()


def test_the_page_works_if_it_may_not_store_data(site, open_page):
    page = open_page("about:blank", has_map=False)
    page.add_init_script(
        """for (const name of ["localStorage", "sessionStorage"]) {
            const get = () => { throw new DOMException("denied", "SecurityError"); };
            Object.defineProperty(window, name, { configurable: true, get });
        }"""
    )
    page.goto(site[0])
    wait_for_map(page)
    page.keyboard.press("r")
    assert page.evaluate("[explorer.state.repeat, localStorage.getItem('repeat')]") == ["one", "one"]
