"""Reads the tags of a file: title, artists, album, genres and year."""

from __future__ import annotations

import re
from pathlib import Path

import mutagen
from mutagen.id3 import ID3

from explorer.library.music_file import Tags
from explorer.util.text import unique_ignoring_case, valid_text

# The names of each field in ID3, Vorbis comments, MP4, APEv2 and ASF, in lower case.
_KEYS = {
    "title": ("tit2", "title", "\xa9nam"),
    "artist": ("tpe1", "artist", "\xa9art", "author"),
    "album": ("talb", "album", "\xa9alb", "wm/albumtitle"),
    "genre": ("tcon", "genre", "\xa9gen", "wm/genre"),
    "year": ("tdrc", "tyer", "date", "year", "\xa9day", "wm/year"),
}
_GENRE_SEPARATORS = re.compile(r"\s*[;|\0]\s*|\s+/\s+")
MAX_TEXT_LENGTH = 1_000


def read_tags(path: Path) -> Tags:
    """Read the tags of a file. If they name no title, the title is the file name without extension.

    This never raises an exception: a tag that cannot be read counts as missing.
    """
    fields = _read_fields(path)
    title = " ".join(fields["title"]) or valid_text(path.stem)
    genres = (genre for text in fields["genre"] for genre in _GENRE_SEPARATORS.split(text))
    return Tags(
        title=title,
        artists=unique_ignoring_case(fields["artist"]),
        album=" ".join(fields["album"]),
        genres=unique_ignoring_case(genres),
        year="".join(re.findall(r"\d{4}", " ".join(fields["year"]))[:1]),
    )


def _read_fields(path: Path) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {name: [] for name in _KEYS}
    try:
        tags = mutagen.File(path).tags
        if tags is None:
            return fields
        values = {key.lower(): value for key, value in tags.items()}
        for name, keys in _KEYS.items():
            for key in keys:
                if key in values and not fields[name]:
                    fields[name] = _texts(values[key], as_genres=name == "genre" and isinstance(tags, ID3))
    except Exception:
        # mutagen can raise any exception for damaged tags. The audio may still be undamaged, so go on.
        return fields
    return fields


def _texts(value: object, *, as_genres: bool) -> list[str]:
    if as_genres:  # mutagen replaces the genre numbers of ID3v1, such as "(17)" or "17", with names.
        value = value.genres
    elif hasattr(value, "text"):
        value = value.text
    parts = value if isinstance(value, list | tuple) else [value]
    return [text for text in (_clean(str(part)) for part in parts) if text]


def _clean(text: str) -> str:
    """Replace white space with single spaces, and remove characters that a database or page cannot store."""
    text = valid_text(text).replace("\0", ";")
    return " ".join(text.split())[:MAX_TEXT_LENGTH].strip("; ")
