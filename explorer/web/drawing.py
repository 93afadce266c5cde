"""From what the page's controls say to what it draws."""

from __future__ import annotations

from dataclasses import dataclass, field

from explorer.web import panels
from explorer.web.catalogue import MAX_CLUSTERS, Catalogue
from explorer.web.facets import Filter
from explorer.web.figures import legend_entries, map_figure
from explorer.web.header import COLOURINGS, ORIGINAL
from explorer.web.original import original_figure
from explorer.web.palette import PALETTES

_COLOURINGS = {option["value"] for option in COLOURINGS}


@dataclass(frozen=True)
class Look:
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
        The mark of the files' standing that it knows, as `Catalogue.changes`.
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
    def parse(cls, document: object) -> Look:
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


def draw_map(catalogue: Catalogue, look: Look) -> tuple:
    """Return the map's figure as JSON, the legend and the line of trust."""
    view = look.view_of(catalogue)
    projection = "pca" if view == ORIGINAL else view
    standing, hidden = catalogue.standing, catalogue.hidden(look.filter)
    if view == ORIGINAL:
        regions, grouping = catalogue.regions(look.cluster_count or len(catalogue.clusters.names))
        lit = catalogue.matching(look.filter, grouping)
        figure = original_figure(
            catalogue.positions["pca"],
            regions,
            names=grouping.names,
            theme=look.theme,
            lit=lit,
            hidden=hidden,
            gone=standing.is_gone,
        )
    else:
        grouping = catalogue.grouping(look.colouring, cluster_count=look.cluster_count)
        lit = catalogue.matching(look.filter, grouping)
        figure = map_figure(
            catalogue.positions[view],
            grouping,
            theme=look.theme,
            projection=view,
            near=catalogue.near[view] if look.fade else None,
            lit=lit,
            hidden=hidden,
            gone=standing.is_gone,
        )
    more = {
        "revision": catalogue.revision,
        "order": catalogue.order,
        "colouring": look.colouring,
        "songs": len(catalogue),
        "away": 0 if hidden is None else int(hidden.sum()),
        "changes": catalogue.changes,
        "hide": list(look.filter.hide),
        "hideable": standing.counts,
    }
    figure.update_layout(meta={**figure.layout.meta, **more})
    entries = legend_entries(
        grouping,
        theme=look.theme,
        colours=figure.layout.meta["colours"] if view == ORIGINAL else None,
        hidden=hidden,
    )
    missing = 0 if "missing" in look.filter.hide else standing.counts["missing"]
    return (
        figure.to_plotly_json(),
        panels.legend(
            grouping.title,
            entries,
            groups=len(grouping.names),
            shown=look.filter.shown,
            missing=missing,
        ),
        panels.trust_line(catalogue.quality.get(projection, {})),
    )
