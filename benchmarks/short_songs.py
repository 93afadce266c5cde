"""Short songs, copies of them and broken files, to index again and again."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import mutagen
import numpy as np
import soundfile

from explorer.audio.decoding import open_audio
from explorer.errors import ExplorerError

RATE_HZ = 44_100
SONG_S = 6.0


def write_music(folder: Path, clips: Path | None, *, songs: int, rng: random.Random) -> int:
    """Write short songs, copies, retagged copies and broken files; return how many files."""
    folder.mkdir()
    sources = sorted(path for path in clips.rglob("*") if path.is_file()) if clips else []
    rng.shuffle(sources)
    written = []
    for number in range(songs):
        samples = _clip(sources, rng) if clips else _made_up(number)
        path = folder / f"{number:02d}.{('flac', 'ogg', 'mp3')[number % 3]}"
        soundfile.write(path, samples, RATE_HZ)
        written.append(path)
    for number, path in enumerate(written[:: max(1, songs // 4)]):
        shutil.copy(path, folder / f"copy {number}{path.suffix}")
        retagged = folder / f"retagged {number}{path.suffix}"
        shutil.copy(path, retagged)
        tags = mutagen.File(retagged, easy=True)
        tags.tags is None and tags.add_tags()
        tags.update({"title": f"Another title {number}", "genre": "Retagged"})
        tags.save()
    (folder / "11 broken.mp3").write_bytes(b"no sound at all " * 100)
    (folder / "empty.flac").touch()
    (folder / "cut.flac").write_bytes(written[0].read_bytes()[:300])
    return sum(1 for _ in folder.iterdir())


def _clip(sources: list[Path], rng: random.Random) -> np.ndarray:
    """Return six seconds from the next clip that has them [shape=(m,)]."""
    while sources:
        try:
            blocks = list(open_audio(sources.pop()).mono(sample_rate_hz=RATE_HZ))
        except ExplorerError:
            continue
        samples = np.concatenate(blocks) if blocks else np.zeros(0)
        if (room := len(samples) - int(SONG_S * RATE_HZ)) > 0:
            start = rng.randrange(room)
            return samples[start : start + int(SONG_S * RATE_HZ)]
    raise SystemExit(
        "The folder holds too few clips that are longer than six seconds: ask for fewer --songs."
    )


def _made_up(number: int) -> np.ndarray:
    noise = np.random.default_rng(number)
    moment = np.arange(int(SONG_S * RATE_HZ)) / RATE_HZ
    tone = sum(noise.random() / k * np.sin(2 * np.pi * k * 60 * (number + 1) * moment) for k in range(1, 6))
    return (0.2 * tone + 0.02 * noise.normal(size=len(moment))).astype(np.float32)
