from dataclasses import replace

import numpy as np
import pytest
from support import store_vectors

from explorer.analysis.compare.chosen_songs import ComparedSongs, CompareRequest, gather
from explorer.analysis.compare.scatter_positions import make_panels
from explorer.config import Settings
from explorer.database.database import Database
from explorer.errors import AnalysisError
from explorer.indexing.model import ModelRequest
from explorer.util.progress import Reporter

ANY = ModelRequest(Settings().models)


def gather_songs(path, *songs, **options):
    return gather(CompareRequest(path, path.parent, ANY, songs, **options), reporter=Reporter())


def test_songs_keep_their_positions_on_the_library_s_maps(library):
    path, ids = library
    panels, notes = make_panels(gather_songs(path, ids[20], ids[3]), reporter=Reporter())
    assert [panel.title for panel in panels] == ["t-SNE", "UMAP", "PCA"]
    assert notes == []
    with Database.open_readonly(path) as database:
        for panel, name in zip(panels, ("tsne", "umap", "pca"), strict=True):
            _, positions, _ = database.positions(name)
            assert panel.positions == pytest.approx(positions[[20, 3]])
            assert panel.background == pytest.approx(np.delete(positions, [3, 20], axis=0))
            assert "0.970" in panel.note and "60% of the ten nearest" in panel.note


def test_only_the_wanted_projections_are_drawn(library):
    panels, _ = make_panels(gather_songs(library[0]), projections=["pca", "tsne"], reporter=Reporter())
    assert [panel.title for panel in panels] == ["t-SNE", "PCA"]


def test_a_file_that_sounds_like_a_song_lies_beside_it_on_every_map(library):
    path, ids = library
    compared = gather_songs(path, ids[3], ids[12])
    copy = ComparedSongs(
        songs=[*compared.songs, compared.songs[0]],
        vectors=compared.vectors[[0, 1, 0]],
        directions=compared.directions[[0, 1, 0]],
        library_rows=np.array([3, 12, -1]),
        is_centred=True,
        library=compared.library,
        model={},
    )
    panels, _ = make_panels(copy, projections=["tsne", "umap"], reporter=Reporter())
    for panel in panels:
        song, other, outside = panel.positions
        assert 0 < np.linalg.norm(outside - song) < 0.05 < np.linalg.norm(other - song)
        assert len(panel.background) == 22


def test_without_a_map_the_songs_get_a_map_of_their_own(tmp_path):
    rng = np.random.default_rng(0)
    vectors = 6 * rng.normal(size=(2, 512))[np.arange(24) % 2] + rng.normal(size=(24, 512))
    with Database.open(tmp_path / "songs.db") as database:
        store_vectors(database, tmp_path, vectors)
    panels, notes = make_panels(
        gather_songs(tmp_path / "songs.db"), projections=["tsne", "pca"], reporter=Reporter()
    )
    assert [panel.title for panel in panels] == ["t-SNE", "PCA"]
    assert notes == []
    for panel in panels:
        assert len(panel.background) == 0
        even, odd = panel.positions[0::2], panel.positions[1::2]
        gap = np.linalg.norm(even.mean(axis=0) - odd.mean(axis=0))
        assert gap > 2 * np.linalg.norm(even - even.mean(axis=0), axis=1).mean()


def test_a_projection_that_the_map_lacks_is_made_if_asked_for(library):
    compared = gather_songs(library[0])
    only_pca = replace(compared.library, positions={"pca": compared.library.positions["pca"]})
    compared = replace(compared, library=only_pca)
    panels, _ = make_panels(compared, reporter=Reporter())
    assert [panel.title for panel in panels] == ["PCA"]
    panels, _ = make_panels(compared, projections=["pca", "tsne"], reporter=Reporter())
    assert [(panel.title, panel.note[:8]) for panel in panels] == [("t-SNE", "Laid out"), ("PCA", "Trustwor")]


def test_an_unknown_projection_is_refused(library):
    with pytest.raises(AnalysisError, match=r"'isomap' is not a projection: choose among tsne, umap, pca\."):
        make_panels(gather_songs(library[0]), projections=["isomap"], reporter=Reporter())
