"""Says what an index run would do; nothing is written."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from explorer.audio.decoder import Decoder
from explorer.database.database import Database
from explorer.database.records import SameSound
from explorer.errors import ExplorerError
from explorer.indexing.outcomes import classify
from explorer.indexing.plan import make_plan
from explorer.library.music_file import ScannedFile
from explorer.library.remote import RemotePath, as_root
from explorer.library.scanning import scan_folder
from explorer.util.progress import Reporter
from explorer.util.text import readable


@dataclass
class Rehearsal:
    """What an index run would do; files are absolute paths, as text.

    Attributes
    ----------
    new, changed : list of str
        What would be embedded.
    moved : list of (str, str)
        From where to where.
    copied, retagged : list of str
        What would keep a vector: another song's, or its own.
    retried, unreadable : list of str
        What failed before and would be tried again, and what fails now.
    gone, back : list of str
        Songs whose files are not there, and that are there again.
    unchanged : int
        Files that would be passed over.
    songs_per_second : float or None
        How fast the library's last run was.
    """

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    moved: list[tuple[str, str]] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    retagged: list[str] = field(default_factory=list)
    retried: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    back: list[str] = field(default_factory=list)
    unchanged: int = 0
    failed_before: int = 0
    songs_per_second: float | None = None

    @property
    def to_embed(self) -> int:
        """How many files the network would have to look at."""
        return len(self.new) + len(self.changed) + len(self.retried)


def plan_dry_run(
    database: Database | None,
    folder: Path | RemotePath | str,
    *,
    retry: bool,
    limit: int | None = None,
    reindex: bool = False,
    reporter: Reporter,
) -> Rehearsal:
    """Compare a folder with a library, and read what is new as far as its fingerprints.

    Parameters
    ----------
    database : Database or None
        None where there is no library yet.
    retry, limit, reindex
        As `index_folder` has them; `reindex` embeds everything that is there.

    Raises
    ------
    LibraryError
        If the folder does not exist.
    """
    folder = as_root(folder).expanduser().resolve()
    scan = scan_folder(folder)
    known = database.known_files_under(folder) if database and not reindex else {}
    plan = make_plan(known, scan, retry=retry)
    told = Rehearsal(unchanged=plan.known, failed_before=plan.failed_before)
    told.gone = [_absolute(folder, path) for path in plan.gone if not known[path].failed]
    told.back = [_absolute(folder, path) for path in plan.back]
    changed, retried = ({file.path for file in files} for files in (plan.changed, plan.retried))
    todo = plan.todo[:limit]
    if database and database.count_vectors() and not reindex:
        todo = _unknown(_Comparison(database, folder, told), todo, reporter)
    for file in todo:
        kind = told.changed if file.path in changed else told.retried if file.path in retried else told.new
        kind.append(_absolute(folder, file.path))
    if database and (run := database.last_embedding()):
        told.songs_per_second = run.songs_per_second
    return told


def _unknown(comparison: _Comparison, files: list[ScannedFile], reporter: Reporter) -> list[ScannedFile]:
    """Return the files whose sound the library has not."""
    unknown = []
    with reporter.counting("Comparing", total=len(files), unit="files") as counter, Decoder() as decoder:
        for file in files:
            if not comparison.settles(file, decoder):
                unknown.append(file)
            counter.advance()
    return unknown


class _Comparison:
    """Looks for files' sounds in a library; a song can move only once."""

    def __init__(self, database: Database, folder: Path | RemotePath, told: Rehearsal) -> None:
        self._database = database
        self._folder = folder
        self._told = told
        self._moved: set[str] = set()

    def settles(self, file: ScannedFile, decoder: Decoder) -> bool:
        """Take note of a file that need not be embedded, and tell whether it is one."""
        path = self._folder / file.native
        try:
            fingerprints = decoder.fingerprints(path)
        except ExplorerError:
            fingerprints = None
        if fingerprints is None or fingerprints.audio_fingerprint is None:
            self._told.unreadable.append(readable(path))
            return True
        found = classify(
            self._database.same_sound(fingerprints),
            is_own=lambda one: _place(one) == path,
            is_taken=lambda one: one.song_id in self._moved,
        )
        if found is None:
            return False
        kind, song = found
        if kind == "moved":
            self._moved.add(song.song_id)
            before = readable(_place(song))
            self._told.moved.append((before, readable(path)))
            if before in self._told.gone:
                self._told.gone.remove(before)
        else:
            getattr(self._told, kind).append(readable(path))
        return True


def _place(song: SameSound) -> Path | RemotePath:
    return song.root / os.fsdecode(song.path)


def _absolute(folder: Path | RemotePath, path: bytes) -> str:
    return readable(folder / os.fsdecode(path))
