import json

import pytest

from explorer.web.data.facets import Filter
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.map.view import MapView

VIEW = {
    "projection": "original",
    "colouring": "length",
    "clusters": 7,
    "fade": True,
    "theme": "light",
    "revision": 3,
    "changes": "1-2-x",
    "filter": {
        "genres": ["Techno"],
        "clusters": ["Quiet"],
        "artists": [],
        "years": [1990, 2000],
        "duration_s": [None, 60.5],
        "hide": ["missing"],
    },
}


def test_a_view_is_returned_in_the_form_in_which_the_page_sends_it():
    assert MapView.parse(VIEW).as_json() == VIEW
    text = json.dumps(MapView.parse({**VIEW, "filter": None}).as_json(), allow_nan=False)
    assert json.loads(text)["filter"] == {
        **{name: [] for name in ("genres", "clusters", "artists", "hide")},
        **dict.fromkeys(("years", "duration_s")),
    }
    assert MapView.parse(json.loads(text)) == MapView.parse({**VIEW, "filter": {}})


@pytest.mark.parametrize(
    "document", [None, 7, [], {"projection": {}, "clusters": "many", "filter": 3, "theme": "x"}]
)
def test_a_malformed_view_has_the_defaults(library, document):
    view = MapView.parse(document)
    assert view == MapView()
    assert (view.theme, view.cluster_count, view.filter) == ("dark", None, Filter())
    assert view.projection_in(CatalogueHolder(library[0]).latest()) == "tsne"
