"""Measures how probable a text is in a language and an encoding, by the frequency of its letters.

`text_encoding` compares these measures: the right encoding of a text gives frequent letters in the usual
case, and a wrong one gives rare letters, mixed scripts and symbols inside words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

# The letters of each language, the most frequent first, as counted in the word lists of the package wordfreq
# (https://github.com/rspeer/wordfreq).
_RUSSIAN = "оеаинтсрвлкмдпуяыьбгзйчхжюшцщфэёъ"
_UKRAINIAN = "оаниіртвесклудпмязьбгчйхцюжїшєфщґ"
_BULGARIAN = "аиеотнрсвлкдпмзяъбугчжцхщйшфюь"
_SERBIAN = "аоиетнрсвкдлпмузјбгшчцжфњћќхѓђџљѕ"
_GREEK = "ασεοιτνρκπμληυςάίέόγδήωχθύφβώξζψϊϋΐΰ"
_HEBREW = "יוהלרתמבשאנעםחדכקפסגצןטזךףץ"
_ARABIC = "اليمروتنبةعدسقهكفحأجصشطخضزإثذىغئءظؤآپچگژ"
_THAI = "านรอกเงมยลวดท่้สตะัีปบิคห์แจพชขใไโถ็ุูึืผ๊ศณฟธษซภญฉฎฐฏฝๆฮฤฌฑฒฆ๋"
_POLISH = "aieoznrswcytdkpmujlłbghęąóśżćfńźv"
_CZECH = "oenatlisvrdkmpuícáhzjyěbřéčžýšůfgúxwňťďó"
_SLOVAK = "oeanirtsvlkdmpucházjbyíýčšéúžťľfgôóňďäxwĺŕ"
_HUNGARIAN = "etalnskriozmágédbyvhjpuöfcóőíüúűw"
_ROMANIAN = "eiartnulcosmpădvţfbgzşîhâjxykw"
_CROATIAN = "aioenrtsjulvkdmpgzbcščhžćfđ"
_TURKISH = "aeinrlıkmdtsyuobüşzghcpçğvöfjwâ"
_LITHUANIAN = "iasotenrukmlpdvjgėbųyšžąįūcčfzęh"
_WESTERN = "éäöüáóíèñåøçúâæêôàãëîûïìòùßõðýþœÿÉÖÜÄÅØ"
_LATVIAN = "aiseturnākmoldpvjīzēbgcšūņļfžķhģč"

# The most frequent characters, the most frequent first.
_CHINESE_SIMPLIFIED = (
    "一人不大国中有学子会上生出地来家斯年发是行为天时下法小个多尔成动的性分机公主长自心这开文三事用部高民里无到十新特力电过日"
    "以在市区业之理西工作利水方化者体面本美于好名全克政得后外能拉可安山手第海金点要合经加定同德对实道前重头明车我马物进制二数"
    "意说员东亚内场军女平南县关两起度教现情所通产科入战相门当了万路代期网口气信正四老报交看北回然位间五比保华身建如格风务线台"
    "品布和书打光城量们表权流最而想基院总阿去色世种资王花百白立义系处次么爱原其真应巴神罗太运州队他解此达任联计管着林见传那语"
    "你夜歌月雨梦恋泪雪星云吻缘忆寂寞飞等给让没只谁永远"
)
_CHINESE_TRADITIONAL = (
    "一人不大國中有學子會上生出地來家斯年發是行為天時下法小個多爾成動的性分機公主長自心這開文三事用部高民裡無到十新特力電過日"
    "以在市區業之理西工作利水方化者體面本美於好名全克政得後外能拉可安山手第海金點要合經加定同德對實道前重頭明車我馬物進製二數"
    "意說員東亞內場軍女平南縣關兩起度教現情所通產科入戰相門當了萬路代期網口氣信正四老報交看北回然位間五比保華身建如格風務線台"
    "品布和書打光城量們表權流最而想基院總阿去色世種資王花百白立義係處次麼愛原其真應巴神羅太運州隊他解此達任聯計管著林見傳那語"
    "你夜歌月雨夢戀淚雪星雲吻緣憶寂寞飛等給讓沒只誰永遠"
)
_JAPANESE = (
    "大出人子一日上見本生中行手合気学田分入山国事下間取会立地物自言高新前長小込方作無動年発野体時不用目定思内通名部金川付場当"
    "水実理美切力全後知明原引女戦回東来道外者同最月書成業食心代性神島面持今所法文度開意正木数家多変感社安天直話信真有線着主平対"
    "海公使口楽連白関和化味電解三画重先機教良売向愛期流車結北世西現受身強近相死屋語加落的保色風勝何悪空民井産石特要品集乗送少返"
    "太決記放初様選員起元利進能好市表過点聞別調読報続足音違谷広張組打仕経光南飛素務次指転終番治村二伝男買追置宮料郎古士半歌夢恋"
)
_KOREAN = (
    "이지리다스아사기가자어시대인라로고서도수나정전부장니요해마하그주트한일구상제드보소원의동성미오신비무는에유진여우공거조모세국"
    "치선러화연려야만위바안경내면관으레문데생프실들터단중타회계학영방교산크명발재간게분파운물당카개히저과용포래르행식체호은까버통"
    "차을디피노반양심금토작음적남입건감코배강매임출예워루민업역불직합청력와린후종결더천군본속법티현할키난각말설네점질브메추달두를"
    "외알있태약울복표올형집초처너언격했즈살목테판박온걸증년절급변최근편애등돌습져평날른머월랑없베열친독석투플항때사랑"
)
_PUNCTUATION = frozenset("«»“”„‘’‚–—…·°№¡¿\xa0´`©®™'、。・！？「」『』（）～〜　，：；－＊＆／．")
_OPENING_MARKS = frozenset("«“„‘’–—…·\xa0¡¿")

IMPOSSIBLE = math.inf
ASCII_BITS = 5.0
"""The cost of an ASCII character in every encoding."""
UNKNOWN_BITS = 7.5
"""The cost of each byte >= 0x80 of a text that is in no known encoding: such a byte has 128 values."""
_PUNCTUATION_BITS = 7.0
_OTHER_BITS = 16.0
_MIXED_BITS = 12.0
_MIXED_CHARACTERS_BITS = 8.0
_CASE_BITS = 9.0
_RUN_BITS = 4.0
_MARK_BITS = 8.0


@dataclass(frozen=True)
class Encoding:
    """One encoding with one language that uses it.

    Attributes
    ----------
    codec : str
        Python's name of the encoding.
    name : str
        The name that users know.
    script : str
        The script of the language, such as "Cyrillic".
    bits : callable
        Takes a decoded text and returns its cost: minus the binary logarithm of its probability, about, or
        `IMPOSSIBLE`.
    """

    codec: str
    name: str
    script: str
    bits: Callable[[str], float]

    @property
    def is_latin(self) -> bool:
        """Whether the language is written in Latin letters."""
        return self.script == "Latin"

    @property
    def is_double_byte(self) -> bool:
        """Whether one character takes two bytes."""
        return self.codec in _DOUBLE_BYTE


@dataclass(frozen=True)
class _Letters:
    """The cost of a text in a language of few letters."""

    letters: str
    is_latin: bool = False

    def __call__(self, text: str) -> float:
        # ASCII letters cost the same in all languages, so compare the other letters only.
        costs = _costs(re.sub("[a-z']", "", self.letters))
        total, before = 0.0, " "
        for letter in text:
            if letter < "\x80":
                total += ASCII_BITS
                # A word of two scripts. In Latin languages ASCII letters are letters of the alphabet.
                if letter.isalpha() and before.lower() in costs and before >= "\x80" and not self.is_latin:
                    total += _MIXED_BITS
            elif (small := letter.lower()) in costs:
                total += costs[small]
                if before < "\x80" and before.isalpha() and not self.is_latin:
                    total += _MIXED_BITS
                elif before >= "\x80" and self.is_latin:
                    total += _RUN_BITS
                elif before in _PUNCTUATION and before not in _OPENING_MARKS:
                    total += _MARK_BITS
                total += _case_bits(before, letter)
            elif letter in _PUNCTUATION:
                total += _PUNCTUATION_BITS
            elif self.is_latin or not letter.isprintable():
                return IMPOSSIBLE
            else:
                total += _OTHER_BITS
            before = letter
        return total + self._hebrew_bits(text)

    def _hebrew_bits(self, text: str) -> float:
        """Hebrew letters have another form at the end of a word, and only there."""
        if self.letters != _HEBREW:
            return 0.0
        total = 0.0
        for letter, after in zip(text, text[1:] + " ", strict=True):
            if letter in "ךםןףץ" and "א" <= after <= "ת":
                total += _CASE_BITS
            elif letter in "כמנצ" and not "א" <= after <= "ת":
                total += _CASE_BITS / 2
        return total


def _case_bits(before: str, letter: str) -> float:
    if not letter.isupper():
        return 0.0 if before.isalpha() else float(letter.lower() != letter.upper())
    if before.islower():
        return _CASE_BITS
    return 0.2 if before.isupper() else 1.0


@lru_cache
def _costs(letters: str) -> dict[str, float]:
    """Return the cost of each letter in bits.

    The probability of the letter of rank r among n is about ln((n + 1) / r) / n (Gusein-Zade, 1988).
    """
    count = len(letters)
    return {
        letter: -math.log2(max(math.log((count + 1) / rank) / count, 1e-4))
        for rank, letter in enumerate(letters, start=1)
    }


@dataclass(frozen=True)
class _Characters:
    """The cost of a text in a language of thousands of characters.

    Attributes
    ----------
    common : str
        The most frequent characters.
    standard : str
        The codec of the national standard, whose lead bytes below `rare_from` hold the usual characters.
    common_share : float
        The share of the common characters in a text.
    kana_bits : float
        The cost of a Japanese syllable.
    """

    common: str
    standard: str
    rare_from: int
    common_share: float = 0.5
    kana_bits: float = 14.0

    def __call__(self, text: str) -> float:
        mixed = sum(
            (before < "\x80") != (after < "\x80") and before.isalpha() and after.isalpha()
            for before, after in pairwise(text)
        )
        return _MIXED_CHARACTERS_BITS * mixed + sum(map(self._character_bits, text))

    def _character_bits(self, character: str) -> float:
        if character < "\x80":
            return ASCII_BITS
        if character in (costs := _common_costs(self.common, self.common_share)):
            return costs[character]
        if character in _PUNCTUATION:
            return 9.0
        if "ぁ" <= character <= "ー":
            return self.kana_bits
        if not character.isprintable() or "\ue000" <= character <= "\uf8ff":
            return IMPOSSIBLE
        if not ("一" <= character <= "鿿" or "가" <= character <= "힣"):
            return _OTHER_BITS
        try:
            lead = character.encode(self.standard)[0]
        except UnicodeEncodeError:
            return 19.0
        return 12.5 - math.log2(2 * (1 - self.common_share)) if lead < self.rare_from else 17.0


@lru_cache
def _common_costs(common: str, share: float) -> dict[str, float]:
    """Return the cost of the common characters in bits; they follow Zipf's law."""
    shift = 15
    share /= math.log(1 + len(common) / shift)
    return {
        character: -math.log2(share / (rank + shift))
        for rank, character in reversed(list(enumerate(common, start=1)))
    }


_DOUBLE_BYTE = frozenset(("cp932", "euc_jp", "gbk", "cp950", "cp949"))
_CYRILLIC = {
    "cp1251": "Windows-1251",
    "koi8_u": "KOI8-R",
    "cp866": "CP866",
    "iso8859_5": "ISO 8859-5",
    "mac_cyrillic": "Mac Cyrillic",
}
_CENTRAL_EUROPEAN = {"cp1250": "Windows-1250", "iso8859_2": "ISO 8859-2"}

ENCODINGS = (
    Encoding("utf_8", "UTF-8", "Latin", _Letters(_WESTERN, is_latin=True)),
    *(
        Encoding(codec, name, "Cyrillic", _Letters(letters))
        for codec, name in _CYRILLIC.items()
        for letters in (_RUSSIAN, _UKRAINIAN, _BULGARIAN, _SERBIAN)
    ),
    Encoding("cp1253", "Windows-1253", "Greek", _Letters(_GREEK)),
    Encoding("iso8859_7", "ISO 8859-7", "Greek", _Letters(_GREEK)),
    Encoding("cp1255", "Windows-1255", "Hebrew", _Letters(_HEBREW)),
    Encoding("cp1256", "Windows-1256", "Arabic", _Letters(_ARABIC)),
    Encoding("iso8859_6", "ISO 8859-6", "Arabic", _Letters(_ARABIC)),
    Encoding("cp874", "Windows-874", "Thai", _Letters(_THAI)),
    Encoding("cp932", "Shift-JIS", "Japanese", _Characters(_JAPANESE, "euc_jp", 0xD0, kana_bits=6.5)),
    Encoding("euc_jp", "EUC-JP", "Japanese", _Characters(_JAPANESE, "euc_jp", 0xD0, kana_bits=6.5)),
    Encoding("gbk", "GBK", "Chinese", _Characters(_CHINESE_SIMPLIFIED, "gb2312", 0xD8)),
    Encoding("cp950", "Big5", "Chinese", _Characters(_CHINESE_TRADITIONAL, "big5", 0xC9)),
    Encoding("cp949", "EUC-KR", "Korean", _Characters(_KOREAN, "euc_kr", 0xC9, common_share=0.78)),
    *(
        Encoding(codec, name, "Latin", _Letters(letters, is_latin=True))
        for codec, name in _CENTRAL_EUROPEAN.items()
        for letters in (_POLISH, _CZECH, _SLOVAK, _HUNGARIAN, _ROMANIAN, _CROATIAN)
    ),
    Encoding("cp1254", "Windows-1254", "Latin", _Letters(_TURKISH, is_latin=True)),
    Encoding("cp1257", "Windows-1257", "Latin", _Letters(_LITHUANIAN, is_latin=True)),
    Encoding("cp1257", "Windows-1257", "Latin", _Letters(_LATVIAN, is_latin=True)),
)
"""The encodings that are tried, each with each of its languages."""
