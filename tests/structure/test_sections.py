"""Sections of songs: boundaries, letters and doubt, on structured arrays and on composed pieces."""

from itertools import groupby, pairwise

import numpy as np
import pytest

from explorer.demo.composer.library import compose
from explorer.demo.composer.oscillators import SAMPLE_RATE_HZ as COMPOSED_RATE_HZ
from explorer.embedding.engines import open_engine
from explorer.embedding.frontend import log_mel, windows
from explorer.embedding.model_weights import untrained_weights
from explorer.embedding.window_grid import SAMPLE_RATE_HZ
from explorer.structure.sections import contrast, even_directions, find_sections, novelty, taper
from explorer.structure.similarity_matrix import self_similarity, unit_rows


def parts(letters, *, windows_each, noise=0.5, seed=0):
    """Return components of a song whose parts are random points, the same for the same letter, with noise."""
    rng = np.random.default_rng(seed)
    points = {letter: rng.normal(size=64) for letter in sorted(set(letters))}
    rows = [points[letter] + noise * rng.normal(size=(windows_each, 64)) for letter in letters]
    return np.concatenate(rows)


def labels(sections):
    """Return the labels of sections as one text."""
    return "".join(section.label for section in sections)


def starts_s(sections):
    """Return where the sections start, without the first."""
    return [section.start_s for section in sections[1:]]


def joined_pieces(order, *, seconds):
    """Join the first seconds of composed pieces: mono samples at 48 kHz."""
    soxr = pytest.importorskip("soxr")
    sounds = {}
    for style in set(order):
        mono = compose(style, 1).samples.mean(axis=1, dtype=np.float32)
        sounds[style] = soxr.resample(mono, COMPOSED_RATE_HZ, SAMPLE_RATE_HZ)[: seconds * SAMPLE_RATE_HZ]
    assert all(len(sound) == seconds * SAMPLE_RATE_HZ for sound in sounds.values())
    return np.concatenate([sounds[style] for style in order])


# Boundaries and letters


@pytest.mark.parametrize("step_s", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("letters", ["AB", "ABA", "ABAC", "ABCBA", "ABACABA"])
def test_a_repeated_part_gets_the_same_letter(letters, step_s):
    part_s = 20.0
    rows = parts(letters, windows_each=round(part_s / step_s))
    sections = find_sections(rows, step_s=step_s, duration_s=part_s * len(letters))
    assert labels(sections) == letters
    true_s = part_s * np.arange(1, len(letters))
    assert np.abs(np.array(starts_s(sections)) - true_s).max() <= step_s


@pytest.mark.parametrize("step_s", [5.0, 10.0])
def test_windows_far_apart_still_show_long_parts(step_s):
    rows = parts("ABA", windows_each=round(80 / step_s))
    sections = find_sections(rows, step_s=step_s, duration_s=240.0)
    assert labels(sections) == "ABA"
    np.testing.assert_allclose(starts_s(sections), [80, 160], atol=step_s)


def test_letters_after_z_have_two_letters():
    count = 28
    rows = np.repeat(np.eye(64)[:count], 40, axis=0)
    rows += 0.05 * np.random.default_rng(0).normal(size=rows.shape)
    found = find_sections(rows, step_s=0.5, duration_s=count * 20.0)
    assert [section.label for section in found][24:] == ["Y", "Z", "AA", "AB"]


def test_what_all_windows_share_does_not_matter():
    rows = parts("ABAC", windows_each=40)
    moved = rows + 30 * np.random.default_rng(1).normal(size=64)
    np.testing.assert_allclose(even_directions(moved), even_directions(rows), atol=1e-4)
    assert labels(find_sections(moved, step_s=0.5, duration_s=80.0)) == "ABAC"


def test_the_component_that_varies_most_does_not_decide_alone():
    rows = parts("ABA", windows_each=40)
    rows[:, 0] += 60 * np.random.default_rng(1).normal(size=120)
    assert labels(find_sections(rows, step_s=0.5, duration_s=60.0)) == "ABA"


def test_a_short_sound_between_equal_parts_is_not_a_section():
    rows = parts("ABA", windows_each=40)
    rows = np.concatenate((rows[:40], rows[40:42], rows[80:]))
    assert labels(find_sections(rows, step_s=0.5, duration_s=41.0)) == "A"


# Doubt


@pytest.mark.parametrize("step_s", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("seed", range(5))
def test_a_song_without_changes_is_one_section(step_s, seed):
    rows = parts("A", windows_each=round(200 / step_s), noise=1.0, seed=seed)
    (section,) = find_sections(rows, step_s=step_s, duration_s=200.0)
    assert (section.start_s, section.end_s, section.label) == (0.0, 200.0, "A")
    if step_s < 2:
        assert section.confidence > 0.3


def test_the_rounding_of_a_steady_tone_is_not_a_change():
    drift = np.linspace(0, 0.4, 400)[:, None] * np.ones(64)
    rows = np.rint(100 + drift + np.random.default_rng(0).uniform(-0.5, 0.5, size=(400, 64)))
    rows[200:] += np.eye(64)[0]
    (section,) = find_sections(rows, step_s=0.5, duration_s=200.0)
    assert section.label == "A"
    assert section.confidence == 1


@pytest.mark.parametrize("row", [np.zeros(64), np.ones(64)], ids=["zeros", "ones"])
def test_equal_windows_are_one_section(row):
    (section,) = find_sections(np.tile(row, (100, 1)), step_s=0.5, duration_s=50.0)
    assert section.label == "A"
    assert section.confidence == 1


@pytest.mark.parametrize("n", [0, 1, 2, 3, 15, 30])
def test_a_song_too_short_to_be_cut_is_one_doubtful_section(n):
    rows = parts("AB", windows_each=15)[:n]
    duration_s = n * 0.5
    (section,) = find_sections(rows, step_s=0.5, duration_s=duration_s)
    assert (section.start_s, section.end_s, section.label) == (0.0, duration_s, "A")
    assert section.confidence == 0


def test_a_clear_change_is_surer_than_a_faint_one():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 64))
    noise = rng.normal(size=(120, 64))
    confidences = []
    for share in (0.7, 1.0):
        rows = np.repeat([a, a + share * (b - a), a], 40, axis=0) + 0.9 * noise
        found = find_sections(rows, step_s=0.5, duration_s=60.0)
        assert labels(found) == "ABA"
        confidences.append(found[1].confidence)
    assert 0 <= confidences[0] < confidences[1] <= 1


def test_a_section_is_as_sure_as_the_fainter_of_its_ends():
    rng = np.random.default_rng(0)
    a, b, other = rng.normal(size=(3, 64))
    rows = np.repeat([a, b, b + 0.45 * (other - b)], 40, axis=0) + 0.8 * rng.normal(size=(120, 64))
    found = find_sections(rows, step_s=0.5, duration_s=60.0)
    assert labels(found) == "ABC"
    clear, at_both_ends, faint = (section.confidence for section in found)
    assert clear > faint
    assert at_both_ends == faint


# What holds for any song


@pytest.mark.parametrize("step_s", [0.5, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("n", [1, 2, 5, 33, 400])
@pytest.mark.parametrize("min_length_s", [0.0, 8.0, 25.0])
def test_sections_cover_the_song_and_are_not_too_short(n, step_s, min_length_s):
    rng = np.random.default_rng(n)
    rows = np.cumsum(rng.normal(size=(n, 64)), axis=0)
    for duration_s in (n * step_s, max(0.1, n * step_s - 4), n * step_s + 60):
        found = find_sections(rows, step_s=step_s, duration_s=duration_s, min_length_s=min_length_s)
        assert (found[0].start_s, found[-1].end_s) == (0.0, duration_s)
        assert all(before.end_s == after.start_s for before, after in pairwise(found))
        if len(found) > 1:
            assert min(section.end_s - section.start_s for section in found) >= max(min_length_s, 1e-9)
        assert all(before.label != after.label for before, after in pairwise(found))
        firsts = list(dict.fromkeys(labels(found) if len(set(labels(found))) < 26 else ""))
        assert firsts == [chr(ord("A") + number) for number in range(len(firsts))]
        assert all(0 <= section.confidence <= 1 for section in found)


def test_a_random_walk_has_many_sections():
    rows = np.cumsum(np.random.default_rng(0).normal(size=(400, 64)), axis=0)
    assert len(find_sections(rows, step_s=0.5, duration_s=200.0)) > 5


def test_components_are_not_changed():
    rows = parts("ABA", windows_each=40).astype(np.float32)
    before = rows.copy()
    find_sections(rows, step_s=0.5, duration_s=60.0)
    np.testing.assert_array_equal(rows, before)


# The novelty


@pytest.mark.parametrize(("n", "half"), [(30, 4), (9, 3), (5, 8)])
def test_novelty_is_the_correlation_with_footes_kernel(n, half):
    directions = unit_rows(np.random.default_rng(0).normal(size=(n, 6)))
    weights = taper(half)
    side = np.concatenate((-weights[::-1], weights))
    mirrored = np.pad(directions, ((half, half), (0, 0)), mode="symmetric")
    matrix = self_similarity(mirrored)
    expected = [
        sum(
            side[i] * side[j] * matrix[place + i, place + j] for i in range(2 * half) for j in range(2 * half)
        )
        for place in range(n)
    ]
    assert expected[0] == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(novelty(directions, half), expected, atol=1e-6)


def test_novelty_is_largest_between_the_parts():
    directions = np.repeat(np.array([[1.0, 0.0], [-1.0, 0.0]]), 20, axis=0)
    scores = novelty(directions, 6)
    assert scores.argmax() == 20
    assert scores[20] == pytest.approx(4)
    assert scores[:14] == pytest.approx(np.zeros(14))


@pytest.mark.parametrize("half", [3, 6, 24])
def test_the_expected_contrast_of_random_windows_is_zero(half):
    directions = unit_rows(np.random.default_rng(0).normal(size=(4000, 16)))
    assert contrast(directions, half).mean() == pytest.approx(0, abs=0.03)


# Composed pieces


@pytest.mark.parametrize(
    "order",
    [
        ("Techno", "Nocturne", "Techno"),
        ("Choir", "Chiptune", "Choir", "Chiptune"),
        ("Folk", "Ambient", "Folk", "Dub"),
    ],
    ids=" ".join,
)
def test_joined_pieces_are_told_apart_by_their_spectra(order):
    samples = joined_pieces(order, seconds=12)
    (batch,) = windows([samples], hop_s=0.5, batch_size=1000)
    spectra = log_mel(batch).mean(axis=2)[..., 0].reshape(len(batch), 32, 8).mean(axis=2)
    found = find_sections(spectra, step_s=0.5, duration_s=12.0 * len(order))
    expected = {style: chr(ord("A") + number) for number, style in enumerate(dict.fromkeys(order))}
    assert labels(found) == "".join(expected[style] for style, _ in groupby(order))
    np.testing.assert_allclose(starts_s(found), 12.0 * np.arange(1, len(order)), atol=3)


def test_joined_pieces_are_told_apart_by_their_embeddings():
    order = ("Techno", "Nocturne", "Techno")
    samples = joined_pieces(order, seconds=12)
    engine = open_engine("openvino", untrained_weights())
    batches = windows([samples], hop_s=1.0, batch_size=engine.batch_size)
    frames = np.concatenate([engine.embed(engine.prepare(batch)) for batch in batches])
    found = find_sections(frames, step_s=1.0, duration_s=36.0)
    assert labels(found) == "ABA"
    np.testing.assert_allclose(starts_s(found), [12, 24], atol=3)


def test_a_long_song_has_at_most_sixty_sections():
    # A new sound every ten seconds, for an hour.
    rng = np.random.default_rng(0)
    windows = np.repeat(rng.normal(size=(360, 16)), 10, axis=0) + 0.01 * rng.normal(size=(3600, 16))
    found = find_sections(windows, step_s=1.0, duration_s=3600.0)
    assert 2 < len(found) <= 60
    assert min(section.end_s - section.start_s for section in found) >= 60
