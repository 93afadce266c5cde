import errno
import os
import threading

import numpy as np
import pytest
from damage_support import force
from window_support import STEP_S, WINDOWS, song_windows, store_windows

from explorer.config import Settings
from explorer.database.database import Database
from explorer.embedding.song_windows import fit_basis
from explorer.indexing.prune import _clear_after_dropping
from explorer.structure.moments import CODE_OF_ONE, moments_of
from explorer.web.data import window_file
from explorer.web.data.window_file import WindowFiles, make_window_file, open_window_file, path_in
from explorer.web.security import RefusedError


@pytest.fixture
def windowed(library):
    """A library of 24 songs of which 20 have windows: (path, ids, windows by id)."""
    path, ids = library
    windows = {song_id: song_windows(number) for number, song_id in enumerate(ids[:20])}
    store_windows(path, windows)
    return path, ids, windows


@pytest.fixture
def files(windowed):
    """The files of that library, which may take as long as they need."""
    path, *_ = windowed
    return WindowFiles(path, Settings(database=path).moments, max_wait_s=60.0)


def get(files, path):
    with Database.open_readonly(path) as library:
        return files.get(library)


def files_in(path):
    return sorted(Settings(database=path).moments.iterdir())


def test_the_file_has_a_moment_for_each_second_of_each_song(windowed, files):
    path, ids, windows = windowed
    file = get(files, path)
    assert file.song_ids == ids[:20] == sorted(ids[:20])
    np.testing.assert_array_equal(file.search.first, file.search.codes[:, :16])
    for number, song_id in enumerate(file.song_ids):
        moments = moments_of(windows[song_id].components, step_s=STEP_S)
        rows = slice(file.search.starts[number], file.search.starts[number + 1])
        np.testing.assert_allclose(
            file.search.codes[rows] / CODE_OF_ONE, moments[::2], atol=0.51 / CODE_OF_ONE
        )
        mean = moments[::2].mean(axis=0)
        np.testing.assert_allclose(
            file.means[number] / CODE_OF_ONE, mean / np.linalg.norm(mean), atol=0.51 / CODE_OF_ONE
        )
        assert file.window_of(number, file.search.starts[number] + 3) == 6
        assert file.steps_s[number] == STEP_S
    assert file.search.starts[-1] == len(file.search) == 20 * len(range(0, WINDOWS - 8, 2))


def test_the_file_is_made_once_and_found_by_another_server(windowed, files, monkeypatch):
    path, *_ = windowed
    first = get(files, path)
    assert get(files, path) is first
    assert len(files_in(path)) == 1

    def fail(*_):
        raise AssertionError("it was made again")

    monkeypatch.setattr(window_file, "make_window_file", fail)
    other = get(WindowFiles(path, Settings(database=path).moments), path)
    np.testing.assert_array_equal(other.search.codes, first.search.codes)


@pytest.mark.parametrize("change", ["added", "replaced", "the newest replaced", "removed", "renamed"])
def test_the_file_is_made_again_when_the_windows_have_changed(windowed, files, change):
    path, ids, _ = windowed
    before = get(files, path)
    if change == "removed":
        force(path, f"DELETE FROM song_windows WHERE song_id = '{ids[3]}'")
    elif change == "renamed":
        force(path, f"UPDATE song_windows SET song_id = 'zzz' WHERE song_id = '{ids[19]}'")
    else:
        number = {"added": 20, "replaced": 3, "the newest replaced": 19}[change]
        store_windows(path, {ids[number]: song_windows(77)})
    after = get(files, path)
    assert after.stamp != before.stamp
    assert len(files_in(path)) == 1, "the older file is removed"
    expected = {"added": 21, "removed": 19}.get(change, 20)
    assert len(after.song_ids) == expected
    if "replaced" in change:
        rows = slice(after.search.starts[number], after.search.starts[number + 1])
        moments = moments_of(song_windows(77).components, step_s=STEP_S)[::2]
        np.testing.assert_allclose(after.search.codes[rows] / CODE_OF_ONE, moments, atol=0.51 / CODE_OF_ONE)


def test_an_older_file_is_used_while_a_new_one_is_made_unless_the_basis_has_changed(
    windowed, files, monkeypatch
):
    path, ids, _ = windowed
    before = get(files, path)
    may_go_on = threading.Event()

    def wait_and_make(*arguments):
        may_go_on.wait(30)
        return make_window_file(*arguments)

    monkeypatch.setattr(window_file, "make_window_file", wait_and_make)
    impatient = WindowFiles(path, Settings(database=path).moments, max_wait_s=0.01)
    store_windows(path, {ids[20]: song_windows(50)})
    try:
        assert get(impatient, path).song_ids == before.song_ids
        with Database.open(path) as database:
            database.store_window_basis(fit_basis(np.random.default_rng(1).normal(size=(200, 512))))
        with pytest.raises(RefusedError, match="try again") as refused:
            get(impatient, path)
        assert refused.value.status == 503
    finally:
        may_go_on.set()
    impatient._making.done.wait(30)
    assert len(get(impatient, path).song_ids) == 21


def test_a_large_library_is_not_put_in_order_again_and_again(windowed, files, monkeypatch):
    path, ids, _ = windowed
    before = get(files, path)
    monkeypatch.setattr(window_file, "_QUICK_S", 0.0)
    monkeypatch.setattr(window_file, "_REST_FACTOR", 1e9)
    store_windows(path, {ids[20]: song_windows(50)})
    assert len(get(files, path).song_ids) == 21
    store_windows(path, {ids[21]: song_windows(51)})
    assert len(get(files, path).song_ids) == 21, "it rests"
    assert len(before.song_ids) == 20


def test_two_servers_can_make_the_file_at_once(windowed):
    path, *_ = windowed
    folder = Settings(database=path).moments
    barrier, made = threading.Barrier(4), []

    def make():
        barrier.wait(30)
        with Database.open_readonly(path) as library:
            made.append(make_window_file(library, folder))

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(set(made)) == 1
    assert len(made) == 4
    assert files_in(path) == [made[0]], "no temporary file is left"
    assert len(open_window_file(made[0]).song_ids) == 20


@pytest.mark.parametrize("damage", ["empty", "cut", "no header", "longer", "wrong starts", "other version"])
def test_a_damaged_file_is_made_again(windowed, files, damage):
    path, *_ = windowed
    good = get(files, path)
    (name,) = files_in(path)
    content = bytearray(name.read_bytes())
    if damage == "wrong starts":
        at = content.index(good.search.starts.tobytes())
        content[at + 8 : at + 16] = (10**9).to_bytes(8, "little")
    elif damage == "other version":
        content = content.replace(b'"version": 1', b'"version": 0')
    else:
        content = {
            "empty": b"",
            "cut": content[:-9],
            "no header": bytes(len(content)),
            "longer": content + b"x",
        }[damage]
    name.unlink()  # The file of `good` is still mapped.
    name.write_bytes(content)
    assert open_window_file(name) is None
    again = get(WindowFiles(path, name.parent, max_wait_s=60.0), path)
    np.testing.assert_array_equal(again.search.codes, good.search.codes)


def test_damaged_windows_are_left_out(windowed, files):
    path, ids, _ = windowed
    force(
        path,
        f"UPDATE song_windows SET codes = substr(codes, 1, 100) WHERE song_id = '{ids[2]}'",
        f"UPDATE song_windows SET scale = -1.0 WHERE song_id = '{ids[4]}'",
    )
    assert get(files, path).song_ids == [*ids[:2], ids[3], *ids[5:20]]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_file_that_cannot_be_written_is_one_sentence_and_not_tried_at_once(
    windowed, files, number, monkeypatch
):
    path, *_ = windowed
    tries = []

    def fail(*_args, **_options):
        tries.append(1)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(window_file, "_write", fail)
    for _ in range(3):
        with pytest.raises(RefusedError, match=os.strerror(number)) as refused:
            get(files, path)
        assert refused.value.status == 500
        assert str(Settings(database=path).moments) in str(refused.value)
    assert len(tries) == 1
    assert files_in(path) == []


def test_a_library_without_windows_has_an_empty_file(library):
    path, _ = library
    file = get(WindowFiles(path, Settings(database=path).moments, max_wait_s=60.0), path)
    assert (file.song_ids, len(file.search)) == ([], 0)
    assert [len(part) for part in file.search.nearest(np.ones(64, np.float32))] == [0, 0, 0]


def test_the_file_is_deleted_when_songs_are_dropped(windowed, files):
    path, *_ = windowed
    get(files, path)
    other = path_in(Settings(database=path).moments, path.with_name("other.db"), "0")
    other.write_bytes(b"of another library")
    with Database.open(path) as database:
        _clear_after_dropping(database, set())
    assert files_in(path) == [other]
