"""What a person does on the page, and sees."""


def pixel_of(page, index):
    """Where a song's point is in the window."""
    place = page.evaluate("i => explorer.map.toPixels(...explorer.map.placeOf(i))", index)
    return place["x"], place["y"]


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


LEVEL = """async (element) => {
    window.meters ||= new Map();
    if (!meters.has(element)) {
        const context = new AudioContext();
        const meter = context.createAnalyser();
        context.createMediaStreamSource(element.captureStream()).connect(meter);
        await context.resume();
        meters.set(element, meter);
    }
    await new Promise((resolve) => setTimeout(resolve, 150));
    const samples = new Float32Array(meters.get(element).fftSize);
    meters.get(element).getFloatTimeDomainData(samples);
    return Math.hypot(...samples) / Math.sqrt(samples.length);
}"""


def level(page):
    """How loud the player's audio element is: the root mean square of what it gives out."""
    return page.locator("#audio").evaluate(LEVEL)
