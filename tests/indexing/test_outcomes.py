"""What is decided of a file whose sound the library has."""

from pathlib import Path

import pytest

from explorer.database.records import SameSound
from explorer.indexing.outcomes import classify

HERE = b"here.flac"


def song(path, *, gone=False):
    """A song of a folder that is away: only what an earlier run has missed is known to be gone."""
    return SameSound(path.decode(), 1, Path("/away"), path, "flac/flac", 1.0, None, gone, frozenset({"mark"}))


own, own_missed = song(HERE), song(HERE, gone=True)
other, another = song(b"a.flac"), song(b"b.flac")
missed, missed_too = song(b"c.flac", gone=True), song(b"d.flac", gone=True)


@pytest.mark.parametrize(
    ("kin", "taken", "expected"),
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
def test_what_happened_to_a_file(kin, taken, expected):
    found = classify(kin, is_own=lambda one: one.path == HERE, is_taken=lambda one: one in taken)
    assert found == expected
