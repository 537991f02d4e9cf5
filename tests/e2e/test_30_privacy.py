# SPDX-License-Identifier: Apache-2.0
"""Attacks on discovery at its default settings, against running processes: docs/security/privacy.md.

The attacker has somebody's genome, knows the population's frequencies and the node's policy, and wants to know whether
that person is in Finland's dataset. libs/disclosure/attack_test.cc plays the same with thousands of datasets; here are
few people, so the areas under the curve are coarse, but everything between attacker and data is real.
"""

import copy
import hashlib
import json
import math
import os
import random
import signal
import statistics
import subprocess
import time

import pytest

import road
import tokens
from cohort import Cohort
from conftest import QUICK, synth
from federation import Federation, wait_until

TARGETS = 40           # people of each kind; all of their accounts together stay below budget.everybody
PROMISE = 0.55         # area under the ROC curve, of what one account is told within a year
NOISE_VARIANCE = 121   # of Laplace noise of scale 10, cut at 30: by hand, scale^2 (2 - 17 e^-3) / (1 - e^-3)
COPIES_VARIANCE = 486  # the same of scale 20, cut at 60
THRESHOLD = 35         # floor + bound
PEOPLE, INSIDE = 800, 300


def same_noise(workspace):
    """The setting for noise that is the same in every run: few targets would exceed a bound by chance, now and then."""
    key = workspace / "disclosure.key"
    key.write_text("5eed" * 16)
    key.chmod(0o600)
    return f"fi:discovery.disclosure_key.file={key}"


@pytest.fixture(scope="module")
def private(workspace, images):
    """Finland and the hub with the product's own disclosure control."""
    federation = Federation(workspace / "var-private", nodes="FI", layout="services", images=images, hsm="none",
                            sets=[*QUICK, same_noise(workspace)], exact=False)
    with federation:
        yield federation


@pytest.fixture(scope="module")
def members(workspace, private):
    """Of 800 people the first 300 consented and are in the dataset; the others are of the same population."""
    folder = synth(workspace / "private" / "fi", "FI", people=PEOPLE, sites=1200)
    file = folder / "consents.fhir-r4.json"
    bundle = json.loads(file.read_text())
    bundle["entry"] = [entry for entry in bundle["entry"]
                       if entry["resource"]["patient"]["identifier"]["value"] in everybody(folder)[:INSIDE]]
    file.write_text(json.dumps(bundle))
    cohort = Cohort(folder, "FI", "GOE-FI-DATASET-1")
    assert len(cohort.included) <= INSIDE
    road.onboard(private, cohort)
    road.list_dataset(private, cohort)
    wait_until(lambda: ask(private, "hub", individuals())[0] in (200, 429), 20, "the node to answer")
    return cohort


def everybody(folder):
    return sorted(json.loads(file.read_text())["subject"]["id"] for file in (folder / "phenopackets").glob("*.json"))


def individuals(*terms):
    return "individuals", {"filters": [{"id": term} for term in terms]}


def carriers(variant):
    chrom, pos, ref, alt = variant
    return "g_variants", {"requestParameters": {"referenceName": chrom, "start": [pos - 1], "referenceBases": ref,
                                                "alternateBases": alt, "assemblyId": "GRCh38"}}


def ask(fed, site, question, token=None, granularity="count"):
    entity, query = question
    status, headers, body = fed.rest(site, "POST", f"/beacon/v2/{entity}", token=token, body={
        "meta": {"apiVersion": "2.0"}, "query": {**query, "requestedGranularity": granularity,
                                                 "includeResultsetResponses": "ALL"}})
    return status, headers, body


def area(inside, outside):
    """Under the ROC curve: how often somebody inside scores higher."""
    wins = sum((a > b) + (a == b) / 2 for a in inside for b in outside)
    return wins / len(inside) / len(outside)


def judged(figures, attack, scores, more=""):
    """Reports what the log-likelihood ratios of targets that are "in" and "out" are worth, and holds them to the promise.

    Three times the standard error more is what chance makes of so few targets in one of a thousand attacks; exact numbers give 1.00.
    """
    inside, outside = scores["in"], scores["out"]
    result = area(inside, outside)
    error = math.sqrt((len(inside) + len(outside) + 1) / (12 * len(inside) * len(outside)))
    right = statistics.mean([score > 0 for score in inside] + [score <= 0 for score in outside])
    figures.append(f"{attack}: AUC {result:.2f} (standard error {error:.2f}), {100 * right:.0f}% of {len(inside) + len(outside)} guesses right{more}")
    assert result <= PROMISE + 3 * error, attack


def weighed(told, moved, covariance):
    """The log-likelihood ratio of numbers that go together: how far each is from what is expected without the target, whom it would move so much."""
    rows = [[*row, value] for row, value in zip(covariance, moved, strict=True)]
    size = len(rows)
    for i in range(size):  # positive definite, so no rows need to change places
        for below in range(i + 1, size):
            factor = rows[below][i] / rows[i][i]
            rows[below] = [a - factor * b for a, b in zip(rows[below], rows[i], strict=True)]
    weights = [0.0] * size
    for i in reversed(range(size)):
        weights[i] = (rows[i][size] - sum(rows[i][j] * weights[j] for j in range(i + 1, size))) / rows[i][i]
    return sum(w * (t - m / 2) for w, t, m in zip(weights, told, moved, strict=True))


def shown_step(body):
    """What the count of an answer was rounded to."""
    return body["responseSummary"].get("countAdjustedTo", [10])[0]


def evidence(count, step, people, frequency):
    """The log-likelihood ratio of one answer about somebody who carries the allele."""
    def log_likelihood(mean):
        variance = max(people * frequency * (1 - frequency), 1e-9) + NOISE_VARIANCE + step * step / 12
        if count:
            return -((count - mean) ** 2) / variance / 2
        return math.log(max(0.5 * math.erfc(-(THRESHOLD - mean) / math.sqrt(2 * variance)), 1e-300))
    return log_likelihood((people - 1) * frequency + 1) - log_likelihood(people * frequency)


def spend(fed, site, token, questions):
    """Asks until the budget is spent: how many were answered, and the refusal."""
    for answered, question in enumerate(questions):
        status, headers, body = ask(fed, site, question, token)
        if status == 429:
            return answered, headers, body
        assert status == 200, body
    raise AssertionError(f"{len(questions)} questions were answered, and no budget was spent")


@pytest.fixture(scope="module")
def common(members):
    """Alleles that are carried by a quarter to three quarters of Finland."""
    people = members.permitting("AF")
    return [v for v in members.variants() if 0.25 < members.carriers(v, people) / len(people) < 0.75]


def test_membership_cannot_be_told_from_a_years_budget(private, members, figures):
    draw = random.Random(20261129)
    outside = sorted(set(members.people) - members.included)
    strangers, reference = outside[:100], outside[100:]
    insiders = sorted(members.permitting("AF"))
    people = len(insiders)
    alleles = members.variants()
    frequency = {v: members.carriers(v, reference) / len(reference) for v in alleles}
    alleles = [v for v in alleles if 0.1 < frequency[v] < 0.9]
    scores, asked = {"in": [], "out": []}, []
    for kind, targets in (("in", draw.sample(insiders, TARGETS)), ("out", draw.sample(strangers, TARGETS))):
        for number, target in enumerate(targets):
            own = [v for v in alleles if members.carriers(v, [target])]
            draw.shuffle(own)
            token = tokens.access_token(private, f"attacker-{kind}-{number}", ["hub"])
            score, answered = 0.0, 0
            for variant in own:
                status, _, body = ask(private, "hub", carriers(variant), token)
                if status == 429:
                    break
                score += evidence(body["responseSummary"].get("numTotalResults", 0), shown_step(body), people, frequency[variant])
                answered += 1
            else:
                raise AssertionError("an attacker was never refused")
            scores[kind].append(score)
            asked.append(answered)
    judged(figures, f"membership inference, default settings, {people} people", scores, f", {statistics.mean(asked):.0f} answers for each attacker")
    assert max(asked) < 40


def test_a_refusal_says_when_to_come_back_and_repeats_are_free(private, members, common):
    token = tokens.access_token(private, "patient", ["hub"])
    answered, headers, body = spend(private, "hub", token, [carriers(v) for v in common])
    assert answered >= 3
    assert body["error"]["errorCode"] == 429
    assert headers["Genofed-Reason"] == "BUDGET_SPENT"
    assert 0 < int(headers["Retry-After"]) <= 366 * 86_400
    first = ask(private, "hub", carriers(common[0]), token)
    assert first[0] == 200
    assert first[2]["responseSummary"] == ask(private, "hub", carriers(common[0]), token)[2]["responseSummary"]
    assert first[2]["responseSummary"]["countPrecision"] == "imprecise"


def test_granularities_and_include_modes_are_one_question(private, members, common):
    """Splitting a question over granularities buys nothing, and none says more than another."""
    token = tokens.access_token(private, "splitter", ["hub"])
    counts = set()
    for granularity in ("boolean", "count", "record", "count"):
        status, _, body = ask(private, "hub", individuals("NCIT:C16576"), token, granularity)
        assert status == 200
        counts.add(body["responseSummary"].get("numTotalResults", "hidden"))
    assert len(counts - {"hidden"}) == 1
    rare = next(v for v in members.variants() if 0 < members.carriers(v, members.permitting("AF")) < 5)
    absent = (rare[0], rare[1] + 1, rare[2], rare[3])
    for granularity in ("boolean", "count", "record"):
        one = ask(private, "hub", carriers(rare), token, granularity)[2]
        none = ask(private, "hub", carriers(absent), token, granularity)[2]
        assert one["responseSummary"] == none["responseSummary"]
        assert one.get("response") == none.get("response")


def test_a_frequency_among_few_says_no_more_of_them_than_their_count(private, members, common):
    """What filters select is told through noise, in the frequency too, and charged once."""
    token = tokens.access_token(private, "geneticist", ["hub"])
    second, first = sorted(common, key=lambda v: members.carriers(v, members.permitting("SLQ")))[-2:]
    entity, query = carriers(first)
    women = {"filters": [{"id": "NCIT:C16576"}]}
    status, _, body = ask(private, "hub", (entity, {**query, **women}), token, "record")
    assert status == 200, body
    (found,) = [s for s in body["response"]["resultSets"] if s.get("results")]
    (frequency,) = found["results"][0]["frequencyInPopulations"][0]["frequencies"]
    assert frequency["population"] == "FI_F"
    told = ask(private, "hub", ("individuals", women), token)[2]["responseSummary"]["numTotalResults"]
    assert frequency["alleleNumber"] == 2 * told
    assert told % 10 == 0 and frequency["alleleCount"] % 10 == 0
    assert not any(key.startswith("alleleCountH") for key in frequency)
    # Half of the people are so few that nothing of another allele is told from what is left of a year's budget.
    entity, query = carriers(second)
    assert ask(private, "hub", (entity, {**query, **women}), token, "record")[0] == 429


def test_a_budget_cannot_be_split(private, members, common):
    """Over colleagues, over hub and node, over a restart, over replicas of a node: always the same one."""
    questions = [carriers(v) for v in common]
    first = tokens.access_token(private, "ada", ["hub", "fi"], organisation="Institute of Attacks")
    colleague = tokens.access_token(private, "bob", ["hub", "fi"], organisation="Institute of Attacks")
    answered, _, _ = spend(private, "hub", first, questions)
    fresh = questions[answered + 1:]
    assert ask(private, "hub", fresh[0], first)[0] == 429
    assert ask(private, "hub", fresh[1], colleague)[0] == 429
    assert ask(private, "fi", fresh[2], first)[0] == 429
    private.kill9("fi", "discovery")
    private.wait_ready("fi", "discovery")
    wait_until(lambda: ask(private, "fi", questions[0], first)[0] == 200, 30, "the node to answer what it told before")
    assert ask(private, "fi", fresh[3], first)[0] == 429
    stranger = tokens.access_token(private, "carol", ["hub", "fi"])
    assert ask(private, "fi", fresh[4], stranger)[0] == 200


def test_who_does_not_sign_in_has_one_budget(private, members, common):
    answered, _, _ = spend(private, "hub", None, [carriers(v) for v in reversed(common)])
    assert ask(private, "fi", carriers(common[len(common) // 2]))[0] == 429
    assert answered >= 1


def test_a_frequency_costs_more_than_a_count(private, members, common):
    counting = tokens.access_token(private, "counting", ["hub"])
    frequencies = tokens.access_token(private, "frequencies", ["hub"])
    counts, _, _ = spend(private, "hub", counting, [carriers(v) for v in common])
    answered = 0
    for variant in common:
        status, _, body = ask(private, "hub", carriers(variant), frequencies, "record")
        if status == 429:
            break
        answered += 1
        for result in body["response"]["resultSets"]:
            for found in result["results"]:
                for population in found["frequencyInPopulations"]:
                    for value in population["frequencies"]:
                        assert value["alleleCount"] % 10 == 0 and value["alleleNumber"] % 10 == 0
    assert 0 < answered < counts


def test_found_and_not_found_take_the_same_time(private, members, common, figures):
    """No assertion on times: the machine is shared. What an attacker could make of them is reported."""
    token = tokens.access_token(private, "clock", ["fi"])
    rare = next(v for v in members.variants() if 0 < members.carriers(v, members.permitting("AF")) < 3)
    took = {"hit": [], "miss": []}
    for kind, variant in (("hit", common[0]), ("miss", rare)):
        ask(private, "fi", carriers(variant), token)
    for _ in range(150):
        for kind, variant in (("hit", common[0]), ("miss", rare)):
            began = time.perf_counter()
            status, _, _ = ask(private, "fi", carriers(variant), token)
            took[kind].append(time.perf_counter() - began)
            assert status == 200
    figures.append(f"timing attack: AUC {area(took['hit'], took['miss']):.2f} of single answers; medians "
                   f"{1000 * statistics.median(took['hit']):.2f} and {1000 * statistics.median(took['miss']):.2f} ms")


def database(fed, site, service, statement):
    """Rows of a service's own schema, as JSON."""
    config = json.loads((fed.var / site / "site.json").read_text())["postgres"]
    password = (fed.var / site / "secrets" / f"postgres-{service}").read_text().strip()
    done = subprocess.run(["psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-h", config["host"], "-p", str(config["port"]),
                           "-U", f"genofed_{service}", "-d", config["database"],
                           "-c", f"SELECT coalesce(json_agg(t), '[]') FROM ({statement}) t"],
                          env={**os.environ, "PGPASSWORD": password}, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def rfc3339(text):
    """As libs/core/clock.h writes times: without a fraction for whole seconds."""
    return text.replace(".000000Z", "Z")


def chained(previous, row):
    """What app/disclosure_audit.h says, computed anew."""
    digest = hashlib.sha256()
    for part in (previous, str(row["seq"]).encode(), rfc3339(row["at"]).encode(), row["account"].encode(), row["dataset"].encode(),
                 bytes.fromhex(row["question"]), row["outcome"].encode(), f"{row['nats']:.9e}".encode()):
        digest.update(str(len(part)).encode() + b":" + part)
    return digest.digest()


def test_the_audit_is_a_chain_without_questions(private, members):
    time.sleep(1)  # it is written in batches, twice a second
    rows = database(private, "fi", "discovery", "SELECT seq, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS at, "
                    "account, dataset, encode(question, 'hex') AS question, outcome, nats, encode(hash, 'hex') AS hash "
                    "FROM discovery.disclosure_audit ORDER BY seq")
    assert len(rows) > 100
    assert {row["outcome"] for row in rows} == {"told", "held_back", "refused"}
    previous = b""
    for number, row in enumerate(rows, 1):
        assert row["seq"] == number and len(row["question"]) == 64
        previous = chained(previous, row)
        assert row["hash"] == previous.hex(), f"row {number}"
    answers = database(private, "fi", "discovery", "SELECT max(length(account)) AS longest FROM discovery.asked")
    assert answers[0]["longest"] == 64


def test_answers_are_streamed_while_a_node_hangs(private, members):
    private.signal("fi", "discovery", signal.SIGSTOP)
    try:
        status, headers, body = private.rest("hub", "POST", "/api/v1/discovery/stream/individuals",
                                             {"meta": {"apiVersion": "2.0"}, "query": {"requestedGranularity": "count"}})
    finally:
        private.signal("fi", "discovery", signal.SIGCONT)
    assert status == 200 and headers["Content-Type"] == "text/event-stream"
    events = [line[len("event: "):] for line in body.decode().splitlines() if line.startswith("event: ")]
    assert events == ["member", "summary"]
    data = [json.loads(line[len("data: "):]) for line in body.decode().splitlines() if line.startswith("data: ")]
    assert data[0]["site"] == "fi" and data[0]["state"] in ("TIMED_OUT", "UNREACHABLE")
    assert data[1]["info"]["members"][0]["site"] == "fi"


# Each of the following has a dataset of its own, of the same people: what all accounts together may be told of one is bounded, too.

def listed_again(private, members, dataset):
    cohort = copy.copy(members)
    cohort.dataset = dataset
    road.onboard(private, cohort)
    road.list_dataset(private, cohort)
    return cohort


def of_dataset(question, dataset):
    entity, query = question
    return entity, {**query, "requestParameters": {**query.get("requestParameters", {}), "datasets": [dataset]}}


def doses(members):
    """{variant: {person: copies}} of alleles on chromosome 20 that are simple to ask for."""
    wanted = set(members.variants())
    samples = {person: description["sample"] for person, description in members.people.items()}
    return {(chrom, pos, ref, alts[0]): {person: calls[sample].count(1) for person, sample in samples.items()}
            for chrom, pos, ref, alts, calls in members.records if chrom == "chr20" and (chrom, pos, ref, alts[0]) in wanted and len(alts) == 1}


def evidence_of_both(told, truth_in, truth_out, people, frequency):
    """The log-likelihood ratio of a count of carriers and a number of copies, which go together; `told`: both, and their steps."""
    carries = 1 - (1 - frequency) ** 2
    (count, copies), (step, copies_step) = told
    a = people * carries * (1 - carries) + NOISE_VARIANCE + step * step / 12
    b = people * 2 * frequency * (1 - carries)
    c = people * 2 * frequency * (1 - frequency) + COPIES_VARIANCE + copies_step * copies_step / 12

    def distance(truth):
        x, y = count - truth[0], copies - truth[1]
        return (c * x * x - 2 * b * x * y + a * y * y) / (a * c - b * b)
    return (distance(truth_out) - distance(truth_in)) / 2


def test_membership_cannot_be_told_from_frequencies(private, members, figures):
    """Frequency attack: carriers and copies of alleles of which the target has more than others, as many as a year's budget buys."""
    dataset = listed_again(private, members, "GOE-FI-DATASET-2").dataset
    draw = random.Random(20261130)
    outside = sorted(set(members.people) - members.included)
    strangers, reference = outside[:100], outside[100:]
    insiders = sorted(members.permitting("AF"))
    people = len(insiders)
    table = doses(members)
    frequency = {v: sum(copies[p] for p in reference) / len(reference) / 2 for v, copies in table.items()}
    alleles = [v for v in table if 0.15 < frequency[v] < 0.6]
    scores, asked = {"in": [], "out": []}, []
    for kind, targets in (("in", draw.sample(insiders, TARGETS)), ("out", draw.sample(strangers, TARGETS))):
        for number, target in enumerate(targets):
            own = sorted((v for v in alleles if table[v][target]), key=lambda v: 2 * frequency[v] - table[v][target])
            token = tokens.access_token(private, f"frequencies-{kind}-{number}", ["hub"])
            score, answered = 0.0, 0
            for variant in own:
                status, _, body = ask(private, "hub", of_dataset(carriers(variant), dataset), token, "record")
                if status == 429:
                    break
                assert status == 200, body
                answered += 1
                for result in (found for one in body["response"]["resultSets"] for found in one.get("results", [])):
                    [population] = result["frequencyInPopulations"]
                    total = next(value for value in population["frequencies"] if value["population"] in ("Total", "FI"))
                    count, p = body["responseSummary"]["numTotalResults"], frequency[variant]
                    copies, dose = total["alleleCount"] * 2 * people / total["alleleNumber"], table[variant][target]
                    carry = 1 - (1 - p) ** 2
                    score += evidence_of_both(((count, copies), (shown_step(body), max(10, 0.06 * copies))), ((people - 1) * carry + 1, (people - 1) * 2 * p + dose),
                                              (people * carry, people * 2 * p), people, p)
            else:
                raise AssertionError("an attacker was never refused")
            scores[kind].append(score)
            asked.append(answered)
    judged(figures, f"frequency attack, default settings, {people} people", scores, f", {statistics.mean(asked):.0f} answers for each attacker")
    assert 1 <= statistics.mean(asked) < 10


class OfGroup:
    """What was told of a group of people, to whom the target belongs, and of alleles there; libs/disclosure/attack_test.cc derives the weights."""

    def __init__(self, people, share, noise=NOISE_VARIANCE, copies_noise=COPIES_VARIANCE):
        self.people, self.share, self.noise, self.copies_noise = people, share, noise, copies_noise
        self.rows = []  # what was told less what is expected, what the target moves, per person of the group, variance
        self.together = []  # rows of one allele, and their covariance

    def add_group(self, number, step):
        expected = self.people * self.share
        self.rows.append((number - expected, 1 - self.share, 1.0, self.noise + step * step / 12))

    def add_allele(self, frequency, dose, count, step, copies=None, copies_step=0):
        n, carry = self.people * self.share, 1 - (1 - frequency) ** 2
        self.rows.append((count - n * carry, 1 - self.share * carry, carry, n * carry * (1 - carry) + self.noise + step * step / 12))
        if copies is None:
            return
        self.together.append((len(self.rows) - 1, n * 2 * frequency * (1 - carry)))
        self.rows.append((copies - n * 2 * frequency, dose - self.share * 2 * frequency, 2 * frequency,
                          n * 2 * frequency * (1 - frequency) + self.copies_noise + copies_step * copies_step / 12))

    def evidence(self):
        if not self.rows:
            return 0.0
        spread = self.people * self.share * (1 - self.share)
        covariance = [[spread * one[2] * other[2] + (one[3] if i == j else 0) for j, other in enumerate(self.rows)] for i, one in enumerate(self.rows)]
        for at, shared in self.together:
            covariance[at][at + 1] += shared
            covariance[at + 1][at] += shared
        return weighed([row[0] for row in self.rows], [row[1] for row in self.rows], covariance)


SEXES = {"FEMALE": "NCIT:C16576", "MALE": "NCIT:C20197"}


def test_membership_cannot_be_told_from_frequencies_in_a_group(private, members, figures):
    """The same of people of the target's sex: how many they are, and how many of them carry an allele, in how many copies."""
    dataset = listed_again(private, members, "GOE-FI-DATASET-4").dataset
    draw = random.Random(20261204)
    outside = sorted(set(members.people) - members.included)
    strangers, reference = outside[:100], outside[100:]
    insiders = sorted(members.permitting("SLQ"))
    people = len(insiders)
    table = doses(members)
    frequency = {v: sum(copies[p] for p in reference) / len(reference) / 2 for v, copies in table.items()}
    alleles = [v for v in table if 0.15 < frequency[v] < 0.6]
    scores, exactly, frequencies, counts = {"in": [], "out": []}, {"in": [], "out": []}, 0, 0
    for kind, targets in (("in", insiders), ("out", strangers)):
        targets = draw.sample([p for p in targets if members.people[p]["sex"] in SEXES], TARGETS)
        for number, target in enumerate(targets):
            sex = members.people[target]["sex"]
            share = statistics.mean(members.people[p]["sex"] == sex for p in reference)
            group = [p for p in insiders if members.people[p]["sex"] == sex]
            # Those first that enough of the group carry, so that noise does not hide them.
            own = sorted((v for v in alleles if table[v][target]), key=lambda v: (frequency[v] < 0.25, 2 * frequency[v] - table[v][target]))
            token = tokens.access_token(private, f"group-{kind}-{number}", ["hub"])
            told, granularity, known = OfGroup(people, share), "record", None
            for variant in own:
                entity, query = of_dataset(carriers(variant), dataset)
                question = entity, {**query, "filters": [SEXES[sex]]}
                status, headers, body = ask(private, "hub", question, token, granularity)
                if status == 429 and granularity == "record":
                    granularity = "count"  # which costs less
                    status, headers, body = ask(private, "hub", question, token, granularity)
                if status == 429:
                    assert headers["Genofed-Reason"] == "BUDGET_SPENT" and int(headers["Retry-After"]) > 86_400
                    break
                assert status == 200, body
                count, copies, copies_step = body["responseSummary"].get("numTotalResults", 0), None, 0
                for result in (found for one in body.get("response", {}).get("resultSets", []) for found in one.get("results", [])):
                    [population] = result["frequencyInPopulations"]
                    [value] = population["frequencies"]
                    assert value["population"] == f"FI_{sex[0]}" and known in (None, value["alleleNumber"] // 2)
                    if known is None:
                        known = value["alleleNumber"] // 2
                        told.add_group(known, 10 if known < 200 else 20)
                    copies, copies_step = value["alleleCount"], max(10, value["alleleCount"] // 10)
                    frequencies += 1
                if count:
                    told.add_allele(frequency[variant], table[variant][target], count, shown_step(body), copies, copies_step)
                    counts += copies is None
            else:
                raise AssertionError("an attacker was never refused")
            scores[kind].append(told.evidence())
            truth = OfGroup(people, share, 1, 1)
            truth.add_group(len(group), 0)
            for variant in own[:20]:
                truth.add_allele(frequency[variant], table[variant][target], sum(table[variant][p] > 0 for p in group), 0, sum(table[variant][p] for p in group), 0)
            exactly[kind].append(truth.evidence())
    attackers = 2 * TARGETS
    assert frequencies >= 0.9 * attackers, "nearly each was told a frequency"
    judged(figures, f"frequency attack on a group, default settings, {people} people and their sex", scores,
           f", {frequencies / attackers:.1f} frequencies and {counts / attackers:.1f} counts for each attacker; "
           f"AUC {area(exactly['in'], exactly['out']):.2f} of exact numbers of 20 alleles")


def all_but(members, people, target):
    """Alternatives of which everybody else of the target's sex meets one, and the target none; None where there are no such words."""
    own = members.people[target]
    if not own["age"] or own["sex"] not in SEXES:
        return None
    one_of = [{"id": "age", "operator": "<", "value": f"P{own['age']}Y"}, {"id": "age", "operator": ">", "value": f"P{own['age']}Y"}]
    left = [members.people[p]["terms"] - own["terms"] for p in people
            if p != target and members.people[p]["sex"] == own["sex"] and members.people[p]["age"] in (None, own["age"])]
    while left:
        words = sorted({term for terms in left for term in terms})
        if not words or len(one_of) == 16:
            return None
        word = max(words, key=lambda term: sum(term in terms for terms in left))
        one_of.append({"id": word, "includeDescendantTerms": False})
        left = [terms for terms in left if word not in terms]
    return one_of


def test_a_difference_of_groups_hardly_shows_one_person(private, members, figures):
    """Differencing: a cell of the table by sex, and all of that sex but the target, again and again in other words."""
    dataset = listed_again(private, members, "GOE-FI-DATASET-5").dataset
    draw = random.Random(20261205)
    insiders = sorted(members.permitting("SLQ"))
    strangers = sorted(set(members.people) - members.included)
    words = {target: all_but(members, insiders, target) for target in insiders + strangers}
    scores, exactly, pairs = {"in": [], "out": []}, {"in": [], "out": []}, 0
    for kind, targets in (("in", insiders), ("out", strangers)):
        for number, target in enumerate(draw.sample([p for p in targets if words[p]], TARGETS)):
            sex = SEXES[members.people[target]["sex"]]
            token = tokens.access_token(private, f"differences-{kind}-{number}", ["fi"])

            def told(filters, token=token):
                """(count, its step), or None when the budget is spent."""
                status, headers, body = ask(private, "fi", of_dataset(("individuals", {"filters": filters}), dataset), token)
                assert status == 200 or status == 429 and headers["Genofed-Reason"] == "BUDGET_SPENT", body
                return (body["responseSummary"].get("numTotalResults", 0), shown_step(body)) if status == 200 else None

            status, _, body = ask(private, "fi", of_dataset(("individuals", {"aggregationTerms": [{"id": "sex"}]}), dataset), token, "aggregated")
            assert status == 200 and body["meta"]["returnedGranularity"] == "aggregated", body
            cells = {cell["conceptValues"][0]["id"]: cell["count"] for cell in body["responseAggregation"][0]["distribution"]}
            score = 0.0
            for at in range(64):
                # True of everybody in the group: only the attacker knows that it is the same question again.
                rest = [[sex, f"HP:8{at:06}"]] if at else []
                all_of = told([sex, *rest])
                without = told([sex, words[target], *rest]) if all_of else None
                if not without:
                    break
                assert at or all_of[0] == cells[sex], "a cell is the question that filters ask"
                (one, step), (other, other_step) = all_of, without
                variance = 2 * NOISE_VARIANCE + (step * step + other_step * other_step) / 12
                score += ((one - other) ** 2 - (one - other - 1) ** 2) / variance / 2
                pairs += 1
            else:
                raise AssertionError("an attacker was never refused")
            scores[kind].append(score)
            exactly[kind].append(int(target in insiders))
            same = [p for p in insiders if SEXES.get(members.people[p]["sex"]) == sex]
            met = [p for p in same if any(meets(members.people[p], word) for word in words[target])]
            assert set(same) - set(met) == {target} & set(insiders), "exact counts would tell it"
    judged(figures, "differencing attack on a table by sex, default settings", scores,
           f", {pairs / 2 / TARGETS:.1f} differences for each attacker; AUC {area(exactly['in'], exactly['out']):.2f} of exact counts")
    assert pairs >= 2 * TARGETS, "a difference for each attacker"


def meets(person, word):
    if word["id"] != "age":
        return word["id"] in person["terms"]
    years = int(word["value"][1:-1])
    return person["age"] is not None and (person["age"] < years if word["operator"] == "<" else person["age"] > years)


def test_a_withdrawal_is_in_the_next_answer_and_cannot_be_read_from_it(private, members, figures):
    """Update attack: who has somebody's genome asks before and after a withdrawal whether it was that person who left."""
    cohort = listed_again(private, members, "GOE-FI-DATASET-3")
    draw = random.Random(20261201)
    insiders = sorted(members.permitting("AF"))
    draw.shuffle(insiders)
    leaving, staying = insiders[:10], insiders[10:]
    table = doses(members)
    alleles = [v for v, copies in table.items() if 0.25 < sum(copies[p] > 0 for p in insiders) / len(insiders) < 0.7]

    def look(variant, token):
        """(count, its step), or None when the budget is spent; and of which state."""
        status, _, body = ask(private, "fi", of_dataset(carriers(variant), cohort.dataset), token)
        assert status in (200, 429), body
        return ((body["responseSummary"].get("numTotalResults", 0), shown_step(body)), body["info"]["consentEpoch"]) if status == 200 else None

    def epoch_now():
        # Of no dataset: free.
        return ask(private, "fi", of_dataset(individuals("NCIT:C16576"), "GOE-FI-NO-SUCH-1"))[2]["info"]["consentEpoch"]

    def evidence_of_leaving(difference, variance, fell_by):
        return (difference - fell_by) ** 2 / variance / 2 - (difference - 1) ** 2 / variance / 2

    scores, exactly, pairs, same = {"in": [], "out": []}, {"in": [], "out": []}, 0, 0
    for number, person in enumerate(leaving):
        attackers = []
        for kind, target in [("in", person)] * 4 + [("out", other) for other in draw.sample(staying, 4)]:
            token = tokens.access_token(private, f"watching-{number}-{len(attackers)}", ["fi"])
            own = draw.sample([v for v in alleles if table[v][target]], 5)
            attackers.append((kind, token, {variant: look(variant, token) for variant in own}))
        epoch = epoch_now()
        status, _, _ = private.rest("fi", "PUT", "/api/v1/me/permissions", {"permissions": []}, token=private.token("citizen_fi", person))
        assert status == 200
        members.permissions[person] = set()
        wait_until(lambda epoch=epoch: epoch_now() > epoch, 5, "an answer of the new consent epoch")
        for kind, token, before in attackers:
            score = certain = 0.0
            for variant, was in before.items():
                fell_by = statistics.mean(table[variant][p] > 0 for p in insiders)
                certain += evidence_of_leaving(int(table[variant][person] > 0), 0.1, fell_by)
                now = look(variant, token)
                if was is None or now is None:
                    continue
                assert now[1] > epoch >= was[1], "of the people who permit it now"
                (one, step), (other, other_step) = was[0], now[0]
                score += evidence_of_leaving(one - other, 2 * NOISE_VARIANCE + (step * step + other_step * other_step) / 12, fell_by)
                pairs += 1
                same += one == other
            scores[kind].append(score)
            exactly[kind].append(certain)
    assert area(exactly["in"], exactly["out"]) > 0.9, "exact counts would tell it"
    assert pairs > 2.5 * len(scores["in"] + scores["out"]), "two answers of some alleles for each attacker"
    assert same < pairs / 2, "all noise is new"
    judged(figures, f"update attack, default settings, {len(leaving)} withdrawals", scores,
           f", {pairs / len(scores['in'] + scores['out']):.1f} alleles before and after for each attacker; AUC {area(exactly['in'], exactly['out']):.2f} of exact counts")
