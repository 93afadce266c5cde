"""The route that exports selected songs as a playlist."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from flask import Blueprint, Response, request

from explorer.config import Settings
from explorer.exporting.file_paths import PATHS, FilePaths
from explorer.exporting.playlists import FORMATS, write_playlist
from explorer.web import browser_inputs as inputs
from explorer.web.callback_requests import read_json
from explorer.web.data.catalogue import Catalogue
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.routes.any_id import library_blueprint
from explorer.web.security import RefusedError

_MAX_REVISION = 2**53


def make_playlist_blueprint(holder: CatalogueHolder, settings: Settings) -> Blueprint:
    """Return the route `POST /export`, which takes JSON with `revision`, `songs`, `form` and `paths`."""
    blueprint = library_blueprint("export")

    @blueprint.post("/export")
    def export() -> Response:
        body = read_json(request)
        if problem := _problem(body):
            raise RefusedError(400, problem)
        revision = inputs.integer(body.get("revision"), 0, _MAX_REVISION)
        return _playlist(holder.at_revision(revision), body, settings.songs_folder)

    return blueprint


def _problem(body: object) -> str | None:
    """Return an error message if a request's JSON is invalid, or None."""
    if not isinstance(body, dict):
        return "A JSON object with revision, songs, form and paths is expected."
    songs = body.get("songs")
    if not isinstance(songs, list) or not all(type(song) is int for song in songs):
        return "songs must be a list of song numbers."
    if not songs:
        return "No song is selected."
    if body.get("form") not in list(FORMATS):  # A list, because a value from JSON need not be hashable.
        return f"form must be one of {', '.join(FORMATS)}."
    if body.get("paths") not in PATHS:
        return f"paths must be one of {', '.join(PATHS)}."
    return None


def _playlist(catalogue: Catalogue, body: dict, songs_folder: Path | None) -> Response:
    # Each song once: otherwise a small request could ask for an answer of any size.
    indices = list(dict.fromkeys(body["songs"]))
    for index in indices:
        catalogue.require(index)
    with catalogue.open_library() as database:
        songs = database.playlist_songs([catalogue.song_ids[index] for index in indices])
    if songs_folder is not None:
        songs = [song if song.root is None else replace(song, root=str(songs_folder)) for song in songs]
    n_written = sum(song.path is not None for song in songs)
    # The browser does not tell where it saves the playlist, so relative paths begin at the folder of music.
    file_paths = FilePaths(songs, paths=body["paths"])
    text, media_type = write_playlist(songs, form=body["form"], file_paths=file_paths)
    response = Response(text, content_type=f"{media_type}; charset=utf-8")
    name = f"Music Explorer, {n_written} song{'' if n_written == 1 else 's'}.{body['form']}"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    # How many songs the playlist does not contain, because they have no file.
    response.headers["X-Left-Out"] = str(len(indices) - n_written)
    # Why the paths are not the kind that was asked for.
    response.headers["X-Path-Problem"] = file_paths.problem
    response.headers["Cache-Control"] = "no-store"
    return response
