"""Describes songs for the page's lists: similar songs, and songs with the same sound or recording."""

from __future__ import annotations

from explorer.audio.format_names import format_name
from explorer.mapping.worth_naming import worth_naming
from explorer.util.text import are_repeated
from explorer.web.data.catalogue import Catalogue


def describe_songs(catalogue: Catalogue, indices: tuple[int, ...]) -> list[dict]:
    """Return what lists of the same sound or recording show about songs, given by their numbers.

    "index", "title", "artist", "path", "format" (for users, such as "FLAC") and "gone" (file missing).
    """
    song_ids = [catalogue.song_ids[index] for index in indices]
    if not song_ids:
        return []
    with catalogue.open_library() as database:
        headings, paths = database.titles_and_artists(song_ids), database.paths_of(song_ids)
        formats = database.formats_of(song_ids)
    return [
        {
            "index": index,
            "title": headings.get(song_id, (song_id, ""))[0],
            "artist": headings.get(song_id, ("", ""))[1],
            "path": paths.get(song_id, song_id),
            "format": format_name(formats.get(song_id, "")),
            "gone": bool(catalogue.file_status.is_missing[index]),
        }
        for index, song_id in zip(indices, song_ids, strict=True)
    ]


def describe_neighbours(
    catalogue: Catalogue, neighbours: list[tuple[int, float]], *, of: int | None = None
) -> list[dict]:
    """Return "index", "similarity", "title", "artist" and "album" of the neighbours that are worth naming.

    Every list of similar songs on the page comes from here: see `worth_naming`.

    Title and artist are empty for songs that were removed. The album is empty unless it is needed to tell
    songs apart: another neighbour, or the song itself, has the same title.

    Parameters
    ----------
    neighbours : list of (int, float)
        What `nearest` or `nearest_to` returned.
    of : int, optional
        The number of the song that they are neighbours of; None for an uploaded song.
    """
    neighbours = worth_naming(neighbours, n_songs=None if of is None else len(catalogue))
    song_ids = [catalogue.song_ids[index] for index, _ in neighbours]
    asked = song_ids if of is None else [*song_ids, catalogue.song_ids[of]]
    with catalogue.open_library() as database:
        headings = database.titles_and_artists(asked)
        titles = [headings.get(song_id, ("", ""))[0] for song_id in asked]
        repeated = {
            song_id for song_id, is_repeated in zip(asked, are_repeated(titles), strict=True) if is_repeated
        }
        albums = database.albums_of(sorted(repeated)) if repeated else {}
    songs = []
    for (index, similarity), song_id in zip(neighbours, song_ids, strict=True):
        title, artist = headings.get(song_id, ("", ""))
        song = {"index": index, "similarity": round(similarity, 4), "title": title, "artist": artist}
        songs.append(song | {"album": albums.get(song_id, "")})
    return songs


def with_status(catalogue: Catalogue, songs: list[dict], *, of: int) -> list[dict]:
    """Add to what `describe_neighbours` returned whether files are missing, and which songs are the same.

    "gone" (its file is missing), "same_sound" (it has exactly the sound of the song `of`) and
    "same_recording" (it is another encoding of the recording).
    """
    file_status = catalogue.file_status
    same_sound = set(file_status.others_like(of))
    same_recording = catalogue.same_recordings(of)
    return [
        song
        | {
            "gone": bool(file_status.is_missing[song["index"]]),
            "same_sound": song["index"] in same_sound,
            "same_recording": song["index"] in same_recording,
        }
        for song in songs
    ]
