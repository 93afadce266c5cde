from dataclasses import dataclass
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile

from explorer.demo.composer import compose_library


@dataclass(frozen=True, eq=False)
class StoredSong:
    """A song of the library, read from its file."""

    path: Path
    samples: np.ndarray
    sample_rate_hz: int
    tags: dict[str, str]


@pytest.fixture(scope="session")
def composed(tmp_path_factory):
    """The whole library, composed once: its folder, its files and the progress reports."""
    folder = tmp_path_factory.mktemp("library")
    progress = []
    paths = compose_library(folder, progress=lambda done, total: progress.append((done, total)))
    return folder, paths, progress


@pytest.fixture(scope="session")
def songs(composed):
    def read(path):
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        tags = {key: values[0] for key, values in mutagen.File(path, easy=True).items()}
        return StoredSong(path, samples, rate, tags)

    return [read(path) for path in composed[1]]
