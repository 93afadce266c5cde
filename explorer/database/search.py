"""Searches songs by words in their titles, artists, albums and genres, ignoring accents and case."""

from __future__ import annotations

import re

from explorer.database.connection import LibraryConnection

# At most this many matches of a query are read and sorted. If there are more, SQLite chooses which.
_MAX_MATCHES = 400
_MAX_TEXT_LENGTH = 200
_WORD = re.compile(r"\w+")


class SearchTables(LibraryConnection):
    """Full-text search with SQLite's FTS5."""

    def search(self, text: str) -> list[str]:
        """Find the songs that match a text.

        A song matches if each word of the text is the beginning of a word in its title, artist, album or
        genres. The order is: titles that begin with the text; titles that contain all words; songs whose
        title, artist and album together contain all words; songs that match only because of a genre. If no
        song matches, the text is searched as a substring of titles and artists, then of genres. This also
        finds text in scripts without spaces between words, such as Chinese.

        Returns
        -------
        list of str
            Ids of at most 400 songs, in this order.
        """
        # Remove lone surrogates, which a browser may send and UTF-8 cannot encode.
        text = text[:_MAX_TEXT_LENGTH].encode("utf-8", "ignore").decode("utf-8")
        words = _WORD.findall(text)
        matches: dict[str, None] = {}
        if words:
            quoted = [f'"{word}"' for word in words]
            phrase = " + ".join(quoted)
            prefixes = " AND ".join(f"{word} *" for word in quoted)
            without_genres = f"{{title artist album}} : ({prefixes})"
            for query in (f"title : ^ {phrase} *", f"title : ({prefixes})", without_genres, prefixes):
                matches.update(dict.fromkeys(self._ids_by_query(query)))
                if len(matches) >= _MAX_MATCHES:
                    break
        if not matches and text.strip():
            matches.update(dict.fromkeys(self._ids_by_substring(text.strip())))
        return list(matches)[:_MAX_MATCHES]

    def _ids_by_query(self, query: str) -> list[str]:
        rows = self._rows(
            """SELECT song_id, song_texts.title FROM song_words JOIN song_texts ON number = song_words.rowid
               WHERE song_words MATCH ? LIMIT ?""",
            (query, _MAX_MATCHES),
        )
        return [song_id for song_id, title in sorted(rows, key=lambda row: (len(row[1]), row[1], row[0]))]

    def _ids_by_substring(self, text: str) -> list[str]:
        escaped = re.sub(r"([%_\\])", r"\\\1", text)
        contains = r"LIKE '%' || ?1 || '%' ESCAPE '\'"
        rows = self._rows(
            f"""SELECT song_id FROM (
                    SELECT song_id, title,
                        title {contains} OR artist {contains} AS by_name, genres {contains} AS by_genre
                    FROM song_texts
                )
                WHERE by_name OR by_genre ORDER BY by_name DESC, length(title), title, song_id LIMIT ?2""",
            (escaped, _MAX_MATCHES),
        )
        return [song_id for (song_id,) in rows]
