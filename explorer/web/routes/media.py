"""Routes for a song's sound (by id), its details and neighbours (by number), and the library's state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from flask import Blueprint, Response, jsonify, request

from explorer.audio.playable import HEAD_BYTES, playable_media_type
from explorer.config import Settings
from explorer.database.records import SongRow, StoredFile
from explorer.errors import (
    AudioError,
    ForbiddenFileError,
    LibraryBusyError,
    NoLibraryError,
    UnusableLibraryError,
)
from explorer.library.music_file import WHOLE, Part
from explorer.library.remote import RemotePath
from explorer.library.stored_paths import is_readable_file
from explorer.web import browser_inputs as inputs
from explorer.web.data.asked_songs import AskedSongs
from explorer.web.data.catalogue import MAX_CLUSTERS, Catalogue
from explorer.web.data.facets import parse_hide
from explorer.web.data.index_state import IndexState
from explorer.web.data.reader import open_library
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.data.song_lists import describe_neighbours, describe_songs, with_status
from explorer.web.routes.any_id import etag_of, fresh_json, library_blueprint
from explorer.web.routes.fallback import best_fallback, fallback_copy
from explorer.web.routes.file_response import send_audio_file
from explorer.web.security import RefusedError, refuse_other_sites
from explorer.web.sound_jobs import SoundJobs

MAX_SAME_SOUND_LISTED = 50


def make_media_blueprint(
    settings: Settings,
    holder: CatalogueHolder,
    jobs: SoundJobs,
    *,
    index_state: IndexState | None = None,
    counts_pages: bool = False,
) -> Blueprint:
    """Return the routes `/healthz`, `/latest`, `/audio/<song_id>`, `/songs/…` and `/neighbours/…`.

    Parameters
    ----------
    index_state : IndexState, optional
        Tells the page about index runs.
    counts_pages : bool
        Whether pages must tell the server when they are closed.
    """
    index_state = index_state or IndexState(settings.database)
    media = library_blueprint("media")
    asked = AskedSongs(settings)

    @media.get("/healthz")
    def healthz() -> Response:
        return jsonify(songs=count_songs(settings.database))

    @media.get("/latest")
    def latest() -> Response:
        return fresh_json(
            **library_state(holder, is_created_now=index_state.is_starting),
            index=index_state.running(),
            problem=index_state.problem,
            counts_pages=counts_pages,
        )

    @media.get("/audio/<any_id:song_id>")
    def audio(song_id: str) -> Response:
        response = answer_from_file(song_id, settings, jobs, send_song, fallback=fallback_copy)
        if request.method == "GET" and request.headers.get("Range", "bytes=0-") == "bytes=0-":
            asked.add(song_id)  # It is played from its start; later parts of it are asked for by themselves.
        return response

    @media.get("/songs/<int:revision>/<int:index>")
    def song(revision: int, index: int) -> Response:
        clusters = inputs.integer_of_text(request.args.get("clusters"), 1, MAX_CLUSTERS)
        if clusters:
            refuse_other_sites()  # Another number of clusters than the stored one is computed.
        # Not cached: at the same revision, files can appear or disappear, and clusters can be computed.
        return fresh_json(**describe_song(holder.at_revision(revision), index, settings, clusters))

    @media.get("/songs/<int:revision>/by-id/<any_id:song_id>")
    def number(revision: int, song_id: str) -> Response:
        response = jsonify(index=holder.at_revision(revision).number_of(song_id))
        response.headers["Cache-Control"] = "private, max-age=3600"
        return response

    @media.get("/songs/<int:revision>/since/<int:earlier>")
    def moved(revision: int, earlier: int) -> Response:
        """Answer with little-endian int32 numbers; see `CatalogueHolder.moved`."""
        numbers = holder.moved(earlier, revision).astype("<i4").tobytes()
        return Response(numbers, mimetype="application/octet-stream", headers={"Cache-Control": "no-store"})

    @media.get("/unmapped/<any_id:song_id>")
    def unmapped(song_id: str) -> Response:
        with open_library(settings.database) as database:
            return fresh_json(**describe_any(database.song(song_id), settings))

    @media.get("/neighbours/<int:revision>/<int:index>")
    def neighbours(revision: int, index: int) -> Response:
        hide, catalogue = parse_hide(request.args.getlist("hide")), holder.at_revision(revision)
        found = list_neighbours(catalogue, index, hide=hide)
        asked.add(catalogue.song_ids[index])  # A song's neighbours are asked for when somebody selects it.
        return fresh_json(neighbours=found)

    return media


def count_songs(database: Path) -> int:
    """Return how many songs the library has; 0 if there is no library or it is busy.

    Raises
    ------
    UnusableLibraryError
        If the library is damaged.
    """
    try:
        with open_library(database) as library:
            return library.count_vectors()
    except (NoLibraryError, LibraryBusyError):
        return 0


def library_state(holder: CatalogueHolder, *, is_created_now: bool = False) -> dict:
    """Return `CatalogueHolder.state`; zeros if there is no library, or it may be incomplete as yet."""
    try:
        return holder.state()
    except (NoLibraryError, UnusableLibraryError) as error:
        if not (is_created_now or isinstance(error, NoLibraryError)):
            raise
        return {"revision": 0, "songs": 0, "changes": "", "clusters": 0, "first_look": False}


def answer_from_file(
    song_id: str,
    settings: Settings,
    jobs: SoundJobs,
    answer: Callable[[StoredFile, Settings, SoundJobs], Response],
    *,
    fallback: Callable[[StoredFile, Settings], tuple[Path, str] | None] = lambda *_: None,
) -> Response:
    """Answer a request from the file of a song in the library.

    Parameters
    ----------
    answer : callable
        Makes the answer from a file on this machine: a remote file is fetched first.
    fallback : callable
        Asked first if the song's file is missing or remote. Returns a file to send instead, with its media
        type; or None.

    Raises
    ------
    RefusedError
        If the song has no file, the file is missing or cannot be read, or the server is busy.
    ForbiddenFileError
        If the file must not be read: see `locate`.
    AudioError
        If the file holds no sound that can be decoded.
    """
    with open_library(settings.database) as database:
        file = database.file_of(song_id)
    if file is None:
        raise RefusedError(404, "This song cannot be played: the library has no file for it.")
    name = file.path.name
    file = file.located(folder=settings.songs_folder)
    is_remote = isinstance(file.path, RemotePath)
    try:
        # Check the permission first: a decoder's error message would not mention it.
        is_here = not is_remote and is_readable_file(file.path)
    except OSError as error:
        raise RefusedError(403, f"{name} cannot be read: {error.strerror}.") from error
    if not is_here:
        if response := _send_fallback(fallback(file, settings)):
            return response
        if not is_remote:
            raise RefusedError(
                404, f"The file is missing: {name} was moved or deleted. Index the folder again."
            )
        try:
            copy = jobs.fetched(file.path, cache=settings.fetched, key=file.copy_key)
        except AudioError as error:
            raise RefusedError(404, str(error)) from error
        return answer(replace(file, path=copy), settings, jobs)
    try:
        return answer(file, settings, jobs)
    except OSError as error:
        raise RefusedError(403, f"{name} cannot be read: {error.strerror}.") from error


def _send_fallback(fallback: tuple[Path, str] | None) -> Response | None:
    """Stream a fallback, with range requests; return None if there is none, or it was just deleted."""
    if fallback is None:
        return None
    path, media_type = fallback
    try:
        return send_audio_file(path, media_type)
    except OSError:
        return None


def playable(
    path: Path, audio_format: str, jobs: SoundJobs, *, cache: Path, key: str, part: Part = WHOLE
) -> tuple[Path, str]:
    """Return a file that browsers can play, and its media type: the file itself, or a FLAC copy of the song.

    A browser that cannot play the file itself, although browsers play its format, asks for the copy with
    `?copy=flac`.

    Parameters
    ----------
    cache, key, part
        As for `SoundJobs.copy`. A part of a file is always copied.

    Raises
    ------
    AudioError
        If a copy cannot be made.
    """
    with path.open("rb") as file:
        media_type = playable_media_type(audio_format, file.read(HEAD_BYTES))
    if media_type and not part.track and request.args.get("copy") != "flac":
        return path, media_type
    return jobs.copy(path, cache=cache, key=key, part=part), "audio/flac"


def send_song(file: StoredFile, settings: Settings, jobs: SoundJobs) -> Response:
    """Stream a whole song, with range requests."""
    path, media_type = playable(
        file.path, file.format, jobs, cache=settings.transcodes, key=file.fingerprint, part=file.part
    )
    # A header cannot contain unprintable characters. Flask's own ETag fails for paths that are not UTF-8.
    name = "".join(letter if letter.isprintable() else "_" for letter in path.name)
    state = path.stat()
    etag = etag_of(file.fingerprint, state.st_mtime_ns, state.st_size)
    return send_audio_file(path, media_type, name=name, etag=etag)


def describe_song(
    catalogue: Catalogue, index: int, settings: Settings, cluster_count: int | None = None
) -> dict:
    """Return what the page shows about a song.

    - "cluster": the name of its cluster, among `cluster_count` clusters if these have been computed already,
      else among the stored clusters.
    - "near": by projection, how many of the ten songs that sound most like it are near it on the map.
    - "neighbours": how many neighbours it has, at most 10.
    - "tempo_bpm", "key" and so on: its musical features, as `KnownFeatures.as_json` returns them.
    - "note": a sentence about what was unusual about decoding its file; usually empty.
    - "gone_since": when the file was first found missing, or null.
    - "fallback": what can be played without the file: "copy", "preview" or null.
    - "same_sound_count": the number of other songs with the same sound; "same_sound": the first 50 of them.
    - "same_recording_count", "same_recording": likewise, for other encodings of the recording.
    """
    song = catalogue.song(index)
    clusters = catalogue.known_clusters(cluster_count)
    same_sound = catalogue.file_status.others_like(index)
    same_recording = catalogue.same_recordings(index)
    features = catalogue.known_features(index).as_json()
    return (
        describe_any(song, settings)
        | features
        | {
            "index": index,
            "cluster": clusters.names[clusters.members[index]] if clusters.names else "",
            "near": {name: int(near[index]) for name, near in catalogue.near.items() if near[index] >= 0},
            "neighbours": min(10, len(catalogue) - 1),
            "same_sound_count": len(same_sound),
            "same_sound": describe_songs(catalogue, same_sound[:MAX_SAME_SOUND_LISTED]),
            "same_recording_count": len(same_recording),
            "same_recording": describe_songs(catalogue, same_recording[:MAX_SAME_SOUND_LISTED]),
        }
    )


def describe_any(song: SongRow, settings: Settings) -> dict:
    """Return what the page shows about a song that need not be on the map; see `describe_song`."""
    gone_since = fallback = None
    if song.gone_since is not None:
        gone_since, fallback = _missing_file(song, settings)
    return {
        "id": song.song_id,
        "title": song.title,
        "artist": song.artist,
        "album": song.album,
        "genres": list(song.genres),
        "year": song.year,
        "duration_s": song.duration_s,
        "preview_start_s": song.preview_start_s,
        "note": song.note,
        "gone_since": gone_since,
        "fallback": fallback,
    }


def _missing_file(song: SongRow, settings: Settings) -> tuple[str | None, str | None]:
    """Return when a file was first found missing, and the best fallback; None and None if it is back."""
    with open_library(settings.database) as database:
        file = database.file_of(song.song_id)
    # Only local files are checked again. A remote server is not asked for each song that a user selects.
    if file is None:
        return None, None
    try:
        file = file.located(folder=settings.songs_folder)
    except ForbiddenFileError:
        return song.gone_since, None
    if isinstance(file.path, Path) and file.path.is_file():
        return None, None
    return song.gone_since, best_fallback(file, settings)


def list_neighbours(catalogue: Catalogue, index: int, *, hide: tuple[str, ...] = ()) -> list[dict]:
    """Return the songs that sound most like a song, the most similar first.

    Each also has "gone" (its file is missing), "same_sound" (it has exactly the same sound) and
    "same_recording" (it is another encoding of the recording). `hide` lists the kinds of songs to leave out,
    as `Filter.hide` does.
    """
    catalogue.require(index)
    found = describe_neighbours(catalogue, catalogue.nearest(index, hide=hide), of=index)
    return with_status(catalogue, found, of=index)
