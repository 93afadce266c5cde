"""Filters in Chromium: what filters is told, the legend and the fields are one, and scales give colours."""

import pytest
from gestures import (
    choose_in_header,
    hover_song,
    open_filters,
    open_map_menu,
    query_of,
    serious_findings,
    text,
    wait_for_map,
    wait_for_matching,
    wait_until_drawn,
    wait_until_still,
)
from pixels import colour_at, distance, group_colour, picture

CONTRAST = """() => {
    const channels = (css) => css.match(/[\\d.]+/g).map(Number);
    const over = ([r, g, b, a = 1], below) => [r, g, b].map((value, i) => value * a + below[i] * (1 - a));
    const luminance = (rgb) => {
        const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        const [r, g, b] = rgb.map((value) => linear(value / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
    };
    const field = document.getElementById("filter-genres");
    const behind = (element) => channels(getComputedStyle(element).backgroundColor);
    const card = behind(document.getElementById("filters"));
    const ground = over(behind(field.closest(".mantine-MultiSelect-input")), card);
    const style = getComputedStyle(field, "::placeholder");
    const [r, g, b, a = 1] = channels(style.color);
    const ink = over([r, g, b, a * Number(style.opacity)], ground);
    const [dark, light] = [luminance(ink), luminance(ground)].sort((a, b) => a - b);
    return light / dark;
}"""


def wait_for_chips(page, *texts):
    """Wait until the bar has exactly these chips."""
    page.wait_for_function(
        """texts => {
            const shown = [...document.querySelectorAll(".filter-chip-text")].map((chip) => chip.textContent);
            return shown.join("|") === texts;
        }""",
        arg="|".join(texts),
    )


def box(page, selector):
    """Return an element's edges: left, top, right, bottom."""
    edges = page.locator(selector).bounding_box()
    return edges["x"], edges["y"], edges["x"] + edges["width"], edges["y"] + edges["height"]


def overlaps(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def test_a_chip_for_each_condition_says_what_filters_and_removes_it(page):
    open_filters(page)
    page.evaluate(
        """() => explorer.filters.restore({
            genres: ["Waltz", "Techno"], clusters: [], artists: ["Artist 0"], years: [1971, 1975],
            duration_s: null, hide: [],
        })"""
    )
    wait_for_matching(page, range(1, 6))
    wait_for_chips(page, "Genre: Waltz", "Genre: Techno", "Artist: Artist 0", "Year: 1971 – 1975")
    page.get_by_role("button", name="Remove the filter year: 1971 – 1975").click()
    wait_for_chips(page, "Genre: Waltz", "Genre: Techno", "Artist: Artist 0")
    # With the keyboard, the focus goes on to the next chip, and at last to the button of the filters.
    page.get_by_role("button", name="Remove the filter artist: Artist 0").focus()
    page.keyboard.press("Enter")
    wait_for_matching(page, range(16))
    page.wait_for_function("() => document.activeElement.textContent === 'Genre: Techno'")
    page.keyboard.press("Enter")
    wait_for_chips(page, "Genre: Waltz")
    page.keyboard.press("Enter")
    wait_for_matching(page, range(24))
    page.wait_for_function("() => document.activeElement.id === 'filter-toggle'")
    assert page.locator("#filter-state").is_hidden()


def test_a_row_of_the_legend_is_the_filter_by_its_name(page, site):
    row = page.locator("#legend [data-group]").nth(1)
    name = row.get_attribute("data-group")
    row.click()
    wait_for_matching(page, range(8, 16))
    wait_for_chips(page, f"Cluster: {name}")
    assert query_of(page) == {"cluster": name}
    # The same cluster in the field is the same state: the row is pressed, and takes the filter back.
    page.locator("#show-all").click()
    wait_for_matching(page, range(24))
    page.evaluate("name => dash_clientside.set_props('filter-clusters', { value: [name] })", name)
    wait_for_matching(page, range(8, 16))
    page.wait_for_selector("#legend [data-group][aria-pressed=true]")
    assert page.locator("#legend [aria-pressed=true]").get_attribute("data-group") == name
    row.click()
    wait_for_matching(page, range(24))
    wait_for_chips(page)
    assert query_of(page) == {}
    # A genre stays filtered by when artists give the colours.
    choose_in_header(page, "Genre")
    wait_until_drawn(page, "tsne genre dark")
    page.locator("#legend [data-group='Waltz']").click()
    wait_for_matching(page, range(8, 16))
    choose_in_header(page, "Artist")
    wait_until_drawn(page, "tsne artist dark")
    wait_for_chips(page, "Genre: Waltz")
    assert query_of(page) == {"colour": "artist", "genre": "Waltz"}
    page.reload()
    wait_for_map(page)
    wait_for_matching(page, range(8, 16))


def test_the_focus_stays_on_the_row_of_the_legend(page):
    row = page.locator("#legend [data-group]").nth(1)
    name = row.get_attribute("data-group")
    row.focus()
    for is_pressed in ("true", "false"):
        page.keyboard.press("Enter")
        page.wait_for_selector(f"#legend [data-group='{name}'][aria-pressed={is_pressed}]")
        page.wait_for_function("name => document.activeElement.dataset.group === name", arg=name)
    page.keyboard.press("Enter")
    page.wait_for_selector(f"#legend [data-group='{name}'][aria-pressed=true]")
    page.locator("#show-all").focus()
    page.keyboard.press("Enter")
    wait_for_matching(page, range(24))
    assert page.evaluate("document.activeElement.id") == "filter-toggle"


def test_a_cluster_that_the_map_does_not_have_is_removed_from_the_filter(site, open_page):
    page = open_page(site[0] + "?cluster=Nothing&only=2")
    page.wait_for_function("() => !explorer.state.view.filter.clusters.length")
    wait_for_matching(page, range(24))
    assert page.locator("#filter-state").is_hidden()
    page.evaluate("dash_clientside.set_props('filter-clusters', { value: ['Other'] })")
    page.locator(".toast", has_text="no cluster called “Other”").wait_for()
    page.wait_for_function("() => !explorer.state.view.filter.clusters.length")


def test_the_bar_covers_no_name_on_the_map(page):
    choose_in_header(page, "Genre")
    wait_until_drawn(page, "tsne genre dark")
    page.evaluate("explorer.filters.add('genre', 'Waltz')")
    wait_for_matching(page, range(8, 16))
    wait_until_still(page)
    # Move the map until the group lies below the bar.
    bar = box(page, "#filter-state")
    place = page.evaluate("() => explorer.labels && explorer.camera.toPixels(...explorer.songs.placeOf(10))")
    for down in range(0, 60, 6):
        page.evaluate(
            "([dx, dy]) => explorer.camera.panBy(dx, dy)",
            [(bar[0] + bar[2]) / 2 - place["x"], bar[3] + down - place["y"]],
        )
        wait_until_still(page)
        place = page.evaluate("explorer.camera.toPixels(...explorer.songs.placeOf(10))")
        for label in page.locator(".labels span.shown").all():
            edges = label.bounding_box()
            label_box = (edges["x"], edges["y"], edges["x"] + edges["width"], edges["y"] + edges["height"])
            assert not overlaps(bar, label_box)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_placeholders_can_be_read_and_open_lists_and_values_cover_no_field(page, theme):
    page.emulate_media(color_scheme=theme)
    wait_until_drawn(page, f"tsne cluster {theme}")
    open_filters(page)
    assert page.evaluate(CONTRAST) >= 4.5
    page.locator("#filter-genres").click()
    page.wait_for_selector("#filters .mantine-MultiSelect-dropdown >> visible=true")
    options = box(page, "#filters .mantine-MultiSelect-dropdown >> visible=true")
    for selector in ("label[for='filter-genres']", "#filter-clusters", "label[for='filter-clusters']"):
        assert not overlaps(options, box(page, selector)), selector
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.getElementById('filter-genres').dataset.expanded !== 'true'")
    page.get_by_role("slider", name="Year: to").hover()
    page.wait_for_selector("#filter-years-field .mantine-RangeSlider-label", state="visible")
    bubble = box(page, "#filter-years-field .mantine-RangeSlider-label >> visible=true >> nth=0")
    assert not overlaps(bubble, box(page, "#filter-years-field .range-label"))
    assert not overlaps(bubble, box(page, "#filter-duration-field .range-label"))


def test_enter_takes_the_first_match_of_the_field_and_escape_closes_only_the_list(page):
    open_filters(page)
    page.locator("#filter-genres").click()
    page.keyboard.type("wal")
    page.keyboard.press("Enter")
    wait_for_matching(page, range(8, 16))
    wait_for_chips(page, "Genre: Waltz")
    page.evaluate("explorer.filters.clear()")
    wait_for_matching(page, range(24))
    # The server chooses the artists: Enter waits for them.
    page.locator("#filter-artists").click()
    page.keyboard.type("artist 2")
    page.keyboard.press("Enter")
    wait_for_matching(page, range(16, 24))
    wait_for_chips(page, "Artist: Artist 2")
    page.locator("#filter-clusters").click()
    page.wait_for_selector("#filter-clusters[data-expanded=true]")
    page.keyboard.press("Escape")
    page.wait_for_selector("#filter-clusters:not([data-expanded=true])")
    assert page.locator("#filters").is_visible()
    assert page.evaluate("document.activeElement.id") == "filter-clusters"
    page.keyboard.press("Escape")
    page.wait_for_selector("#filters", state="hidden")


def test_no_songs_match_is_said_with_the_chips_that_can_be_removed(page):
    page.evaluate("explorer.filters.add('genre', 'Waltz')")
    wait_for_matching(page, range(8, 16))
    page.evaluate("explorer.filters.add('artist', 'Artist 0')")
    page.wait_for_function("() => explorer.state.map.meta.lit === 0")
    wait_for_chips(page, "Genre: Waltz", "Artist: Artist 0")
    assert text(page, "#filter-count") == "No songs match these filters"
    assert serious_findings(page) == []


def test_a_number_of_clusters_beyond_the_limit_becomes_the_limit(page):
    open_map_menu(page)
    assert text(page, "#clusters-field label") == "Clusters 1 to 24"
    field = page.locator("#clusters")
    field.fill("")
    field.press_sequentially("60")
    assert field.input_value() == "60"
    field.blur()
    page.wait_for_function("() => document.getElementById('clusters').value === '24'")
    page.wait_for_function("() => explorer.state.map.meta.view.clusters === 24")


def test_the_map_can_be_coloured_by_year_and_length(page, site, open_page):
    choose_in_header(page, "Year")
    wait_until_drawn(page, "tsne year dark")
    lines = text(page, "#legend").splitlines()
    assert lines[:2] == ["Year", "12 songs"]
    assert {"1970", "1981"} <= set(lines)
    assert lines[-2:] == ["No year", "12"]
    colours = page.evaluate("[0, 5, 11, 12].map((i) => explorer.songs.colourOf(i))")
    assert len(set(colours)) == 4
    assert colours[3] == page.evaluate("explorer.songs.colourOf(20)")
    wait_until_still(page)
    image = picture(page)
    places = page.evaluate("[3, 20].map((i) => explorer.camera.toPixels(...explorer.songs.placeOf(i)))")
    for song, place in zip((3, 20), places, strict=True):
        assert distance(colour_at(image, (place["x"], place["y"])), group_colour(page, song)) < 45
    hover_song(page, 3)
    page.wait_for_selector("#tooltip:not([hidden])")
    assert "1973" in text(page, "#tooltip")
    hover_song(page, 20)
    page.wait_for_function("() => document.getElementById('tooltip').textContent.includes('No year')")
    # The clusters' names stay on the map, and the address has the colouring.
    assert page.locator(".labels span.shown").count() == 3
    assert query_of(page) == {"colour": "year"}
    assert serious_findings(page) == []
    other = open_page(site[0] + "?colour=length", theme="light")
    wait_until_drawn(other, "tsne length light")
    assert {"0:10", "0:20"} <= set(text(other, "#legend").splitlines())
    # A group that filters, and colours by a scale, go together.
    page.evaluate("explorer.filters.add('genre', 'Waltz')")
    wait_for_matching(page, range(8, 16))
    choose_in_header(page, "Length")
    wait_until_drawn(page, "tsne length dark")
    wait_for_matching(page, range(8, 16))
