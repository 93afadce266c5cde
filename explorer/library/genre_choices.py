"""Songs' genres, and where a folder's are taken from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from explorer.database.connection import LibraryFile


class GenreTables(LibraryFile):
    """The table songs_genres, and what was chosen for each root."""

    def genres(self) -> dict[str, tuple[str, ...]]:
        """Return the genres of each song that has any, in the order of its tags."""
        found: dict[str, dict[str, None]] = {}
        for song_id, genre in self._rows("SELECT song_id, genre FROM songs_genres ORDER BY rowid"):
            found.setdefault(song_id, {})[genre] = None
        return {song_id: tuple(genres) for song_id, genres in found.items()}

    def genres_of(self, song_id: str) -> tuple[str, ...]:
        """Return one song's genres, each once, in the order of its tags."""
        rows = self._rows("SELECT genre FROM songs_genres WHERE song_id = ? ORDER BY rowid", (song_id,))
        return tuple(dict.fromkeys(genre for (genre,) in rows))

    def store_genres(self, genres: Mapping[str, Iterable[str]]) -> None:
        """Give songs other genres than they have, in one transaction."""
        with self.transaction():
            for song_id, names in genres.items():
                self._store_genres(song_id, names)

    def _store_genres(self, song_id: str, genres: Iterable[str]) -> None:
        self._rows("DELETE FROM songs_genres WHERE song_id = ?", (song_id,))
        for genre in genres:
            self._rows("INSERT INTO songs_genres VALUES (?, ?)", (song_id, genre))

    def genre_choice(self, root_id: int) -> str | None:
        """Return what a root's genres are taken from, or None where nobody chose."""
        return self._value("SELECT genres_from FROM roots WHERE id = ?", (root_id,))

    def choose_genres(self, root_id: int, choice: str) -> None:
        """Remember what a root's genres are taken from."""
        with self.transaction():
            self._rows("UPDATE roots SET genres_from = ? WHERE id = ?", (choice, root_id))

    def song_ids_by_path(self, root_id: int) -> dict[bytes, str]:
        """Return the song of each file under a root that has a vector."""
        return dict(
            self._rows(
                "SELECT path, song_id FROM files JOIN songs_vectors USING (song_id) WHERE root_id = ?",
                (root_id,),
            )
        )
