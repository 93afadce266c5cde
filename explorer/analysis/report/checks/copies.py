"""Songs that have the same vector: copies of a file, one recording in two files, or a mistake.

Two recordings never give the same 512 numbers, so a vector that two songs share is right only where they
sound the same. Files are decoded to find out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

import numpy as np

from explorer.analysis.report.checks.check import FAILED, NOTED, PASSED, Check, check
from explorer.audio.decoding import open_audio
from explorer.database.verify import SourceFile
from explorer.errors import AudioError
from explorer.util.progress import number

RATE_HZ = 48_000
MOST_COMPARISONS = 24
"""Decoding takes about a second a song: further pairs are judged by their stored durations."""
_SAME_CORRELATION = 0.999
# The last window is padded to a whole second: two recordings with the same windows differ by less.
_SAME_DURATION_S = 1.0


@dataclass
class Copies:
    """Pairs of songs that share a vector, by what they turned out to be.

    Attributes
    ----------
    copies : list of (song id, song id)
        Files with the same bytes.
    same : list
        Other files that sound the same.
    undecided : list
        Nobody can tell: the files are gone, and nothing that is known speaks against it.
    different : list
        Files that sound otherwise, or last longer.
    """

    copies: list[tuple[str, str]] = field(default_factory=list)
    same: list[tuple[str, str]] = field(default_factory=list)
    undecided: list[tuple[str, str]] = field(default_factory=list)
    different: list[tuple[str, str]] = field(default_factory=list)


def sort_copies(
    groups: Sequence[Sequence[str]],
    files: Mapping[str, SourceFile],
    titles: Mapping[str, str],
    durations_s: Mapping[str, float | None],
) -> Copies:
    """Find out why songs share a vector; each is compared with the first of its group.

    Parameters
    ----------
    groups : sequence of sequence of str
        Song ids whose vectors are identical.
    files : mapping of str to SourceFile
        Those that the library knows.
    titles, durations_s : mapping of str
        Of each song, where known: what is left to go by where files are gone.
    """
    found = Copies()
    left = MOST_COMPARISONS
    for first, other in ((group[0], song) for group in groups for song in group[1:]):
        mine, theirs = files.get(first), files.get(other)
        pairs = None
        if mine and theirs and mine.fingerprint == theirs.fingerprint:
            pairs = found.copies
        elif mine and theirs and left and mine.path.is_file() and theirs.path.is_file():
            left -= 1
            with suppress(AudioError):
                pairs = found.same if same_sound(mine.path, theirs.path) else found.different
        if pairs is None:
            may_be_same = _may_be_same(first, other, titles, durations_s)
            pairs = found.undecided if may_be_same else found.different
        pairs.append((first, other))
    return found


def check_copies(found: Copies, count: int) -> Check:
    """Check that songs with the same vector are the same recording."""
    name = "No two recordings share a vector"
    if found.different:
        finding = (
            f"{number(len(found.different), 'pair')} of songs with one vector do not sound the same "
            f"({_pair(found.different)}): at least one vector is another song's; index with --reindex."
        )
        return check(name, FAILED, finding, _ids(found.different))
    parts = []
    if found.copies:
        parts.append(f"{number(len(found.copies), 'file')} with the bytes of another")
    if found.same:
        parts.append(f"{number(len(found.same), 'recording')} under two names ({_pair(found.same)})")
    if found.undecided:
        pairs = number(len(found.undecided), "pair")
        parts.append(f"{pairs} that could not be told apart, for want of files ({_pair(found.undecided)})")
    if parts:
        songs = _ids([*found.same, *found.undecided, *found.copies])
        return check(name, NOTED, f"In the library: {'; '.join(parts)}.", songs)
    return check(name, PASSED, f"All {number(count, 'vector')} differ.")


def same_sound(one: Path, other: Path) -> bool:
    """Tell whether two files hold the same recording: loudness and silence at the end do not count.

    Raises
    ------
    AudioError
        If one of them cannot be decoded.
    """
    products = np.zeros(3)
    for left, right in zip_longest(_seconds(one), _seconds(other), fillvalue=np.zeros(RATE_HZ)):
        products += left @ right, left @ left, right @ right
    both, mine, theirs = products
    if not mine or not theirs:
        return mine == theirs
    return abs(both) >= _SAME_CORRELATION * np.sqrt(mine * theirs)


def _seconds(path: Path) -> Iterator[np.ndarray]:
    """Decode a file in blocks of one second [shape=(48000,), float64], the last one with silence after it."""
    rest = np.empty(0)
    for block in open_audio(path).mono(sample_rate_hz=RATE_HZ):
        rest = np.concatenate([rest, block])
        whole = len(rest) // RATE_HZ * RATE_HZ
        yield from rest[:whole].reshape(-1, RATE_HZ)
        rest = rest[whole:]
    yield np.pad(rest, (0, RATE_HZ - len(rest)))


def _may_be_same(first: str, other: str, titles: Mapping, durations_s: Mapping) -> bool:
    """Compare stored durations, or titles where a duration is unknown."""
    mine, theirs = durations_s.get(first), durations_s.get(other)
    if mine and theirs:
        return abs(mine - theirs) < _SAME_DURATION_S
    return titles.get(first) == titles.get(other)


def _ids(pairs: Sequence[tuple[str, str]]) -> list[str]:
    return list(dict.fromkeys(song for pair in pairs for song in pair))


def _pair(pairs: Sequence[tuple[str, str]]) -> str:
    return " and ".join(map(repr, pairs[0]))
