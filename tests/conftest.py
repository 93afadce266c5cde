"""Fixtures that all tests share: audio files, small libraries, reference data."""

import importlib.util
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from support import store_library, write_sound, write_tone

from explorer.database.database import Database
from explorer.web.sound_jobs import SoundJobs

DATA = Path(__file__).resolve().parent / "data"

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell lets its background jobs ignore SIGINT, and their child processes inherit that. Restore the
    # handler, so that tests can interrupt the programs they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
