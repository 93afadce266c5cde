"""Checks the requests for callbacks' results before Dash reads them.

Dash trusts the browser: a request that names an unknown callback, or leaves out an input, ends in an
exception somewhere in Dash. The page's callbacks all have fixed inputs and outputs, so a request has exactly
the form that its callback was registered with, or it did not come from the page. Only the inputs' values
vary; the callbacks read those with `browser_inputs.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from dash import Dash
from flask import Request, request
from werkzeug.exceptions import BadRequest

from explorer.web.security import RefusedError

_ROUTE = "/_dash-update-component"
_MAX_PARTS = 100


def check_callback_requests(app: Dash) -> None:
    """Answer 400 to requests that do not have the form of a registered callback."""

    @app.server.before_request
    def check() -> None:
        if request.endpoint == _ROUTE:
            problem = find_problem(read_json(request), app.callback_map)
            if problem:
                raise RefusedError(
                    400, f"The page sent a request that is not valid: {problem}. Reload the page."
                )


def read_json(from_request: Request) -> object:
    """Return the JSON value that a request's body holds.

    Raises
    ------
    RefusedError
        If the body is not JSON, nests too deeply, or holds a number with thousands of digits.
    """
    try:
        return from_request.get_json()
    except (BadRequest, RecursionError) as error:
        raise RefusedError(400, "This request's body is not JSON that this server can read.") from error


def find_problem(body: object, callbacks: Mapping[str, Mapping]) -> str | None:
    """Return what is wrong with the body of a request for a callback's result, or None.

    Parameters
    ----------
    callbacks : mapping of str to mapping
        Dash's `callback_map`: the registered callbacks by their outputs' names.
    """
    if not isinstance(body, dict):
        return "it is not a JSON object"
    output = body.get("output")
    callback = callbacks.get(output) if isinstance(output, str) else None
    if callback is None or "callback" not in callback:
        return "its output is unknown"
    outputs = body.get("outputs")
    if _names(outputs if output.startswith("..") else [outputs]) != output.strip(".").split("..."):
        return "its outputs are not those of the callback"
    inputs = _names(callback["inputs"])
    if _names(body.get("inputs")) != inputs or _names(body.get("state", [])) != _names(callback["state"]):
        return "its inputs are not those of the callback"
    changed = body.get("changedPropIds", [])
    if not isinstance(changed, list) or not all(isinstance(name, str) and name in inputs for name in changed):
        return "it names a change of something that is not an input"
    return None


def _names(parts: object) -> list[str] | None:
    """Return the inputs or outputs of a list as "id.property"; None if it is not a list of these."""
    if not isinstance(parts, list) or len(parts) > _MAX_PARTS:
        return None
    names = []
    for part in parts:
        if not isinstance(part, dict):
            return None
        control, prop = part.get("id"), part.get("property")
        if not isinstance(control, str) or not isinstance(prop, str):
            return None
        names.append(f"{control}.{prop}")
    return names
