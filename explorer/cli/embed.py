"""The command `embed`: write the embeddings of audio files to .npz files."""

from __future__ import annotations

from pathlib import Path

import click

from explorer.cli.options import (
    UNTRAINED_WARNING,
    database_option,
    echo,
    json_option,
    model_options,
    model_request,
    print_json,
    progress_option,
)
from explorer.errors import AudioError
from explorer.library.protected_files import refuse_to_overwrite
from explorer.util.progress import LineReporter, Reporter


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(),
    help="The .npz file to write, or a folder: an existing one, or a path that ends with / (default: the "
    "current folder).",
)
@database_option
@model_options("float32", "bfloat16")
@click.option(
    "--like-library",
    is_flag=True,
    help="Use the model of the library at --db, so that the vectors can be compared with its songs.",
)
@progress_option
@json_option
def embed(files, out, database, like_library, progress_lines, as_json, **choices):
    """Write the embedding of each FILE to an .npz file.

    The embedding describes the sound of each window of a file by 512 numbers. For T windows, the arrays of
    the .npz are `embedding` (T, 512), `timestamps` (T,) in seconds, and `pooled` (512,), the vector of the
    whole file. The library is not changed; it is read only with --like-library. If one
    of several files cannot be embedded, the others are embedded anyway.
    """
    from explorer.indexing.embed_files import embed_to_npz, npz_paths

    reporter = LineReporter() if progress_lines else Reporter()
    out_paths = npz_paths(files, out)
    for path in out_paths:
        refuse_to_overwrite(path, database=database, reads=(*files, choices["weights"]))
    results = []
    for result in embed_to_npz(
        zip(files, out_paths, strict=True),
        request=model_request(**choices),
        reporter=reporter,
        database=database if like_library else None,
    ):
        results.append(result)
        if "reason" in result:
            if len(files) == 1:
                raise AudioError(result["reason"])
            reporter.say(f"Failed: {result['file']}: {result['reason']}")
        elif not as_json:
            echo(_describe(result))
    _finish(results, reporter=None if progress_lines else reporter, as_json=as_json)


def _describe(result: dict) -> str:
    """Describe one embedded file: shape, range, speed and output file."""
    windows, size = result["shape"]
    cost = result["seconds_per_audio_second"]
    speed = f"{1 / cost:.1f} times real time" if cost else "too fast to measure"
    return (
        f"{result['file']}: shape ({windows}, {size}), {result['min']:.4f} to {result['max']:.4f}, "
        f"{cost:.3f} s per second of audio ({speed}), in {result['out']}"
    )


def _finish(results: list[dict], *, reporter: Reporter | None, as_json: bool) -> None:
    """Warn about untrained filters, print the JSON object, and raise an error if a file has failed."""
    embedded = [result for result in results if "reason" not in result]
    failed = [result for result in results if "reason" in result]
    if reporter and any(not result["model"]["trained"] for result in embedded):
        reporter.say(UNTRAINED_WARNING)
    if as_json:
        print_json(results[0] if len(results) == 1 else {"files": embedded, "failed": failed})
    if failed:
        raise AudioError(f"{len(failed)} of {len(results)} files could not be embedded.")
