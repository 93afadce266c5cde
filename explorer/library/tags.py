"""Reads the tags of a file: title, artists, album, genres, year, tempo and key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import mutagen
from mutagen.flac import FLAC
from mutagen.ogg import OggFileType

from explorer.library.ffmpeg_tags import ffmpeg_tags
from explorer.library.genre_texts import split_genres
from explorer.library.music_file import Tags
from explorer.library.names import name_song
from explorer.library.tag_blocks import tag_blocks
from explorer.library.text_encoding import collapse_spaces
from explorer.util.text import text_of, unique_ignoring_case, valid_text
from explorer.util.years import year_of

MAX_TEXT_LENGTH = 1_000
_MAX_VALUES = 1_000
_MAX_NAMES = 2_000
"""FFmpeg does not read files with more fields: its time grows with the square of their number."""

_KEYS = {
    "title": ("tit2", "title", "\xa9nam", "track/title"),
    "artist": ("tpe1", "artist", "\xa9art", "author", "track/artist"),
    "album artist": (
        "tpe2",
        "albumartist",
        "album artist",
        "album_artist",
        "aart",
        "wm/albumartist",
        "album/artist",
        "band",
        "ensemble",
        "performer",
    ),
    "album": ("talb", "album", "\xa9alb", "wm/albumtitle", "album/title", "product"),
    "genre": ("tcon", "genre", "\xa9gen", "wm/genre"),
    # The date of this edition, else of the first edition, else of a release: players show DATE and TDRC as
    # the year, and Picard writes the date of the edition there.
    "year": (
        *("tdrc", "tyer", "date", "year", "\xa9day", "wm/year", "record date", "date_recorded"),
        *(
            "tdor",
            "tory",
            "originaldate",
            "originalyear",
            "original date",
            "original year",
            "origyear",
            "origdate",
        ),
        *("wm/originalreleasetime", "wm/originalreleaseyear", "original_date", "original_year"),
        *("tdrl", "releasedate", "release date", "releasetime", "date_released", "album/date_released"),
        *("album/date_recorded", "release_date"),
    ),
    "bpm": ("tbpm", "bpm", "tmpo", "wm/beatsperminute", "beatsperminute", "tempo"),
    "key": ("tkey", "initialkey", "initial key", "initial_key", "wm/initialkey", "key"),
}
"""The names of each field in ID3, Vorbis comments, MP4, APEv2, ASF and FFmpeg, in lower case, best first."""

_WANTED = ("title", "artist", "album", "genre", "year")
_NAMES = frozenset(name for names in _KEYS.values() for name in names)
_PREFIX = re.compile(r"(?:txxx:|----:[^:]*:)?(.*)", re.DOTALL)
"""What ID3 and MP4 write before the name of a field that has no short name of its own."""

_NOBODY = re.compile(
    r"v\.? ?a\.?|various( artists?(\(s\))?)?|var(ios|i) artist(as|i)|artistes divers|unknown( artist)?"
    r"|(verschiedene|diverse)( interpreten| k[üu]nstler| artiesten)?",
    re.IGNORECASE,
)
"""An album artist that names nobody."""

_Texts = dict[str, list[str]]


def read_tags(path: Path) -> Tags:
    """Read the tags of a file. If no tag names a title, the file's name does: see `name_song`.

    This never raises an exception: a tag that cannot be read counts as missing.
    """
    fields = _read_fields(path)
    artists = fields["artist"] or [name for name in fields["album artist"] if not _NOBODY.fullmatch(name)]
    song = name_song(
        valid_text(path.stem), title=" ".join(fields["title"]), artists=unique_ignoring_case(artists)
    )
    return Tags(
        title=song.title,
        artists=song.artists,
        album=" ".join(fields["album"]),
        genres=unique_ignoring_case(fields["genre"]),
        year="".join(fields["year"][:1]),
        artists_from_name=song.artists_from_name,
        bpm="".join(fields["bpm"][:1]),
        key="".join(fields["key"][:1]),
    )


def _read_fields(path: Path) -> _Texts:
    """Return the texts of each field, from the first source that has the field.

    FFmpeg is the last source: it reads more formats than mutagen, but shortens lists and loses repetitions.
    It is asked only if a field is missing, so well-tagged files cost no time.
    """
    fields: _Texts = {name: [] for name in _KEYS}
    uncertain: _Texts = {name: [] for name in _KEYS}
    for texts in _sources(path):
        for name, keys in _KEYS.items():
            found = next(filter(None, (_field(name, texts.get(key, ())) for key in keys)), [])
            # U+FFFD: mutagen has lost bytes that are not UTF-8, but FFmpeg may have them.
            target = uncertain if "\ufffd" in "".join(found) else fields
            target[name] = target[name] or found
        if all(fields[name] for name in _WANTED):
            break
    return {name: fields[name] or uncertain[name] for name in _KEYS}


def _sources(path: Path) -> Iterator[_Texts]:
    """Yield the texts of each block of tags, by lower-case name."""
    n_names, ffmpeg_knows_more = 0, True
    with suppress(OSError), path.open("rb") as file:
        for block in tag_blocks(file):
            with suppress(Exception):  # Damaged tags can raise any exception here too.
                tags = block.tags if isinstance(block, mutagen.FileType) else block
                n_names += len(tags or ())
                texts = _texts_by_name(tags or {})
                # FFmpeg reads the same Vorbis comments. It knows more only if mutagen has lost bytes.
                ffmpeg_knows_more &= not isinstance(block, FLAC | OggFileType) or "\ufffd" in str(texts)
                yield texts
    if not ffmpeg_knows_more or n_names > _MAX_NAMES:
        return
    with suppress(Exception):  # For example AudioError, or a path that is not text.
        yield ffmpeg_tags(path)


def _texts_by_name(tags: mutagen.Metadata | dict) -> _Texts:
    texts: _Texts = {}
    for key in tags.keys():  # noqa: SIM118  Iterating over Vorbis comments yields pairs.
        name = _PREFIX.fullmatch(key.lower())[1]
        if name in _NAMES:
            texts.setdefault(name, list(_texts(tags[key])))
    return texts


def _texts(value: object) -> Iterator[str]:
    """Yield each text of a value: an ID3 frame, an ASF or APEv2 value, bytes, a text, or a list of these."""
    if hasattr(value, "text"):
        value = value.text
    for part in value if isinstance(value, list | tuple) else [value]:
        text = text_of(bytes(part)) if isinstance(part, bytes) else str(part)
        yield from text.split("\0", _MAX_VALUES)[:_MAX_VALUES]


def _field(name: str, texts: Iterable[str]) -> list[str]:
    """Return the values of a field: clean, without empty ones, and split where a text holds several."""
    values = [text for text in map(_clean, texts) if text]
    if name == "genre":
        return [genre for text in values for genre in split_genres(text)]
    if name == "year":
        return [str(year) for text in values if (year := year_of(text))]
    if name == "bpm":  # Many programs write 0 for an unknown tempo.
        return [text for text in values if text.strip("0., ")]
    if "artist" in name:
        return [name for text in values for part in text.split(";") if (name := part.strip(" "))]
    return values


def _clean(text: str) -> str:
    """Replace white space with single spaces, and remove characters that a database or page cannot store."""
    # Some programs write a byte order mark before each text; in UTF-8, mutagen takes it for a letter.
    return collapse_spaces(valid_text(text).replace("\ufeff", ""))[:MAX_TEXT_LENGTH].strip("; ")
