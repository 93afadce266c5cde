from collections import Counter

from explorer.database.database import Database
from explorer.indexing.order import asked_first, spread
from explorer.library.music_file import ScannedFile


def make_files(**counts):
    return [
        ScannedFile(f"{folder}/{number:03d}.mp3".encode(), 1, 1)
        for folder, count in counts.items()
        for number in range(count)
    ]


def test_every_beginning_is_a_fair_sample_of_the_folders():
    files = make_files(a=400, b=100, c=40, **{f"single{number}": 1 for number in range(60)})
    order = spread(files)
    assert sorted(order, key=str) == sorted(files, key=str)
    for length in (60, 150, 300):
        counts = Counter(file.path.split(b"/")[0][:1] for file in order[:length])
        for name, count in ((b"a", 400), (b"b", 100), (b"c", 40)):
            assert abs(counts[name] - count * length / 600) <= 2
        assert abs(counts[b"s"] - length / 10) < 0.1 * length
    numbers = [int(file.path[2:5]) for file in order if file.path.startswith(b"a/")]
    assert abs(sum(numbers[:100]) / 100 - 199.5) < 50


def test_the_order_does_not_depend_on_the_order_of_the_files():
    files = make_files(a=30, b=10)
    assert spread(files[::-1]) == spread(files)


def test_without_a_library_the_order_is_that_of_the_files(tmp_path):
    files = make_files(a=5)
    assert list(asked_first(files, tmp_path / "missing.db", 1)) == files


def test_files_are_chosen_when_they_are_taken_and_each_only_once(fresh_db, monkeypatch):
    asked = []
    monkeypatch.setattr(Database, "asked_paths", lambda self, root_id: asked)
    files = make_files(a=5)
    order = asked_first(files, fresh_db.path, 1)
    assert next(order) == files[0]
    asked[:] = [b"elsewhere.mp3", files[0].path, files[3].path, files[2].path]
    assert list(order) == [files[3], files[2], files[1], files[4]]
