"""Turns the state of the page's controls into the map's figure and legend."""

from __future__ import annotations

from dataclasses import dataclass, field

from explorer.config import PROJECTION_NAMES
from explorer.web import browser_inputs as inputs
from explorer.web.data.catalogue import MAX_CLUSTERS, Catalogue
from explorer.web.data.facets import Filter
from explorer.web.map.figures import Visibility, legend_entries, map_figure
from explorer.web.map.original_view import cell_colours, original_figure
from explorer.web.map.palette import PALETTES
from explorer.web.page import panels
from explorer.web.page.header import COLOURINGS, ORIGINAL, count_line

_PROJECTIONS = {*PROJECTION_NAMES, ORIGINAL}
_COLOURINGS = {option["value"] for option in COLOURINGS}
_MAX_REVISION = 2**53
_MAX_TOKEN_LENGTH = 200


@dataclass(frozen=True)
class MapView:
    """What the page's controls ask for: projection, colours, theme and filter.

    Attributes
    ----------
    projection : str
        "tsne", "umap", "pca", or "original".
    colouring : {"cluster", "genre", "artist"}
    cluster_count : int or None
        None for the number of stored clusters.
    fade : bool
        Whether a point fades if few of the songs that sound most like it are near it on the map.
    theme : {"dark", "light"}
    revision : int
        Of the map that the page shows.
    changes : str
        The `Catalogue.changes` of the snapshot that the page shows.
    filter : Filter
    """

    projection: str = "tsne"
    colouring: str = "cluster"
    cluster_count: int | None = None
    fade: bool = False
    theme: str = "dark"
    revision: int = 0
    changes: str = ""
    filter: Filter = field(default_factory=Filter)

    @classmethod
    def parse(cls, document: object) -> MapView:
        """Read the page's JSON; missing or invalid values get their defaults."""
        values = document if isinstance(document, dict) else {}
        return cls(
            projection=inputs.choice(values.get("projection"), _PROJECTIONS, "tsne"),
            colouring=inputs.choice(values.get("colouring"), _COLOURINGS, "cluster"),
            cluster_count=inputs.integer(values.get("clusters"), 1, MAX_CLUSTERS),
            fade=values.get("fade") is True,
            theme=inputs.choice(values.get("theme"), PALETTES, "dark"),
            revision=inputs.integer(values.get("revision"), 0, _MAX_REVISION, 0),
            changes=inputs.text(values.get("changes"), _MAX_TOKEN_LENGTH),
            filter=Filter.parse(values.get("filter")),
        )

    def projection_in(self, catalogue: Catalogue) -> str:
        """Return the projection to draw: the library's first one if it does not have the one asked for."""
        stored = "pca" if self.projection == ORIGINAL else self.projection
        return self.projection if stored in catalogue.positions else next(iter(catalogue.positions))


def coarse_layouts(catalogue: Catalogue) -> dict[str, int | None]:
    """Return the projections whose places are still those of the first look, although it has ended.

    Returns
    -------
    dict of str to int
        Projection name to the number of songs of its layout.
    """
    if catalogue.is_first_look:
        return {}
    layouts = sorted(catalogue.parameters.items())
    return {name: made.get("songs") for name, made in layouts if made.get("vectors") == "coarse"}


def draw_map(catalogue: Catalogue, view: MapView) -> tuple:
    """Return the map's figure as JSON, the legend, and the line that says how far the map can be trusted."""
    projection = view.projection_in(catalogue)
    if projection == ORIGINAL:
        projection = "pca"
        regions, grouping = catalogue.regions(view.cluster_count or len(catalogue.clusters.names))
        cells = cell_colours(regions, view.theme)
    else:
        grouping = catalogue.grouping(view.colouring, cluster_count=view.cluster_count)
        regions = cells = None
    positions, file_status = catalogue.positions[projection], catalogue.file_status
    hideable_counts, hidden = file_status.counts, catalogue.hidden(view.filter.hide)
    meta = {
        "revision": catalogue.revision,
        "order": catalogue.order,
        "colouring": view.colouring,
        "songs": len(catalogue),
        "counts": count_line(catalogue),
        "first_look": catalogue.is_first_look,
        "coarse_layouts": coarse_layouts(catalogue),
        "away": 0 if hidden is None else int(hidden.sum()),
        "changes": catalogue.changes,
        "hide": list(view.filter.hide),
        "hideable": hideable_counts,
    }
    visibility = Visibility(catalogue.matching(view.filter, grouping), hidden, file_status.is_missing)
    common = {"theme": view.theme, "visibility": visibility, "meta": meta}
    if cells is not None:
        figure = original_figure(positions, regions, grouping, cells, **common)
    else:
        near = catalogue.near[projection] if view.fade else None
        figure = map_figure(positions, grouping, projection=projection, near=near, **common)
    legend = panels.legend(
        grouping.title,
        legend_entries(grouping, theme=view.theme, colours=cells, hidden=hidden),
        n_groups=len(grouping.names),
        isolated=view.filter.shown,
        n_missing=0 if "missing" in view.filter.hide else hideable_counts["missing"],
    )
    return figure.to_plotly_json(), legend, panels.trust_line(catalogue.quality.get(projection, {}))
