import shutil
from pathlib import Path

import numpy as np
import pytest
from report_support import as_npy, change, vector_of
from support import write_tone

from explorer.analysis.report import pooling_trial
from explorer.analysis.report.library_report import verify
from explorer.analysis.report.pooling_trial import Candidate, Reembedded, choose_songs, compare_poolings
from explorer.config import Settings
from explorer.database.database import Database
from explorer.database.verify import SourceFile
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.model import ModelRequest
from explorer.util.progress import Reporter

SAME = "Embedding again gives the same vectors"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Index six tones in two genres, without a map; return the database."""
    folder = tmp_path_factory.mktemp("embedded")
    for number in range(6):
        genre = "Low" if number < 3 else "High"
        frequency = 100 + 30 * number if number < 3 else 2000 + 300 * number
        tags = {"title": f"Tone {number}", "artist": f"Artist {number % 2}", "genre": genre}
        write_tone(folder / "music" / f"{number}.flac", frequency_hz=frequency, tags=tags)
    request = ModelRequest(Settings().models, weights="untrained", hop_s=1.0, precision="float32")
    with Database.open(folder / "songs.db") as library:
        index_folder(IndexRun(library, folder / "music", request=request, reporter=Reporter()))
    return folder / "songs.db"


@pytest.fixture
def embedded(original, tmp_path):
    return shutil.copy(original, tmp_path / "songs.db")


def check_of(report, name=SAME):
    return next(check for check in report["checks"] if check["name"] == name)


def report_of(path, **options):
    with Database.open_readonly(path) as library:
        return verify(library, reporter=Reporter(), **options).report


def test_embedding_again_gives_the_stored_vectors(embedded):
    with Database.open_readonly(embedded) as library:
        verification = verify(library, reporter=Reporter())
    assert check_of(verification.report)["status"] == "passed"
    pooling = verification.report["pooling"]
    assert (pooling["songs"], pooling["neighbours"]) == (6, 2)
    assert pooling["windows"] == sum(verification.data.reembedded.windows)
    assert sorted(pooling["song_ids"]) == [f"{number}.flac" for number in range(6)]
    assert pooling["max"]["genre_purity"] == 1.0
    assert pooling["max"]["genre_chance"] == pytest.approx(2 / 5)
    assert pooling["max"]["artist_chance"] == pytest.approx(2 / 5)
    assert verification.report["pooling_reason"] is None
    assert verification.report["speed"]["runs"] == 1


def test_the_vector_of_another_song_fails(embedded):
    change(
        embedded,
        (
            "UPDATE songs_vectors SET embedding = ? WHERE song_id = '1.flac'",
            # Only the direction from the library's mean differs noticeably.
            (as_npy(vector_of(embedded, "4.flac") + 1e-6),),
        ),
    )
    report = report_of(embedded)
    assert report["failed"] == [SAME]
    assert check_of(report)["songs"] == ["1.flac"]


def test_recompute_gives_the_number_of_songs_embedded_again(embedded):
    report = report_of(embedded, recompute=1)
    assert "1 song " in check_of(report)["finding"]
    assert (report["pooling"], report["pooling_reason"]) == (None, "Fewer than four songs could be compared.")
    report = report_of(embedded, recompute=0)
    assert (check_of(report)["status"], report["pooling"]) == ("not judged", None)
    assert "--recompute 0" in report["pooling_reason"]


def test_songs_whose_file_has_changed_are_left_out(tmp_path, original):
    shutil.copytree(original.parent, tmp_path / "moved")
    path = tmp_path / "moved" / "songs.db"
    change(path, ("UPDATE roots SET path = ?", (str(tmp_path / "moved" / "music"),)))
    write_tone(tmp_path / "moved" / "music" / "0.flac", frequency_hz=700, seconds=2.0)
    (tmp_path / "moved" / "music" / "1.flac").unlink()
    report = report_of(path)
    assert report["failed"] == []
    assert sorted(report["pooling"]["song_ids"]) == ["2.flac", "3.flac", "4.flac", "5.flac"]


@pytest.mark.parametrize(
    ("change_to", "reason"),
    [
        ("json_set(value, '$.weights_sha256', '')", "unknown"),
        ("json_set(value, '$.weights_sha256', 'abc')", "was asked for"),
    ],
)
def test_without_the_model_the_report_gives_the_reason(embedded, change_to, reason):
    change(embedded, f"UPDATE state SET value = {change_to} WHERE key = 'model'")
    report = report_of(embedded)
    assert report["failed"] == []
    assert check_of(report)["status"] == "not judged"
    assert reason in report["pooling_reason"]
    assert reason in check_of(report)["finding"]


def candidates(genres, duration_s=10.0):
    return [
        Candidate(f"{number:03d}", SourceFile(Path(f"{number}"), 1, 1, "", duration_s), genre, "")
        for number, genre in enumerate(genres)
    ]


def test_three_songs_of_each_of_the_most_frequent_genres_are_chosen():
    genres = ["A"] * 10 + ["B"] * 8 + ["C"] * 5 + ["D"] * 4 + ["E"] + [""] * 20
    chosen = choose_songs(candidates(genres), hop_s=1.0)
    assert [candidate.genre for candidate in chosen] == ["A"] * 3 + ["B"] * 3 + ["C"] * 3 + ["D"] * 3


def test_the_number_of_windows_is_limited_unless_a_count_is_given():
    long = candidates(["A"] * 20, duration_s=190.0)
    assert len(choose_songs(long, hop_s=1.0)) == 2
    assert len(choose_songs(long, hop_s=0.1)) == 1
    assert len(choose_songs(long, hop_s=1.0, count=7)) == 7
    assert len(choose_songs(candidates(["A"] * 3), hop_s=1.0, count=7)) == 3


def reembed(vectors, genres):
    return Reembedded(
        candidates(genres), {"max": vectors[0], "mean": vectors[1], "library": vectors[0]}, [1] * len(genres)
    )


def test_the_pooling_that_separates_genres_has_the_higher_purity():
    rng = np.random.default_rng(0)
    genres = [f"{number // 3}" for number in range(12)]
    noise = rng.normal(size=(12, 512))
    grouped = noise + 3 * rng.normal(size=(4, 512)).repeat(3, axis=0)
    comparison = compare_poolings(reembed((grouped, noise), genres))
    # Each song has three neighbours, of which two can have its genre.
    assert comparison["max"]["genre_purity"] == pytest.approx(2 / 3)
    assert comparison["mean"]["genre_purity"] < 0.5
    assert comparison["max"]["artist_purity"] is None
    assert comparison["neighbours_agreeing"] < 0.9
    same = compare_poolings(reembed((grouped, grouped), genres))
    assert (same["neighbours_agreeing"], same["correlation"]) == (1.0, pytest.approx(1.0))


def test_other_precisions_than_float32_may_differ_a_little(embedded):
    with Database.open_readonly(embedded) as library:
        song_ids, vectors = library.vectors()
    mean = vectors.mean(axis=0)
    rng = np.random.default_rng(0)
    noise = rng.normal(size=512)
    noise *= 0.06 * np.linalg.norm(vectors[0]) / np.linalg.norm(noise)
    again = Reembedded([Candidate(song_ids[0], None, "", "")], {"library": vectors[:1] + noise}, [1])
    stored = {song_ids[0]: vectors[0]}
    judge = pooling_trial.check_reembedded
    wide = np.zeros(512)
    assert judge(again, "", stored, wide, "float32").status == "failed"
    assert judge(again, "", stored, wide, "int8").status == "passed"
    assert judge(again, "", stored, mean, "float32").status == "failed"


def test_a_high_plain_cosine_is_not_enough():
    mean, first, other = np.full(512, 100.0), np.eye(512)[0], np.eye(512)[1]
    again = Reembedded([Candidate("a", None, "", "")], {"library": np.array([mean + first])}, [1])
    same, another = {"a": mean + 1.01 * first}, {"a": mean + other}
    assert pooling_trial.check_reembedded(again, "", same, mean, "float32").status == "passed"
    assert pooling_trial.check_reembedded(again, "", another, mean, "float32").status == "failed"
