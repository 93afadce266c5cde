"""What a library holds, for scripts and in words."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from explorer.audio.caching import measure
from explorer.config import TITLES, Settings
from explorer.embedding.precision import describe_choice
from explorer.failures import count_reasons
from explorer.library.database import Database
from explorer.progress import format_duration

SHOWN_FAILURES = 10
CACHES = ("previews", "transcodes", "waveforms")


def library_status(database: Database) -> dict:
    """Gather counts, the model, the map and the failures of a library."""
    failures = database.failures()
    settings = Settings(database=Path(database.path))
    return {
        "database": str(database.path),
        **database.summary(),
        "folders": database.roots(),
        "failures": len(failures),
        "failed_files": [{"path": path, "reason": reason} for path, reason in failures],
        "reasons": count_reasons(failures),
        "bytes": _size(Path(database.path)),
        "runs": [asdict(run) for run in database.runs()],
        "model": database.model(),
        "precision_trial": database.precision_trial(),
        "projections": database.projections(),
        "neighbourhood": database.neighbourhood(),
        "caches": {name: measure(getattr(settings, name)) for name in CACHES},
    }


def describe_library(status: dict) -> str:
    """Write a library's status as lines for a terminal."""
    lines = [
        f"{status['database']}",
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
    lines.append(f"failures     {status['failures']:,}")
    lines += [f"  {item['path']}: {item['reason']}" for item in status["failed_files"][:SHOWN_FAILURES]]
    if status["failures"] > SHOWN_FAILURES:
        kinds = list(status["reasons"].items())[:5]
        lines.append("  by reason: " + "; ".join(f"{count} × {reason}" for reason, count in kinds))
    if status["runs"]:
        lines.append(f"last run     {_describe_run(status['runs'][-1])}")
    return "\n".join(lines)


def _size(database: Path) -> int:
    """Return how many bytes a database takes, its log included."""
    files = (database, database.with_name(f"{database.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def _describe_run(run: dict) -> str:
    pace = run["audio_seconds"] / run["seconds"] if run["seconds"] else 0.0
    return (
        f"{run['started']}: {run['indexed']:,} songs in {format_duration(run['seconds'])} "
        f"({pace:,.1f} times real time), {run['failed']:,} failed"
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
