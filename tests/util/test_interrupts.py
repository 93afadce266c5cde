"""A program stops gently when the program that started it closes its input, or ends."""

import os
import signal
import subprocess
import sys

import pytest

from explorer.config import ROOT
from explorer.util.interrupts import repeat_swallowed_interrupt, stop_on_first_interrupt
from explorer.util.progress import Reporter

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


@pytest.mark.parametrize("tries", [2, 100], ids=["once", "always"])
@pytest.mark.skipif(os.name == "nt", reason="the signals are POSIX's")
def test_a_program_that_goes_on_is_interrupted_again_and_then_ended(tries):
    code = f"""
import time
from explorer.util import interrupts
interrupts.GENTLE_STOP_S = interrupts._LAST_WAIT_S = 1.0
interrupts.interrupt_at_eof()
for number in range({tries}):
    try:
        if not number:
            print("waiting", flush=True)
        time.sleep(600)
    except KeyboardInterrupt:
        print("swallowed", flush=True)
raise SystemExit(3)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout.readline() == "waiting\n"
        process.stdin.close()
        assert process.wait(PATIENCE_S) == (3 if tries == 2 else 130)
        assert process.stdout.read() == "swallowed\n" * 2


def press():
    signal.raise_signal(signal.SIGINT)


def test_a_swallowed_interrupt_is_repeated_also_outside_the_block_that_saw_it():
    with repeat_swallowed_interrupt() as raise_outside:
        raise_outside()
        with repeat_swallowed_interrupt() as raise_inside, pytest.raises(KeyboardInterrupt):
            press()
        with pytest.raises(KeyboardInterrupt):
            raise_inside()
        with pytest.raises(KeyboardInterrupt):
            raise_outside()
    with repeat_swallowed_interrupt() as raise_again:
        raise_again()


def test_a_gentle_stop_is_known_outside_its_block():
    with repeat_swallowed_interrupt() as raise_again:
        with stop_on_first_interrupt(Reporter()) as stop:
            press()
            assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            raise_again()
