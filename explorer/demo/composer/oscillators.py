"""Sound generators: band-limited waves, filter sweeps, decaying partials, plucked strings, ensembles, FM.

Band-limited spectra, without frequencies that are too high for the sample rate, avoid aliasing. Array
operations replace loops over samples.
"""

from functools import lru_cache

import numpy as np
from scipy import fft

SAMPLE_RATE_HZ = 44_100
_TABLE_SIZE = 2048
_BLOCK_SAMPLES = 256
_MAX_PARTIAL_HZ = 16_000.0
_MAX_PRODUCT_SIZE = 250_000
"""Multiplications in one matrix product of `damped_partials`."""


def pitch_to_hz(pitch):
    """Convert a MIDI pitch, or an array of pitches, to Hz: 69 is A at 440 Hz, a step of 1 is a semitone."""
    return 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)


def sample_times(count: int) -> np.ndarray:
    """Return the times of `count` samples in seconds, from 0. [shape=(count,), float32]."""
    return np.arange(count, dtype=np.float32) / np.float32(SAMPLE_RATE_HZ)


def harmonics(waveform: str, frequency_hz: float) -> np.ndarray:
    """Return the amplitudes of a waveform's harmonics up to 16 kHz. [shape=(H,), float64].

    They are signed amplitudes of sines, the fundamental first. An unknown waveform raises ValueError.

    waveform: `sine`, `saw`, `square`, `triangle`, `reed`, or `pulse` and its width in per cent: `pulse25`.
    frequency_hz: the fundamental.
    """
    k = np.arange(1, max(2, min(_TABLE_SIZE // 2, int(_MAX_PARTIAL_HZ / frequency_hz) + 1)))
    odd = k % 2
    if waveform.startswith("pulse"):
        return np.sin(np.pi * k * int(waveform[5:]) / 100) / k
    shapes = {
        "sine": (k == 1) * 1.0,
        "saw": 1.0 / k,
        "square": odd / k,
        "triangle": odd * np.where(k % 4 == 1, 1.0, -1.0) / k**2,
        # A free reed: nearly a saw, but its first and second harmonics are equally strong.
        "reed": np.minimum(1.0, 2.4 / k) / (1 + (k / 14.0) ** 2),
    }
    if waveform not in shapes:
        raise ValueError(f"waveform={waveform!r} must be one of {sorted(shapes)} or pulse with a width")
    return shapes[waveform]


def wavetable(amplitudes: np.ndarray) -> np.ndarray:
    """Turn amplitudes of harmonics [shape=(..., H)] into one cycle of the wave [shape=(..., 2049), float32].

    The last sample repeats the first one, for interpolation.
    """
    spectrum = np.zeros((*amplitudes.shape[:-1], _TABLE_SIZE // 2 + 1), dtype=complex)
    spectrum[..., 1 : amplitudes.shape[-1] + 1] = -0.5j * _TABLE_SIZE * amplitudes
    cycle = fft.irfft(spectrum, _TABLE_SIZE, axis=-1)
    return np.concatenate([cycle, cycle[..., :1]], axis=-1).astype(np.float32)


def _table_position(frequency_hz, *, count: int, start_phase: float):
    """Return each sample's position in a wavetable, as an index and a fraction for interpolation."""
    if np.ndim(frequency_hz):
        turns = start_phase + np.cumsum(frequency_hz, dtype=np.float64) / SAMPLE_RATE_HZ
    else:
        turns = start_phase + np.arange(count) * (frequency_hz / SAMPLE_RATE_HZ)
    position = (turns % 1.0) * _TABLE_SIZE
    index = position.astype(np.int32)
    return index, (position - index).astype(np.float32)


def oscillate(table: np.ndarray, frequency_hz, *, count: int, start_phase: float = 0.0) -> np.ndarray:
    """Play a wavetable at a frequency, which may change. [shape=(count,), float32].

    table: from `wavetable`.
    frequency_hz: a number, or an array of one value per sample.
    start_phase: phase of the first sample, in turns.
    """
    index, fraction = _table_position(frequency_hz, count=count, start_phase=start_phase)
    left = table[index]
    return left + fraction * (table[index + 1] - left)


@lru_cache(maxsize=512)
def _filtered_tables(waveform: str, pitch: float, low_hz: float, high_hz: float, resonance: float):
    """Make a wavetable for each of 16 cutoffs, evenly spaced in octaves. [shape=(16, 2049), float32]."""
    frequency_hz = pitch_to_hz(pitch)
    amplitudes = harmonics(waveform, frequency_hz)
    cutoffs = np.geomspace(low_hz, high_hz, 16)[:, None]
    ratio = np.arange(1, len(amplitudes) + 1) * frequency_hz / cutoffs
    response = 1.0 / np.abs(1 - ratio**2 + 1j * ratio / resonance) / np.sqrt(1 + ratio**2)
    return wavetable(amplitudes * response)


def filter_sweep(
    waveform: str, pitch: float, cutoff_hz: np.ndarray, *, resonance: float = 1.0, start_phase: float = 0.0
) -> np.ndarray:
    """Play a waveform through a resonant low-pass filter whose cutoff moves. [shape=(n,), float32].

    A third-order filter is applied to the harmonics for 16 cutoffs, which gives 16 wavetables. Interpolating
    between the two nearest tables sounds like a moving filter and is faster than filtering samples.

    waveform: as for `harmonics`.
    cutoff_hz: one value per sample, above 0.
    resonance: gain at the cutoff, 0.5 to about 8.
    start_phase: phase of the first sample, in turns.
    """
    low_hz, high_hz = float(cutoff_hz.min()), float(cutoff_hz.max()) * 1.001
    tables = _filtered_tables(waveform, pitch, round(low_hz, 2), round(high_hz, 2), resonance)
    span = np.log(high_hz / low_hz)
    row = np.log(cutoff_hz / low_hz) * (15 / span) if span > 0.002 else np.zeros(len(cutoff_hz))
    lower_row = np.clip(row.astype(np.int32), 0, 14)
    blend = (row - lower_row).astype(np.float32)
    index, fraction = _table_position(pitch_to_hz(pitch), count=len(cutoff_hz), start_phase=start_phase)
    flat = tables.ravel()
    offset = lower_row * (_TABLE_SIZE + 1) + index
    dark = flat[offset] + fraction * (flat[offset + 1] - flat[offset])
    offset += _TABLE_SIZE + 1
    bright = flat[offset] + fraction * (flat[offset + 1] - flat[offset])
    return dark + blend * (bright - dark)


def damped_partials(frequencies_hz, amplitudes, decays_s, *, count: int, phases=None) -> np.ndarray:
    """Add exponentially decaying sines: bars, bells, strings, drum heads. [shape=(count,), float32].

    Sample n of a partial is z**n = z**(256 q) z**r with n = 256 q + r. The sum over the partials is therefore
    a matrix product, which is faster than a sine for each partial and sample.

    frequencies_hz, amplitudes, decays_s: one value per partial; a decay is the time to fall by 60 dB.
    Partials above 16 kHz are left out.
    phases: in radians; 0 by default.
    """
    frequencies_hz, amplitudes, decays_s = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(values, dtype=float)) for values in (frequencies_hz, amplitudes, decays_s))
    )
    phases = np.zeros(len(frequencies_hz)) if phases is None else np.asarray(phases, dtype=float)
    is_audible = frequencies_hz < _MAX_PARTIAL_HZ
    rate = (2j * np.pi * frequencies_hz - np.log(1000) / decays_s)[is_audible] / SAMPLE_RATE_HZ
    # NumPy computes products of this size on one core: starting threads for them would take more time than it
    # saves.
    height = max(1, _MAX_PRODUCT_SIZE // (2 * _BLOCK_SAMPLES * max(1, len(rate))))
    slices = -(-count // (_BLOCK_SAMPLES * height))
    coarse = np.exp(np.outer(np.arange(slices * height) * _BLOCK_SAMPLES, rate))
    fine = np.exp(np.outer(rate, np.arange(_BLOCK_SAMPLES)))
    fine *= (amplitudes * np.exp(1j * phases))[is_audible][:, None]
    left = np.hstack([coarse.real, coarse.imag]).astype(np.float32)
    right = np.vstack([fine.imag, fine.real]).astype(np.float32)
    return (left.reshape(slices, height, 2 * len(rate)) @ right).ravel()[:count]


def pluck(
    frequency_hz: float,
    *,
    count: int,
    rng: np.random.Generator,
    decay_s: float = 3.0,
    damping: float = 0.3,
    brightness: float = 0.7,
    position: float = 0.18,
) -> np.ndarray:
    """Pluck a Karplus-Strong string: noise that circulates in a delay line with a two-point average.

    A Fourier transform solves x[n] = e[n] + g ((1 - b) x[n - D] + b x[n - D - 1]), so that the delay D may be
    fractional, as exact tuning needs. The transform is circular: it adds what is longer than its size to
    the beginning. A decaying exponential weight suppresses this part.

    The peak is 1. [shape=(count,), float32].

    decay_s: time for the fundamental to fall by 60 dB.
    damping: the weight b, 0 to 0.5; the higher, the faster the high harmonics decay.
    brightness: 0 (a thumb) to 1 (a plectrum).
    position: the point where the string is plucked, as a share of its length.
    """
    period = SAMPLE_RATE_HZ / frequency_hz
    size = fft.next_fast_len(count + int(period) + 1, real=True)
    weight = 7.0 / size
    burst = rng.standard_normal(int(period))
    angle = 2j * np.pi * np.arange(size // 2 + 1) / size + weight
    step = np.exp(-angle)
    excitation = fft.rfft(burst * np.exp(-weight * np.arange(len(burst))), size)
    excitation *= (1 - np.exp(-angle * position * period)) / (1 - (1 - brightness) * step)
    gain = 10.0 ** (-3.0 * period / (decay_s * SAMPLE_RATE_HZ))
    loop = gain * ((1 - damping) + damping * step) * np.exp(-angle * (period - damping))
    string = fft.irfft(excitation / (1 - loop), size)[:count] * np.exp(weight * np.arange(count))
    return (string / np.abs(string).max()).astype(np.float32)


def ensemble(
    frequency_hz: float,
    amplitudes: np.ndarray,
    *,
    count: int,
    rng: np.random.Generator,
    spread_cents: float = 25.0,
) -> np.ndarray:
    """Imitate many instruments that play a note slightly out of tune. [shape=(count, 2), float32].

    Each harmonic is a band of random phases, wider for higher harmonics (Nasca's PADsynth).
    Left and right have independent phases; the root mean square is 1.

    amplitudes: of the harmonics, the fundamental first. [shape=(H,)].
    spread_cents: the band's standard deviation, in hundredths of a semitone.
    """
    size = fft.next_fast_len(max(count, SAMPLE_RATE_HZ), real=True)
    magnitude = np.zeros(size // 2 + 1, dtype=np.float32)
    bin_hz = SAMPLE_RATE_HZ / size
    for number, amplitude in enumerate(np.abs(amplitudes), start=1):
        centre = number * frequency_hz
        deviation = max(centre * (2 ** (spread_cents / 1200) - 1), 0.6 * bin_hz)
        bins = np.arange(
            max(1, int((centre - 4 * deviation) / bin_hz)), int((centre + 4 * deviation) / bin_hz)
        )
        bins = bins[bins < len(magnitude)]
        magnitude[bins] += (
            amplitude * np.exp(-0.5 * ((bins * bin_hz - centre) / deviation) ** 2) / np.sqrt(deviation)
        )
    active_bins = np.flatnonzero(magnitude > 1e-4 * magnitude.max())
    # Gaussian real and imaginary parts have uniform phases, and are faster than sines of random phases.
    gaussian = rng.standard_normal((2, len(active_bins), 2), dtype=np.float32).view(np.complex64)[..., 0]
    spectrum = np.zeros((2, len(magnitude)), dtype=np.complex64)
    spectrum[:, active_bins] = magnitude[active_bins] * gaussian
    sound = fft.irfft(spectrum, size, axis=-1)[:, :count].T
    return np.ascontiguousarray(sound / sound.std())


def fm(
    frequency_hz: float, *, ratio: float, index: np.ndarray, count: int, detune_cents: float = 0.0
) -> np.ndarray:
    """Modulate a sine's phase by another sine (Chowning 1973). [shape=(count,), float32].

    frequency_hz: the carrier. ratio: the modulator's frequency over the carrier's.
    index: depth of the modulation in radians, one value per sample.
    detune_cents: detunes the modulator, which causes slow beating.
    """
    carrier_turns = (np.arange(count) * (frequency_hz / SAMPLE_RATE_HZ)) % 1.0
    factor = 2 ** (detune_cents / 1200)
    modulator_turns = (np.arange(count) * (frequency_hz * ratio * factor / SAMPLE_RATE_HZ)) % 1.0
    radians = np.float32(2 * np.pi)
    modulator = np.sin(radians * modulator_turns.astype(np.float32))
    return np.sin(radians * carrier_turns.astype(np.float32) + index.astype(np.float32) * modulator)
