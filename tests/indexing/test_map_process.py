import pytest

from explorer.indexing.map_process import layouts_due


def laid_out(**songs):
    return {name: {"songs": count} for name, count in songs.items()}


@pytest.mark.parametrize(
    ("n_songs", "projections", "is_last", "due"),
    [
        (59, {}, False, None),
        (60, {}, False, ("tsne", "pca")),
        # t-SNE of a very large library is made only if the user asks for it.
        (300_000, laid_out(tsne=60_000, pca=60_000), False, ("umap", "pca")),
        (300_000, {}, False, ("pca",)),
        # At the end of the first look, a map of few songs is better than none.
        (1, {}, True, ("tsne", "pca")),
        (0, {}, True, None),
        (239, laid_out(tsne=60, pca=60), False, ()),
        # UMAP is added with the second layout.
        (240, laid_out(tsne=60, pca=60), False, ("tsne", "umap", "pca")),
        # The user has asked for a new layout of UMAP among 200 songs.
        (240, laid_out(tsne=60, pca=60, umap=200), False, ("tsne", "pca")),
        (119, laid_out(tsne=60, pca=60, umap=60), True, ()),
        (120, laid_out(tsne=60, pca=60, umap=60), True, ("tsne", "umap", "pca")),
        (70, laid_out(tsne=60, pca=60), True, ("umap",)),
        # A few songs never cause a new layout while the library fills.
        (40, laid_out(tsne=4, umap=4, pca=4), False, ()),
        # Maps of other programs do not say how many songs they were made of.
        (900, {"tsne": {}, "umap": {}, "pca": {}}, False, ()),
    ],
)
def test_a_layout_is_due_at_60_songs_and_after_fourfold_growth(n_songs, projections, is_last, due):
    assert layouts_due(n_songs, projections, is_last=is_last) == due
