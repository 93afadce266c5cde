import numpy as np
import pytest
from support import write_tone

from explorer.config import Settings
from explorer.errors import AudioError, LibraryError
from explorer.indexing.indexer import index_folder
from explorer.indexing.model import ModelRequest
from explorer.indexing.single import embed_like_library, embed_to_npz
from explorer.library.database import Database
from explorer.progress import LineReporter, Reporter

ANY = ModelRequest(Settings().models)


@pytest.fixture(scope="module")
def quantised(tmp_path_factory):
    """A library of two songs in int8, whose network was calibrated on them: its folder."""
    folder = tmp_path_factory.mktemp("quantised")
    for number in range(2):
        write_tone(folder / "music" / f"{number}.flac", frequency_hz=200 + 300 * number, seconds=2.5)
    request = ModelRequest(Settings().models, weights="untrained", hop_s=1.0, precision="int8")
    with Database.open(folder / "songs.db") as library:
        index_folder(library, folder / "music", request=request, reporter=Reporter())
    return folder


def test_a_file_embedded_like_the_library_has_the_vector_that_an_index_gave_it(quantised, tmp_path):
    file = quantised / "music" / "1.flac"
    result = embed_like_library(
        file, tmp_path / "x.npz", database=quantised / "songs.db", request=ANY, reporter=Reporter()
    )
    with Database.open_readonly(quantised / "songs.db") as library, np.load(tmp_path / "x.npz") as arrays:
        assert result["model"] == library.model()
        assert np.allclose(arrays["pooled"], library.vector("1.flac"), atol=1e-4)
        stored = library.song("1.flac")
        assert library.file_of("1.flac").format == result["format"]
    assert (result["duration_s"], result["preview_start_s"]) == (stored.duration_s, stored.preview_start_s)
    exact = ModelRequest(Settings().models, weights="untrained", hop_s=1.0)
    embed_to_npz(file, tmp_path / "exact.npz", request=exact, reporter=Reporter())
    with np.load(tmp_path / "exact.npz") as arrays, Database.open_readonly(quantised / "songs.db") as library:
        assert not np.allclose(arrays["pooled"], library.vector("1.flac"), atol=1e-4)


def test_an_int8_network_that_is_gone_is_a_sentence(quantised, tmp_path):
    with Database.open(quantised / "songs.db") as library:
        network = library.network()
        with library.transaction():
            library._rows("DELETE FROM networks")
    try:
        with pytest.raises(LibraryError, match="lost its int8 network"):
            embed_like_library(
                quantised / "music" / "1.flac",
                tmp_path / "x.npz",
                database=quantised / "songs.db",
                request=ANY,
                reporter=Reporter(),
            )
    finally:
        with Database.open(quantised / "songs.db") as library, library.transaction():
            library._rows("INSERT INTO networks VALUES ('int8', ?)", (network,))


def test_a_library_without_songs_has_no_model_to_follow(fresh_db, tmp_path):
    file = write_tone(tmp_path / "x.flac")
    with pytest.raises(LibraryError, match="holds no song yet"):
        embed_like_library(file, tmp_path / "x.npz", database=fresh_db.path, request=ANY, reporter=Reporter())


def test_what_is_no_audio_is_refused_before_a_model_is_looked_for(tmp_path):
    (tmp_path / "x.mp3").write_text("words")
    with pytest.raises(AudioError, match="not audio"):
        embed_like_library(
            tmp_path / "x.mp3",
            tmp_path / "x.npz",
            database=tmp_path / "absent.db",
            request=ANY,
            reporter=Reporter(),
        )


def test_progress_is_told_in_lines_of_json(tmp_path, capsys):
    file = write_tone(tmp_path / "x.flac", seconds=3.0)
    request = ModelRequest(Settings().models, weights="untrained", hop_s=1.0)
    embed_to_npz(file, tmp_path / "x.npz", request=request, reporter=LineReporter())
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == '{"text": "Embedding x.flac", "share": 0.0}'
    assert lines[-1] == '{"text": "Embedding x.flac", "share": 1.0}'
