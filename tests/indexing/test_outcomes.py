"""The classification of files whose sound is known."""

from pathlib import Path

import pytest

from explorer.database.records import SameSound
from explorer.indexing.outcomes import classify

HERE = b"here.flac"


def song(path, *, gone=False):
    """A song in a missing folder; it counts as gone only if an earlier run has marked it."""
    return SameSound(path.decode(), 1, Path("/away"), path, "flac/flac", 1.0, None, gone, frozenset({"mark"}))


own, own_missed = song(HERE), song(HERE, gone=True)
other, another = song(b"a.flac"), song(b"b.flac")
missed, missed_too = song(b"c.flac", gone=True), song(b"d.flac", gone=True)


@pytest.mark.parametrize(
    ("same_sound", "taken", "expected"),
    [
        ([], (), None),
        ([own], (), ("retagged", own)),
        ([other, missed, own], (), ("retagged", own)),
        ([own_missed], (), ("retagged", own_missed)),
        ([missed], (), ("moved", missed)),
        ([other, missed, missed_too], (), ("moved", missed)),
        ([other, missed, missed_too], (missed,), ("moved", missed_too)),
        ([other, missed], (missed,), ("copied", other)),
        ([missed], (missed,), ("copied", missed)),
        ([other, another], (), ("copied", other)),
    ],
)
def test_classify(same_sound, taken, expected):
    match = classify(same_sound, is_own=lambda song: song.path == HERE, is_taken=lambda song: song in taken)
    assert match == expected
