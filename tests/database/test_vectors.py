import numpy as np
from support import store_vectors

from explorer.database import vectors as vectors_module


def test_vectors_read_in_blocks_equal_the_whole_and_progress_is_reported(fresh_db, tmp_path, monkeypatch):
    expected = np.arange(10 * 512.0).reshape(10, 512)
    song_ids = store_vectors(fresh_db, tmp_path, expected)
    monkeypatch.setattr(vectors_module, "_ROWS_AT_ONCE", 4)
    shares = []
    found, vectors = fresh_db.vectors(progress=shares.append)
    assert found == list(song_ids)
    assert vectors.tobytes() == expected.tobytes()
    assert shares == [0.4, 0.8, 1.0]
