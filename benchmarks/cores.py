"""Simulates `index` on 2 to 32 cores: for how long the network waits, and songs an hour.

    .venv/bin/python benchmarks/cores.py [FOLDER] [--seconds 200] [--precisions int8 bfloat16 float32]

It writes songs in four formats, joined from the clips in FOLDER (tones without FOLDER), and measures the CPU
time of a song: fingerprints, decoding with resampling, the decoding thread and its part with Python's global
lock (GIL), and the network. The simulation shares the cores of a larger machine among the same work
(benchmarks/simulated_pipeline.py). Its songs have these formats in turn, and half to one and a half of the
length. A first look reads a few windows of each song by seeking; `--look-share` is the part of decoding the
song that this takes. Other work is left out: the database takes little, and previews have a low priority.

The first rows check the simulation against the real decoding threads and decoder processes: with the real
network on one and two cores, and beside a network that only sleeps, as long as the network would compute with
that many cores. Such cells have the measured value, and after a slash the simulated one.
"""

from __future__ import annotations

import os
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from common import Options, in_own_process, print_head, print_table
from simulated_pipeline import Machine, Outcome, SongCost, simulate

from explorer.audio.decoder import Decoder
from explorer.embedding.frontend import SAMPLE_RATE_HZ, log_mel, windows
from explorer.indexing.decode_ahead import WINDOWS_PER_STEP, DecodeAhead, decoding_threads
from explorer.indexing.make_previews import count_cores, window_levels
from explorer.library.scanning import scan_folder

RATE_HZ = 44_100
HOP_S = 0.5
WINDOWS_PER_STREAM, MAX_STREAMS = 16, 8
CALIBRATION_WINDOWS = 64
LIBRARY_SONGS = 100_000
GIL_SECONDS = 10.0
HELD_FROM_S = 20e-6
"""A thread that asks for the GIL all the time, and waits longer than this, waited for another thread."""


def write_songs(folder: Path, clips: Path | None, *, seconds: float, copies: int = 1) -> Path:
    """Write stereo songs at 44.1 kHz as MP3, FLAC, Ogg Vorbis and M4A; return the folder."""
    import soundfile

    folder.mkdir()
    for copy in range(copies):
        for number, suffix in enumerate((".mp3", ".flac", ".ogg", ".m4a")):
            samples = _samples(clips, seconds, seed=4 * copy + number)
            path = folder / f"{copy}{number}{suffix}"
            if suffix == ".m4a":
                _write_m4a(path, samples)
                continue
            with soundfile.SoundFile(path, "w", RATE_HZ, 2) as file:
                for start in range(0, len(samples), RATE_HZ):
                    file.write(samples[start : start + RATE_HZ])
    return folder


def _samples(clips: Path | None, seconds: float, *, seed: int) -> np.ndarray:
    """Return music [shape=(m, 2), float32], whose clips' own rates do not matter here."""
    from explorer.audio.decoding import open_audio

    rng, length = np.random.default_rng(seed), int(seconds * RATE_HZ)
    if clips is None:
        times_s = np.arange(length) / RATE_HZ
        tones = sum(np.sin(2 * np.pi * 60 * (seed + 1) * k * times_s) / k for k in (1, 2, 3))
        return (0.2 * tones[:, np.newaxis] + 0.02 * rng.normal(size=(length, 2))).astype(np.float32)
    files, blocks, missing = scan_folder(clips).files, [], length
    while missing > 0:
        for block in open_audio(clips / files[rng.integers(len(files))].native).blocks():
            blocks.append(np.repeat(block, 2, axis=1)[:missing, :2])
            missing -= len(blocks[-1])
            if missing <= 0:
                break
    return np.concatenate(blocks)


def _write_m4a(path: Path, samples: np.ndarray) -> None:
    import av

    with av.open(path, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=RATE_HZ, layout="stereo", bit_rate=256_000)
        for start in range(0, len(samples), 1024):
            block = np.ascontiguousarray(samples[start : start + 1024].T)
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = RATE_HZ, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def measure_song(path: Path, *, rounds: int) -> SongCost:
    """Measure what a song costs; the medians of the CPU times of some rounds."""
    _cpu_s(lambda decoder: decoder.tags(path))  # The first start reads the libraries from the disk.
    costs = [_measure_once(path) for _ in range(rounds)]
    n_windows, *seconds = (statistics.median(values) for values in zip(*costs, strict=True))
    start_s, before_s, decoder_s, thread_s, held = seconds
    before_s, decoder_s = max(0.0, before_s - start_s), max(0.0, decoder_s - start_s)
    return SongCost(int(n_windows), before_s, decoder_s, thread_s, held * thread_s)


def _measure_once(path: Path) -> tuple[float, ...]:
    def read(decoder: Decoder, seconds: float | None = None) -> int:
        count = 0
        blocks = decoder.sound(path, rate_hz=SAMPLE_RATE_HZ, seconds=seconds).blocks()
        for step in windows(blocks, hop_s=HOP_S, batch_size=WINDOWS_PER_STEP):
            window_levels(step)
            count += len(log_mel(step))
        return count

    start_s, *_ = _cpu_s(lambda decoder: decoder.tags(path))
    before_s, *_ = _cpu_s(lambda decoder: decoder.fingerprints(path))
    decoder_s, thread_s, n_windows = _cpu_s(read)
    with Decoder() as decoder:
        held = gil_share(lambda: read(decoder, GIL_SECONDS))
    return n_windows, start_s, before_s, decoder_s, thread_s, held


def _cpu_s(work: Callable[[Decoder], object]) -> tuple[float, float, object]:
    """Return the CPU seconds of a new decoder process, those of this thread, and the result."""

    def children_s() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before_s, thread_before_s = children_s(), time.thread_time()
    with Decoder() as decoder:
        result = work(decoder)
    return children_s() - before_s, time.thread_time() - thread_before_s, result


def gil_share(work: Callable[[], object]) -> float:
    """Return the share of its CPU time for which this thread holds the GIL; too much if the machine is busy.

    Another thread asks for the GIL all the time, and gets it whenever this thread releases it. What this
    thread computes meanwhile, by its own CPU clock, it computes with the GIL.
    """
    clock = time.pthread_getcpuclockid(threading.get_ident())
    stopped, held_s = threading.Event(), 0.0

    def ask() -> None:
        nonlocal held_s
        with Path(os.devnull).open("rb", buffering=0) as nothing:
            before = time.clock_gettime(clock)
            while not stopped.is_set():
                nothing.read(1)  # A system call, during which Python releases the GIL.
                now = time.clock_gettime(clock)
                held_s += now - before if now - before > HELD_FROM_S else 0.0
                before = now

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    thread = threading.Thread(target=ask)
    try:
        thread.start()
        started = time.thread_time()
        work()
        return min(1.0, held_s / (time.thread_time() - started))
    finally:
        stopped.set()
        sys.setswitchinterval(interval)
        thread.join()


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


def measure_network(precision: str, n_windows: int) -> tuple[float, float, float]:
    """Return a window's seconds of a core: in the network, in the check of its input, and in other Python."""
    engine = open_network(precision)
    batch = _log_mels(engine.batch_size)
    engine.embed(batch[:2])
    started, thread_started = time.process_time(), time.thread_time()
    for start in range(0, n_windows, engine.batch_size):
        engine.embed(batch[: n_windows - start])
    thread_s = time.thread_time() - thread_started
    network_s = (time.process_time() - started - thread_s) / n_windows
    started = time.thread_time()
    np.isfinite(batch).all()
    check_s = (time.thread_time() - started) / len(batch)
    return network_s, check_s, max(0.0, thread_s / n_windows - check_s)


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
    return Outcome(ended - started, idle_s)


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


def mixed(costs: Sequence[SongCost], count: int) -> list[SongCost]:
    """Return songs of all formats in turn, whose lengths vary from half to one and a half."""
    factors = np.random.default_rng(0).uniform(0.5, 1.5, count)
    return [scaled(costs[number % len(costs)], factor) for number, factor in enumerate(factors)]


def scaled(cost: SongCost, factor: float) -> SongCost:
    """Return the cost of a song that is `factor` times as long."""
    seconds = (cost.before_s, cost.decoder_s, cost.thread_s, cost.gil_s)
    return SongCost(max(1, round(cost.windows * factor)), *(value * factor for value in seconds))


def first_look(cost: SongCost, n_windows: int, share: float) -> SongCost:
    """Return the cost of a first look at a song."""
    part = min(1.0, n_windows / cost.windows)
    return replace(
        cost,
        windows=min(n_windows, cost.windows),
        decoder_s=cost.decoder_s * share,
        thread_s=cost.thread_s * part,
        gil_s=cost.gil_s * part,
    )


def checked_rows(folder: Path, costs: Sequence[SongCost], networks: dict, arguments) -> Iterator[tuple]:
    """Measure real threads, and yield rows with the measured and the simulated shares of idle time."""
    names = sorted(path.name for path in folder.iterdir())
    factor = arguments.check_seconds / arguments.seconds
    songs = [scaled(costs[int(name[1])], factor) for name in names]
    precision = arguments.precisions[0]
    network_s, *python_s = networks[precision]

    def row(name: str, real: Sequence[Outcome], machine: Machine) -> tuple:
        made = [simulate(songs, machine, threads=n) for n in arguments.check_threads]
        pairs = dict(zip(arguments.check_threads, zip(real, made, strict=True), strict=True))
        cells = [" / ".join(f"{run.idle:.0%}" for run in pairs.get(n, ())) for n in arguments.threads]
        an_hour = " / ".join(f"{3600 * len(songs) / run.seconds:,.0f}" for run in (real[-1], made[-1]))
        return name, machine.cores, *cells, arguments.check_threads[-1], f"{real[-1].idle:.0%}", an_hour, ""

    for cores in range(1, count_cores() + 1):
        measured = in_own_process(run_pipeline, folder, precision, cores, arguments.check_threads)
        yield row(f"checked: {precision}", measured, Machine(cores, network_s, *python_s, batch_size(cores)))
    for cores in arguments.check_speeds:
        machine = Machine(count_cores(), network_s, 0.0, 0.0, batch_size(cores), network_cores=cores)

        def sleep(count: int, _inputs: np.ndarray, seconds: float = network_s / cores) -> None:
            time.sleep(count * seconds)

        measured = [
            run_threads(folder, threads=n, embed=sleep, batch_size=machine.batch_size)
            for n in arguments.check_threads
        ]
        yield row(f"checked: a sleeping network as fast as on {cores} cores", measured, machine)


def simulated_rows(costs: Sequence[SongCost], networks: dict, arguments) -> Iterator[tuple]:
    """Yield a row for the first look and the full pass, each precision and each number of cores."""
    looks = [first_look(cost, arguments.look, arguments.look_share) for cost in costs]
    for is_look, kinds, count in ((False, costs, arguments.songs), (True, looks, 10 * arguments.songs)):
        # A first look takes a few windows of a song of any length.
        songs = [kinds[n % len(kinds)] for n in range(count)] if is_look else mixed(kinds, count)
        for precision, network in networks.items():
            for cores in arguments.cores:
                machine = Machine(cores, *network, batch_size(cores))
                idle = [f"{simulate(songs, machine, threads=n).idle:.0%}" for n in arguments.threads]
                chosen = decoding_threads(first_look=is_look, cores=cores)
                outcome = simulate(songs, machine, threads=chosen)
                an_hour = 3600 * count / outcome.seconds
                name = f"{'first look' if is_look else 'full'}, {precision}"
                hours = f"{LIBRARY_SONGS / an_hour:.1f} h"
                yield name, cores, *idle, chosen, f"{outcome.idle:.0%}", f"{an_hour:,.0f}", hours


def measured_costs(folder: Path, rounds: int) -> Iterator[SongCost]:
    """Measure the song of each format; print and yield its costs."""
    for path in sorted(folder.iterdir()):
        cost = measure_song(path, rounds=rounds)
        times = f"fingerprints {cost.before_s:.2f} s, decoding {cost.decoder_s:.2f} s"
        thread = f"decoding thread {cost.thread_s:.2f} s, of it with the GIL {cost.gil_s:.2f} s"
        print(f"{path.suffix[1:]}: {cost.windows} windows, {times}, {thread}", flush=True)
        yield cost


def measured_networks(precisions: Sequence[str], n_windows: int) -> Iterator[tuple[str, tuple[float, ...]]]:
    """Measure the network in each precision; print and yield its name and costs."""
    for precision in precisions:
        network = in_own_process(measure_network, precision, n_windows)
        network_ms, check_ms, python_ms = (1000 * value for value in network)
        rest = f"its check {check_ms:.2f} ms, Python around it {python_ms:.2f} ms"
        print(f"{precision}: {network_ms:.1f} ms of a core a window, {rest}", flush=True)
        yield precision, network


def main() -> None:
    """Measure, simulate, and print the table."""
    options = Options(__doc__)
    options.add("folder", type=Path, nargs="?")
    options.add("--seconds", type=float, default=200.0, smallest=4.0, help="The length of a song.")
    options.add("--rounds", type=int, default=3, smallest=1)
    precisions = ["int8", "bfloat16", "float32"]
    options.add("--precisions", nargs="+", default=precisions, smallest=["float32"], choices=precisions)
    options.add("--windows", type=int, default=320, smallest=2, help="Windows to measure the network with.")
    options.add("--cores", type=int, nargs="+", default=[2, 4, 8, 16, 32], smallest=[2])
    options.add("--threads", type=int, nargs="+", default=[1, 2, 4, 8, 16], smallest=[1])
    options.add(
        "--songs", type=int, default=200, smallest=4, help="Songs to simulate; ten times as many looks."
    )
    options.add("--look", type=int, default=12, help="Windows of a first look.")
    options.add("--look-share", type=float, default=0.15, help="Of decoding a song, what a first look costs.")
    options.add("--check-copies", type=int, default=2, smallest=1, help="Songs of each format in a check.")
    options.add("--check-seconds", type=float, default=50.0, smallest=2.0)
    options.add("--check-threads", type=int, nargs="+", default=[1, 2, 4], smallest=[1])
    options.add("--check-speeds", type=int, nargs="+", default=[4, 8, 16, 32], smallest=[16])
    arguments = options.parse()
    print_head()
    with tempfile.TemporaryDirectory() as temporary:
        folder = write_songs(Path(temporary) / "songs", arguments.folder, seconds=arguments.seconds)
        checks = write_songs(
            Path(temporary) / "checks",
            arguments.folder,
            seconds=arguments.check_seconds,
            copies=arguments.check_copies,
        )
        costs = list(measured_costs(folder, arguments.rounds))
        networks = dict(measured_networks(arguments.precisions, arguments.windows))
        print()
        idle = [f"idle with {n} thread{'s' if n > 1 else ''}" for n in arguments.threads]
        head = ("songs", "cores", *idle, "threads chosen", "idle", "songs an hour", "100,000 songs")

        def rows() -> Iterator[tuple]:
            yield from checked_rows(checks, costs, networks, arguments)
            yield from simulated_rows(costs, networks, arguments)

        print_table(head, rows())


if __name__ == "__main__":
    main()
