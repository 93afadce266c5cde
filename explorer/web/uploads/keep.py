"""Takes a song that is already embedded into a library: its file, its tags and its vector."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from explorer.audio.fingerprints import audio_fingerprint, fingerprint
from explorer.database.database import Database
from explorer.database.records import Song
from explorer.errors import LibraryError
from explorer.indexing.model import is_same_model
from explorer.library.genres import DROPPED
from explorer.library.music_file import ScannedFile
from explorer.library.scanning import AUDIO_EXTENSIONS
from explorer.library.tags import read_tags

_MOST_BYTES = 180
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_CONTAINERS = {"mov": ".m4a", "matroska": ".mka", "asf": ".wma"}


@dataclass(frozen=True)
class Embedded:
    """What embedding made of a file.

    Attributes
    ----------
    vector : np.ndarray [shape=(512,), float64]
    model : dict
        As `Database.model` gives it: what made the vector.
    format : str
        Container and codec.
    duration_s : float
    preview_start_s : float or None
    """

    vector: np.ndarray
    model: dict
    format: str
    duration_s: float
    preview_start_s: float | None = None


def safe_name(name: str) -> str:
    """Return a file's name that every system takes, and that stays in its folder.

    Folders before it, control characters, characters that systems reserve and their device names go;
    the extension stays.
    """
    name = unicodedata.normalize("NFC", name.encode("utf-8", "ignore").decode())
    name = re.split(r"[/\\]", name)[-1]
    name = "".join(letter for letter in name if unicodedata.category(letter) not in ("Cc", "Cf", "Zl", "Zp"))
    name = re.sub(r'[<>:"|?*]', "_", name)
    # A leading dot would hide it from the indexer.
    name = " ".join(name.split()).strip(" .")
    stem, extension = os.path.splitext(name)
    extension = extension.replace(" ", "")[:20]
    stem = stem.rstrip(" .") or "song"
    if _RESERVED.fullmatch(stem):
        stem = f"_{stem}"
    room = _MOST_BYTES - len(extension.encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(" .") + extension


def keep_song(database: Path, file: Path, name: str, embedded: Embedded) -> str:
    """Copy a file into a library's first folder of music, and store it as an index would.

    A song whose very bytes the library has already is not copied again.

    Parameters
    ----------
    name : str
        What it is to be called; `safe_name` is made of it, and a number added where that is taken.

    Returns
    -------
    str
        The song's id.

    Raises
    ------
    LibraryError
        If the library has another model by now, or no folder of music that can be written to.
    LibraryBusyError
        If another program holds the library.
    AudioError
        If the file cannot be read.
    """
    mark = fingerprint(file)
    with Database.open(database, create=False) as library:
        if (known := library.song_with_bytes(mark)) is not None:
            return known
        roots = library.roots()
        if not roots:
            raise LibraryError(f"{database} has no folder of music: run `python run.py index FOLDER` first.")
        root = Path(roots[0])
        copy = _copy_into(root, file, _with_audio_extension(safe_name(name), embedded.format))
        try:
            return _store(library, root, copy, mark, embedded)
        except BaseException:
            _remove(copy)
            raise


def _store(library: Database, root: Path, copy: Path, mark: str, embedded: Embedded) -> str:
    state = copy.stat()
    path = os.fsencode(copy.relative_to(root).as_posix())
    song = Song(
        ScannedFile(path, state.st_size, state.st_mtime_ns),
        read_tags(copy),
        mark,
        embedded.format,
        embedded.duration_s,
        embedded.preview_start_s,
        audio_fingerprint(copy),
    )
    with library.transaction():
        if not is_same_model(library.model(), embedded.model):
            raise LibraryError("The library was made anew with another model meanwhile: drop the song again.")
        return library.store_song(library.add_root(root), song, embedded.vector)


def _copy_into(root: Path, file: Path, name: str) -> Path:
    """Copy a file under a free name: it appears there whole or not at all."""
    if not root.is_dir():
        raise LibraryError(f"The music folder {root} is not there: connect its disk, or index it again.")
    folder = root / DROPPED
    part = folder / f".{secrets.token_hex(8)}.part"
    try:
        folder.mkdir(exist_ok=True)
        if not folder.resolve().is_relative_to(root.resolve()):
            raise LibraryError(f"{folder} leads out of the music folder, so nothing was copied there.")
        with part.open("xb") as target, file.open("rb") as source:
            shutil.copyfileobj(source, target)
        return _under_a_free_name(part, name)
    except OSError as error:
        raise LibraryError(
            f"The song cannot be copied into {folder} ({error.strerror}): check the folder's permissions and "
            "the disk's space."
        ) from error
    finally:
        with suppress(OSError):
            part.unlink()
        with suppress(OSError):
            folder.rmdir()  # Only where it is empty, and so was made in vain.


def _under_a_free_name(part: Path, name: str) -> Path:
    """Rename a file to the first of `name.mp3`, `name (2).mp3`, … that is free; no other is overwritten."""
    stem, extension = os.path.splitext(name)
    number = 1
    while True:
        path = part.with_name(name if number == 1 else f"{stem} ({number}){extension}")
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            number += 1
            continue
        try:
            return part.replace(path)
        except OSError:
            path.unlink()
            raise


def _remove(copy: Path) -> None:
    copy.unlink(missing_ok=True)
    with suppress(OSError):
        copy.parent.rmdir()


def _with_audio_extension(name: str, format: str) -> str:
    """Give a file an extension that an index looks for, where it has none."""
    if os.path.splitext(name)[1].lower() in AUDIO_EXTENSIONS:
        return name
    container = format.partition("/")[0]
    extension = _CONTAINERS.get(container, f".{container}")
    return name + (extension if extension in AUDIO_EXTENSIONS else ".mka")
