"""Takes a database of the original scripts into a library of ours, with the clips of its songs.

The original is never written to. What made its vectors is not recorded in it, so the library's model is
said to be unknown, and no other vector is mixed in.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import mutagen

from explorer.audio.decoding import open_audio
from explorer.audio.fingerprints import fingerprint
from explorer.errors import ExplorerError, LibraryError
from explorer.indexing.model import Model
from explorer.library.database import Database
from explorer.library.imports import Clip
from explorer.library.original import OriginalSong, read_original
from explorer.library.records import ScannedFile
from explorer.library.scanning import scan_folder
from explorer.progress import Reporter

CLIPS = "previews"
"""The folder that the original scripts kept their clips in."""

_AT_ONCE = 500
_LONGEST_CLAIM_S = 86_400.0


@dataclass
class ImportSummary:
    """What an import found.

    Attributes
    ----------
    songs, vectors, clips : int
        Songs in the original; those of them with a vector that can be used, and those with a clip.
    without_vector : list of str
        Songs that were never embedded.
    skipped : list of (str, str)
        Songs whose vector cannot be used, and why.
    without_clip : list of str
        Songs with a vector and no clip.
    unreadable : list of (str, str)
        Clips that are no sound, and why.
    repeated_genres, strays : int
        Genre rows that were there more than once, and those of songs that are not there.
    changed : bool
        Whether the map has to be made anew.
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


def folder_of_clips(original: Path, asked: Path | None) -> Path | None:
    """Return the folder of an original database's clips: as asked for, or `previews` near the database.

    Raises
    ------
    LibraryError
        If a folder was asked for that is none.
    """
    if asked is not None:
        asked = asked.expanduser()
        if not asked.is_dir():
            raise LibraryError(f"{asked} is not a folder: name the one that holds the songs' clips.")
        return asked.resolve()
    folder = original.absolute().parent
    near = (folder / CLIPS, folder.parent / CLIPS)
    return next((path.resolve() for path in near if path.is_dir()), None)


def import_original(
    library: Database,
    original: Path,
    *,
    clips: Path | None,
    reporter: Reporter,
    mirror: bool = False,
    replace: bool = False,
) -> ImportSummary:
    """Bring a library in step with an original database and the folder of its clips.

    Parameters
    ----------
    clips : Path, optional
        Where clips are looked for, by the songs' ids; None for nowhere.
    mirror : bool
        Also drop the library's songs that the original has not, and clips that are not in the folder: the
        library is its mirror image.
    replace : bool
        Empty the library first, as soon as the original is known to be readable.

    Raises
    ------
    LibraryError
        If the original cannot be read, or the library's vectors were made by a known model.
    """
    model = None if replace else library.model()
    if model is not None and Model.from_record(model).is_known:
        raise LibraryError(
            f"{library.path} was made with {Model.from_record(model).describe()}, and what made those of "
            f"{original} is not known: import it into another library with --db."
        )
    with reporter.working(f"Reading {original.name}"):
        found = read_original(original)
    summary = ImportSummary(
        songs=len(found.songs),
        skipped=found.skipped,
        repeated_genres=found.repeated_genres,
        strays=found.strays,
    )
    troubled = {song_id for song_id, _ in found.skipped}
    if replace:
        library.forget_everything()
    library.claim_model(Model.unknown().record())
    shelf = _Shelf(library, clips, found.songs, keeps=not mirror)
    with reporter.counting("Importing", total=len(found.songs)) as counter:
        for first in range(0, len(found.songs), _AT_ONCE):
            some = found.songs[first : first + _AT_ONCE]
            # Before the transaction: whoever waits for the library must not wait for these files.
            settled = [shelf.look(song.song_id, summary) for song in some]
            with library.transaction():
                for song, place in zip(some, settled, strict=True):
                    vector = song.vector
                    summary.changed |= library.store_imported(song.song_id, song.info, song.genres, vector)
                    summary.vectors += vector is not None
                    if vector is None and song.song_id not in troubled:
                        summary.without_vector.append(song.song_id)
                    if shelf.settle(song.song_id, place):
                        summary.clips += 1
                    elif vector is not None:
                        summary.without_clip.append(song.song_id)
                    counter.advance()
    if mirror:
        _forget_others(library, found.songs, summary)
    return summary


def find_clips(files: Iterable[ScannedFile], song_ids: Iterable[str]) -> dict[str, ScannedFile]:
    """Find each song's clip by its id.

    A clip is called by the song's id, with any extension, in any folder: `<id>.mp3`, or `previews/<id>.mp3`
    as the original scripts wrote it. Where a file's name cannot hold a colon, `spotify:track:abc` is
    `spotify_track_abc`, or `abc` alone. An id may also be a path.

    Returns
    -------
    dict of str to ScannedFile
        No file is the clip of two songs.
    """
    by_path: dict[str, ScannedFile] = {}
    by_stem: dict[str, ScannedFile] = {}
    # The scripts' own folder first, then what lies least deep.
    for file in sorted(files, key=lambda file: (not file.text.startswith(f"{CLIPS}/"), file.text.count("/"))):
        path = _normal(file.text)
        by_path.setdefault(path, file)
        bare = os.path.splitext(path)[0]
        if "/" in bare:
            by_path.setdefault(bare, file)
        by_stem.setdefault(bare.rpartition("/")[2], file)
        by_stem.setdefault(path.rpartition("/")[2], file)
    found: dict[str, ScannedFile] = {}
    taken: set[bytes] = set()
    song_ids = list(song_ids)
    for spellings in _SPELLINGS:
        for song_id in song_ids:
            if song_id in found:
                continue
            name = spellings(_normal(song_id))
            file = by_path.get(name) or by_stem.get(name)
            if file is not None and file.path not in taken:
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


class _Shelf:
    """Where songs' clips are: in the folder that is looked through now, or where they were before.

    Parameters
    ----------
    clips : Path or None
    songs : list of OriginalSong
    keeps : bool
        Whether a clip that is not in the folder, and is where it was, stays a song's clip.
    """

    def __init__(
        self, library: Database, clips: Path | None, songs: list[OriginalSong], *, keeps: bool
    ) -> None:
        self._library = library
        self._keeps = keeps
        self._stored = library.clips()
        self._root_id, self._root = library.settle_root(clips) if clips else (None, None)
        self._files: dict[str, ScannedFile] = {}
        if clips:
            below = clips.relative_to(self._root)
            found = find_clips(scan_folder(clips), (song.song_id for song in songs))
            self._files = {song_id: file.under(below) for song_id, file in found.items()}

    def look(self, song_id: str, summary: ImportSummary) -> Clip | bool:
        """Return a song's clip that is to be stored, else whether what is stored is to stay."""
        before, file = self._stored.get(song_id), self._files.get(song_id)
        if file is None:
            return self._keeps and before is not None and Path(before[0]).is_file()
        path = self._root / file.native
        if before is not None and before[0] == str(path) and before[1].is_unchanged(file):
            return True
        try:
            return Clip(file, fingerprint(path), open_audio(path).format, _claimed_length_s(path))
        except ExplorerError as error:
            summary.unreadable.append((song_id, str(error)))
        except Exception as error:
            # Whatever a decoder stumbles over costs one clip, and not the others.
            summary.unreadable.append((song_id, f"{file.text} cannot be read ({type(error).__name__})."))
        return False

    def settle(self, song_id: str, place: Clip | bool) -> bool:
        """Store what `look` found; return whether the song has a clip."""
        if isinstance(place, Clip):
            self._library.store_clip(song_id, self._root_id, place)
        elif not place and song_id in self._stored:
            self._library.forget_clip(song_id)
        return bool(place)


def _claimed_length_s(path: Path) -> float:
    """Return how long a clip says that it is: it is shown, and nothing is allocated by it."""
    try:
        return min(_LONGEST_CLAIM_S, max(0.0, float(mutagen.File(path).info.length)))
    except Exception:
        # Damaged tags raise whatever the parser stumbles over, and the sound may be whole.
        stream = open_audio(path)
        for _ in stream.blocks():
            pass
        return stream.duration_s


def _forget_others(library: Database, songs: list[OriginalSong], summary: ImportSummary) -> None:
    gone = set(library.song_ids()) - {song.song_id for song in songs}
    if gone:
        library.forget_songs(gone)
        summary.changed = True
