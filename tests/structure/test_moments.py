import numpy as np
import pytest
from support import write_sound

from explorer.config import Settings
from explorer.demo.composer.library import compose
from explorer.demo.composer.oscillators import SAMPLE_RATE_HZ
from explorer.embedding.song_windows import fit_basis, thin
from explorer.indexing.embed_files import open_embedder
from explorer.indexing.model import ModelRequest
from explorer.structure import moments as m
from explorer.util.progress import Reporter

STEP_S = 0.5


def random_windows(rng, count, size=64):
    """Return windows that change slowly, as those of music do."""
    steps = rng.normal(size=(count, size)) * np.linspace(2, 0.2, size)
    return (rng.normal(size=size) + np.cumsum(steps, axis=0) * 0.4).astype(np.float32)


def mean_of_units(windows, first, length):
    """Return the mean of some windows at length 1, itself at length 1."""
    total = sum(row / np.linalg.norm(row) for row in windows[first : first + length].astype(float))
    return total / np.linalg.norm(total)


@pytest.mark.parametrize(("step_s", "length"), [(0.5, 9), (1.0, 5), (0.1, 41), (7.0, 2)])
def test_a_moment_is_the_mean_of_its_windows_at_length_1(step_s, length):
    windows = random_windows(np.random.default_rng(0), 60)
    found = m.moments_of(windows, step_s=step_s)
    assert m.windows_in_moment(step_s) == length
    assert len(found) == m.count_moments(60, step_s=step_s) == 61 - length
    expected = [mean_of_units(windows, first, length) for first in range(61 - length)]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("count", [1, 3, 8])
def test_a_song_shorter_than_a_moment_is_one_moment(count):
    windows = random_windows(np.random.default_rng(1), count)
    found = m.moments_of(windows, step_s=STEP_S)
    assert m.count_moments(count, step_s=STEP_S) == 1
    np.testing.assert_allclose(found, [mean_of_units(windows, 0, count)], atol=1e-6)


def test_windows_without_a_direction_are_like_nothing():
    windows = np.zeros((30, 64), dtype=np.float32)
    windows[3] = np.nan
    windows[4] = np.inf
    assert not m.moments_of(windows, step_s=STEP_S).any()
    assert m.moments_of(windows[:0], step_s=STEP_S).shape == (0, 64)


@pytest.mark.parametrize(
    ("at_s", "moment", "start_s"),
    [(-9.0, 0, 0.0), (0.0, 0, 0.0), (2.0, 0, 0.0), (12.5, 21, 10.0), (12.6, 21, 10.0), (99.0, 50, 24.5)],
)
def test_a_moment_has_its_middle_at_the_asked_time(at_s, moment, start_s):
    assert m.moment_at(at_s, count=51, step_s=STEP_S) == moment
    assert m.start_of(moment, step_s=STEP_S) == pytest.approx(start_s)


def best_by_hand(a, b, *, skip_a=(), skip_b=()):
    """Compare every pair of moments, one at a time."""
    length = m.windows_in_moment(STEP_S)
    pairs = [
        (float(mean_of_units(a, i, length) @ mean_of_units(b, j, length)), i, j)
        for i in range(len(a) - length + 1)
        for j in range(len(b) - length + 1)
        if i not in skip_a and j not in skip_b
    ]
    return max(pairs)


def test_the_best_match_of_two_songs_is_that_of_all_pairs():
    rng = np.random.default_rng(2)
    for _ in range(5):
        a, b = random_windows(rng, 31), random_windows(rng, 24)
        similarity, i, j = best_by_hand(a, b)
        match = m.best_match(a, b, a_step_s=STEP_S, b_step_s=STEP_S)
        assert (match.a_s, match.b_s) == (max(0, i / 2 - 0.5), max(0, j / 2 - 0.5))
        assert match.similarity == pytest.approx(similarity, abs=1e-5)


def test_silent_moments_do_not_count_unless_all_are_silent():
    a, b = random_windows(np.random.default_rng(3), 31), random_windows(np.random.default_rng(4), 24)
    _, i, j = best_by_hand(a, b)
    a_counts, b_counts = np.ones(23, dtype=bool), np.ones(16, dtype=bool)
    a_counts[i] = b_counts[j] = False
    similarity, *_ = best_by_hand(a, b, skip_a={i}, skip_b={j})
    options = {"a_step_s": STEP_S, "b_step_s": STEP_S}
    match = m.best_match(a, b, **options, a_counts=a_counts, b_counts=b_counts)
    assert match.similarity == pytest.approx(similarity, abs=1e-5)
    nothing = m.best_match(a, b, **options, a_counts=np.zeros(23, dtype=bool))
    assert nothing == m.best_match(a, b, **options)
    assert m.best_match(a[:0], b, **options) is None


def test_a_moment_is_audible_if_one_of_its_seconds_is():
    loudness = np.array([-70, -70, -70, -70, -70, -70, -14, -14, -70, -70, -70, -70, -70, -70], np.float32)
    audible = m.audible_moments(loudness, count=10, step_s=1.0)
    # Moment j begins at j - 0.5 seconds, and the loud seconds are those from 6 to 8.
    assert audible.tolist() == [False, False, True, True, True, True, True, True, True, False]
    assert m.audible_moments(np.full(9, -np.inf, np.float32), count=4, step_s=1.0).all()
    assert m.audible_moments(np.zeros(0, np.float32), count=4, step_s=1.0).all()
    assert m.audible_moments(loudness[:8], count=10, step_s=1.0)[-1], "its loudness is not known"


@pytest.fixture(scope="module")
def many():
    """The search among 300 songs of 40 to 120 moments, and the moments [float64] it was made of."""
    rng = np.random.default_rng(5)
    styles = rng.normal(size=(12, 64)) * np.linspace(2, 0.1, 64)
    songs = [
        m.moments_of(random_windows(rng, rng.integers(48, 128)) * 0.3 + styles[i % 12], step_s=STEP_S)
        for i in range(300)
    ]
    codes = m.encode(np.concatenate(songs))
    starts = np.concatenate([[0], np.cumsum([len(song) for song in songs])])
    first = np.ascontiguousarray(codes[:, : m.FIRST_COMPONENTS])
    return m.MomentSearch(codes, first, starts), songs


def best_of_each_song(songs, moment, skipped=()):
    """Return (similarity, song, moment) of each song, best first."""
    found = [
        (float((song @ moment).max()), number, int((song @ moment).argmax()))
        for number, song in enumerate(songs)
        if number not in skipped
    ]
    return sorted(found, reverse=True)


def test_a_search_finds_the_best_moment_of_each_song(many):
    search, songs = many
    moment = songs[7][20]
    numbers, rows, similarities = search.nearest(moment, candidates=len(search))
    expected = best_of_each_song(songs, moment)
    assert sorted(numbers) == list(range(300))
    assert (np.diff(similarities) <= 0).all()
    np.testing.assert_allclose(similarities, [similarity for similarity, *_ in expected], atol=0.02)
    assert numbers[0] == 7
    assert abs(rows[0] - search.starts[7] - 20) <= 1, "codes cannot tell a moment from the next"
    for number, row, similarity in zip(numbers, rows, similarities, strict=True):
        assert search.starts[number] <= row < search.starts[number + 1]
        place = row - search.starts[number]
        assert similarity == pytest.approx(float(songs[number][place] @ moment), abs=0.02)


def test_two_stages_find_what_one_finds(many):
    search, songs = many
    found = 0
    for number in range(0, 300, 10):
        moment = songs[number][11]
        exact = search.nearest(moment, candidates=len(search))
        quick = search.nearest(moment, candidates=2_000)
        assert len(quick[0]) < 300, "the first stage left nothing out"
        found += len(set(quick[0][:10].tolist()) & set(exact[0][:10].tolist()))
    assert found >= 0.95 * 300


def test_skipped_songs_are_left_out(many):
    search, songs = many
    skipped = np.zeros(300, dtype=bool)
    skipped[[7, 19]] = True
    for candidates in (2_000, len(search)):
        numbers, *_ = search.nearest(songs[7][20], skipped=skipped, candidates=candidates)
        assert not {7, 19} & set(numbers.tolist())
    expected = best_of_each_song(songs, songs[7][20], skipped={7, 19})
    assert numbers[0] == expected[0][1]
    nothing = search.nearest(songs[7][20], skipped=np.ones(300, dtype=bool))
    assert [len(part) for part in nothing] == [0, 0, 0]


def test_a_moment_of_zeros_is_like_nothing(many):
    search, _ = many
    assert [len(part) for part in search.nearest(np.zeros(64, np.float32))] == [0, 0, 0]


# A passage that several composed songs share

PASSAGE_S = 6.0


def excerpt(piece, start_s, seconds):
    first = int(start_s * SAMPLE_RATE_HZ)
    return piece.samples[first : first + int(seconds * SAMPLE_RATE_HZ)]


@pytest.fixture(scope="module")
def composed(tmp_path_factory):
    """The moments of nine composed songs, and where a passage begins in the first six of them.

    Before the passage these have a part of their own, whose length differs. The other three are of the same
    pieces as these parts.
    """
    passage = excerpt(compose("Techno", 0), 3.0, PASSAGE_S)
    pieces = [compose(style, 1) for style in ("Techno", "Ambient", "Blues")]
    own_s = [2.0 + 0.37 * number for number in range(6)]
    songs = [
        np.concatenate([excerpt(pieces[number % 3], 0.5 + number, seconds), passage])
        for number, seconds in enumerate(own_s)
    ]
    songs += [excerpt(piece, 3.0, 6.0) for piece in pieces]
    embedder = open_embedder(
        database=None,
        request=ModelRequest(Settings().models, weights="untrained", hop_s=1.0, precision="float32"),
        reporter=Reporter(),
    )
    folder = tmp_path_factory.mktemp("composed")
    raw = []
    for number, samples in enumerate(songs):
        frames = embedder.embed(write_sound(folder / f"{number}.wav", samples)).embedding
        raw.append(thin(np.arange(len(frames)), frames, hop_s=1.0))
    basis = fit_basis(np.concatenate([windows.frames for windows in raw]))
    encoded = [basis.encode(windows) for windows in raw]
    return [m.moments_of(song.components, step_s=1.0) for song in encoded], own_s


def test_a_repeated_passage_is_found_in_the_other_songs(composed):
    songs, places_s = composed
    codes = m.encode(np.concatenate(songs))
    starts = np.concatenate([[0], np.cumsum([len(song) for song in songs])])
    search = m.MomentSearch(codes, codes[:, : m.FIRST_COMPONENTS], starts)
    right = 0
    for number, place_s in enumerate(places_s):
        moment = songs[number][m.moment_at(place_s + PASSAGE_S / 2, count=len(songs[number]), step_s=1.0)]
        found, rows, _ = search.nearest(moment, skipped=np.arange(len(songs)) == number)
        for song, row in zip(found[:5], rows[:5], strict=True):
            start_s = m.start_of(row - starts[song], step_s=1.0)
            # Five seconds of the passage begin within its first second, and windows are a second apart.
            right += song < len(places_s) and abs(start_s - places_s[song] - 0.5) <= 1.0
    assert right / (5 * len(places_s)) >= 0.8


def test_only_what_a_listener_calls_silence_is_silent():
    def silent(*parts):
        loudness = np.concatenate([np.full(20, part, dtype=np.float32) for part in parts])
        return m.silent_moments(loudness, count=20 * len(parts) - 4, step_s=1.0)

    start, middle, end = (slice(0, 15), slice(21, 35), slice(41, 55))
    found = silent(-70, -12, -55)
    assert (found[start].all(), found[middle].any(), found[end].all()) == (True, False, True)
    assert not silent(-12, -42)[21:].any(), "a quiet passage of a loud song"
    assert not silent(-45, -55).any(), "a quiet recording"
    assert silent(-70).all()
    assert not m.silent_moments(np.zeros(0, np.float32), count=3, step_s=1.0).any(), "unknown"
