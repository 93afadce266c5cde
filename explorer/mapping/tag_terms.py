"""Turns the terms of tags into short names that differ at their beginnings.

A legend cuts a long name, and a list is read by the beginnings of its lines. So a name has at most 24
characters, made of whole words, and no two names begin with the same word if other terms are true of the
songs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

MAX_NAME_LENGTH = 24
SEPARATOR = " · "

MIN_OWN_SHARE = 0.5
"""An artist, an album or a site names a cluster only if more than this share of its songs have it."""

MIN_TITLE_SHARE = 0.2
"""A word of titles names a cluster only if at least this share of its songs have it."""

MIN_TRUE_SHARE = 0.1
"""A term is true of a cluster as a second term, or as a name that it has already, if at least this share of
its songs have it."""

# A second term goes before the first one if its score is at least this share of the first one's.
_MIN_SECOND_SCORE = 0.25
# Names that begin with the same word are accepted, where nothing else is true, if these characters differ.
_TOLD_APART_BY = 8
_NUMBER_LENGTH = 4
_ELLIPSIS = "…"

_DOMAIN = re.compile(
    r"(?:https?://|www\.)\S+|\b(?:[a-z0-9-]+\.)+(?:com|org|net|info|io|fm|tv|de|uk|fr|ru|eu|co|cc|me|app)\b",
    re.IGNORECASE,
)
_PARENTHESES = re.compile(r"\s*[(\[]([^()\[\]]*)[)\]]?\s*")
_BETWEEN_WORDS = re.compile(r"[\s\-‐‑/,;:(\[&+]+")
_NUMBER_AT_END = re.compile(r" \d+$")
# Words that must not end a name which was shortened.
_DANGLING = frozenset("a an and at by da de for from in la le n of on or the to vs with y &".split())


@dataclass(frozen=True)
class Term:
    """A term that is true of a cluster.

    Attributes
    ----------
    text : str
        On one line, without spaces at its ends.
    score : float
        How well it distinguishes the cluster's songs from the others; above 0.
    share : float
        Of how many of the cluster's songs it is true, from 0 to 1.
    """

    text: str
    score: float
    share: float = 1.0


def is_site(text: str) -> bool:
    """Return whether a text is or has the address of a web site, such as "freemusicarchive.org"."""
    return "." in text and _DOMAIN.search(text) is not None


def short_forms(text: str) -> list[str]:
    """Return the forms in which a term can be a name, the best first; all have at most 24 characters.

    "Game soundtrack (cinematic electronic)" gives "Game soundtrack" and "Cinematic electronic".
    """
    if site := _DOMAIN.search(text) if "." in text else None:
        text = site[0]
    whole = [text] if len(text) <= MAX_NAME_LENGTH else []
    details = [detail.strip() for detail in _PARENTHESES.findall(text)]
    base = " ".join(_PARENTHESES.sub(" ", text).split())
    parts = [base, *(detail[:1].upper() + detail[1:] for detail in details)]
    fitting = [part for part in parts if len(part) <= MAX_NAME_LENGTH and _has_letter(part)]
    forms = whole + fitting if details else whole
    return list(dict.fromkeys(forms)) or [shortened(base if _has_letter(base) else text, MAX_NAME_LENGTH)]


def shortened(text: str, max_length: int) -> str:
    """Return the first whole words of a text that fit; a first word that is too long ends in an ellipsis."""
    if len(text) <= max_length:
        return text
    words = text[: max_length + 1].split(" ")[:-1]
    while len(words) > 1 and words[-1].casefold() in _DANGLING:
        words.pop()
    kept = " ".join(words).rstrip(" -·,.;:(/&")
    # One or two letters, such as "A", would say nothing.
    return kept if len(kept) > max_length // 3 and _has_letter(kept) else _cut(text, max_length)


def _cut(text: str, max_length: int) -> str:
    kept = text[: max_length - 1]
    # Never cut between a letter and its accent, or inside an emoji that consists of several characters.
    while kept and (
        unicodedata.category(text[len(kept)])[0] == "M" or "\u200d" in (kept[-1], text[len(kept)])
    ):
        kept = kept[:-1]
    return kept.rstrip(" -·,.;:") + _ELLIPSIS


def _has_letter(text: str) -> bool:
    return any(unicodedata.category(character)[0] in "LS" for character in text)


def capitalized(name: str) -> str:
    """Return a name with a capital first letter; sites and words such as "iPop" stay as they are."""
    word = name.split(" ", 1)[0]
    return name[:1].upper() + name[1:] if word.islower() and not is_site(word) else name


class Names:
    """The names given so far: no two are equal, whatever their case."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names: dict[str, None] = {}
        self._first_words: set[str] = set()
        for name in names:
            self.add(name)

    def add(self, name: str) -> str:
        """Remember a name, and return it as it is shown: with a capital letter."""
        name = capitalized(name)
        self._names[name.casefold()] = None
        self._first_words.add(_first_word(name))
        return name

    def has(self, name: str) -> bool:
        """Return whether a name is given."""
        return name.casefold() in self._names

    def is_unlike(self, name: str) -> bool:
        """Return whether a name begins with another word than every name given."""
        return _first_word(name) not in self._first_words

    def is_told_apart(self, name: str) -> bool:
        """Return whether a name differs from every name given in its first characters."""
        beginning = name.casefold()[:_TOLD_APART_BY]
        return all(other[:_TOLD_APART_BY] != beginning for other in self._names)


def _first_word(name: str) -> str:
    words = [word for word in _BETWEEN_WORDS.split(name.casefold()) if word]
    return words[0] if words else name.casefold()


def choose_names(terms: Sequence[Sequence[Term]], kept: Sequence[str | None]) -> list[str]:
    """Name every cluster; all names differ.

    A term that is the best of several clusters names the one of which nothing else is true; of several such
    clusters, or if there is none, the one in which its score is highest. Each of the others gets another of
    its terms, before that term if both fit: "Minimal · Techno". If nothing else is true of its songs, its
    name gets a number.

    Parameters
    ----------
    terms : sequence of sequence of Term
        By cluster, the best first; a cluster without terms is named "Cluster 3", counting from 1.
    kept : sequence of str or None
        By cluster, the name that it keeps.
    """
    kept = [name and capitalized(name) for name in kept]
    is_numbered = [bool(name and _NUMBER_AT_END.search(name)) for name in kept]
    plain = [name for name, numbered in zip(kept, is_numbered, strict=True) if name and not numbered]
    names = Names(name for name in plain if SEPARATOR not in name)
    chosen: list[str | None] = list(kept)
    for cluster, name in enumerate(kept):
        # Older versions wrote the same term before several second ones: "Techno · Dub", "Techno · Bass".
        if name and SEPARATOR in name and not is_numbered[cluster]:
            chosen[cluster] = names.add(name) if names.is_unlike(name) else None
    for cluster, name in enumerate(kept):
        # A number goes as soon as something else is true.
        if name and is_numbered[cluster]:
            chosen[cluster] = None if any(_alternatives(terms[cluster], names)) else names.add(name)
    unnamed = [cluster for cluster, name in enumerate(chosen) if name is None]
    with_terms = [cluster for cluster in unnamed if terms[cluster]]
    by_score = sorted(with_terms, key=lambda cluster: (-terms[cluster][0].score, cluster))
    # First those that get their own best term as it is, beginning with those of which nothing else is true.
    own = {cluster: short_forms(terms[cluster][0].text)[0] for cluster in by_score}
    taken = Names([*filter(None, chosen), *own.values()])
    for cluster in sorted(by_score, key=lambda cluster: any(_alternatives(terms[cluster], taken))):
        if names.is_unlike(own[cluster]):
            chosen[cluster] = names.add(own[cluster])
    for cluster in by_score:
        if chosen[cluster] is None:
            chosen[cluster] = names.add(_unlike_others(terms[cluster], names))
    for cluster in unnamed:
        if not terms[cluster]:
            chosen[cluster] = names.add(_numbered(f"Cluster {cluster + 1}", names))
    return [name or "" for name in chosen]


def _seconds(terms: Sequence[Term]) -> tuple[list[Term], list[Term]]:
    """Return the terms that can go before the first one: those that distinguish the cluster, and others."""
    seconds = [term for term in terms[1:] if term.share >= MIN_TRUE_SHARE]
    good = [term for term in seconds if term.score >= _MIN_SECOND_SCORE * terms[0].score]
    return good, [term for term in seconds if term not in good]


def _alternatives(terms: Sequence[Term], names: Names) -> Iterator[str]:
    """Yield the good names of a cluster that begin with other words than the names given."""
    if not terms:
        return iter(())
    good, _ = _seconds(terms)
    forms = [*short_forms(terms[0].text), *_combined(good, terms[0], is_enough=True)]
    return filter(names.is_unlike, forms)


def _unlike_others(terms: Sequence[Term], names: Names) -> str:
    first = short_forms(terms[0].text)
    _, others = _seconds(terms)
    distinct = _alternatives(terms, names)
    told_apart = filter(names.is_told_apart, first)
    weak = filter(names.is_unlike, _combined(others, terms[0]))
    frequent = [term for term in others if term.share >= MIN_TITLE_SHARE]
    alone = filter(names.is_unlike, _combined(frequent, terms[0], is_enough=True))
    fallback = next((form for form in first if len(form) <= MAX_NAME_LENGTH - _NUMBER_LENGTH), first[0])
    return next(chain(distinct, told_apart, weak, alone), None) or _numbered(fallback, names)


def _combined(seconds: Iterable[Term], first: Term, *, is_enough: bool = False) -> Iterator[str]:
    """Yield names that begin with another term than the first; `is_enough`: it can be the whole name."""
    for second in seconds:
        if second.text.casefold() in first.text.casefold():
            continue
        for form in short_forms(second.text):
            says_both = first.text.casefold() in second.text.casefold()
            for ending in () if says_both else short_forms(first.text):
                if len(form) + len(SEPARATOR) + len(ending) <= MAX_NAME_LENGTH:
                    yield form + SEPARATOR + ending
            if is_enough or says_both:
                yield form


def _numbered(name: str, names: Names) -> str:
    number, numbered = 1, name
    while names.has(numbered):
        number += 1
        numbered = f"{shortened(name, MAX_NAME_LENGTH - len(str(number)) - 1)} {number}"
    return numbered


def is_made_of(name: str, texts: Iterable[str]) -> bool:
    """Return whether a name consists of forms of these terms, as `choose_names` would write it."""
    forms = {form.casefold() for text in texts for form in short_forms(text)}
    if len(name) > MAX_NAME_LENGTH or not forms:
        return False
    parts = name.casefold().split(SEPARATOR)
    return all(part in forms for part in parts) or _NUMBER_AT_END.sub("", name.casefold()) in forms
