import io
import json
import os
from urllib.parse import quote

import flask
import numpy as np
import pytest
import soundfile
from mutagen.flac import FLAC, Picture

from explorer.audio.decoder_pool import DecoderPool
from explorer.audio.playable import preview_path
from explorer.config import Settings
from explorer.database.database import Database
from explorer.database.records import Song
from explorer.errors import LibraryBusyError
from explorer.library.music_file import ScannedFile, Tags
from explorer.web.app import create_app
from explorer.web.routes import sound
from explorer.web.routes.sound import make_sound_blueprint

ROUTES = ("preview", "waveform", "spectrogram", "cover")


@pytest.fixture
def site(library, sound_jobs):
    """A test client with only these routes, over 24 songs: (client, settings, song ids)."""
    path, ids = library
    settings = Settings(database=path)
    app = flask.Flask("test")
    app.url_map.merge_slashes = False
    app.register_blueprint(make_sound_blueprint(settings, sound_jobs))
    return app.test_client(), settings, ids


def store(settings, folder, name, *, start_s=None, fingerprint="e" * 32):
    path = folder / name
    state = path.stat()
    file = ScannedFile(name.encode(), state.st_size, state.st_mtime_ns)
    with Database.open(settings.database) as database:
        song = Song(file, Tags(name), fingerprint, "wav/pcm_16", 30.0, start_s)
        return database.store_song(database.add_root(folder), song, database.vectors()[1][0])


def test_the_app_has_the_routes(library):
    path, ids = library
    client = create_app(Settings(database=path)).server.test_client()
    for route in ("waveform", "cover"):
        assert client.get(f"/{route}/{ids[0]}").status_code in (200, 204)


def test_a_preview_is_made_on_demand_and_streamed_in_ranges(site):
    client, settings, ids = site
    response = client.get(f"/preview/{ids[3]}")
    assert (response.status_code, response.mimetype) == (200, "audio/mpeg")
    cached = preview_path(settings.previews, f"{3:032x}")
    assert cached.read_bytes() == response.data
    assert soundfile.info(io.BytesIO(response.data)).format == "MP3"
    part = client.get(f"/preview/{ids[3]}", headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.data) == (206, response.data[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(response.data)}"
    control = response.cache_control
    assert (bool(control.private), bool(control.public), control.max_age) == (True, False, sound.CACHED_S)
    again = client.get(f"/preview/{ids[3]}", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304


def test_a_preview_begins_where_the_library_says(site, tmp_path):
    client, settings, _ = site
    time = np.arange(44_100 * 40) / 44_100
    tones = np.where(time < 12, np.sin(2 * np.pi * 300 * time), np.sin(2 * np.pi * 2000 * time)) * 0.3
    soundfile.write(tmp_path / "music" / "two.wav", tones, 44_100)
    song_id = store(settings, tmp_path / "music", "two.wav", start_s=14.0)
    heard, rate = soundfile.read(io.BytesIO(client.get(f"/preview/{song_id}").data))
    assert np.argmax(np.abs(np.fft.rfft(heard[rate : 2 * rate]))) == pytest.approx(2000, abs=2)


def test_a_waveform_is_eight_hundred_numbers(site):
    client, settings, ids = site
    response = client.get(f"/waveform/{ids[0]}")
    outline = response.get_json()
    assert set(outline) == {"duration_s", "peaks"}
    assert outline["duration_s"] == pytest.approx(0.2, abs=0.01)
    assert len(outline["peaks"]) == 800
    assert max(outline["peaks"]) == 255
    assert all(isinstance(value, int) and 0 <= value <= 255 for value in outline["peaks"])
    assert (settings.waveforms / "00" / f"{0:032x}").exists()
    assert response.cache_control.private


def test_a_spectrogram_is_bytes_row_by_row(site):
    client, _, ids = site
    response = client.get(f"/spectrogram/{ids[0]}")
    rows, columns = int(response.headers["X-Rows"]), int(response.headers["X-Columns"])
    assert (rows, len(response.data)) == (128, 128 * columns)
    assert response.mimetype == "application/octet-stream"
    assert float(response.headers["X-Duration-S"]) == pytest.approx(0.2, abs=0.01)
    ticks = json.loads(response.headers["X-Ticks"])
    assert list(ticks) == ["200", "1000", "4000", "12000"]
    assert ticks["4000"] == pytest.approx(0.58, abs=0.001)
    picture = np.frombuffer(response.data, np.uint8).reshape(rows, columns)
    # The sound is a low tone, and the last rows are the lowest bands.
    assert picture[:, columns // 2].argmax() > 100


def test_a_cover_is_a_picture_or_an_empty_answer(site, tmp_path):
    client, _, ids = site
    assert (client.get(f"/cover/{ids[0]}").status_code, client.get(f"/cover/{ids[0]}").data) == (204, b"")
    file = FLAC(tmp_path / "music" / ids[1])
    picture = Picture()
    picture.type, picture.mime, picture.data = 3, "text/html", b"\x89PNG\r\n\x1a\n" + bytes(50)
    file.add_picture(picture)
    file.save()
    response = client.get(f"/cover/{ids[1]}")
    assert (response.status_code, response.mimetype, response.data) == (200, "image/png", picture.data)


@pytest.mark.parametrize("route", ["waveform", "spectrogram", "cover"])
def test_nothing_is_computed_for_a_browser_that_has_it_cached(site, route, monkeypatch):
    client, _, ids = site
    tag = client.get(f"/{route}/{ids[0]}").headers["ETag"]
    monkeypatch.setattr(DecoderPool, "run", lambda *_, **__: 1 / 0)
    response = client.get(f"/{route}/{ids[0]}", headers={"If-None-Match": tag})
    assert (response.status_code, response.data) == (304, b"")
    compressed = tag[:-1] + ':gzip"'
    assert client.get(f"/{route}/{ids[0]}", headers={"If-None-Match": compressed}).status_code == 304


@pytest.mark.parametrize("route", ["preview", "waveform", "spectrogram"])
def test_what_was_made_once_is_answered_without_a_job(site, route, monkeypatch):
    client, _, ids = site
    first = client.get(f"/{route}/{ids[0]}")
    monkeypatch.setattr(DecoderPool, "run", lambda *_, **__: 1 / 0)
    again = client.get(f"/{route}/{ids[0]}", headers={"Sec-Fetch-Site": "cross-site"})
    assert (again.status_code, again.data) == (200, first.data)
    assert again.headers.get("X-Ticks") == first.headers.get("X-Ticks")


@pytest.mark.parametrize("site_of_request", ["cross-site", "same-site"])
def test_another_site_cannot_have_anything_made(site, site_of_request):
    client, settings, ids = site
    for route in ROUTES:
        response = client.get(f"/{route}/{ids[0]}", headers={"Sec-Fetch-Site": site_of_request})
        assert (response.status_code, response.mimetype) == (403, "text/plain")
    assert not any(path.exists() for path in settings.caches)
    own = client.get(f"/preview/{ids[0]}", headers={"Sec-Fetch-Site": "same-origin"})
    assert own.status_code == 200


@pytest.mark.parametrize("route", ROUTES)
def test_files_that_are_not_in_the_library_are_not_read(site, tmp_path, route):
    client, *_ = site
    (tmp_path / "music" / "secret.flac").write_bytes((tmp_path / "music" / "000.flac").read_bytes())
    secret = str(tmp_path / "music" / "secret.flac")
    for path in ("secret.flac", "../songs.db", "%2e%2e/songs.db", "/etc/passwd", secret):
        for text in (path, quote(path, safe="")):
            response = client.get(f"/{route}/{text}")
            assert (response.status_code, response.mimetype) == (404, "text/plain")


@pytest.mark.parametrize("route", ROUTES)
def test_errors_are_answered_with_a_sentence_and_a_fitting_status(site, tmp_path, route, monkeypatch):
    client, settings, ids = site
    (tmp_path / "music" / ids[0]).unlink()
    gone = client.get(f"/{route}/{ids[0]}")
    assert (gone.status_code, gone.mimetype) == (404, "text/plain")
    assert "The file is missing: 000.flac" in gone.text
    (tmp_path / "music" / "x.ape").write_bytes(b"MAC " * 200)
    broken = client.get(f"/{route}/{store(settings, tmp_path / 'music', 'x.ape')}")
    assert broken.status_code == (204 if route == "cover" else 415)

    def busy(_path):
        raise LibraryBusyError("Busy.")

    monkeypatch.setattr(Database, "open_readonly", busy)
    assert client.get(f"/{route}/{ids[1]}").status_code == 503


@pytest.mark.parametrize("route", ROUTES)
def test_a_file_without_read_permission_is_forbidden(site, tmp_path, route, monkeypatch):
    client, _, ids = site
    opened = os.open

    def refuse(path, *arguments, **options):
        if os.fsdecode(path).endswith(ids[0]):
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    response = client.get(f"/{route}/{ids[0]}")
    assert (response.status_code, response.text) == (403, "000.flac cannot be read: Permission denied.")


@pytest.mark.parametrize(
    "song_id",
    [
        "a/b.flac",
        "a//b.flac",
        "/a.flac",
        "//a",
        "../../x",
        "100%.flac",
        "%2F",
        "a b?c#d&e.flac",
        "☂ 音.flac",
        "two\nlines.flac",
        ".",
    ],
)
def test_a_song_with_any_id_can_be_asked_for(site, song_id):
    client, settings, ids = site
    with Database.open(settings.database) as database, database.transaction():
        database._rows("PRAGMA defer_foreign_keys = ON")
        database._rows("UPDATE songs SET id = ? WHERE id = ?", (song_id, ids[0]))
        for table in ("files", "songs_vectors", "songs_genres", "positions", "song_clusters"):
            database._rows(f"UPDATE {table} SET song_id = ? WHERE song_id = ?", (song_id, ids[0]))
        database._rows("UPDATE clusters SET anthem = ? WHERE anthem = ?", (song_id, ids[0]))
    response = client.get("/waveform/" + quote(song_id, safe=""))
    assert response.status_code == 200
    assert len(response.get_json()["peaks"]) == 800


def test_an_error_about_a_file_name_that_is_invalid_text_is_answered(site, tmp_path):
    client, settings, _ = site
    name = b"caf\xe9.wav"

    path = tmp_path / "music" / os.fsdecode(name)
    try:
        path.write_bytes(b"RIFF nothing")
    except OSError:
        pytest.skip("this file system takes text only")
    with Database.open(settings.database) as database:
        song = Song(ScannedFile(name, 12, 1), Tags("x"), "f" * 32, "wav/pcm_16", 1.0)
        song_id = database.store_song(database.add_root(tmp_path / "music"), song, database.vectors()[1][0])
    response = client.get("/preview/" + quote(song_id, safe=""))
    assert (response.status_code, response.mimetype) == (415, "text/plain")
