"""Fixtures of the command line's tests."""

import pytest
from support import write_tone

from explorer.cli.main import run


@pytest.fixture
def run_command(capsys):
    """Run a command and return its exit status, standard output and standard error."""

    def run_it(*arguments):
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return run_it


@pytest.fixture(scope="session")
def indexed(tmp_path_factory):
    """The folder of a library of four indexed songs: songs.db and music/."""
    folder = tmp_path_factory.mktemp("indexed")
    for number in range(4):
        tags = {"title": f"Tone {number}", "artist": "Us"}
        write_tone(folder / "music" / f"{number}.flac", frequency_hz=100 * 4**number, tags=tags)
    model = ["--weights", "untrained", "--hop", "1.0", "--precision", "float32"]
    options = ["--no-map", "--no-previews", "--db", str(folder / "songs.db")]
    assert run(["index", str(folder / "music"), *model, *options]) == 0
    return folder
