import shutil
from pathlib import Path

import numpy as np
import pytest
from report_support import as_npy, change, vector_of
from support import write_tone

from explorer.analysis.report.library_report import verify
from explorer.analysis.report.reembedding import check_reembedded, choose_songs
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
    report = report_of(embedded)
    assert check_of(report)["status"] == "passed"
    assert "6 songs embedded again" in check_of(report)["finding"]
    assert report["speed"]["runs"] == 1


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
    assert "1 song " in check_of(report_of(embedded, recompute=1))["finding"]
    check = check_of(report_of(embedded, recompute=0))
    assert check["status"] == "not judged"
    assert "--recompute 0" in check["finding"]


def test_songs_whose_file_has_changed_are_left_out(tmp_path, original):
    shutil.copytree(original.parent, tmp_path / "moved")
    path = tmp_path / "moved" / "songs.db"
    change(path, ("UPDATE roots SET path = ?", (str(tmp_path / "moved" / "music"),)))
    write_tone(tmp_path / "moved" / "music" / "0.flac", frequency_hz=700, seconds=2.0)
    (tmp_path / "moved" / "music" / "1.flac").unlink()
    report = report_of(path)
    assert report["failed"] == []
    assert "4 songs embedded again" in check_of(report)["finding"]


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
    assert reason in check_of(report)["finding"]


def files(durations_s):
    return {
        f"{number:03d}": SourceFile(Path(f"{number}"), 1, 1, "", duration_s)
        for number, duration_s in enumerate(durations_s)
    }


def test_the_shortest_songs_are_chosen():
    assert choose_songs(files([9.0, 3.0, 5.0, 3.0]), hop_s=1.0, count=3) == ["001", "003", "002"]
    assert len(choose_songs(files([10.0] * 20), hop_s=1.0)) == 12


def test_the_number_of_windows_is_limited_unless_a_count_is_given():
    long = files([190.0] * 20)
    assert len(choose_songs(long, hop_s=1.0)) == 2
    assert len(choose_songs(long, hop_s=0.1)) == 1
    assert len(choose_songs(long, hop_s=1.0, count=7)) == 7
    assert len(choose_songs(files([190.0] * 3), hop_s=1.0, count=7)) == 3


def judge(again, stored, mean, precision):
    return check_reembedded({"a": again}, {"a": stored}, mean, precision=precision).status


def test_other_precisions_than_float32_may_differ_a_little(embedded):
    with Database.open_readonly(embedded) as library:
        _, vectors = library.vectors()
    rng = np.random.default_rng(0)
    noise = rng.normal(size=512)
    noise *= 0.06 * np.linalg.norm(vectors[0]) / np.linalg.norm(noise)
    again, stored = vectors[0] + noise, vectors[0]
    assert judge(again, stored, np.zeros(512), "float32") == "failed"
    assert judge(again, stored, np.zeros(512), "int8") == "passed"
    assert judge(again, stored, vectors.mean(axis=0), "float32") == "failed"


def test_a_high_plain_cosine_is_not_enough():
    mean, first, other = np.full(512, 100.0), np.eye(512)[0], np.eye(512)[1]
    assert judge(mean + first, mean + 1.01 * first, mean, "float32") == "passed"
    assert judge(mean + first, mean + other, mean, "float32") == "failed"
