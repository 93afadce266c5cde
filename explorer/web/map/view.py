"""From what the page's controls say to what it draws."""

from __future__ import annotations

from dataclasses import dataclass, field

from explorer.web.data.catalogue import MAX_CLUSTERS, Catalogue
from explorer.web.data.facets import Filter
from explorer.web.map.figures import Shown, legend_entries, map_figure
from explorer.web.map.original_view import original_figure
from explorer.web.map.palette import PALETTES
from explorer.web.page import panels
from explorer.web.page.header import COLOURINGS, ORIGINAL

_COLOURINGS = {option["value"] for option in COLOURINGS}


@dataclass(frozen=True)
class MapView:
    """What the page shows: a view, its colours, and which songs are lit.

    Attributes
    ----------
    projection : str
        "tsne", "umap", "pca", or "original".
    cluster_count : int or None
        None for the stored map's.
    revision : int
        Of the map that the page knows.
    changes : str
        The mark of the files' file_status that it knows, as `Catalogue.changes`.
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
        """Read what the page sent; what makes no sense counts as not said."""
        said = document if isinstance(document, dict) else {}
        clusters = said.get("clusters")
        is_count = isinstance(clusters, int) and not isinstance(clusters, bool)
        colouring, revision, changes = (said.get(name) for name in ("colouring", "revision", "changes"))
        return cls(
            projection=str(said.get("projection")),
            colouring=colouring if colouring in _COLOURINGS else "cluster",
            cluster_count=min(max(clusters, 1), MAX_CLUSTERS) if is_count else None,
            fade=said.get("fade") is True,
            theme=said["theme"] if said.get("theme") in PALETTES else "dark",
            revision=revision if isinstance(revision, int) else 0,
            changes=changes if isinstance(changes, str) else "",
            filter=Filter.parse(said.get("filter")),
        )

    def view_of(self, catalogue: Catalogue) -> str:
        """Return the view to draw: another one where the library has not the one asked for."""
        stored = "pca" if self.projection == ORIGINAL else self.projection
        return self.projection if stored in catalogue.positions else next(iter(catalogue.positions))


def draw_map(catalogue: Catalogue, look: MapView) -> tuple:
    """Return the map's figure as JSON, the legend and the line of trust."""
    view, theme = look.view_of(catalogue), look.theme
    projection, regions = view, None
    if view == ORIGINAL:
        projection = "pca"
        regions, grouping = catalogue.regions(look.cluster_count or len(catalogue.clusters.names))
    else:
        grouping = catalogue.grouping(look.colouring, cluster_count=look.cluster_count)
    positions, file_status = catalogue.positions[projection], catalogue.file_status
    hidden = catalogue.hidden(look.filter.hide)
    shown = Shown(catalogue.matching(look.filter, grouping), hidden, file_status.is_gone)
    if regions is not None:
        figure = original_figure(positions, regions, names=grouping.names, theme=theme, shown=shown)
        colours = figure.layout.meta["colours"]
    else:
        near = catalogue.near[view] if look.fade else None
        figure = map_figure(positions, grouping, theme=theme, projection=view, near=near, shown=shown)
        colours = None
    more = {
        "revision": catalogue.revision,
        "order": catalogue.order,
        "colouring": look.colouring,
        "songs": len(catalogue),
        "away": 0 if hidden is None else int(hidden.sum()),
        "changes": catalogue.changes,
        "hide": list(look.filter.hide),
        "hideable": file_status.counts,
    }
    figure.update_layout(meta={**figure.layout.meta, **more})
    legend = panels.legend(
        grouping.title,
        legend_entries(grouping, theme=theme, colours=colours, hidden=hidden),
        groups=len(grouping.names),
        shown=look.filter.shown,
        missing=0 if "missing" in look.filter.hide else file_status.counts["missing"],
    )
    return figure.to_plotly_json(), legend, panels.trust_line(catalogue.quality.get(projection, {}))
