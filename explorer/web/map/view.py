"""The state of the page's controls, as the page sends it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from explorer.config import PROJECTION_NAMES
from explorer.web import browser_inputs as inputs
from explorer.web.data.catalogue import MAX_CLUSTERS, Catalogue
from explorer.web.data.facets import Filter
from explorer.web.map.palette import PALETTES
from explorer.web.map.scales import COLOURINGS
from explorer.web.page.map_menu import ORIGINAL

_PROJECTIONS = {*PROJECTION_NAMES, ORIGINAL}
_MAX_REVISION = 2**53
_MAX_TOKEN_LENGTH = 200


@dataclass(frozen=True)
class MapView:
    """What the page's controls ask for: projection, colours, theme and filter.

    Attributes
    ----------
    projection : str
        "tsne", "umap", "pca", or "original".
    colouring : str
        One of `COLOURINGS`.
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
            colouring=inputs.choice(values.get("colouring"), COLOURINGS, "cluster"),
            cluster_count=inputs.integer(values.get("clusters"), 1, MAX_CLUSTERS),
            fade=values.get("fade") is True,
            theme=inputs.choice(values.get("theme"), PALETTES, "dark"),
            revision=inputs.integer(values.get("revision"), 0, _MAX_REVISION, 0),
            changes=inputs.text(values.get("changes"), _MAX_TOKEN_LENGTH),
            filter=Filter.parse(values.get("filter")),
        )

    def as_json(self) -> dict:
        """Return the view as the page sends it: `parse` reads this form."""
        chosen = self.filter
        return {
            "projection": self.projection,
            "colouring": self.colouring,
            "clusters": self.cluster_count,
            "fade": self.fade,
            "theme": self.theme,
            "revision": self.revision,
            "changes": self.changes,
            "filter": {
                "genres": list(chosen.genres),
                "clusters": list(chosen.clusters),
                "artists": list(chosen.artists),
                "years": _range_as_json(chosen.years),
                "duration_s": _range_as_json(chosen.duration_s),
                "hide": list(chosen.hide),
            },
        }

    def projection_in(self, catalogue: Catalogue) -> str:
        """Return the projection to draw: the library's first one if it does not have the one asked for."""
        is_stored = stored_projection(self.projection) in catalogue.positions
        return self.projection if is_stored else catalogue.first_projection


def stored_projection(projection: str) -> str:
    """Return the projection whose positions a view has: the original view has those of PCA."""
    return "pca" if projection == ORIGINAL else projection


def _range_as_json(ends: tuple[float, float] | None) -> list[float | None] | None:
    """Return a range's ends; an open end, which is infinite, becomes None."""
    return ends and [end if math.isfinite(end) else None for end in ends]
