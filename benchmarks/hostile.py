"""What becomes of damaged files: clips are mutated by chance, and indexed by the real command.

    .venv/bin/python benchmarks/hostile.py [FOLDER] [--files 400] [--seed 0]

Each file is a clip of FOLDER (made-up ones without it), some of them first encoded in other formats, to which
one or two things are done: see `MUTATIONS`. `index` runs in a process of its own with a hop of 10 s, so that
decoding takes the time and not the network, and with untrained filters.

Printed are what became of each kind, the reasons, and the peak memory of all the run's processes together
(shared pages counted once; Linux only). The exit status is 1 if a file is unaccounted for, the run ends
otherwise than with 0 or 3, or it takes longer than --limit-s.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import av
import numpy as np
from common import EXPLORER, MIB, ROOT, Options, make_music, print_head, print_table, read_samples

from explorer.database.database import Database
from explorer.library.scanning import AUDIO_EXTENSIONS, scan_folder

ENCODED = (
    ".wav pcm_s16le, .aiff pcm_s24be, .flac flac, .m4a aac, .m4a alac, .mp3 libmp3lame, .opus libopus, "
    ".wma wmav2, .wv wavpack, .tta tta, .webm libopus, .ac3 ac3"
)
"""In which other formats clips are damaged: extension and codec."""

ENCODED_S, ENCODED_RATE_HZ = 12.0, 48_000
HEADER_BYTES = 512
SAMPLED_EVERY_S = 0.5

Mutation = Callable[[bytes, np.random.Generator, list[Path]], bytes]
"""From a file's bytes, chance and all other files to the bytes that are written."""


def flip(data: bytes, rng: np.random.Generator, *, most: int, within: int) -> bytes:
    """Flip some bits of the first bytes."""
    flipped, count = np.frombuffer(data, np.uint8).copy(), int(rng.integers(1, most))
    places = rng.integers(0, max(1, min(within, len(data))), count)
    np.bitwise_xor.at(flipped, places, (1 << rng.integers(0, 8, count)).astype(np.uint8))
    return flipped.tobytes()


def overwrite(data: bytes, rng: np.random.Generator, *, noise: bool) -> bytes:
    """Write noise or zeros over a part, as where a disk has lost a block."""
    begin = int(rng.integers(0, len(data)))
    size = min(int(rng.integers(16, 65_536)), len(data) - begin)
    return data[:begin] + (rng.bytes(size) if noise else bytes(size)) + data[begin + size :]


def splice_header(data: bytes, rng: np.random.Generator, others: list[Path]) -> bytes:
    """Put another file's beginning in the place of its own, or before it."""
    other = others[rng.integers(len(others))].read_bytes()[: int(rng.integers(4, 4096))]
    return other + data[len(other) if rng.random() < 0.5 else 0 :]


def repeat_piece(data: bytes, rng: np.random.Generator, _others: list[Path]) -> bytes:
    """Repeat a piece, up to a hundred times."""
    begin = int(rng.integers(0, len(data)))
    piece = data[begin : begin + int(rng.integers(1, 20_000))]
    return data[:begin] + piece * int(rng.integers(2, 100)) + data[begin:]


def write_false_numbers(data: bytes, rng: np.random.Generator, _others: list[Path]) -> bytes:
    """Write other numbers, large ones above all, into the header: lengths, rates, counts."""
    changed = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        width = int(rng.choice([1, 2, 4, 8]))
        place = int(rng.integers(4, max(5, min(128, len(data) - width))))
        value = (b"\0" * width, b"\xff" * width, b"\x7f" + b"\xff" * (width - 1), rng.bytes(width))
        changed[place : place + width] = value[rng.integers(4)]
    return bytes(changed)


MUTATIONS: dict[str, Mutation] = {
    "bits flipped": lambda data, rng, _: flip(data, rng, most=300, within=len(data)),
    "header's bits flipped": lambda data, rng, _: flip(data, rng, most=30, within=HEADER_BYTES),
    "false numbers in the header": write_false_numbers,
    "end cut off": lambda data, rng, _: data[: int(len(data) * rng.random() ** 2)],
    "start cut off": lambda data, rng, _: data[int(len(data) * rng.random() ** 2) :],
    "zeros within": lambda data, rng, _: overwrite(data, rng, noise=False),
    "noise within": lambda data, rng, _: overwrite(data, rng, noise=True),
    "noise behind": lambda data, rng, _: data + rng.bytes(int(rng.integers(1, 500_000))),
    "other header": splice_header,
    "piece repeated": repeat_piece,
    "other extension": lambda data, _rng, _others: data,
    "two of these": lambda data, _rng, _others: data,
}


def encode(samples: np.ndarray, target: Path, codec: str) -> None:
    """Write samples in another format."""
    layout = {"rate": ENCODED_RATE_HZ, "layout": "mono", "format": av.Codec(codec, "w").audio_formats[0].name}
    with av.open(str(target), "w") as container:
        stream = container.add_stream(codec, **layout)
        stream.bit_rate = 128_000
        stream.codec_context.open()
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), "flt", "mono")
        frame.sample_rate = ENCODED_RATE_HZ
        resampler = av.AudioResampler(**layout, frame_size=stream.codec_context.frame_size or 4096)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def gather(clips: Path, folder: Path, rng: np.random.Generator, *, encoded: int) -> list[Path]:
    """Return what is to be mutated: the clips, and some of them in each of the other formats."""
    folder.mkdir()
    found = [clips / file.native for file in scan_folder(clips)]
    sources = list(found)
    for number, (suffix, codec) in enumerate(name.split() for name in ENCODED.split(", ")):
        for clip in rng.choice(len(found), min(encoded, len(found)), replace=False):
            samples = read_samples(found[clip], rate_hz=ENCODED_RATE_HZ, seconds=ENCODED_S)
            sources.append(folder / f"{number}-{clip}-{codec}{suffix}")
            encode(samples, sources[-1], codec)
    return sources


def mutate(sources: list[Path], folder: Path, files: int, rng: np.random.Generator) -> dict[bytes, str]:
    """Write mutated files; return what was done to each."""
    kinds, done, suffixes = list(MUTATIONS), {}, sorted(AUDIO_EXTENSIONS)
    for number in range(files):
        kind = kinds[number % len(kinds)]
        source = sources[rng.integers(len(sources))]
        data, suffix = source.read_bytes(), source.suffix
        chosen = [kind] if kind != "two of these" else list(rng.choice(kinds[:-1], 2))
        for one in chosen:
            # The first may have left nothing.
            data = MUTATIONS[one](data or b"\0", rng, sources)
        if "other extension" in chosen:
            suffix = suffixes[rng.integers(len(suffixes))]
        target = folder / f"{number:05d} {kind.replace(' ', '-')} {source.stem[:40]}{suffix}"
        target.write_bytes(data)
        done[os.fsencode(target.name)] = kind
    return done


class Watch(threading.Thread):
    """Samples the memory of a process and all that it starts, until it is told to stop."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak_bytes = 0
        self._pid, self._over = pid, threading.Event()
        self.start()

    def run(self) -> None:
        """Sample."""
        import psutil

        while not self._over.wait(SAMPLED_EVERY_S):
            with suppress(psutil.Error):
                first = psutil.Process(self._pid)
                family = [first, *first.children(recursive=True)]
                used = sum(getattr(one.memory_full_info(), "pss", 0) for one in family)
                self.peak_bytes = max(self.peak_bytes, used)

    def stop(self) -> None:
        """End."""
        self._over.set()
        self.join()


def index(folder: Path, database: Path, *, precision: str, limit_s: float) -> tuple[dict, int]:
    """Index; return the command's result, and the peak memory of all its processes in bytes."""
    command = [*EXPLORER, "index", str(folder), "--db", str(database), "--no-map", "--no-previews", "--json"]
    command += ["--weights", "untrained", "--hop", "10", "--precision", precision]
    with tempfile.TemporaryFile("w+") as told:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=told, text=True)
        watch = Watch(process.pid)
        try:
            out, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            sys.exit(f"The run was not done after {limit_s:g} s.")
        finally:
            watch.stop()
        if process.returncode not in (0, 3):
            told.seek(0)
            sys.exit(f"{told.read()[-4000:]}\nThe run ended with status {process.returncode}.")
    return json.loads(out.splitlines()[-1]), watch.peak_bytes


def outcome_rows(database: Path, folder: Path, kinds: dict[bytes, str]) -> tuple[list[tuple], list[str]]:
    """Return what became of each kind of file, all of them last, and the files of which nothing is known."""
    with Database.open_readonly(database) as library:
        known = library.known_files_under(folder)
    counts = Counter((kind, known[path].failed) for path, kind in kinds.items() if path in known)
    rows = [(kind, counts[kind, False], counts[kind, True]) for kind in MUTATIONS]
    rows.append(("all", sum(row[1] for row in rows), sum(row[2] for row in rows)))
    return rows, [os.fsdecode(path) for path in kinds if path not in known]


def main() -> None:
    """Mutate, index, and print what became of it."""
    options = Options(__doc__)
    options.add("folder", type=Path, nargs="?", help="Of clips; they are only read.")
    options.add("--files", type=int, default=400, smallest=24)
    options.add("--encoded", type=int, default=5, smallest=1, help="Clips that are encoded in each format.")
    options.add("--seed", type=int, default=0)
    options.add("--precision", default="bfloat16", smallest="float32")
    options.add("--limit-s", type=float, default=3600.0)
    arguments = options.parse()
    if find_spec("psutil") is None:
        sys.exit("hostile.py needs psutil, which is not installed: pip install -r requirements-dev.txt")
    rng = np.random.default_rng(arguments.seed)
    print_head()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name).resolve()
        folder = place / "files"
        folder.mkdir()
        suffixes = (".flac", ".mp3", ".ogg")
        clips = arguments.folder or make_music(place / "clips", songs=3, seconds=3.0, suffixes=suffixes)
        sources = gather(clips, place / "sources", rng, encoded=arguments.encoded)
        kinds = mutate(sources, folder, arguments.files, rng)
        limits = {"precision": arguments.precision, "limit_s": arguments.limit_s}
        summary, peak_bytes = index(folder, place / "songs.db", **limits)
        rows, lost = outcome_rows(place / "songs.db", folder, kinds)
    print_table(("damage", "indexed", "failed"), rows)
    print(f"\nOf the indexed, with the sound of another file: {summary['copied']}")
    print("\nWhy files failed:")
    for reason, count in summary["reasons"].items():
        print(f"  {count:,} × {reason}")
    print(f"Peak memory: {peak_bytes // MIB:,} MiB")
    print(f"Time: {time.monotonic() - began:.0f} s")
    print(f"Unaccounted for: {len(lost)} {' '.join(lost[:10])}")
    sys.exit(bool(lost))


if __name__ == "__main__":
    main()
