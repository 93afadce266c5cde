"""Copies a database of the original scripts, and where the clips of its songs are, into a library of ours.

The database does not say which model made its vectors. So the library records an unknown model, and no other
vectors may join them.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from explorer.audio.decoding import claimed_duration, open_audio
from explorer.audio.fingerprints import fingerprint
from explorer.database.database import Database
from explorer.database.records import Song
from explorer.errors import ExplorerError, LibraryError
from explorer.indexing.model import Model
from explorer.legacy.reading import OriginalDatabase
from explorer.library.music_file import ScannedFile, Tags
from explorer.library.scanning import scan_folder
from explorer.util.progress import Reporter
from explorer.util.text import shown

CLIPS = "previews"
"""The folder that the original scripts kept their clips in."""

LISTED = 5
"""How many songs with the same problem are named."""

_LONGEST_NAME = 60
_LONGEST_CLIP_S = 86_400.0
"""A longer duration in a file's header is not believed."""


@dataclass
class ImportSummary:
    """What an import found.

    Attributes
    ----------
    songs, vectors, clips : int
        Songs in the original, and how many of them have a vector that can be used, and a clip.
    without_vector, without_clip : list of str
        Songs that were never embedded, and those that have a vector and no clip.
    skipped, unreadable : list of (str, str)
        Songs whose vector cannot be used, and whose clip cannot be decoded, and why.
    repeated_genres, strays : int
        As `OriginalDatabase` has them.
    changed : bool
        Whether anything is different from before.
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
        """Say what was found in the original and in the folder of its clips, and what is missing."""
        where = f" in {clips}" if clips else ""
        reporter.say(
            f"{self.songs:,} songs: {self.vectors:,} with a vector, {self.clips:,} with a clip{where}."
        )
        is_silent = not self.clips and clips is None
        if is_silent:
            reporter.say("No song can be heard: name the folder of their clips with `serve --audio FOLDER`.")
        for what, songs in (
            ("Without a vector, so not on the map", [(song_id,) for song_id in self.without_vector]),
            ("Skipped, because the vector cannot be used", self.skipped),
            ("Without a clip, so silent", [(song_id,) for song_id in self.without_clip if not is_silent]),
            ("Clips that cannot be decoded", self.unreadable),
        ):
            if songs:
                named = [": ".join((_shortened(song_id), *why)) for song_id, *why in songs[:LISTED]]
                more = f"; and {len(songs) - LISTED:,} more" if len(songs) > LISTED else ""
                reporter.say(f"{what}: {len(songs):,} ({'; '.join(named)}{more}).")
        if self.repeated_genres:
            reporter.say(f"Genres that are there more than once count once: {self.repeated_genres:,} rows.")
        if self.strays:
            reporter.say(f"Rows of songs that are not there are left out: {self.strays:,}.")


def _shortened(song_id: str) -> str:
    """Return a song's id on one line; it may hold anything, and must not control a terminal."""
    name = shown(song_id)
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"


def folder_of_clips(original: Path, asked: Path | None) -> Path | None:
    """Return the folder of an original's clips: the one asked for, or `previews` beside it or one level up.

    Raises
    ------
    LibraryError
        If the folder asked for is not a folder.
    """
    if asked is not None:
        asked = asked.expanduser()
        if not asked.is_dir():
            raise LibraryError(f"{asked} is not a folder: name the one that holds the songs' clips.")
        return asked.resolve()
    near = (folder / CLIPS for folder in original.absolute().parents[:2])
    return next((path.resolve() for path in near if path.is_dir()), None)


def import_original(
    library: Database,
    original: OriginalDatabase,
    *,
    clips: Path | None,
    reporter: Reporter,
    mirror: bool = False,
    replace: bool = False,
) -> ImportSummary:
    """Copy what is new or different in an original database, and in the folder of its clips, into a library.

    All songs are stored in one transaction: all of them are there after a crash, or none.

    Parameters
    ----------
    clips : Path, optional
        Where clips are looked for, by the songs' ids; None for nowhere.
    mirror : bool
        Also drop the library's songs that the original does not have, and clips that are not in the folder.
    replace : bool
        Empty the library first.

    Raises
    ------
    LibraryError
        If the original cannot be read, or the library's vectors were made by a known model.
    """
    model = None if replace else library.model()
    if model is not None and Model.from_record(model).is_known:
        raise LibraryError(
            f"{library.path} was made with {Model.from_record(model).describe()}, and what made the vectors "
            f"of {original.path} is not known: import it into another library with --db."
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
        if mirror and (gone := set(library.song_ids()).difference(song_ids)):
            library.forget_songs(gone)
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
    """Store where the songs' clips are; return the songs that have one, and add those whose clip is damaged.

    With `keep_others`, a clip that an earlier import found elsewhere stays as long as its file is there.
    """
    stored, found = library.clips(), {}
    if clips:
        root_id, root = library.settle_root(clips)
        found = find_clips(scan_folder(clips), song_ids)
    unchanged, new = set(), {}
    for song_id in song_ids:
        path, known = stored.get(song_id, (None, None))
        if (file := found.get(song_id)) is None:
            is_known = keep_others and path is not None and path.is_file()
        else:
            file = file.under(clips.relative_to(root))
            is_known = path == root / file.native and known.is_unchanged(file)
        if is_known:
            unchanged.add(song_id)
        elif file is not None:
            try:
                new[song_id] = _read_clip(root / file.native, file)
            except Exception as error:
                # A decoder may fail in any way: that costs one clip.
                is_told = isinstance(error, ExplorerError)
                unreadable.append((song_id, str(error) if is_told else type(error).__name__))
    with_clip = unchanged | new.keys()
    with library.transaction():
        library.forget_clips(stored.keys() & set(song_ids) - with_clip)
        for song_id, clip in new.items():
            library.store_clip(song_id, root_id, clip)
    return with_clip


def _read_clip(path: Path, file: ScannedFile) -> Song:
    with closing(open_audio(path)) as stream:
        duration_s = min(_LONGEST_CLIP_S, max(0.0, claimed_duration(path)))
        return Song(file, Tags(""), fingerprint(path), stream.format, duration_s)


def find_clips(files: Iterable[ScannedFile], song_ids: list[str]) -> dict[str, ScannedFile]:
    """Find each song's clip by its id.

    A clip is named after the song's id, with any extension, in any folder: `<id>.mp3`, or `previews/<id>.mp3`
    as the original scripts wrote it. Where a file's name cannot hold a colon, `spotify:track:abc` is
    `spotify_track_abc`, or `abc` alone. An id may also be a path.

    Returns
    -------
    dict of str to ScannedFile
        No file is the clip of two songs.
    """
    by_name: dict[str, ScannedFile] = {}
    # The scripts' own folder first, then what lies least deep.
    for file in sorted(files, key=lambda file: (not file.text.startswith(f"{CLIPS}/"), file.text.count("/"))):
        path = _normal(file.text)
        bare = os.path.splitext(path)[0]
        for name in (path, bare, path.rpartition("/")[2], bare.rpartition("/")[2]):
            by_name.setdefault(name, file)
    found: dict[str, ScannedFile] = {}
    taken: set[bytes] = set()
    for spelling in _SPELLINGS:
        for song_id in song_ids:
            file = by_name.get(spelling(_normal(song_id)))
            if song_id not in found and file is not None and file.path not in taken:
                found[song_id] = file
                taken.add(file.path)
    return found


_SPELLINGS = (
    lambda name: name,
    lambda name: name.replace(":", "_"),
    lambda name: name.replace(":", "-"),
    lambda name: name.replace(":", ""),
    lambda name: quote(name, safe=""),
    lambda name: name.rpartition(":")[2],
)
"""How a song's id is written as a file's name: what is sure first."""


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name)
