"""Plans an index run without writing anything (`--dry-run`)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_
from pathlib import Path

from explorer.audio.decoder import Decoder
from explorer.database.database import Database
from explorer.database.records import KnownFile, SameSound
from explorer.database.state import ANY
from explorer.errors import ExplorerError
from explorer.indexing.moved_roots import MovedRoot, find_moved_roots
from explorer.indexing.outcomes import classify
from explorer.indexing.plan import make_plan
from explorer.indexing.prune import require_folder
from explorer.library.confirmed_roots import confirm
from explorer.library.music_file import Fingerprints, ScannedFile
from explorer.library.remote import RemotePath, as_root
from explorer.library.scan_rules import VIDEO_REASON, ScanOptions
from explorer.library.scanning import scan_folder
from explorer.util.progress import Reporter
from explorer.util.text import valid_text


@dataclass
class DryRun:
    """What an index run would do. Files are absolute paths, as text.

    Attributes
    ----------
    moved_roots : list of (str, str, int)
        The old and the new folder, and the number of songs, of each music folder that was moved.
    new, changed, retried : list of str
        Files that would be embedded: unknown, changed, or failed before and tried again.
    coarse : list of str
        Files that the first look has read, and whose full vectors would be made.
    moved : list of (str, str)
        The old and the new path of each song that was moved: it would keep its vector.
    copied, retagged : list of str
        Copies, which would get the vector of the song that they copy; and songs with a changed file but the
        same sound, which would keep their vectors.
    unreadable : list of str
        Files that would fail.
    gone, back : list of str
        Songs whose files are missing, and songs whose missing files are back.
    unchanged : int
        Files that would be skipped.
    failed_before : int
        How many of the unchanged files failed in an earlier run.
    reread : int
        How many of the unchanged files an older version of the program had read: they would be read again.
    passed_over : int
        Files that are no songs.
    songs_per_second : float or None
        The rate of the library's last run.
    """

    moved_roots: list[tuple[str, str, int]] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    coarse: list[str] = field(default_factory=list)
    moved: list[tuple[str, str]] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    retagged: list[str] = field(default_factory=list)
    retried: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    back: list[str] = field(default_factory=list)
    unchanged: int = 0
    failed_before: int = 0
    reread: int = 0
    passed_over: int = 0
    songs_per_second: float | None = None

    @property
    def to_embed(self) -> int:
        """How many files would be embedded."""
        return len(self.new) + len(self.changed) + len(self.retried) + len(self.coarse)


def plan_dry_run(
    database: Database | None,
    folder: Path | RemotePath | str,
    *,
    retry: bool,
    limit: int | None = None,
    video: bool | None = None,
    exclude: Sequence[str] | None = None,
    cue: bool | None = None,
    reindex: bool = False,
    reporter: Reporter,
) -> DryRun:
    """Compare a folder with a library. New files are read, but only for their fingerprints.

    Parameters
    ----------
    database : Database or None
        None if there is no library yet.
    retry, limit, video, exclude, cue : bool, int, bool, sequence of str, bool
        As in `IndexRun`.
    reindex : bool
        Treat every file as new.

    Raises
    ------
    LibraryError
        If the folder does not exist.
    """
    folder = as_root(folder).expanduser().resolve()
    if database:
        require_folder(database, folder)
    root = (database and database.root_of(folder)) or folder
    choices = {"video": video, "exclude": exclude, "cue": cue}
    options = (database.scan_options(folder) if database else ScanOptions()).updated(**choices)
    scan = scan_folder(folder, root=root, options=options)
    # The real run may read this folder's songs too, and remembers it. This one changes nothing.
    confirm(folder, remember=False)
    moved_roots = find_moved_roots(database, root, scan.files, reporter=reporter) if database else []
    if moved_roots:
        options = _options_after_move(database, folder, moved_roots[0]).updated(**choices)
        scan = scan_folder(folder, root=root, options=options)
    known = _known_files(database, root, moved_roots) if database and not reindex else {}
    plan = make_plan(known, scan, retry=retry)
    dry_run = DryRun(unchanged=plan.known, failed_before=plan.failed_before, reread=len(plan.outdated))
    dry_run.moved_roots = [(valid_text(root.old), valid_text(root.new), root.songs) for root in moved_roots]
    dry_run.passed_over = scan.passed_over + plan.videos
    dry_run.gone = [_absolute(root, path) for path in plan.gone if not known[path].failed]
    dry_run.back = [_absolute(root, path) for path in plan.back]
    coarse = {file.path for file in plan.coarse}
    chosen = plan.to_read[:limit]
    dry_run.coarse = [_absolute(root, file.path) for file in chosen if file.path in coarse]
    files = [file for file in chosen if file.path not in coarse]
    if database and database.vector_counts().songs and not reindex:
        comparison = _Comparison(database, root, dry_run, moved_roots, video=options.video)
        files = comparison.unknown_files(files, reporter)
    changed, retried = ({file.path for file in files} for files in (plan.changed, plan.retried))
    for file in files:
        in_changed, in_retried = file.path in changed, file.path in retried
        group = dry_run.changed if in_changed else dry_run.retried if in_retried else dry_run.new
        group.append(_absolute(root, file.path))
    if database and (last_run := database.last_embedding()):
        dry_run.songs_per_second = last_run.songs_per_second
    return dry_run


def _options_after_move(database: Database, folder: Path | RemotePath, moved: MovedRoot) -> ScanOptions:
    """Return the options that a folder gets: those of the first root that moved there, if it has none."""
    roots = database.numbered_roots().values()
    is_known = any(folder.is_relative_to(root) or root.is_relative_to(folder) for root in roots)
    return database.scan_options(folder if is_known else moved.old)


def _known_files(
    database: Database, folder: Path | RemotePath, moved_roots: Iterable[MovedRoot]
) -> dict[bytes, KnownFile]:
    """Return the files that the library would know under a folder, after roots were moved into it."""
    moved = (
        {root.new_path(path): file for path, file in database.known_files(root.root_id).items()}
        for root in moved_roots
    )
    return reduce(or_, moved, {}) | database.known_files_under(folder)


class _Comparison:
    """Looks up files' sounds in a library, and adds the files with known sounds to a dry run."""

    def __init__(
        self,
        database: Database,
        root: Path | RemotePath,
        dry_run: DryRun,
        moved_roots: Iterable[MovedRoot],
        *,
        video: bool,
    ) -> None:
        self._database = database
        self._root = root
        self._video = video
        self._dry_run = dry_run
        self._moved_roots = {root.root_id: root for root in moved_roots}
        self._moved: set[str] = set()
        """Songs that have moved already: a song moves only once."""

    def unknown_files(self, files: list[ScannedFile], reporter: Reporter) -> list[ScannedFile]:
        """Add the files that need no embedding to the dry run, and return the others."""
        unknown = []
        with reporter.counting("Comparing", total=len(files), unit="files") as counter, Decoder() as decoder:
            for file in files:
                if not self._add_if_known(file, decoder):
                    unknown.append(file)
                counter.advance()
        return unknown

    def _add_if_known(self, file: ScannedFile, decoder: Decoder) -> bool:
        """Add a file to the dry run if it is unreadable, a video or known. Tell whether it was added."""
        path = self._root / file.native
        sheets = None if file.sheets_state is None else file.sheet_paths(self._root)
        try:
            fingerprints = decoder.fingerprints(path, video=self._video, sheets=sheets)
        except ExplorerError as error:
            if str(error).endswith(VIDEO_REASON):
                self._dry_run.passed_over += 1
                return True
            fingerprints = None
        if fingerprints is None or fingerprints.audio_fingerprint is None:
            self._dry_run.unreadable.append(valid_text(path))
            return True
        songs = [(track.part.track, fingerprints.of_track(track)) for track in fingerprints.tracks]
        matches = [self._match(path, *song) for song in songs or [(0, fingerprints)]]
        if None in matches:
            return False
        # All songs of a file have nearly always met the same fate.
        kind, song = matches[0]
        if kind == "moved":
            self._moved |= {song.song_id for kind, song in matches if kind == "moved"}
            old_path = valid_text(_path_of(song))
            self._dry_run.moved.append((old_path, valid_text(path)))
            if old_path in self._dry_run.gone:
                self._dry_run.gone.remove(old_path)
        else:
            getattr(self._dry_run, kind).append(valid_text(path))
        return True

    def _match(
        self, path: Path | RemotePath, track: int, fingerprints: Fingerprints
    ) -> tuple[str, SameSound] | None:
        return classify(
            [self._where_now(song) for song in self._database.same_sound(fingerprints, which=ANY)],
            is_own=lambda song: (_path_of(song), song.track) == (path, track),
            is_taken=lambda song: song.song_id in self._moved,
        )

    def _where_now(self, song: SameSound) -> SameSound:
        """Return a song with the path that it would have after its root was moved."""
        if (root := self._moved_roots.get(song.root_id)) is None:
            return song
        return replace(song, root=root.folder, path=root.new_path(song.path))


def _path_of(song: SameSound) -> Path | RemotePath:
    return song.root / os.fsdecode(song.path)


def _absolute(folder: Path | RemotePath, path: bytes) -> str:
    return valid_text(folder / os.fsdecode(path))
