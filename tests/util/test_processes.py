import signal
import sys

import pytest

from explorer.util import processes
from explorer.util.processes import ChildProgram


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Return a function that starts a ChildProgram which runs the given Python code."""

    def start(code, *arguments, **options):
        script = tmp_path / "script.py"
        script.write_text(f"import json, sys, time\n{code}\n")
        monkeypatch.setattr(processes, "PROGRAM", (sys.executable, "-u", str(script)))
        return ChildProgram(*arguments, **options)

    return start


def test_progress_the_result_and_other_lines_are_distinguished(program):
    child = program(
        "print('a warning', file=sys.stderr)\n"
        "print(json.dumps({'text': sys.argv[1], 'share': 0.5}))\n"
        "print(json.dumps({'text': 'no share'}))\n"
        "print(3)\n"
        "print()\n"
        "print(json.dumps({'windows': 7}))\n"
        "sys.exit(1)",
        "Käse",
    )
    progress = []
    assert child.follow(lambda *message: progress.append(message)) == {"windows": 7}
    assert progress == [("Käse", 0.5), ("no share", 0.0)]
    assert child.lines == ["a warning", "3"]
    assert (child.wait(), child.is_timed_out, child.is_cancelled) == (1, False, False)


def test_invalid_bytes_are_replaced_and_only_the_last_lines_are_kept(program):
    child = program("[print(n) for n in range(300)]\nsys.stdout.buffer.write(b'\\xff end')")
    assert child.follow(print) is None
    assert len(child.lines) == 100
    assert child.lines[-1] == "\ufffd end"


def test_a_program_is_killed_at_its_time_limit(program):
    child = program("time.sleep(600)", limit_s=0.2)
    assert child.follow(print) is None
    assert child.is_timed_out
    assert child.wait() == -signal.SIGKILL


def test_cancel_asks_a_program_to_stop(program):
    child = program("print(json.dumps({'text': 'started'}))\ntime.sleep(600)", limit_s=600)
    child.follow(lambda *_: child.cancel())
    assert child.wait() == -signal.SIGTERM
    assert (child.is_cancelled, child.is_timed_out) == (True, False)


def test_output_of_any_form_is_read_to_its_end(program):
    child = program(
        "print('[' * 100_000)\n"
        "print('x' * 3_000_000)\n"
        "for text, share in ((None, 'x'), (7, float('nan')), ([], -1), ('\\x1b', 1e300), ('', True)):\n"
        "    print(json.dumps({'text': text, 'share': share}))\n"
        'print(\'{"text": "last", "share": 1e999}\')\n'
        "sys.stdout.buffer.write(bytes(range(256)))"
    )
    progress = []
    assert child.follow(lambda *message: progress.append(message)) is None
    assert [share for _, share in progress] == [0.0, 0.0, 0.0, 1.0, 0.0, 1.0]
    assert all(type(text) is str for text, _ in progress)
    assert max(map(len, child.lines)) < 10_000
    assert child.wait() == 0


def test_a_program_is_killed_if_its_progress_cannot_be_reported(program):
    child = program("print(json.dumps({'text': 'started'}))\nsys.stdout.flush()\ntime.sleep(20)")
    with pytest.raises(ZeroDivisionError):
        child.follow(lambda *_: 1 / 0)
    assert child.wait(20) == -signal.SIGKILL
