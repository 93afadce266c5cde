"""Routes for the arrays that the page draws the map from: positions, colour numbers and flags."""

from __future__ import annotations

import gzip
import threading

import numpy as np
from flask import Blueprint, Response, request

from explorer.util.commands import command_line
from explorer.web import browser_inputs as inputs
from explorer.web.callback_requests import read_json
from explorer.web.data.catalogue import MAX_CLUSTERS, Catalogue
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.map.drawing import Drawing, newest_snapshot
from explorer.web.map.view import MapView, stored_projection
from explorer.web.routes.any_id import etag_of, library_blueprint
from explorer.web.security import RefusedError, refuse_other_sites

_MIN_COMPRESSED_BYTES = 1_000
_LEVEL = 1
"""Higher levels of gzip need several times as long, and make the arrays only a few per cent smaller."""


def make_map_blueprint(holder: CatalogueHolder) -> Blueprint:
    """Return the routes `/map/<revision>/…`; each answers with bytes, in the songs' order on the map.

    - `GET positions/<projection>`: x and y of each song as little-endian float32.
    - `GET groups?projection=&colouring=&clusters=`: a colour number for each song, one byte.
    - `POST flags` with the view as JSON: the flags of each song, one byte: see `song_flags.py`. It changes
      nothing; it is no GET because a filter can be longer than an address.
    """
    blueprint = library_blueprint("map_arrays")
    packed_positions = _PackedPositions()

    @blueprint.get("/map/<int:revision>/positions/<projection>")
    def positions(revision: int, projection: str) -> Response:
        catalogue, name = _snapshot(holder, revision), stored_projection(projection)
        if name not in catalogue.positions:
            raise RefusedError(404, "The library has no such map: choose another view.")
        accepts_gzip = bool(request.accept_encodings["gzip"])
        packed = packed_positions.get(catalogue, name) if accepts_gzip else None
        response = _answer(packed or _position_bytes(catalogue, name), is_packed=packed is not None)
        # Another library can have a map of the same revision at the same address. So the browser keeps the
        # answer, but asks each time whether it is still the same.
        response.headers["Cache-Control"] = "private, no-cache"
        response.set_etag(etag_of(catalogue.map_key, name, packed is not None))
        return response.make_conditional(request)

    @blueprint.get("/map/<int:revision>/groups")
    def groups(revision: int) -> Response:
        count = inputs.integer_of_text(request.args.get("clusters"), 1, MAX_CLUSTERS)
        view = MapView.parse({**request.args, "clusters": count})
        return _fresh(Drawing.of(_snapshot(holder, revision), view).colour_numbers())

    @blueprint.post("/map/<int:revision>/flags")
    def flags(revision: int) -> Response:
        document = read_json(request)
        if not isinstance(document, dict):
            raise RefusedError(400, "A JSON object with the view of the map is expected.")
        view = MapView.parse(document)
        return _fresh(Drawing.of(_snapshot(holder, revision, view.changes), view).flags())

    return blueprint


def _snapshot(holder: CatalogueHolder, revision: int, changes: str | None = None) -> Catalogue:
    """Return the snapshot with this revision.

    Raises
    ------
    RefusedError
        If the library has a map of another revision, or none; or if another site sent the request.
    """
    refuse_other_sites()
    newest_snapshot(holder, revision, changes)
    catalogue = holder.at_revision(revision)
    if not len(catalogue):
        command = command_line("map", database=catalogue.database)
        raise RefusedError(404, f"The songs have no map yet: run `{command}`.")
    return catalogue


class _PackedPositions:
    """The positions of the newest map, compressed at the first request for each projection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._map_key = ""
        self._packed: dict[str, bytes | None] = {}

    def get(self, catalogue: Catalogue, projection: str) -> bytes | None:
        """Return the compressed bytes, or None if they are too few to be compressed."""
        with self._lock:
            if catalogue.map_key != self._map_key:
                self._map_key, self._packed = catalogue.map_key, {}
            if projection not in self._packed:
                self._packed[projection] = _pack(_position_bytes(catalogue, projection))
            return self._packed[projection]


def _position_bytes(catalogue: Catalogue, projection: str) -> bytes:
    return catalogue.positions[projection].astype("<f4").tobytes()


def _pack(content: bytes) -> bytes | None:
    return gzip.compress(content, _LEVEL, mtime=0) if len(content) >= _MIN_COMPRESSED_BYTES else None


def _fresh(numbers: np.ndarray) -> Response:
    """Return bytes that a browser must not cache."""
    content = numbers.tobytes()
    packed = _pack(content) if request.accept_encodings["gzip"] else None
    response = _answer(packed or content, is_packed=packed is not None)
    response.headers["Cache-Control"] = "no-store"
    return response


def _answer(content: bytes, *, is_packed: bool) -> Response:
    response = Response(content, mimetype="application/octet-stream")
    if is_packed:
        response.headers["Content-Encoding"] = "gzip"
    return response
