"""Writes times in a song."""

from __future__ import annotations


def clock(seconds: float) -> str:
    """Return a time in a song as "3:07" or "1:02:03", rounded to whole seconds."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
