from explorer.demo.composer.naming import WORDS, name_piece, random_stream


def test_titles_are_unique_for_150_pieces_per_style():
    titles = [name_piece(style, index, seed=5).title for style in WORDS for index in range(150)]
    assert len(set(titles)) == len(titles)


def test_every_style_has_two_or_three_artists_that_no_other_style_has():
    artists = {style: {name_piece(style, i, seed=1).artist for i in range(9)} for style in WORDS}
    assert all(2 <= len(names) <= 3 for names in artists.values())
    assert sum(map(len, artists.values())) == len(set().union(*artists.values()))


def test_every_artist_has_one_album_with_numbered_tracks():
    pieces = [name_piece("Waltz", index, seed=1) for index in range(6)]
    for artist in {piece.artist for piece in pieces}:
        album = [piece for piece in pieces if piece.artist == artist]
        assert len({(piece.album, piece.year) for piece in album}) == 1
        assert [piece.track for piece in album] == list(range(1, len(album) + 1))


def test_names_have_no_characters_that_file_systems_forbid():
    for style in WORDS:
        for index in range(64):
            names = name_piece(style, index, seed=2)
            assert not set(f"{style}{names.artist}{names.title}") & set('<>:"/\\|?*')


def test_random_streams_depend_on_style_seed_and_number_only():
    draws = [
        random_stream(*key).integers(2**62)
        for key in [(1, "Waltz", 0), (1, "Waltz", 1), (2, "Waltz", 0), (1, "Dub", 0)]
    ]
    assert len(set(draws)) == 4
    assert random_stream(1, "Waltz", 0).integers(2**62) == draws[0]
