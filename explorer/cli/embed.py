"""`embed`: files into .npz files."""

from __future__ import annotations

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
