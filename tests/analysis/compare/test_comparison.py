import io
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.image import imread

from explorer.analysis.compare.captions import Caption, model_caption, song_label
from explorer.analysis.compare.groups import Groups
from explorer.analysis.compare.heatmap import distance_figure, similarity_figure
from explorer.analysis.compare.matrices import compare_all
from explorer.analysis.compare.scatter import (
    MAX_COLOURS,
    OTHERS,
    Panel,
    PointStyles,
    colours_of,
    scatter_figure,
)
from explorer.analysis.matplotlib_style import DPI, render
from explorer.mapping.similarity import Neighbours

HOSTILE = [
    "$\\frac{1}{0}$ $",
    "line\nbreak\ttab",
    "W" * 500,
    "夜想曲 第2番",
    "🎵🔥 emoji 👨‍👩‍👧",
    "שלום עולם \u202e override",
    "bell \x07 back \x08 null \x00 escape \x1b[31m",
    "half \ud83d of a character",
    "<script>&amp;--></svg>",
    "",
]


@pytest.fixture
def matrices():
    rng = np.random.default_rng(1)
    vectors = 3 * rng.normal(size=(2, 512))[np.arange(10) % 2] + rng.normal(size=(10, 512))
    return compare_all(Neighbours(vectors).rows, vectors)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_a_heat_map_shows_the_matrix_in_clustered_order_with_labels(matrices):
    labels = [f"Song {number}" for number in range(10)]
    for figure, values in (
        (similarity_figure(matrices, labels, captions=[]), matrices.similarity),
        (distance_figure(matrices, labels, captions=[]), matrices.distance),
    ):
        cells = figure.axes[0]
        drawn = np.asarray(cells.images[0].get_array())
        assert drawn == pytest.approx(values[matrices.order][:, matrices.order])
        assert texts(cells)[-10:] == [labels[row] for row in matrices.order]


def test_few_songs_have_their_values_written_out(matrices):
    cells = similarity_figure(matrices, ["x"] * 10, captions=[]).axes[0]
    written = texts(cells)[:100]
    expected = matrices.similarity[matrices.order][:, matrices.order].ravel()
    assert written == [f"{value:.2f}".replace("-", "−") for value in expected]


def test_zero_is_the_middle_of_the_similarities_colours(matrices):
    low, high = similarity_figure(matrices, ["x"] * 10, captions=[]).axes[0].images[0].get_clim()
    assert low == -high
    low, high = (
        similarity_figure(matrices, ["x"] * 10, captions=[], is_centred=False).axes[0].images[0].get_clim()
    )
    assert (low, high) == (matrices.similarity.min(), 1.0)


def test_no_label_is_cut_off_at_the_edge(matrices):
    labels = [song_label("W" * 60, "M" * 60)] * 10
    figure = similarity_figure(matrices, labels, captions=[Caption("caption " * 60, is_warning=True)])
    picture = imread(io.BytesIO(render(figure, "png")))[..., :3]
    for edge in (picture[:20], picture[-20:], picture[:, :20], picture[:, -20:]):
        assert (edge == 1.0).all()
    # The picture holds its widest label and its title.
    assert picture.shape[1] > DPI * 10 * 0.62 + DPI * 2
    assert (picture[40:60] < 0.5).any()


@pytest.mark.parametrize("form", ["png", "svg"])
def test_hostile_titles_can_be_drawn(matrices, form):
    labels = [song_label(title, title) for title in HOSTILE]
    positions = np.random.default_rng(0).normal(size=(10, 2))
    groups = Groups("genre", HOSTILE[:5], np.arange(10) % 5)
    figures = [
        similarity_figure(matrices, labels, captions=[]),
        scatter_figure(
            [Panel("PCA", positions, np.empty((0, 2)))],
            PointStyles(groups, np.zeros(10, dtype=bool), labels),
            title="Map",
            captions=[],
        ),
    ]
    for figure in figures:
        content = render(figure, form)
        if form == "svg":
            assert ElementTree.fromstring(content).tag.endswith("svg")
        else:
            assert content.startswith(b"\x89PNG")


def test_characters_that_cannot_be_drawn_are_left_out_of_a_title():
    assert song_label("a\x00b \x08 c\nd\x1b[0m", "half \ud83d of") == "ab c d[0m · half of"
    assert song_label("", "") == "untitled"
    assert len(song_label("W" * 500, "M" * 500)) < 60


def test_a_point_has_its_songs_position_and_its_groups_colour():
    positions = np.array([[0.0, 0.0], [2.0, 1.0], [1.0, 3.0], [np.nan, np.nan]])
    groups = Groups("genre", ["A", "B"], np.array([1, 0, -1, 0]))
    background = np.array([[5.0, 5.0], [-1.0, 0.5]])
    styles = PointStyles(groups, np.array([False, False, False, False]))
    axes = scatter_figure([Panel("t-SNE", positions, background)], styles, title="x", captions=[]).axes[0]
    assert axes.get_title(loc="left") == "t-SNE"
    behind, front = axes.collections[:2]
    assert np.asarray(behind.get_offsets()) == pytest.approx(background)
    drawn = {
        tuple(offset): to_hex(colour)
        for offset, colour in zip(front.get_offsets().tolist(), front.get_facecolors(), strict=True)
    }
    expected = colours_of(groups, 4)
    assert drawn == {(0.0, 0.0): expected[0], (2.0, 1.0): expected[1], (1.0, 3.0): OTHERS}
    assert expected[0] != expected[1] != OTHERS


def test_a_map_is_centred_in_its_panel_and_not_stretched():
    positions = np.array([[0.0, 0.0], [10.0, 1.0], [4.0, 5.0]])
    styles = PointStyles(None, np.zeros(3, dtype=bool))
    tall = Panel("UMAP", positions[:, ::-1], np.empty((0, 2)))
    figure = scatter_figure([Panel("PCA", positions, positions + 1), tall], styles, title="x", captions=[])
    figure.draw_without_rendering()
    for axes, middle in zip(figure.axes, ([5.5, 3.0], [2.5, 5.0]), strict=True):
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        assert [(left + right) / 2, (bottom + top) / 2] == pytest.approx(middle)
        box = axes.get_window_extent()
        assert box.width / (right - left) == pytest.approx(box.height / (top - bottom))
        assert left < 0 and bottom < 0


def test_files_from_outside_are_stars_and_the_legend_says_so():
    styles = PointStyles(None, np.array([False, True]), ["Mine", "Theirs"])
    figure = scatter_figure([Panel("PCA", np.eye(2), np.zeros((0, 2)))], styles, title="x", captions=[])
    stars = figure.axes[0].collections[-1]
    assert np.asarray(stars.get_offsets()) == pytest.approx(np.array([[0.0, 1.0]]))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["file from outside the library"]
    assert texts(figure.axes[0]) == ["Mine", "Theirs"]


def test_many_genres_share_a_grey_and_are_counted():
    names = [f"Genre {number}" for number in range(20)]
    groups = Groups("genre", names, np.append(np.arange(20), -1)).largest()
    positions = np.random.default_rng(0).normal(size=(21, 2))
    styles = PointStyles(groups, np.zeros(21, dtype=bool))
    figure = scatter_figure([Panel("PCA", positions, np.empty((0, 2)))], styles, title="x", captions=[])
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend[0] == "Genre 0 · 1"
    assert legend[-2:] == [f"{20 - MAX_COLOURS} other genres · {20 - MAX_COLOURS}", "no genre · 1"]
    assert len(set(colours_of(groups, 21))) == MAX_COLOURS + 1


def test_a_map_without_any_position_is_an_empty_panel():
    styles = PointStyles(None, np.zeros(2, dtype=bool), ["A", "B"])
    panel = Panel("PCA", np.full((2, 2), np.nan), np.empty((0, 2)))
    render(scatter_figure([panel], styles, title="x", captions=[]), "svg")


def test_many_points_become_a_bitmap_inside_the_svg():
    rng = np.random.default_rng(0)
    styles = PointStyles(None, np.zeros(30_000, dtype=bool))
    panel = Panel("UMAP", rng.normal(size=(30_000, 2)), np.empty((0, 2)))
    content = render(scatter_figure([panel], styles, title="x", captions=[]), "svg")
    assert b"<image" in content
    assert len(content) < 3_000_000


def boxes_of(positions, labels):
    """Draw songs on one map; return the boxes of the labels [shape=(n, 4)] and the axes."""
    styles = PointStyles(None, np.zeros(len(positions), dtype=bool), labels)
    panel = Panel("t-SNE", positions, np.empty((0, 2)), "a note")
    figure = scatter_figure([panel], styles, title="x", captions=[])
    render(figure, "png")
    (axes,) = figure.axes
    names = [text for text in axes.texts if text.get_text() != "a note"]
    assert sorted(text.get_text() for text in names) == sorted(labels)
    return np.array([text.get_window_extent().extents for text in names]), axes


@pytest.mark.parametrize("spread", [0.02, 0.3])
def test_all_labels_lie_inside_the_map_and_hide_no_point_and_no_other_label(spread):
    rng = np.random.default_rng(4)
    positions = rng.normal(size=(4, 2))[np.arange(60) % 4] + rng.normal(size=(60, 2)) * spread
    boxes, axes = boxes_of(positions, [f"Song {'of love ' * (number % 3)}{number}" for number in range(60)])
    low, high = boxes[:, :2], boxes[:, 2:]
    overlaps = (np.minimum(high[:, None], high) - np.maximum(low[:, None], low) > 0.5).all(axis=2)
    np.fill_diagonal(overlaps, False)
    assert not overlaps.any()
    whole = axes.get_window_extent()
    assert (low >= whole.min - 0.5).all() and (high <= whole.max + 0.5).all()
    points = axes.transData.transform(positions)
    hidden = ((points[:, None] > low) & (points[:, None] < high)).all(axis=2)
    assert not hidden.any()


def test_a_lone_points_label_is_beside_it():
    boxes, axes = boxes_of(np.array([[0.0, 0.0], [1.0, 1.0]]), ["Lone", "Far"])
    point = axes.transData.transform((0.0, 0.0))
    gap_pt = np.linalg.norm(np.clip(point, boxes[0, :2], boxes[0, 2:]) - point) * 72 / DPI
    assert 3.0 < gap_pt < 12.0


def test_the_model_is_named_with_a_warning_if_it_is_not_openl3():
    record = {
        "weights": "openl3", "weights_sha256": "a" * 64, "trained": True, "hop_s": 0.5, "pooling": "max",
        "input_repr": "mel256", "content_type": "music", "embedding_size": 512,
    }  # fmt: skip
    assert model_caption(record) == ("OpenL3 mel256 music 512, hop 0.5 s, max pooling.", False)
    text, is_warning = model_caption(record | {"trained": False})
    assert "Untrained" in text and is_warning
    text, is_warning = model_caption(record | {"trained": None, "weights": "unknown", "weights_sha256": ""})
    assert "not known" in text and is_warning
    assert model_caption({})[1]
