"""Prepares the demo: composes its songs, indexes them and makes their map, in about two minutes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from explorer.config import ROOT, Settings
from explorer.database.database import Database
from explorer.embedding.openvino_engine import native_precisions
from explorer.errors import WeightsError
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.make_map import make_map
from explorer.indexing.make_previews import PreviewMaker
from explorer.indexing.model import ModelRequest
from explorer.util.progress import Reporter

FOLDER = ROOT / "metadata" / "demo"


def is_demo_folder(folder: Path) -> bool:
    """Return whether a folder is the demo's folder."""
    return folder.expanduser().resolve() == FOLDER.resolve()


def holds_only_demo_songs(database: Database) -> bool:
    """Return whether the demo's folder is the only folder of songs in a library."""
    roots = database.roots()
    return bool(roots) and all(is_demo_folder(Path(root)) for root in roots)


def holds_other_songs(database: Database) -> bool:
    """Return whether a library has songs that are not the demo's. An imported library may have no folder."""
    is_empty = not database.roots() and not database.song_ids()
    return not is_empty and not holds_only_demo_songs(database)


def prepare_demo(settings: Settings, *, weights: str | None, hop_s: float, reporter: Reporter) -> Settings:
    """Compose the demo's songs, index them and make their map.

    If the database holds other songs, the demo is written to `demo.db` in the same folder instead.
    If the official weights are not available, untrained filters are used and a message says so.

    Returns
    -------
    Settings
        The settings for serving the demo, with its database.
    """
    from explorer.demo.composer import compose_library

    with Database.open(settings.database) as database:
        has_other_songs = holds_other_songs(database)
    if has_other_songs:
        settings = replace(settings, database=settings.database.with_name("demo.db"))
        reporter.say(f"Your library is not changed: the demo is written to {settings.database}.")
    with reporter.counting("Composing", total=1, unit="pieces") as counter:
        compose_library(FOLDER, progress=counter.reach)
    with Database.open(settings.database) as database:
        summary = _index(database, settings, weights=weights, hop_s=hop_s, reporter=reporter)
        if summary.indexed or not database.map_revision():
            make_map(database, reporter=reporter)
    return settings


@contextmanager
def make_previews_in_background(settings: Settings) -> Iterator[None]:
    """Make the demo's previews in the background, so that its map can be shown at once."""
    with Database.open(settings.database) as database:
        songs = database.preview_starts(database.add_root(FOLDER))
    with closing(PreviewMaker(settings.previews, FOLDER)) as maker:
        for path, part, key, start_s in songs:
            maker.add(os.fsdecode(path), key, start_s, part=part)
        yield


def demo_precision() -> str:
    """Return the precision for the demo: bfloat16 if the processor supports it natively, else float32.

    In a user's library, `index` measures which precision is exact enough. For the demo this measurement would
    take longer than the embedding itself.
    """
    return "bfloat16" if "bfloat16" in native_precisions() else "float32"


def _index(database: Database, settings: Settings, *, weights: str | None, hop_s: float, reporter: Reporter):
    recorded = database.model()
    if recorded is not None and weights is None:
        request = ModelRequest(models_dir=settings.models)
        return index_folder(IndexRun(database, FOLDER, request=request, reporter=reporter))
    # If `weights` is given, the songs of an earlier demo are embedded again.
    request = ModelRequest(
        models_dir=settings.models,
        weights=weights,
        hop_s=hop_s,
        precision=demo_precision(),
        reindex=recorded is not None,
    )
    try:
        return index_folder(IndexRun(database, FOLDER, request=request, reporter=reporter))
    except WeightsError as error:
        if weights is not None:
            raise
        reporter.say(str(error))
        reporter.say(
            "The demo uses UNTRAINED filters instead: the map groups sounds roughly, not as OpenL3 would."
        )
        request = replace(request, weights="untrained")
        return index_folder(IndexRun(database, FOLDER, request=request, reporter=reporter))
