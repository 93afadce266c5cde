"""Which files of a folder become songs: videos, excluded files, ignored folders; the choice is remembered."""

import av
import numpy as np
import pytest
from support import RecordingReporter

from explorer.cli.index_sentences import report_summary
from explorer.cli.main import run
from explorer.config import Settings
from explorer.errors import LibraryError
from explorer.indexing.dry_run import plan_dry_run
from explorer.indexing.failures import FailureLog
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.model import ModelRequest
from explorer.indexing.prune import prune
from explorer.library.scan_rules import ScanOptions

REQUEST = ModelRequest(models_dir=Settings().models, weights="untrained", hop_s=1.0)


@pytest.fixture
def music(tmp_path, make_tone):
    folder = tmp_path / "music"
    for number, name in enumerate(("a.flac", "Live/b.flac", "Live/c.wav", "d.flac", "e.flac")):
        make_tone(folder / name, frequency_hz=150 * (number + 1))
    (folder / "cover.jpg").write_bytes(b"picture")
    return folder


def write_video(file):
    rate = 48_000
    with av.open(str(file), "w") as container:
        sound = container.add_stream("aac", rate=rate)
        video = container.add_stream("mpeg4", rate=25, width=64, height=64, pix_fmt="yuv420p")
        for number in range(25):
            picture = np.full((64, 64, 3), 10 * number, dtype=np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        tone = np.sin(np.arange(2 * rate) / 9, dtype=np.float32)[None] / 4
        frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
        frame.sample_rate = rate
        container.mux([*video.encode(None), *sound.encode(frame), *sound.encode(None)])


def index(database, folder, **options):
    options.setdefault("reporter", RecordingReporter())
    return index_folder(IndexRun(database, folder, request=REQUEST, **options))


def songs(database):
    """Return the ids of the songs whose files are not missing."""
    return {song.song_id for song in database.songs()} - database.gone_songs().keys()


def said(summary, tmp_path):
    reporter = RecordingReporter()
    with FailureLog(tmp_path / "failures.log") as log:
        report_summary(summary, log, reporter)
    return "\n".join(reporter.said)


def test_patterns_are_remembered_until_others_are_given(fresh_db, music):
    index(fresh_db, music, exclude=["Live/", "*.wav"])
    assert songs(fresh_db) == {"a.flac", "d.flac", "e.flac"}
    assert index(fresh_db, music).indexed == 0
    # A run of a folder inside the music folder has the options of the music folder.
    reporter = RecordingReporter()
    assert index(fresh_db, music / "Live", reporter=reporter).found == 0
    assert any("left out" in line for line in reporter.said)
    assert index(fresh_db, music, exclude=["*.wav"]).indexed == 1
    assert index(fresh_db, music, exclude=[""]).indexed == 1
    assert len(songs(fresh_db)) == 5


def test_songs_that_are_left_out_later_keep_their_vectors_until_prune(fresh_db, music, tmp_path):
    index(fresh_db, music)
    summary = index(fresh_db, music, exclude=["Live/"])
    assert (summary.gone, summary.left_out, summary.found) == (2, 2, 3)
    assert "2 of these songs are there, but left out" in said(summary, tmp_path)
    assert songs(fresh_db) == {"a.flac", "d.flac", "e.flac"}
    (music / "d.flac").unlink()
    summary = index(fresh_db, music)
    assert (summary.gone, summary.left_out) == (3, 2)
    back = index(fresh_db, music, exclude=[""])
    assert (back.back, back.embedded, back.left_out) == (2, 0, 0)
    index(fresh_db, music, exclude=["Live/b.flac"])
    assert prune(fresh_db, music) == 2
    assert {song.song_id for song in fresh_db.songs()} == {"Live/c.wav", "a.flac", "e.flac"}


def test_an_ignore_file_leaves_songs_out(fresh_db, music):
    index(fresh_db, music)
    (music / "Live" / ".nomedia").touch()
    assert index(fresh_db, music).left_out == 2


def test_a_pattern_that_matches_nothing_is_told(fresh_db, music):
    reporter = RecordingReporter()
    index(fresh_db, music, reporter=reporter, exclude=["Lvie/", "*.wav"])
    assert sum("Lvie/" in line for line in reporter.said) == 1
    assert not any("*.wav" in line for line in reporter.said)
    with pytest.raises(LibraryError, match="'!'"):
        index(fresh_db, music, exclude=["!"])


def test_a_root_around_other_roots_keeps_their_choices(fresh_db, music):
    index(fresh_db, music / "Live", exclude=["*.wav"], video=True)
    index(fresh_db, music)
    assert songs(fresh_db) == {"a.flac", "d.flac", "e.flac", "b.flac"}
    assert fresh_db.scan_options(music) == ScanOptions(True, ("/Live/**/*.wav",))


def test_a_dry_run_respects_the_remembered_patterns_and_writes_none(fresh_db, music):
    index(fresh_db, music, exclude=["Live/"])

    def dry_run(folder, **options):
        return plan_dry_run(fresh_db, folder, retry=False, reporter=RecordingReporter(), **options)

    plan = dry_run(music)
    assert (plan.to_embed, plan.unchanged, plan.gone, plan.passed_over) == (0, 3, [], 1)
    assert dry_run(music, exclude=["/a.*", "*.wav"]).new == [str(music / "Live" / "b.flac")]
    assert dry_run(music, exclude=["/a.*"]).gone == [str(music / "a.flac")]
    assert dry_run(music / "Live").new == []
    assert len(dry_run(music / "Live", exclude=[""]).new) == 2
    assert fresh_db.scan_options(music).exclude == ("Live/",)


def test_a_video_is_passed_over_and_opened_only_once(fresh_db, music, tmp_path):
    write_video(music / "video.mp4")
    write_video(music / "video.avi")
    summary = index(fresh_db, music)
    assert (summary.indexed, summary.failed, summary.found, summary.left) == (5, 0, 5, 0)
    assert (summary.passed_over, fresh_db.failures()) == (3, [])
    assert "3 other files passed over" in said(summary, tmp_path)
    assert "2 of them are videos" in said(summary, tmp_path)
    again = index(fresh_db, music, retry=True)
    assert (again.skipped, again.videos, again.known_videos) == (5, 0, 1)
    assert (again.passed_over, again.failed_before) == (3, 0)
    plan = plan_dry_run(fresh_db, music, retry=False, reporter=RecordingReporter())
    assert (plan.unchanged, plan.unreadable, plan.passed_over) == (5, [], 3)
    (music / "video.mp4").touch()
    plan = plan_dry_run(fresh_db, music, retry=False, reporter=RecordingReporter())
    assert (plan.unchanged, plan.unreadable, plan.passed_over) == (5, [], 3)


def test_videos_are_songs_once_the_user_asks_for_them(fresh_db, music):
    write_video(music / "video.mp4")
    write_video(music / "video.avi")
    index(fresh_db, music)
    plan = plan_dry_run(fresh_db, music, retry=False, video=True, reporter=RecordingReporter())
    assert (plan.new, plan.retried) == ([str(music / "video.avi")], [str(music / "video.mp4")])
    summary = index(fresh_db, music, video=True)
    assert (summary.indexed, summary.failed, summary.passed_over) == (2, 0, 1)
    assert {"video.mp4", "video.avi"} <= songs(fresh_db)
    # The choice is remembered.
    write_video(music / "another.mkv")
    assert index(fresh_db, music).indexed == 1
    without = index(fresh_db, music, video=False)
    assert (without.gone, without.left_out) == (1, 1)
    assert songs(fresh_db) >= {"video.mp4", "another.mkv"}


def test_the_command_counts_other_files(music, tmp_path, capsys):
    arguments = [
        "index",
        str(music),
        "--db",
        str(tmp_path / "songs.db"),
        "--weights",
        "untrained",
        "--hop",
        "1",
    ]
    arguments += ["--no-previews", "--no-map", "--exclude", "Live/", "--exclude", "/a.*"]
    assert run([*arguments, "--json"]) == 0
    out, err = capsys.readouterr()
    assert '"passed_over": 1' in out
    assert '"found": 2' in out
    assert "1 other file passed over (1 .jpg)" in err
    assert run([*arguments[:4], "--dry-run", "--json"]) == 0
    assert '"passed_over": 1' in capsys.readouterr().out
