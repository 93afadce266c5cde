"""Turns a view into what the page draws: a colour number and flags for each song, and a description."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from explorer.mapping.voronoi import Regions
from explorer.web.data.catalogue import Catalogue
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.map.grouping import Grouping
from explorer.web.map.legend_entries import legend_entries
from explorer.web.map.name_places import bounds, name_places
from explorer.web.map.palette import CELLS, FILTERED_OUT, GREYS, GROUNDS, PALETTES, cell_slots
from explorer.web.map.song_flags import song_flags, visible
from explorer.web.map.view import MapView, stored_projection
from explorer.web.page import panels
from explorer.web.page.header import count_line
from explorer.web.page.map_menu import ORIGINAL


@dataclass(frozen=True, eq=False)
class Drawing:
    """One view of one snapshot.

    Attributes
    ----------
    catalogue : Catalogue
        It has songs.
    view : MapView
    projection : str
        What is drawn: "original", or a projection that the library has.
    grouping : Grouping
        The groups that give the points their colours; in the original view, the regions.
    regions : Regions, optional
        The cells of the original view.
    """

    catalogue: Catalogue
    view: MapView
    projection: str
    grouping: Grouping
    regions: Regions | None = None

    @classmethod
    def of(cls, catalogue: Catalogue, view: MapView) -> Drawing:
        """Choose the projection and the groups. Clusters of a new count are computed here."""
        projection = view.projection_in(catalogue)
        if projection != ORIGINAL:
            grouping = catalogue.grouping(view.colouring, cluster_count=view.cluster_count)
            return cls(catalogue, view, projection, grouping)
        regions, grouping = catalogue.regions(view.cluster_count or len(catalogue.clusters.names))
        return cls(catalogue, view, projection, grouping, regions)

    @cached_property
    def matching(self) -> np.ndarray | None:
        """The songs that match the filter [shape=(n,), bool]; None without a filter."""
        return self.catalogue.matching(self.view.filter, self.grouping)

    @cached_property
    def hidden(self) -> np.ndarray | None:
        """The songs that the user has hidden [shape=(n,), bool]; None if these are none."""
        return self.catalogue.hidden(self.view.filter.hide)

    @cached_property
    def colours(self) -> list[str]:
        """The colours by colour number: the palette and grey, or the colours of the cells."""
        theme = self.view.theme
        if self.regions is None:
            return [*PALETTES[theme], GREYS[theme]]
        return cell_colours(self.regions, theme)

    def colour_numbers(self) -> np.ndarray:
        """Return each song's index in `colours` [shape=(n,), uint8]."""
        if self.regions is not None:
            return self.regions.labels.astype(np.uint8)
        return self.grouping.slots.astype(np.uint8)[self.grouping.members]

    def flags(self) -> np.ndarray:
        """Return each song's flags [shape=(n,), uint8]. In the original view, points do not fade."""
        fades = self.view.fade and self.regions is None
        return song_flags(
            len(self.catalogue),
            matching=self.matching,
            hidden=self.hidden,
            missing=self.catalogue.file_status.is_missing,
            near=self.catalogue.near[self.projection] if fades else None,
        )

    def describe(self) -> dict:
        """Return the description that the page draws by: the `MapMeta` of assets/core/types.js."""
        catalogue, view, theme = self.catalogue, self.view, self.view.theme
        positions = catalogue.positions[stored_projection(self.projection)]
        among, colours = visible(self.matching, self.hidden), self.colours
        is_original = self.regions is not None
        group_colours = colours if is_original else [colours[slot] for slot in self.grouping.slots.tolist()]
        names = name_places(positions, self.grouping, group_colours, among=among)
        return {
            "view": self._view_as_drawn().as_json(),
            "projection": self.projection,
            "colouring": view.colouring,
            "theme": theme,
            "revision": catalogue.revision,
            "order": catalogue.order,
            "changes": catalogue.changes,
            "hide": list(view.filter.hide),
            "bounds": bounds(np.vstack(self.regions.polygons) if is_original else positions),
            # A region is one area, so its name is written only once.
            "names": [name for name in names if name["rank"] == 0] if is_original else names,
            "colours": colours,
            "slots": {} if is_original else self.grouping.own_slots,
            "regions": describe_regions(self.regions) if is_original else None,
            "ground": GROUNDS[theme],
            "filtered_out": FILTERED_OUT[theme],
            "songs": len(catalogue),
            "lit": len(catalogue) if among is None else int(np.count_nonzero(among)),
            "away": 0 if self.hidden is None else int(np.count_nonzero(self.hidden)),
            "is_filtered": self.matching is not None,
            "hideable": catalogue.file_status.counts,
            "counts": count_line(catalogue),
            "first_look": catalogue.is_first_look,
            "coarse_layouts": coarse_layouts(catalogue),
        }

    def _view_as_drawn(self) -> MapView:
        catalogue, count = self.catalogue, self.view.cluster_count
        return replace(
            self.view,
            projection=self.projection,
            cluster_count=count or len(catalogue.clusters.names),
            revision=catalogue.revision,
            changes=catalogue.changes,
        )

    def legend(self) -> list:
        """Return the legend's elements."""
        colours = None if self.regions is None else self.colours
        hide, n_missing = self.view.filter.hide, self.catalogue.file_status.counts["missing"]
        return panels.legend(
            self.grouping.title,
            legend_entries(self.grouping, theme=self.view.theme, colours=colours, hidden=self.hidden),
            n_groups=len(self.grouping.names),
            isolated=self.view.filter.shown,
            n_missing=0 if "missing" in hide else n_missing,
        )


def draw_map(catalogue: Catalogue, view: MapView) -> tuple[dict, list, dict]:
    """Return a view's description, its legend, and the figures that say how far the map can be trusted."""
    drawing = Drawing.of(catalogue, view)
    quality = catalogue.quality.get(stored_projection(drawing.projection), {})
    return drawing.describe(), drawing.legend(), quality


def newest_snapshot(holder: CatalogueHolder, revision: int, changes: str | None = None) -> Catalogue:
    """Return the snapshot that a page knows, or the newest one; `changes` None stands for any.

    A page learns of changes from `/latest` before the snapshot in memory is updated.
    """
    catalogue = holder.current()
    if catalogue.revision == revision and changes in (None, catalogue.changes):
        return catalogue
    return holder.latest()


def cell_colours(regions: Regions, theme: str) -> list[str]:
    """Return the colours of the regions' cells; cells beside each other have different ones."""
    return [CELLS[theme][slot] for slot in cell_slots(len(regions.polygons), regions.borders)]


def describe_regions(regions: Regions) -> dict:
    """Return the cells' polygons and the regions' centres, as lists."""
    polygons = [polygon.tolist() for polygon in regions.polygons]
    return {"polygons": polygons, "centres": regions.centres.tolist()}


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
