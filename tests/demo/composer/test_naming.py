from explorer.demo.composer.naming import WORDS, name_piece, stream


def test_titles_stay_unique_far_beyond_the_demo():
    titles = [name_piece(style, index, seed=5).title for style in WORDS for index in range(150)]
    assert len(set(titles)) == len(titles)


def test_every_style_has_two_or_three_artists_of_its_own():
    artists = {style: {name_piece(style, i, seed=1).artist for i in range(9)} for style in WORDS}
    assert all(2 <= len(names) <= 3 for names in artists.values())
    assert sum(map(len, artists.values())) == len(set().union(*artists.values()))


def test_an_album_is_one_artists_and_numbers_its_tracks():
    pieces = [name_piece("Waltz", index, seed=1) for index in range(6)]
    for artist in {piece.artist for piece in pieces}:
        own = [piece for piece in pieces if piece.artist == artist]
        assert len({(piece.album, piece.year) for piece in own}) == 1
        assert [piece.track for piece in own] == list(range(1, len(own) + 1))


def test_names_are_safe_in_every_file_system():
    for style in WORDS:
        for index in range(64):
            names = name_piece(style, index, seed=2)
            assert not set(f"{style}{names.artist}{names.title}") & set('<>:"/\\|?*')


def test_streams_differ_by_style_seed_and_number_and_repeat():
    draws = [
        stream(*key).integers(2**62)
        for key in [(1, "Waltz", 0), (1, "Waltz", 1), (2, "Waltz", 0), (1, "Dub", 0)]
    ]
    assert len(set(draws)) == 4
    assert stream(1, "Waltz", 0).integers(2**62) == draws[0]
