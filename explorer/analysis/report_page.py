"""The verification report as one page: no script, no request, every title escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from matplotlib.figure import Figure

from explorer.analysis import report_figures as figures
from explorer.analysis.checks import FAILED, NOT_JUDGED, NOTED, PASSED
from explorer.analysis.pooling_trial import similarities
from explorer.analysis.report import Evidence, Verification
from explorer.analysis.report_style import STYLE
from explorer.config import TITLES
from explorer.errors import AnalysisError
from explorer.progress import format_duration, number
from explorer.writing import whole_file

_STATES = {
    FAILED: ("bad", "✗ failed"),
    NOTED: ("note", "! noted"),
    PASSED: ("good", "✓ passed"),
    NOT_JUDGED: ("mute", "– not judged"),
}
# Even a mistake of ours could load nothing and run nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'"
UNTRAINED = "These vectors are of untrained filters, not OpenL3's: nearness shows timbre at best."
UNKNOWN = "What made these vectors is unknown: they were imported."


def write_page(verification: Verification, path: Path) -> None:
    """Write the report as an HTML file that needs no other.

    Raises
    ------
    AnalysisError
        If it cannot be written.
    """
    page = render_page(verification).encode("utf-8", "replace")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as part:
            part.write_bytes(page)
    except OSError as error:
        raise AnalysisError(
            f"{path} cannot be written ({error.strerror}): choose another file with --out."
        ) from error


def render_page(verification: Verification) -> str:
    """Return the report as HTML."""
    report, evidence = verification.report, verification.evidence
    name = Path(report["database"]).name
    sections = (
        _header(report),
        _tiles(report),
        _checks(report["checks"]),
        _vectors(report, evidence),
        _neighbours(report, evidence),
        _projections(report, evidence),
        _pooling(report, evidence),
        _indexing(report),
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Verification report: {escape(name)}</title>\n<style>{STYLE}</style></head>\n"
        f"<body><main>\n{''.join(sections)}</main></body></html>\n"
    )


def _header(report: dict) -> str:
    tone = "bad" if report["failed"] else "good"
    findings = {check["name"]: check["finding"] for check in report["checks"]}
    why = "".join(f"<p>{_data(findings[name])}</p>" for name in report["failed"])
    model = report["model"] or {}
    warning = ""
    if model and not model.get("trained"):
        warning = f'<p class="note">{UNTRAINED if model.get("trained") is False else UNKNOWN}</p>'
    return (
        "<h1>Verification report</h1>\n"
        f'<p class="soft">{_data(report["database"])} · <time>{escape(report["written"])}</time></p>\n'
        f'<div class="verdict {tone}">{escape(report["verdict"])}{why}</div>\n{warning}'
    )


def _tiles(report: dict) -> str:
    counts, speed = report["counts"], report["speed"]
    tiles = {
        "songs": f"{counts['songs']:,}",
        "of sound": format_duration(counts["audio_seconds"]),
        "artists": f"{counts['artists']:,}",
        "genres": f"{counts['genres']:,}",
        "clusters": f"{counts['clusters']:,}",
        "failures": f"{counts['failures']:,}",
        "files gone": f"{counts['files_gone']:,}",
        "× real time": f"{speed['times_real_time']:.1f}" if speed else "–",
    }
    cells = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in tiles.items())
    return f'<dl class="tiles">{cells}</dl>\n'


def _checks(found: Sequence[dict]) -> str:
    order = list(_STATES)
    rows = "".join(_check(each) for each in sorted(found, key=lambda each: order.index(each["status"])))
    return f'<h2>Checks</h2>\n<div class="card">{rows}</div>\n'


def _check(found: dict) -> str:
    tone, word = _STATES[found["status"]]
    songs = ""
    if found["songs"]:
        items = "".join(f"<li>{_data(song)}</li>" for song in found["songs"])
        songs = f"<details><summary>{number(len(found['songs']), 'song')}</summary><ul>{items}</ul></details>"
    return (
        f'<div class="check"><div class="state {tone}">{word}</div>'
        f"<div><b>{escape(found['name'])}</b><p>{_data(found['finding'])}</p>{songs}</div></div>\n"
    )


def _vectors(report: dict, evidence: Evidence) -> str:
    facts = report["vectors"]
    if facts["norms"] is None:
        return ""
    norms = facts["norms"]
    shown = [
        _figure(
            "Values",
            figures.draw_values(evidence.stored.values),
            f"All 512 values of every vector: {facts['min']:.4g} to {facts['max']:.4g}, median "
            f"{facts['median']:.3g}, deviation {facts['std']:.3g}.",
        ),
        _figure(
            "Lengths",
            figures.draw_norms(evidence.stored.values),
            f"Half of the vectors are {norms['p25']:.4g} to {norms['p75']:.4g} long; a bar far from the "
            "others would be worth a look.",
        ),
    ]
    return _section("Vectors", f'<div class="figures">{"".join(shown)}</div>')


def _neighbours(report: dict, evidence: Evidence) -> str:
    near, genres = report["neighbours"], report["genres"]
    shown = []
    if near["random_similarity"] is not None:
        caption = (
            "Similarity is the cosine after the library's mean was taken away. Nearest: "
            f"{near['nearest_similarity']:.2f} in the median, tenth: {near['tenth_similarity']:.2f}, any two "
            f"songs: {near['random_similarity']:.2f}."
        )
        shown.append(
            _figure("Neighbours and strangers", figures.draw_similarities(evidence.nearest), caption)
        )
    if genres:
        caption = (
            f"{genres['purity']:.0%} of the ten nearest share a song's genre, {genres['chance']:.0%} with "
            f"shuffled genres (mean of 20; {number(genres['labelled'], 'song')} in "
            f"{number(genres['labels'], 'genre')}). In brackets: songs."
        )
        shown.append(_figure("Genre purity", figures.draw_genres(genres["per_label"]), caption))
    return _section("Neighbours", f'<div class="figures">{"".join(shown)}</div>') if shown else ""


def _projections(report: dict, evidence: Evidence) -> str:
    if not report["projections"]:
        return ""
    colours = figures.genre_colours(evidence.labels)
    legend = "".join(
        f'<li><i style="background:{colour}"></i>{_data(name)}</li>' for name, colour in colours.items()
    )
    if legend:
        legend += f'<li><i style="background:{figures.OTHER}"></i>others</li>'
    maps = "".join(
        _figure(
            TITLES.get(name, name),
            figures.draw_map(evidence.positions[name], evidence.labels, colours),
            f"Trustworthiness {_share(facts['trustworthiness'])}; {_share(facts['neighbours_kept'], '.0%')} "
            "of the ten nearest kept.",
        )
        for name, facts in report["projections"].items()
        if evidence.positions[name] is not None and len(evidence.labels)
    )
    keys = ("trustworthiness", "measured_trustworthiness", "continuity", "neighbours_kept", "genre_purity")
    heads = (
        "projection",
        "trustworthiness",
        "measured again",
        "continuity",
        "ten nearest kept",
        "genre purity",
    )
    rows = [
        (TITLES.get(name, name), *(_share(facts[key], ".3f" if key in keys[:3] else ".0%") for key in keys))
        for name, facts in report["projections"].items()
    ]
    body = f'<ul class="legend">{legend}</ul><div class="figures maps">{maps}</div>' if maps else ""
    return _section("The map", f'{body}<div class="card" style="margin-top:16px">{_table(heads, rows)}</div>')


def _pooling(report: dict, evidence: Evidence) -> str:
    facts = report["pooling"]
    if not facts:
        return _section("Maximum or mean", f"<p>Not compared: {_data(report['pooling_reason'] or '')}</p>")
    genres = [candidate.genre for candidate in evidence.repooled.candidates]
    by_max, by_mean = (similarities(evidence.repooled.pooled[method]) for method in ("max", "mean"))
    correlation = "" if facts["correlation"] is None else f", correlation {facts['correlation']:.2f}"
    caption = (
        f"{number(facts['songs'], 'song')}, {number(facts['windows'], 'window')} made again: the two name "
        f"{facts['neighbours_agreeing']:.0%} of the {facts['neighbours']} nearest alike{correlation}. So few "
        "songs give a hint and no more."
    )
    rows = [
        (
            {"max": "maximum over time", "mean": "mean over time"}[method],
            *(_share(facts[method][f"{what}_purity"], ".0%") for what in ("genre", "artist")),
        )
        for method in ("max", "mean")
    ]
    chances = (_share(facts["max"][f"{what}_chance"], ".0%") for what in ("genre", "artist"))
    rows.append(("by chance", *chances))
    table = _table(("pooled by", f"{facts['neighbours']} nearest of one genre", "of one artist"), rows)
    figure = _figure("Pairs of songs", figures.draw_poolings(by_max, by_mean, genres), caption)
    return _section("Maximum or mean", f'<div class="figures">{figure}<div class="card">{table}</div></div>')


def _indexing(report: dict) -> str:
    speed, storage = report["speed"], report["storage"]
    told = "Not recorded: no run has embedded songs since runs are remembered."
    if speed:
        told = (
            f"{format_duration(speed['audio_seconds'])} of sound in {format_duration(speed['seconds'])}: "
            f"{speed['seconds_per_audio_second']:.3f} s a second of sound, {speed['times_real_time']:.1f} "
            f"times real time ({number(speed['runs'], 'run')})."
        )
    songs = report["counts"]["songs"]
    sizes = {"songs.db": (1, storage["database_bytes"])} | {
        name: (cache["files"], cache["bytes"]) for name, cache in storage["caches"].items()
    }
    rows = [
        (name, f"{files:,}", f"{size / 1e6:,.1f} MB", f"{size / songs / 1e3:,.1f} kB" if songs else "–")
        for name, (files, size) in sizes.items()
    ]
    parts = [
        f"<p><b>Speed.</b> {escape(told)}</p><p><b>Model.</b> {_model(report['model'])}</p>",
        f'<div class="card">{_table(("storage", "files", "size", "per song"), rows)}</div>',
    ]
    if report["failures"]:
        figure = _figure(
            "Failures by reason",
            figures.draw_failures(report["failures"]),
            f"{number(report['counts']['failures'], 'file')} could not become a song.",
        )
        parts.append(f'<div class="figures" style="margin-top:16px">{figure}</div>')
    return _section("Indexing", "".join(parts))


def _model(model: dict | None) -> str:
    if not model:
        return "None yet."
    if not model.get("weights_sha256"):
        return "Unknown: the vectors were imported."
    parts = [
        f"{model.get('weights')} weights {str(model.get('weights_sha256'))[:12]}".strip(),
        f"{model.get('input_repr')} {model.get('content_type')} {model.get('embedding_size')}",
        f"hop {model.get('hop_s')} s",
        f"{model.get('pooling')} pooling",
        str(model.get("precision")),
    ]
    return _data(f"{', '.join(parts)}.")


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>\n{body}</section>\n"


def _figure(title: str, figure: Figure, caption: str) -> str:
    drawing = figures.inline_svg(figure, escape(f"{title}. {caption}"))
    return f"<figure><h3>{_data(title)}</h3>{drawing}<figcaption>{_data(caption)}</figcaption></figure>\n"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th{'' if i == 0 else ' class=n'}>{escape(head)}</th>" for i, head in enumerate(heads))
    body = "".join(
        "<tr>"
        + f'<th scope="row">{_data(row[0])}</th>'
        + "".join(f'<td class="n">{_data(cell)}</td>' for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _share(value: float | None, form: str = ".3f") -> str:
    return "–" if value is None else format(value, form)


def _data(text: str) -> str:
    """Show what others wrote: as text, in a direction of its own."""
    return f"<bdi>{escape(text)}</bdi>"
