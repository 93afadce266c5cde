"""What becomes of damaged files: real clips are mutated by chance, and indexed by the real command.

    .venv/bin/python benchmarks/hostile.py --folder CLIPS [--files 1000] [--seed 0] [--no-previews]

Each file is a clip, some of them first encoded in other formats, to which one or two things are done: bits
are flipped, ends are cut off, holes of zeros are punched, headers of other formats are spliced on, pieces
are doubled, noise is written over some of it or put behind it, the fields of its header are other numbers,
its extension is another format's. The index runs in a process of its own with a hop of 10 s, so that it is
the decoding that takes the time, and not the network, and with untrained filters.

Printed are what became of each kind, the reasons, and the peak memory of all the run's processes together
(shared pages counted once; Linux only). The exit status is 1 if a file is unaccounted for, the run ends
otherwise than with 0 or 3, or it takes longer than --limit-s.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from explorer.audio.decoding import open_audio  # noqa: E402
from explorer.audio.isolated import Decoder  # noqa: E402
from explorer.library.database import Database  # noqa: E402
from explorer.library.scanning import AUDIO_EXTENSIONS, scan_folder  # noqa: E402

HOP_S = 10.0
FINE = (0, 3)
# Suffix, codec, sample format.
ENCODED = (
    (".wav", "pcm_s16le", "s16"),
    (".aiff", "pcm_s24be", "s32"),
    (".flac", "flac", "s16"),
    (".m4a", "aac", "fltp"),
    (".m4a", "alac", "s16p"),
    (".mp3", "libmp3lame", "s16p"),
    (".opus", "libopus", "s16"),
    (".wma", "wmav2", "fltp"),
    (".wv", "wavpack", "s16p"),
    (".tta", "tta", "s16"),
    (".webm", "libopus", "s16"),
    (".ac3", "ac3", "fltp"),
)
CLIPS_PER_FORMAT = 5
ENCODED_S = 12.0
ENCODED_RATE_HZ = 48_000
HEADER_BYTES = 512
SAMPLED_EVERY_S = 0.5

Mutation = Callable[[bytes, np.random.Generator, list[Path]], bytes]


def flip_bits(data: bytes, rng: np.random.Generator, _others: list[Path]) -> bytes:
    """Flip up to 300 bits anywhere."""
    return _flip(data, rng, count=int(rng.integers(1, 300)), within=len(data))


def flip_header_bits(data: bytes, rng: np.random.Generator, _others: list[Path]) -> bytes:
    """Flip up to 30 bits of the beginning."""
    return _flip(data, rng, count=int(rng.integers(1, 30)), within=HEADER_BYTES)


def _flip(data: bytes, rng: np.random.Generator, *, count: int, within: int) -> bytes:
    flipped = np.frombuffer(data, np.uint8).copy()
    places = rng.integers(0, max(1, min(within, len(data))), count)
    np.bitwise_xor.at(flipped, places, (1 << rng.integers(0, 8, count)).astype(np.uint8))
    return flipped.tobytes()


def cut_end(data: bytes, rng: np.random.Generator, _others: list[Path]) -> bytes:
    """Cut the end off, as a download does that breaks off; sometimes all but a few bytes."""
    return data[: int(len(data) * rng.random() ** 2)]


def cut_start(data: bytes, rng: np.random.Generator, _others: list[Path]) -> bytes:
    """Cut the beginning off, the header with it."""
    return data[int(len(data) * rng.random() ** 2) :]


def punch_holes(data: bytes, rng: np.random.Generator, _others: list[Path]) -> bytes:
    """Put zeros where a disk has lost its blocks."""
    holed = bytearray(data)
    for _ in range(rng.integers(1, 6)):
        begin = int(rng.integers(0, len(data)))
        size = min(int(rng.integers(512, 65_536)), len(data) - begin)
        holed[begin : begin + size] = bytes(size)
    return bytes(holed)


def overwrite(data: bytes, rng: np.random.Generator, _others: list[Path]) -> bytes:
    """Write noise over a part."""
    begin = int(rng.integers(0, len(data)))
    size = min(int(rng.integers(16, 65_536)), len(data) - begin)
    return data[:begin] + rng.bytes(size) + data[begin + size :]


def splice_header(data: bytes, rng: np.random.Generator, others: list[Path]) -> bytes:
    """Put another file's beginning in the place of its own, or before it."""
    other = others[rng.integers(len(others))].read_bytes()[: int(rng.integers(4, 4096))]
    return other + data[len(other) if rng.random() < 0.5 else 0 :]


def double_pieces(data: bytes, rng: np.random.Generator, _others: list[Path]) -> bytes:
    """Repeat a piece, up to a hundred times."""
    begin = int(rng.integers(0, len(data)))
    piece = data[begin : begin + int(rng.integers(1, 20_000))]
    return data[:begin] + piece * int(rng.integers(2, 100)) + data[begin:]


def add_tail(data: bytes, rng: np.random.Generator, _others: list[Path]) -> bytes:
    """Put noise behind it."""
    return data + rng.bytes(int(rng.integers(1, 500_000)))


def lie(data: bytes, rng: np.random.Generator, _others: list[Path]) -> bytes:
    """Write other numbers, large ones above all, into the header: lengths, rates, counts."""
    lying = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        width = int(rng.choice([1, 2, 4, 8]))
        place = int(rng.integers(4, max(5, min(128, len(data) - width))))
        value = (b"\0" * width, b"\xff" * width, b"\x7f" + b"\xff" * (width - 1), rng.bytes(width))
        lying[place : place + width] = value[rng.integers(4)]
    return bytes(lying)


def nothing(data: bytes, _rng: np.random.Generator, _others: list[Path]) -> bytes:
    """Leave it as it is: only its extension is another's."""
    return data


MUTATIONS: dict[str, Mutation] = {
    "bits flipped": flip_bits,
    "header's bits flipped": flip_header_bits,
    "header lies": lie,
    "end cut off": cut_end,
    "start cut off": cut_start,
    "holes of zeros": punch_holes,
    "noise within": overwrite,
    "noise behind": add_tail,
    "other header": splice_header,
    "piece repeated": double_pieces,
    "other extension": nothing,
    "two of these": nothing,
}


def encode(source: Path, target: Path, codec: str, sample_format: str) -> None:
    """Write a clip's beginning in another format."""
    blocks, count = [], 0
    for block in open_audio(source).mono(sample_rate_hz=ENCODED_RATE_HZ):
        blocks.append(block)
        count += len(block)
        if count >= ENCODED_S * ENCODED_RATE_HZ:
            break
    samples = np.concatenate(blocks)[None, : int(ENCODED_S * ENCODED_RATE_HZ)]
    with av.open(str(target), "w") as container:
        stream = container.add_stream(codec, rate=ENCODED_RATE_HZ, layout="mono", format=sample_format)
        stream.bit_rate = 128_000
        stream.codec_context.open()
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), "flt", "mono")
        frame.sample_rate = ENCODED_RATE_HZ
        resampler = av.AudioResampler(
            format=sample_format,
            layout="mono",
            rate=ENCODED_RATE_HZ,
            frame_size=stream.codec_context.frame_size or 4096,
        )
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def gather(clips: Path, folder: Path, rng: np.random.Generator) -> list[Path]:
    """Return what is to be mutated: the clips, and some of them in other formats."""
    found = [clips / file.native for file in scan_folder(clips)]
    sources = list(found)
    for number, (suffix, codec, sample_format) in enumerate(ENCODED):
        for clip in rng.choice(len(found), min(CLIPS_PER_FORMAT, len(found)), replace=False):
            target = folder / f"{number}-{clip}-{codec}{suffix}"
            encode(found[clip], target, codec, sample_format)
            sources.append(target)
    return sources


def mutate(sources: list[Path], folder: Path, files: int, rng: np.random.Generator) -> dict[bytes, str]:
    """Write mutated files; return what was done to each."""
    kinds, done = list(MUTATIONS), {}
    suffixes = sorted(AUDIO_EXTENSIONS)
    for number in range(files):
        kind = kinds[number % len(kinds)]
        source = sources[rng.integers(len(sources))]
        data, suffix = source.read_bytes(), source.suffix
        chosen = [kind] if kind != "two of these" else list(rng.choice(kinds[:-1], 2))
        for one in chosen:
            # Something may be left to do nothing to.
            data = MUTATIONS[one](data or b"\0", rng, sources)
        if "other extension" in chosen:
            suffix = suffixes[rng.integers(len(suffixes))]
        target = folder / f"{number:05d} {kind.replace(' ', '-')} {source.stem[:40]}{suffix}"
        target.write_bytes(data)
        done[os.fsencode(target.name)] = kind
    return done


@dataclass
class Watch:
    """Watches the memory of a process and all that it starts, in a thread."""

    pid: int
    peak_bytes: int = 0
    largest_decoder_bytes: int = 0
    decoders: set[int] = field(default_factory=set)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Watch:
        """Begin."""
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        """End."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(SAMPLED_EVERY_S):
            total = 0
            for pid in _family(self.pid):
                # It may have ended meanwhile.
                with suppress(OSError, StopIteration):
                    used = _memory_of(pid)
                    total += used
                    if b"decoder_process" in Path(f"/proc/{pid}/cmdline").read_bytes():
                        self.decoders.add(pid)
                        self.largest_decoder_bytes = max(self.largest_decoder_bytes, used)
            self.peak_bytes = max(self.peak_bytes, total)


def _family(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            children.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(
                int(stat.parent.name)
            )
    family = [pid]
    for one in family:
        family += children.get(one, [])
    return family


def _memory_of(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("Pss:")).split()[1])


def outcomes(database: Path, folder: Path, kinds: dict[bytes, str]) -> tuple[dict[str, Counter], list[str]]:
    """Read what became of each file: by kind, and the files of which nothing is known.

    Known are those whose sound is, packet for packet, that of a file before them.
    """
    with Database.open_readonly(database) as library:
        known = library.known_files_under(folder.resolve())
    songs = sorted(path for path in kinds if path in known and not known[path].failed)
    seen, copies = set(), set()
    with Decoder() as decoder:
        for path in songs:
            marks = decoder.marks(folder / os.fsdecode(path)).all
            if not seen.isdisjoint(marks):
                copies.add(path)
            seen |= marks
    counts = {kind: Counter() for kind in MUTATIONS}
    for path, kind in kinds.items():
        if path in known:
            how = "failed" if known[path].failed else "known" if path in copies else "embedded"
            counts[kind][how] += 1
    return counts, [os.fsdecode(path) for path in kinds if path not in known]


def print_table(counts: dict[str, Counter]) -> None:
    """Print what became of each kind."""
    columns = ("embedded", "known", "failed")
    print(f"| | {' | '.join(columns)} |\n|---|---|---|---|")
    for kind, count in counts.items():
        print(f"| {kind} | {' | '.join(str(count[column]) for column in columns)} |")
    total = sum(counts.values(), Counter())
    print(f"| all | {' | '.join(str(total[column]) for column in columns)} |\n")


def main() -> int:
    """Mutate, index, and print what became of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, required=True, help="Real clips; they are only read.")
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument("--no-previews", action="store_true")
    parser.add_argument("--limit-s", type=float, default=3600.0)
    parser.add_argument("--keep", type=Path, help="Keep the files and the library in this new folder.")
    arguments = parser.parse_args()
    base = arguments.keep or Path(tempfile.mkdtemp())
    base.mkdir(exist_ok=True)
    try:
        return measure(arguments, base)
    finally:
        if not arguments.keep:
            shutil.rmtree(base, ignore_errors=True)


def measure(arguments: argparse.Namespace, base: Path) -> int:
    """Do as asked in a folder; return the exit status."""
    rng = np.random.default_rng(arguments.seed)
    for name in ("sources", "files"):
        (base / name).mkdir()
    folder, database = base / "files", base / "songs.db"
    kinds = mutate(gather(arguments.folder, base / "sources", rng), folder, arguments.files, rng)
    command = [sys.executable, str(ROOT / "run.py"), "index", str(folder), "--db", str(database), "--json"]
    command += ["--weights", "untrained", "--hop", str(HOP_S), "--precision", arguments.precision, "--no-map"]
    command += ["--no-previews"] if arguments.no_previews else []
    began = time.monotonic()
    with (base / "said.txt").open("w") as said:
        run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True)
        with Watch(run.pid) as watch:
            try:
                out, _ = run.communicate(timeout=arguments.limit_s)
            except subprocess.TimeoutExpired:
                run.kill()
                run.communicate()
                print(f"The run was not done after {arguments.limit_s:g} s.")
                return 1
    took_s = time.monotonic() - began
    if run.returncode not in FINE:
        print((base / "said.txt").read_text()[-4000:])
        print(f"The run ended with status {run.returncode}.")
        return 1
    counts, lost = outcomes(database, folder, kinds)
    print_table(counts)
    return 1 if tell(json.loads(out.splitlines()[-1]), watch, took_s, lost, base) else 0


def tell(summary: dict, watch: Watch, took_s: float, lost: list[str], base: Path) -> bool:
    """Print the rest; tell whether a file is unaccounted for."""
    print("Why files failed:")
    for reason, count in summary["reasons"].items():
        print(f"  {count:,} × {reason}")
    ended = sum(
        count for reason, count in summary["reasons"].items() if "its decoder" in reason or "memory" in reason
    )
    print(
        f"Decoders that crashed, hung or were out of memory: {ended} (processes seen: {len(watch.decoders)})"
    )
    said = [line for line in (base / "said.txt").read_text().splitlines() if line.startswith("No preview")]
    print(f"Previews that could not be made: {len(said)}")
    for line in said:
        print(f"  {line}")
    if watch.peak_bytes:
        print(
            f"Peak memory: {watch.peak_bytes >> 20:,} MiB, of which a decoder at most "
            f"{watch.largest_decoder_bytes >> 20:,} MiB"
        )
    print(f"Time: {took_s:.0f} s")
    print(f"Unaccounted for: {len(lost)} {' '.join(lost[:10])}")
    return bool(lost)


if __name__ == "__main__":
    sys.exit(main())
