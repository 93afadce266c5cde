"""Makes the map of a library: positions, clusters, names and figures of trust.

A map once drawn stays: songs that are new find places in it, and nothing else moves unless it is asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from explorer.config import TITLES
from explorer.database.database import Database
from explorer.database.records import Map, SongRow
from explorer.mapping.cluster_names import name_clusters
from explorer.mapping.clustering import cluster, default_cluster_count, match_labels, representatives
from explorer.mapping.knn_graph import distances_to, true_neighbours
from explorer.mapping.neighbourhoods import Judge
from explorer.mapping.placement import aligned, place_among_neighbours, place_linearly
from explorer.mapping.projection import (
    METHODS,
    PERPLEXITY,
    UMAP_NEIGHBOURS,
    default_parameters,
    project,
    reduce,
)
from explorer.mapping.quality import hubness, label_purity, nearest_on_map, neighbours_near
from explorer.mapping.similarity import centred_unit_rows
from explorer.util.interrupts import insisting
from explorer.util.progress import Reporter

SEED = 0
NEIGHBOURS = 10
SONGS_THAT_MAKE_A_GENRE = 3
"""Genres of one or two songs are tags' whims: as many clusters would be mostly single songs."""

_QUICK_FIRST = ("pca", "umap", "tsne")
MINUTES_FOR_TSNE = 20_000
"""From so many songs on t-SNE takes minutes: the rest of the map is stored before it."""

_OPTIONS = {"tsne": ("perplexity", PERPLEXITY), "umap": ("neighbours", UMAP_NEIGHBOURS)}
"""What a projection can be asked for, and what it is otherwise."""


@dataclass(frozen=True)
class MapRequest:
    """What a user asked for; None where they left it open.

    Attributes
    ----------
    projections : tuple of str, optional
        Those to make; others that the map has get places for new songs and stay as they are.
    perplexity : float, optional
        t-SNE's; where the map has another, t-SNE is laid out anew.
    neighbours : int, optional
        UMAP's, likewise.
    clusters : int, optional
        How many, also of later maps; 0 for as many as the music has.
    relayout : bool
        Lay the projections out anew: every song may move.
    """

    projections: tuple[str, ...] | None = None
    perplexity: float | None = None
    neighbours: int | None = None
    clusters: int | None = None
    relayout: bool = False


@dataclass
class _Library:
    """One state of a library, as the map is made from it."""

    song_ids: list[str]
    songs: list[SongRow]
    directions: np.ndarray
    reduced: np.ndarray
    graph: np.ndarray
    """The songs most like each song, the nearest first [shape=(n, k), int32]: what UMAP is made from."""
    stored: dict[str, dict]
    """Parameters of each projection that the map has."""
    places: dict[str, np.ndarray]
    """Projection name to positions [shape=(n, 2)], NaN for songs that are not on it."""
    labels: np.ndarray
    """Cluster of each song [shape=(n,), int]; -1 for those in none."""
    cluster_count: int | None
    revision: int
    """Of the map that the library has, or had when it was read."""
    genres: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.genres = [song.genres[0] if song.genres else "" for song in self.songs]

    @property
    def true(self) -> np.ndarray:
        """The ten songs most like each song [shape=(n, 10), int32]; fewer in smaller libraries."""
        return self.graph[:, :NEIGHBOURS]


def make_map(database: Database, *, reporter: Reporter, request: MapRequest | None = None) -> Map:
    """Bring the map up to date, or lay it out where there is none, and store it.

    Raises
    ------
    LibraryError
        If the library is empty or cannot be written.
    MappingError
        If a vector is not finite, or a parameter is out of range.
    """
    request = request or MapRequest()
    database.require_songs()
    while True:
        with insisting() as insist:
            new = _make(database, reporter, request, insist)
        if new is not None:
            return new
        reporter.say("Another program has changed the map meanwhile: it is brought up to date from there.")


def _make(
    database: Database, reporter: Reporter, request: MapRequest, insist: Callable[[], None]
) -> Map | None:
    """Make and store a map, or nothing where another one was stored meanwhile."""
    asked = request.projections or METHODS
    with reporter.working("Reading the library"):
        library = _read(database, request)
    new = _cluster(library, request, reporter)
    for method in _QUICK_FIRST:
        insist()
        if method not in asked and method not in library.stored:
            continue
        parameters = _parameters(method, library, request)
        anew = _is_laid_out_anew(method, method in asked, parameters, library, request)
        if method == "tsne" and anew and len(library.song_ids) >= MINUTES_FOR_TSNE and new.positions:
            _measure(library, new, reporter)
            if not database.store_map(new, based_on=library.revision):
                return None
            library.revision += 1
            reporter.say("The map can be looked at; t-SNE will join it in some minutes.")
        _draw(method, library, new, parameters, anew, reporter)
    insist()
    _measure(library, new, reporter)
    insist()
    reporter.finishing()
    return new if database.store_map(new, based_on=library.revision) else None


def count_clusters(reduced: np.ndarray, genres: list[str]) -> int:
    """Choose how many clusters a library gets where nobody says.

    Parameters
    ----------
    reduced : np.ndarray [shape=(n, d), float32]
    genres : list of str [length=n]
        Each song's first genre, or "".
    """
    sizes = Counter(genre for genre in genres if genre)
    n_genres = sum(size >= SONGS_THAT_MAKE_A_GENRE for size in sizes.values())
    return default_cluster_count(reduced, n_genres=n_genres, seed=SEED)


def _read(database: Database, request: MapRequest) -> _Library:
    # One state of the library: an index may be storing songs meanwhile.
    with database.snapshot():
        song_ids, vectors = database.vectors(dtype=np.float32)
        songs = database.songs()
        stored = {name: projection["parameters"] for name, projection in database.projections().items()}
        positions = {name: database.positions(name)[:2] for name in stored}
        clusters, _, _ = database.clusters()
        cluster_count = database.cluster_count()
        revision = database.map_revision()
    directions, _ = centred_unit_rows(vectors)
    del vectors
    reduced = reduce(directions)
    # UMAP counts a song among its own neighbours, and copies of a song as one: some spare ones make up.
    spare = 2 + max(request.neighbours or 0, stored.get("umap", {}).get("asked") or UMAP_NEIGHBOURS)
    graph = true_neighbours(directions, max(NEIGHBOURS, spare))
    return _Library(
        song_ids=song_ids,
        songs=songs,
        directions=directions,
        reduced=reduced,
        graph=graph,
        stored=stored,
        places={name: _in_order(song_ids, *found) for name, found in positions.items()},
        labels=np.array([clusters.get(song_id, -1) for song_id in song_ids], dtype=np.int64),
        cluster_count=cluster_count,
        revision=revision,
    )


def _in_order(song_ids: list[str], known_ids: list[str], positions: np.ndarray) -> np.ndarray:
    """Return the songs' positions [shape=(n, 2), float32], NaN for those that have none."""
    if song_ids == known_ids:
        return positions
    rows = {song_id: row for row, song_id in enumerate(known_ids)}
    order = np.array([rows.get(song_id, -1) for song_id in song_ids], dtype=np.int64)
    places = np.full((len(song_ids), 2), np.nan, dtype=np.float32)
    places[order >= 0] = positions[order[order >= 0]]
    return places


def _cluster(library: _Library, request: MapRequest, reporter: Reporter) -> Map:
    """Return a map of clusters alone."""
    with reporter.working(f"Finding clusters among {_songs(library)}"):
        asked = library.cluster_count if request.clusters is None else request.clusters or None
        count = asked or count_clusters(library.reduced, library.genres)
        labels = match_labels(library.labels, cluster(library.reduced, count, seed=SEED))
        purity = label_purity(library.genres, library.true)
        hubs = hubness(library.true, len(library.song_ids))
    return Map(
        song_ids=library.song_ids,
        positions={},
        parameters={},
        quality={},
        labels=labels,
        cluster_names=name_clusters(labels, [song.document() for song in library.songs]),
        representatives=[library.song_ids[row] for row in representatives(library.reduced, labels)],
        neighbourhood={
            "hubness": hubs and hubs.skewness,
            "largest_hub": hubs and hubs.largest,
            "genre_purity": purity and purity.purity,
            "genre_chance": purity and purity.chance,
        },
        cluster_count=asked,
    )


def _parameters(method: str, library: _Library, request: MapRequest) -> dict:
    """Return what a projection is made with: what was asked for, now or when it was laid out."""
    option, _ = _OPTIONS.get(method, (None, None))
    asked = getattr(request, option) if option else None
    if asked is None:
        asked = library.stored.get(method, {}).get("asked")
    chosen = {} if asked is None else {option: asked}
    parameters = default_parameters(method, len(library.song_ids), seed=SEED, **chosen)
    return parameters | {"asked": asked, "songs": len(library.song_ids)}


def _is_laid_out_anew(
    method: str, is_asked: bool, parameters: dict, library: _Library, request: MapRequest
) -> bool:
    before = library.stored.get(method)
    if before is None:
        return True
    if not is_asked:
        return False
    _, default = _OPTIONS.get(method, (None, None))
    return request.relayout or (parameters["asked"] or default) != (before.get("asked") or default)


def _draw(
    method: str,
    library: _Library,
    new: Map,
    parameters: dict,
    anew: bool,
    reporter: Reporter,
) -> None:
    """Add a projection to a map."""
    before = library.places.get(method)
    with reporter.working(f"Mapping {_songs(library)}: {TITLES[method]}") as tell:
        if anew:
            positions = _laid_out(method, library, parameters, tell)
            positions = positions if before is None else aligned(positions, before)
        else:
            parameters = library.stored[method]
            positions = _with_new_songs(method, library, before, tell)
        new.positions[method], new.parameters[method] = positions, parameters


def _measure(library: _Library, new: Map, reporter: Reporter) -> None:
    """Add to a map how far its projections can be trusted."""
    unmeasured = {name: positions for name, positions in new.positions.items() if name not in new.quality}
    with reporter.working(f"Measuring how far {_songs(library)} can be trusted to be where they are"):
        measures = Judge(library.directions, seed=SEED).measures(unmeasured)
        for name, positions in unmeasured.items():
            new.near[name] = neighbours_near(library.true, positions)
            purity = label_purity(library.genres, nearest_on_map(positions, NEIGHBOURS))
            new.quality[name] = measures[name] | {
                "genre_purity": purity and purity.purity,
                "genre_chance": purity and purity.chance,
            }


def _with_new_songs(
    method: str, library: _Library, before: np.ndarray, tell: Callable[[float], None]
) -> np.ndarray:
    """Give songs that are new a place on a projection; no other song moves."""
    is_new = np.isnan(before[:, 0])
    n_new = int(is_new.sum())
    if not n_new:
        return before
    if 2 * n_new > len(before):
        # Among so few there is hardly a place for so many: they get a layout of their own that fits.
        whole = aligned(_laid_out(method, library, library.stored[method], tell), before, scale=True)
        return np.where(is_new[:, None], whole, before)
    if method == "pca":
        return place_linearly(library.reduced, before)
    return place_among_neighbours(library.reduced, library.true, before, seed=SEED)


def _laid_out(method: str, library: _Library, parameters: dict, tell: Callable[[float], None]) -> np.ndarray:
    option, _ = _OPTIONS.get(method, (None, None))
    options = {option: parameters["asked"]} if parameters.get("asked") else {}
    graph = None
    if method == "umap":
        graph = library.graph, distances_to(library.directions, library.graph)
    return project(method, library.reduced, graph=graph, seed=SEED, progress=tell, **options)


def _songs(library: _Library) -> str:
    return f"{len(library.song_ids):,} song" + ("" if len(library.song_ids) == 1 else "s")
