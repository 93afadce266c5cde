"""Where the songs that are compared lie: on the library's maps, or on maps of them alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explorer.analysis.compare.chosen_songs import Compared, Shelf
from explorer.analysis.compare.scatter import Panel
from explorer.config import TITLES
from explorer.errors import AnalysisError
from explorer.mapping.clustering import distinct_rows
from explorer.mapping.place_one import place_song
from explorer.mapping.projection import METHODS, default_parameters, project, reduce
from explorer.util.progress import Reporter


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
    """Return the panels, and how many songs have no place on one of them."""
    is_outside = compared.is_outside
    inside = compared.numbers[~is_outside]
    # A song that the map does not show yet counts as lying in its middle.
    shown = {name: np.nan_to_num(positions, posinf=0.0, neginf=0.0) for name, positions in maps.items()}
    reduced = reduce(shelf.space.rows) if is_outside.any() else None
    outside = [place_song(shelf.space, reduced, shown, vector) for vector in compared.vectors[is_outside]]
    panels, unplaced = {}, 0
    for name, positions in maps.items():
        places = np.empty((len(compared), 2))
        places[~is_outside] = positions[inside]
        places[is_outside] = np.reshape([place[name] for place in outside], (-1, 2))
        unplaced = max(unplaced, int((~np.isfinite(places)).any(axis=1).sum()))
        others = np.delete(positions, inside, axis=0)
        background = others[np.isfinite(others).all(axis=1)]
        panels[name] = Panel(TITLES[name], places, background, _trust(shelf.quality.get(name)))
    return panels, unplaced


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
    """Project the songs alone, without a map."""
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
