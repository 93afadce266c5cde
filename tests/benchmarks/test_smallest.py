"""Every benchmark runs at its smallest size, as a real process: none can stop working unseen."""

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


def require_what_it_needs(name):
    """Skip what cannot run here; where everything must run, that is a failure."""
    if name == "page" and not os.environ.get("CHROMIUM") and not any(map(shutil.which, CHROMIUM)):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Chromium was found")
    if name == "gpu" and find_spec("keras") is None:
        pytest.skip("Keras is not installed")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_benchmark_prints_its_figures_at_its_smallest_size(script, tmp_path):
    require_what_it_needs(script.stem)
    done = subprocess.run(
        [sys.executable, str(script), "--smallest"], cwd=tmp_path, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"`benchmarks/{script.name} --smallest`")
    head, rule, *rows = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert set(rule) == {"|", "-"}
    assert rows
    for row in rows:
        assert row.count("|") == head.count("|"), done.stdout
        assert re.search(r"\|.*\|.*\d.*\|$", row), f"no figure in {row}"


@pytest.mark.parametrize("path", [path for path in FILES if path not in SCRIPTS], ids=lambda path: path.stem)
def test_what_is_no_benchmark_is_part_of_one(path):
    imports = re.compile(rf"^from {path.stem} import", re.MULTILINE)
    assert any(imports.search(script.read_text()) for script in SCRIPTS)


def test_the_runner_runs_every_benchmark():
    commands = re.findall(r"\b(\w+)\.py", re.search(r"COMMANDS = \((.*?)\n\)", RUNNER.read_text(), re.S)[1])
    assert sorted(commands) == [script.stem for script in SCRIPTS]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_every_benchmark_has_its_section_in_the_figures(script):
    _, *sections = (ROOT / "docs" / "figures.md").read_text().split("\n## ")
    assert any(f"benchmarks/{script.name}" in section for section in sections)
