import numpy as np
import pytest

from explorer.analysis.report.pooling_comparison import (
    METHODS,
    LabelledSongs,
    compare_poolings,
    pool_windows,
)

GENRES = [f"Genre {number}" for number in range(4)]


def labelled(vectors, *, artists, genres=None):
    """Return songs of four genres in turn, with the same vectors by each pooling unless given by name."""
    n = len(artists)
    pooled = vectors if isinstance(vectors, dict) else dict.fromkeys(METHODS, vectors)
    return LabelledSongs(genres or [GENRES[number % 4] for number in range(n)], artists, pooled)


def grouped(groups, *, strength, seed=0):
    """Return vectors with a common direction for each group."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(max(groups) + 1, 32))
    return strength * centres[groups] + rng.normal(size=(len(groups), 32))


def own_artists(n):
    return [(f"Artist {number}",) for number in range(n)]


def test_pooling_is_that_of_numpy():
    frames = np.random.default_rng(0).normal(size=(7, 512)).astype(np.float32)
    pooled = pool_windows(frames)
    assert set(pooled) == set(METHODS)
    np.testing.assert_array_equal(pooled["max"], frames.max(axis=0))
    np.testing.assert_allclose(pooled["mean"], frames.mean(axis=0))
    np.testing.assert_allclose(
        pooled["mean_deviation"], np.concatenate([frames.mean(axis=0), frames.std(axis=0)])
    )


def test_a_pooling_that_separates_genres_differs_from_one_that_does_not():
    genres = [number % 4 for number in range(80)]
    good, bad = grouped(genres, strength=2.0), grouped(genres, strength=0.0)
    found = compare_poolings(
        labelled({"max": bad, "mean": good, "mean_deviation": bad + 0.01}, artists=own_artists(80))
    )
    assert found["poolings"]["mean"]["purity"] > 0.9
    assert found["poolings"]["mean"]["is_above_chance"]
    assert found["differences"]["mean"]["is_beyond_chance"]
    assert found["differences"]["mean"]["low"] > 0.3
    assert not found["differences"]["mean_deviation"]["is_beyond_chance"]
    reverse = compare_poolings(
        labelled({"max": good, "mean": bad, "mean_deviation": good}, artists=own_artists(80))
    )
    assert reverse["differences"]["mean"]["high"] < -0.3
    assert reverse["differences"]["mean_deviation"]["difference"] == 0.0
    assert not reverse["differences"]["mean_deviation"]["is_beyond_chance"]


def test_the_artist_filter_lowers_the_figure_of_songs_that_sound_like_their_artist():
    # Four songs of each artist, all of one genre: they sound like their artist, not like their genre.
    artists = [number // 4 for number in range(120)]
    found = compare_poolings(
        labelled(
            grouped(artists, strength=3.0),
            artists=[(f"Artist {artist}",) for artist in artists],
            genres=[GENRES[artist % 4] for artist in artists],
        )
    )
    facts = found["poolings"]["max"]
    assert facts["same_artist_purity"] > facts["purity"] + 0.15
    assert not facts["is_above_chance"]
    # Of the 119 other songs, 29 have the genre (two genres have 8 artists and two have 7); without the
    # artist's own songs, fewer do.
    assert found["chance"] == pytest.approx(np.mean([28 / 116] * 64 + [24 / 116] * 56), abs=1e-6)
    assert found["same_artist_chance"] == pytest.approx((64 * 31 + 56 * 27) / (120 * 119))


def test_songs_that_share_one_of_their_artists_are_not_neighbours():
    n = 40
    genres = [GENRES[number // 2 % 4] for number in range(n)]
    vectors = grouped([number // 2 for number in range(n)], strength=20.0)
    alone = compare_poolings(labelled(vectors, artists=own_artists(n), genres=genres))
    # Each pair of alike songs has a guest in common.
    together = [(f"Artist {number}", f"Guest {number // 2}") for number in range(n)]
    shared = compare_poolings(labelled(vectors, artists=together, genres=genres))
    assert alone["poolings"]["max"]["purity"] > shared["poolings"]["max"]["purity"]
    assert alone["chance"] == pytest.approx(9 / 39)
    assert shared["chance"] == pytest.approx(8 / 38)


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_the_interval_holds_chance_for_random_genres(strength):
    """Songs sound like their artist, and an artist's songs have one genre, drawn at random."""
    covered = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        artists = np.sort(rng.integers(0, 30, size=80))
        genres = rng.integers(0, 4, size=30)[artists]
        found = compare_poolings(
            labelled(
                grouped(artists.tolist(), strength=strength, seed=seed),
                artists=[(f"Artist {artist}",) for artist in artists],
                genres=[GENRES[genre] for genre in genres],
            )
        )
        facts = found["poolings"]["max"]
        covered.append(facts["low"] <= found["chance"] <= facts["high"])
        assert facts["high"] - facts["low"] < 0.35
    assert sum(covered) >= 11


def test_songs_that_sound_like_their_artist_make_the_interval_wider():
    """Eight songs of an artist that are alike say less than eight that are not."""
    artists = [number // 8 for number in range(96)]
    widths = []
    for strength in (0.0, 3.0):
        found = compare_poolings(
            labelled(
                grouped(artists, strength=strength),
                artists=[(f"Artist {artist}",) for artist in artists],
                genres=[GENRES[artist % 4] for artist in artists],
            )
        )
        widths.append(found["poolings"]["max"]["high"] - found["poolings"]["max"]["low"])
    assert widths[1] > 1.5 * widths[0]


def test_genres_of_a_single_artist_are_left_out():
    genres = [*[GENRES[number % 2] for number in range(40)], *["Only one artist"] * 10, "Only one song"]
    artists = [*own_artists(40), *[("Other",)] * 11]
    found = compare_poolings(labelled(grouped([0] * 51, strength=0), artists=artists, genres=genres))
    assert (found["songs"], found["artists"], found["genres"]) == (40, 40, 2)


@pytest.mark.parametrize(
    ("genres", "artists"),
    [
        (["One genre"] * 60, own_artists(60)),
        ([GENRES[number % 4] for number in range(60)], [("One artist",)] * 60),
        ([GENRES[number % 4] for number in range(60)], [(f"{number % 9}",) for number in range(60)]),
        ([GENRES[number % 4] for number in range(19)], own_artists(19)),
        ([f"{number}" for number in range(60)], own_artists(60)),
        ([], []),
    ],
    ids=["one genre", "one artist", "nine artists", "19 songs", "a genre each", "no songs"],
)
def test_too_few_songs_artists_or_genres_are_not_compared(genres, artists):
    vectors = np.random.default_rng(0).normal(size=(len(genres), 512))
    assert compare_poolings(LabelledSongs(genres, artists, dict.fromkeys(METHODS, vectors))) is None


def test_the_share_of_neighbours_kept_from_the_stored_vectors_is_measured():
    vectors = np.random.default_rng(0).normal(size=(60, 32))
    other = np.random.default_rng(1).normal(size=(60, 32))
    poolings = dict.fromkeys(METHODS, vectors)
    artists = own_artists(60)
    assert compare_poolings(labelled(poolings, artists=artists))["stored_kept"] is None
    assert compare_poolings(labelled(poolings | {"stored": vectors}, artists=artists))["stored_kept"] == 1.0
    assert compare_poolings(labelled(poolings | {"stored": other}, artists=artists))["stored_kept"] < 0.35


def test_the_result_is_the_same_each_time():
    songs = labelled(grouped([number % 4 for number in range(40)], strength=0.5), artists=own_artists(40))
    assert compare_poolings(songs) == compare_poolings(songs)
    other = compare_poolings(songs, seed=1)
    assert other["poolings"]["max"]["purity"] == compare_poolings(songs)["poolings"]["max"]["purity"]
