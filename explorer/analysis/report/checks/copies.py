"""Checks songs that have the same vector: copies of a file, one recording in two files, or an error.

Two recordings never give the same 512 numbers. If two songs share a vector but do not sound the same, one of
the two has the wrong vector. Their files are decoded to compare the sound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

import numpy as np

from explorer.analysis.report.checks.check import FAILED, NOTED, PASSED, REINDEX, Check, make_check
from explorer.audio.song_parts import open_part
from explorer.database.verify import SourceFile
from explorer.errors import AudioError
from explorer.library.music_file import WHOLE, Part
from explorer.util.progress import plural

RATE_HZ = 48_000
MAX_COMPARISONS = 24
"""At most this many pairs are decoded (about 1 s a song); others are judged by durations or titles."""
_MIN_CORRELATION = 0.999
# The last window is padded to a whole second, so the durations of two recordings with the same windows differ
# by less than this.
_MAX_DURATION_DIFFERENCE_S = 1.0

Pair = tuple[str, str]
"""Two song ids."""


@dataclass
class SharedVectors:
    """Pairs of songs with the same vector, in one list for each reason.

    Attributes
    ----------
    same_bytes : list of Pair
        The files, or these parts of them, are equal.
    same_sound : list of Pair
        The files differ, but sound the same.
    undecided : list of Pair
        The files were not compared, and the stored durations or titles are the same.
    different : list of Pair
        The files sound different; or they were not compared, and the stored durations or titles differ.
    """

    same_bytes: list[Pair] = field(default_factory=list)
    same_sound: list[Pair] = field(default_factory=list)
    undecided: list[Pair] = field(default_factory=list)
    different: list[Pair] = field(default_factory=list)


def explain_shared_vectors(
    groups: Sequence[Sequence[str]],
    files: Mapping[str, SourceFile],
    titles: Mapping[str, str],
    durations_s: Mapping[str, float | None],
) -> SharedVectors:
    """Find out why songs have the same vector; each song is compared with the first one of its group.

    Parameters
    ----------
    groups : sequence of sequence of str
        The ids of songs with identical vectors.
    files : mapping of str to SourceFile
        The songs' files, as recorded in the library.
    titles, durations_s : mapping of str
        By song id; used if the files cannot be compared.
    """
    shared = SharedVectors()
    comparisons_left = MAX_COMPARISONS
    for first, second in ((group[0], song) for group in groups for song in group[1:]):
        first_file, second_file = files.get(first), files.get(second)
        pairs_for_reason = None
        if first_file and second_file:
            if first_file.fingerprint == second_file.fingerprint:
                pairs_for_reason = shared.same_bytes
            elif comparisons_left and first_file.path.is_file() and second_file.path.is_file():
                comparisons_left -= 1
                with suppress(AudioError):
                    parts = first_file.part, second_file.part
                    is_same = is_same_recording(first_file.path, second_file.path, parts=parts)
                    pairs_for_reason = shared.same_sound if is_same else shared.different
        if pairs_for_reason is None:
            may_be_same = _may_be_same(first, second, titles, durations_s)
            pairs_for_reason = shared.undecided if may_be_same else shared.different
        pairs_for_reason.append((first, second))
    return shared


def check_shared_vectors(shared: SharedVectors, vectors: int) -> Check:
    """Check that songs with the same vector are the same recording.

    Parameters
    ----------
    vectors : int
        The number of vectors in the library.
    """
    name = "No two recordings share a vector"
    if shared.different:
        finding = (
            f"{plural(len(shared.different), 'pair')} of songs with the same vector, but a different sound "
            f"({_first_pair(shared.different)}): at least one of the two vectors is wrong. {REINDEX}"
        )
        return make_check(name, FAILED, finding, _songs_of(shared.different))
    parts = []
    if shared.same_bytes:
        parts.append(f"{plural(len(shared.same_bytes), 'file')} with the same bytes as another")
    if shared.same_sound:
        recordings = plural(len(shared.same_sound), "recording")
        parts.append(f"{recordings} in two different files ({_first_pair(shared.same_sound)})")
    if shared.undecided:
        pairs = plural(len(shared.undecided), "pair")
        parts.append(f"{pairs} whose files were not compared ({_first_pair(shared.undecided)})")
    if parts:
        songs = _songs_of([*shared.same_sound, *shared.undecided, *shared.same_bytes])
        return make_check(name, NOTED, f"Songs that have the same vector: {'; '.join(parts)}.", songs)
    return make_check(name, PASSED, f"All {plural(vectors, 'vector')} differ.")


def is_same_recording(first: Path, second: Path, *, parts: tuple[Part, Part] = (WHOLE, WHOLE)) -> bool:
    """Tell whether two files hold the same recording: whether their waveforms correlate.

    Differences in loudness, polarity and silence at the end are ignored.

    Parameters
    ----------
    parts : (Part, Part)
        The parts of the two files to compare.

    Raises
    ------
    AudioError
        If a file cannot be decoded.
    """
    products = np.zeros(3)
    sounds = (_decode_seconds(path, part) for path, part in zip((first, second), parts, strict=True))
    seconds = zip_longest(*sounds, fillvalue=np.zeros(RATE_HZ))
    for left, right in seconds:
        products += left @ right, left @ left, right @ right
    cross, left_energy, right_energy = products
    if not left_energy or not right_energy:
        return left_energy == right_energy
    return abs(cross) >= _MIN_CORRELATION * np.sqrt(left_energy * right_energy)


def _decode_seconds(path: Path, part: Part) -> Iterator[np.ndarray]:
    """Yield the samples of each second [shape=(48000,), float64]; the last one is padded with silence."""
    rest = np.empty(0)
    for block in open_part(path, part, exact=True).mono(sample_rate_hz=RATE_HZ):
        rest = np.concatenate([rest, block])
        whole = len(rest) // RATE_HZ * RATE_HZ
        yield from rest[:whole].reshape(-1, RATE_HZ)
        rest = rest[whole:]
    yield np.pad(rest, (0, RATE_HZ - len(rest)))


def _may_be_same(first: str, second: str, titles: Mapping, durations_s: Mapping) -> bool:
    """Compare stored durations, or titles if a duration is unknown."""
    first_s, second_s = durations_s.get(first), durations_s.get(second)
    if first_s and second_s:
        return abs(first_s - second_s) < _MAX_DURATION_DIFFERENCE_S
    return titles.get(first) == titles.get(second)


def _songs_of(pairs: Sequence[Pair]) -> list[str]:
    return list(dict.fromkeys(song for pair in pairs for song in pair))


def _first_pair(pairs: Sequence[Pair]) -> str:
    return " and ".join(map(repr, pairs[0]))
