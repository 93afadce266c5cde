"""Which files a folder of music holds."""

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
    """What a walk of a folder found.

    Attributes
    ----------
    files : list of ScannedFile
        In the order of their names.
    folder : bytes
        Which folder was walked, as the files' paths begin: empty, or ending with `/`.
    unread : list of bytes
        Files and folders that could not be looked at: what lies there is unknown, and not gone.
    """

    files: list[ScannedFile]
    folder: bytes = b""
    unread: list[bytes] = field(default_factory=list)

    def __iter__(self) -> Iterator[ScannedFile]:
        """Yield the files."""
        return iter(self.files)

    def under(self, folder: Path) -> Scan:
        """Return the same as seen from further up: paths begin with a folder's."""
        prefix = b"" if folder == Path() else os.fsencode(folder.as_posix()) + b"/"
        return Scan(
            [file.under(folder) for file in self.files], prefix, [prefix + path for path in self.unread]
        )

    def would_have_found(self, path: bytes) -> bool:
        """Tell whether a file of that path lies where the walk has looked."""
        # A folder's path ends with "/", and the root's own is empty.
        folders = [unread for unread in self.unread if unread[-1:] in (b"", b"/")]
        return path.startswith(self.folder) and not (path in self.unread or path.startswith(tuple(folders)))


def scan_folder(folder: Path | RemotePath) -> Scan:
    """Walk a folder or a URL and its subfolders for audio files, in the order of their names.

    Hidden files and folders are passed over. Links are followed, each folder once, so that a link
    to a folder above ends nothing in a loop. What cannot be read is passed over, and noted: it may be
    someone else's, or on a disk that fails.

    Raises
    ------
    LibraryError
        If the folder does not exist, or is none.
    """
    if isinstance(folder, RemotePath):
        return Scan(remote_files(folder, is_audio=lambda name: _is_audio(os.fsencode(name))))
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise LibraryError(f"{folder} {what}: name the folder that holds your music.")
    unread: list[bytes] = []
    return Scan(list(_walk(os.fsencode(folder), b"", set(), unread)), b"", unread)


def _walk(
    folder: bytes, prefix: bytes, visited: set[tuple[int, int]], unread: list[bytes]
) -> Iterator[ScannedFile]:
    try:
        state = os.stat(folder)
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
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
            elif _is_audio(entry.name) and entry.is_file():
                state = entry.stat()
                yield ScannedFile(path, state.st_size, _within_64_bits(state.st_mtime_ns))
        except OSError:
            unread.append(path)


def _within_64_bits(modified_ns: int) -> int:
    """Return a time as a database can hold it: clocks and file systems have been seen in the year 2400."""
    return max(-(1 << 63), min((1 << 63) - 1, modified_ns))


def _is_audio(name: bytes) -> bool:
    return os.path.splitext(os.fsdecode(name))[1].lower() in AUDIO_EXTENSIONS
