"""Decode audio files, and make previews, waveforms, spectrograms and playable copies of them."""
