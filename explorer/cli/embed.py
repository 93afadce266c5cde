"""Sounds one by one: synthesised, embedded, and what sounds like them."""

from __future__ import annotations

import json
from pathlib import Path

import click

from explorer.cli.options import (
    UNTRAINED,
    database_option,
    json_option,
    model_options,
    model_request,
    print_json,
    progress_option,
)
from explorer.errors import AudioError
from explorer.util.progress import LineReporter, Reporter


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["mp3", "wav", "flac"]),
    default="mp3",
    show_default=True,
    help="What to write.",
)
@click.option("--seconds", type=float, default=30.0, show_default=True, help="How long each sound is.")
@click.option(
    "--rate", "rate_hz", type=int, default=22_050, show_default=True, help="Samples a second, in Hz."
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Another one makes other noises and drums."
)
@json_option
def synth(folder, form, seconds, rate_hz, seed, as_json):
    """Write the synthetic test audio into FOLDER: chords, tones, noises, a rhythm.

    Files of the same names are overwritten, others stay.
    """
    from explorer.demo.synthetic_sounds import SIGNALS, write_signals

    with Reporter().counting("Synthesising", total=len(SIGNALS), unit="sounds") as counter:
        paths = write_signals(
            folder, form=form, seconds=seconds, sample_rate_hz=rate_hz, seed=seed, progress=counter.reach
        )
    if as_json:
        print_json({"folder": str(folder.absolute()), "files": [str(path.absolute()) for path in paths]})
        return
    for path in paths:
        click.echo(str(path))


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(),
    help="The .npz to write, or a folder: one that is there, or ends with / (the current one).",
)
@database_option
@model_options("float32", "bfloat16")
@click.option(
    "--like-library", is_flag=True, help="Use the library's own model, so that they can be compared."
)
@progress_option
@json_option
def embed(files, out, database, like_library, progress_lines, as_json, **choices):
    """Embed one FILE or several, each into an .npz: `embedding`, `timestamps` and `pooled`.

    Their shapes are (T, 512), (T,) and (512,). No database is touched; with --like-library the library's
    is read. Of several files those that cannot be embedded are told, and the others go on.
    """
    from explorer.indexing.embed_files import embed_to_npz, npz_paths
    from explorer.util.atomic_write import refuse_library

    reporter = LineReporter() if progress_lines else Reporter()
    outs = npz_paths(files, out)
    for path in outs:
        refuse_library(path, database)
    results = []
    for found in embed_to_npz(
        zip(files, outs, strict=True),
        request=model_request(**choices),
        reporter=reporter,
        database=database if like_library else None,
    ):
        results.append(found)
        if "reason" in found:
            if len(files) == 1:
                raise AudioError(found["reason"])
            reporter.say(f"Failed: {found['file']}: {found['reason']}")
        elif not as_json:
            click.echo(_describe_embedded(found))
    _finish_embedding(results, reporter=None if progress_lines else reporter, as_json=as_json)


def _describe_embedded(found: dict) -> str:
    windows, size = found["shape"]
    share = found["seconds_per_audio_second"]
    pace = f"{1 / share:.1f} times real time" if share else "at once"
    return (
        f"{found['file']}: shape ({windows}, {size}), {found['min']:.4f} to {found['max']:.4f}, "
        f"{share:.3f} s per second of audio ({pace}), in {found['out']}"
    )


def _finish_embedding(results: list[dict], *, reporter: Reporter | None, as_json: bool) -> None:
    """Print the object, say what the filters are worth, and fail if a file has failed."""
    done = [found for found in results if "reason" not in found]
    failed = [found for found in results if "reason" in found]
    if reporter and any(not found["model"]["trained"] for found in done):
        reporter.say(UNTRAINED)
    if as_json:
        print_json(results[0] if len(results) == 1 else {"files": done, "failed": failed})
    if failed:
        raise AudioError(f"{len(failed)} of {len(results)} files could not be embedded.")


@click.command()
@click.argument("song", metavar="SONG|FILE")
@database_option
@click.option("-k", "count", type=click.IntRange(1), default=10, show_default=True, help="How many songs.")
@click.option("--weights", help="Where the library's weights are, for a FILE: `openl3`, or a file.")
@click.option("--m3u8", "as_playlist", is_flag=True, help="Print a playlist of absolute paths.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the playlist, or the JSON, into this file.",
)
@json_option
def similar(song, database, count, weights, as_playlist, out, as_json):
    """List the songs that sound most like SONG, or like any audio FILE.

    SONG is the id, path, title or file name of one of the library. A FILE outside of it is embedded with
    the library's own model, and not stored.
    """
    if as_playlist and as_json and out is None:
        raise click.UsageError("--m3u8 and --json are both for standard output: name a file with --out.")
    if out and not (as_playlist or as_json):
        raise click.UsageError("--out needs --m3u8 or --json, which say what to write.")
    from explorer.analysis.similar_songs import recommend
    from explorer.legacy.mirror import library_to_read
    from explorer.util.atomic_write import refuse_library
    from explorer.util.text import shown

    refuse_library(out, database)
    reporter = Reporter()
    database = library_to_read(database, reporter=reporter)
    refuse_library(out, database)
    found = recommend(
        song, database=database, count=count, request=model_request(weights=weights), reporter=reporter
    )
    if found.is_trained is False:
        reporter.say(UNTRAINED)
    if as_playlist:
        text, without = found.playlist()
        if without:
            reporter.say(f"{without} of {len(found.songs)} songs have no file, so the playlist lacks them.")
        _hand_out(text, out, reporter)
    if as_json:
        text = json.dumps(found.rows(), ensure_ascii=False) + "\n"
        _hand_out(text, None if as_playlist else out, reporter)
    if not as_playlist and not as_json:
        # Tags are data: none of them may move a terminal's cursor.
        click.echo(shown(f"Songs like {found.title} ({found.artist or 'no artist'}):"))
        for row in found.rows():
            names = (row["title"], row["artist"] or "no artist", row["song_id"])
            click.echo(f"  {row['similarity']:6.3f}  {'  ·  '.join(map(shown, names))}")


def _hand_out(text: str, out: Path | None, reporter: Reporter) -> None:
    """Print a text, or put it into a file and say where."""
    from explorer.errors import LibraryError
    from explorer.util.atomic_write import whole_file

    if out is None:
        click.echo(text, nl=False)
        return
    try:
        with whole_file(out) as part:
            part.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise LibraryError(f"{out} cannot be written: {error.strerror}.") from error
    reporter.say(f"The songs are in {out}.")
