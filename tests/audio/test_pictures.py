import math
import struct

import numpy as np
import pytest

from explorer.audio.pictures import Spectrogram, Waveform

WAVEFORM = Waveform(2.5, np.arange(800).astype(np.uint8))
SPECTROGRAM = Spectrogram(np.arange(128 * 7).astype(np.uint8).reshape(128, 7), 2.5, 11_025.0)


@pytest.mark.parametrize("picture", [WAVEFORM, SPECTROGRAM])
def test_a_cache_file_holds_the_picture_and_a_damaged_one_holds_none(picture):
    content = picture.to_bytes()
    read = type(picture).from_bytes(content)
    assert read.duration_s == 2.5
    field = "peaks" if picture is WAVEFORM else "levels"
    np.testing.assert_array_equal(getattr(read, field), getattr(picture, field))
    false_numbers = [struct.pack("<d", number) + content[8:] for number in (math.nan, math.inf, -1.0)]
    too_long = content + bytes(128 * 1200)
    for damaged in (b"", content[:7], content[:16], content[:-1], content + b"x", too_long, *false_numbers):
        assert type(picture).from_bytes(damaged) is None


def test_the_axis_of_a_read_spectrogram_is_that_of_the_written_one():
    assert Spectrogram.from_bytes(SPECTROGRAM.to_bytes()).ticks() == SPECTROGRAM.ticks()
