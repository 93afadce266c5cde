"""Raw sound: band-limited waves, resonant sweeps, struck partials, plucked strings, ensembles, FM.

Everything is built from spectra, so that nothing aliases, and in whole arrays: no loop runs over
samples.
"""

from functools import lru_cache

import numpy as np
from scipy import fft

SAMPLE_RATE_HZ = 44_100
_CYCLE = 2048
_BLOCK = 256
_SMALL_PRODUCT = 250_000
_TOP_HZ = 16_000.0


def hertz(pitch):
    """Give the frequency in Hz of a MIDI pitch: 69 is the A of 440 Hz, 1 is a semitone; or of an array."""
    return 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)


def seconds(count: int) -> np.ndarray:
    """Give the times of `count` samples, in seconds, from 0. [shape=(count,), float32]."""
    return np.arange(count, dtype=np.float32) / np.float32(SAMPLE_RATE_HZ)


def harmonics(waveform: str, frequency_hz: float) -> np.ndarray:
    """Give the amplitudes of a waveform's harmonics that fit below 16 kHz. [shape=(H,), float64].

    They are signed amplitudes of sines, the fundamental first. ValueError if there is no such waveform.

    waveform: `sine`, `saw`, `square`, `triangle`, `reed`, or `pulse` with the width in per cent: `pulse25`.
    frequency_hz: the fundamental.
    """
    k = np.arange(1, max(2, min(_CYCLE // 2, int(_TOP_HZ / frequency_hz) + 1)))
    odd = k % 2
    if waveform.startswith("pulse"):
        return np.sin(np.pi * k * int(waveform[5:]) / 100) / k
    shapes = {
        "sine": (k == 1) * 1.0,
        "saw": 1.0 / k,
        "square": odd / k,
        "triangle": odd * np.where(k % 4 == 1, 1.0, -1.0) / k**2,
        # A free reed: nearly a saw, with its second and third harmonics as strong as the first.
        "reed": np.minimum(1.0, 2.4 / k) / (1 + (k / 14.0) ** 2),
    }
    if waveform not in shapes:
        raise ValueError(f"waveform={waveform!r} must be one of {sorted(shapes)} or pulse with a width")
    return shapes[waveform]


def cycle(amplitudes: np.ndarray) -> np.ndarray:
    """Turn amplitudes of harmonics [shape=(..., H)] into one cycle [shape=(..., 2049), float32].

    The first sample is repeated at the end, for interpolation.
    """
    spectrum = np.zeros((*amplitudes.shape[:-1], _CYCLE // 2 + 1), dtype=complex)
    spectrum[..., 1 : amplitudes.shape[-1] + 1] = -0.5j * _CYCLE * amplitudes
    wave = fft.irfft(spectrum, _CYCLE, axis=-1)
    return np.concatenate([wave, wave[..., :1]], axis=-1).astype(np.float32)


def _phase(frequency_hz, *, count: int, start: float):
    """Split the running phase into a whole index into a cycle and the remaining fraction."""
    if np.ndim(frequency_hz):
        turns = start + np.cumsum(frequency_hz, dtype=np.float64) / SAMPLE_RATE_HZ
    else:
        turns = start + np.arange(count) * (frequency_hz / SAMPLE_RATE_HZ)
    position = (turns % 1.0) * _CYCLE
    index = position.astype(np.int32)
    return index, (position - index).astype(np.float32)


def oscillate(wave: np.ndarray, frequency_hz, *, count: int, start: float = 0.0) -> np.ndarray:
    """Repeat one cycle at a frequency, which may move. [shape=(count,), float32].

    wave: from `cycle`.
    frequency_hz: a number, or an array of one value a sample.
    start: phase of the first sample, in turns.
    """
    index, fraction = _phase(frequency_hz, count=count, start=start)
    low = wave[index]
    return low + fraction * (wave[index + 1] - low)


@lru_cache(maxsize=512)
def _filtered_cycles(waveform: str, pitch: float, low_hz: float, high_hz: float, resonance: float):
    """One cycle per cutoff, 16 of them evenly spaced in octaves. [shape=(16, 2049), float32]."""
    frequency_hz = hertz(pitch)
    amplitudes = harmonics(waveform, frequency_hz)
    cutoffs = np.geomspace(low_hz, high_hz, 16)[:, None]
    ratio = np.arange(1, len(amplitudes) + 1) * frequency_hz / cutoffs
    response = 1.0 / np.abs(1 - ratio**2 + 1j * ratio / resonance) / np.sqrt(1 + ratio**2)
    return cycle(amplitudes * response)


def sweep(
    waveform: str, pitch: float, cutoff_hz: np.ndarray, *, resonance: float = 1.0, start: float = 0.0
) -> np.ndarray:
    """Play a waveform through a resonant low-pass filter whose cutoff moves. [shape=(n,), float32].

    A filter of third order shapes the harmonics of 16 cycles, and the cutoff's place between them is
    interpolated: the sound of a moving filter without running one.

    waveform: as for `harmonics`.
    cutoff_hz: one value a sample, above 0.
    resonance: gain at the cutoff, 0.5 to about 8.
    start: phase of the first sample, in turns.
    """
    low_hz, high_hz = float(cutoff_hz.min()), float(cutoff_hz.max()) * 1.001
    cycles = _filtered_cycles(waveform, pitch, round(low_hz, 2), round(high_hz, 2), resonance)
    span = np.log(high_hz / low_hz)
    row = np.log(cutoff_hz / low_hz) * (15 / span) if span > 0.002 else np.zeros(len(cutoff_hz))
    whole = np.clip(row.astype(np.int32), 0, 14)
    blend = (row - whole).astype(np.float32)
    index, fraction = _phase(hertz(pitch), count=len(cutoff_hz), start=start)
    flat = cycles.ravel()
    place = whole * (_CYCLE + 1) + index
    dark = flat[place] + fraction * (flat[place + 1] - flat[place])
    place += _CYCLE + 1
    bright = flat[place] + fraction * (flat[place + 1] - flat[place])
    return dark + blend * (bright - dark)


def damped(frequencies_hz, amplitudes, decays_s, *, count: int, phases=None) -> np.ndarray:
    """Add exponentially decaying sines: bars, bells, strings, drum heads. [shape=(count,), float32].

    The powers z**n of each partial are split into z**(256 q) z**r, so that the whole sum is one matrix
    product instead of a sine per partial and sample.

    frequencies_hz, amplitudes, decays_s: one value a partial; a decay is the time to fall by 60 dB. Partials
    above 16 kHz are left out.
    phases: in radians; by default each sine starts at zero.
    """
    frequencies_hz, amplitudes, decays_s = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(x, dtype=float)) for x in (frequencies_hz, amplitudes, decays_s))
    )
    phases = np.zeros(len(frequencies_hz)) if phases is None else np.asarray(phases, dtype=float)
    keep = frequencies_hz < _TOP_HZ
    rate = (2j * np.pi * frequencies_hz - np.log(1000) / decays_s)[keep] / SAMPLE_RATE_HZ
    # Slices this small stay on one core: waking others for so short a product costs more than it saves.
    height = max(1, _SMALL_PRODUCT // (2 * _BLOCK * max(1, len(rate))))
    slices = -(-count // (_BLOCK * height))
    coarse = np.exp(np.outer(np.arange(slices * height) * _BLOCK, rate))
    fine = np.exp(np.outer(rate, np.arange(_BLOCK)))
    fine *= (amplitudes * np.exp(1j * phases))[keep][:, None]
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
    """Pluck a Karplus-Strong string: noise around a delay line with a two-point average.

    The loop x = e + g ((1 - b) x[n - D] + b x[n - D - 1]) is solved by a Fourier transform, which makes
    fractional delays (exact tuning) free. Weighting by a decaying exponential keeps its circular
    tail out of the beginning. The peak of what comes out is 1. [shape=(count,), float32].

    decay_s: time for the fundamental to fall by 60 dB.
    damping: the weight b, 0 to 0.5: how much faster the high harmonics decay.
    brightness: 0 (a thumb) to 1 (a plectrum).
    position: where the string is plucked, as a share of its length.
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
    """Play a note on very many instruments at once, each a little out of tune. [shape=(count, 2), float32].

    Each harmonic is a narrow band of random phases, which widens with its number (Nasca's PADsynth). The left
    and the right have phases of their own; the root mean square is 1.

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
    sounding = np.flatnonzero(magnitude > 1e-4 * magnitude.max())
    # Gaussian real and imaginary parts have uniform phases, and cost less than sines of drawn ones.
    drawn = rng.standard_normal((2, len(sounding), 2), dtype=np.float32).view(np.complex64)[..., 0]
    spectrum = np.zeros((2, len(magnitude)), dtype=np.complex64)
    spectrum[:, sounding] = magnitude[sounding] * drawn
    sound = fft.irfft(spectrum, size, axis=-1)[:, :count].T
    return np.ascontiguousarray(sound / sound.std())


def fm(
    frequency_hz: float, *, ratio: float, index: np.ndarray, count: int, detune_cents: float = 0.0
) -> np.ndarray:
    """Modulate a sine's phase by another sine (Chowning 1973). [shape=(count,), float32].

    frequency_hz: the carrier. ratio: the modulator's frequency over the carrier's.
    index: depth of the modulation in radians, one value a sample.
    detune_cents: detunes the modulator, for a slow beating.
    """
    base = (np.arange(count) * (frequency_hz / SAMPLE_RATE_HZ)) % 1.0
    factor = 2 ** (detune_cents / 1200)
    other = (np.arange(count) * (frequency_hz * ratio * factor / SAMPLE_RATE_HZ)) % 1.0
    turn = np.float32(2 * np.pi)
    modulator = np.sin(turn * other.astype(np.float32))
    return np.sin(turn * base.astype(np.float32) + index.astype(np.float32) * modulator)
