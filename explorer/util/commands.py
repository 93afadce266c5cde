"""Writes the commands of this program that messages tell the user to run."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from explorer.config import Settings
from explorer.util.text import valid_text

_COMMAND = re.compile(r"`python run\.py ((?:(?!--db )[^`])+)`")


def command_line(*arguments: str, database: Path | str | None = None) -> str:
    """Return a command as the user types it, with the library's database.

    Parameters
    ----------
    arguments : str
        The command's name, options and arguments; each is written as it is, so quote file names before.
    database : Path or str, optional
        What `--db` was given; `--db` is left out for the default library.
    """
    parts = ["python run.py", *arguments]
    if database is not None and not _is_default(database):
        parts.append(f"--db {shlex.quote(os.fspath(database))}")
    return " ".join(parts)


def index_command(roots: Sequence[str], *, windows: bool, database: Path | str) -> str:
    """Return the command that indexes a library's folder again.

    Parameters
    ----------
    roots : sequence of str
        The folders that are meant. If they are several or none, the user must choose one.
    windows : bool
        Whether known songs get windows, too.
    """
    folder = shlex.quote(valid_text(roots[0])) if len(roots) == 1 else "FOLDER"
    return command_line("index", folder, *(("--windows",) if windows else ()), database=database)


def with_database(text: str, database: Path | str) -> str:
    """Add the library's database to each command of this program that a text has between backticks."""
    return _COMMAND.sub(lambda found: f"`{command_line(found[1], database=database)}`", text)


def _is_default(database: Path | str) -> bool:
    return Path(database).absolute() == Settings.database
