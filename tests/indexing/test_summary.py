"""The counts of an index run add up to the number of files in the folder."""

import os
import re
import shutil

import mutagen
import pytest
from support import RecordingReporter

from explorer.cli.index_sentences import report_summary
from explorer.config import Settings
from explorer.indexing.failures import FailureLog
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.model import ModelRequest
from explorer.indexing.summary import Summary
from explorer.library.scanning import AUDIO_EXTENSIONS

REQUEST = ModelRequest(models_dir=Settings().models, weights="untrained", hop_s=1.0, precision="float32")


@pytest.fixture
def music(tmp_path, make_tone):
    """A folder that was indexed once, with five songs and a broken file."""
    folder = tmp_path / "music"
    for number, name in enumerate(("kept", "edited", "moved", "deleted", "copied")):
        make_tone(folder / f"{name}.flac", frequency_hz=100 * (number + 1), seconds=0.5)
    (folder / "broken before.mp3").write_bytes(b"no music at all " * 100)
    return folder


def make_a_mess(music, make_tone):
    """Make a file of every kind that a run counts."""
    (music / "moved.flac").rename(music / "moved away.flac")
    (music / "deleted.flac").unlink()
    shutil.copy(music / "copied.flac", music / "copy.flac")
    edited = mutagen.File(music / "edited.flac")
    edited["title"] = "Another title"
    edited.save()
    (music / "broken.mp3").write_bytes(b"nor is this any " * 100)
    (music / "no audio.txt").write_text("not counted")
    for number in range(3):
        make_tone(music / f"new {number}.flac", frequency_hz=1000 + 100 * number, seconds=0.5)
    for file in music.iterdir():
        os.utime(file, (1_000_000_000, 1_000_000_000 + len(file.name)))
    make_tone(music / "being written.flac", frequency_hz=3000, seconds=0.5)


@pytest.mark.parametrize("limit", [None, 2, 5])
def test_the_counts_add_up_to_the_number_of_files(fresh_db, music, make_tone, tmp_path, limit):
    index_folder(IndexRun(fresh_db, music, request=REQUEST, reporter=RecordingReporter()))
    for file in music.iterdir():
        os.utime(file, (1_000_000_000, 1_000_000_000 + len(file.name)))
    index_folder(IndexRun(fresh_db, music, request=REQUEST, reporter=RecordingReporter(), retry=True))
    make_a_mess(music, make_tone)
    summary = index_folder(
        IndexRun(
            fresh_db, music, request=REQUEST, reporter=RecordingReporter(), settled_s=3600.0, limit=limit
        )
    )
    files = sum(file.suffix in AUDIO_EXTENSIONS for file in music.iterdir())
    parts = (summary.indexed, summary.skipped, summary.failed, summary.unsettled, summary.left)
    assert summary.found == sum(parts) == files == 11
    if limit is None:
        assert parts == (6, 3, 1, 1, 0)
        assert (summary.moved, summary.copied, summary.retagged, summary.embedded) == (1, 1, 1, 3)
        assert (summary.failed_before, summary.gone) == (1, 1)
    else:
        assert summary.indexed + summary.failed == limit
    listener = RecordingReporter()
    with FailureLog(tmp_path / "x.log") as log:
        report_summary(summary, log, listener)
    (message,) = [line for line in listener.said if line.startswith("Indexed ")]
    songs, _, rest = message.partition(" (")
    found, *others = map(int, re.findall(r"\d+", rest.partition("; ")[2]))
    assert found == files == int(songs.split()[1]) + sum(others)


def test_decoded_tags_are_told_in_one_sentence_with_their_encodings(tmp_path):
    listener = RecordingReporter()
    with FailureLog(tmp_path / "x.log") as log:
        report_summary(Summary(decoded=12, encodings={"Windows-1251": 12}), log, listener)
        report_summary(Summary(decoded=12, encodings={"GBK": 10, "Big5": 2}), log, listener)
        report_summary(Summary(), log, listener)
    one, two = [line for line in listener.said if "decoded" in line]
    assert "12 songs" in one
    assert "Windows-1251" in one
    assert "12 songs" in two
    assert "10 in GBK" in two
    assert "2 in Big5" in two


def test_the_first_look_is_told_once_and_its_time_is_not_that_of_the_full_pass(tmp_path):
    listener = RecordingReporter()
    with FailureLog(tmp_path / "x.log") as log:
        report_summary(Summary(looked=12, indexed=12, look_seconds=40, seconds=100), log, listener)
    look, full = [line for line in listener.said if "12 " in line]
    assert "40" in look
    assert "60" in full or "1:00" in full or "1 min" in full
