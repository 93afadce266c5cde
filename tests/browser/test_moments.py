"""This moment, why similar, and the comet: what is heard, lit and shown, in Chromium."""

import json
import re

import numpy as np
import pytest
from gestures import open_map_menu, pixel_of, serious_findings, text, wait_until_playing, wait_until_still
from pixels import colour_at, distance, group_colour, picture
from support import store_library

from explorer.database.database import Database
from explorer.embedding.song_windows import N_COMPONENTS, SongWindows

STEP_S, SECONDS, MOMENT_S = 0.5, 20.0, 5.0
# Five seconds of song 3 sound like seconds of these songs: song, where they begin, how much noise is added.
# A window is the second around its time: the server's moments begin half a second earlier.
HERE_S = 12.0
ALIKE = ((10, 4.0, 1), (17, 9.0, 12), (5, 14.0, 25))


def noise(rng, count, loudness=40):
    return rng.normal(size=(count, N_COMPONENTS)) * loudness


def store_moments(database):
    """Store windows of 24 songs: song 3 and those of ALIKE have one moment in common."""
    rng = np.random.default_rng(5)
    count, length = int(SECONDS / STEP_S) + 1, int(MOMENT_S / STEP_S) + 1
    common = noise(rng, length)
    with Database.open(database) as library:
        for number in range(24):
            codes = noise(rng, count)
            for song, start_s, loudness in ((3, HERE_S, 0), *ALIKE):
                if song == number:
                    first = int(start_s / STEP_S)
                    codes[first : first + length] = common + noise(rng, length, loudness)
            windows = SongWindows(np.clip(np.rint(codes), -127, 127).astype(np.int8), 0.1, STEP_S)
            library.store_windows(f"{number:03d}.flac", windows)


@pytest.fixture(scope="module")
def moments(tmp_path_factory, serve):
    """The address of a served library of 24 songs whose windows are stored."""
    folder = tmp_path_factory.mktemp("moments")
    store_library(folder / "songs.db", folder / "music", seconds=SECONDS)
    store_moments(folder / "songs.db")
    with serve(folder / "songs.db") as url:
        yield url


@pytest.fixture
def page(moments, share_page):
    return share_page(moments, width=1400, height=900)


@pytest.fixture
def own_page(moments, open_page):
    return open_page(moments, width=1400, height=900)


def play_at(page, index, seconds):
    """Play a song, go to a second of it and pause there."""
    page.evaluate("i => explorer.actions.play(i)", index)
    wait_until_playing(page, f"{index:03d}.flac", beyond=0)
    page.wait_for_function(
        "i => explorer.state.selected === i && document.querySelector('.neighbours .song-row')", arg=index
    )
    page.evaluate("audio.pause()")
    page.evaluate("seconds => { audio.currentTime = seconds; }", seconds)
    page.wait_for_function(
        "seconds => Math.abs(audio.currentTime - seconds) < 0.01 && !audio.seeking", arg=seconds
    )


def ask(page, seconds=HERE_S + MOMENT_S / 2):
    """Show the songs that sound like a moment of song 3, with the key."""
    play_at(page, 3, seconds)
    page.keyboard.press(".")
    page.wait_for_selector(".moment-list .song-row")
    wait_until_still(page)


def wait_until_plays_from(page, index, start_s):
    """Wait until a song plays, and its position is near a second of it."""
    page.wait_for_function(
        """([name, start]) => audio.currentSrc.endsWith(name) && !audio.paused && !audio.seeking
            && audio.currentTime > start - 0.6 && audio.currentTime < start + 2""",
        arg=[f"{index:03d}.flac", start_s],
    )


def listed(page):
    """Return the songs of the list and what their rows say."""
    rows = page.locator(".moment-list .song-row")
    return [(int(row.get_attribute("data-index")), row.inner_text()) for row in rows.all()]


def test_the_songs_that_sound_like_this_moment_play_from_their_second(page):
    ask(page)
    songs = listed(page)
    assert [index for index, _ in songs[:3]] == [song for song, *_ in ALIKE]
    assert [("from 0:04" in songs[0][1]), ("from 0:09" in songs[1][1]), ("from 0:14" in songs[2][1])] == [
        True
    ] * 3
    said = page.locator("#announcer").text_content()
    assert said.startswith(f"{len(songs)} songs sound like 0:15 of Techno piece 3.")
    page.locator(".moment-list .row-main").first.click()
    wait_until_plays_from(page, 10, 4.0)
    # The panel and the selected song stay.
    assert page.evaluate("explorer.state.selected") == 3
    row = page.locator(".moment-list .song-row").first
    assert row.get_attribute("aria-current") == "true"
    # Next and previous go through the list; before its first row is the moment itself.
    page.keyboard.press("n")
    wait_until_plays_from(page, 17, 9.0)
    page.keyboard.press("p")
    wait_until_plays_from(page, 10, 4.0)
    page.keyboard.press("p")
    wait_until_plays_from(page, 3, HERE_S)


def test_the_row_of_the_moment_plays_it_again_and_another_row_pauses_when_it_plays(page):
    ask(page)
    own = page.locator(".moment-own .row-main")
    assert "from 0:12" in own.inner_text()
    for _ in range(2):
        own.click()
        wait_until_plays_from(page, 3, HERE_S)
    second = page.locator(".moment-list .row-main").nth(1)
    second.click()
    wait_until_plays_from(page, 17, 9.0)
    second.click()
    page.wait_for_function("() => audio.paused")


def test_a_moment_lights_its_songs_and_all_look_as_before_when_it_is_closed(page):
    play_at(page, 3, HERE_S + MOMENT_S / 2)
    wait_until_still(page)
    lit = [song for song, *_ in ALIKE]
    page.keyboard.press(".")
    page.wait_for_selector(".moment-list .song-row")
    shown = page.evaluate("[...explorer.state.moment.lit.keys()]")
    assert set(lit) <= set(shown)
    others = [song for song in range(24) if song not in (*shown, 3)]
    assert len(others) > 5
    wait_until_still(page)
    image = picture(page)
    for song in lit:
        assert distance(colour_at(image, pixel_of(page, song)), group_colour(page, song)) < 40, song
    for song in others:
        assert distance(colour_at(image, pixel_of(page, song)), group_colour(page, song)) > 60, song
    # The most similar song has the largest light.
    assert page.evaluate("document.getElementById('moment-lights').hidden") is False
    page.keyboard.press("Escape")
    page.wait_for_selector("#panel-moment", state="hidden")
    assert page.locator("#panel-song").is_visible()
    page.evaluate("explorer.update({ lineEnds: [] })")
    wait_until_still(page)
    image = picture(page)
    for song in others:
        assert distance(colour_at(image, pixel_of(page, song)), group_colour(page, song)) < 40, song
    assert page.evaluate("document.getElementById('moment-lights').hidden")


def test_another_song_may_be_selected_while_the_moment_stays(page):
    ask(page)
    page.locator(".moment-list .row-explore").first.click()
    page.wait_for_function("() => explorer.state.selected === 10")
    page.wait_for_selector("#panel-song .panel-title:has-text('piece 10')")
    assert page.evaluate("explorer.state.moment.index") == 3
    # A line leads back to the list, and closes it.
    assert "piece 3" in text(page, "#moment-line")
    page.get_by_role("button", name="List", exact=True).click()
    assert page.locator(".moment-list").is_visible() and page.locator("#moment-line").is_hidden()
    page.locator("#tab-song").click()
    page.locator("#moment-line-close").click()
    assert page.evaluate("explorer.state.moment") is None
    assert page.locator("#moment-line").is_hidden()


RECORD_HINTS = """() => {
    window.hints = [];
    const hint = document.querySelector("#seek .moment-hint");
    const note = () => hint.hidden || hints.push(hint.textContent);
    new MutationObserver(note).observe(hint, { attributeFilter: ["hidden"] });
}"""


def seek_place(page, share):
    box = page.locator("#seek").bounding_box()
    return box["x"] + share * box["width"], box["y"] + box["height"] / 2


def test_a_place_of_the_waveform_that_is_held_is_compared_and_a_click_only_goes_there(page):
    play_at(page, 3, 1.0)
    page.mouse.click(*seek_place(page, 0.5))
    page.wait_for_function("() => Math.abs(audio.currentTime - 10) < 0.4")
    page.wait_for_timeout(700)
    assert page.evaluate("explorer.state.moment") is None
    with page.expect_request("**/moments/**") as asked:
        page.mouse.move(*seek_place(page, 0.72))
        page.evaluate(RECORD_HINTS)
        page.mouse.down()
    page.wait_for_selector(".moment-list .song-row")
    page.mouse.up()
    held_s = float(asked.value.url.split("at_s=")[1].split("&")[0])
    assert held_s == pytest.approx(0.72 * SECONDS, abs=0.5)
    assert page.evaluate("hints") == [f"Hold to find songs that sound like 0:{int(held_s + 0.5)}"]
    assert page.locator("#seek .moment-hint").is_hidden()
    assert listed(page)[0][0] == 10
    # Dragging is no holding.
    page.keyboard.press("Escape")
    page.mouse.move(*seek_place(page, 0.2))
    page.mouse.down()
    page.mouse.move(*seek_place(page, 0.4), steps=4)
    page.wait_for_timeout(700)
    page.mouse.up()
    assert page.evaluate("explorer.state.moment") is None


def test_the_button_of_the_player_does_the_same_as_the_key(own_page):
    page = own_page
    assert page.locator("#moment-now").is_disabled()
    page.keyboard.press(".")
    page.wait_for_selector(".toast:has-text('Play a song first')")
    play_at(page, 3, HERE_S + MOMENT_S / 2)
    page.locator("#moment-now").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".moment-list .song-row")
    assert listed(page)[0][0] == 10
    page.locator(".moment-head button").click()
    assert page.evaluate("explorer.state.moment") is None


def test_a_library_without_windows_says_what_to_do(site, share_page):
    page = share_page(site[0])
    page.evaluate("explorer.actions.play(10)")
    wait_until_playing(page, "010.flac", beyond=0)
    page.keyboard.press(".")
    page.wait_for_selector(".toast:has-text('--windows')")
    assert page.evaluate("explorer.state.moment") is None
    page.locator(".neighbours .row-why").first.click()
    page.wait_for_selector(".why-text:has-text('--windows')")


def open_why(page, index):
    """Let the panel say why a song is similar to song 3."""
    neighbours = [{"index": index, "similarity": 0.7, "title": "Other", "artist": "", "album": ""}]
    more = {"gone": False, "same_sound": False, "same_recording": False}
    page.route("**/neighbours/**", lambda route: route.fulfill(json={"neighbours": [neighbours[0] | more]}))
    play_at(page, 3, 1.0)
    page.locator(".neighbours .row-why").click()
    page.wait_for_selector(".why-part canvas")


def test_why_plays_the_two_moments_in_turn_and_then_what_was_there(own_page):
    page = own_page
    open_why(page, 10)
    assert text(page, ".why-text").startswith("Most alike: 0:12 here and 0:04 there (similarity ")
    for number, start_s in ((0, HERE_S), (1, 4.0)):
        mark = page.locator(".moment-mark").nth(number).bounding_box()
        waveform = page.locator(".small-waveform").nth(number).bounding_box()
        share = (mark["x"] - waveform["x"]) / waveform["width"]
        assert share == pytest.approx((start_s - 0.5) / SECONDS, abs=0.01)
        assert mark["width"] / waveform["width"] == pytest.approx(MOMENT_S / SECONDS, abs=0.01)
    page.get_by_role("button", name="Play both moments").click()
    wait_until_plays_from(page, 3, HERE_S)
    assert text(page, ".why-part.sounding").startswith("Techno piece 3")
    wait_until_plays_from(page, 10, 4.0)
    assert text(page, ".why-part.sounding").startswith("Waltz piece 10")
    # The player has again the song that it had, paused at its second.
    page.wait_for_function("() => audio.currentSrc.endsWith('003.flac') && audio.paused && !audio.seeking")
    page.wait_for_function("() => Math.abs(audio.currentTime - 1) < 0.1")
    assert page.locator(".why-part.sounding").count() == 0
    assert page.get_by_role("button", name="Play both moments").count() == 1


def test_a_second_press_stops_and_the_song_that_played_goes_on(own_page):
    page = own_page
    open_why(page, 10)
    page.evaluate("audio.play()")
    page.wait_for_function("() => !audio.paused && audio.currentTime > 1.2")
    page.get_by_role("button", name="Play both moments").click()
    wait_until_plays_from(page, 3, HERE_S)
    page.get_by_role("button", name="Stop").click()
    page.wait_for_function("() => !audio.paused && audio.currentTime > 1 && audio.currentTime < 5")
    # Whatever else the user plays ends the comparison, and stays.
    page.get_by_role("button", name="Play both moments").click()
    wait_until_plays_from(page, 3, HERE_S)
    page.evaluate("explorer.actions.playWithoutSelecting(20)")
    wait_until_playing(page, "020.flac")
    page.wait_for_function("() => !document.querySelector('.why-part.sounding')")
    # Escape closes the card, and its button keeps the focus.
    page.locator(".row-why").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".why", state="detached")
    page.keyboard.press("Enter")
    page.wait_for_selector(".why")
    page.keyboard.press("Escape")
    page.wait_for_selector(".why", state="detached")
    assert "row-why" in page.evaluate("document.activeElement.className")
    assert page.evaluate("explorer.state.playing") == 20


def test_play_both_moments_ends_where_nobody_sees_how_to_stop_it(own_page):
    page = own_page
    open_why(page, 10)
    # The second moment would play when the first one has ended.
    page.evaluate(
        """() => {
            window.heard = [];
            audio.addEventListener("playing", () => heard.push(audio.currentSrc.split("/").pop()));
        }"""
    )
    page.get_by_role("button", name="Play both moments").click()
    wait_until_plays_from(page, 3, HERE_S)
    page.locator("#tab-choice").click()
    page.wait_for_function("() => audio.paused && Math.abs(audio.currentTime - 1) < 0.1")
    page.locator("#tab-song").click()
    page.get_by_role("button", name="Play both moments").click()
    wait_until_plays_from(page, 3, HERE_S)
    page.locator("#panel-close").click()
    page.wait_for_function("() => audio.paused && Math.abs(audio.currentTime - 1) < 0.1")
    assert set(page.evaluate("heard")) == {"003.flac"}


def test_moments_that_a_preview_does_not_have_are_not_played(own_page):
    page = own_page
    gone = {"gone_since": "2026-01-02T00:00:00Z", "fallback": "preview", "preview_start_s": 8.0}

    def answer(route):
        response = route.fetch()
        route.fulfill(response=response, json=response.json() | gone)

    page.route(re.compile(r"/songs/\d+/10(\?|$)"), answer)
    # Song 10 sounds like song 3 at its second 4.
    open_why(page, 10)
    assert page.get_by_role("button", name="Play both moments").is_disabled()
    assert "Only a preview of Waltz piece 10 is there." in text(page, ".why")


def test_a_held_key_asks_once(page):
    play_at(page, 3, HERE_S + MOMENT_S / 2)
    asked = []
    page.on("request", lambda request: "/moments/" in request.url and asked.append(request.url))
    for _ in range(10):
        page.keyboard.down(".")
    page.keyboard.up(".")
    page.wait_for_selector(".moment-list .song-row")
    assert len(asked) == 1


def test_the_list_and_the_comparison_have_no_serious_problem_of_accessibility(own_page):
    page = own_page
    open_why(page, 10)
    assert serious_findings(page) == []
    page.keyboard.press(".")
    page.wait_for_selector(".moment-list .song-row")
    wait_until_still(page)
    assert serious_findings(page) == []


def serve_comet(page):
    """Answer with a known path, a place for each second. Return it and the addresses that were asked for."""
    places = np.array([[0.2 * second - 2, np.sin(second)] for second in range(21)], dtype="<f4")
    asked = []

    def answer(route):
        asked.append(route.request.url)
        route.fulfill(body=places.tobytes(), headers={"X-Step": "1"}, content_type="application/octet-stream")

    page.route("**/comet/**", answer)
    return places, asked


def light_of(page):
    box = page.evaluate("() => document.getElementById('comet').getBoundingClientRect().toJSON()")
    return box["x"], box["y"]


def to_pixels(page, place):
    found = page.evaluate("place => explorer.camera.toPixels(...place)", [float(value) for value in place])
    return found["x"], found["y"]


def test_the_comet_lies_where_the_second_would_and_follows_the_map(moments, open_page):
    page = open_page(moments, width=1400, height=900, reduced_motion=False)
    places, asked = serve_comet(page)
    assert page.locator("#comet").is_hidden() and page.locator("#comet-trail").is_hidden()
    page.evaluate("explorer.actions.play(3)")
    page.wait_for_selector("#comet", state="attached")
    page.wait_for_function("() => !document.getElementById('comet').hidden")
    page.evaluate("audio.pause()")
    for second in (7, 12):
        page.evaluate("second => { audio.currentTime = second; }", second)
        page.wait_for_function(
            "second => Math.abs(audio.currentTime - second) < 0.01 && !audio.seeking", arg=second
        )
        wait_until_still(page)
        assert light_of(page) == pytest.approx(to_pixels(page, places[second]), abs=2)
    # The trail leads through the places before.
    image = picture(page)
    page.evaluate("document.getElementById('comet-trail').style.visibility = 'hidden'")
    without = picture(page)
    on_trail = [
        distance(colour_at(image, to_pixels(page, places[s])), colour_at(without, to_pixels(page, places[s])))
        for s in (9, 10, 11)
    ]
    assert max(on_trail) > 40
    ahead = to_pixels(page, places[16])
    assert distance(colour_at(image, ahead), colour_at(without, ahead)) < 5
    # On a map that moves, it keeps its place.
    page.evaluate("explorer.camera.zoomAt(500, 400, 0.5)")
    wait_until_still(page)
    assert light_of(page) == pytest.approx(to_pixels(page, places[12]), abs=2)
    assert len(asked) == 1 and "projection=tsne" in asked[0]
    # Another song has another path.
    page.evaluate("explorer.actions.play(10)")
    page.wait_for_function("() => explorer.state.song?.id === '010.flac'")
    page.wait_for_function("() => !document.getElementById('comet').hidden")
    assert "/10?" in asked[-1]
    # The switch in the menu of the map turns it off, and the browser remembers it.
    open_map_menu(page)
    page.locator("#comet-switch").focus()
    page.keyboard.press("Space")
    page.wait_for_function(
        "() => document.getElementById('comet').hidden && document.getElementById('comet-trail').hidden"
    )
    assert page.evaluate("localStorage.getItem('comet')") == "off"
    page.reload()
    page.wait_for_selector("#map-frame[data-drawn]")
    open_map_menu(page)
    page.wait_for_function("() => !document.getElementById('comet-switch').checked")


def test_without_animations_there_is_no_comet(moments, open_page):
    page = open_page(moments, width=1400, height=900)
    _, asked = serve_comet(page)
    page.evaluate("explorer.actions.play(3)")
    wait_until_playing(page, "003.flac", beyond=1)
    assert asked == [] and page.locator("#comet").is_hidden()
    page.emulate_media(reduced_motion="no-preference")
    page.wait_for_function("() => !document.getElementById('comet').hidden")
    assert len(asked) == 1
    page.emulate_media(reduced_motion="reduce")
    page.wait_for_function("() => document.getElementById('comet').hidden")


def test_the_picture_of_the_map_has_the_lights(page):
    ask(page)
    colours = page.evaluate(
        """async () => {
            const canvas = explorer.picture.compose();
            const { left, top } = explorer.picture.visibleArea();
            const context = canvas.getContext("2d");
            const [lit] = explorer.state.moment.lit.keys();
            const other = [...Array(24).keys()].find((i) => i !== 3 && !explorer.state.moment.lit.has(i));
            return JSON.stringify([lit, other].map((i) => {
                const { x, y } = explorer.camera.toPixels(...explorer.songs.placeOf(i));
                return [i, [...context.getImageData(2 * (x - left), 2 * (y - top), 1, 1).data].slice(0, 3)];
            }));
        }"""
    )
    (lit, colour), (other, grey) = json.loads(colours)
    assert distance(colour, group_colour(page, lit)) < 40
    assert distance(grey, group_colour(page, other)) > 60
