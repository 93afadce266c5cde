import importlib.util
import subprocess
import sys

import pytest

from explorer.config import ROOT


@pytest.fixture
def entry():
    """run.py as a module."""
    spec = importlib.util.spec_from_file_location("entry", ROOT / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pins_are_read_and_lines_for_some_platforms_left_to_pip(entry, tmp_path):
    file = tmp_path / "requirements.txt"
    file.write_text('# why\nclick==8.5.1   # the command line\ntensorflow==2.21.0; sys_platform == "win32"\n')
    assert entry.pinned([file]) == {"click": "8.5.1"}


def test_included_files_are_read_and_a_change_to_one_is_noticed(entry, tmp_path):
    included = tmp_path / "more.txt"
    included.write_text("rich==15.0.0\n")
    file = tmp_path / "requirements.txt"
    file.write_text("-r more.txt\nclick==8.5.1\n")
    assert entry.pinned([file]) == {"click": "8.5.1", "rich": "15.0.0"}
    before = entry.digest(file)
    included.write_text("rich==15.0.1\n")
    assert entry.digest(file) != before


def test_an_environment_without_a_requirement_is_not_ready(entry, tmp_path):
    file = tmp_path / "requirements.txt"
    file.write_text("click==0.0.1\n")
    assert not entry.environment_has([file])
    file.write_text("no-such-package-anywhere==1.0\n")
    assert not entry.environment_has([file])
    assert entry.environment_has([ROOT / "requirements.txt", ROOT / "requirements-dev.txt"])


def test_the_tests_need_more_than_the_program(entry):
    assert [file.name for file in entry.requirement_files("demo")] == ["requirements.txt"]
    assert [file.name for file in entry.requirement_files("test")] == [
        "requirements.txt",
        "requirements-dev.txt",
    ]


def test_every_requirement_is_pinned_and_says_why(entry):
    for file in set(ROOT.glob("requirements*.txt")) - {ROOT / "requirements-openl3.txt"}:
        lines = file.read_text().splitlines()
        for line in (line for line in lines if line and not line.startswith(("#", "-r "))):
            assert "==" in line
            assert "#" in line or ";" in line, line


def test_an_unsuitable_python_is_told_so(entry, monkeypatch, capsys):
    monkeypatch.setattr(entry.sys, "version_info", (3, 10, 0))
    assert entry.main() == 1
    assert "Python 3.11 to 3.13 is needed and this is 3.10" in capsys.readouterr().err


def test_help_needs_no_heavy_import():
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from explorer.cli.main import run; run(['--help'])\n"
        "heavy = {'tensorflow', 'openvino', 'umap', 'sklearn', 'dash'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "A map of music you can hear" in done.stdout
