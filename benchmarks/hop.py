"""Measures the effect of a larger hop: how much a song's vector changes, and how many neighbours it keeps.

    .venv/bin/python benchmarks/hop.py [FOLDER] [--songs 47] [--seconds 5] [--precision bfloat16]

The benchmark embeds the first seconds of some songs of FOLDER (of synthetic songs without FOLDER) at OpenL3's
own hop of 0.1 s. Every larger hop is a multiple of 0.1 s, so its windows are a subset of these windows. Its
vectors are pooled from that subset. Weights are OpenL3's if they are installed, otherwise untrained; the
first line states which.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from common import Options, make_music, print_head, print_table, read_samples

from explorer.config import Settings
from explorer.embedding.engines import Engine, open_engine
from explorer.embedding.frontend import SAMPLE_RATE_HZ, count_windows, windows
from explorer.embedding.model_weights import find_local_weights, find_weights
from explorer.embedding.pooling import pool
from explorer.embedding.precision import min_cosine, neighbours_kept
from explorer.library.scanning import scan_folder

SMALLEST_HOP_S = 0.1


def vectors_by_hop(engine: Engine, samples: np.ndarray, multiples: list[int]) -> list[np.ndarray]:
    """Return one song's vector for each hop, given as a multiple of `SMALLEST_HOP_S`."""
    # The last window of a larger hop can start after the last window of the smallest hop. Zeros are appended
    # for it.
    longest = int(max(multiples) * SMALLEST_HOP_S * SAMPLE_RATE_HZ)
    padded = np.concatenate([samples, np.zeros(longest, np.float32)])
    batches = windows([padded], hop_s=SMALLEST_HOP_S, batch_size=engine.batch_size)
    frames = np.concatenate([engine.embed(engine.prepare(batch)) for batch in batches])
    counts = [count_windows(len(samples), hop_s=multiple * SMALLEST_HOP_S) for multiple in multiples]
    return [pool(frames[::multiple][:count]) for multiple, count in zip(multiples, counts, strict=True)]


def embed_songs(folder: Path, engine: Engine, arguments) -> np.ndarray:
    """Return the vectors of songs spread over a folder [shape=(hops, songs, 512)]."""
    files = list(scan_folder(folder))
    chosen = [files[int(i)] for i in np.linspace(0, len(files) - 1, min(arguments.songs, len(files)))]
    length = {"rate_hz": SAMPLE_RATE_HZ, "seconds": arguments.seconds}
    songs = (read_samples(folder / file.native, **length) for file in chosen)
    return np.array([vectors_by_hop(engine, song, arguments.multiples) for song in songs]).swapaxes(0, 1)


def main() -> None:
    """Embed the songs and print the table."""
    options = Options(__doc__)
    options.add("folder", type=Path, nargs="?")
    options.add("--songs", type=int, default=47, smallest=2)
    options.add("--seconds", type=float, default=5.0, smallest=0.3)
    options.add("--multiples", type=int, nargs="+", default=[1, 2, 5, 10, 20], smallest=[1, 2])
    options.add("--precision", default="bfloat16", smallest="float32", choices=["float32", "bfloat16"])
    arguments = options.parse()
    print_head()
    models = Settings().models
    weights = find_local_weights(None, models_dir=models) or find_weights("untrained", models_dir=models)
    engine = open_engine("openvino", weights, precision=arguments.precision)
    sizes = {"songs": arguments.songs, "seconds": arguments.seconds}
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or make_music(Path(temporary) / "songs", **sizes)
        by_hop = embed_songs(folder, engine, arguments)
    print(f"{weights.name} weights, {len(by_hop[0])} songs\n")

    def row(multiple: int, vectors: np.ndarray) -> tuple:
        hop_s, cosine = multiple * SMALLEST_HOP_S, min_cosine(vectors, by_hop[0])
        kept = neighbours_kept(vectors, by_hop[0])
        return f"{hop_s:.1f} s", f"{1 / hop_s:g}", f"{cosine:.4f}", f"{kept:.0%}"

    head = ("hop", "windows a second", "least cosine", "ten nearest neighbours kept")
    print_table(head, map(row, arguments.multiples, by_hop))


if __name__ == "__main__":
    main()
