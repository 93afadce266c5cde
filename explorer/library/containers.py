"""Opens a file with FFmpeg (PyAV): only formats that hold sound themselves, and only that file.

FFmpeg also takes playlists and manifests for music, and would read the files and URLs that they name. And
some files must be opened in a special way: those with a tag in front of a format that has no such tags,
several Ogg files joined to one, and WAV files whose header claims too little. `file_parts` finds out.
"""

from __future__ import annotations

import errno
import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import av
import av.logging

from explorer.errors import AudioError
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
    rb"MAC |MP\+|MPCK|wvpk|TTA[12]|tBaK|OFR |fLaC|OggS|RIFF|RF64|RIFX|riff|FORM|FRM8|DSD |caff|\.snd|\.RMF"
    rb"|\x30\x26\xb2\x75\x8e\x66\xcf\x11|\x1a\x45\xdf\xa3|....ftyp",
    re.DOTALL,
)
"""The first bytes of the formats that do not begin with a frame of MPEG audio."""

_OGG_START = re.compile(rb"OggS\x00[\x02\x06]\x00{8}.{4}\x00{4}(?=.{5})", re.DOTALL)
"""The first page of an Ogg stream: its position and its number are 0 (RFC 3533, section 6)."""

_OGG_HEADER_BYTES = 27
_OGG_MAX_HEADER_BYTES = _OGG_HEADER_BYTES + 255
_READ_BYTES = 1 << 20
_MIN_MISSED_BYTES = 4096
_CHUNK_ID = re.compile(rb"[ -~]{4}|ID3|TAG|\0*$", re.DOTALL)
"""What may follow the samples of a WAV file: the name of a chunk, or a tag."""


class FilePart(NamedTuple):
    """A part of a file that FFmpeg reads as a file of its own.

    Attributes
    ----------
    start, end : int
        Positions in bytes; an `end` of 0 is the end of the file.
    ignores_length : bool
        Read a WAV file to its end, whatever length its header claims.
    """

    start: int = 0
    end: int = 0
    ignores_length: bool = False


def file_parts(path: Path) -> list[FilePart]:
    """Find the parts of a file. Most files have one, from their first to their last byte.

    Files with several parts are chains of Ogg files: FFmpeg reads the first of them, or fails at the second.
    A file whose only part begins later has an ID3v2 tag in front: FFmpeg skips such tags in front of MP3 and
    a few other formats.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with path.open("rb") as file:
        start, magic = _after_tags(file)
        if magic is None:
            return [FilePart()]
        if magic[0] == b"RIFF":
            return [FilePart(start, ignores_length=_wav_claims_too_little(file, start))]
        if magic[0] != b"OggS":
            return [FilePart(start)]
        links = _ogg_links(file, start)
    return [FilePart(*ends) for ends in zip(links, [*links[1:], 0], strict=True)]


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
        if part.ignores_length:
            options["ignore_length"] = "1"
        # Metadata may hold bytes in any encoding. Read as Latin-1, none of them is lost.
        url = f"{'file' if is_whole else 'subfile'}:{path}"
        return av.open(url, metadata_encoding="latin-1", options=options)
    except (av.FFmpegError, OSError, ValueError) as error:
        # FFmpeg says "Invalid argument" of a format that is not on the list.
        reason = (
            "Invalid data found when processing input"
            if getattr(error, "errno", 0) == errno.EINVAL
            else reason_of(error)
        )
        raise AudioError(f"{path.name} is not audio that can be decoded: {reason}.") from error


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
    raise AudioError(f"{path.name} holds no sound.")


def format_of(container: av.container.InputContainer, track: av.audio.AudioStream) -> str:
    """Return a container's and a track's format, such as `"mp3/mp3"` or `"mov/aac"`."""
    return f"{container.format.name.split(',')[0]}/{track.codec_context.codec.canonical_name}"


def reason_of(error: Exception) -> str:
    """Return the message of an FFmpeg or operating system error, without the path and the full stop."""
    return str(getattr(error, "strerror", "") or error).rstrip(".")


def _after_tags(file: object) -> tuple[int, re.Match | None]:
    """Return where a file's format begins, after ID3v2 tags, and its first bytes if they are known."""
    _, position = id3_tags(file)
    file.seek(position)
    following = file.read(_READ_BYTES if position else 16)
    # Some programs write zeros after a tag. An MP4 file may itself begin with three zeros.
    n_zeros = len(following) - len(following.lstrip(b"\0"))
    for offset in (0, n_zeros, n_zeros - 3):
        if offset >= 0 and (magic := _MAGIC.match(following, offset)):
            return position + offset, magic
    return position, None


def _wav_claims_too_little(file: object, start: int) -> bool:
    """Return whether samples follow where a WAV file's header says that its samples end.

    A recorder that is switched off leaves the length that it wrote last. Lengths of 0 and of the maximum mean
    "to the end of the file", which FFmpeg knows.
    """
    position = start + 12
    while True:
        file.seek(position)
        header = file.read(8)
        if len(header) < 8:
            return False
        size = int.from_bytes(header[4:], "little")
        position += 8 + size
        if header[:4] == b"data":
            break
        position += size % 2
    if size in (0, 0xFFFFFFFF):
        return False
    file.seek(position)
    following = file.read(_MIN_MISSED_BYTES)
    is_chunk = any(_CHUNK_ID.match(following, offset) for offset in (0, 1))
    return len(following) == _MIN_MISSED_BYTES and any(following) and not is_chunk


def _ogg_links(file: object, start: int) -> list[int]:
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
