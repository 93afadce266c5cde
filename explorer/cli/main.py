"""The command line: the group of all commands, `test`, and the exit status.

Commands parse their arguments, call the package, and print. The package does the work and raises the errors.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress
from typing import NoReturn

import click

from explorer.cli.compare import compare
from explorer.cli.demo import demo
from explorer.cli.embed import embed
from explorer.cli.export import export
from explorer.cli.import_ import import_command
from explorer.cli.index import INTERRUPTED, index
from explorer.cli.inside import inside
from explorer.cli.map import map_command
from explorer.cli.open import open_command
from explorer.cli.options import echo, echo_lines
from explorer.cli.report import report
from explorer.cli.serve import serve
from explorer.cli.similar import similar
from explorer.cli.status import status
from explorer.cli.synth import synth
from explorer.cli.weights import weights_command
from explorer.config import ROOT
from explorer.errors import ExplorerError
from explorer.util.interrupts import interrupt_at_eof
from explorer.util.standard_streams import discard_unwritten, is_closed, open_closed_streams

MAX_TEST_WORKERS = 4
"""Each test worker may load TensorFlow and a browser."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--stop-at-eof", is_flag=True, hidden=True, help="Do as after Ctrl-C when standard input ends.")
def cli(stop_at_eof: bool) -> None:
    """A map of music you can hear.

    Run `python run.py open FOLDER` with a folder of your music: its map opens at once, and fills while the
    program listens to the songs. To try it without music, run `python run.py demo`.
    """
    if stop_at_eof:
        interrupt_at_eof()


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(arguments):
    """Run the program's tests. ARGUMENTS are passed to pytest."""
    import pytest

    os.chdir(ROOT)
    # `loadfile` keeps the tests of a file in one worker, because they share fixtures. There is one more
    # worker than cores, because many tests wait for another process.
    workers = min(MAX_TEST_WORKERS, (os.cpu_count() or 1) + 1)
    in_parallel = ["-n", str(workers), "--dist", "loadfile"]
    sys.exit(int(pytest.main(list(arguments) or in_parallel)))


_COMMANDS = (
    compare,
    demo,
    embed,
    export,
    import_command,
    index,
    inside,
    map_command,
    open_command,
    report,
    serve,
    similar,
    status,
    synth,
    weights_command,
)
for _command in _COMMANDS:
    cli.add_command(_command)


_interruptions: list[BaseException] = []

_LOST_OUTPUT = (errno.EPIPE, errno.EBADF, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""The errors of writing to standard output that are not a bug of this program."""

_UNUSABLE_PATH = (errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS)
"""The errors of files that the user mends by another path or by permissions; they are no bugs either."""

_LOST_REASONS = {
    errno.EBADF: "standard output is closed",
    errno.ENOSPC: "no space is left on its disk",
}


def run(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status.

    An error that the user can cause is printed as one line on standard error. If standard error cannot be
    written, messages are lost, and the command goes on; if standard output cannot be written, it fails.

    Parameters
    ----------
    arguments : list of str, optional
        The command and its options; by default the arguments of this process.

    Returns
    -------
    int
        0 success, 1 an error, 2 wrong usage, 3 success except for some files, 130 interrupted.
    """
    open_closed_streams()
    try:
        return _run(arguments)
    finally:
        for stream in (sys.stdout, sys.stderr):
            discard_unwritten(stream)


def _run(arguments: list[str] | None) -> int:
    """Run a command, print its error, and return its exit status."""
    try:
        try:
            exit_status = cli.main(arguments, prog_name="run.py", standalone_mode=False)
        finally:
            # Write the buffered output now: an error is reported here, but not when the interpreter exits.
            if not sys.stdout.closed:
                sys.stdout.flush()
    except ExplorerError as error:
        _say(" ".join(str(error).split()))
        for note in getattr(error, "__notes__", ()):
            _say(f"  {note}")
        return 1
    except click.ClickException as error:
        usage = io.StringIO()
        error.show(usage)
        with suppress(OSError):
            echo_lines(usage.getvalue().rstrip("\n"), err=True)
        return 2
    except (click.Abort, KeyboardInterrupt) as error:
        # Keep the exception: its traceback refers to objects that threads of native libraries may still use.
        _interruptions.append(error)
        return INTERRUPTED
    except OSError as error:
        if error.errno in _UNUSABLE_PATH and error.filename is not None:
            _say(f"{os.fsdecode(error.filename)} cannot be used: {error.strerror}.")
            return 1
        # An error of a file has the file's name.
        if error.errno not in _LOST_OUTPUT or error.filename is not None:
            raise
        if error.errno == errno.EBADF and not is_closed(sys.stdout):
            raise
        if error.errno != errno.EPIPE:
            _say(f"The output cannot be written: {_LOST_REASONS.get(error.errno, error.strerror)}.")
        return 1
    except RuntimeError as error:
        # Before Python 3.13, `Path.resolve` raises this for a link that leads to itself.
        if not str(error).startswith("Symlink loop"):
            raise
        _say(f"{error}: name another file or folder.")
        return 1
    return exit_status if isinstance(exit_status, int) else 0


def _say(line: str) -> None:
    """Print a line on standard error, if that is possible."""
    with suppress(OSError):
        echo(line, err=True)


def leave(exit_status: int) -> NoReturn:
    """End this process; after Ctrl-C, end it without the interpreter's clean-up.

    After Ctrl-C, threads of native libraries may still be computing; they can crash during the clean-up.
    """
    if exit_status == INTERRUPTED:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(exit_status)
    sys.exit(exit_status)
