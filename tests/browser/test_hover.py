"""Hover to hear: previews play under a moving pointer, in Chromium."""

import urllib.request

import pytest
from gestures import click_song, hover_song, pixel_of, wait_for_map, wait_until_audible, wait_until_playing

from explorer.database.database import Database

IS_PLAYING = "index => explorer.state.previewed === index && explorer.hover.level() > 0.02"
IS_SILENT = "() => explorer.state.previewed === null && explorer.hover.level() < 1e-4"


@pytest.fixture(scope="module", autouse=True)
def previews(site):
    """Make the previews of all songs, as `index` does."""
    url, _, database = site
    with Database.open_readonly(database) as library:
        for song_id in library.vectors()[0]:
            urllib.request.urlopen(f"{url}preview/{song_id}").read()


def switch_on(page):
    page.locator("#hear").click()
    page.wait_for_function("() => explorer.hover.output()?.context.state === 'running'")


def test_moving_over_songs_plays_their_previews(site, open_page):
    page = open_page(site[0])
    # Nothing plays before the switch is on.
    assert page.locator("#hear").get_attribute("aria-checked") == "false"
    hover_song(page, 4)
    page.wait_for_selector("#tooltip:not([hidden])")
    assert page.evaluate("explorer.hover.output()") is None
    assert page.evaluate("explorer.previews.decoded.size + explorer.previews.loading.size") == 0
    # A preview that the server does not have is skipped.
    page.route("**/preview/022.flac", lambda route: route.fulfill(status=410, body="gone"))
    switch_on(page)
    hover_song(page, 22)
    page.wait_for_function("() => explorer.previews.failed.has(22)")
    hover_song(page, 21)
    page.wait_for_function(IS_PLAYING, arg=21)
    # The other previews play, one after another.
    for index in (12, 20, 4):
        hover_song(page, index)
        page.wait_for_function(IS_PLAYING, arg=index)
        assert page.locator("#preview-mark").get_attribute("data-index") == str(index)
        title = page.evaluate("async i => (await explorer.api.getSong(i)).title", index)
        page.wait_for_function(
            "title => document.getElementById('now-title').textContent === title", arg=title
        )
    # Songs around the pointer are loaded in advance and play without another request.
    page.wait_for_function(
        "() => explorer.previews.decoded.size >= 8 && explorer.previews.loading.size === 0"
    )
    x, y = pixel_of(page, 4)
    near = page.evaluate("([x, y]) => explorer.picking.around(x, y, 2)", [x, y])[1]
    assert page.evaluate("near => explorer.previews.decoded.has(near)", near)
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    hover_song(page, near)
    page.wait_for_function(IS_PLAYING, arg=near)
    assert not [url for url in requests if f"/{near:03d}.flac" in url]
    # Over a card, and outside the map, the preview fades out.
    for away in ((100, 760), (640, 110)):
        page.mouse.move(*away)
        page.wait_for_function(IS_SILENT)
        hover_song(page, 4)
        page.wait_for_function(IS_PLAYING, arg=4)
    # Muting also mutes previews.
    page.keyboard.press("m")
    page.wait_for_function("() => explorer.hover.level() < 1e-4")


def test_previews_cross_fade_at_equal_power_and_do_not_accumulate(page):
    switch_on(page)
    page.evaluate(
        """() => {
            window.curves = [];
            const original = AudioParam.prototype.setValueCurveAtTime;
            AudioParam.prototype.setValueCurveAtTime = function (curve, at, seconds) {
                curves.push([[...curve], at, seconds]);
                return original.call(this, curve, at, seconds);
            };
        }"""
    )
    hover_song(page, 4)
    page.wait_for_function(IS_PLAYING, arg=4)
    page.wait_for_function(
        "() => explorer.hover.output().context.currentTime > curves[0][1] + explorer.hover.FADE_S"
    )
    hover_song(page, 12)
    page.wait_for_function(IS_PLAYING, arg=12)
    fade_out, fade_in = page.evaluate("curves.slice(1, 3)")
    assert 0.06 <= fade_out[2] <= 0.12
    assert fade_out[1:] == fade_in[1:]
    for out_gain, in_gain in zip(fade_out[0], fade_in[0], strict=True):
        assert out_gain**2 + in_gain**2 == pytest.approx(1, abs=0.01)
    # When the pointer moves fast, at most one preview has no end time, and few requests run at once.
    page.evaluate(
        """() => {
            // The largest number of previews without an end time; the latest end of the others, in seconds.
            window.maxEndless = 0;
            window.longestEnd = 0;
            window.startTimes = [];
            const { start, stop } = AudioBufferSourceNode.prototype;
            const endless = new Set();
            AudioBufferSourceNode.prototype.start = function () {
                startTimes.push(performance.now());
                endless.add(this);
                maxEndless = Math.max(maxEndless, endless.size);
                start.call(this);
            };
            AudioBufferSourceNode.prototype.stop = function (at) {
                longestEnd = Math.max(longestEnd, at - this.context.currentTime);
                endless.delete(this);
                stop.call(this, at);
            };
            window.maxLoading = 0;
            const { loading } = explorer.previews;
            const set = loading.set.bind(loading);
            loading.set = (index, request) => {
                set(index, request);
                maxLoading = Math.max(maxLoading, loading.size);
            };
        }"""
    )
    page.evaluate(
        """async () => {
            const { camera, songs } = explorer;
            for (let step = 0; step < 96; step++) {
                const { x, y } = camera.toPixels(...songs.placeOf(step % 24));
                const at = { clientX: x, clientY: y, bubbles: true };
                camera.frame().dispatchEvent(new PointerEvent("pointermove", at));
                await new Promise((resolve) => setTimeout(resolve, 10));
            }
        }"""
    )
    page.wait_for_function(IS_PLAYING, arg=23)
    assert page.evaluate("maxEndless") == 1
    assert 0 < page.evaluate("longestEnd") <= 0.15
    assert page.evaluate("maxLoading") <= page.evaluate("explorer.previews.MAX_LOADING")
    starts = page.evaluate("startTimes")
    assert 1 < len(starts) <= 1 + (starts[-1] - starts[0]) / 50
    page.wait_for_function("() => explorer.previews.loading.size === 0")


def test_the_playing_song_pauses_for_previews_and_continues_after_them(page):
    click_song(page, 9)
    wait_until_playing(page, "009.flac")
    wait_until_audible(page)
    switch_on(page)
    hover_song(page, 20)
    page.wait_for_function(IS_PLAYING, arg=20)
    page.wait_for_function("() => audio.paused")
    assert page.locator("#player").get_attribute("data-state") == "playing"
    time_s = page.evaluate("audio.currentTime")
    page.mouse.move(100, 760)
    page.wait_for_function("time => !audio.paused && audio.currentTime > time + 0.3", arg=time_s)
    assert page.evaluate("explorer.state.previewed") is None
    page.wait_for_function("() => audio.volume === 1")
    wait_until_audible(page)
    assert page.locator("#now-title").inner_text() == "Waltz piece 9"
    # A click during a preview plays the whole song.
    hover_song(page, 20)
    page.wait_for_function(IS_PLAYING, arg=20)
    page.mouse.click(*pixel_of(page, 20))
    wait_until_playing(page, "020.flac")
    assert page.evaluate("explorer.state.previewed") is None


def test_space_makes_a_preview_silent_and_the_song_stays_paused(page):
    click_song(page, 9)
    wait_until_playing(page, "009.flac")
    switch_on(page)
    page.evaluate("document.activeElement.blur()")
    hover_song(page, 20)
    page.wait_for_function(IS_PLAYING, arg=20)
    page.wait_for_function("() => audio.paused")
    assert page.locator("#play").get_attribute("aria-label") == "Pause (space)"
    page.keyboard.press(" ")
    page.wait_for_function(IS_SILENT)
    assert page.locator("#player").get_attribute("data-state") == "paused"
    assert page.locator("#play").get_attribute("aria-label") == "Play (space)"
    # A small movement over the same song does not start its preview again.
    x, y = pixel_of(page, 20)
    page.mouse.move(x + 1, y + 1)
    page.mouse.move(100, 760)
    page.wait_for_timeout(400)
    assert page.evaluate("audio.paused && explorer.state.previewed === null")
    # Another press plays the song.
    page.keyboard.press(" ")
    page.wait_for_function("() => !audio.paused && audio.volume === 1")
    assert page.locator("#now-title").inner_text() == "Waltz piece 9"


def test_while_a_preview_plays_the_bar_shows_nothing_of_the_other_song(page):
    click_song(page, 9)
    wait_until_playing(page, "009.flac")
    page.wait_for_selector("#seek.has-peaks")
    switch_on(page)
    hover_song(page, 20)
    page.wait_for_function(IS_PLAYING, arg=20)
    page.wait_for_function("() => document.getElementById('now-title').textContent.startsWith('WWW')")
    assert page.locator("#now-by").inner_text().startswith("Preview · ")
    assert page.locator("#preview-note").inner_text() == "Waltz piece 9 continues after the preview"
    for other in ("#waveform", "#elapsed", "#duration", "#seek input"):
        page.wait_for_function(
            "other => getComputedStyle(document.querySelector(other)).opacity === '0'", arg=other
        )
    page.mouse.move(100, 760)
    page.wait_for_function(IS_SILENT)
    page.wait_for_function("() => getComputedStyle(waveform).opacity === '1'")
    assert page.locator("#now-title").inner_text() == "Waltz piece 9"
    assert page.locator("#preview-note").is_hidden()


def test_after_a_reload_the_switch_says_that_it_waits_for_a_click(site, open_page):
    page = open_page(site[0])
    switch_on(page)
    page.reload()
    wait_for_map(page)
    assert page.locator("#hear").get_attribute("aria-checked") == "true"
    hint = page.locator("#hear-hint")
    assert hint.inner_text() == "Click anywhere to hear songs under the pointer"
    assert page.locator("#hear").get_attribute("title") == "Click anywhere to hear songs under the pointer"
    page.mouse.click(640, 110)
    page.wait_for_function("() => explorer.hover.output()?.context.state === 'running'")
    page.wait_for_selector("#hear-hint", state="hidden")
    hover_song(page, 20)
    page.wait_for_function(IS_PLAYING, arg=20)
    # A click on the switch itself is also such a click: it does not switch hover to hear off.
    page.reload()
    wait_for_map(page)
    page.locator("#hear").click()
    page.wait_for_selector("#hear-hint", state="hidden")
    assert page.locator("#hear").get_attribute("aria-checked") == "true"
    page.locator("#hear").click()
    assert page.locator("#hear").get_attribute("aria-checked") == "false"
