"""What the tests of sound share: files of every kind."""

import av
import numpy as np
import pytest
import soundfile


def write_sound(path, samples, rate_hz=44_100):
    """Write samples [shape=(n,) or (n, channels)] in the format that the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".m4a":
        _write_m4a(path, np.asarray(samples, np.float32), rate_hz)
    else:
        soundfile.write(path, samples, rate_hz)
    return path


def _write_m4a(path, samples, rate_hz):
    samples = samples.reshape(len(samples), -1)
    layout = {1: "mono", 2: "stereo"}[samples.shape[1]]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=rate_hz, layout=layout)
        for begin in range(0, len(samples), 1024):
            block = np.ascontiguousarray(samples[begin : begin + 1024].T)
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = rate_hz, begin
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.fixture
def make_sound():
    """Write samples to a file of any kind."""
    return write_sound
