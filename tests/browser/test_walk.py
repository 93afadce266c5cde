"""The panel, and going from song to song, in Chromium."""

from gestures import click_song, pixels_of, text, wait_until_playing


def furthest(places, axis, sign):
    """Return the song that is furthest to one side."""
    return max(range(len(places)), key=lambda i: sign * places[i][axis])


def title(page):
    return text(page, "#panel-song .panel-title")


def test_the_panel_lists_the_songs_that_sound_like_the_selected_song(page):
    assert "Nothing is selected" in text(page, "#panel-song")
    click_song(page, 10)
    wait_until_playing(page, "010.flac")
    page.wait_for_selector("#panel-song .song-row")
    panel = text(page, "#panel-song")
    for part in ("Waltz piece 10", "Artist 1", "Album", "Waltz", "0:20", "More like Waltz piece 10"):
        assert part in panel
    rows = page.locator("#panel-song .song-row")
    # The songs of the other genres do not sound like it.
    assert rows.count() == 7
    values = [float(value) for value in page.locator(".row-value").all_inner_texts()]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.8
    name = rows.nth(0).locator(".row-main").evaluate("button => button.textContent")
    assert name.endswith(f", similarity {values[0]:.2f}")
    heading = page.locator("#panel-song .panel-list-head [role=heading]")
    assert heading.count() == 1
    assert "next" not in heading.inner_text()
    neighbours = page.evaluate("explorer.state.neighbours.map((neighbour) => neighbour.index)")
    assert [int(row.get_attribute("data-index")) for row in rows.all()] == neighbours
    # A neighbour's play button plays it, and the panel stays.
    row, index = rows.nth(3), neighbours[3]
    row.locator(".row-play").click()
    wait_until_playing(page, f"{index:03d}.flac")
    assert title(page) == "Waltz piece 10"
    assert "playing" in row.get_attribute("class")
    assert page.locator("#mark").get_attribute("data-index") == str(index)
    row.locator(".row-play").click()
    page.wait_for_function("() => audio.paused")
    # Its second button selects it.
    name = row.locator(".row-title").inner_text()
    row.locator(".row-explore").click()
    page.wait_for_function("name => document.querySelector('.panel-title').textContent === name", arg=name)
    # The cover is shown if the file has one.
    click_song(page, 4)
    page.wait_for_selector(".cover img")
    assert page.evaluate("document.querySelector('.cover img').naturalWidth") == 1
    click_song(page, 6)
    page.wait_for_function("() => document.querySelector('.panel-title').textContent.includes('piece 6')")
    assert page.locator(".cover img").count() == 0


def test_arrow_keys_go_to_the_nearest_song_in_their_direction(site, open_page):
    page = open_page(site[0])
    assert page.locator("#announcer").get_attribute("aria-live") == "polite"
    # If no song is selected, the arrow keys begin in the middle of the map.
    page.keyboard.press("ArrowUp")
    page.wait_for_function("() => !audio.paused && audio.currentTime > 0.2")
    places = pixels_of(page, range(24))
    for key, axis, sign in (
        ("ArrowLeft", 0, -1),
        ("ArrowRight", 0, 1),
        ("ArrowUp", 1, -1),
        ("ArrowDown", 1, 1),
    ):
        # Start at the song furthest in the opposite direction, so that there always is a next one.
        start = furthest(places, axis, -sign)
        click_song(page, start)
        wait_until_playing(page, f"{start:03d}.flac")
        page.keyboard.press(key)
        page.wait_for_function("i => explorer.state.playing !== i", arg=start)
        arrived = page.evaluate("explorer.state.playing")
        assert sign * (places[arrived][axis] - places[start][axis]) > 0
        wait_until_playing(page, f"{arrived:03d}.flac")
        title = page.evaluate("async i => (await explorer.api.getSong(i)).title", arrived)
        page.wait_for_function("title => announcer.textContent.startsWith('Playing ' + title)", arg=title)
    # At the edge there is no next song.
    last = furthest(places, 0, 1)
    click_song(page, last)
    wait_until_playing(page, f"{last:03d}.flac")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => announcer.textContent.includes('no song in that direction')")
