"""Which files a folder of music holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from explorer.errors import LibraryError
from explorer.library.records import ScannedFile

AUDIO_EXTENSIONS = frozenset(
    ".aac .ac3 .aif .aifc .aiff .alac .ape .au .caf .dsf .flac .m4a .m4b .mka .mp2 .mp3 .mp4 .mpc .oga .ogg "
    ".opus .tta .w64 .wav .webm .wma .wv".split()
)


def scan_folder(folder: Path) -> Iterator[ScannedFile]:
    """Walk a folder and its subfolders for audio files, in the order of their names.

    Hidden files and folders are passed over. Links are followed, each folder once, so that a link
    to a folder above ends nothing in a loop. What cannot be read is passed over: it may be someone
    else's.

    Raises
    ------
    LibraryError
        If the folder does not exist, or is none.
    """
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise LibraryError(f"{folder} {what}: name the folder that holds your music.")
    yield from _walk(os.fsencode(folder), b"", set())


def _walk(folder: bytes, prefix: bytes, visited: set[tuple[int, int]]) -> Iterator[ScannedFile]:
    try:
        state = os.stat(folder)
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
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
                yield from _walk(entry.path, path + b"/", visited)
            elif _is_audio(entry.name) and entry.is_file():
                state = entry.stat()
                yield ScannedFile(path, state.st_size, state.st_mtime_ns)
        except OSError:
            continue


def _is_audio(name: bytes) -> bool:
    return os.path.splitext(os.fsdecode(name))[1].lower() in AUDIO_EXTENSIONS
