"""Turns a view into what the page draws: a colour number and flags for each song, and a description."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from explorer.mapping.voronoi import Regions
from explorer.web.data.catalogue import Catalogue
from explorer.web.data.facets import unknown_clusters
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.map.grouping import NO_ARTIST, Grouping
from explorer.web.map.key_circle import KeyCircle
from explorer.web.map.legend_entries import Tags, legend_entries
from explorer.web.map.name_places import bounds, name_places
from explorer.web.map.palette import CELLS, FILTERED_OUT, GREYS, GROUNDS, PALETTES, cell_slots
from explorer.web.map.scales import SCALES, Scale
from explorer.web.map.song_flags import song_flags, visible
from explorer.web.map.view import MapView, stored_projection
from explorer.web.page import panels
from explorer.web.page.header import count_line
from explorer.web.page.map_menu import ORIGINAL
from explorer.web.page.scale_legend import scale_legend

_TAGS = ("genre", "artist")
"""The groups that come from tags: a song can have several of them, and is drawn with the first."""


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
        The groups that give the points their colours; in the original view, the regions; with a scale, the
        clusters, whose names stay on the map.
    regions : Regions, optional
        The cells of the original view.
    scale : Scale or KeyCircle, optional
        The values that give the points their colours, instead of groups.
    """

    catalogue: Catalogue
    view: MapView
    projection: str
    grouping: Grouping
    regions: Regions | None = None
    scale: Scale | KeyCircle | None = None

    @classmethod
    def of(cls, catalogue: Catalogue, view: MapView) -> Drawing:
        """Choose the projection and the groups. Clusters of a new count are computed here.

        If no song has a value of the scale asked for, the clusters give the colours.
        """
        projection = view.projection_in(catalogue)
        if projection != ORIGINAL:
            scale = catalogue.scale(view.colouring) if view.colouring in SCALES else None
            if view.colouring in SCALES and scale is None:
                view = replace(view, colouring="cluster")
            colouring = "cluster" if scale else view.colouring
            grouping = catalogue.grouping(colouring, cluster_count=view.cluster_count)
            return cls(catalogue, view, projection, grouping, scale=scale)
        regions, grouping = catalogue.regions(view.cluster_count or len(catalogue.clusters.names))
        return cls(catalogue, view, projection, grouping, regions)

    @cached_property
    def matching(self) -> np.ndarray | None:
        """The songs that match the filter [shape=(n,), bool]; None without a filter."""
        return self.catalogue.matching(self.view.filter, self._clusters)

    @property
    def _clusters(self) -> Grouping:
        """The clusters or regions that a filter's names mean."""
        if self.grouping.noun not in _TAGS:
            return self.grouping
        count = self.view.cluster_count if self.view.filter.clusters else None
        return self.catalogue.grouping("cluster", cluster_count=count)

    @cached_property
    def hidden(self) -> np.ndarray | None:
        """The songs that the user has hidden [shape=(n,), bool]; None if these are none."""
        return self.catalogue.hidden(self.view.filter.hide)

    @cached_property
    def colours(self) -> list[str]:
        """The colours by colour number: the palette and grey, or the colours of the cells."""
        theme = self.view.theme
        if self.scale is not None:
            return [*self.scale.colours(theme), GREYS[theme]]
        if self.regions is None:
            return [*PALETTES[theme], GREYS[theme]]
        return cell_colours(self.regions, theme)

    def colour_numbers(self) -> np.ndarray:
        """Return each song's index in `colours` [shape=(n,), uint8]."""
        if self.regions is not None:
            return self.regions.labels.astype(np.uint8)
        if self.scale is not None:
            return self.scale.colour_numbers
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
        has_slots = not is_original and self.scale is None
        group_colours = self._label_colours()
        names = name_places(positions, self.grouping, group_colours, among=among)
        return {
            "view": self._view_as_drawn().as_json(),
            "projection": self.projection,
            "colouring": view.colouring,
            "scale": self.scale and self.scale.kind.describe(),
            "theme": theme,
            "revision": catalogue.revision,
            "library": catalogue.library,
            "order": catalogue.order,
            "changes": catalogue.changes,
            "hide": list(view.filter.hide),
            "bounds": bounds(np.vstack(self.regions.polygons) if is_original else positions),
            # A region is one area, so its name is written only once.
            "names": [name for name in names if name["rank"] == 0] if is_original else names,
            "colours": colours,
            "slots": self.grouping.own_slots if has_slots else {},
            "regions": describe_regions(self.regions) if is_original else None,
            "ground": GROUNDS[theme],
            "filtered_out": FILTERED_OUT[theme],
            "songs": len(catalogue),
            "lit": len(catalogue) if among is None else int(np.count_nonzero(among)),
            "away": 0 if self.hidden is None else int(np.count_nonzero(self.hidden)),
            "is_filtered": self.matching is not None,
            "unknown": self._unknown_names(),
            "hideable": catalogue.file_status.counts,
            "counts": count_line(catalogue),
            "first_look": catalogue.is_first_look,
            "coarse_layouts": coarse_layouts(catalogue),
        }

    def _unknown_names(self) -> dict[str, list[str]]:
        """Return the names in the filter that the library does not have, by field."""
        catalogue, chosen = self.catalogue, self.view.filter
        return {
            "genres": catalogue.facets.unknown("genre", chosen.genres),
            "clusters": unknown_clusters(chosen.clusters, self._clusters, catalogue.clusters),
            "artists": catalogue.facets.unknown("artist", chosen.artists),
        }

    def _label_colours(self) -> list[str]:
        """Return the colour of each group's name on the map."""
        if self.regions is not None:
            return self.colours
        if self.scale is not None:
            return [GREYS[self.view.theme]] * len(self.grouping.names)
        return [self.colours[slot] for slot in self.grouping.slots.tolist()]

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
        theme, hide = self.view.theme, self.view.filter.hide
        n_missing = 0 if "missing" in hide else self.catalogue.file_status.counts["missing"]
        if self.scale is not None:
            return scale_legend(self.scale, theme=theme, hidden=self.hidden, n_missing=n_missing)
        tags = self._tags()
        entries = legend_entries(
            self.grouping,
            theme=theme,
            colours=None if self.regions is None else self.colours,
            hidden=self.hidden,
            tags=tags,
        )
        n_groups = len(self.grouping.names) if tags is None else tags.n_names
        return panels.legend(
            self.grouping.title, entries, n_groups=n_groups, pressed=self.pressed, n_missing=n_missing
        )

    @property
    def pressed(self) -> set[str]:
        """The names of the groups that the filter shows."""
        chosen = self.view.filter
        names = {"genre": chosen.genres, "artist": chosen.artists}.get(self.grouping.noun, chosen.clusters)
        wanted = {name.casefold() for name in names}
        return {name for name in self.grouping.names if name.casefold() in wanted}

    def _tags(self) -> Tags | None:
        """Return what the legend says of genres or artists; None for clusters and regions."""
        kind = self.grouping.noun
        if kind not in _TAGS:
            return None
        if kind == "genre":
            return Tags(self.catalogue.facets.by_genre.names, self.catalogue.n_genres, self._count_songs)
        # As many as have colours: there, several artists of a song are one group.
        names = [name for name in self.grouping.names if name != NO_ARTIST]
        return Tags(names, len(names), self._count_songs)

    def _count_songs(self, names: Sequence[str]) -> int:
        """Return how many songs a filter by genres or artists shows."""
        songs = self.catalogue.facets.songs_with(self.grouping.noun, names)
        return int(np.count_nonzero(songs if self.hidden is None else songs & ~self.hidden))


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
