"""Measures what the musical features of songs cost an index run, and how often tempo and key are right.

    .venv/bin/python benchmarks/features.py [FOLDER] [--seconds 200] [--rounds 3] [--precisions int8 float32]
        [--pieces 5]

It writes a song in four formats, joined from the clips in FOLDER (synthetic songs without FOLDER). Each round
embeds these songs with the features and without them, in processes of their own, on all cores: decoding,
log-mels and network, as `index` does, but without the database. The table has the medians of the rounds, and
the cost as a share of embedding without features: of the time, and of the time of all cores together (*CPU*).
int8 is the fastest precision, so features weigh most there. Weights are untrained, which changes no time.

Then tempo and key of the demo's composed pieces are compared with their scores: those that the page calls
sure, and the others. A tempo is right if it is within 4 % of that of the score, or of half or twice that.
Only pieces in a major or minor key are counted for the key. A key is close if it is a fifth away, or is the
relative major or minor key.
"""

from __future__ import annotations

import math
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from common import Options, in_own_process, make_music, print_head, print_table
from cores import HOP_S, open_network, write_songs

RIGHT_OCTAVES = math.log2(1.04)
HEAD = ("songs", "embedding", "with features", "cost", "CPU", "CPU with features", "cost")


def embed(folder: Path, precision: str, features: bool) -> tuple[float, float]:
    """Embed a folder's songs; return the seconds, and the CPU seconds of this process and its decoders."""
    from explorer.indexing.decode_ahead import DecodeAhead, decoding_threads
    from explorer.indexing.local import embed_decoded
    from explorer.indexing.model import Model
    from explorer.indexing.outcomes import Embedded
    from explorer.library.scanning import scan_folder

    engine = open_network(precision)
    files = scan_folder(folder).files
    cpu, started = os.times(), time.perf_counter()
    reading = DecodeAhead(
        folder,
        files,
        prepare=engine.prepare,
        hop_s=HOP_S,
        batch_size=engine.batch_size,
        known=(),
        threads=decoding_threads(),
        features=features,
    )
    model = Model("untrained", "0", False, HOP_S, precision)
    lists = list(embed_decoded(reading, model=model, engine=engine, stop=threading.Event()))
    outcomes = [outcome for outcomes in lists for outcome in outcomes]
    assert all(isinstance(outcome, Embedded) for outcome in outcomes), outcomes
    assert all((outcome.features is not None) == features for outcome in outcomes)
    seconds = time.perf_counter() - started
    return seconds, sum(os.times()[:4]) - sum(cpu[:4])


def cost_rows(folder: Path, arguments) -> Iterator[tuple]:
    """Embed with and without features, in turns, and yield a row for each precision."""
    n_songs = len(list(folder.iterdir()))
    for precision in arguments.precisions:
        rounds: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
        for number in range(arguments.rounds):
            # The first of a pair is now the one and now the other.
            for features in (number % 2 == 1, number % 2 == 0):
                rounds[features].append(in_own_process(embed, folder, precision, features))
        cells = []
        for column in (0, 1):
            without, measured = (
                statistics.median(times[column] for times in rounds[kind]) for kind in (False, True)
            )
            cells += [f"{without:.1f} s", f"{measured:.1f} s", f"{measured / without - 1:+.1%}"]
        yield f"{n_songs} of {arguments.seconds:g} s, {precision}", *cells


def judge(n_pieces: int, n_styles: int) -> list[str]:
    """Measure composed pieces, and return a sentence for each kind of sure and doubtful values."""
    import soxr

    from explorer.audio.feature_meter import METER_RATE_HZ, FeatureMeter
    from explorer.demo.composer import STYLES, compose
    from explorer.structure.keys import camelot_distance, known_key
    from explorer.structure.tempo import known_tempo, octave_difference

    tempi: dict[bool, list[bool]] = {True: [], False: []}
    keys: dict[bool, list[int]] = {True: [], False: []}
    for style in STYLES[-n_styles:]:
        for index in range(n_pieces):
            piece, meter = compose(style, index), FeatureMeter()
            meter.add(soxr.resample(piece.samples.mean(axis=1), 44_100, METER_RATE_HZ))
            found = meter.features()
            tempo = known_tempo(measured_bpm=found.tempo_bpm, confidence=found.tempo_confidence)
            if tempo:
                tempi[tempo.is_sure].append(octave_difference(tempo.bpm, piece.bpm) < RIGHT_OCTAVES)
            key = known_key(measured=found.key, confidence=found.key_confidence)
            truth = known_key(measured=piece.key, confidence=1)
            if key and truth:
                keys[key.is_sure].append(camelot_distance(key, truth))
    sentences = []
    for is_sure, name in ((True, "sure"), (False, "in doubt")):
        right, steps = tempi[is_sure], keys[is_sure]
        sentences += [
            f"Tempo, {name}: {sum(right)} of {len(right)} right.",
            f"Key, {name}: {steps.count(0)} of {len(steps)} right, and {steps.count(1)} close.",
        ]
    return sentences


def main() -> None:
    """Measure, and print the table and the sentences."""
    options = Options(__doc__)
    options.add("folder", type=Path, nargs="?")
    options.add("--seconds", type=float, default=200.0, smallest=4.0, help="The length of a song.")
    options.add("--rounds", type=int, default=3, smallest=1)
    precisions = ["int8", "bfloat16", "float32"]
    options.add("--precisions", nargs="+", default=["int8"], smallest=["float32"], choices=precisions)
    options.add("--pieces", type=int, default=5, smallest=1, help="Composed pieces in each style.")
    options.add("--styles", type=int, default=12, smallest=1, help="Styles of the composer.")
    arguments = options.parse()
    print_head()
    with tempfile.TemporaryDirectory() as temporary:
        source = arguments.folder or make_music(Path(temporary) / "made", songs=3, seconds=5.0)
        folder = write_songs(Path(temporary) / "songs", source, seconds=arguments.seconds)
        print_table(HEAD, cost_rows(folder, arguments))
    print("", *in_own_process(judge, arguments.pieces, arguments.styles), sep="\n")


if __name__ == "__main__":
    main()
