import pytest

from explorer.errors import LibraryError
from explorer.library.scan_rules import (
    FolderRules,
    ScanOptions,
    ignore_text,
    is_hidden,
    is_system_folder,
    merged_options,
)

CHOSEN = ScanOptions(video=True, exclude=("Live/", "*.wav"))


def left_out(exclude, *paths, folder=""):
    rules = FolderRules.above(folder, ScanOptions(exclude=tuple(exclude)), lambda _: {})
    return [path for path in paths if rules.leaves_out(path)]


@pytest.mark.parametrize("name", ["...Baby One More Time.mp3", "...And Justice for All", "....mp3", "..x"])
def test_a_name_that_begins_with_an_ellipsis_is_not_hidden(name):
    assert not is_hidden(name)


@pytest.mark.parametrize("name", [".hidden", "._...Baby One More Time.mp3", "._song.mp3", ".Trash-1000"])
def test_a_name_that_begins_with_one_dot_is_hidden(name):
    assert is_hidden(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "#recycle",
            "$RECYCLE.BIN",
            "$Recycle.Bin",
            "@Recycle",
            "@eaDir",
            "#snapshot",
            "@Recently-Snapshot",
        ),
        *("lost+found", "__MACOSX", "System Volume Information", "RECYCLER", "found.000", "FOUND.123"),
        *("Network Trash Folder", "Temporary Items", "~snapshot"),
    ],
)
def test_recycle_bins_and_snapshots_are_no_folders_of_music(name):
    assert is_system_folder(name)
    assert FolderRules().leaves_out(f"Music/{name}/")
    assert not FolderRules().leaves_out(f"Music/{name}")


@pytest.mark.parametrize(
    "name", ["Recycle", "Snapshot", "found.mp3", "Found 000", "Lost + Found", "found.0001"]
)
def test_folders_with_similar_names_may_hold_music(name):
    assert not is_system_folder(name)


def test_patterns_are_those_of_gitignore():
    paths = ("Live/", "a/Live/", "a.wav", "b/a.wav", "a.mp3", "Live.mp3")
    assert left_out(["Live/", "*.wav"], *paths) == ["Live/", "a/Live/", "a.wav", "b/a.wav"]
    assert left_out(["/Live/", "*.wav", "!/a.wav"], *paths) == ["Live/", "b/a.wav"]
    assert left_out(["caf\u00e9*"], "cafe\u0301.mp3") == ["cafe\u0301.mp3"]
    assert left_out(["*.wav"], "caf\udce9.wav") == ["caf\udce9.wav"]


def test_the_rules_of_a_folder_are_none_if_a_folder_above_is_left_out():
    options = ScanOptions(exclude=("Live/",))
    assert FolderRules.above("a/Live/b/", options, lambda _: {}) is None
    assert FolderRules.above("a/b/", options, {"": {}, "a/": {".nomedia": ""}}.get) is None


@pytest.mark.parametrize(
    ("name", "text", "is_left_out"),
    [
        (".nomedia", "", True),
        (".nomedia", "anything", True),
        (".ndignore", "", True),
        (".ndignore", "# a comment\n\n", True),
        (".plexignore", "\n", True),
        (".plexignore", "*.wav\n", False),
        (".ndignore", "*.wav\n", False),
    ],
)
def test_an_ignore_file_leaves_its_folder_out_or_holds_patterns(name, text, is_left_out):
    inside = FolderRules().inside("a/", {name: text})
    assert (inside is None) == is_left_out
    if inside:
        assert inside.leaves_out("a/b/x.wav")
        assert not inside.leaves_out("a/b/x.mp3")
    # The user named the root itself.
    assert FolderRules().inside("", {name: text}) is not None


def test_patterns_of_a_folder_inside_decide_but_not_against_the_user():
    rules = FolderRules.above("", ScanOptions(exclude=("c.wav",)), lambda _: {})
    inside = rules.inside("a/", {".ndignore": "*.wav"}).inside("a/b/", {".plexignore": "!*.wav"})
    paths = ("a/x.wav", "a/b/x.wav", "a/b/c.wav", "a/b/x.mp3")
    assert [path for path in paths if inside.leaves_out(path)] == ["a/x.wav", "a/b/c.wav"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_ignore_files_are_in_unicode(encoding):
    assert ignore_text("a.wav\r\n".encode(encoding)) == "a.wav\r\n"
    assert ignore_text(b"\xff\xfe") == ""
    assert ignore_text(b"caf\xe9.wav") == "caf\udce9.wav"


def test_patterns_of_a_folder_are_relative_to_it():
    inside = FolderRules().inside("a/", {".ndignore": "/demo\n[bad\n!"})
    assert inside.leaves_out("a/demo/")
    assert not inside.leaves_out("a/b/demo/")


def test_options_survive_storing():
    assert ScanOptions.from_json(CHOSEN.to_json()) == CHOSEN
    assert ScanOptions.from_json("{}") == ScanOptions()


def test_options_that_are_not_given_stay():
    assert CHOSEN.updated(video=None, exclude=None) == CHOSEN
    assert CHOSEN.updated(video=False, exclude=["x"]) == ScanOptions(False, ("x",))
    assert CHOSEN.updated(video=None, exclude=[""]) == ScanOptions(True, ())
    with pytest.raises(LibraryError, match=r"'!'"):
        CHOSEN.updated(video=None, exclude=["!"])


def test_a_pattern_of_an_option_may_begin_with_a_hash():
    options = ScanOptions().updated(video=None, exclude=["#old"])
    assert left_out(options.exclude, "#old/", "old/") == ["#old/"]


@pytest.mark.parametrize("pattern", ["Live/", "/Live/", "a/Live", "*.wav", "!/keep.wav", "**/x"])
@pytest.mark.parametrize("folder", ["rock", "a [1]/b*"])
def test_patterns_of_a_root_inside_another_match_the_same_files(pattern, folder):
    paths = ["Live/", "a/Live/", "b/Live/x/", "x.wav", "keep.wav", "b/x", "x"]
    patterns = ["*.wav", pattern] if pattern.startswith("!") else [pattern]
    outer = ScanOptions(exclude=tuple(patterns)).below(folder)
    expected = [f"{folder}/{path}" for path in left_out(patterns, *paths)]
    assert left_out(outer.exclude, *(f"{folder}/{path}" for path in paths)) == expected
    assert left_out(outer.exclude, *paths) == []


def test_a_root_made_of_several_keeps_their_songs():
    assert merged_options([CHOSEN, ScanOptions(exclude=("x",))]) == ScanOptions(True, ("Live/", "*.wav", "x"))
    assert merged_options([]) == ScanOptions()


def test_patterns_that_match_nothing_are_found():
    options = ScanOptions(exclude=("Live/", "Lvie/", "!x"))
    assert options.unmatched([b"a/Live/", b"b.wav"]) == ["Lvie/"]
