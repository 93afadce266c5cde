from dataclasses import replace

import numpy as np
import pytest
from support import store_vectors

from explorer.analysis.compare.chosen_songs import Compared, CompareRequest, gather
from explorer.analysis.compare.scatter_positions import lay_out
from explorer.config import Settings
from explorer.database.database import Database
from explorer.errors import AnalysisError
from explorer.indexing.model import ModelRequest
from explorer.util.progress import Reporter

ANY = ModelRequest(Settings().models)


def gathered(path, *songs, **options):
    return gather(CompareRequest(path, path.parent, ANY, songs, **options), reporter=Reporter())


def test_songs_lie_where_the_library_s_maps_show_them_before_all_others(library):
    path, ids = library
    panels, notes = lay_out(gathered(path, ids[20], ids[3]), reporter=Reporter())
    assert [panel.title for panel in panels] == ["t-SNE", "UMAP", "PCA"]
    assert notes == []
    with Database.open_readonly(path) as database:
        for panel, name in zip(panels, ("tsne", "umap", "pca"), strict=True):
            _, positions, _ = database.positions(name)
            assert panel.places == pytest.approx(positions[[20, 3]])
            assert panel.background == pytest.approx(np.delete(positions, [3, 20], axis=0))
            assert panel.note == "Trustworthiness 0.970 · 60% of the ten nearest songs kept"


def test_only_the_projections_that_are_asked_for_are_drawn(library):
    panels, _ = lay_out(gathered(library[0]), projections=["pca", "tsne"], reporter=Reporter())
    assert [panel.title for panel in panels] == ["t-SNE", "PCA"]


def test_a_file_that_sounds_like_a_song_lies_beside_it_on_every_map(library):
    path, ids = library
    compared = gathered(path, ids[3], ids[12])
    copy = Compared(
        songs=[*compared.songs, compared.songs[0]],
        vectors=compared.vectors[[0, 1, 0]],
        rows=compared.rows[[0, 1, 0]],
        numbers=np.array([3, 12, -1]),
        is_centred=True,
        genres=(),
        shelf=compared.shelf,
        model={},
    )
    panels, _ = lay_out(copy, projections=["tsne", "umap"], reporter=Reporter())
    for panel in panels:
        song, other, outside = panel.places
        assert 0 < np.linalg.norm(outside - song) < 0.05 < np.linalg.norm(other - song)
        assert len(panel.background) == 22


def test_without_a_map_the_songs_are_laid_out_for_themselves(tmp_path):
    rng = np.random.default_rng(0)
    vectors = 6 * rng.normal(size=(2, 512))[np.arange(24) % 2] + rng.normal(size=(24, 512))
    with Database.open(tmp_path / "songs.db") as database:
        store_vectors(database, tmp_path, vectors)
    panels, notes = lay_out(gathered(tmp_path / "songs.db"), projections=["tsne", "pca"], reporter=Reporter())
    assert [panel.title for panel in panels] == ["t-SNE", "PCA"]
    assert notes == []
    for panel in panels:
        assert len(panel.background) == 0
        even, odd = panel.places[0::2], panel.places[1::2]
        gap = np.linalg.norm(even.mean(axis=0) - odd.mean(axis=0))
        assert gap > 2 * np.linalg.norm(even - even.mean(axis=0), axis=1).mean()


def test_a_projection_that_the_map_has_not_is_made_where_it_is_asked_for(library):
    compared = gathered(library[0])
    shelf = replace(compared.shelf, places={"pca": compared.shelf.places["pca"]})
    compared = replace(compared, shelf=shelf)
    panels, _ = lay_out(compared, reporter=Reporter())
    assert [panel.title for panel in panels] == ["PCA"]
    panels, _ = lay_out(compared, projections=["pca", "tsne"], reporter=Reporter())
    assert [(panel.title, panel.note[:8]) for panel in panels] == [("t-SNE", "Laid out"), ("PCA", "Trustwor")]


def test_an_unknown_projection_is_a_sentence(library):
    with pytest.raises(AnalysisError, match=r"'isomap' is not a projection: choose among tsne, umap, pca\."):
        lay_out(gathered(library[0]), projections=["isomap"], reporter=Reporter())
