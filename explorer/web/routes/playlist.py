"""Hands a selection of songs out as a playlist."""

from __future__ import annotations

from flask import Blueprint, Response, request

from explorer.config import Settings
from explorer.database.database import Database
from explorer.exporting.playlists import FORMS, PATHS, write_playlist
from explorer.web.data.catalogue import Catalogue
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.routes.any_id import routes
from explorer.web.routes.media import map_of
from explorer.web.security import RefusedError

MAX_SONGS = 250_000


def make_export_blueprint(settings: Settings, holder: CatalogueHolder) -> Blueprint:
    """Return the route `POST /export`: JSON `revision`, `songs`, `form` and `paths` give a playlist."""
    blueprint = routes("export")

    @blueprint.post("/export")
    def export() -> Response:
        wish = request.get_json(silent=True)
        if problem := _problem(wish):
            raise RefusedError(400, problem)
        return _playlist(settings, map_of(holder, wish.get("revision")), wish)

    return blueprint


def _problem(wish: object) -> str | None:
    """Say what is wrong with what was asked for."""
    if not isinstance(wish, dict):
        return "A JSON object with revision, songs, form and paths is expected."
    songs = wish.get("songs")
    if not isinstance(songs, list) or not all(type(song) is int for song in songs):
        return "songs must be a list of song numbers."
    if not songs:
        return "No song is selected."
    if len(songs) > MAX_SONGS:
        return f"At most {MAX_SONGS:,} songs fit into one playlist."
    if wish.get("form") not in list(FORMS):
        return f"form must be one of {', '.join(FORMS)}."
    if wish.get("paths") not in PATHS:
        return f"paths must be one of {', '.join(PATHS)}."
    return None


def _playlist(settings: Settings, catalogue: Catalogue, wish: dict) -> Response:
    for index in wish["songs"]:
        catalogue.require(index)
    with Database.open_readonly(settings.database) as database:
        songs = database.playlist_songs([catalogue.song_ids[index] for index in wish["songs"]])
    written = sum(song.path is not None for song in songs)
    text, media_type = write_playlist(songs, form=wish["form"], paths=wish["paths"])
    response = Response(text, content_type=f"{media_type}; charset=utf-8")
    name = f"Music Explorer, {written} song{'' if written == 1 else 's'}.{wish['form']}"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    response.headers["X-Left-Out"] = str(len(wish["songs"]) - written)
    response.headers["Cache-Control"] = "no-store"
    return response
