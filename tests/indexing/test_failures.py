import os
from pathlib import Path

import pytest

from explorer.indexing.failures import FailureLog, count_reasons


def test_reasons_are_counted_without_file_names():
    failures = [
        ("/music/a.mp3", "a.mp3 is empty."),
        ("/music/deep/b.mp3", "b.mp3 is empty."),
        ("/music/c.mp3", "c.mp3: is damaged."),
        ("/music/d.mp3", "Another file with the same sound failed."),
    ]
    assert count_reasons(failures) == {
        "is empty": 2,
        "is damaged": 1,
        "Another file with the same sound failed": 1,
    }
    assert list(count_reasons(failures)) == [
        "is empty",
        "is damaged",
        "Another file with the same sound failed",
    ]


def test_each_failure_is_one_line_whatever_the_file_name(tmp_path):
    names = ["a\nb\tc\r.mp3", "\x1b[31mred\u2028.mp3", "caf\udce9.mp3", "日本 🎵.mp3"]
    with FailureLog(tmp_path / "x.log") as log:
        for name in names:
            log.add(Path(name), "why\nnot")
    with FailureLog(tmp_path / "x.log") as log:
        log.add(Path("later"), "so")
    lines = (tmp_path / "x.log").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 5
    assert all(len(line.split("\t")) == 3 for line in lines)
    assert "日本 🎵.mp3" in lines[3]


def test_a_line_is_written_before_the_log_is_closed(tmp_path):
    log = FailureLog(tmp_path / "x.log")
    log.add(Path("a"), "why")
    assert (tmp_path / "x.log").read_text(encoding="utf-8").endswith("\ta\twhy\n")
    log.close()


def test_without_failures_no_log_is_made(tmp_path):
    with FailureLog(tmp_path / "x.log"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_reasons_that_differ_only_in_numbers_count_as_one():
    failures = [
        ("/music/a.mp3", "a.mp3 claims 3.8e14 s, and has 390 bytes."),
        ("/music/b.mp3", "b.mp3 claims 818 s, and has 4,000 bytes."),
        ("/music/c.mp3", "c.mp3 ends after 2 s."),
    ]
    assert count_reasons(failures) == {"claims … s, and has … bytes": 2, "ends after 2 s": 1}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_ends_only_the_log():
    with FailureLog(Path("/dev/full")) as log:
        log.add(Path("a"), "why")
        log.add(Path("b"), "why")
    assert log.problem == "/dev/full cannot be written: No space left on device."


@pytest.mark.skipif(os.name == "nt", reason="Windows needs a privilege for links")
def test_the_log_writes_neither_through_a_link_nor_into_a_pipe(tmp_path):
    (tmp_path / "precious").write_text("old")
    (tmp_path / "x.log").symlink_to("precious")
    os.mkfifo(tmp_path / "pipe.log")
    for name in ("x.log", "pipe.log"):
        with FailureLog(tmp_path / name) as log:
            log.add(Path("a"), "why")
        assert str(tmp_path / name) in log.problem
    assert (tmp_path / "precious").read_text() == "old"
