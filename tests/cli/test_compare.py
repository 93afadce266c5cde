import json
import re
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
    """Run `compare --json` and return the object that it prints."""

    def run_it(*arguments, out=tmp_path / "figures"):
        capsys.readouterr()
        status = run(["compare", *map(str, arguments), "--out", str(out), "--json"])
        captured = capsys.readouterr()
        assert status == 0, captured.err
        return json.loads(captured.out.splitlines()[-1])

    return run_it


@pytest.fixture
def failing(tmp_path, capsys):
    """Run `compare`, require that it fails, and return its one sentence."""

    def run_it(*arguments):
        capsys.readouterr()
        assert run(["compare", *map(str, arguments)]) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        lines = [line for line in captured.err.strip().splitlines() if not line.startswith("Embedding")]
        assert len(lines) == 1
        assert lines[0].endswith(".")
        return lines[0]

    return run_it


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    """The folder of a library of ten indexed tones, and of two files that are not in it."""
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


def centred_similarities(path):
    """Return a library's ids and vectors, and the cosines of its centred vectors, computed with NumPy."""
    with Database.open_readonly(path) as database:
        ids, vectors = database.vectors()
    centred_vectors = vectors - vectors.mean(axis=0)
    centred_vectors /= np.linalg.norm(centred_vectors, axis=1, keepdims=True)
    return ids, vectors, centred_vectors @ centred_vectors.T


def test_the_comparison_of_a_whole_library_agrees_with_numpy(library, compare):
    path, ids = library
    result = compare("--db", path)
    expected_ids, vectors, similarity = centred_similarities(path)
    assert (result["songs"], result["song_ids"], result["centred"]) == (24, ids, True)
    assert result["song_ids"] == expected_ids
    assert np.array(result["similarity"]) == pytest.approx(similarity, abs=2e-6)
    distance = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    assert np.array(result["distance"]) == pytest.approx(distance, rel=1e-5, abs=1e-5)
    assert sorted(result["order"]) == list(range(24))
    genres = [number // 8 for number in result["order"]]
    assert np.count_nonzero(np.diff(genres)) == 2
    assert result["labels"][9] == "Waltz piece 9 · Artist 1"


def test_closest_and_farthest_pairs_are_chosen_from_all_pairs(library, compare):
    path, _ = library
    result = compare("--db", path, "--pairs", 5)
    ids, vectors, similarity = centred_similarities(path)
    rows, columns = np.triu_indices(len(ids), k=1)
    order = np.argsort(-similarity[rows, columns])
    for key, chosen in (("closest", order[:5]), ("farthest", order[::-1][:5])):
        assert [(pair["a"], pair["b"]) for pair in result[key]] == [
            (ids[rows[i]], ids[columns[i]]) for i in chosen
        ]
        for pair, i in zip(result[key], chosen, strict=True):
            assert pair["similarity"] == pytest.approx(similarity[rows[i], columns[i]], abs=2e-6)
            gap = vectors[rows[i]] - vectors[columns[i]]
            assert pair["distance"] == pytest.approx(np.linalg.norm(gap), rel=1e-5)
    assert result["closest"][0]["a_title"].split()[0] in ("Techno", "Waltz", "Ambient")


def test_six_figures_can_be_opened(library, compare, tmp_path):
    result = compare("--db", library[0])
    assert [Path(path).name for path in result["figures"]] == FIGURES
    for path in map(Path, result["figures"]):
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


def test_without_out_the_figures_are_beside_the_library(library, capsys):
    path, ids = library
    assert run(["compare", ids[0], ids[1], "--db", str(path)]) == 0
    assert sorted(file.name for file in (path.parent / "compare").iterdir()) == sorted(FIGURES)


def test_named_songs_are_centred_by_the_librarys_mean_and_counted_once(library, compare):
    path, ids = library
    _, _, similarity = centred_similarities(path)
    result = compare(ids[3], "waltz PIECE 9", ids[20], ids[3], "--db", path)
    assert result["song_ids"] == [ids[3], ids[9], ids[20]]
    chosen = np.ix_([3, 9, 20], [3, 9, 20])
    assert np.array(result["similarity"]) == pytest.approx(similarity[chosen], abs=2e-6)


def test_words_of_a_title_name_a_song_to_compare_if_they_fit_only_one(library, compare, capsys):
    path, ids = library
    assert compare("artist waltz 9", ids[20], "--db", path)["song_ids"] == [ids[9], ids[20]]
    capsys.readouterr()
    assert run(["compare", "waltz", ids[20], "--db", str(path)]) == 1
    sentence, *candidates = capsys.readouterr().err.splitlines()
    assert "8 songs fit 'waltz'" in sentence
    assert len(candidates) == 8


def test_genres_are_matched_in_any_case_and_add_to_the_named_songs(library, compare):
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
    result = compare("--db", path, "--pairs", 1, "--projection", "pca")
    _, vectors, similarity = centred_similarities(path)
    assert result["songs"] == 69
    assert "similarity" not in result and "order" not in result
    groups = result["genres"]
    assert (groups["by"], groups["labels"]) == ("genre", ["Techno", "Ambient", "Waltz"])
    assert groups["songs"] == [40, 20, 9]
    means = np.array([part.mean(axis=0) for part in (vectors[9:49], vectors[49:], vectors[:9])])
    centred_means = means - vectors.mean(axis=0)
    centred_means /= np.linalg.norm(centred_means, axis=1, keepdims=True)
    assert np.array(groups["similarity"]) == pytest.approx(centred_means @ centred_means.T, abs=2e-6)
    gap = np.linalg.norm(means[0] - means[2])
    assert groups["distance"][0][2] == pytest.approx(gap, rel=1e-5)
    block = similarity[49:, 49:]
    assert groups["within"][1] == pytest.approx((block.sum() - 20) / (20 * 19), abs=2e-6)
    assert any("3 groups" in note and "genre" in note for note in result["notes"])


def test_songs_without_genres_are_drawn_by_cluster_or_by_k_means_without_a_map(tmp_path, compare):
    rng = np.random.default_rng(1)
    vectors = 6 * rng.normal(size=(4, 512))[np.arange(72) % 4] + rng.normal(size=(72, 512))
    path = tmp_path / "songs.db"
    with Database.open(path) as database:
        store_vectors(database, tmp_path / "music", vectors)
    result = compare("--db", path, "--projection", "pca")
    assert (result["genres"]["by"], result["genres"]["songs"]) == ("k-means", [18] * 4)
    assert any("k-means" in note for note in result["notes"])
    assert run(["map", "--db", str(path), "--clusters", "4", "--projection", "pca"]) == 0
    result = compare("--db", path)
    assert (result["genres"]["by"], result["genres"]["songs"]) == ("cluster", [18] * 4)


def test_only_the_sixty_largest_genres_are_drawn_and_a_note_counts_the_others(tmp_path, compare):
    rng = np.random.default_rng(1)
    path = tmp_path / "songs.db"
    genres = [f"Genre {number % 63}" for number in range(120)] + [""]
    with Database.open(path) as database:
        store_vectors(database, tmp_path / "music", rng.normal(size=(120, 512)), genres=genres[:120])
        store_vectors(database, tmp_path / "music", rng.normal(size=(1, 512)), first=120)
    result = compare("--db", path, "--projection", "pca")
    assert len(result["genres"]["labels"]) == 60
    assert sum(result["genres"]["songs"]) == 57 * 2 + 3
    assert any(note.startswith("3 ") and "groups" in note for note in result["notes"])
    assert any(re.search(r"\b1 (of the )?songs?\b", note) for note in result["notes"])


def test_copies_are_listed_as_identical(tmp_path, compare, capsys):
    path = tmp_path / "songs.db"
    vectors = np.random.default_rng(0).normal(size=(6, 512))
    with Database.open(path) as database:
        store_vectors(database, tmp_path / "music", vectors[[0, 1, 2, 3, 4, 5, 4]])
    result = compare("--db", path, "--pairs", 1)
    assert (result["closest"][0]["a"], result["closest"][0]["b"]) == ("00004.flac", "00006.flac")
    assert result["closest"][0]["distance"] == 0.0
    assert result["closest"][0]["similarity"] == 1.0
    assert run(["compare", "--db", str(path), "--out", str(tmp_path / "x"), "--pairs", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (
        "Song 4 · Artist 4  |  Song 6 · Artist 1  (identical)"
        in lines[lines.index("Closest pairs (similarity, distance):") + 1]
    )


def test_the_text_lists_figures_and_pairs_and_warns_of_untrained_filters(library, capsys, tmp_path):
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


def test_files_outside_the_library_are_embedded_with_its_model(tones, compare):
    path = tones / "songs.db"
    result = compare("Tone 3", "Tone 7", tones / "near 3.wav", tones / "high.flac", "--db", path)
    assert result["song_ids"] == ["3.flac", "7.flac", str(tones / "near 3.wav"), str(tones / "high.flac")]
    assert result["labels"] == ["Tone 3 · Us", "Tone 7 · Us", "near 3", "Outsider"]
    assert (result["closest"][0]["a"], result["closest"][0]["b"]) == ("3.flac", str(tones / "near 3.wav"))
    _, vectors, _ = centred_similarities(path)
    with Database.open_readonly(path) as database:
        song = database.vector("3.flac") - vectors.mean(axis=0)
    similarity = np.array(result["similarity"])
    assert similarity[0, 2] > 0.9
    assert similarity[0, 3] < 0.5
    assert np.linalg.norm(song) > 0
    assert result["centred"] is True


def test_the_path_of_an_indexed_file_names_its_song(tones, compare):
    result = compare(tones / "music" / "2.flac", "Tone 4", "--db", tones / "songs.db")
    assert result["song_ids"] == ["2.flac", "4.flac"]


def test_an_existing_file_is_preferred_to_a_song_of_the_same_name(tones, compare, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert compare("Tone 1", "4", "--db", tones / "songs.db")["song_ids"] == ["1.flac", "4.flac"]
    (tmp_path / "4").write_bytes((tones / "high.flac").read_bytes())
    assert compare("Tone 1", "4", "--db", tones / "songs.db")["song_ids"] == ["1.flac", "4"]


def test_a_model_other_than_the_librarys_is_refused_for_files(tones, failing):
    message = failing("Tone 1", tones / "high.flac", "--hop", "0.5", "--db", tones / "songs.db")
    assert "was made with" in message


def test_a_file_that_is_not_audio_is_an_error_of_one_sentence(tones, failing, tmp_path):
    (tmp_path / "words.mp3").write_text("words")
    assert "words.mp3" in failing("Tone 1", tmp_path / "words.mp3", "--db", tones / "songs.db")


def test_few_files_without_a_library_are_compared_by_plain_cosine_and_more_are_centred(
    tones, compare, tmp_path
):
    files = sorted((tones / "music").iterdir())
    options = ("--weights", "untrained", "--hop", "1.0", "--db", tmp_path / "absent.db")
    result = compare(*files[:3], *options)
    assert result["centred"] is False
    assert np.array(result["similarity"]).min() > 0.8
    assert "plain cosine" in " ".join(result["notes"])
    assert not (tmp_path / "absent.db").exists()
    result = compare(*files[:8], *options)
    assert result["centred"] is True
    assert np.array(result["similarity"]).min() < 0
    assert "the mean" in " ".join(result["notes"])


def test_too_few_songs_for_t_sne_and_umap_are_drawn_as_pca_with_a_note(tmp_path, compare):
    path = tmp_path / "songs.db"
    with Database.open(path) as database:
        store_vectors(database, tmp_path / "music", np.random.default_rng(0).normal(size=(3, 512)))
    notes = compare("--db", path)["notes"]
    assert any("t-SNE and UMAP" in note and "PCA" in note for note in notes)
    assert any("only 3 songs" in note for note in notes)


def test_a_note_counts_the_songs_that_are_not_on_the_map_yet(library, compare):
    path, ids = library
    with Database.open(path) as database:
        store_vectors(
            database, path.parent / "music", np.random.default_rng(0).normal(size=(2, 512)), first=90
        )
    assert any(note.startswith("2 ") and "not on the map" in note for note in compare("--db", path)["notes"])
    assert "not on the map" not in " ".join(compare(ids[0], ids[1], "--db", path)["notes"])


def test_impossible_comparisons_are_errors_of_one_sentence(library, failing, tmp_path):
    path, ids = library
    assert "1 song" in failing(ids[0], ids[0], "--db", path)
    message = failing("--genre", "Teckno", "--db", path)
    assert "'Teckno'" in message and "'Techno'" in message and "'Waltz'" not in message
    message = failing("--genre", "zzz", "--db", path)
    assert "'Techno'" in message and "'Waltz'" in message
    message = failing(ids[0], "no such song", "--db", path)
    assert "'no such song'" in message
    (tmp_path / "file").write_text("in the way")
    message = failing(ids[0], ids[1], "--db", path, "--out", tmp_path / "file" / "below")
    assert "--out" in message


def test_a_missing_library_or_one_with_fewer_than_two_songs_is_an_error_of_one_sentence(failing, tmp_path):
    path = tmp_path / "absent.db"
    assert str(path) in failing("--db", path)
    assert str(path) in failing("x", "--db", path)
    with Database.open(tmp_path / "songs.db") as database:
        assert "no song" in failing("--db", tmp_path / "songs.db")
        store_vectors(database, tmp_path / "music", np.ones((1, 512)))
    assert "1 song" in failing("--db", tmp_path / "songs.db")


def test_songs_with_identical_vectors_are_an_error_that_counts_them_all(failing, tmp_path):
    path = tmp_path / "songs.db"
    with Database.open(path) as database:
        store_vectors(database, tmp_path / "music", np.repeat(np.arange(512.0)[None], 61, axis=0))
        with database.transaction():
            database._rows("DELETE FROM songs_genres")
    message = failing("--db", path, "--out", tmp_path / "x")
    assert "61 songs" in message and "same vector" in message


def test_only_a_stored_map_is_titled_as_the_librarys(library, compare, tmp_path):
    path, _ = library
    picture = tmp_path / "figures" / "scatter.svg"
    for title, change in (("The library's map", ""), ("Where the songs lie", "DELETE FROM projections")):
        with Database.open(path) as database, database.transaction():
            database._rows(change)
        compare("--db", path, "--projection", "pca")
        assert f"<!-- {title} -->" in picture.read_text()
