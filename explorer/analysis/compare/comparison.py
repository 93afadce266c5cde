"""Compares songs: draws how similar they are, and finds the most and the least similar pairs."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from explorer.analysis.compare.captions import model_line, song_label
from explorer.analysis.compare.chosen_songs import FEWEST_CENTRED, Compared, CompareRequest, gather
from explorer.analysis.compare.groups import Groups, group_by_sound, group_songs, unit_rows
from explorer.analysis.compare.heatmap import distance_figure, similarity_figure
from explorer.analysis.compare.matrices import Matrices, compare_all, group_means, similarity_within
from explorer.analysis.compare.pairs import Pairs, extreme_pairs
from explorer.analysis.compare.scatter import Marks, scatter_figure
from explorer.analysis.compare.scatter_positions import lay_out
from explorer.analysis.matplotlib_style import save, shorten
from explorer.errors import AnalysisError
from explorer.util.progress import Reporter
from explorer.util.text import shown

MOST_ROWS = 60
"""Up to this many songs each song has a row and a label; beyond, each group of songs."""
# Comparing fewer takes so little time that no progress is shown.
_MANY = 5_000


@dataclass(frozen=True)
class Comparison:
    """What comparing songs brought to light.

    Attributes
    ----------
    groups : Groups or None
        Where the songs were too many to be drawn one by one.
    within : np.ndarray [shape=(groups,), float64] or None
        How alike each group's own songs are.
    matrices : Matrices
        Of the songs, or of the groups' means.
    closest, farthest : Pairs
    figures : list of Path
    notes : list of str
        What a user should know.
    """

    compared: Compared
    matrices: Matrices
    closest: Pairs
    farthest: Pairs
    groups: Groups | None = None
    within: np.ndarray | None = None
    figures: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def compare(request: CompareRequest, *, reporter: Reporter) -> Comparison:
    """Compare songs, and draw what comes of it.

    Returns
    -------
    Comparison

    Raises
    ------
    AnalysisError
        If fewer than two songs are named, nobody has such a genre, a projection is unknown, or the folder
        cannot be written.
    SongNotFoundError, LibraryError, AudioError, EmbeddingError
        As `gather` does.
    """
    _make_folder(request.out)
    compared = gather(request, reporter=reporter)
    notes = _notes(compared)
    by_tags = _groups(compared)
    groups = within = None
    if len(compared) > MOST_ROWS:
        everything = by_tags or group_by_sound(compared.rows)
        if len(everything.names) < 2:
            raise AnalysisError(
                f"All {len(compared):,} songs have one and the same vector, and nothing tells them apart: "
                "run `python run.py report`."
            )
        groups = everything.largest(MOST_ROWS)
        notes += _notes_on_groups(compared, everything, groups)
        matrices, within = _of_groups(compared, groups)
    else:
        matrices = compare_all(compared.rows, compared.vectors)
    figures = _draw_matrices(request.out, compared, matrices, groups)
    panels, more = lay_out(compared, projections=request.projections, reporter=reporter)
    figures += _draw_scatter(request.out, compared, panels, by_tags or groups)
    label = f"Comparing {len(compared):,} songs with each other"
    is_long = request.pairs and len(compared) > _MANY
    with reporter.working(label) if is_long else nullcontext() as tell:
        closest, farthest = extreme_pairs(compared.rows, count=request.pairs, progress=tell)
    return Comparison(compared, matrices, closest, farthest, groups, within, figures, notes + more)


def _make_folder(folder: Path) -> None:
    """Create the folder now, so that a failure does not come after minutes of work."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AnalysisError(
            f"The folder {folder} cannot be made ({error.strerror}): choose another one with --out."
        ) from error


def _groups(compared: Compared) -> Groups | None:
    clusters = compared.shelf.clusters if compared.shelf else None
    return group_songs(
        [song.genres for song in compared.songs],
        wanted=compared.genres,
        clusters=clusters.among(compared.numbers) if clusters else None,
    )


def _of_groups(compared: Compared, groups: Groups) -> tuple[Matrices, np.ndarray]:
    """Compare the groups' mean vectors as if they were songs."""
    count = len(groups.names)
    means = group_means(compared.vectors, groups.members, count)
    if compared.shelf:
        mean = compared.shelf.space.mean
    else:
        mean = compared.vectors.mean(axis=0, dtype=np.float64) if compared.is_centred else 0.0
    within = similarity_within(compared.rows, groups.members, count)
    return compare_all(unit_rows(means - mean), means), within


def _notes(compared: Compared) -> list[str]:
    notes = []
    text, is_warning = model_line(compared.model)
    if is_warning:
        notes.append(text)
    if not compared.is_centred:
        notes.append(
            f"Without a library, and with fewer than {FEWEST_CENTRED} files, similarity is the plain cosine: "
            "it is above 0.9 for almost any two sounds."
        )
    elif compared.shelf is None:
        notes.append("Without a library, similarity is taken from the mean of these files.")
    elif len(compared.shelf.songs) < FEWEST_CENTRED:
        notes.append(
            f"The library has only {len(compared.shelf.songs)} songs: what sets them apart from their mean "
            "makes even like ones look unlike."
        )
    return notes


def _notes_on_groups(compared: Compared, everything: Groups, drawn: Groups) -> list[str]:
    kind = {
        "genre": "genres" if compared.genres else "the first genre of each song",
        "cluster": "the map's clusters",
        "k-means": "groups that k-means makes of them",
    }[drawn.kind]
    notes = [f"More than {MOST_ROWS} songs: rows are the means of {len(drawn.names)} groups, by {kind}."]
    if len(drawn.names) < len(everything.names):
        notes.append(f"{len(everything.names) - len(drawn.names):,} smaller groups are not drawn.")
    if without := int((everything.members < 0).sum()):
        notes.append(f"{without:,} of the songs are in none.")
    return notes


def _draw_matrices(out: Path, compared: Compared, matrices: Matrices, groups: Groups | None) -> list[Path]:
    if groups is None:
        of, what = "songs", f"{len(compared):,} songs"
        labels = [
            star + song_label(song.title, song.artist)
            for star, song in zip(compared.stars, compared.songs, strict=True)
        ]
    else:
        of = {"genre": "genres", "cluster": "clusters", "k-means": "groups"}[groups.kind]
        what = f"{groups.counts.sum():,} songs in {len(groups.names)} {of}, each the mean of its songs"
        named = zip(groups.names, groups.counts, strict=True)
        labels = [f"{shorten(shown(name), 38)} · {count:,}" for name, count in named]
    model = model_line(compared.model)
    basis = (
        "cosine after the library's mean was taken away" if compared.shelf
        else "cosine after the files' mean was taken away" if compared.is_centred
        else "plain cosine, which is high for any two sounds"
    )  # fmt: skip
    order = "Ordered by average linkage; the tree joins what is alike."
    similarity = similarity_figure(
        matrices, labels, captions=[(f"{what} · {basis}. {order}", False), model],
        is_centred=compared.is_centred, of=of,
    )  # fmt: skip
    distance = distance_figure(
        matrices, labels, of=of,
        captions=[(f"{what} · vectors as embedded, in the order of their similarity.", False), model],
    )  # fmt: skip
    return save(similarity, out, "similarity") + save(distance, out, "distance")


def _draw_scatter(out: Path, compared: Compared, panels, groups: Groups | None) -> list[Path]:
    labels = []
    if len(compared) <= MOST_ROWS:
        labels = [shorten(shown(song.title), 26) or "untitled" for song in compared.songs]
    how = {"genre": "genre", "cluster": "the map's cluster", "k-means": "k-means group"}
    coloured = f", coloured by {how[groups.kind]}" if groups else ""
    title = "Where the songs lie"
    if compared.is_whole and compared.shelf.places:
        title = "The library's maps" if len(panels) > 1 else "The library's map"
    figure = scatter_figure(
        panels,
        Marks(groups.largest() if groups else None, compared.is_starred, labels),
        title=title,
        captions=[(f"{len(compared):,} songs{coloured}.", False), model_line(compared.model)],
    )
    return save(figure, out, "scatter")
