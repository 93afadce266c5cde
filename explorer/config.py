"""Where things are, and what is done unless told otherwise."""

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
    """None for the first of PORTS that is free."""
    allowed_hosts: tuple[str, ...] = ()
    """Names under which the page may be asked for, beside localhost, addresses and the machine's own."""

    @property
    def metadata(self) -> Path:
        """The folder of songs.db, where caches go too."""
        return self.database.parent

    @property
    def models(self) -> Path:
        """Weights and compiled networks: shared by all databases of this checkout."""
        return ROOT / "metadata" / "models"

    @property
    def failure_log(self) -> Path:
        """A line for each file that could not be indexed."""
        return self.metadata / f"{self.database.stem}.failures.log"

    @property
    def transcodes(self) -> Path:
        """Copies of songs that browsers cannot play as they are."""
        return self.metadata / "transcodes"

    @property
    def fetched(self) -> Path:
        """Copies of songs that lie on a server, those that were played last."""
        return self.metadata / "fetched"

    @property
    def previews(self) -> Path:
        """Twenty seconds of each song, at -16 LUFS or quieter."""
        return self.metadata / "previews"

    @property
    def waveforms(self) -> Path:
        """The outlines of songs that were played."""
        return self.metadata / "waveforms"

    @property
    def uploads(self) -> Path:
        """Songs that were dropped on the map and are not in the library, while the page is served."""
        return self.metadata / "uploads"


PORTS = range(8050, 8060)
"""Where the page is looked for: the first, or when that is taken the next."""

TITLES = {"tsne": "t-SNE", "umap": "UMAP", "pca": "PCA"}
"""What projections are called."""

HOP_S = 0.5
"""Seconds from one window to the next: half the windows' length keeps 84 % of the neighbours of
OpenL3's own 0.1 s at a fifth of the work (benchmarks/hop.py)."""

DEMO_HOP_S = 1.0
"""A demo must be on screen within two minutes on two cores. A longer hop would not do: beyond the
window's second, a song's last window may lie wholly in the padding, and the maximum over time then
tells songs apart by their length."""
