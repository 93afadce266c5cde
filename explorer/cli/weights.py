"""The command `weights`: show which network weights would be used, download OpenL3's, and check them."""

from __future__ import annotations

from dataclasses import asdict
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
@click.option("--check", is_flag=True, help="Embed a test sound and compare with OpenL3's published result.")
@json_option
def weights_command(weights, download, mirror, check, as_json):
    """Show the network's weights, download OpenL3's, or check them.

    The output has the file, checksum and licence of the weights that the other commands would use.
    """
    facts = weights_status(
        weights,
        models_dir=Settings().models,
        download=download,
        mirror=mirror,
        check=check,
        reporter=Reporter(),
    )
    if as_json:
        print_json(facts)
    else:
        click.echo(describe_weights(facts))
    if check and facts["problem"]:
        raise WeightsError(facts["problem"])


def weights_status(
    choice: str | None,
    *,
    models_dir: Path,
    download: bool = False,
    mirror: str | None = None,
    check: bool = False,
    reporter: Reporter,
) -> dict:
    """Find the weights that would be used, download OpenL3's if requested, and check them.

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
    check : bool
        Whether to check the weights again, even if a result is recorded.
    reporter : Reporter
        Prints the progress of the download.

    Returns
    -------
    dict
        `found` is true or false. If true, the other keys describe the weights: `name`, `file`, `bytes`,
        `sha256` (of the unpacked file), `official`, `trained`, `licence`, `attribution`, `check` (a
        `ChirpCheck` as a dict, or None if they were not checked yet) and `problem` (a sentence if they did
        not pass, else None). If false, they describe the download: `url`, `file` (its destination),
        `packed_sha256`, `licence` and `attribution`.

    Raises
    ------
    WeightsError
        If a file is damaged or missing, the download fails, or there is nothing to check.
    """
    from explorer.embedding import model_weights, proven_weights

    if download and choice not in model_weights.OFFICIAL_CHOICES:
        raise WeightsError("Only OpenL3's own weights can be downloaded: leave out --weights, or --download.")
    weights = model_weights.find_local_weights(choice, models_dir=models_dir)
    if weights is None and download:
        progress = DownloadProgress(reporter)
        weights, _ = proven_weights.find_proven_weights(
            choice, models_dir=models_dir, say=reporter.say, progress=progress, url=mirror
        )
    if weights is None and check:
        raise WeightsError(
            "OpenL3's weights are not on this machine, so they cannot be checked: add --download, or name a "
            "file with --weights."
        )
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
    check_weights = proven_weights.check_and_record if check else proven_weights.recorded_check
    result = check_weights(weights, models_dir=models_dir)
    return {
        "found": True,
        "name": weights.name,
        "file": weights.path and str(weights.path),
        "bytes": weights.path and weights.path.stat().st_size,
        "sha256": weights.sha256,
        "official": weights.is_official,
        "trained": weights.trained,
        "licence": weights.licence,
        "attribution": attribution if weights.is_official else None,
        "check": result and asdict(result),
        "problem": result and proven_weights.verdict(weights, result),
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
            f"check        {_describe_check(facts)}",
        )
    )


def _describe_check(facts: dict) -> str:
    check = facts["check"]
    if not check:
        return "not checked yet: the first command that uses them does, and `weights --check` does so now"
    verdict = "failed" if facts["problem"] else "OpenL3's music/mel256 model, by its output"
    return (
        f"{verdict}: cosine with the published embeddings of a chirp ({check['front_end']}) at least "
        f"{check['least_cosine']:.4f}, on average {check['mean_cosine']:.4f}; correlation of the windows' "
        f"differences {check['correlation']:.3f}"
    )
