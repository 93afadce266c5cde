import errno
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from report_support import change, store_sound_library

from explorer.analysis.report.html import render_page, write_page
from explorer.analysis.report.library_report import verify
from explorer.database.database import Database
from explorer.errors import AnalysisError
from explorer.library.music_file import ScannedFile
from explorer.util.progress import Reporter

HOSTILE = (
    '</style></svg><script>alert(1)</script><img src=x onerror="alert(2)">&lt;b&gt;" onload=alert(3) \'$x^2$'
)
URLS = {"src", "href", "xlink:href", "action", "srcset", "poster", "data", "formaction", "background"}


class Elements(HTMLParser):
    """Every element of a page with its attributes, and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    path = store_sound_library(tmp_path_factory.mktemp("page"))
    change(
        path,
        ("UPDATE songs_genres SET genre = ? WHERE genre = 'Techno'", (HOSTILE,)),
        ("UPDATE state SET value = json_set(value, '$.weights', ?) WHERE key = 'model'", (HOSTILE,)),
        ("INSERT INTO songs(id, info) VALUES (?, '{}')", (HOSTILE,)),
    )
    with Database.open(path) as library:
        root = library.add_root(path.parent)
        library.store_failure(root, ScannedFile(b"x.mp3", 0, 0), f"x.mp3 {HOSTILE}")
    return path


@pytest.fixture(scope="module")
def page(database):
    with Database.open_readonly(database) as library:
        return render_page(verify(library, recompute=0, reporter=Reporter()))


def test_the_page_loads_nothing(page):
    elements = Elements(page)
    tags = {tag for tag, _ in elements.tags}
    assert not tags & {"script", "link", "iframe", "object", "embed", "img", "audio", "video", "base", "form"}
    for _, attributes in elements.tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in URLS:
                assert value.startswith(("#", "data:image/png;base64,"))
    assert "http:" not in page
    assert "https:" not in page
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    policy = next(a["content"] for _, a in elements.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy


def test_hostile_titles_are_text(page):
    elements = Elements(page)
    # As a song's id, a genre in the legend, a failure and the model's weights.
    assert elements.text.count("</style></svg><script>alert(1)</script>") >= 3
    assert "onerror" not in {name for _, attributes in elements.tags for name in attributes}
    assert page.count("<style") == page.count("</style>")
    assert page.count("<svg") == page.count("</svg>") == 7


def test_figures_use_the_colours_of_the_page(page):
    drawings = "".join(re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL))
    assert "var(--ink)" in drawings
    assert "var(--accent)" in drawings
    for colour in ("#1c2030", "#5b5bd6", "#ffffff"):
        assert colour not in drawings
    assert "(prefers-color-scheme: dark)" in page
    assert "@media print" in page


def test_the_verdict_is_on_top_and_names_what_failed(database, tmp_path):
    with Database.open_readonly(database) as library:
        verification = verify(library, recompute=0, reporter=Reporter())
    good = Elements(render_page(verification)).text
    assert good.index("None of the 17 checks failed.") < good.index("Checks")
    verification.report["verdict"] = "1 check failed: No vector is constant."
    verification.report["failed"] = ["No vector is constant"]
    bad = render_page(verification)
    assert 'class="verdict bad"' in bad
    assert bad.index("1 check failed") < bad.index("<h2>Checks")


@pytest.mark.parametrize(("trained", "warning"), [("false", "untrained filters"), ("null", "is unknown")])
def test_a_page_warns_of_untrained_or_unknown_vectors(tmp_path, fresh_db, trained, warning):
    change(
        fresh_db.path,
        (
            "INSERT INTO state VALUES ('model', ?)",
            (f'{{"weights": "w", "weights_sha256": "", "trained": {trained}}}',),
        ),
    )
    page = render_page(verify(fresh_db, recompute=0, reporter=Reporter()))
    assert warning in Elements(page).text


def test_a_page_that_cannot_be_written_is_an_error(tmp_path, fresh_db):
    verification = verify(fresh_db, recompute=0, reporter=Reporter())
    (tmp_path / "file").write_text("")
    with pytest.raises(AnalysisError, match="choose another file with --out"):
        write_page(verification, tmp_path / "file" / "report.html")
    write_page(verification, tmp_path / "new" / "report.html")
    assert (tmp_path / "new" / "report.html").read_text().startswith("<!doctype html>")


def test_a_full_disk_leaves_the_older_page_and_no_partial_file(database, tmp_path, monkeypatch):
    out = tmp_path / "report.html"
    out.write_text("older")
    write_bytes = Path.write_bytes

    def write_half(path, content):
        write_bytes(path, content[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", write_half)
    with (
        Database.open_readonly(database) as library,
        pytest.raises(AnalysisError, match=r"cannot be written \(No space left on device\)"),
    ):
        write_page(verify(library, recompute=0, reporter=Reporter()), out)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("report.html", "older")]
