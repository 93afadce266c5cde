import subprocess
import sys

import numpy as np
import pytest
from damage_support import force
from window_support import STEP_S, song_windows, store_windows

from explorer.analysis.missing_windows import NOT_HEARD_YET
from explorer.config import Settings
from explorer.database.database import Database
from explorer.embedding.song_windows import RawWindows
from explorer.structure.moments import best_match, moments_of
from explorer.structure.song_features import SongFeatures
from explorer.web.app import create_app

SHARED_AT = {3: 10, 5: 24, 9: 40, 14: 0, 17: 31, 21: 48}
"""At which window the shared passage begins, by the number of the song; other songs do not have it."""

SITE = {"Sec-Fetch-Site": "cross-site"}


@pytest.fixture
def site(library, sound_jobs):
    """A test client over a library of 24 songs of which 23 have windows: (client, path, ids, revision)."""
    path, ids = library
    windows = {
        song_id: song_windows(number, shared_at=SHARED_AT.get(number))
        for number, song_id in enumerate(ids[:23])
    }
    store_windows(path, windows)
    client = create_app(Settings(database=path), jobs=sound_jobs).server.test_client()
    return client, path, ids, client.get("/latest").get_json()["revision"]


def middle_of_shared(number):
    return (SHARED_AT[number] * STEP_S) + 2.5


def test_the_moments_most_like_one_are_those_of_the_songs_that_share_it(site):
    client, _, _, revision = site
    answer = client.get(f"/moments/{revision}/3?at_s={middle_of_shared(3)}")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    found = answer.get_json()
    assert (found["at_s"], found["seconds"]) == (middle_of_shared(3), 5.0)
    best = found["moments"][:5]
    assert {song["index"] for song in best} == SHARED_AT.keys() - {3}
    for song in best:
        assert abs(song["start_s"] - SHARED_AT[song["index"]] * STEP_S) <= 0.5
        assert song["similarity"] > 0.9
        assert (song["gone"], song["same_sound"], song["same_recording"]) == (False, False, False)
        assert (song["title"], song["artist"]) == (
            f"{['Techno', 'Waltz', 'Ambient'][song['index'] // 8]} piece {song['index']}",
            f"Artist {song['index'] // 8}",
        )
    similarities = [song["similarity"] for song in found["moments"]]
    assert similarities == sorted(similarities, reverse=True)
    numbers = [song["index"] for song in found["moments"]]
    assert len(set(numbers)) == len(numbers) <= 20
    assert 3 not in numbers
    assert [number for number, _ in found["lit"]][: len(numbers)] == numbers
    assert [similarity for _, similarity in found["lit"]][: len(numbers)] == similarities


def test_another_moment_of_the_song_finds_others(site):
    client, _, _, revision = site
    shared = client.get(f"/moments/{revision}/3?at_s={middle_of_shared(3)}").get_json()
    end = client.get(f"/moments/{revision}/3?at_s=9999").get_json()
    assert end["start_s"] == (60 - 9) * STEP_S - 0.5, "the last moment"
    assert end["moments"] != shared["moments"]


@pytest.mark.parametrize("query", ["", "?at_s=", "?at_s=x", "?at_s=nan", "?at_s=inf", "?at_s=1e999"])
def test_a_moment_needs_a_time(site, query):
    client, _, _, revision = site
    answer = client.get(f"/moments/{revision}/3{query}")
    assert (answer.status_code, answer.mimetype) == (400, "text/plain")
    assert "at_s" in answer.text


@pytest.mark.parametrize("route", ["moments/{}/{}?at_s=3", "why/{}/{}/4", "comet/{}/{}?projection=tsne"])
def test_unknown_songs_old_maps_and_other_sites_are_refused(site, route):
    client, _, _, revision = site
    assert client.get("/" + route.format(revision, 24)).status_code == 404
    assert client.get("/" + route.format(revision + 1, 3)).status_code == 409
    assert client.get("/" + route.format(revision, 3), headers=SITE).status_code == 403
    assert client.get("/" + route.format(revision, 3)).status_code == 200


def test_hidden_songs_are_left_out(site):
    client, path, ids, revision = site
    force(path, f"UPDATE files SET gone_since = '2026-01-01T00:00:00+00:00' WHERE song_id = '{ids[5]}'")
    path_of = f"/moments/{revision}/3?at_s={middle_of_shared(3)}"
    assert 5 in {song["index"] for song in client.get(path_of).get_json()["moments"]}
    visible = client.get(f"{path_of}&hide=missing").get_json()
    assert 5 not in {song["index"] for song in visible["moments"]}
    assert 5 not in {number for number, _ in visible["lit"]}
    assert {9, 14, 17, 21} <= {song["index"] for song in visible["moments"]}


def test_songs_that_are_not_on_the_map_are_left_out(site):
    client, path, ids, revision = site
    store_windows(path, {ids[23]: song_windows(23, shared_at=7)})
    with Database.open(path) as database:
        database._rows("DELETE FROM positions WHERE song_id = ?", (ids[9],))
        database.increment_map_revision()
    client.get("/_dash-layout")  # The page reads the new map.
    revision = client.get("/latest").get_json()["revision"]
    found = client.get(f"/moments/{revision}/3?at_s={middle_of_shared(3)}").get_json()
    on_map = ids[:9] + ids[10:]
    assert {on_map[song["index"]] for song in found["moments"][:5]} == {ids[n] for n in (5, 14, 17, 21, 23)}
    numbers = [number for number, _ in found["lit"]]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("route", ["moments/{}/{}?at_s=3", "comet/{}/{}?projection=tsne"])
def test_a_song_without_windows_is_answered_with_what_to_run(site, route):
    client, *_, revision = site
    answer = client.get("/" + route.format(revision, 23))
    assert (answer.status_code, answer.mimetype) == (404, "text/plain")
    assert f"index {site[1].parent / 'music'} --windows --db {site[1]}" in answer.text
    assert "this song" in answer.text


@pytest.mark.parametrize("route", ["moments/{}/{}?at_s=3", "why/{}/{}/4", "comet/{}/{}?projection=tsne"])
def test_a_library_without_windows_is_answered_with_what_to_run(library, sound_jobs, route):
    path, _ = library
    client = create_app(Settings(database=path), jobs=sound_jobs).server.test_client()
    revision = client.get("/latest").get_json()["revision"]
    answer = client.get("/" + route.format(revision, 3))
    assert (answer.status_code, answer.mimetype) == (404, "text/plain")
    assert f"index {path.parent / 'music'} --windows" in answer.text
    assert not Settings(database=path).moments.exists(), "nothing was made"


def test_why_two_songs_are_alike_is_where_they_share_a_passage(site):
    client, path, ids, revision = site
    found = client.get(f"/why/{revision}/3/9").get_json()
    # Of the moments of the passage, which lasts six seconds, each is equally good.
    assert 0 <= found["a_s"] - SHARED_AT[3] * STEP_S + 0.5 <= 1.5
    assert found["b_s"] - found["a_s"] == pytest.approx((SHARED_AT[9] - SHARED_AT[3]) * STEP_S)
    assert (found["seconds"], found["similarity"] > 0.98) == (5.0, True)
    with Database.open_readonly(path) as database:
        a, b = (database.windows_of(ids[number]) for number in (1, 2))
    match = best_match(a.components, b.components, a_step_s=STEP_S, b_step_s=STEP_S)
    found = client.get(f"/why/{revision}/1/2").get_json()
    assert (found["a_s"], found["b_s"]) == (match.a_s, match.b_s)


def test_silence_is_not_why_two_songs_are_alike(site):
    client, path, ids, revision = site
    loudness = np.full(30, -14.0, dtype=np.float32)
    loudness[3:13] = -70.0  # Song 3 has the shared passage from 4.5 to 10.5 s.
    with Database.open(path) as database:
        database.store_features(ids[3], SongFeatures(loudness_curve=loudness))
    found = client.get(f"/why/{revision}/3/9").get_json()
    assert not 3.0 <= found["a_s"] <= 8.0
    assert found["similarity"] < 0.98


def test_silence_sounds_like_no_moment(site):
    client, path, ids, revision = site
    loudness = np.full(30, -14.0, dtype=np.float32)
    loudness[3:13] = -70.0  # Song 3 has the shared passage from 4.5 to 10.5 s.
    with Database.open(path) as database:
        database.store_features(ids[3], SongFeatures(loudness_curve=loudness))
    answer = client.get(f"/moments/{revision}/3?at_s={middle_of_shared(3)}")
    assert (answer.status_code, answer.mimetype, answer.text) == (404, "text/plain", "It is silent here.")
    assert client.get(f"/moments/{revision}/3?at_s=20").status_code == 200
    assert client.get(f"/comet/{revision}/3?projection=tsne").status_code == 200


def test_silent_moments_of_other_songs_are_not_found(site):
    client, path, ids, revision = site
    with Database.open(path) as database:
        loudness = np.full(30, -14.0, dtype=np.float32)
        loudness[11:20] = -70.0  # Song 5 has the shared passage from 12 to 18 s.
        database.store_features(ids[5], SongFeatures(loudness_curve=loudness))
        database.store_features(ids[9], SongFeatures(loudness_curve=np.full(30, -70, dtype=np.float32)))
    found = client.get(f"/moments/{revision}/3?at_s={middle_of_shared(3)}").get_json()
    starts = {song["index"]: song["start_s"] for song in found["moments"]}
    assert {14, 17, 21} <= starts.keys()
    assert 5 not in starts or not 11 <= starts[5] <= 15
    assert 9 not in starts


def test_moments_of_songs_that_are_not_heard_yet_need_no_command(site):
    client, path, ids, revision = site
    with Database.open(path) as database:
        database.store_windows(ids[23], RawWindows(np.ones((8, 512), dtype=np.float16), 0.5))
    for route in ("moments/{}/23?at_s=3", "comet/{}/23?projection=tsne"):
        answer = client.get("/" + route.format(revision))
        assert (answer.status_code, answer.text) == (404, NOT_HEARD_YET)
    advice = client.get(f"/why/{revision}/3/23").get_json()["advice"]
    assert "index run" in advice and "`" not in advice


def test_a_song_without_windows_is_alike_for_no_known_reason(site):
    client, *_, revision = site
    for pair in ("3/23", "23/3"):
        found = client.get(f"/why/{revision}/{pair}").get_json()
        assert "--windows" in found.pop("advice")
        assert found == {"a_s": None, "b_s": None, "seconds": 5.0, "similarity": None}
    assert client.get(f"/why/{revision}/3/4").get_json()["advice"] is None


def test_a_comet_has_a_place_for_each_second_near_the_songs_that_sound_like_it(site):
    client, path, ids, revision = site
    with Database.open(path) as database:
        # Seconds 0 to 15 of song 20 are like the songs of the first island, and the rest like the second.
        songs = [song_windows(1000 + number // 8) for number in range(24)]
        halves = np.concatenate([songs[0].components[:30], songs[8].components[30:]])
        scale = float(np.abs(halves).max()) / 127
        for number in range(20):
            database.store_windows(ids[number], songs[number])
        mixed = type(songs[0])(np.rint(halves / scale).astype(np.int8), scale, STEP_S)
        database.store_windows(ids[20], mixed)
        positions = database.positions("tsne")[1]
    answer = client.get(f"/comet/{revision}/20?projection=tsne")
    assert (answer.status_code, answer.headers["X-Step"]) == (200, "1")
    places = np.frombuffer(answer.data, "<f4").reshape(-1, 2)
    assert len(places) == 30
    assert np.isfinite(places).all()
    islands = [positions[group * 8 : group * 8 + 8].mean(axis=0) for group in (0, 1)]
    for place in places[:11]:
        assert np.linalg.norm(place - islands[0]) < 0.4
    for place in places[19:]:
        assert np.linalg.norm(place - islands[1]) < 0.4


@pytest.mark.parametrize("projection", ["", "x", "tsne2", "TSNE"])
def test_a_comet_needs_a_map(site, projection):
    client, *_, revision = site
    answer = client.get(f"/comet/{revision}/3?projection={projection}")
    assert (answer.status_code, answer.mimetype) == (404, "text/plain")


def test_the_places_of_a_long_song_are_few(site):
    client, path, ids, revision = site
    store_windows(path, {ids[2]: song_windows(5, count=4000)})
    answer = client.get(f"/comet/{revision}/2?projection=pca")
    assert answer.headers["X-Step"] == "4"
    assert len(answer.data) == 500 * 8


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE song_windows SET codes = substr(codes, 1, 100) WHERE song_id = '{}'",
        "UPDATE song_windows SET codes = x'' WHERE song_id = '{}'",
        "UPDATE song_windows SET step_s = 0.0 WHERE song_id = '{}'",
        "UPDATE song_windows SET scale = -2.5 WHERE song_id = '{}'",
        "UPDATE song_windows SET codes = 'text' WHERE song_id = '{}'",
        "UPDATE song_windows SET scale = 'text' WHERE song_id = '{}'",
    ],
)
def test_damaged_windows_are_answered_in_one_sentence_and_leave_other_songs_alone(site, damage):
    client, path, ids, revision = site
    force(path, damage.format(ids[5]))
    for route in (f"moments/{revision}/5?at_s=3", f"comet/{revision}/5?projection=tsne"):
        answer = client.get(f"/{route}")
        assert answer.mimetype == "text/plain"
        assert answer.status_code in (404, 500)
        assert "error in this program" not in answer.text
        assert answer.text.count("\n") == 0
    why = client.get(f"/why/{revision}/3/5")
    assert (why.status_code, why.mimetype) in ((200, "application/json"), (500, "text/plain"))
    assert "error in this program" not in why.text
    found = client.get(f"/moments/{revision}/3?at_s={middle_of_shared(3)}").get_json()
    assert {song["index"] for song in found["moments"][:4]} == {9, 14, 17, 21}


def test_windows_that_were_damaged_after_the_file_was_made_are_passed_over(site):
    client, path, ids, revision = site
    address = f"/moments/{revision}/3?at_s={middle_of_shared(3)}"
    assert 5 in {song["index"] for song in client.get(address).get_json()["moments"]}
    force(path, f"UPDATE song_windows SET codes = substr(codes, 1, 100) WHERE song_id = '{ids[5]}'")
    assert 5 not in {song["index"] for song in client.get(address).get_json()["moments"]}


def test_the_similarity_is_that_of_the_stored_windows(site):
    client, path, ids, revision = site
    found = client.get(f"/moments/{revision}/0?at_s=12").get_json()["moments"][0]
    with Database.open_readonly(path) as database:
        own, other = (database.windows_of(ids[number]) for number in (0, found["index"]))
    moment = moments_of(own.components, step_s=STEP_S)[20]
    products = moments_of(other.components, step_s=STEP_S) @ moment
    # In a library of few songs, a cosine is corrected for the mean, which contains both songs.
    assert found["similarity"] == pytest.approx((products.max() * 23 + 1) / 24, abs=1e-4)
    assert found["start_s"] == max(0.0, products.argmax() * STEP_S - 0.5)


def test_the_routes_load_neither_scipy_nor_scikit_learn_beside_those_of_the_map():
    code = (
        "import sys; import explorer.structure.moments, explorer.structure.comet, "
        "explorer.analysis.why_similar, explorer.web.data.window_file; "
        "print(sorted({'scipy', 'sklearn', 'openvino', 'umap'} & sys.modules.keys()))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert ran.stdout.strip() == "[]"
