"""Queries about the tags of songs as they were read, before their text was decoded.

A song whose text was decoded keeps the text that was read in its info, under the key `raw`. Storing the song
again, for example because its tags changed, removes that key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from explorer.database.songs import SongTables
from explorer.library.music_file import Tags

_UNFINISHED = "tags_undecoded"


@dataclass(frozen=True)
class StoredTags:
    """The tags of an indexed song.

    Attributes
    ----------
    raw : Tags
        As they were read, without the year.
    shown : Tags
        The same, but decoded if the library has decoded them.
    """

    raw: Tags
    shown: Tags


class RawTagTables(SongTables):
    """Queries that decoding the text of tags needs."""

    def indexed_paths(self, root_id: int | None = None) -> dict[str, tuple[int, bytes]]:
        """Return the root and the path of the file of each song; of all roots if `root_id` is None."""
        rows = self._rows(
            "SELECT song_id, root_id, path FROM files WHERE ? IS NULL OR root_id = ? ORDER BY root_id, path",
            (root_id, root_id),
        )
        return {song_id: (root_id, path) for song_id, root_id, path in rows}

    def stored_tags(self, song_ids: Sequence[str]) -> dict[str, StoredTags]:
        """Return the tags of songs, by song id. Imported songs are left out."""
        rows = self._song_rows(
            """SELECT readable_songs.id, info
               FROM json_each(?) CROSS JOIN readable_songs ON readable_songs.id = json_each.value
               WHERE json_type(info, '$.path') = 'text' AND json_type(info, '$.name') = 'text'
                   AND json_type(info, '$.artists') = 'array' AND json_type(info, '$.album.name') = 'text'""",
            (json.dumps(list(song_ids)),),
        )
        stored = {}
        for song_id, info in rows:
            genres = self.genres_of(song_id)
            try:
                info = json.loads(info)
                shown = _tags(info, genres)
                raw = info.get("raw")
                stored[song_id] = StoredTags(_tags(raw, raw.get("genres", genres)) if raw else shown, shown)
            except (AttributeError, LookupError, TypeError, ValueError):
                self._leave_out(song_id, "its info has another form")
        return stored

    def store_decoded_tags(self, songs: Mapping[str, StoredTags]) -> None:
        """Store the decoded text of songs and the text that was read, in one transaction."""
        with self.transaction():
            for song_id, tags in songs.items():
                if tags.raw == tags.shown:
                    new, sql = _as_info(tags.shown), "json_remove(json_patch(info, ?), '$.raw')"
                else:
                    raw = _as_info(tags.raw) | {"genres": tags.raw.genres}
                    new, sql = _as_info(tags.shown) | {"raw": raw}, "json_patch(info, ?)"
                self._rows(
                    f"UPDATE songs SET info = {sql} WHERE id = ?",
                    (json.dumps(new, ensure_ascii=False), song_id),
                )
                if self.genres_of(song_id) != tags.shown.genres:
                    self._store_genres(song_id, tags.shown.genres)

    def raw_genres(self) -> dict[str, tuple[str, ...]]:
        """Return the genres of each song that has genres, as they were read."""
        rows = self._song_rows(
            "SELECT id, info -> '$.raw.genres' FROM readable_songs WHERE info -> '$.raw.genres' IS NOT NULL"
        )
        return self.genres() | {song_id: tuple(json.loads(genres)) for song_id, genres in rows}

    def store_raw_genres(self, genres: Mapping[str, tuple[str, ...]]) -> None:
        """Replace the genres of songs by genres that are not decoded, in one transaction."""
        with self.transaction():
            self.store_genres(genres)
            for song_id in genres:
                self._rows(
                    """UPDATE songs SET info = json_remove(info, '$.raw.genres')
                       WHERE id = ? AND info -> '$.raw.genres' IS NOT NULL""",
                    (song_id,),
                )

    # An index run decodes tags after it has stored songs, and may be killed in between.

    def has_undecoded_tags(self) -> bool:
        """Return whether songs were stored whose tags were not examined yet."""
        return bool(self._state(_UNFINISHED, bool))

    def store_undecoded_tags(self, value: bool) -> None:
        """Store whether there may be songs whose tags were not examined yet."""
        with self.transaction():
            self._store_state(_UNFINISHED, value)


def _tags(info: dict, genres: Sequence[str]) -> Tags:
    return Tags(
        info["name"],
        tuple(artist["name"] for artist in info["artists"]),
        info["album"]["name"],
        tuple(genres),
    )


def _as_info(tags: Tags) -> dict:
    return {
        "name": tags.title,
        "artists": [{"name": name} for name in tags.artists],
        "album": {"name": tags.album},
    }
