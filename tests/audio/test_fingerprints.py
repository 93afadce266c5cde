import mutagen
import numpy as np
import pytest
from mutagen.flac import Picture

from explorer.audio.fingerprints import audio_fingerprint, fingerprint
from explorer.errors import AudioError

RATE_HZ = 44_100


def noise(seconds=2.0, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, int(seconds * RATE_HZ)).astype(np.float32)


@pytest.mark.parametrize("suffix", ["mp3", "flac", "ogg", "m4a", "wav", "aiff"])
def test_new_tags_do_not_change_the_audio_fingerprint(tmp_path, make_sound, suffix):
    path = make_sound(tmp_path / f"x.{suffix}", noise())
    before = fingerprint(path), audio_fingerprint(path)
    file = mutagen.File(path, easy=suffix in ("mp3", "m4a"))
    if file.tags is None:
        file.add_tags()
    if suffix in ("wav", "aiff"):
        file.tags.add(mutagen.id3.TIT2(text="Another title " * 500))
    else:
        file["title"] = "Another title " * 500
    file.save()
    assert fingerprint(path) != before[0]
    assert audio_fingerprint(path) == before[1]
    assert audio_fingerprint(make_sound(tmp_path / f"y.{suffix}", noise(seed=1))) != before[1]


def test_a_new_cover_does_not_change_the_audio_fingerprint(tmp_path, make_sound):
    path = make_sound(tmp_path / "x.flac", noise())
    before = audio_fingerprint(path)
    file = mutagen.File(path)
    picture = Picture()
    picture.data, picture.mime, picture.type = b"\xff\xd8\xff" + bytes(100_000), "image/jpeg", 3
    file.add_picture(picture)
    file.save()
    assert audio_fingerprint(path) == before


def test_another_length_rate_or_codec_changes_the_audio_fingerprint(tmp_path, make_sound):
    paths = [
        make_sound(tmp_path / "a.wav", noise(2.0)),
        make_sound(tmp_path / "b.wav", noise(2.0)[:-1]),
        make_sound(tmp_path / "c.wav", noise(2.0), rate_hz=48_000),
        make_sound(tmp_path / "d.flac", noise(2.0)),
    ]
    assert len({audio_fingerprint(path) for path in paths}) == 4


@pytest.mark.parametrize("content", [b"", b"no music " * 100, b"RIFF\x00\x00"])
def test_a_file_without_sound_has_no_audio_fingerprint(tmp_path, content):
    (tmp_path / "x.mp3").write_bytes(content)
    assert audio_fingerprint(tmp_path / "x.mp3") is None
    assert len(fingerprint(tmp_path / "x.mp3")) == 32


def test_a_truncated_file_has_another_audio_fingerprint(tmp_path, make_sound):
    path = make_sound(tmp_path / "x.flac", noise(5.0))
    (tmp_path / "cut.flac").write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    fingerprints = {audio_fingerprint(path), audio_fingerprint(tmp_path / "cut.flac")}
    assert len(fingerprints) == 2
    assert None not in fingerprints


def test_a_missing_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(AudioError, match=r"^gone\.mp3 cannot be read: No such file"):
        fingerprint(tmp_path / "gone.mp3")
    assert audio_fingerprint(tmp_path / "gone.mp3") is None


def test_alive_is_called_while_a_large_file_is_read(tmp_path):
    calls = []
    with (tmp_path / "large").open("wb") as file:
        file.truncate(70 << 20)
    fingerprint(tmp_path / "large", alive=lambda: calls.append(1))
    assert len(calls) == 2
