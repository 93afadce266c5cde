"""Composes the demo's songs: short pieces in twelve styles, made by rules and random choices."""

from explorer.demo.composer.library import STYLES, Piece, compose, compose_library, write_piece

__all__ = ["STYLES", "Piece", "compose", "compose_library", "write_piece"]
