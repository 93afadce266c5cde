"""One module per style; each has a function `compose(rng)` that returns a `score.Draft`."""

from collections.abc import Callable

import numpy as np

from explorer.demo.composer.score import Draft
from explorer.demo.composer.styles import (
    ambient,
    baroque,
    blues,
    chiptune,
    choir,
    drum_and_bass,
    dub,
    folk,
    gamelan,
    nocturne,
    techno,
    waltz,
)

COMPOSERS: dict[str, Callable[[np.random.Generator], Draft]] = {
    "Ambient": ambient.compose,
    "Baroque": baroque.compose,
    "Blues": blues.compose,
    "Chiptune": chiptune.compose,
    "Choir": choir.compose,
    "Drum and Bass": drum_and_bass.compose,
    "Dub": dub.compose,
    "Folk": folk.compose,
    "Gamelan": gamelan.compose,
    "Nocturne": nocturne.compose,
    "Techno": techno.compose,
    "Waltz": waltz.compose,
}
