"""Files that the server can decode and Chromium cannot, although browsers play their format: a copy plays."""

import io

import av
import numpy as np
import pytest
import soundfile
from gestures import click_song, wait_until_audible

from explorer.audio.playable import copies_in
from explorer.config import Settings
from explorer.database.database import Database

RATE_HZ = 44_100


def tone(seconds, rate_hz=RATE_HZ):
    return (0.3 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate_hz)) / rate_hz)).astype(np.float32)


def encoded(seconds, *, rate_hz=RATE_HZ, **form):
    buffer = io.BytesIO()
    soundfile.write(buffer, tone(seconds, rate_hz), rate_hz, **form)
    return buffer.getvalue()


def mp2(seconds):
    """Return an MPEG audio file of layer II, which FFmpeg plays and Chromium does not."""
    buffer = io.BytesIO()
    samples = (tone(seconds) * 32767).astype(np.int16)
    with av.open(buffer, "w", format="mp2") as container:
        stream = container.add_stream("mp2", rate=RATE_HZ, layout="mono")
        for begin in range(0, len(samples) - 1151, 1152):
            frame = av.AudioFrame.from_ndarray(
                samples[None, begin : begin + 1152], format="s16", layout="mono"
            )
            frame.sample_rate, frame.pts = RATE_HZ, begin
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


MP3 = {"format": "MP3", "subtype": "MPEG_LAYER_III"}
OGG = {"format": "OGG", "subtype": "VORBIS"}


@pytest.fixture(scope="module")
def unplayable_site(tmp_path_factory, serve):
    """A served library: Chromium refuses song 0, fails in song 1, ends song 2 early; song 3 has no sound."""
    from support import store_library

    folder = tmp_path_factory.mktemp("unplayable")
    database = folder / "songs.db"
    store_library(database, folder / "music")
    files = {
        0: ("mp3/mp3", 3.0, mp2(3.0)),
        1: ("mp3/mp3", 6.0, encoded(3.0, **MP3) + encoded(3.0, rate_hz=48_000, **MP3)),
        2: ("ogg/vorbis", 8.0, encoded(2.0, **OGG) + encoded(6.0, rate_hz=22_050, **OGG)),
        3: ("mp3/mp3", 3.0, bytes(range(1, 128)) * 400),
    }
    copies = copies_in(Settings(database=database).transcodes)
    with Database.open(database) as library:
        for number, (form, seconds, data) in files.items():
            song_id = f"{number:03d}.flac"
            (folder / "music" / song_id).write_bytes(data)
            library._rows(
                "UPDATE files SET format = ?, duration_s = ? WHERE song_id = ?", (form, seconds, song_id)
            )
            if number < 3:
                with copies.writing(library.file_of(song_id).fingerprint) as part:
                    part.write_bytes(encoded(seconds, format="FLAC"))
    with serve(database) as url:
        yield url


FIRST_POSITION = """() => {
    delete window.first;
    audio.addEventListener("timeupdate", () => {
        const isCopy = audio.currentSrc.endsWith("?copy=flac");
        if (isCopy && audio.currentTime > 0) window.first ??= audio.currentTime;
    });
}"""


@pytest.mark.parametrize(("number", "failed_at_s"), [(0, 0.0), (1, 3.0), (2, 2.0)])
def test_a_copy_plays_on_where_the_browser_cannot_play_the_file(
    unplayable_site, open_page, number, failed_at_s
):
    page = open_page(unplayable_site)
    page.evaluate(FIRST_POSITION)
    click_song(page, number)
    page.wait_for_function(
        "([name, beyond]) => audio.currentSrc.endsWith(name) && !audio.paused && audio.currentTime > beyond",
        arg=[f"{number:03d}.flac?copy=flac", failed_at_s + 0.5],
    )
    assert failed_at_s - 1 < page.evaluate("window.first") < failed_at_s + 0.9
    wait_until_audible(page)
    assert page.locator("#toasts").inner_text() == ""
    assert page.locator("#player").get_attribute("data-state") == "playing"
    # Other songs play from their own files, and this one from its copy at once.
    click_song(page, 10)
    page.wait_for_function("() => audio.currentSrc.endsWith('010.flac')")
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    click_song(page, number)
    page.wait_for_function(
        "name => audio.currentSrc.endsWith(name) && !audio.paused && audio.currentTime > 0.1",
        arg=f"{number:03d}.flac?copy=flac",
    )
    assert not [url for url in requests if url.endswith(f"/audio/{number:03d}.flac")]


def test_the_servers_reason_is_shown_if_no_copy_can_be_made(unplayable_site, open_page):
    page = open_page(unplayable_site)
    requests = []
    page.on("request", lambda request: "/audio/" in request.url and requests.append(request.url))
    click_song(page, 3)
    page.wait_for_selector("#player[data-state='error']")
    assert "003.flac" in page.locator("#toasts").inner_text()
    assert any(url.endswith("/audio/003.flac?copy=flac") for url in requests)


def test_a_song_plays_once_the_server_is_not_busy_any_more(unplayable_site, open_page):
    page = open_page(unplayable_site)
    refused = []

    def be_busy(route):
        if len(refused) < 3:
            refused.append(route.request.url)
            route.fulfill(status=503, headers={"Retry-After": "1"}, body="The server is busy.")
        else:
            route.continue_()

    page.route("**/audio/000.flac*", be_busy)
    click_song(page, 0)
    page.wait_for_function("() => !audio.paused && audio.currentTime > 0.5")
    assert len(refused) == 3
    assert page.locator("#toasts").inner_text() == ""
    assert page.locator("#player").get_attribute("data-state") == "playing"
    page.unroute("**/audio/000.flac*")
