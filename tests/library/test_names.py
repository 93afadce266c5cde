"""Title and artist from the names of files."""

import pytest

from explorer.library.names import name_song, parse_name


@pytest.mark.parametrize(
    ("stem", "title", "artist"),
    [
        ("01 - Artist - Title", "Title", "Artist"),
        ("Artist - Title", "Title", "Artist"),
        ("01 Title", "Title", ""),
        ("01. Title", "Title", ""),
        ("01) Title", "Title", ""),
        ("01-Title", "Title", ""),
        ("1-03 Title", "Title", ""),
        ("2-02 Artist - Title", "Title", "Artist"),
        ("12 - Title", "Title", ""),
        ("12. Title", "Title", ""),
        ("101. Title", "Title", ""),
        ("Disc 1 - 05 - Title", "Title", ""),
        ("CD2 - 05 - Artist - Title", "Title", "Artist"),
        ("Track 03 - Title", "Title", ""),
        ("Track 03", "Track 03", ""),
        ("Disco - Title", "Title", "Disco"),
        ("001 - Title", "Title", ""),
        ("08. Nena – 99 Luftballons", "99 Luftballons", "Nena"),
        ("Artist - Album - 03 - Title", "Title", "Artist"),
        ("Artist - 05 - Title", "Title", "Artist"),
        ("Artist - Title - Live", "Title - Live", "Artist"),
        ("01_-_Artist_-_The_Title", "The Title", "Artist"),
        ("Artist_-_Title", "Title", "Artist"),
        ("01_The_Title", "The Title", ""),
        # Numbers that belong to the name
        ("7 Seconds", "7 Seconds", ""),
        ("99 Luftballons", "99 Luftballons", ""),
        ("1979", "1979", ""),
        ("01", "01", ""),
        ("01 - 7 Seconds", "7 Seconds", ""),
        ("Smashing Pumpkins - 1979", "1979", "Smashing Pumpkins"),
        ("U2 - 40", "40", "U2"),
        ("50 Cent - In da Club", "In da Club", "50 Cent"),
        ("4 Non Blondes - What's Up", "What's Up", "4 Non Blondes"),
        ("Jay-Z - 99 Problems", "99 Problems", "Jay-Z"),
        ("10.000 Maniacs", "10.000 Maniacs", ""),
        ("007 James Bond", "007 James Bond", ""),
        ("01.02.2003 Live", "01.02.2003 Live", ""),
        ("24_7", "24_7", ""),
        # No artist, or none for certain
        ("311 - Amber", "311 - Amber", ""),
        ("1979 - Title", "1979 - Title", ""),
        ("Title - Live", "Title - Live", ""),
        ("Title - Remastered 2011", "Title - Remastered 2011", ""),
        ("Title - Radio Edit", "Title - Radio Edit", ""),
        ("a-ha", "a-ha", ""),
        ("Artist -", "Artist -", ""),
        ("02 - (I Can't Get No) Satisfaction", "(I Can't Get No) Satisfaction", ""),
        # The names of data sets
        ("000002", "000002", ""),
        ("blues.00000", "blues.00000", ""),
        ("1-100032-A-0", "1-100032-A-0", ""),
        ("some_clip_name", "some_clip_name", ""),
    ],
)
def test_a_name_gives_title_and_artist(stem, title, artist):
    assert parse_name(stem) == (title, artist)


def test_tags_are_completed_by_the_name_and_never_changed():
    name = "01 - Artist - Title"
    assert name_song(name) == ("Title", ("Artist",), True)
    assert name_song(name, title="Other") == ("Other", (), False)
    assert name_song(name, title="title") == ("title", ("Artist",), True)
    assert name_song(name, artists=("ARTIST",)) == ("Title", ("ARTIST",), False)
    assert name_song(name, artists=("Other",)) == ("Artist - Title", ("Other",), False)
    assert name_song(name, title="T", artists=("A", "B")) == ("T", ("A", "B"), False)
    assert name_song("A, B - T", artists=("A", "B")) == ("T", ("A", "B"), False)
