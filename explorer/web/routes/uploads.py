"""Routes for a song that a user drops on the map: upload, progress, sound, and adding it to the library."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from explorer.audio.playable import playable_media_type
from explorer.web.routes.any_id import fresh_json, library_blueprint
from explorer.web.routes.file_response import send_audio_file
from explorer.web.routes.media import playable
from explorer.web.security import MAX_UPLOAD_BYTES, UPLOAD_PATH, RefusedError, text_response
from explorer.web.sound_jobs import SoundJobs
from explorer.web.uploads.queue import UploadQueue
from explorer.web.uploads.upload import Upload
from explorer.web.uploads.upload_folder import require_space, too_large

_COPY_BYTES_PER_S = 400_000
"""No playable copy is larger: 16 bits, two channels, 96 kHz."""


def make_uploads_blueprint(
    uploads: UploadQueue,
    jobs: SoundJobs,
    *,
    require: Callable[[], None] = lambda: None,
    on_keep: Callable[[], None] = lambda: None,
) -> Blueprint:
    """Return the routes `/uploads` and `/uploads/<token>`, `…/audio` and `…/keep`.

    Parameters
    ----------
    require : callable
        Called first by the routes that change something; it raises if the library may not be changed.
    on_keep : callable
        Called after a song was added to the library. The map does not show this song yet.
    """
    blueprint = library_blueprint("uploads", library_status=409)

    @blueprint.post(UPLOAD_PATH)
    def add() -> tuple[Response, int]:
        require()
        if request.mimetype != "application/octet-stream":
            raise RefusedError(415, "Send a song as application/octet-stream, with its file name in ?name=.")
        # waitress sends all bodies as streams that end by themselves, and Werkzeug refuses such a stream when
        # it reaches the limit, not only beyond it.
        request.max_content_length = MAX_UPLOAD_BYTES + 1
        size_bytes = min(request.content_length or MAX_UPLOAD_BYTES, MAX_UPLOAD_BYTES)
        upload = uploads.add(request.args.get("name", ""), request.stream, size_bytes=size_bytes)
        return jsonify(token=upload.token), 202

    @blueprint.get(f"{UPLOAD_PATH}/<token>")
    def describe(token: str) -> Response:
        return fresh_json(**uploads.describe(token))

    @blueprint.get(f"{UPLOAD_PATH}/<token>/audio")
    def audio(token: str) -> Response:
        return send_upload(uploads.get(token), jobs)

    @blueprint.delete(f"{UPLOAD_PATH}/<token>")
    def remove(token: str) -> tuple[str, int]:
        require()
        uploads.remove(token)
        return "", 204

    @blueprint.post(f"{UPLOAD_PATH}/<token>/keep")
    def keep(token: str) -> Response:
        require()
        song_id = uploads.keep(token)
        on_keep()
        return jsonify(song_id=song_id)

    @blueprint.errorhandler(RequestEntityTooLarge)
    def refuse(_error: RequestEntityTooLarge) -> Response:
        return text_response(413, too_large("This song"))

    return blueprint


def send_upload(upload: Upload, jobs: SoundJobs) -> Response:
    """Stream an uploaded song, with range requests.

    Raises
    ------
    RefusedError
        If the song is not embedded yet, because only then is its format known; if its file was deleted; or if
        the disk has too little space for a playable copy.
    AudioError
        If it cannot be transcoded.
    """
    embedded = upload.embedded
    if embedded is None:
        raise RefusedError(409, f"{upload.name} cannot be played before it is analysed.")
    try:
        if playable_media_type(embedded.format) is None or "copy" in request.args:
            require_space(upload.path.parents[1], round(embedded.duration_s * _COPY_BYTES_PER_S))
        path, media_type = playable(upload.path, embedded.format, jobs, cache=upload.copies, key=upload.token)
        return send_audio_file(path, media_type)
    except OSError as error:
        raise RefusedError(
            410, f"{upload.name} is no longer on the server: drop it on the map again."
        ) from error
