"""Finds the terms of songs' tags that distinguish each cluster; `tag_terms` turns them into names.

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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import MappingError
from explorer.mapping.tag_terms import (
    MIN_OWN_SHARE,
    MIN_TITLE_SHARE,
    MIN_TRUE_SHARE,
    Term,
    choose_names,
    is_made_of,
    is_site,
)
from explorer.util.text import spelling_key

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_FIELDS = ("genres", "artist", "album", "title")
_GENRE, _TITLE = _FIELDS.index("genres"), _FIELDS.index("title")
# The weight of each field of `_FIELDS`. A genre describes the sound; an artist's name does so only for people
# who know the artist; a word of a title rarely does.
_WEIGHTS = np.array([6.0, 2.0, 1.0, 0.5])
# Added to both numbers of the lift.
_SHRINKAGE_SONGS = 2.0
# Added to the logarithm of the lift, so that a score is not 0 for a lift of 1. If no term is more frequent in
# a cluster than elsewhere, the cluster's most frequent term then has the highest score.
_MIN_LOG_LIFT = 0.1
# The rest of a longer tag is ignored: a tag of several megabytes must not take seconds.
_MAX_TAG_LENGTH = 200
_MAX_SECOND_TERMS = 20
_MIN_WORD_LENGTH = 3
_SONGS_FOR_ONE_GENRE = 4
# A cluster keeps the name of an earlier one if it has more than this share of the earlier one's songs.
_MIN_KEPT_SHARE = 1 / 3
_ONE_SONG_FACTOR = 0.3
"""In a cluster of more songs, the score of the genre of a single song is multiplied by this factor."""

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
        In alphabetical order. A genre is in its most frequent spelling as a genre, any other term in its most
        frequent spelling.
    min_shares : np.ndarray [shape=(m,), float64]
        A term names a cluster only if more than this share of the cluster's songs have it.
    """

    weights: csr_matrix
    terms: list[str]
    min_shares: np.ndarray

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
        as_genre = np.bincount(
            spellings[song_fields % len(_FIELDS) == _GENRE], minlength=len(spelling_numbers)
        )
        terms, column_of = _merge_spellings(list(spelling_numbers), as_genre, counts)
        song_fields, columns = _distinct_pairs(song_fields, column_of[spellings], len(terms))
        songs, fields = np.divmod(song_fields, len(_FIELDS))
        weights = csr_matrix((_WEIGHTS[fields], (songs, columns)), shape=(n_songs, len(terms)))
        return cls(weights, terms, _min_shares(terms, fields, columns))


def _min_shares(terms, fields, columns):
    """Return the least share of each term: see `Vocabulary.min_shares`."""
    has_field = np.zeros((len(terms), len(_FIELDS)), dtype=bool)
    has_field[columns, fields] = True
    is_genre = has_field[:, _GENRE] & ~np.array([is_site(term) for term in terms], dtype=bool)
    # A word of titles can be an artist's name too. Then it is the name.
    is_word = ~has_field[:, :_TITLE].any(axis=1)
    # Of exactly the share, words are accepted and names of artists are not.
    return np.where(is_genre, 0.0, np.where(is_word, np.nextafter(MIN_TITLE_SHARE, 0), MIN_OWN_SHARE))


def _distinct_pairs(first, second, n_seconds):
    """Return the distinct pairs of two arrays of numbers, sorted; `n_seconds` bounds the second numbers."""
    pairs = np.unique(np.asarray(first, dtype=np.int64) * n_seconds + np.asarray(second, dtype=np.int64))
    return np.divmod(pairs, max(n_seconds, 1))


def _merge_spellings(spellings, as_genre, counts):
    """Merge spellings that differ only in case, width, hyphens or spaces.

    Returns the terms in alphabetical order, each in its most frequent spelling, and the number of the term of
    each spelling. `genre_texts.common_spellings` chooses the same spelling for a genre.
    """
    keys = [_spelling_key(spelling) for spelling in spellings]
    # The spelling itself decides between equally frequent ones, so that the result is always the same.
    order = sorted(
        range(len(keys)),
        key=lambda i: (keys[i], -as_genre[i], -counts[i], spellings[i].islower(), spellings[i]),
    )
    terms, column_of, last = [], np.empty(len(keys), dtype=np.int64), None
    for i in order:
        if keys[i] != last:
            terms.append(spellings[i])
            last = keys[i]
        column_of[i] = len(terms) - 1
    return terms, column_of


def _spelling_key(text):
    # Most terms of a million songs are plain: `spelling_key` takes ten times as long.
    is_plain = text.isascii() and "-" not in text and "_" not in text
    return text.lower() if is_plain else spelling_key(text)


@dataclass(frozen=True, eq=False)
class EarlierNames:
    """The names that the clusters of the same songs had before.

    Attributes
    ----------
    labels : np.ndarray [shape=(n,), int]
        Each song's earlier cluster; -1 for a song that was in none.
    names : sequence of str
        By earlier cluster.
    """

    labels: np.ndarray
    names: Sequence[str]


def name_clusters(
    labels: np.ndarray,
    documents: Vocabulary | Sequence[Mapping | Sequence],
    *,
    earlier: EarlierNames | None = None,
) -> list[str]:
    """Name every cluster by one or two terms that distinguish it from the others.

    Parameters
    ----------
    labels : np.ndarray [shape=(n,), int]
        Each song's cluster number, from 0.
    documents : Vocabulary, or sequence of mapping or sequence [length=n]
        The tags of each song, in the form that `Vocabulary.of` takes. To name several clusterings of a
        library, make its vocabulary once.
    earlier : EarlierNames, optional
        The cluster that shares most songs with an earlier one keeps its name, as long as it is still true and
        more than a third of the earlier cluster's songs are in it.

    Returns
    -------
    list of str
        A name for each cluster. All names differ in more than case, have at most 24 characters, begin with
        different words where different terms are true, and contain no line breaks or control characters. They
        begin with a capital letter, except sites and words such as "iPop".
        They are data, not HTML: escape them. A cluster without terms is named "Cluster 3", counting from 1.

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
    found = _rank_terms(labels, vocabulary)
    kept = [None] * len(found) if earlier is None else _kept_names(labels, found, earlier)
    return choose_names([terms.best for terms in found], kept)


def _kept_names(labels, found, earlier):
    """Return the name that each cluster keeps, or None."""
    from scipy.optimize import linear_sum_assignment

    before = np.asarray(earlier.labels, dtype=np.int64)
    shape = len(found), len(earlier.names)
    is_counted = (before >= 0) & (before < shape[1])
    pairs = labels[is_counted] * shape[1] + before[is_counted]
    overlap = np.bincount(pairs, minlength=shape[0] * shape[1]).reshape(shape)
    overlap[overlap <= _MIN_KEPT_SHARE * overlap.sum(axis=0)] = 0
    # A name that is not true of one cluster can be true of another one with many of the songs.
    for cluster, number in zip(*np.nonzero(overlap), strict=True):
        if not is_made_of(earlier.names[number], found[cluster].true):
            overlap[cluster, number] = 0
    kept = [None] * shape[0]
    for cluster, number in zip(*linear_sum_assignment(overlap, maximize=True), strict=True):
        if overlap[cluster, number]:
            kept[cluster] = earlier.names[number]
    return kept


@dataclass(frozen=True)
class _ClusterTerms:
    """The terms of a cluster: the best ones, best first, and the texts of all those that are true of it."""

    best: list[Term]
    true: list[str]


def _rank_terms(labels, vocabulary):
    """Return the terms of each cluster."""
    from scipy.sparse import csr_matrix

    n, sizes, weights = len(labels), np.bincount(labels), vocabulary.weights
    membership = csr_matrix((np.ones(n), (labels, np.arange(n))), shape=(len(sizes), n))
    has_term = csr_matrix((np.ones_like(weights.data), weights.indices, weights.indptr), shape=weights.shape)
    # These arrays and those below have one value for each pair of a cluster and a term of its songs.
    sums, songs = (membership @ weights).tocsr(), (membership @ has_term).tocsr()
    sums.sort_indices()
    songs.sort_indices()
    terms = sums.indices
    songs_with_term = np.bincount(weights.indices, minlength=len(vocabulary.terms))[terms]
    weight_per_song = np.asarray(weights.sum(axis=0)).ravel()[terms] / songs_with_term
    size = np.repeat(sizes, np.diff(sums.indptr))
    expected_songs = size * songs_with_term / n
    lift = (sums.data / weight_per_song + _SHRINKAGE_SONGS) / (expected_songs + _SHRINKAGE_SONGS)
    scores = sums.data / size * (np.log(np.maximum(lift, 1.0)) + _MIN_LOG_LIFT)
    shares = songs.data / size
    min_shares = vocabulary.min_shares[terms]
    is_of_one = (songs.data < 2) & (size > 1)
    # One song's title or artist says nothing about the others; its genre says little.
    can_name = (shares > min_shares) & ~(is_of_one & (min_shares > 0))
    scores[is_of_one & (size > _SONGS_FOR_ONE_GENRE)] *= _ONE_SONG_FACTOR
    stays_true = can_name & (shares >= MIN_TRUE_SHARE) & (songs.data >= 0.999 * expected_songs)
    found = []
    for start, end in pairwise(sums.indptr):
        rows = start + np.flatnonzero(can_name[start:end])
        best = rows[_best(scores[rows], terms[rows])]
        true = np.union1d(best, start + np.flatnonzero(stays_true[start:end]))
        found.append(
            _ClusterTerms(
                [Term(vocabulary.terms[terms[row]], float(scores[row]), float(shares[row])) for row in best],
                [vocabulary.terms[terms[row]] for row in true],
            )
        )
    return found


def _best(scores, columns):
    """Return the rows with the highest scores, best first: a first term and the second terms to try."""
    count = _MAX_SECOND_TERMS + 1
    rows = np.arange(len(scores))
    if len(scores) > count:
        rows = np.flatnonzero(scores >= np.partition(scores, -count)[-count])
    # Columns are in alphabetical order, so equal scores are ordered alphabetically.
    return rows[np.lexsort((columns[rows], -scores[rows]))][:count]


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
