import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from explorer.config import ROOT

LOCKED = ("requirements", "requirements-distributed", "requirements-tensorflow", "requirements-dev")


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


def test_included_files_are_read(run_py, tmp_path):
    (tmp_path / "more.txt").write_text("rich==15.0.0\n")
    file = tmp_path / "requirements.txt"
    file.write_text("-r more.txt\nclick==8.5.1\n")
    assert run_py.pinned([file]) == {"click": "8.5.1", "rich": "15.0.0"}


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


# Lock files


def canonical(name):
    """A package's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_lock(name):
    """{package: {version: its hashes}} of a lock file; every line must be one that the tool writes."""
    packages = {}
    for line in (ROOT / f"{name}.lock").read_text(encoding="utf-8").splitlines():
        if pin := re.fullmatch(r"([a-z0-9-]+)==([^\s;]+)( ; [^\\]+)? \\", line):
            hashes = packages.setdefault(pin[1], {}).setdefault(pin[2], [])
        elif found := re.fullmatch(r"    --hash=sha256:([0-9a-f]{64})( \\)?", line):
            hashes.append(found[1])
        else:
            assert re.fullmatch(r" *#.*", line), line
    return packages


def packages_needed_by(names):
    """The packages that these packages need on this machine, with all that those need."""
    needed, waiting = set(), [(name, frozenset()) for name in names]
    visited = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in visited:
            continue
        visited.add((name, extras))
        needed.add(canonical(name))
        for line in metadata.requires(name) or ():
            requirement = Requirement(line)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in (*extras, "")):
                waiting.append((requirement.name, frozenset(requirement.extras)))
    return needed


@pytest.mark.parametrize("name", LOCKED)
def test_a_lock_file_has_every_requirement_in_its_version_and_every_package_has_hashes(name):
    lock, found = read_lock(name), 0
    for line in (ROOT / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if pin := re.match(r"([A-Za-z0-9._-]+)(?:\[\w+\])?==([^\s;#]+)", line):
            assert list(lock[canonical(pin[1])]) == [pin[2]], line
            found += 1
    assert found
    assert all(hashes for versions in lock.values() for hashes in versions.values())
    assert "://" not in (ROOT / f"{name}.lock").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", LOCKED)
def test_a_lock_file_has_everything_that_its_packages_need(run_py, name):
    needed = packages_needed_by(run_py.pinned([ROOT / f"{name}.txt"]))
    assert needed - read_lock(name).keys() == set()


@pytest.mark.parametrize("name", LOCKED[:-1])
def test_no_two_lock_files_have_different_versions(name):
    everything = read_lock(LOCKED[-1])
    assert {package: everything.get(package) for package in read_lock(name)} == read_lock(name)


@pytest.fixture
def local_packages(run_py, tmp_path, monkeypatch):
    """A folder with the wheel of `tiny` 1.0; pip finds no other packages, and installs into `site`."""
    wheel = tmp_path / "wheels" / "tiny-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", "")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr(
            "tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("tiny-1.0.dist-info/RECORD", "tiny.py,,\n")
    folders = {"FIND_LINKS": wheel.parent, "TARGET": tmp_path / "site"}
    settings = folders | {"CONFIG_FILE": os.devnull, "NO_INDEX": "1"}
    for name, value in settings.items():
        monkeypatch.setenv(f"PIP_{name}", str(value))
    monkeypatch.setattr(run_py, "VENV", tmp_path)
    monkeypatch.setattr(run_py, "venv_python", lambda: Path(sys.executable))
    return wheel


def test_a_lock_file_is_installed_once(run_py, tmp_path, local_packages, monkeypatch):
    right_hash = hashlib.sha256(local_packages.read_bytes()).hexdigest()
    (tmp_path / "requirements.lock").write_text(f"tiny==1.0 --hash=sha256:{right_hash}\n")
    run_py.install([tmp_path / "requirements.txt"])
    assert (tmp_path / "site" / "tiny.py").exists()
    monkeypatch.setattr(run_py, "make_environment", lambda: None)
    monkeypatch.setattr(run_py.subprocess, "run", None)
    run_py.install([tmp_path / "requirements.txt"])


@pytest.mark.parametrize("hashes", ["", f" --hash=sha256:{'0' * 64}"])
def test_a_package_with_a_wrong_hash_or_without_one_is_refused(run_py, tmp_path, local_packages, hashes):
    (tmp_path / "requirements.lock").write_text(f"tiny==1.0{hashes}\n")
    with pytest.raises(run_py.SetupError, match=r"requirements\.lock .* hash"):
        run_py.install([tmp_path / "requirements.txt"])
    assert not (tmp_path / "site" / "tiny.py").exists()
    assert not list(tmp_path.glob("*.sha256"))


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
