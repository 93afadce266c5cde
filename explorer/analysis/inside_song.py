"""Finds what is inside a song of the library, or inside an audio file: sections, tempo, key, loudness."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from explorer.analysis.missing_windows import missing_inside
from explorer.analysis.similar_songs import find_song_id
from explorer.audio.decoder import Decoder
from explorer.database.database import Database
from explorer.database.named_songs import expand_home
from explorer.embedding.song_windows import WindowBasis, fit_basis, thin
from explorer.errors import AudioError, ForbiddenFileError, LibraryError
from explorer.indexing.model import ModelRequest, is_same_model
from explorer.library.music_file import WHOLE, Part
from explorer.library.remote import RemotePath
from explorer.library.text_encoding import decode_tags
from explorer.structure.known_features import KnownFeatures
from explorer.structure.sections import Section, find_sections
from explorer.structure.song_features import CURVE_STEP_S, SongFeatures
from explorer.util.clock import clock
from explorer.util.progress import Reporter
from explorer.util.text import printable, valid_text

CLEAR_FROM, FAIRLY_CLEAR_FROM = 0.5, 0.25
"""From these confidences on, a section is called clear and fairly clear."""


@dataclass(frozen=True, eq=False)
class InsideSong:
    """What is known about a song from its beginning to its end.

    Attributes
    ----------
    title, artist : str
    song_id : str or None
        None for a file that is not in the library.
    duration_s : float or None
    known : KnownFeatures
        Tempo, key, energy, loudness and brightness.
    measured : SongFeatures
        With the beats, and the curves of loudness and brightness.
    components : np.ndarray [shape=(n, d), float32] or None
        The song's windows; None if the library has none of it. Window i is the second around `i * step_s`.
    step_s : float or None
    sections : tuple of Section
        Empty without windows.
    is_trained : bool or None
        False if the model has untrained filters; None if it is unknown.
    notes : tuple of str
        What is missing and how to get it, as sentences.
    """

    title: str
    artist: str
    song_id: str | None
    duration_s: float | None
    known: KnownFeatures
    measured: SongFeatures
    components: np.ndarray | None = None
    step_s: float | None = None
    sections: tuple[Section, ...] = ()
    is_trained: bool | None = None
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict:
        """Return everything but the windows for JSON; unknown values are None, unknown lists are empty."""
        measured = self.measured
        sections = [
            {
                "start_s": round(section.start_s, 3),
                "end_s": round(section.end_s, 3),
                "label": section.label,
                "confidence": round(section.confidence, 3),
            }
            for section in self.sections
        ]
        return {
            "song_id": self.song_id,
            "title": self.title,
            "artist": self.artist,
            "duration_s": None if self.duration_s is None else round(self.duration_s, 3),
            "has_windows": self.components is not None,
            "step_s": self.step_s,
            "sections": sections,
            **self.known.as_json(),
            "loudness_curve": _rounded(measured.audible_loudness, 2),
            "brightness_curve": _rounded(measured.audible_brightness, 1),
            "curve_step_s": CURVE_STEP_S,
            "beats_s": _rounded(measured.beats_s, 3),
            "trained": self.is_trained,
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class SoundFile:
    """The file that holds a song's sound, and the part of it that is the song."""

    path: Path
    part: Part = WHOLE


def look_inside(
    text: str, *, database: Path, request: ModelRequest, reporter: Reporter
) -> tuple[InsideSong, SoundFile | None]:
    """Find what is inside a song of the library, or inside an audio file.

    A song of the library is not decoded: what an index run has stored is used. A file outside the library is
    embedded with the library's model and measured; nothing is stored.

    Parameters
    ----------
    text : str
        As `recommend` takes it.
    request : ModelRequest
        The source of the weights, used only if a file must be embedded.

    Returns
    -------
    InsideSong
    SoundFile or None
        None if the song has no file that can be read.

    Raises
    ------
    SongNotFoundError, AmbiguousSongError, LibraryError, AudioError, EmbeddingError
        As `recommend` does.
    """
    path = expand_home(text)
    with Database.open_readonly(database) as library:
        library.require_songs()
        song_id = find_song_id(library, text, path)
        if song_id is not None:
            with library.snapshot():
                return _inside_stored(library, song_id), _sound_file(library, song_id)
    return _inside_file(path, database, request, reporter), SoundFile(path)


def _inside_stored(library: Database, song_id: str) -> InsideSong:
    song, row = library.song(song_id), library.feature_row(song_id)
    measured, windows = library.features_of(song_id), library.windows_of(song_id)
    inside = InsideSong(
        title=song.title,
        artist=song.artist,
        song_id=song_id,
        duration_s=song.duration_s,
        known=KnownFeatures.of(row, tag_tempo=row.tag_tempo, tag_key=row.tag_key),
        measured=measured or SongFeatures(),
        is_trained=_is_trained(library),
    )
    note = missing_inside(
        library, song_id, has_windows=windows is not None, has_features=measured is not None
    )
    inside = replace(inside, notes=(note,) if note else ())
    return inside if windows is None else _with_sections(inside, windows.components, windows.step_s)


def _inside_file(path: Path, database: Path, request: ModelRequest, reporter: Reporter) -> InsideSong:
    # Imported here, so that the embedding engine is loaded only for a file that is not in the library.
    from explorer.indexing.embed_files import open_embedder

    with Decoder() as decoder:
        tags = decode_tags(decoder.tags(path))
        embedder = open_embedder(database=database, request=request, reporter=reporter, decoder=decoder)
        embedded = embedder.embed(path)
        measured = decoder.features(path)[0]
    with Database.open_readonly(database) as library, library.snapshot():
        if not is_same_model(library.model(), embedder.model.record()):
            raise LibraryError(
                f"{database} was indexed with another model while {path} was embedded: run this again."
            )
        basis, is_trained = library.window_basis(), _is_trained(library)
    numbers = np.arange(len(embedded.embedding))
    windows = thin(numbers, embedded.embedding, hop_s=embedder.model.hop_s)
    inside = InsideSong(
        title=tags.title or valid_text(Path(path.name)),
        artist=", ".join(tags.artists),
        song_id=None,
        duration_s=embedded.duration_s,
        known=KnownFeatures.of(measured, tag_tempo=tags.bpm, tag_key=tags.key),
        measured=measured,
        is_trained=is_trained,
    )
    return _with_sections(inside, _components(windows.frames, basis), windows.step_s)


def _components(frames: np.ndarray, basis: WindowBasis | None) -> np.ndarray:
    """Return the components of a file's windows; without a basis of the library, in one of its own."""
    return (basis or fit_basis(frames)).project(frames)


def _with_sections(inside: InsideSong, components: np.ndarray, step_s: float) -> InsideSong:
    duration_s = inside.duration_s or len(components) * step_s
    sections = find_sections(components, step_s=step_s, duration_s=duration_s)
    return replace(
        inside, duration_s=duration_s, components=components, step_s=step_s, sections=tuple(sections)
    )


def _sound_file(library: Database, song_id: str) -> SoundFile | None:
    file = library.file_of(song_id)
    if file is None:
        return None
    try:
        file = file.located()
    except ForbiddenFileError:
        return None
    if isinstance(file.path, RemotePath) or not file.path.is_file():
        return None
    return SoundFile(file.path, file.part)


def read_waveform(sound: SoundFile | None) -> np.ndarray | None:
    """Return a song's waveform for a figure [shape=(800,), uint8]; None if its file cannot be read."""
    if sound is None:
        return None
    try:
        with Decoder() as decoder:
            return decoder.waveform(sound.path, sound.part).peaks
    except AudioError:
        return None


def describe(inside: InsideSong) -> str:
    """Return what is inside a song as lines for a terminal."""
    length = "" if inside.duration_s is None else f" ({clock(inside.duration_s)})"
    lines = [f"Inside {inside.title} ({inside.artist or 'unknown artist'}){length}:"]
    lines += [f"  {name:<12}{value}" for name, value in inside.known.texts().items()]
    if inside.sections:
        lines.append("  Sections (sections with the same letter sound alike):")
    for section in inside.sections:
        times = f"{clock(section.start_s):>7} to {clock(section.end_s):<7}"
        lines.append(f"    {section.label:<2}{times} {confidence_word(section)}")
    return "\n".join(printable(line).rstrip() for line in lines)


def confidence_word(section: Section) -> str:
    """Return in words how clearly a section differs from those beside it."""
    if section.confidence >= CLEAR_FROM:
        return "clear"
    return "fairly clear" if section.confidence >= FAIRLY_CLEAR_FROM else "not sure"


def _is_trained(library: Database) -> bool | None:
    model = library.model()
    return model.get("trained") if model else None


def _rounded(values: np.ndarray, digits: int) -> list[float | None]:
    return [round(value, digits) if np.isfinite(value) else None for value in values.tolist()]
