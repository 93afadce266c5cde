"""Words on a comparison's figures: what songs are called, and what is said above a picture."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from matplotlib.figure import Figure

from explorer.analysis.matplotlib_style import INK, SOFT, shorten
from explorer.util.text import shown

TITLE_PT, CAPTION_PT = 13.0, 8.0
WARNING = "#b2452f"
_CAPTION_LINE_IN, _GAP_IN, _LEAST_WIDTH_IN = 0.16, 0.18, 5.2
# The mean width of a letter, in font sizes.
_LETTER = 0.54
_TITLE_LETTERS, _ARTIST_LETTERS = 30, 18


def song_label(title: str, artist: str, *, letters: int = _TITLE_LETTERS) -> str:
    """Return what a song is called beside a row: title and artist, each cut where it is long."""
    title = shorten(shown(title), letters) or "untitled"
    artist = shorten(shown(artist), _ARTIST_LETTERS)
    return f"{title} · {artist}" if artist else title


def model_line(model: dict) -> tuple[str, bool]:
    """Say what made the vectors, and whether that is a warning."""
    if not model.get("weights_sha256") and not model.get("weights"):
        return "What made these vectors is not known.", True
    if model.get("trained") is None:
        return "These vectors were imported: what made them is not known.", True
    name = (
        f"{model['input_repr']} {model['content_type']} {model['embedding_size']}, hop {model['hop_s']:g} s"
    )
    if not model["trained"]:
        return f"Untrained filters ({name}): this shows timbre at best, and is not OpenL3's judgement.", True
    return f"OpenL3 {name}, {model['pooling']} pooling.", False


def add_heading(figure: Figure, title: str, captions: Sequence[tuple[str, bool]]) -> None:
    """Write a title, and what is said beneath it, above everything that is on a figure.

    The text lies outside the figure's own size: `drawing.render` enlarges the picture to hold it.

    Parameters
    ----------
    captions : sequence of (str, bool)
        Sentences, and whether each is a warning.
    """
    box_in = figure.get_tightbbox()
    width_in, height_in = figure.get_size_inches()
    letters = int(max(_LEAST_WIDTH_IN, box_in.width) * 72 / (CAPTION_PT * _LETTER))
    lines = [(line, is_warning) for text, is_warning in captions for line in wrap(text, letters)]
    y_in = box_in.y1 + _GAP_IN
    for line, is_warning in reversed(lines):
        colour = WARNING if is_warning else SOFT
        figure.text(box_in.x0 / width_in, y_in / height_in, line, fontsize=CAPTION_PT, color=colour)
        y_in += _CAPTION_LINE_IN
    y_in += _GAP_IN / 2
    figure.text(
        box_in.x0 / width_in, y_in / height_in, title, fontsize=TITLE_PT, fontweight="bold", color=INK
    )
