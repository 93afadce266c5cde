"""Sound: files to samples, samples to files."""
