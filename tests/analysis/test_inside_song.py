import json
from dataclasses import replace

import numpy as np
import pytest
from support import write_tone

from explorer.analysis.inside_figure import inside_figure, section_colour
from explorer.analysis.inside_song import InsideSong, confidence_word, describe, look_inside, read_waveform
from explorer.analysis.matplotlib_style import render
from explorer.config import Settings
from explorer.database.database import Database
from explorer.embedding.song_windows import SongWindows, fit_basis
from explorer.errors import AnalysisError, SongNotFoundError
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.model import ModelRequest
from explorer.structure.known_features import KnownFeatures
from explorer.structure.sections import Section
from explorer.structure.song_features import SongFeatures
from explorer.util.progress import Reporter

ANY = ModelRequest(Settings().models)
QUICK = ModelRequest(Settings().models, weights="untrained", hop_s=1.0, precision="float32")
DOUBTFUL = SongFeatures(
    119.6,
    0.05,
    "A minor",
    0.05,
    0.5,
    -14.3,
    1812.0,
    beats_s=np.arange(40, dtype=np.float32),
    loudness_curve=np.array([-70, *np.linspace(-20, -10, 39)], dtype=np.float32),
    brightness_curve=np.linspace(900, 2000, 40, dtype=np.float32),
)
SECTIONS = (Section(0, 12, "A", 0.9), Section(12, 26, "B", 0.4), Section(26, 40, "A", 0.1))
SONG = InsideSong(
    "Ocean",
    "Savino",
    "a.flac",
    40.0,
    KnownFeatures.of(DOUBTFUL),
    DOUBTFUL,
    np.random.default_rng(0).normal(size=(80, 64)).astype(np.float32),
    0.5,
    SECTIONS,
)


def alternating_windows():
    """Return windows of a song of 60 s at a step of 0.5 s that sounds A B A, for 20 s each."""
    rng = np.random.default_rng(1)
    one, other = rng.integers(-90, 90, (2, 64))
    means = np.repeat([one, other, one], 40, axis=0)
    return SongWindows((means + rng.integers(-4, 5, means.shape)).astype(np.int8), 0.01, 0.5)


def inside_of(path, text, request=ANY):
    return look_inside(str(text), database=path, request=request, reporter=Reporter())


def test_a_song_of_the_library_is_described_by_what_is_stored(library):
    path, ids = library
    with Database.open(path) as database:
        database.store_features(ids[3], DOUBTFUL)
        database.store_windows(ids[3], alternating_windows())
        database._rows("UPDATE files SET duration_s = 60 WHERE song_id = ?", (ids[3],))
        database._rows("UPDATE songs SET info = json_set(info, '$.key', '8B') WHERE id = ?", (ids[3],))
    inside, sound = inside_of(path, ids[3])
    assert (inside.song_id, inside.title, inside.notes) == (ids[3], "Techno piece 3", ())
    assert [section.label for section in inside.sections] == ["A", "B", "A"]
    assert [section.start_s for section in inside.sections] == pytest.approx([0, 20, 40], abs=1.5)
    assert inside.sections[-1].end_s == 60
    assert (inside.known.key.camelot, inside.known.key.is_sure) == ("8B", True)
    assert not inside.known.tempo.is_sure
    assert sound.path.name == "003.flac"
    assert read_waveform(sound).shape == (800,)


def test_a_song_without_windows_or_features_says_how_to_get_them_and_tells_what_is_known(library):
    path, ids = library
    inside, _ = inside_of(path, ids[3])
    assert (inside.sections, inside.components, inside.title) == ((), None, "Techno piece 3")
    (nothing_known,) = inside.notes
    assert f"index {path.parent / 'music'} --windows --db {path}" in nothing_known
    with Database.open(path) as database:
        database.store_features(ids[3], DOUBTFUL)
    inside, _ = inside_of(path, ids[3])
    (windows,) = inside.notes
    assert "--windows" in windows
    assert windows != nothing_known
    assert "about 120 bpm (not sure)" in describe(inside)


def test_a_song_without_a_file_has_no_waveform(library):
    path, ids = library
    next((path.parent / "music").rglob("003.flac")).unlink()
    _, sound = inside_of(path, ids[3])
    assert sound is None
    assert read_waveform(sound) is None


def test_a_name_that_fits_no_song_and_no_file_is_refused(library):
    with pytest.raises(SongNotFoundError):
        inside_of(library[0], "no such song at all")


@pytest.fixture(scope="module")
def indexed(tmp_path_factory):
    """The folder of a library of three tones that was really indexed."""
    folder = tmp_path_factory.mktemp("indexed")
    for number in range(3):
        write_tone(folder / "music" / f"{number}.flac", frequency_hz=100 * 2**number, seconds=3)
    with Database.open(folder / "songs.db") as library:
        index_folder(IndexRun(library, folder / "music", request=QUICK, reporter=Reporter()))
    return folder


def test_a_file_outside_the_library_is_embedded_and_measured_but_not_stored(indexed, tmp_path):
    path = indexed / "songs.db"
    file = write_tone(
        tmp_path / "new.flac", frequency_hz=500, seconds=3, tags={"title": "New", "artist": "Me"}
    )
    with Database.open(path) as database:
        database.store_window_basis(fit_basis(np.random.default_rng(0).normal(size=(99, 512))))
        before = database.count_features(), database.count_windows(), database.count_vectors()
    inside, sound = inside_of(path, file)
    assert (inside.title, inside.artist, inside.song_id, inside.is_trained) == ("New", "Me", None, False)
    assert inside.duration_s == pytest.approx(3, abs=0.01)
    assert inside.components.shape == (4, 64)
    # In the library's basis: in one of its own, a song's components have the mean 0.
    assert np.abs(inside.components.mean(axis=0)).max() > 0.01
    assert (inside.step_s, [section.label for section in inside.sections]) == (1.0, ["A"])
    assert -30 < inside.known.loudness_lufs < 0
    assert 400 < inside.known.brightness_hz < 1500
    assert sound.path == file
    with Database.open(path) as database:
        assert before == (database.count_features(), database.count_windows(), database.count_vectors())


def test_a_file_with_the_bytes_of_a_song_of_the_library_is_that_song(indexed, tmp_path):
    copy = tmp_path / "copy.flac"
    copy.write_bytes((indexed / "music" / "1.flac").read_bytes())
    assert inside_of(indexed / "songs.db", copy)[0].song_id == "1.flac"


def test_json_has_the_sections_with_their_confidence_and_null_for_what_is_unknown():
    found = json.loads(json.dumps(SONG.as_json(), allow_nan=False))
    assert found["sections"][1] == {"start_s": 12, "end_s": 26, "label": "B", "confidence": 0.4}
    assert (found["tempo_bpm"], found["tempo_is_sure"], found["camelot"]) == (119.6, False, "8A")
    assert (found["has_windows"], found["step_s"], len(found["beats_s"])) == (True, 0.5, 40)
    nothing = InsideSong("x", "", "x", None, KnownFeatures(), SongFeatures()).as_json()
    assert found.keys() == nothing.keys()
    assert nothing["key"] is nothing["duration_s"] is nothing["energy"] is None
    assert nothing["sections"] == nothing["loudness_curve"] == []


def test_the_text_has_a_line_for_each_section_and_says_how_clear_it_is():
    lines = describe(SONG).splitlines()
    assert lines[0] == "Inside Ocean (Savino) (0:40):"
    assert [line.split() for line in lines[-3:]] == [
        ["A", "0:00", "to", "0:12", "clear"],
        ["B", "0:12", "to", "0:26", "fairly", "clear"],
        ["A", "0:26", "to", "0:40", "not", "sure"],
    ]
    assert "  Key         A minor · 8A (not sure)" in lines
    assert [confidence_word(section) for section in SECTIONS] == ["clear", "fairly clear", "not sure"]


def test_no_terminal_obeys_a_title():
    assert "\x1b" not in describe(replace(SONG, title="a\x1b[31m\nb"))


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_a_figure_is_drawn_in_each_format_and_is_the_same_each_time(form):
    waveform = np.arange(800) % 256
    first, again = (render(inside_figure(SONG, waveform.astype(np.uint8)), form) for _ in range(2))
    assert first.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[form])
    assert first == again


def test_a_figure_has_the_letters_of_the_sections_in_their_colours_and_the_doubt():
    figure = inside_figure(SONG, None)
    texts = [text for axes in figure.axes for text in axes.texts]
    letters = [text for text in texts if text.get_text() in ("A", "B")]
    assert [text.get_text() for text in letters] == ["A", "B", "A"] * 2
    assert {text.get_color() for text in letters if text.get_text() == "A"} == {section_colour("A")}
    assert section_colour("A") != section_colour("B")
    assert any("about 120 bpm (not sure)" in text.get_text() for text in figure.texts)
    loudness = figure.axes[1].lines[0].get_ydata()
    assert np.isnan(loudness[0]) and np.isfinite(loudness[1:]).all()


def test_a_figure_shows_what_is_known_and_needs_something():
    render(inside_figure(replace(SONG, components=None, sections=()), None), "png")
    unmeasured = replace(SONG, measured=SongFeatures(), known=KnownFeatures())
    render(inside_figure(unmeasured, None), "png")
    with pytest.raises(AnalysisError, match="nothing to draw of Ocean"):
        inside_figure(replace(unmeasured, components=None), None)
