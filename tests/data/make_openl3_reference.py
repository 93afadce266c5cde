"""Make openl3_reference.npz: the results of the published openl3 package for our seeded inputs.

    OPENL3_VENV/bin/python tests/data/make_openl3_reference.py [OUT.npz]

OPENL3_VENV is a virtual environment with openl3 0.4.2, kapre 0.4.1, librosa and h5py, on Python 3.11 or
older. The weights are the seeded ones of openl3_inputs.py. `write_h5` writes them in the layout of the
official file, and the package's own loader reads that file. OUT.npz holds

    embedding/NAME   (T, 512) float32, for each sound of openl3_inputs.py
    timestamps/NAME  (T,) float64, seconds
    log_mel/NAME     (2, 64, 34) float32, dB, by kapre: the first two windows, every 4th band, every 6th frame
    mel_filters      (256, 1025) float32, by librosa
    window_counts    (samples, hops) int, for every pair of WINDOW_COUNT_SAMPLES and WINDOW_COUNT_HOPS_S
    versions         text
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import kapre
import keras
import librosa
import numpy as np
import openl3
import openl3_inputs
import tensorflow
from openl3.core import preprocess_audio
from openl3.models import load_audio_embedding_model_from_path

from explorer.embedding.h5_weights import write_h5

LOG_MEL_SOUNDS = ("hop_0.5", "silence")


def load_model():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seeded.h5"
        write_h5(path, openl3_inputs.seeded_arrays())
        return load_audio_embedding_model_from_path(str(path), "mel256", 512)


def count_windows(samples, hop_s):
    return len(preprocess_audio(np.zeros(samples), 48_000, hop_size=hop_s))


def main(out):
    model = load_model()
    front_end = keras.Model(model.inputs, model.layers[1].output)
    arrays = {
        "mel_filters": librosa.filters.mel(sr=48_000, n_fft=2_048, n_mels=256),
        "window_counts": [
            [count_windows(samples, hop_s) for hop_s in openl3_inputs.WINDOW_COUNT_HOPS_S]
            for samples in openl3_inputs.WINDOW_COUNT_SAMPLES
        ],
        "versions": f"openl3 {openl3.__version__}, kapre {kapre.__version__}, librosa {librosa.__version__},"
        f" tensorflow {tensorflow.__version__}",
    }
    for name, sound in openl3_inputs.sounds().items():
        embedding, timestamps = openl3.get_audio_embedding(
            sound.samples, sound.sample_rate_hz, model=model, hop_size=sound.hop_s, verbose=0
        )
        arrays[f"embedding/{name}"] = embedding
        arrays[f"timestamps/{name}"] = timestamps
        if name in LOG_MEL_SOUNDS:
            windows = preprocess_audio(sound.samples, sound.sample_rate_hz, hop_size=sound.hop_s)[:2]
            arrays[f"log_mel/{name}"] = front_end.predict(windows, verbose=0)[:, ::4, ::6, 0]
    np.savez_compressed(out, **arrays)
    for name, array in arrays.items():
        print(name, np.shape(array))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_name("openl3_reference.npz"))
