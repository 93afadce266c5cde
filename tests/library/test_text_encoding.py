"""Texts in national encodings are decoded, and Western texts stay as they are."""

import pytest

from explorer.library.music_file import Tags
from explorer.library.text_encoding import collapse_spaces, decode_folder, decode_tags

RUSSIAN = ("Группа крови", "Кино", "Звезда по имени Солнце")
NATIONAL = [
    ("cp1251", "Windows-1251", RUSSIAN),
    ("koi8_r", "KOI8-R", RUSSIAN),
    ("cp866", "CP866", RUSSIAN),
    ("iso8859_5", "ISO 8859-5", RUSSIAN),
    ("cp1251", "Windows-1251", ("Без бою", "Океан Ельзи", "Янанебібув")),
    ("cp1251", "Windows-1251", ("Ветрове", "Лили Иванова", "Камино")),
    ("cp1253", "Windows-1253", ("Ζορμπάς", "Μίκης Θεοδωράκης", "Το τρένο φεύγει στις οκτώ")),
    ("cp1255", "Windows-1255", ("ירושלים של זהב", "נעמי שמר", "שירים")),
    ("cp1256", "Windows-1256", ("نسم علينا الهوى", "فيروز", "أغاني")),
    ("cp874", "Windows-874", ("เมดอินไทยแลนด์", "คาราบาว", "กัญชา")),
    ("cp932", "Shift-JIS", ("残酷な天使のテーゼ", "高橋洋子", "エヴァンゲリオン")),
    ("euc_jp", "EUC-JP", ("残酷な天使のテーゼ", "高橋洋子", "エヴァンゲリオン")),
    ("gbk", "GBK", ("月亮代表我的心", "邓丽君", "岛国之情歌")),
    ("cp950", "Big5", ("月亮代表我的心", "鄧麗君", "島國之情歌")),
    ("euc_kr", "EUC-KR", ("돌아와요 부산항에", "조용필", "창밖의 여자")),
    ("cp1250", "Windows-1250", ("Miłość", "Czesław Niemen", "Dziwny jest ten świat")),
    ("iso8859_2", "ISO 8859-2", ("Miłość", "Czesław Niemen", "Dziwny jest ten świat")),
    ("cp1250", "Windows-1250", ("Příběh o lásce", "Antonín Dvořák", "Žluťoučký kůň")),
    ("cp1250", "Windows-1250", ("Împăraţi şi proşti", "Ştefan Hruşcă", "Colinde din bătrâni")),
    ("cp1254", "Windows-1254", ("Şımarık çığlık", "Gülşen", "Düşler sokağı")),
    ("cp1257", "Windows-1257", ("Šiaurės naktis pušų", "Žąsų kūdra", "Rudens žvaigždės šešėlyje")),
    ("utf_8", "UTF-8", RUSSIAN),
    ("utf_8", "UTF-8", ("Déjà vu", "Beyoncé", "Là-bas")),
    ("utf_8", "UTF-8", ("残酷な天使のテーゼ", "高橋洋子", "엑소")),
]

WESTERN = """Beyoncé; Die Ärzte; Sigur Rós; Måneskin; Ñengo Flow; Žižkov; Motörhead; Mötley Crüe; Queensrÿche
Hüsker Dü; Ágætis byrjun; Þú ert; Björk Guðmundsdóttir; Ólöf Arnalds; Ásgeir Trausti
Þursaflokkurinn; Hjaltalín; Eyþór Ingi; MØ; Ø; Mø; The Dø; Røyksopp; Ørjan Nilsen; ÆØÅ; Æ; ÅÄÖ
BØRNS; HÆLOS; Åå; Öö; jäääär; Jäääärne; Ääni; Värttinä; Hääyöaie; Édith Piaf; Été; À la folie
Où es-tu ?; Sœur; Cœur de pirate; Noël; Île; L’été; Ça ira; Françoise Hardy; Zaïko Langa Langa
¿Dónde está?; ¡Forward, Russia!; ¡¡¡Olé!!!; Señorita; Maná; Café Tacvba; Nº 1; 1ª parte
Corazón partío; Pingüino; Não; Ações; São João; Irmãos; Maçã; Põe; Conceição
Tribalistas Já Sei Namorar; À flor da pele; È così; Perché no; Città vuota; Più bella cosa
Nicolò Paganini; Giù; Tiësto; Armin van Buuren é; Coöperatie; Größe; Straßenbahn; GRÖSSE
Männer sind Schweine; Fräulein; Österreich; Ölfüße; µ-Ziq; H²O; m³; 50½; 20°; ½; «Ça»; »Schön«
† † †; †††; ©1999; Foo®; Café™; “Quoted”; Don’t Stop; Rock ’n’ Roll; 1989–1999; Ünloco; Dälek
Blöödhag; Znöwhite; Maxïmo Park; Assück; Infernäl Mäjesty; ÉÍ; Lääz Rockit; Deströyer 666; ßëåütÿ
ƒlow; Runrig Mòran; Tìr a' Mhurain; Cò às; Clannad Dúlamán; Caoineadh na dtrí Muire; Tŷ
Yws Gwynedd Sebona Fi Â; Õhtu ilu; Sõber; BEYONCÉ®; CAFÉ»; «ÉTÉ»; PRÉ·LUDE; CANÇÓ·N; L·LUM; Ångström
Ærø; Færøerne; Ðe; Í svörtum fötum; Maraþon; Aþena"""
WESTERN_NAMES = [name.strip() for line in WESTERN.splitlines() for name in line.split(";")]


def read_as_latin_1(text, codec):
    return text.encode(codec).decode("latin-1")


def titles(texts):
    """Decode a folder with a song for each title."""
    return [song.tags.title for song in decode_folder([Tags(text) for text in texts])]


@pytest.mark.parametrize(("codec", "name", "texts"), NATIONAL)
@pytest.mark.parametrize("reader", ["latin-1", "cp1252"])
def test_one_song_in_a_national_encoding_is_decoded(codec, name, texts, reader):
    expected = Tags(texts[0], (texts[1],), texts[2], ("Rock",), "1988")
    table = {byte: bytes([byte]).decode(reader, "replace") for byte in range(0x80, 0xA0)}
    table = {byte: letter for byte, letter in table.items() if letter != "\ufffd"}
    title, artist, album = (read_as_latin_1(text, codec).translate(table) for text in texts)
    assert (title, artist, album) != texts
    (decoded,) = decode_folder([Tags(title, (artist,), album, ("Rock",), "1988")])
    assert decoded.tags == expected
    assert decoded.encodings == (name,)


@pytest.mark.parametrize("name", WESTERN_NAMES)
def test_a_western_name_stays_alone(name):
    assert decode_tags(Tags(name)) == Tags(name)
    assert decode_tags(Tags(name, (name,), name, (name,))) == Tags(name, (name,), name, (name,))


def test_western_names_stay_together():
    songs = [Tags(name, (artist,)) for name, artist in zip(WESTERN_NAMES, WESTERN_NAMES[7:], strict=False)]
    assert [song.tags for song in decode_folder(songs)] == songs


@pytest.mark.parametrize(("codec", "name", "texts"), NATIONAL)
def test_western_names_stay_in_a_folder_with_a_national_encoding(codec, name, texts):
    western = [Tags(text) for text in WESTERN_NAMES]
    raw = [read_as_latin_1(text, codec) for text in texts]
    decoded = decode_folder([*western, *(Tags(title, tuple(raw)) for title in raw)])
    assert [song.tags for song in decoded] == [*western, *(Tags(title, texts) for title in texts)]


@pytest.mark.parametrize("name", WESTERN_NAMES)
@pytest.mark.parametrize(("codec", "texts"), [("cp1251", RUSSIAN), ("cp932", NATIONAL[10][2])])
def test_a_western_title_stays_beside_an_artist_in_a_national_encoding(name, codec, texts):
    """A short title that can be a word of both, such as "Ø", follows the artist."""
    if len(name) <= 3 or name in ("ßëåütÿ", "¡¡¡Olé!!!"):
        return
    (decoded,) = decode_folder([Tags(name, tuple(read_as_latin_1(text, codec) for text in texts))])
    assert decoded.tags == Tags(name, texts)


def test_a_folder_can_hold_several_encodings():
    expected = [
        text for codec, _, texts in NATIONAL[:1] + NATIONAL[10:11] + NATIONAL[12:13] for text in texts
    ]
    raw = [
        read_as_latin_1(text, codec)
        for codec, _, texts in NATIONAL[:1] + NATIONAL[10:11] + NATIONAL[12:13]
        for text in texts
    ]
    assert titles(raw) == expected


def test_a_short_title_is_decoded_only_with_its_folder():
    kino = read_as_latin_1("Кино", "cp1251")
    assert titles([kino]) == [kino]
    assert titles([kino, read_as_latin_1("Группа крови", "cp1251")]) == ["Кино", "Группа крови"]


@pytest.mark.parametrize(
    ("codec", "texts"),
    [
        ("gbk", ("甜蜜蜜", "邓丽君")),
        ("cp874", ("สวัสดี",)),
        ("cp1255", ("הבה נגילה",)),
        ("euc_kr", ("아리랑",)),
    ],
)
def test_texts_that_several_encodings_explain_stay(codec, texts):
    raw = [read_as_latin_1(text, codec) for text in texts]
    assert titles(raw) == raw


def test_an_ambiguous_title_follows_its_artist():
    """ "Äà" can be a Western word, and "Dzieñ" a Spanish one."""
    artist = read_as_latin_1("Группа крови", "cp1251")
    assert decode_tags(Tags("Äà", (artist,))).title == "Да"
    assert decode_tags(Tags("Äà")).title == "Äà"
    artist = read_as_latin_1("Zespół Miłość Łąki", "cp1250")
    others = [Tags(read_as_latin_1("Dziwny jest ten świat", "cp1250"), (artist,)), Tags("Mañana", ("Ñengo",))]
    decoded = decode_folder([*others, Tags("Dzieñ", (artist,))])
    assert [song.tags.title for song in decoded] == ["Dziwny jest ten świat", "Mañana", "Dzień"]


@pytest.mark.parametrize(
    ("codec", "cut"), [("cp932", 29), ("gbk", 29), ("euc_kr", 29), ("utf_8", 30), ("utf_8", 29)]
)
def test_a_field_that_ends_within_a_character_is_decoded(codec, cut):
    """A field of ID3v1 has 30 bytes."""
    text = {"cp932": "残酷な天使のテーゼと少年よ神話になれ", "euc_kr": "돌아와요부산항에그리운내형제여"}.get(
        codec, "月亮代表我的心你问我爱你有多深我爱"
    )
    raw = text.encode(codec)[:cut].decode("latin-1")
    whole = text.encode(codec)[:cut].decode(codec, "ignore")
    assert len(whole.encode(codec)) < cut or codec == "utf_8"
    assert titles([raw]) == [whole]


def test_utf_8_and_latin_1_are_told_apart_in_one_folder():
    raw = ["Beyoncé", read_as_latin_1("Déjà vu", "utf_8"), read_as_latin_1("Café", "utf_8"), "Ä°"]
    assert titles(raw[:3]) == ["Beyoncé", "Déjà vu", "Café"]


def test_one_letter_in_utf_8_is_enough_in_an_ascii_text():
    for text in ("Café", "Für Elise", "Étude", "Don’t stop"):
        assert titles([read_as_latin_1(text, "utf_8")]) == [text]
    assert titles(["IRMÃ…", "Irmã…", "Maçã©"]) == ["IRMÃ…", "Irmã…", "Maçã©"]


def test_utf_8_that_was_encoded_twice_is_decoded():
    twice = read_as_latin_1(read_as_latin_1("Déjà vu", "utf_8"), "utf_8")
    assert titles([twice]) == ["Déjà vu"]
    cyrillic = read_as_latin_1(read_as_latin_1("Группа крови", "cp1251"), "utf_8")
    assert titles([cyrillic]) == ["Группа крови"]


def test_control_characters_become_the_punctuation_of_windows_1252():
    assert titles(["Don\x92t Stop", "C\x9cur", "\x93Été\x94"]) == ["Don’t Stop", "Cœur", "“Été”"]
    # Windows-1250 has these letters at the same places. The second half of "山" in Shift-JIS is "R".
    assert titles(["\x8ei\x9eek", "Ple\x9ani", "\x8eR"]) == ["Žižek", "Plešni", "\x8eR"]


def test_text_of_other_scripts_is_not_examined():
    songs = [Tags("Группа крови", ("Кино",)), Tags("残酷な天使のテーゼ"), Tags("Łódź"), Tags("")]
    assert [song.tags for song in decode_folder(songs)] == songs


def test_white_space_that_can_be_bytes_of_letters_stays_until_it_is_decoded():
    raw = collapse_spaces(read_as_latin_1("Хорошо:  Родина \n Храм", "utf_8"))
    assert titles([raw]) == ["Хорошо: Родина Храм"]
    assert collapse_spaces(" a\xa0 b\n\nc ") == "a b c"
    assert titles([collapse_spaces("Sigur\xa0\xa0Rós")]) == ["Sigur Rós"]
