"""Chooses where previews start, and makes them in low-priority processes while other songs are embedded."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np

from explorer.audio.decoder import Decoder
from explorer.audio.playable import preview_path
from explorer.audio.previews import PREVIEW_S, is_heard
from explorer.embedding.frontend import timestamps
from explorer.embedding.typical_window import most_typical_window
from explorer.embedding.window_grid import WINDOW_SAMPLES
from explorer.errors import ExplorerError
from explorer.library.music_file import WHOLE, Part
from explorer.util.cache import Cache
from explorer.util.text import valid_text

MAX_PREVIEW_THREADS = 2
_CORES_FOR_TWO_THREADS = 4
_NICENESS = 10
_STOP_CHECK_S = 0.2
_MARGIN_S = 0.05


def choose_start(
    numbers: np.ndarray,
    frames: np.ndarray,
    vector: np.ndarray,
    *,
    levels_db: np.ndarray,
    hop_s: float,
    duration_s: float,
    seconds: float = PREVIEW_S,
) -> float:
    """Choose where a song's preview starts: at the window most like the whole song.

    A window is considered only if it is audible throughout, and the rest of the song is long enough for
    a preview. The embeddings do not show silence, because the log-mel of each window is relative to the
    window's own maximum.

    Parameters
    ----------
    numbers : np.ndarray [shape=(n,), int]
        The positions of `frames` among the song's windows.
    frames : np.ndarray [shape=(n, 512), float32]
    vector : np.ndarray [shape=(512,)]
    levels_db : np.ndarray [shape=(T,)]
        The level of every window of the song, as `window_levels` gives it.

    Returns
    -------
    float
        Seconds from the song's start.
    """
    # The timestamps are the centres of windows of 1 s.
    starts_s = np.maximum(0.0, timestamps(len(levels_db), hop_s=hop_s)[numbers] - 0.5)
    has_room = starts_s + seconds + _MARGIN_S <= duration_s
    if not has_room.any():
        return 0.0
    is_audible = has_room & is_heard(levels_db)[numbers]
    candidates = np.flatnonzero(is_audible if is_audible.any() else has_room)
    return float(starts_s[candidates[most_typical_window(frames[candidates], vector)]])


def window_levels(windows: np.ndarray) -> np.ndarray:
    """Measure the level of the quieter half of each window.

    Parameters
    ----------
    windows : np.ndarray [shape=(n, 48000), float32]

    Returns
    -------
    np.ndarray [shape=(n,), float64]
        dBFS (RMS).
    """
    halves = windows.reshape(len(windows), 2, WINDOW_SAMPLES // 2)
    power = np.einsum("nhs,nhs->nh", halves, halves).min(axis=1) / (WINDOW_SAMPLES // 2)
    return 10 * np.log10(np.maximum(power, 1e-20).astype(np.float64))


class PreviewMaker:
    """Makes previews in threads. Each thread uses its own decoder process, because a bad file can crash one.

    A preview that fails affects no song and no other preview.

    Parameters
    ----------
    cache : Path
        The folder of previews.
    root : Path
        The folder that the songs' paths are relative to.

    Attributes
    ----------
    made : int
        How many previews were made.
    problems : list of str
        A sentence for each preview that could not be made.
    """

    def __init__(self, cache: Path, root: Path) -> None:
        self._cache = cache
        self._root = root
        self._executor = ThreadPoolExecutor(_thread_count(), "preview", initializer=self._start_decoder)
        self._thread_local = threading.local()
        self._decoders: list[Decoder] = []
        self._pending: set[Future] = set()
        self._requested: set[str] = set()
        self._lock = threading.Lock()
        """Guards `_decoders`, `made` and `problems`."""
        self.made = 0
        self.problems: list[str] = []
        Cache(cache).remove_old_parts()

    def add(
        self,
        path: str,
        fingerprint: str,
        start_s: float | None,
        *,
        part: Part = WHOLE,
        replace: bool = False,
    ) -> None:
        """Request a preview, unless it exists or was requested before.

        Parameters
        ----------
        path : str
            The song's path, relative to the root.
        fingerprint : str
            The song's fingerprint.
        start_s : float or None
            Where the preview starts in the song; None if unknown.
        part : Part
            The part of the file that is the song, with an end.
        replace : bool
            Make it again even if it exists, because its start has changed.
        """
        if fingerprint in self._requested or (
            not replace and preview_path(self._cache, fingerprint).exists()
        ):
            return
        self._requested.add(fingerprint)
        self._pending.add(self._executor.submit(self._make, path, fingerprint, start_s, part))

    def _start_decoder(self) -> None:
        self._thread_local.decoder = Decoder(niceness=_NICENESS)
        with self._lock:
            self._decoders.append(self._thread_local.decoder)

    def _make(self, path: str, fingerprint: str, start_s: float | None, part: Part) -> None:
        try:
            source = self._root / path
            decoder = self._thread_local.decoder
            decoder.write_preview(source, cache=self._cache, key=fingerprint, start_s=start_s, part=part)
        except ExplorerError as error:
            self._add_problem(str(error))
        except Exception as error:
            self._add_problem(valid_text(f"{path} cannot be read ({type(error).__name__}: {error})."))
        else:
            with self._lock:
                self.made += 1

    def _add_problem(self, problem: str) -> None:
        with self._lock:
            self.problems.append(problem)

    @property
    def waiting(self) -> int:
        """The number of previews that are not made yet."""
        self._pending = {future for future in self._pending if not future.done()}
        return len(self._pending)

    def finish(self, advance: Callable[[], None], stop: threading.Event) -> None:
        """Wait for all requested previews; once `stop` is set, only for those that were begun."""
        while self._pending and not stop.is_set():
            done, self._pending = wait(self._pending, _STOP_CHECK_S, FIRST_COMPLETED)
            for _ in done:
                advance()
        self.close()

    def close(self) -> None:
        """Cancel the previews that were not begun, wait for the others, and end the processes."""
        self._executor.shutdown(wait=True, cancel_futures=True)
        for decoder in self._decoders:
            decoder.close()


def count_cores() -> int:
    """Return how many of the machine's cores this process may use.

    `taskset` and a container's limit on CPU time (cgroup v1 and v2) count. A limit of 1.5 cores is 2.
    """
    # The import takes 0.1 s, and the server does not need it.
    from joblib import cpu_count

    return cpu_count()


def _thread_count() -> int:
    return MAX_PREVIEW_THREADS if count_cores() >= _CORES_FOR_TWO_THREADS else 1
