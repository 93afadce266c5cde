"""The entry point of the program: `python run.py demo`, `python run.py index FOLDER`, `python run.py serve`.

This file needs only Python's standard library. It creates a virtual environment, `.venv`, beside itself,
installs the packages of the lock file there if it has changed, and runs the command with that interpreter. If
another virtual environment is active and has the requirements, it uses that one instead.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from explorer.util.standard_streams import open_closed_streams

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)


class SetupError(Exception):
    """The set-up failed; the message is one sentence for the user."""


def say(message: str) -> None:
    """Print a message on standard error, if that is possible."""
    with suppress(OSError):
        print(message, file=sys.stderr, flush=True)


def requirement_files(command: str | None) -> list[Path]:
    """Return the requirements files that a command needs: `test` needs more than the others."""
    files = [ROOT / "requirements.txt"]
    if command == "test":
        files.append(ROOT / "requirements-dev.txt")
    return files


def with_included(file: Path) -> list[Path]:
    """Return a requirements file and the files that its `-r` lines include."""
    names = re.findall(r"^-r (\S+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    return [file, *(included for name in names for included in with_included(file.parent / name))]


def pinned(files: list[Path]) -> dict[str, str]:
    """Return the version of each package that has a line `name==version`.

    Lines with a platform condition are skipped: only pip evaluates them.
    """
    versions = {}
    paths = [path for file in files for path in with_included(file)]
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            match = re.match(r"([A-Za-z0-9._-]+)==([^\s;#]+)\s*(;)?", line)
            if match and not match[3]:
                versions[match[1]] = match[2]
    return versions


def environment_has(files: list[Path]) -> bool:
    """Return whether this interpreter has every pinned package in its pinned version."""
    try:
        return all(metadata.version(name) == version for name, version in pinned(files).items())
    except metadata.PackageNotFoundError:
        return False


def venv_python() -> Path:
    """Return the path of the interpreter in `.venv`."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def lock_of(file: Path) -> Path:
    """Return the lock file of a requirements file: every package that it needs, with its hashes."""
    return file.with_suffix(".lock")


def digest(lock: Path) -> str:
    """Return the SHA-256 of a lock file, to detect changes."""
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def make_environment() -> None:
    """Create `.venv` if it is missing or its interpreter does not run."""
    if venv_python().exists():
        check = subprocess.run([venv_python(), "-c", "import pip"], capture_output=True, check=False)
        if check.returncode == 0:
            return
    say(f"Creating a virtual environment in {VENV}")
    creation = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True, check=False
    )
    if creation.returncode:
        raise SetupError(
            f"The virtual environment {VENV} could not be created: install Python's venv module "
            "(on Debian and Ubuntu: apt install python3-venv) and run the same command again."
        )


def install(files: list[Path]) -> None:
    """Install into `.venv` each lock file that is new or has changed since its last installation."""
    make_environment()
    # The digest of each lock file is stored separately, so that `test` installs only its additional packages.
    for lock in map(lock_of, files):
        stored_digest = VENV / f"{lock.name}.sha256"
        if stored_digest.exists() and stored_digest.read_text(encoding="utf-8") == digest(lock):
            continue
        say(f"Installing {lock.name} into {VENV.name}; the first time takes a few minutes")
        command = [
            venv_python(),
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--quiet",
            # Python compiles a module when it imports it. pip would compile all modules, which takes a third
            # of the installation time.
            "--no-compile",
            # pip refuses a package without a hash in the lock file, and a file that does not match its hash.
            "--require-hashes",
            "-r",
            lock,
        ]
        if subprocess.run([str(part) for part in command], check=False).returncode:
            raise SetupError(
                f"{lock.name} could not be installed: see pip's messages above, check the network connection "
                "and the free space on the disk, and run the same command again; if a package does not match "
                "its hash, it was damaged or replaced on its way."
            )
        stored_digest.write_text(digest(lock), encoding="utf-8")


def run_again(python: Path) -> int:
    """Run this file again with another interpreter, and return its exit status."""
    arguments = [str(python), str(ROOT / "run.py"), *sys.argv[1:]]
    environment = {**os.environ, "EXPLORER_READY": str(VENV)}
    if os.name != "nt":
        sys.stdout.flush()
        os.execve(python, arguments, environment)
    try:
        return subprocess.run(arguments, env=environment, check=False).returncode
    except KeyboardInterrupt:
        return 130


def main() -> int:
    """Set up the environment if necessary, then run the command."""
    open_closed_streams()
    if not OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        oldest, newest, version = (
            ".".join(map(str, numbers)) for numbers in (OLDEST_PYTHON, NEWEST_PYTHON, sys.version_info[:2])
        )
        say(
            f"Python {oldest} to {newest} is needed and this is {version}: run the same command with another "
            f"Python, for example python{oldest} run.py."
        )
        return 1
    command = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    files = requirement_files(command)
    is_second_run = os.environ.get("EXPLORER_READY") == str(VENV) and Path(sys.prefix) == VENV
    in_other_venv = sys.prefix != sys.base_prefix and Path(sys.prefix) != VENV
    if not is_second_run and not (in_other_venv and environment_has(files)):
        try:
            install(files)
        except SetupError as error:
            say(str(error))
            return 1
        except KeyboardInterrupt:
            return 130
        return run_again(venv_python())
    sys.path.insert(0, str(ROOT))
    from explorer.cli.main import leave, run

    return leave(run()) if __name__ == "__main__" else run()


if __name__ == "__main__":
    sys.exit(main())
