"""Opens a file with FFmpeg (PyAV): only formats that hold sound themselves, and only that file.

FFmpeg also takes playlists and manifests for music, and would read the files and URLs that they name. And
some files must be opened in a special way: those with a tag in front of a format that has no such tags,
several files joined to one, headers that claim too little, and Dolby or DTS sound that a WAV file holds as
samples. `file_parts` finds out.
"""

from __future__ import annotations

import errno
import re
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

import av
import av.error
import av.logging

from explorer.errors import AudioError
from explorer.library.claimed_sizes import find_repair
from explorer.library.id3_headers import id3_tags

_FORMATS = (
    "aa,aac,aax,ac3,ac4,acm,adp,ads,adx,aea,aiff,aix,amr,amrnb,amrwb,apc,ape,apm,asf,asf_o,ast,au,avi,avr,bfstm,"
    "bonk,brstm,caf,codec2,dfpwm,dsf,dss,dts,dtshd,ea,eac3,epaf,flac,flv,fsb,genh,gsm,hca,hcom,iamf,iff,ilbc,"
    "ircam,kvag,lc3,loas,matroska,mca,mlp,mmf,mods,mov,mp3,mp4,mpc,mpc8,mpeg,mpegts,msf,mtaf,musx,mxf,nistsphere,"
    "nsv,nut,ogg,oma,osq,paf,pvf,qcp,qoa,rka,rm,rsd,rso,sbc,sds,sdx,shn,siff,sox,spdif,svag,svs,swf,tak,truehd,"
    "tta,vag,voc,vpk,vqf,w64,wav,wavarc,webm,wsd,wtv,wv,wve,xa,xvag,xwma"
)
"""FFmpeg's formats that hold sound, from the list at https://ffmpeg.org/ffmpeg-formats.html."""

_MAGIC = re.compile(
    rb"MAC |MP\+|MPCK|wvpk|TTA[12]|tBaK|OFR |fLaC|OggS|RIFF|RF64|BW64|RIFX|riff|FORM|FRM8|DSD |caff|\.snd"
    rb"|\.RMF|Creative Voice File|\.SoX|XoS\.|MMMD|[FC]WS[\x01-\x20]|NIST_1A"
    rb"|\x64\xa3[\x01-\x04]\0|\0[\x01-\x04]\xa3\x64|\x80\0..[\x02-\x04]\x12\x04|\xc0\xde\xc2"
    rb"|\x30\x26\xb2\x75\x8e\x66\xcf\x11|\x1a\x45\xdf\xa3|....ftyp",
    re.DOTALL,
)
"""The first bytes of the formats that do not begin with a frame of MPEG audio."""

_OGG_START = re.compile(rb"OggS\x00[\x02\x06]\x00{8}.{4}\x00{4}(?=.{5})", re.DOTALL)
"""The first page of an Ogg stream: its position and its number are 0 (RFC 3533, section 6)."""

_OGG_HEADER_BYTES = 27
_OGG_MAX_HEADER_BYTES = _OGG_HEADER_BYTES + 255
_READ_BYTES = 1 << 20
_MAX_PATTERN_BYTES = 40
_MAX_WAV_HEADER_BYTES = 4096
_MAX_SILENCE_BYTES = 16 << 20

_WAVPACK_FLAG = b"[" + re.escape(bytes(byte for byte in range(256) if byte & 8)) + b"]"
"""Marks the first of the blocks that hold the same samples of different channels."""

_JOINED = {
    b"fLaC": re.compile(rb"fLaC\0\0\0\x22", re.DOTALL),
    b"TTA1": re.compile(rb"TTA1[\x01\x03]\0[\x01-\x08]\0[\x08\x10\x18]\0", re.DOTALL),
    b"wvpk": re.compile(rb"wvpk.{4}[\x02-\x10]\x04\0\0.{4}\0{4}.{5}" + _WAVPACK_FLAG, re.DOTALL),
    b"0&\xb2u": re.compile(rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", re.DOTALL),
}
"""How files begin in formats of which FFmpeg reads only the first of several joined files: FLAC, True Audio,
WavPack and Windows Media Audio."""

NO_SOUND_FILE = "it is damaged, or another kind of file"
_UNSUPPORTED = (
    av.error.DecoderNotFoundError,
    av.error.ExperimentalError,
    av.error.NotImplementedError,
    av.error.PatchWelcomeError,
)

_WAV_START = re.compile(rb"RIFF....WAVE", re.DOTALL)
_DIGITAL_OUTPUT = b"\x72\xf8\x1f\x4e"
"""How a packet of coded sound begins in the samples that a player sends to an amplifier (IEC 61937)."""


class FilePart(NamedTuple):
    """A part of a file that FFmpeg reads as a file of its own.

    Attributes
    ----------
    start, end : int
        Positions in bytes; an `end` of 0 is the end of the file.
    repair : (int, bytes), optional
        A position in the file, and the bytes to read there instead of those that are there.
    format : str, optional
        FFmpeg's name of the format, if FFmpeg does not recognise it.
    """

    start: int = 0
    end: int = 0
    repair: tuple[int, bytes] | None = None
    format: str | None = None


def file_parts(path: Path) -> list[FilePart]:
    """Find the parts of a file. Most files have one, from their first to their last byte.

    Files with several parts are several files that were joined: FFmpeg reads the first of them, or fails at
    the second. A file whose only part begins later has a tag in front: FFmpeg skips such tags in front of MP3
    and a few other formats.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with path.open("rb") as file:
        start, magic = _after_tags(file)
        if magic is None:
            # FFmpeg skips the tags in front of MP3 and the like, and reads them.
            return [FilePart()]
        name = magic[0][:4]
        if name == b"OggS":
            starts = _ogg_links(file, start)
        elif name in _JOINED:
            starts = [start, *_joined_starts(file, start + 1, name)]
        elif name == b"RIFF" and (packets := _digital_output(file, start)):
            return [FilePart(packets, format="spdif")]
        elif name == b"RIFF" and len(links := _wav_links(file, start)) > 1:
            starts = links
        else:
            return [FilePart(start, repair=find_repair(file, start, name))]
    return [FilePart(*ends) for ends in zip(starts, [*starts[1:], 0], strict=True)]


def open_container(path: Path, part: FilePart | None = None) -> av.container.InputContainer:
    """Open a file, or one part of it; the default is the first part.

    Raises
    ------
    AudioError
        If FFmpeg does not recognise a format that holds sound.
    """
    try:
        if part is None:
            part = file_parts(path)[0]
        # FFmpeg's "subfile" protocol reads a range of bytes, where 0 is the end of the file.
        is_whole = part.start == part.end == 0
        options = {"format_whitelist": _FORMATS, "protocol_whitelist": "file,subfile"}
        if not is_whole:
            options |= {"start": str(part.start), "end": str(part.end)}
        # Metadata may hold bytes in any encoding. Read as Latin-1, none of them is lost.
        url = f"{'file' if is_whole else 'subfile'}:{path}"
        source = _RepairedFile(path, part) if part.repair else url
        return av.open(source, format=part.format, metadata_encoding="latin-1", options=options)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise AudioError(
            f"{path.name} is not audio that can be decoded: {reason_of(error) or NO_SOUND_FILE}."
        ) from error


class _RepairedFile:
    """A file from a part's start on, with the part's repair. PyAV reads it instead of a path."""

    def __init__(self, path: Path, part: FilePart) -> None:
        self.name = path.name
        self._start = part.start
        self._repair = part.repair
        self._file = path.open("rb")
        self.seek(0)

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()

    def read(self, size: int) -> bytes:
        position, (repaired, new) = self._file.tell(), self._repair
        data = bytearray(self._file.read(size))
        for offset, byte in enumerate(new, repaired - position):
            if 0 <= offset < len(data):
                data[offset] = byte
        return bytes(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset + (0 if whence else self._start), whence) - self._start

    def tell(self) -> int:
        return self._file.tell() - self._start


def open_sound(
    path: Path, part: FilePart | None = None
) -> tuple[av.container.InputContainer, av.audio.AudioStream]:
    """Open a file, or one part of it, and choose its audio track.

    Returns
    -------
    container : av.container.InputContainer
    track : av.audio.AudioStream
        The track that is marked as the default, else the first one. A track that FFmpeg cannot decode is left
        out if there is another one.

    Raises
    ------
    AudioError
        If FFmpeg does not recognise the file, or finds no audio track, or has no decoder for it. The message
        names the codec.
    """
    container = open_container(path, part)
    try:
        return container, _default_track(container, path)
    except AudioError:
        container.close()
        raise


def _default_track(container: av.container.InputContainer, path: Path) -> av.audio.AudioStream:
    tracks = list(container.streams.audio)
    contexts = [(track, track.codec_context) for track in tracks if track.codec_context]
    decodable = [track for track, context in contexts if context.sample_rate and context.channels]
    defaults = [track for track in decodable if track.disposition & av.stream.Disposition.default]
    if decodable:
        return (defaults or decodable)[0]
    if any(track.codec_context is None for track in tracks):
        raise AudioError(
            f"{path.name} is coded with {_codec_name(path)}, which cannot be decoded here: convert it to "
            "FLAC or MP3."
        )
    if contexts:
        codec = contexts[0][1].name
        raise AudioError(
            f"{path.name} is damaged or locked: it does not tell how its {codec} sound is coded."
        )
    raise AudioError(f"{path.name} holds no sound.")


def format_of(container: av.container.InputContainer, track: av.audio.AudioStream) -> str:
    """Return a container's and a track's format, such as `"mp3/mp3"` or `"mov/aac"`."""
    return f"{container.format.name.split(',')[0]}/{track.codec_context.codec.canonical_name}"


def reason_of(error: Exception) -> str:
    """Return why a file cannot be decoded, in plain words and without a full stop.

    Parameters
    ----------
    error : Exception
        Of FFmpeg, libsndfile or the operating system.

    Returns
    -------
    str
        Empty if the file's content is the reason: what FFmpeg and libsndfile say of it helps nobody.
    """
    if isinstance(error, MemoryError):
        return "the memory is full"
    if isinstance(error, _UNSUPPORTED):
        return "its sound is coded in a way that cannot be decoded here"
    # FFmpeg says "Invalid argument" of a format that is not on its list.
    is_of_system = isinstance(error, OSError) and (error.errno or 0) > 0 and error.errno != errno.EINVAL
    return (error.strerror or "").rstrip(".") if is_of_system else ""


def _after_tags(file: BinaryIO) -> tuple[int, re.Match | None]:
    """Return where a file's format begins, after ID3v2 tags, and its first bytes if they are known."""
    _, position = id3_tags(file)
    file.seek(position)
    header = file.read(32)
    if header.startswith(b"APETAGEX") and len(header) == 32 and header[23] & 0x20:
        position += 32 + int.from_bytes(header[12:16], "little")
    file.seek(position)
    following = file.read(_READ_BYTES if position else 32)
    # Some programs write zeros after a tag. An MP4 file may itself begin with three zeros.
    n_zeros = len(following) - len(following.lstrip(b"\0"))
    for offset in (0, n_zeros, n_zeros - 3):
        if offset >= 0 and (magic := _MAGIC.match(following, offset)):
            return position + offset, magic
    return position, None


def _joined_starts(file: BinaryIO, position: int, name: bytes) -> list[int]:
    """Return where files of one of the `_JOINED` formats begin, from a position on."""
    starts, data = [], b""
    file.seek(position)
    while block := file.read(_READ_BYTES):
        data += block
        if name in data:  # A search for bytes is several times as fast as one for a pattern.
            starts += [position + match.start() for match in _JOINED[name].finditer(data)]
        # The pattern may be cut at the end of the data: the next round looks at the last bytes again.
        n_done = max(0, len(data) - _MAX_PATTERN_BYTES)
        position, data = position + n_done, data[n_done:]
    return sorted(set(starts))


def _wav_links(file: BinaryIO, start: int) -> list[int]:
    """Return where each of the joined WAV files begins, by the size that each of them claims."""
    links = [start]
    while True:
        file.seek(links[-1] + 4)
        size = int.from_bytes(file.read(4), "little")
        following = links[-1] + 8 + size + size % 2
        file.seek(following)
        if not _WAV_START.match(file.read(12)):
            return links
        links.append(following)


def _digital_output(file: BinaryIO, start: int) -> int | None:
    """Return where the packets of coded sound begin in the samples of a WAV file; None if they are samples.

    FFmpeg finds them if less than half a second of silence is in front, and not those of Dolby Digital Plus.
    """
    file.seek(start)
    head = file.read(_MAX_WAV_HEADER_BYTES)
    data = head.find(b"data")
    if data < 0:
        return None
    position = start + data + 8
    file.seek(position)
    while position < start + _MAX_SILENCE_BYTES and (block := file.read(_READ_BYTES)):
        if sound := block.lstrip(b"\0"):
            position += len(block) - len(sound)
            return position if sound.startswith(_DIGITAL_OUTPUT) else None
        position += len(block)
    return None


def _ogg_links(file: BinaryIO, start: int) -> list[int]:
    """Return where each of the joined Ogg files begins.

    An Ogg file begins with the first pages of all its streams, and a stream's first page has a flag.
    """
    links, first_pages_end = [], -1
    position, data = start, b""
    file.seek(start)
    while True:
        block = file.read(_READ_BYTES)
        data += block
        # A page's header may be cut at the end of the data: the next round looks at the last bytes again.
        n_searched = len(data) - _OGG_MAX_HEADER_BYTES if block else len(data)
        for match in _OGG_START.finditer(data, 0, max(0, n_searched)):
            page = position + match.start()
            if page != first_pages_end:
                links.append(page)
            lengths = data[match.end() + 5 :][: data[match.end() + 4]]
            first_pages_end = page + _OGG_HEADER_BYTES + len(lengths) + sum(lengths)
        if not block:
            break
        position, data = position + max(0, n_searched), data[max(0, n_searched) :]
    return links or [start]


def _codec_name(path: Path) -> str:
    """Return the name of a codec without a decoder. PyAV does not tell it, but FFmpeg's log does."""
    level = av.logging.get_level()
    av.logging.set_level(av.logging.VERBOSE)
    try:
        with av.logging.Capture(local=True) as lines, suppress(AudioError):
            open_container(path).close()
    finally:
        av.logging.set_level(level)
    log = "\n".join(message for _, _, message in lines)
    found = re.search(r"AVCodecID (\S+?)\.?\s", log) or re.search(r"Audio: (\w+(?: \([^)]*\))?)", log)
    return found[1].replace("none", "an unknown codec") if found else "an unknown codec"
