"""Names for clusters, from what their songs' tags say.

Class-based TF-IDF (Grootendorst, "BERTopic: Neural topic modeling with a class-based TF-IDF procedure",
2022): a term names a cluster if it is frequent there and rare in the whole library.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from explorer.errors import MappingError

_FIELDS = ("genres", "artist", "album", "title")
# A genre says what a cluster sounds like; an artist says it to those who know the artist; a word of a
# title seldom says it.
_WEIGHTS = {"genres": 6.0, "artist": 2.0, "album": 1.0, "title": 0.5}
_LONGEST_NAME = 28
_SEPARATOR = " · "
_ELLIPSIS = "…"
# Longer tags are no names; and a hostile one of megabytes must not cost seconds.
_LONGEST_TAG = 200
_PARTNERS = 8
_SHORTEST_WORD = 3

_BLANK_PHRASES = frozenset(
    "unknown|unknown artist|unknown album|unknown genre|various|various artists|va|other|others|misc|"
    "miscellaneous|none|n/a|na|undefined|untitled|genre|music|default".split("|")
)
_BLANK_WORDS = frozenset(
    # English
    "a about after again all am an and any are as at back be been but by can come could day did do does "
    "don don't down for from get go got had has have he her here him his how i i'll i'm in into is it "
    "it's its just know let like make me more my no not now of off oh on one only or our out over own "
    "say she so some such than that the their them then there these they this those time to too two "
    "under until up upon us very want was way we were what when where which who why will with without "
    "would yeah you your you're "
    # Spanish, Portuguese, French, Italian and German
    "al como con da das de dei del della dem den der des di die dos du e een ein eine el em en es est "
    "et gli het ich il im ist je la las le les lo los ma mais mi mit na nel no non nos o os ou para pas "
    "per por pour qu que qui se si sin su sul sur te tu um uma un una und une van vom von y zu zum "
    # About the recording, not the music
    "acoustic album audio bonus bpm cd clip cover demo disc edit ep explicit extended feat featuring "
    "flac ft inst instrumental interlude intro karaoke live lp lyric lyrics mix mono mp3 nr number "
    "official op original outro part pt radio reissue remaster remastered remix remixed rework sample "
    "session sessions single skit song stereo take theme track tracks untitled ver version video vol "
    "volume wav".split()
)
_WORD = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")


def name_clusters(labels: np.ndarray, documents: Sequence[Mapping | Sequence]) -> list[str]:
    """Name every cluster by one or two terms that set it apart.

    Genres, artists and albums are whole phrases; titles are words. A name is the cluster's best term; its
    best two where another cluster shares the first; numbered where that does not tell them apart.

    Parameters
    ----------
    labels : np.ndarray [shape=(n,), int]
        Cluster numbers from 0.
    documents : sequence of mapping or sequence [length=n]
        What is known about each song: "genres" (str, or a sequence of str), "artist", "album" and
        "title" (str), by these keys or in this order. Anything may be missing or None.

    Returns
    -------
    list of str
        A name for each cluster, all different (also without regard to case), of at most 28 characters,
        on one line and without control characters. They are data, not HTML: escape them. A cluster of
        which nothing is known is "Cluster 3", counting from 1.

    Raises
    ------
    MappingError
        If there is not one document a song, or a label is negative.
    """
    labels = np.asarray(labels, dtype=np.int64)
    if labels.shape != (len(documents),):
        raise MappingError(f"{len(documents)} documents were given for labels of shape {labels.shape}")
    if not labels.size:
        return []
    if labels.min() < 0:
        raise MappingError(f"labels hold {labels.min()}; clusters are numbered from 0")
    counts, spellings = _count_terms(labels, documents)
    ranked = [[spellings[key] for key in keys] for keys in _rank_terms(counts)]
    return _distinct_names(ranked)


def _count_terms(labels, documents):
    counts = [defaultdict(float) for _ in range(int(labels.max()) + 1)]
    spellings = defaultdict(Counter)
    for label, document in zip(labels.tolist(), documents, strict=True):
        for field, term in set(_terms(document)):
            key = unicodedata.normalize("NFKC", term).casefold()
            counts[label][key] += _WEIGHTS[field]
            spellings[key][term] += 1
    # The commonest spelling, and of equally common ones always the same.
    chosen = {key: min(seen, key=lambda term: (-seen[term], term)) for key, seen in spellings.items()}
    return counts, chosen


def _terms(document):
    fields = document if isinstance(document, Mapping) else dict(zip(_FIELDS, document, strict=False))
    for field in _FIELDS[:3]:
        value = fields.get(field)
        for text in (value,) if isinstance(value, str) else value or ():
            phrase = _folded(text)
            if _names_something(phrase):
                yield field, phrase
    title = fields.get("title")
    if isinstance(title, str):
        for word in _WORD.findall(_folded(title).replace("’", "'")):
            if _is_telling(word):
                yield "title", word


def _folded(text):
    text = str(text)[:_LONGEST_TAG]
    if not text.isprintable():
        text = "".join(map(_kept, text))
    return " ".join(unicodedata.normalize("NFC", text).split())


def _kept(character):
    category = unicodedata.category(character)
    if category == "Cc":
        return " "
    # Joiners shape emoji and several scripts; the other format characters are invisible, and those that
    # turn the direction of writing would turn the page's own text with it.
    if category[0] == "C" and character not in "\u200c\u200d":
        return ""
    return character


def _names_something(phrase):
    return phrase.casefold() not in _BLANK_PHRASES and any(
        unicodedata.category(character)[0] in "LS" for character in phrase
    )


def _is_telling(word):
    # One ideograph is a word; one or two letters of an alphabet rarely are.
    shortest = 1 if unicodedata.category(word[0]) == "Lo" else _SHORTEST_WORD
    return len(word) >= shortest and word.casefold() not in _BLANK_WORDS


def _rank_terms(counts):
    totals = Counter()
    for terms in counts:
        totals.update(terms)
    average = sum(totals.values()) / max(1, sum(1 for terms in counts if terms))

    def by_weight(terms):
        weights = {key: count * np.log1p(average / totals[key]) for key, count in terms.items()}
        return sorted(weights, key=lambda key: (-weights[key], key))[: _PARTNERS + 1]

    return [by_weight(terms) for terms in counts]


def _distinct_names(ranked):
    firsts = [_fitted(terms[:1]) if terms else f"Cluster {i + 1}" for i, terms in enumerate(ranked)]
    shared = Counter(name.casefold() for name in firsts)
    names = [name if shared[name.casefold()] == 1 else None for name in firsts]
    used = {name.casefold() for name in names if name}
    for i, terms in enumerate(ranked):
        if names[i] is None:
            names[i] = _unused(terms, firsts[i], used)
            used.add(names[i].casefold())
    return names


def _unused(terms, first, used):
    for partner in terms[1:]:
        name = _fitted([terms[0], partner])
        says_more = partner.casefold() not in terms[0].casefold()
        if says_more and name.casefold() not in used:
            return name
    number = 1
    name = first
    while name.casefold() in used:
        number += 1
        name = f"{_cut(first, _LONGEST_NAME - len(str(number)) - 1)} {number}"
    return name


def _fitted(terms):
    """Join one or two terms, shortening the longer until they fit."""
    if len(terms) == 1:
        return _cut(terms[0], _LONGEST_NAME)
    room = _LONGEST_NAME - len(_SEPARATOR)
    first, second = terms
    for_second = max(room // 2, room - len(first))
    second = _cut(second, for_second)
    return _cut(first, room - len(second)) + _SEPARATOR + second


def _cut(text, longest):
    if len(text) <= longest:
        return text
    kept = text[: longest - 1]
    # Not between a letter and its accent, nor inside an emoji of several characters.
    while kept and (
        unicodedata.category(text[len(kept)])[0] == "M" or "\u200d" in (kept[-1], text[len(kept)])
    ):
        kept = kept[:-1]
    return kept.rstrip(" -·,.;:") + _ELLIPSIS
