"""Writes a sound and its tags as MP3, FLAC or WAV."""

from pathlib import Path

import numpy as np
import soundfile
from mutagen import MutagenError
from mutagen.flac import FLAC
from mutagen.id3 import TALB, TCON, TIT2, TPE1, TRCK
from mutagen.mp3 import EasyMP3
from mutagen.wave import WAVE

from explorer.errors import AudioError
from explorer.util.atomic_write import atomic_write

_WAV_FRAMES = {"title": TIT2, "artist": TPE1, "album": TALB, "genre": TCON, "tracknumber": TRCK}


def write_sound(
    path: Path, samples: np.ndarray, sample_rate_hz: int, *, tags: dict[str, str], **options: object
) -> None:
    """Write a sound so that its file is either absent or whole.

    Parameters
    ----------
    path : Path
        Ends in `.mp3`, `.flac` or `.wav`; its folder is made where it is missing.
    samples : np.ndarray [shape=(n,) or (n, channels), float32]
    tags : dict of str to str
        By the names that Vorbis comments have. A WAV file holds title, artist, album, genre and tracknumber.
    **options
        What `soundfile.write` is to know of an MP3.

    Raises
    ------
    AudioError
        If the file cannot be written.
    """
    form = path.suffix.removeprefix(".")
    subtype = "MPEG_LAYER_III" if form == "mp3" else "PCM_16"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as part:
            soundfile.write(part, samples, sample_rate_hz, format=form.upper(), subtype=subtype, **options)
            _tag(part, form, tags)
    except (OSError, MutagenError, soundfile.LibsndfileError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AudioError(
            f"{path} cannot be written ({reason}): check that the folder is yours to write and not full."
        ) from error


def _tag(path: Path, form: str, tags: dict[str, str]) -> None:
    if form == "wav":
        file = WAVE(path)
        file.add_tags()
        for name, text in tags.items():
            file.tags.add(_WAV_FRAMES[name](encoding=3, text=[text]))
    else:
        file = FLAC(path) if form == "flac" else EasyMP3(path)
        file.update(tags)
    file.save()
