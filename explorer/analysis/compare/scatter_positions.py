"""Finds the positions of the compared songs: on the library's maps, or on maps of these songs only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explorer.analysis.compare.chosen_songs import ComparedSongs, LibrarySnapshot
from explorer.analysis.compare.scatter import Panel
from explorer.config import PROJECTION_NAMES
from explorer.errors import AnalysisError
from explorer.mapping.clustering import distinct_rows
from explorer.mapping.place_one import place_song
from explorer.mapping.projection import METHODS, default_parameters, project, reduce
from explorer.util.progress import Reporter


def make_panels(
    compared: ComparedSongs, *, projections: Sequence[str] = (), reporter: Reporter
) -> tuple[list[Panel], list[str]]:
    """Find the songs' positions on each projection.

    Parameters
    ----------
    compared : ComparedSongs
    projections : sequence of {"tsne", "umap", "pca"}
        The wanted projections; if empty, all that the library's map has, or all three without a map.
    reporter : Reporter

    Returns
    -------
    panels : list of Panel
        In the order t-SNE, UMAP, PCA.
    notes : list of str
        Sentences for the user about missing songs and projections.

    Raises
    ------
    AnalysisError
        If a projection is unknown.
    """
    for name in projections:
        if name not in METHODS:
            raise AnalysisError(f"{name!r} is not a projection: choose among {', '.join(METHODS)}.")
    stored = compared.library.positions if compared.library else {}
    wanted = [name for name in METHODS if name in (projections or stored or METHODS)]
    on_map = {name: stored[name] for name in wanted if name in stored}
    panels = {}
    notes = []
    if on_map:
        panels, missing = _panels_of_library_map(compared, compared.library, on_map)
        if missing:
            songs = "1 song is" if missing == 1 else f"{missing:,} songs are"
            notes.append(f"{songs} not on the map yet: run `python run.py map`.")
    if not_on_map := [name for name in wanted if name not in on_map]:
        new_panels, new_notes = _panels_of_new_maps(compared, not_on_map, reporter)
        panels |= new_panels
        notes += new_notes
    return [panels[name] for name in METHODS if name in panels], notes


def _panels_of_library_map(
    compared: ComparedSongs, library: LibrarySnapshot, maps: dict[str, np.ndarray]
) -> tuple[dict[str, Panel], int]:
    """Return the panels, and the number of missing songs on the panel that lacks the most."""
    is_outside = compared.is_outside
    inside_rows = compared.library_rows[~is_outside]
    # When files are placed, a library song without a position gets (0, 0), the middle of the map.
    complete = {name: np.nan_to_num(positions, posinf=0.0, neginf=0.0) for name, positions in maps.items()}
    reduced = reduce(library.neighbours.rows) if is_outside.any() else None
    outside = [
        place_song(library.neighbours, reduced, complete, vector) for vector in compared.vectors[is_outside]
    ]
    panels, missing = {}, 0
    for name, library_positions in maps.items():
        positions = np.empty((len(compared), 2))
        positions[~is_outside] = library_positions[inside_rows]
        positions[is_outside] = np.reshape([position[name] for position in outside], (-1, 2))
        missing = max(missing, int((~np.isfinite(positions)).any(axis=1).sum()))
        others = np.delete(library_positions, inside_rows, axis=0)
        background = others[np.isfinite(others).all(axis=1)]
        panels[name] = Panel(
            PROJECTION_NAMES[name], positions, background, _quality_note(library.quality.get(name))
        )
    return panels, missing


def _quality_note(quality: dict | None) -> str:
    if not quality or quality.get("trustworthiness") is None:
        return ""
    note = f"Trustworthiness {quality['trustworthiness']:.3f}"
    if quality.get("neighbours_kept") is not None:
        note += f" · {quality['neighbours_kept']:.0%} of the ten nearest neighbours kept"
    return note


def _panels_of_new_maps(
    compared: ComparedSongs, wanted: list[str], reporter: Reporter
) -> tuple[dict[str, Panel], list[str]]:
    """Project the compared songs alone."""
    reduced = reduce(compared.directions)
    distinct = len(distinct_rows(reduced)[0])
    notes = []
    if impossible := [name for name in wanted if default_parameters(name, distinct)["layout"] != name]:
        names = " and ".join(PROJECTION_NAMES[name] for name in impossible)
        notes.append(f"{distinct} different songs are too few for {names}: PCA is drawn instead.")
        wanted = [name for name in METHODS if name in wanted and name not in impossible] or ["pca"]
    panels = {}
    for name in wanted:
        with reporter.working(
            f"Laying out {len(compared):,} songs with {PROJECTION_NAMES[name]}"
        ) as show_progress:
            positions = project(name, reduced, progress=show_progress)
        note = "Laid out for this comparison only."
        panels[name] = Panel(PROJECTION_NAMES[name], positions.astype(np.float64), np.empty((0, 2)), note)
    return panels, notes
