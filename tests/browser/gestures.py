"""Helpers of the browser tests: what a user does on the page, and what the user sees and hears.

The page's Content-Security-Policy forbids `eval`. Playwright evaluates an expression that `wait_for_function`
gets again and again with `eval`, a function only once: so give it functions.
"""

from urllib.parse import parse_qs, urlsplit

from axe_playwright_python.sync_playwright import Axe

from explorer.config import ROOT

MODULES = {path.stem: f"/assets/{path.parent.name}/{path.name}" for path in ROOT.glob("assets/*/*.js")}
EXPOSE = """async (addresses) => {
    const names = Object.keys(addresses);
    const modules = await Promise.all(names.map((name) => import(addresses[name])));
    const byName = Object.fromEntries(names.map((name, i) => [name, modules[i]]));
    window.explorer = { ...byName, state: byName.state.state, update: byName.state.update };
}"""


def expose(page):
    """Make the page's modules available to tests, by the names of their files: `explorer.camera.toPixels`.

    `explorer.state` is the state itself. Call this again after each navigation.
    """
    page.evaluate(EXPOSE, MODULES)


def wait_for_map(page, theme=""):
    """Wait until a page that was loaded has drawn its map and stands still, and expose its modules."""
    page.wait_for_selector(f"#map-frame[data-drawn$='{theme}']" if theme else "#map-frame[data-drawn]")
    expose(page)
    wait_until_still(page)


def visit(page, url):
    """Open an address that has a map in a page."""
    page.goto(url)
    wait_for_map(page)


def pixel_of(page, index):
    """Return the position of a song's point in the window, in pixels."""
    place = page.evaluate("i => explorer.camera.toPixels(...explorer.songs.placeOf(i))", index)
    return place["x"], place["y"]


def pixels_of(page, indices):
    """Return the positions of several songs' points in the window, in pixels."""
    places = page.evaluate(
        "songs => songs.map((i) => explorer.camera.toPixels(...explorer.songs.placeOf(i)))", list(indices)
    )
    return [(place["x"], place["y"]) for place in places]


def click_song(page, index):
    """Move onto a song's point and click it."""
    x, y = pixel_of(page, index)
    page.mouse.move(x - 3, y - 3)
    page.mouse.move(x, y)
    page.mouse.click(x, y)


def wait_until_playing(page, name, beyond=0.3):
    """Wait until a file plays and its position is greater than `beyond` seconds."""
    page.wait_for_function(
        "([name, beyond]) => audio.currentSrc.endsWith(name) && !audio.paused && audio.currentTime > beyond",
        arg=[name, beyond],
    )


def text(page, selector):
    """Return an element's visible text."""
    return page.locator(selector).inner_text()


def open_map_menu(page):
    """Open the menu of the map, unless it is open."""
    if page.locator("#map-menu").is_hidden():
        page.locator("#map-menu-toggle").click()
        page.wait_for_selector("#map-menu", state="visible")


def close_map_menu(page):
    """Close the menu of the map, unless it is closed."""
    if page.locator("#map-menu").is_visible():
        page.locator("#map-menu-toggle").click()
        page.wait_for_selector("#map-menu", state="hidden")


def choose_in_header(page, label):
    """Choose a layout in the menu of the map, which closes then, or a colouring in the header."""
    if label in ("t-SNE", "UMAP", "PCA", "Original"):
        open_map_menu(page)
        page.locator(".layouts").get_by_text(label, exact=True).click()
        close_map_menu(page)
    else:
        page.locator("#colouring").click()
        page.get_by_role("option", name=label, exact=True).click()


def wait_until_drawn(page, drawing):
    """Wait for a drawing, such as "umap genre dark": projection, colouring and theme."""
    page.wait_for_selector(f"#map-frame[data-drawn='{drawing}']:not(.morphing)")


STILL = """() => new Promise((resolve) => {
    let [before, since] = ["", 0];
    const { state, camera } = explorer;
    const compare = (now) => {
        const { width, height } = camera.frameSize();
        const shown = JSON.stringify([state.viewport, camera.freeArea(), width, height]);
        if (shown !== before || camera.isMoving() || state.isGliding) [before, since] = [shown, now];
        if (now - since > 300) resolve();
        else requestAnimationFrame(compare);
    };
    requestAnimationFrame(compare);
})"""


def wait_until_still(page):
    """Wait until the map has not moved for 0.3 s and all CSS animations have ended, except endless ones."""
    page.evaluate(STILL)
    page.evaluate(
        """() => {
            const ends = (animation) => animation.effect.getComputedTiming().endTime < Infinity;
            const animations = document.getAnimations().filter(ends);
            return Promise.allSettled(animations.map((animation) => animation.finished));
        }"""
    )


def hover_song(page, index):
    """Move onto a song's point."""
    x, y = pixel_of(page, index)
    page.mouse.move(x - 2, y - 2)
    page.mouse.move(x, y)


def drag(page, *places):
    """Press at the first place, move to the others, and release."""
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def box_of(page, indices, margin=14):
    """Return the box around songs' points: left, top, right, bottom."""
    places = pixels_of(page, indices)
    xs, ys = [x for x, _ in places], [y for _, y in places]
    return min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + margin


def open_filters(page):
    """Open the filter card with its key, and wait until the server has filled it."""
    page.keyboard.press("f")
    page.wait_for_selector("#filters[data-ready]")
    # The first field gets the focus shortly after the card has opened.
    page.wait_for_function("() => document.activeElement.closest('#filters')")


def wait_for_matching(page, songs):
    """Wait until exactly these of the 24 songs match the filter."""
    page.wait_for_function(
        """expected => {
            const songs = [...Array(24).keys()].filter((i) => explorer.songs.matchesFilter(i));
            return songs.join() === expected;
        }""",
        arg=",".join(map(str, songs)),
    )


def query_of(page):
    """Return the query of the page's address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


METER = """async () => {
    window.context = new AudioContext();
    window.meter = context.createAnalyser();
    context.createMediaStreamSource(audio.captureStream()).connect(meter);
    await context.resume();
}"""
IS_AUDIBLE = """() => {
    const samples = new Float32Array(meter.fftSize);
    meter.getFloatTimeDomainData(samples);
    return Math.hypot(...samples) / Math.sqrt(samples.length) > 0.02;
}"""


def wait_until_audible(page):
    """Wait until the player's audio element produces sound: the root mean square is above 0.02."""
    page.evaluate(METER)
    page.wait_for_function(IS_AUDIBLE)
    page.evaluate("context.close()")


def serious_findings(page):
    """Return the accessibility problems that axe-core calls serious or critical: (rule, places)."""
    return [
        (violation["id"], [(node["target"], node["failureSummary"][:300]) for node in violation["nodes"][:4]])
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
