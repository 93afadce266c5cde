"""Shared code of the benchmarks: options with a smallest size, tables, synthetic music, measured runs."""

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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

EXPLORER = [sys.executable, "-m", "explorer"]
"""The command that `run.py` starts."""

FLOP_PER_WINDOW = 20.4e9
"""Floating-point operations of OpenL3's convolutions: two for each multiplication."""

CALLBACK_PATH = "/_dash-update-component"
MIB = 1 << 20
_START_LIMIT_S, _RESPONSE_LIMIT_S = 300, 900
_PEAK_IN_BYTES = 1 if sys.platform == "darwin" else 1024


class Options(argparse.ArgumentParser):
    """A benchmark's options. Those that affect the duration have a second default value for `--smallest`."""

    def __init__(self, description: str) -> None:
        super().__init__(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
        self._smallest: dict[str, object] = {}

    def add(self, name: str, *, smallest: object = None, **details: object) -> None:
        """Add an option; `smallest` is its default with `--smallest`, if that differs."""
        action = self.add_argument(name, **details)
        if smallest is not None:
            self._smallest[action.dest] = smallest

    def parse(self) -> argparse.Namespace:
        """Read the command line."""
        sizes = ", ".join(f"{name} {value}" for name, value in self._smallest.items())
        self.add_argument(
            "--smallest", action="store_true", help=f"Check within seconds that the benchmark works: {sizes}."
        )
        if "--smallest" in sys.argv:
            self.set_defaults(**self._smallest)
        return self.parse_args()


def print_head() -> None:
    """Print the benchmark's command, the processor and the date."""
    words = " ".join([f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    print(f"`{words}`, {processor()}, {os.cpu_count()} cores, {date.today()}\n", flush=True)


def processor() -> str:
    """Return the processor's name."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", info.read_text()) if info.exists() else None
    return found[1].strip() if found else platform.processor() or platform.machine()


def print_table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> None:
    """Print a Markdown table, each row as soon as it is computed."""
    print(f"| {' | '.join(map(str, head))} |\n{'|---' * len(head)}|", flush=True)
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |", flush=True)


def in_own_process(function: Callable, *arguments: object) -> object:
    """Call a function in a new process.

    The system counts a parent's memory in the peak memory of its child processes. If the function ran in this
    process, its memory would be counted for every command that is measured later.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def make_music(
    folder: Path, *, songs: int, seconds: float, suffixes: Sequence[str] = (".flac",), repeats: int = 1
) -> Path:
    """Write synthetic songs, tones with overtones and some noise at 44.1 kHz; return the folder."""
    import soundfile

    folder.mkdir(parents=True)
    times_s = np.arange(int(seconds * 44_100)) / 44_100
    for number in range(songs):
        rng = np.random.default_rng(number)
        tone = sum(np.sin(2 * np.pi * 60 * (number + 1) * k * times_s) * rng.random() / k for k in (1, 2, 3))
        samples = 0.2 * tone + 0.02 * rng.normal(size=len(times_s))
        path = folder / f"{number:03d}{suffixes[number % len(suffixes)]}"
        with soundfile.SoundFile(path, "w", 44_100, 1) as file:
            for _ in range(repeats):
                file.write(samples)
    return folder


def read_samples(path: Path, *, rate_hz: int, seconds: float) -> np.ndarray:
    """Return the first seconds of a file, mono [shape=(m,), float32]; the whole file if it is shorter."""
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
    """A command's output, duration and peak memory."""

    output: str
    seconds: float
    peak_mib: float

    @property
    def result(self) -> dict:
        """The JSON object that `--json` prints."""
        return json.loads(self.output.splitlines()[-1])


def run(*arguments: object) -> Run:
    """Run a command of the program in a new process. Status 0 and 3 (some files failed) are accepted."""
    command = [*EXPLORER, *map(str, arguments)]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 3):
            errors.seek(0)
            sys.exit(f"{' '.join(command)} ended with status {process.returncode}: {errors.read()[-2000:]}")
        out.seek(0)
        return Run(out.read(), seconds, usage.ru_maxrss * _PEAK_IN_BYTES / MIB)


@contextmanager
def serving(
    database: Path, *, program: Path = ROOT, environment: Mapping[str, str] | None = None
) -> Iterator[Page]:
    """Run `serve` of the program in a checkout on a free port; yield its page.

    Its songs can be played, wherever the library is from.
    """
    from explorer.database.database import Database

    command = [*EXPLORER, "serve", "--no-browser", "--port", "0", "--db", str(database)]
    with Database.open_readonly(database) as library:
        places = "\n".join(map(json.dumps, library.roots()))
    with tempfile.TemporaryFile("w+") as errors, tempfile.TemporaryDirectory() as configuration:
        # A list of music folders for this server alone: see explorer/library/confirmed_roots.py.
        listed = Path(configuration, "music-explorer", "music-folders.jsonl")
        listed.parent.mkdir()
        listed.write_text(places)
        environment = {**(environment or os.environ), "XDG_CONFIG_HOME": configuration}
        started = time.perf_counter()
        server = subprocess.Popen(
            command, cwd=program, stderr=errors, stdout=subprocess.DEVNULL, env=environment
        )
        try:
            while not (url := re.search(r"http://\S+:(\d+)/", os.pread(errors.fileno(), 10_000, 0).decode())):
                if server.poll() is not None or time.perf_counter() - started > _START_LIMIT_S:
                    sys.exit(f"serve does not start: {os.pread(errors.fileno(), 10_000, 0).decode()}")
                time.sleep(0.005)
            yield Page(url[0], int(url[1]), server.pid, started)
        finally:
            server.terminate()
            server.wait()


class Page:
    """A client that requests the page as a browser does: over one connection, compressed.

    `process` is the server's process id; `started` is the `time.perf_counter()` of its start.
    """

    def __init__(self, url: str, port: int, process: int, started: float) -> None:
        self.url, self.process, self.started = url, process, started
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_RESPONSE_LIMIT_S)
        self._callbacks: list[dict] = []

    def get(self, path: str) -> tuple[bytes, int]:
        """Return a response's content, and the number of bytes that were sent for it."""
        return self._request("GET", path)

    def post(self, path: str, document: object) -> tuple[bytes, int]:
        """Send a JSON document; return as `get` does."""
        return self._request("POST", path, json.dumps(document).encode())

    def call(self, output: str, **values: object) -> tuple[bytes, int]:
        """Run the server's callback that computes an output, for example `drawing.data`.

        Parameters
        ----------
        values : dict
            The values of the page's components, by id; all others are None.
        """
        content, sent = self._request("POST", CALLBACK_PATH, self.callback(output, **values))
        if f'"{output.partition(".")[0]}":'.encode() not in content:
            sys.exit(f"The page did not compute {output}: {content[:300]!r}")
        return content, sent

    def callback(self, output: str, **values: object) -> bytes:
        """Return the body of the request that `call` sends."""
        if not self._callbacks:
            self._callbacks = json.loads(self.get("/_dash-dependencies")[0])
        callback = next(
            candidate
            for candidate in self._callbacks
            if not candidate.get("clientside_function")
            and output in candidate["output"].strip(".").split("...")
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
        return json.dumps(body).encode()

    def _request(self, method: str, path: str, body: bytes | None = None) -> tuple[bytes, int]:
        headers = {"Accept-Encoding": "gzip"} | ({"Content-Type": "application/json"} if body else {})
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        content = response.read()
        sent = len(content)
        if response.headers["Content-Encoding"] == "gzip":
            content = gzip.decompress(content)
        if response.status != 200:
            sys.exit(f"{path} answered with status {response.status}: {content[:300]!r}")
        return content, sent
