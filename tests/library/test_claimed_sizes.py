"""Headers that claim less sound than the file holds: every format is read to its end."""

import struct

import numpy as np
import pytest
import soundfile

from explorer.audio.decoding import open_audio

RATE_HZ = 44_100
SECONDS = 2.0
DATA_BYTES = int(SECONDS * RATE_HZ) * 2
ID3 = b"ID3\x04\0\0\0\0\x02\x00" + bytes(256)


def duration_of(path):
    stream = open_audio(path)
    for _ in stream.blocks():
        pass
    return stream.duration_s


def sound():
    return 0.4 * np.sin(2 * np.pi * 440 * np.arange(int(SECONDS * RATE_HZ)) / RATE_HZ)


def write(path, *, format, subtype="PCM_16"):
    soundfile.write(path, sound(), RATE_HZ, format=format, subtype=subtype)
    return path.read_bytes()


FIELDS = {
    "rf64": ("RF64", b"ds64", 16, "<Q"),
    "w64": ("W64", b"data", 16, "<Q"),
    "aiff": ("AIFF", b"SSND", 4, ">I"),
    "caf": ("CAF", b"data", 4, ">Q"),
    "wav": ("WAV", b"data", 4, "<I"),
}
"""Formats, and where their size is: after a chunk's name, at an offset."""


@pytest.mark.parametrize("suffix", FIELDS)
@pytest.mark.parametrize("size", [8, 1000, DATA_BYTES // 2])
@pytest.mark.parametrize("tag", [b"", ID3])
def test_a_header_that_claims_too_little_is_not_believed(tmp_path, suffix, size, tag):
    format_name, chunk, offset, size_format = FIELDS[suffix]
    data = bytearray(write(tmp_path / "x", format=format_name))
    field = data.index(chunk) + offset
    data[field : field + struct.calcsize(size_format)] = struct.pack(size_format, size)
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(tag + data)
    assert duration_of(path) == pytest.approx(SECONDS, abs=0.01)


@pytest.mark.parametrize("magic", [b"RF64", b"BW64"])
@pytest.mark.parametrize("size", [0, DATA_BYTES, 2**63, 2**64 - 1])
def test_any_size_in_a_long_wav_file_is_read_to_its_end(tmp_path, magic, size):
    data = bytearray(write(tmp_path / "x", format="RF64"))
    data[:4] = magic
    field = data.index(b"ds64") + 16
    data[field : field + 8] = struct.pack("<Q", size)
    (tmp_path / "x.wav").write_bytes(data)
    assert duration_of(tmp_path / "x.wav") == pytest.approx(SECONDS, abs=0.01)


def test_an_au_file_that_claims_no_samples_is_read_to_its_end(tmp_path):
    data = write(tmp_path / "x", format="AU")
    (tmp_path / "x.au").write_bytes(data[:8] + bytes(4) + data[12:])
    assert duration_of(tmp_path / "x.au") == pytest.approx(SECONDS, abs=0.01)


def test_a_dsdiff_file_that_claims_too_little_is_read_to_its_end(tmp_path):
    def chunk(name, body):
        return name + struct.pack(">Q", len(body)) + body

    properties = chunk(b"FS  ", struct.pack(">I", 2_822_400)) + chunk(b"CHNL", b"\0\1C   ")
    properties += chunk(b"CMPR", b"DSD \x0fnot compressed ")
    samples = b"\x69" * 352_800
    body = b"DSD " + chunk(b"FVER", b"\1\5\0\0") + chunk(b"PROP", b"SND " + properties)
    for size in (0, 10_000, 352_800, 2**63):
        file = body + b"DSD " + struct.pack(">Q", size) + samples
        (tmp_path / "x.dff").write_bytes(b"FRM8" + struct.pack(">Q", len(file)) + file)
        assert duration_of(tmp_path / "x.dff") == pytest.approx(1.0, abs=0.01)


def test_samples_that_look_like_text_are_sound(tmp_path):
    """Quiet samples of eight bits are letters; the name of a chunk has a size that fits into the file."""
    soundfile.write(tmp_path / "x.wav", np.full(RATE_HZ, -0.2), RATE_HZ, subtype="PCM_U8")
    data = (tmp_path / "x.wav").read_bytes()
    field = data.index(b"data") + 4
    assert data[-1:].isalpha()
    (tmp_path / "x.wav").write_bytes(data[:field] + struct.pack("<I", 1000) + data[field + 4 :])
    assert duration_of(tmp_path / "x.wav") == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("suffix", ["aiff", "caf", "w64"])
@pytest.mark.parametrize("after", ["chunk", "ID3", "zeros"])
def test_what_follows_the_samples_is_no_sound(tmp_path, suffix, after):
    format_name, _, _, size_format = FIELDS[suffix]
    data = write(tmp_path / "x", format=format_name)
    name = b"name" if suffix != "w64" else b"bext" + bytes(12)
    size = 8000 + (24 if suffix == "w64" else 0)
    more = {
        "chunk": name + struct.pack(size_format, size) + b"a" * 8000,
        "ID3": ID3 * 20,
        "zeros": bytes(9000),
    }
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(data + more[after])
    assert duration_of(path) == pytest.approx(SECONDS, abs=0.001)
