"""A program stops gently when the program that started it closes its input, or ends."""

import os
import signal
import subprocess
import sys

import pytest

from explorer.config import ROOT

PATIENCE_S = 60
CODE = """
import time
from explorer.util.interrupts import interrupt_at_eof
interrupt_at_eof()
try:
    print("waiting", flush=True)
    time.sleep(600)
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


def ignore_interrupts():
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.mark.parametrize("prepare", [None, ignore_interrupts], ids=["plain", "SIGINT ignored"])
@pytest.mark.skipif(os.name == "nt", reason="preexec_fn is POSIX's")
def test_the_end_of_the_input_is_like_ctrl_c(prepare):
    process = subprocess.Popen(
        [sys.executable, "-c", CODE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        preexec_fn=prepare,
    )
    with process:
        assert process.stdout.readline() == "waiting\n"
        process.stdin.close()
        assert process.stdout.readline() == "stopped\n"
        assert process.wait(PATIENCE_S) == 0
