"""Decides which files and folders of a root are left out: hidden ones, those of the system, and patterns."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import PurePosixPath
from typing import Self

from pathspec import GitIgnoreSpec

from explorer.errors import LibraryError
from explorer.util.text import decode_unicode

IGNORE_FILES = frozenset((".nomedia", ".ndignore", ".plexignore"))
"""Files that leave their folder out. `.nomedia` (Android) always does so; the others (Navidrome, Plex) do so
if they are empty, and otherwise hold one pattern a line."""

MAX_IGNORE_FILE_BYTES = 1 << 20

VIDEO_REASON = "is a video: --video indexes the sound of videos."
"""The end of the reason that is stored for a file with moving pictures."""

_SYSTEM_FOLDERS = frozenset(
    name.casefold()
    for name in (
        # Synology, QNAP, NetApp
        *("#recycle", "#snapshot", "@eaDir", "@tmp", "@sharesnap", "@SynoResource"),
        *("@Recycle", "@Recently-Snapshot", "@Transcode", "~snapshot"),
        # Windows
        *("$RECYCLE.BIN", "RECYCLE.BIN", "RECYCLER", "RECYCLED", "System Volume Information", "$Extend"),
        # macOS, and Linux after a repair of the file system
        *("__MACOSX", "Network Trash Folder", "Temporary Items", "TheVolumeSettingsFolder", "lost+found"),
    )
)
_REPAIRED = re.compile(r"found\.\d{3}", re.IGNORECASE)
"""Folders in which Windows puts parts of damaged files."""


@dataclass(frozen=True)
class ScanOptions:
    """What the user chose for a root. The library remembers it.

    Attributes
    ----------
    video : bool
        Videos are songs too.
    exclude : tuple of str
        Patterns as in a .gitignore file in the root: what they match is left out.
    cue : bool
        Cue sheets divide files into songs.
    """

    video: bool = False
    exclude: tuple[str, ...] = ()
    cue: bool = True

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the options that `to_json` stored; later versions may have stored others too."""
        stored = json.loads(text)
        return cls(bool(stored.get("video")), tuple(stored.get("exclude", ())), bool(stored.get("cue", True)))

    def to_json(self) -> str:
        """Return the options as text."""
        return json.dumps(asdict(self))

    def updated(self, *, video: bool | None, exclude: Sequence[str] | None, cue: bool | None = None) -> Self:
        """Return the options with those that a user gives now; None keeps the earlier choice.

        Raises
        ------
        LibraryError
            If a pattern is not valid.
        """
        changes: dict = {} if video is None else {"video": video}
        changes |= {} if cue is None else {"cue": cue}
        if exclude is not None:
            # In a file, "#" begins a comment; in an option, it begins the name of a folder such as "#old".
            changes["exclude"] = tuple(
                f"\\{pattern}" if pattern.startswith("#") else pattern
                for pattern in exclude
                if pattern.strip()
            )
            for pattern in changes["exclude"]:
                if _spec([pattern]) is None:
                    raise LibraryError(f"--exclude {pattern!r} is no pattern: write it as in .gitignore.")
        return replace(self, **changes)

    def unmatched(self, left_out: Sequence[bytes]) -> list[str]:
        """Return the patterns that match none of the paths that a scan of the whole root left out."""
        paths = [os.fsdecode(path) for path in left_out]
        return [
            pattern
            for pattern in self.exclude
            if not pattern.startswith("!") and not any(map(_spec([pattern]).match_file, paths))
        ]

    def below(self, folder: str) -> Self:
        """Return the options as those of a root that contains this one as `folder`, a path such as "a/b"."""
        return replace(self, exclude=tuple(_below(folder, pattern) for pattern in self.exclude))


def merged_options(options: Iterable[ScanOptions]) -> ScanOptions:
    """Return the options of a root that is made of several roots: no song of theirs may be left out."""
    options = list(options)
    patterns = dict.fromkeys(pattern for each in options for pattern in each.exclude)
    # Without a root, cue sheets are used.
    cue = any(each.cue for each in options) or not options
    return ScanOptions(any(each.video for each in options), tuple(patterns), cue)


def ignore_text(data: bytes) -> str:
    """Decode an ignore file. Bytes that are not Unicode can match names of files that are not either."""
    try:
        return decode_unicode(data[:MAX_IGNORE_FILE_BYTES])
    except UnicodeDecodeError:
        return data[:MAX_IGNORE_FILE_BYTES].decode("utf-8", "surrogateescape")


def is_hidden(name: str) -> bool:
    """Tell whether a file or a folder is hidden: its name begins with one dot, as macOS's `._song.mp3` does.

    Names that begin with two or three dots are those of music: "...Baby One More Time".
    """
    return name.startswith(".") and not name.startswith("..")


def is_system_folder(name: str) -> bool:
    """Tell whether a folder belongs to a system: a recycle bin, old states of files, or damaged files."""
    return name.casefold() in _SYSTEM_FOLDERS or _REPAIRED.fullmatch(name) is not None


@dataclass(frozen=True)
class FolderRules:
    """Tells which files and folders of one folder are left out.

    Attributes
    ----------
    excluded : GitIgnoreSpec or None
        The user's patterns, which no ignore file changes.
    specs : tuple of (int, GitIgnoreSpec)
        Patterns of the ignore files of the root and of the folders down to this one. The number is the length
        of the path of the folder that they belong to: they match what follows it.
    """

    excluded: GitIgnoreSpec | None = None
    specs: tuple[tuple[int, GitIgnoreSpec], ...] = ()

    @classmethod
    def above(
        cls, folder: str, options: ScanOptions, read: Callable[[str], Mapping[str, str]]
    ) -> Self | None:
        """Return the rules of the folder above a folder, or None if that is left out.

        Parameters
        ----------
        folder : str
            Relative to the root: empty for the root, which gets the rules of the user, or ending with `/`.
        read : callable
            Returns the contents of the ignore files in a folder, by name in lower case.
        """
        rules: Self | None = cls(_spec(options.exclude))
        above = ""
        for part in PurePosixPath(folder).parts:
            if (rules := rules.inside(above, read(above))) is None:
                return None
            above += f"{part}/"
        return rules

    def inside(self, folder: str, ignore_files: Mapping[str, str]) -> Self | None:
        """Return the rules for the entries of a folder, or None if the folder is left out.

        Parameters
        ----------
        folder : str
            Relative to the root: empty for the root, which is never left out, or ending with `/`.
        ignore_files : mapping of str to str
            Contents of the ignore files in it, by name in lower case.
        """
        if folder and self.leaves_out(folder):
            return None
        specs = self.specs
        for name, text in ignore_files.items():
            lines = [line for line in map(str.strip, text.splitlines()) if line and not line.startswith("#")]
            if folder and (name == ".nomedia" or not lines):
                return None
            if name != ".nomedia" and (spec := _spec(lines)):
                specs += ((len(folder), spec),)
        return replace(self, specs=specs)

    def leaves_out(self, path: str) -> bool:
        """Tell whether a path relative to the root is left out; that of a folder ends with `/`."""
        name = path.rstrip("/").rpartition("/")[2]
        if is_hidden(name) or (path.endswith("/") and is_system_folder(name)):
            return True
        if self.excluded and self.excluded.match_file(_composed(path)):
            return True
        # As for .gitignore: the patterns of the deepest folder decide, also those that begin with "!".
        found = (spec.check_file(_composed(path[length:])).include for length, spec in reversed(self.specs))
        return next((include for include in found if include is not None), False)


def _spec(patterns: Sequence[str]) -> GitIgnoreSpec | None:
    """Return the compiled patterns without the invalid ones; None if there is none left."""
    valid = []
    for pattern in map(_composed, patterns):
        try:
            valid += GitIgnoreSpec.from_lines([pattern]).patterns
        except ValueError:
            continue
    return GitIgnoreSpec(valid) if any(pattern.include is not None for pattern in valid) else None


def _composed(text: str) -> str:
    """Return a text with accents as macOS and other systems type them: both forms of é are equal."""
    return unicodedata.normalize("NFC", text)


def _below(folder: str, pattern: str) -> str:
    """Return a pattern of a folder as a pattern of a folder above it."""
    sign = "!" if pattern.startswith("!") else ""
    pattern = pattern.removeprefix("!")
    anywhere = "" if "/" in pattern.rstrip("/") else "**/"
    escaped = re.sub(r"([*?\[\]\\])", r"\\\1", folder)
    return f"{sign}/{escaped}/{anywhere}{pattern.removeprefix('/')}"
