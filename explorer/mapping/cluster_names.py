"""Names for clusters, from what their songs' tags say.

A term names a cluster if a fair share of its songs carry it, and more of them than elsewhere. The share is
weighed by the logarithm of how much more: how many songs of the cluster carry the term over how many a
random cluster of that size would hold, shrunk towards 1 where both are few (DuMouchel, "Bayesian data mining
in large frequency tables", 1999). Class-based TF-IDF lets a genre of one song outweigh what many share.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import MappingError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_FIELDS = ("genres", "artist", "album", "title")
_TITLE = _FIELDS.index("title")
# A genre says what a cluster sounds like; an artist says it to those who know the artist; a word of a
# title seldom says it.
_WEIGHTS = np.array([6.0, 2.0, 1.0, 0.5])
# As many songs, on both sides of the ratio, are assumed before any is seen.
_SHRINKAGE_SONGS = 2.0
# What a term counts that is no more frequent than elsewhere: where nothing sets a cluster apart, its
# commonest term names it.
_NOTHING_APART = 0.1
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


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The terms of a library's tags, ready to name any clusters of its songs.

    Attributes
    ----------
    weights : csr_matrix [shape=(n, m), float64]
        What each song gives each term: the more, the better the field in which it stands names a cluster.
    terms : list of str [length=m]
        Each in its commonest spelling.
    """

    weights: csr_matrix
    terms: list[str]

    def __len__(self):
        return self.weights.shape[0]

    @classmethod
    def of(cls, documents: Sequence[Mapping | Sequence]) -> Vocabulary:
        """Collect the terms of every song.

        Genres, artists and albums are whole phrases; titles are words.

        Parameters
        ----------
        documents : sequence of mapping or sequence [length=n]
            What is known about each song: "genres" (str, or a sequence of str), "artist", "album" and
            "title" (str), by these keys or in this order. Anything may be missing or None.
        """
        from scipy.sparse import csr_matrix

        numbers, places, found = {}, array("q"), array("q")
        for song, document in enumerate(documents):
            for field, term in _terms(document):
                places.append(song * len(_FIELDS) + field)
                found.append(numbers.setdefault(term, len(numbers)))
        places, found = _distinct_pairs(places, found, len(numbers))
        terms, column_of = _fold_spellings(list(numbers), np.bincount(found, minlength=len(numbers)))
        places, columns = _distinct_pairs(places, column_of[found], len(terms))
        songs, fields = np.divmod(places, len(_FIELDS))
        weights = _WEIGHTS[fields]
        return cls(csr_matrix((weights, (songs, columns)), shape=(len(documents), len(terms))), terms)


def _distinct_pairs(first, second, n_seconds):
    pairs = np.unique(np.asarray(first, dtype=np.int64) * n_seconds + np.asarray(second, dtype=np.int64))
    return np.divmod(pairs, max(n_seconds, 1))


def _fold_spellings(spellings, counts):
    """Return the terms in alphabetical order, each in its commonest spelling, and where each one went."""
    keys = [unicodedata.normalize("NFKC", spelling).casefold() for spelling in spellings]
    # Of equally common spellings always the same.
    order = sorted(range(len(keys)), key=lambda i: (keys[i], -counts[i], spellings[i]))
    terms, column_of, last = [], np.empty(len(keys), dtype=np.int64), None
    for i in order:
        if keys[i] != last:
            terms.append(spellings[i])
            last = keys[i]
        column_of[i] = len(terms) - 1
    return terms, column_of


def name_clusters(labels: np.ndarray, documents: Vocabulary | Sequence[Mapping | Sequence]) -> list[str]:
    """Name every cluster by one or two terms that set it apart.

    A name is the cluster's best term; its best two where another cluster shares the first; numbered where
    that does not tell them apart.

    Parameters
    ----------
    labels : np.ndarray [shape=(n,), int]
        Cluster numbers from 0.
    documents : Vocabulary, or sequence of mapping or sequence [length=n]
        What is known about each song, as `Vocabulary.of` takes it. To name several clusterings of a
        library, make its vocabulary once.

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
    vocabulary = documents if isinstance(documents, Vocabulary) else Vocabulary.of(documents)
    return _distinct_names(_rank_terms(labels, vocabulary))


def _rank_terms(labels, vocabulary):
    from scipy.sparse import csr_matrix

    n, sizes = len(labels), np.bincount(labels)
    membership = csr_matrix((np.ones(n), (labels, np.arange(n))), shape=(len(sizes), n))
    sums = (membership @ vocabulary.weights).tocsr()
    carriers = np.bincount(vocabulary.weights.indices, minlength=len(vocabulary.terms))[sums.indices]
    weight_a_carrier = np.asarray(vocabulary.weights.sum(axis=0)).ravel()[sums.indices] / carriers
    size = np.repeat(sizes, np.diff(sums.indptr))
    lift = (sums.data / weight_a_carrier + _SHRINKAGE_SONGS) / (size * carriers / n + _SHRINKAGE_SONGS)
    scores = sums.data / size * (np.log(np.maximum(lift, 1.0)) + _NOTHING_APART)
    return [
        [vocabulary.terms[column] for column in _best(scores[start:end], sums.indices[start:end])]
        for start, end in pairwise(sums.indptr)
    ]


def _best(scores, columns):
    if len(scores) > _PARTNERS + 1:
        least = np.partition(scores, -_PARTNERS - 1)[-_PARTNERS - 1]
        scores, columns = scores[scores >= least], columns[scores >= least]
    # Columns are in alphabetical order.
    return columns[np.lexsort((columns, -scores))][: _PARTNERS + 1].tolist()


def _terms(document):
    """Yield the number of a field, and a term that stands there."""
    fields = document if isinstance(document, Mapping) else dict(zip(_FIELDS, document, strict=False))
    for number, field in enumerate(_FIELDS[:3]):
        value = fields.get(field)
        for text in (value,) if isinstance(value, str) else value or ():
            phrase = _folded(text)
            if _names_something(phrase):
                yield number, phrase
    title = fields.get("title")
    if isinstance(title, str):
        for word in _WORD.findall(_folded(title).replace("’", "'")):
            if _is_telling(word):
                yield _TITLE, word


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
        if _says_more(partner, terms[0]) and name.casefold() not in used:
            return name
    number = 1
    name = first
    while name.casefold() in used:
        number += 1
        name = f"{_cut(first, _LONGEST_NAME - len(str(number)) - 1)} {number}"
    return name


def _says_more(partner, first):
    if partner.casefold() in first.casefold():
        return False
    # "Game soundtr… · Game soundt…": where one holds the other, both must be legible to the end.
    whole = len(first) + len(_SEPARATOR) + len(partner) <= _LONGEST_NAME
    return whole or first.casefold() not in partner.casefold()


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
