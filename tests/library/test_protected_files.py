import shutil
from pathlib import Path

import pytest

from explorer.cli.main import run
from explorer.config import Settings
from explorer.database.database import Database
from explorer.errors import LibraryError
from explorer.library.protected_files import refuse_to_overwrite


@pytest.fixture
def protected(library, tmp_path, monkeypatch):
    """A folder with a library and links to it, another library, weights, and a file that a command reads."""
    shutil.copy(library[0], tmp_path / "other")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "openvino.bin").write_text("network")
    monkeypatch.setattr(Settings, "models", property(lambda _: tmp_path / "models"))
    (tmp_path / "my weights").write_bytes(b"\x89HDF\r\n\x1a\n" + b"0" * 100)
    (tmp_path / "read.txt").write_text("read")
    (tmp_path / "symlink.csv").symlink_to("songs.db")
    (tmp_path / "dangling.csv").symlink_to("songs.db-wal")
    (tmp_path / "hardlink.csv").hardlink_to(tmp_path / "songs.db")
    (tmp_path / "folder").symlink_to(tmp_path)
    (tmp_path / "kept.csv").write_text("may be replaced")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("songs.db", "the library itself"),
        ("./music/../songs.db", "the library itself"),
        ("symlink.csv", "the library itself"),
        ("hardlink.csv", "the library itself"),
        ("folder/songs.db", "the library itself"),
        ("songs.db-wal", "a part of the library"),
        ("songs.db-shm", "a part of the library"),
        ("songs.db-journal", "a part of the library"),
        ("SONGS.DB-WAL", "a part of the library"),
        ("dangling.csv", "a part of the library"),
        ("folder/songs.db-wal", "a part of the library"),
        (".songs.db.lock", "a part of the library"),
        (".songs.db.indexing", "a part of the library"),
        ("songs.db.neighbours", "a part of the library"),
        ("other", "a part of a database"),
        ("other-wal", "a part of a database"),
        ("models/openvino.bin", "a file of weights"),
        ("my weights", "a file of weights"),
        ("music/000.flac", "a song"),
        ("music/../read.txt", "a file that this command reads"),
    ],
)
def test_what_a_library_needs_is_not_replaced(protected, monkeypatch, name, role):
    monkeypatch.chdir(protected)
    for out in (Path(name), protected / name):
        with pytest.raises(LibraryError, match=rf"is {role}.*--out"):
            refuse_to_overwrite(out, database=protected / "songs.db", reads=["read.txt", "none", None])


def test_a_library_behind_a_link_is_protected_where_it_is(protected, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.db"
    link.symlink_to(protected / "songs.db")
    for out in (
        link,
        protected / "songs.db",
        protected / "songs.db-wal",
        tmp_path / "elsewhere" / "link.db-wal",
    ):
        with pytest.raises(LibraryError):
            refuse_to_overwrite(out, database=link)


@pytest.mark.parametrize(
    "name", ["kept.csv", "new.csv", "songs.csv", "songs.db.csv", "music/new.flac", "music"]
)
def test_other_files_may_be_written(protected, name):
    refuse_to_overwrite(protected / name, database=protected / "songs.db", reads=["read.txt"])
    refuse_to_overwrite(None, database=protected / "songs.db")
    refuse_to_overwrite(protected / "new.html", database=protected / "none.db")


@pytest.mark.parametrize(
    ("command", "out"),
    [
        ("export --format csv --out OUT", "songs.db-wal"),
        ("export --format csv --out OUT", "music/000.flac"),
        ("export --format tsv --out OUT", "tsv"),
        ("report --recompute 0 --out OUT", "songs.db-wal"),
        ("similar 000.flac --m3u8 --out OUT", "songs.db-journal"),
        ("similar read.wav --json --out OUT", "read.wav"),
        ("embed read.wav --weights untrained --out OUT", "songs.db-wal"),
        ("embed read.wav --weights untrained --out OUT", "read.wav"),
        ("compare 000.flac 001.flac --projection tsne --out OUT", "figures"),
        ("synth OUT --format wav --seconds 0.5", "sounds"),
        ("synth OUT --format wav --seconds 0.5", "sounds2"),
    ],
)
def test_every_command_that_writes_files_refuses(protected, monkeypatch, capsys, command, out):
    """The database is open in another program, so that it has a log and songs.db alone is not the library."""
    monkeypatch.chdir(protected)
    shutil.copy("music/001.flac", "read.wav")
    (protected / "tsv.metadata.tsv").symlink_to("songs.db-wal")
    for folder, name in (("figures", "distance.svg"), ("sounds", "sweep.wav"), ("sounds2", "sweep.wav")):
        (protected / folder).mkdir(exist_ok=True)
        (protected / folder / name).symlink_to(protected / ("songs.db-wal" if "2" in folder else "songs.db"))
    with Database.open(protected / "songs.db") as library:
        with library.transaction():
            library._rows("UPDATE songs SET id = id")
        before = {path: path.read_bytes() for path in protected.rglob("*") if path.is_file()}
        arguments = [
            *command.replace("OUT", out).split(),
            *(["--db", "songs.db"] if "synth" not in command else []),
        ]
        assert run(arguments) == 1
        after = {path: path.read_bytes() for path in before}
        changed = {path.name for path in before if before[path] != after[path]} - {"songs.db-shm"}
        assert changed == set()
    assert "Traceback" not in capsys.readouterr().err


def test_a_default_output_that_is_a_link_is_refused_before_the_work(library, tmp_path, capsys):
    (tmp_path / "precious").write_text("old")
    (tmp_path / "report.html").symlink_to("precious")
    assert run(["report", "--db", str(library[0]), "--recompute", "0"]) == 1
    printed = capsys.readouterr()
    assert "report.html is a symbolic link" in printed.err
    assert printed.out == ""
    assert (tmp_path / "precious").read_text() == "old"
