"""Routes for what is made from a song's file: its preview, waveform, spectrogram and cover."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps

from flask import Blueprint, Response, jsonify, request

from explorer.config import Settings
from explorer.database.records import StoredFile
from explorer.web.routes.any_id import etag_of, library_blueprint
from explorer.web.routes.fallback import fallback_preview
from explorer.web.routes.file_response import send_audio_file
from explorer.web.routes.media import answer_from_file
from explorer.web.sound_jobs import SoundJobs

CACHED_S = 4 * 3600
"""How long a browser may use an answer from its cache without asking again."""

_VERSION = "2"
"""Part of the ETags. If an answer's format changes, increase it: browsers then fetch everything again."""

_Send = Callable[[StoredFile, Settings, SoundJobs], Response]


def make_sound_blueprint(settings: Settings, jobs: SoundJobs) -> Blueprint:
    """Return the routes `/preview/…`, `/waveform/…`, `/spectrogram/…` and `/cover/…`, each by song id."""
    sound = library_blueprint("sound")

    @sound.get("/preview/<any_id:song_id>")
    def preview_of(song_id: str) -> Response:
        return answer_from_file(song_id, settings, jobs, send_preview, fallback=fallback_preview)

    @sound.get("/waveform/<any_id:song_id>")
    def waveform_of(song_id: str) -> Response:
        return answer_from_file(song_id, settings, jobs, send_waveform)

    @sound.get("/spectrogram/<any_id:song_id>")
    def spectrogram_of(song_id: str) -> Response:
        return answer_from_file(song_id, settings, jobs, send_spectrogram)

    @sound.get("/cover/<any_id:song_id>")
    def cover_of(song_id: str) -> Response:
        return answer_from_file(song_id, settings, jobs, send_cover)

    return sound


def send_preview(file: StoredFile, settings: Settings, jobs: SoundJobs) -> Response:
    """Stream a song's preview, with range requests; make it first if it does not exist."""
    path = jobs.preview(
        file.path,
        cache=settings.previews,
        key=file.fingerprint,
        start_s=file.preview_start_s,
        part=file.part,
    )
    return _cacheable(send_audio_file(path, "audio/mpeg"))


def _unless_cached(kind: str) -> Callable[[_Send], _Send]:
    """Return a decorator that answers 304 if the browser has cached the answer for the file as it is now."""

    def decorate(send: _Send) -> _Send:
        @wraps(send)
        def answer(file: StoredFile, settings: Settings, jobs: SoundJobs) -> Response:
            state = file.path.stat()
            tag = etag_of(kind, _VERSION, file.fingerprint, state.st_mtime_ns, state.st_size)
            # If an answer is compressed, the name of the compression is appended to its ETag.
            is_cached = any(
                known.startswith(tag) for known in request.if_none_match.as_set(include_weak=True)
            )
            response = Response(status=304) if is_cached else send(file, settings, jobs)
            response.set_etag(tag)
            return _cacheable(response)

        return answer

    return decorate


@_unless_cached("waveform")
def send_waveform(file: StoredFile, settings: Settings, jobs: SoundJobs) -> Response:
    """Return a song's waveform as JSON: `duration_s`, and `peaks`, 800 integers from 0 to 255."""
    result = jobs.waveform(file.path, cache=settings.waveforms, key=file.fingerprint, part=file.part)
    return jsonify(duration_s=round(result.duration_s, 3), peaks=result.peaks.tolist())


@_unless_cached("spectrogram")
def send_spectrogram(file: StoredFile, settings: Settings, jobs: SoundJobs) -> Response:
    """Return a song's spectrogram as bytes, row by row; headers give its size, duration and frequencies."""
    result = jobs.spectrogram(file.path, cache=settings.spectrograms, key=file.fingerprint, part=file.part)
    rows, columns = result.levels.shape
    headers = {
        "X-Rows": str(rows),
        "X-Columns": str(columns),
        "X-Duration-S": f"{result.duration_s:.3f}",
        "X-Ticks": json.dumps(result.ticks()),
    }
    return Response(result.levels.tobytes(), headers=headers, mimetype="application/octet-stream")


@_unless_cached("cover")
def send_cover(file: StoredFile, _settings: Settings, jobs: SoundJobs) -> Response:
    """Return a song's cover picture, or 204 if its file has none."""
    cover = jobs.cover(file.path)
    return Response(cover.data, mimetype=cover.media_type) if cover else Response(status=204)


def _cacheable(response: Response) -> Response:
    """Allow browsers, but no shared caches, to cache an answer."""
    response.cache_control.clear()
    response.cache_control.private = True
    response.cache_control.max_age = CACHED_S
    return response
