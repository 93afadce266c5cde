"""The colours of a continuous scale, such as the years of songs."""

from __future__ import annotations

from functools import cache

import numpy as np

SCALE_STEPS = 64
"""How many colours a scale has; a song without a value has the next colour number."""

# Each scale runs from violet through blue and green to yellow, and becomes lighter all the way, as viridis
# does (Smith and van der Walt, 2015): so it can be read without colour vision, too. The ends are (lightness,
# hue in degrees) in OKLCh (Ottosson, 2020). Each colour has a contrast of at least 3:1 with the theme's
# background.
_ENDS = {"dark": ((0.51, 295.0), (0.94, 105.0)), "light": ((0.24, 305.0), (0.63, 118.0))}
_MAX_CHROMA = 0.15
_CURVE_POINTS = 400


@cache
def scale_colours(theme: str) -> list[str]:
    """Return the scale's colours as "#rrggbb", from the lowest value to the highest.

    Neighbouring colours are equally far apart in OKLab, so that equal differences of a value look equal.
    """
    (light_from, hue_from), (light_to, hue_to) = _ENDS[theme]
    share = np.linspace(0, 1, _CURVE_POINTS)
    lightness = light_from + (light_to - light_from) * share
    hue = np.radians(hue_from + (hue_to - hue_from) * share)
    chroma = _largest_chroma(lightness, hue)
    # The limit of the screen's colours has corners; a scale must have none.
    chroma = np.minimum(chroma, np.convolve(np.pad(chroma, 40, "edge"), np.full(81, 1 / 81), "valid"))
    curve = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    wanted = np.linspace(0, length[-1], SCALE_STEPS)
    lab = np.stack([np.interp(wanted, length, axis) for axis in curve.T], axis=1)
    return ["#{:02x}{:02x}{:02x}".format(*colour) for colour in _screen_bytes(lab)]


def _largest_chroma(lightness: np.ndarray, hue: np.ndarray) -> np.ndarray:
    """Return the largest chroma up to `_MAX_CHROMA` that a screen can show at each lightness and hue."""
    low, high = np.zeros_like(hue), np.full_like(hue, _MAX_CHROMA)
    for _ in range(20):
        middle = (low + high) / 2
        rgb = _linear_rgb(np.stack([lightness, middle * np.cos(hue), middle * np.sin(hue)], axis=1))
        is_shown = ((rgb >= 0) & (rgb <= 1)).all(axis=1)
        low, high = np.where(is_shown, middle, low), np.where(is_shown, high, middle)
    return low


def _linear_rgb(lab: np.ndarray) -> np.ndarray:
    """Convert OKLab to linear sRGB, with the matrices of Ottosson (2020)."""
    to_cones = np.array(
        [
            [1, 0.3963377774, 0.2158037573],
            [1, -0.1055613458, -0.0638541728],
            [1, -0.0894841775, -1.2914855480],
        ]
    )
    to_rgb = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    return (lab @ to_cones.T) ** 3 @ to_rgb.T


def _screen_bytes(lab: np.ndarray) -> list[list[int]]:
    """Convert OKLab to sRGB's bytes."""
    linear = np.clip(_linear_rgb(lab), 0, 1)
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(255 * curved).astype(int).tolist()
