"""How long `serve` takes from its start to the first byte of the page and to the first map.

    .venv/bin/python benchmarks/startup.py [--songs 1000] [--runs 5]

Makes a songs.db of random vectors in a temporary folder, starts `run.py serve` on it again and again,
and prints the medians beside the time that importing Dash and its components takes alone, which no
Dash page can beat.
"""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from explorer.indexing.model import Model  # noqa: E402
from explorer.library.database import Database  # noqa: E402
from explorer.library.records import Map, ScannedFile, Song, Tags  # noqa: E402


def make_library(path: Path, n_songs: int) -> None:
    """Store so many songs with random vectors and positions."""
    rng = np.random.default_rng(0)
    with Database.open(path) as database:
        root = database.add_root(path.parent)
        database.claim_model(Model("untrained", "0" * 64, False, 0.5, "float32").record())
        with database.transaction():
            for number in range(n_songs):
                tags = Tags(f"Song {number}", (f"Artist {number % 97}",), "Album", (f"Genre {number % 12}",))
                file = ScannedFile(b"%d.mp3" % number, 1, 1)
                song = Song(file, tags, f"{number:032x}", "mp3/mp3", 180.0)
                database.store_song(root, song, rng.normal(size=512))
        ids, _ = database.vectors()
        names = ("pca", "tsne", "umap")
        database.store_map(
            Map(
                song_ids=ids,
                positions={name: rng.normal(size=(n_songs, 2)) for name in names},
                parameters={name: {} for name in names},
                quality={name: {} for name in names},
                labels=np.arange(n_songs) % 12,
                cluster_names=[f"Cluster {k}" for k in range(12)],
                anthems=ids[:12],
            )
        )


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def time_serve(database: Path) -> tuple[float, float]:
    """Return seconds to the page's first byte and to the first drawing's last."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    command = [sys.executable, "run.py", "serve", "--no-browser", "--port", str(port), "--db", str(database)]
    started = time.perf_counter()
    server = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                with urllib.request.urlopen(url, timeout=5) as response:
                    response.read(1)
                break
            except OSError:
                time.sleep(0.005)
        first_byte = time.perf_counter() - started
        urllib.request.urlopen(url + "_dash-layout", timeout=10).read()
        draw(url)
        return first_byte, time.perf_counter() - started
    finally:
        server.terminate()
        server.wait()


def draw(url: str) -> bytes:
    """Ask for the map as the page does."""
    with urllib.request.urlopen(url + "_dash-dependencies", timeout=10) as response:
        callbacks = json.load(response)
    (wanted,) = [item for item in callbacks if "drawing.data" in item["output"]]
    values = {"projection": "tsne", "colouring": "cluster", "clusters": 12, "theme": "dark"}
    names = wanted["output"].strip(".").split("...")
    body = {
        "output": wanted["output"],
        "outputs": [dict(zip(("id", "property"), name.rsplit(".", 1), strict=True)) for name in names],
        "inputs": [{**item, "value": values[item["id"]]} for item in wanted["inputs"]],
        "changedPropIds": ["theme.data"],
    }
    request = urllib.request.Request(
        url + "_dash-update-component", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return response.read()


def time_imports() -> float:
    """Return seconds that a process takes to import Dash, its components and Plotly."""
    code = "import dash, dash_mantine_components, plotly.graph_objects as go; go.Figure()"
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started


def main() -> None:
    """Measure by turns, and print medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--songs", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "songs.db"
        make_library(database, arguments.songs)
        rows = [(*time_serve(database), time_imports()) for _ in range(arguments.runs)]
    first_byte, drawn, imports = (statistics.median(column) for column in zip(*rows, strict=True))
    print(f"{arguments.songs:,} songs, median of {arguments.runs} runs")
    print(f"  importing Dash alone       {imports:5.2f} s   1.0")
    print(f"  serve to the first byte    {first_byte:5.2f} s   {first_byte / imports:.1f}")
    print(f"  serve to the first map     {drawn:5.2f} s   {drawn / imports:.1f}")


if __name__ == "__main__":
    main()
