"""What the benchmarks share: options with a smallest size, tables, made-up music, processes to measure."""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import multiprocessing
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

EXPLORER = [sys.executable, "-m", "explorer"]
"""The program, as `run.py` starts it."""

FLOP_PER_WINDOW = 20.4e9
"""Of OpenL3's convolutions, two for each multiplication."""

MIB = 1 << 20
_START_LIMIT_S, _ANSWER_LIMIT_S = 120, 600
_PEAK_IN_BYTES = 1 if sys.platform == "darwin" else 1024


class Options(argparse.ArgumentParser):
    """A benchmark's options. Each option that costs time has a second default, for `--smallest`."""

    def __init__(self, description: str) -> None:
        super().__init__(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
        self._smallest: dict[str, object] = {}

    def add(self, name: str, *, smallest: object = None, **details: object) -> None:
        """Add an option; `smallest` is its default with `--smallest`, where that is another one."""
        action = self.add_argument(name, **details)
        if smallest is not None:
            self._smallest[action.dest] = smallest

    def parse(self) -> argparse.Namespace:
        """Read the command line."""
        sizes = ", ".join(f"{name} {value}" for name, value in self._smallest.items())
        self.add_argument(
            "--smallest", action="store_true", help=f"Show within seconds that the benchmark works: {sizes}."
        )
        if "--smallest" in sys.argv:
            self.set_defaults(**self._smallest)
        return self.parse_args()


def print_head() -> None:
    """Print which benchmark this is, and where and when it runs."""
    words = " ".join([f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    print(f"`{words}`, {processor()}, {os.cpu_count()} cores, {date.today()}\n", flush=True)


def processor() -> str:
    """Return what the processor calls itself."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", info.read_text()) if info.exists() else None
    return found[1].strip() if found else platform.processor() or platform.machine()


def print_table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> None:
    """Print a Markdown table, each row as soon as it is there."""
    print(f"| {' | '.join(map(str, head))} |\n{'|---' * len(head)}|", flush=True)
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |", flush=True)


def in_own_process(function: Callable, *arguments: object) -> object:
    """Call a function where its memory is no part of ours: a child's peak begins with its parent's memory."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def make_music(
    folder: Path, *, songs: int, seconds: float, suffixes: Sequence[str] = (".flac",), repeats: int = 1
) -> Path:
    """Write made-up songs, tones with overtones and some noise at 44.1 kHz; return the folder."""
    import soundfile

    folder.mkdir(parents=True)
    moments = np.arange(int(seconds * 44_100)) / 44_100
    for number in range(songs):
        random = np.random.default_rng(number)
        tone = sum(
            np.sin(2 * np.pi * 60 * (number + 1) * k * moments) * random.random() / k for k in (1, 2, 3)
        )
        samples = 0.2 * tone + 0.02 * random.normal(size=len(moments))
        path = folder / f"{number:03d}{suffixes[number % len(suffixes)]}"
        with soundfile.SoundFile(path, "w", 44_100, 1) as file:
            for _ in range(repeats):
                file.write(samples)
    return folder


def read_samples(path: Path, *, rate_hz: int, seconds: float) -> np.ndarray:
    """Return the first seconds of a file, mono [shape=(m,), float32]; fewer where it is shorter."""
    from explorer.audio.decoding import open_audio

    blocks, missing = [], int(seconds * rate_hz)
    for block in open_audio(path).mono(sample_rate_hz=rate_hz):
        blocks.append(block[:missing])
        missing -= len(blocks[-1])
        if not missing:
            break
    return np.concatenate(blocks)


@dataclass(frozen=True)
class Run:
    """What a command printed, and what it took."""

    output: str
    seconds: float
    peak_mib: float

    @property
    def result(self) -> dict:
        """The JSON object that `--json` prints."""
        return json.loads(self.output.splitlines()[-1])


def run(*arguments: object) -> Run:
    """Run a command of the program in a process of its own; only damaged files may trouble it."""
    command = [*EXPLORER, *map(str, arguments)]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as told:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=told)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 3):
            told.seek(0)
            sys.exit(f"{' '.join(command)} ended with status {process.returncode}: {told.read()[-2000:]}")
        out.seek(0)
        return Run(out.read(), seconds, usage.ru_maxrss * _PEAK_IN_BYTES / MIB)


@contextmanager
def serving(database: Path) -> Iterator[Page]:
    """Run `serve` on a free port, and yield its page."""
    command = [*EXPLORER, "serve", "--no-browser", "--port", "0", "--db", str(database)]
    with tempfile.TemporaryFile("w+") as told:
        started = time.perf_counter()
        server = subprocess.Popen(command, cwd=ROOT, stderr=told, stdout=subprocess.DEVNULL)
        try:
            while not (found := re.search(r"http://\S+:(\d+)/", os.pread(told.fileno(), 10_000, 0).decode())):
                if server.poll() is not None or time.perf_counter() - started > _START_LIMIT_S:
                    sys.exit(f"serve does not start: {os.pread(told.fileno(), 10_000, 0).decode()}")
                time.sleep(0.005)
            yield Page(found[0], int(found[1]), server.pid, started)
        finally:
            server.terminate()
            server.wait()


class Page:
    """The page as a browser asks for it: over one connection, compressed.

    `process` is the server's number, `started` when it was started by `time.perf_counter`.
    """

    def __init__(self, url: str, port: int, process: int, started: float) -> None:
        self.url, self.process, self.started = url, process, started
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_LIMIT_S)
        self._callbacks: list[dict] = []

    def get(self, path: str) -> tuple[bytes, int]:
        """Return an answer's content, and how many bytes were sent for it."""
        return self._ask("GET", path)

    def call(self, output: str, **values: object) -> tuple[bytes, int]:
        """Run the server's callback that makes an output, as `drawing.data`.

        Parameters
        ----------
        values : dict
            What the page's components hold: the id of a component to its value; None for the others.
        """
        if not self._callbacks:
            self._callbacks = json.loads(self.get("/_dash-dependencies")[0])
        callback = next(
            one
            for one in self._callbacks
            if not one.get("clientside_function") and output in one["output"].strip(".").split("...")
        )
        names = callback["output"].strip(".").split("...")
        outputs = [dict(zip(("id", "property"), name.rsplit(".", 1), strict=True)) for name in names]
        inputs, state = (
            [{**item, "value": values.get(item["id"])} for item in callback.get(kind, [])]
            for kind in ("inputs", "state")
        )
        body = {
            "output": callback["output"],
            "outputs": outputs if callback["output"].startswith("..") else outputs[0],
            "inputs": inputs,
            "state": state,
            "changedPropIds": [f"{inputs[0]['id']}.{inputs[0]['property']}"],
        }
        content, sent = self._ask("POST", "/_dash-update-component", json.dumps(body).encode())
        if f'"{output.partition(".")[0]}":'.encode() not in content:
            sys.exit(f"The page did not make {output}: {content[:300]!r}")
        return content, sent

    def _ask(self, method: str, path: str, body: bytes | None = None) -> tuple[bytes, int]:
        headers = {"Accept-Encoding": "gzip"} | ({"Content-Type": "application/json"} if body else {})
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        sent = len(content)
        if answer.headers["Content-Encoding"] == "gzip":
            content = gzip.decompress(content)
        if answer.status != 200:
            sys.exit(f"{path} answered {answer.status}: {content[:300]!r}")
        return content, sent
