import numpy as np
import pytest
from window_support import STEP_S, song_windows, store_windows

from explorer.analysis.similar_songs import recommend
from explorer.analysis.why_similar import match_songs
from explorer.config import Settings
from explorer.database.database import Database
from explorer.embedding.song_windows import thin
from explorer.indexing.embed_files import open_embedder
from explorer.indexing.model import ModelRequest
from explorer.structure.moments import best_match
from explorer.structure.song_features import SongFeatures
from explorer.util.progress import Reporter


@pytest.fixture
def windowed(library):
    """A library of 24 songs; of the first eight, all but one have windows: (path, ids)."""
    path, ids = library
    store_windows(path, {song_id: song_windows(n, shared_at=4 + n) for n, song_id in enumerate(ids[:7])})
    return path, ids


def test_songs_match_where_they_share_a_passage_and_without_windows_nowhere(windowed):
    path, ids = windowed
    with Database.open_readonly(path) as library:
        match = match_songs(library, ids[1], ids[4])
        assert match.b_s - match.a_s == 3 * STEP_S
        assert match.similarity > 0.98
        assert match_songs(library, ids[1], ids[7]) is None
        assert match_songs(library, ids[7], ids[1]) is None


@pytest.mark.parametrize("silent", [1, 4])
def test_a_silent_passage_is_no_match(windowed, silent):
    path, ids = windowed
    loudness = np.full(30, -12.0, np.float32)
    loudness[:12] = -80.0
    with Database.open(path) as library:
        library.store_features(ids[silent], SongFeatures(loudness_curve=loudness))
        match = match_songs(library, ids[1], ids[4])
    assert match.similarity < 0.98
    assert {1: match.a_s, 4: match.b_s}[silent] > 7.0


def recommend_from(path, text, **options):
    request = ModelRequest(Settings().models)
    return recommend(str(text), database=path, count=7, request=request, reporter=Reporter(), **options)


def test_recommendations_say_why_only_if_asked(windowed):
    path, ids = windowed
    assert "why" not in recommend_from(path, ids[0]).rows()[0]
    found = recommend_from(path, ids[0], why=True)
    with Database.open_readonly(path) as library:
        for row in found.rows():
            match = match_songs(library, ids[0], row["song_id"])
            if row["song_id"] not in ids[:7]:
                assert row["why"] is match is None
                continue
            assert row["why"] == {
                "query_s": match.a_s,
                "song_s": match.b_s,
                "similarity": round(match.similarity, 6),
            }
    assert {row["song_id"] for row in found.rows() if row["why"]} == set(ids[1:7])
    assert found.advice.startswith("1 song ")


def test_a_song_without_windows_explains_nothing(windowed):
    path, ids = windowed
    found = recommend_from(path, ids[7], why=True)
    assert [row["why"] for row in found.rows()] == [None] * 7
    assert found.advice.startswith("7 songs ")


def test_the_windows_of_a_file_outside_the_library_come_from_its_embedding(windowed, make_tone, tmp_path):
    path, ids = windowed
    with Database.open(path) as library:
        # The model must be known, so that a file can be embedded with it.
        request = ModelRequest(Settings().models, weights="untrained", hop_s=0.5, precision="float32")
        embedder = open_embedder(database=None, request=request, reporter=Reporter())
        library._rows("DELETE FROM state WHERE key = 'model'")
        library.claim_model(embedder.model.record())
        basis, windows = library.window_basis(), library.windows_of(ids[2])
    file = make_tone(tmp_path / "other" / "outside.flac", frequency_hz=333.0, seconds=8.0)
    frames = embedder.embed(file).embedding
    query = basis.encode(thin(np.arange(len(frames)), frames, hop_s=0.5))
    match = best_match(query.components, windows.components, a_step_s=0.5, b_step_s=STEP_S)
    found = recommend(str(file), database=path, count=24, request=request, reporter=Reporter(), why=True)
    row = next(row for row in found.rows() if row["song_id"] == ids[2])
    assert row["why"]["query_s"] == match.a_s
    assert row["why"]["song_s"] == match.b_s
    assert row["why"]["similarity"] == pytest.approx(match.similarity, abs=1e-4)
    assert found.advice.startswith("17 songs ")
