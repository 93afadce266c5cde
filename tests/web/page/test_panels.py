"""The parts of the page that callbacks fill."""

import json

from explorer.web.page import panels


def test_no_line_of_the_legend_ends_between_a_hyphen_and_a_digit():
    names = ("Electronic (Korg DS-10)", "Singer-songwriter")
    entries = [
        {"colour": "#123456", "name": name, "count": 1, "representative": None, "is_group": True}
        for name in names
    ]
    legend = json.loads(
        json.dumps(panels.legend("Genre", entries, n_groups=2), default=lambda part: part.to_plotly_json())
    )
    rows = [row["props"]["children"][0]["props"] for row in legend[1]["props"]["children"]]
    assert [row["data-group"] for row in rows] == list(names)
    shown = [row["children"][1]["props"]["children"] for row in rows]
    assert shown == ["Electronic (Korg DS\N{NON-BREAKING HYPHEN}10)", "Singer-songwriter"]
