"""Makes the songs' previews while others are embedded, in processes that everything else goes before."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np

from explorer.audio.decoder import Decoder
from explorer.audio.previews import PREVIEW_S, is_heard, preview_path
from explorer.embedding.frontend import WINDOW_SAMPLES, timestamps
from explorer.embedding.typical_window import most_typical
from explorer.errors import ExplorerError
from explorer.util.cache import Cache
from explorer.util.text import readable

MOST_PREVIEWS_AT_ONCE = 2
_CORES_FOR_TWO = 4
_NICENESS = 10
_PATIENCE_S = 0.2
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
    """Choose where a song's preview begins: at the window most like the whole song.

    Only windows from which a whole preview is left, and that are heard from their beginning to their
    end, are asked. The network itself cannot tell silence: each of its windows is measured against
    its own maximum.

    Parameters
    ----------
    numbers : np.ndarray [shape=(n,), int]
        Which of the song's windows `frames` are.
    frames : np.ndarray [shape=(n, 512), float32]
    vector : np.ndarray [shape=(512,)]
    levels_db : np.ndarray [shape=(T,)]
        Of every window of the song, as `window_levels` gives them.

    Returns
    -------
    float
        Seconds from the song's start.
    """
    starts = np.maximum(0.0, timestamps(len(levels_db), hop_s=hop_s)[numbers] - 0.5)
    whole = starts + seconds + _MARGIN_S <= duration_s
    if not whole.any():
        return 0.0
    heard = whole & is_heard(levels_db)[numbers]
    chosen = np.flatnonzero(heard if heard.any() else whole)
    return float(starts[chosen[most_typical(frames[chosen], vector)]])


def window_levels(windows: np.ndarray) -> np.ndarray:
    """Measure the quieter half of each window.

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
    """Makes previews in threads of its own, each with a process that may crash over a file.

    A preview that fails costs no song, and no other preview.

    Parameters
    ----------
    cache : Path
        The folder of previews.
    root : Path
        What the songs' paths are relative to.
    """

    def __init__(self, cache: Path, root: Path) -> None:
        self._cache = cache
        self._root = root
        self._threads = ThreadPoolExecutor(_threads(), "preview", initializer=self._have_decoder)
        self._own = threading.local()
        self._decoders: list[Decoder] = []
        self._waiting: set[Future] = set()
        self._asked: set[str] = set()
        self._lock = threading.Lock()
        self.made = 0
        self.problems: list[str] = []
        """A sentence for each preview that could not be made."""
        Cache(cache).sweep()

    def add(self, path: str, key: str, start_s: float | None, *, again: bool = False) -> None:
        """Have a preview made, unless it is there or on its way.

        Parameters
        ----------
        path : str
            The song's, relative to the root.
        key : str
            Its fingerprint.
        start_s : float or None
            Where the preview begins; None where nobody knows.
        again : bool
            Make it also if there is one: it begins elsewhere now.
        """
        if key in self._asked or (not again and preview_path(self._cache, key).exists()):
            return
        self._asked.add(key)
        self._waiting.add(self._threads.submit(self._make, path, key, start_s))

    def _have_decoder(self) -> None:
        self._own.decoder = Decoder(niceness=_NICENESS)
        with self._lock:
            self._decoders.append(self._own.decoder)

    def _make(self, path: str, key: str, start_s: float | None) -> None:
        try:
            source = self._root / path
            self._own.decoder.write_preview(source, cache=self._cache, key=key, start_s=start_s)
        except ExplorerError as error:
            self._note(str(error))
        except Exception as error:
            self._note(readable(f"{path} cannot be read ({type(error).__name__}: {error})."))
        else:
            with self._lock:
                self.made += 1

    def _note(self, problem: str) -> None:
        with self._lock:
            self.problems.append(problem)

    @property
    def waiting(self) -> int:
        """How many previews are still to be made."""
        self._waiting = {future for future in self._waiting if not future.done()}
        return len(self._waiting)

    def finish(self, advance: Callable[[], None], stop: threading.Event) -> None:
        """Wait for what is still to be made, or only for what is in hand once a stop is asked for."""
        while self._waiting and not stop.is_set():
            done, self._waiting = wait(self._waiting, _PATIENCE_S, FIRST_COMPLETED)
            for _ in done:
                advance()
        self.close()

    def close(self) -> None:
        """Give up what has not begun, wait for the rest, and end the processes."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for decoder in self._decoders:
            decoder.close()


def count_cores() -> int:
    """Return how many of the machine's cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _threads() -> int:
    return MOST_PREVIEWS_AT_ONCE if count_cores() >= _CORES_FOR_TWO else 1
