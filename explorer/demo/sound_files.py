"""Writes a sound and its tags as MP3, FLAC or WAV."""

from pathlib import Path

import numpy as np
import soundfile
from mutagen import MutagenError
from mutagen.flac import FLAC
from mutagen.id3 import TALB, TCON, TIT2, TPE1, TRCK
from mutagen.mp3 import EasyMP3
from mutagen.wave import WAVE

from explorer.audio.limiter import limit_samples
from explorer.errors import AudioError
from explorer.util.atomic_write import atomic_write

_WAV_FRAMES = {"title": TIT2, "artist": TPE1, "album": TALB, "genre": TCON, "tracknumber": TRCK}


def write_sound(
    path: Path, samples: np.ndarray, sample_rate_hz: int, *, tags: dict[str, str], **options: object
) -> None:
    """Write a sound and its tags; a failed write leaves no partial file.

    Parameters
    ----------
    path : Path
        Ends in `.mp3`, `.flac` or `.wav`; its folder is created if it is missing.
    samples : np.ndarray [shape=(n,) or (n, channels), float32]
    tags : dict of str to str
        The keys are names of Vorbis comments. For WAV, only title, artist, album, genre and tracknumber are
        allowed.
    **options
        Options of `soundfile.write` for encoding MP3.

    Raises
    ------
    AudioError
        If the file cannot be written.
    """
    file_format = path.suffix.removeprefix(".")
    subtype = "MPEG_LAYER_III" if file_format == "mp3" else "PCM_16"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as part:
            soundfile.write(
                part,
                limit_samples(samples),
                sample_rate_hz,
                format=file_format.upper(),
                subtype=subtype,
                **options,
            )
            _write_tags(part, file_format, tags)
    except (OSError, MutagenError, soundfile.LibsndfileError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AudioError(
            f"{path} cannot be written ({reason}): check the folder's permissions and the free space."
        ) from error


def _write_tags(path: Path, file_format: str, tags: dict[str, str]) -> None:
    if file_format == "wav":
        file = WAVE(path)
        file.add_tags()
        for name, text in tags.items():
            file.tags.add(_WAV_FRAMES[name](encoding=3, text=[text]))
    else:
        file = FLAC(path) if file_format == "flac" else EasyMP3(path)
        file.update(tags)
    file.save()
