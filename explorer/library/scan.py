"""Holds what a scan of a folder has found."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from explorer.library.extensions import extension_of, is_cue_sheet, is_song
from explorer.library.music_file import ScannedFile
from explorer.library.scan_rules import FolderRules


@dataclass(frozen=True)
class Scan:
    """The files in a folder. All paths are relative to the root that the scan was given.

    Attributes
    ----------
    files : list of ScannedFile
        In the order of their names.
    sheets : list of ScannedFile
        The cue sheets, in no order.
    prefix : bytes
        The scanned folder's path: empty, or ending with `/`.
    unread : list of bytes
        Files and folders that could not be read. A folder's path is empty or ends with `/`.
    left_out : list of bytes
        Folders, songs, videos and cue sheets that are left out, as hidden ones or those that match a pattern.
    other_files : Counter
        How many files are no songs, by extension.
    video : bool
        Whether videos are songs.
    """

    files: list[ScannedFile] = field(default_factory=list)
    sheets: list[ScannedFile] = field(default_factory=list)
    prefix: bytes = b""
    unread: list[bytes] = field(default_factory=list)
    left_out: list[bytes] = field(default_factory=list)
    other_files: Counter[str] = field(default_factory=Counter)
    video: bool = False

    def __iter__(self) -> Iterator[ScannedFile]:
        """Yield the files."""
        return iter(self.files)

    @property
    def passed_over(self) -> int:
        """How many files are no songs by their names."""
        return self.other_files.total()

    def covers(self, path: bytes) -> bool:
        """Tell whether the scan could read the place of this path, and so would have found a file there."""
        unread = self.unread
        return path.startswith(self.prefix) and not (path in unread or path.startswith(_folders(unread)))

    def those_left_out(self, paths: Iterable[bytes]) -> list[bytes]:
        """Return the paths where there is a file that is left out, by itself or by a folder above it."""
        files, folders = set(self.left_out), _folders(self.left_out)
        return [path for path in paths if path in files or path.startswith(folders)]

    def takes(self, path: bytes, rules: FolderRules) -> bool:
        """Tell whether a file is a song or a cue sheet.

        A file that is none is counted, and one that a rule leaves out is noted.
        """
        text = os.fsdecode(path)
        name = text.rpartition("/")[2]
        song, left_out = is_song(name, video=self.video), rules.leaves_out(text)
        if is_cue_sheet(name):
            if left_out:
                self.left_out.append(path)
            return not left_out
        if is_song(name, video=True) and (left_out or not song):
            # The user may have indexed it before, as a video or without the rule.
            self.left_out.append(path)
        if not song and not left_out:
            self.other_files[extension_of(name)] += 1
        return song and not left_out

    def add(self, file: ScannedFile) -> None:
        """Add a song or a cue sheet."""
        (self.sheets if is_cue_sheet(file.text) else self.files).append(file)


def _folders(paths: list[bytes]) -> tuple[bytes, ...]:
    return tuple(path for path in paths if path[-1:] in (b"", b"/"))
