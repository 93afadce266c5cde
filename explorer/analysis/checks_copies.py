"""Songs with one and the same vector: copies of a file, one recording under two names, or a mistake.

Two recordings never give the same 512 numbers, so a vector that two songs share is right only where they
sound the same. Files are decoded to find out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from explorer.analysis.checks import FAILED, NOTED, PASSED, Check, check
from explorer.audio.decoding import open_audio
from explorer.errors import AudioError
from explorer.library.verifying import FiledVector
from explorer.progress import number

RATE_HZ = 48_000
MOST_COMPARISONS = 24
"""Decoding takes a second or so a song: of more pairs the stored durations have to do."""
_SAME_CORRELATION = 0.999
# Windows are padded to a whole second: recordings that give the same ones differ by less.
_SAME_DURATION_S = 1.0
_COPY, _SAME, _MAYBE, _DIFFERENT = "copy", "same", "maybe", "different"


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
    files: Mapping[str, FiledVector],
    titles: Mapping[str, str],
    durations_s: Mapping[str, float | None],
) -> Copies:
    """Find out why songs share a vector; each is compared with the first of its group.

    Parameters
    ----------
    groups : sequence of sequence of str
        Song ids whose vectors are identical.
    files : mapping of str to FiledVector
        Those that the library knows.
    titles, durations_s : mapping of str
        Of each song, where known: what is left to go by where files are gone.
    """
    found = Copies()
    lists = {_COPY: found.copies, _SAME: found.same, _MAYBE: found.undecided, _DIFFERENT: found.different}
    left = MOST_COMPARISONS
    for first, other in ((group[0], song) for group in groups for song in group[1:]):
        mine, theirs = files.get(first), files.get(other)
        verdict = None
        if mine and theirs and mine.fingerprint == theirs.fingerprint:
            verdict = _COPY
        elif mine and theirs and left and mine.path.is_file() and theirs.path.is_file():
            left -= 1
            verdict = _heard(mine.path, theirs.path)
        verdict = verdict or _supposed(first, other, titles, durations_s)
        lists[verdict].append((first, other))
    return found


def check_copies(found: Copies, count: int) -> Check:
    """Judge the songs that share a vector."""
    name = "No two recordings share a vector"
    if found.different:
        finding = (
            f"{number(len(found.different), 'pair')} of songs with one vector do not sound the same "
            f"({_pair(found.different[0])}): at least one vector is another song's; index with --reindex."
        )
        return check(name, FAILED, finding, _ids(found.different))
    parts = []
    if found.copies:
        parts.append(f"{number(len(found.copies), 'file')} with the bytes of another")
    if found.same:
        pairs = number(len(found.same), "recording")
        parts.append(f"{pairs} under two names ({_pair(found.same[0])})")
    if found.undecided:
        pairs = number(len(found.undecided), "pair")
        parts.append(f"{pairs} that could not be told apart, for want of files ({_pair(found.undecided[0])})")
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
    for left, right in _aligned(one, other):
        left, right = left.astype(np.float64), right.astype(np.float64)
        products += left @ right, left @ left, right @ right
    both, mine, theirs = products
    if not mine or not theirs:
        return mine == theirs
    return abs(both) >= _SAME_CORRELATION * np.sqrt(mine * theirs)


def _heard(one: Path, other: Path) -> str | None:
    try:
        return _SAME if same_sound(one, other) else _DIFFERENT
    except AudioError:
        return None


def _supposed(first: str, other: str, titles: Mapping, durations_s: Mapping) -> str:
    """Decide by what the library knows, where nothing can be heard."""
    mine, theirs = durations_s.get(first), durations_s.get(other)
    if mine and theirs:
        return _MAYBE if abs(mine - theirs) < _SAME_DURATION_S else _DIFFERENT
    return _MAYBE if titles.get(first) == titles.get(other) else _DIFFERENT


def _aligned(one: Path, other: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Decode two files side by side, the shorter one as if silence came after it."""
    sources = [open_audio(path).mono(sample_rate_hz=RATE_HZ) for path in (one, other)]
    rests = [np.empty(0, dtype=np.float32)] * 2
    ended = [False, False]
    while not all(ended) or any(map(len, rests)):
        for side in (0, 1):
            if not len(rests[side]) and not ended[side]:
                block = next(sources[side], None)
                ended[side] = block is None
                rests[side] = rests[side] if block is None else block
        if any(not len(rest) and not end for rest, end in zip(rests, ended, strict=True)):
            continue
        length = min((len(rest) for rest in rests if len(rest)), default=0)
        silence = np.zeros(length, dtype=np.float32)
        yield tuple(rest[:length] if len(rest) else silence for rest in rests)
        rests = [rest[length:] for rest in rests]


def _ids(pairs: Sequence[tuple[str, str]]) -> list[str]:
    return list(dict.fromkeys(song for pair in pairs for song in pair))


def _pair(pair: tuple[str, str]) -> str:
    return f"{pair[0]!r} and {pair[1]!r}"
