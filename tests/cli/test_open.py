"""`open FOLDER` as real processes: the page at once, the songs behind it, and a gentle end."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest
from support import write_tone

from explorer.config import ROOT
from explorer.database.database import Database

PATIENCE_S = 120
MODEL = ["--weights", "untrained", "--hop", "1", "--precision", "float32", "--no-previews"]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the signals are POSIX's")


def wait_until(is_so):
    deadline = time.monotonic() + PATIENCE_S
    while not (result := is_so()):
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.1)
    return result


class Opened:
    """A running `open`: what it says, its page, and its index run."""

    def __init__(self, folder, database, *options):
        command = [sys.executable, str(ROOT / "run.py"), "open", str(folder), "--db", str(database)]
        self.database, self.said = database, []
        self.process = subprocess.Popen(
            [*command, "--port", "0", *options],
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder.parent,
            # Nothing opens in a browser.
            env=os.environ | {"BROWSER": "true"},
        )
        self._listener = threading.Thread(target=lambda: self.said.extend(self.process.stderr), daemon=True)
        self._listener.start()
        line = wait_until(lambda: self.line("The map is at ") or self.process.poll() is not None)
        assert line is not True, self.said
        self.url = line.split("The map is at ")[1].split()[0]

    def line(self, text):
        return next((line for line in self.said if text in line), None)

    def get(self, path, method="GET"):
        request = urllib.request.Request(self.url + path, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.read()

    def latest(self):
        return json.loads(self.get("latest?page=test"))

    def index_pid(self):
        """Return the process of the index run."""
        listed = subprocess.run(
            ["ps", "-ewwo", "pid,args"], capture_output=True, text=True, check=True
        ).stdout
        found = [
            line for line in listed.splitlines() if "--stop-at-eof" in line and str(self.database) in line
        ]
        return int(found[0].split()[0]) if found else None

    def end(self, number=None):
        """Send a signal, if one is given, and return the exit status."""
        if number is not None:
            self.process.send_signal(number)
        status = self.process.wait(PATIENCE_S)
        self._listener.join(10)
        return status


@pytest.fixture
def open_folder():
    """A function that runs `open`; what still runs after the test is killed."""
    opened = []

    def run_it(*arguments):
        opened.append(Opened(*arguments))
        return opened[-1]

    yield run_it
    for each in opened:
        each.process.kill()
        each.process.wait()
        each._listener.join(10)
        each.process.stderr.close()


def songs_of(database):
    with Database.open_readonly(database) as library:
        return library.vectors(full=True)[0]


def test_the_page_answers_while_songs_are_indexed_and_the_same_command_goes_on(tmp_path, open_folder):
    folder, database = tmp_path / "music", tmp_path / "songs.db"
    for number in range(5):
        write_tone(folder / f"{number}.flac", frequency_hz=100 * (number + 2), seconds=40)
    opened = open_folder(folder, database, *MODEL)
    assert opened.latest()["index"]["stage"] == "starting"
    assert b"Music Explorer" in opened.get("")
    wait_until(lambda: (opened.latest()["index"] or {}).get("total") == 5)
    # A second `open` shows the page of the first one.
    second = subprocess.run(
        [sys.executable, str(ROOT / "run.py"), "open", str(folder), "--db", str(database)],
        env=os.environ | {"BROWSER": "true"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert second.returncode == 0
    assert second.stderr.splitlines() == [f"{folder} is open already: its map is at {opened.url}"]
    assert opened.end(signal.SIGINT) == 130
    assert opened.line("Stopped. Nothing is lost")
    assert opened.index_pid() is None
    before = songs_of(database)
    opened = open_folder(folder, database, *MODEL)
    wait_until(lambda: opened.line("Watching "))
    assert songs_of(database) == [f"{number}.flac" for number in range(5)]
    assert f"{len(before)} were known" in opened.line("Indexed ")
    # New songs are added while the page is open.
    write_tone(folder / "new.flac", frequency_hz=900, seconds=1)
    wait_until(lambda: opened.latest()["songs"] == 6)
    # The last page is closed.
    opened.get("closed/test", method="POST")
    assert opened.end() == 0
    assert opened.line("The page was closed.")
    assert opened.index_pid() is None


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGKILL"])
def test_no_index_run_outlives_a_program_that_was_ended(tmp_path, open_folder, name):
    folder, database = tmp_path / "music", tmp_path / "songs.db"
    write_tone(folder / "0.flac", seconds=20)
    opened = open_folder(folder, database, "--no-browser", *MODEL)
    wait_until(opened.index_pid)
    assert opened.end(signal.Signals[name]) == (-signal.SIGKILL if name == "SIGKILL" else 130)
    wait_until(lambda: opened.index_pid() is None)


def test_the_page_goes_on_and_says_so_when_the_index_run_has_failed(tmp_path, open_folder):
    folder, database = tmp_path / "music", tmp_path / "songs.db"
    write_tone(folder / "0.flac")
    opened = open_folder(folder, database, *MODEL)
    wait_until(lambda: opened.line("Watching "))
    os.kill(opened.index_pid(), signal.SIGKILL)
    problem = wait_until(lambda: opened.latest()["problem"])
    assert str(folder) in problem
    assert "signal 9" in problem
    assert problem in "".join(opened.said)
    assert opened.get("audio/0.flac")[:4] == b"fLaC"
    assert opened.end(signal.SIGINT) == 1


def test_a_mistake_in_an_option_is_said_on_the_page_and_in_the_terminal(tmp_path, open_folder):
    (tmp_path / "music").mkdir()
    opened = open_folder(tmp_path / "music", tmp_path / "songs.db", "--weights", "absent.h5")
    problem = wait_until(lambda: opened.latest()["problem"])
    assert "absent.h5" in problem
    assert [line for line in opened.said if "absent.h5" in line] == [f"{problem}\n"]
    assert "Traceback" not in "".join(opened.said)
    assert problem in opened.get("_dash-layout").decode()
    assert opened.end(signal.SIGTERM) == 1


def test_without_a_browser_closing_a_page_does_not_end_the_program(tmp_path, open_folder):
    (tmp_path / "music").mkdir()
    opened = open_folder(tmp_path / "music", tmp_path / "songs.db", "--no-browser", *MODEL)
    assert opened.latest()["counts_pages"] is False
    with pytest.raises(urllib.error.HTTPError):
        opened.get("closed/test", method="POST")
    opened.end(signal.SIGTERM)
