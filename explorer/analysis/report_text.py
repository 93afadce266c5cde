"""A verification report in words: its verdict, and lines for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.errors import AnalysisError
from explorer.progress import format_duration, number


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


def describe_report(report: dict) -> str:
    """Write a report as lines for a terminal."""
    counts, model = report["counts"], report["model"] or {}
    lines = [
        f"{report['database']}: {report['verdict']}",
        f"{number(counts['songs'], 'song')}, {format_duration(counts['audio_seconds'])} of sound, "
        f"{number(counts['failures'], 'failure')}",
    ]
    if model and not model.get("trained"):
        is_untrained = model.get("trained") is False
        lines.append(
            "The vectors are those of UNTRAINED filters: nearness is not OpenL3's."
            if is_untrained
            else "The vectors were imported: what made them is unknown."
        )
    lines += [f"  {each['status']:<11} {each['name']}: {each['finding']}" for each in report["checks"]]
    speed, pooling = report["speed"], report["pooling"]
    if speed:
        lines.append(
            f"speed        {speed['seconds_per_audio_second']:.3f} s a second of sound, "
            f"{speed['times_real_time']:.1f} times real time"
        )
    else:
        lines.append("speed        not recorded")
    if report["storage"]["bytes_per_song"]:
        lines.append(f"storage      {report['storage']['bytes_per_song'] / 1e3:,.1f} kB a song in songs.db")
    if pooling:
        told = ", ".join(
            f"{method} {pooling[method]['genre_purity']:.0%}"
            for method in ("max", "mean")
            if pooling[method]["genre_purity"] is not None
        )
        lines.append(
            f"pooling      max and mean name {pooling['neighbours_agreeing']:.0%} of the same neighbours"
            + (f"; of one genre: {told}" if told else "")
        )
    else:
        lines.append(f"pooling      not compared: {report['pooling_reason']}")
    lines += [f"failures     {count:,} × {reason}" for reason, count in report["failures"].items()]
    return "\n".join(map(_harmless, lines))


def _harmless(line: str) -> str:
    """Show what would move a terminal's cursor as a mark: reasons may name files, and files have any name."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in line)
