"""Holds one index run: what the caller asked for, and what the run's stages have found so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from explorer.database.database import Database
from explorer.embedding.model_weights import Weights
from explorer.indexing.failures import FailureLog
from explorer.indexing.keep_windows import WindowKeeper
from explorer.indexing.make_previews import PreviewMaker
from explorer.indexing.model import Model, ModelRequest
from explorer.indexing.running import ProgressFile
from explorer.indexing.summary import Summary
from explorer.library.genres import GenreSource
from explorer.library.music_file import ScannedFile
from explorer.library.remote import RemotePath, as_root
from explorer.library.scan_rules import ScanOptions
from explorer.library.scanning import Scan
from explorer.util.progress import Reporter


@dataclass(eq=False)
class IndexRun:
    """One index run. The stages in `indexer` read the request and fill in the state.

    Parameters
    ----------
    database : Database
    folder : Path, RemotePath or str
        The folder of music, or a URL that fsspec can list and read.
    request : ModelRequest
        The model that the user asked for. Its fields that are None are taken from the library's own model.
    reporter : Reporter
        Receives messages and progress.
    limit : int, optional
        The largest number of files to read.
    retry : bool
        Also read unchanged files that failed in an earlier run.
    replace : bool
        Empty the library first, but only after the folder was listed and the weights were found.
    previews : Path, optional
        The folder of previews: every song gets one, new or known. None makes no previews; the songs' preview
        starts are stored in both cases.
    genre_from : str, optional
        Where genres come from: `auto`, `tags`, `folder` or the path of a table. The choice is remembered and
        also applied to known songs. None keeps the folder's earlier choice, or `auto`.
    log : FailureLog, optional
        A file that also receives each failure.
    settled_s : float
        Skip files that were modified in the last `settled_s` seconds: they may still be being written.
    cue : bool, optional
        Whether cue sheets divide files into songs. The choice is remembered for the root. None keeps the
        root's earlier choice; at first, cue sheets are used.
    scheduler : str, optional
        The address of a Dask scheduler whose workers embed the files. None uses this machine.
    video : bool, optional
        Whether videos are songs too. The choice is remembered. None keeps the root's earlier choice.
    first_look : int
        Of how many windows the coarse vectors of a first look are made: see `first_look`. 0 makes none.
    grows_map : bool
        Make a map of the coarse vectors while they come in.
    windows : bool, optional
        Whether the songs' windows are kept: see `song_windows`. None keeps those of the songs that the run
        embeds. True also gives windows to known songs without them, by embedding these again. False keeps
        none.
    exclude : sequence of str, optional
        Patterns, as in a .gitignore file in the root, of files and folders that are left out. They are
        remembered. None keeps the root's earlier patterns.

    Attributes
    ----------
    summary : Summary
        The counts so far.
    progress : ProgressFile
        Tells other programs how much of the run is done.
    root, root_id : Path or RemotePath, int
        The library's root that contains the folder. The paths of all files are relative to it.
    scan_options : ScanOptions
        What decides which files are songs: `video` and `exclude`, given now or earlier.
    scan : Scan
        The files in the folder.
    model, weights : Model, Weights
        The model that makes the vectors. Its precision can be "auto" until `choose_engine` has run.
    genres : GenreSource
        Gives each song's genres.
    files : list of ScannedFile
        The files to read: new, changed, retried, or with coarse vectors only.
    coarse_files : set of bytes
        The paths of those files that have coarse vectors already.
    outdated : list of ScannedFile
        The songs that an older version of this program read, and whose files have not changed.
    window_keeper : WindowKeeper or None
        Stores the songs' windows; None if the run keeps none.
    preview_maker : PreviewMaker or None
        Makes the previews in the background.
    decodes_all : bool or None
        Whether the tags of all folders are examined for national encodings, not only those of `files`. None
        if the run stores no tags.
    """

    database: Database
    folder: Path | RemotePath | str
    _: KW_ONLY
    request: ModelRequest
    reporter: Reporter
    limit: int | None = None
    retry: bool = False
    replace: bool = False
    previews: Path | None = None
    genre_from: str | None = None
    log: FailureLog | None = None
    settled_s: float = 0.0
    cue: bool | None = None
    scheduler: str | None = None
    video: bool | None = None
    exclude: Sequence[str] | None = None
    first_look: int = 0
    grows_map: bool = False
    windows: bool | None = None

    summary: Summary = field(init=False, default_factory=Summary)
    progress: ProgressFile = field(init=False)
    root: Path | RemotePath = field(init=False)
    root_id: int = field(init=False)
    scan_options: ScanOptions = field(init=False)
    scan: Scan = field(init=False)
    model: Model = field(init=False)
    weights: Weights = field(init=False, repr=False)
    genres: GenreSource = field(init=False)
    files: list[ScannedFile] = field(init=False, repr=False)
    coarse_files: set[bytes] = field(init=False, repr=False)
    outdated: list[ScannedFile] = field(init=False, repr=False)
    window_keeper: WindowKeeper | None = field(init=False, default=None)
    preview_maker: PreviewMaker | None = field(init=False, default=None)
    decodes_all: bool | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.folder = as_root(self.folder).expanduser().resolve()
