"""Where the songs that are compared lie: on the library's maps, or on maps of them alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explorer.analysis.compare_scatter import Panel
from explorer.analysis.compared import Compared, Shelf
from explorer.config import TITLES
from explorer.errors import AnalysisError
from explorer.mapping.clustering import distinct_rows
from explorer.mapping.outsider import place_outsider
from explorer.mapping.projection import METHODS, default_parameters, project, reduce
from explorer.progress import Reporter


def lay_out(
    compared: Compared, *, projections: Sequence[str] = (), reporter: Reporter
) -> tuple[list[Panel], list[str]]:
    """Find the songs' places on each projection.

    Parameters
    ----------
    compared : Compared
    projections : sequence of {"tsne", "umap", "pca"}
        All that the library's map has where none is named, or all three where there is no map.
    reporter : Reporter

    Returns
    -------
    panels : list of Panel
        t-SNE, UMAP, PCA, as far as they are wanted.
    notes : list of str
        What a user should know about them.

    Raises
    ------
    AnalysisError
        If a projection is unknown.
    """
    for name in projections:
        if name not in METHODS:
            raise AnalysisError(f"{name!r} is not a projection: choose among {', '.join(METHODS)}.")
    stored = compared.shelf.places if compared.shelf else {}
    wanted = [name for name in METHODS if name in (projections or stored or METHODS)]
    on_map = {name: stored[name] for name in wanted if name in stored}
    panels = {}
    notes = []
    if on_map:
        panels, unplaced = _on_the_map(compared, compared.shelf, on_map)
        if unplaced:
            songs = f"{unplaced:,} of them is" if unplaced == 1 else f"{unplaced:,} of them are"
            notes.append(f"{songs} not on the map yet: run `python run.py map`.")
    if missing := [name for name in wanted if name not in on_map]:
        made, note = _of_their_own(compared, missing, reporter)
        panels |= made
        notes += note
    return [panels[name] for name in METHODS if name in panels], notes


def _on_the_map(
    compared: Compared, shelf: Shelf, maps: dict[str, np.ndarray]
) -> tuple[dict[str, Panel], int]:
    is_outside = compared.is_outside
    others = np.ones(len(shelf.songs), dtype=bool)
    others[compared.numbers[~is_outside]] = False
    outside = _placed_outside(compared, shelf, maps)
    panels, unplaced = {}, 0
    for name, positions in maps.items():
        places = np.full((len(compared), 2), np.nan, dtype=np.float64)
        places[~is_outside] = positions[compared.numbers[~is_outside]]
        places[is_outside] = outside[name]
        known = np.isfinite(positions).all(axis=1)
        unplaced = max(unplaced, int((~np.isfinite(places).all(axis=1)).sum()))
        panels[name] = Panel(TITLES[name], places, positions[others & known], _trust(shelf.quality.get(name)))
    return panels, unplaced


def _placed_outside(compared: Compared, shelf: Shelf, maps: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return where the maps would show files that the library does not hold [shape=(k, 2) each]."""
    vectors = compared.vectors[compared.is_outside]
    if not len(vectors):
        return {name: np.empty((0, 2)) for name in maps}
    reduced = reduce(shelf.space.rows)
    # A song without a place yet can be nobody's neighbour.
    shown = {name: np.where(np.isfinite(places), places, 0.0) for name, places in maps.items()}
    places = [place_outsider(shelf.space, reduced, shown, vector) for vector in vectors]
    return {name: np.array([place[name] for place in places]) for name in maps}


def _trust(quality: dict | None) -> str:
    if not quality or quality.get("trustworthiness") is None:
        return ""
    told = f"Trustworthiness {quality['trustworthiness']:.3f}"
    if quality.get("neighbours_kept") is not None:
        told += f" · {quality['neighbours_kept']:.0%} of the ten nearest songs kept"
    return told


def _of_their_own(
    compared: Compared, wanted: list[str], reporter: Reporter
) -> tuple[dict[str, Panel], list[str]]:
    """Lay the songs out without a map."""
    reduced = reduce(compared.rows)
    distinct = len(distinct_rows(reduced)[0])
    notes = []
    if others := [name for name in wanted if default_parameters(name, distinct)["layout"] != name]:
        names = " and ".join(TITLES[name] for name in others)
        notes.append(f"{distinct} different songs are too few for {names}: their PCA is drawn.")
        wanted = [name for name in METHODS if name in wanted and name not in others] or ["pca"]
    panels = {}
    for name in wanted:
        with reporter.working(f"Laying out {len(compared):,} songs with {TITLES[name]}") as tell:
            places = project(name, reduced, progress=tell)
        note = "Laid out for this comparison alone."
        panels[name] = Panel(TITLES[name], places.astype(np.float64), np.empty((0, 2)), note)
    return panels, notes
