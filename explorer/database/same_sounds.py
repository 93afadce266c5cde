"""Queries about songs with the same sound: the same file under another path, copies, and duplicates."""

from __future__ import annotations

from explorer.database.records import SameSound
from explorer.database.song_ids import SongIdTables
from explorer.database.state import ANY, FULL, SHOWN
from explorer.errors import ForbiddenFileError
from explorer.library.music_file import READ_VERSION, Fingerprints
from explorer.library.remote import as_root
from explorer.library.stored_paths import locate

_SELECT_SAME_SOUND = """SELECT song_id, root_id, roots.path, files.path, format, duration_s, preview_start_s,
        track, gone_since IS NOT NULL, fingerprint, audio_fingerprint, note
    FROM files JOIN roots ON roots.id = root_id"""


class SameSoundTables(SongIdTables):
    """Queries that find songs by their fingerprints. `which` says which vector a song must have to count."""

    def known_sounds(self, *, which: str = FULL, outdated_too: bool = False) -> set[str]:
        """Return the fingerprints of the bytes and of the audio of all songs with such a vector.

        Songs that an older version of this program read are left out unless `outdated_too`: their vectors may
        be wrong, so no other file may get them.
        """
        rows = self._rows(
            f"""SELECT fingerprint, audio_fingerprint FROM files
                WHERE read_version >= ? AND {self._has_vector(which)}""",
            (0 if outdated_too else READ_VERSION,),
        )
        return {fingerprint for pair in rows for fingerprint in pair if fingerprint}

    def same_sound(
        self, fingerprints: Fingerprints, *, which: str = FULL, outdated: bool = False
    ) -> list[SameSound]:
        """Return the songs that have such a vector and the same bytes or the same audio, ordered by id.

        Songs that an older version of this program read are left out, or returned alone if `outdated`.
        """
        compared = "<" if outdated else ">="
        query = f"{_SELECT_SAME_SOUND} WHERE {self._has_vector(which)} AND read_version {compared} ? AND"
        rows = self._rows(f"{query} fingerprint = ?", (READ_VERSION, fingerprints.fingerprint))
        if fingerprints.audio_fingerprint:
            audio_fingerprint = fingerprints.audio_fingerprint
            rows += self._rows(f"{query} audio_fingerprint = ?", (READ_VERSION, audio_fingerprint))
        songs = {row[0]: _same_sound(row) for row in rows}
        return [songs[song_id] for song_id in sorted(songs)]

    def songs_at(self, root_id: int, path: bytes, *, which: str = ANY) -> list[SameSound]:
        """Return the songs of the file at a path that have such a vector: one, or one for each track."""
        rows = self._rows(
            f"""{_SELECT_SAME_SOUND} WHERE root_id = ? AND files.path = ? AND {self._has_vector(which)}
                ORDER BY track""",
            (root_id, path),
        )
        return [_same_sound(row) for row in rows]

    def song_with_bytes(self, fingerprint: str) -> str | None:
        """Return the id of a song with a shown vector whose file has this fingerprint and exists, or None.

        A file that must not be read (see `locate`) does not count.
        """
        rows = self._rows(
            f"""SELECT song_id, roots.path, files.path, link_target
                FROM files JOIN roots ON roots.id = root_id
                WHERE fingerprint = ? AND {self._has_vector(SHOWN)} ORDER BY song_id""",
            (fingerprint,),
        )
        return next((song_id for song_id, *place in rows if _is_there(*place)), None)

    def duplicates(self) -> list[list[str]]:
        """Return groups of songs that have a shown vector and the same audio.

        Songs are compared by their audio fingerprints. A file that an older version indexed has none: the
        audio fingerprint of another file with the same bytes is used, else the fingerprint of the bytes.

        Returns
        -------
        list of list of str
            Song ids. If the page hides duplicates, it shows the first song of each group. A group is sorted:
            existing files before gone ones, then shorter paths, then lower ids. Groups are sorted by their
            first id.
        """
        # Files that share no fingerprint are left out first: an index finds them, and the rest takes long.
        rows = self._rows(
            f"""WITH sounds AS (
                   SELECT song_id, path, gone_since, coalesce(
                       audio_fingerprint, max(audio_fingerprint) OVER (PARTITION BY fingerprint), fingerprint
                   ) AS sound
                   FROM files WHERE {self._has_vector(SHOWN)} AND (
                       fingerprint IN (
                           SELECT fingerprint FROM files GROUP BY fingerprint HAVING count(*) > 1
                       ) OR audio_fingerprint IN (
                           SELECT audio_fingerprint FROM files WHERE audio_fingerprint IS NOT NULL
                           GROUP BY audio_fingerprint HAVING count(*) > 1
                       )
                   )
               )
               SELECT sound, song_id FROM sounds
               WHERE sound IN (SELECT sound FROM sounds GROUP BY sound HAVING count(*) > 1)
               ORDER BY gone_since IS NOT NULL, length(path), song_id"""
        )
        groups: dict[str, list[str]] = {}
        for sound, song_id in rows:
            groups.setdefault(sound, []).append(song_id)
        return sorted(groups.values())


def _is_there(root: str, path: bytes, link_target: bytes | None) -> bool:
    try:
        return locate(root, path, link_target=link_target).is_file()
    except ForbiddenFileError:
        return False


def _same_sound(row: tuple) -> SameSound:
    """Make a `SameSound` from a row of `_SELECT_SAME_SOUND`."""
    song_id, root_id, root, *rest, track, was_marked_gone, fingerprint, audio_fingerprint, note = row
    fingerprints = frozenset(filter(None, (fingerprint, audio_fingerprint)))
    return SameSound(song_id, root_id, as_root(root), *rest, bool(was_marked_gone), fingerprints, note, track)
