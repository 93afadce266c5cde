"""Stores what became of each file, one song a transaction, and counts it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from explorer.database.database import Database
from explorer.database.records import SameSound, Song
from explorer.indexing.failures import FailureLog
from explorer.indexing.make_previews import PreviewMaker
from explorer.indexing.outcomes import Embedded, Failed, Known, Outcome, classify
from explorer.indexing.summary import Summary
from explorer.library.music_file import ScannedFile, Tags


class Storer:
    """The only writer of songs while an index runs.

    Parameters
    ----------
    root : Path
        What the files' paths are relative to.
    genres : callable
        From a file and its tags to the song's genres: `GenreSource.genres`.
    previews : PreviewMaker or None
        What is told of each song that was stored.
    log : FailureLog or None
        What is told of each failure.
    """

    def __init__(
        self,
        database: Database,
        root: Path,
        root_id: int,
        summary: Summary,
        *,
        genres: Callable[[ScannedFile, Tags], tuple[str, ...]],
        previews: PreviewMaker | None,
        log: FailureLog | None,
    ) -> None:
        self._database = database
        self._root = root
        self._root_id = root_id
        self._summary = summary
        self._genres = genres
        self._previews = previews
        self._log = log
        self._displaced: dict[str, tuple[SameSound, np.ndarray]] = {}

    def store(self, outcome: Outcome) -> None:
        """Store one file's outcome."""
        if isinstance(outcome, Embedded):
            self._store_embedded(outcome)
        elif isinstance(outcome, Known):
            self._store_known(outcome)
        else:
            self._store_failure(outcome)

    def store_together(self, outcomes: list[Outcome]) -> None:
        """Store some files' outcomes in one transaction: the disk is waited for once."""
        with self._database.transaction():
            for outcome in outcomes:
                self.store(outcome)

    def _store_embedded(self, outcome: Embedded) -> None:
        song = outcome.song
        self._put_aside(song)
        # Another model may find another part of the song most like the whole.
        moved = self._database.preview_start_of(song.fingerprint) != song.preview_start_s
        self._database.store_song(self._root_id, self._with_genres(song), outcome.vector)
        self._summary.audio_seconds += song.duration_s
        self._count(song, preview_moved=moved)

    def _store_known(self, outcome: Known) -> None:
        place = (self._root_id, outcome.file.path)
        kin = self._database.same_sound(outcome.fingerprints)
        found = classify(kin, is_own=lambda one: (one.root_id, one.path) == place)
        vector = None
        if found is not None:
            kind, source = found
            if kind == "copied":
                vector = self._database.vector(source.song_id)
        elif fingerprints := outcome.fingerprints.all & self._displaced.keys():
            # The song has lost its sound in this run.
            kind, (source, vector) = "copied", self._displaced[min(fingerprints)]
        else:
            self._store_failure(Failed(outcome.file, "The same sound failed under another name."))
            return
        song = self._song_like(source, outcome)
        if kind == "copied":
            self._put_aside(song)
        with self._database.transaction():
            if kind == "moved":
                self._database.move_song(source, self._root_id, song.file)
            self._database.store_song(self._root_id, song, vector)
        setattr(self._summary, kind, getattr(self._summary, kind) + 1)
        self._count(song)

    def _put_aside(self, song: Song) -> None:
        """Keep the vector that a path is about to lose: its old sound may turn up under another name."""
        for one in self._database.songs_at(self._root_id, song.file.path):
            if one.fingerprints.isdisjoint({song.fingerprint, song.audio_fingerprint}):
                vector = self._database.vector(one.song_id)
                self._displaced.update(dict.fromkeys(one.fingerprints, (one, vector)))

    def _song_like(self, kin: SameSound, outcome: Known) -> Song:
        """Return the song that a file becomes whose sound is another song's."""
        fingerprints = outcome.fingerprints
        song = Song(
            outcome.file,
            fingerprints.tags,
            fingerprints.fingerprint,
            kin.format,
            kin.duration_s,
            kin.preview_start_s,
            fingerprints.audio_fingerprint,
        )
        return self._with_genres(song)

    def _with_genres(self, song: Song) -> Song:
        genres = self._genres(song.file, song.tags)
        return replace(song, tags=replace(song.tags, genres=genres))

    def _count(self, song: Song, *, preview_moved: bool = False) -> None:
        self._summary.indexed += 1
        if self._previews:
            self._previews.add(song.file.native, song.fingerprint, song.preview_start_s, again=preview_moved)

    def _store_failure(self, outcome: Failed) -> None:
        self._database.store_failure(self._root_id, outcome.file, outcome.reason)
        self._summary.failed += 1
        self._summary.failures.append((outcome.file.text, outcome.reason))
        if self._log:
            self._log.add(self._root / outcome.file.native, outcome.reason)
