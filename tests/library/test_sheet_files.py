"""The cue sheets beside the files of a scan."""

import os
from pathlib import Path

import pytest

from explorer.library.scan_rules import ScanOptions
from explorer.library.scanning import scan_folder


@pytest.fixture
def folder(tmp_path):
    for name in ("a/1.flac", "a/2.flac", "a/album.cue", "a/OTHER.CUE", "a/b/3.flac", "4.flac", "cover.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def states(folder, **options):
    return {file.text: file.sheets_state for file in scan_folder(folder, **options)}


def test_files_know_the_sheets_in_their_own_folder(folder):
    files = {file.text: file for file in scan_folder(folder)}
    assert sorted(files) == ["4.flac", "a/1.flac", "a/2.flac", "a/b/3.flac"]
    assert {name for name, file in files.items() if file.sheets} == {"a/1.flac", "a/2.flac"}
    assert files["a/1.flac"].sheet_paths(folder) == [folder / "a" / "OTHER.CUE", folder / "a" / "album.cue"]
    assert files["4.flac"].sheets_state == files["a/b/3.flac"].sheets_state == ""


def test_a_folder_inside_a_root_has_the_same_state(folder):
    assert states(folder / "a", root=folder)["a/1.flac"] == states(folder)["a/1.flac"]


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_bytes(b"xy"),
        lambda path: os.utime(path, (1e9, 1e9)),
        lambda path: path.unlink(),
        lambda path: path.rename(path.with_name("new.cue")),
        lambda path: path.with_name("third.cue").write_bytes(b"x"),
    ],
)
def test_the_state_changes_with_any_sheet(folder, change):
    before = states(folder)
    change(folder / "a" / "album.cue")
    after = states(folder)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"a/1.flac", "a/2.flac"}


def test_without_cue_sheets_no_file_has_a_state(folder):
    assert set(states(folder, options=ScanOptions(cue=False)).values()) == {None}


def test_cue_sheets_are_no_other_files_and_can_be_excluded(folder):
    scan = scan_folder(folder)
    assert (scan.other_files, len(scan.sheets)) == ({".jpg": 1}, 2)
    assert {
        file.text
        for file in scan_folder(folder, options=ScanOptions(exclude=("*.cue", "*.CUE")))
        if file.sheets
    } == set()


def test_a_scan_opens_no_file(folder, monkeypatch):
    monkeypatch.setattr(Path, "open", None)
    monkeypatch.setattr("builtins.open", None)
    assert len(states(folder)) == 4
