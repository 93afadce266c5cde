"""The first look at a library: embeds a few windows of each song, so that all songs are soon on the map.

Its results are coarse vectors. The full pass, which embeds every window, follows in the same run. Coarse and
full vectors are never compared with each other: until all songs have full vectors, the coarse ones are shown.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from explorer.audio.channels import cancelled_note
from explorer.audio.decoder import Decoder, DecoderError
from explorer.audio.decoder_messages import SampledWindows
from explorer.database.state import COARSE
from explorer.database.vectors import VectorCounts
from explorer.database.verify import SourceFile
from explorer.embedding.engines import Engine
from explorer.errors import AudioError, ForbiddenFileError
from explorer.indexing.batches import Decoded, EndOfTracks, number_of_track
from explorer.indexing.decode_ahead import DecodeAhead, decoding_threads, song_of
from explorer.indexing.growing_map import GrowingMap
from explorer.indexing.index_run import IndexRun
from explorer.indexing.local import embed_decoded
from explorer.indexing.order import spread
from explorer.indexing.outcomes import Known, KnownSong
from explorer.indexing.store import Storer
from explorer.library.music_file import WHOLE, Fingerprints, Part, ScannedFile
from explorer.library.remote import RemotePath
from explorer.library.tracks import CUE_SHEET, MIN_TRACK_S
from explorer.util.progress import plural

MIN_FILES = 10
"""A library that begins with fewer files is embedded at once, in about a minute."""


def wants_first_look(counts: VectorCounts, *, n_files: int, windows: int, is_local: bool) -> bool:
    """Return whether a run begins with a first look.

    Parameters
    ----------
    counts : VectorCounts
        Of the library, when the run has removed what it replaces.
    n_files : int
        How many files would be looked at: new or changed ones, without coarse vectors.
    windows : int
        Windows for a coarse vector; 0 if the user wants no first look.
    is_local : bool
        Whether this machine reads the files, from its own disks. Files of a server would be loaded twice.
    """
    if not (windows and is_local):
        return False
    return counts.shows_coarse or n_files > max(counts.full, MIN_FILES - 1)


@dataclass
class FirstLook:
    """What a first look reads, and how far it is.

    Attributes
    ----------
    files : list of ScannedFile
        The run's files without coarse vectors, in the order in which they are read.
    known : list of KnownSong
        Songs of the whole library that have full vectors and no coarse ones. They are read first: as soon as
        all songs on the map have coarse vectors, these are shown.
    windows : int
        How many windows of each song are embedded.
    full_windows, looked_windows : int
        Windows of the songs so far, and those that were embedded.
    """

    files: list[ScannedFile]
    known: list[KnownSong]
    windows: int = 0
    full_windows: int = 0
    looked_windows: int = 0

    @property
    def cost_ratio(self) -> float:
        """How many times as long as the first look the full pass takes, as far as the songs tell."""
        return self.full_windows / self.looked_windows if self.looked_windows else 0.0


def plan_first_look(run: IndexRun) -> FirstLook | None:
    """Return what to look at; None if the run has no first look."""
    database = run.database
    counts = database.vector_counts()
    files = [file for file in run.files if file.path not in run.coarse_files]
    is_local = not (run.scheduler or isinstance(run.root, RemotePath))
    if not wants_first_look(counts, n_files=len(files), windows=run.first_look, is_local=is_local):
        if counts.coarse and not counts.shows_coarse:
            # An earlier first look was stopped before its vectors were shown.
            database.show_coarse(False)
        return None
    known = _known_songs(run) if counts.full else []
    return FirstLook(spread(files), known) if files or known else None


def _known_songs(run: IndexRun) -> list[KnownSong]:
    """Return the songs with full vectors and without coarse ones, if their files can be read unchanged."""
    to_read = {(str(run.root), file.path) for file in run.files}
    found = []
    for song_id, source in run.database.files_without_coarse().items():
        if (source.root, source.inside) not in to_read and (located := _located(source)) is not None:
            found.append(KnownSong(song_id, located))
    return found


def _located(source: SourceFile) -> SourceFile | None:
    try:
        located = source.located()
        if isinstance(located.path, RemotePath):
            return None
        state = located.path.stat()
    except (ForbiddenFileError, OSError):
        return None
    is_unchanged = (state.st_size, state.st_mtime_ns) == (source.size_bytes, source.modified_ns)
    return located if is_unchanged else None


@dataclass
class PassTools:
    """What both passes use.

    Attributes
    ----------
    growing : GrowingMap or None
        The map of the coarse vectors, if the run makes one.
    stop : threading.Event
        After it is set, the files that were begun are finished, and no other file is begun.
    """

    engine: Engine
    storer: Storer
    growing: GrowingMap | None
    stop: threading.Event


def look(run: IndexRun, first: FirstLook, tools: PassTools) -> None:
    """Embed some windows of each song, and store the coarse vectors; they are then shown.

    A file that fails is recorded as a failure, and the full pass leaves it out.
    """
    first.windows = run.database.choose_coarse_windows(run.first_look)
    if first.windows != run.first_look:
        run.reporter.say(
            f"The first look goes on with {plural(first.windows, 'window')} of each song, as it began."
        )
    total = len(first.known) + len(first.files)
    run.progress.start_look(
        total, lambda: {"looked": run.summary.looked, "cost_ratio": round(first.cost_ratio, 3)}
    )
    with run.reporter.counting("First look", total=total) as counter:
        for items in (first.known, first.files):
            if tools.stop.is_set():
                break
            are_known = items is first.known
            if not are_known:
                run.database.show_coarse(True)
            ahead = _look_ahead(run, first, items, tools.engine)
            embedded = embed_decoded(ahead, model=run.model, engine=tools.engine, stop=tools.stop)
            with closing(embedded) as outcomes:
                for completed in outcomes:
                    tools.storer.store_looked(completed)
                    counter.reach(counter.done + len(completed))
                    if tools.growing and not are_known:
                        tools.growing.update()


def _look_ahead(
    run: IndexRun, first: FirstLook, items: Sequence[ScannedFile | KnownSong], engine: Engine
) -> LookAhead:
    return LookAhead(
        run.root,
        items,
        first=first,
        prepare=engine.prepare,
        hop_s=run.model.hop_s,
        batch_size=engine.batch_size,
        known=run.database.known_sounds(which=COARSE),
        threads=decoding_threads(first_look=True),
        rescue_cancelled=engine.name != "openl3",
        video=run.scan_options.video,
    )


class LookAhead(DecodeAhead):
    """Turns files into batches of a few windows of each song.

    Parameters
    ----------
    files : sequence of ScannedFile or KnownSong
        Of a known song, only the windows are read. If that fails, the song has no outcome.
    first : FirstLook
        How many windows of each song to take; receives the counts.
    """

    def __init__(
        self,
        root: Path | RemotePath,
        files: Sequence[ScannedFile | KnownSong],
        *,
        first: FirstLook,
        **options: object,
    ) -> None:
        super().__init__(root, files, **options)
        self._first = first

    def _read(self, number: int, file: ScannedFile | KnownSong, decoder: Decoder) -> None:
        if not isinstance(file, KnownSong):
            super()._read(number, file, decoder)
            return
        try:
            self._add_sample(number, file.source.path, decoder, file.source.part)
            self._pack(self._packer.end(Decoded(number, file)))
        except DecoderError:
            raise
        except Exception:
            # The song keeps its full vector. Until that is shown, the song is not on the map.
            self._pack(self._packer.discard(number))

    def _decode_song(
        self, number: int, file: ScannedFile, fingerprints: Fingerprints, decoder: Decoder
    ) -> None:
        sample = self._add_sample(number, self._root / file.native, decoder)
        if self._stopped.is_set():
            return
        song = song_of(file, fingerprints, sample, [sample.note, fingerprints.cue_problem])
        self._pack(self._packer.end(Decoded(number, song)))
        self._decoded_fingerprints |= fingerprints.all

    def _decode_tracks(
        self, number: int, file: ScannedFile, fingerprints: Fingerprints, decoder: Decoder
    ) -> str:
        known = []
        for track in fingerprints.tracks:
            prints, part = fingerprints.of_track(track), track.part
            if self._is_known(prints):
                known.append(Known(file, prints, part))
                continue
            try:
                sample = self._add_sample(
                    number_of_track(number, part), self._root / file.native, decoder, part
                )
            except AudioError as error:
                return f"{CUE_SHEET} was not used: {error}"
            if self._stopped.is_set():
                return ""
            if sample.duration_s < MIN_TRACK_S:
                self._pack(self._packer.discard(number_of_track(number, part)))
                continue
            song = song_of(file, prints, sample, [sample.note], part=part)
            self._pack(self._packer.end(Decoded(number_of_track(number, part), song, of_file=number)))
        self._pack(self._packer.end(EndOfTracks(number, file, tuple(known))))
        for track in fingerprints.tracks:
            self._decoded_fingerprints |= fingerprints.of_track(track).all
        return ""

    def _add_sample(
        self, number: int, path: Path | RemotePath, decoder: Decoder, part: Part = WHOLE
    ) -> SampledWindows:
        """Pack some windows of a song, and return them."""
        options = {"count": self._first.windows, "hop_s": self._hop_s, "part": part}
        sample = decoder.sampled_windows(path, **options)
        if (channel := sample.louder_channel) is not None and self._rescue_cancelled:
            sample = decoder.sampled_windows(path, **options, channel=channel)
            sample = sample._replace(note=f"{sample.note} {cancelled_note(channel)}".strip())
        self._pack(self._packer.add(number, self._prepare(sample.windows)))
        with self._lock:
            self._first.full_windows += sample.n_windows
            self._first.looked_windows += len(sample.windows)
        return sample
