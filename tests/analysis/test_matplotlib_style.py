import errno
import os
from pathlib import Path

import pytest

from explorer.analysis.matplotlib_style import new_figure, save
from explorer.errors import AnalysisError


def test_a_full_disk_leaves_the_older_figure_and_no_partial_file(tmp_path, monkeypatch):
    before = [path.read_bytes() for path in save(new_figure(1, 1), tmp_path, "x")]
    write_bytes = Path.write_bytes

    def write_half(path, content):
        write_bytes(path, content[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", write_half)
    with pytest.raises(AnalysisError, match=r"x.png cannot be written \(No space left on device\)"):
        save(new_figure(2, 2), tmp_path, "x")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["x.png", "x.svg"]
    assert [(tmp_path / name).read_bytes() for name in names] == before
