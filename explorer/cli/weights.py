"""The command `weights`: show which network weights would be used, and download OpenL3's."""

from __future__ import annotations

from pathlib import Path

import click

from explorer.cli.options import json_option, print_json, weights_option
from explorer.config import Settings
from explorer.errors import WeightsError
from explorer.util.progress import DownloadProgress, Reporter


@click.command(name="weights")
@weights_option
@click.option("--download", is_flag=True, help="Download OpenL3's weights, if they are not on this machine.")
@click.option("--mirror", metavar="URL", help="Download them from this URL instead of OpenL3's repository.")
@json_option
def weights_command(weights, download, mirror, as_json):
    """Show the network's weights, or download OpenL3's.

    The output has the file, checksum and licence of the weights that the other commands would use.
    """
    facts = weights_status(
        weights, models_dir=Settings().models, download=download, mirror=mirror, reporter=Reporter()
    )
    if as_json:
        print_json(facts)
    else:
        click.echo(describe_weights(facts))


def weights_status(
    choice: str | None,
    *,
    models_dir: Path,
    download: bool = False,
    mirror: str | None = None,
    reporter: Reporter,
) -> dict:
    """Find the weights that would be used, and download OpenL3's if requested.

    Parameters
    ----------
    choice : str or None
        `openl3`, `untrained` or a file; None means `openl3`.
    models_dir : Path
        The folder of weights.
    download : bool
        Whether to download OpenL3's weights if they are not on this machine.
    mirror : str or None
        The URL to download them from; None means OpenL3's repository.
    reporter : Reporter
        Prints the progress of the download.

    Returns
    -------
    dict
        `found` is true or false. If true, the other keys describe the weights: `name`, `file`, `bytes`,
        `sha256` (of the unpacked file), `official`, `trained`, `licence` and `attribution`. If false, they
        describe the download: `url`, `file` (its destination), `packed_sha256`, `licence` and `attribution`.

    Raises
    ------
    WeightsError
        If a file is damaged or missing, or the download fails.
    """
    from explorer.embedding import model_weights

    if download and choice not in model_weights.OFFICIAL_CHOICES:
        raise WeightsError("Only OpenL3's own weights can be downloaded: leave out --weights, or --download.")
    weights = model_weights.find_local_weights(choice, models_dir=models_dir)
    if weights is None and download:
        progress = DownloadProgress(reporter)
        weights = model_weights.find_weights(choice, models_dir=models_dir, progress=progress, url=mirror)
    attribution = f"OpenL3 by {model_weights.OFFICIAL_AUTHORS}, {model_weights.OFFICIAL_LICENCE}"
    if weights is None:
        return {
            "found": False,
            "url": mirror or model_weights.OFFICIAL_URL,
            "file": str(model_weights.download_target(models_dir)),
            "packed_sha256": model_weights.OFFICIAL_PACKED_SHA256,
            "licence": model_weights.OFFICIAL_LICENCE,
            "attribution": attribution,
        }
    is_official = weights.sha256 == model_weights.OFFICIAL_SHA256
    return {
        "found": True,
        "name": weights.name,
        "file": weights.path and str(weights.path),
        "bytes": weights.path and weights.path.stat().st_size,
        "sha256": weights.sha256,
        "official": is_official,
        "trained": weights.trained,
        "licence": weights.licence,
        "attribution": attribution if is_official else None,
    }


def describe_weights(facts: dict) -> str:
    """Write the result of `weights_status` as lines for a terminal."""
    if not facts["found"]:
        return (
            "OpenL3's weights are not on this machine yet: the first command that needs them downloads them "
            f"from {facts['url']} to '{facts['file']}', and `python run.py weights --download` does so now "
            f"({facts['attribution']})."
        )
    if not facts["trained"]:
        file, content = "none: UNTRAINED filters, made from a seed", "of the filters"
    else:
        file = f"{facts['file']} ({facts['bytes'] / 1e6:.1f} MB)"
        content = "unpacked; OpenL3's official release"
        if not facts["official"]:
            content = "unpacked; not OpenL3's official release"
    return "\n".join(
        (
            f"weights      {facts['name']}",
            f"file         {file}",
            f"SHA-256      {facts['sha256']} ({content})",
            f"licence      {facts['attribution'] or facts['licence']}",
        )
    )
