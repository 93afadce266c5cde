"""Routes for the moments of songs: what sounds like one, why two songs are alike, and the path of a song."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from flask import Blueprint, Response, request

from explorer.analysis.missing_windows import missing_match, missing_moments
from explorer.analysis.why_similar import match_songs, silent_in
from explorer.config import PROJECTION_NAMES, Settings
from explorer.embedding.song_windows import SongWindows
from explorer.mapping.worth_naming import worth_naming
from explorer.structure.comet import nearest_songs, smoothed
from explorer.structure.moments import MOMENT_S, count_moments, moment_at, moments_of, start_of
from explorer.web.data.catalogue import Catalogue
from explorer.web.data.facets import parse_hide
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.data.song_lists import describe_neighbours, with_status
from explorer.web.data.window_file import WindowFile, WindowFiles
from explorer.web.routes.any_id import fresh_json, library_blueprint
from explorer.web.security import RefusedError, refuse_other_sites

MAX_MOMENTS = 20
MAX_LIT = 300

_COMPARED_AGAIN = 2 * MAX_MOMENTS
"""The best songs of a search, whose windows are read from the library: the search compares only one moment a
second."""

_SILENT = "It is silent here."

_MAX_PLACES = 600
"""The places of a longer song are more than a second apart."""


def make_moments_blueprint(settings: Settings, holder: CatalogueHolder) -> Blueprint:
    """Return the routes `/moments/…`, `/why/…` and `/comet/…`. Songs are numbers on the map.

    - `GET /moments/<revision>/<index>?at_s=&hide=`: the moments of other songs that sound most like five
      seconds of a song, the best of each song.
    - `GET /why/<revision>/<a>/<b>`: the two moments of two songs that sound most alike.
    - `GET /comet/<revision>/<index>?projection=`: where each second of a song would lie on the map, as
      little-endian float32 x and y; the header `X-Step` tells how many seconds apart they are.
    """
    blueprint = library_blueprint("moments")
    files = WindowFiles(settings.database, settings.moments)
    numbers = _Numbers()

    @blueprint.get("/moments/<int:revision>/<int:index>")
    def moments(revision: int, index: int) -> Response:
        at_s, hide = _seconds(request.args.get("at_s")), parse_hide(request.args.getlist("hide"))
        asked = _Asked.open(holder, revision, index, files, numbers)
        return fresh_json(**asked.moments_like(at_s, hide=hide))

    @blueprint.get("/why/<int:revision>/<int:a>/<int:b>")
    def why(revision: int, a: int, b: int) -> Response:
        refuse_other_sites()
        return fresh_json(**describe_match(holder.at_revision(revision), a, b))

    @blueprint.get("/comet/<int:revision>/<int:index>")
    def comet(revision: int, index: int) -> Response:
        asked = _Asked.open(holder, revision, index, files, numbers)
        projection = request.args.get("projection", "")
        if projection not in PROJECTION_NAMES or projection not in asked.catalogue.positions:
            raise RefusedError(404, "The library has no such map: choose another view.")
        step_s, places = asked.comet(projection)
        content = places.astype("<f4").tobytes()
        headers = {"Cache-Control": "no-store", "X-Step": f"{step_s:g}"}
        return Response(content, headers=headers, mimetype="application/octet-stream")

    return blueprint


def _seconds(text: str | None) -> float:
    """Return the time that a text of the address names.

    Raises
    ------
    RefusedError
        If it names none.
    """
    try:
        at_s = float(text or "")
    except ValueError:
        at_s = math.nan
    if not math.isfinite(at_s):
        raise RefusedError(400, "The address needs the time of a moment in seconds, such as at_s=12.5.")
    return at_s


class _Numbers:
    """The numbers on the map of the songs of a window file, computed once for each map and file."""

    def __init__(self) -> None:
        self._known: tuple[tuple[str, str], np.ndarray] | None = None

    def of(self, catalogue: Catalogue, file: WindowFile) -> np.ndarray:
        """Return the number of each song of the file [shape=(s,), int64]; -1 if it is not on the map."""
        key = (catalogue.order, file.stamp)
        known = self._known
        if known is None or known[0] != key:
            on_map = (catalogue.number_of(song_id) for song_id in file.song_ids)
            found = [-1 if number is None else number for number in on_map]
            self._known = known = (key, np.array(found, dtype=np.int64))
        return known[1]


@dataclass(frozen=True)
class _Asked:
    """A song that a request asks about, its windows, and those of all songs.

    Attributes
    ----------
    numbers : np.ndarray [shape=(s,), int64]
        The number on the map of each song of the file; -1 if it is not on the map.
    """

    catalogue: Catalogue
    index: int
    windows: SongWindows
    file: WindowFile
    numbers: np.ndarray

    @classmethod
    def open(
        cls, holder: CatalogueHolder, revision: int, index: int, files: WindowFiles, numbers: _Numbers
    ) -> _Asked:
        """Read what a request needs.

        Raises
        ------
        RefusedError
            If another site asks, the map has another revision, the song has no windows, or the file of all
            windows cannot be used now.
        SongNotFoundError
            If the map has no such song.
        """
        refuse_other_sites()
        catalogue = holder.at_revision(revision)
        catalogue.require(index)
        with catalogue.open_library() as library:
            windows = library.windows_of(catalogue.song_ids[index])
            if windows is None:
                raise RefusedError(404, missing_moments(library, catalogue.song_ids[index]))
            file = files.get(library)
        return cls(catalogue, index, windows, file, numbers.of(catalogue, file))

    def moments_like(self, at_s: float, *, hide: tuple[str, ...]) -> dict:
        """Return what the route `/moments/…` answers.

        Raises
        ------
        RefusedError
            If the moment is silent: silence is like that of every song.
        """
        step_s = self.windows.step_s
        number = moment_at(at_s, count=count_moments(len(self.windows), step_s=step_s), step_s=step_s)
        with self.catalogue.open_library() as library:
            if silent_in(library, self.catalogue.song_ids[self.index], self.windows)[number]:
                raise RefusedError(404, _SILENT)
        moment = moments_of(self.windows.components, step_s=step_s)[number]
        songs, rows, similarities = self.file.search.nearest(moment, skipped=self._skipped(hide))
        found = self._with_all_windows(moment, songs, rows, similarities)
        n_songs = len(self.catalogue)
        lit = worth_naming([(song, similarity) for song, similarity, _ in found], n_songs=n_songs)
        start_s = {song: start for song, _, start in found}
        best = [(song, similarity) for song, similarity, _ in found[:MAX_MOMENTS]]
        described = describe_neighbours(self.catalogue, best, of=self.index)
        described = with_status(self.catalogue, described, of=self.index)
        return {
            "at_s": float(at_s),
            "start_s": float(start_of(number, step_s=step_s)),
            "seconds": MOMENT_S,
            "moments": [song | {"start_s": round(start_s[song["index"]], 3)} for song in described],
            "lit": [[song, round(similarity, 4)] for song, similarity in lit[:MAX_LIT]],
        }

    def _skipped(self, hide: tuple[str, ...]) -> np.ndarray:
        """Return which songs of the file are left out: this song, hidden ones, and those not on the map."""
        catalogue = self.catalogue
        is_skipped = np.zeros(len(catalogue), dtype=bool)
        if (hidden := catalogue.hidden(hide)) is not None:
            is_skipped |= hidden
        is_skipped[self.index] = True
        if "duplicates" in hide:
            is_skipped[list(catalogue.file_status.others_like(self.index))] = True
        return (self.numbers < 0) | is_skipped[self.numbers]

    def _with_all_windows(
        self, moment: np.ndarray, songs: np.ndarray, rows: np.ndarray, similarities: np.ndarray
    ) -> list[tuple[int, float, float]]:
        """Return the number, the similarity and the start of the best moment of each song, best first."""
        found = []
        with self.catalogue.open_library() as library:
            for song in songs[:_COMPARED_AGAIN].tolist():
                number = int(self.numbers[song])
                song_id = self.catalogue.song_ids[number]
                windows = library.windows_of(song_id)
                if windows is None:  # Removed or damaged since the file was made.
                    continue
                products = moments_of(windows.components, step_s=windows.step_s) @ moment
                products[silent_in(library, song_id, windows)] = -np.inf
                best = int(products.argmax())
                if np.isneginf(products[best]):  # The whole song is silent.
                    continue
                start_s = float(start_of(best, step_s=windows.step_s))
                found.append((number, min(float(products[best]), 1.0), start_s))
        found.sort(key=lambda one: -one[1])
        rest = slice(_COMPARED_AGAIN, MAX_LIT)
        numbers = self.numbers[songs[rest]].tolist()
        for song, row, number, similarity in zip(
            songs[rest], rows[rest], numbers, similarities[rest].tolist(), strict=True
        ):
            start_s = start_of(self.file.window_of(song, row), step_s=float(self.file.steps_s[song]))
            found.append((number, similarity, float(start_s)))
        return found

    def comet(self, projection: str) -> tuple[float, np.ndarray]:
        """Return how many seconds the places are apart, and the places [shape=(m, 2), float32]."""
        from explorer.mapping.placement import densest_places

        step_s = self.windows.step_s
        duration_s = len(self.windows) * step_s
        apart_s = max(1.0, math.ceil(duration_s / _MAX_PLACES))
        all_moments = moments_of(self.windows.components, step_s=step_s)
        times_s = np.arange(0.0, duration_s, apart_s)
        at = [moment_at(time_s, count=len(all_moments), step_s=step_s) for time_s in times_s]
        nearest = nearest_songs(all_moments[at], self.file.means, skipped=self._skipped(("duplicates",)))
        if not nearest.shape[1]:
            own = self.catalogue.positions[projection][self.index]
            return apart_s, np.tile(own, (len(at), 1)).astype(np.float32)
        places = densest_places(self.catalogue.positions[projection], self.numbers[nearest])
        return apart_s, smoothed(places)


def describe_match(catalogue: Catalogue, a: int, b: int) -> dict:
    """Return what the route `/why/…` answers: where the two moments begin; None if a song has no windows.

    "advice" is then a sentence that says what to do, else None.

    Raises
    ------
    RefusedError
        If no song of the library has windows.
    """
    for index in (a, b):
        catalogue.require(index)
    with catalogue.open_library() as library:
        song_ids = catalogue.song_ids[a], catalogue.song_ids[b]
        match = match_songs(library, *song_ids)
        advice = None if match else missing_match(library, song_ids)
        if advice and not library.has_windows():
            raise RefusedError(404, advice)
    return {
        "a_s": None if match is None else round(match.a_s, 3),
        "b_s": None if match is None else round(match.b_s, 3),
        "seconds": MOMENT_S,
        "similarity": None if match is None else round(match.similarity, 4),
        "advice": advice,
    }
