"""Find weights that are proved to be OpenL3's, or that the user named. Each file is checked once.

The results of `chirp_check` are recorded by the weights' SHA-256, in a file beside the downloaded weights.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from explorer.embedding.chirp_check import CHECK_VERSION, ChirpCheck, check_weights
from explorer.embedding.download import Progress, download_file
from explorer.embedding.model_weights import (
    ESSENTIA_LICENCE,
    ESSENTIA_STEM,
    ESSENTIA_URL,
    OFFICIAL_CHOICES,
    OFFICIAL_FILES,
    Weights,
    find_weights,
    load_weights,
)
from explorer.embedding.onnx_weights import ONNX_START
from explorer.errors import DownloadError, LibraryError, WeightsError
from explorer.util.atomic_write import atomic_write

RECORDS_NAME = "checked_weights.json"
_MAX_RECORDS_BYTES = 1_000_000


def find_proven_weights(
    choice: str | os.PathLike[str] | None,
    *,
    models_dir: Path,
    say: Callable[[str], None],
    progress: Progress | None = None,
    url: str | None = None,
) -> tuple[Weights, bool]:
    """Find the weights that the user chose, download them if necessary, and check them at their first use.

    If OpenL3's own repository cannot be reached, the ONNX file that Essentia publishes is downloaded. Its
    checksum is not known, so it is accepted only if its embeddings are the published ones.

    Parameters
    ----------
    choice, models_dir, progress, url
        As for `find_weights`.
    say : callable
        Called with a sentence if weights that are used are not OpenL3's, and before the second download.

    Returns
    -------
    weights : Weights
    is_openl3 : bool
        Whether they are OpenL3's music/mel256 model: by the official checksum, or because they passed the
        check. False for untrained weights, which are not checked.

    Raises
    ------
    WeightsError
        If the weights cannot be found, downloaded or read, or if they should be OpenL3's and are not.
    """
    try:
        weights = find_weights(choice, models_dir=models_dir, progress=progress, url=url)
    except DownloadError as error:
        if url is not None:
            raise
        say(f"OpenL3's repository did not give the weights: trying {ESSENTIA_URL} ({ESSENTIA_LICENCE}).")
        try:
            weights = _download_from_essentia(models_dir, progress)
        except WeightsError as second_error:
            if not isinstance(second_error, DownloadError):
                say(str(second_error))
            raise error from second_error
    return weights, weights.trained and _prove(weights, choice, models_dir, say)


def recorded_check(weights: Weights, *, models_dir: Path) -> ChirpCheck | None:
    """Return the recorded result of the check, or None if there is none from this version of the check."""
    record = _read_records(models_dir).get(weights.sha256)
    try:
        numbers = [float(record[name]) for name in ("least_cosine", "mean_cosine", "correlation")]
        return ChirpCheck(str(record["front_end"]), *numbers) if max(map(abs, numbers)) <= 1.001 else None
    except (LookupError, TypeError, ValueError):
        return None


def check_and_record(weights: Weights, *, models_dir: Path) -> ChirpCheck:
    """Check weights, and record the result in `models_dir`.

    If the record cannot be written, the weights are checked again at their next use.
    """
    check = check_weights(weights)
    if weights.trained:
        records = _read_records(models_dir) | {weights.sha256: asdict(check)}
        with suppress(OSError, LibraryError):
            models_dir.mkdir(parents=True, exist_ok=True)
            with atomic_write(models_dir / RECORDS_NAME) as part:
                part.write_text(json.dumps({"version": CHECK_VERSION, "weights": records}), encoding="utf-8")
    return check


def verdict(weights: Weights, check: ChirpCheck) -> str | None:
    """Return a sentence if weights have not passed the check, else None."""
    if check.passed:
        return None
    if not weights.trained:
        return f"The untrained network is not OpenL3's music/mel256 model ({check.describe()})."
    if weights.is_official:
        return (
            f"'{weights.path}' has the checksum of OpenL3's weights, but this computer does not compute the "
            f"published embeddings ({check.describe()}): do not trust its vectors."
        )
    return f"'{weights.path}' is not OpenL3's music/mel256 model ({check.describe()})."


def _prove(
    weights: Weights, choice: str | os.PathLike[str] | None, models_dir: Path, say: Callable[[str], None]
) -> bool:
    check = recorded_check(weights, models_dir=models_dir)
    check = check or check_and_record(weights, models_dir=models_dir)
    problem = verdict(weights, check)
    if problem is None:
        return True
    if not weights.is_official and (choice in OFFICIAL_CHOICES or weights.path.name in OFFICIAL_FILES):
        raise WeightsError(
            f"{problem.removesuffix('.')}: delete it, so that the right file is downloaded, or rename it and "
            "name it with --weights."
        )
    say(problem)
    return weights.is_official


def _download_from_essentia(models_dir: Path, progress: Progress | None) -> Weights:
    def accept(part: Path) -> None:
        check = check_and_record(load_weights(part), models_dir=models_dir)
        if not check.passed:
            raise WeightsError(
                f"The file from {ESSENTIA_URL} was deleted, because it is not OpenL3's music/mel256 model"
                f" ({check.describe()})."
            )

    target = models_dir / f"{ESSENTIA_STEM}.onnx"
    download_file(ESSENTIA_URL, target, sha256=None, start=ONNX_START, accept=accept, progress=progress)
    return load_weights(target)


def _read_records(models_dir: Path) -> dict[str, dict]:
    """Return the results by SHA-256; none if the file is missing, damaged or of another version."""
    path = models_dir / RECORDS_NAME
    try:
        with path.open(encoding="utf-8") as file:
            stored = json.loads(file.read(_MAX_RECORDS_BYTES))
        return dict(stored["weights"]) if stored["version"] == CHECK_VERSION else {}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}
