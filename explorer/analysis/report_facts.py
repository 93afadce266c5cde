"""What a verification report says beside its checks: storage and speed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from explorer.audio.caching import measure
from explorer.config import Settings
from explorer.library.runs import Run
from explorer.status import CACHES


def measure_storage(database: Path, size: int, songs: int) -> dict:
    """Say what a library takes on disk: its database, of so many bytes, and the caches beside it."""
    settings = Settings(database=database)
    caches = {name: measure(getattr(settings, name)) for name in CACHES}
    total = size + sum(cache["bytes"] for cache in caches.values())
    return {
        "database_bytes": size,
        "bytes_per_song": round(size / songs) if songs else None,
        "caches": caches,
        "bytes_per_song_with_caches": round(total / songs) if songs else None,
    }


def measure_speed(runs: Sequence[Run]) -> dict | None:
    """Say how fast songs were embedded, by runs that copied no vector; None where no run is recorded."""
    counted = [run for run in runs if run.indexed and not run.copied and run.seconds > 0]
    counted = counted or [run for run in runs if run.indexed and run.seconds > 0]
    heard, seconds = sum(run.audio_seconds for run in counted), sum(run.seconds for run in counted)
    if not heard or not seconds:
        return None
    return {
        "audio_seconds": heard,
        "seconds": seconds,
        "seconds_per_audio_second": seconds / heard,
        "times_real_time": heard / seconds,
        "runs": len(runs),
    }
