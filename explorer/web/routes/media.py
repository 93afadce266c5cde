"""What the page fetches beside Dash: sound by song id, a song's details by its number, health."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from flask import Blueprint, Response, jsonify, request, send_file

from explorer.audio.transcoding import browser_type, transcode
from explorer.config import Settings
from explorer.database.database import Database
from explorer.database.records import SongRow, StoredFile
from explorer.errors import AudioError, LibraryError, NoLibraryError
from explorer.library.remote import RemotePath
from explorer.library.remote_copies import local_copy
from explorer.web.data.catalogue import Catalogue
from explorer.web.data.facets import hideable
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.routes.any_id import fresh_json, routes
from explorer.web.routes.fallback import fallback_copy, fallback_of
from explorer.web.security import RefusedError

MOST_TWINS_NAMED = 50


def make_blueprint(settings: Settings, holder: CatalogueHolder) -> Blueprint:
    """Return the routes `/healthz`, `/latest`, `/audio/<song_id>`, `/songs/…` and `/neighbours/…`."""
    media = routes("media")

    @media.get("/healthz")
    def healthz() -> Response:
        return jsonify(songs=count_songs(settings))

    @media.get("/latest")
    def latest() -> Response:
        return fresh_json(**newest(settings))

    @media.get("/audio/<any_id:song_id>")
    def audio(song_id: str) -> Response:
        return answer_from_file(
            song_id,
            settings,
            lambda file: _send(file, settings),
            without_file=lambda file: send_fallback(fallback_copy(file, settings), "audio/flac"),
        )

    @media.get("/songs/<int:revision>/<int:index>")
    def song(revision: int, index: int) -> Response:
        clusters = request.args.get("clusters", type=int)
        # Files come and go while the map stays, and soon there may be as many clusters as were asked for.
        return fresh_json(**describe_song(map_of(holder, revision), index, settings, clusters))

    @media.get("/songs/<int:revision>/by-id/<any_id:song_id>")
    def number(revision: int, song_id: str) -> Response:
        response = jsonify(index=map_of(holder, revision).number_of(song_id))
        response.headers["Cache-Control"] = "private, max-age=3600"
        return response

    @media.get("/neighbours/<int:revision>/<int:index>")
    def neighbours(revision: int, index: int) -> Response:
        hide = hideable(request.args.getlist("hide"))
        return fresh_json(neighbours=list_neighbours(map_of(holder, revision), index, hide=hide))

    return media


def map_of(holder: CatalogueHolder, revision: object) -> Catalogue:
    """Return the snapshot that a page was drawn from.

    Raises
    ------
    RefusedError
        If the page has an older map.
    """
    catalogue = holder.held()
    if catalogue.revision != revision:
        raise RefusedError(409, "The map has changed: reload the page.")
    return catalogue


def count_songs(settings: Settings) -> int:
    """Return how many songs the library has; none where there is no library or it is busy."""
    try:
        with Database.open_readonly(settings.database) as database:
            return database.count_vectors()
    except LibraryError:
        return 0


def newest(settings: Settings) -> dict:
    """Return the map's "revision", how many "songs" are indexed, on the map or not, and "changes".

    "changes" is a mark that is another one when files may have come, gone or changed. All is asked of the
    database: the snapshot that pages are drawn from stays what it is.
    """
    try:
        with Database.open_readonly(settings.database) as database:
            return {
                "revision": database.map_revision(),
                "songs": database.count_vectors(),
                "changes": database.changes_token(),
            }
    except NoLibraryError:
        return {"revision": 0, "songs": 0, "changes": ""}


def send_fallback(path: Path | None, media_type: str) -> Response | None:
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
    """Answer from the file of a song that the database knows.

    Parameters
    ----------
    answer : callable
        Called with a file that is there, or with a copy of one on a server.
    without_file : callable
        What can be answered where the file is missing or on a server; None for nothing.

    Raises
    ------
    RefusedError
        If there is no such file, or it cannot be read.
    AudioError
        If it is not sound.
    """
    with Database.open_readonly(settings.database) as database:
        file = database.file_of(song_id)
    if file is None:
        raise RefusedError(404, "There is no sound for this song: the library knows no file of it.")
    name, is_remote = file.path.name, isinstance(file.path, RemotePath)
    if is_remote or not file.path.is_file():
        if kept := without_file(file):
            return kept
        if not is_remote:
            raise RefusedError(
                404, f"The file is missing: {name} was moved or deleted. Index the folder again."
            )
        try:
            copy = local_copy(file.path, cache=settings.fetched, key=file.fingerprint)
        except AudioError as error:
            raise RefusedError(404, str(error)) from error
        return answer(replace(file, path=copy))
    try:
        with file.path.open("rb"):
            pass  # Whether it may be read is not what its decoders tell best.
        return answer(file)
    except OSError as error:
        raise RefusedError(403, f"{name} cannot be read: {error.strerror}.") from error


def playable(path: Path, form: str, *, cache: Path, key: str) -> tuple[Path, str]:
    """Return a file that browsers play, a FLAC copy where they do not play this one, and its media type."""
    media_type = browser_type(form)
    return (path, media_type) if media_type else (transcode(path, cache=cache, key=key), "audio/flac")


def _send(file: StoredFile, settings: Settings) -> Response:
    path, media_type = playable(file.path, file.format, cache=settings.transcodes, key=file.fingerprint)
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
    catalogue: Catalogue, index: int, settings: Settings, cluster_count: int | None = None
) -> dict:
    """Return what the page shows of a song.

    "gone_since" is when its file was first missed; null where the file is there. "fallback" is what can still
    be played of a song whose file is missing: "copy", "preview" or null. "same_sound_count" is the number of
    other songs with the same sound; "same_sound" names the first of them.
    The cluster is one of `cluster_count` where the page has asked for so many before, and else one of the
    stored map's.
    """
    song = catalogue.song(index)
    clusters = catalogue.known_clusters(cluster_count)
    twins = catalogue.file_status.others_like(index)
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
        "same_sound_count": len(twins),
        "same_sound": catalogue.named(twins[:MOST_TWINS_NAMED]),
    }


def _absence(song: SongRow, settings: Settings) -> dict:
    """Return since when a song's file is missing, and what is left to hear of it."""
    if song.gone_since is not None:
        with Database.open_readonly(settings.database) as database:
            file = database.file_of(song.song_id)
        # A server is not asked for each song that is looked at; a local file may have come back meanwhile.
        is_back = file is None or (not isinstance(file.path, RemotePath) and file.path.is_file())
        if not is_back:
            return {"gone_since": song.gone_since, "fallback": fallback_of(file, settings)}
    return {"gone_since": None, "fallback": None}


def list_neighbours(catalogue: Catalogue, index: int, *, hide: tuple[str, ...] = ()) -> list[dict]:
    """Return the songs that sound most like a song, the nearest first.

    Of each, "gone" says whether its file is missing, and "same_sound" whether it has the very same sound.
    What `Filter.hide` hides is not among them.
    """
    catalogue.require(index)
    twins = set(catalogue.file_status.others_like(index))
    return [
        song
        | {
            "gone": bool(catalogue.file_status.is_gone[song["index"]]),
            "same_sound": song["index"] in twins,
        }
        for song in catalogue.described(catalogue.nearest(index, hide=hide))
    ]
