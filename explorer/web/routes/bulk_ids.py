"""Routes that translate many songs' numbers on the map into ids, and ids into numbers.

The page keeps a selection by ids, which stay the same when a new map gives the songs other numbers. These
requests change nothing; they are no GET because a list can be longer than an address.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request

from explorer.web.callback_requests import read_json
from explorer.web.data.catalogue import Catalogue
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.routes.any_id import fresh_json, library_blueprint
from explorer.web.security import RefusedError, refuse_other_sites

MAX_SONGS = 5_000
"""The largest number of songs of one request: the page sends a longer list in parts."""


def make_bulk_ids_blueprint(holder: CatalogueHolder) -> Blueprint:
    """Return the routes `/songs/<revision>/ids` and `/songs/<revision>/numbers`.

    - `POST ids` with `{"songs": [number, …]}`: answers `{"ids": [id, …]}`.
    - `POST numbers` with `{"ids": [id, …]}`: answers `{"songs": [number or null, …], "unmapped": [id, …]}`.
      The number of a song that is not on the map is null; "unmapped" lists those of them that are in the
      library.
    """
    blueprint = library_blueprint("bulk_ids")

    @blueprint.post("/songs/<int:revision>/ids")
    def ids(revision: int) -> Response:
        numbers = _list_in_body("songs", lambda value: type(value) is int)
        catalogue = holder.at_revision(revision)
        for number in numbers:
            catalogue.require(number)
        return fresh_json(ids=[catalogue.song_ids[number] for number in numbers])

    @blueprint.post("/songs/<int:revision>/numbers")
    def numbers(revision: int) -> Response:
        song_ids = _list_in_body("ids", lambda value: isinstance(value, str))
        catalogue = holder.at_revision(revision)
        found = [catalogue.number_of(song_id) for song_id in song_ids]
        absent = [song_id for song_id, number in zip(song_ids, found, strict=True) if number is None]
        return fresh_json(songs=found, unmapped=_in_library(catalogue, absent))

    return blueprint


def _list_in_body(name: str, is_valid: Callable[[object], bool]) -> list:
    """Return the list that the request's JSON object holds under a name.

    Raises
    ------
    RefusedError
        If there is none, it is too long, or a value is not valid.
    """
    refuse_other_sites()
    body = read_json(request)
    values = body.get(name) if isinstance(body, dict) else None
    if not isinstance(values, list) or not all(map(is_valid, values)):
        raise RefusedError(400, f"A JSON object is expected whose {name} are a list of songs.")
    if len(values) > MAX_SONGS:
        raise RefusedError(400, f"A request can name {MAX_SONGS:,} songs at most, not {len(values):,}.")
    return values


def _in_library(catalogue: Catalogue, song_ids: list[str]) -> list[str]:
    """Return those of the songs that the library has."""
    # A page can send any text. SQLite stores no surrogates.
    possible = [song_id for song_id in song_ids if song_id.encode("utf-8", "ignore").decode() == song_id]
    if not possible:
        return []
    with catalogue.open_library() as database:
        known = database.titles_and_artists(possible)
    return [song_id for song_id in possible if song_id in known]
