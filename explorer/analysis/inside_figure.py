"""Draws what is inside a song: waveform with sections, loudness, brightness and self-similarity."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from explorer.analysis.compare.captions import Caption, add_heading
from explorer.analysis.inside_song import InsideSong
from explorer.analysis.matplotlib_style import (
    ACCENT,
    COLOURS,
    DISTANCE,
    GREY,
    INK,
    LINE,
    SOFT,
    new_figure,
    shorten,
    style,
)
from explorer.errors import AnalysisError
from explorer.structure.known_features import frequency_text
from explorer.structure.sections import Section
from explorer.structure.similarity_matrix import self_similarity, shrink
from explorer.structure.song_features import CURVE_STEP_S
from explorer.util.clock import clock
from explorer.util.text import one_line

_WIDTH_IN, _HEIGHT_IN = 11.6, 4.4
_MAX_MATRIX = 512
_MIN_LETTER_SHARE = 0.015
"""The letters of sections that are shorter, as a share of the song, are not written: there is no room."""
_MAX_BEATS = 600
_UNTRAINED = "Untrained filters, not OpenL3's: the sections show changes of timbre, at best."


def inside_figure(inside: InsideSong, waveform: np.ndarray | None) -> Figure:
    """Draw what is known about a song.

    Parameters
    ----------
    inside : InsideSong
    waveform : np.ndarray [shape=(m,), uint8] or None
        The heights of m equal parts of the song, as `measure_waveform` gives them.

    Raises
    ------
    AnalysisError
        If nothing is known that can be drawn.
    """
    has_curves = len(inside.measured.loudness_curve) > 0
    if waveform is None and not has_curves and inside.components is None:
        raise AnalysisError(
            f"There is nothing to draw of {inside.title}: it has no windows, was not measured, and its file "
            "cannot be read."
        )
    length_s = inside.duration_s or len(inside.measured.loudness_curve) * CURVE_STEP_S
    with style():
        figure = new_figure(_WIDTH_IN, _HEIGHT_IN)
        grid = figure.add_gridspec(3, 2, width_ratios=(1.55, 1), height_ratios=(1.5, 1, 1), wspace=0.04)
        wave = figure.add_subplot(grid[0, 0])
        loudness = figure.add_subplot(grid[1, 0], sharex=wave)
        brightness = figure.add_subplot(grid[2, 0], sharex=wave)
        _draw_wave(wave, inside, waveform, length_s)
        _draw_curve(loudness, inside.measured.audible_loudness, "Loudness (LUFS)")
        _draw_curve(brightness, inside.measured.audible_brightness, "Brightness")
        brightness.yaxis.set_major_formatter(FuncFormatter(lambda hz, _: frequency_text(hz)))
        for axes in (loudness, brightness):
            _draw_cuts(axes, inside.sections)
        for axes in (wave, loudness):
            axes.tick_params(labelbottom=False)
        wave.set_xlim(0, length_s)
        _time_axis(brightness.xaxis)
        _draw_matrix(figure.add_subplot(grid[:, 1]), inside, length_s)
        # The heading must lie above the axes as they are now.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    features = " · ".join(f"{name.lower()} {value}" for name, value in inside.known.texts().items())
    captions = [Caption(features[:1].upper() + features[1:] + ".")] if features else []
    if inside.is_trained is False:
        captions.append(Caption(_UNTRAINED, is_warning=True))
    title = (
        f"{shorten(one_line(inside.title), 60)} · {shorten(one_line(inside.artist) or 'unknown artist', 40)}"
    )
    add_heading(figure, title, captions)
    return figure


def section_colour(label: str) -> str:
    """Return the colour of a section: sections with the same letter have the same colour."""
    number = 0
    for letter in label:
        number = number * 26 + ord(letter) - ord("A") + 1
    return COLOURS[(number - 1) % len(COLOURS)]


def _draw_wave(axes: Axes, inside: InsideSong, waveform: np.ndarray | None, length_s: float) -> None:
    heights = np.full(1, 0.5) if waveform is None else waveform / 255
    edges_s = np.linspace(0, length_s, len(heights) + 1)
    axes.set(ylim=(-1.08, 1.55), yticks=[])
    axes.spines["left"].set_visible(False)
    # A colour for each bar: that of the section in which its middle lies.
    middles_s = (edges_s[1:] + edges_s[:-1]) / 2
    colours = np.full(len(heights), SOFT, dtype=object)
    for section in inside.sections:
        colour = section_colour(section.label)
        colours[(middles_s >= section.start_s) & (middles_s < section.end_s)] = colour
        axes.axvspan(section.start_s, section.end_s, ymax=0.83, color=colour, alpha=0.13, linewidth=0)
        if section.end_s - section.start_s >= _MIN_LETTER_SHARE * length_s:
            middle_s = (section.start_s + section.end_s) / 2
            axes.text(middle_s, 1.32, section.label, ha="center", va="center", color=colour, weight="bold")
    if waveform is not None:
        axes.bar(edges_s[:-1], 2 * heights, np.diff(edges_s), -heights, align="edge", color=list(colours))
    else:
        axes.text(length_s / 2, 0, "Its file cannot be read", ha="center", va="center", color=SOFT)
    tempo, beats_s = inside.known.tempo, inside.measured.beats_s
    if tempo and tempo.is_sure and len(beats_s) <= _MAX_BEATS:
        axes.vlines(beats_s, -1.08, -0.98, color=SOFT, linewidth=0.5)
    _draw_cuts(axes, inside.sections, top=0.83)


def _draw_cuts(axes: Axes, sections: tuple[Section, ...], top: float = 1.0) -> None:
    """Draw a line where each section but the first begins."""
    for section in sections[1:]:
        axes.axvline(section.start_s, ymax=top, color=INK, linewidth=0.7, alpha=0.55)


def _draw_curve(axes: Axes, values: np.ndarray, label: str) -> None:
    """Draw a curve with gaps where the song is silent: there, the value is NaN."""
    axes.set_title(label, fontsize=8.5, weight="normal", color=SOFT, pad=3)
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.tick_params(length=2, labelsize=7.5)
    if not np.isfinite(values).any():
        axes.set_yticks([])
        why = "Silent" if len(values) else "Not measured"
        axes.text(0.5, 0.5, why, transform=axes.transAxes, ha="center", va="center", color=SOFT)
        return
    middles_s = (np.arange(len(values)) + 0.5) * CURVE_STEP_S
    axes.plot(middles_s, values, color=ACCENT, linewidth=1.1)
    # A quiet start must not make the rest of the curve flat.
    low, high = np.nanpercentile(values, 2), np.nanmax(values)
    margin = max(0.08 * (high - low), 1e-3 * abs(high), 1e-3)
    axes.set_ylim(low - margin, high + margin)
    axes.grid(axis="y", color=LINE, linewidth=0.6)


def _draw_matrix(axes: Axes, inside: InsideSong, length_s: float) -> None:
    """Draw how alike any two moments sound, with lines between the sections."""
    axes.set_title("Where the song sounds like itself", fontsize=8.5, weight="normal", color=SOFT, pad=3)
    axes.spines[:].set(visible=True, color=LINE)
    axes.set_aspect("equal")
    if inside.components is None:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "The library has no windows of it", ha="center", va="center", color=SOFT)
        return
    matrix = shrink(self_similarity(inside.components), _MAX_MATRIX)
    others = matrix[~np.eye(len(matrix), dtype=bool)] if len(matrix) > 1 else np.array([0.0])
    low, high = np.percentile(others, (5, 99))
    end_s = (len(inside.components) - 0.5) * inside.step_s
    extent = (-inside.step_s / 2, end_s, end_s, -inside.step_s / 2)
    limits = (low, max(high, low + 1e-3))
    axes.imshow(matrix, cmap=DISTANCE.reversed(), clim=limits, extent=extent, interpolation="nearest")
    for section in inside.sections[1:]:
        axes.axvline(section.start_s, color=GREY, linewidth=0.7)
        axes.axhline(section.start_s, color=GREY, linewidth=0.7)
    for section in inside.sections:
        if section.end_s - section.start_s >= _MIN_LETTER_SHARE * length_s:
            middle = (section.start_s + section.end_s) / 2 / length_s
            axes.text(
                1.015, 1 - middle, section.label, transform=axes.transAxes, va="center", fontsize=8,
                color=section_colour(section.label), weight="bold",
            )  # fmt: skip
    _time_axis(axes.xaxis)
    _time_axis(axes.yaxis)
    axes.set(xlim=(0, length_s), ylim=(length_s, 0))
    axes.tick_params(length=2, labelsize=7.5)


def _time_axis(axis) -> None:
    axis.set_major_locator(MaxNLocator(6, steps=[1, 1.5, 2, 3, 6, 10], integer=True))
    axis.set_major_formatter(FuncFormatter(lambda seconds, _: clock(seconds)))
