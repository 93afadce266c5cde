import unicodedata

import numpy as np
import pytest

from explorer.errors import MappingError
from explorer.mapping.cluster_names import EarlierNames, Vocabulary, name_clusters

HOSTILE = [
    "<script>alert(1)</script>",
    "x" * 10_000,
    "two\nlines\r\n\tand\x00nul\x1b[31m",
    "👩‍👩‍👧‍👦" * 12,
    "مرحبا بالعالم وكل من فيه يا سلام",
    "\u202egnp.exe\u2066",
    "e\u0301" * 40,
    "\ud800 lone surrogate",
    "音楽",
]


def _song(genres=(), artist=None, album=None, title=None):
    return {"genres": list(genres), "artist": artist, "album": album, "title": title}


def _is_well_formed(name):
    return (
        0 < len(name) <= 24
        and name == name.strip()
        and not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in name)
        and not set(name) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
    )


def test_a_cluster_is_named_after_the_genre_that_distinguishes_it():
    documents = [
        _song(["Music", genre], f"Artist {i}") for i, genre in enumerate(["Techno"] * 5 + ["Jazz"] * 5)
    ]
    assert name_clusters([0] * 5 + [1] * 5, documents) == ["Techno", "Jazz"]


def test_a_genre_of_several_words_stays_one_term():
    documents = [_song(["Drum and Bass"])] * 3 + [_song(["Drum Circle"])] * 3
    assert name_clusters([0, 0, 0, 1, 1, 1], documents) == ["Drum and Bass", "Drum Circle"]


def test_a_term_that_all_clusters_have_names_none_of_them():
    documents = [_song(["Alternative", genre]) for genre in ("House", "Folk", "Metal") for _ in range(4)]
    assert name_clusters(np.repeat([0, 1, 2], 4), documents) == ["House", "Folk", "Metal"]


def test_a_genre_outweighs_an_artist_and_an_artist_outweighs_a_title():
    documents = [_song(["Ambient"], f"A{i % 2}", "Blue", "Ocean") for i in range(6)]
    documents += [_song([], "Neon Harbour", None, f"Rain {i}") for i in range(6)]
    documents += [_song([], None, None, "Winter Song") for _ in range(6)]
    assert name_clusters(np.repeat([0, 1, 2], 6), documents) == ["Ambient", "Neon Harbour", "Winter"]


def test_of_clusters_with_the_same_genre_all_but_one_begin_with_another_term():
    documents = [_song(["Techno", "Minimal"])] * 4 + [_song(["Techno"])] * 4 + [_song(["Jazz"])] * 4
    assert name_clusters(np.repeat([0, 1, 2], 4), documents) == ["Minimal", "Techno", "Jazz"]
    documents = [_song(["Techno"])] * 5 + [_song(["Techno"])] * 4 + [_song(["Techno", "Dub"])] * 2
    assert name_clusters(np.repeat([0, 1], [5, 6]), documents) == ["Techno", "Dub"]


def test_an_artist_names_a_cluster_only_if_most_of_its_songs_are_theirs():
    documents = [_song(["Techno"], "Kite" if i < 3 else f"Solo {'ABC'[i - 3]}") for i in range(6)]
    documents += [_song(["Techno"], "Moss" if i < 4 else f"Duo {'AB'[i - 4]}") for i in range(6)]
    names = name_clusters(np.repeat([0, 1], 6), documents)
    assert names == ["Techno", "Moss"]


@pytest.mark.parametrize(("own", "name"), [(5, "Cluster 1"), (6, "freemusicarchive.org")])
def test_a_site_names_a_cluster_only_if_most_of_its_songs_are_from_it(own, name):
    site = "freemusicarchive.org (see the licence)"
    for field in ("genres", "artist", "album"):
        documents = [{field: site if field != "genres" else [site]}] * own + [{}] * (10 - own)
        assert name_clusters([0] * 10 + [1], [*documents, _song(["Jazz"])]) == [name, "Jazz"]


def test_clusters_with_the_same_terms_are_numbered():
    assert name_clusters([0, 1, 2], [_song(["Techno"])] * 3) == ["Techno", "Techno 2", "Techno 3"]


def test_a_numbered_name_does_not_take_the_name_of_another_cluster():
    documents = [_song(["Techno"]), _song(["Techno"]), _song(["techno 2"]), _song(["Cluster 4"]), _song()]
    names = name_clusters([0, 1, 2, 4, 3], documents)
    assert len({name.casefold() for name in names}) == 5


def test_a_cluster_without_meaningful_tags_is_named_by_its_number_from_one():
    documents = [_song(["Techno"]), _song(["Jazz"]), _song(["Unknown"], "Various Artists", "", "Track 03")]
    assert name_clusters([0, 1, 2], documents) == ["Techno", "Jazz", "Cluster 3"]


def test_a_cluster_without_songs_has_a_name():
    assert name_clusters([0, 2], [_song(["Techno"]), _song(["Jazz"])]) == ["Techno", "Cluster 2", "Jazz"]


def test_stop_words_and_numbers_of_titles_are_not_names():
    documents = [
        _song(title=title) for title in ("The Track 12 (Remix) feat. 2", "01 - In My Love", "1999 Live Mix")
    ]
    assert name_clusters([0, 1, 2], documents) == ["Cluster 1", "Love", "Cluster 3"]


def test_spellings_that_differ_in_case_or_width_are_one_term_and_the_most_frequent_is_shown():
    genres = ("techno", "Techno", "Techno", "ＴＥＣＨＮＯ", "House", "House", "House")
    assert name_clusters([0] * 7, [_song([genre]) for genre in genres]) == ["Techno"]


def test_line_breaks_and_control_characters_become_spaces():
    assert name_clusters([0], [_song(["Drum\r\nand\t\x00Bass"])]) == ["Drum and Bass"]


def test_documents_can_be_tuples_and_every_field_can_be_missing():
    documents = [(["Techno"], "A", "B", "C"), ("Jazz",), (), {}, {"artist": "Kite"}, (None, None, None, None)]
    names = name_clusters(range(6), documents)
    assert names == ["Techno", "Jazz", "Cluster 3", "Cluster 4", "Kite", "Cluster 6"]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["genres", "artist", "album", "title"])
def test_hostile_text_gives_a_short_name_on_one_line(text, field):
    value = [text] if field == "genres" else text
    for name in name_clusters(
        [0, 1, 2], [{field: value}, {field: value}, {"genres": ["Jazz"], field: value}]
    ):
        assert _is_well_formed(name), ascii(name)
        name.encode("utf-8")


def test_names_from_all_hostile_texts_together_are_different():
    documents = [_song([text], text, text, text) for text in HOSTILE * 3]
    names = name_clusters(range(len(documents)), documents)
    assert len({name.casefold() for name in names}) == len(documents)
    assert all(map(_is_well_formed, names))


def test_two_long_terms_are_both_shortened():
    genre = "Melodic Progressive Deep House"
    documents = [
        _song([genre], artist) for artist in ("The Oslo Chamber Orchestra", "Radio Telescope Ensemble") * 6
    ]
    names = name_clusters([0, 1] * 6, documents)
    assert len(set(names)) == 2
    for name in names:
        assert len(name) <= 24


def test_a_long_name_is_shortened_to_whole_words():
    assert name_clusters([0], [_song(["Melodic Progressive Deep House Music"])]) == [
        "Melodic Progressive Deep"
    ]
    assert name_clusters([0], [_song(["Donaudampfschifffahrtsmusik"])]) == ["Donaudampfschifffahrtsm…"]


def test_a_name_is_not_cut_between_a_letter_and_its_accent():
    # Unicode has no precomposed q with an acute accent, so the accent stays a separate character.
    (name,) = name_clusters([0], [_song(["q\u0301" * 30])])
    assert name.endswith("\u0301…")


def _library(n, seed=0):
    rng = np.random.default_rng(seed)
    genres = ["Techno", "techno", "Jazz", "Jazz 2", "Folk", "House"]
    return [
        _song(
            [genres[g] for g in rng.integers(len(genres), size=rng.integers(3))],
            f"Artist {rng.integers(30)}",
            f"Album {rng.integers(60)}" if i % 3 else None,
            f"{i % 20:02d} - {('Rain', 'rain', 'Night Train', 'TECHNO')[rng.integers(4)]}",
        )
        for i in range(n)
    ]


def test_a_vocabulary_gives_the_same_names_as_the_documents():
    documents = _library(200)
    vocabulary = Vocabulary.of(documents)
    assert len(vocabulary) == 200
    for k in (30, 2, 7):
        labels = np.arange(200) % k
        names = name_clusters(labels, vocabulary)
        assert names == name_clusters(labels, documents)
        assert len({name.casefold() for name in names}) == k


def test_a_terms_weight_is_the_sum_of_its_fields_each_counted_once():
    vocabulary = Vocabulary.of(
        [_song(["Rain", "rain"], "Kite", None, "Rain, rain and Kite"), _song(), _song(["Kite"])]
    )
    assert vocabulary.terms == ["Kite", "Rain"]
    np.testing.assert_array_equal(vocabulary.weights.toarray(), [[2.5, 6.5], [0, 0], [6, 0]])


def test_songs_without_tags_have_an_empty_vocabulary():
    vocabulary = Vocabulary.of([_song()] * 3)
    assert name_clusters([0, 1, 1], vocabulary) == ["Cluster 1", "Cluster 2"]
    assert name_clusters([], Vocabulary.of([])) == []


def test_of_terms_with_equal_scores_the_first_in_the_alphabet_is_the_name():
    documents = [_song([f"Style {letter}" for letter in "NCLBKAIHJGFEDM"]), _song(["Jazz"])]
    assert name_clusters([0, 1], documents) == ["Style A", "Jazz"]


def test_the_genre_of_one_song_does_not_name_a_cluster_in_which_several_songs_share_a_genre():
    genres = ["Ambient"] * 4 + [f"Whim {'ABCDEFGHIJKLMNOPQRSTU'[i]}" for i in range(21)]
    labels, documents = [0] * 25, [_song([genre]) for genre in genres]
    for label in range(1, 20):
        labels += [label] * 25
        documents += [_song([f"Genre {label}"])] * 23 + [_song(["Ambient"])] + [_song(["Folk"])]
    assert name_clusters(labels, documents) == ["Ambient", *(f"Genre {label}" for label in range(1, 20))]


def test_no_artist_of_a_few_songs_names_a_cluster():
    artists = ["Kite"] * 12 + [f"Duo {chr(65 + i // 2)}" for i in range(88)]
    labels, documents = [0] * 100, [_song([], artist) for artist in artists]
    for label in range(1, 10):
        labels += [label] * 100
        documents += [_song([], f"Artist {label}")] * 92 + [_song([], "Kite")] * 8
    names = name_clusters(labels, documents)
    assert names == ["Cluster 1", *(f"Artist {label}" for label in range(1, 10))]


def test_a_genre_of_all_clusters_names_no_cluster_that_has_a_rarer_genre():
    documents = [_song(["Rock", "Indie"])] * 40 + [_song(["Rock"])] * 60
    documents += [_song(["Rock", "Blues"])] * 40 + [_song(["Rock"])] * 60
    assert name_clusters(np.repeat([0, 1], 100), documents) == ["Indie", "Blues"]


def test_what_a_genre_has_in_parentheses_can_be_its_name():
    plain, long = ["Game soundtrack"], ["Game soundtrack (cinematic electronic)"]
    documents = [_song(long)] * 6 + [_song(plain)] * 9 + [_song(["Jazz"])] * 30
    names = name_clusters(np.repeat([0, 1, 2], [6, 9, 30]), documents)
    assert names == ["Cinematic electronic", "Game soundtrack", "Jazz"]


def test_a_second_term_that_contains_the_first_is_the_whole_name():
    documents = [_song(["Techno", "Minimal Techno"])] * 2 + [_song(["Techno"])] * 7
    documents += [_song(["Techno", "Hard Techno"])] * 2 + [_song(["Techno"])] * 7
    documents += [_song(["Jazz"])] * 30
    names = name_clusters(np.repeat([0, 1, 2], [9, 9, 30]), documents)
    assert names == ["Techno", "Hard Techno", "Jazz"]


def test_a_genre_is_spelled_as_in_most_genre_tags():
    documents = [_song(["hip hop"], title="Hip-Hop")] * 3 + [_song(["Hip-Hop"])] * 2 + [_song(["Jazz"])]
    documents += [_song(["Jazz"], title="Hip-Hop Hip-Hop")] * 9
    assert name_clusters([0] * 5 + [1] * 10, documents) == ["Hip hop", "Jazz"]


def _two_clusters(first, second, n=10):
    return [_song([first])] * n + [_song([second])] * n, np.repeat([0, 1], n)


def test_a_name_stays_while_it_is_true():
    documents, labels = _two_clusters("Techno", "Jazz")
    documents[:4] = [_song(["Techno", "Club"])] * 4
    earlier = EarlierNames(labels, ["Club · Techno", "Jazz"])
    assert name_clusters(labels, documents) == ["Techno", "Jazz"]
    assert name_clusters(labels, documents, earlier=earlier) == ["Club · Techno", "Jazz"]


def test_a_name_stays_when_one_song_is_added_although_another_would_be_better_now():
    documents = [_song(["Techno"])] * 10 + [_song(["House"])] * 9 + [_song(["Jazz"])] * 20
    labels = np.repeat([0, 1], [19, 20])
    before = name_clusters(labels, documents)
    more = [*documents, *[_song(["House"])] * 2]
    new_labels = np.r_[1 - labels, 1, 1]
    earlier = EarlierNames(np.r_[labels, -1, -1], before)
    assert before == ["Techno", "Jazz"]
    assert name_clusters(new_labels, more) == ["Jazz", "House"]
    assert name_clusters(new_labels, more, earlier=earlier) == ["Jazz", "Techno"]


def test_a_name_goes_when_it_is_true_no_more():
    documents, labels = _two_clusters("Techno", "Jazz")
    earlier = EarlierNames(labels, ["Folk", "Jazz"])
    assert name_clusters(labels, documents, earlier=earlier) == ["Techno", "Jazz"]
    documents = [_song(["Techno"], "Kite")] * 4 + [_song(["Techno"], f"X{'abcdef'[i]}") for i in range(6)]
    earlier = EarlierNames([0] * 10, ["Kite · Techno"])
    assert name_clusters([0] * 10, documents, earlier=earlier) == ["Techno"]


def test_the_name_of_a_divided_cluster_stays_with_its_largest_part():
    documents = [_song(["Techno"])] * 10 + [_song(["Jazz"])] * 5
    labels = np.repeat([0, 1, 2], [4, 6, 5])
    earlier = EarlierNames(np.repeat([0, 1], [10, 5]), ["Techno", "Jazz"])
    assert name_clusters(labels, documents, earlier=earlier) == ["Techno 2", "Techno", "Jazz"]


def test_an_earlier_name_that_is_too_long_or_a_number_goes():
    documents, labels = _two_clusters("Game soundtrack", "Jazz")
    earlier = EarlierNames(labels, ["Game soundtrack · Game soundtrack", "Cluster 2"])
    assert name_clusters(labels, documents, earlier=earlier) == ["Game soundtrack", "Jazz"]


def test_names_do_not_depend_on_the_order_of_songs():
    rng = np.random.default_rng(0)
    genres = ["Techno", "Jazz", "Folk"]
    labels = rng.integers(0, 5, 60)
    documents = [
        _song([genres[rng.integers(3)]], f"Artist {rng.integers(9)}", f"Album {rng.integers(9)}")
        for _ in labels
    ]
    order = rng.permutation(60)
    assert name_clusters(labels, documents) == name_clusters(labels[order], [documents[i] for i in order])


def test_all_names_of_many_clusters_are_different():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 60, 600)
    documents = [_song([["Techno", "Jazz"][i % 2]], "Kite", "Blue", "Rain") for i in range(600)]
    names = name_clusters(labels, documents)
    assert len(names) == 60
    assert len({name.casefold() for name in names}) == 60


def test_without_songs_there_are_no_names():
    assert name_clusters([], []) == []


def test_labels_that_do_not_fit_the_documents_are_an_error():
    with pytest.raises(MappingError, match="1 documents"):
        name_clusters([0, 1], [_song()])
    with pytest.raises(MappingError, match="-1"):
        name_clusters([-1], [_song()])


def test_a_name_stays_only_with_more_than_a_third_of_its_songs():
    documents = [_song(["Techno", "Club"])] * 12 + [_song(["Jazz"])] * 8
    labels = np.repeat([0, 1], [12, 8])
    for moved, name in ((5, "Club · Techno"), (4, "Club")):
        before = np.r_[np.zeros(moved), -np.ones(20 - moved)].astype(int)
        # The other songs of the earlier cluster are in the other one now, of which its name is not true.
        before[12 : 12 + 12 - moved] = 0
        earlier = EarlierNames(before, ["Club · Techno"])
        assert name_clusters(labels, documents, earlier=earlier)[0] == name


def test_a_name_goes_to_the_cluster_of_which_it_is_true():
    documents = [_song(["Jazz"])] * 6 + [_song(["Techno", "Club"])] * 5 + [_song(["Folk"])] * 5
    earlier = EarlierNames(np.repeat([0, 1], [11, 5]), ["Club · Techno", "Folk"])
    names = name_clusters(np.repeat([0, 1, 2], [6, 5, 5]), documents, earlier=earlier)
    assert names == ["Jazz", "Club · Techno", "Folk"]
