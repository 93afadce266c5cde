"""A song of one's own, dropped on the map: embedded by a real process, in Chromium."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from gestures import text
from support import write_tone

from explorer.config import ROOT
from explorer.database.database import Database

DROP = """async ([address, name, size]) => {
    const data = new DataTransfer();
    const bytes = size ? new Uint8Array(size) : await (await fetch(address)).arrayBuffer();
    data.items.add(new File([bytes], name));
    const drop = (kind) => new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
    document.body.dispatchEvent(drop("dragenter"));
    window.sawTarget = !document.getElementById("drop").hidden;
    document.body.dispatchEvent(drop("dragover"));
    document.body.dispatchEvent(drop("drop"));
}"""


@pytest.fixture(scope="module")
def own(tmp_path_factory, serve):
    """A library that was really indexed, with untrained filters: (address, database, folder)."""
    folder = tmp_path_factory.mktemp("own")
    rng = np.random.default_rng(3)
    for number in range(6):
        write_tone(folder / "music" / f"tone{number}.flac", frequency_hz=110 * 2 ** (number / 2), seconds=3.0)
        noise = rng.normal(scale=0.1 + 0.02 * number, size=3 * 44_100).astype(np.float32)
        soundfile.write(folder / "music" / f"noise{number}.flac", noise, 44_100)
    command = [sys.executable, str(ROOT / "run.py"), "index", str(folder / "music")]
    options = ["--db", str(folder / "songs.db"), "--weights", "untrained", "--hop", "1", "--no-previews"]
    subprocess.run([*command, *options, "--precision", "float32"], check=True, capture_output=True)
    with serve(folder / "songs.db") as url:
        yield url, folder / "songs.db", folder / "music"


def wait_for_guest(page):
    page.wait_for_function("explorer.upload.guest !== null")


def test_a_dropped_song_lands_among_its_neighbours_and_plays(own, share_page):
    url, database, _ = own
    page = share_page(url)
    page.evaluate(
        """audio.addEventListener("timeupdate", () => {
            window.heardGuest ||= audio.currentSrc.includes("/uploads/") && audio.currentTime > 0.2;
        })"""
    )
    page.evaluate(DROP, ["audio/noise2.flac", "My noise.flac", 0])
    assert page.evaluate("sawTarget")
    page.wait_for_selector("#panel .cover-waiting")
    wait_for_guest(page)
    assert "My noise" in text(page, "#panel-song")
    assert page.locator("#panel-song .row-title").first.inner_text() == "noise2"
    assert page.locator("#panel-song .row-value").first.inner_text() == "1.00"
    # It lasts three seconds: on a busy machine it may be over by now. Or embedding took longer than a gesture
    # counts for this Chromium, which is told to be strict: then Play is there to be pressed.
    page.wait_for_function("window.heardGuest || message.textContent.includes('gesture')")
    if not page.evaluate("window.heardGuest"):
        page.locator("#panel-song .button", has_text="Play").click()
        page.wait_for_function("window.heardGuest")
    gap = """() => {
        const place = explorer.upload.guest.places[explorer.map.meta.projection];
        const { x, y } = explorer.map.points;
        const gaps = [...x].map((_, i) => Math.hypot(x[i] - place[0], y[i] - place[1]));
        return [gaps.indexOf(Math.min(...gaps)), explorer.overlays.neighbours[0].index];
    }"""
    nearest, truest = page.evaluate(gap)
    assert nearest == truest
    assert page.evaluate("!guest.hidden")
    with Database.open_readonly(database) as library:
        assert library.count_vectors() == 12
    page.locator("#panel-song .row-play").first.click()
    page.wait_for_function("audio.currentSrc.includes('/audio/') && audio.currentTime > 0.1")
    page.keyboard.press("p")
    page.wait_for_function("audio.currentSrc.includes('/uploads/')")


def test_what_is_no_song_is_told_in_a_sentence_and_waiting_can_be_cancelled(own, share_page, tmp_path):
    page = share_page(own[0])
    # Too large, no music, and empty.
    page.evaluate(DROP, ["", "big.wav", 51 * 1024 * 1024])
    page.wait_for_function("message.textContent.includes('too large')")
    for name, content, expected in (
        ("text.mp3", b"no music at all " * 99, "text.mp3"),
        ("empty.mp3", b"", "empty"),
    ):
        (tmp_path / name).write_bytes(content)
        page.locator("#visit-file").set_input_files(tmp_path / name)
        page.wait_for_function("expected => message.textContent.includes(expected)", arg=expected)
        page.wait_for_selector(".cover-waiting", state="detached")
    # Escape stops the waiting: the server is told to forget the file.
    page.evaluate("explorer.player.tell('')")
    shutil.copy(own[2] / "tone3.flac", tmp_path / "Slow.flac")
    with page.expect_request(lambda request: request.method == "DELETE"):
        page.locator("#visit-file").set_input_files(tmp_path / "Slow.flac")
        page.wait_for_selector("#panel .cover-waiting")
        page.keyboard.press("Escape")
        page.wait_for_selector("#panel .cover-waiting", state="detached")
    assert page.evaluate("explorer.upload.guest") is None
    assert page.locator("#message").is_hidden()


def test_a_chosen_file_is_placed_too_and_kept_when_asked(own, share_page, tmp_path):
    url, database, music = own
    write_tone(tmp_path / "Mine.flac", frequency_hz=333.0, seconds=3.0)
    page = share_page(url)
    page.locator("#visit-file").set_input_files(tmp_path / "Mine.flac")
    wait_for_guest(page)
    page.get_by_text("Add to the library").click()
    page.wait_for_function("explorer.map.points.x.length === 13")
    with Database.open_readonly(database) as library:
        assert library.count_vectors() == 13
    (kept,) = music.rglob("Mine.flac")
    assert kept.read_bytes() == (tmp_path / "Mine.flac").read_bytes()
