"""Sounds whose likeness is known beforehand: chords, tones, noises and a rhythm to test an embedding with.

Three chords share their notes' register and two noises their breadth, so whatever is to tell sounds
apart must find the chords beside the chords, and the noises beside each other. (A second of silence is
flat to OpenL3, which measures each window against its own maximum; so `silence_then_tone` lies near white
noise, and not among the tones.)
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
from explorer.demo.composer.accompaniment import rhythm
from explorer.demo.composer.naming import stream
from explorer.demo.sound_files import write_sound
from explorer.errors import AudioError

FORMATS = ("mp3", "wav", "flac")
MP3_RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
"""The rates that MPEG audio layer III has."""

RATES_HZ = (8_000, 192_000)
"""The least and the most: below, not even the tones' harmonics would fit."""

SECONDS = (0.5, 600.0)
"""The least and the most."""

PEAK = 10 ** (-3.0 / 20)
"""-3 dBFS: an MP3 overshoots what was encoded."""

SEED = 0
ARTIST, ALBUM = "Synthetic", "Test sounds"
_SOFT_S = 0.25
_CRISP_S = 0.005
_LOWEST_HEARD_HZ = 20.0
_SWEEP_HZ = (40.0, 16_000.0)
_TEMPO_BPM = 120.0

Render = Callable[[int, int, np.random.Generator], np.ndarray]
"""From a number of samples, their rate in Hz and a source of chance to samples of any level."""


@dataclass(frozen=True)
class Signal:
    """A test sound.

    Attributes
    ----------
    title, genre : str
        What its tags say.
    render : callable
        Makes its samples [shape=(n,), float64], without the envelope.
    attack_s : float
        How long it takes to rise.
    """

    title: str
    genre: str
    render: Render
    attack_s: float = _SOFT_S


def _tones(*frequencies_hz: float, falling: bool = False) -> Render:
    """Add sines that are equally strong, or each weaker than the one before, as harmonics are."""

    def render(count: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
        turns = np.arange(count) / rate_hz * (2 * np.pi)
        return sum(
            np.sin(frequency_hz * turns) / (number if falling else 1)
            for number, frequency_hz in enumerate(frequencies_hz, start=1)
        )

    return render


def _white_noise(count: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal(count)


def _pink_noise(count: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Weigh white noise so that its power falls as 1/f; what nobody hears would only take up room."""
    spectrum = fft.rfft(rng.standard_normal(count))
    frequencies_hz = fft.rfftfreq(count, 1 / rate_hz)
    heard = frequencies_hz >= _LOWEST_HEARD_HZ
    spectrum *= np.where(heard, 1 / np.sqrt(np.maximum(frequencies_hz, _LOWEST_HEARD_HZ)), 0.0)
    return fft.irfft(spectrum, count)


def _sweep(count: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Rise through the octaves, each in the same time (an exponential sine sweep, Farina 2000)."""
    low_hz, high_hz = _SWEEP_HZ[0], min(_SWEEP_HZ[1], 0.45 * rate_hz)
    octaves = math.log(high_hz / low_hz)
    duration_s = count / rate_hz
    share = np.arange(count) / count
    return np.sin(2 * np.pi * low_hz * duration_s / octaves * np.expm1(octaves * share))


def _drum_loop(count: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """Repeat a bar of bass drum, snare and hi-hats; the drums themselves are those of the demo."""
    drums = (
        (percussion.kick(rng), "X.....x.X.x.....", 1.0),
        (percussion.snare(rng), "....X.......X..o", 0.7),
        (percussion.hat(rng), "x.o.x.o.x.o.x.o.", 0.3),
    )
    made_hz = oscillators.SAMPLE_RATE_HZ
    length = math.ceil(count / rate_hz * made_hz) + made_hz
    beat = made_hz * 60 / _TEMPO_BPM
    sound = np.zeros(length)
    for drum, pattern, level in drums:
        for bar in range(math.ceil(length / (4 * beat))):
            for place, _, velocity in rhythm(pattern):
                start = round((4 * bar + place) * beat)
                part = sound[start : start + len(drum)]
                part += level * velocity * drum[: len(part)]
    if rate_hz != made_hz:
        sound = soxr.resample(sound, made_hz, rate_hz, quality="HQ")
    return sound[:count]


def _silence_then_tone(count: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    silent = count // 2
    tone = _tones(440.0)(count - silent, rate_hz, rng)
    return np.concatenate([np.zeros(silent), tone * _envelope(len(tone), rate_hz, attack_s=_SOFT_S)])


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
    "drum_loop": Signal("Drum loop", "Rhythm", _drum_loop, attack_s=_CRISP_S),
    "sweep": Signal("Sweep", "Sweep", _sweep),
    "silence_then_tone": Signal("Silence, then a tone", "Tone", _silence_then_tone),
}
"""The test sounds by the names of their files."""


def render_signal(
    name: str, *, seconds: float = 30.0, sample_rate_hz: int = 22_050, seed: int = SEED
) -> np.ndarray:
    """Make the samples of one of `SIGNALS`.

    Parameters
    ----------
    seed : int
        Equal seeds make equal samples; it matters to noises and drums.

    Returns
    -------
    np.ndarray [shape=(n,), float32]
        Peak at -3 dBFS, both ends silent.

    Raises
    ------
    AudioError
        If there is no such signal, or a length, rate or seed that cannot be.
    """
    if name not in SIGNALS:
        raise AudioError(f"There is no test sound {name!r}: choose one of {', '.join(SIGNALS)}.")
    _check(seconds, sample_rate_hz, seed)
    signal = SIGNALS[name]
    count = round(seconds * sample_rate_hz)
    sound = signal.render(count, sample_rate_hz, stream(seed, name))
    sound = sound * _envelope(count, sample_rate_hz, attack_s=signal.attack_s)
    return (sound * (PEAK / np.abs(sound).max())).astype(np.float32)


def _envelope(count: int, rate_hz: int, *, attack_s: float) -> np.ndarray:
    """Rise and fall by half a cosine each, together over at most half of the length."""
    envelope = np.ones(count)
    for seconds, ends in ((attack_s, envelope), (_SOFT_S, envelope[::-1])):
        ramp = max(1, min(round(seconds * rate_hz), count // 4))
        ends[:ramp] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(ramp) / ramp)
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
    """Write the test sounds as `folder/NAME.mp3`, with tags; what else is in the folder stays.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    form : {"mp3", "wav", "flac"}
        The latter two are the same, bit for bit, for the same seed.
    progress : callable, optional
        Called with the number of files written and the number wanted.

    Returns
    -------
    list of Path
        In the order of `SIGNALS`.

    Raises
    ------
    AudioError
        If a file cannot be written, or the form, length, rate or seed cannot be.
    """
    _check_form(form, sample_rate_hz)
    _check(seconds, sample_rate_hz, seed)
    # OpenL3 looks 80 dB down, where a smaller file of a pure tone is mostly what the encoding added. And some
    # decoders seek wrongly in a file of variable rate.
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


def _check(seconds: float, sample_rate_hz: int, seed: int) -> None:
    if not SECONDS[0] <= seconds <= SECONDS[1]:
        raise AudioError(
            f"{seconds:g} s is no length for a test sound: choose {SECONDS[0]:g} to {SECONDS[1]:g} s."
        )
    if not RATES_HZ[0] <= sample_rate_hz <= RATES_HZ[1]:
        raise AudioError(
            f"{sample_rate_hz} Hz is no rate for a test sound: choose {RATES_HZ[0]} to {RATES_HZ[1]} Hz."
        )
    if seed < 0:
        raise AudioError(f"The seed {seed} is negative: choose 0 or more.")


def _check_form(form: str, sample_rate_hz: int) -> None:
    if form not in FORMATS:
        raise AudioError(f"form={form!r} cannot be written: choose one of {', '.join(FORMATS)}.")
    if form == "mp3" and sample_rate_hz not in MP3_RATES_HZ:
        raise AudioError(
            f"An MP3 cannot have {sample_rate_hz} Hz: choose one of {', '.join(map(str, MP3_RATES_HZ))}, or "
            "another format."
        )
