"""What the window really shows: colours of pixels of a screenshot."""

import io

import av
import numpy as np

DIRECTIONS = np.arange(16) * np.pi / 8


def picture(page):
    """Return a screenshot of the window [shape=(height, width, 3), int]."""
    with av.open(io.BytesIO(page.screenshot()), format="png_pipe") as file:
        return next(file.decode(video=0)).to_ndarray(format="rgb24").astype(int)


def colour_at(image, place):
    """Return the mean colour of the 3 x 3 pixels around a place."""
    x, y = np.round(place).astype(int)
    return image[y - 1 : y + 2, x - 1 : x + 2].mean(axis=(0, 1))


def circle_at(image, place, radius):
    """Return the colours on a circle around a place [shape=(16, 3), int]."""
    x, y = place
    columns, rows = x + radius * np.cos(DIRECTIONS), y + radius * np.sin(DIRECTIONS)
    return image[np.floor(rows).astype(int), np.floor(columns).astype(int)]


def rgb(colour):
    """Return the numbers of a colour like "#0c0e13"."""
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])


def distance(colour, other):
    """Return how different two colours are: the largest difference of red, green or blue, from 0 to 255."""
    return np.abs(np.asarray(colour) - other).max(axis=-1)


def saturation(colour):
    """Return how colourful a colour is: 0 for grey."""
    return np.max(colour) - np.min(colour)


def ground(page):
    """Return the colour of the map's background."""
    return rgb(page.evaluate("explorer.state.map.meta.ground"))


def group_colour(page, index):
    """Return the colour of a song's group."""
    colour = "i => explorer.state.map.meta.colours[explorer.state.map.groups[i]]"
    return rgb(page.evaluate(colour, index))
