# SPDX-License-Identifier: Apache-2.0
"""Attacks on Beacon data folders, and on a cohort beside one, at the product's default settings, against a running node: docs/security/privacy.md.

The folders are made here, of people whose alleles and terms are drawn independently, which is the easiest there is to attack.
"""

import concurrent.futures
import http.client
import json
import random
import ssl
import statistics
import time
import urllib.parse

import pytest

import road
import tokens
from cohort import Cohort
from conftest import QUICK, synth
from federation import Federation, wait_until
from test_30_privacy import (COPIES_VARIANCE, NOISE_VARIANCE, TARGETS, THRESHOLD, area, ask, database, evidence, judged, of_dataset, same_noise,
                             weighed)

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


def write(path, population, dataset, terms=lambda person: [], frequencies=False, rare=()):
    """A folder of one dataset. `terms`: of a person's features and diseases; `rare`: who carries one more allele, the last."""
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
    for allele in range(ALLELES + bool(rare)):
        copies = [population.people[person][allele] if allele < ALLELES else int(person in rare) for person in people]
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
    with Federation(workspace / "var-folder-attacks", nodes="FI", layout="site", hsm="none", exact=False,
                    sets=[*QUICK, same_noise(workspace), "hub:discovery.answer_lifetime=1s", "hub:discovery.node_deadline=20s"], args=["--beacon-data", path]) as federation:
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


def cells_of(body):
    """{sex: people} of an answer by sex, or none where the number of all is told without."""
    aggregations = body.get("responseAggregation", [])
    return {cell["conceptValues"][0]["id"]: cell["count"] for one in aggregations for cell in one["distribution"]}


def until_spent(federation, token, questions):
    """As until_refused: distributions, and then numbers, which cost less."""
    granularity = "aggregated"
    for what, question in questions:
        status, headers, body = ask(federation, "fi", question, token, granularity)
        if status == 429 and granularity == "aggregated":
            granularity = "count"
            status, headers, body = ask(federation, "fi", question, token, granularity)
        if status == 429:
            assert headers["Genofed-Reason"] == "BUDGET_SPENT" and int(headers["Retry-After"]) > 86_400
            return
        assert status == 200, body
        yield what, body
    raise AssertionError("an attacker was never refused")


BY_SEX = {"aggregationTerms": [{"id": "sex"}]}
SEXES = (FEMALE["id"], MALE["id"])  # of person % 2


def test_membership_cannot_be_told_from_how_carriers_are_distributed(node, workspace, population, figures):
    """Of each allele of the target: all who carry it, and those of either sex, weighed together."""
    dataset = another(node, write(workspace / "folder-attacks" / "groups", population, "ATTACKED-GROUPS"), "GDI-FI-BEACON-4", "ATTACKED-GROUPS")
    scores, told = {"in": [], "out": []}, 0
    for number, (kind, target) in enumerate(population.targets()):
        token = tokens.access_token(node, f"distribution-{number}", ["fi"])
        own = [allele for allele in range(ALLELES) if population.people[target][allele]]
        random.Random(number).shuffle(own)
        score = 0.0
        questions = ((allele, of_dataset(("individuals", {"requestParameters": variant(allele), **BY_SEX}), dataset)) for allele in own)
        for allele, body in until_spent(node, token, questions):
            cells = cells_of(body)
            told += bool(cells)
            carry = 1 - (1 - population.frequencies[allele]) ** 2
            spread = PEOPLE / 2 * carry * (1 - carry)
            numbers = [(cells.get(SEXES[target % 2], 0), PEOPLE / 2, 1), (cells.get(SEXES[1 - target % 2], 0), PEOPLE / 2, 0), (count_of(body)[0], PEOPLE, 1)]
            shared = ((spread, 0, spread), (0, spread, spread), (spread, spread, 2 * spread))
            shown = [i for i, (count, _, _) in enumerate(numbers) if count]
            # In the folder the target is one of the carriers, where anybody else is one by chance.
            moved = [own_share * (1 - carry) for _, _, own_share in numbers]
            score += weighed([numbers[i][0] - numbers[i][1] * carry for i in shown], [moved[i] for i in shown],
                             [[shared[i][j] + (NOISE_VARIANCE + (10 if numbers[i][0] < 200 else 20) ** 2 / 12 if i == j else 0) for j in shown] for i in shown])
        scores[kind].append(score)
    assert told >= len(scores["in"] + scores["out"])
    judged(figures, f"membership inference from distributions, Beacon folder, default settings, {PEOPLE} people by sex", scores,
           f", {told / 2 / TARGETS:.1f} distributions for each attacker")


def test_a_difference_of_distributions_hardly_shows_one_person(node, workspace, population, figures):
    """Differencing in a group of a group: those of a sex in A, and in A and B, which all of A but the target have."""
    draw = random.Random(20261206)
    had = {person: [] for person in range(PEOPLE)}
    for number, (kind, target) in enumerate(population.targets()):
        disease, feature = f"MONDO:9{number:06}", f"HP:9{number:06}"
        for person in draw.sample([p for p in range(PEOPLE) if p != target], 2 * GROUP):
            had[person] += [disease, feature]
        if kind == "in":
            had[target].append(disease)
    path = write(workspace / "folder-attacks" / "distributions", population, "ATTACKED-DISTRIBUTIONS", terms=lambda person: had[person])
    dataset = another(node, path, "GDI-FI-BEACON-5", "ATTACKED-DISTRIBUTIONS")

    def questions(number):
        disease, feature = ({"id": f"{prefix}:9{number:06}"} for prefix in ("MONDO", "HP"))
        for at in range(64):
            rest = [[*SEXES, f"HP:8{at:06}"]] if at else []  # true of everybody
            yield "A", of_dataset(("individuals", {"filters": [disease, *rest], **BY_SEX}), dataset)
            yield "A and B", of_dataset(("individuals", {"filters": [disease, feature, *rest], **BY_SEX}), dataset)

    scores, exactly, pairs = {"in": [], "out": []}, {"in": [], "out": []}, 0
    for number, (kind, target) in enumerate(population.targets()):
        token = tokens.access_token(node, f"distributions-{number}", ["fi"])
        told = [(count_of(body)[0], cells_of(body)) for _, body in until_spent(node, token, questions(number))]
        sex, score = SEXES[target % 2], 0.0
        for (all_of, cells), (without, other_cells) in zip(told[::2], told[1::2]):
            differences = [all_of - without]
            if sex in cells and sex in other_cells:
                differences.append(cells[sex] - other_cells[sex])
                pairs += 1
            score += sum((d ** 2 - (d - 1) ** 2) / 2 / (2 * NOISE_VARIANCE + 200 / 12) for d in differences)
        scores[kind].append(score)
        exactly[kind].append(sum(f"MONDO:9{number:06}" in terms and f"HP:9{number:06}" not in terms for terms in had.values()))
    assert area(exactly["in"], exactly["out"]) == 1, "exact counts would tell it"
    assert pairs >= TARGETS
    judged(figures, f"differencing attack on distributions, Beacon folder, default settings, groups of {2 * GROUP}", scores,
           f", {pairs / 2 / TARGETS:.1f} differences by sex for each attacker; AUC 1.00 of exact counts")


# A cohort beside a folder ----------------------------------------------------------------------------------------------

FOLDER, RECORDS = "GDI-FI-BEACON-6", "BESIDE"  # as the network calls it, and as the node does
ABNORMALITY = "HP:0000118"  # whoever has any phenotype has a kind of it


class Beside:
    """A node with a cohort and a folder, whose people are asked for alike."""

    def __init__(self, federation, cohort):
        self.federation, self.cohort = federation, cohort
        people = cohort.permitting("SLQ")
        samples = {cohort.people[person]["sample"] for person in people}
        numbers = {(chrom, pos, ref, alts[0]): sum(1 in calls[sample] for sample in samples) for chrom, pos, ref, alts, calls in cohort.records
                   if chrom == "chr20" and len(alts) == 1 and len(ref) == len(alts[0]) == 1 and alts[0] in "ACGT"}
        # Far from the threshold, so that noise hides none of them.
        self.common = sorted((v for v in numbers if 2.2 * THRESHOLD < numbers[v] < len(people) - 2.2 * THRESHOLD), key=lambda v: -numbers[v])
        self.hidden = next(v for v in sorted(numbers) if 0 < numbers[v] and cohort.carriers(v, cohort.included) < 5)
        places = {pos for _, pos, _, _, _ in cohort.records}
        chrom, pos, ref, alt = self.hidden
        self.absent = next((chrom, at, ref, alt) for at in range(pos + 1, pos + 1000) if at not in places and len(str(at)) == len(str(pos)))

    def datasets(self, site):
        return [self.cohort.dataset, FOLDER if site == "hub" else RECORDS]

    def carriers(self, allele, site, of=None):
        """Who carries an allele of the cohort's, or of the folder's by its number; `of`: dataset."""
        where = variant(allele) if isinstance(allele, int) else {"referenceName": "20", "start": [allele[1] - 1], "referenceBases": allele[2],
                                                                "alternateBases": allele[3], "assemblyId": "GRCh38"}
        return "individuals", {"requestParameters": {**where, "datasets": [of] if of else self.datasets(site)}}

    def with_filters(self, filters, site, of=None):
        return of_dataset(("individuals", {"filters": filters}), of) if of else ("individuals", {
            "filters": filters, "requestParameters": {"datasets": self.datasets(site)}})

    def account(self, name, **more):
        return tokens.access_token(self.federation, name, ["fi", "hub"], **more)

    def spend(self, token, dataset, questions):
        """How much new was told of a dataset until the budget was spent."""
        for told, question in enumerate(questions):
            status, headers, body = ask(self.federation, "fi", question, token)
            if status == 429:
                assert headers["Genofed-Reason"] == "BUDGET_SPENT" and int(headers["Retry-After"]) > 86_400
                return told
            assert status == 200, body
        raise AssertionError(f"{dataset}: {len(questions)} questions were answered, and no budget was spent")

    def spend_cohort(self, token):
        return self.spend(token, self.cohort.dataset, [self.carriers(v, "fi", self.cohort.dataset) for v in self.common])

    def spend_folder(self, token):
        return self.spend(token, RECORDS, [self.carriers(allele, "fi", RECORDS) for allele in range(ALLELES)])


@pytest.fixture(scope="module")
def beside(node, workspace, population):
    cohort = Cohort(synth(workspace / "folder-attacks" / "cohort", "FI", people=300, sites=1200), "FI", "GOE-FI-BESIDE-1")
    road.onboard(node, cohort)
    road.list_dataset(node, cohort)
    path = write(workspace / "folder-attacks" / "beside", population, RECORDS, terms=lambda person: ["HP:0001250"] if person % 10 < 8 else [], rare=(3, 14, 159))
    another(node, path, FOLDER, RECORDS)
    both = Beside(node, cohort)
    token = both.account("waiting")
    for site in ("fi", "hub"):
        wait_until(lambda site=site: set(both.datasets(site)) == set(counts_by(ask(node, site, both.with_filters([FEMALE["id"]], site), token, "record")[2])), 30,
                   "both to be answered from")
    return both


def counts_by(body):
    return {one["id"]: one["resultsCount"] for one in body.get("response", {}).get("resultSets", [])}


def get(federation, site, entity, token, **parameters):
    query = urllib.parse.urlencode(parameters, safe=":,")
    return federation.rest(site, "GET", f"/beacon/v2/{entity}?{query}", token=token)


def audited(federation, since=0):
    """(number, account, dataset, question, outcome) of what was told or refused."""
    time.sleep(1)  # it is written in batches, twice a second
    return database(federation, "fi", "discovery", "SELECT seq, account, dataset, encode(question, 'hex') AS question, outcome "
                    f"FROM discovery.disclosure_audit WHERE seq > {since} ORDER BY seq")


def questions_of(rows):
    """{dataset: how many different ones}"""
    asked = {}
    for row in rows:
        asked.setdefault(row["dataset"], set()).add(row["question"])
    return {dataset: len(questions) for dataset, questions in asked.items()}


PEOPLE_ASKED = {  # women with any phenotype
    "as it is": [FEMALE["id"], ABNORMALITY],
    "the other way round": [ABNORMALITY, FEMALE["id"]],
    "underscores": ["NCIT_C16576", "HP_0000118"],
    "objects": [{"id": FEMALE["id"]}, {"id": ABNORMALITY}],
    "defaults": [{"id": FEMALE["id"], "includeDescendantTerms": True, "similarity": "exact"},
                 {"id": "HP_0000118", "includeDescendantTerms": True, "label": "Phenotypic abnormality", "type": "ontology"}],
    "twice": [FEMALE["id"], ABNORMALITY, FEMALE["id"], {"id": ABNORMALITY}],
    "groups of one": [[ABNORMALITY], [FEMALE["id"]]],
    "one or the same": [[ABNORMALITY, "HP_0000118"], FEMALE["id"]],
}
AGES_ASKED = {  # those of 54 years and more, who are about half
    "as it is": [{"id": "age", "operator": ">=", "value": "P54Y"}],
    "a number": [{"id": "age", "operator": ">=", "value": "54"}],
    "PATO": [{"id": "PATO:0000011", "operator": ">=", "value": "P54Y"}],
    "NCIT": [{"id": "NCIT_C25150", "operator": ">=", "value": "P54Y"}],
    "text": ["age:>=P54Y"],
    "more than 53 completed": [{"id": "age", "operator": ">", "value": "P53Y"}],
    "twice": [{"id": "age", "operator": ">=", "value": "P54Y"}, "age:>P53Y"],
}


def test_a_question_about_people_has_one_answer_however_it_is_spelled(beside):
    """By filters, of a cohort and a folder at once, at the node and through the hub."""
    federation, token = beside.federation, beside.account("speller")
    before = audited(federation)[-1]["seq"]
    answers = {}
    for site in ("fi", "hub"):
        names = dict(zip(beside.datasets(site), ("cohort", "folder")))
        for spelling, filters in PEOPLE_ASKED.items():
            for granularity in ("record", "count", "boolean"):
                status, _, body = ask(federation, site, beside.with_filters(filters, site), token, granularity)
                assert status == 200, (spelling, body)
                if granularity == "record":
                    told = {names[dataset]: count for dataset, count in counts_by(body).items()}
                    assert answers.setdefault("people", told) == told, (site, spelling)
                elif granularity == "count":
                    assert body["responseSummary"]["numTotalResults"] == sum(answers["people"].values()), (site, spelling)
        for filters in ("NCIT_C16576,HP_0000118", "HP:0000118,NCIT:C16576"):
            for more in ({}, {"skip": "0", "limit": "10", "includeResultsetResponses": "HIT", "testMode": "false"}):
                status, _, body = get(federation, site, "individuals", token, filters=filters, requestedGranularity="count",
                                      datasets=",".join(beside.datasets(site)), **more)
                assert status == 200 and body["responseSummary"]["numTotalResults"] == sum(answers["people"].values()), (site, filters, body)
        # The path of the dataset is another word for naming it.
        for name, dataset in zip(("cohort", "folder"), beside.datasets(site)):
            status, _, body = ask(federation, site, (f"datasets/{dataset}/individuals", {"filters": PEOPLE_ASKED["as it is"]}), token)
            assert status == 200 and body["responseSummary"]["numTotalResults"] == answers["people"][name], (site, name, body)
        for spelling, filters in AGES_ASKED.items():
            for entity, question in (beside.with_filters(filters, site, beside.cohort.dataset),
                                     (f"datasets/{beside.cohort.dataset}/individuals", {"filters": filters})):
                status, _, body = ask(federation, site, (entity, question), token, "count")
                assert status == 200, (spelling, body)
                count = body["responseSummary"]["numTotalResults"]
                assert answers.setdefault("ages", count) == count, (site, spelling, entity)
    assert all(answers["people"].values()) and answers["ages"]
    rows = audited(federation, before)
    assert {row["outcome"] for row in rows} == {"told"}
    assert len({row["account"] for row in rows}) == 1
    assert questions_of(rows) == {beside.cohort.dataset: 2, FOLDER: 1}
    # So nothing was charged but once: as much is left as for somebody who asked once.
    once = beside.account("asks once")
    assert ask(federation, "fi", beside.with_filters(PEOPLE_ASKED["as it is"], "fi"), once)[0] == 200
    assert ask(federation, "fi", beside.with_filters(AGES_ASKED["as it is"], "fi", beside.cohort.dataset), once)[0] == 200
    assert beside.spend_cohort(token) == beside.spend_cohort(once) > 2
    assert beside.spend_folder(token) == beside.spend_folder(once) > 2


def places(start, ref, alt):
    """One allele in other words, all of which say the assembly."""
    place = {"referenceName": "20", "start": [start], "referenceBases": ref, "alternateBases": alt, "assemblyId": "GRCh38"}
    for name in ("chr20", "CHR20", "Chr20", "NC_000020.11", "refseq:NC_000020.11", "CM000682.2"):
        yield {**place, "referenceName": name}
    accession = {**place, "referenceName": "NC_000020.11"}
    del accession["assemblyId"]  # which the version says
    yield accession
    for name in ("hg38", "grch38", "GRCh38.p14", "GCA_000001405.15"):
        yield {**place, "assemblyId": name}
    yield {**place, "start": start}
    yield {**place, "start": str(start)}
    yield {**place, "referenceBases": ref.lower(), "alternateBases": alt.lower()}
    yield {**place, "start": [start - 1], "referenceBases": f"G{ref}", "alternateBases": f"g{alt}"}
    yield {**place, "referenceBases": f"{ref}A", "alternateBases": f"{alt}A"}
    yield {**place, "geneId": "", "variantType": None}
    yield {"g_variant": place}


def test_a_question_about_an_allele_has_one_answer_however_it_is_spelled(beside):
    federation, token = beside.federation, beside.account("speller of alleles")
    before = audited(federation)[-1]["seq"]
    cohort = beside.common[0]
    answers = {}

    def same(name, answer, where):
        status, _, body = answer
        assert status == 200, (where, body)
        count = body["responseSummary"]["numTotalResults"]
        assert count and answers.setdefault(name, count) == count, where

    for site in ("fi", "hub"):
        for dataset, (start, ref, alt) in ((beside.cohort.dataset, (cohort[1] - 1, *cohort[2:])), (beside.datasets(site)[1], (position(7), "C", "T"))):
            of_cohort = dataset == beside.cohort.dataset
            for where in places(start, ref, alt):
                same("cohort" if of_cohort else "folder", ask(federation, site, of_dataset(("individuals", {"requestParameters": where}), dataset), token),
                              (site, where))
                if of_cohort:
                    same("alleles", ask(federation, site, of_dataset(("g_variants", {"requestParameters": where}), dataset), token), (site, where))
            flat = {"start": start, "referenceBases": ref, "alternateBases": alt, "requestedGranularity": "count", "datasets": dataset}
            same("cohort" if of_cohort else "folder", get(federation, site, "individuals", token, referenceName="chr20", assemblyId="hg38", **flat), site)
            if not of_cohort:
                continue
            # A cohort has one assembly, so that it need not be said; nor where the allele ends. And it knows nothing of what a record calls it.
            place = {"referenceName": "chr20", "start": [start], "referenceBases": ref, "alternateBases": alt}
            described = {"genomicAlleleShortForm": f"NC_000020.11:g.{start + 1}{ref}>{alt}"}
            for where in (place, {**place, "end": [start]}, {**place, "end": [start + 1]}, described):
                same("alleles", ask(federation, site, of_dataset(("g_variants", {"requestParameters": where}), dataset), token), (site, where))
                same("alleles", ask(federation, site, (f"datasets/{dataset}/g_variants", {"requestParameters": where}), token), (site, where))
    rows = audited(federation, before)
    assert {row["outcome"] for row in rows} == {"told"}
    # Who carries it among those of whom people may be asked, and among those of whom alleles may be, are two questions.
    assert questions_of(rows) == {beside.cohort.dataset: 2, FOLDER: 1}
    once = beside.account("asks once for alleles")
    for question in (beside.carriers(cohort, "fi", beside.cohort.dataset), ("g_variants", beside.carriers(cohort, "fi", beside.cohort.dataset)[1]),
                     beside.carriers(7, "fi", RECORDS)):
        assert ask(federation, "fi", question, once)[0] == 200
    assert beside.spend_cohort(token) == beside.spend_cohort(once) > 2
    assert beside.spend_folder(token) == beside.spend_folder(once) > 2


def withheld(body):
    """{dataset: seconds} of which nothing is told for now."""
    assert all(one["reason"] == "BUDGET_SPENT" for one in body["info"].get("withheld", []))
    return {one["dataset"]: one["retryAfterSeconds"] for one in body["info"].get("withheld", [])}


def test_a_spent_budget_is_said_in_an_answer_of_the_rest(beside):
    """Of a cohort and a folder in one answer, at the node and through the hub; and a refusal only when both are spent."""
    federation = beside.federation
    known = {site: beside.with_filters([FEMALE["id"]], site) for site in ("fi", "hub")}
    fresh = {site: beside.with_filters([MALE["id"], f"HP:000{number}"], site) for number, site in ((1250, "fi"), (1252, "hub"))}
    for first, second, at in ((beside.spend_cohort, beside.spend_folder, 0), (beside.spend_folder, beside.spend_cohort, 1)):
        token = beside.account(f"spends {'folder' if at else 'cohort'} first")
        whole = ask(federation, "fi", known["fi"], token, "record")[2]
        assert len(counts_by(whole)) == 2 and not withheld(whole)
        first(token)
        for site in ("fi", "hub"):
            spent, left = beside.datasets(site)[at], beside.datasets(site)[1 - at]
            for granularity in ("record", "count"):
                status, headers, body = ask(federation, site, fresh[site], token, granularity)
                assert status == 200 and "Retry-After" not in headers, body
                assert list(withheld(body)) == [spent] and 86_400 < withheld(body)[spent] <= 366 * 86_400
                if granularity == "record":
                    assert list(counts_by(body)) == [left]
                    assert body["responseSummary"].get("numTotalResults", 0) == counts_by(body)[left]
                if site == "hub":
                    assert {member["site"]: member["state"] for member in body["info"]["members"]} == {"fi": "ANSWERED"}
            # What was told before is told again, whole.
            assert sorted(counts_by(ask(federation, site, known[site], token, "record")[2]).values()) == sorted(counts_by(whole).values())
        second(token)
        for site in ("fi", "hub"):
            unasked = beside.with_filters([FEMALE["id"], "HP:0000707"], site)
            status, headers, body = ask(federation, site, unasked, token, "record")
            assert status == 429 and body["error"]["errorCode"] == 429, body
            assert headers["Genofed-Reason"] == "BUDGET_SPENT" and 86_400 < int(headers["Retry-After"]) <= 366 * 86_400
            assert not withheld(ask(federation, site, known[site], token, "record")[2])


class Line:
    """One connection to a site, for many questions."""

    def __init__(self, federation, site):
        address = urllib.parse.urlsplit(federation.site(site)["rest"])
        self.connection = http.client.HTTPSConnection(address.hostname, address.port, timeout=60, context=ssl.create_default_context(cafile=federation.ca_file))

    def ask(self, question, token, granularity="count"):
        """(status, headers, body, seconds)"""
        entity, query = question
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        text = json.dumps({"meta": {"apiVersion": "2.0"}, "query": {**query, "requestedGranularity": granularity, "includeResultsetResponses": "ALL"}})
        began = time.perf_counter()
        self.connection.request("POST", f"/beacon/v2/{entity}", text, headers)
        response = self.connection.getresponse()
        body = response.read()
        return response.status, response.headers, json.loads(body), time.perf_counter() - began

    def close(self):
        self.connection.close()


def lasting(status, headers, body):
    """What of an answer does not depend on when it is given."""
    for member in body.get("info", {}).get("members", []):
        del member["milliseconds"]
    for one in body.get("info", {}).get("withheld", []):
        one["retryAfterSeconds"] //= 86_400
    return status, headers.get("Genofed-Reason"), "Retry-After" in headers, body


def test_accounts_do_not_mix(beside, figures):
    """Whoever asks beside others sees what they see alone, told or refused; and no budget is spent by another account's questions."""
    federation = beside.federation
    accounts = {name: beside.account(f"mixed {name}") for name in ("one", "other", "spent", "half spent")}
    accounts["nobody"] = None
    beside.spend_cohort(accounts["spent"])
    beside.spend_folder(accounts["spent"])
    beside.spend_cohort(accounts["half spent"])
    of_site = {}
    for site in ("fi", "hub"):
        [allele, *_] = beside.common
        of_site[site] = [(beside.with_filters(filters, site), granularity) for filters, granularity in (
            ([FEMALE["id"]], "record"), ([MALE["id"]], "count"), ([MALE["id"], ABNORMALITY], "record"), ([ABNORMALITY], "boolean"))]
        of_site[site].append((beside.carriers(allele, site), "record"))
        of_site[site].append((("g_variants", beside.carriers(allele, site, beside.cohort.dataset)[1]), "count"))
    cases = [(name, site, *question) for name in accounts for site, questions in of_site.items() for question in questions]

    def asked(lines, case):
        name, site, question, granularity = case
        return lasting(*lines[site].ask(question, accounts[name], granularity)[:3])

    def lines():
        return {site: Line(federation, site) for site in of_site}

    own = lines()
    alone = [asked(own, case) for case in cases]
    seen = {name: {(answer[0], bool(answer[3].get("info", {}).get("withheld"))) for case, answer in zip(cases, alone) if case[0] == name} for name in accounts}
    assert seen["one"] == seen["other"] == {(200, False)} and (429, False) in seen["spent"] and (200, True) in seen["half spent"], seen
    ones, others = ([answer for case, answer in zip(cases, alone) if case[0] == name] for name in ("one", "other"))
    assert ones == others, "the same noise for everybody"

    def ask_all(seed):
        mine, order = lines(), list(range(len(cases))) * 2
        random.Random(seed).shuffle(order)
        wrong = [cases[at][:2] for at in order if asked(mine, cases[at]) != alone[at]]
        for line in mine.values():
            line.close()
        return len(order), wrong

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        done = list(pool.map(ask_all, range(8)))
    assert [wrong for _, wrong in done] == [[]] * 8
    # New questions of accounts that ask at once: each is told what somebody alone is told, and as much.
    questions = [beside.carriers(v, "fi", beside.cohort.dataset) for v in beside.common]

    def spend(name, of=questions):
        line, token, told = Line(federation, "fi"), beside.account(f"mixed {name}"), []
        for question in of:
            status, _, body, _ = line.ask(question, token)
            if status == 429:
                return told
            told.append(body["responseSummary"])
        raise AssertionError("no budget was spent")

    lonely = spend("lonely")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        together = list(pool.map(spend, [f"in company {number}" for number in range(8)]))
    assert len(lonely) > 3 and together == [lonely] * 8
    figures.append(f"accounts do not mix: {sum(asked for asked, _ in done)} answers to {len(accounts)} accounts at once on 8 connections at node and hub, each as alone; "
                   f"8 accounts at once were told {len(lonely)} new answers each, as one alone")


def shape(headers, body):
    """An answer without what it repeats of the question."""
    body["meta"].pop("receivedRequestSummary")
    return {name.lower(): value for name, value in headers.items() if name.lower() not in ("date", "x-request-id", "traceparent")}, body


def test_what_is_not_there_looks_as_what_is_not_told(beside, figures):
    """Shape and size are asserted. Times are not, for the machine is shared: what an attacker could make of them is reported."""
    federation, token = beside.federation, beside.account("clock")
    line = Line(federation, "fi")
    kinds = {"cohort": {"hit": beside.carriers(beside.common[0], "fi", beside.cohort.dataset), "hidden": beside.carriers(beside.hidden, "fi", beside.cohort.dataset),
                        "absent": beside.carriers(beside.absent, "fi", beside.cohort.dataset)},
             "folder": {"hit": beside.carriers(0, "fi", RECORDS), "hidden": beside.carriers(ALLELES, "fi", RECORDS), "absent": beside.carriers(ALLELES + 7, "fi", RECORDS)}}
    for holder, questions in kinds.items():
        for entity in ("individuals", "g_variants"):
            for granularity in ("boolean", "count", "record"):
                answers = {}
                for kind, (_, query) in questions.items():
                    status, headers, body, _ = line.ask((entity, query), token, granularity)
                    assert status == 200, body
                    size = int(headers["Content-Length"])
                    answers[kind] = (size, *shape(headers, body))
                assert answers["hit"][2]["responseSummary"]["exists"], (holder, entity)
                assert not answers["absent"][2]["responseSummary"]["exists"]
                assert answers["hidden"] == answers["absent"], (entity, granularity)
    for holder, questions in kinds.items():
        took = {kind: [] for kind in questions}
        draw = random.Random(20261207)
        for _ in range(100):
            for kind in draw.sample(list(questions), len(questions)):
                status, _, _, seconds = line.ask(questions[kind], token)
                assert status == 200
                took[kind].append(seconds)
        told = ", ".join(f"{kind} and absent AUC {area(took[kind], took['absent']):.2f}" for kind in questions if kind != "absent")
        figures.append(f"timing attack, {holder} of {len(beside.cohort.included) if holder == 'cohort' else PEOPLE} people, 100 answers each on one connection: {told}; "
                       f"medians {', '.join(f'{1000 * statistics.median(times):.2f} ms {kind}' for kind, times in took.items())}")
