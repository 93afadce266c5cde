import pytest
from support import RecordingReporter

from explorer.config import Settings
from explorer.database.database import Database
from explorer.errors import LibraryError
from explorer.indexing import refresh_genres as genres_module
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.model import ModelRequest


def interrupted(*_, **__):
    raise KeyboardInterrupt


@pytest.fixture
def index(tmp_path):
    """Index the folder `music` and return the summary, the genres by title, and what was said."""

    def index_it(genre_from=None, *, folder="music", **options):
        listener = RecordingReporter()
        request = ModelRequest(
            models_dir=Settings().models,
            weights="untrained",
            hop_s=1.0,
            precision="float32",
            **options,
        )
        with Database.open(tmp_path / "songs.db") as database:
            summary = index_folder(
                IndexRun(
                    database, tmp_path / folder, request=request, reporter=listener, genre_from=genre_from
                )
            )
            genres = {song.title: song.genres for song in database.songs()}
        return summary, genres, listener.said

    return index_it


@pytest.fixture
def laid_out_by_genre(tmp_path, make_tone):
    """Four songs without tags in two folders, and one at the top with tags."""
    for number, name in enumerate(("blues/a", "blues/b", "hip_hop/c", "hip_hop/d")):
        make_tone(tmp_path / "music" / "genres_original" / f"{name}.wav", frequency_hz=200 + 90 * number)
    tags = {"title": "e", "genre": "Polka; Waltz", "artist": "Somebody"}
    make_tone(tmp_path / "music" / "genres_original" / "blues" / "e.flac", frequency_hz=700, tags=tags)


BY_FOLDER = {"a": ("blues",), "b": ("blues",), "c": ("hip hop",), "d": ("hip hop",)}


@pytest.mark.usefixtures("laid_out_by_genre")
def test_folder_names_are_genres_for_files_without_tags(index):
    _, genres, _ = index()
    assert genres == BY_FOLDER | {"e": ("Polka", "Waltz")}


@pytest.mark.usefixtures("laid_out_by_genre")
def test_known_songs_get_other_genres_without_embedding(index, tmp_path):
    index()
    summary, genres, _ = index("tags")
    assert (summary.indexed, summary.genres_changed) == (0, 4)
    assert genres == dict.fromkeys("abcd", ()) | {"e": ("Polka", "Waltz")}
    summary, genres, _ = index("folder")
    assert (summary.indexed, summary.genres_changed) == (0, 5)
    assert genres == BY_FOLDER | {"e": ("blues",)}
    table = tmp_path / "genres.csv"
    table.write_text("path;genre\ngenres_original/blues/a.wav;Delta|Slow\nb.wav;Delta\n")
    summary, genres, said = index(str(table))
    assert genres == {"a": ("Delta", "Slow"), "b": ("Delta",), "c": (), "d": (), "e": ("Polka", "Waltz")}
    assert any("3 songs are not in" in line for line in said)


@pytest.mark.usefixtures("laid_out_by_genre")
def test_the_choice_applies_to_later_songs(index, tmp_path, make_tone):
    index("folder")
    tags = {"title": "f", "genre": "Polka", "artist": "Somebody"}
    make_tone(tmp_path / "music" / "genres_original" / "hip_hop" / "f.flac", frequency_hz=900, tags=tags)
    summary, genres, _ = index()
    assert (summary.indexed, summary.genres_changed) == (1, 0)
    assert genres["f"] == ("hip hop",)
    _, genres, _ = index("auto")
    assert genres["f"] == ("Polka",)


@pytest.mark.usefixtures("laid_out_by_genre")
def test_a_folder_inside_a_root_is_judged_by_all_songs_of_the_root(index):
    index("folder")
    assert index("folder", folder="music/genres_original/blues")[1] == BY_FOLDER | {"e": ("blues",)}


@pytest.mark.usefixtures("laid_out_by_genre")
def test_an_unreadable_table_changes_nothing(index, tmp_path):
    index()
    with pytest.raises(LibraryError, match=r"none\.csv"):
        index(str(tmp_path / "none.csv"), reindex=True)
    with Database.open_readonly(tmp_path / "songs.db") as database:
        assert database.count_vectors() == 5
    table = tmp_path / "genres.csv"
    table.write_text("path,genre\nc.wav,Trap\n")
    assert index(str(table))[1]["c"] == ("Trap",)
    table.unlink()
    _, genres, said = index()
    assert genres["c"] == ("Trap",)
    assert any("genres.csv" in line for line in said)


@pytest.mark.usefixtures("laid_out_by_genre")
def test_a_choice_is_remembered_only_after_known_songs_have_its_genres(index, tmp_path, monkeypatch):
    index()
    with monkeypatch.context() as stopped:
        stopped.setattr(genres_module.Decoder, "tags_by_track", interrupted)
        with pytest.raises(KeyboardInterrupt):
            index("folder")
    with Database.open_readonly(tmp_path / "songs.db") as database:
        assert database.genre_choice(1) is None
    assert index("folder")[1] == BY_FOLDER | {"e": ("blues",)}
    with Database.open_readonly(tmp_path / "songs.db") as database:
        assert database.genre_choice(1) == "folder"


@pytest.mark.usefixtures("laid_out_by_genre")
def test_a_table_that_matches_no_song_is_reported(index, tmp_path):
    table = tmp_path / "genres.csv"
    table.write_text("path,genre\nelsewhere.wav,Trap\n")
    assert any(line.startswith("NONE of 5 songs is in") for line in index(str(table))[2])
    table.write_text("path,genre\nc.wav,Trap\n")
    said = index(str(table))[2]
    assert any("4 songs are not in" in line for line in said)
    assert not any("NONE" in line for line in said)


@pytest.mark.usefixtures("laid_out_by_genre")
@pytest.mark.parametrize(("choice", "kept"), [("tags", True), ("folder", False)])
def test_a_folder_around_a_root_keeps_the_roots_choice_unless_it_is_folder(
    index, tmp_path, make_tone, choice, kept
):
    index(choice, folder="music/genres_original/blues")
    index()
    with Database.open_readonly(tmp_path / "songs.db") as database:
        assert len(database.roots()) == 1
        (root_id,) = (number for number in range(1, 5) if database.known_files(number))
        assert database.genre_choice(root_id) == (choice if kept else None)


def test_the_table_of_fma_gives_genres_to_numbered_files(index, tmp_path, make_tone):
    for number in (2, 5, 140):
        make_tone(tmp_path / "music" / "000" / f"{number:06d}.flac", frequency_hz=300 + number)
    (tmp_path / "tracks.csv").write_text(
        ",album,track,track,track\n,title,genre_top,genres,title\ntrack_id,,,,\n"
        '2,AWOL,Hip-Hop,"[21, 12]",Food\n5,AWOL,,[12],This World\n140,Live,Folk,[17],Queen\n'
    )
    (tmp_path / "genres.csv").write_text(
        "genre_id,#tracks,parent,title,top_level\n21,1,0,Hip-Hop,21\n12,1,0,Rock,12\n17,1,0,Folk,17\n"
    )
    assert index()[1] == {"000002": (), "000005": (), "000140": ()}
    _, genres, said = index(str(tmp_path / "tracks.csv"))
    assert genres == {"000002": ("Hip-Hop", "Rock"), "000005": ("Rock",), "000140": ("Folk",)}
    assert not any("not in" in line for line in said)


def test_the_counts_of_a_run_are_stored(index, tmp_path, make_tone):
    make_tone(tmp_path / "music" / "a.wav", seconds=2.0)
    (tmp_path / "music" / "b.wav").write_bytes(b"no sound")
    index()
    index()
    with Database.open_readonly(tmp_path / "songs.db") as database:
        (run,) = database.runs()
    assert (run.indexed, run.failed, run.copied) == (1, 1, 0)
    assert run.audio_seconds == pytest.approx(2.0)
    assert run.seconds > 0
    assert run.started.endswith("+00:00")


def test_a_run_ends_with_one_spelling_for_each_genre(index, tmp_path, make_tone):
    for number, genre in enumerate(("Piano", "piano", "piano", "Polka")):
        tags = {"title": f"{number}", "genre": genre, "artist": "Somebody"}
        make_tone(tmp_path / "music" / f"{number}.flac", frequency_hz=200 + 90 * number, tags=tags)
    wanted = {"0": ("piano",), "1": ("piano",), "2": ("piano",), "3": ("Polka",)}
    assert index()[1] == wanted
    summary, genres, _ = index("tags")
    assert (summary.genres_changed, genres) == (0, wanted)
    summary, genres, _ = index("tags")
    assert (summary.genres_changed, genres) == (0, wanted)


def test_a_name_with_an_artist_does_not_hide_the_genre_of_the_folder(index, tmp_path, make_tone):
    for number, name in enumerate(("blues/Ann - A", "blues/Ann - B", "polka/Bob - C", "polka/Bob - D")):
        make_tone(tmp_path / "music" / f"{name}.wav", frequency_hz=200 + 90 * number)
    assert index()[1] == {"A": ("blues",), "B": ("blues",), "C": ("polka",), "D": ("polka",)}
