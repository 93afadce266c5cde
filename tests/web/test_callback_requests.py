import copy
import json
import random

import pytest
from support import store_library

from explorer.config import Settings
from explorer.web.app import create_app
from explorer.web.callback_requests import find_problem
from explorer.web.map.redraw_job import MapJob

NAN, INFINITY = float("nan"), float("inf")
ODD = [
    *(None, True, False, 0, -1, 1.5, 10**30, -(10**400), NAN, INFINITY, -INFINITY, 1e308),
    *("", "a\0b", "\ud800", "\x1b[31m", "x" * 5_000, "__proto__", "..", '{"a": 1}', "search.data"),
    *([], [[]], [{}], [None], [True, False], ["\ud800"], [1, 2, 3], ["x"] * 3_000),
    *({}, {"a": []}, {"id": "search", "property": "data"}),
]
FILTER = {
    "genres": ["Techno"],
    "clusters": ["Techno"],
    "artists": ["Artist 0"],
    "years": [1990, None],
    "duration_s": [0, 10],
    "hide": ["missing"],
}
VIEW = {"projection": "umap", "colouring": "genre", "clusters": 3, "fade": True, "theme": "light"}
VIEW |= {"revision": 1, "changes": "", "filter": FILTER}
VALUES = {"look.data": VIEW, "filter.data": FILTER, "revision.data": 1, "projection.value": "tsne"}
VALUES |= {"filter-artists.value": ["Artist 0"]}
VALUES_OF_PROPERTIES = {"value": 30, "n_clicks": 1, "checked": True, "searchValue": "piece", "n_intervals": 3}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The page of a library of 24 songs, which never makes a new map: a test client."""
    folder = tmp_path_factory.mktemp("callbacks")
    store_library(folder / "songs.db", folder / "music")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MapJob, "start", lambda _job, *options: [option.encode() for option in options])
        yield create_app(Settings(database=folder / "songs.db")).server.test_client()


@pytest.fixture(scope="module")
def bodies(site):
    """A valid request for each callback of the page."""
    return [
        valid_body(each) for each in site.get("/_dash-dependencies").json if not each["clientside_function"]
    ]


def valid_body(callback):
    """Return what the page sends for a callback."""

    def with_value(part):
        name = f"{part['id']}.{part['property']}"
        return part | {"value": VALUES.get(name, VALUES_OF_PROPERTIES.get(part["property"]))}

    output = callback["output"]
    names = [name.rpartition(".") for name in output.strip(".").split("...")]
    outputs = [{"id": control, "property": prop} for control, _, prop in names]
    first = callback["inputs"][0]
    return {
        "output": output,
        "outputs": outputs if output.startswith("..") else outputs[0],
        "inputs": [with_value(part) for part in callback["inputs"]],
        "state": [with_value(part) for part in callback["state"]],
        "changedPropIds": [f"{first['id']}.{first['property']}"],
    }


def ask(site, body):
    """Request a callback's result; return the answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return site.post("/_dash-update-component", data=data, headers={"Content-Type": "application/json"})


def places_in(value, path=()):
    """Yield the keys that lead to each part of a JSON value."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places_in(value[key], (*path, key))


def mutate(body, rng):
    """Replace or remove some parts of a request, most of them inside the values of inputs."""
    body = copy.deepcopy(body)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        places = [place for place in places_in(body) if "value" in place or rng.random() < 0.3]
        *above, last = rng.choice(places or [("output",)])
        holder = body
        for key in above:
            holder = holder[key]
        if rng.random() < 0.1:
            del holder[last]
        else:
            holder[last] = copy.deepcopy(rng.choice(ODD))
        if not body:
            break
    return body


def assert_answered(response, body):
    """Check that an answer is a result, or one sentence."""
    assert response.status_code in (200, 204, 400), (response.status_code, body)
    assert "Content-Security-Policy" in response.headers
    if response.status_code == 400:
        assert response.mimetype == "text/plain"
        assert len(response.text) < 300


def test_the_pages_own_requests_are_answered(site, bodies):
    assert len(bodies) == 7
    for body in bodies:
        assert ask(site, body).status_code == 200, body["output"]


@pytest.mark.parametrize("seed", range(4))
def test_no_mutated_request_is_an_error_of_the_server(site, bodies, seed):
    rng = random.Random(seed)
    statuses = set()
    for _ in range(350):
        body = mutate(rng.choice(bodies), rng)
        response = ask(site, body)
        assert_answered(response, body)
        statuses.add(response.status_code)
    assert {200, 400} <= statuses


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_each_input_may_have_any_value(site, bodies, odd):
    for body in bodies:
        for kind in ("inputs", "state"):
            for number in range(len(body[kind])):
                changed = copy.deepcopy(body)
                changed[kind][number]["value"] = odd
                assert_answered(ask(site, changed), changed)


@pytest.mark.parametrize("part", [*VIEW, *FILTER])
def test_each_part_of_a_view_may_have_any_value(site, bodies, part):
    body = next(body for body in bodies if body["output"].startswith("..drawing"))
    for odd in ODD:
        changed = copy.deepcopy(body)
        view = changed["inputs"][0]["value"]
        (view if part in VIEW else view["filter"])[part] = odd
        assert ask(site, changed).status_code == 200, (part, odd)


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"null", b"[]", b"7", b"NaN", b"\xff", b'"\\ud800"', b"{", b'{"output": 1e999}'),
        *(b"[" * 2_000_000, b'{"output":' * 100_000, b'{"a": ' + b"9" * 10_000 + b"}"),
    ],
    ids=range(12),
)
def test_a_body_of_no_json_or_of_endless_json_is_refused(site, data):
    response = ask(site, data)
    assert response.status_code == 400
    assert_answered(response, data)


def test_a_value_may_nest_deeply(site, bodies):
    body = copy.deepcopy(bodies[0])
    body["inputs"][0]["value"] = "@"
    for depth in range(50, 1_050, 25):
        data = json.dumps(body).replace('"@"', "[" * depth + "]" * depth).encode()
        assert_answered(ask(site, data), depth)


@pytest.mark.parametrize(
    "text",
    [
        *("x" * 3_900_000, "a " * 1_900_000, '"' * 100_000, "*" * 100_000, "(" * 1_000),
        *(" NEAR(", "a OR", "title:x", "a AND NOT", "\0" * 100, "\u0301\u0327" * 100_000, "\ufdfa" * 3_000),
    ],
    ids=range(12),
)
def test_a_search_may_be_any_text(site, bodies, text):
    for output in ("searched.data", "..filter-artists.data...filter-artists.nothingFoundMessage.."):
        body = copy.deepcopy(next(body for body in bodies if body["output"] == output))
        body["inputs"][0]["value"] = text
        assert ask(site, body).status_code == 200


@pytest.mark.parametrize("names", [[f"genre {i}" for i in range(100_000)], ["\u0301\u0327" * 30_000] * 3])
def test_a_filter_may_have_very_many_or_long_names(site, bodies, names):
    body = copy.deepcopy(bodies[0])
    body["inputs"][0]["value"]["filter"] = {"genres": names, "artists": names[:10], "clusters": names[:10]}
    assert ask(site, body).status_code == 200


def test_of_a_repeated_key_the_last_one_counts_for_the_check_and_for_dash(site, bodies):
    data = json.dumps(bodies[0]).encode()
    assert ask(site, data[:-1] + b', "inputs": []}').status_code == 400
    assert ask(site, b'{"inputs": 7, ' + data[1:]).status_code == 200


CALLBACKS = {
    "a.x": {"inputs": [{"id": "b", "property": "y"}], "state": [], "callback": print},
    "c.z": {"inputs": [], "state": []},
}
VALID = {
    "output": "a.x",
    "outputs": {"id": "a", "property": "x"},
    "inputs": [{"id": "b", "property": "y", "value": 1}],
    "changedPropIds": ["b.y"],
}


@pytest.mark.parametrize("parts", [{}, {"changedPropIds": []}, {"inputs": [{"id": "b", "property": "y"}]}])
def test_a_request_of_a_registered_callback_is_valid(parts):
    assert find_problem(VALID | parts, CALLBACKS) is None


@pytest.mark.parametrize(
    "parts",
    [
        {"output": "c.z", "outputs": {"id": "c", "property": "z"}, "inputs": []},
        {"output": ["a.x"]},
        {"outputs": {"id": "c", "property": "z"}},
        {"outputs": [{"id": "a", "property": "x"}]},
        {"outputs": None},
        {"inputs": []},
        {"inputs": [{"id": "b", "property": "y"}] * 2},
        {"inputs": [{"id": {"index": "b"}, "property": "y"}]},
        {"inputs": [{"id": "b"}]},
        {"inputs": [[{"id": "b", "property": "y"}]]},
        {"inputs": {"id": "b", "property": "y"}},
        {"state": [{"id": "b", "property": "y"}]},
        {"state": None},
        {"changedPropIds": ["a.x"]},
        {"changedPropIds": [["b.y"]]},
        {"changedPropIds": "b.y"},
    ],
)
def test_a_request_that_differs_from_its_callback_has_a_problem(parts):
    assert find_problem(VALID | parts, CALLBACKS)
