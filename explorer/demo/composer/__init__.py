"""Composes the demo's songs: small pieces in a dozen styles, from oscillators up, by rule and chance."""

from explorer.demo.composer.library import STYLES, Piece, compose, compose_library, write_piece

__all__ = ["STYLES", "Piece", "compose", "compose_library", "write_piece"]
