import mutagen
import numpy as np
import pytest
import soundfile
from scipy import signal as dsp

from explorer.audio.decoding import open_audio
from explorer.config import Settings
from explorer.demo.synthetic_sounds import FORMATS, PEAK, SIGNALS, render_signal, write_signals
from explorer.errors import AudioError
from explorer.indexing.embed_files import open_embedder
from explorer.indexing.model import ModelRequest
from explorer.library.tags import read_tags
from explorer.mapping.similarity import Neighbours
from explorer.util.progress import Reporter

RATE_HZ = 22_050
CHORDS = ("c_major_chord", "g_major_chord", "f_major_chord")
NOISES = ("white_noise", "pink_noise")
STEADY = (*CHORDS, "bass_sound", "bell_sound", "complex_harmonic", *NOISES)
FREQUENCIES_HZ = {
    "c_major_chord": (261.63, 329.63, 392.00),
    "g_major_chord": (392.00, 493.88, 587.33),
    "f_major_chord": (349.23, 440.00, 523.25),
    "bass_sound": (80,),
    "bell_sound": (1_000,),
    "complex_harmonic": (220, 440, 880, 1_320),
}


def power_spectrum(samples):
    """Return frequencies in Hz and the mean power at each."""
    return dsp.welch(samples, RATE_HZ, nperseg=8192)


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):
    """The sounds' embeddings by untrained filters, by name."""
    folder = tmp_path_factory.mktemp("signals")
    request = ModelRequest(Settings().models, weights="untrained", hop_s=1.0)
    embedder = open_embedder(database=None, request=request, reporter=Reporter())
    paths = write_signals(folder, form="flac", seconds=5.0)
    return {path.stem: embedder.embed(path).pooled for path in paths}


@pytest.mark.parametrize("names", [STEADY, tuple(SIGNALS)], ids=["steady", "all"])
def test_chords_are_nearest_to_chords_and_noises_to_noises(vectors, names):
    neighbours = Neighbours(np.array([vectors[name] for name in names]))

    def nearest(name, count):
        return {names[index] for index in neighbours.nearest(names.index(name), count)[0]}

    for chord in CHORDS:
        assert nearest(chord, 2) == set(CHORDS) - {chord}
    for noise in NOISES:
        assert nearest(noise, 1) == set(NOISES) - {noise}


@pytest.mark.parametrize("form", FORMATS)
def test_files_have_the_right_names_tags_and_length(tmp_path, form):
    reports = []
    paths = write_signals(
        tmp_path / "new" / "folder", form=form, seconds=1.5, progress=lambda *counts: reports.append(counts)
    )
    assert [path.name for path in paths] == [f"{name}.{form}" for name in SIGNALS]
    assert reports == [(done, len(SIGNALS)) for done in range(len(SIGNALS) + 1)]
    assert sorted(paths[0].parent.iterdir()) == sorted(paths)
    for path, signal in zip(paths, SIGNALS.values(), strict=True):
        stored = soundfile.info(path)
        assert (stored.samplerate, stored.channels, stored.frames) == (RATE_HZ, 1, round(1.5 * RATE_HZ))
        tags = read_tags(path)
        assert (tags.title, tags.artists, tags.album) == (signal.title, ("Synthetic",), "Test sounds")
        assert tags.genres == (signal.genre,)
        assert abs(mutagen.File(path).info.length - 1.5) < 0.1
    tags_by_name = {path.stem: read_tags(path) for path in paths}
    assert tags_by_name["c_major_chord"].title == "C major chord"
    assert [tags_by_name[name].genres for name in (*CHORDS, *NOISES)] == [("Chord",)] * 3 + [("Noise",)] * 2


@pytest.mark.parametrize("name", SIGNALS)
def test_every_sound_peaks_at_minus_3_dbfs_and_fades_in_and_out(name):
    samples = render_signal(name, seconds=2.0)
    assert samples.dtype == np.float32
    assert len(samples) == 2 * RATE_HZ
    assert np.abs(samples).max() == pytest.approx(PEAK, rel=1e-4)
    assert np.abs(samples[[0, -1]]).max() < 1e-3
    end = np.abs(samples[-RATE_HZ // 100 :]).max()
    assert end < 0.02


@pytest.mark.parametrize("name", FREQUENCIES_HZ)
def test_chords_and_tones_have_their_frequencies_and_no_others(name):
    samples = render_signal(name, seconds=8.0)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    peaks, _ = dsp.find_peaks(spectrum, height=spectrum.max() / 20)
    assert peaks * RATE_HZ / len(samples) == pytest.approx(FREQUENCIES_HZ[name], abs=0.2)


@pytest.mark.parametrize(("name", "slope"), [("white_noise", 0.0), ("pink_noise", -1.0)])
def test_noise_has_the_spectral_slope_of_its_colour(name, slope):
    frequencies_hz, power = power_spectrum(render_signal(name, seconds=30.0))
    in_band = (frequencies_hz > 50) & (frequencies_hz < 9_000)
    # Give octaves about equal weight: most bins lie in the highest octaves.
    weights = 1 / np.sqrt(frequencies_hz[in_band])
    fitted, _ = np.polyfit(np.log(frequencies_hz[in_band]), np.log(power[in_band]), 1, w=weights)
    assert fitted == pytest.approx(slope, abs=0.05)


def test_the_sweep_takes_equal_time_per_octave():
    samples = render_signal("sweep", seconds=8.0)
    phase = np.unwrap(np.angle(dsp.hilbert(samples)))
    frequency_hz = np.diff(phase) * RATE_HZ / (2 * np.pi)
    medians_hz = [
        np.median(frequency_hz[int(s * RATE_HZ) - 50 : int(s * RATE_HZ) + 50]) for s in (2, 3, 4, 5, 6)
    ]
    ratios = np.array(medians_hz[1:]) / medians_hz[:-1]
    assert ratios == pytest.approx([ratios[0]] * 4, rel=0.02)
    assert ratios[0] > 1.5


def test_the_drum_loop_repeats_every_two_seconds_with_silence_between_its_beats():
    samples = render_signal("drum_loop", seconds=8.0)
    bars = samples.reshape(4, -1)
    assert np.corrcoef(bars[1], bars[2])[0, 1] > 0.95
    assert np.corrcoef(bars[1, : RATE_HZ // 2], bars[1, RATE_HZ // 2 : RATE_HZ])[0, 1] < 0.5
    levels = np.sqrt((samples[: len(samples) // 441 * 441].reshape(-1, 441) ** 2).mean(axis=1))
    assert np.percentile(levels, 90) > 10 * np.percentile(levels, 10)


def test_silence_fills_the_first_half_and_the_tone_the_second():
    samples = render_signal("silence_then_tone", seconds=4.0)
    assert not samples[: 2 * RATE_HZ].any()
    frequencies_hz, power = power_spectrum(samples[2 * RATE_HZ :])
    assert frequencies_hz[power.argmax()] == pytest.approx(440, abs=3)


@pytest.mark.parametrize("form", ["wav", "flac"])
def test_equal_seeds_make_equal_files_and_other_seeds_change_noises_and_drums(tmp_path, form):
    def contents(folder, seed):
        paths = write_signals(tmp_path / folder, form=form, seconds=0.5, seed=seed)
        return {path.stem: path.read_bytes() for path in paths}

    first = contents("first", 3)
    assert contents("second", 3) == first
    other = contents("other", 4)
    changed = {name for name in SIGNALS if other[name] != first[name]}
    assert changed == {*NOISES, "drum_loop"}


@pytest.mark.parametrize("rate_hz", [8_000, 44_100])
def test_decoding_an_mp3_in_blocks_equals_decoding_it_at_once(tmp_path, rate_hz):
    for path in write_signals(tmp_path, seconds=20.0, sample_rate_hz=rate_hz):
        whole, stored_hz = soundfile.read(path, dtype="float32", always_2d=True)
        assert stored_hz == rate_hz
        blocks = np.concatenate(list(open_audio(path).blocks()))
        np.testing.assert_allclose(blocks, whole, atol=1e-4, err_msg=path.name)


def test_files_with_these_names_are_overwritten_and_other_files_stay(tmp_path):
    (tmp_path / "bass_sound.wav").write_text("mine")
    (tmp_path / "my song.wav").write_text("mine")
    write_signals(tmp_path, form="wav", seconds=0.5)
    assert soundfile.info(tmp_path / "bass_sound.wav").frames == RATE_HZ // 2
    assert (tmp_path / "my song.wav").read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sample_rate_hz": 22_000}, "An MP3 cannot have 22000 Hz: choose one of 8000, "),
        ({"sample_rate_hz": 1, "form": "wav"}, "cannot have 1 Hz: choose 8000 to 192000"),
        ({"seconds": 0.0}, "cannot be 0 s long: choose 0.5 to 600 s"),
        ({"seconds": float("nan")}, "cannot be nan s long"),
        ({"seconds": 1e9}, "cannot be 1e\\+09 s long"),
        ({"seed": -1}, "The seed -1 is negative"),
        ({"form": "ogg"}, "form='ogg' cannot be written"),
    ],
)
def test_invalid_options_are_refused_before_anything_is_written(tmp_path, options, message):
    with pytest.raises(AudioError, match=message):
        write_signals(tmp_path / "x", **options)
    assert not (tmp_path / "x").exists()


def test_a_folder_that_cannot_be_written_to_is_an_error_with_the_reason(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AudioError, match=r"file.*cannot be written \(File exists\)"):
        write_signals(tmp_path / "file", form="wav", seconds=0.5)


def test_an_unknown_sound_is_refused_with_its_name_and_the_choices():
    with pytest.raises(AudioError, match="no test sound 'kazoo': choose one of c_major_chord"):
        render_signal("kazoo")
