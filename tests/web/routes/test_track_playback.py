"""Tracks of a cue sheet are played from their start to their end, by every route."""

import io
from urllib.parse import quote

import numpy as np
import pytest
import soundfile

from explorer.config import Settings
from explorer.database.database import Database
from explorer.database.records import Song
from explorer.library.music_file import Part, ScannedFile, Tags
from explorer.web.app import create_app

RATE_HZ = 8_000
PARTS = (Part(1, 0.0, 4.0), Part(2, 4.0, 9.5), Part(3, 9.5, None))


@pytest.fixture
def site(library, sound_jobs):
    """A client, the settings, the folder of music, and the ids of the tracks of a FLAC file of 12 s."""
    path, _ = library
    folder = path.parent / "music"
    time = np.arange(RATE_HZ * 12) / RATE_HZ
    hertz = np.select([time < 4, time < 9.5], [500.0, 1000.0], 2000.0)
    soundfile.write(folder / "album.flac", 0.4 * np.sin(2 * np.pi * hertz * time), RATE_HZ)
    state = (folder / "album.flac").stat()
    file = ScannedFile(b"album.flac", state.st_size, state.st_mtime_ns)
    with Database.open(path) as database:
        ids = [
            database.store_song(
                1,
                Song(
                    file,
                    Tags(f"Title {part.track}"),
                    part.fingerprint("e" * 32),
                    "flac/pcm_16",
                    (part.end_s or 12.0) - part.start_s,
                    0.5,
                    part=part,
                ),
                np.ones(512),
            )
            for part in PARTS
        ]
    settings = Settings(database=path)
    return create_app(settings, jobs=sound_jobs).server.test_client(), settings, folder, ids


def pitch(samples, rate):
    return np.argmax(np.abs(np.fft.rfft(samples[: 2 * rate]))) / 2


def test_each_track_is_played_alone(site):
    client, _, _, ids = site
    for song_id, seconds, hertz in zip(ids, (4.0, 5.5, 2.5), (500, 1000, 2000), strict=True):
        response = client.get(f"/audio/{quote(song_id, safe='')}")
        assert (response.status_code, response.mimetype) == (200, "audio/flac")
        samples, rate = soundfile.read(io.BytesIO(response.data))
        assert len(samples) / rate == seconds
        assert pitch(samples, rate) == hertz


def test_previews_waveforms_and_spectrograms_are_those_of_the_track(site):
    client, _, _, ids = site
    for song_id, seconds, hertz in zip(ids, (4.0, 5.5, 2.5), (500, 1000, 2000), strict=True):
        url = quote(song_id, safe="")
        samples, rate = soundfile.read(io.BytesIO(client.get(f"/preview/{url}").data))
        assert len(samples) / rate == pytest.approx(seconds, abs=0.1)
        assert pitch(samples, rate) == pytest.approx(hertz, abs=1)
        assert client.get(f"/waveform/{url}").get_json()["duration_s"] == seconds
        assert float(client.get(f"/spectrogram/{url}").headers["X-Duration-S"]) == seconds
        assert client.get(f"/cover/{url}").status_code == 204


def test_a_played_track_stays_audible_when_its_file_is_gone(site):
    client, _, folder, ids = site
    played = client.get(f"/audio/{quote(ids[1], safe='')}").data
    (folder / "album.flac").unlink()
    assert client.get(f"/audio/{quote(ids[1], safe='')}").data == played
    assert client.get(f"/audio/{quote(ids[2], safe='')}").status_code == 404
