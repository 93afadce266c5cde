"""What a library holds, for scripts and in words."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path

from explorer.config import TITLES, Settings
from explorer.database.database import Database
from explorer.embedding.precision import describe_choice
from explorer.indexing.failures import count_reasons
from explorer.indexing.running import killed_index, running_index
from explorer.util.cache import Cache
from explorer.util.progress import format_duration, format_estimate, number

SHOWN_FAILURES = 10
CACHES = ("previews", "transcodes", "waveforms", "fetched")

SONG_BYTES = 8_000
"""What a song takes in songs.db, with its places on the map."""

PREVIEW_BYTES = 250_000
ENOUGH_TO_AVERAGE = 20


def library_status(database: Database) -> dict:
    """Gather counts, the model, the map and the failures of a library."""
    failures = database.failures()
    path = Path(database.path)
    settings = Settings(database=path)
    found = {
        "database": str(database.path),
        **database.summary(),
        "folders": database.roots(),
        "gone": len(database.gone_songs()),
        "duplicates": _count_duplicates(database),
        "failures": len(failures),
        "failed_files": [{"path": path, "reason": reason} for path, reason in failures],
        "reasons": count_reasons(failures),
        "bytes": database.size_bytes(),
        "runs": [asdict(run) for run in database.runs()],
        "rate": _last_rate(database),
        "running": running_index(path),
        "killed": killed_index(path),
        "model": database.model(),
        "precision_trial": database.precision_trial(),
        "projections": database.projections(),
        "neighbourhood": database.neighbourhood(),
        "caches": {name: Cache(getattr(settings, name)).measure() for name in CACHES},
    }
    return found | {"disk": _disk(found, path.resolve().parent)}


def _count_duplicates(database: Database) -> dict[str, int]:
    """Count the sounds that are there more than once, and the songs that would do without."""
    groups = database.duplicates()
    return {"groups": len(groups), "extra": sum(map(len, groups)) - len(groups)}


def _last_rate(database: Database) -> dict[str, float] | None:
    """Return how fast the last run was that embedded something."""
    if (run := database.last_embedding()) is None:
        return None
    rates = {"songs_per_second": run.songs_per_second, "times_real_time": run.times_real_time}
    return {name: round(rate, 3) for name, rate in rates.items()}


def _disk(status: dict, folder: Path) -> dict[str, int | None]:
    """Return the bytes that a library takes, that its disk has left, and that a running index still wants."""
    caches = sum(cache["bytes"] for cache in status["caches"].values())
    return {
        "database": status["bytes"],
        "caches": caches,
        "free": shutil.disk_usage(folder).free,
        "wanted": _wanted(status),
    }


def _wanted(status: dict) -> int | None:
    running, previews = status["running"], status["caches"]["previews"]
    if running is None:
        return None
    is_telling = status["songs"] >= ENOUGH_TO_AVERAGE
    per_song = max(SONG_BYTES, status["bytes"] // status["songs"] if is_telling else 0)
    if running["previews"]:
        is_telling = previews["files"] >= ENOUGH_TO_AVERAGE
        per_song += previews["bytes"] // previews["files"] if is_telling else PREVIEW_BYTES
    return per_song * (running["total"] - running["done"])


def describe_library(status: dict) -> str:
    """Write a library's status as lines for a terminal."""
    lines = [
        f"{status['database']}",
        *_describe_work(status),
        f"songs        {status['songs']:,} ({format_duration(status['audio_seconds'])} of sound), "
        f"{status['bytes'] / 1e6:,.1f} MB",
        f"vectors      {status['vectors']:,}",
        f"genres       {status['genres']:,}",
        f"clusters     {status['clusters']:,}",
        f"folders      {', '.join(status['folders']) or 'none'}",
        f"model        {_describe_model(status['model'])}",
    ]
    if status["precision_trial"]:
        lines.append(f"precision    {describe_choice(status['precision_trial'])}")
    lines += [
        f"{TITLES[name]:<12} {_describe_quality(p['quality'])}{_describe_growth(p['parameters'], status)}"
        for name, p in status["projections"].items()
    ]
    if not status["projections"]:
        lines.append("map          none yet: run `python run.py map`")
    lines += _describe_neighbourhood(status["neighbourhood"])
    lines += [
        f"{name:<12} {cache['files']:,} ({cache['bytes'] / 1e6:,.1f} MB)"
        for name, cache in status["caches"].items()
    ]
    lines += [*_describe_disk(status["disk"]), *_describe_changes(status)]
    lines.append(f"failures     {status['failures']:,}")
    lines += [f"  {item['path']}: {item['reason']}" for item in status["failed_files"][:SHOWN_FAILURES]]
    if status["failures"] > SHOWN_FAILURES:
        kinds = list(status["reasons"].items())[:5]
        lines.append("  by reason: " + "; ".join(f"{count} × {reason}" for reason, count in kinds))
    if status["runs"]:
        lines.append(f"last run     {_describe_run(status['runs'][-1])}")
    return "\n".join(lines)


def _describe_work(status: dict) -> list[str]:
    """Say how far the index is that runs, or was killed."""
    running, killed = status["running"], status["killed"]
    if running is not None:
        return [f"indexing now: {describe_running(running)}"]
    if killed is not None and killed["done"] < killed["total"]:
        return [
            f"killed       the last index of {killed['folder']}, after {killed['done']:,} of "
            f"{killed['total']:,} files: run the same command to go on"
        ]
    return []


def describe_running(running: dict) -> str:
    """Say how far an index is that runs, as `running_index` tells it."""
    if not running["total"]:
        return "looking for what is new"
    if running["done"] >= running["total"]:
        return f"{running['total']:,} files are done, and what follows from them is under way"
    told = [f"{running['done']:,} of {running['total']:,} files"]
    if running["songs_per_second"]:
        told.append(f"{running['songs_per_second']:.1f} songs/s")
        told.append(f"{running['times_real_time']:,.0f} times real time")
        told.append(f"{format_estimate(running['seconds_left'])} left")
    if running["failed"]:
        told.append(f"{running['failed']:,} failed")
    return ", ".join(told)


def _describe_disk(disk: dict) -> list[str]:
    lines = [f"disk         {_gigabytes(disk['free'])} free"]
    if disk["wanted"] is not None and disk["wanted"] > disk["free"]:
        lines.append(
            f"WARNING: what is being indexed wants about {_gigabytes(disk['wanted'])}, and there is not that "
            "much: make room, or stop it and add --no-previews."
        )
    return lines


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


def _describe_changes(status: dict) -> list[str]:
    """Say what is missing and what is there twice, where something is."""
    lines = []
    if status["gone"]:
        lines.append(f"missing      {number(status['gone'], 'song')}, kept until `run.py index --prune`")
    if extra := status["duplicates"]["extra"]:
        sounds = status["duplicates"]["groups"]
        lines.append(f"duplicates   {number(extra, 'song')}: {number(sounds, 'sound')} there more than once")
    return lines


def _describe_run(run: dict) -> str:
    pace = run["audio_seconds"] / run["seconds"] if run["seconds"] else 0.0
    rate = run["indexed"] / run["seconds"] if run["seconds"] else 0.0
    return (
        f"{run['started']}: {number(run['indexed'], 'song')} in {format_duration(run['seconds'])} "
        f"({rate:,.1f} songs/s, {pace:,.1f} times real time), {run['failed']:,} failed"
    )


def _describe_model(model: dict | None) -> str:
    if model is None:
        return "none yet"
    if not model["weights_sha256"]:
        return "unknown: the vectors were imported"
    name = model["weights"] if model["trained"] else "UNTRAINED filters (distances are not OpenL3's)"
    return (
        f"{name}, {model['input_repr']} {model['content_type']} {model['embedding_size']}, "
        f"hop {model['hop_s']:g} s, {model['pooling']} pooling, {model['precision']}, "
        f"weights {model['weights_sha256'][:12]}"
    )


def _describe_growth(parameters: dict, status: dict) -> str:
    placed_later = status["vectors"] - parameters.get("songs", status["vectors"])
    return f" (laid out with {parameters['songs']:,} songs)" if placed_later > 0 else ""


def _describe_neighbourhood(facts: dict) -> list[str]:
    lines = []
    if facts.get("genre_purity") is not None:
        lines.append(
            f"neighbours   {facts['genre_purity']:.0%} of the ten that sound nearest share a song's genre "
            f"(chance: {facts['genre_chance']:.0%})"
        )
    if facts.get("hubness") is not None:
        lines.append(
            f"hubness      {facts['hubness']:.2f}, the skewness of how often a song is among others' ten "
            f"nearest; one is among those of {facts['largest_hub']:,}"
        )
    return lines


def _describe_quality(quality: dict) -> str:
    if quality.get("trustworthiness") is None:
        return "too few songs to say how far it can be trusted"
    told = [f"trustworthiness {quality['trustworthiness']:.3f}"]
    if quality.get("continuity") is not None:
        told.append(f"continuity {quality['continuity']:.3f}")
    if quality.get("neighbours_kept") is not None:
        told.append(f"{quality['neighbours_kept']:.0%} of the ten nearest kept")
    if quality.get("genre_purity") is not None:
        told.append(f"genre purity {quality['genre_purity']:.0%} (chance {quality['genre_chance']:.0%})")
    return ", ".join(told)
