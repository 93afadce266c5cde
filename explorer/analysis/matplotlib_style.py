"""How every figure on paper looks, and how it is saved: matplotlib without a screen.

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
from explorer.util.atomic_write import whole_file

INK = "#1c2030"
SOFT = "#6b7285"
LINE = "#dfe3ec"
ACCENT = "#5b5bd6"
GREY = "#c9cedb"
PAPER = "#ffffff"

# Okabe and Ito's colours and their relatives: told apart by the colour-blind, and in print.
COLOURS = (
    "#0072b2 #e69f00 #009e73 #d55e00 #cc79a7 #56b4e9 #8c6bb1 #b8a800 #7f4f24 #4d4d4d "
    "#1b9e77 #e7298a #66a61e #a6761d #7570b3 #c44e52 #2a9d8f #e9c46a #264653 #9b5de5"
).split()

SIMILARITY = LinearSegmentedColormap.from_list("similarity", ["#b2452f", "#f7f7fa", "#3b4cc0"])
"""From unlike (-1) over unrelated (0) to alike (1)."""
DISTANCE = LinearSegmentedColormap.from_list("distance", ["#1d2a6b", "#5b7fd6", "#dbe4f7", "#ffffff"])
"""From alike (0) to far."""

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
    # Titles are data: a dollar is no mathematics.
    "text.parse_math": False,
}
DPI = 160
CREATOR = "Music Explorer"
_MARGIN_IN = 0.22
_MOST_LETTERS = 34


def new_figure(
    width_in: float, height_in: float, *, background: str = PAPER, layout: str = "constrained"
) -> Figure:
    """Return an empty figure, in inches; draw on it inside `style()`."""
    return Figure(figsize=(width_in, height_in), dpi=DPI, layout=layout, facecolor=background)


@contextmanager
def style() -> Iterator[None]:
    """Have matplotlib draw in this project's style."""
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        # A song's title may need letters that the font has not: a box stands for each.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def shorten(text: str, letters: int = _MOST_LETTERS) -> str:
    """Return a text that fits beside a row: white space folded, cut with an ellipsis."""
    text = " ".join(text.split())
    return text if len(text) <= letters else text[: letters - 1].rstrip() + "…"


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as `folder/name.png` and `.svg`, and return the files.

    Raises
    ------
    AnalysisError
        If they cannot be written.
    """
    paths = [folder / f"{name}.{form}" for form in ("png", "svg")]
    for path in paths:
        write_file(path, render(figure, path.suffix[1:]), choose="another folder")
    return paths


def write_file(path: Path, content: bytes, *, choose: str) -> None:
    """Write a whole file, or leave an older one as it is.

    Parameters
    ----------
    choose : str
        What else a user may name with --out.

    Raises
    ------
    AnalysisError
        If it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as part:
            part.write_bytes(content)
    except OSError as error:
        raise AnalysisError(
            f"{path} cannot be written ({error.strerror}): choose {choose} with --out."
        ) from error


def render(figure: Figure, form: str) -> bytes:
    """Return a figure as the bytes of a PNG or an SVG: the same ones for the same figure.

    The picture is as large as what is drawn, and a margin around it.
    """
    target = io.BytesIO()
    about = {"png": {"Software": CREATOR}, "svg": {"Date": None, "Creator": CREATOR}}[form]
    with style():
        FigureCanvasAgg(figure).print_figure(
            target, format=form, dpi=DPI, bbox_inches="tight", pad_inches=_MARGIN_IN, metadata=about
        )
    return target.getvalue()


def as_svg(figure: Figure) -> str:
    """Return a figure in its own size as an SVG document."""
    target = io.StringIO()
    with style():
        FigureCanvasSVG(figure).print_svg(target, metadata={"Date": None, "Creator": CREATOR})
    return target.getvalue()
