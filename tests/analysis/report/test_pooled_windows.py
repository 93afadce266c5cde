"""The comparison of poolings in the report of a library with stored windows."""

import shutil

import numpy as np
import pytest
from damage_support import force
from report_support import ask, change

from explorer.analysis.report import pooling_comparison
from explorer.analysis.report.html import render_page
from explorer.analysis.report.inputs import pool_stored_windows
from explorer.analysis.report.library_report import verify
from explorer.analysis.report.verdict import describe_report
from explorer.database.database import Database
from explorer.database.records import Song
from explorer.embedding.song_windows import RawWindows, fit_basis
from explorer.indexing.model import Model
from explorer.library.music_file import ScannedFile, Tags
from explorer.util.progress import Reporter

SONGS, GENRES, WINDOWS = 60, 4, 12
SONG = "00003.flac"


def store(path, kind, *, trained=False):
    """Store songs by 30 artists, whose genre is in the mean of their windows, or in one loud window."""
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(512, 64)))[0].T
    centres = rng.normal(size=(GENRES, 16)) @ axes[:16]
    frames = []
    for number in range(SONGS):
        centre = centres[number % GENRES]
        if kind == "mean":
            # Outliers up and down change the maximum, but not the mean.
            noise = 30 * rng.normal(size=(WINDOWS // 2, 64)) @ axes
            song = 3 * centre + np.concatenate([noise, -noise])
        else:
            # One loud window tells the genre, and the others are lower, so that the mean does not show it.
            loud = np.full(WINDOWS, -1 / (WINDOWS - 1))
            loud[number % WINDOWS] = 1
            song = rng.normal(size=64) @ axes * 20 + rng.normal(size=(WINDOWS, 64)) @ axes
            song = song + 200 * loud[:, None] * np.abs(centre)
        frames.append(song.astype(np.float32))
    with Database.open(path) as library, library.transaction():
        root = library.add_root(path.parent)
        model = Model("weights", "0" * 64, trained=trained, hop_s=0.5, precision="float32")
        library.claim_model(model.record())
        basis = fit_basis(np.concatenate(frames))
        for number, song_frames in enumerate(frames):
            tags = Tags(f"Song {number}", (f"Artist {number // 2}",), "Album", (f"Genre {number % GENRES}",))
            file = ScannedFile(b"%05d.flac" % number, 1, 1)
            song = Song(file, tags, f"{number:032x}", "flac/pcm_16", 6.0)
            song_id = library.store_song(root, song, song_frames.max(axis=0).astype(np.float64))
            library.store_windows(song_id, basis.encode(RawWindows(song_frames.astype(np.float16), 0.5)))
        library.store_window_basis(basis)
    return path


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("windows")
    return {kind: store(folder / kind / "songs.db", kind) for kind in ("mean", "max")}


@pytest.fixture
def library(originals, tmp_path):
    """The library in whose songs the mean of the windows tells the genre."""
    return shutil.copy(originals["mean"], tmp_path / "songs.db")


def verified(path):
    with Database.open_readonly(path) as database:
        return verify(database, recompute=0, reporter=Reporter())


def report_of(path):
    return verified(path).report


def test_the_mean_is_found_to_be_better_where_it_is(library):
    report = report_of(library)
    assert report["failed"] == []
    assert report["pooling_reason"] is None
    pooling = report["pooling"]
    assert (pooling["songs"], pooling["artists"], pooling["genres"], pooling["neighbours"]) == (60, 30, 4, 10)
    assert pooling["poolings"]["mean"]["purity"] > pooling["poolings"]["max"]["purity"] + 0.2
    assert pooling["differences"]["mean"]["is_beyond_chance"]
    assert pooling["differences"]["mean"]["difference"] > 0
    assert "finds more songs of the same genre than by maximum" in pooling["finding"]
    assert "Songs stay pooled by maximum." in pooling["finding"]
    assert pooling["finding"] in describe_report(report)


def test_the_maximum_is_found_to_be_better_where_it_is(originals):
    pooling = report_of(originals["max"])["pooling"]
    assert pooling["poolings"]["max"]["purity"] > pooling["poolings"]["mean"]["purity"] + 0.2
    assert pooling["differences"]["mean"]["is_beyond_chance"]
    assert "finds fewer songs of the same genre than by maximum" in pooling["finding"]
    # These windows have as many directions as components, so the components lose little.
    assert pooling["stored_kept"] > 0.85
    assert pooling["poolings"]["stored"]["purity"] == pytest.approx(
        pooling["poolings"]["max"]["purity"], abs=0.05
    )


def test_the_page_shows_every_pooling_and_its_interval(library):
    verification = verified(library)
    page = render_page(verification)
    section = page[page.index("<h2>Maximum or mean") : page.index("<h2>Indexing")]
    for name in ("maximum", "mean", "mean with deviation", "stored vector", "by chance"):
        assert section.count(f"<bdi>{name}</bdi>") == 1, name
    assert section.count("<svg") == 1
    facts = verification.report["pooling"]["poolings"]["mean"]
    assert f"{facts['low']:.0%} to {facts['high']:.0%}" in section


def test_figures_of_untrained_filters_say_so(library):
    assert "untrained filters" in report_of(library)["pooling"]["finding"]
    change(library, "UPDATE state SET value = json_set(value, '$.trained', json('true')) WHERE key = 'model'")
    assert "untrained" not in report_of(library)["pooling"]["finding"]


def test_a_library_without_windows_says_what_to_run(library):
    change(library, "DELETE FROM song_windows", "DELETE FROM window_basis")
    report = report_of(library)
    assert report["pooling"] is None
    assert f"--windows --db {library}" in report["pooling_reason"]
    assert report["pooling_reason"].count(".") - report["pooling_reason"].count("run.py") <= 2
    assert report["pooling_reason"] in describe_report(report)
    assert "Not compared" in render_page(verified(library))


def test_songs_without_artist_do_not_count(library):
    change(library, "UPDATE songs SET info = json_remove(info, '$.artists') WHERE id < '00010.flac'")
    assert report_of(library)["pooling"]["songs"] == 50
    change(library, "UPDATE songs SET info = json_remove(info, '$.artists')")
    report = report_of(library)
    assert report["pooling"] is None
    assert "artists" in report["pooling_reason"]


def test_one_genre_is_not_compared(library):
    change(library, "UPDATE songs_genres SET genre = 'Techno'")
    report = report_of(library)
    assert report["pooling"] is None
    assert "only one such genre" in report["pooling_reason"]


def test_songs_without_windows_are_left_out(library):
    change(library, "DELETE FROM song_windows WHERE song_id < '00010.flac'")
    pooling = report_of(library)["pooling"]
    assert (pooling["songs"], pooling["songs_with_windows"], pooling["damaged"]) == (50, 50, [])


@pytest.mark.parametrize(
    "harm",
    [
        "codes = substr(codes, 1, 65)",
        "codes = x''",
        "codes = 'text'",
        "scale = 0",
        "scale = 1e300",
        "scale = 9e999",
        "step_s = -1",
        "step_s = 'text'",
    ],
)
def test_damaged_windows_of_a_song_cost_that_song_only(library, harm):
    force(library, f"UPDATE song_windows SET {harm} WHERE song_id = '{SONG}'")
    pooling = report_of(library)["pooling"]
    assert (pooling["songs"], pooling["damaged"]) == (59, [SONG])
    assert f"damaged were left out ('{SONG}')" in pooling["finding"]


@pytest.mark.parametrize(
    "harm", ["mean = x'00'", "axes = substr(axes, 1, 2048)", "mean = 'text'", "mean = zeroblob(2044)"]
)
def test_a_damaged_basis_leaves_the_rest_of_the_report(library, harm):
    force(library, f"UPDATE window_basis SET {harm}")
    report = report_of(library)
    assert report["pooling"] is None
    assert "damaged" in report["pooling_reason"]


def test_a_basis_of_huge_values_leaves_the_rest_of_the_report(library):
    huge = np.full(512, 1e38, dtype="<f4").tobytes()
    change(library, ("UPDATE window_basis SET mean = ?", (huge,)))
    assert report_of(library)["pooling"] is None


def test_of_many_songs_a_sample_is_compared(library, monkeypatch):
    monkeypatch.setattr(pooling_comparison, "MAX_SONGS", 45)
    pooling = report_of(library)["pooling"]
    assert (pooling["songs"], pooling["is_sample"]) == (45, True)
    assert "a random sample of 45 songs" in pooling["finding"]


def test_the_sample_is_the_same_each_time(library):
    song_ids = [song_id for (song_id,) in ask(library, "SELECT id FROM songs ORDER BY id")]
    with Database.open_readonly(library) as database:
        first, again = (pool_stored_windows(database, song_ids, max_songs=20) for _ in range(2))
        other = pool_stored_windows(database, song_ids, max_songs=20, seed=1)
    assert first.song_ids == again.song_ids != other.song_ids
    assert len(first.song_ids) == 20


def test_coarse_vectors_are_not_compared_with_the_windows(library, monkeypatch):
    """The vectors of a first look are made of a few windows."""
    monkeypatch.setattr(Database, "coarse_windows", lambda self: 6)
    pooling = report_of(library)["pooling"]
    assert pooling["stored_kept"] is None
    assert "stored" not in pooling["poolings"]
