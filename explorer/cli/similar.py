"""The command `similar`: list the songs that sound most like a song or a file."""

from __future__ import annotations

from pathlib import Path

import click

from explorer.cli.options import (
    UNTRAINED_WARNING,
    database_option,
    echo,
    json_line,
    json_option,
    model_request,
)
from explorer.errors import LibraryError
from explorer.library.protected_files import refuse_to_overwrite
from explorer.util.atomic_write import atomic_write
from explorer.util.progress import Reporter, plural
from explorer.util.text import are_repeated, one_line


@click.command()
@click.argument("song", metavar="SONG|FILE")
@database_option
@click.option(
    "-k", "count", type=click.IntRange(1), default=10, show_default=True, help="How many songs to list."
)
@click.option(
    "--per-artist",
    type=click.IntRange(1),
    metavar="N",
    help="List at most N songs of each artist; less similar songs take the place of the others.",
)
@click.option(
    "--weights", help="For a FILE: the weights that the library was made with, `openl3` or a file of weights."
)
@click.option(
    "--why", is_flag=True, help="Also tell which moments sound most alike: the seconds in both songs."
)
@click.option("--m3u8", "as_playlist", is_flag=True, help="Print a playlist of absolute paths.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the playlist, or the JSON, to this file.",
)
@json_option
def similar(song, database, count, per_artist, weights, why, as_playlist, out, as_json):
    """List the songs that sound most like SONG, or like any audio FILE.

    SONG is the id, path, title or file name of a song of the library, or words of its title and artist that
    fit no other song. A FILE outside the library is embedded with the library's model; it is not added to it.
    """
    if as_playlist and as_json and out is None:
        raise click.UsageError("--m3u8 and --json both print to standard output: name a file with --out.")
    if out and not (as_playlist or as_json):
        raise click.UsageError("--out needs --m3u8 or --json, to choose the format of the file.")
    if why and as_playlist and not as_json:
        raise click.UsageError("A playlist has no place for --why: leave out --m3u8, or add --json.")
    from explorer.analysis.similar_songs import recommend
    from explorer.legacy.mirror import library_to_read

    refuse_to_overwrite(out, database=database, reads=(song, weights))
    reporter = Reporter()
    database = library_to_read(database, reporter=reporter)
    # A database of the original scripts is read through its mirror, which must not be overwritten either.
    refuse_to_overwrite(out, database=database, reads=(song, weights))
    similar_songs = recommend(
        song,
        database=database,
        count=count,
        request=model_request(weights=weights),
        reporter=reporter,
        per_artist=per_artist,
        why=why,
    )
    if similar_songs.advice:
        reporter.say(similar_songs.advice)
    if similar_songs.is_trained is False:
        reporter.say(UNTRAINED_WARNING)
    if as_playlist:
        text, missing = similar_songs.playlist()
        if missing:
            reporter.say(f"The playlist leaves out {plural(missing, 'song')} without a file.")
        _write(text, out, reporter)
    if as_json:
        text = json_line(similar_songs.rows()) + "\n"
        _write(text, None if as_playlist else out, reporter)
    if not as_playlist and not as_json:
        _print_list(similar_songs)


def _write(text: str, out: Path | None, reporter: Reporter) -> None:
    """Write a text to a file and report where, or print it if there is no file."""
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        with atomic_write(out) as part:
            part.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise LibraryError(f"{out} cannot be written: {error.strerror}.") from error
    reporter.say(f"Wrote the songs to {out}.")


def _print_list(similar_songs) -> None:
    """Print one line for each song: similarity, title, artist and id, and where it is most alike."""
    # Tags can contain control characters: `one_line` removes those that could move the terminal's cursor.
    echo(one_line(f"Songs like {similar_songs.title} ({similar_songs.artist or 'unknown artist'}):"))
    songs = [song for song, _ in similar_songs.songs]
    # The album tells songs with the same title apart.
    needs_album = are_repeated([similar_songs.title, *(song.title for song in songs)])[1:]
    for song, row, has_album in zip(songs, similar_songs.rows(), needs_album, strict=True):
        album = (song.album,) if has_album and song.album else ()
        names = (row["title"], row["artist"] or "unknown artist", *album, row["song_id"])
        echo(f"  {row['similarity']:6.3f}  {'  ·  '.join(map(one_line, names))}{_place(row.get('why'))}")


def _place(why: dict | None) -> str:
    """Return where two songs are most alike: "  ·  1:02 here, 0:31 there"; empty if it is unknown."""
    return f"  ·  {_clock(why['query_s'])} here, {_clock(why['song_s'])} there" if why else ""


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
