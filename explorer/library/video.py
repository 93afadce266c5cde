"""Tells whether a file is a video: sound files may hold pictures too, but only covers and stills."""

from __future__ import annotations

from pathlib import Path

import av

from explorer.errors import AudioError
from explorer.library.containers import open_container
from explorer.library.extensions import MAY_HOLD_VIDEO, VIDEO_EXTENSIONS, extension_of

_STILLS = (
    av.stream.Disposition.attached_pic
    | av.stream.Disposition.still_image
    | av.stream.Disposition.timed_thumbnails
)


def holds_video(path: Path) -> bool:
    """Tell whether a file holds moving pictures; only files that are common for videos are opened.

    A stream with one picture is a cover. A file that cannot be opened is no video: reading its sound says
    what is wrong.
    """
    if extension_of(path.name) not in MAY_HOLD_VIDEO | VIDEO_EXTENSIONS:
        return False
    try:
        with open_container(path) as container:
            return any(_moves(container, stream) for stream in container.streams.video)
    except (AudioError, av.FFmpegError, OSError, ValueError):
        return False


def _moves(container: av.container.InputContainer, stream: av.VideoStream) -> bool:
    """Tell whether a stream has a second picture."""
    if stream.disposition & _STILLS:
        return False
    if stream.frames:
        return stream.frames > 1
    container.seek(0)
    pictures = (packet for packet in container.demux(stream) if packet.size)
    return next(pictures, None) is not None and next(pictures, None) is not None
