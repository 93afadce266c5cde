"""Options, output and messages that several commands share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click

from explorer.config import Settings

UNTRAINED_WARNING = (
    "The model has UNTRAINED filters, not OpenL3's weights: songs that it finds similar have only a "
    "similar timbre, at best."
)
"""Printed beside every result that was computed with untrained filters."""

PROJECTION_CHOICE = click.Choice(["tsne", "umap", "pca"])

database_option = click.option(
    "--db",
    "database",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Settings.database,
    show_default="metadata/songs.db",
    help="The library's database.",
)
port_option = click.option(
    "--port", type=click.IntRange(0, 65535), help="The port to listen on (default: the first free from 8050)."
)
weights_option = click.option(
    "--weights",
    help="The network's weights: `openl3` (trained), `untrained` (random filters), or a file (.h5, .onnx).",
)
browser_option = click.option("--no-browser", is_flag=True, help="Do not open the page in a browser.")
map_option = click.option("--no-map", is_flag=True, help="Do not compute the map afterwards.")
progress_option = click.option(
    "--progress-lines", is_flag=True, hidden=True, help="Print progress as JSON lines, for the page."
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object at the end, on standard output."
)


def model_options(*precisions: str) -> Callable[[Callable], Callable]:
    """Return a decorator that adds the options of the model: hop, weights, precision and engine.

    Parameters
    ----------
    *precisions : str
        The choices of `--precision`.
    """
    options = (
        click.option(
            "--hop",
            "hop_s",
            type=click.FloatRange(0.01, 10.0),
            help="The network listens to windows of 1 s: the seconds from the start of one to the next "
            "(default: that of the library that is used, else 0.5). Above 1, parts of a song are skipped.",
        ),
        weights_option,
        click.option(
            "--precision",
            type=click.Choice(precisions),
            help="The number format that the network computes in (default: that of the library, else "
            "`auto`). `auto` tries the formats on some of your songs, and chooses the fastest that finds "
            "nearly the same neighbours as float32."
            if "auto" in precisions
            else "The number format that the network computes in (default: that of the library that is used, "
            "else float32).",
        ),
        click.option(
            "--engine",
            type=click.Choice(["openvino", "tensorflow", "openl3"]),
            default="openvino",
            show_default=True,
            help="What computes the embeddings: openvino is for CPUs, tensorflow is for GPUs, openl3 is the "
            "published package.",
        ),
    )

    def add_options(command: Callable) -> Callable:
        for option in reversed(options):
            command = option(command)
        return command

    return add_options


def model_request(**choices):
    """Return a `ModelRequest` with the user's choices and the default folder of weights."""
    from explorer.indexing.model import ModelRequest

    return ModelRequest(models_dir=Settings().models, **choices)


def print_json(value: object) -> None:
    """Print a value as one line of JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))
