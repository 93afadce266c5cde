"""What all tests share: small libraries of real files."""

import importlib.util
import signal
from pathlib import Path

import numpy as np
import pytest
from support import store_library, write_tone

from explorer.library.database import Database

DATA = Path(__file__).resolve().parent / "data"

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As it is where the tests run in the background; programs that they start would inherit a deaf ear.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def make_tone():
    """Write an audio file."""
    return write_tone


@pytest.fixture
def make_library():
    """Fill a songs.db."""
    return store_library


@pytest.fixture
def fresh_db(tmp_path):
    """An empty songs.db."""
    with Database.open(tmp_path / "songs.db") as database:
        yield database


@pytest.fixture
def library(tmp_path):
    """A songs.db of 24 songs in three genres, with its map: (path, song ids)."""
    path = tmp_path / "songs.db"
    return path, store_library(path, tmp_path / "music")


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
