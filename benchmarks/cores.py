"""Calculates what `index` does on 2 to 32 cores: for how long the network waits, and songs an hour.

    .venv/bin/python benchmarks/cores.py [FOLDER] [--seconds 200] [--precisions int8 bfloat16 float32]

It writes a song in four formats, joined from the clips in FOLDER (synthetic songs without FOLDER), and
measures its CPU time: fingerprints, decoding with resampling and measuring of features, the decoding thread,
and the network. `predict` shares the cores of a larger machine among the same work. A first look reads a few
windows of each song by seeking; `--look-share` is the part of decoding the song that this takes. Other work
is left out: the database takes little, and previews have a low priority. So is Python's global lock (GIL),
which NumPy and SciPy release while they compute.

The first rows check the calculation against the real decoding threads and decoder processes: with the real
network on one and two cores, and beside a network that only sleeps, as long as the network would compute with
that many cores. Such cells have the measured value, and after a slash the calculated one.
"""

from __future__ import annotations

import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from common import Options, in_own_process, make_music, print_head, print_table
from sampled import FORMATS, encode, stereo_sound

from explorer.audio.decoder import Decoder
from explorer.embedding.frontend import log_mel, windows
from explorer.embedding.window_grid import SAMPLE_RATE_HZ
from explorer.indexing.decode_ahead import WINDOWS_PER_STEP, DecodeAhead, decoding_threads
from explorer.indexing.make_previews import count_cores, window_levels
from explorer.library.scanning import scan_folder

RATE_HZ = 44_100
SONG_FORMATS = ("MP3, 192 kbit/s", "MP4, AAC, 160 kbit/s", "Ogg Vorbis", "FLAC")
HOP_S = 0.5
WINDOWS_PER_STREAM, MAX_STREAMS = 16, 8
CALIBRATION_WINDOWS = 64
LIBRARY_SONGS = 100_000


@dataclass(frozen=True)
class SongCost:
    """What a song costs: the windows that the network embeds, and the seconds of one core before it.

    Attributes
    ----------
    windows : float
    before_s : float
        The decoder process, before the first sample: fingerprints and tags.
    decoder_s : float
        The decoder process, for all samples: decoding, resampling and measuring features.
    thread_s : float
        The decoding thread: receiving samples, windows, log-mels.
    """

    windows: float
    before_s: float
    decoder_s: float
    thread_s: float

    def first_look(self, n_windows: int, share: float) -> SongCost:
        """Return the cost of a first look at the song, which takes a share of decoding it."""
        part = min(1.0, n_windows / self.windows)
        return SongCost(part * self.windows, self.before_s, share * self.decoder_s, part * self.thread_s)


@dataclass(frozen=True)
class Outcome:
    """Songs a second, and the share of time for which the network waits for a batch."""

    songs_per_s: float
    idle: float


def predict(
    costs: Sequence[SongCost], network_s: float, *, cores: int, threads: int, network_cores: int | None = None
) -> Outcome:
    """Calculate the speed of decoding threads and the network that run at the same time.

    While both compute, the system shares the cores equally: the network asks for all of them, and each
    decoding thread for one. If a full queue makes the decoding threads wait, all cores are in use.

    Parameters
    ----------
    costs : sequence of SongCost
        The kinds of songs, equally frequent.
    network_s : float
        Seconds of one core that the network computes for a window.
    network_cores : int, optional
        Let the network have so many cores for itself, beside `cores`.
    """
    decoding_s = statistics.fmean(cost.before_s + cost.decoder_s + cost.thread_s for cost in costs)
    embedding_s = statistics.fmean(cost.windows for cost in costs) * network_s
    alone = min(1.0, cores / threads)
    """The speed of a decoding thread while the network waits, and `beside` while it computes; 1 is a core."""
    if network_cores:
        songs_per_s = min(threads * alone / decoding_s, network_cores / embedding_s)
        return Outcome(songs_per_s, 1 - songs_per_s * embedding_s / network_cores)
    beside = cores / (cores + threads)
    songs_per_s = cores * beside / embedding_s
    # The share of time for which the network must compute, so that it embeds as many songs as are decoded.
    busy = threads * alone / (songs_per_s * decoding_s + threads * (alone - beside))
    if busy >= 1:
        return Outcome(cores / (decoding_s + embedding_s), 0.0)
    return Outcome(busy * songs_per_s, 1 - busy)


def write_songs(folder: Path, source: Path, *, seconds: float, copies: int = 1) -> Path:
    """Write a song of a folder's sound in each format, and copies that begin later; return the folder."""
    folder.mkdir()
    sound = stereo_sound(source, RATE_HZ, seconds)
    for copy in range(copies):
        for name in SONG_FORMATS:
            suffix, codec, _ = FORMATS[name]
            encode(folder / f"{copy}{suffix}", np.roll(sound, -copy * RATE_HZ, axis=1), codec, RATE_HZ)
    return folder


def measure_song(path: Path, *, rounds: int) -> SongCost:
    """Measure what a song costs; the medians of the CPU times of some rounds."""
    _cpu_s(lambda decoder: decoder.tags(path))  # The first start reads the libraries from the disk.
    costs = [_measure_once(path) for _ in range(rounds)]
    n_windows, *seconds = (statistics.median(values) for values in zip(*costs, strict=True))
    start_s, before_s, decoder_s, thread_s = seconds
    return SongCost(n_windows, max(0.0, before_s - start_s), max(0.0, decoder_s - start_s), thread_s)


def _measure_once(path: Path) -> tuple[float, ...]:
    def read(decoder: Decoder) -> int:
        count = 0
        blocks = decoder.sound(path, rate_hz=SAMPLE_RATE_HZ, features=True).blocks()
        for step in windows(blocks, hop_s=HOP_S, batch_size=WINDOWS_PER_STEP):
            window_levels(step)
            count += len(log_mel(step))
        return count

    start_s, *_ = _cpu_s(lambda decoder: decoder.tags(path))
    before_s, *_ = _cpu_s(lambda decoder: decoder.fingerprints(path))
    decoder_s, thread_s, n_windows = _cpu_s(read)
    return n_windows, start_s, before_s, decoder_s, thread_s


def _cpu_s(work: Callable[[Decoder], object]) -> tuple[float, float, object]:
    """Return the CPU seconds of a new decoder process, those of this thread, and the result."""

    def children_s() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before_s, thread_before_s = children_s(), time.thread_time()
    with Decoder() as decoder:
        result = work(decoder)
    return children_s() - before_s, time.thread_time() - thread_before_s, result


def open_network(precision: str):
    """Return an engine with untrained weights, for the cores that this process may use."""
    from explorer.embedding.engines import open_engine, quantised_network
    from explorer.embedding.model_weights import untrained_weights

    weights = untrained_weights()
    network = quantised_network(weights, _log_mels(CALIBRATION_WINDOWS)) if precision == "int8" else None
    return open_engine("openvino", weights, precision=precision, network=network)


def _log_mels(count: int) -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=(count, SAMPLE_RATE_HZ))
    return log_mel(noise.astype(np.float32))


def measure_network(precision: str, n_windows: int) -> float:
    """Return the seconds of a core that the network computes for a window."""
    engine = open_network(precision)
    batch = _log_mels(engine.batch_size)
    engine.embed(batch[:2])
    started = time.process_time()
    for start in range(0, n_windows, engine.batch_size):
        engine.embed(batch[: n_windows - start])
    return (time.process_time() - started) / n_windows


def run_threads(
    folder: Path, *, threads: int, embed: Callable[[int, np.ndarray], object], batch_size: int
) -> Outcome:
    """Run the real decoding threads on the folder's songs, with a network that may be a sleep."""
    files = scan_folder(folder).files
    reading = DecodeAhead(
        folder,
        files,
        prepare=log_mel,
        hop_s=HOP_S,
        batch_size=batch_size,
        known=(),
        threads=threads,
    )
    idle_s, started = 0.0, None
    ended = time.perf_counter()
    for batch in reading.batches():
        idle_s += 0 if started is None else time.perf_counter() - ended
        started = started or time.perf_counter()
        if batch.inputs is not None:
            embed(len(batch.inputs), batch.inputs)
        ended = time.perf_counter()
    seconds = ended - started
    return Outcome(len(files) / seconds, idle_s / seconds)


def run_pipeline(folder: Path, precision: str, cores: int, counts: Sequence[int]) -> list[Outcome]:
    """Run the real threads and the real network on `cores` cores, once for each number of threads."""
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:cores]))
    engine = open_network(precision)

    def embed(_count: int, inputs: np.ndarray) -> object:
        return engine.embed(inputs)

    engine.embed(_log_mels(2))
    return [run_threads(folder, threads=n, embed=embed, batch_size=engine.batch_size) for n in counts]


def batch_size(cores: int) -> int:
    """Return the batch that OpenVINO's engine takes on so many cores."""
    return WINDOWS_PER_STREAM * min(MAX_STREAMS, cores)


def checked_rows(folder: Path, networks: dict[str, float], arguments) -> Iterator[tuple]:
    """Measure real threads, and yield rows with the measured and the calculated shares of idle time."""
    costs = [measure_song(path, rounds=arguments.rounds) for path in sorted(folder.iterdir())]
    precision, network_s = next(iter(networks.items()))

    def row(name: str, measured: Sequence[Outcome], cores: int, network_cores: int | None = None) -> tuple:
        speeds = {"cores": cores, "network_cores": network_cores}
        made = [predict(costs, network_s, threads=n, **speeds) for n in arguments.check_threads]
        pairs = dict(zip(arguments.check_threads, zip(measured, made, strict=True), strict=True))
        cells = [" / ".join(f"{run.idle:.0%}" for run in pairs.get(n, ())) for n in arguments.threads]
        an_hour = " / ".join(f"{3600 * run.songs_per_s:,.0f}" for run in (measured[-1], made[-1]))
        return name, cores, *cells, arguments.check_threads[-1], f"{measured[-1].idle:.0%}", an_hour, ""

    for cores in range(1, count_cores() + 1):
        measured = in_own_process(run_pipeline, folder, precision, cores, arguments.check_threads)
        yield row(f"checked: {precision}", measured, cores)
    for cores in arguments.check_speeds:

        def sleep(count: int, _inputs: np.ndarray, seconds: float = network_s / cores) -> None:
            time.sleep(count * seconds)

        measured = [
            run_threads(folder, threads=n, embed=sleep, batch_size=batch_size(cores))
            for n in arguments.check_threads
        ]
        name = f"checked: a sleeping network as fast as on {cores} cores"
        yield row(name, measured, count_cores(), network_cores=cores)


def calculated_rows(costs: Sequence[SongCost], networks: dict[str, float], arguments) -> Iterator[tuple]:
    """Yield a row for the full pass and the first look, each precision and each number of cores."""
    looks = [cost.first_look(arguments.look, arguments.look_share) for cost in costs]
    for is_look, kinds in ((False, costs), (True, looks)):
        for precision, network_s in networks.items():
            for cores in arguments.cores:
                idle = [
                    f"{predict(kinds, network_s, cores=cores, threads=n).idle:.0%}" for n in arguments.threads
                ]
                chosen = decoding_threads(first_look=is_look, cores=cores)
                outcome = predict(kinds, network_s, cores=cores, threads=chosen)
                an_hour = 3600 * outcome.songs_per_s
                name = f"{'first look' if is_look else 'full'}, {precision}"
                hours = f"{LIBRARY_SONGS / an_hour:.1f} h"
                yield name, cores, *idle, chosen, f"{outcome.idle:.0%}", f"{an_hour:,.0f}", hours


def measured_costs(folder: Path, rounds: int) -> Iterator[SongCost]:
    """Measure the song of each format; print and yield its costs."""
    for path in sorted(folder.iterdir()):
        cost = measure_song(path, rounds=rounds)
        times = f"fingerprints {cost.before_s:.2f} s, decoding {cost.decoder_s:.2f} s"
        thread = f"decoding thread {cost.thread_s:.2f} s"
        print(f"{path.suffix[1:]}: {cost.windows:.0f} windows, {times}, {thread}", flush=True)
        yield cost


def measured_networks(precisions: Sequence[str], n_windows: int) -> Iterator[tuple[str, float]]:
    """Measure the network in each precision; print and yield its name and seconds of a core per window."""
    for precision in precisions:
        network_s = in_own_process(measure_network, precision, n_windows)
        print(f"{precision}: {1000 * network_s:.1f} ms of a core a window", flush=True)
        yield precision, network_s


def main() -> None:
    """Measure, calculate, and print the table."""
    options = Options(__doc__)
    options.add("folder", type=Path, nargs="?")
    options.add("--seconds", type=float, default=200.0, smallest=4.0, help="The length of a song.")
    options.add("--rounds", type=int, default=3, smallest=1)
    precisions = ["int8", "bfloat16", "float32"]
    options.add("--precisions", nargs="+", default=precisions, smallest=["float32"], choices=precisions)
    options.add("--windows", type=int, default=320, smallest=2, help="Windows to measure the network with.")
    options.add("--cores", type=int, nargs="+", default=[2, 4, 8, 16, 32], smallest=[2])
    options.add("--threads", type=int, nargs="+", default=[1, 2, 4, 8, 16], smallest=[1])
    options.add("--look", type=int, default=12, help="Windows of a first look.")
    options.add("--look-share", type=float, default=0.15, help="Of decoding a song, what a first look costs.")
    options.add("--check-copies", type=int, default=2, smallest=1, help="Songs of each format in a check.")
    options.add("--check-seconds", type=float, default=50.0, smallest=2.0)
    options.add("--check-threads", type=int, nargs="+", default=[1, 2, 4], smallest=[1])
    options.add("--check-speeds", type=int, nargs="+", default=[4, 8, 16, 32], smallest=[16])
    arguments = options.parse()
    print_head()
    with tempfile.TemporaryDirectory() as temporary:
        source = arguments.folder or make_music(Path(temporary) / "made", songs=3, seconds=5.0)
        folder = write_songs(Path(temporary) / "songs", source, seconds=arguments.seconds)
        sizes = {"seconds": arguments.check_seconds, "copies": arguments.check_copies}
        checks = write_songs(Path(temporary) / "checks", source, **sizes)
        costs = list(measured_costs(folder, arguments.rounds))
        networks = dict(measured_networks(arguments.precisions, arguments.windows))
        print()
        idle = [f"idle with {n} thread{'s' if n > 1 else ''}" for n in arguments.threads]
        head = ("songs", "cores", *idle, "threads chosen", "idle", "songs an hour", "100,000 songs")

        def rows() -> Iterator[tuple]:
            yield from checked_rows(checks, networks, arguments)
            yield from calculated_rows(costs, networks, arguments)

        print_table(head, rows())


if __name__ == "__main__":
    main()
