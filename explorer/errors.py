"""What can go wrong, said in one sentence each: what, where, and what to do.

Everything that a user can cause raises an ExplorerError; the command line prints it as one line and
exits with status 1. Anything else is a defect of ours and keeps its traceback.
"""


class ExplorerError(Exception):
    """The family: its text is a sentence for the user."""


class AudioError(ExplorerError):
    """A file cannot be decoded, or holds no sound."""


class EmbeddingError(ExplorerError):
    """Samples cannot be embedded, or an engine cannot run."""


class WeightsError(EmbeddingError):
    """The network's weights are missing, damaged or not OpenL3's."""


class LibraryError(ExplorerError):
    """songs.db, or the folder of music, cannot be used as asked."""


class NoLibraryError(LibraryError):
    """There is no songs.db yet."""


class LibraryBusyError(LibraryError):
    """Another program holds songs.db; trying again later may work."""


class SongNotFoundError(LibraryError):
    """No song of the library answers to that id, path or title."""


class MappingError(ExplorerError):
    """Vectors cannot be projected or clustered as asked."""


class AnalysisError(ExplorerError):
    """Songs cannot be compared, reported or handed out as asked."""


class ClusterError(ExplorerError):
    """A Dask cluster cannot be reached, or cannot do the work."""
