"""Collects the status of a library, as a dict for scripts and as lines for a terminal."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path

from explorer.config import PROJECTION_NAMES, Settings
from explorer.database.database import Database
from explorer.embedding.precision import describe_choice
from explorer.errors import UnusableLibraryError
from explorer.indexing.failures import count_reasons
from explorer.indexing.prune import lost_roots
from explorer.indexing.running import FIRST_LOOK, killed_index, running_index
from explorer.library.confirmed_roots import describe_unconfirmed, unconfirmed
from explorer.mapping.same_recordings import count_same_recordings
from explorer.util.cache import Cache
from explorer.util.commands import command_line, index_command
from explorer.util.progress import format_duration, format_estimate, plural
from explorer.util.text import one_line, printable

MAX_SHOWN_FAILURES = 10
MAX_SHOWN_REASONS = 5

SONG_BYTES = 8_000
"""The smallest size that is assumed for a song in songs.db, with its positions on the map."""

PREVIEW_BYTES = 250_000
MIN_FILES_TO_AVERAGE = 20
"""The sizes above are assumed if the library has fewer songs or previews; else its own averages are used."""


def library_status(database: Database) -> dict:
    """Collect a library's damage, counts, model, map, failures, caches and disk space.

    Of a library that is too damaged for the rest, the dict has only "database" and "damage".
    """
    status = {"database": str(database.path)}
    damage = {"problems": database.integrity_problems(), "songs": {}}
    try:
        songs = database.damaged_songs()
        database.window_basis()
        paths = database.paths_of(list(songs))
        damage["songs"] = {paths.get(song_id, song_id): fault for song_id, fault in songs.items()}
        return status | {"damage": damage} | _contents(database)
    except UnusableLibraryError as error:
        damage["problems"] = damage["problems"] or [str(error)]
        return status | {"damage": damage}


def damage_sentence(status: dict) -> str:
    """Return what is damaged and what to do, as one sentence; empty if nothing is damaged."""
    problems, songs = status["damage"]["problems"], status["damage"]["songs"]
    if problems:
        return (
            f"{status['database']} is damaged: restore it from a backup, or index the music into a new file "
            "with `python run.py index FOLDER --db NEW.db`."
        )
    if songs:
        return (
            f"{status['database']} holds damaged values of {plural(len(songs), 'song')}: restore it from a "
            f"backup, or run `{_command('index FOLDER --reindex', status)}` and then "
            f"`{_command('map', status)}`."
        )
    return ""


def _contents(database: Database) -> dict:
    failures = database.failures()
    path = Path(database.path)
    settings = Settings(database=path)
    status = {
        **database.summary(),
        "folders": database.roots(),
        "lost_folders": lost_roots(database),
        "unconfirmed_folders": unconfirmed(database.roots()),
        "gone": len(database.gone_songs()),
        "outdated": database.count_outdated(),
        "duplicates": _count_duplicates(database),
        "same_recordings": count_same_recordings(database),
        "windows": database.count_windows(),
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
        "caches": {cache.name: Cache(cache).measure() for cache in settings.caches},
    }
    return status | {"disk": _disk_bytes(status, path.resolve().parent)}


def _count_duplicates(database: Database) -> dict[str, int]:
    """Count the groups of songs with the same sound, and the songs beyond the first of each group."""
    groups = database.duplicates()
    return {"groups": len(groups), "extra": sum(map(len, groups)) - len(groups)}


def _last_rate(database: Database) -> dict[str, float] | None:
    """Return the speed of the last run that embedded a song."""
    if (run := database.last_embedding()) is None:
        return None
    rates = {"songs_per_second": run.songs_per_second, "times_real_time": run.times_real_time}
    return {name: round(rate, 3) for name, rate in rates.items()}


def _disk_bytes(status: dict, folder: Path) -> dict[str, int | None]:
    """Return the bytes of the database and caches, the free bytes, and those that an index still needs."""
    return {
        "database": status["bytes"],
        "caches": sum(cache["bytes"] for cache in status["caches"].values()),
        "free": shutil.disk_usage(folder).free,
        "wanted": _bytes_still_needed(status),
    }


def _bytes_still_needed(status: dict) -> int | None:
    """Estimate the disk space that the running index still needs; None if no index runs."""
    running, previews = status["running"], status["caches"]["previews"]
    if running is None:
        return None
    has_average = status["songs"] >= MIN_FILES_TO_AVERAGE
    per_song = max(SONG_BYTES, status["bytes"] // status["songs"] if has_average else 0)
    if running["previews"]:
        has_average = previews["files"] >= MIN_FILES_TO_AVERAGE
        per_song += previews["bytes"] // previews["files"] if has_average else PREVIEW_BYTES
    return per_song * (running["total"] - running["done"])


def describe_library(status: dict) -> str:
    """Return the result of `library_status` as lines for a terminal."""
    lines = [one_line(status["database"]), *_describe_damage(status["damage"])]
    if "songs" not in status:
        return "\n".join(lines)
    lines += [
        *_describe_index_run(status),
        f"songs        {status['songs']:,} ({format_duration(status['audio_seconds'])} of sound), "
        f"{status['bytes'] / 1e6:,.1f} MB",
        f"vectors      {_describe_vectors(status)}",
        f"windows      {_describe_windows(status)}",
        f"genres       {status['genres']:,}",
        f"clusters     {status['clusters']:,}",
        f"folders      {_describe_folders(status)}",
        f"model        {_describe_model(status['model'])}",
    ]
    if status["precision_trial"]:
        lines.append(f"precision    {_describe_precision(status['precision_trial'])}")
    lines += _describe_map(status)
    lines += _describe_neighbourhood(status["neighbourhood"])
    lines += [
        f"{name:<12} {cache['files']:,} ({cache['bytes'] / 1e6:,.1f} MB)"
        for name, cache in status["caches"].items()
    ]
    lines += [*_describe_disk(status["disk"]), *_describe_missing_and_duplicates(status)]
    if status["outdated"]:
        lines.append(
            f"outdated     {plural(status['outdated'], 'song')} read by an older version, perhaps in part: "
            f"run `{_command('index FOLDER', status)}` to check them"
        )
    lines += _describe_failures(status)
    if status["runs"]:
        lines.append(f"last run     {_describe_run(status['runs'][-1])}")
    return "\n".join(map(printable, lines))


def _command(arguments: str, status: dict) -> str:
    return command_line(arguments, database=status["database"])


def _describe_vectors(status: dict) -> str:
    counts = status["first_look"]
    if not counts["shows_coarse"]:
        return f"{counts['full']:,}"
    left = (
        f"{plural(counts['awaiting'], 'song')} still need one: run `{_command('index FOLDER', status)}` to "
        "go on"
        if counts["awaiting"]
        else f"run `{_command('map', status)}` to show the full ones"
    )
    return (
        f"{counts['coarse']:,} coarse ones of the first look are shown, {counts['full']:,} songs have full "
        f"ones; {left}"
    )


def _describe_windows(status: dict) -> str:
    """Describe how many songs have windows, and their size."""
    counts = status["windows"]
    parts = [f"of {plural(counts['songs'], 'song')}, {counts['bytes'] / 1e6:,.1f} MB"]
    if counts["without"]:
        command = index_command(status["folders"], windows=True, database=status["database"])
        parts.append(f"{plural(counts['without'], 'song')} without: run `{command}` to listen again")
    return "; ".join(parts)


def _describe_precision(trial: dict) -> str:
    try:
        return describe_choice(trial)
    except (AttributeError, LookupError, TypeError, ValueError):
        return "the record of the trial that chose it is damaged"


def _describe_damage(damage: dict) -> list[str]:
    lines = [f"damaged      {one_line(problem)}" for problem in damage["problems"]]
    songs = list(damage["songs"].items())
    lines += [f"damaged      {one_line(path)}: {fault}" for path, fault in songs[:MAX_SHOWN_FAILURES]]
    if len(songs) > MAX_SHOWN_FAILURES:
        lines.append(f"damaged      {plural(len(songs) - MAX_SHOWN_FAILURES, 'song')} more: --json lists all")
    return lines


def _describe_index_run(status: dict) -> list[str]:
    """Describe the progress of the index that runs now, or of the last one if it was killed."""
    running, killed = status["running"], status["killed"]
    if running is not None:
        return [f"indexing now: {describe_running(running)}"]
    if killed is not None and killed["done"] < killed["total"]:
        done = f"{killed['done']:,} of {killed['total']:,} files"
        if killed["stage"] == FIRST_LOOK:
            done = f"a first look at {killed['looked']:,} of {killed['to_look']:,} songs"
        return [
            f"killed       the last index of {killed['folder']}, after {done}: run the same command to go on"
        ]
    return []


def describe_running(running: dict) -> str:
    """Describe the progress of an index run, given as `running_index` returns it."""
    if not running["total"]:
        return "looking for new and changed files"
    if running["stage"] == FIRST_LOOK:
        left = running["seconds_left"]
        return f"first look, {running['looked']:,} of {running['to_look']:,} songs" + (
            f", {format_estimate(left)} left until all songs have full vectors" if left else ""
        )
    if running["done"] >= running["total"]:
        return f"{running['total']:,} files are done, the last steps are running"
    parts = [f"{running['done']:,} of {running['total']:,} files"]
    if running["songs_per_second"]:
        parts.append(f"{running['songs_per_second']:.1f} songs/s")
        parts.append(f"{running['times_real_time']:,.0f} times real time")
        parts.append(f"{format_estimate(running['seconds_left'])} left")
    if running["failed"]:
        parts.append(f"{running['failed']:,} failed")
    return ", ".join(parts)


def _describe_folders(status: dict) -> str:
    lost = status["lost_folders"]
    return (
        ", ".join(f"{name} (does not exist)" if name in lost else name for name in status["folders"])
        or "none"
    )


def _describe_disk(disk: dict) -> list[str]:
    lines = [f"disk         {_format_bytes(disk['free'])} free"]
    if disk["wanted"] is not None and disk["wanted"] > disk["free"]:
        lines.append(
            f"WARNING: the running index needs about {_format_bytes(disk['wanted'])}, and the disk has less "
            "free space: delete other files, or stop the index and start it again with --no-previews."
        )
    return lines


def _format_bytes(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


def _describe_missing_and_duplicates(status: dict) -> list[str]:
    lines = [f"missing      {sentence}" for sentence in status["lost_folders"].values() if sentence]
    if folders := status["unconfirmed_folders"]:
        lines.append(f"read-only    {describe_unconfirmed(folders)}")
    if status["gone"]:
        lines.append(f"missing      {plural(status['gone'], 'song')}, kept until `run.py index --prune`")
    if extra := status["duplicates"]["extra"]:
        groups = plural(status["duplicates"]["groups"], "recording")
        lines.append(f"duplicates   {plural(extra, 'song')}: {groups} stored more than once")
    if count := status["same_recordings"]:
        lines.append(
            f"encodings    {plural(count, 'song')}: the same recording as another, in another encoding"
        )
    return lines


def _describe_failures(status: dict) -> list[str]:
    lines = [f"failures     {status['failures']:,}"]
    lines += [f"  {item['path']}: {item['reason']}" for item in status["failed_files"][:MAX_SHOWN_FAILURES]]
    if status["failures"] > MAX_SHOWN_FAILURES:
        reasons = list(status["reasons"].items())[:MAX_SHOWN_REASONS]
        lines.append("  by reason: " + "; ".join(f"{count} × {reason}" for reason, count in reasons))
    return lines


def _describe_run(run: dict) -> str:
    times_real_time = run["audio_seconds"] / run["seconds"] if run["seconds"] else 0.0
    songs_per_second = run["indexed"] / run["seconds"] if run["seconds"] else 0.0
    return (
        f"{run['started']}: {plural(run['indexed'], 'song')} in {format_duration(run['seconds'])} "
        f"({songs_per_second:,.1f} songs/s, {times_real_time:,.1f} times real time), {run['failed']:,} failed"
    )


def _describe_model(model: dict | None) -> str:
    if model is None:
        return "none yet"
    if not model["weights_sha256"]:
        return "unknown: the vectors were imported"
    name = model["weights"] if model["trained"] else "UNTRAINED filters (distances are not OpenL3's)"
    if model["trained"] and model.get("openl3") is False:
        name += " (not OpenL3's music/mel256 model)"
    return (
        f"{name}, {model['input_repr']} {model['content_type']} {model['embedding_size']}, "
        f"hop {model['hop_s']:g} s, {model['pooling']} pooling, {model['precision']}, "
        f"weights {model['weights_sha256'][:12]}"
    )


def _describe_map(status: dict) -> list[str]:
    if not status["projections"]:
        return [f"map          none yet: run `{_command('map', status)}`"]
    lines = []
    for name, projection in status["projections"].items():
        laid_out = projection["parameters"].get("songs", status["vectors"])
        older_layout = f" (made with only {laid_out:,} songs)" if status["vectors"] > laid_out else ""
        lines.append(f"{PROJECTION_NAMES[name]:<12} {_describe_quality(projection['quality'])}{older_layout}")
    return lines


def _describe_quality(quality: dict) -> str:
    if quality.get("trustworthiness") is None:
        return "too few songs to measure its quality"
    parts = [f"trustworthiness {quality['trustworthiness']:.3f}"]
    if quality.get("continuity") is not None:
        parts.append(f"continuity {quality['continuity']:.3f}")
    if quality.get("neighbours_kept") is not None:
        parts.append(f"{quality['neighbours_kept']:.0%} of the ten nearest neighbours kept")
    if quality.get("genre_purity") is not None:
        parts.append(f"genre purity {quality['genre_purity']:.0%} (chance {quality['genre_chance']:.0%})")
    if quality.get("neighbours_found") is not None:
        parts.append(f"neighbours are approximate ({quality['neighbours_found']:.1%} of the true ones)")
    return ", ".join(parts)


def _describe_neighbourhood(facts: dict) -> list[str]:
    lines = []
    if facts.get("genre_purity") is not None:
        lines.append(
            f"neighbours   {facts['genre_purity']:.0%} of the ten songs nearest in sound to a song share its "
            f"genre (by chance: {facts['genre_chance']:.0%})"
        )
    if facts.get("hubness") is not None:
        lines.append(
            f"hubness      {facts['hubness']:.2f} (skewness: near 0 if all songs are neighbours about "
            f"equally often, high if a few songs are neighbours of very many); one song is among the ten "
            f"nearest of {facts['largest_hub']:,} songs"
        )
    return lines
