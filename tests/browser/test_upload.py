"""The user drops a file on the map, and a real process computes its embedding, in Chromium."""

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
def indexed(tmp_path_factory, serve):
    """A served library that `run.py index` has made with untrained filters: (address, database, folder)."""
    folder = tmp_path_factory.mktemp("indexed")
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


def wait_for_upload(page):
    page.wait_for_function("() => explorer.state.upload !== null")


def test_a_dropped_song_is_placed_among_its_neighbours_and_plays(indexed, share_page):
    url, database, _ = indexed
    page = share_page(url)
    page.evaluate(
        """audio.addEventListener("timeupdate", () => {
            window.hasPlayedUpload ||= audio.currentSrc.includes("/uploads/") && audio.currentTime > 0.2;
        })"""
    )
    page.evaluate(DROP, ["audio/noise2.flac", "My noise.flac", 0])
    assert page.evaluate("sawTarget")
    page.wait_for_selector("#panel .cover-waiting")
    wait_for_upload(page)
    assert "My noise" in text(page, "#panel-song")
    assert page.locator("#panel-song .row-title").first.inner_text() == "noise2"
    assert page.locator("#panel-song .row-value").first.inner_text() == "1.00"
    # The song lasts three seconds. On a slow machine it may have ended, so test whether it has played.
    # Chromium allows sound only for some seconds after a click. If the embedding took longer, the page asks
    # the user to press Play.
    page.wait_for_function("() => window.hasPlayedUpload || toasts.textContent.includes('Press Play')")
    if not page.evaluate("window.hasPlayedUpload"):
        page.locator("#panel-song .button", has_text="Play").click()
        page.wait_for_function("() => window.hasPlayedUpload")
    nearest_song = """() => {
        const { upload, map, neighbours } = explorer.state;
        const [left, top] = upload.places[map.meta.projection];
        const distances = Array.from({ length: map.count }, (_, i) => {
            const [x, y] = explorer.songs.placeOf(i);
            return Math.hypot(x - left, y - top);
        });
        return [distances.indexOf(Math.min(...distances)), neighbours[0].index];
    }"""
    nearest_on_map, nearest_by_sound = page.evaluate(nearest_song)
    assert nearest_on_map == nearest_by_sound
    assert page.evaluate("!document.getElementById('upload-mark').hidden")
    with Database.open_readonly(database) as library:
        assert library.count_vectors() == 12
    page.locator("#panel-song .row-play").first.click()
    page.wait_for_function("() => audio.currentSrc.includes('/audio/') && audio.currentTime > 0.1")
    page.keyboard.press("p")
    page.wait_for_function("() => audio.currentSrc.includes('/uploads/')")


def test_unusable_files_are_reported_and_an_upload_can_be_cancelled(indexed, share_page, tmp_path):
    page = share_page(indexed[0])
    # A file that is too large, not music, or empty.
    page.evaluate(DROP, ["", "big.wav", 51 * 1024 * 1024])
    page.wait_for_function("() => toasts.textContent.includes('too large')")
    for name, content, expected in (
        ("text.mp3", b"no music at all " * 99, "text.mp3"),
        ("empty.mp3", b"", "empty"),
    ):
        (tmp_path / name).write_bytes(content)
        page.locator("#upload-file").set_input_files(tmp_path / name)
        page.wait_for_function("expected => toasts.textContent.includes(expected)", arg=expected)
        page.wait_for_selector(".cover-waiting", state="detached")
    # Escape cancels the upload, and the page tells the server to delete the file.
    page.evaluate("explorer.update({ notices: [] })")
    shutil.copy(indexed[2] / "tone3.flac", tmp_path / "Slow.flac")
    with page.expect_request(lambda request: request.method == "DELETE"):
        page.locator("#upload-file").set_input_files(tmp_path / "Slow.flac")
        page.wait_for_selector("#panel .cover-waiting")
        page.keyboard.press("Escape")
        page.wait_for_selector("#panel .cover-waiting", state="detached")
    assert page.evaluate("explorer.state.upload") is None
    assert page.locator(".toast").count() == 0


def test_an_upload_goes_on_when_another_song_is_chosen(indexed, share_page, tmp_path):
    page = share_page(indexed[0])
    shutil.copy(indexed[2] / "tone3.flac", tmp_path / "Behind.flac")
    page.locator("#upload-file").set_input_files(tmp_path / "Behind.flac")
    page.wait_for_selector("#panel .cover-waiting")
    page.evaluate("explorer.actions.play(2)")
    page.wait_for_function("() => explorer.state.selected === 2")
    page.wait_for_selector("#panel .cover-waiting", state="detached")
    notice = page.locator(".toast", has_text="is ready.")
    notice.wait_for()
    assert page.evaluate("[explorer.state.selected, explorer.state.upload]") == [2, None]
    notice.get_by_text("Show it").click()
    page.wait_for_function("() => explorer.state.upload !== null")
    page.wait_for_function("() => audio.currentSrc.includes('/uploads/')")


def test_a_chosen_file_is_placed_and_can_be_added_to_the_library(indexed, share_page, tmp_path):
    url, database, music = indexed
    write_tone(tmp_path / "Mine.flac", frequency_hz=333.0, seconds=3.0)
    page = share_page(url)
    page.locator("#upload-file").set_input_files(tmp_path / "Mine.flac")
    wait_for_upload(page)
    page.get_by_text("Add to the library").click()
    page.wait_for_selector("text=The map is being updated")
    page.wait_for_function("() => explorer.state.map.count === 13")
    # When the song has its place, the panel shows it as any song of the library.
    page.wait_for_function(
        "() => explorer.state.upload === null && explorer.state.song?.id?.endsWith('Mine.flac')"
    )
    page.get_by_role("button", name="Show on the map").wait_for()
    assert "being updated" not in text(page, "#panel-song")
    with Database.open_readonly(database) as library:
        assert library.count_vectors() == 13
    (added,) = music.rglob("Mine.flac")
    assert added.read_bytes() == (tmp_path / "Mine.flac").read_bytes()
