"""Makes the map of a library: positions, clusters, cluster names and quality measures.

If there is a map, new songs are placed on it; the other songs move only if the user asks for a new layout.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from explorer.config import PROJECTION_NAMES
from explorer.database.database import Database
from explorer.database.records import Map
from explorer.errors import LibraryError
from explorer.indexing.kept_neighbours import LibraryNeighbours
from explorer.indexing.map_request import MAX_SONGS_TSNE, MapRequest, options_of
from explorer.indexing.small_update import is_enough, joined_labels, update_few
from explorer.indexing.stored_map import StoredMap, read_stored_map
from explorer.mapping.candidates import MAX_SONGS_NEARLY_EXACT
from explorer.mapping.cluster_names import EarlierNames, Vocabulary, name_clusters
from explorer.mapping.clustering import cluster, default_cluster_count, match_labels, representatives
from explorer.mapping.knn_graph import SEARCHED_COMPONENTS, distances_to, found_share
from explorer.mapping.neighbourhoods import MapComparison
from explorer.mapping.placement import aligned, place_among_neighbours, place_linearly
from explorer.mapping.projection import (
    MAP_COMPONENTS,
    UMAP_NEIGHBOURS,
    default_parameters,
    project,
    reduce,
)
from explorer.mapping.quality import hubness, label_purity, nearest_on_map, neighbours_near
from explorer.mapping.unit_rows import centred_unit_rows
from explorer.util.commands import command_line
from explorer.util.interrupts import repeat_swallowed_interrupt
from explorer.util.progress import Reporter, plural

SEED = 0
NEIGHBOURS = 10
MIN_SONGS_PER_GENRE = 3
"""Genres of one or two songs do not count: with a cluster for each, most clusters would hold one song."""

_FASTEST_FIRST = ("pca", "umap", "tsne")
_VECTORS_SHARE, _COMPARISON_SHARE = 0.7, 0.8
"""For progress: which share of the time of reading the library its vectors take, and which share of the time
of measuring the quality the sample of distances takes."""

SLOW_TSNE_SONGS = 20_000
"""With this many songs, t-SNE takes minutes: the rest of the map is stored before t-SNE is computed."""


@dataclass
class _Library:
    """A snapshot of a library, prepared for mapping."""

    song_ids: list[str]
    genres: list[str]
    """The first genre of each song, or ""."""
    vocabulary: Vocabulary
    """The tags of the songs."""
    directions: np.ndarray
    """Centred vectors of unit length [shape=(n, 512), float32]."""
    reduced: np.ndarray
    """Principal components of the directions."""
    graph: np.ndarray
    """The nearest neighbours of each song, nearest first [shape=(n, k), int32]; UMAP is made from it."""
    parameters: dict[str, dict]
    """Projection name to its parameters, for each projection on the map."""
    positions: dict[str, np.ndarray]
    """Projection name to positions [shape=(n, 2)], NaN for songs without a place."""
    labels: np.ndarray
    """The cluster of each song [shape=(n,), int]; -1 for songs in none."""
    cluster_names: list[str]
    """The names of these clusters."""
    cluster_count: int | None
    """The number of clusters that the user chose earlier."""
    revision: int
    """The revision of the map when the snapshot was read; raised by each map stored from it."""
    is_coarse: bool
    """Whether the directions are those of coarse vectors."""

    @property
    def neighbours(self) -> np.ndarray:
        """The ten nearest neighbours of each song [shape=(n, 10), int32]; fewer in smaller libraries."""
        return self.graph[:, :NEIGHBOURS]

    @property
    def described(self) -> str:
        """How many songs there are, for messages."""
        return plural(len(self.song_ids), "song")

    @property
    def is_approximate(self) -> bool:
        """Whether the library is so large that its neighbours are approximate."""
        return len(self.song_ids) > MAX_SONGS_NEARLY_EXACT


def make_map(
    database: Database,
    *,
    reporter: Reporter,
    request: MapRequest | None = None,
    switch_to_full: bool = False,
) -> Map:
    """Update the map, or make it if there is none, and store it.

    The parameters of a projection hold `"vectors": "coarse"` if its layout was made from coarse vectors. They
    stay so after the switch to full vectors, until a new layout is computed.

    Parameters
    ----------
    switch_to_full : bool
        Make the map from the full vectors, and show these from now on: the transaction that stores the map
        deletes the coarse vectors. No song that has a place moves.

    Raises
    ------
    LibraryError
        If the library is empty or cannot be written.
    MappingError
        If a vector is not finite, or a parameter is out of range.
    """
    request = request or MapRequest()
    if not switch_to_full:
        database.require_songs()
    elif not database.vector_counts().full:
        command = command_line("index FOLDER", database=database.path)
        raise LibraryError(f"{database.path} holds no full vector yet: run `{command}` first.")
    while True:
        with repeat_swallowed_interrupt() as raise_if_interrupted:
            new = _make(database, reporter, request, switch_to_full, raise_if_interrupted)
        if new is not None:
            return new
        reporter.say("Another program has changed the map in the meantime: updating the changed map now.")


def _make(
    database: Database,
    reporter: Reporter,
    request: MapRequest,
    switch_to_full: bool,
    raise_if_interrupted: Callable[[], None],
) -> Map | None:
    """Make and store a map; return None if another program has stored one meanwhile."""
    with reporter.working("Reading the library") as report_share:
        # A snapshot, because an index run may be storing songs meanwhile.
        with database.snapshot():
            stored = read_stored_map(
                database, full=switch_to_full, progress=lambda share: report_share(_VECTORS_SHARE * share)
            )
            kept = LibraryNeighbours(database.path, stored)
            is_small = is_enough(kept, stored, request, neighbours=NEIGHBOURS) and not switch_to_full
            # The songs' rows take 1 GB for a million songs, and are freed at once.
            tags = None if is_small else _read_tags(database, stored)
        if database.left_out:
            reporter.say(database.left_out_sentence)
        if not is_small:
            directions, mean = centred_unit_rows(stored.vectors, in_place=True)
            stored = replace(stored, vectors=directions[:0])
    raise_if_interrupted()
    if is_small:
        with reporter.working("Placing the new songs"):
            reporter.before_storing()
            return update_few(database, stored, kept, neighbours=NEIGHBOURS, seed=SEED)
    _say_what_follows(stored, request, reporter, database.path)
    library = _prepare(stored, directions, mean, tags, kept, request, reporter)
    raise_if_interrupted()
    new = _cluster(library, request, reporter)
    n_songs = len(library.song_ids)
    for method in _FASTEST_FIRST:
        raise_if_interrupted()
        if method not in request.methods(n_songs) and method not in library.parameters:
            continue
        parameters = _parameters(method, library, request)
        is_new_layout = request.needs_layout(method, library.parameters, n_songs)
        if method == "tsne" and is_new_layout and n_songs >= SLOW_TSNE_SONGS and new.positions:
            _measure(library, new, reporter)
            if not _store(database, library, new, reporter, switch_to_full):
                return None
            library.revision += 1
            reporter.say("The map can be opened now; t-SNE will be added in some minutes.")
        _add_projection(method, library, new, parameters if is_new_layout else None, reporter)
    raise_if_interrupted()
    _measure(library, new, reporter)
    raise_if_interrupted()
    reporter.before_storing()
    return new if _store(database, library, new, reporter, switch_to_full) else None


def _read_tags(database: Database, stored: StoredMap) -> tuple[list[str], Vocabulary]:
    """Return the first genre of each song, and the terms of all their tags."""
    songs = database.songs(stored.song_ids, full=not stored.is_coarse)
    genres = [song.genres[0] if song.genres else "" for song in songs]
    return genres, Vocabulary.of(song.document() for song in songs)


def _say_what_follows(stored: StoredMap, request: MapRequest, reporter: Reporter, path: Path) -> None:
    """Tell the user of a very large library what will be done, and what will not."""
    n_songs = len(stored.song_ids)
    if n_songs <= MAX_SONGS_NEARLY_EXACT:
        return
    wanted = [
        PROJECTION_NAMES[method]
        for method in _FASTEST_FIRST
        if method in request.methods(n_songs) or method in stored.parameters
    ]
    reporter.say(
        f"The map of {plural(n_songs, 'song')} can take an hour. These steps follow: neighbours, clusters, "
        f"{', '.join(wanted)}, quality, storing. An old map stays as it is until the last step."
    )
    if request.projections is None and "t-SNE" not in wanted:
        reporter.say(
            f"t-SNE is left out, because the library has more than {MAX_SONGS_TSNE:,} songs: "
            f"`{command_line('map --projection tsne', database=path)}` adds it."
        )


def _store(database: Database, library: _Library, new: Map, reporter: Reporter, switch_to_full: bool) -> bool:
    """Store a map; return False if another program has stored one meanwhile."""
    with reporter.working("Storing the map"):
        return database.store_map(new, base_revision=library.revision, show_full=switch_to_full)


def count_clusters(reduced: np.ndarray, genres: list[str]) -> int:
    """Choose the number of clusters; used if the user has not chosen one.

    Parameters
    ----------
    reduced : np.ndarray [shape=(n, d), float32]
    genres : list of str [length=n]
        Each song's first genre, or "".
    """
    sizes = Counter(genre for genre in genres if genre)
    n_genres = sum(size >= MIN_SONGS_PER_GENRE for size in sizes.values())
    return default_cluster_count(reduced, n_genres=n_genres, seed=SEED)


def _prepare(
    stored: StoredMap,
    directions: np.ndarray,
    mean: np.ndarray,
    tags: tuple[list[str], Vocabulary],
    kept: LibraryNeighbours,
    request: MapRequest,
    reporter: Reporter,
) -> _Library:
    genres, vocabulary = tags
    # UMAP counts a song as its own neighbour, and all copies of a song as one: find 2 neighbours more than it
    # uses.
    umap_neighbours = stored.parameters.get("umap", {}).get("asked") or UMAP_NEIGHBOURS
    k = max(NEIGHBOURS, 2 + max(request.neighbours or 0, umap_neighbours))
    n_songs = plural(len(stored.song_ids), "song")
    with reporter.working(f"Finding the neighbours of {n_songs}") as report_share:
        components = reduce(directions, dimensions=SEARCHED_COMPONENTS)
        graph = kept.graph(directions, mean, k, components, report_share)
    return _Library(
        song_ids=stored.song_ids,
        genres=genres,
        vocabulary=vocabulary,
        directions=directions,
        reduced=np.ascontiguousarray(components[:, :MAP_COMPONENTS]),
        graph=graph,
        parameters=stored.parameters,
        positions=stored.positions,
        labels=stored.labels,
        cluster_names=stored.cluster_names,
        cluster_count=stored.cluster_count,
        revision=stored.revision,
        is_coarse=stored.is_coarse,
    )


def _cluster(library: _Library, request: MapRequest, reporter: Reporter) -> Map:
    """Return a map with clusters and no projections."""
    with reporter.working(f"Finding clusters among {library.described}"):
        chosen = library.cluster_count if request.clusters is None else request.clusters or None
        if _keeps_clusters(library, request):
            labels = joined_labels(library.labels, library.neighbours)
        else:
            count = chosen or count_clusters(library.reduced, library.genres)
            labels = match_labels(library.labels, cluster(library.reduced, count, seed=SEED))
        purity = label_purity(library.genres, library.neighbours)
        hubs = hubness(library.neighbours, len(library.song_ids))
        earlier = EarlierNames(library.labels, library.cluster_names)
    return Map(
        song_ids=library.song_ids,
        positions={},
        parameters={},
        quality={},
        labels=labels,
        cluster_names=name_clusters(labels, library.vocabulary, earlier=earlier),
        representatives=[library.song_ids[row] for row in representatives(library.reduced, labels)],
        neighbourhood={
            "hubness": hubs and hubs.skewness,
            "largest_hub": hubs and hubs.largest,
            "genre_purity": purity and purity.purity,
            "genre_chance": purity and purity.chance,
        },
        cluster_count=chosen,
    )


def _keeps_clusters(library: _Library, request: MapRequest) -> bool:
    """Decide whether new songs join the map's clusters, as they join its layout during a first look.

    Somebody watches the map then: other clusters at each update would change the colours of songs.
    """
    if not library.is_coarse or request.relayout or request.clusters is not None:
        return False
    used = np.unique(library.labels[library.labels >= 0])
    return len(used) > 0 and used[-1] == len(used) - 1


def _parameters(method: str, library: _Library, request: MapRequest) -> dict:
    """Return a projection's parameters: as requested now, else as requested earlier, else the defaults."""
    asked = request.asked(method, library.parameters)
    parameters = default_parameters(method, len(library.song_ids), seed=SEED, **options_of(method, asked))
    parameters |= {"asked": asked, "songs": len(library.song_ids)}
    return parameters | {"vectors": "coarse"} if library.is_coarse else parameters


def _add_projection(
    method: str, library: _Library, new: Map, parameters: dict | None, reporter: Reporter
) -> None:
    """Add a projection to a map.

    Parameters
    ----------
    parameters : dict or None
        For a new layout; None keeps the layout and its parameters, and only adds new songs.
    """
    before = library.positions.get(method)
    with reporter.working(f"Mapping {library.described}: {PROJECTION_NAMES[method]}") as report_share:
        if parameters is None:
            parameters = library.parameters[method]
            positions = _with_new_songs(method, library, before, report_share)
        else:
            positions = _laid_out(method, library, parameters, report_share)
            positions = positions if before is None else aligned(positions, before)
        new.positions[method], new.parameters[method] = positions, parameters


def _measure(library: _Library, new: Map, reporter: Reporter) -> None:
    """Measure the quality of a map's projections, and add it to the map."""
    unmeasured = {name: positions for name, positions in new.positions.items() if name not in new.quality}
    what = f"Measuring how well the map shows the neighbours of {library.described}"
    with reporter.working(what) as report_share:
        comparison = MapComparison(library.directions, seed=SEED)
        measures = comparison.measures(
            unmeasured, progress=lambda share: report_share(_COMPARISON_SHARE * share)
        )
        found = {}
        if library.is_approximate:
            found = {"neighbours_found": found_share(library.directions, library.neighbours, seed=SEED)}
        for name, positions in unmeasured.items():
            new.near[name] = neighbours_near(library.neighbours, positions)
            purity = label_purity(library.genres, nearest_on_map(positions, NEIGHBOURS))
            new.quality[name] = (
                measures[name]
                | found
                | {
                    "genre_purity": purity and purity.purity,
                    "genre_chance": purity and purity.chance,
                }
            )


def _with_new_songs(
    method: str, library: _Library, before: np.ndarray, report_share: Callable[[float], None]
) -> np.ndarray:
    """Give new songs a place on a projection; the others do not move."""
    is_new = np.isnan(before[:, 0])
    n_new = int(is_new.sum())
    if not n_new:
        return before
    if 2 * n_new > len(before):
        # Most songs are new, too many to place among the others: compute a layout of all songs, and align it
        # with the old positions.
        layout = _laid_out(method, library, library.parameters[method], report_share)
        return np.where(is_new[:, None], aligned(layout, before, scale=True), before)
    if method == "pca":
        return place_linearly(library.reduced, before)
    return place_among_neighbours(library.reduced, library.neighbours, before, seed=SEED)


def _laid_out(
    method: str, library: _Library, parameters: dict, report_share: Callable[[float], None]
) -> np.ndarray:
    options = options_of(method, parameters.get("asked"))
    graph = None
    if method == "umap":
        graph = library.graph, distances_to(library.directions, library.graph)
    return project(method, library.reduced, graph=graph, seed=SEED, progress=report_share, **options)
