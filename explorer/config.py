"""Paths and default settings."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """Paths and defaults that the commands and the page share."""

    database: Path = ROOT / "metadata" / "songs.db"
    audio: Path = ROOT / "audio"
    assets: Path = ROOT / "assets"
    host: str = "127.0.0.1"
    port: int | None = None
    """None means the first free port of PORTS."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names that requests may use, besides localhost, IP addresses and the names of this machine."""
    changes_from_network: bool = False
    """Whether everybody who can reach the server may change the library, also from other machines."""

    songs_folder: Path | None = None
    """The folder that the songs of a library with one root are in now; None if they are in that root."""
    database_as_given: Path | None = None
    """What the user gave `--db`, which messages repeat; None for `database`."""

    @property
    def allow_changes(self) -> bool:
        """Whether visitors may drop songs on the map, add them to the library and draw the map again.

        Everybody who can reach the server has the same rights. So a server that only this machine can reach
        allows it; any other only if `changes_from_network` is set.
        """
        return self.changes_from_network or is_loopback(self.host)

    @property
    def metadata(self) -> Path:
        """The folder of songs.db and of its caches."""
        return self.database.parent

    @property
    def models(self) -> Path:
        """The folder of weights and compiled networks, shared by all databases of this checkout."""
        return ROOT / "metadata" / "models"

    @property
    def failure_log(self) -> Path:
        """The log of files that could not be indexed, one a line."""
        return self.metadata / f"{self.database.stem}.failures.log"

    @property
    def transcodes(self) -> Path:
        """Cache: FLAC copies of songs whose own format browsers cannot play."""
        return self.metadata / "transcodes"

    @property
    def fetched(self) -> Path:
        """Cache: local copies of the remote songs that were played most recently."""
        return self.metadata / "fetched"

    @property
    def previews(self) -> Path:
        """Cache: a preview of 20 s for each song, at -16 LUFS or quieter."""
        return self.metadata / "previews"

    @property
    def waveforms(self) -> Path:
        """Cache: waveform outlines of songs that were played."""
        return self.metadata / "waveforms"

    @property
    def spectrograms(self) -> Path:
        """Cache: spectrograms that the page has shown."""
        return self.metadata / "spectrograms"

    @property
    def moments(self) -> Path:
        """Cache: the moments of all songs in one file, which searches read."""
        return self.metadata / "moments"

    @property
    def caches(self) -> tuple[Path, ...]:
        """The folders of all caches: what is in them can be made or fetched again."""
        return (
            *(self.previews, self.transcodes, self.waveforms),
            *(self.spectrograms, self.fetched, self.moments),
        )

    @property
    def uploads(self) -> Path:
        """Uploaded songs that are not in the library; kept only while the page is served."""
        return self.metadata / "uploads"


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a server that listens on a host name or address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


PORTS = range(8050, 8060)
"""The ports that the page tries, in this order."""

PROJECTION_NAMES = {"tsne": "t-SNE", "umap": "UMAP", "pca": "PCA"}
"""The displayed name of each projection."""

HOP_S = 0.5
"""Default hop: the time from one window to the next, in seconds. A hop of half the window length (1 s) keeps
84 % of the neighbours that OpenL3's own hop of 0.1 s gives, for a fifth of the work (benchmarks/hop.py)."""

FIRST_LOOK_WINDOWS = 12
"""Of how many windows a coarse vector is made. It keeps most of a song's nearest neighbours, and takes a
small part of a full vector's time (docs/figures.md)."""

DEMO_HOP_S = 1.0
"""The demo's hop: its map must be visible within two minutes on two cores. A hop longer than the window
length (1 s) does not work: a song's last window can then contain only padding, so the maximum over time
would depend on the song's length."""
