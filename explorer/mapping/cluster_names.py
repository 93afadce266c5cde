"""Names clusters by terms from their songs' tags.

A term's score in a cluster is its share of the cluster's songs, multiplied by the logarithm of its lift. The
lift is the number of the cluster's songs that have the term, divided by the number expected in a random
cluster of the same size. The lift is shrunk towards 1 if both numbers are small (DuMouchel, "Bayesian data
mining in large frequency tables", 1999). Class-based TF-IDF is not used: with it, a genre of one song can
score higher than a genre of many songs.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import MappingError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_FIELDS = ("genres", "artist", "album", "title")
_TITLE = _FIELDS.index("title")
# The weight of each field of `_FIELDS`. A genre describes the sound; an artist's name does so only for people
# who know the artist; a word of a title rarely does.
_WEIGHTS = np.array([6.0, 2.0, 1.0, 0.5])
# Added to both numbers of the lift.
_SHRINKAGE_SONGS = 2.0
# Added to the logarithm of the lift, so that a score is not 0 for a lift of 1. If no term is more frequent in
# a cluster than elsewhere, the cluster's most frequent term then has the highest score.
_MIN_LOG_LIFT = 0.1
_MAX_NAME_LENGTH = 28
_SEPARATOR = " · "
_ELLIPSIS = "…"
# The rest of a longer tag is ignored: a tag of several megabytes must not take seconds.
_MAX_TAG_LENGTH = 200
_MAX_SECOND_TERMS = 8
_MIN_WORD_LENGTH = 3

_MEANINGLESS_PHRASES = frozenset(
    "unknown|unknown artist|unknown album|unknown genre|various|various artists|va|other|others|misc|"
    "miscellaneous|none|n/a|na|undefined|untitled|genre|music|default".split("|")
)
_MEANINGLESS_WORDS = frozenset(
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
    # Words about the recording, not the music
    "acoustic album audio bonus bpm cd clip cover demo disc edit ep explicit extended feat featuring "
    "flac ft inst instrumental interlude intro karaoke live lp lyric lyrics mix mono mp3 nr number "
    "official op original outro part pt radio reissue remaster remastered remix remixed rework sample "
    "session sessions single skit song stereo take theme track tracks untitled ver version video vol "
    "volume wav".split()
)
_WORD = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The terms of a library's tags. One vocabulary can be used to name several clusterings of the songs.

    Attributes
    ----------
    weights : csr_matrix [shape=(n, m), float64]
        For each song and term, the sum of the weights of the fields in which the song has the term.
    terms : list of str [length=m]
        In alphabetical order, each in its most frequent spelling.
    """

    weights: csr_matrix
    terms: list[str]

    def __len__(self):
        return self.weights.shape[0]

    @classmethod
    def of(cls, documents: Iterable[Mapping | Sequence]) -> Vocabulary:
        """Collect the terms of every song.

        A genre, artist or album is one term; a title gives one term for each word.

        Parameters
        ----------
        documents : iterable of mapping or sequence [length=n]
            The tags of each song: "genres" (str, or a sequence of str), "artist", "album" and "title" (str),
            with these keys or in this order. Each can be missing or None.
        """
        from scipy.sparse import csr_matrix

        # Each occurrence of a term is a pair of numbers: song * len(_FIELDS) + field, and the number of its
        # spelling.
        spelling_numbers, song_fields, spellings = {}, array("q"), array("q")
        n_songs = 0
        for song, document in enumerate(documents):
            n_songs += 1
            for field, term in _terms(document):
                song_fields.append(song * len(_FIELDS) + field)
                spellings.append(spelling_numbers.setdefault(term, len(spelling_numbers)))
        song_fields, spellings = _distinct_pairs(song_fields, spellings, len(spelling_numbers))
        counts = np.bincount(spellings, minlength=len(spelling_numbers))
        terms, column_of = _merge_spellings(list(spelling_numbers), counts)
        song_fields, columns = _distinct_pairs(song_fields, column_of[spellings], len(terms))
        songs, fields = np.divmod(song_fields, len(_FIELDS))
        weights = _WEIGHTS[fields]
        return cls(csr_matrix((weights, (songs, columns)), shape=(n_songs, len(terms))), terms)


def _distinct_pairs(first, second, n_seconds):
    """Return the distinct pairs of two arrays of numbers, sorted; `n_seconds` bounds the second numbers."""
    pairs = np.unique(np.asarray(first, dtype=np.int64) * n_seconds + np.asarray(second, dtype=np.int64))
    return np.divmod(pairs, max(n_seconds, 1))


def _merge_spellings(spellings, counts):
    """Merge spellings that differ only in case or in the width of their characters.

    Returns the terms in alphabetical order, each in its most frequent spelling, and the number of the term of
    each spelling.
    """
    keys = [unicodedata.normalize("NFKC", spelling).casefold() for spelling in spellings]
    # The spelling itself decides between equally frequent ones, so that the result is always the same.
    order = sorted(range(len(keys)), key=lambda i: (keys[i], -counts[i], spellings[i]))
    terms, column_of, last = [], np.empty(len(keys), dtype=np.int64), None
    for i in order:
        if keys[i] != last:
            terms.append(spellings[i])
            last = keys[i]
        column_of[i] = len(terms) - 1
    return terms, column_of


def name_clusters(labels: np.ndarray, documents: Vocabulary | Sequence[Mapping | Sequence]) -> list[str]:
    """Name every cluster by one or two terms that distinguish it from the others.

    The name is the term with the highest score. If several clusters have the same first term, each gets a
    second term too; if their names are still the same, they get numbers.

    Parameters
    ----------
    labels : np.ndarray [shape=(n,), int]
        Each song's cluster number, from 0.
    documents : Vocabulary, or sequence of mapping or sequence [length=n]
        The tags of each song, in the form that `Vocabulary.of` takes. To name several clusterings of a
        library, make its vocabulary once.

    Returns
    -------
    list of str
        A name for each cluster. All names differ in more than case, have at most 28 characters, and contain
        no line breaks or control characters. They are data, not HTML: escape them. A cluster without terms
        is named "Cluster 3", counting from 1.

    Raises
    ------
    MappingError
        If there is not one document for each song, or a label is negative.
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
    """Return the terms of each cluster with the highest scores, the best first."""
    from scipy.sparse import csr_matrix

    n, sizes = len(labels), np.bincount(labels)
    membership = csr_matrix((np.ones(n), (labels, np.arange(n))), shape=(len(sizes), n))
    # This array and those below have one value for each pair of a cluster and a term of its songs.
    sums = (membership @ vocabulary.weights).tocsr()
    songs_with_term = np.bincount(vocabulary.weights.indices, minlength=len(vocabulary.terms))[sums.indices]
    weight_per_song = np.asarray(vocabulary.weights.sum(axis=0)).ravel()[sums.indices] / songs_with_term
    size = np.repeat(sizes, np.diff(sums.indptr))
    expected_songs = size * songs_with_term / n
    lift = (sums.data / weight_per_song + _SHRINKAGE_SONGS) / (expected_songs + _SHRINKAGE_SONGS)
    scores = sums.data / size * (np.log(np.maximum(lift, 1.0)) + _MIN_LOG_LIFT)
    return [
        [vocabulary.terms[column] for column in _best(scores[start:end], sums.indices[start:end])]
        for start, end in pairwise(sums.indptr)
    ]


def _best(scores, columns):
    """Return the columns with the highest scores, best first: a first term and the second terms to try."""
    count = _MAX_SECOND_TERMS + 1
    if len(scores) > count:
        lowest = np.partition(scores, -count)[-count]
        scores, columns = scores[scores >= lowest], columns[scores >= lowest]
    # Columns are in alphabetical order, so equal scores are ordered alphabetically.
    return columns[np.lexsort((columns, -scores))][:count].tolist()


def _terms(document):
    """Yield every term of a song as (number of its field, term)."""
    fields = document if isinstance(document, Mapping) else dict(zip(_FIELDS, document, strict=False))
    for number, field in enumerate(_FIELDS[:3]):
        value = fields.get(field)
        for text in (value,) if isinstance(value, str) else value or ():
            phrase = _cleaned(text)
            if _is_meaningful_phrase(phrase):
                yield number, phrase
    title = fields.get("title")
    if isinstance(title, str):
        for word in _WORD.findall(_cleaned(title).replace("’", "'")):
            if _is_meaningful_word(word):
                yield _TITLE, word


def _cleaned(text):
    """Shorten a tag, and remove its line breaks, control characters and repeated spaces."""
    text = str(text)[:_MAX_TAG_LENGTH]
    if not text.isprintable():
        text = "".join(map(_visible, text))
    return " ".join(unicodedata.normalize("NFC", text).split())


def _visible(character):
    category = unicodedata.category(character)
    if category == "Cc":
        return " "
    # The two joiners are needed for emoji and several scripts. Other format characters are invisible, and the
    # direction marks among them would change the direction of the page's own text.
    if category[0] == "C" and character not in "\u200c\u200d":
        return ""
    return character


def _is_meaningful_phrase(phrase):
    return phrase.casefold() not in _MEANINGLESS_PHRASES and any(
        unicodedata.category(character)[0] in "LS" for character in phrase
    )


def _is_meaningful_word(word):
    # One ideograph can be a word; one or two letters of an alphabet rarely are.
    min_length = 1 if unicodedata.category(word[0]) == "Lo" else _MIN_WORD_LENGTH
    return len(word) >= min_length and word.casefold() not in _MEANINGLESS_WORDS


def _distinct_names(ranked_terms):
    """Return a different name for each cluster. The terms of a cluster are given with the best first."""
    short_names = [
        _shortened(terms[0], _MAX_NAME_LENGTH) if terms else f"Cluster {cluster + 1}"
        for cluster, terms in enumerate(ranked_terms)
    ]
    counts = Counter(name.casefold() for name in short_names)
    names = [name if counts[name.casefold()] == 1 else None for name in short_names]
    used = {name.casefold() for name in names if name}
    for cluster, terms in enumerate(ranked_terms):
        if names[cluster] is None:
            names[cluster] = _unused_name(terms, short_names[cluster], used)
            used.add(names[cluster].casefold())
    return names


def _unused_name(terms, short_name, used):
    """Add a second term or, if that gives no unused name, a number to a cluster's short name."""
    for second in terms[1:]:
        name = _joined(terms[0], second)
        if _adds_information(second, terms[0]) and name.casefold() not in used:
            return name
    number = 1
    name = short_name
    while name.casefold() in used:
        number += 1
        name = f"{_shortened(short_name, _MAX_NAME_LENGTH - len(str(number)) - 1)} {number}"
    return name


def _adds_information(second, first):
    """Return whether a second term says more than the first, also after both are shortened."""
    if second.casefold() in first.casefold():
        return False
    # If the second term contains the first and both are shortened, they can look the same:
    # "Game soundtr… · Game soundt…".
    fits = len(first) + len(_SEPARATOR) + len(second) <= _MAX_NAME_LENGTH
    return fits or first.casefold() not in second.casefold()


def _joined(first, second):
    """Join two terms; the longer is shortened first if both do not fit."""
    room = _MAX_NAME_LENGTH - len(_SEPARATOR)
    second = _shortened(second, max(room // 2, room - len(first)))
    return _shortened(first, room - len(second)) + _SEPARATOR + second


def _shortened(text, max_length):
    if len(text) <= max_length:
        return text
    kept = text[: max_length - 1]
    # Never cut between a letter and its accent, or inside an emoji that consists of several characters.
    while kept and (
        unicodedata.category(text[len(kept)])[0] == "M" or "\u200d" in (kept[-1], text[len(kept)])
    ):
        kept = kept[:-1]
    return kept.rstrip(" -·,.;:") + _ELLIPSIS
