"""Hover to hear: previews under a moving pointer, by Web Audio in Chromium."""

import urllib.request

import pytest
from gestures import click_song, hover_song, level, pixel_of, wait_until_playing

from explorer.library.database import Database

SOUNDS = "index => explorer.hearing.index === index && explorer.hearing.level() > 0.02"


@pytest.fixture(scope="module")
def previews(site):
    """Previews of all songs are there, as after an index."""
    url, _, database = site
    with Database.open(database) as library:
        for song_id, _ in library._rows("SELECT song_id, path FROM files"):
            urllib.request.urlopen(f"{url}preview/{song_id}").read()


@pytest.fixture
def page(site, previews, open_page):
    return open_page(site[0])


def switch_on(page):
    page.locator("#hear").click()
    page.wait_for_function("explorer.hearing.context?.state === 'running'")


def test_nothing_sounds_before_the_switch_is_on(page):
    assert page.locator("#hear").get_attribute("aria-checked") == "false"
    hover_song(page, 4)
    page.wait_for_timeout(400)
    assert page.evaluate("explorer.hearing.context") is None
    assert page.evaluate("explorer.hearing.decoded.size") == 0


def test_moving_over_songs_plays_their_previews(page):
    switch_on(page)
    for index in (4, 12, 20):
        hover_song(page, index)
        page.wait_for_function(SOUNDS, arg=index)
        assert page.locator("#sounding").get_attribute("data-index") == str(index)
        assert page.locator("#now-title").inner_text() == page.evaluate(
            "async i => (await explorer.songs.get(i)).title", index
        )


def test_songs_around_the_pointer_are_fetched_ahead_and_then_sound_at_once(page):
    switch_on(page)
    hover_song(page, 4)
    page.wait_for_function("explorer.hearing.decoded.size >= 8 && explorer.hearing.loading.size === 0")
    near = page.evaluate("[...explorer.hearing.decoded.keys()].filter((i) => i !== 4)")
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    hover_song(page, near[0])
    page.wait_for_function(SOUNDS, arg=near[0])
    assert not [url for url in requests if f"/{near[0]:03d}.flac" in url]


def test_one_song_fades_into_the_next_at_equal_power(page):
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
    page.wait_for_function(SOUNDS, arg=4)
    page.wait_for_timeout(200)
    hover_song(page, 12)
    page.wait_for_function(SOUNDS, arg=12)
    _, out, into = page.evaluate("curves")
    assert 0.06 <= out[2] <= 0.12
    assert out[1:] == pytest.approx(into[1:], abs=0.02)
    for away, here in zip(out[0], into[0], strict=True):
        assert away**2 + here**2 == pytest.approx(1, abs=0.01)


def test_sweeping_fast_piles_up_neither_sounds_nor_requests(page):
    switch_on(page)
    page.evaluate(
        """() => {
            window.most = 0;
            window.begun = 0;
            const start = AudioBufferSourceNode.prototype.start;
            const sounding = new Set();
            AudioBufferSourceNode.prototype.start = function () {
                begun += 1;
                sounding.add(this);
                most = Math.max(most, sounding.size);
                this.addEventListener("ended", () => sounding.delete(this));
                start.call(this);
            };
            window.mostLoading = 0;
            const load = explorer.hearing.load;
            explorer.hearing.load = function (index) {
                const loading = load.call(this, index);
                mostLoading = Math.max(mostLoading, this.loading.size);
                return loading;
            };
        }"""
    )
    page.evaluate(
        """async () => {
            const { frame } = explorer.map;
            for (let step = 0; step < 96; step++) {
                const { x, y } = explorer.map.toPixels(...explorer.map.placeOf(step % 24));
                const at = { clientX: x, clientY: y, bubbles: true };
                frame.dispatchEvent(new PointerEvent("pointermove", at));
                await new Promise((resolve) => setTimeout(resolve, 10));
            }
        }"""
    )
    page.wait_for_function(SOUNDS, arg=23)
    assert page.evaluate("most") <= 3
    assert page.evaluate("mostLoading") <= page.evaluate("explorer.hearing.MOST_LOADING")
    assert page.evaluate("begun") < 60
    page.wait_for_function("explorer.hearing.loading.size === 0")


def test_leaving_the_map_fades_out(page):
    switch_on(page)
    hover_song(page, 4)
    page.wait_for_function(SOUNDS, arg=4)
    page.mouse.move(100, 760)
    page.wait_for_function("explorer.hearing.index === null && explorer.hearing.level() < 1e-4")
    hover_song(page, 4)
    page.wait_for_function(SOUNDS, arg=4)
    page.mouse.move(640, 110)
    page.wait_for_function("explorer.hearing.index === null && explorer.hearing.level() < 1e-4")


def test_the_song_that_plays_gives_way_and_comes_back(page):
    click_song(page, 9)
    wait_until_playing(page, "009.flac")
    assert level(page) > 0.02
    switch_on(page)
    hover_song(page, 20)
    page.wait_for_function(SOUNDS, arg=20)
    page.wait_for_function("audio.paused")
    assert page.locator("#player").get_attribute("data-state") == "playing"
    at = page.evaluate("audio.currentTime")
    page.mouse.move(100, 760)
    page.wait_for_function("at => !audio.paused && audio.currentTime > at + 0.3", arg=at)
    assert page.evaluate("explorer.hearing.index") is None
    page.wait_for_function("audio.volume === 1")
    assert level(page) > 0.02
    assert page.locator("#now-title").inner_text() == "Waltz piece 9"


def test_a_click_while_hearing_plays_the_whole_song(page):
    switch_on(page)
    hover_song(page, 20)
    page.wait_for_function(SOUNDS, arg=20)
    page.mouse.click(*pixel_of(page, 20))
    wait_until_playing(page, "020.flac")
    assert page.evaluate("explorer.hearing.index") is None


def test_the_switch_is_remembered_but_waits_for_a_gesture(page):
    page.keyboard.press("h")
    page.wait_for_function("explorer.hearing.context?.state === 'running'")
    page.reload()
    page.wait_for_selector("#map-frame[data-drawn]")
    assert page.locator("#hear").get_attribute("aria-checked") == "true"
    hover_song(page, 4)
    page.wait_for_timeout(300)
    assert page.evaluate("explorer.hearing.context") is None
    click_song(page, 12)
    page.wait_for_function("explorer.hearing.context?.state === 'running'")
    hover_song(page, 4)
    page.wait_for_function(SOUNDS, arg=4)


def test_mute_and_volume_hold_for_previews_too(page):
    switch_on(page)
    hover_song(page, 4)
    page.wait_for_function(SOUNDS, arg=4)
    page.keyboard.press("m")
    page.wait_for_function("explorer.hearing.level() < 1e-4")


def test_a_preview_that_cannot_be_had_is_passed_over(page, site):
    file = site[1] / "022.flac"
    page.route("**/preview/022.flac", lambda route: route.fulfill(status=410, body="gone"))
    switch_on(page)
    hover_song(page, 22)
    page.wait_for_function("explorer.hearing.failed.has(22)")
    hover_song(page, 21)
    page.wait_for_function(SOUNDS, arg=21)
    assert file.exists()
