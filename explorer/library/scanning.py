"""Lists the audio files in a folder of music."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from explorer.errors import LibraryError
from explorer.library.music_file import ScannedFile
from explorer.library.remote import RemotePath
from explorer.library.scanning_remote import remote_files

AUDIO_EXTENSIONS = frozenset(
    ".aac .ac3 .aif .aifc .aiff .alac .ape .au .caf .dsf .flac .m4a .m4b .mka .mp2 .mp3 .mp4 .mpc .oga .ogg "
    ".opus .tta .w64 .wav .webm .wma .wv".split()
)


@dataclass(frozen=True)
class Scan:
    """The files in a folder. All paths are relative to the root that the scan was given.

    Attributes
    ----------
    files : list of ScannedFile
        In the order of their names.
    prefix : bytes
        The scanned folder's path: empty, or ending with `/`.
    unread : list of bytes
        Files and folders that could not be read. A folder's path is empty or ends with `/`.
    """

    files: list[ScannedFile]
    prefix: bytes = b""
    unread: list[bytes] = field(default_factory=list)

    def __iter__(self) -> Iterator[ScannedFile]:
        """Yield the files."""
        return iter(self.files)

    def covers(self, path: bytes) -> bool:
        """Tell whether the scan would have found a file with this path: no folder above it was unreadable."""
        folders = tuple(unread for unread in self.unread if unread[-1:] in (b"", b"/"))
        return path.startswith(self.prefix) and not (path in self.unread or path.startswith(folders))


def scan_folder(folder: Path | RemotePath, *, root: Path | RemotePath | None = None) -> Scan:
    """List the audio files in a folder or below a URL, in the order of their names.

    Hidden files and folders are skipped. Links are followed; each folder is entered only once, so a link to
    a folder above is no endless loop. Files and folders that cannot be read are skipped and noted.

    Parameters
    ----------
    folder : Path or RemotePath
        The folder to list.
    root : Path or RemotePath, optional
        The folder that paths are relative to: `folder` or a folder above it. None for `folder`.

    Raises
    ------
    LibraryError
        If the folder does not exist or is a file, or a remote server cannot be reached.
    """
    prefix = folder_prefix(folder, root or folder)
    if isinstance(folder, RemotePath):
        return Scan(remote_files(folder, prefix=prefix, is_audio=is_audio), prefix)
    if not folder.is_dir():
        problem = "is not a folder" if folder.exists() else "does not exist"
        raise LibraryError(f"{folder} {problem}: name the folder that holds your music.")
    unread: list[bytes] = []
    return Scan(list(_walk(os.fsencode(folder), prefix, set(), unread)), prefix, unread)


def folder_prefix(folder: Path | RemotePath, root: Path | RemotePath) -> bytes:
    """Return what the paths of a folder's files begin with, relative to a root: empty, or ending with `/`."""
    inside = folder.relative_to(root)
    return b"" if inside == Path() else os.fsencode(inside.as_posix()) + b"/"


def _walk(
    folder: bytes, prefix: bytes, visited: set[tuple[int, int]], unread: list[bytes]
) -> Iterator[ScannedFile]:
    try:
        state = os.stat(folder)
        with os.scandir(folder) as iterator:
            entries = sorted(iterator, key=lambda entry: entry.name)
    except OSError:
        unread.append(prefix)
        return
    if (state.st_dev, state.st_ino) in visited:
        return
    visited.add((state.st_dev, state.st_ino))
    for entry in entries:
        if entry.name.startswith(b"."):
            continue
        path = prefix + entry.name
        try:
            if entry.is_dir():
                yield from _walk(entry.path, path + b"/", visited, unread)
            elif is_audio(os.fsdecode(entry.name)) and entry.is_file():
                state = entry.stat()
                yield ScannedFile(path, state.st_size, _clip_to_64_bits(state.st_mtime_ns))
        except OSError:
            unread.append(path)


def _clip_to_64_bits(modified_ns: int) -> int:
    """Clip a time to what SQLite can store: some file systems report times in the year 2400."""
    return max(-(1 << 63), min((1 << 63) - 1, modified_ns))


def is_audio(name: str) -> bool:
    """Tell whether a file's name has the extension of an audio file."""
    return os.path.splitext(name)[1].lower() in AUDIO_EXTENSIONS
