"""What several commands have in common: options, the model that was asked for, JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click

from explorer.config import Settings

UNTRAINED = (
    "These are UNTRAINED filters: what is alike to them is alike in timbre at best, and not as OpenL3 has it."
)
"""What is said beside anything that untrained filters have made."""

database_option = click.option(
    "--db",
    "database",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Settings.database,
    show_default="metadata/songs.db",
    help="The library's database.",
)
port_option = click.option(
    "--port", type=click.IntRange(0, 65535), help="The port to listen on (8050, or the next that is free)."
)
weights_option = click.option("--weights", help="`openl3`, `untrained`, or a file (.h5, .h5.gz).")
PROJECTION = click.Choice(["tsne", "umap", "pca"])
browser_option = click.option("--no-browser", is_flag=True, help="Do not open the page.")
map_option = click.option("--no-map", is_flag=True, help="Do not compute the map afterwards.")
progress_option = click.option(
    "--progress-lines", is_flag=True, hidden=True, help="Progress as JSON, for the page."
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="End with one JSON object on standard output."
)


def model_options(*precisions: str) -> Callable[[Callable], Callable]:
    """Make a decorator that adds the options that choose the model."""
    options = (
        click.option(
            "--hop",
            "hop_s",
            type=click.FloatRange(0.01, 10.0),
            help="Seconds between windows (0.5); above 1 there are gaps.",
        ),
        weights_option,
        click.option(
            "--precision",
            type=click.Choice(precisions),
            help="Arithmetic of the network; `auto` takes the fastest that keeps float32's neighbours."
            if "auto" in precisions
            else "Arithmetic of the network (float32).",
        ),
        click.option(
            "--engine",
            type=click.Choice(["openvino", "tensorflow", "openl3"]),
            default="openvino",
            show_default=True,
            help="What runs it: CPUs, GPUs, or the published package.",
        ),
    )

    def add(command: Callable) -> Callable:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def model_request(**choices):
    """Return what a user asked of the model, as a `ModelRequest`."""
    from explorer.indexing.model import ModelRequest

    return ModelRequest(models_dir=Settings().models, **choices)


def print_json(value: object) -> None:
    """End a command with one JSON object."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))
