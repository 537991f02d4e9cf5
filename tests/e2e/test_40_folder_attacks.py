# SPDX-License-Identifier: Apache-2.0
"""Attacks on Beacon data folders at the product's default settings, against a running node: docs/security/privacy.md.

The folders are made here, of people whose alleles and terms are drawn independently, which is the easiest there is to attack.
"""

import json
import random
import statistics

import pytest

import road
import tokens
from conftest import QUICK
from federation import Federation, wait_until
from test_30_privacy import COPIES_VARIANCE, NOISE_VARIANCE, TARGETS, area, ask, evidence, judged, of_dataset, same_noise

PEOPLE, STRANGERS = 300, 100
ALLELES = 240
GROUP = 80  # people of a disease
FEMALE, MALE = {"id": "NCIT:C16576", "label": "female"}, {"id": "NCIT:C20197", "label": "male"}
ZYGOSITY = {1: {"id": "GENO:0000135", "label": "heterozygous"}, 2: {"id": "GENO:0000136", "label": "homozygous"}}
REGIONS = 20


class Population:
    """Everybody's copies of each allele, by the allele's frequency. The first PEOPLE are in the folders."""

    def __init__(self, seed):
        draw = random.Random(seed)
        self.frequencies = [draw.uniform(0.2, 0.5) for _ in range(ALLELES)]
        self.people = [[(draw.random() < p) + (draw.random() < p) for p in self.frequencies] for _ in range(PEOPLE + STRANGERS)]
        self.insiders = draw.sample(range(PEOPLE), TARGETS)
        self.strangers = draw.sample(range(PEOPLE, PEOPLE + STRANGERS), TARGETS)

    def targets(self):
        return [("in", person) for person in self.insiders] + [("out", person) for person in self.strangers]


def position(allele):
    return 1_000_000 + 1000 * allele


def variant(allele):
    return {"referenceName": "20", "start": [position(allele)], "referenceBases": "C", "alternateBases": "T", "assemblyId": "GRCh38"}


def frequency(people, copies, population):
    hom = sum(copies[person] == 2 for person in people)
    het = sum(copies[person] == 1 for person in people)
    return {"population": population, "alleleCount": 2 * hom + het, "alleleNumber": 2 * len(people),
            "alleleFrequency": (2 * hom + het) / (2 * len(people))}


def write(path, population, dataset, terms=lambda person: [], frequencies=False):
    """A folder of one dataset. `terms`: of a person's features and diseases."""
    people = range(PEOPLE)
    names = [f"{dataset}-P{person:03}" for person in people]
    individuals = []
    for person in people:
        had = terms(person)
        individuals.append({"id": names[person], "datasetId": dataset, "sex": (FEMALE, MALE)[person % 2],
                            "diseases": [{"diseaseCode": {"id": term, "label": term}} for term in had if term.startswith("MONDO:")],
                            "phenotypicFeatures": [{"featureType": {"id": term, "label": term}} for term in had if term.startswith("HP:")]})
    biosamples = [{"id": f"{name}-B", "individualId": name, "datasetId": dataset, "biosampleStatus": {"id": "EFO:0009654", "label": "reference sample"},
                   "sampleOriginType": {"id": "UBERON:0000178", "label": "blood"}} for name in names]
    variants = []
    for allele in range(ALLELES):
        copies = [population.people[person][allele] for person in people]
        place = position(allele)
        record = {"variantInternalId": f"{dataset}-{allele}", "datasetId": dataset,
                  "identifiers": {"genomicHGVSId": f"NC_000020.11:g.{place + 1}C>T"},
                  "variation": {"variantType": "SNP", "referenceBases": "C", "alternateBases": "T", "location": {
                      "type": "SequenceLocation", "sequence_id": "refseq:NC_000020.11",
                      "interval": {"type": "SequenceInterval", "start": {"type": "Number", "value": place}, "end": {"type": "Number", "value": place + 1}}}},
                  "caseLevelData": [{"individualId": names[person], "biosampleId": f"{names[person]}-B", "zygosity": ZYGOSITY[copies[person]]}
                                    for person in people if copies[person]]}
        if frequencies:
            # Of each region by itself: where one population of a source is held back, the others are.
            record["frequencyInPopulations"] = [{"source": f"Region {at}", "sourceReference": "https://example.org",
                                                 "frequencies": [frequency(people[at::REGIONS], copies, f"FI-{at}")]} for at in range(REGIONS)]
        variants.append(record)
    path.mkdir(parents=True)
    path.chmod(0o755)
    described = [{"id": dataset, "name": dataset, "createDateTime": "2026-01-01T00:00:00Z", "updateDateTime": "2026-01-01T00:00:00Z", "version": "1"}]
    for name, records in (("datasets", described), ("individuals", individuals), ("biosamples", biosamples), ("genomicVariations", variants)):
        (path / f"{name}.json").write_text(json.dumps(records))
    return path


@pytest.fixture(scope="module")
def population():
    return Population(20261202)


@pytest.fixture(scope="module")
def node(workspace, population):
    """A node with one folder, loaded as it starts."""
    path = write(workspace / "folder-attacks" / "counts", population, "ATTACKED-COUNTS")
    with Federation(workspace / "var-folder-attacks", nodes="FI", layout="site", hsm="none", sets=[*QUICK, same_noise(workspace)], exact=False,
                    args=["--beacon-data", path]) as federation:
        wait_until(lambda: listed(federation, "ATTACKED-COUNTS"), 30, "the folder to be answered from")
        yield federation


def listed(federation, dataset):
    return dataset in [one["id"] for one in federation.get("fi", "/beacon/v2/datasets?limit=0")["response"]["collections"]]


def another(federation, path, name, dataset):
    """Each attack has a folder of its own: what all accounts together may be told of one is bounded, too."""
    road.list_folder(federation, path, name)
    wait_until(lambda: listed(federation, dataset), 30, "the folder to be answered from")
    return dataset


def count_of(body):
    """What a count of people says, and the step that it was rounded to (docs/security/privacy.md)."""
    summary = body["responseSummary"]
    assert summary["countPrecision"] == "imprecise"
    count = summary.get("numTotalResults", 0)
    return count, 10 if count < 200 else 20


def until_refused(federation, token, questions, granularity="count"):
    """(what was asked, answer) of each, until the budget is spent."""
    for what, question in questions:
        status, headers, body = ask(federation, "fi", question, token, granularity)
        if status == 429:
            assert headers["Genofed-Reason"] == "BUDGET_SPENT" and int(headers["Retry-After"]) > 86_400
            return
        assert status == 200, body
        yield what, body
    raise AssertionError("an attacker was never refused")


def test_membership_cannot_be_told_from_counts(node, population, figures):
    """Likelihood ratios (Shringarpure & Bustamante 2015) of how many people carry the target's alleles."""
    scores, asked = {"in": [], "out": []}, []
    for number, (kind, target) in enumerate(population.targets()):
        token = tokens.access_token(node, f"counts-{number}", ["fi"])
        own = [allele for allele in range(ALLELES) if population.people[target][allele]]
        random.Random(number).shuffle(own)
        score, answered = 0.0, 0
        questions = ((allele, of_dataset(("individuals", {"requestParameters": variant(allele)}), "ATTACKED-COUNTS")) for allele in own)
        for allele, body in until_refused(node, token, questions):
            count, step = count_of(body)
            carry = 1 - (1 - population.frequencies[allele]) ** 2
            score += evidence(count, step, PEOPLE, carry)
            answered += 1
        scores[kind].append(score)
        asked.append(answered)
    judged(figures, f"membership inference, Beacon folder, default settings, {PEOPLE} people", scores, f", {statistics.mean(asked):.0f} answers for each attacker")
    assert 3 < statistics.mean(asked) and max(asked) < 40


def test_a_difference_hardly_shows_one_person(node, workspace, population, figures):
    """Differencing: A, and A and B, which all of A but the target have, in as many words as there are for it."""
    draw = random.Random(20261203)
    had = {person: [] for person in range(PEOPLE)}
    for number, (kind, target) in enumerate(population.targets()):
        disease, feature = f"MONDO:9{number:06}", f"HP:9{number:06}"
        for person in draw.sample([p for p in range(PEOPLE) if p != target], GROUP):
            had[person] += [disease, feature]
        if kind == "in":
            had[target].append(disease)
    path = write(workspace / "folder-attacks" / "difference", population, "ATTACKED-DIFFERENCE", terms=lambda person: had[person])
    dataset = another(node, path, "GDI-FI-BEACON-2", "ATTACKED-DIFFERENCE")

    def questions(number):
        disease, feature = ({"id": f"{prefix}:9{number:06}"} for prefix in ("MONDO", "HP"))
        for at in range(64):
            # True of everybody: only the attacker knows that it is the same question again.
            rest = [[FEMALE["id"], MALE["id"], f"HP:8{at:06}"]] if at else []
            yield "A", of_dataset(("individuals", {"filters": [disease, *rest]}), dataset)
            yield "A and B", of_dataset(("individuals", {"filters": [disease, feature, *rest]}), dataset)

    scores, exactly, pairs = {"in": [], "out": []}, {"in": [], "out": []}, 0
    for number, (kind, _) in enumerate(population.targets()):
        token = tokens.access_token(node, f"difference-{number}", ["fi"])
        told = [count_of(body) for _, body in until_refused(node, token, questions(number))]
        score = 0.0
        for (all_of, step), (without, other_step) in zip(told[::2], told[1::2]):
            variance = 2 * NOISE_VARIANCE + (step * step + other_step * other_step) / 12
            score += ((all_of - without) ** 2 - (all_of - without - 1) ** 2) / variance / 2
            pairs += 1
        scores[kind].append(score)
        exactly[kind].append(sum(f"MONDO:9{number:06}" in terms and f"HP:9{number:06}" not in terms for terms in had.values()))
    assert area(exactly["in"], exactly["out"]) == 1, "exact counts would tell it"
    assert pairs >= 2 * len(scores["in"] + scores["out"])
    judged(figures, f"differencing attack, Beacon folder, default settings, groups of {GROUP}", scores,
           f", {pairs / 2 / TARGETS:.1f} differences for each attacker; AUC 1.00 of exact counts")


def test_membership_cannot_be_told_from_frequencies_of_records(node, workspace, population, figures):
    """Frequency attack: records of alleles of which the target has two copies, whose folder says how frequent they are in each region."""
    path = write(workspace / "folder-attacks" / "frequencies", population, "ATTACKED-FREQUENCIES", frequencies=True)
    dataset = another(node, path, "GDI-FI-BEACON-3", "ATTACKED-FREQUENCIES")
    scores, asked, told = {"in": [], "out": []}, [], 0
    for number, (kind, target) in enumerate(population.targets()):
        token = tokens.access_token(node, f"record-{number}", ["fi"])
        mine = population.people[target]
        region = f"FI-{target % REGIONS}"  # where the target lives
        own = sorted((allele for allele in range(ALLELES) if mine[allele]), key=lambda allele: 2 * population.frequencies[allele] - mine[allele])
        score, answered = 0.0, 0
        questions = ((allele, of_dataset(("g_variants", {"requestParameters": variant(allele)}), dataset)) for allele in own)
        for allele, body in until_refused(node, token, questions, "record"):
            answered += 1
            p = population.frequencies[allele]
            for result in (found for one in body["response"]["resultSets"] for found in one.get("results", [])):
                assert "caseLevelData" not in result
                told += 1
                values = {value["population"]: value for source in result.get("frequencyInPopulations", []) for value in source["frequencies"]}
                value = values.get(region) or values.get("Total")
                if value is None:
                    continue
                of = value["alleleNumber"] / 2
                variance = of * 2 * p * (1 - p) + (COPIES_VARIANCE if value["alleleCount"] % 10 == 0 and value["alleleNumber"] % 10 == 0 else 0)
                truth_in, truth_out = (of - 1) * 2 * p + mine[allele], of * 2 * p
                score += ((value["alleleCount"] - truth_out) ** 2 - (value["alleleCount"] - truth_in) ** 2) / variance / 2
        scores[kind].append(score)
        asked.append(answered)
    assert told, "records are told at all"
    judged(figures, f"frequency attack, Beacon folder, default settings, {PEOPLE} people of {REGIONS} regions", scores,
           f", {statistics.mean(asked):.0f} answers for each attacker")
