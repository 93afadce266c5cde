"""The page of a damaged or replaced songs.db: each answer is right or says what is wrong."""

import json
import threading

import pytest
from damage_support import (
    INSIDE,
    ONE_SONG,
    SONG,
    WHOLE_LIBRARY,
    force,
    overwritten,
    replace_file,
    store_inside,
)

from explorer.config import Settings
from explorer.database.database import Database
from explorer.errors import UnusableLibraryError
from explorer.web.app import create_app
from explorer.web.data import snapshot
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.page.ids import Ids

REFUSED = "This library cannot be opened"
SOME_DAMAGED = "with damaged values"


def callback(client, output, values):
    """Call the callback of an output; `values` are those of its inputs and states, by id and property."""
    dependencies = client.get("/_dash-dependencies").get_json()
    found = next(d for d in dependencies if output in d["output"] and not d["clientside_function"])

    def filled(inputs):
        keys = [(item["id"], item["property"]) for item in inputs]
        return [{"id": i, "property": p, "value": values.get(f"{i}.{p}")} for i, p in keys]

    names = found["output"].strip(".").split("...")
    outputs = [dict(zip(("id", "property"), name.rsplit(".", 1), strict=True)) for name in names]
    inputs = filled(found["inputs"])
    return client.post(
        "/_dash-update-component",
        json={
            "output": found["output"],
            "outputs": outputs if found["output"].startswith("..") else outputs[0],
            "inputs": inputs,
            "state": filled(found["state"]),
            "changedPropIds": [f"{inputs[0]['id']}.{inputs[0]['property']}"],
        },
    )


def search(client, text):
    return callback(client, f"{Ids.SEARCHED}.data", {f"{Ids.SEARCH}.searchValue": text})


def layout_of(client):
    return json.dumps(client.get("/_dash-layout").get_json(), ensure_ascii=False)


def draw(client, projection="tsne", colouring="cluster"):
    view = {"projection": projection, "colouring": colouring, "revision": 1, "theme": "dark"}
    return callback(client, f"{Ids.DRAWING}.data", {f"{Ids.VIEW}.data": view})


def answers(client):
    """Return the page's layout, and the answers to requests of every kind, by name."""
    layout = layout_of(client)
    urls = ["/latest", "/healthz", "/songs/1/0", "/songs/1/7", "/neighbours/1/7", f"/audio/{SONG}"]
    found = {url: client.get(url) for url in urls}
    found |= {
        f"draw {name}": draw(client, name, colour) for name, colour in (("pca", "artist"), ("original", ""))
    }
    found["search"] = search(client, "waltz")
    found["filters"] = callback(client, f"{Ids.FILTER_GENRES}.data", {f"{Ids.FILTER_TOGGLE}.n_clicks": 1})
    export = {"revision": 1, "songs": [0, 7], "form": "m3u8", "paths": "absolute"}
    found["export"] = client.post("/export", json=export)
    return layout, found


def assert_each_is_explained(found):
    for name, response in found.items():
        if response.status_code >= 400:
            text = response.get_data(as_text=True)
            assert response.status_code in (404, 409, 500, 503), (name, text)
            assert response.mimetype == "text/plain", (name, text)
            assert text.strip(), name
            assert "\n" not in text.strip(), (name, text)
            assert "Traceback" not in text, (name, text)


def client_of(path):
    return create_app(Settings(database=path)).server.test_client()


def found_values(response):
    """Return the values of the options that a search gives."""
    return [option["value"] for option in response.get_json()["response"][Ids.SEARCHED]["data"]["options"]]


def contents(layout, found):
    """Return what a user would miss if songs were left out: counts, and the songs that a search finds.

    A damaged vector with possible values cannot be recognised. It can have fewer neighbours that are alike
    enough to be listed, so their number does not count.
    """
    return (
        "24 songs" in layout,
        found["/latest"].get_json()["songs"],
        found["/healthz"].get_json()["songs"],
        len(found["/neighbours/1/7"].get_json()["neighbours"]) > 0,
        found_values(found["search"]),
        found["export"].get_data(as_text=True).count("\n"),
    )


@pytest.mark.parametrize("first_seed", range(0, 24, 8))
def test_ten_random_overwrites_never_lose_songs_in_silence(library, first_seed):
    path, _ = library
    sound = path.read_bytes()
    whole = contents(*answers(client_of(path)))
    refused = 0
    for seed in range(first_seed, first_seed + 8):
        replace_file(path, overwritten(sound, seed))
        layout, found = answers(client_of(path))
        assert_each_is_explained(found)
        if REFUSED in layout:
            refused += 1
        elif SOME_DAMAGED not in layout:
            assert contents(layout, found) == whole, seed
    assert refused  # The overwrites are strong enough to test something.


@pytest.mark.parametrize("damage", ONE_SONG)
def test_damage_of_one_song_costs_that_song_only(library, damage):
    path, song_ids = library
    force(path, ONE_SONG[damage])
    client = client_of(path)
    layout, found = answers(client)
    assert SOME_DAMAGED in layout
    assert SONG in layout
    # A song without a place is not on the map, and has no number.
    numbers = [client.get(f"/songs/1/by-id/{song_id}").get_json()["index"] for song_id in song_ids]
    assert sum(number is None for number in numbers) == damage.startswith("position")
    own = found.pop(f"/audio/{SONG}")
    assert all(response.status_code == 200 for response in found.values())
    assert own.status_code == (500 if damage == "duration infinite" else 200)
    others = [number for song_id, number in zip(song_ids, numbers, strict=True) if song_id != SONG]
    for number in others[::5]:
        neighbours = client.get(f"/neighbours/1/{number}").get_json()["neighbours"]
        assert len(neighbours) >= 6
        if damage.startswith("vector"):
            assert numbers[song_ids.index(SONG)] not in [song["index"] for song in neighbours]
    if damage.startswith("vector"):
        response = client.get(f"/neighbours/1/{numbers[song_ids.index(SONG)]}")
        assert response.status_code == 500
        assert SONG in response.text


@pytest.mark.parametrize("damage", ["codes cut", "scale infinite", "tempo infinite", "beats cut"])
def test_damaged_windows_and_features_are_named_and_cost_nothing_else(library, damage):
    path, _ = library
    store_inside(path)
    force(path, INSIDE[damage])
    layout, found = answers(client_of(path))
    assert SOME_DAMAGED in layout
    assert SONG in layout
    assert "24 songs" in layout
    assert all(response.status_code == 200 for response in found.values())


def test_a_damaged_basis_of_the_windows_does_not_close_the_page(library):
    path, _ = library
    store_inside(path)
    force(path, "UPDATE window_basis SET mean = x'00'")
    layout, found = answers(client_of(path))
    assert "24 songs" in layout
    assert all(response.status_code == 200 for response in found.values())


@pytest.mark.parametrize("damage", WHOLE_LIBRARY)
def test_a_library_that_is_damaged_as_a_whole_is_refused(library, damage):
    path, _ = library
    force(path, WHOLE_LIBRARY[damage])
    layout, found = answers(client_of(path))
    assert REFUSED in layout
    assert str(path) in layout
    assert_each_is_explained(found)
    # The search does not seem to find nothing: the page shows why.
    assert str(path) in json.dumps(search(client_of(path), "waltz").get_json())


def other_library(tmp_path, make_library, *, titles=None):
    """Return the bytes of a library with the same counts and the same revision."""
    folder = tmp_path / "other"
    make_library(folder / "songs.db", tmp_path / "other music", titles=titles)
    with Database.open(folder / "songs.db") as database, database.transaction():
        # The same numbers mean other songs: each song has the name of another file.
        for name in sorted((row[0] for row in database._rows("SELECT id FROM songs")), reverse=True):
            database._change_id(name, f"{int(name[:3]) + 5:03d}.flac")
    return (folder / "songs.db").read_bytes()


@pytest.mark.parametrize("in_place", [False, True], ids=["another file", "written over"])
def test_numbers_of_a_replaced_library_never_mean_other_songs(library, tmp_path, make_library, in_place):
    path, song_ids = library
    client = client_of(path)
    assert "24 songs" in layout_of(client)
    old = client.get("/latest").get_json()
    assert client.get("/songs/1/0").get_json()["id"] == song_ids[0]
    other = other_library(tmp_path, make_library)
    if in_place:
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        with path.open("r+b") as file:
            file.write(other)
            file.truncate(len(other))
    else:
        replace_file(path, other)
        # Before anything has read the new file, too.
        assert client.get("/songs/1/0").status_code == 409
        assert client.get("/neighbours/1/3").status_code == 409
    new = client.get("/latest").get_json()
    assert new["songs"] == old["songs"]
    assert new["revision"] != old["revision"]
    client.get("/_dash-layout")
    assert client.get("/songs/1/0").status_code == 409
    export = {"revision": 1, "songs": [0], "form": "m3u8", "paths": "absolute"}
    assert client.post("/export", json=export).status_code == 409
    assert client.get(f"/songs/{new['revision']}/0").get_json()["id"] == "005.flac"
    assert client.get("/latest").get_json() == new


def test_a_library_that_disappears_and_comes_back_is_served_again(library):
    path, song_ids = library
    sound = path.read_bytes()
    client = client_of(path)
    client.get("/_dash-layout")
    states = {
        "absent": path.unlink,
        "folder": path.mkdir,
        "empty": path.touch,
        "text": lambda: path.write_text("no database at all " * 400),
        "cut": lambda: path.write_bytes(sound[: len(sound) // 2]),
        "newer": lambda: newer(path, sound),
    }
    for name, make in states.items():
        if path.is_dir():
            path.rmdir()
        elif name != "absent":
            replace_file(path, b"")
            path.unlink()
        make()
        layout, found = answers(client)
        assert "No music here yet" in layout if name == "absent" else REFUSED in layout, name
        assert_each_is_explained(found)
        assert found[f"/audio/{SONG}"].status_code >= 400, name
    replace_file(path, sound)
    layout, found = answers(client)
    assert "24 songs" in layout
    assert found["/songs/1/7"].get_json()["id"] == song_ids[7]


def newer(path, sound):
    replace_file(path, sound)
    force(path, WHOLE_LIBRARY["newer schema"])


def test_a_damaged_library_that_is_restored_in_place_is_served_again(library):
    path, _ = library
    sound = path.read_bytes()
    path.write_bytes(overwritten(sound, 1)[:20_000])
    client = client_of(path)
    assert REFUSED in layout_of(client)
    assert client.get("/healthz").status_code == 500
    path.write_bytes(sound)
    assert "24 songs" in layout_of(client)
    assert json.loads(client.get("/healthz").text) == {"songs": 24}


def test_a_large_library_is_shown_while_a_thread_checks_it(library, monkeypatch):
    path, song_ids = library
    force(path, WHOLE_LIBRARY["index of the search is empty"])
    monkeypatch.setattr(snapshot, "QUICKLY_CHECKED_BYTES", 0)
    monkeypatch.setattr(snapshot, "_CHECK_DELAY_S", 0)
    holder = CatalogueHolder(path)
    assert len(holder.latest()) == len(song_ids)
    for thread in threading.enumerate():
        if thread.name == "check":
            thread.join(60)
    with pytest.raises(UnusableLibraryError, match=path.name):
        holder.latest()
