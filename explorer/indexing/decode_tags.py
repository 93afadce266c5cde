"""Decodes the text of stored tags, folder by folder, after an index run has stored their songs.

One song seldom proves the encoding of its tags, so all songs of a folder are examined together, from the text
that was read. A folder that gains songs is decided again. A run that was killed before it has examined its
folders leaves a note in the library, and the next run then examines all folders.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from explorer.database.database import Database
from explorer.database.raw_tags import StoredTags
from explorer.indexing.index_run import IndexRun
from explorer.library.music_file import Tags
from explorer.library.text_encoding import decode_folder
from explorer.util.text import unique_ignoring_case


@dataclass
class DecodedSongs:
    """How many songs were decoded, and how many from each encoding, by its name."""

    count: int = 0
    encodings: Counter[str] = field(default_factory=Counter)


def begin_decoding(run: IndexRun, *, all_folders: bool = False) -> None:
    """Store that songs will be stored whose tags are not examined yet.

    `all_folders` examines the tags of all folders afterwards, not only those of the run's files.
    """
    run.decodes_all = run.decodes_all or all_folders or run.database.has_undecoded_tags()
    run.database.store_undecoded_tags(True)


def decode_tags_of_run(run: IndexRun) -> None:
    """Examine the folders of the files that the run has read, and decode the tags of their songs."""
    database = run.database
    if not database.has_undecoded_tags():
        return
    if run.decodes_all is not False:  # An earlier run may have been killed before it came here.
        paths = database.indexed_paths()
        folders = {(root_id, posixpath.dirname(path)) for root_id, path in paths.values()}
    else:
        paths = database.indexed_paths(run.root_id)
        folders = {(run.root_id, posixpath.dirname(file.path)) for file in run.files + run.outdated}
    decoded = decode_stored_tags(database, paths, folders)
    database.store_undecoded_tags(False)
    run.summary.decoded += decoded.count
    encodings = Counter(run.summary.encodings) + decoded.encodings
    run.summary.encodings = dict(encodings.most_common())


def decode_dropped_song(database: Database, song_id: str) -> None:
    """Examine the folder of one song, and decode the tags of its songs."""
    paths = database.indexed_paths()
    root_id, path = paths[song_id]
    decode_stored_tags(database, paths, {(root_id, posixpath.dirname(path))})


def decode_stored_tags(
    database: Database, paths: Mapping[str, tuple[int, bytes]], folders: Iterable[tuple[int, bytes]]
) -> DecodedSongs:
    """Decode the tags of the songs in folders, each folder in one transaction.

    Parameters
    ----------
    paths : mapping of str to (int, bytes)
        The root and the path of each song's file, by song id.
    folders : iterable of (int, bytes)
        Roots and folders relative to them.

    Returns
    -------
    DecodedSongs
        The songs whose stored text has changed because it was decoded.
    """
    song_ids: dict[tuple[int, bytes], list[str]] = {folder: [] for folder in folders}
    for song_id, (root_id, path) in paths.items():
        if (folder := (root_id, posixpath.dirname(path))) in song_ids:
            song_ids[folder].append(song_id)
    decoded_songs = DecodedSongs()
    for ids in song_ids.values():
        stored = database.stored_tags(ids)
        examined = [_without_file_name(tags, paths[song_id][1]) for song_id, tags in stored.items()]
        changes = {}
        for (song_id, tags), decoded in zip(stored.items(), decode_folder(examined), strict=True):
            shown = replace(
                decoded.tags,
                title=decoded.tags.title or tags.raw.title,
                genres=unique_ignoring_case(decoded.tags.genres) if decoded.encodings else tags.raw.genres,
            )
            if shown != tags.shown:
                changes[song_id] = StoredTags(tags.raw, shown)
                decoded_songs.count += bool(decoded.encodings)
                decoded_songs.encodings.update(decoded.encodings)
        if changes:
            database.store_decoded_tags(changes)
    return decoded_songs


def _without_file_name(tags: StoredTags, path: bytes) -> Tags:
    """Return the raw tags, without a title that is only the name of the file: it was never in a tag."""
    stem, _ = posixpath.splitext(posixpath.basename(path))
    is_name = tags.raw.title == stem.decode("utf-8", "replace")
    return replace(tags.raw, title="") if is_name else tags.raw
