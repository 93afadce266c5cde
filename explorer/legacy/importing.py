"""Copies the songs of an original database, and the paths of their clips, into a library.

The scripts of the original experiment wrote the original database. A clip is the audio file of one of its
songs. The database does not say which model made its vectors. Therefore the library records the model as
unknown, and does not accept vectors of a known model.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

from explorer.audio.decoding import claimed_duration, open_audio
from explorer.audio.fingerprints import fingerprint
from explorer.database.database import Database
from explorer.database.records import Song
from explorer.errors import ExplorerError, LibraryError
from explorer.indexing.model import Model
from explorer.legacy.reading import OriginalDatabase
from explorer.library.confirmed_roots import confirm, is_confirmed
from explorer.library.music_file import ScannedFile, Tags
from explorer.library.scanning import folder_prefix, scan_folder
from explorer.util.progress import Reporter
from explorer.util.text import one_line

CLIPS = "previews"
"""The name of the folder in which the original scripts stored the clips."""

MAX_LISTED = 5
"""How many songs with the same problem are listed by name."""

_MAX_NAME_LENGTH = 60
_MAX_CLIP_S = 86_400.0
"""If the header of a file gives a longer duration, this one is stored: the header is probably wrong."""


@dataclass
class ImportSummary:
    """The result of an import.

    Attributes
    ----------
    songs, vectors, clips : int
        How many songs the original database has, how many of them have a usable vector, and how many a clip.
    without_vector : list of str
        Songs without a vector.
    skipped : list of (str, str)
        Songs whose vector is unusable, with the reason.
    without_clip : list of str
        Songs that have a vector but no clip.
    unreadable : list of (str, str)
        Songs whose clip cannot be decoded, with the reason.
    repeated_genres, strays : int
        Rows of the original database that were not copied: see `OriginalDatabase`.
    changed : bool
        Whether the import changed the library's songs, genres or vectors.
    """

    songs: int = 0
    vectors: int = 0
    clips: int = 0
    without_vector: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    without_clip: list[str] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    repeated_genres: int = 0
    strays: int = 0
    changed: bool = False

    def tell(self, clips: Path | None, reporter: Reporter) -> None:
        """Report the counts, and list the songs that lack a vector or a clip.

        Parameters
        ----------
        clips : Path or None
            The folder that was searched for clips.
        """
        where = f" in {clips}" if clips else ""
        reporter.say(
            f"{self.songs:,} songs: {self.vectors:,} with a vector, {self.clips:,} with a clip{where}."
        )
        has_no_audio = not self.clips and clips is None
        if has_no_audio:
            reporter.say("No song can be played: name the folder of the clips with `serve --audio FOLDER`.")
        for problem, songs in (
            ("Without a vector, so not on the map", [(song_id,) for song_id in self.without_vector]),
            ("Skipped, because the vector cannot be used", self.skipped),
            (
                "Without a clip, so not playable",
                [(song_id,) for song_id in self.without_clip if not has_no_audio],
            ),
            ("Clips that cannot be decoded", self.unreadable),
        ):
            if songs:
                names = "; ".join(
                    ": ".join((_short_name(song_id), *why)) for song_id, *why in songs[:MAX_LISTED]
                )
                more = f"; and {len(songs) - MAX_LISTED:,} more" if len(songs) > MAX_LISTED else ""
                reporter.say(f"{problem}: {len(songs):,} ({names}{more}).")
        if self.repeated_genres:
            reporter.say(f"{self.repeated_genres:,} rows repeat a genre of the same song: they are left out.")
        if self.strays:
            reporter.say(f"{self.strays:,} rows belong to no song: they are left out.")


def _short_name(song_id: str) -> str:
    """Return a song id without control characters, cut to 60 characters."""
    name = one_line(song_id)
    return name if len(name) <= _MAX_NAME_LENGTH else f"{name[:_MAX_NAME_LENGTH]}…"


def folder_of_clips(original: Path, chosen: Path | None) -> Path | None:
    """Return the folder with the clips of an original database.

    This is the folder that the user chose, or else the folder `previews` beside the database or one level up,
    or else None. This process may then read songs from the folder: see `confirmed_roots`.

    Raises
    ------
    LibraryError
        If the user chose something that is not a folder.
    """
    if chosen is not None:
        chosen = chosen.expanduser()
        if not chosen.is_dir():
            raise LibraryError(
                f"{chosen} is not a folder: name the folder that contains the clips of the songs."
            )
        return chosen.resolve()
    near = (folder / CLIPS for folder in original.absolute().parents[:2])
    # Naming the database allows reading the folder beside it, but not what a link there leads to.
    for path in near:
        if path.is_dir() and (not path.is_symlink() or is_confirmed(path.resolve())):
            confirm(path, remember=False)
            return path.resolve()
    return None


def import_original(
    library: Database,
    original: OriginalDatabase,
    *,
    clips: Path | None,
    reporter: Reporter,
    mirror: bool = False,
    replace: bool = False,
) -> ImportSummary:
    """Copy new and changed songs of an original database, and the paths of their clips, into a library.

    All songs are stored in one transaction: after a crash the library has all of them or none.

    Parameters
    ----------
    clips : Path, optional
        The folder to search for clips. The clips are named after song ids. None searches no folder.
    mirror : bool
        Whether to delete songs that are not in the original database from the library, and also the paths of
        clips that are not in `clips`.
    replace : bool
        Whether to delete everything in the library first.

    Raises
    ------
    LibraryError
        If the original database cannot be read, or a known model made the vectors of the library.
    """
    model = None if replace else library.model()
    if model is not None and Model.from_record(model).is_known:
        raise LibraryError(
            f"The vectors of {library.path} were made with {Model.from_record(model).describe()}, but the "
            f"model of {original.path} is not known: import it into another library with --db."
        )
    song_ids = original.song_ids
    summary = ImportSummary(
        songs=len(song_ids), repeated_genres=original.repeated_genres, strays=original.strays
    )
    embedded = set()
    with library.transaction(), reporter.counting("Importing", total=len(song_ids)) as counter:
        if replace:
            library.forget_everything()
        library.claim_model(Model.unknown().record())
        for song in original:
            summary.changed |= library.store_imported(song.song_id, song.info, song.genres, song.vector)
            if song.vector is not None:
                embedded.add(song.song_id)
            elif song.problem:
                summary.skipped.append((song.song_id, song.problem))
            else:
                summary.without_vector.append(song.song_id)
            counter.advance()
        library.unify_genre_spellings()
        if mirror and (deleted := set(library.song_ids()).difference(song_ids)):
            library.forget_songs(deleted)
            summary.changed = True
    with_clip = _import_clips(library, clips, song_ids, summary.unreadable, keep_others=not mirror)
    summary.vectors, summary.clips = len(embedded), len(with_clip)
    summary.without_clip = sorted(embedded - with_clip)
    return summary


def _import_clips(
    library: Database,
    clips: Path | None,
    song_ids: list[str],
    unreadable: list[tuple[str, str]],
    *,
    keep_others: bool,
) -> set[str]:
    """Store the paths of the songs' clips.

    Parameters
    ----------
    unreadable : list of (str, str)
        This appends each song whose clip cannot be decoded, with the reason.
    keep_others : bool
        Whether to keep the path of a clip that an earlier import found in another folder, if the file exists.

    Returns
    -------
    set of str
        The songs that have a clip.
    """
    stored, files = library.clips(), {}
    if clips:
        root_id, root = library.find_or_add_root(clips)
        files = find_clips(scan_folder(clips), song_ids)
    unchanged, new = set(), {}
    for song_id in song_ids:
        path, known = stored.get(song_id, (None, None))
        if (file := files.get(song_id)) is None:
            is_unchanged = keep_others and path is not None and is_confirmed(path) and path.is_file()
        else:
            file = replace(file, path=folder_prefix(clips, root) + file.path)
            is_unchanged = (
                path == root / file.native
                and known.is_unchanged(file)
                and known.link_target == file.link_target
            )
        if is_unchanged:
            unchanged.add(song_id)
        elif file is not None:
            try:
                new[song_id] = _read_clip(root / file.native, file)
            except Exception as error:
                # A decoder can raise any exception. Leave out only this clip.
                has_message = isinstance(error, ExplorerError)
                unreadable.append((song_id, str(error) if has_message else type(error).__name__))
    with_clip = unchanged | new.keys()
    with library.transaction():
        library.forget_clips(stored.keys() & set(song_ids) - with_clip)
        for song_id, clip in new.items():
            library.store_clip(song_id, root_id, clip)
    return with_clip


def _read_clip(path: Path, file: ScannedFile) -> Song:
    with closing(open_audio(path)) as stream:
        duration_s = min(_MAX_CLIP_S, max(0.0, claimed_duration(path)))
        return Song(file, Tags(""), fingerprint(path), stream.format, duration_s)


def find_clips(files: Iterable[ScannedFile], song_ids: list[str]) -> dict[str, ScannedFile]:
    """Find the clip of each song by its id.

    The file name of a clip is the id of its song, with any extension and in any folder: `<id>.mp3`, or
    `previews/<id>.mp3` as the original scripts wrote it. Some file systems do not allow colons in names:
    therefore the clip of `spotify:track:abc` may also be named `spotify_track_abc` or only `abc`. An id may
    also be a path.

    Returns
    -------
    dict of str to ScannedFile
        The clips by song id. A file is the clip of at most one song.
    """
    by_name: dict[str, ScannedFile] = {}
    # If several files have the same name, prefer the folder `previews`, then the path with fewest folders.
    for file in sorted(files, key=lambda file: (not file.text.startswith(f"{CLIPS}/"), file.text.count("/"))):
        path = _compose(file.text)
        without_extension = os.path.splitext(path)[0]
        for name in (
            path,
            without_extension,
            path.rpartition("/")[2],
            without_extension.rpartition("/")[2],
        ):
            by_name.setdefault(name, file)
    clips: dict[str, ScannedFile] = {}
    used_paths: set[bytes] = set()
    for file_name_of in _FILE_NAMES:
        for song_id in song_ids:
            file = by_name.get(file_name_of(_compose(song_id)))
            if song_id not in clips and file is not None and file.path not in used_paths:
                clips[song_id] = file
                used_paths.add(file.path)
    return clips


_FILE_NAMES = (
    lambda name: name,
    lambda name: name.replace(":", "_"),
    lambda name: name.replace(":", "-"),
    lambda name: name.replace(":", ""),
    lambda name: quote(name, safe=""),
    lambda name: name.rpartition(":")[2],
)
"""Functions that turn a song id into a possible file name, the most reliable first."""


def _compose(name: str) -> str:
    """Return a name in the Unicode form NFC: some file systems store "é" as "e" and an accent."""
    return unicodedata.normalize("NFC", name)
