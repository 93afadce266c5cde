"""Songs with the same sound, and songs whose files are missed: what a map may leave out."""

from __future__ import annotations

import json
from collections.abc import Sequence

from explorer.database.connection import LibraryFile


class DuplicateTables(LibraryFile):
    """Queries about songs that are there twice, or not any more."""

    def duplicates(self) -> list[list[str]]:
        """Return the songs that have a vector and the same sound as another, in groups.

        The sound's own fingerprint tells, or where a row is of an older version and has none, that of a file
        with the same bytes, or at last that of the bytes.

        Returns
        -------
        list of list of str
            Song ids. The first of a group is the one that stays where duplicates are hidden: a file that is
            there goes before one that is missed, then the shortest path, then the id. Groups are in the
            order of their first.
        """
        rows = self._rows(
            """WITH sounds AS (
                   SELECT song_id, path, gone_since, coalesce(
                       audio_fingerprint, max(audio_fingerprint) OVER (PARTITION BY fingerprint), fingerprint
                   ) AS sound
                   FROM files JOIN songs_vectors USING (song_id)
               )
               SELECT sound, song_id FROM sounds
               WHERE sound IN (SELECT sound FROM sounds GROUP BY sound HAVING count(*) > 1)
               ORDER BY gone_since IS NOT NULL, length(path), song_id"""
        )
        groups: dict[str, list[str]] = {}
        for sound, song_id in rows:
            groups.setdefault(sound, []).append(song_id)
        return sorted(groups.values())

    def gone_songs(self) -> dict[str, str]:
        """Return since when songs' files are missed, UTC as ISO 8601; of those that are not there."""
        return dict(self._rows("SELECT song_id, gone_since FROM files WHERE gone_since IS NOT NULL"))

    def mark_of_changes(self) -> str:
        """Return a mark that is another one when files may have come, gone or changed since."""
        gone, last = self._rows("SELECT count(*), max(gone_since) FROM files WHERE gone_since IS NOT NULL")[0]
        return f"{self._value('SELECT coalesce(max(id), 0) FROM runs')}-{gone}-{last or ''}"

    def paths_of(self, song_ids: Sequence[str]) -> dict[str, str]:
        """Return the paths of some songs' files in their folders of music, as text; not of those without."""
        rows = self._rows(
            "SELECT song_id, files.path FROM json_each(?) CROSS JOIN files ON song_id = json_each.value",
            (json.dumps(list(song_ids)),),
        )
        return {song_id: path.decode("utf-8", "replace") for song_id, path in rows}
