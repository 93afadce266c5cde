"""`similar`: what sounds most like a song or a file."""

from __future__ import annotations

import json
from pathlib import Path

import click

from explorer.cli.options import UNTRAINED, database_option, json_option, model_request
from explorer.util.progress import Reporter


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
