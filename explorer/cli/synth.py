"""The command `synth`: write synthetic test sounds."""

from __future__ import annotations

from pathlib import Path

import click

from explorer.cli.options import echo, json_option, print_json
from explorer.util.progress import Reporter


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["mp3", "wav", "flac"]),
    default="mp3",
    show_default=True,
    help="The file format.",
)
@click.option("--seconds", type=float, default=30.0, show_default=True, help="The length of each sound.")
@click.option("--rate", "rate_hz", type=int, default=22_050, show_default=True, help="The sample rate in Hz.")
@click.option(
    "--seed", type=int, default=0, show_default=True, help="The random seed of the noises and drums."
)
@json_option
def synth(folder, form, seconds, rate_hz, seed, as_json):
    """Write synthetic test sounds into FOLDER.

    The sounds are chords, tones, noises and a rhythm. Files with the same names are overwritten; other files
    are kept.
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
        echo(str(path))
