"""Chooses where a folder's genres come from, and updates the genres of known songs."""

from __future__ import annotations

from collections.abc import Collection, Set
from pathlib import Path

from explorer.audio.decoder import Decoder
from explorer.errors import AudioError, LibraryError
from explorer.indexing.decode_tags import begin_decoding
from explorer.indexing.index_run import IndexRun
from explorer.library.genres import KINDS, GenreSource, open_genre_source
from explorer.library.music_file import ScannedFile, Tags
from explorer.library.remote import RemotePath
from explorer.util.progress import Reporter

AUTO = "auto"


def choose_genre_source(
    choice: str | None, recorded: str | None, *, paths: Collection[bytes], reporter: Reporter
) -> GenreSource:
    """Open the source of genres: the user's choice, else the recorded one, else `auto`.

    Parameters
    ----------
    choice : str, optional
        `auto`, `tags`, `folder` or a table's path, as the user gave it.
    recorded : str, optional
        The choice of an earlier run for the same root.
    paths : collection of bytes
        The paths of all files below the root, whether the scan found them or the library knows them. `folder`
        and `auto` use them to learn how the folders are laid out.

    Raises
    ------
    LibraryError
        If the user's table cannot be read. If a recorded table cannot be read, `auto` is used instead.
    """
    if choice is not None:
        return open_genre_source(absolute_choice(choice), paths=paths)
    try:
        return open_genre_source(recorded or AUTO, paths=paths)
    except LibraryError as error:
        reporter.say(f"{error} This run takes genres from tags and folders instead.")
        return open_genre_source(AUTO, paths=paths)


def absolute_choice(choice: str) -> str:
    """Make a table's path absolute, so that it means the same file from every working folder."""
    return choice if choice in KINDS else str(Path(choice).expanduser().absolute())


def report_unknown_songs(source: GenreSource, reporter: Reporter) -> None:
    """Say for how many songs a table or the folders gave no genre."""
    if source.unknown and not source.known and source.choice not in KINDS:
        reporter.say(
            f"NONE of {source.unknown:,} songs is in {source.choice}: neither their paths nor their artists "
            "and titles match. All songs have the genres of their tags."
        )
    elif source.unknown and source.choice not in ("auto", "tags"):
        where = (
            "are not in the folder of a genre" if source.choice == "folder" else f"are not in {source.choice}"
        )
        reporter.say(f"{source.unknown:,} songs {where}: they have the genres of their tags.")


def refresh_genres(run: IndexRun) -> int:
    """Give known songs the genres of the run's source, and remember the source for the root.

    No audio is decoded. An imported song keeps its genres if the source has none for it. The genres are
    stored as they were read: the run examines all folders for national encodings afterwards.

    Returns
    -------
    int
        The number of songs whose genres changed.
    """
    database = run.database
    song_ids = database.song_ids_by_path(run.root_id)
    known = [(file, song_ids[file.path]) for file in run.scan.files if file.path in song_ids]
    old_genres = database.raw_genres()
    changed: dict[str, tuple[str, ...]] = {}
    with run.reporter.counting("Reading genres", total=len(known)) as counter, Decoder() as decoder:
        for file, songs_by_track in known:
            for track, tags in _tags_by_track(run, file, songs_by_track.keys(), decoder).items():
                song_id, genres = songs_by_track[track], run.genres.genres(file, tags)
                if genres != old_genres.get(song_id, ()) and (genres or not database.was_imported(song_id)):
                    changed[song_id] = genres
            counter.advance()
    # One transaction: if the choice is recorded, all known songs must have its genres.
    with database.transaction():
        if changed:
            begin_decoding(run, all_folders=True)
        database.store_raw_genres(changed)
        database.choose_genres(run.root_id, run.genres.choice)
        database.unify_genre_spellings()
    # A song whose genres are only spelled in another way in its tags has the same genres as before.
    new_genres = database.genres()
    return sum(new_genres.get(song_id, ()) != old_genres.get(song_id, ()) for song_id in changed)


def _tags_by_track(run: IndexRun, file: ScannedFile, tracks: Set[int], decoder: Decoder) -> dict[int, Tags]:
    """Read the tags of those songs in a file that the library knows, by number of track.

    A file on this machine whose tags cannot be read keeps its genres.
    """
    path = run.root / file.native
    try:
        tags = decoder.tags_by_track(path, sheets=file.sheet_paths(run.root) if tracks - {0} else None)
    except AudioError:
        if isinstance(path, RemotePath):
            raise
        return {}
    return {track: tags[track] for track in tracks if track in tags}
