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
