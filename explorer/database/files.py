"""Queries about root folders and their files, also those that were moved, copied or deleted."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from explorer.database.records import KnownFile, Song
from explorer.database.same_sounds import SameSoundTables
from explorer.database.sqlite_errors import damage_error
from explorer.database.state import ANY, FULL
from explorer.library.music_file import READ_VERSION, WHOLE, Part, ScannedFile
from explorer.library.remote import RemotePath, as_root
from explorer.library.scan_rules import VIDEO_REASON, ScanOptions, merged_options
from explorer.util.text import valid_text

_MAX_ROOTS = 10_000
"""Each page asks about every root whether it may be read; a file from somebody else can have millions."""


class FileTables(SameSoundTables):
    """Queries about the tables roots, files and failures."""

    # Root folders

    def roots(self) -> list[str]:
        """Return the indexed root folders and URLs."""
        roots = [path for (path,) in self._rows(f"SELECT path FROM roots ORDER BY id LIMIT {_MAX_ROOTS + 1}")]
        if len(roots) > _MAX_ROOTS:
            raise damage_error(self.path, f"it has more than {_MAX_ROOTS:,} music folders")
        return roots

    def add_root(self, folder: Path | RemotePath) -> int:
        """Store a root folder, if it is not stored yet, and return its number."""
        with self.transaction():
            self._rows(
                "INSERT OR IGNORE INTO roots(path, name) VALUES (?, ?)", (str(folder), folder.name or "root")
            )
        return self._value("SELECT id FROM roots WHERE path = ?", (str(folder),))

    def find_or_add_root(self, folder: Path | RemotePath) -> tuple[int, Path | RemotePath]:
        """Return the number and path of the root that a folder belongs to.

        A folder inside a root belongs to that root. Otherwise the folder becomes a root, and the roots inside
        it are merged into it. Their songs keep their ids and vectors and are not indexed again. If the user
        chose the same genre source for all of these roots, the new root gets that choice. The choice "folder"
        is not copied, because with it the genres depend on where the root is. The new root gets the scan
        options of all of them.
        """
        for root in map(as_root, self.roots()):
            if folder.is_relative_to(root):
                return self.add_root(root), root
        roots = [(number, as_root(path)) for number, path in self._rows("SELECT id, path FROM roots")]
        inner_roots = [(number, path) for number, path in roots if path.is_relative_to(folder)]
        choices = {self.genre_choice(number) for number, _ in inner_roots}
        scan_options = self.scan_options(folder)
        with self.transaction():
            root_id = self.add_root(folder)
            if len(choices) == 1 and choices.isdisjoint({None, "folder"}):
                self.choose_genres(root_id, *choices)
            self.choose_scan_options(root_id, scan_options)
            for number, path in inner_roots:
                prefix = os.fsencode(path.relative_to(folder).as_posix()) + b"/"
                for table in ("files", "failures"):
                    self._rows(
                        f"UPDATE {table} SET root_id = ?, path = CAST(? || path AS BLOB) WHERE root_id = ?",
                        (root_id, prefix, number),
                    )
                self._rows("DELETE FROM roots WHERE id = ?", (number,))
        return root_id, folder

    def genre_choice(self, root_id: int) -> str | None:
        """Return the source of a root's genres that the user chose, or None if the user made no choice."""
        return self._value("SELECT genres_from FROM roots WHERE id = ?", (root_id,))

    def choose_genres(self, root_id: int, choice: str) -> None:
        """Store the user's choice of a source for a root's genres."""
        with self.transaction():
            self._rows("UPDATE roots SET genres_from = ? WHERE id = ?", (choice, root_id))

    def root_of(self, folder: Path | RemotePath) -> Path | RemotePath | None:
        """Return the root that a folder belongs to, or None."""
        return next((root for root in map(as_root, self.roots()) if folder.is_relative_to(root)), None)

    def scan_options(self, folder: Path | RemotePath) -> ScanOptions:
        """Return the scan options of a folder's root, or those that it gets from the roots inside it."""
        rows = self._rows("SELECT path, scan_options FROM roots ORDER BY id")
        stored = [(as_root(path), self._scan_options(text)) for path, text in rows]
        for root, options in stored:
            if folder.is_relative_to(root):
                return options
        return merged_options(
            options.below(root.relative_to(folder).as_posix())
            for root, options in stored
            if root.is_relative_to(folder)
        )

    def _scan_options(self, text: str) -> ScanOptions:
        try:
            return ScanOptions.from_json(text)
        except (ValueError, TypeError, AttributeError):
            raise damage_error(self.path, "a folder's scan options cannot be read") from None

    def choose_scan_options(self, root_id: int, options: ScanOptions) -> None:
        """Store a root's scan options."""
        with self.transaction():
            self._rows("UPDATE roots SET scan_options = ? WHERE id = ?", (options.to_json(), root_id))

    # Files of a root

    def known_files(self, root_id: int) -> dict[bytes, KnownFile]:
        """Return the stored state of each file of a root, by path.

        A song whose file failed in a later run counts as failed. A file is known only if each of its tracks
        has a coarse or a full vector; `song_id` is that of its first track.
        """
        songs = self._rows(
            f"""SELECT path, size_bytes, modified_ns, min(song_id), 0, gone_since IS NOT NULL,
                   read_version < ?, '', max(track) > 0, sheets_state, min(link_target),
                   min({self._has_vector(FULL)}) = 0
               FROM files WHERE root_id = ? GROUP BY path HAVING min({self._has_vector(ANY)})""",
            (READ_VERSION, root_id),
        )
        failures = self._rows(
            """SELECT path, size_bytes, modified_ns, NULL, 1, 0, read_version < ?, reason, 0, '', NULL, 0
               FROM failures WHERE root_id = ?""",
            (READ_VERSION, root_id),
        )
        return {
            path: KnownFile(
                *state[:3],
                *map(bool, state[3:]),
                reason.endswith(VIDEO_REASON),
                bool(has_tracks),
                sheets_state,
                link_target,
                bool(is_coarse),
            )
            for path, *state, reason, has_tracks, sheets_state, link_target, is_coarse in songs + failures
        }

    def known_files_under(self, folder: Path | RemotePath) -> dict[bytes, KnownFile]:
        """Return the stored state of each file under a folder, by path relative to that folder.

        The folder may be a root, lie inside a root, or contain roots.
        """
        files: dict[bytes, KnownFile] = {}
        for root_id, root in self._rows("SELECT id, path FROM roots ORDER BY id"):
            removed_prefix = added_prefix = b""
            if folder.is_relative_to(root):
                inside = folder.relative_to(root).as_posix()
                removed_prefix = b"" if inside == "." else os.fsencode(inside) + b"/"
            elif as_root(root).is_relative_to(folder):
                added_prefix = os.fsencode(as_root(root).relative_to(folder).as_posix()) + b"/"
            else:
                continue
            for path, known in self.known_files(root_id).items():
                if path.startswith(removed_prefix):
                    files[added_prefix + path.removeprefix(removed_prefix)] = known
        return files

    def song_ids_by_path(self, root_id: int) -> dict[bytes, dict[int, str]]:
        """Return the song ids of each file of a root, by path and number of track, for songs with a vector.

        The track of a song that is a whole file has the number 0.
        """
        song_ids: dict[bytes, dict[int, str]] = {}
        for path, track, song_id in self._rows(
            f"SELECT path, track, song_id FROM files WHERE root_id = ? AND {self._has_vector(ANY)}",
            (root_id,),
        ):
            song_ids.setdefault(path, {})[track] = song_id
        return song_ids

    def paths_of(self, song_ids: Sequence[str]) -> dict[str, str]:
        """Return the path of each song's file, by song id: as text, relative to its root.

        The number of a track follows the path: `album.flac, track 3`.
        """
        rows = self._song_rows(
            """SELECT song_id, files.path, iif(track, ', track ' || track, '')
               FROM json_each(?) CROSS JOIN files ON song_id = json_each.value""",
            (json.dumps(list(song_ids)),),
        )
        return {song_id: path.decode("utf-8", "replace") + track for song_id, path, track in rows}

    def formats_of(self, song_ids: Sequence[str]) -> dict[str, str]:
        """Return the format of each song's file, such as "flac/flac", by song id."""
        rows = self._song_rows(
            "SELECT song_id, format FROM json_each(?) CROSS JOIN files ON song_id = json_each.value",
            (json.dumps(list(song_ids)),),
        )
        return dict(rows)

    def count_files(self, root_id: int) -> int:
        """Return how many songs have a file under a root, including files that are gone."""
        return self._value("SELECT count(*) FROM files WHERE root_id = ?", (root_id,))

    def count_outdated(self) -> int:
        """Return how many songs were read by an older version of this program, and whose files exist."""
        return self._value(
            f"""SELECT count(*) FROM files
                WHERE read_version < ? AND gone_since IS NULL AND {self._has_vector(ANY)}""",
            (READ_VERSION,),
        )

    def preview_start_of(self, fingerprint: str) -> float | None:
        """Return the start of the preview of a file with this fingerprint, in seconds; None if unknown."""
        return self._value(
            "SELECT preview_start_s FROM files WHERE fingerprint = ? AND preview_start_s IS NOT NULL",
            (fingerprint,),
        )

    def preview_starts(self, root_id: int) -> list[tuple[bytes, Part, str, float | None]]:
        """Return where the preview of each song under a root is found, for songs with a full vector.

        Returns
        -------
        list of (path, part, fingerprint, start)
            The song's file, its part of the file, its fingerprint, and the start of its preview in seconds
            from the song's start; None if it is unknown.
        """
        rows = self._rows(
            f"""SELECT path, track, start_s, coalesce(end_s, start_s + duration_s), fingerprint,
                    preview_start_s
                FROM files WHERE root_id = ? AND {self._has_vector(FULL)} ORDER BY path, track""",
            (root_id,),
        )
        return [
            (path, Part(*part) if part[0] else WHOLE, fingerprint, start_s)
            for path, *part, fingerprint, start_s in rows
        ]

    def _store_file(self, song_id: str, root_id: int, song: Song) -> None:
        file, part = song.file, song.part
        self._rows(
            """INSERT OR REPLACE INTO files(
                   song_id, root_id, path, track, start_s, end_s, size_bytes, modified_ns, sheets_state,
                   fingerprint, format, duration_s, preview_start_s, audio_fingerprint, note, read_version,
                   link_target
               ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (
                *(song_id, root_id, file.path, part.track, part.start_s, part.end_s),
                *(file.size_bytes, file.modified_ns, file.sheets_state),
                *(song.fingerprint, song.format, float(song.duration_s)),
                *(song.preview_start_s, song.audio_fingerprint, song.note, READ_VERSION),
                file.link_target,
            ),
        )

    def store_link_targets(self, root_id: int, files: Iterable[ScannedFile]) -> None:
        """Store where links lead from a root's known files now."""
        with self.transaction():
            self._connection.executemany(
                "UPDATE files SET link_target = ? WHERE root_id = ? AND path = ?",
                ((file.link_target, root_id, file.path) for file in files),
            )

    # Failures

    def store_failure(self, root_id: int, file: ScannedFile, reason: str) -> None:
        """Store the reason why a file could not be indexed."""
        # The reason may contain the name of the file, which may not be valid UTF-8.
        reason = valid_text(reason)
        with self.transaction():
            sql = "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?, ?)"
            self._rows(sql, (root_id, file.path, file.size_bytes, file.modified_ns, reason, READ_VERSION))

    def failures(self) -> list[tuple[str, str]]:
        """Return the full path and the reason of each failed file, without the videos."""
        rows = self._rows(
            "SELECT roots.path, failures.path, reason FROM failures JOIN roots ON roots.id = root_id "
            "ORDER BY roots.id, failures.path"
        )
        return [
            (f"{root}/{path.decode('utf-8', 'replace')}", reason)
            for root, path, reason in rows
            if not reason.endswith(VIDEO_REASON)
        ]

    # Files that are gone

    def mark_gone(self, root_id: int, paths: list[bytes], *, since: str) -> None:
        """Store that files are gone, and delete their failures.

        `since` is the time when they were found gone. A file that was marked before keeps its earlier time.
        """
        with self.transaction():
            self._connection.executemany(
                "UPDATE files SET gone_since = ? WHERE root_id = ? AND path = ? AND gone_since IS NULL",
                ((since, root_id, path) for path in paths),
            )
            self._connection.executemany(
                "DELETE FROM failures WHERE root_id = ? AND path = ?", ((root_id, path) for path in paths)
            )

    def unmark_gone(self, root_id: int, paths: list[bytes]) -> None:
        """Store that files which were gone exist again."""
        with self.transaction():
            self._connection.executemany(
                "UPDATE files SET gone_since = NULL WHERE root_id = ? AND path = ?",
                ((root_id, path) for path in paths),
            )

    def gone_songs(self) -> dict[str, str]:
        """Return when the file of each gone song was first found gone (UTC, ISO 8601), by song id."""
        return dict(self._rows("SELECT song_id, gone_since FROM files WHERE gone_since IS NOT NULL"))

    def count_gone(self, root_id: int, folder: bytes = b"") -> int:
        """Return how many songs under a folder of a root are gone. `folder` is empty or ends with `/`."""
        return self._value(
            """SELECT count(*) FROM files
               WHERE gone_since IS NOT NULL AND root_id = ? AND substr(path, 1, ?) = ?""",
            (root_id, len(folder), folder),
        )

    def gone_under(self, root_id: int, folder: bytes = b"") -> list[tuple[str, str]]:
        """Return the song id and the fingerprint of the bytes of each gone song under a folder of a root."""
        return self._rows(
            """SELECT song_id, fingerprint FROM files
               WHERE gone_since IS NOT NULL AND root_id = ? AND substr(path, 1, ?) = ? ORDER BY song_id""",
            (root_id, len(folder), folder),
        )

    def changes_token(self) -> str:
        """Return a text that changes whenever files may have been added, changed, deleted or found again."""
        gone, last = self._rows("SELECT count(*), max(gone_since) FROM files WHERE gone_since IS NOT NULL")[0]
        return f"{self._value('SELECT coalesce(max(id), 0) FROM runs')}-{gone}-{last or ''}"
