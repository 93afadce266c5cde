import io
import json
import os
from urllib.parse import quote

import fsspec
import numpy as np
import pytest
import soundfile
from flask import Flask
from support import three_islands

from explorer.analysis.similar_songs import recommend
from explorer.config import Settings
from explorer.database.database import Database
from explorer.database.records import Song, encode_vector
from explorer.indexing.model import Model, ModelRequest
from explorer.library.confirmed_roots import confirm
from explorer.library.music_file import ScannedFile, Tags
from explorer.library.remote import as_root
from explorer.util.progress import Reporter
from explorer.web.app import create_app
from explorer.web.data.catalogue import Catalogue
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.routes.media import make_media_blueprint
from explorer.web.sound_jobs import SoundJobs

MODEL = Model("untrained", "0" * 64, trained=False, hop_s=0.5, precision="float32").record()


@pytest.fixture
def site(library, sound_jobs):
    """A test client over a library of 24 songs: (client, settings, song ids)."""
    path, ids = library
    settings = Settings(database=path)
    return create_app(settings, jobs=sound_jobs).server.test_client(), settings, ids


def test_healthz_counts_the_songs(site, tmp_path):
    client, *_ = site
    assert client.get("/healthz").get_json() == {"songs": 24}
    empty = create_app(Settings(database=tmp_path / "absent.db")).server.test_client()
    assert empty.get("/healthz").get_json() == {"songs": 0}


def test_a_song_is_streamed_in_ranges(site, tmp_path):
    client, _, ids = site
    whole = (tmp_path / "music" / ids[3]).read_bytes()
    response = client.get(f"/audio/{ids[3]}")
    assert (response.status_code, response.mimetype) == (200, "audio/flac")
    assert response.data == whole
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    part = client.get(f"/audio/{ids[3]}", headers={"Range": "bytes=100-199"})
    assert part.status_code == 206
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(whole)}"
    assert part.data == whole[100:200]
    beyond = client.get(f"/audio/{ids[3]}", headers={"Range": f"bytes={len(whole)}-"})
    assert beyond.status_code == 416


def test_only_songs_that_the_database_knows_are_sent(site, tmp_path):
    client, *_ = site
    (tmp_path / "music" / "secret.flac").write_bytes(b"secret")
    for path in (
        "secret.flac",
        "../songs.db",
        "%2e%2e/songs.db",
        "/etc/passwd",
        quote("/etc/passwd", safe=""),
    ):
        response = client.get(f"/audio/{path}")
        assert response.status_code == 404 or response.mimetype == "text/html"
        assert b"secret" not in response.data
        assert b"SQLite format" not in response.data


def test_a_deleted_file_is_answered_with_a_sentence(site, tmp_path):
    client, _, ids = site
    (tmp_path / "music" / ids[0]).unlink()
    response = client.get(f"/audio/{ids[0]}")
    assert response.status_code == 404
    assert response.mimetype == "text/plain"
    assert "The file is missing: 000.flac" in response.text
    assert response.headers["Cache-Control"] == "no-store"


def store(settings, folder, name, format):
    path = folder / name
    state = path.stat()
    file = ScannedFile(name.encode(), state.st_size, state.st_mtime_ns)
    with Database.open(settings.database) as database:
        song = Song(file, Tags(name), "e" * 32, format, 1.0)
        return database.store_song(database.add_root(folder), song, database.vectors()[1][0])


def test_a_format_that_browsers_cannot_play_is_transcoded(site, tmp_path):
    client, settings, _ = site
    soundfile.write(tmp_path / "music" / "x.aiff", [0.0, 0.1] * 8000, 16_000)
    song_id = store(settings, tmp_path / "music", "x.aiff", "aiff/pcm_16")
    response = client.get(f"/audio/{song_id}", headers={"Range": "bytes=0-3"})
    assert (response.status_code, response.mimetype, response.data) == (206, "audio/flac", b"fLaC")


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_a_file_is_never_sent_as_the_container_of_its_twin(site, tmp_path, subtype):
    client, settings, _ = site
    soundfile.write(tmp_path / "music" / "b.aifc", [0.0, 0.1] * 8000, 16_000, format="AIFF", subtype=subtype)
    # An older version stored the format of the first song with this sound.
    song_id = store(settings, tmp_path / "music", "b.aifc", "wav/pcm_16")
    response = client.get(f"/audio/{song_id}", headers={"Range": "bytes=0-3"})
    assert (response.status_code, response.mimetype, response.data) == (206, "audio/flac", b"fLaC")


def test_a_browser_that_cannot_play_a_file_gets_a_copy(site, tmp_path):
    client, settings, _ = site
    soundfile.write(tmp_path / "music" / "x.wav", [0.0, 0.1] * 8000, 16_000)
    song_id = store(settings, tmp_path / "music", "x.wav", "wav/pcm_16")
    original = client.get(f"/audio/{song_id}")
    assert (original.mimetype, original.data[:4]) == ("audio/wav", b"RIFF")
    part = client.get(f"/audio/{song_id}?copy=flac", headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.mimetype, part.data) == (206, "audio/flac", b"fLaC")
    copy = client.get(f"/audio/{song_id}?copy=flac")
    assert soundfile.info(io.BytesIO(copy.data)).frames == 16_000
    assert copy.headers["ETag"] != original.headers["ETag"]
    assert client.get(f"/audio/{song_id}?copy=exe").mimetype == "audio/wav"
    # After the file was deleted, the copy is what can still be played.
    (tmp_path / "music" / "x.wav").unlink()
    assert client.get(f"/audio/{song_id}").data == copy.data


def test_a_file_that_cannot_be_decoded_is_answered_with_a_sentence(site, tmp_path):
    client, settings, _ = site
    (tmp_path / "music" / "x.ape").write_bytes(b"MAC " * 200)
    song_id = store(settings, tmp_path / "music", "x.ape", "ape/ape")
    response = client.get(f"/audio/{song_id}")
    assert response.status_code == 415
    assert response.text.startswith("x.ape is ")


@pytest.mark.parametrize(
    "name", ["a b+c&d.flac", "100%.flac", "what?.flac", "#1.flac", "naïve ☂ 音楽.flac", "q'\"<b>.flac"]
)
def test_a_song_with_any_file_name_can_be_played(site, tmp_path, name):
    client, settings, ids = site
    (tmp_path / "music" / name).write_bytes((tmp_path / "music" / ids[0]).read_bytes())
    song_id = store(settings, tmp_path / "music", name, "flac/pcm_16")
    response = client.get("/audio/" + quote(song_id, safe=""))
    assert response.status_code == 200


def test_details_of_a_song_are_json(tmp_path, make_library):
    title = '<img src=x onerror=alert(1)>"{{7*7}}'
    make_library(tmp_path / "songs.db", tmp_path / "music", titles={5: title})
    client = create_app(Settings(database=tmp_path / "songs.db")).server.test_client()
    response = client.get("/songs/1/5")
    assert response.mimetype == "application/json"
    details = json.loads(response.data)
    assert (details["title"], details["artist"], details["genres"]) == (title, "Artist 0", ["Techno"])
    assert client.get("/songs/1/24").status_code == 404
    assert client.get("/songs/7/5").status_code == 409


def test_details_of_a_song_say_how_many_true_neighbours_are_near_it(site):
    client, _, ids = site
    song = client.get("/songs/1/3").get_json()
    assert (song["id"], song["title"]) == (ids[3], "Techno piece 3")
    assert song["near"] == {"pca": 8, "tsne": 8, "umap": 8}
    assert song["neighbours"] == 10
    assert client.get("/songs/1/24").status_code == 404
    assert client.get("/songs/7/3").status_code == 409


def test_details_of_a_song_have_its_year_cluster_and_preview_start(site):
    client, settings, ids = site
    song = client.get("/songs/1/9").get_json()
    assert (song["year"], song["cluster"], song["preview_start_s"]) == ("", "Waltz", None)
    with Database.open(settings.database) as database:
        database._rows(
            "UPDATE songs SET info = json_set(info, '$.year', '1971-05-01') WHERE id = ?", (ids[9],)
        )
        database._rows("UPDATE files SET preview_start_s = 7.25 WHERE song_id = ?", (ids[9],))
    song = client.get("/songs/1/9").get_json()
    assert (song["year"], song["preview_start_s"]) == ("1971", 7.25)


@pytest.mark.parametrize("count", ["3", "5", "0", "-2", "9999999999999", "many", ""])
def test_details_of_a_song_compute_no_clusters(site, count, monkeypatch):
    client, *_ = site
    monkeypatch.setattr(Catalogue, "_cluster", lambda *_: pytest.fail("clusters were computed"))
    assert client.get(f"/songs/1/9?clusters={count}").get_json()["cluster"] == "Waltz"


def test_details_of_a_song_name_the_cluster_that_the_page_shows(library):
    path, _ = library
    holder = CatalogueHolder(path)
    client = media_client(path, holder)
    five = holder.latest().grouping("cluster", cluster_count=5)
    for index in range(24):
        response = client.get(f"/songs/1/{index}?clusters=5")
        assert response.get_json()["cluster"] == five.names[five.members[index]]
        # Before these clusters were computed, the answer was another: a browser must not cache it.
        assert response.headers["Cache-Control"] == "no-store"


def media_client(path, holder):
    app = Flask(__name__)
    app.register_blueprint(make_media_blueprint(Settings(database=path), holder, SoundJobs()))
    return app.test_client()


def test_titles_and_artists_of_all_neighbours_come_from_one_query(site, monkeypatch):
    client, settings, ids = site
    calls = []
    headings = Database.titles_and_artists
    monkeypatch.setattr(
        Database, "titles_and_artists", lambda database, ids: calls.append(1) or headings(database, ids)
    )
    monkeypatch.setattr(Database, "song", lambda *_: pytest.fail("asked for one song"))
    neighbours = client.get("/neighbours/1/3").get_json()["neighbours"]
    assert len(calls) == 1
    for row in neighbours:
        group, name = row["index"] // 8, ("Techno", "Waltz", "Ambient")[row["index"] // 8]
        assert (row["title"], row["artist"]) == (f"{name} piece {row['index']}", f"Artist {group}")
    with Database.open(settings.database) as database:
        database._rows("DELETE FROM songs WHERE id = ?", (ids[neighbours[0]["index"]],))
    removed = client.get("/neighbours/1/3").get_json()["neighbours"][0]
    assert (removed["index"], removed["title"], removed["artist"]) == (neighbours[0]["index"], "", "")


def test_neighbours_are_those_of_the_similar_command(site):
    client, settings, ids = site
    neighbours = client.get("/neighbours/1/3").get_json()["neighbours"]
    request = ModelRequest(settings.models)
    expected = recommend(
        ids[3], database=settings.database, count=10, request=request, reporter=Reporter()
    ).songs
    # Songs of the other genres sound like no song of this one, so the page names only the seven of its own.
    assert [ids[row["index"]] for row in neighbours] == [song.song_id for song, _ in expected[:7]]
    corrected = [round((value * 23 + 1) / 24, 4) for _, value in expected[:7]]
    assert [row["similarity"] for row in neighbours] == corrected
    assert min(corrected) > 0.2 > max(value for _, value in expected[7:])
    assert client.get("/neighbours/1/24").status_code == 404
    assert client.get("/neighbours/7/3").status_code == 409


def test_a_songs_number_is_found_by_its_id(site):
    client, _, ids = site
    assert client.get(f"/songs/1/by-id/{ids[5]}").get_json() == {"index": 5}
    assert client.get("/songs/1/by-id/absent%2Fsong.mp3").get_json() == {"index": None}
    assert client.get(f"/songs/7/by-id/{ids[5]}").status_code == 409


def test_latest_reports_new_songs_and_changes_while_the_page_keeps_its_map(site, tmp_path):
    client, settings, _ = site
    client.get("/_dash-layout")
    first = client.get("/latest").get_json()
    assert (first["revision"], first["songs"]) == (1, 24)
    with Database.open(settings.database) as database:
        root = database.add_root(tmp_path)
        song = Song(ScannedFile(b"new.flac", 1, 1), Tags("New"), "f" * 32, "flac/pcm_16", 1.0)
        database.store_song(root, song, database.vector("000.flac") + 1)
    response = client.get("/latest")
    expected = {"revision": 1, "songs": 25, "changes": first["changes"], "clusters": 3, "first_look": False}
    idle = {"index": None, "problem": "", "counts_pages": False}
    assert response.get_json() == expected | idle
    assert response.headers["Cache-Control"] == "no-store"
    assert client.get("/songs/1/23").status_code == 200
    with Database.open(settings.database) as database:
        database.mark_gone(1, [b"003.flac"], since="2026-11-03T10:00:00+00:00")
    assert client.get("/latest").get_json()["changes"] != first["changes"]
    empty = create_app(Settings(database=tmp_path / "absent.db")).server.test_client()
    nothing = {"revision": 0, "songs": 0, "changes": "", "clusters": 0, "first_look": False}
    assert empty.get("/latest").get_json() == nothing | idle


def test_a_song_whose_file_name_is_invalid_text_or_has_two_lines_is_sent(tmp_path, make_tone):
    database = tmp_path / "songs.db"
    names = [b"ni\xe9.flac", b"two\nlines.flac"]
    with Database.open(database) as library:
        library.claim_model(MODEL)
        root = library.add_root(tmp_path)
        for number, name in enumerate(names):
            tone = make_tone(tmp_path / "tone.flac", frequency_hz=200 * (number + 1))
            path = tone.rename(tmp_path / os.fsdecode(name))
            file = ScannedFile(name, path.stat().st_size, path.stat().st_mtime_ns)
            song = Song(file, Tags("A"), f"{number:032x}", "flac/pcm_16", 1.5)
            library.store_song(root, song, np.ones(512))
        ids = [song.song_id for song in library.songs()]
    client = create_app(Settings(database=database)).server.test_client()
    for song_id, name in zip(ids, names, strict=True):
        response = client.get("/audio/" + quote(song_id, safe=""))
        assert response.status_code == 200
        assert response.data == (tmp_path / os.fsdecode(name)).read_bytes()


def test_a_remote_song_is_fetched_once_and_streamed_in_ranges(tmp_path, make_tone, sound_jobs):
    system = fsspec.filesystem("memory")
    whole = make_tone(tmp_path / "a.flac").read_bytes()
    system.pipe("/music/folder/a b.flac", whole)
    settings = Settings(database=tmp_path / "songs.db")
    confirm("memory://music", remember=False)
    with Database.open(settings.database) as library:
        library.claim_model(MODEL)
        root = library.add_root(as_root("memory://music"))
        for number, name in enumerate((b"folder/a b.flac", b"gone.flac")):
            file = ScannedFile(name, len(whole), 1)
            library.store_song(
                root, Song(file, Tags("A"), f"{number:032x}", "flac/pcm_16", 1.5), np.ones(512)
            )
    client = create_app(settings, jobs=sound_jobs).server.test_client()
    response = client.get("/audio/folder/a b.flac", headers={"Range": "bytes=100-199"})
    assert (response.status_code, response.data) == (206, whole[100:200])
    assert len(client.get("/waveform/folder/a b.flac").get_json()["peaks"]) == 800
    assert client.get("/preview/folder/a b.flac").mimetype == "audio/mpeg"
    system.rm("/music/folder/a b.flac")
    assert client.get("/audio/folder/a b.flac").data == whole
    missing = client.get("/audio/gone.flac")
    assert missing.status_code == 404
    assert "gone.flac" in missing.text


def test_a_song_says_what_was_unusual_about_its_file(site):
    client, settings, ids = site
    with Database.open(settings.database) as database:
        database._rows("UPDATE files SET note = 'Odd.' WHERE song_id = ?", (ids[3],))
    assert [client.get(f"/songs/1/{index}").get_json()["note"] for index in (3, 4)] == ["Odd.", ""]


@pytest.mark.parametrize(
    ("name", "fingerprint"),
    [
        (b"a\r\nX-Evil: y.flac", "0" * 32),
        (b"a\nb.flac", "x\r\nX-Evil: y"),
        (b"\xff\xfe.flac", '"'),
        ("夜\u2028\u202e.flac".encode(), "夜"),
        (b'"q";filename=x.flac', "\x1b[31m"),
        (b"\x1b[31m.flac", ""),
    ],
)
def test_headers_are_valid_for_any_file_name_and_fingerprint(site, name, fingerprint):
    client, settings, ids = site
    folder = settings.database.parent / "music"
    (folder / ids[3]).rename(folder / os.fsdecode(name))
    with Database.open(settings.database) as database, database.transaction():
        database._rows(
            "UPDATE files SET path = ?, fingerprint = ? WHERE song_id = ?", (name, fingerprint, ids[3])
        )
    for route in ("audio", "preview", "waveform", "spectrogram", "cover"):
        response = client.get(f"/{route}/{ids[3]}")
        # A library that this program did not write may be refused, but with a sentence.
        assert response.status_code in (200, 204, 403, 404, 409)
        assert "X-Evil" not in response.headers
        for header, value in response.headers:
            value.encode("latin-1")
            assert value.isprintable(), header


def test_during_a_first_look_a_page_follows_the_songs_to_a_new_map(library, sound_jobs):
    """Until it does, it can still ask about the songs of the map that it shows."""
    path, song_ids = library
    with Database.open(path) as database, database.transaction():
        database._rows("INSERT INTO coarse_vectors SELECT song_id, embedding FROM songs_vectors")
        database._rows("DELETE FROM songs_vectors")
        database.show_coarse(True)
    client = create_app(Settings(database=path), jobs=sound_jobs).server.test_client()
    client.get("/_dash-layout")
    with Database.open(path) as database:
        song = Song(ScannedFile(b"-1.flac", 1, 1), Tags("First"), "f" * 32, "flac/pcm_16", 1.0)
        new_id = database.store_song(1, song, None)
        vector = encode_vector(database.vector("000.flac") + 1)
        with database.transaction():
            database._rows("INSERT INTO coarse_vectors VALUES (?, ?)", (new_id, vector))
            database._rows("DELETE FROM songs WHERE id = '005.flac'")
        ids, _ = database.vectors()
        assert ids == ["-1.flac", *(song_id for song_id in song_ids if song_id != "005.flac")]
        database.store_map(three_islands(ids, 8, np.random.default_rng(1)))
    assert client.get("/songs/1/7").get_json()["id"] == "007.flac"
    assert client.get("/songs/2/since/1").status_code == 409
    client.get("/_dash-layout")
    answer = client.get("/songs/2/since/1")
    moved = np.frombuffer(answer.data, dtype="<i4").tolist()
    assert moved == [*range(1, 6), -1, *range(6, 24)]
    assert client.get("/songs/2/since/7").status_code == 409
    assert client.get("/songs/3/since/1").status_code == 409
    assert client.get("/latest").get_json()["first_look"] is True


def test_a_song_that_is_not_on_the_map_is_described(site, tmp_path):
    client, settings, _ = site
    with Database.open(settings.database) as database:
        song = Song(ScannedFile(b"a/new.flac", 1, 1), Tags("New", ("Us",)), "f" * 32, "flac/pcm_16", 1.0)
        song_id = database.store_song(database.add_root(tmp_path), song, None)
    described = client.get(f"/unmapped/{quote(song_id, safe='')}").get_json()
    assert (described["id"], described["title"], described["artist"]) == (song_id, "New", "Us")
    assert client.get("/unmapped/absent.flac").status_code == 404
