"""The page on a phone with touch, in Chromium."""

import pytest
from gestures import (
    choose_in_header,
    pixel_of,
    pixels_of,
    serious_findings,
    text,
    wait_until_playing,
    wait_until_still,
)


@pytest.fixture
def phone(site, share_page):
    return share_page(site[0], width=390, height=844, touch=True)


def tap_song(page, index):
    page.touchscreen.tap(*pixel_of(page, index))
    wait_until_playing(page, f"{index:03d}.flac")


def test_a_phone_has_every_control(phone):
    page = phone
    # Two fingers zoom and do not play a song.
    before = page.evaluate("explorer.state.viewport.scale")
    fingers = """(gap) => {
        const frame = explorer.camera.frame();
        const send = (kind, id, x) => frame.dispatchEvent(new PointerEvent(kind, {
            pointerId: id, pointerType: "touch", clientX: x, clientY: 400, bubbles: true,
        }));
        send("pointerdown", 11, 195 - 40);
        send("pointerdown", 12, 195 + 40);
        for (let spread = 40; spread <= gap; spread += 10) {
            send("pointermove", 11, 195 - spread);
            send("pointermove", 12, 195 + spread);
        }
        send("pointerup", 11, 195 - gap);
        send("pointerup", 12, 195 + gap);
    }"""
    page.evaluate(fingers, 120)
    page.wait_for_function("before => explorer.state.viewport.scale < before / 2.2", arg=before)
    assert page.evaluate("audio.paused")
    page.locator("#zoom-fit").tap()
    wait_until_still(page)
    # The layouts are in the menu of the map, and the legend is behind a button.
    assert page.get_by_text("UMAP", exact=True).is_hidden()
    page.locator("#map-menu-toggle").tap()
    page.get_by_text("UMAP", exact=True).tap()
    page.wait_for_selector("#map-frame[data-drawn^='umap']")
    assert page.locator("[data-click='upload-button']").is_visible()
    page.locator("#map-menu-toggle").tap()
    page.wait_for_selector("#map-menu", state="hidden")
    choose_in_header(page, "Genre")
    page.wait_for_selector("#map-frame[data-drawn='umap genre dark']")
    assert page.locator("#legend").is_hidden()
    page.locator("#legend-toggle").tap()
    page.wait_for_selector("#legend", state="visible")
    page.locator("#legend-toggle").tap()
    page.wait_for_selector("#legend", state="hidden")
    page.locator("#search").tap()
    page.keyboard.type("waltz")
    page.wait_for_selector(".suggestion")


def test_the_panel_of_a_phone_closes_when_it_is_pulled_down(phone):
    page = phone
    assert page.locator("#panel").is_hidden()
    tap_song(page, 14)
    page.wait_for_selector("#panel .song-row")
    panel = page.locator("#panel").bounding_box()
    assert panel["y"] > 300
    page.wait_for_function("top => explorer.camera.freeArea().bottom < top", arg=panel["y"])
    wait_until_still(page)
    assert all(y < panel["y"] for _, y in pixels_of(page, range(24)))
    # It is accessible in both themes.
    for theme in ("dark", "light"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_selector(f"#map-frame[data-drawn$='{theme}']")
        wait_until_still(page)
        assert serious_findings(page) == []
    # A neighbour plays, and the panel can be closed.
    assert "Waltz piece 14" in text(page, "#panel-song")
    page.locator("#panel-song .row-play").nth(2).tap()
    page.wait_for_function("() => !audio.currentSrc.endsWith('014.flac') && audio.currentTime > 0.2")
    page.mouse.move(195, panel["y"] + 14)
    page.mouse.down()
    page.mouse.move(195, panel["y"] + 90, steps=4)
    page.mouse.up()
    page.wait_for_selector("#panel", state="hidden")


@pytest.mark.parametrize("width", [320, 390])
def test_the_bar_of_a_phone_shows_the_times_and_has_large_targets(site, share_page, width):
    page = share_page(site[0], width=390, height=844, touch=True)
    tap_song(page, 14)
    page.set_viewport_size({"width": width, "height": 700})
    for time in ("#elapsed", "#duration"):
        assert page.locator(time).is_visible()
    assert text(page, "#duration") == "0:20"
    for target in ("#previous", "#play", "#next", "#repeat", "#seek input"):
        box = page.locator(target).bounding_box()
        assert min(box["width"], box["height"]) >= 44, target
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


WORDS = """() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const words = [];
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        if (node.parentElement.checkVisibility()) words.push(node.data);
    }
    return words.join(" ");
}"""
SMALL_TARGETS = """() => {
    const targets = document.querySelectorAll("button, select, summary, [role=tab], #search, #colouring");
    return [...targets]
        .filter((target) => target.checkVisibility() && !target.closest(".mantine-NumberInput-section"))
        .map((target) => [target.id || target.className, target.getBoundingClientRect()])
        .filter(([, { width, height }]) => height && (Math.round(height) < 40 || Math.round(width) < 40))
        .map(([name, { width, height }]) => `${name} ${width} x ${height}`);
}"""


def test_a_phone_has_large_targets_and_no_words_of_mouse_and_keyboard(phone):
    page = phone
    page.locator("#panel-open").tap()
    page.wait_for_selector("#panel", state="visible")
    for opened in (None, "#map-menu-toggle", "#legend-toggle", "#filter-toggle"):
        if opened:
            page.locator(opened).tap()
        words = page.evaluate(WORDS)
        for word in ("Click", "click", "hover", "Hover", "key", "Esc"):
            assert word not in words, (opened, word)
        assert page.evaluate(SMALL_TARGETS) == []
        if opened in ("#map-menu-toggle", "#legend-toggle"):
            page.locator(opened).tap()
    # Opening the filters does not raise the keyboard.
    assert page.locator("#filters").is_visible()
    assert not page.evaluate("document.activeElement.matches('input')")
    page.locator("#filter-toggle").tap()
    # The times of the song are visible.
    tap_song(page, 14)
    assert page.locator("#elapsed").is_visible()
    assert page.locator("#duration").is_visible()


def test_names_on_a_phone_are_not_over_the_buttons_of_the_map(phone):
    page = phone
    page.evaluate("explorer.camera.panBy(60, 250)")
    wait_until_still(page)
    tools = page.locator(".map-tools").bounding_box()
    shown = [label.bounding_box() for label in page.locator(".labels span.shown").all()]
    assert all(box["y"] + box["height"] <= tools["y"] for box in shown)
