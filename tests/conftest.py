"""Fixtures that all tests share: audio files, small libraries, reference data."""

import importlib.util
import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from support import store_library, write_sound, write_tone

from explorer.database.database import Database
from explorer.library import confirmed_roots
from explorer.web.sound_jobs import SoundJobs

DATA = Path(__file__).resolve().parent / "data"


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell lets its background jobs ignore SIGINT, and their child processes inherit that. Restore the
    # handler, so that tests can interrupt the programs they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def music_folders(tmp_path_factory):
    """The list of the user's music folders: pytest's own, so that libraries in it can be played.

    Programs that tests start get it through the environment.
    """
    folder = tmp_path_factory.mktemp("configuration")
    file = folder / "music-explorer" / "music-folders.jsonl"
    file.parent.mkdir()
    file.write_text(f"{json.dumps(str(tmp_path_factory.getbasetemp().resolve()))}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder))
        yield file


@pytest.fixture
def no_music_folders(tmp_path, monkeypatch):
    """An empty list of the user's music folders, also for programs that the test starts."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    monkeypatch.setattr(confirmed_roots, "_given_to_this_process", set())
    return tmp_path / "configuration" / "music-explorer" / "music-folders.jsonl"


@pytest.fixture
def make_tone():
    """The function that writes a tone to an audio file."""
    return write_tone


@pytest.fixture
def make_sound():
    """The function that writes samples to an audio file of any format."""
    return write_sound


@pytest.fixture
def make_library():
    """The function that writes a library of real files."""
    return store_library


@pytest.fixture
def fresh_db(tmp_path):
    """An empty songs.db."""
    with Database.open(tmp_path / "songs.db") as database:
        yield database


@pytest.fixture(scope="session")
def stored_library(tmp_path_factory):
    """The library that `library` copies: (folder, song ids)."""
    folder = tmp_path_factory.mktemp("library")
    return folder, store_library(folder / "songs.db", folder / "music")


@pytest.fixture
def library(stored_library, tmp_path):
    """A songs.db of 24 songs in three genres, with its map: (path, song ids)."""
    folder, song_ids = stored_library
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "songs.db"
    with Database.open(path) as database, database.transaction():
        database._rows("UPDATE roots SET path = ?", (str(tmp_path / "music"),))
    return path, song_ids


@pytest.fixture(scope="session")
def sound_jobs():
    """Decoding processes for web apps: a new one for each app would take a second to start."""
    jobs = SoundJobs()
    yield jobs
    jobs.close()


@pytest.fixture(scope="session")
def inputs():
    """The module that made the inputs of the OpenL3 reference data."""
    spec = importlib.util.spec_from_file_location("openl3_inputs", DATA / "openl3_inputs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def reference():
    """The outputs of openl3 0.4.2 for these inputs; see make_openl3_reference.py."""
    with np.load(DATA / "openl3_reference.npz") as file:
        return dict(file)
