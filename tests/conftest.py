"""What all tests share: small libraries of real files."""

import importlib.util
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from support import store_library, write_sound, write_tone

from explorer.database.database import Database

DATA = Path(__file__).resolve().parent / "data"

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As it is where the tests run in the background; programs that they start would inherit a deaf ear.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def make_tone():
    """Write an audio file."""
    return write_tone


@pytest.fixture
def make_sound():
    """Write samples to a file of any kind."""
    return write_sound


@pytest.fixture
def make_library():
    """Fill a songs.db."""
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
def inputs():
    """The module that the published package's inputs were made with."""
    spec = importlib.util.spec_from_file_location("openl3_inputs", DATA / "openl3_inputs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def reference():
    """What openl3 0.4.2 made of the inputs: see make_openl3_reference.py."""
    with np.load(DATA / "openl3_reference.npz") as file:
        return dict(file)
