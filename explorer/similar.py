"""Which songs sound most like one of the library."""

from __future__ import annotations

import numpy as np

from explorer.errors import SongNotFoundError
from explorer.library.database import Database
from explorer.library.records import SongRow
from explorer.mapping.neighbours import Neighbours


def find_similar(database: Database, text: str, *, count: int) -> tuple[SongRow, list[tuple[SongRow, float]]]:
    """Return a song, named by id, path or title, and the songs nearest to it.

    Similarity is the cosine after the library's mean vector was taken away: plain cosine lies
    between 0.97 and 1 for any two sounds.

    Returns
    -------
    song : SongRow
    found : list of (SongRow, float)
        The nearest first.

    Raises
    ------
    SongNotFoundError
        If no song, or more than one, answers to the text.
    """
    wanted = database.find_song(text)
    song_ids, vectors = database.vectors(dtype=np.float32)
    if wanted.song_id not in song_ids:
        raise SongNotFoundError(
            f"{wanted.song_id!r} has no vector yet: run `python run.py index FOLDER` to embed it."
        )
    indices, similarities = Neighbours(vectors).nearest(song_ids.index(wanted.song_id), count)
    return wanted, [
        (database.song(song_ids[index]), float(value))
        for index, value in zip(indices, similarities, strict=True)
    ]
