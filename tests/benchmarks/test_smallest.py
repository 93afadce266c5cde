"""Runs every benchmark at its smallest size in a real process, so that none can break unnoticed."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec

import pytest

from explorer.config import ROOT

FOLDER = ROOT / "benchmarks"
RUNNER = FOLDER / "all.py"
FILES = [path for path in sorted(FOLDER.glob("*.py")) if path != RUNNER]
SCRIPTS = [path for path in FILES if "__main__" in path.read_text()]
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def require_dependencies(name):
    """Skip a benchmark that cannot run here; in CI, a missing browser is a failure."""
    has_browser = os.environ.get("CHROMIUM") or any(map(shutil.which, CHROMIUM))
    if name in ("page", "million") and not has_browser:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Chromium was found")
    if name in ("reading", "first_map") and shutil.which("ffmpeg") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("the program ffmpeg was not found")
    if name == "gpu" and find_spec("keras") is None:
        pytest.skip("Keras is not installed")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_benchmark_prints_its_figures_at_its_smallest_size(script, tmp_path):
    require_dependencies(script.stem)
    result = subprocess.run(
        [sys.executable, str(script), "--smallest"], cwd=tmp_path, capture_output=True, text=True, timeout=600
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.startswith(f"`benchmarks/{script.name} --smallest`")
    head, rule, *rows = [line for line in result.stdout.splitlines() if line.startswith("|")]
    assert set(rule) == {"|", "-"}
    assert rows
    for row in rows:
        assert row.count("|") == head.count("|"), result.stdout
        assert re.search(r"\|.*\|.*\d.*\|$", row), f"no figure in {row}"


@pytest.mark.parametrize("path", [path for path in FILES if path not in SCRIPTS], ids=lambda path: path.stem)
def test_every_other_file_is_imported_by_a_benchmark(path):
    imports = re.compile(rf"^\s*from {path.stem} import", re.MULTILINE)
    assert any(imports.search(script.read_text()) for script in SCRIPTS)


def test_the_script_all_runs_every_benchmark():
    commands = re.findall(r"\b(\w+)\.py", re.search(r"COMMANDS = \((.*?)\n\)", RUNNER.read_text(), re.S)[1])
    assert sorted(commands) == [script.stem for script in SCRIPTS]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_docs_figures_has_a_section_for_every_benchmark(script):
    _, *sections = (ROOT / "docs" / "figures.md").read_text().split("\n## ")
    assert any(f"benchmarks/{script.name}" in section for section in sections)
