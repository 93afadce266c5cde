"""Which weights would be used, for scripts and in words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from explorer.cli.options import json_option, print_json, weights_option
from explorer.config import Settings
from explorer.errors import WeightsError
from explorer.util.progress import DownloadProgress, Reporter

if TYPE_CHECKING:
    from explorer.embedding.model_weights import Weights


@click.command(name="weights")
@weights_option
@click.option("--download", is_flag=True, help="Download OpenL3's weights, unless they are here.")
@click.option("--mirror", metavar="URL", help="Where to download them from instead of OpenL3's repository.")
@json_option
def weights_command(weights, download, mirror, as_json):
    """Say which weights would be used: file, checksum and licence."""
    found = weights_status(
        weights, models_dir=Settings().models, download=download, mirror=mirror, reporter=Reporter()
    )
    if as_json:
        print_json(found)
    else:
        click.echo(describe_weights(found))


def weights_status(
    choice: str | None,
    *,
    models_dir: Path,
    download: bool = False,
    mirror: str | None = None,
    reporter: Reporter,
) -> dict:
    """Find out which weights would be used, and download OpenL3's own if asked to.

    Parameters
    ----------
    choice : str or None
        `openl3`, `untrained` or a file; None for OpenL3's own.
    models_dir : Path
        Where weights are kept.
    download : bool
        Whether to download OpenL3's weights where they are not on this machine.
    mirror : str or None
        The URL to download them from, if not OpenL3's repository.
    reporter : Reporter
        Told how far a download has come.

    Returns
    -------
    dict
        With `found`; then of what was found `name`, `file`, `bytes`, `sha256` (unpacked), `official`,
        `trained`, `licence` and `attribution`, else of what would be downloaded `url`, `file` (where it
        would go), `packed_sha256`, `licence` and `attribution`.

    Raises
    ------
    WeightsError
        If a file is damaged or missing, or the download fails.
    """
    from explorer.embedding import model_weights as official

    if download and choice not in official.OFFICIAL_CHOICES:
        raise WeightsError("Only OpenL3's own weights can be downloaded: leave out --weights, or --download.")
    weights = official.find_weights_here(choice, models_dir=models_dir)
    if weights is None and download:
        progress = DownloadProgress(reporter)
        weights = official.find_weights(choice, models_dir=models_dir, progress=progress, url=mirror)
    if weights is not None:
        return _status_of(weights)
    return {
        "found": False,
        "url": mirror or official.OFFICIAL_URL,
        "file": str(official.download_target(models_dir)),
        "packed_sha256": official.OFFICIAL_PACKED_SHA256,
        "licence": official.OFFICIAL_LICENCE,
        "attribution": _attribution(),
    }


def _status_of(weights: Weights) -> dict:
    from explorer.embedding import model_weights as official

    is_official = weights.sha256 == official.OFFICIAL_SHA256
    return {
        "found": True,
        "name": weights.name,
        "file": weights.path and str(weights.path),
        "bytes": weights.path and weights.path.stat().st_size,
        "sha256": weights.sha256,
        "official": is_official,
        "trained": weights.trained,
        "licence": weights.licence,
        "attribution": _attribution() if is_official else None,
    }


def _attribution() -> str:
    from explorer.embedding import model_weights as official

    return f"OpenL3 by {official.OFFICIAL_AUTHORS}, {official.OFFICIAL_LICENCE}"


def describe_weights(status: dict) -> str:
    """Write what `weights_status` found as lines for a terminal."""
    if not status["found"]:
        return (
            f"OpenL3's weights are not here yet: they would be downloaded from {status['url']} to"
            f" '{status['file']}', and `python run.py weights --download` does so now"
            f" ({status['attribution']})."
        )
    if not status["trained"]:
        file, release = "none: UNTRAINED filters, made from a seed", "of the filters"
    else:
        file = f"{status['file']} ({status['bytes'] / 1e6:.1f} MB)"
        release = "unpacked; OpenL3's official release"
        if not status["official"]:
            release = "unpacked; not OpenL3's official release"
    return "\n".join(
        (
            f"weights      {status['name']}",
            f"file         {file}",
            f"SHA-256      {status['sha256']} ({release})",
            f"licence      {status['attribution'] or status['licence']}",
        )
    )
