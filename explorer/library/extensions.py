"""Lists the extensions of the files that can be songs: of every format that PyAV's FFmpeg can read."""

from __future__ import annotations

_AUDIO = {
    "MPEG audio, AAC, and AAC in a stream": ".mp3 .mp2 .mp1 .mpa .mpga .m2a .aac .adts .latm .loas",
    "MPEG-4 with sound": ".m4a .m4b .m4r .f4a .f4b .isma .alac",
    "Ogg": ".ogg .oga .ogx .opus .spx",
    "Matroska with sound": ".mka .weba",
    "PCM, and codecs in the containers of PCM": (
        ".wav .wave .bwf .rf64 .bw64 .w64 .aif .aiff .aifc .aiffc .caf .caff .au .snd .voc "
        ".8svx .svx .ircam .sf .sph .nist .pvf .sds .paf .fap .avr .hcom .sox .wsd"
    ),
    "lossless": ".flac .ape .mac .wv .tta .tak .shn .osq .rka .bonk .mlp .thd .truehd .dsf .dff",
    "Dolby and DTS": ".ac3 .eac3 .ec3 .dts .dtshd",
    "Musepack, Windows Media, RealAudio, TwinVQ": ".mpc .mp+ .wma .xwma .ra .vqf .vql .vqe",
    "MiniDisc": ".aea .oma .omg .aa3 .at3 .at9",
    "speech and telephones": ".amr .awb .3ga .qcp .gsm .aa .dss .mmf",
    "music of games": (
        ".adx .hca .brstm .bfstm .bcstm .ast .aix .apc .genh .vag .xvag .svag .fsb .mtaf .ss2 .xma "
        ".qoa .mca .msf .musx"
    ),
}
"""Formats by kind. They have a header or frames that FFmpeg recognises. Raw samples without a header are
left out (`.pcm`, `.sln`, `.al`, `.g722`): nothing in such a file says how to read it. So are formats without
a decoder or with a lock (`.ac4`, `.ofr`, `.aax`, `.m4p`), and lists of other files (`.m3u8`, `.ffconcat`,
`.mpd`, `.sdp`, `.ram`, `.asx`)."""

_MAY_HOLD_VIDEO = ".mp4 .mov .qt .webm .mkv .3gp .3gpp .3g2 .3gp2 .asf .rm .nut .ogg .ogx"

AUDIO_EXTENSIONS = frozenset(" ".join([*_AUDIO.values(), _MAY_HOLD_VIDEO]).split())
"""Files with these extensions are songs, unless they hold moving pictures."""

MAY_HOLD_VIDEO = frozenset(_MAY_HOLD_VIDEO.split())
"""Those of `AUDIO_EXTENSIONS` that are common for sound and for video: only a look into the file decides."""

VIDEO_EXTENSIONS = frozenset(
    ".avi .divx .mpg .mpeg .mpe .m2p .vob .evo .ts .m2t .m2ts .mts .trp .wmv .wtv .flv .f4v .m4v .ismv .ogv "
    ".ogm .mk3d .rmvb .mxf .nsv .amv .swf".split()
)
"""Files with these extensions are songs only if the user asks for the sound of videos."""


def extension_of(name: str) -> str:
    """Return a file name's extension in lower case, such as `.mp3`, or an empty text.

    Unlike `os.path.splitext`, it finds the extension of `....mp3`, a song with the title "...".
    """
    stem, dot, extension = name.rpartition(".")
    return f".{extension.lower()}" if stem and dot else ""


def is_song(name: str, *, video: bool = False) -> bool:
    """Tell by a file's name whether it is a song; with `video`, videos are songs too."""
    extension = extension_of(name)
    return extension in AUDIO_EXTENSIONS or (video and extension in VIDEO_EXTENSIONS)


def is_cue_sheet(name: str) -> bool:
    """Tell by a file's name whether it is a cue sheet."""
    return extension_of(name) == ".cue"
