"""Compares songs: draws how similar they are, and finds the most and the least similar pairs."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from explorer.analysis.compare.captions import Caption, model_caption, song_label
from explorer.analysis.compare.chosen_songs import (
    MIN_FILES_TO_CENTRE,
    ComparedSongs,
    CompareRequest,
    gather,
)
from explorer.analysis.compare.groups import Groups, group_by_sound, group_songs, scale_to_unit_length
from explorer.analysis.compare.heatmap import distance_figure, similarity_figure
from explorer.analysis.compare.matrices import Matrices, compare_all, group_means, similarity_within
from explorer.analysis.compare.pairs import Pairs, extreme_pairs
from explorer.analysis.compare.scatter import Panel, PointStyles, scatter_figure
from explorer.analysis.compare.scatter_positions import make_panels
from explorer.analysis.matplotlib_style import save, shorten
from explorer.errors import AnalysisError
from explorer.util.commands import command_line, with_database
from explorer.util.progress import Reporter, plural
from explorer.util.text import one_line

MAX_ROWS = 60
"""Up to this many songs, a heat map has one row for each song; above, one row for each group of songs."""
# Finding the pairs of fewer songs is so quick that no progress is shown.
_MIN_SONGS_FOR_PROGRESS = 5_000


@dataclass(frozen=True)
class Comparison:
    """The result of comparing songs.

    Attributes
    ----------
    compared : ComparedSongs
    matrices : Matrices
        Of the songs, or of the groups' mean vectors.
    closest, farthest : Pairs
    groups : Groups or None
        None if each song has its own row in the matrices.
    similarity_within : np.ndarray [shape=(groups,), float64] or None
        The mean similarity of the songs inside each group.
    figures : list of Path
    notes : list of str
        Sentences that help the user to read the result.
    """

    compared: ComparedSongs
    matrices: Matrices
    closest: Pairs
    farthest: Pairs
    groups: Groups | None = None
    similarity_within: np.ndarray | None = None
    figures: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def compare(request: CompareRequest, *, reporter: Reporter) -> Comparison:
    """Compare songs, and write the figures.

    Raises
    ------
    AnalysisError
        If there are fewer than two songs, no song has a wanted genre, a projection is unknown, or the folder
        cannot be written.
    SongNotFoundError, LibraryError, AudioError, EmbeddingError
        As `gather` does.
    """
    _make_folder(request.out)
    compared = gather(request, reporter=reporter)
    notes = _notes_on_songs(compared)
    genres_or_clusters = _group(compared)
    groups = within = None
    if len(compared) > MAX_ROWS:
        all_groups = genres_or_clusters or group_by_sound(compared.directions)
        if len(all_groups.names) < 2:
            raise AnalysisError(
                f"All {len(compared):,} songs have the same vector, so there is nothing to compare: run "
                f"`{command_line('report', database=request.database)}` to check the library."
            )
        groups = all_groups.largest(MAX_ROWS)
        notes += _notes_on_groups(compared, all_groups, groups)
        matrices, within = _compare_groups(compared, groups)
    else:
        matrices = compare_all(compared.directions, compared.vectors)
    figures = _draw_matrices(request.out, compared, matrices, groups)
    panels, panel_notes = make_panels(compared, projections=request.projections, reporter=reporter)
    figures += _draw_scatter(request.out, compared, panels, genres_or_clusters or groups)
    task = f"Comparing {len(compared):,} songs with each other"
    is_long = request.pairs and len(compared) > _MIN_SONGS_FOR_PROGRESS
    with reporter.working(task) if is_long else nullcontext() as show_progress:
        closest, farthest = extreme_pairs(compared.directions, count=request.pairs, progress=show_progress)
    notes = [with_database(note, request.database) for note in notes + panel_notes]
    return Comparison(compared, matrices, closest, farthest, groups, within, figures, notes)


def _make_folder(folder: Path) -> None:
    """Create the output folder; called first, because an error after minutes of work would lose the work."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AnalysisError(
            f"The folder {folder} cannot be created ({error.strerror}): choose another one with --out."
        ) from error


def _group(compared: ComparedSongs) -> Groups | None:
    """Group the songs by genre or by the map's clusters; None if neither divides them."""
    clusters = compared.library.clusters if compared.library else None
    return group_songs(
        [song.genres for song in compared.songs],
        wanted=compared.wanted_genres,
        clusters=clusters.among(compared.library_rows) if clusters else None,
    )


def _compare_groups(compared: ComparedSongs, groups: Groups) -> tuple[Matrices, np.ndarray]:
    """Compare the groups' mean vectors with each other; also return the similarity inside each group."""
    count = len(groups.names)
    means = group_means(compared.vectors, groups.group_of, count)
    if compared.library:
        origin = compared.library.neighbours.mean
    else:
        origin = compared.vectors.mean(axis=0, dtype=np.float64) if compared.is_centred else 0.0
    within = similarity_within(compared.directions, groups.group_of, count)
    return compare_all(scale_to_unit_length(means - origin), means), within


def _notes_on_songs(compared: ComparedSongs) -> list[str]:
    model = model_caption(compared.model)
    notes = [model.text] if model.is_warning else []
    if not compared.is_centred:
        notes.append(
            f"Without a library, and with fewer than {MIN_FILES_TO_CENTRE} files, similarity is the plain "
            "cosine, which is above 0.9 for almost any two sounds."
        )
    elif compared.library is None:
        notes.append("Without a library, vectors are compared after subtracting the mean of these files.")
    elif len(compared.library.songs) < MIN_FILES_TO_CENTRE:
        notes.append(
            f"The library has only {len(compared.library.songs)} songs: after subtracting their mean, even "
            "songs that sound alike have a low similarity."
        )
    return notes


def _notes_on_groups(compared: ComparedSongs, all_groups: Groups, drawn: Groups) -> list[str]:
    source = {
        "genre": "genres" if compared.wanted_genres else "the first genre of each song",
        "cluster": "the map's clusters",
        "k-means": "k-means clusters of these songs",
    }[drawn.kind]
    notes = [
        f"More than {MAX_ROWS} songs: each row is the mean of one of {len(drawn.names)} groups, by {source}."
    ]
    if not_drawn := len(all_groups.names) - len(drawn.names):
        notes.append(f"{not_drawn:,} smaller groups are not drawn.")
    if ungrouped := int((all_groups.group_of < 0).sum()):
        notes.append(f"Not in any group, so not drawn: {plural(ungrouped, 'song')}.")
    return notes


def _draw_matrices(
    out: Path, compared: ComparedSongs, matrices: Matrices, groups: Groups | None
) -> list[Path]:
    if groups is None:
        items, contents = "songs", f"{len(compared):,} songs"
        labels = [
            star + song_label(song.title, song.artist)
            for star, song in zip(compared.stars, compared.songs, strict=True)
        ]
    else:
        items = {"genre": "genres", "cluster": "clusters", "k-means": "groups"}[groups.kind]
        contents = f"{groups.counts.sum():,} songs in {len(groups.names)} {items}, each the mean of its songs"
        labels = [
            f"{shorten(one_line(name), 38)} · {count:,}"
            for name, count in zip(groups.names, groups.counts, strict=True)
        ]
    model = model_caption(compared.model)
    measure = (
        "cosine after subtracting the library's mean vector" if compared.library
        else "cosine after subtracting the files' mean vector" if compared.is_centred
        else "plain cosine, which is high for any two sounds"
    )  # fmt: skip
    order = "Rows are ordered by clustering (average linkage); the tree joins similar rows."
    similarity = similarity_figure(
        matrices, labels, captions=[Caption(f"{contents} · {measure}. {order}"), model],
        is_centred=compared.is_centred, items=items,
    )  # fmt: skip
    distance = distance_figure(
        matrices, labels, items=items,
        captions=[
            Caption(f"{contents} · no mean is subtracted. Rows are ordered as in the similarity figure."),
            model,
        ],
    )  # fmt: skip
    return save(similarity, out, "similarity") + save(distance, out, "distance")


def _draw_scatter(
    out: Path, compared: ComparedSongs, panels: list[Panel], groups: Groups | None
) -> list[Path]:
    labels = []
    if len(compared) <= MAX_ROWS:
        labels = [shorten(one_line(song.title), 26) or "untitled" for song in compared.songs]
    sources = {"genre": "genre", "cluster": "the map's cluster", "k-means": "k-means group"}
    colouring = f", coloured by {sources[groups.kind]}" if groups else ""
    title = "Where the songs lie"
    if compared.is_whole_library and compared.library.positions:
        title = "The library's maps" if len(panels) > 1 else "The library's map"
    figure = scatter_figure(
        panels,
        PointStyles(groups.largest() if groups else None, compared.is_starred, labels),
        title=title,
        captions=[Caption(f"{len(compared):,} songs{colouring}."), model_caption(compared.model)],
    )
    return save(figure, out, "scatter")
