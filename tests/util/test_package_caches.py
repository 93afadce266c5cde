"""Packages that keep something between runs work without a home and without folders that can be written."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from explorer.config import ROOT, Settings
from explorer.util import package_caches

RUN_READ_ONLY = """
for folder in "$PACKAGES" "$ROOT"; do
    mount --bind "$folder" "$folder" && mount -o remount,ro,bind "$folder" || exit 90
done
cd "$ROOT"
"$PYTHON" -m explorer map --relayout --projection umap --db "$DB" || exit
"$PYTHON" -m explorer compare 000.flac 001.flac --projection umap --out "$OUT" --db "$DB"
"""


def test_maps_and_figures_are_made_without_a_home_and_with_read_only_packages(library, tmp_path):
    path, _ = library
    (tmp_path / "temporary").mkdir()
    variables = {
        "HOME": "/proc/no-home",
        "TMPDIR": tmp_path / "temporary",
        "PACKAGES": sysconfig.get_path("purelib"),
        "ROOT": ROOT,
        "PYTHON": sys.executable,
        "DB": path,
        "OUT": tmp_path / "figures",
    }
    others = {
        name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "NUMBA_", "MPL"))
    }
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", RUN_READ_ONLY] if shutil.which("unshare") else ["false"],
        env=others | {name: str(value) for name, value in variables.items()},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if not shutil.which("unshare") or done.returncode == 90 or "unshare" in done.stderr:
        pytest.skip("file systems cannot be mounted here")
    assert done.returncode == 0, done.stderr
    assert not any(word in done.stderr for word in ("Traceback", "Warning", "WARNING", "atplotlib", "numba"))
    assert len(list((tmp_path / "figures").iterdir())) == 6
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A folder for the choices of the package, the user and the program; all of them can be written."""
    monkeypatch.setattr(Settings, "models", property(lambda _: tmp_path / "models"))
    monkeypatch.setattr(package_caches.tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("CACHE", raising=False)
    return tmp_path


def block(folder):
    """Put a file where a folder must not be made."""
    folder.write_text("in the way")


def test_the_package_s_own_choice_is_kept_if_it_can_be_written(places, monkeypatch):
    package_caches._choose("CACHE", "name", [places / "own"])
    assert "CACHE" not in os.environ


@pytest.mark.parametrize("variable", [None, "chosen"])
def test_the_program_s_caches_are_taken_if_other_choices_cannot_be_written(places, monkeypatch, variable):
    block(places / "own")
    block(places / "chosen")
    monkeypatch.setenv("CACHE", str(places / variable) if variable else "")
    package_caches._choose("CACHE", "name", [places / "own"])
    assert os.environ["CACHE"] == str(places / "models" / "name")


def test_the_user_s_choice_is_kept(places, monkeypatch):
    block(places / "own")
    monkeypatch.setenv("CACHE", str(places / "chosen"))
    package_caches._choose("CACHE", "name", [places / "own"])
    assert os.environ["CACHE"] == str(places / "chosen")


def test_a_private_temporary_folder_is_taken_at_last(places, monkeypatch):
    block(places / "own")
    block(places / "models")
    monkeypatch.setenv("CACHE", "")
    package_caches._choose("CACHE", "name", [places / "own"])
    folder = Path(os.environ["CACHE"])
    assert folder.parent == places
    assert os.name == "nt" or folder.stat().st_mode & 0o077 == 0
