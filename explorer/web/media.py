"""What the page fetches beside Dash: sound by song id, a song's details by its number, health."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, jsonify, send_file

from explorer.audio.transcoding import browser_type, transcode
from explorer.config import Settings
from explorer.errors import AudioError, LibraryBusyError, LibraryError
from explorer.library.database import Database
from explorer.library.records import StoredFile
from explorer.web.catalogue import Catalogue, Shelf


def make_blueprint(settings: Settings, shelf: Shelf) -> Blueprint:
    """Return the routes `/healthz`, `/audio/<song_id>`, `/songs/…` and `/neighbours/…`."""
    media = Blueprint("media", __name__)

    @media.get("/healthz")
    def healthz() -> Response:
        return jsonify(songs=count_songs(settings))

    @media.get("/audio/<path:song_id>")
    def audio(song_id: str) -> Response:
        return send_song(song_id, settings)

    @media.get("/songs/<int:revision>/<int:index>")
    def song(revision: int, index: int) -> Response:
        return describe_song(shelf, revision, index)

    @media.get("/songs/<int:revision>/by-id/<path:song_id>")
    def number(revision: int, song_id: str) -> Response:
        return find_song(shelf, revision, song_id)

    @media.get("/neighbours/<int:revision>/<int:index>")
    def neighbours(revision: int, index: int) -> Response:
        return list_neighbours(shelf, revision, index)

    @media.after_app_request
    def forbid_guessing_types(response: Response) -> Response:
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return media


def count_songs(settings: Settings) -> int:
    """Return how many songs the library has; none where there is no library or it is busy."""
    try:
        with Database.open_readonly(settings.database) as database:
            return database.count_vectors()
    except LibraryError:
        return 0


def send_song(song_id: str, settings: Settings) -> Response:
    """Stream a song that the database knows, in ranges; errors are sentences with a fitting status."""
    try:
        with Database.open_readonly(settings.database) as database:
            file = database.file_of(song_id)
    except LibraryBusyError:
        return _say(503, "The library is busy: try again in a moment.")
    except LibraryError as error:
        return _say(404, str(error))
    if file is None:
        return _say(404, "The library knows no file for this song: index its folder again.")
    if not file.path.is_file():
        return _say(410, f"The file is gone: {file.path.name} was moved or deleted. Index the folder again.")
    try:
        return _send(file, settings)
    except AudioError as error:
        return _say(415, str(error))
    except OSError as error:
        return _say(403, f"{file.path.name} cannot be read: {error.strerror}.")


def _send(file: StoredFile, settings: Settings) -> Response:
    media_type = browser_type(file.format)
    path = file.path
    if media_type is None:
        path = transcode(file.path, cache=settings.transcodes, key=file.fingerprint)
        media_type = "audio/flac"
    return send_file(path, mimetype=media_type, conditional=True, max_age=0)


def describe_song(shelf: Shelf, revision: int, index: int) -> Response:
    """Return what the page shows of a song, as JSON."""

    def answer(catalogue: Catalogue) -> dict:
        song = catalogue.song(index)
        return {
            "index": index,
            "id": song.song_id,
            "title": song.title,
            "artist": song.artist,
            "album": song.album,
            "genres": list(song.genres),
            "duration_s": song.duration_s,
            "near": {name: int(near[index]) for name, near in catalogue.near.items() if near[index] >= 0},
            "neighbours": min(10, len(catalogue) - 1),
        }

    return _answer(shelf, revision, answer)


def list_neighbours(shelf: Shelf, revision: int, index: int) -> Response:
    """Return the songs that sound most like a song, the nearest first, as JSON."""

    def answer(catalogue: Catalogue) -> dict:
        catalogue.require(index)
        found = catalogue.nearest(index)
        return {"neighbours": [{"index": i, "similarity": round(value, 4)} for i, value in found]}

    return _answer(shelf, revision, answer)


def find_song(shelf: Shelf, revision: int, song_id: str) -> Response:
    """Return a song's number on the map as JSON; null where it is not on it."""
    return _answer(shelf, revision, lambda catalogue: {"index": catalogue.number_of(song_id)})


def _answer(shelf: Shelf, revision: int, answer: Callable[[Catalogue], dict]) -> Response:
    """Answer from the snapshot that a page was drawn from, or say why not."""
    try:
        catalogue = shelf.held()
        if catalogue.revision != revision:
            return _say(409, "The map has changed: reload the page.")
        response = jsonify(answer(catalogue))
    except LibraryBusyError:
        return _say(503, "The library is busy: try again in a moment.")
    except LibraryError as error:
        return _say(404, str(error))
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def _say(status: int, sentence: str) -> Response:
    return Response(sentence, status=status, mimetype="text/plain")
