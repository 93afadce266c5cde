"""The player in Chromium: next and previous, repeat modes, waveform, spectrogram and media keys."""

from gestures import click_song, visit, wait_until_audible, wait_until_playing


def test_next_and_previous_go_through_the_neighbours(page):
    click_song(page, 10)
    wait_until_playing(page, "010.flac")
    page.wait_for_function("() => explorer.state.walk.length === 11")
    order = page.evaluate("explorer.state.walk")
    # With the buttons.
    for button, place in (("#next", 1), ("#next", 2), ("#previous", 1)):
        page.locator(button).click()
        wait_until_playing(page, f"{order[place]:03d}.flac")
    wait_until_audible(page)
    # With the keys. The song where the walk began stays the same.
    page.evaluate("document.activeElement.blur()")
    for key, place in (("n", 2), ("p", 1), ("p", 0), ("p", 10)):
        page.keyboard.press(key)
        wait_until_playing(page, f"{order[place]:03d}.flac", beyond=0.05)
    assert page.evaluate("explorer.state.selected") == 10
    page.wait_for_function("() => announcer.textContent.startsWith('Playing ')")
    # After some seconds the button goes to the song's start. The song is paused, so it stays at its start.
    page.evaluate("audio.pause(); audio.currentTime = 8")
    page.locator("#previous").click()
    page.wait_for_function(
        "name => audio.currentTime < 2 && audio.currentSrc.endsWith(name)", arg=f"{order[10]:03d}.flac"
    )


def test_the_repeat_mode_decides_what_plays_after_a_song(page):
    click_song(page, 10)
    wait_until_playing(page, "010.flac")
    page.wait_for_function("() => explorer.state.walk.length === 11")
    page.locator("#repeat").click()
    assert page.locator("#repeat").get_attribute("aria-label") == "Repeat: this song (r)"
    page.evaluate("audio.currentTime = audio.duration - 0.2")
    page.wait_for_function("() => audio.currentTime > 0.1 && audio.currentTime < 3 && !audio.paused")
    page.keyboard.press("r")
    page.evaluate("audio.currentTime = audio.duration - 0.2")
    page.wait_for_function(
        "() => !audio.currentSrc.endsWith('010.flac') && !audio.paused && audio.currentTime > 0.1"
    )
    page.keyboard.press("r")
    assert page.locator("#repeat").get_attribute("data-repeat") == "off"
    page.evaluate("audio.currentTime = audio.duration - 0.2")
    page.wait_for_selector("#player[data-state='paused']")


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
    page.wait_for_function("() => explorer.state.walk.length === 11")
    page.evaluate("handlers.nexttrack()")
    page.wait_for_function("() => !audio.currentSrc.endsWith('010.flac') && audio.currentTime > 0.2")
    page.evaluate("handlers.pause()")
    page.wait_for_function("() => audio.paused && navigator.mediaSession.playbackState === 'paused'")
    page.evaluate("handlers.play()")
    page.evaluate("handlers.seekto({ seekTime: 12 })")
    page.wait_for_function("() => !audio.paused && audio.currentTime > 11.9")
