"""Tests how `index` handles damaged files: clips are damaged at random, then indexed by the real command.

    .venv/bin/python benchmarks/hostile.py [FOLDER] [--files 400] [--seed 0]

Each file is a clip of FOLDER (a synthetic one without FOLDER) with one or two kinds of damage: see
`MUTATIONS`. Some clips are first encoded in other formats. `index` runs in its own process with untrained
weights and with a hop of 10 s, so that most of the time is used for decoding and not for the network.

The benchmark prints the outcome of each kind of damage, the reasons of failures, and the peak memory of all
processes of the run together (shared pages are counted once; Linux only). The exit status is 1 if the library
does not know a file, if the run ends with a status other than 0 or 3, or if it takes longer than --limit-s.
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
"""The other formats in which clips are encoded and damaged: extension and codec."""

ENCODED_S, ENCODED_RATE_HZ = 12.0, 48_000
HEADER_BYTES = 512
MEASURED_EVERY_S = 0.5

Mutation = Callable[[bytes, np.random.Generator, list[Path]], bytes]
"""Takes a file's bytes, a random generator and all source files; returns the damaged bytes."""


def flip(data: bytes, rng: np.random.Generator, *, max_bits: int, within: int) -> bytes:
    """Flip up to `max_bits` - 1 bits of the first `within` bytes."""
    flipped, count = np.frombuffer(data, np.uint8).copy(), int(rng.integers(1, max_bits))
    positions = rng.integers(0, max(1, min(within, len(data))), count)
    np.bitwise_xor.at(flipped, positions, (1 << rng.integers(0, 8, count)).astype(np.uint8))
    return flipped.tobytes()


def overwrite(data: bytes, rng: np.random.Generator, *, noise: bool) -> bytes:
    """Overwrite a part with noise or zeros, as if a disk had lost a block."""
    begin = int(rng.integers(0, len(data)))
    size = min(int(rng.integers(16, 65_536)), len(data) - begin)
    return data[:begin] + (rng.bytes(size) if noise else bytes(size)) + data[begin + size :]


def splice_header(data: bytes, rng: np.random.Generator, others: list[Path]) -> bytes:
    """Replace the start of the file with the start of another file, or insert that start before it."""
    other = others[rng.integers(len(others))].read_bytes()[: int(rng.integers(4, 4096))]
    return other + data[len(other) if rng.random() < 0.5 else 0 :]


def repeat_piece(data: bytes, rng: np.random.Generator, _others: list[Path]) -> bytes:
    """Repeat a part up to a hundred times."""
    begin = int(rng.integers(0, len(data)))
    piece = data[begin : begin + int(rng.integers(1, 20_000))]
    return data[:begin] + piece * int(rng.integers(2, 100)) + data[begin:]


def write_false_numbers(data: bytes, rng: np.random.Generator, _others: list[Path]) -> bytes:
    """Overwrite numbers in the header, such as lengths, rates and counts, mostly with extreme values."""
    changed = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        width = int(rng.choice([1, 2, 4, 8]))
        offset = int(rng.integers(4, max(5, min(128, len(data) - width))))
        value = (b"\0" * width, b"\xff" * width, b"\x7f" + b"\xff" * (width - 1), rng.bytes(width))
        changed[offset : offset + width] = value[rng.integers(4)]
    return bytes(changed)


MUTATIONS: dict[str, Mutation] = {
    "bits flipped": lambda data, rng, _: flip(data, rng, max_bits=300, within=len(data)),
    "header's bits flipped": lambda data, rng, _: flip(data, rng, max_bits=30, within=HEADER_BYTES),
    "false numbers in the header": write_false_numbers,
    "end cut off": lambda data, rng, _: data[: int(len(data) * rng.random() ** 2)],
    "start cut off": lambda data, rng, _: data[int(len(data) * rng.random() ** 2) :],
    "zeros inside": lambda data, rng, _: overwrite(data, rng, noise=False),
    "noise inside": lambda data, rng, _: overwrite(data, rng, noise=True),
    "noise at the end": lambda data, rng, _: data + rng.bytes(int(rng.integers(1, 500_000))),
    "header of another file": splice_header,
    "part repeated": repeat_piece,
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
    """Return the files to damage: the clips, and `encoded` of them in each of the other formats."""
    folder.mkdir()
    originals = [clips / file.native for file in scan_folder(clips)]
    sources = list(originals)
    for number, (suffix, codec) in enumerate(name.split() for name in ENCODED.split(", ")):
        for clip in rng.choice(len(originals), min(encoded, len(originals)), replace=False):
            samples = read_samples(originals[clip], rate_hz=ENCODED_RATE_HZ, seconds=ENCODED_S)
            sources.append(folder / f"{number}-{clip}-{codec}{suffix}")
            encode(samples, sources[-1], codec)
    return sources


def mutate(sources: list[Path], folder: Path, files: int, rng: np.random.Generator) -> dict[bytes, str]:
    """Write damaged files; return the kind of damage of each, by its name."""
    kinds, kind_of, suffixes = list(MUTATIONS), {}, sorted(AUDIO_EXTENSIONS)
    for number in range(files):
        kind = kinds[number % len(kinds)]
        source = sources[rng.integers(len(sources))]
        data, suffix = source.read_bytes(), source.suffix
        chosen = [kind] if kind != "two of these" else list(rng.choice(kinds[:-1], 2))
        for mutation in chosen:
            # The first of two kinds of damage can leave an empty file.
            data = MUTATIONS[mutation](data or b"\0", rng, sources)
        if "other extension" in chosen:
            suffix = suffixes[rng.integers(len(suffixes))]
        target = folder / f"{number:05d} {kind.replace(' ', '-')} {source.stem[:40]}{suffix}"
        target.write_bytes(data)
        kind_of[os.fsencode(target.name)] = kind
    return kind_of


class MemoryWatch(threading.Thread):
    """A thread that measures the memory of a process and its descendants until `stop` is called."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak_bytes = 0
        self._pid, self._should_end = pid, threading.Event()
        self.start()

    def run(self) -> None:
        """Measure every `MEASURED_EVERY_S` seconds."""
        import psutil

        while not self._should_end.wait(MEASURED_EVERY_S):
            with suppress(psutil.Error):
                parent = psutil.Process(self._pid)
                processes = [parent, *parent.children(recursive=True)]
                used_bytes = sum(getattr(each.memory_full_info(), "pss", 0) for each in processes)
                self.peak_bytes = max(self.peak_bytes, used_bytes)

    def stop(self) -> None:
        """End the thread."""
        self._should_end.set()
        self.join()


def index(folder: Path, database: Path, *, precision: str, limit_s: float) -> tuple[dict, int]:
    """Run `index`; return its result, and the peak memory of all its processes in bytes."""
    command = [*EXPLORER, "index", str(folder), "--db", str(database), "--no-map", "--no-previews", "--json"]
    command += ["--weights", "untrained", "--hop", "10", "--precision", precision]
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True)
        watch = MemoryWatch(process.pid)
        try:
            out, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            sys.exit(f"The run did not end within {limit_s:g} s.")
        finally:
            watch.stop()
        if process.returncode not in (0, 3):
            errors.seek(0)
            sys.exit(f"{errors.read()[-4000:]}\nThe run ended with status {process.returncode}.")
    return json.loads(out.splitlines()[-1]), watch.peak_bytes


def outcome_rows(database: Path, folder: Path, kinds: dict[bytes, str]) -> tuple[list[tuple], list[str]]:
    """Return a row for each kind of damage and one for all, and the files that the library does not know."""
    with Database.open_readonly(database) as library:
        known = library.known_files_under(folder)
    counts = Counter((kind, known[path].failed) for path, kind in kinds.items() if path in known)
    rows = [(kind, counts[kind, False], counts[kind, True]) for kind in MUTATIONS]
    rows.append(("all", sum(row[1] for row in rows), sum(row[2] for row in rows)))
    return rows, [os.fsdecode(path) for path in kinds if path not in known]


def main() -> None:
    """Damage files, index them, and print the outcome."""
    options = Options(__doc__)
    options.add("folder", type=Path, nargs="?", help="A folder of clips, which are not changed.")
    options.add("--files", type=int, default=400, smallest=24)
    options.add(
        "--encoded", type=int, default=5, smallest=1, help="Clips to encode in each of the other formats."
    )
    options.add("--seed", type=int, default=0)
    options.add("--precision", default="bfloat16", smallest="float32")
    options.add("--limit-s", type=float, default=3600.0)
    arguments = options.parse()
    if find_spec("psutil") is None:
        sys.exit("hostile.py needs psutil, which is not installed: pip install -r requirements-dev.lock")
    rng = np.random.default_rng(arguments.seed)
    print_head()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        temporary = Path(name).resolve()
        folder = temporary / "files"
        folder.mkdir()
        suffixes = (".flac", ".mp3", ".ogg")
        clips = arguments.folder or make_music(temporary / "clips", songs=3, seconds=3.0, suffixes=suffixes)
        sources = gather(clips, temporary / "sources", rng, encoded=arguments.encoded)
        kinds = mutate(sources, folder, arguments.files, rng)
        limits = {"precision": arguments.precision, "limit_s": arguments.limit_s}
        summary, peak_bytes = index(folder, temporary / "songs.db", **limits)
        rows, unknown = outcome_rows(temporary / "songs.db", folder, kinds)
    print_table(("damage", "indexed", "failed"), rows)
    print(f"\nIndexed files with the same sound as another file: {summary['copied']}")
    print("\nReasons of failures:")
    for reason, count in summary["reasons"].items():
        print(f"  {count:,} × {reason}")
    print(f"Peak memory: {peak_bytes // MIB:,} MiB")
    print(f"Time: {time.monotonic() - started:.0f} s")
    print(f"Files that the library does not know: {len(unknown)} {' '.join(unknown[:10])}")
    sys.exit(bool(unknown))


if __name__ == "__main__":
    main()
