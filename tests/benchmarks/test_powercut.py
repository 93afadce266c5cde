"""Tests of simulated power cuts: synced commits survive, and SQLite can open the database."""

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
    """A database with a log of some commits, in the state after a killed program."""
    path, copy = tmp_path / "written.db", tmp_path / "copy"
    copy.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("CREATE TABLE numbers(n INTEGER, filling BLOB)")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for number in range(COMMITS):
            connection.execute("INSERT INTO numbers VALUES (?, randomblob(5000))", (number,))
        for file in tmp_path.glob("written.db*"):
            shutil.copy(file, copy)
    return copy / path.name


def numbers(database):
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [n for (n,) in connection.execute("SELECT n FROM numbers ORDER BY n")]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", ["unsynced", "copying"])
def test_commits_survive(powercut, database, kind, seed):
    powercut.cut_power(database, kind, random.Random(seed))
    assert numbers(database) == list(range(COMMITS))


@pytest.mark.parametrize("seed", range(8))
def test_only_the_incomplete_commit_is_lost(powercut, database, seed):
    log = database.with_name(f"{database.name}-wal")
    log.write_bytes(log.read_bytes()[:-1])
    powercut.cut_power(database, powercut.UNSYNCED, random.Random(seed))
    assert numbers(database) == list(range(COMMITS - 1))


def test_a_lying_disk_loses_the_newest_commits(powercut, database, tmp_path):
    counts = set()
    for seed in range(20):
        copy = tmp_path / str(seed)
        shutil.copytree(database.parent, copy)
        powercut.cut_power(copy / database.name, powercut.LYING, random.Random(seed))
        survived = numbers(copy / database.name)
        assert survived == list(range(len(survived)))
        counts.add(len(survived))
    assert min(counts) < COMMITS
    assert min(counts - {0}) >= COMMITS - powercut.MAX_COMMITS_LOST
