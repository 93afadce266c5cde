from types import SimpleNamespace

import av
import numpy as np
import pytest

from explorer.library.video import _moves, holds_video


def write(file, container_format, codec, pictures, *, with_sound=True):
    """Write a file with pictures, and a second of sound."""
    with av.open(str(file), "w", format=container_format) as container:
        rate = 48_000
        sound = container.add_stream("libopus" if container_format == "webm" else "aac", rate=rate)
        video = container.add_stream(
            codec, rate=25, width=64, height=64, pix_fmt="yuvj420p" if codec == "mjpeg" else "yuv420p"
        )
        for number in range(pictures):
            picture = np.full((64, 64, 3), 10 * number, dtype=np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode(None))
        if with_sound:
            frame = av.AudioFrame.from_ndarray(
                np.zeros((1, rate), dtype=np.float32), format="fltp", layout="mono"
            )
            frame.sample_rate = rate
            container.mux(sound.encode(frame))
            container.mux(sound.encode(None))


@pytest.mark.parametrize(
    ("name", "container_format", "codec"),
    [
        ("a.mp4", "mp4", "mpeg4"),
        ("a.MOV", "mov", "mjpeg"),
        ("a.mkv", "matroska", "mpeg4"),
        ("a.3gp", "3gp", "mpeg4"),
        ("a.webm", "webm", "libvpx"),
        ("a.avi", "avi", "mpeg4"),
    ],
)
@pytest.mark.parametrize("pictures", [1, 5])
def test_a_file_with_several_pictures_is_a_video(tmp_path, name, container_format, codec, pictures):
    write(tmp_path / name, container_format, codec, pictures)
    assert holds_video(tmp_path / name) == (pictures > 1)


def test_a_cover_is_no_video(tmp_path):
    from mutagen.mp4 import MP4, MP4Cover

    file = tmp_path / "song.mp4"
    with av.open(str(file), "w") as container:
        stream = container.add_stream("aac", rate=48_000)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 48_000), dtype=np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate = 48_000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    tags = MP4(file)
    tags["covr"] = [MP4Cover(b"\xff\xd8\xff\xe0" + b"x" * 100)] * 2
    tags.save()
    with av.open(str(file)) as container:
        assert container.streams.video
    assert not holds_video(file)


@pytest.mark.parametrize("disposition", ["attached_pic", "still_image", "timed_thumbnails"])
def test_pictures_of_chapters_are_no_video(disposition):
    stream = SimpleNamespace(disposition=av.stream.Disposition[disposition], frames=12)
    assert not _moves(None, stream)
    stream.disposition = av.stream.Disposition.default
    assert _moves(None, stream)


def test_a_damaged_file_is_no_video(tmp_path):
    (tmp_path / "a.mkv").write_bytes(b"no video")
    assert not holds_video(tmp_path / "a.mkv")
    assert not holds_video(tmp_path / "absent.mp4")
