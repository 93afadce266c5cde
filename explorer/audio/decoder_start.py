"""Starts a decoding process, and holds the pipe to it.

`subprocess` starts the process. A `multiprocessing.Process` would run the program's main module again, could
not be started from a Dask worker, and would stay in the terminal's process group, where Ctrl-C ends it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from explorer.audio.decoder_messages import Answer
from explorer.config import ROOT
from explorer.library.remote import RemotePath

_EXIT_TIMEOUT_S = 5.0
_START_CODE = """
import sys
from multiprocessing import connection
sys.path.insert(0, sys.argv[1])
from explorer.audio.decoder_process import main
connection_class = getattr(connection, "PipeConnection", connection.Connection)
main(connection_class(int(sys.argv[2])), niceness=int(sys.argv[3]))
"""


class DecoderProcess(subprocess.Popen):
    """The decoding process and the pipe to it."""

    def __init__(self, niceness: int) -> None:
        self.connection, child_end = Pipe()
        self._copy_folder: str | None = None
        with child_end:
            super().__init__(
                # -P: Python must not import files from the working directory.
                [sys.executable, "-P", "-c", _START_CODE, str(ROOT), str(child_end.fileno()), str(niceness)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # Decoding uses one core; more threads would only use address space, which is limited.
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                **_start_options(child_end, niceness),
            )

    def has_ended(self) -> bool:
        """Return whether the process has exited or was killed since its last job."""
        # Between two jobs the process sends nothing, so `poll` is true only if it has closed the connection.
        return self.poll() is not None or self.connection.poll()

    def receive(self, timeout_s: float) -> Answer | None:
        """Return the next answer, or None after a timeout; raise EOFError or OSError if the process ended."""
        return self.connection.recv() if self.connection.poll(timeout_s) else None

    def copy_folder_for(self, path: Path | RemotePath) -> Path | None:
        """Return a folder for a copy of a remote file; `stop` removes it. Return None for a local file."""
        if not isinstance(path, RemotePath):
            return None
        self._copy_folder = self._copy_folder or tempfile.mkdtemp(prefix="music-explorer-")
        return Path(self._copy_folder)

    def describe_exit(self) -> str:
        """Return how the process ended: a signal's name or an exit status."""
        try:
            status = self.wait(_EXIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return "it does not answer"
        if status < 0:
            with suppress(ValueError):
                return signal.Signals(-status).name
        return f"exit status {status}"

    def stop(self) -> None:
        """Kill the process, close the pipe and remove the copies of remote files."""
        self.kill()
        self.connection.close()
        # A process that waits for a broken disk cannot be killed, so the wait has a timeout.
        with suppress(subprocess.TimeoutExpired):
            self.wait(_EXIT_TIMEOUT_S)
        if self._copy_folder:
            shutil.rmtree(self._copy_folder, ignore_errors=True)


def _start_options(connection: Connection, niceness: int) -> dict:
    """Return Popen options: the process inherits a connection, and has its own process group.

    The terminal does not send Ctrl-C to that group.
    """
    if sys.platform == "win32":
        os.set_handle_inheritable(connection.fileno(), True)
        priority = subprocess.BELOW_NORMAL_PRIORITY_CLASS if niceness else 0
        return {"close_fds": False, "creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | priority}
    return {"pass_fds": [connection.fileno()], "process_group": 0}
