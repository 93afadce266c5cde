"""A verification report in words: its verdict, and lines for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.errors import AnalysisError
from explorer.util.progress import format_duration, number
from explorer.util.text import escaped


def verdict(failed: Sequence[str], count: int) -> str:
    """Say in a sentence how it went."""
    if not failed:
        return f"None of the {count} checks failed."
    return f"{number(len(failed), 'check')} failed: {'; '.join(failed)}."


def require_sound(report: dict) -> None:
    """Refuse a library that a check failed for.

    Raises
    ------
    AnalysisError
        Naming the checks.
    """
    if report["failed"]:
        findings = {each["name"]: each["finding"] for each in report["checks"]}
        first = findings[report["failed"][0]]
        raise AnalysisError(f"{report['database']}: {report['verdict']} {first}")


def model_warning(model: dict | None) -> str:
    """Return a sentence if the vectors are not those of trained filters, else ""."""
    if not model or model.get("trained"):
        return ""
    if model.get("trained") is False:
        return "These vectors are of untrained filters, not OpenL3's: nearness shows timbre at best."
    return "What made these vectors is unknown: they were imported."


def describe_report(report: dict) -> str:
    """Write a report as lines for a terminal."""
    counts, speed, pooling = report["counts"], report["speed"], report["pooling"]
    size, warning = report["storage"]["bytes_per_song"], model_warning(report["model"])
    lines = [
        f"{report['database']}: {report['verdict']}",
        f"{number(counts['songs'], 'song')}, {format_duration(counts['audio_seconds'])} of sound, "
        f"{number(counts['failures'], 'failure')}",
        *([warning] if warning else []),
        *(f"  {each['status']:<11} {each['name']}: {each['finding']}" for each in report["checks"]),
        f"speed        {speed['seconds_per_audio_second']:.3f} s a second of sound, "
        f"{speed['times_real_time']:.1f} times real time"
        if speed
        else "speed        not recorded",
        *([f"storage      {size / 1e3:,.1f} kB a song in songs.db"] if size else []),
    ]
    if pooling:
        purity = {method: pooling[method]["genre_purity"] for method in ("max", "mean")}
        told = ", ".join(f"{method} {value:.0%}" for method, value in purity.items() if value is not None)
        lines.append(
            f"pooling      max and mean name {pooling['neighbours_agreeing']:.0%} of the same neighbours"
            + (f"; of one genre: {told}" if told else "")
        )
    else:
        lines.append(f"pooling      not compared: {report['pooling_reason']}")
    lines += [f"failures     {count:,} × {reason}" for reason, count in report["failures"].items()]
    return "\n".join(map(escaped, lines))
