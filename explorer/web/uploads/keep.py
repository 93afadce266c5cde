"""Adds an uploaded and embedded song to the library: copies its file and stores its tags and vector."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from explorer.audio.fingerprints import fingerprint
from explorer.database.database import Database
from explorer.database.records import Song
from explorer.embedding.song_windows import RawWindows
from explorer.errors import ExplorerError, LibraryError
from explorer.indexing.decode_tags import decode_dropped_song
from explorer.indexing.keep_windows import WindowKeeper
from explorer.indexing.model import is_same_model
from explorer.library.confirmed_roots import is_confirmed, require_confirmed
from explorer.library.extensions import AUDIO_EXTENSIONS, extension_of
from explorer.library.genres import DROPPED_FOLDER
from explorer.library.music_file import Fingerprints, ScannedFile
from explorer.library.remote import as_root
from explorer.library.scanning import scan_folder
from explorer.util.commands import command_line
from explorer.web.security import RefusedError
from explorer.web.sound_jobs import SoundJobs
from explorer.web.uploads.upload_folder import require_space

_MAX_NAME_BYTES = 180
# Windows reserves these names for devices.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_PART = re.compile(r"\.[0-9a-f]{16}\.part")
_OLD_PART_S = 600.0
_CONTAINERS = {"mov": ".m4a", "matroska": ".mka", "asf": ".wma"}


@dataclass(frozen=True)
class EmbeddedFile:
    """The result of embedding a file.

    Attributes
    ----------
    vector : np.ndarray [shape=(512,), float64]
    model : dict
        The model that made the vector, as `Database.model` returns it.
    format : str
        Container and codec, such as "mp3/mp3".
    duration_s : float
    preview_start_s : float or None
        Where its preview begins; None if unknown.
    note : str
        A sentence about what was unusual about the sound; usually empty.
    coarse : np.ndarray [shape=(512,), float64] or None
        The vector of a few windows, if the library showed such vectors when the file was embedded.
    windows : RawWindows or None
        The song's windows; None if they are not kept.
    """

    vector: np.ndarray
    model: dict
    format: str
    duration_s: float
    preview_start_s: float | None = None
    note: str = ""
    coarse: np.ndarray | None = None
    windows: RawWindows | None = None


def safe_name(name: str) -> str:
    """Return a file name that is valid on every system and cannot lead out of its folder.

    Removes the names of folders, control characters and leading dots. Replaces reserved characters, and
    changes reserved device names. Keeps the extension.
    """
    name = unicodedata.normalize("NFC", name.encode("utf-8", "ignore").decode())
    name = re.split(r"[/\\]", name)[-1]
    name = "".join(letter for letter in name if unicodedata.category(letter) not in ("Cc", "Cf", "Zl", "Zp"))
    name = re.sub(r'[<>:"|?*]', "_", name)
    # A name that begins with a dot is hidden.
    name = " ".join(name.split()).strip(" .")
    stem, extension = os.path.splitext(name)
    extension = extension.replace(" ", "")[:20]
    stem = stem.rstrip(" .") or "song"
    if _RESERVED.fullmatch(stem):
        stem = f"_{stem}"
    max_bytes = _MAX_NAME_BYTES - len(extension.encode())
    return stem.encode()[:max_bytes].decode("utf-8", "ignore").rstrip(" .") + extension


def keep_song(database: Path, file: Path, name: str, embedded: EmbeddedFile, *, jobs: SoundJobs) -> str:
    """Copy a file into the first music folder on this computer, and store it as `index` would.

    If the library has a file with the same bytes, nothing is copied.

    Parameters
    ----------
    name : str
        The wanted file name; `safe_name` is applied, and a number is added if a file has that name.
    jobs : SoundJobs
        Reads the file.

    Returns
    -------
    str
        The song's id; that of the existing song if the library has the same bytes.

    Raises
    ------
    LibraryError
        If the library's model has changed since the song was embedded, or it has no writable music folder on
        this computer that the user gave.
    LibraryBusyError
        If another program is writing to the library.
    AudioError
        If the file cannot be read.
    RefusedError
        If the disk is nearly full, or `jobs` has too much to do.
    """
    file_fingerprint = fingerprint(file)
    with Database.open(database, create=False) as library:
        if (known := library.song_with_bytes(file_fingerprint)) is not None:
            return known
        root = _music_folder(library)
        require_space(root, file.stat().st_size)
        copy = _copy_into(root, file, _with_audio_extension(safe_name(name), embedded.format))
        try:
            _check_that_scans_find(library, root, copy)
            # The copy is read, because its name can be a part of its tags.
            song_id = _store(library, root, copy, jobs.fingerprints(copy), embedded)
        except BaseException:
            _remove(copy)
            raise
        # Where this fails, the next index run measures the song.
        with suppress(ExplorerError, RefusedError):
            library.store_features(song_id, jobs.features(copy))
        return song_id


def _music_folder(library: Database) -> Path:
    """Return the first music folder that the user gave on this computer, and that is present."""
    roots = library.roots()
    if not roots:
        command = command_line("index FOLDER", database=library.path)
        raise LibraryError(f"{library.path} has no music folder: run `{command}` first.")
    for root in map(as_root, roots):
        with suppress(OSError):
            if isinstance(root, Path) and is_confirmed(root) and root.is_dir():
                return root
    require_confirmed(roots[0])
    raise LibraryError(
        f"The music folder {roots[0]} is missing or on another computer: connect its disk, or index a folder "
        "of this computer."
    )


def _check_that_scans_find(library: Database, root: Path, copy: Path) -> None:
    """Raise if the next index run would leave the song out, and so mark it as missing."""
    scan = scan_folder(copy.parent, root=root, options=library.scan_options(root))
    if copy.name not in {Path(file.native).name for file in scan}:
        raise LibraryError(
            f"{copy.relative_to(root)} is left out of {root} by --exclude or by an ignore file: the song was "
            "not copied."
        )


def _store(
    library: Database, root: Path, copy: Path, fingerprints: Fingerprints, embedded: EmbeddedFile
) -> str:
    state = copy.stat()
    path = os.fsencode(copy.relative_to(root).as_posix())
    song = Song(
        ScannedFile(path, state.st_size, state.st_mtime_ns),
        fingerprints.tags,
        fingerprints.fingerprint,
        embedded.format,
        embedded.duration_s,
        embedded.preview_start_s,
        fingerprints.audio_fingerprint,
        embedded.note,
    )
    with library.transaction():
        if not is_same_model(library.model(), embedded.model):
            raise LibraryError("The library was indexed again with another model: drop the song again.")
        coarse = embedded.coarse if library.shows_coarse() else None
        song_id = library.store_song(library.add_root(root), song, embedded.vector, coarse=coarse)
        if embedded.windows is not None and library.keeps_windows():
            keeper = WindowKeeper(library)
            keeper.store(song_id, embedded.windows)
            keeper.finish()
        decode_dropped_song(library, song_id)
        library.unify_genre_spellings()
        return song_id


def _copy_into(root: Path, file: Path, name: str) -> Path:
    """Copy a file into the folder of dropped songs, under a free name. If this fails, no file is left."""
    folder = root / DROPPED_FOLDER
    partial = folder / f".{secrets.token_hex(8)}.part"
    try:
        folder.mkdir(exist_ok=True)
        if not folder.resolve().is_relative_to(root.resolve()):
            raise LibraryError(
                f"{folder} leads outside the music folder through a link: the song was not copied."
            )
        _remove_old_parts(folder)
        with partial.open("xb") as target, file.open("rb") as source:
            shutil.copyfileobj(source, target)
        return _under_a_free_name(partial, name)
    except OSError as error:
        raise LibraryError(
            f"The song cannot be copied into {folder} ({error.strerror}): check the folder's permissions and "
            "the disk's space."
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink()
        with suppress(OSError):
            folder.rmdir()  # Fails unless the folder is empty, so only an unused new folder is removed.


def _remove_old_parts(folder: Path) -> None:
    """Remove the partial copies of servers that were killed: nobody has written to them for a while."""
    for path in folder.iterdir():
        if _PART.fullmatch(path.name) and path.stat().st_mtime < time.time() - _OLD_PART_S:
            path.unlink(missing_ok=True)


def _under_a_free_name(file: Path, name: str) -> Path:
    """Rename a file to the first free name of `name.mp3`, `name (2).mp3`, …; no file is overwritten."""
    stem, extension = os.path.splitext(name)
    number = 1
    while True:
        path = file.with_name(name if number == 1 else f"{stem} ({number}){extension}")
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            number += 1
            continue
        try:
            return file.replace(path)
        except OSError:
            path.unlink()
            raise


def _remove(copy: Path) -> None:
    copy.unlink(missing_ok=True)
    with suppress(OSError):
        copy.parent.rmdir()


def _with_audio_extension(name: str, format: str) -> str:
    """Add an extension that the indexer accepts, if the name has none."""
    if extension_of(name) in AUDIO_EXTENSIONS:
        return name
    container = format.partition("/")[0]
    extension = _CONTAINERS.get(container, f".{container}")
    return name + (extension if extension in AUDIO_EXTENSIONS else ".mka")
