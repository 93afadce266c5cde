"""Brings the map up to date after an index run, and shows the full vectors as soon as all songs have them."""

from __future__ import annotations

from explorer.database.database import Database
from explorer.indexing.make_map import make_map
from explorer.indexing.summary import Summary
from explorer.util.progress import Reporter


def update_map(database: Database, summary: Summary, *, reporter: Reporter) -> None:
    """Make the map again if songs have changed or have no place on it.

    If the coarse vectors are shown and every song has a full one, the full ones are shown from now on.
    """
    if database.is_ready_for_full():
        make_map(database, reporter=reporter, switch_to_full=True)
        return
    changed = summary.changed_on_map
    if database.shows_coarse():
        # A full vector changes nothing on a map of coarse vectors.
        changed = summary.genres_changed + summary.pruned
    # A run that was killed after its last song has not updated the map: look for songs without a place.
    is_stale = changed or database.has_unplaced_songs() or not database.projections()
    if is_stale and database.count_vectors():
        make_map(database, reporter=reporter)
