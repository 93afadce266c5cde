"""Searches songs by words in their titles, artists, albums and genres, in any spelling: see `spelling.py`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from explorer.database.connection import LibraryConnection
from explorer.database.spelling import other_spelling, plain_spelling, words_of

MAX_MATCHES = 400
"""At most this many matches of a query are read and sorted. If there are more, SQLite chooses which."""
_MAX_TEXT_LENGTH = 200


class SearchTables(LibraryConnection):
    """Full-text search with SQLite's FTS5."""

    def search(self, text: str) -> list[str]:
        """Find the songs that match a text.

        A song matches if each word of the text is the beginning of a word in its title, artist, album or
        genres; accents, case and marks inside words are ignored. The order is: titles that begin with the
        text; titles that contain all words; songs whose title, artist and album together contain all words;
        songs that match only because of a genre. If no song matches, the text is searched as a substring of
        titles and artists, then of genres. This also finds text in scripts without spaces between words, such
        as Chinese.

        Returns
        -------
        list of str
            Ids of at most 400 songs, in this order.
        """
        text = _searchable(text)
        return self._ids_by_queries(_queries(text)) or (self._ids_by_substring(text) if text else [])

    def search_names(self, text: str) -> list[str]:
        """Find the songs that a text may name, in any spelling.

        Returns
        -------
        list of str
            Ids of at most 400 songs: those whose title is the text; if there are none, those whose titles
            contain all words; then those whose title, artist and album together contain all words; then those
            whose title or artist contains the text. A text without words finds nothing.
        """
        text = _searchable(text)
        queries = _queries(text)
        if not queries:
            return []
        by_title, by_name = queries[:2], queries[2:3]
        return (
            self._ids_by_title(text)
            or self._ids_by_queries(by_title)
            or self._ids_by_queries(by_name)
            or self._ids_by_substring(text, in_genres=False)
        )

    def _ids_by_title(self, text: str) -> list[str]:
        rows = self._rows(
            """SELECT song_id FROM song_spellings JOIN song_texts USING (number)
               WHERE song_spellings.title IN (?1, ?2) OR other_title IN (?1, ?2) ORDER BY song_id LIMIT ?3""",
            (plain_spelling(text), other_spelling(text), MAX_MATCHES),
        )
        return [song_id for (song_id,) in rows]

    def _ids_by_queries(self, queries: Sequence[str]) -> list[str]:
        """Return the ids that FTS5 queries find, those of the first query first."""
        matches: dict[str, None] = {}
        for query in queries:
            matches.update(dict.fromkeys(self._ids_by_query(query)))
            if len(matches) >= MAX_MATCHES:
                break
        return list(matches)[:MAX_MATCHES]

    def _ids_by_query(self, query: str) -> list[str]:
        rows = self._rows(
            """SELECT song_id, song_texts.title FROM song_words JOIN song_texts ON number = song_words.rowid
               WHERE song_words MATCH ? LIMIT ?""",
            (query, MAX_MATCHES),
        )
        return [song_id for song_id, title in sorted(rows, key=lambda row: (len(row[1]), row[1], row[0]))]

    def _ids_by_substring(self, text: str, *, in_genres: bool = True) -> list[str]:
        escaped = re.sub(r"([%_\\])", r"\\\1", plain_spelling(text))
        contains = r"LIKE '%' || ?1 || '%' ESCAPE '\'"
        rows = self._rows(
            f"""SELECT song_id FROM (
                    SELECT number,
                        title {contains} OR artist {contains} AS by_name, ?3 AND genres {contains} AS by_genre
                    FROM song_spellings
                ) JOIN song_texts USING (number)
                WHERE by_name OR by_genre ORDER BY by_name DESC, length(title), title, song_id LIMIT ?2""",
            (escaped, MAX_MATCHES, in_genres),
        )
        return [song_id for (song_id,) in rows]


def _searchable(text: str) -> str:
    """Return the start of a text without lone surrogates: browsers send them, but UTF-8 has none."""
    return text[:_MAX_TEXT_LENGTH].encode("utf-8", "ignore").decode("utf-8").strip()


def _queries(text: str) -> list[str]:
    """Return FTS5 queries for the words of a text, the best matches first; none if the text has no words."""
    # The words of one part may match in either of its spellings: in "AC/DC don't", `ac dc` and `dont`.
    parts = list(filter(None, map(_spellings, text.split())))
    if not parts:
        return []
    whole = dict.fromkeys(
        " + ".join(_quoted(words_of(spell(text)))) for spell in (plain_spelling, other_spelling)
    )
    phrases = " OR ".join(f"^ {phrase} *" for phrase in whole if phrase)
    words = " AND ".join(f"({' OR '.join(part)})" for part in parts)
    titles, names = "title other_title", "title other_title artist other_artist album other_album"
    return [f"{{{titles}}} : ({phrases})", f"{{{titles}}} : ({words})", f"{{{names}}} : ({words})", words]


def _spellings(part: str) -> list[str]:
    """Return an FTS5 query for each spelling of a part of a text: all words of the part, each as a prefix."""
    if not words_of(plain_spelling(part)):
        return []  # A mark that stands alone, such as "&", is ignored.
    words = (words_of(spell(part)) for spell in (plain_spelling, other_spelling))
    queries = (" AND ".join(f"{word} *" for word in _quoted(spelled)) for spelled in words)
    return [f"({query})" for query in dict.fromkeys(queries) if query]


def _quoted(words: list[str]) -> list[str]:
    return [f'"{word}"' for word in words]
