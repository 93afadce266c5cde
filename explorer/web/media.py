"""What the page fetches beside Dash: sound by song id, a song's details by its number, health."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from flask import Blueprint, Response, jsonify, request, send_file

from explorer.audio.fetching import local_copy
from explorer.audio.transcoding import browser_type, transcode
from explorer.config import Settings
from explorer.errors import AudioError, LibraryBusyError, LibraryError, NoLibraryError
from explorer.library.database import Database
from explorer.library.records import SongRow, StoredFile
from explorer.library.remote import RemotePath
from explorer.web.addresses import know_any_id
from explorer.web.catalogue import Catalogue
from explorer.web.facets import hideable
from explorer.web.kept import kept_copy, what_is_kept
from explorer.web.security import say
from explorer.web.shelf import Shelf

MOST_TWINS_NAMED = 50


def make_blueprint(settings: Settings, shelf: Shelf) -> Blueprint:
    """Return the routes `/healthz`, `/audio/<song_id>`, `/songs/…` and `/neighbours/…`."""
    media = Blueprint("media", __name__)
    media.record_once(know_any_id)

    @media.get("/healthz")
    def healthz() -> Response:
        return jsonify(songs=count_songs(settings))

    @media.get("/latest")
    def latest() -> Response:
        return tell_latest(settings)

    @media.get("/audio/<any_id:song_id>")
    def audio(song_id: str) -> Response:
        return send_song(song_id, settings)

    @media.get("/songs/<int:revision>/<int:index>")
    def song(revision: int, index: int) -> Response:
        clusters = request.args.get("clusters", type=int)
        return describe_song(shelf, revision, index, settings=settings, cluster_count=clusters)

    @media.get("/songs/<int:revision>/by-id/<any_id:song_id>")
    def number(revision: int, song_id: str) -> Response:
        return find_song(shelf, revision, song_id)

    @media.get("/neighbours/<int:revision>/<int:index>")
    def neighbours(revision: int, index: int) -> Response:
        return list_neighbours(shelf, revision, index, hide=hideable(request.args.getlist("hide")))

    return media


def count_songs(settings: Settings) -> int:
    """Return how many songs the library has; none where there is no library or it is busy."""
    try:
        with Database.open_readonly(settings.database) as database:
            return database.count_vectors()
    except LibraryError:
        return 0


def tell_latest(settings: Settings) -> Response:
    """Return the map's `revision` and how many `songs` are indexed, on the map or not, as JSON.

    `changes` is a mark that is another one when files may have come, gone or changed. All is asked of the
    database: the snapshot that pages are drawn from stays what it is.
    """
    try:
        with Database.open_readonly(settings.database) as database:
            response = jsonify(
                revision=database.map_revision(),
                songs=database.count_vectors(),
                changes=database.mark_of_changes(),
            )
    except NoLibraryError:
        response = jsonify(revision=0, songs=0, changes="")
    except LibraryBusyError:
        return say(503, "The library is busy: try again in a moment.")
    except LibraryError as error:
        return say(404, str(error))
    response.headers["Cache-Control"] = "no-store"
    return response


def send_song(song_id: str, settings: Settings) -> Response:
    """Stream a song that the database knows, in ranges; errors are sentences with a fitting status.

    Of a song whose file is missing the copy for browsers is sent, where one was made.
    """
    return answer_from_file(
        song_id,
        settings,
        lambda file: _send(file, settings),
        without_file=lambda file: send_kept(kept_copy(file, settings), "audio/flac"),
    )


def send_kept(path: Path | None, media_type: str) -> Response | None:
    """Stream what was kept of a song, in ranges; None where nothing was, or it has just gone."""
    try:
        return path and send_file(path.absolute(), mimetype=media_type, conditional=True, max_age=0)
    except OSError:
        return None


def answer_from_file(
    song_id: str,
    settings: Settings,
    answer: Callable[[StoredFile], Response],
    *,
    without_file: Callable[[StoredFile], Response | None] = lambda file: None,
) -> Response:
    """Answer from the file of a song that the database knows, or say in a sentence why not.

    Parameters
    ----------
    answer : callable
        What is to be done with a file that is there.
    without_file : callable
        What can be answered where it is missing; None for nothing.
    """
    try:
        with Database.open_readonly(settings.database) as database:
            file = database.file_of(song_id)
    except LibraryBusyError:
        return say(503, "The library is busy: try again in a moment.")
    except LibraryError as error:
        return say(404, str(error))
    if file is None:
        return say(404, "There is no sound for this song: the library knows no file of it.")
    if isinstance(file.path, RemotePath):
        return _answer_from_afar(file, settings, answer, without_file)
    if not file.path.is_file():
        return without_file(file) or say(
            404, f"The file is missing: {file.path.name} was moved or deleted. Index the folder again."
        )
    try:
        with file.path.open("rb"):
            pass  # Whether it may be read is not what its decoders tell best.
        return answer(file)
    except AudioError as error:
        return say(415, str(error))
    except OSError as error:
        return say(403, f"{file.path.name} cannot be read: {error.strerror}.")


def _answer_from_afar(
    file: StoredFile,
    settings: Settings,
    answer: Callable[[StoredFile], Response],
    without_file: Callable[[StoredFile], Response | None],
) -> Response:
    """Answer from a file on a server: from what was made of it, else from a copy."""
    if kept := without_file(file):
        return kept
    try:
        copy = local_copy(file.path, cache=settings.fetched, key=file.fingerprint)
    except AudioError as error:
        return say(404, str(error))
    try:
        return answer(replace(file, path=copy))
    except AudioError as error:
        return say(415, str(error))


def _send(file: StoredFile, settings: Settings) -> Response:
    media_type = browser_type(file.format)
    path = file.path
    if media_type is None:
        path = transcode(file.path, cache=settings.transcodes, key=file.fingerprint)
        media_type = "audio/flac"
    # Not every name is text that a header could carry, and that Flask could make a tag of.
    name = "".join(letter if letter.isprintable() else "_" for letter in path.name)
    state = path.stat()
    return send_file(
        path.absolute(),
        mimetype=media_type,
        conditional=True,
        max_age=0,
        download_name=name,
        etag=f"{file.fingerprint}-{state.st_mtime_ns:x}-{state.st_size:x}",
    )


def describe_song(
    shelf: Shelf, revision: int, index: int, *, settings: Settings, cluster_count: int | None = None
) -> Response:
    """Return what the page shows of a song, as JSON.

    "gone_since" says when its file was first missed, and is null where it is there; then "kept" says what is
    left to hear, "copy", "preview" or null. "twins" counts the other songs with the same sound; "same_sound"
    names the first of them.

    Parameters
    ----------
    cluster_count : int, optional
        The song's cluster is named among so many where the page has asked for them before, and else among
        the stored map's.
    """

    def answer(catalogue: Catalogue) -> dict:
        song = catalogue.song(index)
        clusters = catalogue.known_clusters(cluster_count)
        twins = catalogue.standing.others_like(index)
        return {
            "index": index,
            "id": song.song_id,
            "title": song.title,
            "artist": song.artist,
            "album": song.album,
            "genres": list(song.genres),
            "year": song.year,
            "cluster": clusters.names[clusters.members[index]] if clusters.names else "",
            "duration_s": song.duration_s,
            "preview_start_s": song.preview_start_s,
            "near": {name: int(near[index]) for name, near in catalogue.near.items() if near[index] >= 0},
            "neighbours": min(10, len(catalogue) - 1),
            **_absence(song, settings),
            "twins": len(twins),
            "same_sound": catalogue.named(twins[:MOST_TWINS_NAMED]),
        }

    # Files come and go while the map stays, and soon there may be as many clusters as were asked for.
    return _fresh(_answer(shelf, revision, answer))


def _absence(song: SongRow, settings: Settings) -> dict:
    """Return since when a song's file is missing, and what is left to hear of it."""
    if song.gone_since is None:
        return {"gone_since": None, "kept": None}
    with Database.open_readonly(settings.database) as database:
        file = database.file_of(song.song_id)
    # A server is not asked for each song that is looked at; a local file may have come back meanwhile.
    is_back = file is None or (not isinstance(file.path, RemotePath) and file.path.is_file())
    if is_back:
        return {"gone_since": None, "kept": None}
    return {"gone_since": song.gone_since, "kept": what_is_kept(file, settings)}


def list_neighbours(shelf: Shelf, revision: int, index: int, *, hide: tuple[str, ...] = ()) -> Response:
    """Return the songs that sound most like a song, the nearest first, as JSON.

    Of each, "gone" says whether its file is missing, and "same_sound" whether it has the very same sound.

    Parameters
    ----------
    hide : tuple of str
        What the map is without, as `Filter.hide`: it is not among them.
    """

    def answer(catalogue: Catalogue) -> dict:
        catalogue.require(index)
        found = catalogue.nearest(index, hide=hide)
        headings = catalogue.headings([number for number, _ in found])
        twins = set(catalogue.standing.others_like(index))
        return {
            "neighbours": [
                {
                    "index": number,
                    "similarity": round(value, 4),
                    "title": title,
                    "artist": artist,
                    "gone": bool(catalogue.standing.is_gone[number]),
                    "same_sound": number in twins,
                }
                for (number, value), (title, artist) in zip(found, headings, strict=True)
            ]
        }

    return _fresh(_answer(shelf, revision, answer))


def _fresh(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def find_song(shelf: Shelf, revision: int, song_id: str) -> Response:
    """Return a song's number on the map as JSON; null where it is not on it."""
    return _answer(shelf, revision, lambda catalogue: {"index": catalogue.number_of(song_id)})


def _answer(shelf: Shelf, revision: int, answer: Callable[[Catalogue], dict]) -> Response:
    """Answer from the snapshot that a page was drawn from, or say why not."""
    try:
        catalogue = shelf.held()
        if catalogue.revision != revision:
            return say(409, "The map has changed: reload the page.")
        response = jsonify(answer(catalogue))
    except LibraryBusyError:
        return say(503, "The library is busy: try again in a moment.")
    except LibraryError as error:
        return say(404, str(error))
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response
