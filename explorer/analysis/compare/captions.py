"""Texts on the figures of a comparison: song labels, titles and captions."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import NamedTuple

from matplotlib.figure import Figure

from explorer.analysis.matplotlib_style import INK, SOFT, shorten, style
from explorer.util.text import one_line

TITLE_PT, CAPTION_PT = 13.0, 8.0
WARNING_COLOUR = "#b2452f"
_CAPTION_LINE_IN, _GAP_IN, _MIN_WIDTH_IN = 0.16, 0.18, 5.2
# The mean width of a character, as a fraction of the font size.
_CHARACTER_WIDTH = 0.54
_TITLE_CHARACTERS, _ARTIST_CHARACTERS = 30, 18


class Caption(NamedTuple):
    """A sentence below the title of a figure."""

    text: str
    is_warning: bool = False


def song_label(title: str, artist: str, *, max_title_characters: int = _TITLE_CHARACTERS) -> str:
    """Return the label of a song: its title and artist, each shortened if it is long."""
    title = shorten(one_line(title), max_title_characters) or "untitled"
    artist = shorten(one_line(artist), _ARTIST_CHARACTERS)
    return f"{title} · {artist}" if artist else title


def model_caption(model: dict) -> Caption:
    """Return a caption that names the vectors' model; a warning if the model is unknown or untrained."""
    if not model.get("weights_sha256") and not model.get("weights"):
        return Caption("The model that made these vectors is not known.", is_warning=True)
    if model.get("trained") is None:
        return Caption("These vectors were imported: their model is not known.", is_warning=True)
    name = (
        f"{model['input_repr']} {model['content_type']} {model['embedding_size']}, hop {model['hop_s']:g} s"
    )
    if not model["trained"]:
        text = f"Untrained filters ({name}), not OpenL3: similar songs have at most a similar timbre."
        return Caption(text, is_warning=True)
    return Caption(f"OpenL3 {name}, {model['pooling']} pooling.")


def add_heading(figure: Figure, title: str, captions: Sequence[Caption]) -> None:
    """Write a title and captions above everything else on a figure.

    The text lies outside the figure's own size; `matplotlib_style.render` enlarges the picture to hold it.
    """
    # Measuring the figure draws it, which needs the style too.
    with style():
        box_in = figure.get_tightbbox()
        width_in, height_in = figure.get_size_inches()
        line_characters = int(max(_MIN_WIDTH_IN, box_in.width) * 72 / (CAPTION_PT * _CHARACTER_WIDTH))
        lines = [(line, is_warning) for text, is_warning in captions for line in wrap(text, line_characters)]
        x, y_in = box_in.x0 / width_in, box_in.y1 + _GAP_IN
        for line, is_warning in reversed(lines):
            colour = WARNING_COLOUR if is_warning else SOFT
            figure.text(x, y_in / height_in, line, fontsize=CAPTION_PT, color=colour)
            y_in += _CAPTION_LINE_IN
        y_in += _GAP_IN / 2
        figure.text(x, y_in / height_in, title, fontsize=TITLE_PT, fontweight="bold", color=INK)
