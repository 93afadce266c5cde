"""What the page makes of a song's file beside playing it: preview, outline, spectrogram and cover."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from functools import wraps

from flask import Blueprint, Response, jsonify, request, send_file

from explorer.audio.previews import preview, preview_path
from explorer.audio.spectrogram import spectrogram
from explorer.audio.waveform import waveform
from explorer.config import Settings
from explorer.database.records import StoredFile
from explorer.library.covers import read_cover
from explorer.web.routes.any_id import routes
from explorer.web.routes.fallback import fallback_preview
from explorer.web.routes.media import answer_from_file, send_fallback
from explorer.web.security import RefusedError

KEPT_S = 4 * 3600
"""How long a browser need not ask again."""

_VERSION = "2"
"""Part of the ETags: another one makes browsers ask again."""
# Whoever sweeps over songs that have no previews yet asks for many: the server must go on playing meanwhile.
_MOST_MADE_AT_ONCE = 2
_makers = threading.BoundedSemaphore(_MOST_MADE_AT_ONCE)


def make_sound_blueprint(settings: Settings) -> Blueprint:
    """Return the routes `/preview/…`, `/waveform/…`, `/spectrogram/…` and `/cover/…`, each by song id."""
    sound = routes("sound")

    @sound.get("/preview/<any_id:song_id>")
    def preview_of(song_id: str) -> Response:
        return answer_from_file(
            song_id,
            settings,
            lambda file: send_preview(file, settings),
            without_file=lambda file: send_fallback(fallback_preview(file, settings), "audio/mpeg"),
        )

    @sound.get("/waveform/<any_id:song_id>")
    def waveform_of(song_id: str) -> Response:
        return answer_from_file(song_id, settings, lambda file: send_waveform(file, settings))

    @sound.get("/spectrogram/<any_id:song_id>")
    def spectrogram_of(song_id: str) -> Response:
        return answer_from_file(song_id, settings, send_spectrogram)

    @sound.get("/cover/<any_id:song_id>")
    def cover_of(song_id: str) -> Response:
        return answer_from_file(song_id, settings, send_cover)

    return sound


def send_preview(file: StoredFile, settings: Settings) -> Response:
    """Stream a song's preview in ranges; where there is none it is made, unless too many are being made."""
    is_made = preview_path(settings.previews, file.fingerprint).exists()
    if not is_made and not _makers.acquire(blocking=False):
        raise RefusedError(503, "Previews are being made: ask again in a moment.")
    try:
        path = preview(file.path, cache=settings.previews, key=file.fingerprint, start_s=file.preview_start_s)
    finally:
        if not is_made:
            _makers.release()
    return _kept(send_file(path.absolute(), mimetype="audio/mpeg", conditional=True))


def _unless_known(what: str) -> Callable[[Callable], Callable]:
    """Make a function answer only where the browser has not yet what these bytes of the file give."""

    def decorate(send: Callable) -> Callable:
        @wraps(send)
        def answer(file: StoredFile, *settings: Settings) -> Response:
            state = file.path.stat()
            mark = f"{what}-{_VERSION}-{file.fingerprint}-{state.st_mtime_ns:x}-{state.st_size:x}"
            known = any(tag.startswith(mark) for tag in request.if_none_match.as_set(include_weak=True))
            response = Response(status=304) if known else send(file, *settings)
            response.set_etag(mark)
            return _kept(response)

        return answer

    return decorate


@_unless_known("waveform")
def send_waveform(file: StoredFile, settings: Settings) -> Response:
    """Return a song's outline as JSON: `duration_s`, and `peaks`, 800 integers from 0 to 255."""
    found = waveform(file.path, cache=settings.waveforms, key=file.fingerprint)
    return jsonify(duration_s=round(found.duration_s, 3), peaks=found.peaks.tolist())


@_unless_known("spectrogram")
def send_spectrogram(file: StoredFile) -> Response:
    """Return a song's spectrogram as bytes, row by row; its measures and its axis are in headers."""
    found = spectrogram(file.path)
    rows, columns = found.levels.shape
    measures = {
        "X-Rows": str(rows),
        "X-Columns": str(columns),
        "X-Duration-S": f"{found.duration_s:.3f}",
        "X-Ticks": json.dumps(found.ticks()),
    }
    return Response(found.levels.tobytes(), headers=measures, mimetype="application/octet-stream")


@_unless_known("cover")
def send_cover(file: StoredFile) -> Response:
    """Return a song's cover picture, or 204 where its file has none."""
    cover = read_cover(file.path)
    return Response(cover.data, mimetype=cover.media_type) if cover else Response(status=204)


def _kept(response: Response) -> Response:
    response.cache_control.clear()
    response.cache_control.private = True
    response.cache_control.max_age = KEPT_S
    return response
