"""Takes title and artist from the name of a file whose tags do not name them.

The name is read carefully: a title that is wrong is worse than a title with a number too many.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_SPACED_DASH = re.compile(r"\s+[-–—]\s+")
_TRACK_NUMBER = re.compile(
    r"""(?:
        0?[1-9]-\d{2}(?:\.?\s+|\s+-\s+)            # 1-03 Title: disc and track
      | 0\d(?:\s*[.)]|\s*[-–—])(?:\s+|(?=[^\d\s]))  # 01. Title, 01 - Title, 01-Title; not 01.02.2003
      | 0\d\s+                                      # 01 Title
      | [1-9]\d?(?:[.)]\s+|\s+[-–—]\s+)             # 12. Title, 12 - Title; not 99 Luftballons
      | \d{3}[.)]\s+                                # 101. Title; not 311 - Amber
      | 0\d{2}\s*[-–—]\s+                           # 001 - Title
      | (?i:cd|dis[ck])\s?\d{1,2}\s+[-–—]\s+(?:\d{1,3}\s+[-–—]\s+)?  # Disc 1 - 03 - Title
      | (?i:track)\s?\d{1,3}\s+[-–—]\s+            # Track 03 - Title
    )(?=[^\s–—-])""",
    re.VERBOSE,
)
_NUMBER_PART = re.compile(r"(?:[1-9]-)?\d{1,3}")
"""A part of a name that is only a track number, as in "Artist - Album - 03 - Title"."""
_VERSION = re.compile(
    r"\(?(?:(?:\d{4} )?(?:digital(?:ly)? )?(?:re-?)?master(?:ed)?(?: \d{4})?|live\b.*|acoustic|instrumental"
    r"|demo|mono|stereo|(?:\w+ )?(?:re)?mix|(?:\w+ )?(?:edit|version)|bonus(?: track)?|outtake"
    r"|part \w+|pt\.? \w+|0\d+)\)?",
    re.IGNORECASE,
)
"""What may follow a dash after the title: "Title - Live" names no artist."""


class SongName(NamedTuple):
    """The title and the artists of a song.

    Attributes
    ----------
    artists_from_name : bool
        Whether the artists come from the name of the file.
    """

    title: str
    artists: tuple[str, ...] = ()
    artists_from_name: bool = False


def name_song(stem: str, *, title: str = "", artists: tuple[str, ...] = ()) -> SongName:
    """Complete the title and artists of a song's tags with what the name of its file says.

    Parameters
    ----------
    stem : str
        The name of the file without its extension. The names of folders are not used: a folder above an album
        may be an artist, a genre, a year or a label.
    title, artists : str, tuple of str
        What the tags say. They are never changed.

    Returns
    -------
    SongName
        A name without a pattern, such as "7 Seconds", "99 Luftballons" or "1979", is the title as it is. The
        artist of the name is taken only if the tags name none, and either name no title or the same one.
    """
    if title and artists:
        return SongName(title, artists)
    named_title, named_artist = parse_name(stem)
    if title:
        agree = named_artist and named_title.casefold() == title.casefold()
        return SongName(title, (named_artist,), True) if agree else SongName(title)
    if not artists:
        return SongName(named_title, (named_artist,), True) if named_artist else SongName(named_title)
    known = {", ".join(artists).casefold(), *(name.casefold() for name in artists)}
    if named_artist and named_artist.casefold() not in known:
        # The part before the dash belongs to the title.
        return SongName(_without_number(stem), artists)
    return SongName(named_title, artists)


def parse_name(stem: str) -> tuple[str, str]:
    """Return the title and the artist that a file's name, without extension, says; "" if it names no artist.

    The forms are `Artist - Title`, `01 - Artist - Title`, `Artist - Album - 01 - Title`, `01 Title`,
    `01. Title`, `1-03 Title` and `12 - Title`, also with underscores for spaces. Anything else is a title.
    """
    rest = _without_number(stem)
    first, *others = _SPACED_DASH.split(rest)
    number = next((i for i, part in enumerate(others[:-1]) if _NUMBER_PART.fullmatch(part)), None)
    title = " - ".join(others if number is None else others[number + 1 :])
    if not title or not _names_an_artist(first) or (len(others) == 1 and _VERSION.fullmatch(title)):
        return rest, ""
    return _without_number(title) if number is None else title, first


def _without_number(stem: str) -> str:
    """Return a name without the track number at its start."""
    stem = stem.strip()
    spaced = stem if " " in stem else stem.replace("_", " ")
    is_pattern = _TRACK_NUMBER.match(spaced) or (spaced != stem and _SPACED_DASH.search(spaced))
    name = spaced if is_pattern else stem
    number = _TRACK_NUMBER.match(name)
    return name[number.end() :] if number else name


def _names_an_artist(text: str) -> bool:
    """Return whether a text can be an artist. A bare number is more probably a track number or a year."""
    return any(character.isalpha() for character in text)
