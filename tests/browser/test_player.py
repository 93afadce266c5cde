"""The player in Chromium: start, next and previous, going on, waveform, spectrogram, media keys, tabs."""

import pytest
from gestures import click_song, text, visit, wait_for_map, wait_until_audible, wait_until_playing

AT_END = "audio.currentTime = audio.duration - 0.2"


def is_cut(page, selector):
    """Return whether an element's text does not fit into it."""
    return page.locator(selector).evaluate(
        """element => element.scrollWidth > element.clientWidth
            || element.scrollHeight > element.clientHeight + 1"""
    )


@pytest.mark.parametrize("width", [320, 390, 800, 1024, 1280, 1920])
def test_the_start_of_the_bar_is_not_cut(site, share_page, width):
    page = share_page(site[0])
    # A shared page may have played a song.
    page.evaluate("explorer.update({ song: null, sound: 'paused' })")
    page.set_viewport_size({"width": width, "height": 800})
    assert text(page, "#now-title") == "Nothing plays yet"
    assert not is_cut(page, "#now-title")


def test_at_the_start_play_plays_a_song_and_next_is_disabled(site, open_page):
    page = open_page(site[0])
    assert page.locator("#next").is_disabled()
    assert page.locator("#previous").is_disabled()
    assert page.locator("#play").get_attribute("aria-label") == "Play (space)"
    page.locator("#play").click()
    page.wait_for_function("() => !audio.paused && audio.currentTime > 0.2")
    assert page.locator("#play").get_attribute("aria-label") == "Pause (space)"
    assert page.locator("#play").get_attribute("title") == "Pause (space)"
    assert page.evaluate("explorer.state.selected === explorer.state.playing")
    page.wait_for_function("() => explorer.state.walk.length > 1")
    assert page.locator("#next").is_enabled()
    assert page.locator("#previous").is_enabled()
    playing = page.evaluate("explorer.state.playing")
    page.locator("#next").click()
    page.wait_for_function(
        "index => explorer.state.playing !== index && audio.currentTime > 0.1", arg=playing
    )


def test_space_plays_a_song_at_the_start(site, open_page):
    page = open_page(site[0])
    page.keyboard.press(" ")
    page.wait_for_function("() => !audio.paused && audio.currentTime > 0.2")
    page.keyboard.press(" ")
    page.wait_for_function("() => audio.paused")
    assert page.locator("#play").get_attribute("aria-label") == "Play (space)"


def test_next_skips_songs_that_do_not_match_the_filter(page):
    click_song(page, 10)
    wait_until_playing(page, "010.flac")
    page.wait_for_function("() => explorer.state.walk.length === 8")
    # Of the neighbours, only the last one stays.
    page.evaluate(
        """() => {
            const { state, update } = explorer;
            const flags = state.map.flags.map((flag, i) => (state.walk.slice(1, 7).includes(i) ? 0 : flag));
            update({ map: { ...state.map, flags } });
        }"""
    )
    last = page.evaluate("explorer.state.walk[7]")
    page.keyboard.press("n")
    wait_until_playing(page, f"{last:03d}.flac", beyond=0.1)
    page.keyboard.press("p")
    wait_until_playing(page, "010.flac", beyond=0.1)


def test_when_a_song_ends_the_music_goes_on_with_songs_that_were_not_heard(page):
    page.evaluate("explorer.queue.setRepeat('on')")
    assert page.locator("#repeat").get_attribute("aria-label") == "Go on with nearby songs (r)"
    click_song(page, 10)
    wait_until_playing(page, "010.flac")
    nearest = page.evaluate("async () => (await explorer.api.getNeighbours(10))[0].index")
    page.evaluate(AT_END)
    wait_until_playing(page, f"{nearest:03d}.flac")
    # The nearest song of the nearest song is often the first one: it is not played again.
    page.evaluate(AT_END)
    page.wait_for_function(
        "heard => !heard.includes(explorer.state.song.index) && !audio.paused && audio.currentTime > 0.1",
        arg=[10, nearest],
    )
    assert page.evaluate("explorer.state.selected") == 10
    # Only two songs match the filter, and both were heard.
    page.evaluate(
        """heard => {
            const { state, update } = explorer;
            const flags = state.map.flags.map((flag, i) => (heard.includes(i) ? flag : 0));
            update({ map: { ...state.map, flags } });
        }""",
        [10, nearest],
    )
    page.evaluate(AT_END)
    page.wait_for_selector(".toast:has-text('You have heard all songs')")
    assert page.locator("#player").get_attribute("data-state") == "paused"
    page.get_by_role("button", name="Hear them again").click()
    page.wait_for_function(
        "heard => heard.includes(explorer.state.playing) && !audio.paused", arg=[10, nearest]
    )


def test_a_selection_plays_to_its_end_or_begins_again(page):
    page.evaluate("explorer.queue.setRepeat('on')")
    page.evaluate("explorer.selection.choose([10, 4], { adds: false })")
    page.evaluate("explorer.selection.playFrom(0)")
    wait_until_playing(page, "010.flac")
    assert page.locator("#repeat").get_attribute("aria-label") == "Play the selection to its end (r)"
    page.evaluate(AT_END)
    wait_until_playing(page, "004.flac")
    page.evaluate(AT_END)
    page.wait_for_selector("#player[data-state='paused']")
    page.keyboard.press("r")
    assert page.locator("#repeat").get_attribute("aria-label") == "Repeat the selection (r)"
    page.keyboard.press(" ")
    wait_until_playing(page, "004.flac", beyond=0.05)
    page.evaluate(AT_END)
    wait_until_playing(page, "010.flac")


def test_the_times_of_the_player_agree_with_the_library(page):
    click_song(page, 10)
    wait_until_playing(page, "010.flac")
    length = page.evaluate("explorer.text.formatTime(explorer.state.song.duration_s)")
    assert text(page, "#duration") == length
    page.evaluate("explorer.queue.setRepeat('stop'); audio.currentTime = audio.duration")
    page.wait_for_function("() => audio.ended")
    page.wait_for_function("length => document.getElementById('elapsed').textContent === length", arg=length)


def test_while_a_song_loads_the_button_shows_it(page):
    page.evaluate("explorer.update({ song: { title: 'Slow', artist: '', genres: [] }, sound: 'loading' })")
    button = page.locator("#play")
    assert button.locator(".icon-pause").is_visible()
    assert button.evaluate("button => getComputedStyle(button, '::after').animationName").startswith("turn")
    # The icon's shape is loaded before it is needed.
    assert "pause.svg" in button.evaluate("button => getComputedStyle(button, '::before').maskImage")
    page.evaluate("explorer.update({ song: null, sound: 'paused' })")


def test_only_one_tab_plays(site, open_page):
    first = open_page(site[0])
    click_song(first, 10)
    wait_until_playing(first, "010.flac")
    second = first.context.new_page()
    second.goto(site[0])
    wait_for_map(second)
    click_song(second, 4)
    wait_until_playing(second, "004.flac")
    first.wait_for_function("() => audio.paused && explorer.state.sound === 'paused'")
    assert first.locator("#play").get_attribute("aria-label") == "Play (space)"
    assert not second.evaluate("audio.paused")
    first.bring_to_front()
    first.keyboard.press(" ")
    second.wait_for_function("() => audio.paused && explorer.state.sound === 'paused'")
    assert not first.evaluate("audio.paused")


def test_next_and_previous_go_through_the_neighbours(page):
    click_song(page, 10)
    wait_until_playing(page, "010.flac")
    page.wait_for_function("() => explorer.state.walk.length === 8")
    order = page.evaluate("explorer.state.walk")
    # With the buttons.
    for button, place in (("#next", 1), ("#next", 2), ("#previous", 1)):
        page.locator(button).click()
        wait_until_playing(page, f"{order[place]:03d}.flac")
    wait_until_audible(page)
    # With the keys. The song where the walk began stays the same.
    page.evaluate("document.activeElement.blur()")
    for key, place in (("n", 2), ("p", 1), ("p", 0), ("p", 7)):
        page.keyboard.press(key)
        wait_until_playing(page, f"{order[place]:03d}.flac", beyond=0.05)
    assert page.evaluate("explorer.state.selected") == 10
    page.wait_for_function("() => announcer.textContent.startsWith('Playing ')")
    # After some seconds the button goes to the song's start. The song is paused, so it stays at its start.
    page.evaluate("audio.pause(); audio.currentTime = 8")
    page.locator("#previous").click()
    page.wait_for_function(
        "name => audio.currentTime < 2 && audio.currentSrc.endsWith(name)", arg=f"{order[7]:03d}.flac"
    )


def test_the_repeat_mode_decides_what_plays_after_a_song(page):
    click_song(page, 10)
    wait_until_playing(page, "010.flac")
    page.wait_for_function("() => explorer.state.walk.length === 8")
    page.evaluate("explorer.queue.setRepeat('on')")
    page.locator("#repeat").click()
    assert page.locator("#repeat").get_attribute("aria-label") == "Repeat this song (r)"
    page.evaluate(AT_END)
    page.wait_for_function("() => audio.currentTime > 0.1 && audio.currentTime < 3 && !audio.paused")
    page.keyboard.press("r")
    assert page.locator("#repeat").get_attribute("aria-label") == "Stop after this song (r)"
    page.evaluate(AT_END)
    page.wait_for_selector("#player[data-state='paused']")
    page.keyboard.press("r")
    assert page.locator("#repeat").get_attribute("data-repeat") == "on"
    assert page.evaluate("localStorage.getItem('repeat')") == "on"


def test_a_song_has_a_waveform_for_seeking_and_a_spectrogram(page):
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    with page.expect_response("**/waveform/001.flac") as peaks:
        click_song(page, 1)
    wait_until_playing(page, "001.flac")
    page.wait_for_selector("#seek.has-peaks")
    # The waveform.
    assert len(peaks.value.json()["peaks"]) == 800
    painted_share = """() => {
        const { width, height } = waveform;
        const data = waveform.getContext("2d").getImageData(0, 0, width, height).data;
        return data.filter((_, i) => i % 4 === 3 && data[i] > 40).length / (width * height);
    }"""
    assert page.evaluate(painted_share) > 0.1
    box = page.locator("#seek").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 2)
    page.wait_for_function("() => Math.abs(audio.currentTime - 10) < 0.5")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("audio.currentSrc").endswith("001.flac")
    # The spectrogram is requested only when it is opened.
    assert not [url for url in requests if "/spectrogram/" in url]
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("s")
    page.wait_for_selector("#spectrogram[data-shown='001.flac']")
    image = """() => {
        const canvas = document.getElementById("spectrogram-canvas");
        const { width, height } = canvas;
        const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
        const rows = Array.from({ length: height }, (_, row) => {
            let sum = 0;
            for (let x = 0; x < width; x++) sum += data[4 * (row * width + x)];
            return sum / width;
        });
        return { width, height, rows };
    }"""
    picture = page.evaluate(image)
    assert picture["height"] == 128
    assert picture["width"] > 300
    # The songs are tones: bright lines on a dark background.
    assert max(picture["rows"]) > 150
    assert sorted(picture["rows"])[64] < 60
    # The axis uses the picture's mel scale (HTK's formula): 4 kHz of 18 kHz is at 58.0 % of the height.
    ticks = page.locator("#spectrogram-scale span")
    assert ticks.all_text_contents() == ["200 Hz", "1 kHz", "4 kHz", "12 kHz"]
    assert abs(float(ticks.nth(2).evaluate("tick => parseFloat(tick.style.bottom)")) - 58.0) < 0.1
    page.wait_for_function("() => parseFloat(document.getElementById('spectrogram-head').style.left) > 2")
    box = page.locator("#spectrogram-canvas").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + 40)
    page.wait_for_function("() => Math.abs(audio.currentTime - 15) < 0.6")
    free = page.evaluate("explorer.camera.freeArea().bottom")
    assert free < page.locator("#spectrogram").bounding_box()["y"]
    page.keyboard.press("Escape")
    page.wait_for_selector("#spectrogram", state="hidden")


def test_media_keys_and_the_lock_screen_control_the_player(site, open_page):
    page = open_page("about:blank", has_map=False)
    page.add_init_script(
        """window.handlers = {};
        const set = navigator.mediaSession.setActionHandler.bind(navigator.mediaSession);
        navigator.mediaSession.setActionHandler = (action, handler) => {
            handlers[action] = handler;
            set(action, handler);
        };"""
    )
    visit(page, site[0])
    click_song(page, 10)
    wait_until_playing(page, "010.flac")
    session = page.evaluate(
        """() => {
            const { title, artist, album, artwork } = navigator.mediaSession.metadata;
            const state = navigator.mediaSession.playbackState;
            return { title, artist, album, artwork: artwork[0].src, state };
        }"""
    )
    assert session["artwork"].endswith("/cover/010.flac")
    assert (session["title"], session["artist"], session["album"], session["state"]) == (
        "Waltz piece 10",
        "Artist 1",
        "Album",
        "playing",
    )
    page.wait_for_function("() => explorer.state.walk.length === 8")
    page.evaluate("handlers.nexttrack()")
    page.wait_for_function("() => !audio.currentSrc.endsWith('010.flac') && audio.currentTime > 0.2")
    page.evaluate("handlers.pause()")
    page.wait_for_function("() => audio.paused && navigator.mediaSession.playbackState === 'paused'")
    page.evaluate("handlers.play()")
    page.evaluate("handlers.seekto({ seekTime: 12 })")
    page.wait_for_function("() => !audio.paused && audio.currentTime > 11.9")
