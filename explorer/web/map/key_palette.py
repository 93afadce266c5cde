"""The colours of the 24 musical keys, around the Camelot wheel."""

from __future__ import annotations

# Found by simulated annealing in OKLCh. The 12 hues are about 30 degrees apart, so that keys that mix well
# look alike. At each step there are two colours of one hue: the darker for the minor, the lighter for the
# major key. Lightness varies around the circle, too, so that neighbouring steps also differ where hues look
# alike. Maximised was the minimum OKLab distance between neighbouring steps, between the two colours of a
# step, from the grey, and between any two colours: for normal vision and the three kinds of colour blindness
# (Machado, Oliveira & Fernandes, 2009, severity 1). Each colour has a contrast of at least 3:1 with the
# theme's background. Colour-blind users cannot tell 24 colours apart: the page also names a song's key on
# hover.
KEY_COLOURS = {
    "dark": [
        "#ae3c3c", "#b96a66", "#b85f00", "#dd7c2b", "#d19b00", "#edc473", "#d9b92f", "#ffe583",
        "#97c176", "#d1edbd", "#1bb086", "#25d2a0", "#88ccc1", "#9ffaec", "#00b7d8", "#7fe4ff",
        "#7b8fbb", "#a9beed", "#5361c2", "#6f80e4", "#9b6ccd", "#ca9bff", "#ad7094", "#ca92b2",
    ],
    "light": [
        "#42151f", "#723944", "#571700", "#7d2600", "#714f0a", "#a37100", "#756600", "#8a814f",
        "#304b25", "#48653c", "#007757", "#00966e", "#005e5d", "#3a807f", "#003a4c", "#00637f",
        "#121d61", "#344787", "#5452b3", "#7377a4", "#542c70", "#7a519a", "#710047", "#983068",
    ],
}  # fmt: skip
"""By theme: 1A, 1B, 2A, ... 12B."""
