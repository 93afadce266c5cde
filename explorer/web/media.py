"""What the page fetches beside Dash: sound by song id, a song's details by its number, health."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request, send_file

from explorer.audio.transcoding import browser_type, transcode
from explorer.config import Settings
from explorer.errors import AudioError, LibraryBusyError, LibraryError, NoLibraryError
from explorer.library.database import Database
from explorer.library.records import StoredFile
from explorer.web.catalogue import Catalogue, Shelf
from explorer.web.security import say


def make_blueprint(settings: Settings, shelf: Shelf) -> Blueprint:
    """Return the routes `/healthz`, `/audio/<song_id>`, `/songs/…` and `/neighbours/…`."""
    media = Blueprint("media", __name__)

    @media.get("/healthz")
    def healthz() -> Response:
        return jsonify(songs=count_songs(settings))

    @media.get("/latest")
    def latest() -> Response:
        return tell_latest(settings)

    @media.get("/audio/<path:song_id>")
    def audio(song_id: str) -> Response:
        return send_song(song_id, settings)

    @media.get("/songs/<int:revision>/<int:index>")
    def song(revision: int, index: int) -> Response:
        return describe_song(shelf, revision, index, cluster_count=request.args.get("clusters", type=int))

    @media.get("/songs/<int:revision>/by-id/<path:song_id>")
    def number(revision: int, song_id: str) -> Response:
        return find_song(shelf, revision, song_id)

    @media.get("/neighbours/<int:revision>/<int:index>")
    def neighbours(revision: int, index: int) -> Response:
        return list_neighbours(shelf, revision, index)

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

    It is asked of the database: the snapshot that pages are drawn from stays what it is.
    """
    try:
        with Database.open_readonly(settings.database) as database:
            response = jsonify(revision=database.map_revision(), songs=database.count_vectors())
    except NoLibraryError:
        response = jsonify(revision=0, songs=0)
    except LibraryBusyError:
        return say(503, "The library is busy: try again in a moment.")
    except LibraryError as error:
        return say(404, str(error))
    response.headers["Cache-Control"] = "no-store"
    return response


def send_song(song_id: str, settings: Settings) -> Response:
    """Stream a song that the database knows, in ranges; errors are sentences with a fitting status."""
    return answer_from_file(song_id, settings, lambda file: _send(file, settings))


def answer_from_file(song_id: str, settings: Settings, answer: Callable[[StoredFile], Response]) -> Response:
    """Answer from the file of a song that the database knows, or say in a sentence why not."""
    try:
        with Database.open_readonly(settings.database) as database:
            file = database.file_of(song_id)
    except LibraryBusyError:
        return say(503, "The library is busy: try again in a moment.")
    except LibraryError as error:
        return say(404, str(error))
    if file is None:
        return say(404, "There is no sound for this song: the library knows no file of it.")
    if not file.path.is_file():
        return say(410, f"The file is gone: {file.path.name} was moved or deleted. Index the folder again.")
    try:
        with file.path.open("rb"):
            pass  # Whether it may be read is not what its decoders tell best.
        return answer(file)
    except AudioError as error:
        return say(415, str(error))
    except OSError as error:
        return say(403, f"{file.path.name} cannot be read: {error.strerror}.")


def _send(file: StoredFile, settings: Settings) -> Response:
    media_type = browser_type(file.format)
    path = file.path
    if media_type is None:
        path = transcode(file.path, cache=settings.transcodes, key=file.fingerprint)
        media_type = "audio/flac"
    return send_file(path, mimetype=media_type, conditional=True, max_age=0)


def describe_song(shelf: Shelf, revision: int, index: int, *, cluster_count: int | None = None) -> Response:
    """Return what the page shows of a song, as JSON.

    Parameters
    ----------
    cluster_count : int, optional
        The song's cluster is named among so many where the page has asked for them before, and else among
        the stored map's.
    """

    def answer(catalogue: Catalogue) -> dict:
        song = catalogue.song(index)
        clusters = catalogue.known_clusters(cluster_count)
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
        }

    response = _answer(shelf, revision, answer)
    if cluster_count is not None:
        # Soon there may be as many clusters as were asked for.
        response.headers["Cache-Control"] = "no-store"
    return response


def list_neighbours(shelf: Shelf, revision: int, index: int) -> Response:
    """Return the songs that sound most like a song, the nearest first, as JSON."""

    def answer(catalogue: Catalogue) -> dict:
        catalogue.require(index)
        found = catalogue.nearest(index)
        headings = catalogue.headings([number for number, _ in found])
        return {
            "neighbours": [
                {"index": number, "similarity": round(value, 4), "title": title, "artist": artist}
                for (number, value), (title, artist) in zip(found, headings, strict=True)
            ]
        }

    return _answer(shelf, revision, answer)


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
