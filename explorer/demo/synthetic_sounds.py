"""Makes chords, tones, noises and a rhythm, whose similarities are known, to test an embedding.

The three chords have the same register, and both noises contain a wide band of frequencies. Therefore a good
embedding gives similar vectors to the chords, and similar vectors to the noises. OpenL3 scales each window by
its own maximum, so a silent window has a flat spectrum: `silence_then_tone` is near white noise, not near the
tones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from scipy import fft

from explorer.demo.composer import oscillators, percussion
from explorer.demo.composer.accompaniment import read_pattern
from explorer.demo.composer.naming import random_stream
from explorer.demo.sound_files import write_sound
from explorer.errors import AudioError

FORMATS = ("mp3", "wav", "flac")
MP3_RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
"""The sample rates of MPEG audio layer III."""

SAMPLE_RATE_RANGE_HZ = (8_000, 192_000)
"""Minimum and maximum. At a lower rate, the harmonics of the tones could not be represented."""

DURATION_RANGE_S = (0.5, 600.0)
"""Minimum and maximum."""

PEAK = 10 ** (-3.0 / 20)
"""-3 dBFS and not 0 dBFS, because MP3 encoding raises peaks."""

SEED = 0
ARTIST, ALBUM = "Synthetic", "Test sounds"
_SOFT_ATTACK_S = 0.25
_SHARP_ATTACK_S = 0.005
_RELEASE_S = 0.25
_MIN_AUDIBLE_HZ = 20.0
_SWEEP_RANGE_HZ = (40.0, 16_000.0)
_TEMPO_BPM = 120.0

Render = Callable[[int, int, np.random.Generator], np.ndarray]
"""A function (number of samples, sample rate in Hz, random generator) that returns samples at any level."""


@dataclass(frozen=True)
class Signal:
    """A test sound.

    Attributes
    ----------
    title, genre : str
        The values of its tags.
    render : callable
        Makes its samples [shape=(n,), float64], without the envelope.
    attack_s : float
        Length of the fade in.
    """

    title: str
    genre: str
    render: Render
    attack_s: float = _SOFT_ATTACK_S


def _tones(*frequencies_hz: float, falling: bool = False) -> Render:
    """Add sines of equal amplitude. If `falling`, the k-th sine has the amplitude 1 / k, as in a saw wave."""

    def render(count: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
        radians_per_hz = np.arange(count) / rate_hz * (2 * np.pi)
        return sum(
            np.sin(frequency_hz * radians_per_hz) / (number if falling else 1)
            for number, frequency_hz in enumerate(frequencies_hz, start=1)
        )

    return render


def _white_noise(count: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal(count)


def _pink_noise(count: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Filter white noise so that its power falls as 1/f; leave out inaudible low frequencies."""
    spectrum = fft.rfft(rng.standard_normal(count))
    frequencies_hz = fft.rfftfreq(count, 1 / rate_hz)
    is_audible = frequencies_hz >= _MIN_AUDIBLE_HZ
    spectrum *= np.where(is_audible, 1 / np.sqrt(np.maximum(frequencies_hz, _MIN_AUDIBLE_HZ)), 0.0)
    return fft.irfft(spectrum, count)


def _sweep(count: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Sweep a sine upwards, in equal time per octave (exponential sine sweep, Farina 2000)."""
    low_hz, high_hz = _SWEEP_RANGE_HZ[0], min(_SWEEP_RANGE_HZ[1], 0.45 * rate_hz)
    log_ratio = math.log(high_hz / low_hz)
    duration_s = count / rate_hz
    share = np.arange(count) / count
    return np.sin(2 * np.pi * low_hz * duration_s / log_ratio * np.expm1(log_ratio * share))


def _drum_loop(count: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Repeat a bar of bass drum, snare and hi-hat, played with the demo's drums."""
    drums = (
        (percussion.kick(rng), "X.....x.X.x.....", 1.0),
        (percussion.snare(rng), "....X.......X..o", 0.7),
        (percussion.hat(rng), "x.o.x.o.x.o.x.o.", 0.3),
    )
    drum_rate_hz = oscillators.SAMPLE_RATE_HZ
    length = math.ceil(count / rate_hz * drum_rate_hz) + drum_rate_hz
    beat_samples = drum_rate_hz * 60 / _TEMPO_BPM
    sound = np.zeros(length)
    for drum, pattern, level in drums:
        for bar in range(math.ceil(length / (4 * beat_samples))):
            for beat, _, velocity in read_pattern(pattern):
                start = round((4 * bar + beat) * beat_samples)
                part = sound[start : start + len(drum)]
                part += level * velocity * drum[: len(part)]
    if rate_hz != drum_rate_hz:
        sound = soxr.resample(sound, drum_rate_hz, rate_hz, quality="HQ")
    return sound[:count]


def _silence_then_tone(count: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    silent_count = count // 2
    tone = _tones(440.0)(count - silent_count, rate_hz, rng)
    return np.concatenate(
        [np.zeros(silent_count), tone * _envelope(len(tone), rate_hz, attack_s=_SOFT_ATTACK_S)]
    )


SIGNALS: dict[str, Signal] = {
    "c_major_chord": Signal("C major chord", "Chord", _tones(261.63, 329.63, 392.00)),
    "g_major_chord": Signal("G major chord", "Chord", _tones(392.00, 493.88, 587.33)),
    "f_major_chord": Signal("F major chord", "Chord", _tones(349.23, 440.00, 523.25)),
    "bass_sound": Signal("Bass sound", "Tone", _tones(80.0)),
    "bell_sound": Signal("Bell sound", "Tone", _tones(1_000.0)),
    "complex_harmonic": Signal(
        "Complex harmonic", "Tone", _tones(220.0, 440.0, 880.0, 1_320.0, falling=True)
    ),
    "white_noise": Signal("White noise", "Noise", _white_noise),
    "pink_noise": Signal("Pink noise", "Noise", _pink_noise),
    "drum_loop": Signal("Drum loop", "Rhythm", _drum_loop, attack_s=_SHARP_ATTACK_S),
    "sweep": Signal("Sweep", "Sweep", _sweep),
    "silence_then_tone": Signal("Silence, then a tone", "Tone", _silence_then_tone),
}
"""The test sounds, by file name without extension."""


def render_signal(
    name: str, *, seconds: float = 30.0, sample_rate_hz: int = 22_050, seed: int = SEED
) -> np.ndarray:
    """Make the samples of a test sound from `SIGNALS`.

    Parameters
    ----------
    seed : int
        The same seed gives the same samples; it affects noises and drums only.

    Returns
    -------
    np.ndarray [shape=(n,), float32]
        The peak is -3 dBFS; both ends are faded to silence.

    Raises
    ------
    AudioError
        If the sound does not exist, or the length, rate or seed is invalid.
    """
    if name not in SIGNALS:
        raise AudioError(f"There is no test sound {name!r}: choose one of {', '.join(SIGNALS)}.")
    _check_values(seconds, sample_rate_hz, seed)
    signal = SIGNALS[name]
    count = round(seconds * sample_rate_hz)
    sound = signal.render(count, sample_rate_hz, random_stream(seed, name))
    sound = sound * _envelope(count, sample_rate_hz, attack_s=signal.attack_s)
    return (sound * (PEAK / np.abs(sound).max())).astype(np.float32)


def _envelope(count: int, rate_hz: int, *, attack_s: float) -> np.ndarray:
    """Return an envelope with a cosine fade at each end; each is at most a quarter of the length."""
    envelope = np.ones(count)
    for fade_s, samples in ((attack_s, envelope), (_RELEASE_S, envelope[::-1])):
        ramp = max(1, min(round(fade_s * rate_hz), count // 4))
        samples[:ramp] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(ramp) / ramp)
    return envelope


def write_signals(
    folder: Path,
    *,
    form: str = "mp3",
    seconds: float = 30.0,
    sample_rate_hz: int = 22_050,
    seed: int = SEED,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Write the test sounds as `folder/NAME.mp3`, with tags; other files in the folder are kept.

    Parameters
    ----------
    folder : Path
        Created if it is missing.
    form : {"mp3", "wav", "flac"}
        The same seed gives the same WAV or FLAC file, byte for byte.
    progress : callable, optional
        Called with the number of written files and the number of all files.

    Returns
    -------
    list of Path
        In the order of `SIGNALS`.

    Raises
    ------
    AudioError
        If a file cannot be written, or the format, length, rate or seed is invalid.
    """
    _check_format(form, sample_rate_hz)
    _check_values(seconds, sample_rate_hz, seed)
    # OpenL3's spectrograms contain levels down to -80 dB. At a lower bit rate, the MP3 encoder's noise would
    # be above this level in a pure tone. The bit rate is constant, because some decoders seek wrongly in
    # files with a variable bit rate.
    options = {"compression_level": 0.5, "bitrate_mode": "CONSTANT"} if form == "mp3" else {}
    report = progress or (lambda done, total: None)
    report(0, len(SIGNALS))
    paths = []
    for number, (name, signal) in enumerate(SIGNALS.items(), start=1):
        samples = render_signal(name, seconds=seconds, sample_rate_hz=sample_rate_hz, seed=seed)
        path = folder / f"{name}.{form}"
        tags = {"title": signal.title, "artist": ARTIST, "album": ALBUM, "genre": signal.genre}
        write_sound(path, samples, sample_rate_hz, tags=tags | {"tracknumber": str(number)}, **options)
        paths.append(path)
        report(number, len(SIGNALS))
    return paths


def _check_values(seconds: float, sample_rate_hz: int, seed: int) -> None:
    min_s, max_s = DURATION_RANGE_S
    if not min_s <= seconds <= max_s:
        raise AudioError(f"A test sound cannot be {seconds:g} s long: choose {min_s:g} to {max_s:g} s.")
    min_hz, max_hz = SAMPLE_RATE_RANGE_HZ
    if not min_hz <= sample_rate_hz <= max_hz:
        raise AudioError(f"A test sound cannot have {sample_rate_hz} Hz: choose {min_hz} to {max_hz} Hz.")
    if seed < 0:
        raise AudioError(f"The seed {seed} is negative: choose 0 or more.")


def _check_format(form: str, sample_rate_hz: int) -> None:
    if form not in FORMATS:
        raise AudioError(f"form={form!r} cannot be written: choose one of {', '.join(FORMATS)}.")
    if form == "mp3" and sample_rate_hz not in MP3_RATES_HZ:
        raise AudioError(
            f"An MP3 cannot have {sample_rate_hz} Hz: choose one of {', '.join(map(str, MP3_RATES_HZ))}, or "
            "another format."
        )
