"""Judges what the program says about the inside of songs: sections, tempo and key, where the truth is known.

    .venv/bin/python benchmarks/structure.py [FOLDER] [--pieces 16] [--hop 0.5] [--precision bfloat16]
        [--composed 5] [--styles Techno Waltz ...] [--essentia-python VENV/bin/python]
        [--only sections|features]

*Sections*: each of the `--pieces` pieces is joined from three to five clips of FOLDER (of synthetic songs
without FOLDER): excerpts of 10 to 25 s, with a seed. One or two of the clips come twice, each time another
excerpt, never twice in a row. The sound is joined first, then embedded, in 64 components as the library
stores them. The basis is fitted on all pieces. Weights are OpenL3's if they are installed, otherwise
untrained; the first lines state which. Only clips whose path has an odd CRC-32 are taken: the constants of
`explorer/structure/sections.py` were chosen on the others.

A boundary is found if it is at most 3 s from a true one; each counts once; the piece's start and end do not
count (`mir_eval.segment.detection` with `trim=True`). *Equal lengths* cuts a piece into as many sections of
equal length as it truly has; *every 6 s* needs no music. *Same letter* and *other letter* take the letter
that a part of the piece has for the most of its time: the share of pairs from the same clip, and from
different clips, that are told right. Larger steps take every second, fourth or tenth window.

*Tempo* and *key*: the demo's composed pieces, whose scores say both. sonara measures as `index` does.
essentia measures by its defaults (RhythmExtractor2013, KeyExtractor), if it is installed in this environment
or in that of `--essentia-python`; the program does not need it. A tempo is right within 4 %; modulo octave,
half and twice as fast are right too. Ambient has no beat. Keys are major or minor, by the third of the scale;
blues has both thirds and gamelan neither, so that their keys are not judged. Neighbouring keys are a fifth
apart or relative. *Where sure* takes only what the program shows without doubt.

The interval holds the mean in 95 % of 2,000 draws of the pieces.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import chain, combinations, pairwise
from pathlib import Path

import numpy as np
from common import Options, make_music, print_head, print_table, read_samples

WITHIN_S = 3.0
PART_S = (10.0, 25.0)
STEPS = (1, 2, 4, 10)
SURE_FROM = 0.5
TEMPO_TOLERANCE = 0.04
DRAWS = 2_000
MEASURE_RATES_HZ = {"sonara": 22_050, "essentia": 44_100}
WITHOUT_BEAT, WITHOUT_THIRD = ("Ambient",), ("Blues", "Gamelan")
MINOR_SCALES = ("minor", "harmonic minor", "dorian", "minor pentatonic")
HEAD = ("what is judged", "by", "pieces", "score", "95 % interval")


@dataclass(frozen=True, eq=False)
class Joined:
    """A piece joined from clips: where one ends, which clip each part is from, and the sound at 48 kHz."""

    boundaries_s: list[float]
    clips: list[int]
    duration_s: float
    samples: np.ndarray


def join_clips(sounds: Sequence[np.ndarray], rng: np.random.Generator, *, rate_hz: int) -> Joined:
    """Join excerpts of three to five clips, one or two of them twice."""
    count = min(int(rng.integers(3, 6)), len(sounds))
    chosen = rng.choice(len(sounds), count, replace=False).tolist()
    order = chosen + rng.choice(chosen, min(int(rng.integers(1, 3)), count - 1), replace=False).tolist()
    while any(a == b for a, b in pairwise(order)):
        rng.shuffle(order)
    parts = []
    for clip in order:
        length = round(rng.uniform(*PART_S) * rate_hz)
        start = int(rng.integers(0, len(sounds[clip]) - length + 1))
        parts.append(sounds[clip][start : start + length])
    ends_s = np.cumsum([len(part) for part in parts]) / rate_hz
    return Joined(ends_s[:-1].tolist(), order, float(ends_s[-1]), np.concatenate(parts))


def read_clips(folder: Path, *, rate_hz: int, limit: int) -> list[np.ndarray]:
    """Read the clips that were not used to choose constants, if they are long enough for a part."""
    from explorer.library.scanning import scan_folder

    sounds = []
    for file in scan_folder(folder):
        if len(sounds) < limit and zlib.crc32(f"{folder.name}/{file.text}".encode()) % 2:
            samples = read_samples(folder / file.native, rate_hz=rate_hz, seconds=30.0)
            if len(samples) >= (PART_S[1] + 1) * rate_hz:
                sounds.append(samples)
    return sounds


def embed_all(pieces: Sequence[Joined], arguments) -> list[np.ndarray]:
    """Return the windows' components of each piece, quantised as the library stores them."""
    from explorer.config import Settings
    from explorer.embedding.engines import open_engine
    from explorer.embedding.frontend import windows
    from explorer.embedding.model_weights import find_local_weights, find_weights
    from explorer.embedding.song_windows import RawWindows, fit_basis

    models = Settings().models
    weights = find_local_weights(None, models_dir=models) or find_weights("untrained", models_dir=models)
    print(f"{weights.name} weights, {arguments.precision}, hop {arguments.hop} s", flush=True)
    engine = open_engine("openvino", weights, precision=arguments.precision)
    songs = []
    for number, piece in enumerate(pieces, start=1):
        batches = windows([piece.samples], hop_s=arguments.hop, batch_size=engine.batch_size)
        frames = np.concatenate([engine.embed(engine.prepare(batch)) for batch in batches])
        songs.append(RawWindows(frames.astype(np.float16), arguments.hop))
        print(f"{number} of {len(pieces)} pieces embedded", file=sys.stderr)
    basis = fit_basis(np.concatenate([song.frames for song in songs]))
    return [basis.encode(song).components for song in songs]


def join_and_embed(work: Path, arguments) -> tuple[list[Joined], list[np.ndarray]]:
    """Return the joined pieces and their windows' components."""
    from explorer.embedding.window_grid import SAMPLE_RATE_HZ

    folder = arguments.folder or make_music(
        work / "synthetic", songs=2 * arguments.clips + 4, seconds=PART_S[1] + 2
    )
    clips = read_clips(folder.resolve(), rate_hz=SAMPLE_RATE_HZ, limit=arguments.clips)
    if len(clips) < 3:
        sys.exit(f"{folder} has {len(clips)} clips that can be used: at least 3 are needed.")
    rng = np.random.default_rng(2026)
    pieces = [join_clips(clips, rng, rate_hz=SAMPLE_RATE_HZ) for _ in range(arguments.pieces)]
    components = embed_all(pieces, arguments)
    n_parts = sum(len(piece.clips) for piece in pieces)
    print(f"{len(pieces)} pieces of {n_parts} parts, joined from {len(clips)} clips\n", flush=True)
    return pieces, components


def detection(true_s: Sequence[float], found_s: Sequence[float]) -> tuple[float, float, float]:
    """Return precision, recall and F-measure of boundaries, each found or true one matched at most once."""
    true_s, found_s = sorted(true_s), sorted(found_s)
    hits = i = j = 0
    while i < len(true_s) and j < len(found_s):
        # On a line, matching the earliest pair within reach gives a largest matching.
        if abs(true_s[i] - found_s[j]) <= WITHIN_S:
            hits, i, j = hits + 1, i + 1, j + 1
        elif true_s[i] < found_s[j]:
            i += 1
        else:
            j += 1
    precision, recall = hits / max(1, len(found_s)), hits / max(1, len(true_s))
    return precision, recall, 2 * precision * recall / (precision + recall) if hits else 0.0


def letters_of_parts(piece: Joined, sections: Sequence) -> list[str]:
    """Return the letter that each part of a piece has for the most of its time."""
    letters = []
    for start_s, end_s in pairwise([0.0, *piece.boundaries_s, piece.duration_s]):
        seconds: dict[str, float] = {}
        for section in sections:
            overlap_s = max(0.0, min(end_s, section.end_s) - max(start_s, section.start_s))
            seconds[section.label] = seconds.get(section.label, 0.0) + overlap_s
        letters.append(max(seconds, key=seconds.get))
    return letters


def score(what: str, by: str, values: Sequence[float], *, is_share: bool = False) -> tuple:
    """Return a row: the mean of the pieces' values, and its interval."""
    values = np.asarray(values, dtype=float)
    if not len(values):
        return what, by, 0, "-", "-"
    draws = np.random.default_rng(0).integers(0, len(values), (DRAWS, len(values)))
    figures = values.mean(), *np.percentile(values[draws].mean(axis=1), [2.5, 97.5])
    mean, low, high = (f"{figure:.0%}" if is_share else f"{figure:.3f}" for figure in figures)
    return what, by, len(values), mean, f"{low} to {high}"


def section_rows(pieces: Sequence[Joined], components: Sequence[np.ndarray], hop_s: float) -> Iterator[tuple]:
    """Yield the rows about boundaries and letters."""
    from explorer.structure.sections import find_sections

    for stride in STEPS:
        step_s = hop_s * stride
        found = [
            find_sections(rows[::stride], step_s=step_s, duration_s=piece.duration_s)
            for piece, rows in zip(pieces, components, strict=True)
        ]
        starts_s = [[section.start_s for section in sections[1:]] for sections in found]
        yield from boundary_rows(pieces, starts_s, f"sections, a window every {step_s:g} s", stride == 1)
        if stride == 1:
            yield from doubt_rows(pieces, found)
        right = {True: [], False: []}
        for piece, sections in zip(pieces, found, strict=True):
            pairs = list(combinations(zip(piece.clips, letters_of_parts(piece, sections), strict=True), 2))
            for is_same, shares in right.items():
                told = [(x == y) == is_same for (a, x), (b, y) in pairs if (a == b) == is_same]
                shares.append(np.mean(told))
        by = f"letters, a window every {step_s:g} s"
        yield score("same letter for the same clip", by, right[True], is_share=True)
        yield score("other letter for another clip", by, right[False], is_share=True)
    equal = [np.linspace(0, piece.duration_s, len(piece.clips) + 1)[1:-1].tolist() for piece in pieces]
    yield from boundary_rows(pieces, equal, "equal lengths, as many as true", False)
    regular = [np.arange(6, piece.duration_s, 6).tolist() for piece in pieces]
    yield from boundary_rows(pieces, regular, "every 6 s", False)


def doubt_rows(pieces: Sequence[Joined], found: Sequence[Sequence]) -> Iterator[tuple]:
    """Yield how many sections start and end where a part of the piece does: the sure ones, and the others."""
    shares = {"sure": [], "not sure": []}
    for piece, sections in zip(pieces, found, strict=True):
        true_s = np.array([0.0, *piece.boundaries_s, piece.duration_s])
        right = {"sure": [], "not sure": []}
        for section in sections:
            edges_s = np.array([[section.start_s], [section.end_s]])
            is_right = (np.abs(edges_s - true_s).min(axis=1) <= WITHIN_S).all()
            right["sure" if section.confidence >= SURE_FROM else "not sure"].append(is_right)
        for kind, values in right.items():
            shares[kind] += [np.mean(values)] if values else []
    for kind, values in shares.items():
        yield score(f"sections that are {kind}: both ends true", "sections", values, is_share=True)


def boundary_rows(
    pieces: Sequence[Joined], found_s: Sequence[list[float]], by: str, is_detailed: bool
) -> Iterator[tuple]:
    """Yield the F-measure of boundaries, and precision and recall where wanted."""
    values = np.array([detection(p.boundaries_s, f) for p, f in zip(pieces, found_s, strict=True)])
    yield score("boundaries within 3 s: F-measure", by, values[:, 2])
    if is_detailed:
        yield score("boundaries within 3 s: precision", by, values[:, 0])
        yield score("boundaries within 3 s: recall", by, values[:, 1])


@dataclass(frozen=True)
class Measured:
    """What a program says about a piece: tempo and key, with its confidence in each if it is comparable."""

    bpm: float
    key: str
    bpm_confidence: float | None = None
    key_confidence: float | None = None


def compose_all(folder: Path, styles: Sequence[str], count: int) -> list[tuple[str, float, str]]:
    """Compose pieces of each style, save them at each program's sample rate; return style, tempo and key."""
    import soxr

    from explorer.demo.composer.library import compose
    from explorer.demo.composer.oscillators import SAMPLE_RATE_HZ

    truths = []
    for style in styles:
        for index in range(count):
            piece = compose(style, index)
            mono = piece.samples.mean(axis=1, dtype=np.float32)
            for name, rate_hz in MEASURE_RATES_HZ.items():
                samples = soxr.resample(mono, SAMPLE_RATE_HZ, rate_hz) if rate_hz != SAMPLE_RATE_HZ else mono
                np.save(folder / f"{len(truths)}-{name}.npy", samples)
            truths.append((style, piece.bpm, piece.key))
    return truths


def measure_by_sonara(folder: Path, count: int) -> list[Measured]:
    """Measure the composed pieces as the program does."""
    import sonara

    measured = []
    for number in range(count):
        samples = np.load(folder / f"{number}-sonara.npy")
        found = sonara.analyze_signal(
            samples, sr=MEASURE_RATES_HZ["sonara"], features=["bpm", "beats", "key", "energy"]
        )
        confidences = float(found["bpm_confidence"]), float(found["key_confidence"])
        measured.append(Measured(float(found["bpm"]), found["key"], *confidences))
    return measured


def measure_by_essentia(folder: Path, count: int, python: str) -> list[Measured]:
    """Measure the composed pieces in the environment that has essentia."""
    command = [python, __file__, "--as", "essentia", "--work", str(folder), "--composed", str(count)]
    result = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return [Measured(**piece) for piece in json.loads(result.stdout.splitlines()[-1])]


def run_essentia(folder: Path, count: int) -> None:
    """Print what essentia says about the pieces of a folder; uses none of our modules."""
    import essentia.standard as essentia

    pieces = []
    for number in range(count):
        samples = np.load(folder / f"{number}-essentia.npy")
        bpm, *_ = essentia.RhythmExtractor2013()(samples)
        tonic, mode, _ = essentia.KeyExtractor()(samples)
        pieces.append({"bpm": float(bpm), "key": f"{tonic} {mode}"})
    print(json.dumps(pieces))


def true_key(name: str):
    """Return the major or minor key of a score's key such as "D flat dorian"."""
    from explorer.structure.keys import Key, key_of_text

    *tonic, scale = name.replace("harmonic minor", "minor").split(" ")
    mode = "minor" if scale in MINOR_SCALES else "major"
    return Key(*key_of_text(f"{''.join(tonic)} {mode}"))


def rows_of_program(
    by: str, truths: Sequence[tuple[str, float, str]], measured: Sequence[Measured]
) -> Iterator[tuple]:
    """Yield the rows about tempo and key of one program."""
    from explorer.structure.keys import camelot_distance, known_key
    from explorer.structure.tempo import known_tempo, octave_difference

    both = list(zip(truths, measured, strict=True))
    tempi = [
        (
            abs(np.log2(m.bpm / bpm)) <= np.log2(1 + TEMPO_TOLERANCE),
            octave_difference(m.bpm, bpm) <= np.log2(1 + TEMPO_TOLERANCE),
            known_tempo(measured_bpm=m.bpm, confidence=m.bpm_confidence or 0).is_sure,
        )
        for (style, bpm, _), m in both
        if style not in WITHOUT_BEAT
    ]
    yield score("tempo within 4 %", by, [exact for exact, *_ in tempi], is_share=True)
    yield score("tempo modulo octave", by, [near for _, near, _ in tempi], is_share=True)
    keys = [
        (true_key(key), known_key(measured=m.key, confidence=m.key_confidence or 0))
        for (style, _, key), m in both
        if style not in WITHOUT_THIRD
    ]
    distances = [(camelot_distance(a, b), a.tonic == b.tonic, b.is_sure) for a, b in keys]
    yield score("key exact", by, [d == 0 for d, *_ in distances], is_share=True)
    yield score("key exact or neighbouring", by, [d <= 1 for d, *_ in distances], is_share=True)
    parallel = [d > 0 and same_tonic for d, same_tonic, _ in distances]
    yield score("key wrong: major for minor or minor for major", by, parallel, is_share=True)
    if any(m.bpm_confidence is not None for m in measured):
        near = [near for _, near, is_sure in tempi if is_sure]
        yield score("tempo modulo octave, where sure", by, near, is_share=True)
        exact = [d == 0 for d, _, is_sure in distances if is_sure]
        yield score("key exact, where sure", by, exact, is_share=True)


def feature_rows(folder: Path, arguments) -> Iterator[tuple]:
    """Yield the rows about tempo and key of each program, and of constant answers."""
    from explorer.demo.composer.library import STYLES

    truths = compose_all(folder, arguments.styles or STYLES, arguments.composed)
    if find_spec("sonara"):
        yield from rows_of_program("sonara", truths, measure_by_sonara(folder, len(truths)))
    python = arguments.essentia_python or (sys.executable if find_spec("essentia") else None)
    if python:
        found = measure_by_essentia(folder, len(truths), str(python))
        yield from rows_of_program("essentia", truths, found)
    constant = [Measured(120.0, "A minor")] * len(truths)
    yield from rows_of_program("always 120 bpm and A minor", truths, constant)


def main() -> None:
    """Measure and print the table."""
    options = Options(__doc__)
    options.add("folder", type=Path, nargs="?")
    options.add("--pieces", type=int, default=16, smallest=2)
    options.add("--clips", type=int, default=64, smallest=4, help="Number of clips to choose from.")
    options.add("--hop", type=float, default=0.5, smallest=4.0)
    options.add("--precision", default="bfloat16")
    options.add("--composed", type=int, default=5, smallest=1, help="Number of composed pieces of a style.")
    options.add("--styles", nargs="+", smallest=["Techno", "Waltz"])
    options.add("--essentia-python", type=Path)
    options.add("--only", choices=("sections", "features"), help="Judge one half.")
    options.add("--work", type=Path, help="Only for the process that the benchmark starts, like --as.")
    options.add("--as", dest="variant")
    arguments = options.parse()
    if arguments.variant:
        return run_essentia(arguments.work, arguments.composed)
    print_head()
    if arguments.only != "sections" and not (arguments.essentia_python or find_spec("essentia")):
        print("essentia is not measured: `pip install essentia==2.1b6.dev1389` into another environment,")
        print("and name its interpreter by --essentia-python.\n")
    with tempfile.TemporaryDirectory() as temporary:
        rows = []
        if arguments.only != "features":
            rows.append(section_rows(*join_and_embed(Path(temporary), arguments), arguments.hop))
        if arguments.only != "sections":
            rows.append(feature_rows(Path(temporary), arguments))
        print_table(HEAD, chain(*rows))


if __name__ == "__main__":
    main()
