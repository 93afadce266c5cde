"""Finding songs by the words of their titles, artists, albums and genres, accents and case aside."""

from __future__ import annotations

import re

from explorer.database.connection import LibraryFile

# So many that answer to a search are ranked; of more than that any will do.
_MOST_CANDIDATES = 400
_LONGEST_TEXT = 200
_WORD = re.compile(r"\w+")


class SearchTables(LibraryFile):
    """The index of words: SQLite's FTS5."""

    def search(self, text: str) -> list[str]:
        """Find songs in which words begin with every word of a text.

        Titles that begin with the text come first, then titles with all the words, then songs with the
        words in title, artist and album together, then those that need their genres for it. Where no
        word begins so, titles, artists and at last genres that hold the text anywhere, as in scripts that
        do not part words.

        Returns
        -------
        list of str
            Ids of at most 400 songs, the best first.
        """
        # A browser may send half of a character, which UTF-8 cannot say.
        text = text[:_LONGEST_TEXT].encode("utf-8", "ignore").decode("utf-8")
        words = _WORD.findall(text)
        found: dict[str, None] = {}
        if words:
            quoted = [f'"{word}"' for word in words]
            phrase = " + ".join(quoted)
            prefixes = " AND ".join(f"{word} *" for word in quoted)
            named = f"{{title artist album}} : ({prefixes})"
            for query in (f"title : ^ {phrase} *", f"title : ({prefixes})", named, prefixes):
                found.update(dict.fromkeys(self._ids_matching(query)))
                if len(found) >= _MOST_CANDIDATES:
                    break
        if not found and text.strip():
            found.update(dict.fromkeys(self._ids_holding(text.strip())))
        return list(found)[:_MOST_CANDIDATES]

    def _ids_matching(self, query: str) -> list[str]:
        rows = self._rows(
            """SELECT song_id, song_texts.title FROM song_words JOIN song_texts ON number = song_words.rowid
               WHERE song_words MATCH ? LIMIT ?""",
            (query, _MOST_CANDIDATES),
        )
        return [song_id for song_id, title in sorted(rows, key=lambda row: (len(row[1]), row[1], row[0]))]

    def _ids_holding(self, text: str) -> list[str]:
        escaped = re.sub(r"([%_\\])", r"\\\1", text)
        holds = r"LIKE '%' || ?1 || '%' ESCAPE '\'"
        rows = self._rows(
            f"""SELECT song_id FROM (
                    SELECT song_id, title,
                        title {holds} OR artist {holds} AS by_name, genres {holds} AS by_genre
                    FROM song_texts
                )
                WHERE by_name OR by_genre ORDER BY by_name DESC, length(title), title, song_id LIMIT ?2""",
            (escaped, _MOST_CANDIDATES),
        )
        return [song_id for (song_id,) in rows]
