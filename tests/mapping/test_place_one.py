import numpy as np
import pytest

from explorer.errors import MappingError
from explorer.mapping.place_one import place_song
from explorer.mapping.placement import place_linearly
from explorer.mapping.projection import project, reduce
from explorer.mapping.similarity import Neighbours


def islands(count, *, seed=0, groups=4):
    """Make songs in well-separated groups: (group of each song, vectors)."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(groups, 512)) * 4
    groups_of = np.arange(count) % groups
    return groups_of, centres[groups_of] + rng.normal(size=(count, 512))


def mapped(vectors):
    """Make a library as the page has it: (space, reduced, maps)."""
    space = Neighbours(vectors)
    reduced = reduce(space.rows)
    return space, reduced, {name: project(name, reduced) for name in ("pca", "tsne")}


@pytest.mark.parametrize("count", [2, 6, 20, 120])
def test_a_copy_is_placed_beside_its_song(count):
    _, vectors = islands(count, groups=1)
    space, reduced, maps = mapped(vectors)
    for row in range(0, count, max(1, count // 6)):
        for name, place in place_song(space, reduced, maps, vectors[row] + 1e-6).items():
            assert np.linalg.norm(place - maps[name][row]) < 0.05, name


@pytest.mark.parametrize("count", [8, 24, 120])
def test_a_new_song_is_placed_among_similar_songs(count):
    groups, vectors = islands(count + 4)
    space, reduced, maps = mapped(vectors[:-4])
    for group, vector in zip(groups[-4:], vectors[-4:], strict=True):
        for name, place in place_song(space, reduced, maps, vector).items():
            gaps = np.linalg.norm(maps[name] - place, axis=1)
            assert groups[gaps.argmin()] == group, name
            assert gaps.min() < 0.3, name


def test_on_a_pca_map_a_song_gets_the_position_it_would_have_in_the_library():
    _, vectors = islands(80)
    space, reduced, maps = mapped(vectors[:-1])
    before = np.vstack([maps["pca"], [[np.nan, np.nan]]])
    indexed = place_linearly(reduce(Neighbours(vectors).rows), before)[-1]
    place = place_song(space, reduced, maps, vectors[-1])["pca"]
    assert np.linalg.norm(place - indexed) < 0.1


def test_a_library_of_identical_songs_or_of_one_song_gives_a_finite_position():
    for vectors in (np.ones((5, 512)), np.ones((1, 512))):
        space, reduced, maps = mapped(vectors)
        for vector in (np.ones(512), np.arange(512.0)):
            for place in place_song(space, reduced, maps, vector).values():
                assert np.isfinite(place).all()
    assert place_song(Neighbours(np.empty((0, 512))), np.empty((0, 2)), {}, np.ones(512)) == {}


def test_a_vector_of_wrong_length_or_not_finite_is_an_error():
    _, vectors = islands(8)
    space, reduced, maps = mapped(vectors)
    with pytest.raises(MappingError, match="shape"):
        place_song(space, reduced, maps, np.ones(4))
    with pytest.raises(MappingError, match="finite"):
        place_song(space, reduced, maps, np.full(512, np.nan))


def test_the_direction_of_a_librarys_vector_is_its_row():
    _, vectors = islands(9)
    space = Neighbours(vectors)
    assert np.allclose(space.direction(vectors[4]), space.rows[4], atol=1e-6)
    assert not space.direction(space.mean).any()
