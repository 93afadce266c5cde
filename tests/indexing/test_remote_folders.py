"""Music on real servers, over S3 and HTTP."""

import functools
import http.server
import socket
import threading
from contextlib import contextmanager
from pathlib import Path

import boto3
import numpy as np
import pytest
from moto.server import ThreadedMotoServer
from support import RecordingReporter, write_tone

from explorer.config import Settings
from explorer.database.database import Database
from explorer.errors import AudioError, LibraryError
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.model import ModelRequest
from explorer.indexing.prune import prune_lost_folder
from explorer.library import remote_copies
from explorer.library.remote import as_root
from explorer.library.remote_copies import LastCopy, as_local, fetch
from explorer.library.scanning import scan_folder

REQUEST = ModelRequest(models_dir=Settings().models, weights="untrained", hop_s=1.0, precision="float32")
NAMES = ("Artist/first.flac", "Artist/second & third #1.flac", "Ünïcode/🎵.flac", "top.flac")


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    folder = tmp_path_factory.mktemp("music")
    for number, name in enumerate(NAMES):
        tags = {"title": f"Song {number}"} if number else None
        write_tone(folder / name, frequency_hz=150 * (number + 1), seconds=2.0, tags=tags)
    (folder / "broken.mp3").write_bytes(b"no music at all " * 100)
    (folder / "cover.jpg").write_bytes(b"no song")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "song.flac").write_bytes(b"hidden")
    return folder


@pytest.fixture(scope="module")
def bucket(music):
    """The songs on a server that speaks S3: its URL."""
    with pytest.MonkeyPatch.context() as patch:
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        _, port = server.get_host_and_port()
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        client = boto3.client("s3")
        client.create_bucket(Bucket="bucket")
        for path in music.rglob("*.*"):
            if path.is_file():
                client.upload_file(str(path), "bucket", f"music/{path.relative_to(music).as_posix()}")
        yield "s3://bucket/music", client
        server.stop()


@contextmanager
def web_server(folder):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_args):
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


@pytest.fixture(scope="module")
def alone(music, tmp_path_factory):
    with Database.open(tmp_path_factory.mktemp("alone") / "songs.db") as database:
        index_folder(IndexRun(database, music, request=REQUEST, reporter=RecordingReporter()))
        return contents(database)


def index(database, place, **options):
    return index_folder(IndexRun(database, place, request=REQUEST, reporter=RecordingReporter(), **options))


def contents(database):
    ids, vectors = database.vectors()
    return {
        song_id: (vector, database.song(song_id).title) for song_id, vector in zip(ids, vectors, strict=True)
    }


def assert_same(actual, expected):
    assert actual.keys() == expected.keys()
    for song_id, (vector, title) in actual.items():
        assert title == expected[song_id][1]
        np.testing.assert_allclose(vector, expected[song_id][0], rtol=1e-6)


def test_songs_in_a_bucket_get_the_same_vectors_as_local_files(fresh_db, bucket, alone, tmp_path):
    url, client = bucket
    previews = tmp_path / "previews"
    summary = index(fresh_db, url, previews=previews)
    assert (summary.indexed, summary.failed, summary.previews) == (len(NAMES), 1, len(NAMES))
    assert_same(contents(fresh_db), alone)
    assert fresh_db.roots() == [url]
    assert [path for path, _ in fresh_db.failures()] == [f"{url}/broken.mp3"]
    again = index(fresh_db, url)
    assert (again.indexed, again.skipped, again.gone) == (0, len(NAMES) + 1, 0)
    # Moved there, it keeps its vector.
    client.copy({"Bucket": "bucket", "Key": "music/top.flac"}, "bucket", "music/moved.flac")
    client.delete_object(Bucket="bucket", Key="music/top.flac")
    moved = index(fresh_db, url)
    assert (moved.moved, moved.embedded) == (1, 0)
    assert str(fresh_db.file_of("moved.flac").path) == f"{url}/moved.flac"
    client.copy({"Bucket": "bucket", "Key": "music/moved.flac"}, "bucket", "music/top.flac")
    client.delete_object(Bucket="bucket", Key="music/moved.flac")


def test_a_missing_bucket_is_an_error(fresh_db, bucket):
    with pytest.raises(LibraryError, match=r"s3://elsewhere/music (does not exist|cannot be reached)"):
        index(fresh_db, "s3://elsewhere/music")
    with pytest.raises(LibraryError, match=r"s3://bucket/none does not exist"):
        index(fresh_db, "s3://bucket/none")


def test_songs_on_a_web_server_get_the_same_vectors_as_local_files(fresh_db, music, alone):
    with web_server(music) as url:
        summary = index(fresh_db, url)
        assert (summary.indexed, summary.failed) == (len(NAMES), 1)
        assert_same(contents(fresh_db), alone)
        assert index(fresh_db, url).skipped == len(NAMES) + 1


def test_a_cue_sheet_on_a_web_server_divides_the_file_beside_it(fresh_db, tmp_path, make_tone):
    folder = tmp_path / "albums"
    make_tone(folder / "a" / "album.flac", seconds=4.0)
    tracks = "".join(f"TRACK {n} AUDIO\nINDEX 01 00:0{n}:00\n" for n in (1, 2))
    (folder / "a" / "album.cue").write_text(f'FILE "album.wav" WAVE\n{tracks}')
    with web_server(folder) as url:
        assert index(fresh_db, url).songs == 2
        assert fresh_db.vectors()[0] == ["a/album.flac#01", "a/album.flac#02"]
        assert index(fresh_db, url).skipped == 1


def test_a_scan_shows_which_remote_file_changed(bucket):
    url, client = bucket
    before = {file.path: file for file in scan_folder(as_root(url)).files}
    assert sorted(before) == sorted([*(name.encode() for name in NAMES), b"broken.mp3"])
    client.put_object(Bucket="bucket", Key="music/new.wav", Body=b"one")
    first = {file.path: file for file in scan_folder(as_root(url)).files}[b"new.wav"]
    client.put_object(Bucket="bucket", Key="music/new.wav", Body=b"three")
    second = {file.path: file for file in scan_folder(as_root(url)).files}[b"new.wav"]
    client.delete_object(Bucket="bucket", Key="music/new.wav")
    assert (first.size_bytes, second.size_bytes) == (3, 5)


def test_an_unreachable_server_marks_no_song_as_missing(fresh_db, music):
    with web_server(music) as url:
        index(fresh_db, url, limit=2)
        stored = fresh_db.count_vectors()
    with pytest.raises(LibraryError, match="cannot be reached"):
        index(fresh_db, url)
    assert fresh_db.count_vectors() == stored
    assert fresh_db.gone_songs() == {}


def test_a_local_copy_has_the_name_and_bytes_and_is_deleted(bucket, music):
    url, _ = bucket
    with as_local(as_root(url) / NAMES[1]) as copy:
        assert copy.name == Path(NAMES[1]).name
        assert copy.read_bytes() == (music / NAMES[1]).read_bytes()
    assert not copy.exists()
    with as_local(music / NAMES[1]) as same:
        assert same == music / NAMES[1]


def test_the_last_copy_is_fetched_once_and_replaced_by_the_next(bucket, tmp_path):
    url, _ = bucket
    last, place = LastCopy(), tmp_path / "place"
    first = last.of(as_root(url) / NAMES[0], place)
    first.write_bytes(b"mark")
    assert last.of(as_root(url) / NAMES[0], place).read_bytes() == b"mark"
    second = last.of(as_root(url) / NAMES[3], place)
    assert [path.name for path in place.iterdir()] == [second.name]
    last.forget()
    assert not place.exists()


def test_a_file_that_cannot_be_fetched_fails_with_a_reason(bucket, tmp_path, monkeypatch):
    monkeypatch.setattr(remote_copies, "BETWEEN_ATTEMPTS_S", 0.01)
    url, _ = bucket
    with pytest.raises(AudioError, match=r"none\.flac cannot be read: No such file"):
        fetch(as_root(url) / "none.flac", tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        away = as_root(f"http://127.0.0.1:{free.getsockname()[1]}") / "song.flac"
    with pytest.raises(AudioError, match=r"song\.flac cannot be fetched: "):
        fetch(away, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_names_too_long_for_file_systems_are_shortened(tmp_path, music):
    name = "x" * 300 + ".flac"
    assert remote_copies._valid_name(name) == "x" * 200 + ".flac"
    assert remote_copies._valid_name("..") not in ("..", ".")


def test_a_cached_copy_stays_until_others_need_its_space(bucket, music, tmp_path, sound_jobs, monkeypatch):
    url, _ = bucket
    cache = tmp_path / "cache"
    first = sound_jobs.fetched(as_root(url) / NAMES[0], cache=cache, key="aa" * 16)
    assert first.suffix == ".flac"
    assert first.read_bytes() == (music / NAMES[0]).read_bytes()
    first.write_bytes(b"kept")
    assert sound_jobs.fetched(as_root(url) / NAMES[0], cache=cache, key="aa" * 16).read_bytes() == b"kept"
    monkeypatch.setattr(remote_copies.copies_of, "__kwdefaults__", {"max_bytes": 10})
    second = sound_jobs.fetched(as_root(url) / NAMES[3], cache=cache, key="bb" * 16)
    assert second.exists()
    assert not first.exists()
    assert sound_jobs.fetched(music / NAMES[0], cache=cache, key="cc" * 16) == music / NAMES[0]


def copy_bucket(client, before, after):
    for item in client.list_objects_v2(Bucket="bucket", Prefix=f"{before}/")["Contents"]:
        name = item["Key"].removeprefix(before)
        client.copy({"Bucket": "bucket", "Key": item["Key"]}, "bucket", f"{after}{name}")


def test_a_folder_that_was_moved_on_its_server_or_to_a_disk_keeps_its_songs(fresh_db, bucket, music):
    _url, client = bucket
    copy_bucket(client, "music", "first")
    index(fresh_db, "s3://bucket/first")
    ids = contents(fresh_db).keys()
    copy_bucket(client, "first", "second")
    assert index(fresh_db, "s3://bucket/second").copied == len(NAMES)
    assert len(fresh_db.roots()) == 2
    for item in client.list_objects_v2(Bucket="bucket", Prefix="second/")["Contents"]:
        client.delete_object(Bucket="bucket", Key=item["Key"])
    copy_bucket(client, "music", "new/third")
    summary = index(fresh_db, "s3://bucket/new")
    assert (summary.retagged, summary.embedded, summary.copied) == (len(NAMES), 0, 0)
    assert fresh_db.roots() == ["s3://bucket/first", "s3://bucket/new"]
    for prefix in ("first", "new"):
        for item in client.list_objects_v2(Bucket="bucket", Prefix=f"{prefix}/")["Contents"]:
            client.delete_object(Bucket="bucket", Key=item["Key"])
    assert index(fresh_db, music).embedded == 0
    assert fresh_db.roots() == [str(music), "s3://bucket/new"]
    assert ids <= contents(fresh_db).keys()


def test_an_unreachable_server_is_not_gone(fresh_db, music):
    with web_server(music) as url:
        index(fresh_db, url)
    summary = index(fresh_db, music)
    assert (summary.copied, fresh_db.roots()) == (len(NAMES), [url, str(music)])
    with pytest.raises(LibraryError, match="cannot be reached"):
        index(fresh_db, url)


def test_a_folder_that_its_server_does_not_have_any_more_can_be_pruned(fresh_db, bucket):
    _url, client = bucket
    copy_bucket(client, "music", "short")
    index(fresh_db, "s3://bucket/short", limit=2)
    for item in client.list_objects_v2(Bucket="bucket", Prefix="short/")["Contents"]:
        client.delete_object(Bucket="bucket", Key=item["Key"])
    with pytest.raises(LibraryError, match=r"s3://bucket/short does not exist.* --prune --force"):
        index(fresh_db, "s3://bucket/short")
    reporter = RecordingReporter()
    stored = fresh_db.count_vectors()
    assert prune_lost_folder(fresh_db, "s3://bucket/short", force=True, reporter=reporter) == stored > 0
    assert fresh_db.roots() == []
