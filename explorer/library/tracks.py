"""Finds the cue sheet of an audio file, beside it or inside it, and makes tracks from it."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

from mutagen.flac import FLAC

from explorer.errors import AudioError
from explorer.library.cue_sheets import (
    MAX_TRACK,
    CueSheet,
    SheetFile,
    SheetTrack,
    decode_cue_sheet,
    parse_cue_sheet,
    problem_of,
)
from explorer.library.ffmpeg_tags import ffmpeg_tags
from explorer.library.genre_texts import split_genres
from explorer.library.music_file import Part, Tags, Track
from explorer.library.remote import RemotePath
from explorer.library.remote_copies import as_local
from explorer.library.tag_blocks import tag_blocks
from explorer.util.text import unique_ignoring_case, valid_text
from explorer.util.years import year_of

MAX_SHEET_BYTES = 1 << 20
MIN_TRACK_S = 1.0
"""A track must be at least this long to be a song."""

_MATROSKA_MARK = b"\x1aE\xdf\xa3"
MAX_SHEETS_READ = 100
"""How many cue sheets of a folder are read, to find the one that names a file."""


CUE_SHEET = "The cue sheet"
"""The beginning of each sentence about a cue sheet that cannot be used."""


def find_tracks(
    path: Path, tags: Tags, *, sheets: Sequence[Path | RemotePath] = ()
) -> tuple[tuple[Track, ...], str]:
    """Return the tracks into which a cue sheet divides an audio file.

    The cue sheets beside the file are tried before one inside it, because a user can see and change them. The
    first sheet that describes the file and can be used decides. The sound before INDEX 01 of the first track,
    data tracks, and tracks shorter than a second are in no track.

    Parameters
    ----------
    path : Path
        The audio file.
    tags : Tags
        The file's tags: they fill in what the sheet does not name.
    sheets : sequence of Path or RemotePath
        The cue sheets in the file's folder. `part_about` decides which of them describe the file.

    Returns
    -------
    tracks : tuple of Track
        In the order of the sheet, at least two; or empty if no sheet divides the file.
    problem : str
        A sentence that says why the first sheet that describes the file cannot be used; empty if no sheet
        describes it, or one is used.
    """
    first_problem = ""
    for name, sheet, file in _descriptions(path, sheets):
        problem = problem_of(sheet, file)
        if not problem:
            tracks = tuple(_tracks(sheet, file, tags))
            return tracks if len(tracks) > 1 else (), ""
        first_problem = first_problem or f"{name} {problem}: it was not used."
    return (), first_problem


def note_of_sound(note: str) -> str:
    """Return a song's note without a sentence about a cue sheet, which is the last one."""
    return note.partition(CUE_SHEET)[0].strip()


def part_about(audio_name: str, sheet: CueSheet, *, sheet_name: str) -> SheetFile | None:
    """Return the part of a cue sheet that is about an audio file, or None.

    A FILE line names the audio file if their names are equal, or equal without their extensions: sheets often
    name the .wav from which the file was made. If no FILE line does, a sheet with only one FILE belongs to
    the file that it is named after.
    """
    name, stem = _plain(audio_name), _stem(audio_name)
    names = [_plain(re.split(r"[\\/]", file.name)[-1]) for file in sheet.files]
    for is_match in (lambda text: text == name, lambda text: stem in (text, _stem(text))):
        for file, text in zip(sheet.files, names, strict=True):
            if is_match(text):
                return file
    return sheet.files[0] if len(sheet.files) == 1 and is_named_after(sheet_name, audio_name) else None


def is_named_after(sheet_name: str, audio_name: str) -> bool:
    """Tell whether a sheet is `album.cue` or `album.flac.cue` beside `album.flac`."""
    return _stem(sheet_name) in (_stem(audio_name), _plain(audio_name))


def _plain(name: str) -> str:
    """Return a name without the differences that systems make: capital letters and composed letters."""
    return unicodedata.normalize("NFC", valid_text(name)).casefold()


def _stem(name: str) -> str:
    return os.path.splitext(_plain(name))[0]


def _descriptions(
    path: Path, sheets: Sequence[Path | RemotePath]
) -> Iterator[tuple[str, CueSheet, SheetFile]]:
    """Yield the name of each cue sheet that describes a file, the sheet, and its part about the file."""
    by_name = sorted(sheets, key=lambda sheet: (not is_named_after(sheet.name, path.name), sheet.name))
    for sheet_path in by_name[:MAX_SHEETS_READ]:
        sheet = _read_sheet(sheet_path)
        if file := part_about(path.name, sheet, sheet_name=sheet_path.name):
            yield f"{CUE_SHEET} {valid_text(sheet_path.name)}", sheet, file
    for sheet in _embedded_sheets(path):
        # Its FILE line may have any name. If it has several, it describes the files of another album.
        if len(sheet.files) == 1:
            yield f"{CUE_SHEET} in the file", sheet, sheet.files[0]


def _read_sheet(path: Path | RemotePath) -> CueSheet:
    try:
        with as_local(path) as copy, copy.open("rb") as file:
            data = file.read(MAX_SHEET_BYTES + 1)
    except (OSError, AudioError) as error:
        reason = getattr(error, "strerror", "") or error
        return CueSheet(problem=f"cannot be read ({reason})", files=[SheetFile()])
    if len(data) > MAX_SHEET_BYTES:
        return CueSheet(problem="is larger than 1 MB", files=[SheetFile()])
    return parse_cue_sheet(decode_cue_sheet(data))


def _embedded_sheets(path: Path) -> Iterator[CueSheet]:
    """Yield the cue sheets inside a file: those of its tags first, because they have titles."""
    blocks: list[CueSheet] = []
    with suppress(OSError), path.open("rb") as file:
        for block in tag_blocks(file):
            with suppress(Exception):  # Damaged tags can raise any exception.
                yield from map(
                    parse_cue_sheet, _sheet_texts(block.tags if isinstance(block, FLAC) else block)
                )
                if isinstance(block, FLAC) and block.cuesheet and block.info.sample_rate:
                    blocks.append(_sheet_of_block(block.cuesheet, block.info.sample_rate))
        file.seek(0)
        if file.read(4) == _MATROSKA_MARK:
            # mutagen does not read Matroska.
            with suppress(AudioError):
                yield from map(parse_cue_sheet, ffmpeg_tags(path).get("cuesheet", ()))
    yield from blocks


def _sheet_texts(tags: object) -> Iterator[str]:
    """Yield the values of tags named CUESHEET: Vorbis comments, ID3 (TXXX), APEv2, MP4 and ASF."""
    for key in list(tags.keys()):
        if key.lower().rpartition(":")[2] == "cuesheet":
            value = getattr(tags[key], "text", tags[key])
            for part in value if isinstance(value, list | tuple) else [value]:
                text = decode_cue_sheet(bytes(part)) if isinstance(part, bytes) else str(part)
                if len(text) <= MAX_SHEET_BYTES:
                    yield text


def _sheet_of_block(block: object, rate_hz: int) -> CueSheet:
    """Convert a FLAC file's CUESHEET block, which has no titles, to a cue sheet."""
    tracks = []
    for track in block.tracks:
        offsets = {index.index_number: index.index_offset for index in track.indexes}
        # The last track, 170 on a CD and 255 elsewhere, marks the end.
        if 1 <= track.track_number <= MAX_TRACK and offsets:
            offset = track.start_offset + offsets.get(1, min(offsets.values()))
            tracks.append(SheetTrack(track.track_number, track.type == 0, start_s=offset / rate_hz))
    return CueSheet(files=[SheetFile(tracks=tracks)])


def _tracks(sheet: CueSheet, file: SheetFile, tags: Tags) -> Iterator[Track]:
    """Yield the songs in a file. Each ends where the next track starts."""
    ends = [*(track.start_s for track in islice(file.tracks, 1, None)), None]
    for track, end_s in zip(file.tracks, ends, strict=True):
        if track.is_audio and (end_s is None or end_s - track.start_s >= MIN_TRACK_S):
            yield Track(Part(track.number, track.start_s, end_s), _track_tags(sheet, track, tags))


def _track_tags(sheet: CueSheet, track: SheetTrack, tags: Tags) -> Tags:
    artists = unique_ignoring_case(name.strip() for name in (track.performer or sheet.performer).split(";"))
    genres = unique_ignoring_case(split_genres(track.genre or sheet.genre))
    year = year_of(track.date or sheet.date)
    return Tags(
        title=track.title or f"Track {track.number:02d}",
        artists=artists or tags.artists,
        album=sheet.title or tags.album or tags.title,
        genres=genres or tags.genres,
        year=str(year) if year else tags.year,
        artists_from_name=tags.artists_from_name and not artists,
    )
