"""The command line: it parses, translates and prints; the package does the work and raises."""

from __future__ import annotations

import errno
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
from explorer.cli.map import map_command
from explorer.cli.report import report
from explorer.cli.serve import serve
from explorer.cli.similar import similar
from explorer.cli.status import status
from explorer.cli.synth import synth
from explorer.cli.weights import weights_command
from explorer.config import ROOT
from explorer.errors import ExplorerError

MOST_TEST_WORKERS = 4
"""Each may hold TensorFlow and a browser."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def cli() -> None:
    """A map of music you can hear.

    New here? `python run.py demo` composes a small library and opens its map. With music of your own:
    `python run.py index FOLDER`, then `python run.py serve`.
    """


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(arguments):
    """Run the tests; ARGUMENTS go to pytest."""
    import pytest

    os.chdir(ROOT)
    # A module's tests stay together, for what they share. One worker more than there are cores: many
    # tests wait for another process.
    workers = min(MOST_TEST_WORKERS, (os.cpu_count() or 1) + 1)
    several_at_once = ["-n", str(workers), "--dist", "loadfile"]
    sys.exit(int(pytest.main(list(arguments) or several_at_once)))


_COMMANDS = (
    compare,
    demo,
    embed,
    export,
    import_command,
    index,
    map_command,
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


def run(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status: an ExplorerError is one line on standard error."""
    try:
        try:
            exit_status = cli.main(arguments, prog_name="run.py", standalone_mode=False)
        finally:
            # What is still in the buffer fails here, where it can be said, and not while Python ends.
            if sys.stdout is not None and not sys.stdout.closed:
                sys.stdout.flush()
    except ExplorerError as error:
        click.echo(" ".join(str(error).split()), err=True)
        return 1
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt) as error:
        # The exception holds what it interrupted: threads of native libraries may still work on that.
        _interruptions.append(error)
        return INTERRUPTED
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EPIPE):
            raise
        _discard_output()
        if error.errno == errno.ENOSPC:
            click.echo("There is no room for the output: the disk that it goes to is full.", err=True)
        return 1
    return exit_status if isinstance(exit_status, int) else 0


def _discard_output() -> None:
    """Point standard output at nothing: Python would try once more to write its buffer when it ends."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def leave(exit_status: int) -> NoReturn:
    """End this process; after an interruption at once.

    Native libraries may still compute in threads of their own then, and crash while the interpreter goes
    away.
    """
    if exit_status == INTERRUPTED:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(exit_status)
    sys.exit(exit_status)
