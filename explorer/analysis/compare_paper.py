"""Words on a comparison's figures: what songs are called, what the picture says, and how wide text is."""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Sequence
from textwrap import wrap

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from explorer.analysis.drawing import DPI, INK, SOFT, new_figure, shorten, style

POINTS_PER_INCH = 72.0
MARGIN_IN = 0.22
TITLE_PT, CAPTION_PT = 13.0, 8.0
WARNING = "#b2452f"
_CAPTION_LINE_IN = 0.16
_TITLE_LETTERS, _ARTIST_LETTERS = 30, 18


def plain(text: str) -> str:
    """Return a text without what no picture can hold: control characters break an SVG file."""
    kept = (
        letter
        if letter.isprintable()
        else " "
        if unicodedata.category(letter) in ("Cc", "Zs", "Zl", "Zp")
        else ""
        for letter in text
    )
    return " ".join("".join(kept).split())


def song_label(title: str, artist: str, *, letters: int = _TITLE_LETTERS) -> str:
    """Return what a song is called beside a row: title and artist, each cut where it is long."""
    title = shorten(plain(title), letters) or "untitled"
    artist = shorten(plain(artist), _ARTIST_LETTERS)
    return f"{title} · {artist}" if artist else title


def text_sizes_in(
    texts: Sequence[str], size_pt: float, *, weight: str = "normal"
) -> list[tuple[float, float]]:
    """Return the width and height of each text, in inches."""
    with style(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure = new_figure(1.0, 1.0)
        figure.set_dpi(DPI)
        renderer = FigureCanvasAgg(figure).get_renderer()
        boxes = [
            figure.text(0, 0, text, fontsize=size_pt, fontweight=weight).get_window_extent(renderer)
            for text in texts
        ]
    return [(box.width / figure.dpi, box.height / figure.dpi) for box in boxes]


def widest_in(texts: Sequence[str], size_pt: float) -> float:
    """Return the width of the widest text, in inches."""
    return max((width for width, _ in text_sizes_in(texts, size_pt)), default=0.0)


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


class Heading:
    """A figure's title and what is said beneath it, above the axes.

    Attributes
    ----------
    height_in : float
        How much of the figure's top it takes.
    """

    def __init__(self, title: str, captions: Sequence[tuple[str, bool]], *, width_in: float):
        letters = max(30, int((width_in - 2 * MARGIN_IN) * POINTS_PER_INCH / (CAPTION_PT * 0.54)))
        self._title = title
        self._lines = [(line, loud) for text, loud in captions for line in wrap(text, letters)]
        self.height_in = MARGIN_IN + 0.30 + _CAPTION_LINE_IN * len(self._lines)

    def draw(self, figure: Figure) -> None:
        """Write it."""
        width_in, height_in = figure.get_size_inches()
        x, top = MARGIN_IN / width_in, height_in - MARGIN_IN
        options = {"ha": "left", "va": "top"}
        figure.text(
            x, top / height_in, self._title, fontsize=TITLE_PT, fontweight="bold", color=INK, **options
        )
        top -= 0.30
        for number, (line, loud) in enumerate(self._lines):
            y = (top - number * _CAPTION_LINE_IN) / height_in
            figure.text(x, y, line, fontsize=CAPTION_PT, color=WARNING if loud else SOFT, **options)
