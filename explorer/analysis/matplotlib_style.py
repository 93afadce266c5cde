"""The style of all matplotlib figures, and functions that save figures to files.

Figures are made without pyplot, which would keep them in memory and look for a display.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from explorer.errors import AnalysisError
from explorer.util.atomic_write import atomic_write

# The names are those of the report's CSS variables.
INK = "#1c2030"
"""Text."""
SOFT = "#6b7285"
"""Less important text."""
LINE = "#dfe3ec"
"""Frames and thin lines."""
ACCENT = "#5b5bd6"
GREY = "#c9cedb"
PAPER = "#ffffff"
"""The background."""

# Six colours of Okabe and Ito's palette, then further colours: chosen to differ in print and for colour-blind
# readers.
COLOURS = (
    "#0072b2 #e69f00 #009e73 #d55e00 #cc79a7 #56b4e9 #8c6bb1 #b8a800 #7f4f24 #4d4d4d "
    "#1b9e77 #e7298a #66a61e #a6761d #7570b3 #c44e52 #2a9d8f #e9c46a #264653 #9b5de5"
).split()

SIMILARITY = LinearSegmentedColormap.from_list("similarity", ["#b2452f", "#f7f7fa", "#3b4cc0"])
"""For similarities: red is low (opposite), almost white is the middle (unrelated), blue is high (alike)."""
DISTANCE = LinearSegmentedColormap.from_list("distance", ["#1d2a6b", "#5b7fd6", "#dbe4f7", "#ffffff"])
"""For distances: dark blue is low (equal vectors at 0), white is high (far apart)."""

STYLE = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8.0,
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "figure.facecolor": PAPER,
    "svg.fonttype": "path",
    "svg.hashsalt": "music explorer",
    # Titles are data: a dollar sign in a title must not start a formula.
    "text.parse_math": False,
}
DPI = 160
CREATOR = "Music Explorer"
_MARGIN_IN = 0.22
_MAX_CHARACTERS = 34


def new_figure(
    width_in: float, height_in: float, *, background: str = PAPER, layout: str = "constrained"
) -> Figure:
    """Return an empty figure, its size in inches; draw on it inside `style()`."""
    return Figure(figsize=(width_in, height_in), dpi=DPI, layout=layout, facecolor=background)


@contextmanager
def style() -> Iterator[None]:
    """Apply this project's matplotlib style inside the `with` block."""
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        # matplotlib draws a box for a character that the font lacks; song titles may contain any character.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def shorten(text: str, max_characters: int = _MAX_CHARACTERS) -> str:
    """Replace each run of white space by one space, and end a text that is too long with an ellipsis."""
    text = " ".join(text.split())
    return text if len(text) <= max_characters else text[: max_characters - 1].rstrip() + "…"


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as `folder/name.png` and `folder/name.svg`, and return both paths.

    Raises
    ------
    AnalysisError
        If a file cannot be written.
    """
    paths = [folder / f"{name}.{file_format}" for file_format in ("png", "svg")]
    for path in paths:
        write_file(path, render(figure, path.suffix[1:]), alternative="another folder")
    return paths


def write_file(path: Path, content: bytes, *, alternative: str) -> None:
    """Write a file atomically: if that fails, an older file of this name stays unchanged.

    Parameters
    ----------
    alternative : str
        What the error message tells the user to choose with --out.

    Raises
    ------
    AnalysisError
        If the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as part:
            part.write_bytes(content)
    except OSError as error:
        raise AnalysisError(
            f"{path} cannot be written ({error.strerror}): choose {alternative} with --out."
        ) from error


def render(figure: Figure, file_format: str) -> bytes:
    """Return a figure as the bytes of a PNG, an SVG or a PDF; equal figures give equal bytes.

    The picture is cropped or enlarged until it just holds everything drawn, plus a margin.
    """
    buffer = io.BytesIO()
    metadata = {
        "png": {"Software": CREATOR},
        "svg": {"Date": None, "Creator": CREATOR},
        "pdf": {"CreationDate": None, "Creator": CREATOR},
    }[file_format]
    with style():
        FigureCanvasAgg(figure).print_figure(
            buffer, format=file_format, dpi=DPI, bbox_inches="tight", pad_inches=_MARGIN_IN, metadata=metadata
        )
    return buffer.getvalue()


def as_svg(figure: Figure) -> str:
    """Return a figure as an SVG document that has the figure's own size."""
    buffer = io.StringIO()
    with style():
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": CREATOR})
    return buffer.getvalue()
