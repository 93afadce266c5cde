"""The command `inside`: print the sections, tempo and key of a song, and draw them."""

from __future__ import annotations

from pathlib import Path

import click

from explorer.cli.options import database_option, echo, echo_lines, json_option, model_request, print_json
from explorer.library.protected_files import refuse_to_overwrite
from explorer.util.package_caches import choose_matplotlib_cache
from explorer.util.progress import Reporter

UNTRAINED_SECTIONS = (
    "The model has UNTRAINED filters, not OpenL3's weights: the sections show changes of timbre, at best."
)
_FORMATS = ("png", "svg", "pdf")


@click.command()
@click.argument("song", metavar="SONG|FILE")
@database_option
@click.option(
    "--weights", help="For a FILE: the weights that the library was made with, `openl3` or a file of weights."
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FIGURE",
    help="Draw the sections, loudness, brightness and self-similarity into this file: .png, .svg or .pdf.",
)
@json_option
def inside(song, database, weights, out, as_json):
    """Print what is inside SONG, or inside any audio FILE: sections, tempo, key, loudness.

    SONG is named as for `similar`. A FILE outside the library is embedded with the library's model and
    measured; it is not added to the library. Values that are only guesses are marked "not sure".
    """
    form = out.suffix.lower()[1:] if out else ""
    if out and form not in _FORMATS:
        raise click.UsageError(f"{out} is no figure: name a file that ends with .png, .svg or .pdf.")
    from explorer.analysis.inside_song import describe, look_inside, read_waveform
    from explorer.legacy.mirror import library_to_read

    refuse_to_overwrite(out, database=database, reads=(song, weights))
    reporter = Reporter()
    database = library_to_read(database, reporter=reporter)
    refuse_to_overwrite(out, database=database, reads=(song, weights))
    found, sound = look_inside(
        song, database=database, request=model_request(weights=weights), reporter=reporter
    )
    if out:
        choose_matplotlib_cache()
        from explorer.analysis.inside_figure import inside_figure
        from explorer.analysis.matplotlib_style import render, write_file

        figure = inside_figure(found, read_waveform(sound))
        write_file(out, render(figure, form), alternative="another file")
    for note in found.notes:
        reporter.say(note)
    if found.sections and found.is_trained is False:
        reporter.say(UNTRAINED_SECTIONS)
    if as_json:
        print_json(found.as_json() | {"figure": str(out) if out else None})
        return
    echo_lines(describe(found))
    if out:
        echo(f"Wrote the figure to {out}.")
