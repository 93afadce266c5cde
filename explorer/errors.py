"""The errors that a user can cause.

The message of each is one sentence for the user: what happened, where, and what to do. The command line
prints it, then the error's notes, one a line, and exits with status 1. Any other exception is a bug in this
program and keeps its traceback.
"""


class ExplorerError(Exception):
    """The base class."""


class AudioError(ExplorerError):
    """A file cannot be decoded, or contains no sound."""


class EmbeddingError(ExplorerError):
    """Samples cannot be embedded, or an engine cannot run."""


class WeightsError(EmbeddingError):
    """The network's weights are missing, damaged or not OpenL3's."""


class DownloadError(WeightsError):
    """The network's weights cannot be downloaded."""


class LibraryError(ExplorerError):
    """songs.db or the music folder cannot be used for the request."""


class NoLibraryError(LibraryError):
    """songs.db does not exist yet."""


class UnusableLibraryError(LibraryError):
    """songs.db is damaged, is not a library, or cannot be opened: nothing can be read from it reliably."""


class LibraryBusyError(LibraryError):
    """Another program has locked songs.db; trying again later may work."""


class ForbiddenFileError(LibraryError):
    """songs.db names a file that must not be read: it lies outside the folders that the user gave."""


class SongNotFoundError(LibraryError):
    """The library has no song with the given id, path or title."""


class AmbiguousSongError(SongNotFoundError):
    """Several songs of the library match a text; each note is one of them."""


class MappingError(ExplorerError):
    """Vectors cannot be projected or clustered with the given parameters."""


class AnalysisError(ExplorerError):
    """Songs cannot be compared, reported or exported as requested."""


class ClusterError(ExplorerError):
    """A Dask cluster cannot be reached, or cannot do the work."""
