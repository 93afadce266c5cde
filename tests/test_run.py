import importlib.util
import subprocess
import sys

import pytest

from explorer.config import ROOT


@pytest.fixture
def run_py():
    """The module run.py."""
    spec = importlib.util.spec_from_file_location("entry", ROOT / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pins_are_read_without_lines_for_other_platforms(run_py, tmp_path):
    file = tmp_path / "requirements.txt"
    file.write_text('# why\nclick==8.5.1   # the command line\ntensorflow==2.21.0; sys_platform == "win32"\n')
    assert run_py.pinned([file]) == {"click": "8.5.1"}


def test_included_files_are_read_and_change_the_digest(run_py, tmp_path):
    included = tmp_path / "more.txt"
    included.write_text("rich==15.0.0\n")
    file = tmp_path / "requirements.txt"
    file.write_text("-r more.txt\nclick==8.5.1\n")
    assert run_py.pinned([file]) == {"click": "8.5.1", "rich": "15.0.0"}
    before = run_py.digest(file)
    included.write_text("rich==15.0.1\n")
    assert run_py.digest(file) != before


def test_an_environment_without_a_requirement_is_not_ready(run_py, tmp_path):
    file = tmp_path / "requirements.txt"
    file.write_text("click==0.0.1\n")
    assert not run_py.environment_has([file])
    file.write_text("no-such-package-anywhere==1.0\n")
    assert not run_py.environment_has([file])
    assert run_py.environment_has([ROOT / "requirements.txt", ROOT / "requirements-dev.txt"])


def test_the_tests_need_more_than_the_program(run_py):
    assert [file.name for file in run_py.requirement_files("demo")] == ["requirements.txt"]
    assert [file.name for file in run_py.requirement_files("test")] == [
        "requirements.txt",
        "requirements-dev.txt",
    ]


def test_every_requirement_is_pinned_and_has_a_comment(run_py):
    for file in set(ROOT.glob("requirements*.txt")) - {ROOT / "requirements-openl3.txt"}:
        lines = file.read_text().splitlines()
        for line in (line for line in lines if line and not line.startswith(("#", "-r "))):
            assert "==" in line
            assert "#" in line or ";" in line, line


def test_an_unsupported_python_is_refused(run_py, monkeypatch, capsys):
    monkeypatch.setattr(run_py.sys, "version_info", (3, 10, 0))
    assert run_py.main() == 1
    err = capsys.readouterr().err
    assert all(version in err for version in ("3.11", "3.13", "3.10"))


def test_help_imports_no_heavy_package():
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from explorer.cli.main import run; run(['--help'])\n"
        "heavy = {'tensorflow', 'openvino', 'umap', 'sklearn', 'dash'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "A map of music you can hear" in done.stdout
