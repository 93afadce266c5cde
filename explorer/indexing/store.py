"""Stores the outcomes of files in songs.db, each list of outcomes in one transaction, and counts them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from explorer.database.records import SameSound, Song
from explorer.database.state import ANY, COARSE, FULL
from explorer.indexing.index_run import IndexRun
from explorer.indexing.outcomes import Embedded, Failed, Known, KnownSong, Outcome, Tracks, classify
from explorer.library.music_file import Fingerprints, Part, ScannedFile
from explorer.library.scan_rules import VIDEO_REASON
from explorer.library.tracks import note_of_sound


class Storer:
    """Stores a run's songs and failures. Nothing else writes songs while an index runs."""

    def __init__(self, run: IndexRun) -> None:
        self._run = run
        self._database = run.database
        self._summary = run.summary
        self._which = FULL
        """Which vectors are stored now: coarse ones in the first look, then full ones."""
        self._displaced: dict[str, tuple[SameSound, dict[str, np.ndarray | None]]] = {}
        """Fingerprint to old song and old vectors, for each path that got another sound in this run."""

    def store(self, outcomes: list[Outcome]) -> None:
        """Store the outcomes of some files in one transaction, which waits for the disk only once."""
        with self._database.transaction():
            for outcome in outcomes:
                self._store_file(outcome)

    def store_looked(self, outcomes: list[Outcome]) -> None:
        """Store outcomes of the first look, in one transaction."""
        self._which = COARSE
        try:
            self.store(outcomes)
        finally:
            self._which = FULL
        self._summary.looked += len(outcomes)

    def _store_file(self, outcome: Outcome) -> None:
        """Store the songs of a file, and count the file once it has full vectors or has failed."""
        if isinstance(outcome, Embedded) and isinstance(outcome.song, KnownSong):
            self._database.store_coarse_vector(outcome.song.song_id, outcome.vector)
            return
        songs = outcome.songs if isinstance(outcome, Tracks) else (outcome,)
        results = [self._store_song(song) for song in songs]
        if failures := [result for result in results if isinstance(result, Failed)]:
            self._store_failure(failures[0])
            return
        self._forget_other_tracks(outcome.file, {song.part.track for song in songs})
        full = self._database.songs_at(self._run.root_id, outcome.file.path, which=FULL)
        if len(full) < len(songs):
            return
        self._summary.indexed += 1
        self._summary.extra_tracks += len(songs) - 1
        kind = "embedded" if "embedded" in results else results[0]
        if kind != "embedded":
            setattr(self._summary, kind, getattr(self._summary, kind) + 1)

    def _store_song(self, outcome: Embedded | Known | Failed) -> str | Failed:
        """Store a song; return what was done, "embedded" or as `classify` calls it, or the failure."""
        if isinstance(outcome, Embedded):
            return self._store_embedded(outcome)
        return self._store_known(outcome) if isinstance(outcome, Known) else outcome

    def _store_embedded(self, outcome: Embedded) -> str:
        song, root_id = outcome.song, self._run.root_id
        if self._which == COARSE:
            if same := self._songs_with_sound(song):
                # It has the full vector of this sound, and had no coarse one.
                kept = {"preview_start_s": same[0].preview_start_s, "duration_s": same[0].duration_s}
                song = self._with_genres(replace(song, **kept))
                song_id = self._database.store_song(root_id, song, None)
                self._database.store_coarse_vector(song_id, outcome.vector)
                return "retagged"
            self._keep_displaced(song)
            self._move_outdated(song)
            self._database.store_song(root_id, self._with_genres(song), None, coarse=outcome.vector)
            return "embedded"
        # Another model can choose another preview start for the same sound.
        preview_moved = self._database.preview_start_of(song.fingerprint) != song.preview_start_s
        if not self._database.complete_song(root_id, song, outcome.vector):
            self._keep_displaced(song)
            self._move_outdated(song)
            self._database.store_song(root_id, self._with_genres(song), outcome.vector)
        if outcome.features is not None:
            (stored,) = self._songs_at(song.file, song.part)
            self._database.store_features(stored.song_id, outcome.features)
        self._summary.audio_seconds += song.duration_s
        self._finish_song(song, preview_moved=preview_moved)
        return "embedded"

    def _store_known(self, outcome: Known) -> str | Failed:
        """Store a song whose sound the library has: it keeps that song's vector."""
        root_id, file, fingerprints = self._run.root_id, outcome.file, outcome.fingerprints
        place = (root_id, file.path, outcome.part.track)
        match = classify(
            self._database.same_sound(fingerprints, which=self._which),
            is_own=lambda song: (song.root_id, song.path, song.track) == place,
        )
        vectors: dict[str, np.ndarray | None] = {FULL: None, COARSE: None}
        if match is not None:
            kind, source = match
            if kind == "moved" and self._songs_at(
                file, outcome.part, which=ANY if self._which == COARSE else FULL
            ):
                # It was moved over the file of another song, which keeps its id and gets the vector.
                kind = "copied"
            if kind == "copied":
                vectors = self._database.vectors_of(source.song_id)
                if self._which == FULL and self._songs_at(file, outcome.part, which=COARSE):
                    vectors[COARSE] = None  # It keeps its own.
        elif displaced := self._displaced_sounds(fingerprints):
            # The song with this sound got another sound earlier in this run.
            kind, (source, vectors) = "copied", self._displaced[min(displaced)]
        else:
            return Failed(file, "Another file with the same sound failed.")
        song = self._with_genres(
            Song(
                file,
                fingerprints.tags,
                fingerprints.fingerprint,
                fingerprints.format or source.format,
                source.duration_s,
                source.preview_start_s,
                fingerprints.audio_fingerprint,
                f"{note_of_sound(source.note)} {fingerprints.cue_problem}".strip(),
                part=outcome.part,
            )
        )
        if kind != "retagged":
            self._keep_displaced(song)
        if kind == "moved":
            self._database.move_song(source, root_id, file, outcome.part.track)
        self._database.store_song(root_id, song, vectors[FULL], coarse=vectors[COARSE])
        if self._songs_at(file, outcome.part, which=FULL):
            self._finish_song(song)
        return kind

    def _displaced_sounds(self, fingerprints: Fingerprints) -> list[str]:
        """Return those fingerprints whose song got another sound in this run, and had the vector needed."""
        known = fingerprints.all & self._displaced.keys()
        return [text for text in known if self._displaced[text][1][self._which] is not None]

    def _move_outdated(self, song: Song) -> None:
        """Move a missing song to this path if an older version of the program had read the same file.

        Its vector is replaced, but it keeps its id and its place on the map.
        """
        root_id, fingerprints = self._run.root_id, (song.fingerprint, song.audio_fingerprint, song.tags)
        if self._songs_at(song.file, song.part):
            return
        for old in self._database.same_sound(Fingerprints(*fingerprints), which=ANY, outdated=True):
            if old.is_gone:
                self._database.move_song(old, root_id, song.file, song.part.track)
                return

    def _songs_with_sound(self, song: Song) -> list[SameSound]:
        """Return the song that is stored at this place with the same sound and a full vector, or none."""
        prints = Fingerprints(song.fingerprint, song.audio_fingerprint, song.tags)
        place = (self._run.root_id, song.file.path, song.part.track)
        return [
            old for old in self._database.same_sound(prints) if (old.root_id, old.path, old.track) == place
        ]

    def _keep_displaced(self, song: Song) -> None:
        """Keep the vector that a new sound replaces at a path: a later file may have the old sound."""
        for old in self._songs_at(song.file, song.part):
            if old.fingerprints.isdisjoint({song.fingerprint, song.audio_fingerprint}):
                self._keep(old)

    def _songs_at(self, file: ScannedFile, part: Part, *, which: str = ANY) -> list[SameSound]:
        """Return the song that is this part of a file, if it has such a vector: one, or none."""
        songs = self._database.songs_at(self._run.root_id, file.path, which=which)
        return [song for song in songs if song.track == part.track]

    def _keep(self, old: SameSound) -> None:
        vectors = self._database.vectors_of(old.song_id)
        self._displaced.update(dict.fromkeys(old.fingerprints, (old, vectors)))

    def _forget_other_tracks(self, file: ScannedFile, tracks: set[int]) -> None:
        """Delete the songs of a file's other tracks, but keep their vectors: later files may need them."""
        for old in self._database.songs_at(self._run.root_id, file.path):
            if old.track not in tracks:
                self._keep(old)
        self._database.forget_other_tracks(self._run.root_id, file.path, tracks)

    def _with_genres(self, song: Song) -> Song:
        genres = self._run.genres.genres(song.file, song.tags)
        return replace(song, tags=replace(song.tags, genres=genres))

    def _finish_song(self, song: Song, *, preview_moved: bool = False) -> None:
        if song.note:
            self._summary.notes.append((song.file.text, song.note))
        if maker := self._run.preview_maker:
            maker.add(
                song.file.native,
                song.fingerprint,
                song.preview_start_s,
                part=song.closed_part,
                replace=preview_moved,
            )

    def _store_failure(self, outcome: Failed) -> None:
        self._database.store_failure(self._run.root_id, outcome.file, outcome.reason)
        self._database.forget_coarse_songs_at(self._run.root_id, outcome.file.path)
        if outcome.reason.endswith(VIDEO_REASON):
            self._summary.videos += 1
            self._summary.found -= 1
            return
        self._summary.failed += 1
        self._summary.failures.append((outcome.file.text, outcome.reason))
        if self._run.log:
            self._run.log.add(self._run.root / outcome.file.native, outcome.reason)
