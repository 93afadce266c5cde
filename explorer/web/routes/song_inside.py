"""Routes for what is inside a song: sections, tempo, key, loudness and brightness. No sound is decoded."""

from __future__ import annotations

import math

import numpy as np
from flask import Blueprint, Response

from explorer.config import Settings
from explorer.database.features import FeatureRow
from explorer.embedding.song_windows import SongWindows
from explorer.structure.keys import known_key
from explorer.structure.sections import MIN_LENGTH_S, Section, find_sections
from explorer.structure.similarity_matrix import self_similarity, shrink
from explorer.structure.song_features import CURVE_STEP_S, SongFeatures
from explorer.structure.tempo import known_tempo
from explorer.util.commands import command_line
from explorer.web.data.reader import open_library
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.routes.any_id import fresh_json, library_blueprint
from explorer.web.security import RefusedError

MAX_MATRIX_SIZE = 256
"""The matrix that is sent has at most this many rows."""

_MAX_COMPARED = 1024
"""Of a longer song, the means of neighbouring windows are compared: a mix of two hours has 14,400 windows."""

_MAX_SECTIONS = 60
"""A longer song has longer sections: more of them could not be told apart on the page."""

_COMMAND = "index --windows"
"""What finds out what is not known yet; an index run measures the features, too."""


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
        command = command_line(_COMMAND, database=settings.database)
        return fresh_json(**describe_inside(song.duration_s, windows, features, row), command=command)

    @inside.get("/inside/<int:revision>/<int:index>/matrix")
    def matrix_of(revision: int, index: int) -> Response:
        song = holder.at_revision(revision).song(index)
        with open_library(settings.database) as database:
            windows = database.windows_of(song.song_id)
        if windows is None:
            command = command_line(_COMMAND, database=settings.database)
            raise RefusedError(
                404, f"Which parts of this song sound alike is not known yet: run `{command}`."
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
        **_tempo_and_key(row),
        "energy": _finite(row.energy),
        "loudness_lufs": _finite(row.loudness_lufs),
        "brightness_hz": _finite(row.brightness_hz),
        "loudness_curve": _curve(features.loudness_curve, 1),
        "brightness_curve": _curve(features.brightness_curve, 0),
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
    shortest_s = max(MIN_LENGTH_S, duration_s / _MAX_SECTIONS)
    return find_sections(
        windows.components, step_s=windows.step_s, duration_s=duration_s, min_length_s=shortest_s
    )


def _section(section: Section) -> dict:
    return {
        "start_s": round(section.start_s, 3),
        "end_s": round(section.end_s, 3),
        "label": section.label,
        "confidence": _finite(section.confidence),
    }


def _tempo_and_key(row: FeatureRow) -> dict:
    tempo = known_tempo(measured_bpm=row.tempo_bpm, confidence=row.tempo_confidence, tag=row.tag_tempo)
    key = known_key(measured=row.key, confidence=row.key_confidence, tag=row.tag_key)
    return {
        "tempo_bpm": tempo and tempo.bpm,
        "tempo_confidence": tempo and tempo.confidence,
        "tempo_source": tempo and tempo.source,
        "tempo_is_sure": tempo and tempo.is_sure,
        "key": key and key.name,
        "camelot": key and key.camelot,
        "key_confidence": key and key.confidence,
        "key_source": key and key.source,
        "key_is_sure": key and key.is_sure,
    }


def _finite(value: float | None) -> float | None:
    """Return a value that JSON can hold: a library may hold values that are not finite."""
    return float(value) if value is not None and math.isfinite(value) else None


def _curve(values: np.ndarray, digits: int) -> list[float | None]:
    return [_finite(round(float(value), digits)) for value in values]
