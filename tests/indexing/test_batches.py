import numpy as np

from explorer.indexing.batches import Batch, Packer, Undecoded
from explorer.indexing.outcomes import Failed


def windows(number, count):
    """Windows that hold their song's number and their own."""
    return np.array([[number, index] for index in range(count)], np.float32).reshape(-1, 2)


def ending(number):
    return Undecoded(number, Failed(None, "over"))


def pack(packer, *songs):
    """Pack whole songs, one after the other, and return every batch."""
    batches = []
    for number, count in songs:
        batches += packer.add(number, windows(number, count))
        batches += packer.end(ending(number))
    return [*batches, packer.flush()]


def test_all_batches_but_the_last_are_full():
    batches = pack(Packer(4), (0, 3), (1, 6), (2, 1), (3, 5))
    assert [len(batch.inputs) for batch in batches] == [4, 4, 4, 3]
    assert [batch.parts for batch in batches[:2]] == [[(0, 0, 3), (1, 3, 4)], [(1, 0, 4)]]


def test_the_windows_of_each_song_stay_in_order():
    songs = ((0, 3), (1, 0), (2, 11), (3, 1), (4, 4))
    unpacked = {}
    for batch in pack(Packer(4), *songs):
        for number, start, stop in batch.parts:
            unpacked.setdefault(number, []).extend(batch.inputs[start:stop].tolist())
    assert unpacked == {number: windows(number, count).tolist() for number, count in songs if count}


def test_a_song_ends_in_the_batch_of_its_last_window():
    ended, seen = [], {}
    for batch in pack(Packer(4), (0, 3), (1, 6), (2, 0), (3, 3)):
        for number, start, stop in batch.parts:
            seen[number] = seen.get(number, 0) + stop - start
        for end in batch.endings:
            ended.append(end.number)
            assert seen.get(end.number, 0) == {0: 3, 1: 6, 2: 0, 3: 3}[end.number]
    assert ended == [0, 1, 2, 3]


def test_an_ending_is_yielded_at_once_if_no_window_is_waiting():
    packer = Packer(4)
    [batch] = packer.end(ending(7))
    assert batch.inputs is None
    assert [end.number for end in batch.endings] == [7]
    assert packer.flush() == Batch()


def test_windows_of_several_songs_may_alternate():
    packer = Packer(4)
    assert list(packer.add(0, windows(0, 2))) == []
    [first] = packer.add(1, windows(1, 3))
    assert first.parts == [(0, 0, 2), (1, 2, 4)]
    [second] = packer.add(0, windows(0, 3))
    assert second.parts == [(1, 0, 1), (0, 1, 4)]
