"""What a coarser hop costs: how far a song's vector moves, and how many of its neighbours it keeps.

    .venv/bin/python benchmarks/hop.py FOLDER [--songs 48] [--seconds 14] [--precision float32]

The first seconds of some songs of FOLDER are embedded at OpenL3's own hop of 0.1 s. Coarser hops are
multiples of it, so that their windows are among those, and their vectors are pooled from them.
Windows that only a coarser hop has, at the end in the padding, are embedded too. Weights are OpenL3's
where they are at hand, else untrained filters: the first line says which.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from explorer.audio.decoding import open_audio  # noqa: E402
from explorer.config import Settings  # noqa: E402
from explorer.embedding.engines import Engine, open_engine  # noqa: E402
from explorer.embedding.frontend import SAMPLE_RATE_HZ, count_windows, windows  # noqa: E402
from explorer.embedding.pooling import pool  # noqa: E402
from explorer.embedding.precision import least_cosine, neighbours_kept  # noqa: E402
from explorer.embedding.weights import find_weights, find_weights_here  # noqa: E402
from explorer.library.scanning import scan_folder  # noqa: E402

FINEST_S = 0.1
MULTIPLES = (1, 2, 5, 10, 20)


def samples_of(path: Path, seconds: float) -> np.ndarray:
    """Return the first seconds of a file at 48 kHz."""
    blocks, count = [], 0
    for block in open_audio(path).mono(sample_rate_hz=SAMPLE_RATE_HZ):
        blocks.append(block)
        count += len(block)
        if count >= seconds * SAMPLE_RATE_HZ:
            break
    return np.concatenate(blocks)[: int(seconds * SAMPLE_RATE_HZ)]


def vectors_by_hop(engine: Engine, samples: np.ndarray) -> list[np.ndarray]:
    """Return one song's vector for each of the hops."""
    # Zeros after the end are what the windows of a coarser hop are filled with.
    longest = int(max(MULTIPLES) * FINEST_S * SAMPLE_RATE_HZ)
    padded = np.concatenate([samples, np.zeros(longest, np.float32)])
    batches = windows([padded], hop_s=FINEST_S, batch_size=engine.batch_size)
    frames = np.concatenate([engine.embed(engine.prepare(batch)) for batch in batches])
    vectors = []
    for multiple in MULTIPLES:
        count = count_windows(len(samples), hop_s=multiple * FINEST_S)
        vectors.append(pool(frames[::multiple][:count]))
    return vectors


def main() -> None:
    """Embed the songs and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--songs", type=int, default=48)
    parser.add_argument("--seconds", type=float, default=14.0)
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    arguments = parser.parse_args()
    models = Settings().models
    weights = find_weights_here(None, models_dir=models) or find_weights("untrained", models_dir=models)
    engine = open_engine("openvino", weights, precision=arguments.precision)
    files = list(scan_folder(arguments.folder))
    chosen = [files[int(i)] for i in np.linspace(0, len(files) - 1, min(arguments.songs, len(files)))]
    songs = []
    for file in chosen:
        samples = samples_of(arguments.folder / file.native, arguments.seconds)
        songs.append(vectors_by_hop(engine, samples))
        print(f"\r{len(songs)} of {len(chosen)}", end="", file=sys.stderr, flush=True)
    by_hop = np.array(songs).swapaxes(0, 1)
    print(file=sys.stderr)
    print(f"{weights.name} weights, {len(chosen)} songs of {arguments.seconds:g} s, {arguments.precision}")
    print("| hop | windows a second | least cosine | ten nearest neighbours kept |")
    print("|---|---|---|---|")
    for multiple, vectors in zip(MULTIPLES, by_hop, strict=True):
        hop_s = multiple * FINEST_S
        cosine, kept = least_cosine(vectors, by_hop[0]), neighbours_kept(vectors, by_hop[0])
        print(f"| {hop_s:.1f} s | {1 / hop_s:g} | {cosine:.4f} | {kept:.0%} |")


if __name__ == "__main__":
    main()
