"""Finds the song that a user names on the command line."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from explorer.database.records import SongRow
from explorer.database.search import MAX_MATCHES, SearchTables
from explorer.database.songs import SongTables
from explorer.database.spelling import plain_spelling
from explorer.errors import AmbiguousSongError, SongNotFoundError
from explorer.util.commands import command_line
from explorer.util.text import one_line, valid_text

_MAX_CANDIDATES = 10
_MAX_SUGGESTIONS = 3
# Titles that share less than this part of their letters with the text are not suggested.
_MIN_LIKENESS = 0.7
_MAX_TITLE_LENGTH = 100


class NamedSongTables(SearchTables, SongTables):
    """The search for the one song that a text names."""

    def find_song(self, text: str, *, by_file_name: bool = True, by_words: bool = True) -> SongRow:
        """Return the only song that a text names: see `song_ids_matching`.

        Raises
        ------
        SongNotFoundError
            If no song matches; the message suggests songs with similar titles.
        AmbiguousSongError
            If several songs match; its notes are the titles, artists and ids of the first ten.
        """
        song_ids = self.song_ids_matching(text, by_file_name=by_file_name, by_words=by_words)
        if not song_ids:
            raise SongNotFoundError(
                f"No song of {self.path} has the id, path, title or file name {text!r}, or these words in "
                "its title and artist, and there is no audio file of that name either"
                f"{self._suggestion(text)}"
            )
        if len(song_ids) > 1:
            raise self._ambiguous(text, song_ids)
        return self.song(song_ids[0])

    def song_ids_matching(self, text: str, *, by_file_name: bool = True, by_words: bool = True) -> list[str]:
        """Return the ids of the songs that a text names.

        The text is compared with ids, then file paths, then titles, then file names. The first of these that
        matches a song gives the result. If none matches, the words of the text are searched: see
        `SearchTables.search_names`.

        Parameters
        ----------
        by_file_name : bool
            Whether to compare the text with the ends of file paths too, with and without extension.
        by_words : bool
            Whether to search the words of the text too.
        """
        # A command-line argument that is not UTF-8 contains surrogates. Ids and titles never contain them.
        readable_text = valid_text(text)
        matches = self._rows("SELECT id FROM songs WHERE id = ?", (readable_text,))
        if not matches:
            matches = [(song_id,) for song_id in self._ids_by_path(text)]
        if not matches:
            matches = self._rows(
                """SELECT song_id FROM song_texts WHERE lower(title) = lower(?) AND title <> ''
                   ORDER BY song_id""",
                (readable_text,),
            )
        song_ids = [song_id for (song_id,) in matches]
        if not song_ids and by_file_name:
            song_ids = self._ids_by_file_name(text)
        if not song_ids and by_words:
            song_ids = self.search_names(readable_text)
        return song_ids

    def _ids_by_path(self, text: str) -> list[str]:
        """Return the song whose file has this absolute or relative path: a list with one id, or none."""
        path = expand_home(text).absolute()
        for root_id, root in self._rows("SELECT id, path FROM roots"):
            if path.is_relative_to(root):
                relative = path.relative_to(root).as_posix().encode("utf-8", "surrogateescape")
                rows = self._rows(
                    "SELECT song_id FROM files WHERE root_id = ? AND path = ?", (root_id, relative)
                )
                if rows:
                    return [song_id for (song_id,) in rows]
        return []

    def _ids_by_file_name(self, text: str) -> list[str]:
        """Return the songs whose path, with or without extension, ends with a text.

        Case is ignored only if no path matches with the same case.
        """
        end = Path(text).as_posix()
        if end == ".":
            return []
        exact, ignoring_case = [], []
        for song_id, root, path in self._rows(
            """SELECT songs.id, roots.path, files.path FROM songs
               LEFT JOIN files ON song_id = songs.id LEFT JOIN roots ON roots.id = root_id
               ORDER BY songs.id"""
        ):
            # An imported song may have no file. Its id is compared instead.
            full_path = song_id if path is None else f"{root}/{os.fsdecode(path)}".replace(os.sep, "/")
            if end.casefold() not in full_path.casefold():
                continue
            for name in (full_path, os.path.splitext(full_path)[0]):
                if f"/{name}".endswith(f"/{end}"):
                    exact.append(song_id)
                elif f"/{name}".casefold().endswith(f"/{end}".casefold()):
                    ignoring_case.append(song_id)
        return list(dict.fromkeys(exact or ignoring_case))

    def _ambiguous(self, text: str, song_ids: list[str]) -> AmbiguousSongError:
        count = f"{len(song_ids)} songs" + (" or more" if len(song_ids) == MAX_MATCHES else "")
        first = "; the first ten are" if len(song_ids) > _MAX_CANDIDATES else ""
        error = AmbiguousSongError(f"{count} fit {text!r}: add words, or name one song by its id{first}:")
        candidates = song_ids[:_MAX_CANDIDATES]
        names = self.titles_and_artists(candidates)
        for song_id in candidates:
            title, artist = names[song_id]
            error.add_note("  ·  ".join(map(one_line, (title, artist or "unknown artist", song_id))))
        return error

    def _suggestion(self, text: str) -> str:
        """Return the end of a sentence: titles that resemble a text, or how to find a song."""
        wanted = plain_spelling(valid_text(text[:_MAX_TITLE_LENGTH]))
        titles = dict(
            self._rows(
                """SELECT song_spellings.title, song_texts.title
                   FROM song_spellings JOIN song_texts USING (number)
                   WHERE length(song_spellings.title) BETWEEN ?1 / 2 + 1 AND ?1 * 2""",
                (len(wanted),),
            )
        )
        similar = difflib.get_close_matches(wanted, titles, n=_MAX_SUGGESTIONS, cutoff=_MIN_LIKENESS)
        if not similar:
            return f": search on the page, which `{command_line('serve', database=self.path)}` opens."
        return f": did you mean {' or '.join(repr(one_line(titles[title])) for title in similar)}?"


def expand_home(text: str) -> Path:
    """Expand `~` at the start of a path.

    If it names no home folder, the path stays as it is: a song's title may start with `~` too.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)
