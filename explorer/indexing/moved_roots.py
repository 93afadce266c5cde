"""Finds music folders that were moved: roots that do not exist any more, and whose songs are elsewhere now.

Songs are recognised by their fingerprints. Reading all files of a large folder would take hours, so at most
`MAX_COMPARED` songs of a root are compared, chosen at random. The share of a root's songs that are in the new
folder is then known to about 7 percentage points.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import islice
from pathlib import Path

from explorer.audio.decoder import Decoder
from explorer.database.database import Database
from explorer.database.lost_roots import StoredIdentity
from explorer.errors import AudioError
from explorer.indexing.index_run import IndexRun
from explorer.library.confirmed_roots import is_confirmed
from explorer.library.music_file import ScannedFile
from explorer.library.remote import RemotePath, is_gone, is_gone_or_empty
from explorer.util.progress import Reporter, plural
from explorer.util.text import valid_text

MAX_COMPARED = 200
"""How many songs of a root are compared with files."""

MAX_SIMILAR = 1000
"""How many files of the same size, or of the same name, are considered for one song."""

_SEED = 0


@dataclass(frozen=True)
class MovedRoot:
    """A root whose songs are in another folder now.

    Attributes
    ----------
    root_id, old : int, Path or RemotePath
        The root, and its folder that does not exist any more.
    folder : Path or RemotePath
        The folder that contains the songs now.
    songs : int
        How many songs the root has.
    removed, added : bytes
        Paths that begin with `removed` begin with `added` now. Both are empty or end with `/`.
    """

    root_id: int
    old: Path | RemotePath
    folder: Path | RemotePath
    songs: int
    removed: bytes = b""
    added: bytes = b""

    @property
    def new(self) -> Path | RemotePath:
        """The folder that the root is now, or that contains its songs."""
        return self.folder if self.removed else self.folder / os.fsdecode(self.added)

    def new_path(self, path: bytes) -> bytes:
        """Return a file's path relative to `folder`, from its path relative to the old root."""
        return self.added + path.removeprefix(self.removed) if path.startswith(self.removed) else path


def follow_moved_roots(run: IndexRun) -> bool:
    """Store where the songs of moved roots are now, and tell the user. `run.root` is their new root.

    Returns
    -------
    bool
        Whether any root was moved.
    """
    database = run.database
    moved = find_moved_roots(database, run.root, run.scan.files, reporter=run.reporter)
    if moved and any(root.is_relative_to(run.root) for root in database.numbered_roots().values()):
        database.find_or_add_root(run.root)
    for root in moved:
        database.move_root(root.root_id, run.root, root.new_path)
        run.reporter.say(
            f"The folder {valid_text(root.old)} was moved to {valid_text(root.new)} with its "
            f"{plural(root.songs, 'song')}: vectors, genres and places on the map stay as they are."
        )
    return bool(moved)


def find_moved_roots(
    database: Database, folder: Path | RemotePath, files: Sequence[ScannedFile], *, reporter: Reporter
) -> list[MovedRoot]:
    """Find the roots that do not exist any more and have at least half of their songs among new files.

    Parameters
    ----------
    folder : Path or RemotePath
        The folder that the paths of the files are relative to.
    files : sequence of ScannedFile
        Those that the library knows are left out.
    """
    lost = {
        number: root
        for number, root in database.numbered_roots().items()
        if _may_be_lost(root) and not (root.is_relative_to(folder) or folder.is_relative_to(root))
    }
    if not lost:
        return []
    known = database.known_files_under(folder)
    files = [file for file in files if file.path not in known]
    moved = []
    with Decoder() as decoder:
        # If several roots have the same songs, the root with the most similar path is the one that moved.
        for root_id in sorted(lost, key=lambda number: -_common_end(_parts(lost[number]), _parts(folder))):
            songs, new_files = database.identities(root_id), _NewFiles(folder, files, decoder)
            if not (pairs := _find_half(lost[root_id], songs, new_files, reporter)):
                continue
            count = database.count_files(root_id)
            root = MovedRoot(root_id, lost[root_id], folder, count, *_changed_beginning(pairs))
            moved.append(root)
            taken = {root.new_path(song.path) for song in songs}
            files = [file for file in files if file.path not in taken]
    return moved


def _may_be_lost(root: Path | RemotePath) -> bool:
    """Return whether a root may not exist any more.

    A server is asked later, and only if its songs seem to be here. If the user did not give the root on this
    machine, as in a library that was copied from another one, no server is asked and no folder is listed.
    """
    if not is_confirmed(root):
        return isinstance(root, Path) and root.is_absolute() and is_gone(root)
    return isinstance(root, RemotePath) or is_gone_or_empty(root)


class _NewFiles:
    """Files that the library does not know, among which songs are looked for."""

    def __init__(self, folder: Path | RemotePath, files: Iterable[ScannedFile], decoder: Decoder) -> None:
        self._folder = folder
        self._decoder = decoder
        self._fingerprints: dict[bytes, frozenset[str]] = {}
        self._found: set[bytes] = set()
        self._files: dict[bytes, ScannedFile] = {}
        self._by_size: dict[int, list[bytes]] = {}
        self._by_name: dict[bytes, list[bytes]] = {}
        for file in files:
            self._files[file.path] = file
            self._by_size.setdefault(file.size_bytes, []).append(file.path)
            self._by_name.setdefault(_name(file.path), []).append(file.path)

    def similar(self, root: Path | RemotePath, song: StoredIdentity) -> list[bytes]:
        """Return up to four files that may be a song of a root, the most likely first.

        They are the file with the song's path, two files with its size and one with its name. Of several such
        files, those are taken whose paths end most similarly.
        """
        old = _parts(root, song.path)

        def similarity(path: bytes) -> int:
            return _common_end(old, _parts(self._folder, path))

        same_size = islice(self._by_size.get(song.size_bytes, ()), MAX_SIMILAR)
        same_name = islice(self._by_name.get(_name(song.path), ()), MAX_SIMILAR)
        likely = [*nlargest(2, same_size, key=similarity), *nlargest(1, same_name, key=similarity)]
        return list(dict.fromkeys([song.path, *likely] if song.path in self._files else likely))

    def find(self, root: Path | RemotePath, song: StoredIdentity) -> bytes | None:
        """Return the path of the file that has a song's sound, or None. Each file is returned only once."""
        for path in self.similar(root, song):
            if path not in self._found and not self._read(path).isdisjoint(song.fingerprints):
                self._found.add(path)
                return path
        return None

    def _read(self, path: bytes) -> frozenset[str]:
        if path not in self._fingerprints:
            try:
                file = self._files[path]
                sheets = None if file.sheets_state is None else file.sheet_paths(self._folder)
                found = self._decoder.fingerprints(self._folder / file.native, sheets=sheets)
                self._fingerprints[path] = found.all.union(*(found.of_track(t).all for t in found.tracks))
            except AudioError:
                self._fingerprints[path] = frozenset()
        return self._fingerprints[path]


def _find_half(
    root: Path | RemotePath, songs: Sequence[StoredIdentity], new_files: _NewFiles, reporter: Reporter
) -> list[tuple[bytes, bytes]]:
    """Return the old and new paths of half of a root's songs; an empty list if fewer are found."""
    chosen = random.Random(_SEED).sample(songs, min(len(songs), MAX_COMPARED))
    likely = sum(bool(new_files.similar(root, song)) for song in chosen)
    if not chosen or 2 * likely < len(chosen) or (isinstance(root, RemotePath) and not is_gone(root)):
        return []
    pairs = []
    with reporter.working(
        f"Looking for the songs of {valid_text(root)}, which does not exist any more"
    ) as show:
        for number, song in enumerate(chosen):
            if (path := new_files.find(root, song)) is not None:
                pairs.append((song.path, path))
            show((number + 1) / len(chosen))
            if 2 * len(pairs) >= len(chosen):
                return pairs
            if 2 * (number + 1 - len(pairs)) > len(chosen):
                break
    return []


def _changed_beginning(pairs: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    """Return how the beginnings of most paths changed: what was removed, and what was added.

    Paths that changed in another way are left to the index run: it finds each of these songs by itself.
    """
    changes: Counter[tuple[bytes, bytes]] = Counter()
    for old, new in pairs:
        old_parts, new_parts = old.split(b"/"), new.split(b"/")
        if common := _common_end(old_parts, new_parts):
            begins = (parts[: len(parts) - common] for parts in (old_parts, new_parts))
            changes[tuple(b"".join(part + b"/" for part in parts) for parts in begins)] += 1
    return changes.most_common(1)[0][0] if changes else (b"", b"")


def _parts(folder: Path | RemotePath, path: bytes = b"") -> list[bytes]:
    """Return the names in the absolute path of a file in a folder, or of the folder itself."""
    folders = os.fsencode(folder.as_posix() if isinstance(folder, Path) else folder.url).split(b"/")
    return folders + path.split(b"/") if path else folders


def _common_end(first: Sequence[bytes], second: Sequence[bytes]) -> int:
    """Return how many names at the ends of two paths are the same."""
    different = (
        number for number, (a, b) in enumerate(zip(reversed(first), reversed(second), strict=False)) if a != b
    )
    return next(different, min(len(first), len(second)))


def _name(path: bytes) -> bytes:
    return path.rpartition(b"/")[2]
