from itertools import pairwise

import numpy as np
import pytest
from scipy import signal

from explorer.demo.composer.library import PIECES_PER_STYLE
from explorer.demo.composer.naming import WORDS
from explorer.demo.composer.styles import COMPOSERS


def _log_mel(samples):
    """Return 40 mel bands in dB relative to the maximum, at least -60. [shape=(40, frames)]."""
    frequencies, _, spectrum = signal.stft(samples.mean(axis=1), 44_100, nperseg=2048, noverlap=1024)
    mels = np.linspace(*(2595 * np.log10(1 + np.array([40, 14_000]) / 700)), 42)
    edges = np.searchsorted(frequencies, 700 * (10 ** (mels / 2595) - 1))
    power = np.abs(spectrum) ** 2
    bands = [power[low : max(high, low + 1)].mean(axis=0) for low, high in pairwise(edges)]
    level = 10 * np.log10(np.array(bands) + 1e-20)
    return np.maximum(level - level.max(), -60)


@pytest.fixture(scope="module")
def features(songs):
    """Mean, standard deviation and mean change of each band, standardised; and the genres."""
    rows = []
    for song in songs:
        level = _log_mel(song.samples)
        rows.append([level.mean(axis=1), level.std(axis=1), np.abs(np.diff(level, axis=1)).mean(axis=1)])
    table = np.array(rows).reshape(len(rows), -1)
    return (table - table.mean(axis=0)) / table.std(axis=0), np.array([s.tags["genre"] for s in songs])


@pytest.fixture(scope="module")
def distances(features):
    table, genres = features
    distance = np.sqrt(((table[:, None] - table[None]) ** 2).sum(axis=-1))
    np.fill_diagonal(distance, np.inf)
    return distance, genres


def test_simple_spectral_features_separate_the_genres(distances):
    distance, genres = distances
    neighbours = np.argsort(distance, axis=1)[:, : PIECES_PER_STYLE - 1]
    purity = (genres[neighbours] == genres[:, None]).mean()
    assert purity > 0.85
    for genre in set(genres):
        in_genre = genres == genre
        assert (genres[neighbours[in_genre]] == genre).mean() > 0.5, genre


def test_no_two_pieces_are_nearly_the_same(distances):
    distance, _ = distances
    assert distance.min() > 0.15 * np.median(distance[np.isfinite(distance)])


def test_every_style_has_a_vocabulary():
    assert set(WORDS) == set(COMPOSERS)


@pytest.mark.parametrize("style", ["Techno", "Waltz", "Chiptune"])
def test_the_rhythm_repeats_at_the_tempo(style):
    draft = COMPOSERS[style](np.random.default_rng(5))
    _, _, spectrum = signal.stft(draft.mix.mean(axis=1), 44_100, nperseg=1024, noverlap=1024 - 441)
    rise = np.maximum(0, np.diff(np.log1p(100 * np.abs(spectrum)), axis=1)).sum(axis=0)
    rise -= rise.mean()
    autocorrelation = np.correlate(rise, rise, "full")[len(rise) - 1 :]
    autocorrelation /= autocorrelation[0]
    # Onset strength is sampled at 100 Hz. Every piece repeats its rhythm after a bar.
    bar = round((3 if style == "Waltz" else 4) * 60 / draft.bpm * 100)
    assert autocorrelation[bar - 2 : bar + 3].max() > 0.4
    assert autocorrelation[bar - 2 : bar + 3].max() > autocorrelation[bar + 8 : bar + 13].max() + 0.2


@pytest.mark.parametrize("style", ["Baroque", "Chiptune", "Waltz"])
def test_a_piece_is_in_the_key_it_names(style):
    draft = COMPOSERS[style](np.random.default_rng(5))
    frequencies, _, spectrum = signal.stft(draft.mix.mean(axis=1), 44_100, nperseg=16_384)
    in_band = (frequencies > 150) & (frequencies < 2000)
    classes = np.round(69 + 12 * np.log2(frequencies[in_band] / 440)).astype(int) % 12
    strength = np.bincount(classes, weights=np.abs(spectrum[in_band]).sum(axis=1), minlength=12)
    third = 4 if draft.mode in ("major", "mixolydian") else 3
    triads = [strength[[(tonic + step) % 12 for step in (0, third, 7)]].sum() for tonic in range(12)]
    assert draft.tonic in np.argsort(triads)[-2:]
    minor_and_major = strength[[(draft.tonic + step) % 12 for step in (3, 4)]]
    assert minor_and_major[third - 3] == minor_and_major.max()
