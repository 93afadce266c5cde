"""Addresses that name a song by its id, which may be any text."""

from __future__ import annotations

from flask.blueprints import BlueprintSetupState
from werkzeug.routing import PathConverter


class AnyId(PathConverter):
    """Any text: what begins with a slash, which the usual converter takes for another address, and lines."""

    regex = "(?s:.+?)"
    part_isolating = False


def know_any_id(state: BlueprintSetupState) -> None:
    """Let a blueprint's routes say `<any_id:…>`."""
    state.app.url_map.converters["any_id"] = AnyId
