import json
import os
from pathlib import Path

import numpy as np
import pytest
from support import write_tone

from explorer.config import ROOT, Settings
from explorer.database.database import Database
from explorer.errors import AudioError, LibraryError
from explorer.indexing import embed_files
from explorer.indexing.embed_files import embed_to_npz, npz_paths, open_embedder
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.model import ModelRequest
from explorer.util.progress import LineReporter, Reporter


def embed_one(file, out, **options):
    (result,) = embed_to_npz([(file, out)], **options)
    if "reason" in result:
        raise AudioError(result["reason"])
    return result


ANY = ModelRequest(Settings().models)
QUICK = ModelRequest(Settings().models, weights="untrained", hop_s=1.0)


@pytest.fixture(scope="module")
def quantised(tmp_path_factory):
    """A library of two songs in int8, whose network was calibrated on them: its folder."""
    folder = tmp_path_factory.mktemp("quantised")
    for number in range(2):
        write_tone(folder / "music" / f"{number}.flac", frequency_hz=200 + 300 * number, seconds=2.5)
    request = ModelRequest(Settings().models, weights="untrained", hop_s=1.0, precision="int8")
    with Database.open(folder / "songs.db") as library:
        index_folder(IndexRun(library, folder / "music", request=request, reporter=Reporter()))
    return folder


def test_a_single_file_gets_the_same_vector_as_from_an_index_run(quantised, tmp_path):
    file = quantised / "music" / "1.flac"
    result = embed_one(
        file, tmp_path / "x.npz", database=quantised / "songs.db", request=ANY, reporter=Reporter()
    )
    with Database.open_readonly(quantised / "songs.db") as library, np.load(tmp_path / "x.npz") as arrays:
        assert result["model"] == library.model()
        assert np.allclose(arrays["pooled"], library.vector("1.flac"), atol=1e-4)
        stored = library.song("1.flac")
        assert library.file_of("1.flac").format == result["format"]
    assert (result["duration_s"], result["preview_start_s"]) == (stored.duration_s, stored.preview_start_s)
    embed_one(file, tmp_path / "exact.npz", request=QUICK, reporter=Reporter())
    with np.load(tmp_path / "exact.npz") as arrays, Database.open_readonly(quantised / "songs.db") as library:
        assert not np.allclose(arrays["pooled"], library.vector("1.flac"), atol=1e-4)


def test_a_missing_int8_network_is_an_error(quantised, tmp_path):
    with Database.open(quantised / "songs.db") as library:
        network = library.network()
        with library.transaction():
            library._rows("DELETE FROM networks")
    try:
        with pytest.raises(LibraryError, match="lost its int8 network"):
            embed_one(
                quantised / "music" / "1.flac",
                tmp_path / "x.npz",
                database=quantised / "songs.db",
                request=ANY,
                reporter=Reporter(),
            )
    finally:
        with Database.open(quantised / "songs.db") as library, library.transaction():
            library._rows("INSERT INTO networks VALUES ('int8', ?)", (network,))


def test_an_empty_library_has_no_model(fresh_db, tmp_path):
    file = write_tone(tmp_path / "x.flac")
    with pytest.raises(LibraryError, match="holds no song yet"):
        embed_one(file, tmp_path / "x.npz", database=fresh_db.path, request=ANY, reporter=Reporter())


def test_a_file_without_audio_is_refused_before_the_model_is_loaded(tmp_path):
    (tmp_path / "x.mp3").write_text("words")
    with pytest.raises(AudioError, match="not audio"):
        embed_one(
            tmp_path / "x.mp3",
            tmp_path / "x.npz",
            database=tmp_path / "absent.db",
            request=ANY,
            reporter=Reporter(),
        )


def test_progress_is_written_as_lines_of_json(tmp_path, capsys):
    file = write_tone(tmp_path / "x.flac", seconds=3.0)
    embed_one(file, tmp_path / "x.npz", request=QUICK, reporter=LineReporter())
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == '{"text": "Embedding x.flac", "share": 0.0}'
    assert lines[-1] == '{"text": "Embedding x.flac", "share": 1.0}'


@pytest.fixture
def opened(monkeypatch):
    """The engines that were opened: name, checksum of the weights, precision."""
    engines = []
    open_engine = embed_files.open_engine

    def note_and_open(name, weights, *, precision, network=None):
        engines.append((name, weights.sha256, precision))
        return open_engine(name, weights, precision=precision, network=network)

    monkeypatch.setattr(embed_files, "open_engine", note_and_open)
    return engines


def test_one_engine_embeds_any_number_of_files(tmp_path, opened):
    files = [write_tone(tmp_path / f"{n}.flac", frequency_hz=200 * n, seconds=1.2 * n) for n in (1, 2)]
    embedder = open_embedder(database=None, request=QUICK, reporter=Reporter())
    results = [embedder.embed(file) for file in files]
    assert opened == [("openvino", embedder.model.weights_sha256, "float32")]
    assert (embedder.model.precision, embedder.model.hop_s, embedder.model.trained) == ("float32", 1.0, False)
    for file, embedded, windows in zip(files, results, (2, 3), strict=True):
        assert (embedded.path, embedded.format) == (file, "flac/flac")
        assert (embedded.embedding.shape, embedded.embedding.dtype) == ((windows, 512), np.float32)
        assert (embedded.pooled.shape, embedded.pooled.dtype) == ((512,), np.float64)
        np.testing.assert_array_equal(embedded.pooled, embedded.embedding.max(axis=0))
        assert embedded.seconds > 0
    assert [embedded.duration_s for embedded in results] == pytest.approx([1.2, 2.4])


def test_the_result_describes_shape_range_and_speed(tmp_path):
    file = write_tone(tmp_path / "x.flac", seconds=2.0)
    result = embed_one(file, tmp_path / "new" / "x.npz", request=QUICK, reporter=Reporter())
    assert json.loads(json.dumps(result)) == result
    with np.load(tmp_path / "new" / "x.npz") as arrays:
        assert set(arrays) == {"embedding", "timestamps", "pooled"}
        assert result["shape"] == list(arrays["embedding"].shape) == [result["windows"], 512]
        assert (result["min"], result["max"]) == (arrays["embedding"].min(), arrays["embedding"].max())
    assert (result["file"], result["out"]) == (str(file), str(tmp_path / "new" / "x.npz"))
    assert result["seconds_per_audio_second"] == pytest.approx(result["seconds"] / 2.0, abs=1e-3)


def test_a_bad_file_fails_alone(tmp_path, opened):
    good = [write_tone(tmp_path / name) for name in ("a.flac", "d.flac")]
    (tmp_path / "b.mp3").write_text("words")
    (tmp_path / "c").mkdir()
    files = [tmp_path / "b.mp3", good[0], tmp_path / "c", tmp_path / "absent.mp3", good[1]]
    outs = npz_paths(files, str(tmp_path / "out"))
    results = list(embed_to_npz(zip(files, outs, strict=True), request=QUICK, reporter=Reporter()))
    assert [Path(row["file"]) for row in results] == files
    assert ["reason" in row for row in results] == [True, False, True, True, False]
    assert "b.mp3 is not audio" in results[0]["reason"]
    assert "c is a folder: name files, or run `python run.py index FOLDER`" in results[2]["reason"]
    assert "No such file" in results[3]["reason"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.npz", "d.npz"]
    assert len(opened) == 1


def test_a_file_that_crashes_its_decoder_and_a_playlist_fail_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "tests" / "troubles"))
    files = [write_tone(tmp_path / name) for name in ("crash.flac", "good.flac")]
    (tmp_path / "list.m3u8").write_text(f"#EXTM3U\n#EXTINF:2,\n{files[1]}\n#EXT-X-ENDLIST\n")
    files.append(tmp_path / "list.m3u8")
    outs = npz_paths(files, str(tmp_path / "out"))
    crash, good, playlist = embed_to_npz(zip(files, outs, strict=True), request=QUICK, reporter=Reporter())
    assert crash["reason"] == "crash.flac crashes its decoder (SIGSEGV)."
    assert good["windows"] == 2
    assert playlist["reason"].startswith("list.m3u8 is not audio")


def test_an_unexpected_error_fails_one_file(tmp_path, monkeypatch):
    files = [write_tone(tmp_path / name) for name in ("a.flac", "b.flac")]
    whole = embed_files.choose_start

    def stumble(*arguments, **options):
        monkeypatch.setattr(embed_files, "choose_start", whole)
        raise ZeroDivisionError("no frames")

    monkeypatch.setattr(embed_files, "choose_start", stumble)
    outs = npz_paths(files, str(tmp_path / "out"))
    first, second = embed_to_npz(zip(files, outs, strict=True), request=QUICK, reporter=Reporter())
    assert first["reason"].endswith("a.flac cannot be read (ZeroDivisionError: no frames).")
    assert second["windows"] == 2


def test_without_an_audio_file_no_model_is_loaded(tmp_path, opened):
    outs = npz_paths([tmp_path / "a", tmp_path / "b"], str(tmp_path))
    files = zip([tmp_path / "a", tmp_path / "b"], outs, strict=True)
    missing = ModelRequest(Settings().models, weights="/no/such/weights.h5")
    assert ["reason" in row for row in embed_to_npz(files, request=missing, reporter=Reporter())] == [
        True,
        True,
    ]
    assert opened == []


def test_a_library_with_an_unknown_model_is_refused(library, tmp_path):
    path, _ = library
    with Database.open(path) as database, database.transaction():
        model = database.model() | {"weights": "unknown", "weights_sha256": "", "trained": None}
        database._rows("UPDATE state SET value = ? WHERE key = 'model'", (json.dumps(model),))
    with pytest.raises(LibraryError, match=r"were imported, and .* unknown"):
        open_embedder(database=path, request=ANY, reporter=Reporter())


def test_an_npz_that_cannot_be_written_is_an_error_and_leaves_no_file(tmp_path):
    file = write_tone(tmp_path / "x.flac")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x.npz").mkdir()
    with pytest.raises(AudioError, match=r"x\.npz cannot be written: Is a directory"):
        embed_one(file, tmp_path / "full" / "x.npz", request=QUICK, reporter=Reporter())
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["x.npz"]
    with pytest.raises(AudioError, match="cannot be written"):
        embed_one(file, file / "x.npz", request=QUICK, reporter=Reporter())


def test_npz_paths_are_distinct_and_never_the_audio_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    first, second = Path("a/x.wav"), Path("b/X.mp3")
    assert npz_paths([first], None) == [Path("x.npz")]
    assert npz_paths([first], "any.name") == [Path("any.name")]
    assert npz_paths([first], "there") == npz_paths([first], "there/") == [Path("there/x.npz")]
    assert npz_paths([first], "new/") == [Path("new/x.npz")]
    assert npz_paths([first, second, first], "new") == [
        Path("new/x.npz"),
        Path("new/X (2).npz"),
        Path("new/x (3).npz"),
    ]
    assert npz_paths([first, second], None) == [Path("x.npz"), Path("X (2).npz")]
    (tmp_path / "file").touch()
    for taken in ("file", "all.npz"):
        with pytest.raises(AudioError, match=f"2 files cannot all be written to {taken}: name a folder"):
            npz_paths([first, second], taken)
    with pytest.raises(AudioError, match=r"x\.wav: choose another name"):
        npz_paths([first], "a/../a/x.wav")


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_a_file_name_that_is_not_utf8_is_embedded(tmp_path):
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.flac"))
    write_tone(tmp_path / "x.flac").rename(file)
    (out,) = npz_paths([file], str(tmp_path))
    result = embed_one(file, out, request=QUICK, reporter=Reporter())
    assert out.exists()
    assert json.dumps(result, ensure_ascii=False).encode()
    assert result["file"].endswith("caf�.flac")
