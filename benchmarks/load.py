"""Measures how the server answers while many others listen, read slowly, upload or ask for heavy work.

    .venv/bin/python benchmarks/load.py [--program CHECKOUT] [--songs 2000] [--seconds 30] [--scale 1]

Each situation has its own server (`serve`) over a made-up library with its map. *Askers* use the page as
people do: each asks for the map, a search, a song's neighbours or its details, and about a second later for
the next. The table has the time until their answers were there. *Listeners* play a song as a browser does:
they ask for a range, take half a megabyte at once and the rest at the song's own rate; every ten seconds they
go to another song or place. *Slow readers* take 1 kB/s of a file of 1 GB.

An error is an answer that is neither a success nor 429 or 503, a connection that breaks, wrong bytes of a
song, an asker who gets no answer within 30 s, or a listener who waits for more than 2 s. *Refused* counts the
answers 429 and 503. *Memory* is the peak of the server and its child processes; *in TMPDIR* is the peak size
of the files that the server has open there, deleted ones included.

With --program, the same is measured for the program in another checkout, before this one.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import math
import os
import random
import re
import socket
import statistics
import sys
import tempfile
import time
import wave
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import numpy as np
from common import (
    CALLBACK_PATH,
    MIB,
    ROOT,
    Options,
    Page,
    in_own_process,
    make_music,
    print_head,
    print_table,
    serving,
)

SONG_BYTES_PER_S, BURST_BYTES, LISTEN_S = 40_000, 512 << 10, 10
PATIENCE_S, STALL_S = 30, 2
UPLOAD_BYTES = 40 << 20
_FAILURES = (OSError, EOFError, TimeoutError, ValueError)


@dataclass(frozen=True)
class Place:
    """A made-up library: its files, and the ids of songs that have them."""

    database: Path
    song: Path
    ids: list[str]
    hours: list[str]
    giant: str


def make_place(folder: Path, program: Path, songs: int, hour_s: float, giant_bytes: int) -> Place:
    """Store a library with the program in a checkout. Its songs share three files."""
    sys.path[:0] = [str(program), str(program / "benchmarks")]
    from dataclasses import replace

    from synthetic import make_library

    from explorer.database.database import Database
    from explorer.indexing.model import Model
    from explorer.library.music_file import ScannedFile

    song = next(make_music(folder / "sound", songs=1, seconds=min(hour_s, 300)).iterdir())
    hour = folder / "sound" / "hour.flac"
    next(
        make_music(folder / "hour", songs=1, seconds=min(hour_s, 60), repeats=int(hour_s / 60) or 1).iterdir()
    ).rename(hour)
    giant = folder / "sound" / "giant.wav"
    with wave.open(str(giant), "wb") as file:
        file.setparams((2, 2, 44_100, (giant_bytes - 44) // 4, "NONE", ""))
    os.truncate(giant, giant_bytes)
    library, ids = make_library(songs), []
    music = folder / "music"
    music.mkdir()
    with Database.open(folder / "songs.db") as database:
        root = database.add_root(music)
        database.claim_model(Model("untrained", "0" * 64, False, 0.5, "float32").record())
        with database.transaction():
            for number, (made_up, vector) in enumerate(zip(library.songs, library.vectors, strict=True)):
                source = giant if number == 0 else hour if number <= 12 else song
                path = music / f"{number:05d}{source.suffix}"
                path.hardlink_to(source)
                state = path.stat()
                file = ScannedFile(path.name.encode(), state.st_size, state.st_mtime_ns)
                form = "wav/pcm_s16le" if source is giant else "flac/flac"
                ids.append(database.store_song(root, replace(made_up, file=file, format=form), vector))
    return Place(folder / "songs.db", song, ids[13:], ids[1:13], ids[0])


@dataclass
class Tally:
    """What the clients of one situation saw."""

    statuses: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    waits_s: list[float] = field(default_factory=list)
    peak_memory: int = 0
    peak_temporary: int = 0


class Client:
    """A connection to the server, in an event loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port: int, *, buffer_bytes: int = 1 << 16) -> Client:
        """Connect; the system keeps at most `buffer_bytes` that were not read yet."""
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        connection.setblocking(False)
        try:
            await asyncio.wait_for(
                asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port)), PATIENCE_S
            )
        except BaseException:
            connection.close()
            raise
        return cls(*await asyncio.open_connection(sock=connection, limit=buffer_bytes))

    async def __aenter__(self) -> Client:
        """Return the client."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Break the connection."""
        self.writer.transport.abort()

    async def head(self) -> tuple[int, dict[str, str]]:
        """Read an answer's status and headers."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        return int(lines[0].split()[1]), headers

    async def ask(self, request: bytes) -> int:
        """Send a request and read the whole answer; return its status."""
        self.writer.write(request)
        status, headers = await self.head()
        if "content-length" in headers:
            await self.reader.readexactly(int(headers["content-length"]))
        elif headers.get("transfer-encoding") == "chunked":
            while size := int(await self.reader.readline(), 16):
                await self.reader.readexactly(size + 2)
            await self.reader.readline()
        return status


def get(path: str, *headers: str) -> bytes:
    """Return a GET request."""
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


class Situation:
    """The clients of one measurement."""

    def __init__(self, page: Page, place: Place, seconds: float) -> None:
        self.tally = Tally()
        self._page, self._place = page, place
        self._port = int(page.url.rstrip("/").rpartition(":")[2])
        self._seconds = seconds
        self._random = random.Random(0)
        self._requests = self._prepare()

    def _prepare(self) -> list[bytes]:
        """Return the askers' requests, after one of each kind was answered."""
        self._page.get("/")
        latest = json.loads(self._page.get("/latest")[0])
        revision = latest["revision"]

        def post(output: str, **values: object) -> bytes:
            self._page.call(output, **values)
            body = self._page.callback(output, **values)
            headers = f"Content-Type: application/json\r\nContent-Length: {len(body)}"
            return f"POST {CALLBACK_PATH} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n\r\n".encode() + body

        requests = [post("drawing.data", look={"projection": "pca", "theme": "dark"})]
        for text in ("a", "be", "mon", "ro che"):
            requests.append(post("searched.data", search=text))
            index = self._random.randrange(len(self._place.ids))
            requests += [get(f"/neighbours/{revision}/{index}"), get(f"/songs/{revision}/{index}")]
        return requests

    def run(self, *clients: tuple[int, Coroutine]) -> Tally:
        """Run clients of several kinds, so many of each, until the time is over."""
        asyncio.run(self._run(clients))
        return self.tally

    async def _run(self, kinds: tuple) -> None:
        self._end = time.perf_counter() + self._seconds
        watcher = asyncio.create_task(self._watch())
        tasks = [asyncio.create_task(kind(number)) for count, kind in kinds for number in range(count)]
        for task in tasks:
            try:
                await task
            except _FAILURES as error:
                self.tally.errors[f"{type(error).__name__}: {error}"] += 1
        watcher.cancel()

    def _is_over(self) -> bool:
        return time.perf_counter() >= self._end

    async def _watch(self) -> None:
        while True:
            memory, temporary = usage(self._page.process)
            self.tally.peak_memory = max(self.tally.peak_memory, memory)
            self.tally.peak_temporary = max(self.tally.peak_temporary, temporary)
            await asyncio.sleep(0.2)

    def _count(self, status: int) -> None:
        self.tally.statuses[status] += 1
        if status >= 400 and status not in (429, 503):
            self.tally.errors[f"status {status}"] += 1

    async def asker(self, number: int) -> None:
        """Ask for one thing after the other over one connection, as a page does."""
        await asyncio.sleep(self._random.random())
        requests = itertools.islice(itertools.cycle(self._requests), number, None)
        while not self._is_over():
            with contextlib.suppress(*_FAILURES):
                async with await Client.open(self._port) as client:
                    await self._ask(client, requests)

    async def _ask(self, client: Client, requests: itertools.islice) -> None:
        while not self._is_over():
            started = time.perf_counter()
            try:
                self._count(await asyncio.wait_for(client.ask(next(requests)), PATIENCE_S))
            except _FAILURES as error:
                self.tally.errors[f"asker: {type(error).__name__} {error}"] += 1
                raise
            finally:
                self.tally.waits_s.append(time.perf_counter() - started)
            await asyncio.sleep(0.5 + self._random.random())

    async def listener(self, number: int) -> None:
        """Play songs: ten seconds of each, from the beginning or another place."""
        content = np.memmap(self._place.song, dtype=np.uint8, mode="r")
        await asyncio.sleep(self._random.random() * min(LISTEN_S, self._seconds / 2))
        while not self._is_over():
            song = self._place.ids[self._random.randrange(len(self._place.ids))]
            start = self._random.choice((0, self._random.randrange(len(content))))
            try:
                async with await Client.open(self._port) as client:
                    await self._listen(client, song, content, start)
            except _FAILURES as error:
                self.tally.errors[f"listener: {type(error).__name__} {error}"] += 1
                await asyncio.sleep(1)

    async def _listen(self, client: Client, song: str, content: np.ndarray, start: int) -> None:
        client.writer.write(get(f"/audio/{quote(song, safe='')}", f"Range: bytes={start}-"))
        status, headers = await asyncio.wait_for(client.head(), STALL_S)
        self._count(status)
        if status != 206 or headers["content-range"] != f"bytes {start}-{len(content) - 1}/{len(content)}":
            raise ValueError(f"status {status}")
        stop, pauses = min(start + BURST_BYTES, len(content)), itertools.repeat(0.25, 4 * LISTEN_S)
        while start < stop and not self._is_over():
            block = await asyncio.wait_for(client.reader.read(stop - start), STALL_S)
            if not block or block != content[start : start + len(block)].tobytes():
                raise ValueError("wrong bytes" if block else "the answer ends too early")
            start += len(block)
            if start == stop and (pause := next(pauses, None)):
                await asyncio.sleep(pause)
                stop = min(stop + int(pause * SONG_BYTES_PER_S), len(content))

    async def slow_reader(self, _number: int) -> None:
        """Read 1 kB/s of the file of 1 GB."""
        async with await Client.open(self._port, buffer_bytes=4096) as client:
            client.writer.write(get(f"/audio/{quote(self._place.giant, safe='')}", "Range: bytes=0-"))
            status, _ = await asyncio.wait_for(client.head(), PATIENCE_S)
            self._count(status)
            while not self._is_over():
                if not await asyncio.wait_for(client.reader.read(1000), PATIENCE_S):
                    raise EOFError("slow reader: the answer ends too early")
                await asyncio.sleep(1)

    async def heavy_asker(self, number: int) -> None:
        """Ask for the spectrogram of an hour until it is there."""
        song = self._place.hours[number % len(self._place.hours)]
        request = get(f"/spectrogram/{quote(song, safe='')}")
        while not self._is_over():
            async with await Client.open(self._port) as client:
                try:
                    status = await asyncio.wait_for(client.ask(request), self._end - time.perf_counter())
                except TimeoutError:
                    return  # Still at work.
            self._count(status)
            if status != 503:
                return
            await asyncio.sleep(2)

    async def uploader(self, number: int) -> None:
        """Drop a song of 40 MB on the map, once."""
        head = (
            f"POST /uploads?name={number}.wav HTTP/1.1\r\nHost: localhost\r\nContent-Length: {UPLOAD_BYTES}"
        )
        async with await Client.open(self._port) as client:
            answer = asyncio.create_task(client.head())
            client.writer.write(f"{head}\r\nContent-Type: application/octet-stream\r\n\r\n".encode())
            with contextlib.suppress(OSError):
                for block in upload_blocks():
                    if answer.done():
                        break
                    client.writer.write(block)
                    await asyncio.wait(
                        (asyncio.create_task(client.writer.drain()), answer), return_when="FIRST_COMPLETED"
                    )
            status, _ = await asyncio.wait_for(answer, PATIENCE_S)
            self._count(status)


def upload_blocks():
    """Yield the bytes of a silent WAV file."""
    head = b"RIFF" + (UPLOAD_BYTES - 8).to_bytes(4, "little") + b"WAVEfmt \x10\0\0\0\1\0\2\0"
    head += (44_100).to_bytes(4, "little") + (176_400).to_bytes(4, "little") + b"\4\0\x10\0data"
    head += (UPLOAD_BYTES - 44).to_bytes(4, "little")
    block = bytes(1 << 18)
    yield head + block[len(head) :]
    for _ in range(UPLOAD_BYTES // len(block) - 1):
        yield block


def usage(process: int) -> tuple[int, int]:
    """Return the memory of a process and its children, and the size of its open files in TMPDIR, in bytes.

    Both are 0 if the system has no /proc.
    """
    folder = Path(f"/proc/{process}")
    memory = temporary = 0
    try:
        memory = int(re.search(r"VmRSS:\s+(\d+)", (folder / "status").read_text())[1]) * 1024
        for name in (folder / "fd").iterdir():
            with contextlib.suppress(OSError):
                if "/load-tmp-" in str(name.readlink()):
                    temporary += name.stat().st_size
        children = " ".join(path.read_text() for path in (folder / "task").glob("*/children"))
    except (OSError, TypeError):
        return memory, temporary
    for child in children.split():
        memory += usage(int(child))[0]
    return memory, temporary


def situations(scale: float, *, together: bool) -> dict[str, list[tuple[int, str]]]:
    """Return the clients of each situation: how many of which kind."""

    def sized(**kinds: int) -> list[tuple[int, str]]:
        return [(max(1, round(count * scale)), kind) for kind, count in kinds.items()]

    if together:
        return {"all at once": sized(listener=200, slow_reader=50, heavy_asker=12, uploader=60, asker=50)}
    return {
        "only askers": sized(asker=20),
        "50 listeners": sized(listener=50, asker=20),
        "200 listeners": sized(listener=200, asker=20),
        "50 slow readers of 1 GB": sized(slow_reader=50, asker=50),
        "12 spectrograms of an hour": sized(heavy_asker=12, asker=20),
        "60 uploads of 40 MB at once": sized(uploader=60, asker=20),
    }


def measure(program: Path, arguments) -> dict[str, Tally]:
    """Yield the name and the tally of each situation."""
    with tempfile.TemporaryDirectory(prefix="load-") as name:
        folder = Path(name)
        sizes = (arguments.songs, arguments.hour_s, int(arguments.giant_gb * 1e9))
        place = in_own_process(make_place, folder, program, *sizes)
        in_own_process(make_map, program, place.database)
        for title, kinds in situations(arguments.scale, together=arguments.together).items():
            temporary = Path(tempfile.mkdtemp(prefix="load-tmp-", dir=folder))
            environment = os.environ | {"TMPDIR": str(temporary)}
            with serving(place.database, program=program, environment=environment) as page:
                situation = Situation(page, place, arguments.seconds)
                tally = situation.run(*((count, getattr(situation, kind)) for count, kind in kinds))
            for error, count in tally.errors.most_common(3):
                print(f"{title}: {error} ({count} times)", file=sys.stderr, flush=True)
            yield f"{title}, {kinds[-1][0]} askers", tally


def make_map(program: Path, database: Path) -> None:
    """Make a library's map with the program in a checkout."""
    import subprocess

    command = [sys.executable, "-m", "explorer", "map", "--db", str(database), "--projection", "pca"]
    subprocess.run(command, cwd=program, check=True, capture_output=True)


def rows(programs: list[Path], arguments):
    """Yield the rows of the table."""
    for program in programs:
        label = "this" if program == ROOT else program.name
        for title, tally in measure(program, arguments):
            waits = sorted(tally.waits_s) or [math.nan]
            p99 = waits[math.ceil(0.99 * len(waits)) - 1]
            shown = (f"{1000 * wait:,.0f} ms" for wait in (statistics.median(waits), p99, waits[-1]))
            refused = tally.statuses[429] + tally.statuses[503]
            sizes = (f"{size / MIB:,.0f} MiB" for size in (tally.peak_memory, tally.peak_temporary))
            yield title, label, tally.statuses.total(), tally.errors.total(), refused, *shown, *sizes


def main() -> None:
    """Print the table."""
    options = Options(__doc__)
    options.add("--program", type=Path, action="append", default=[], help="Also measure this checkout.")
    options.add("--songs", type=int, default=2000, smallest=60)
    options.add("--seconds", type=float, default=30, smallest=1.5)
    options.add("--together", action="store_true", smallest=True, help="Measure all clients at once.")
    options.add("--scale", type=float, default=1, smallest=0.05, help="A factor for the numbers of clients.")
    options.add("--hour-s", type=float, default=3600, smallest=5, help="The length of the hour of sound.")
    options.add("--giant-gb", type=float, default=1, smallest=0.01)
    arguments = options.parse()
    print_head()
    head = ("situation", "program", "requests", "errors", "refused", "median", "99 % within", "longest")
    programs = [*(program.resolve() for program in arguments.program), ROOT]
    print_table((*head, "memory", "in TMPDIR"), rows(programs, arguments))


if __name__ == "__main__":
    main()
