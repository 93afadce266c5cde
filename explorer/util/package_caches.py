"""Folders for what numba and matplotlib keep between runs, where their own folders cannot be written.

Without such a folder, UMAP cannot be imported, and matplotlib warns. It must be chosen before the package is
imported. A home that cannot be written is usual for services and in containers.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from explorer.config import Settings


def choose_numba_cache() -> None:
    """Choose where numba keeps compiled functions; call it before umap is imported."""
    package = find_spec("umap")
    # numba's own choice is beside the source of each function. All packages are in one folder.
    own_choices = [Path(package.origin).parent / "__pycache__"] if package and package.origin else []
    _choose("NUMBA_CACHE_DIR", "numba", own_choices)


def choose_matplotlib_cache() -> None:
    """Choose where matplotlib keeps its list of fonts; call it before matplotlib is imported."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path raises an error if there is no home.
    if sys.platform.startswith(("linux", "freebsd")):
        folders = (("XDG_CONFIG_HOME", ".config"), ("XDG_CACHE_HOME", ".cache"))
        own_choices = [Path(os.environ.get(name) or home / usual, "matplotlib") for name, usual in folders]
    else:
        own_choices = [home / ".matplotlib"]
    _choose("MPLCONFIGDIR", "matplotlib", own_choices)


def _choose(variable: str, name: str, own_choices: list[Path]) -> None:
    """Set an environment variable to a folder that can be written, unless the package finds its own.

    No folder beside a library is tried: numba runs what it finds in its cache, and a library may come from
    somebody else.
    """
    named = os.environ.get(variable)
    if all(map(_is_writable, [Path(named)] if named else own_choices)):
        return
    folder = Settings().models / name
    if not _is_writable(folder):
        # Nobody else can write into this one, unlike into a folder of a known name.
        folder = Path(tempfile.mkdtemp(prefix=f"music-explorer-{name}-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ[variable] = str(folder)


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
