"""Power cuts on purpose: what was synced stays, and SQLite opens what is left."""

import random
import shutil
import sqlite3
from contextlib import closing

import pytest

from explorer.config import ROOT

COMMITS = 12


@pytest.fixture
def powercut(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import powercut

    return powercut


@pytest.fixture
def database(tmp_path):
    """A database with a log of some commits, as a killed program leaves it."""
    path, left = tmp_path / "written.db", tmp_path / "left"
    left.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("CREATE TABLE numbers(n INTEGER, filling BLOB)")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for number in range(COMMITS):
            connection.execute("INSERT INTO numbers VALUES (?, randomblob(5000))", (number,))
        for file in tmp_path.glob("written.db*"):
            shutil.copy(file, left)
    return left / path.name


def numbers(database):
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [n for (n,) in connection.execute("SELECT n FROM numbers ORDER BY n")]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", ["unsynced", "copying"])
def test_what_was_committed_stays(powercut, database, kind, seed):
    powercut.cut_power(database, kind, random.Random(seed))
    assert numbers(database) == list(range(COMMITS))


@pytest.mark.parametrize("seed", range(8))
def test_a_commit_that_was_not_finished_is_lost_alone(powercut, database, seed):
    log = database.with_name(f"{database.name}-wal")
    log.write_bytes(log.read_bytes()[:-1])
    powercut.cut_power(database, powercut.UNSYNCED, random.Random(seed))
    assert numbers(database) == list(range(COMMITS - 1))


def test_a_disk_that_lies_loses_the_newest_commits(powercut, database, tmp_path):
    kept = set()
    for seed in range(20):
        copy = tmp_path / str(seed)
        shutil.copytree(database.parent, copy)
        powercut.cut_power(copy / database.name, powercut.LYING, random.Random(seed))
        left = numbers(copy / database.name)
        assert left == list(range(len(left)))
        kept.add(len(left))
    assert min(kept) < COMMITS
    assert min(kept - {0}) >= COMMITS - powercut.MOST_COMMITS_LOST
