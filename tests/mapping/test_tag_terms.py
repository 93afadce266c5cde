import pytest

from explorer.mapping.tag_terms import (
    MAX_NAME_LENGTH,
    Names,
    Term,
    choose_names,
    is_made_of,
    is_site,
    short_forms,
)


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("Jazz", ["Jazz"]),
        ("Electronic (IDM beat)", ["Electronic (IDM beat)", "Electronic", "IDM beat"]),
        ("Game soundtrack (instrumental, short)", ["Game soundtrack", "Instrumental, short"]),
        ("Folk (singer-songwriter)", ["Folk (singer-songwriter)", "Folk", "Singer-songwriter"]),
        ("Music for a Nineteenth Century Salon", ["Music for a Nineteenth"]),
        ("Songs of Love and the Sea and More", ["Songs of Love"]),
        ("freesound.org contributor (see README)", ["freesound.org"]),
        ("Found at https://freemusicarchive.org/x", ["https://freemusicarchiv…"]),
        ("(2020)", ["(2020)"]),
        ("Donaudampfschifffahrtsmusik", ["Donaudampfschifffahrtsm…"]),
    ],
)
def test_a_term_has_short_forms(text, forms):
    assert short_forms(text) == forms
    assert all(len(form) <= MAX_NAME_LENGTH for form in forms)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("freemusicarchive.org", True),
        ("www.jamendo.com/artist", True),
        ("Downloaded from Beatport.com", True),
        ("R.E.M.", False),
        ("Mr. Scruff", False),
        ("Techno", False),
        ("Dr. Dre & Co", False),
    ],
)
def test_the_addresses_of_sites_are_found(text, expected):
    assert is_site(text) is expected


def _terms(*texts):
    return [Term(text, score, 0.5) for text, score in zip(texts, (1.0, 0.5, 0.4, 0.3), strict=False)]


@pytest.mark.parametrize(
    ("clusters", "names"),
    [
        ([["Techno"], ["Jazz"]], ["Techno", "Jazz"]),
        ([["Techno"], ["Techno", "Dub"]], ["Techno", "Dub · Techno"]),
        ([["Techno"], ["Techno", "Minimal Techno"]], ["Techno", "Minimal Techno"]),
        # Another cluster has that term as its best one.
        ([["Techno"], ["Techno", "Dub", "Bass"], ["Dub"]], ["Techno", "Bass · Techno", "Dub"]),
        # Both do not fit in one name.
        (
            [["Game soundtrack"], ["Game soundtrack", "Orchestral suite"]],
            ["Game soundtrack", "Orchestral suite"],
        ),
        # Nothing else is true, but a cut name still differs.
        ([["Drum and Bass"], ["Drum Circle"]], ["Drum and Bass", "Drum Circle"]),
        ([["Electronic"], ["Electronic (IDM beat)"]], ["Electronic", "IDM beat"]),
        ([["Techno"], ["Techno"], []], ["Techno", "Techno 2", "Cluster 3"]),
        ([["Ambient"], ["Electronic"], ["Electronic", "Ambient"]], ["Ambient", "Electronic", "Electronic 2"]),
    ],
)
def test_names_differ_at_their_beginnings(clusters, names):
    assert choose_names([_terms(*texts) for texts in clusters], [None] * len(clusters)) == names


def test_the_cluster_with_the_highest_score_gets_the_term_alone():
    weaker = [Term("Techno", 0.4, 0.5), Term("Dub", 0.3, 0.5)]
    assert choose_names([weaker, _terms("Techno")], [None, None]) == ["Dub · Techno", "Techno"]


def test_a_term_of_almost_no_song_is_no_second_term():
    rare = [Term("Techno", 0.5, 0.5), Term("Dub", 0.4, 0.05)]
    assert choose_names([_terms("Techno"), rare], [None, None]) == ["Techno", "Techno 2"]


def test_a_kept_name_is_not_given_again():
    assert choose_names([_terms("Techno", "Dub"), _terms("Techno")], [None, "Techno"]) == [
        "Dub · Techno",
        "Techno",
    ]


def test_names_of_older_versions_that_begin_alike_are_not_kept():
    clusters = [_terms("Techno"), _terms("Techno", "Dub"), _terms("Techno", "Bass"), _terms("Jazz")]
    kept = [None, "Techno · Dub", "Techno · Bass", None]
    names = choose_names(clusters, kept)
    assert names == ["Techno", "Techno · Dub", "Bass · Techno", "Jazz"]


def test_beginnings_are_compared_by_words_and_without_case():
    names = Names(["Hip-Hop", "Rock (live)"])
    assert not names.is_unlike("hip swing")
    assert not names.is_unlike("rock")
    assert names.is_unlike("Hipster")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Techno", True),
        ("techno", True),
        ("Techno 2", True),
        ("Dub · Techno", True),
        ("Dub · Jazz", False),
        ("IDM beat", True),
        ("Cluster 2", False),
        ("Techno" * 5, False),
    ],
)
def test_a_name_is_made_of_the_terms_that_are_true(name, expected):
    assert is_made_of(name, ["Techno", "Dub", "Electronic (IDM beat)"]) is expected
    assert not is_made_of(name, [])


@pytest.mark.parametrize(
    ("clusters", "names"),
    [
        # The cluster of which something else is true leaves the term to the one of which nothing else is.
        ([["Techno", "Dub"], ["Techno"]], ["Dub · Techno", "Techno"]),
        (
            [["Game soundtrack (instrumental, short)"], ["Game soundtrack"], ["Game soundtrack", "Fantasy"]],
            ["Instrumental, short", "Game soundtrack", "Fantasy"],
        ),
        # Another cluster has the other term as its best one.
        ([["Techno", "Jazz"], ["Techno"], ["Jazz"]], ["Techno", "Techno 2", "Jazz"]),
    ],
)
def test_a_number_is_the_last_resort(clusters, names):
    assert choose_names([_terms(*texts) for texts in clusters], [None] * len(clusters)) == names


def test_a_term_that_distinguishes_little_but_is_frequent_is_better_than_a_number():
    long = Term("Game soundtrack", 1.0, 0.5)
    for share, name in ((0.3, "Instrumental rock"), (0.15, "Game soundtrack 2")):
        other = Term("Instrumental rock", 0.1, share)
        assert choose_names([[Term("Game soundtrack", 2.0, 0.9)], [long, other]], [None, None])[1] == name


def test_a_kept_number_goes_if_something_else_is_true():
    clusters = [_terms("Techno"), _terms("Techno", "Dub"), _terms("Techno")]
    kept = ["Techno", "Techno 2", "Techno 3"]
    assert choose_names(clusters, kept) == ["Techno", "Dub · Techno", "Techno 3"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("piano", "Piano"),
        ("hip hop", "Hip hop"),
        ("iPop", "iPop"),
        ("Industrial", "Industrial"),
        ("freemusicarchive.org", "freemusicarchive.org"),
        ("élan", "Élan"),
        ("音楽", "音楽"),
    ],
)
def test_names_begin_with_a_capital_letter(text, name):
    assert choose_names([_terms(text)], [None]) == [name]
    assert choose_names([_terms(text)], [text]) == [name]
