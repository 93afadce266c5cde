"""Routes for what is inside a song: sections, tempo, key, loudness and brightness. No sound is decoded."""

from __future__ import annotations

import numpy as np
from flask import Blueprint, Response

from explorer.analysis.missing_windows import missing_inside
from explorer.config import Settings
from explorer.database.features import FeatureRow
from explorer.embedding.song_windows import SongWindows
from explorer.structure.known_features import KnownFeatures
from explorer.structure.sections import Section, find_sections
from explorer.structure.similarity_matrix import self_similarity, shrink
from explorer.structure.song_features import CURVE_STEP_S, SongFeatures
from explorer.web.data.reader import open_library
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.routes.any_id import fresh_json, library_blueprint
from explorer.web.security import RefusedError

MAX_MATRIX_SIZE = 256
"""The matrix that is sent has at most this many rows."""

_MAX_COMPARED = 1024
"""Of a song with more windows, the means of neighbouring ones are compared: a song has up to 4,096."""


def make_inside_blueprint(settings: Settings, holder: CatalogueHolder) -> Blueprint:
    """Return the routes `/inside/<revision>/<index>` and `/inside/<revision>/<index>/matrix`."""
    inside = library_blueprint("inside")

    @inside.get("/inside/<int:revision>/<int:index>")
    def inside_of(revision: int, index: int) -> Response:
        song = holder.at_revision(revision).song(index)
        with open_library(settings.database) as database:
            windows = database.windows_of(song.song_id)
            features = database.features_of(song.song_id)
            row = database.feature_row(song.song_id)
            advice = missing_inside(
                database, song.song_id, has_windows=windows is not None, has_features=features is not None
            )
        return fresh_json(**describe_inside(song.duration_s, windows, features, row), advice=advice)

    @inside.get("/inside/<int:revision>/<int:index>/matrix")
    def matrix_of(revision: int, index: int) -> Response:
        song = holder.at_revision(revision).song(index)
        with open_library(settings.database) as database:
            windows = database.windows_of(song.song_id)
            if windows is None:
                raise RefusedError(
                    404, missing_inside(database, song.song_id, has_windows=False, has_features=True)
                )
        levels = matrix_levels(windows.components)
        headers = {"X-Size": str(len(levels)), "Cache-Control": "no-store"}
        return Response(levels.tobytes(), headers=headers, mimetype="application/octet-stream")

    return inside


def describe_inside(
    duration_s: float | None, windows: SongWindows | None, features: SongFeatures | None, row: FeatureRow
) -> dict:
    """Return what is known of a song's inside; unknown values are None, unknown lists are empty.

    - "sections": in order, without gaps. Sections that sound alike have the same label.
    - "loudness_curve" (LUFS), "brightness_curve" (Hz): one value each "curve_step_s"; None for silence.
    - "tempo_is_sure", "key_is_sure": whether the value can be told without a word of doubt.
    """
    duration_s = duration_s or _known_duration(windows, features)
    features = features or SongFeatures()
    return {
        "duration_s": duration_s,
        "has_windows": windows is not None,
        "step_s": windows.step_s if windows else None,
        "sections": [_section(section) for section in _sections(windows, duration_s)],
        **KnownFeatures.of(row, tag_tempo=row.tag_tempo, tag_key=row.tag_key).as_json(),
        "loudness_curve": _curve(features.audible_loudness, 1),
        "brightness_curve": _curve(features.audible_brightness, 0),
        "curve_step_s": CURVE_STEP_S,
        "beats_s": [beat for beat in _curve(features.beats_s, 3) if beat is not None],
    }


def matrix_levels(components: np.ndarray) -> np.ndarray:
    """Compare the windows of a song with each other.

    Parameters
    ----------
    components : np.ndarray [shape=(n, d)]

    Returns
    -------
    np.ndarray [shape=(m, m), uint8]
        255: alike; 0: not alike, or opposite. m is at most `MAX_MATRIX_SIZE`.
    """
    if len(components) > _MAX_COMPARED:
        edges = np.arange(_MAX_COMPARED) * len(components) // _MAX_COMPARED
        counts = np.diff(np.append(edges, len(components)))
        components = np.add.reduceat(components, edges, axis=0) / counts[:, None]
    matrix = shrink(self_similarity(components), MAX_MATRIX_SIZE)
    return np.rint(np.clip(matrix, 0, 1) * 255).astype(np.uint8)


def _known_duration(windows: SongWindows | None, features: SongFeatures | None) -> float | None:
    """Return the duration that windows or curves reach; None without them."""
    of_windows = len(windows) * windows.step_s if windows else 0.0
    of_curves = len(features.loudness_curve) * CURVE_STEP_S if features else 0.0
    return max(of_windows, of_curves) or None


def _sections(windows: SongWindows | None, duration_s: float | None) -> list[Section]:
    if windows is None or not duration_s:
        return []
    return find_sections(windows.components, step_s=windows.step_s, duration_s=duration_s)


def _section(section: Section) -> dict:
    return {
        "start_s": round(section.start_s, 3),
        "end_s": round(section.end_s, 3),
        "label": section.label,
        "confidence": section.confidence,
    }


def _curve(values: np.ndarray, digits: int) -> list[float | None]:
    """Return the values for JSON, which has no NaN and no infinity: those become None."""
    return [round(value, digits) if np.isfinite(value) else None for value in values.tolist()]
