"""What songs can be told apart and filtered by: artists, year and duration, many songs at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache

from explorer.database.connection import LibraryFile
from explorer.database.records import SongFacts, year_of

_MOST_REMEMBERED = 10_000


class FactTables(LibraryFile):
    """Queries that answer for many songs at once."""

    def facts(self) -> dict[str, SongFacts]:
        """Return the artists, year and duration of every song, by its id."""
        durations = dict(self._rows("SELECT song_id, duration_s FROM files"))
        rows = self._rows(
            """SELECT id, coalesce(info ->> '$.year', ''), coalesce(info ->> '$.album.release_date', ''),
                   info ->> '$.duration_ms' / 1000.0,
                   iif(json_type(info, '$.artists') = 'array', info -> '$.artists', '[]')
               FROM readable_songs"""
        )
        # Songs have many years and artists in common.
        names, years = lru_cache(_MOST_REMEMBERED)(_names), lru_cache(_MOST_REMEMBERED)(year_of)
        return {
            song_id: SongFacts(
                names(artists), years(year) or years(released), durations.get(song_id, duration_s)
            )
            for song_id, year, released, duration_s, artists in rows
        }

    def headings(self, song_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Return the title and the artists of some songs, by their ids; those that are gone are left out."""
        rows = self._rows(
            """SELECT song_id, title, artist
               FROM json_each(?) CROSS JOIN song_texts ON song_id = json_each.value""",
            (json.dumps(list(song_ids)),),
        )
        return {song_id: (title or song_id, artist) for song_id, title, artist in rows}


def _names(artists: str) -> tuple[str, ...]:
    """Read the artists' names, each once, out of any JSON list that a program may have written."""
    try:
        values = [value.get("name") if isinstance(value, dict) else value for value in json.loads(artists)]
    except (ValueError, RecursionError):
        return ()
    names = (str(value) for value in values if isinstance(value, str | int | float))
    return tuple(dict.fromkeys(name for name in names if name))
