"""The routes for a song that is dropped on the map: it visits, and stays only if asked to."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request, send_file
from werkzeug.exceptions import RequestEntityTooLarge

from explorer.web.routes.any_id import fresh_json, routes
from explorer.web.routes.media import playable
from explorer.web.security import MAX_UPLOAD_BYTES, UPLOAD_PATH, RefusedError, say
from explorer.web.uploads.queue import Upload, UploadQueue

__all__ = ["UploadQueue", "make_uploads_blueprint"]


def make_uploads_blueprint(uploads: UploadQueue, *, kept: Callable[[], None] = lambda: None) -> Blueprint:
    """Return the routes `/uploads` and `/uploads/<token>`, `…/audio` and `…/keep`.

    Parameters
    ----------
    kept : callable
        Called when a upload has joined the library: the map has no place for it yet.
    """
    blueprint = routes("uploads", library_status=409)

    @blueprint.post(UPLOAD_PATH)
    def add() -> tuple[Response, int]:
        if request.mimetype != "application/octet-stream":
            raise RefusedError(415, "A song is sent as application/octet-stream, with its name in ?name=.")
        upload = uploads.add(request.args.get("name", ""), request.stream)
        return jsonify(token=upload.token), 202

    @blueprint.get(f"{UPLOAD_PATH}/<token>")
    def describe(token: str) -> Response:
        return fresh_json(**uploads.describe(token))

    @blueprint.get(f"{UPLOAD_PATH}/<token>/audio")
    def audio(token: str) -> Response:
        return send_upload(uploads.get(token))

    @blueprint.delete(f"{UPLOAD_PATH}/<token>")
    def forget(token: str) -> tuple[str, int]:
        uploads.forget(token)
        return "", 204

    @blueprint.post(f"{UPLOAD_PATH}/<token>/keep")
    def keep(token: str) -> Response:
        song_id = uploads.keep(token)
        kept()
        return jsonify(song_id=song_id)

    @blueprint.errorhandler(RequestEntityTooLarge)
    def refuse(_error: RequestEntityTooLarge) -> Response:
        return say(413, f"This is too large: at most {MAX_UPLOAD_BYTES >> 20} MB can be dropped.")

    return blueprint


def send_upload(upload: Upload) -> Response:
    """Stream a upload, in ranges.

    Raises
    ------
    RefusedError
        If it is not embedded: only then it is known what it is.
    AudioError
        If it cannot be made playable.
    """
    embedded = upload.embedded
    if embedded is None:
        raise RefusedError(409, f"{upload.name} cannot be played before it is embedded.")
    cache = upload.path.parent / ".playable"
    path, media_type = playable(upload.path, embedded.format, cache=cache, key="copy")
    try:
        return send_file(path, mimetype=media_type, conditional=True, max_age=0)
    except OSError as error:
        raise RefusedError(410, f"{upload.name} is gone: drop it on the map again.") from error
