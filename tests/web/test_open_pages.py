"""The server ends only when the last page of this computer was closed and none came back."""

import pytest
from flask import Flask

from explorer.web import open_pages
from explorer.web.open_pages import GRACE_S, OpenPages, count_pages


class Clock:
    """A clock that tests set, with timers that run when it passes their times."""

    def __init__(self):
        self.now = 100.0
        self._timers = []

    def timer(self, seconds, function):
        clock = self

        class Timer:
            def start(self):
                clock._timers.append((clock.now + seconds, function))

        return Timer()

    def advance(self, seconds):
        until = self.now + seconds
        while due := [timer for timer in self._timers if timer[0] <= until]:
            first = min(due, key=lambda timer: timer[0])
            self._timers.remove(first)
            self.now = first[0]
            first[1]()
        self.now = until


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(open_pages.threading, "Timer", clock.timer)
    monkeypatch.setattr(open_pages.time, "monotonic", lambda: clock.now)
    return clock


class Site:
    """An app that counts its pages; `ends` has an item for each time that it would end the server."""

    def __init__(self):
        self.ends = []
        app = Flask("pages")
        for path in ("/", "/latest"):
            app.add_url_rule(path, path, lambda: "")
        count_pages(app, OpenPages(lambda: self.ends.append(1)))
        self._client = app.test_client()

    def get(self, path, address="127.0.0.1"):
        assert self._client.get(path, environ_base={"REMOTE_ADDR": address}).status_code == 200

    def close(self, name, address="127.0.0.1"):
        answer = self._client.post(f"/closed/{name}", environ_base={"REMOTE_ADDR": address})
        assert answer.status_code == 204


@pytest.fixture
def site(clock):
    return Site()


def test_the_server_ends_some_seconds_after_the_last_page_was_closed(site, clock):
    site.get("/latest?page=a")
    site.get("/latest?page=b")
    site.close("a")
    clock.advance(1000)
    assert site.ends == []
    site.close("b")
    clock.advance(GRACE_S - 0.1)
    assert site.ends == []
    clock.advance(0.2)
    assert site.ends == [1]
    clock.advance(1000)
    assert site.ends == [1]


def test_a_page_that_is_loaded_again_does_not_end_the_server(site, clock):
    site.get("/latest?page=a")
    site.close("a")
    for _ in range(5):
        # A slow computer loads the page's files for longer than the grace.
        clock.advance(GRACE_S - 1)
        site.get("/")
    site.get("/latest?page=b")
    clock.advance(1000)
    assert site.ends == []
    site.close("b")
    clock.advance(GRACE_S + 1)
    assert site.ends == [1]


def test_a_page_that_sleeps_or_was_never_open_does_not_end_the_server(site, clock):
    site.get("/")
    clock.advance(1000)
    site.get("/latest?page=a")
    clock.advance(100_000)
    site.close("never opened")
    clock.advance(1000)
    assert site.ends == []


def test_pages_on_other_computers_do_not_count(site, clock):
    site.get("/latest?page=far", address="192.168.1.7")
    site.get("/latest?page=here")
    site.close("here", address="192.168.1.7")
    clock.advance(1000)
    assert site.ends == []
    site.close("here")
    clock.advance(GRACE_S - 1)
    site.get("/latest?page=far", address="192.168.1.7")
    clock.advance(2)
    assert site.ends == [1]
