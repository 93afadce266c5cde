"""What a person does on the page, and sees."""

from urllib.parse import parse_qs, urlsplit

from axe_playwright_python.sync_playwright import Axe


def pixel_of(page, index):
    """Where a song's point is in the window."""
    place = page.evaluate("i => explorer.map.toPixels(...explorer.map.placeOf(i))", index)
    return place["x"], place["y"]


def pixels_of(page, indices):
    """Where songs' points are in the window."""
    places = page.evaluate(
        "songs => songs.map((i) => explorer.map.toPixels(...explorer.map.placeOf(i)))", list(indices)
    )
    return [(place["x"], place["y"]) for place in places]


def click_song(page, index):
    x, y = pixel_of(page, index)
    page.mouse.move(x - 3, y - 3)
    page.mouse.move(x, y)
    page.mouse.click(x, y)


def wait_until_playing(page, name, beyond=0.3):
    page.wait_for_function(
        "([name, beyond]) => audio.currentSrc.endsWith(name) && !audio.paused && audio.currentTime > beyond",
        arg=[name, beyond],
    )


def text(page, selector):
    return page.locator(selector).inner_text()


def choose(page, label):
    """Choose a view or a colouring in the header."""
    page.locator(".segments").get_by_text(label, exact=True).click()


def wait_until_drawn(page, what):
    """Wait for a drawing: the view, the colouring and the theme."""
    page.wait_for_selector(f"#map-frame[data-drawn='{what}']:not(.morphing)")


STILL = """() => new Promise((resolve) => {
    let [before, since] = ["", 0];
    const look = (now) => {
        const { plot, isMoving, frame } = explorer.map;
        const { xaxis, yaxis } = plot._fullLayout;
        const seen = [xaxis.range, yaxis.range, isMoving, frame.clientWidth, frame.className].join(" ");
        if (seen !== before) [before, since] = [seen, now];
        if (now - since > 300) resolve();
        else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
})"""


def wait_until_still(page):
    """Wait until the map has not moved for 0.3 seconds and no movement of the page is under way."""
    page.evaluate(STILL)
    page.evaluate(
        """() => {
            const ends = (one) => one.effect.getComputedTiming().endTime < Infinity;
            return Promise.allSettled(document.getAnimations().filter(ends).map((one) => one.finished));
        }"""
    )


def hover_song(page, index):
    """Move onto a song's point."""
    x, y = pixel_of(page, index)
    page.mouse.move(x - 2, y - 2)
    page.mouse.move(x, y)


def drag(page, *places):
    """Press at the first place, go over the others, and let go."""
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def around(page, indices, margin=14):
    """The box around songs' points: left, top, right, bottom."""
    places = pixels_of(page, indices)
    xs, ys = [x for x, _ in places], [y for _, y in places]
    return min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + margin


def open_filters(page):
    page.keyboard.press("f")
    page.wait_for_selector("#filters[data-ready]")
    # The first field takes the focus once the card is there.
    page.wait_for_function("document.activeElement.closest('#filters')")


def wait_for_lit(page, songs):
    """Wait until these songs of 24 are lit, and the others are not."""
    page.wait_for_function(
        "songs => JSON.stringify([...Array(24).keys()].filter((i) => explorer.map.isLit(i))) === songs",
        arg="[" + ",".join(map(str, songs)) + "]",
    )


def said(page):
    """What the page's address says."""
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


METER = """async () => {
    window.context = new AudioContext();
    window.meter = context.createAnalyser();
    context.createMediaStreamSource(audio.captureStream()).connect(meter);
    await context.resume();
}"""
IS_HEARD = """() => {
    const samples = new Float32Array(meter.fftSize);
    meter.getFloatTimeDomainData(samples);
    return Math.hypot(...samples) / Math.sqrt(samples.length) > 0.02;
}"""


def wait_until_heard(page):
    """Wait until the player's audio element gives out sound: a root mean square above 0.02."""
    page.evaluate(METER)
    page.wait_for_function(IS_HEARD)
    page.evaluate("context.close()")


def serious_findings(page):
    """What axe-core finds serious or critical on the page: (rule, places)."""
    return [
        (one["id"], [(node["target"], node["failureSummary"][:300]) for node in one["nodes"][:4]])
        for one in Axe().run(page).response["violations"]
        if one["impact"] in ("serious", "critical")
    ]
