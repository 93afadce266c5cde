"""What the page says when the server is slow, busy or gone, and what becomes of it, in Chromium."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import pytest
from gestures import (
    choose_in_header,
    click_song,
    hover_song,
    text,
    wait_until_drawn,
    wait_until_playing,
)
from support import store_library

from explorer.config import ROOT

# Collects what the controls ask for.
VIEWS = """async () => {
    const { subscribe } = await import("/assets/core/state.js");
    window.views = [];
    subscribe(["view"], () => window.views.push(explorer.state.view));
}"""
LINE = "The server does not answer; trying again"
TIMEOUT_S = 90


class Server:
    """A real `run.py serve` that can be killed and started again at the same address."""

    def __init__(self, database):
        self._database = database
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"http://localhost:{self._port}/"
        self._process = None

    def start(self):
        """Start it, and wait until it answers."""
        command = [sys.executable, str(ROOT / "run.py"), "serve", "--no-browser", "--port", str(self._port)]
        self._process = subprocess.Popen([*command, "--db", str(self._database)], stderr=subprocess.DEVNULL)
        until = time.monotonic() + TIMEOUT_S
        while True:
            try:
                urllib.request.urlopen(self.url + "healthz", timeout=TIMEOUT_S).close()
                return
            except OSError:
                assert self._process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.1)

    def kill(self):
        """End it at once, as a crash does."""
        self._process.kill()
        self._process.wait(timeout=TIMEOUT_S)

    @contextmanager
    def frozen(self):
        """Let it accept connections, but answer nothing."""
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """A library of 24 songs of 20 seconds."""
    folder = tmp_path_factory.mktemp("server")
    store_library(folder / "songs.db", folder / "music", seconds=20.0)
    return folder / "songs.db"


@pytest.fixture
def server(database):
    """A server of its own for a test."""
    server = Server(database)
    server.start()
    yield server
    server.kill()


def lines(page):
    """Return the texts of the notices."""
    return page.locator(".toast-text").all_inner_texts()


def wait_for_loss(page):
    page.wait_for_function("() => !explorer.state.serverAnswers")
    page.wait_for_selector(".toast-wait")


def is_chosen(page, label):
    """Whether a layout is chosen in the menu of the map, or a colouring in the header."""
    layout = page.locator(".layouts .mantine-Radio-root:has(input:checked) .mantine-Radio-label")
    return label in (layout.text_content(), page.locator("#colouring").input_value())


def test_a_lost_server_is_told_once_and_the_page_catches_up_by_itself(server, open_page):
    page = open_page(server.url)
    page.evaluate("explorer.hover.toggle()")
    address = page.url
    server.kill()
    choose_in_header(page, "UMAP")
    wait_for_loss(page)
    # The controls go back to what is drawn, and the address too.
    page.wait_for_function("() => explorer.state.view.projection === 'tsne'")
    page.wait_for_function("address => location.href === address", arg=address)
    assert is_chosen(page, "t-SNE")
    for song in (3, 4):
        click_song(page, song)
    page.locator("#filter-toggle").click()
    page.wait_for_timeout(3000)
    assert lines(page) == [LINE]
    page.wait_for_function("() => explorer.state.sound === 'error'")
    # It answers again: the line leaves, the view and the song that the user asked for come.
    server.start()
    page.wait_for_function("() => explorer.state.serverAnswers")
    wait_until_drawn(page, "umap cluster dark")
    page.wait_for_function("() => explorer.state.song?.id === '004.flac'")
    wait_until_playing(page, "004.flac")
    page.wait_for_function("() => document.querySelectorAll('#panel-song .song-row').length > 4")
    assert lines(page) == []
    assert is_chosen(page, "UMAP")
    assert page.evaluate("explorer.state.mapProblem") == ""


def test_a_filter_and_a_colouring_go_back_while_the_server_is_gone(server, open_page):
    page = open_page(server.url)
    page.evaluate(VIEWS)
    server.kill()
    page.evaluate("explorer.filters.add('genre', 'Techno')")
    page.wait_for_function("() => views.some(({ filter }) => filter.genres.length === 1)")
    wait_for_loss(page)
    page.wait_for_function("() => explorer.state.view.filter.genres.length === 0")
    choose_in_header(page, "Genre")
    page.wait_for_function("() => views.some(({ colouring }) => colouring === 'genre')")
    page.wait_for_function("() => explorer.state.view.colouring === 'cluster'")
    assert is_chosen(page, "Cluster")
    assert lines(page) == [LINE]
    server.start()
    # What was asked for last is drawn.
    wait_until_drawn(page, "tsne genre dark")


def test_missing_previews_are_loaded_when_the_server_answers_again(server, open_page):
    page = open_page(server.url)
    page.locator("#hear").click()
    hover_song(page, 4)
    page.wait_for_function("() => explorer.state.previewed === 4")
    page.mouse.move(640, 5)
    page.wait_for_function("() => explorer.state.previewed === null")
    server.kill()
    page.evaluate("explorer.previews.decoded.clear()")
    hover_song(page, 9)
    wait_for_loss(page)
    server.start()
    page.wait_for_function("() => explorer.state.previewed === 9")
    assert lines(page) == []


def test_a_frozen_server_is_told_and_what_was_asked_comes_later(server, open_page):
    page = open_page(server.url)
    with server.frozen():
        choose_in_header(page, "PCA")
        page.wait_for_selector("text=Drawing the map…")
        wait_for_loss(page)
        assert lines(page) == [LINE]
    wait_until_drawn(page, "pca cluster dark")
    page.wait_for_function("() => !document.querySelector('.toast')")
    assert is_chosen(page, "PCA")


def test_a_slow_map_is_told_and_a_fast_one_is_not(page):
    choose_in_header(page, "UMAP")
    wait_until_drawn(page, "umap cluster dark")
    assert lines(page) == []
    delayed = []
    page.route("**/_dash-update-component*", lambda route: delayed.append(route))
    choose_in_header(page, "PCA")
    page.wait_for_selector("text=Drawing the map…")
    for route in delayed:
        route.continue_()
    page.unroute("**/_dash-update-component*")
    wait_until_drawn(page, "pca cluster dark")
    page.wait_for_function("() => !document.querySelector('.toast')")


def test_a_map_that_cannot_be_drawn_puts_the_controls_back_and_can_be_tried_again(page):
    def refuse(route):
        route.fulfill(status=502 if "umap" not in route.request.post_data else 409, body="No.")

    page.route("**/_dash-update-component*", refuse)
    choose_in_header(page, "UMAP")
    page.wait_for_selector(".toast-error")
    assert "could not be drawn" in text(page, "#toasts")
    page.wait_for_function("() => explorer.state.view.projection === 'tsne'")
    assert is_chosen(page, "t-SNE")
    page.unroute("**/_dash-update-component*")
    page.get_by_role("button", name="Try again").click()
    wait_until_drawn(page, "umap cluster dark")
    assert lines(page) == []
    assert is_chosen(page, "UMAP")


def test_an_error_of_the_library_is_a_notice_and_leaves_with_the_next_map(page):
    answer = {"multi": True, "response": {"problem": {"data": {"text": "No.", "about": "map", "at": 1}}}}
    page.route("**/_dash-update-component*", lambda route: route.fulfill(json=answer))
    choose_in_header(page, "UMAP")
    page.wait_for_selector(".toast-error")
    page.wait_for_function("() => explorer.state.view.projection === 'tsne'")
    page.unroute("**/_dash-update-component*")
    choose_in_header(page, "PCA")
    wait_until_drawn(page, "pca cluster dark")
    assert lines(page) == []


def test_a_busy_server_is_asked_again_for_a_drawing(page):
    refused = []

    def be_busy(route):
        if len(refused) < 2:
            refused.append(route)
            route.fulfill(status=503, headers={"Retry-After": "1"}, body="Busy.")
        else:
            route.continue_()

    page.route("**/_dash-update-component*", be_busy)
    choose_in_header(page, "UMAP")
    wait_until_drawn(page, "umap cluster dark")
    page.unroute("**/_dash-update-component*")
    assert len(refused) == 2
    assert lines(page) == []


def test_notices_can_be_closed_and_leave_by_themselves_except_errors(page):
    page.evaluate(
        """() => {
            const { notify } = explorer.notices;
            notify("An error.", { kind: "error", key: "a" });
            notify("News.");
            notify("Done.", { kind: "good", action: { label: "Undo", run: () => (window.isUndone = true) } });
        }"""
    )
    assert lines(page) == ["An error.", "News.", "Done."]
    page.evaluate("void explorer.notices.notify('More.')")
    assert lines(page) == ["An error.", "Done.", "More."]
    page.get_by_role("button", name="Undo").click()
    assert page.evaluate("isUndone")
    page.wait_for_function("() => document.querySelectorAll('.toast').length === 1", timeout=20_000)
    assert lines(page) == ["An error."]
    page.get_by_role("button", name="Close this notice").click()
    assert lines(page) == []


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1000, 700), (390, 844)])
def test_notices_cover_no_card(site, share_page, width, height):
    page = share_page(site[0], width=width, height=height, touch=width < 500)
    page.evaluate("explorer.actions.select(4); explorer.panel.open()")
    page.evaluate("explorer.filters.add('genre', 'Techno')")
    page.wait_for_function("() => explorer.state.map.meta.is_filtered")
    page.evaluate("void explorer.notices.notify('Ünïcode '.repeat(12), { kind: 'error' })")
    for is_open in (True, False):
        page.evaluate(f"explorer.panel.{'open' if is_open else 'close'}()")
        page.wait_for_timeout(300)
        covered = page.evaluate(
            """() => {
                const box = document.querySelector(".toast").getBoundingClientRect();
                const cards = [".player", ".panel", ".header", "#filter-state", ".map-tools", ".trust"];
                return [...cards, ".legend"].filter((card) => {
                    const shown = document.querySelector(card);
                    if (!shown?.checkVisibility()) return false;
                    const other = shown.getBoundingClientRect();
                    const isBeside = other.right <= box.left || other.left >= box.right;
                    return !isBeside && other.bottom > box.top && other.top < box.bottom;
                });
            }"""
        )
        assert covered == []


@pytest.mark.parametrize(("width", "height"), [(320, 480), (320, 640), (390, 844), (844, 390)])
@pytest.mark.parametrize("is_open", [True, False])
def test_a_notice_on_a_phone_is_wide_enough_and_in_the_window(site, share_page, width, height, is_open):
    page = share_page(site[0], width=width, height=height, touch=True)
    page.evaluate(f"explorer.actions.select(4); explorer.panel.{'open' if is_open else 'close'}()")
    page.evaluate(
        """() => {
            const { notify } = explorer.notices;
            notify("The song was placed on the map, between two others.", { kind: "good" });
            const action = { label: "Try again", run() {} };
            notify("This file cannot be played.", { kind: "error", action });
        }"""
    )
    page.wait_for_timeout(300)
    boxes = [toast.bounding_box() for toast in page.locator(".toast").all()]
    assert len(boxes) == 2
    for box in boxes:
        assert box["width"] >= 240
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] >= 0
    header, player = (page.locator(card).bounding_box() for card in (".header", ".player"))
    assert boxes[0]["y"] >= header["y"] + header["height"]
    assert boxes[-1]["y"] + boxes[-1]["height"] <= player["y"]


SHIFTS = """() => {
    window.shifts = [];
    new PerformanceObserver((list) => {
        for (const { value, hadRecentInput, sources } of list.getEntries()) {
            const moved = sources.map(({ node }) => node?.className || node?.nodeName);
            if (!hadRecentInput) window.shifts.push([value, moved]);
        }
    }).observe({ type: "layout-shift", buffered: true });
}"""


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_the_page_does_not_move_while_it_loads(site, open_page, width, height):
    page = open_page(site[0], width=width, height=height, touch=width < 500)
    page.wait_for_timeout(1000)
    page.evaluate(SHIFTS)
    page.wait_for_timeout(300)
    shifts = page.evaluate("window.shifts")
    assert sum(value for value, _ in shifts) < 0.002, shifts
