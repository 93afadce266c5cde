"""Routes for a song that a user drops on the map: upload, progress, sound, and adding it to the library."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from explorer.web.routes.any_id import fresh_json, library_blueprint
from explorer.web.routes.file_response import send_audio_file
from explorer.web.routes.media import playable
from explorer.web.security import MAX_UPLOAD_BYTES, UPLOAD_PATH, RefusedError, text_response
from explorer.web.sound_jobs import SoundJobs
from explorer.web.uploads.queue import Upload, UploadQueue


def make_uploads_blueprint(
    uploads: UploadQueue, jobs: SoundJobs, *, on_keep: Callable[[], None] = lambda: None
) -> Blueprint:
    """Return the routes `/uploads` and `/uploads/<token>`, `…/audio` and `…/keep`.

    Parameters
    ----------
    on_keep : callable
        Called after a song was added to the library. The map does not show this song yet.
    """
    blueprint = library_blueprint("uploads", library_status=409)

    @blueprint.post(UPLOAD_PATH)
    def add() -> tuple[Response, int]:
        if request.mimetype != "application/octet-stream":
            raise RefusedError(415, "Send a song as application/octet-stream, with its file name in ?name=.")
        upload = uploads.add(request.args.get("name", ""), request.stream)
        return jsonify(token=upload.token), 202

    @blueprint.get(f"{UPLOAD_PATH}/<token>")
    def describe(token: str) -> Response:
        return fresh_json(**uploads.describe(token))

    @blueprint.get(f"{UPLOAD_PATH}/<token>/audio")
    def audio(token: str) -> Response:
        return send_upload(uploads.get(token), jobs)

    @blueprint.delete(f"{UPLOAD_PATH}/<token>")
    def remove(token: str) -> tuple[str, int]:
        uploads.remove(token)
        return "", 204

    @blueprint.post(f"{UPLOAD_PATH}/<token>/keep")
    def keep(token: str) -> Response:
        song_id = uploads.keep(token)
        on_keep()
        return jsonify(song_id=song_id)

    @blueprint.errorhandler(RequestEntityTooLarge)
    def refuse(_error: RequestEntityTooLarge) -> Response:
        message = f"This song is too large: you can drop files of up to {MAX_UPLOAD_BYTES >> 20} MB."
        return text_response(413, message)

    return blueprint


def send_upload(upload: Upload, jobs: SoundJobs) -> Response:
    """Stream an uploaded song, with range requests.

    Raises
    ------
    RefusedError
        If the song is not embedded yet, because only then is its format known; or if its file was deleted.
    AudioError
        If it cannot be transcoded.
    """
    embedded = upload.embedded
    if embedded is None:
        raise RefusedError(409, f"{upload.name} cannot be played before it is analysed.")
    cache = upload.path.parent / ".playable"
    try:
        path, media_type = playable(upload.path, embedded.format, jobs, cache=cache, key="copy")
        return send_audio_file(path, media_type)
    except OSError as error:
        raise RefusedError(
            410, f"{upload.name} is no longer on the server: drop it on the map again."
        ) from error
