"""Gives windows to songs that have none (`index --windows`): their files are embedded again.

Only the windows are stored. The songs keep their vectors, previews and places on the map. Each song's windows
are stored as soon as it is embedded, so a run that was stopped goes on with the others.
"""

from __future__ import annotations

from explorer.indexing.index_run import IndexRun
from explorer.indexing.outcomes import Embedded, Failed, Known, Outcome, Tracks
from explorer.library.music_file import ScannedFile


def files_to_fill(run: IndexRun) -> tuple[list[ScannedFile], int]:
    """Find the songs of a folder that have a full vector and no windows.

    Returns
    -------
    files : list of ScannedFile
        The unchanged files of such songs, up to the limit of the run.
    left_out : int
        How many such songs have a file that is missing, or that cannot be read.
    """
    if not run.windows:
        return [], 0
    files = {file.path: file for file in run.scan.files}
    known = run.database.known_files(run.root_id)
    found, left_out = [], 0
    for path, songs in run.database.songs_without_windows(run.root_id).items():
        state, file = known.get(path), files.get(path)
        if file is not None and state is not None and state.is_unchanged(file) and not state.failed:
            found.append(file)
        elif path.startswith(run.scan.prefix):
            left_out += len(songs)
    found.sort(key=lambda file: file.path)
    limit = None if run.limit is None else max(0, run.limit - len(run.files))
    return found[:limit], left_out


class WindowFiller:
    """Stores the windows of known songs."""

    def __init__(self, run: IndexRun) -> None:
        self._run = run
        self._database = run.database
        self._wanted = run.database.songs_without_windows(run.root_id)

    def store(self, outcomes: list[Outcome]) -> None:
        """Store the windows of the songs of some files, in one transaction."""
        with self._database.transaction():
            for outcome in outcomes:
                self._store_file(outcome)
        self._run.window_keeper.fit_if_enough()

    def _store_file(self, outcome: Outcome) -> None:
        summary, wanted = self._run.summary, self._wanted.get(outcome.file.path, set())
        for song in outcome.songs if isinstance(outcome, Tracks) else (outcome,):
            if isinstance(song, Failed):
                self._run.reporter.say(f"No windows: {song.reason}")
                continue
            song_id = self._stored_song(song)
            if song_id in wanted and self._store_song(song_id, song):
                wanted.remove(song_id)
                summary.windows += 1
        summary.filled_files += 1
        summary.without_windows += len(wanted)

    def _stored_song(self, outcome: Embedded | Known) -> str | None:
        """Return the id of the stored song that is this part of the file, if its sound is still the same."""
        prints = outcome.song if isinstance(outcome, Embedded) else outcome.fingerprints
        sounds = {prints.fingerprint, prints.audio_fingerprint} - {None}
        for song in self._database.songs_at(self._run.root_id, outcome.file.path):
            if song.track == outcome.part.track and not song.fingerprints.isdisjoint(sounds):
                return song.song_id
        return None

    def _store_song(self, song_id: str, outcome: Embedded | Known) -> bool:
        """Store the windows of a song, its own or those of another one with the same sound."""
        if isinstance(outcome, Embedded):
            self._run.window_keeper.store(song_id, outcome.windows)
            return True
        sources = self._database.same_sound(outcome.fingerprints)
        rows = (self._database.sound_rows(source.song_id) for source in sources)
        return any(self._database.store_sound_rows(song_id, found, features=False) for found in rows)
