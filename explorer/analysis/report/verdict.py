"""Describes a verification report in words: its verdict, its warnings, and lines for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.analysis.report.checks.check import name_songs
from explorer.analysis.report.pooling_comparison import METHODS, STORED
from explorer.errors import AnalysisError
from explorer.util.progress import format_duration, plural
from explorer.util.text import printable

POOLING_NAMES = {
    STORED: "stored vector",
    "max": "maximum",
    "mean": "mean",
    "mean_deviation": "mean with deviation",
}
TOO_FEW = (
    "Fewer than 20 songs with windows, or fewer than 10 artists, have a genre that a song by another artist "
    "has too, or there is only one such genre."
)


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


def describe_poolings(pooling: dict, *, is_trained: bool | None) -> str:
    """Say in sentences what a comparison of poolings shows.

    Parameters
    ----------
    pooling : dict
        As `compare_poolings` returns it, with `is_sample` and `damaged`.
    is_trained : bool or None
        Whether the vectors come from trained filters; None if that is unknown.
    """
    shares = [
        f"{facts['purity']:.0%} by {POOLING_NAMES[name]} ({_range(facts)})"
        for name, facts in pooling["poolings"].items()
        if name in METHODS
    ]
    asked = "a random sample of " if pooling["is_sample"] else ""
    sentences = [
        f"Of the {pooling['neighbours']} nearest songs by other artists, this share has the song's genre: "
        f"{', '.join(shares)}; by chance it would be {pooling['chance']:.0%} ({asked}"
        f"{plural(pooling['songs'], 'song')} by {plural(pooling['artists'], 'artist')} in "
        f"{plural(pooling['genres'], 'genre')}).",
        *_judge_poolings(pooling),
    ]
    if pooling["damaged"]:
        sentences.append(
            f"Songs whose windows are damaged were left out ({name_songs(pooling['damaged'])}): "
            "`python run.py index FOLDER --windows` stores them again."
        )
    if is_trained is False:
        sentences.append(
            "The vectors come from untrained filters, so these figures say nothing about OpenL3's own."
        )
    elif is_trained is None:
        sentences.append("The model of the vectors is unknown.")
    return " ".join(sentences)


def _judge_poolings(pooling: dict) -> list[str]:
    """Say whether neighbours are better than chance, and which pooling is better than the maximum."""
    sentences = []
    by_chance = [name for name in METHODS if not pooling["poolings"][name]["is_above_chance"]]
    if len(by_chance) == len(METHODS):
        sentences.append("None of them is clearly better than chance.")
    elif by_chance:
        names = ", ".join(POOLING_NAMES[name] for name in by_chance)
        sentences.append(f"Not clearly better than chance: {names}.")
    else:
        sentences.append("All of them are better than chance.")
    differences = {name: facts for name, facts in pooling["differences"].items() if name in METHODS}
    for is_better, word in ((True, "more"), (False, "fewer")):
        names = [
            name
            for name, facts in differences.items()
            if facts["is_beyond_chance"] and (facts["difference"] > 0) == is_better
        ]
        if names:
            points = " and ".join(f"{abs(differences[name]['difference']) * 100:.1f}" for name in names)
            sentences.append(
                f"Pooling by {_listed(names)} finds {word} songs of the same genre than by maximum, by "
                f"{points} percentage points: more than chance would make it."
            )
    alike = [name for name, facts in differences.items() if not facts["is_beyond_chance"]]
    if alike:
        others = " or the ".join(POOLING_NAMES[name] for name in alike)
        sentences.append(
            f"The difference between the maximum and the {others} is no larger than chance would make it."
        )
    if STORED in pooling["poolings"]:
        stored, difference = (pooling[key][STORED] for key in ("poolings", "differences"))
        effect = (
            "which matters here" if difference["is_beyond_chance"] else "no larger difference than by chance"
        )
        sentences.append(
            "The windows are kept in 64 numbers instead of 512, so their maximum is an approximation: "
            f"{pooling['stored_kept']:.0%} of a song's nearest by its stored vector are also nearest by this "
            f"maximum. By stored vectors, {stored['purity']:.0%} ({_range(stored)}) have the genre: {effect}."
        )
    return [*sentences, "Songs stay pooled by maximum."]


def _listed(names: Sequence[str]) -> str:
    return " and by ".join(POOLING_NAMES[name] for name in names)


def _range(facts: dict) -> str:
    return f"{facts['low']:.0%} to {facts['high']:.0%}"


def _describe_pooling(report: dict) -> str:
    return (report["pooling"] or {}).get("finding") or f"not compared: {report['pooling_reason']}"
