"""Inside: what is inside a song, in the panel's tab and in the wide card; in Chromium."""

import re

import pytest
from gestures import serious_findings, text, wait_until_audible, wait_until_playing
from inside_support import features_of_structure, store_inside, windows_of_structure
from support import store_library

from explorer.database.database import Database

SECONDS = 36.0
WITHOUT_WINDOWS, SHORT, TAGGED = 3, 4, 5
PICTURES = "#panel-inside .timeline-pictures"
HEAD = "#panel-inside .timeline-head"
SECTION = re.compile(r"Section [AB], \d:\d\d to \d:\d\d.*, play from there")


@pytest.fixture(scope="module")
def inside_site(tmp_path_factory, serve):
    """The address of a library of 12 songs of 36 seconds, made of three parts: A, B and A again.

    Song 3 has no windows and no features, song 4 is very short, and song 5 has tags.
    """
    folder = tmp_path_factory.mktemp("inside")
    ids = store_library(folder / "songs.db", folder / "music", per_genre=4, seconds=SECONDS)
    with Database.open(folder / "songs.db") as library:
        for song_id in (ids[0], ids[1], ids[2], ids[TAGGED]):
            store_inside(library, song_id, seconds=SECONDS)
        library._rows("UPDATE files SET duration_s = 0.3 WHERE song_id = ?", (ids[SHORT],))
        library.store_windows(ids[SHORT], windows_of_structure("A", seconds=0))
        library.store_features(ids[SHORT], features_of_structure("A", seconds=0))
        library._rows(
            "UPDATE songs SET info = json_set(info, '$.bpm', '128', '$.key', '8B') WHERE id = ?",
            (ids[TAGGED],),
        )
    with serve(folder / "songs.db") as url:
        yield url


@pytest.fixture
def page(inside_site, share_page):
    """The page of that library, reset to its state after loading."""
    return share_page(inside_site)


def look_inside(page, index):
    """Select a song and wait until the tab shows its inside."""
    page.evaluate("i => { explorer.actions.select(i); explorer.panel.showTab('inside'); }", index)
    title = page.evaluate("async i => (await explorer.api.getSong(i)).title", index)
    page.wait_for_function(
        "title => document.querySelector('#panel-inside .inside-title').textContent === title", arg=title
    )


def click_at(page, selector, share):
    """Click a picture at a share of its width."""
    box = page.locator(selector).bounding_box()
    page.mouse.click(box["x"] + box["width"] * share, box["y"] + box["height"] * 0.3)


WATCH_STARTS = """() => {
    window.starts = [];
    if (window.watched === audio) return;
    window.watched = audio;
    audio.addEventListener("seeked", () => starts.push([decodeURI(audio.currentSrc), audio.currentTime]));
}"""


def watch_starts(page):
    """Note from now on at which second of which song the player begins, or goes on."""
    page.evaluate(WATCH_STARTS)


def wait_for_start(page, name, seconds):
    """Wait until a song plays that began, or went on, at a second: it has not just come there by itself."""
    page.wait_for_function(
        """([name, seconds]) => !audio.paused && starts.some(
            ([source, time]) => source.endsWith(name) && Math.abs(time - seconds) < 1.5)""",
        arg=[name, seconds],
    )


def head_share(page):
    return float(page.locator(HEAD).evaluate("head => parseFloat(head.style.left)")) / 100


def test_a_click_on_the_waveform_plays_the_song_from_there(page):
    # A shared page may have played a song.
    page.evaluate("explorer.update({ song: null, playing: null, sound: 'paused' })")
    look_inside(page, 1)
    assert page.locator(HEAD).is_hidden()
    assert "Click a place" in text(page, "#panel-inside .timeline-tip")
    watch_starts(page)
    click_at(page, PICTURES, 2 / 3)
    wait_for_start(page, "001.flac", 24)
    wait_until_playing(page, "001.flac", beyond=24)
    wait_until_audible(page)
    # The tab stays, and the playhead goes on.
    assert page.evaluate("explorer.state.panelTab") == "inside"
    page.wait_for_selector(HEAD)
    before = head_share(page)
    assert 0.65 < before < 0.9
    page.wait_for_function(
        "([head, before]) => parseFloat(document.querySelector(head).style.left) > before * 100 + 1",
        arg=[HEAD, before],
    )
    # Another click moves within the song, which is not loaded again.
    page.evaluate("audio.addEventListener('emptied', () => { window.emptied = true; }, { once: true })")
    click_at(page, PICTURES, 1 / 6)
    wait_for_start(page, "001.flac", 6)
    assert page.evaluate("window.emptied") is None
    # While another song plays, there is no playhead.
    page.evaluate("explorer.actions.playWithoutSelecting(0)")
    wait_until_playing(page, "000.flac")
    page.wait_for_selector(HEAD, state="hidden")
    click_at(page, PICTURES, 1 / 3)
    wait_for_start(page, "001.flac", 12)


def test_the_waveform_has_the_colours_of_the_sections(page):
    look_inside(page, 1)
    colours = page.locator("#panel-inside .timeline-section").evaluate_all(
        "buttons => buttons.map((button) => getComputedStyle(button).backgroundColor)"
    )
    assert colours[0] == colours[2] != colours[1]
    painted = """() => {
        const canvas = document.querySelector("#panel-inside .timeline-wave");
        const { width, height } = canvas;
        const row = canvas.getContext("2d").getImageData(0, Math.round(height / 2) - 6, width, 1).data;
        const found = [1 / 6, 1 / 2, 5 / 6].map((share) => {
            for (let x = Math.floor(share * width); x < width; x++) {
                if (row[4 * x + 3] === 255) return `rgb(${row.slice(4 * x, 4 * x + 3).join(", ")})`;
            }
        });
        return found.every(Boolean) ? found : null;
    }"""
    assert page.wait_for_function(painted).json_value() == colours


def test_sections_are_named_buttons_that_play(page):
    look_inside(page, 2)
    buttons = page.get_by_role("button", name=SECTION)
    names = buttons.evaluate_all("buttons => buttons.map((button) => button.ariaLabel)")
    assert [name.split(",")[0] for name in names] == ["Section A", "Section B", "Section A"]
    assert names[0].startswith("Section A, 0:00 to 0:1")
    assert names[2].endswith("to 0:36, play from there")
    watch_starts(page)
    buttons.nth(1).click()
    wait_for_start(page, "002.flac", 12)
    page.wait_for_selector("#panel-inside .timeline-section[aria-current]:nth-child(2)")
    # One tab stop; the arrow keys go from section to section, and do not walk over the map.
    page.evaluate("audio.pause()")
    buttons.nth(0).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.ariaLabel") == names[2]
    assert page.locator("#panel-inside .timeline-section[tabindex='0']").count() == 1
    page.keyboard.press("Enter")
    wait_for_start(page, "002.flac", 24)


def test_the_keyboard_moves_the_position(page):
    look_inside(page, 1)
    slider = page.locator("#panel-inside").get_by_role("slider", name="Position in the song")
    slider.focus()
    page.keyboard.press("Enter")
    wait_until_playing(page, "001.flac", beyond=0)
    page.evaluate("audio.pause()")
    page.evaluate("audio.currentTime = 10")
    page.wait_for_selector(f"{PICTURES}[aria-valuenow='10']")
    assert slider.get_attribute("aria-valuetext") == "0:10, section A"
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(f"{PICTURES}[aria-valuenow='15']")
    assert slider.get_attribute("aria-valuetext") == "0:15, section B"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("() => audio.currentTime === 5")
    # A song that is paused stays so, and the map's keys did nothing.
    assert page.evaluate("audio.paused && audio.currentSrc.endsWith('001.flac')")
    page.keyboard.press("Home")
    page.wait_for_function("() => audio.currentTime === 0")
    page.keyboard.press(" ")
    page.wait_for_function("() => !audio.paused")


def test_arrow_keys_only_mark_a_place_while_another_song_plays(page):
    page.evaluate("explorer.actions.playWithoutSelecting(0)")
    wait_until_playing(page, "000.flac")
    look_inside(page, 1)
    slider = page.locator("#panel-inside").get_by_role("slider", name="Position in the song")
    mark = page.locator("#panel-inside .timeline-mark")
    assert mark.is_hidden()
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "0:15, section B"
    assert mark.evaluate("mark => parseFloat(mark.style.left)") == pytest.approx(100 * 15 / SECONDS)
    assert text(page, "#panel-inside .timeline-tip") == "0:15, section B · Enter plays from there"
    assert page.locator(HEAD).is_hidden()
    assert page.evaluate("audio.currentSrc.endsWith('000.flac') && !audio.paused")
    assert page.evaluate("explorer.state.playing") == 0
    watch_starts(page)
    page.keyboard.press("Enter")
    wait_for_start(page, "001.flac", 15)
    page.wait_for_selector(HEAD)
    assert mark.is_hidden()


def leave_preview(page, index, start_s):
    """Let a song look as if its file were missing and only a preview were left, from a second on."""
    gone = {"gone_since": "2026-01-02T00:00:00Z", "fallback": "preview", "preview_start_s": start_s}

    def answer(route):
        response = route.fetch()
        route.fulfill(response=response, json=response.json() | gone)

    page.route(re.compile(rf"/songs/\d+/{index}(\?|$)"), answer)


def test_of_a_missing_song_only_the_seconds_of_its_preview_play(inside_site, open_page):
    page = open_page(inside_site)
    leave_preview(page, 1, 10.0)
    look_inside(page, 1)
    watch_starts(page)
    click_at(page, PICTURES, 15 / SECONDS)
    wait_for_start(page, "preview/001.flac", 5)
    page.wait_for_selector(HEAD)
    assert head_share(page) == pytest.approx(15 / SECONDS, abs=0.06)
    page.evaluate("audio.pause()")
    before = page.evaluate("audio.currentTime")
    click_at(page, PICTURES, 2 / SECONDS)
    page.wait_for_selector(".toast:has-text('Only a preview of this song is there: 0:10 to 0:30')")
    assert page.evaluate("audio.paused && audio.currentTime") == before
    # Keys stay within the preview and never end it.
    page.locator(PICTURES).focus()
    page.keyboard.press("End")
    page.wait_for_function("() => audio.currentTime === 15")
    page.wait_for_selector(f"{PICTURES}[aria-valuenow='25']")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Home")
    page.wait_for_function("() => audio.currentTime === 0")
    page.wait_for_selector(f"{PICTURES}[aria-valuenow='10']")


def test_what_an_index_run_has_found_out_is_shown_at_its_end(inside_site, open_page):
    page = open_page(inside_site)
    asked = []
    nothing = {"has_windows": False, "sections": [], "loudness_curve": [], "loudness_lufs": None}

    def answer(route):
        asked.append(route.request.url)
        response = route.fetch()
        unknown = nothing | {"tempo_source": None, "tempo_bpm": None, "advice": "Not known yet."}
        known = response.json()
        route.fulfill(response=response, json=known | unknown if len(asked) < 3 else known)

    page.route(re.compile(r"/inside/\d+/1$"), answer)
    look_inside(page, 1)
    assert page.locator("#panel-inside .inside-note").is_visible()
    with page.expect_response(re.compile(r"/inside/\d+/1$")):
        page.evaluate("explorer.update({ isIndexing: true }); explorer.update({ isIndexing: false })")
    assert page.locator("#panel-inside .inside-note").is_visible()
    change = "map => ({ ...map, meta: { ...map.meta, changes: 'other' } })"
    page.evaluate(f"explorer.update({{ map: ({change})(explorer.state.map) }})")
    page.wait_for_selector("#panel-inside .timeline-section >> nth=2")
    assert page.locator("#panel-inside .inside-note").is_hidden()
    # Of this song everything is known.
    count = len(asked)
    page.evaluate("explorer.update({ isIndexing: true }); explorer.update({ isIndexing: false })")
    page.wait_for_timeout(300)
    assert len(asked) == count


def test_the_wide_view_shows_the_beats(page):
    look_inside(page, 1)
    page.keyboard.press("i")
    page.wait_for_selector("#inside-wide .timeline-section >> nth=2")
    places = """() => {
        const canvas = document.querySelector("#inside-wide .timeline-wave");
        const { width, height } = canvas;
        const row = canvas.getContext("2d").getImageData(0, height - 2, width, 1).data;
        const other = document.createElement("canvas").getContext("2d");
        other.fillStyle = getComputedStyle(canvas).getPropertyValue("--text");
        other.fillRect(0, 0, 1, 1);
        const colour = other.getImageData(0, 0, 1, 1).data;
        const isBeat = (x) => colour.every((value, i) => row[4 * x + i] === value);
        const found = [...Array(width).keys()].filter(isBeat);
        return found.length ? found.map((x) => (36 * x) / width) : null;
    }"""
    seconds = page.wait_for_function(places).json_value()
    assert all(abs(second * 2 - round(second * 2)) < 0.15 for second in seconds)
    assert {round(second * 2) for second in seconds} == set(range(int(SECONDS * 2)))


def test_hovering_shows_the_time_and_the_section(page):
    # A shared page may have played a song.
    page.evaluate("explorer.update({ song: null, playing: null, sound: 'paused' })")
    look_inside(page, 1)
    box = page.locator(PICTURES).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    assert text(page, "#panel-inside .timeline-tip") == "0:18, section B"
    page.locator("#panel-inside .timeline-section").nth(0).hover()
    assert text(page, "#panel-inside .timeline-tip").startswith("Section A, 0:00 to")
    page.mouse.move(5, 5)
    assert "section B" not in text(page, "#panel-inside .timeline-tip")
    assert page.locator("#panel-inside .timeline-pointer").is_hidden()


def test_facts_are_told_with_their_doubt_and_their_source(page):
    look_inside(page, 1)
    facts = text(page, "#panel-inside .inside-facts")
    for words in ("120 bpm", "A minor · 8A (not sure)", "−14 LUFS", "2.1 kHz", "62 of 100"):
        assert words in facts
    look_inside(page, TAGGED)
    facts = text(page, "#panel-inside .inside-facts")
    assert "128 bpm, from the tags" in facts
    assert "C major · 8B, from the tags" in facts
    assert page.locator("#panel-inside .inside-note").is_hidden()


def test_the_matrix_is_loaded_when_it_is_opened(page):
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    look_inside(page, 1)
    assert not [url for url in requests if url.endswith("/matrix")]
    page.get_by_text("Where the song repeats itself").click()
    page.wait_for_function("() => document.querySelector('#panel-inside .matrix canvas').width > 60")
    brightness = page.evaluate(
        """() => {
            const canvas = document.querySelector("#panel-inside .matrix canvas");
            const { width, height } = canvas;
            const at = (x, y) => canvas.getContext("2d")
                .getImageData(Math.floor(x * width), Math.floor(y * height), 1, 1).data[0];
            return { diagonal: at(0.5, 0.5), repeat: at(0.85, 0.15), other: at(0.5, 0.15) };
        }"""
    )
    assert brightness["diagonal"] > 240
    assert brightness["repeat"] > 220
    assert brightness["other"] < 120
    page.get_by_text("Where the song repeats itself").click()


def test_the_wide_card_opens_below_the_map_and_escape_closes_it(page):
    look_inside(page, 1)
    free = page.evaluate("explorer.camera.freeArea().bottom")
    page.keyboard.press("i")
    page.wait_for_selector("#inside-wide .timeline-section >> nth=2")
    page.wait_for_function("() => document.querySelector('#inside-wide .matrix canvas').width > 60")
    assert page.evaluate("explorer.camera.freeArea().bottom") < free - 150
    card = page.locator("#inside-wide").bounding_box()
    panel = page.locator("#panel").bounding_box()
    assert card["x"] + card["width"] <= panel["x"]
    fits = "body => body.scrollHeight <= body.clientHeight"
    assert page.locator("#inside-body").evaluate(fits)
    # The panel does not show the same pictures twice.
    assert page.locator("#panel-inside .inside-picture").is_hidden()
    watch_starts(page)
    click_at(page, "#inside-wide .timeline-pictures", 1 / 2)
    wait_for_start(page, "001.flac", 18)
    page.wait_for_selector("#inside-wide .timeline-head")
    page.wait_for_selector("#inside-wide .matrix-head.down")
    # The matrix plays from the moment of its column.
    click_at(page, "#inside-wide .matrix canvas", 1 / 4)
    wait_for_start(page, "001.flac", 9)
    page.keyboard.press("Escape")
    page.wait_for_selector("#inside-wide", state="hidden")
    assert page.evaluate("!audio.paused")
    assert page.locator("#panel-inside .inside-picture").is_visible()


def test_only_one_card_lies_below_the_map(page):
    look_inside(page, 1)
    page.get_by_role("button", name="Open wide").click()
    page.wait_for_selector("#inside-wide")
    page.keyboard.press("s")
    page.wait_for_selector("#spectrogram")
    assert page.locator("#inside-wide").is_hidden()
    assert page.get_by_role("button", name="Open wide").get_attribute("aria-expanded") == "false"
    page.keyboard.press("i")
    page.wait_for_selector("#inside-wide")
    assert page.locator("#spectrogram").is_hidden()
    page.locator("#inside-close").click()
    page.wait_for_selector("#inside-wide", state="hidden")


def test_the_keyboard_comes_back_from_the_wide_card(page):
    look_inside(page, 1)
    page.get_by_role("button", name="Open wide").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#inside-wide .timeline-section >> nth=2")
    page.locator("#inside-close").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#inside-wide", state="hidden")
    page.wait_for_function("() => document.activeElement.matches('.inside-wide-button')")


def test_a_song_without_windows_shows_what_is_known_and_what_to_run(page):
    look_inside(page, WITHOUT_WINDOWS)
    note = text(page, "#panel-inside .inside-note")
    assert "python run.py index" in note and "--windows" in note
    assert page.locator("#panel-inside .timeline-section").count() == 0
    for hidden in (".inside-facts", ".timeline-curve >> nth=0", ".inside-details >> nth=0"):
        assert page.locator(f"#panel-inside {hidden}").is_hidden()
    watch_starts(page)
    click_at(page, PICTURES, 1 / 2)
    wait_for_start(page, "003.flac", 18)
    # Nothing remains of the song that was shown before.
    look_inside(page, 1)
    assert page.locator("#panel-inside .inside-note").is_hidden()
    assert page.locator("#panel-inside .timeline-section").count() == 3


def test_a_very_short_song_has_one_section(page):
    look_inside(page, SHORT)
    assert page.locator("#panel-inside .timeline-section").count() == 1
    assert "No clear change" in text(page, "#panel-inside .inside-note")
    page.keyboard.press("i")
    page.wait_for_function("() => document.querySelector('#inside-wide .matrix canvas').width === 1")


def test_the_tab_stays_for_the_next_song_and_the_arrow_keys_change_it(page):
    page.locator("#tab-inside").click()
    assert "Nothing is selected" in text(page, "#panel-inside")
    page.evaluate("explorer.actions.select(2)")
    page.wait_for_selector("#panel-inside .timeline-section >> nth=2")
    page.evaluate("explorer.actions.select(1)")
    page.wait_for_function(
        "() => document.querySelector('#panel-inside .inside-title').textContent.endsWith(' 1')"
    )
    page.evaluate("explorer.actions.select(null)")
    page.wait_for_function(
        "() => document.querySelector('#panel-inside .inside-title').textContent.startsWith('Nothing')"
    )
    page.locator("#tab-song").click()
    page.locator("#tab-song").focus()
    for expected in ("inside", "choice", "song"):
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.id") == f"tab-{expected}"
        assert page.locator(f"#panel-{expected}").is_visible()
        assert page.locator("[role=tabpanel]:visible").count() == 1
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.id") == "tab-choice"


def test_without_an_answer_the_page_says_so_and_loads_later(page):
    page.route("**/inside/**", lambda route: route.abort())
    page.evaluate("explorer.actions.select(1); explorer.panel.showTab('inside')")
    page.wait_for_function(
        "() => document.getElementById('panel-inside').innerText.includes('does not answer')"
    )
    page.unroute("**/inside/**")
    page.evaluate("explorer.update({ serverAnswers: false }); explorer.update({ serverAnswers: true })")
    page.wait_for_selector("#panel-inside .timeline-section >> nth=2")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_inside_has_no_serious_accessibility_problem(inside_site, share_page, theme):
    page = share_page(inside_site, theme=theme)
    look_inside(page, 1)
    page.get_by_text("What these values mean").click()
    page.keyboard.press("i")
    page.wait_for_function("() => document.querySelector('#inside-wide .matrix canvas').width > 60")
    assert serious_findings(page) == []
    page.keyboard.press("i")
    assert serious_findings(page) == []
    page.get_by_text("What these values mean").click()


def test_on_a_phone_the_inside_fits(inside_site, share_page):
    page = share_page(inside_site, width=390, height=844, touch=True)
    look_inside(page, 1)
    page.evaluate("explorer.panel.open()")
    page.wait_for_selector("#panel-inside .timeline-section >> nth=2")
    fits = "element => element.scrollWidth <= element.clientWidth"
    assert page.locator("#panel-inside").evaluate(fits)
    tabs = page.locator("#panel [role=tab]").evaluate_all(
        "tabs => tabs.map((tab) => tab.getBoundingClientRect().right)"
    )
    assert max(tabs) < page.locator("#panel-close").bounding_box()["x"]
    watch_starts(page)
    page.locator(PICTURES).tap(position={"x": 170, "y": 20})
    wait_for_start(page, "001.flac", 18)
    page.get_by_role("button", name="Open wide").tap()
    page.wait_for_function("() => document.querySelector('#inside-wide .matrix canvas').width > 60")
    assert page.locator("#panel").is_hidden()
    assert page.locator("#inside-body").evaluate(fits)
    # The buttons of the map are above the card.
    tools = page.locator(".map-tools").bounding_box()
    assert tools["y"] + tools["height"] <= page.locator("#inside-wide").bounding_box()["y"]
