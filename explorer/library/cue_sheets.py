"""Parses cue sheets: texts that name the tracks of a long audio file, and say where they start.

The format is that of CDRWIN, with what other programs write: https://wiki.hydrogenaud.io/index.php?title=Cue_sheet
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

from explorer.library.languages import ENCODINGS
from explorer.library.music_file import Tags
from explorer.library.text_encoding import decode_folder
from explorer.util.text import decode_unicode, one_line

FRAMES_PER_S = 75
"""A position in a cue sheet is in minutes, seconds and frames of a CD: `74:12:33`."""

MAX_TRACK = 99
MAX_TEXT_LENGTH = 1_000

_LINE_END = re.compile(r"\r\n|\r|\n")
_POSITION = re.compile(r"(\d{1,4}):(\d{1,2})(?:[:.](\d{1,2}))?")


@dataclass
class SheetTrack:
    """A track in a cue sheet.

    Attributes
    ----------
    is_audio : bool
        False for the data track of a mixed CD.
    title, performer, genre, date : str
        Empty if the sheet does not name them.
    start_s : float or None
        The position of INDEX 01 in the file; None if the track has none.
    """

    number: int
    is_audio: bool = True
    title: str = ""
    performer: str = ""
    genre: str = ""
    date: str = ""
    start_s: float | None = None


@dataclass
class SheetFile:
    """A FILE line of a cue sheet, and the tracks in this file.

    Attributes
    ----------
    name : str
        As the sheet writes it, perhaps with folders. Empty for tracks before the first FILE line.
    """

    name: str = ""
    tracks: list[SheetTrack] = field(default_factory=list)


@dataclass
class CueSheet:
    """A cue sheet.

    Attributes
    ----------
    title, performer, genre, date : str
        Of the album; empty if the sheet does not name them.
    files : list of SheetFile
    problem : str
        Why the sheet cannot be used: the end of a sentence that begins with the sheet's name. Empty if all
        its lines can be read.
    """

    title: str = ""
    performer: str = ""
    genre: str = ""
    date: str = ""
    problem: str = ""
    files: list[SheetFile] = field(default_factory=list)


def parse_cue_sheet(text: str) -> CueSheet:
    """Parse a cue sheet. Unknown lines are ignored.

    A track belongs to the file in which its sound begins: the FILE line before its INDEX 01. Its pause
    (INDEX 00) may be at the end of the file before. PREGAP and POSTGAP are silence that no file contains.
    """
    sheet = CueSheet()
    file = SheetFile()
    tracks: list[SheetTrack] = []
    for line in _LINE_END.split(text.replace("\t", " ")):
        command, rest = _command(line)
        if command == "REM":
            command, rest = _command(rest)
            is_text = command in ("GENRE", "DATE")
        else:
            is_text = command in ("TITLE", "PERFORMER")
        if is_text:
            setattr(tracks[-1] if tracks else sheet, command.lower(), _unquoted(rest))
        elif command == "FILE":
            file = _file_of(sheet, _file_name(rest))
        elif command == "TRACK":
            tracks.append(_track(sheet, rest))
        elif command == "INDEX" and tracks:
            _add_index(sheet, file, tracks[-1], rest)
    if missing := [track for track in tracks if track.is_audio and track.start_s is None]:
        sheet.problem = sheet.problem or f"gives track {missing[0].number} no INDEX 01"
    return sheet


def _command(line: str) -> tuple[str, str]:
    """Split a line into its first word, in capital letters, and the rest."""
    command, _, rest = line.strip().partition(" ")
    return command.upper(), rest.strip()


def _unquoted(text: str) -> str:
    """Return the text between the first and the last quotation mark, on one line."""
    if text.startswith('"'):
        text = text[1:].rpartition('"')[0] if text.count('"') > 1 else text[1:]
    return one_line(text)[:MAX_TEXT_LENGTH]


def _file_name(rest: str) -> str:
    """Return the name in a FILE line. The last word is the file's type, such as WAVE."""
    if rest.startswith('"') and rest.count('"') > 1:
        return rest[1:].rpartition('"')[0]
    return rest.lstrip('"').rpartition(" ")[0] or rest.lstrip('"')


def _file_of(sheet: CueSheet, name: str) -> SheetFile:
    """Return the file with this name: a sheet may name one file before each of its tracks."""
    if (file := next((file for file in sheet.files if file.name == name), None)) is None:
        file = SheetFile(name)
        sheet.files.append(file)
    return file


def _track(sheet: CueSheet, rest: str) -> SheetTrack:
    number, _, kind = rest.partition(" ")
    if not (number.isascii() and number.isdigit() and 1 <= int(number[:9]) <= MAX_TRACK):
        sheet.problem = sheet.problem or f"has a track {number[:20]!r}, but tracks have the numbers 1 to 99"
        number = "1"
    return SheetTrack(int(number), kind.strip().upper() in ("AUDIO", ""))


def _add_index(sheet: CueSheet, file: SheetFile, track: SheetTrack, rest: str) -> None:
    """Add a track to the file where its sound begins."""
    number, _, text = rest.partition(" ")
    if number not in ("1", "01"):
        return
    position = _POSITION.fullmatch(text.strip())
    minutes, seconds, frames = (int(part or 0) for part in position.groups()) if position else (0, 60, 0)
    if seconds >= 60 or frames >= FRAMES_PER_S:
        sheet.problem = sheet.problem or f"starts track {track.number} at {text[:20]!r}, which is no position"
    elif track.start_s is not None:
        sheet.problem = sheet.problem or f"starts track {track.number} twice"
    else:
        track.start_s = minutes * 60 + seconds + frames / FRAMES_PER_S
        if not sheet.files:
            sheet.files.append(file)
        file.tracks.append(track)


def problem_of(sheet: CueSheet, file: SheetFile) -> str:
    """Return why a file's part of a cue sheet cannot be used, as the end of a sentence; empty if it can."""
    if sheet.problem or not file.tracks:
        return sheet.problem or "names no track"
    for before, track in pairwise(file.tracks):
        if track.start_s <= before.start_s:
            return f"does not start track {track.number} after track {before.number}"
    numbers = [track.number for track in file.tracks]
    repeated = [number for number in numbers if numbers.count(number) > 1]
    return f"has two tracks {repeated[0]}" if repeated else ""


def decode_cue_sheet(data: bytes) -> str:
    """Decode the bytes of a cue sheet: UTF-8, UTF-16, or else a national encoding, if it is sure."""
    try:
        return decode_unicode(data)
    except UnicodeDecodeError:
        return _decode_national(data)


def _decode_national(data: bytes) -> str:
    """Decode a cue sheet that is not in Unicode: all its texts together, as the tags of a folder.

    If they prove one encoding, it is also that of a text which is too short to prove it, such as the name in
    a FILE line. Other texts are read as Windows-1252.
    """
    lines = data.splitlines()
    texts = {line: line.strip().partition(b" ")[2].decode("latin-1") for line in lines if not line.isascii()}
    decoded = decode_folder([Tags(text, ("the artist of all",)) for text in texts.values()])
    found = dict(zip(texts, decoded, strict=True))
    names = {name for song in decoded for name in song.encodings}
    codec = next((encoding.codec for encoding in ENCODINGS if names == {encoding.name}), "cp1252")
    return "\n".join(
        f"{line.split()[0].decode('latin-1')} {found[line].tags.title}"
        if line in found and found[line].encodings
        else _decode_line(line, codec)
        for line in lines
    )


def _decode_line(line: bytes, codec: str) -> str:
    try:
        return line.decode(codec)
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")
