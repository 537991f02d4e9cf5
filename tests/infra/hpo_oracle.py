# SPDX-License-Identifier: Apache-2.0
"""The Human Phenotype Ontology and phenotype similarity, once more and slowly: what genofed must come to by itself.

Information content as libs/phenotype/similarity.h defines it, Lin's similarity of terms, best-match average of people.
"""

import functools
import gzip
import math
import pathlib

TABLE = pathlib.Path(__file__).resolve().parents[2] / "data" / "ontologies" / "hpo.tsv.gz"
ROOT = "HP:0000118"


@functools.lru_cache
def parents():
    above = {}
    with gzip.open(TABLE, "rt", encoding="utf-8") as lines:
        for line in lines:
            cells = line.rstrip("\n").split("\t")
            if not line.startswith("#") and cells[2] == "0":
                above[cells[0]] = cells[5].split("|") if len(cells) > 5 and cells[5] else []
    return above


@functools.lru_cache(maxsize=None)
def ancestors(term):
    """The term and everything it is a kind of, within the abnormalities; empty for what is none."""
    if term == ROOT:
        return frozenset([ROOT])
    found = set()
    for parent in parents().get(term, []):
        found |= ancestors(parent)
    return frozenset(found | {term}) if found else frozenset()


@functools.lru_cache
def children():
    under = {}
    for term, above in parents().items():
        for parent in above:
            under.setdefault(parent, []).append(term)
    return under


def within(term, steps):
    """Terms so many steps up and down from this one, itself included."""
    near = {term}
    for _ in range(steps):
        near |= {other for one in near for other in (*parents().get(one, []), *children().get(one, []))}
    return near


@functools.lru_cache
def below():
    """Term to the number of its kinds, itself included."""
    numbers = {}
    for term in parents():
        for above in ancestors(term):
            numbers[above] = numbers.get(above, 0) + 1
    return numbers


def systems(terms):
    """Organ systems that terms belong to."""
    divisions = {term for term, above in parents().items() if ROOT in above}
    return {above for term in terms for above in ancestors(term)} & divisions


class Similarity:
    """Among people: [set of terms]."""

    def __init__(self, people, floor):
        self.people = len(people)
        self.floor = floor
        self.counts = {}
        for terms in people:
            for above in {above for term in terms for above in ancestors(term)}:
                self.counts[above] = self.counts.get(above, 0) + 1

    def content(self, term):
        if term == ROOT:
            return 0
        count = self.counts.get(term, 0)
        octave = 0 if count < self.floor else self.floor * 2 ** int(math.log2(count / self.floor))
        return -math.log((octave + below()[term] / len(below())) / (self.people + 1))

    def of_terms(self, a, b):
        common = max((self.content(term) for term in ancestors(a) & ancestors(b)), default=0)
        both = self.content(a) + self.content(b)
        return 2 * common / both if both else 0

    def of_people(self, a, b):
        a, b = ({term for term in terms if ancestors(term)} for terms in (a, b))
        if not a or not b:
            return 0
        there = sum(max(self.of_terms(x, y) for y in b) for x in a) / len(a)
        back = sum(max(self.of_terms(x, y) for x in a) for y in b) / len(b)
        return (there + back) / 2
