"""The user's options for the map, and which projections get a new layout because of them."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.mapping.projection import METHODS, PERPLEXITY, UMAP_NEIGHBOURS

MAX_SONGS_TSNE = 200_000
"""For more songs, t-SNE is made only if the user asks for it: it takes hours and much memory."""

_OPTIONS = {"tsne": ("perplexity", PERPLEXITY), "umap": ("neighbours", UMAP_NEIGHBOURS)}
"""The option of each projection, and its default."""


@dataclass(frozen=True)
class MapRequest:
    """The user's options for the map; None if not given.

    Attributes
    ----------
    projections : tuple of str, optional
        The projections to compute: by default `default_methods`. In the map's other projections, new songs
        are placed and no song moves.
    perplexity : float, optional
        The perplexity of t-SNE. If the map's is different, t-SNE gets a new layout.
    neighbours : int, optional
        The number of neighbours of UMAP. If the map's is different, UMAP gets a new layout.
    clusters : int, optional
        The number of clusters, remembered for later maps; with 0, the program chooses it.
    relayout : bool
        Compute a new layout of each requested projection: every song may move.
    """

    projections: tuple[str, ...] | None = None
    perplexity: float | None = None
    neighbours: int | None = None
    clusters: int | None = None
    relayout: bool = False

    def methods(self, n_songs: int) -> tuple[str, ...]:
        """Return the requested projections for a library of some size."""
        return self.projections or (default_methods(n_songs) if self.perplexity is None else METHODS)

    def asked(self, method: str, stored: dict[str, dict]) -> float | None:
        """Return the option of a projection that the user chose, now or earlier; None if there is none.

        Parameters
        ----------
        stored : dict of str to dict
            Projection name to its parameters, for each projection on the map.
        """
        option, _ = _OPTIONS.get(method, (None, None))
        now = getattr(self, option) if option else None
        return stored.get(method, {}).get("asked") if now is None else now

    def needs_layout(self, method: str, stored: dict[str, dict], n_songs: int) -> bool:
        """Decide whether a projection gets a new layout. If not, only new songs are placed in it."""
        before = stored.get(method)
        if before is None:
            return True
        if method not in self.methods(n_songs):
            return False
        _, default = _OPTIONS.get(method, (None, None))
        return self.relayout or (self.asked(method, stored) or default) != (before.get("asked") or default)


def default_methods(n_songs: int) -> tuple[str, ...]:
    """Return the projections that a library of some size gets, if the user names none."""
    return tuple(method for method in METHODS if method != "tsne" or n_songs <= MAX_SONGS_TSNE)


def options_of(method: str, asked: float | None) -> dict[str, float]:
    """Return the option of a projection as `project` takes it; none if the user chose none."""
    return {} if asked is None else {_OPTIONS[method][0]: asked}
