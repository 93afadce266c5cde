import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from support import store_vectors, write_tone

from explorer.cli.main import run
from explorer.database.database import Database

FIGURES = [f"{name}.{form}" for name in ("similarity", "distance", "scatter") for form in ("png", "svg")]


@pytest.fixture
def compare(tmp_path, capsys):
    """Run `compare --json`, and return the object it printed."""

    def run_it(*arguments, out=tmp_path / "figures"):
        capsys.readouterr()
        status = run(["compare", *map(str, arguments), "--out", str(out), "--json"])
        captured = capsys.readouterr()
        assert status == 0, captured.err
        return json.loads(captured.out.splitlines()[-1])

    return run_it


@pytest.fixture
def failing(tmp_path, capsys):
    """Run `compare`, which is to fail, and return its one sentence."""

    def run_it(*arguments):
        capsys.readouterr()
        assert run(["compare", *map(str, arguments)]) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        said = [line for line in captured.err.strip().splitlines() if not line.startswith("Embedding")]
        assert len(said) == 1
        assert said[0].endswith(".")
        return said[0]

    return run_it


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    """A library of ten indexed tones, and two files beside it: the folder."""
    folder = tmp_path_factory.mktemp("tones")
    for number in range(10):
        tags = {"title": f"Tone {number}", "artist": "Us", "genre": "Low" if number < 5 else "High"}
        frequency = 90 + 15 * number if number < 5 else 1200 + 300 * number
        write_tone(folder / "music" / f"{number}.flac", frequency_hz=frequency, tags=tags)
    write_tone(folder / "near 3.wav", frequency_hz=136)
    write_tone(folder / "high.flac", frequency_hz=3000, tags={"title": "Outsider", "genre": "High"})
    arguments = ["index", str(folder / "music"), "--weights", "untrained", "--hop", "1.0"]
    database = ["--db", str(folder / "songs.db")]
    assert run([*arguments, "--no-previews", "--no-map", *database]) == 0
    assert run(["map", "--projection", "pca", *database]) == 0
    return folder


def centred(path):
    """Return a library's ids, vectors and similarities by hand."""
    with Database.open_readonly(path) as database:
        ids, vectors = database.vectors()
    away = vectors - vectors.mean(axis=0)
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    return ids, vectors, away @ away.T


def test_a_whole_library_is_compared_as_numpy_does_it(library, compare):
    path, ids = library
    found = compare("--db", path)
    expected_ids, vectors, similarity = centred(path)
    assert (found["songs"], found["song_ids"], found["centred"]) == (24, ids, True)
    assert found["song_ids"] == expected_ids
    assert np.array(found["similarity"]) == pytest.approx(similarity, abs=2e-6)
    distance = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    assert np.array(found["distance"]) == pytest.approx(distance, rel=1e-5, abs=1e-5)
    assert sorted(found["order"]) == list(range(24))
    genres = [number // 8 for number in found["order"]]
    assert np.count_nonzero(np.diff(genres)) == 2
    assert found["labels"][9] == "Waltz piece 9 · Artist 1"


def test_the_closest_and_farthest_pairs_are_those_of_all_songs(library, compare):
    path, _ = library
    found = compare("--db", path, "--pairs", 5)
    ids, vectors, similarity = centred(path)
    rows, columns = np.triu_indices(len(ids), k=1)
    order = np.argsort(-similarity[rows, columns])
    for key, chosen in (("closest", order[:5]), ("farthest", order[::-1][:5])):
        assert [(pair["a"], pair["b"]) for pair in found[key]] == [
            (ids[rows[i]], ids[columns[i]]) for i in chosen
        ]
        for pair, i in zip(found[key], chosen, strict=True):
            assert pair["similarity"] == pytest.approx(similarity[rows[i], columns[i]], abs=2e-6)
            gap = vectors[rows[i]] - vectors[columns[i]]
            assert pair["distance"] == pytest.approx(np.linalg.norm(gap), rel=1e-5)
    assert found["closest"][0]["a_title"].split()[0] in ("Techno", "Waltz", "Ambient")


def test_six_figures_can_be_opened(library, compare, tmp_path):
    found = compare("--db", library[0])
    assert [Path(path).name for path in found["figures"]] == FIGURES
    for path in map(Path, found["figures"]):
        assert path.parent == tmp_path / "figures"
        if path.suffix == ".png":
            picture = imread(path)[..., :3]
            assert min(picture.shape[:2]) > 300
            assert picture.std() > 0.03
        else:
            assert ElementTree.parse(path).getroot().tag.endswith("svg")


def test_the_same_comparison_makes_the_same_files(library, compare, tmp_path):
    for folder in ("one", "two"):
        compare("--db", library[0], out=tmp_path / folder)
    for name in FIGURES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_without_out_figures_lie_beside_the_library(library, capsys):
    path, ids = library
    assert run(["compare", ids[0], ids[1], "--db", str(path)]) == 0
    assert sorted(file.name for file in (path.parent / "compare").iterdir()) == sorted(FIGURES)


def test_named_songs_keep_the_librarys_mean_and_count_once(library, compare):
    path, ids = library
    _, _, similarity = centred(path)
    found = compare(ids[3], "waltz PIECE 9", ids[20], ids[3], "--db", path)
    assert found["song_ids"] == [ids[3], ids[9], ids[20]]
    chosen = np.ix_([3, 9, 20], [3, 9, 20])
    assert np.array(found["similarity"]) == pytest.approx(similarity[chosen], abs=2e-6)


def test_songs_of_genres_are_chosen_whatever_the_case_beside_named_ones(library, compare):
    path, ids = library
    assert compare("--genre", "WALTZ", "--db", path)["song_ids"] == ids[8:16]
    both = compare(ids[0], "--genre", "waltz", "--genre", "Ambient", "--db", path)
    assert both["song_ids"] == [ids[0], *ids[8:]]


def test_more_than_sixty_songs_are_drawn_as_the_means_of_their_genres(tmp_path, compare):
    rng = np.random.default_rng(1)
    genres = ["Waltz"] * 9 + ["Techno"] * 40 + ["Ambient"] * 20
    path = tmp_path / "songs.db"
    with Database.open(path) as database:
        store_vectors(database, tmp_path / "music", rng.normal(size=(69, 512)) + 3, genres=genres)
    found = compare("--db", path, "--pairs", 1, "--projection", "pca")
    _, vectors, similarity = centred(path)
    assert found["songs"] == 69
    assert "similarity" not in found and "order" not in found
    groups = found["genres"]
    assert (groups["by"], groups["labels"]) == ("genre", ["Techno", "Ambient", "Waltz"])
    assert groups["songs"] == [40, 20, 9]
    means = np.array([part.mean(axis=0) for part in (vectors[9:49], vectors[49:], vectors[:9])])
    away = means - vectors.mean(axis=0)
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    assert np.array(groups["similarity"]) == pytest.approx(away @ away.T, abs=2e-6)
    gap = np.linalg.norm(means[0] - means[2])
    assert groups["distance"][0][2] == pytest.approx(gap, rel=1e-5)
    block = similarity[49:, 49:]
    assert groups["within"][1] == pytest.approx((block.sum() - 20) / (20 * 19), abs=2e-6)
    assert "means of 3 groups, by the first genre" in " ".join(found["notes"])


def test_songs_without_genres_are_drawn_as_clusters_and_without_a_map_as_k_means(tmp_path, compare):
    rng = np.random.default_rng(1)
    vectors = 6 * rng.normal(size=(4, 512))[np.arange(72) % 4] + rng.normal(size=(72, 512))
    path = tmp_path / "songs.db"
    with Database.open(path) as database:
        store_vectors(database, tmp_path / "music", vectors)
    found = compare("--db", path, "--projection", "pca")
    assert (found["genres"]["by"], found["genres"]["songs"]) == ("k-means", [18] * 4)
    assert any("k-means" in note for note in found["notes"])
    assert run(["map", "--db", str(path), "--clusters", "4", "--projection", "pca"]) == 0
    found = compare("--db", path)
    assert (found["genres"]["by"], found["genres"]["songs"]) == ("cluster", [18] * 4)


def test_sixty_genres_are_drawn_and_the_others_are_mentioned(tmp_path, compare):
    rng = np.random.default_rng(1)
    path = tmp_path / "songs.db"
    genres = [f"Genre {number % 63}" for number in range(120)] + [""]
    with Database.open(path) as database:
        store_vectors(database, tmp_path / "music", rng.normal(size=(120, 512)), genres=genres[:120])
        store_vectors(database, tmp_path / "music", rng.normal(size=(1, 512)), first=120)
    found = compare("--db", path, "--projection", "pca")
    assert len(found["genres"]["labels"]) == 60
    assert sum(found["genres"]["songs"]) == 57 * 2 + 3
    notes = " ".join(found["notes"])
    assert "3 smaller groups are not drawn" in notes
    assert "1 of the songs are in none" in notes


def test_copies_are_called_identical(tmp_path, compare, capsys):
    path = tmp_path / "songs.db"
    vectors = np.random.default_rng(0).normal(size=(6, 512))
    with Database.open(path) as database:
        store_vectors(database, tmp_path / "music", vectors[[0, 1, 2, 3, 4, 5, 4]])
    found = compare("--db", path, "--pairs", 1)
    assert (found["closest"][0]["a"], found["closest"][0]["b"]) == ("00004.flac", "00006.flac")
    assert found["closest"][0]["distance"] == 0.0
    assert found["closest"][0]["similarity"] == 1.0
    assert run(["compare", "--db", str(path), "--out", str(tmp_path / "x"), "--pairs", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (
        "Song 4 · Artist 4  |  Song 6 · Artist 1  (identical)"
        in lines[lines.index("Closest pairs (similarity, distance):") + 1]
    )


def test_the_text_names_figures_pairs_and_that_filters_are_untrained(library, capsys, tmp_path):
    assert run(["compare", "--db", str(library[0]), "--out", str(tmp_path / "x"), "--pairs", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Compared 24 songs."
    assert "Untrained filters" in lines[1]
    assert [line.strip() for line in lines if line.endswith((".png", ".svg"))] == [
        str(tmp_path / "x" / name) for name in FIGURES
    ]
    start = lines.index("Farthest pairs (similarity, distance):")
    assert len(lines[start + 1 :]) == 2
    assert " · Artist " in lines[start + 1]


def test_files_from_outside_are_embedded_as_the_library_was(tones, compare):
    path = tones / "songs.db"
    found = compare("Tone 3", "Tone 7", tones / "near 3.wav", tones / "high.flac", "--db", path)
    assert found["song_ids"] == ["3.flac", "7.flac", str(tones / "near 3.wav"), str(tones / "high.flac")]
    assert found["labels"] == ["Tone 3 · Us", "Tone 7 · Us", "near 3", "Outsider"]
    assert (found["closest"][0]["a"], found["closest"][0]["b"]) == ("3.flac", str(tones / "near 3.wav"))
    _, vectors, _ = centred(path)
    with Database.open_readonly(path) as database:
        song = database.vector("3.flac") - vectors.mean(axis=0)
    similarity = np.array(found["similarity"])
    assert similarity[0, 2] > 0.9
    assert similarity[0, 3] < 0.5
    assert np.linalg.norm(song) > 0
    assert found["centred"] is True


def test_a_file_of_the_library_is_its_song(tones, compare):
    found = compare(tones / "music" / "2.flac", "Tone 4", "--db", tones / "songs.db")
    assert found["song_ids"] == ["2.flac", "4.flac"]


def test_a_file_that_is_there_is_no_song_of_the_library_that_is_called_alike(
    tones, compare, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert compare("Tone 1", "4", "--db", tones / "songs.db")["song_ids"] == ["1.flac", "4.flac"]
    (tmp_path / "4").write_bytes((tones / "high.flac").read_bytes())
    assert compare("Tone 1", "4", "--db", tones / "songs.db")["song_ids"] == ["1.flac", "4"]


def test_another_model_than_the_librarys_is_refused_for_files(tones, failing):
    said = failing("Tone 1", tones / "high.flac", "--hop", "0.5", "--db", tones / "songs.db")
    assert "was made with" in said


def test_a_file_that_is_no_audio_is_one_sentence(tones, failing, tmp_path):
    (tmp_path / "words.mp3").write_text("words")
    assert "words.mp3" in failing("Tone 1", tmp_path / "words.mp3", "--db", tones / "songs.db")


def test_a_few_files_without_a_library_are_compared_by_plain_cosine(tones, compare, tmp_path):
    files = sorted((tones / "music").iterdir())
    options = ("--weights", "untrained", "--hop", "1.0", "--db", tmp_path / "absent.db")
    found = compare(*files[:3], *options)
    assert found["centred"] is False
    assert np.array(found["similarity"]).min() > 0.8
    assert "plain cosine" in " ".join(found["notes"])
    assert not (tmp_path / "absent.db").exists()
    found = compare(*files[:8], *options)
    assert found["centred"] is True
    assert np.array(found["similarity"]).min() < 0
    assert "mean of these files" in " ".join(found["notes"])


def test_too_few_songs_for_t_sne_and_umap_are_drawn_as_pca_and_told_so(tmp_path, compare):
    path = tmp_path / "songs.db"
    with Database.open(path) as database:
        store_vectors(database, tmp_path / "music", np.random.default_rng(0).normal(size=(3, 512)))
    notes = " ".join(compare("--db", path)["notes"])
    assert "3 different songs are too few for t-SNE and UMAP: their PCA is drawn" in notes
    assert "The library has only 3 songs" in notes


def test_songs_that_are_not_on_the_map_yet_are_counted(library, compare):
    path, ids = library
    with Database.open(path) as database:
        store_vectors(
            database, path.parent / "music", np.random.default_rng(0).normal(size=(2, 512)), first=90
        )
    assert "2 of them are not on the map yet" in " ".join(compare("--db", path)["notes"])
    assert "not on the map" not in " ".join(compare(ids[0], ids[1], "--db", path)["notes"])


def test_what_cannot_be_compared_is_one_sentence(library, failing, tmp_path):
    path, ids = library
    assert "comes to 1 song," in failing(ids[0], ids[0], "--db", path)
    said = failing("--genre", "Teckno", "--db", path)
    assert "'Teckno'" in said and "'Techno'" in said and "'Waltz'" not in said
    said = failing("--genre", "zzz", "--db", path)
    assert "'Techno'" in said and "'Waltz'" in said
    said = failing(ids[0], "no such song", "--db", path)
    assert "'no such song'" in said and "no file of that name" in said
    (tmp_path / "file").write_text("in the way")
    said = failing(ids[0], ids[1], "--db", path, "--out", tmp_path / "file" / "below")
    assert "--out" in said


def test_a_library_that_is_not_there_or_holds_less_than_two_songs_is_one_sentence(failing, tmp_path):
    path = tmp_path / "absent.db"
    assert "There is no library" in failing("--db", path)
    assert "There is no library" in failing("x", "--db", path)
    with Database.open(tmp_path / "songs.db") as database:
        assert "holds no song yet" in failing("--db", tmp_path / "songs.db")
        store_vectors(database, tmp_path / "music", np.ones((1, 512)))
    assert "holds 1 song, and a comparison needs two" in failing("--db", tmp_path / "songs.db")


def test_songs_that_are_all_alike_are_told_so_and_not_counted_as_one(failing, tmp_path):
    path = tmp_path / "songs.db"
    with Database.open(path) as database:
        store_vectors(database, tmp_path / "music", np.repeat(np.arange(512.0)[None], 61, axis=0))
        with database.transaction():
            database._rows("DELETE FROM songs_genres")
    assert "All 61 songs have one and the same vector" in failing("--db", path, "--out", tmp_path / "x")


def test_only_a_map_that_is_stored_is_called_the_librarys(library, compare, tmp_path):
    path, _ = library
    picture = tmp_path / "figures" / "scatter.svg"
    for title, change in (("The library's map", ""), ("Where the songs lie", "DELETE FROM projections")):
        with Database.open(path) as database, database.transaction():
            database._rows(change)
        compare("--db", path, "--projection", "pca")
        assert f"<!-- {title} -->" in picture.read_text()
