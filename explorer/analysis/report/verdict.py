"""Describes a verification report in words: its verdict, its warnings, and lines for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.errors import AnalysisError
from explorer.util.progress import format_duration, plural
from explorer.util.text import printable


def verdict(failed: Sequence[str], count: int) -> str:
    """Say in one sentence which of `count` checks failed."""
    if not failed:
        return f"None of the {count} checks failed."
    return f"{plural(len(failed), 'check')} failed: {'; '.join(failed)}."


def raise_if_failed(report: dict) -> None:
    """Raise an error if a check failed.

    Raises
    ------
    AnalysisError
        With the names of the failed checks and the first one's finding.
    """
    if report["failed"]:
        findings = {check["name"]: check["finding"] for check in report["checks"]}
        first = findings[report["failed"][0]]
        raise AnalysisError(f"{report['database']}: {report['verdict']} {first}")


def model_warning(model: dict | None) -> str:
    """Return a sentence if the vectors do not come from trained filters, else ""."""
    if not model or model.get("trained"):
        return ""
    if model.get("trained") is False:
        return (
            "These vectors come from untrained filters, not from OpenL3: songs near each other have "
            "at most a similar timbre."
        )
    return "The model of these vectors is unknown, because they were imported."


def describe_report(report: dict) -> str:
    """Return a report as lines for a terminal."""
    counts, warning = report["counts"], model_warning(report["model"])
    lines = [
        f"{report['database']}: {report['verdict']}",
        f"{plural(counts['songs'], 'song')}, {format_duration(counts['audio_seconds'])} of sound, "
        f"{plural(counts['failures'], 'failure')}",
    ]
    if warning:
        lines.append(warning)
    lines += [f"  {check['status']:<11} {check['name']}: {check['finding']}" for check in report["checks"]]
    lines.append(f"speed        {_describe_speed(report['speed'])}")
    if bytes_per_song := report["storage"]["bytes_per_song"]:
        lines.append(f"storage      {bytes_per_song / 1e3:,.1f} kB per song in songs.db")
    lines.append(f"pooling      {_describe_pooling(report)}")
    lines += [f"failures     {count:,} × {reason}" for reason, count in report["failures"].items()]
    return "\n".join(map(printable, lines))


def _describe_speed(speed: dict | None) -> str:
    if not speed:
        return "not recorded"
    return (
        f"{speed['seconds_per_audio_second']:.3f} s per second of sound, "
        f"{speed['times_real_time']:.1f} times real time"
    )


def _describe_pooling(report: dict) -> str:
    pooling = report["pooling"]
    if not pooling:
        return f"not compared: {report['pooling_reason']}"
    text = f"maximum and mean agree on {pooling['neighbours_agreeing']:.0%} of the neighbours"
    purities = {method: pooling[method]["genre_purity"] for method in ("max", "mean")}
    shares = [f"{method} {purity:.0%}" for method, purity in purities.items() if purity is not None]
    return f"{text}; neighbours of the same genre: {', '.join(shares)}" if shares else text
