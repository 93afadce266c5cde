"""The one entry point: `python run.py demo`, `python run.py index FOLDER`, `python run.py serve`, ...

It needs nothing but Python's standard library: it makes `.venv` beside itself, installs the pinned
requirements when they changed, and hands over to explorer.cli there. Inside an active virtual
environment that already has the requirements it makes no other.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
OLDEST, NEWEST = (3, 11), (3, 13)


class SetupError(Exception):
    """The program cannot be set up here: a sentence for the user."""


def requirement_files(command: str | None) -> list[Path]:
    """List the requirements a command needs: the tests need more than the program."""
    files = [ROOT / "requirements.txt"]
    if command == "test":
        files.append(ROOT / "requirements-dev.txt")
    return files


def with_included(file: Path) -> list[Path]:
    """List a requirements file and the files that its `-r` lines include."""
    names = re.findall(r"^-r (\S+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    return [file, *(part for name in names for part in with_included(file.parent / name))]


def pinned(files: list[Path]) -> dict[str, str]:
    """Read `name==version` lines. Lines for some platforms only are left to pip."""
    versions = {}
    for part in (part for file in files for part in with_included(file)):
        for line in part.read_text(encoding="utf-8").splitlines():
            match = re.match(r"([A-Za-z0-9._-]+)==([^\s;#]+)\s*(;)?", line)
            if match and not match[3]:
                versions[match[1]] = match[2]
    return versions


def environment_has(files: list[Path]) -> bool:
    """Tell whether the running interpreter has every pinned requirement."""
    try:
        return all(metadata.version(name) == version for name, version in pinned(files).items())
    except metadata.PackageNotFoundError:
        return False


def venv_python() -> Path:
    """Return the interpreter of our virtual environment."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def digest(file: Path) -> str:
    """Hash a requirements file and what it includes, so that a change to them is noticed."""
    return hashlib.sha256(b"".join(part.read_bytes() for part in with_included(file))).hexdigest()


def make_environment() -> None:
    """Make `.venv`, or make it again where its interpreter no longer runs."""
    if venv_python().exists():
        works = subprocess.run([venv_python(), "-c", "import pip"], capture_output=True, check=False)
        if works.returncode == 0:
            return
    print(f"Making a virtual environment in {VENV}", file=sys.stderr, flush=True)
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise SetupError(
            f"The virtual environment {VENV} could not be made: install Python's venv module "
            "(on Debian and Ubuntu: apt install python3-venv) and run this again."
        )


def install(files: list[Path]) -> None:
    """Install the requirements into `.venv`, unless they are what was installed last."""
    make_environment()
    # One stamp a file: the program's requirements stay installed when the tests add theirs.
    for file in files:
        stamp = VENV / f"{file.stem}.sha256"
        if stamp.exists() and stamp.read_text(encoding="utf-8") == digest(file):
            continue
        print(
            f"Installing {file.name} into {VENV.name} (once; the first time takes minutes)", file=sys.stderr
        )
        command = [
            venv_python(),
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--quiet",
            # Python compiles what it imports; pip would compile everything first, a third of the time.
            "--no-compile",
            "-r",
            file,
        ]
        if subprocess.run([str(part) for part in command], check=False).returncode:
            raise SetupError(
                f"{file.name} could not be installed: see pip's words above, mend the connection to the "
                "package registry or the disk's space, and run this again."
            )
        stamp.write_text(digest(file), encoding="utf-8")


def hand_over(python: Path) -> int:
    """Run this file again under another interpreter, and return its exit status."""
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
    """Set up what is missing, then run the command."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        found = ".".join(map(str, sys.version_info[:2]))
        print(
            f"Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]} is needed and this is {found}: "
            f"run this with another one, for example python{OLDEST[0]}.{OLDEST[1]} run.py.",
            file=sys.stderr,
        )
        return 1
    command = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    files = requirement_files(command)
    handed_over = os.environ.get("EXPLORER_READY") == str(VENV) and Path(sys.prefix) == VENV
    in_environment = sys.prefix != sys.base_prefix and Path(sys.prefix) != VENV
    if not handed_over and not (in_environment and environment_has(files)):
        try:
            install(files)
        except SetupError as error:
            print(error, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
        return hand_over(venv_python())
    sys.path.insert(0, str(ROOT))
    from explorer.cli.main import leave, run

    return leave(run()) if __name__ == "__main__" else run()


if __name__ == "__main__":
    sys.exit(main())
