import os
import threading
import zlib
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest

from explorer.indexing.kept_neighbours import KeptNeighbours, _file_of, digest, read_kept

N, K = 40, 5


@pytest.fixture
def vectors():
    return np.random.default_rng(0).normal(size=(N, 512)).astype(np.float32)


@pytest.fixture
def kept(vectors):
    rng = np.random.default_rng(1)
    indices = rng.integers(0, N, (N, K), dtype=np.int32)
    digests = digest([f"{number:02d}.flac" for number in range(N)], vectors)
    return KeptNeighbours(digests, np.zeros(512), indices, rng.uniform(-1, 1, (N, K)), changed=2)


def test_kept_neighbours_are_read_back(kept, tmp_path):
    path = tmp_path / "songs.db"
    assert read_kept(path, N) is None
    kept.store(path)
    found = read_kept(path, N)
    for name in ("digests", "mean", "indices", "costs"):
        np.testing.assert_array_equal(getattr(found, name), getattr(kept, name))
    assert found.changed == 2


@pytest.mark.parametrize("keep", [slice(0), slice(12), slice(-1), slice(5, None)])
def test_a_cut_file_is_ignored(kept, tmp_path, keep):
    path = tmp_path / "songs.db"
    kept.store(path)
    file = _file_of(path)
    file.write_bytes(file.read_bytes()[keep])
    assert read_kept(path, N) is None


def test_a_file_with_another_bit_is_ignored(kept, tmp_path):
    path = tmp_path / "songs.db"
    kept.store(path)
    file = _file_of(path)
    content = bytearray(file.read_bytes())
    for place in range(0, len(content), 97):
        content[place] ^= 1
        file.write_bytes(content)
        assert read_kept(path, N) is None
        content[place] ^= 1


@pytest.mark.parametrize(
    "change",
    [
        {"indices": np.full((N, K), N, dtype=np.int32)},
        {"indices": np.full((N, K), -1, dtype=np.int32)},
        {"indices": np.zeros((N, K), dtype=np.int64)},
        {"indices": np.zeros((N, K + 1), dtype=np.int32)},
        {"indices": np.zeros(N, dtype=np.int32)},
        {"costs": np.full((N, K), np.nan)},
        {"costs": np.zeros((N - 1, K))},
        {"mean": np.zeros(64)},
        {"mean": np.full(512, np.inf)},
        {"mean": np.full(512, 1e300)},
        {"costs": np.full((N, K), 1e300)},
        {"digests": np.zeros(N, dtype=np.uint64)},
        {"digests": np.arange(N)},
        {"changed": -1},
    ],
)
def test_a_file_of_impossible_values_is_ignored(kept, tmp_path, change):
    path = tmp_path / "songs.db"
    replace(kept, **change).store(path)
    assert read_kept(path, N) is None


def test_a_file_that_could_run_code_or_fill_the_memory_is_not_read(kept, tmp_path):
    path = tmp_path / "songs.db"
    kept.store(path)
    assert read_kept(path, 0) is None
    file = _file_of(path)
    content = BytesIO()
    np.save(content, np.array([print], dtype=object), allow_pickle=True)
    header = np.array([1, zlib.crc32(content.getbuffer())], dtype="<u8").tobytes()
    file.write_bytes(header + content.getvalue())
    assert read_kept(path, N) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
@pytest.mark.parametrize("use", [lambda kept, path: read_kept(path, N), KeptNeighbours.store])
def test_a_pipe_in_place_of_the_file_is_not_waited_for(kept, tmp_path, use):
    path = tmp_path / "songs.db"
    os.mkfifo(_file_of(path))
    thread = threading.Thread(target=use, args=(kept, path), daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()


def test_another_vector_or_id_gives_another_digest(vectors):
    ids = [f"{number:02d}.flac" for number in range(N)]
    before = digest(ids, vectors)
    assert len(set(before.tolist())) == N
    other = vectors.copy()
    other[3, 100] = np.nextafter(other[3, 100], np.float32(9))
    other[4, [0, 1]] = other[4, [1, 0]]
    assert np.flatnonzero(digest(ids, other) != before).tolist() == [3, 4]
    ids[5] = "Another.flac"
    assert np.flatnonzero(digest(ids, vectors) != before).tolist() == [5]


def test_songs_are_found_by_their_digests(kept):
    now = np.append(kept.digests[[1, 0, 5]], np.uint64(7))
    rows = kept.rows_of(now)
    assert rows.tolist() == [1, 0, 5, -1]
    assert not kept.fits(rows)
    assert kept.count_changes(kept.rows_of(kept.digests[1:])) == 1
    assert kept.fits(kept.rows_of(kept.digests[2:]))
    assert not kept.fits(kept.rows_of(kept.digests[3:]))
