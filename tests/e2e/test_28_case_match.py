# SPDX-License-Identifier: Apache-2.0
"""A clinician finds out where similar people are, and asks the node to be put in touch, instead of getting data."""

import json
import signal

import pytest

import hpo_oracle
import tokens
from cohort import MINIMUM, Cohort
from federation import wait_until
from test_2_discovery import subject_level

BANDS = [(0.8, 1.01), (0.6, 0.8), (0.4, 0.6)]
CASES = [["HP:0001250"], ["HP:0001250", "HP:0001263"], ["HP:0002373"], ["HP:0000175", "HP:0001250", "HP:0000316"]]


def expected(cohort, terms):
    """People of each band, as they may be told."""
    people = [{term for term in cohort.people[person]["terms"] if term.startswith("HP:")} for person in cohort.permitting("SLQ")]
    similarity = hpo_oracle.Similarity(people, MINIMUM)
    alike = [similarity.of_people(set(terms), other) for other in people]
    counts = [sum(low <= value < high for value in alike) for low, high in BANDS]
    return [subject_level(count, len(people)) if count >= MINIMUM else 0 for count in counts]


def at(fed, person, site="fi"):
    """A login of this person at a node."""
    more = {"organisation": "Example University Hospital", "name": "Chris Clinician"} if person == "clinician" else {}
    return {"token": tokens.access_token(fed, person, [site], **more)}


def match(fed, terms, site="hub", **more):
    body = fed.post(site, "/api/v1/case-match", {"terms": terms, **more}, **at(fed, "clinician", site))
    return body, {d["dataset"]: [int(band["count"]) for band in d["bands"]] for d in body["datasets"]}


@pytest.mark.parametrize("terms", CASES, ids=" ".join)
def test_similar_people_are_counted_as_an_independent_computation_counts_them(fed, cohorts, listed, terms):
    body, counts = match(fed, terms, datasets=[cohort.dataset for cohort in cohorts.values()])
    assert {member["site"]: member["state"] for member in body["members"]} == {"fi": "STATE_ANSWERED", "es": "STATE_ANSWERED"}
    assert counts == {cohort.dataset: expected(cohort, terms) for cohort in cohorts.values()}
    # The node says the same by itself.
    fi = cohorts["fi"].dataset
    assert match(fed, terms, site="fi", datasets=[fi])[1] == {fi: counts[fi]}


def test_some_case_finds_somebody(cohorts):
    """The comparison above is not of zeros."""
    assert any(sum(expected(cohort, terms)) for terms in CASES for cohort in cohorts.values())


def test_nothing_about_single_people_comes_back(fed, cohorts, listed):
    body, _ = match(fed, ["HP:0001250"])
    assert set(body) == {"datasets", "members", "epoch", "minimum_count", "withheld"}
    for dataset in body["datasets"]:
        assert set(dataset) == {"dataset", "version", "country", "bands", "count_precision"}
        assert all(set(band) == {"from", "below", "count"} for band in dataset["bands"])


def test_cases_are_matched_for_people_who_signed_in(fed, listed):
    for site in ("hub", "fi"):
        assert fed.rest(site, "POST", "/api/v1/case-match", body={"terms": ["HP:0001250"]})[0] == 401


@pytest.mark.parametrize("terms, reason", [(["HP:0000005"], "TERM_UNKNOWN"), (["MONDO:0005027"], "TERM_UNKNOWN"),
                                           ([], "TERMS_MISSING"), (["HP:0001250"] * 21, "TERMS_MISSING")])
def test_a_case_that_cannot_be_matched_is_refused_with_a_reason(fed, listed, terms, reason):
    status, _, body = fed.rest("hub", "POST", "/api/v1/case-match", body={"terms": terms}, persona="clinician")
    assert (status, body["reason"]) == (400, reason), body


def test_a_node_that_hangs_is_named(fed, cohorts, listed):
    fed.signal("es", "discovery", signal.SIGSTOP)
    try:
        body, counts = match(fed, ["HP:0001250"])
        assert {member["site"]: member["state"] for member in body["members"]}["es"] in ("STATE_TIMED_OUT", "STATE_UNREACHABLE")
        assert cohorts["fi"].dataset in counts and cohorts["es"].dataset not in counts
    finally:
        fed.signal("es", "discovery", signal.SIGCONT)
    wait_until(lambda: cohorts["es"].dataset in match(fed, ["HP:0001250"])[1], 20, "Spain to answer again")


# Contact -----------------------------------------------------------------------------------------------------------------

def requests(fed, persona, site="fi"):
    return {one["id"]: one for one in fed.genofed("case", "requests", site=site, **at(fed, persona, site)).json["contacts"]}


@pytest.fixture
def asked(fed, cohorts, listed):
    return fed.genofed("case", "contact", cohorts["fi"].dataset, "--term", "HP:0001250", "--message", "Which therapy helped?",
                       "--reply-to", "ward@hospital.example", site="fi", **at(fed, "clinician")).json["contact"]


def test_a_clinician_asks_and_the_holder_answers(fed, cohorts, asked):
    assert asked["state"] == "STATE_WAITING" and asked["organisation"] == "Example University Hospital"
    assert requests(fed, "holder_fi")[asked["id"]]["message"] == "Which therapy helped?"
    assert asked["id"] in requests(fed, "dac_fi") and asked["id"] in requests(fed, "clinician")
    for somebody, site in (("researcher", "fi"), ("ncp_fi", "fi"), ("citizen_fi", "fi"), ("holder_es", "es")):
        assert asked["id"] not in requests(fed, somebody, site), somebody

    for somebody in ("clinician", "researcher", "ncp_fi", "citizen_fi", "holder_es"):
        refused = fed.genofed("case", "accept", asked["id"], "--reply", "Call us", site="fi", check=False, **at(fed, somebody))
        assert refused.code == 1 and refused.reason == "ROLE_MISSING", (somebody, refused)
    done = fed.genofed("case", "accept", asked["id"], "--reply", "Call Dr Virtanen", as_="holder_fi").json["contact"]
    assert done["state"] == "STATE_ACCEPTED"
    assert requests(fed, "clinician")[asked["id"]]["reply"] == "Call Dr Virtanen"
    again = fed.genofed("case", "decline", asked["id"], "--reply", "No", as_="dac_fi", check=False)
    assert again.reason == "CONTACT_ANSWERED", again


def test_asking_and_answering_are_in_the_ledger_without_the_case(fed, cohorts, asked):
    before = len(contacts_in_ledger(fed, "declined"))
    fed.genofed("case", "decline", asked["id"], "--reply", "Nobody is treated here", as_="dac_fi")
    after = contacts_in_ledger(fed, "declined")
    assert len(after) == before + 1
    assert after[-1]["dataset"] == cohorts["fi"].dataset and after[-1]["organisation"] == "Example University Hospital"
    assert contacts_in_ledger(fed, "requested")
    text = str(contacts_in_ledger(fed))
    for secret in ("HP:0001250", "therapy", "ward@", "Chris", asked["id"], "treated"):
        assert secret not in text, secret


def contacts_in_ledger(fed, outcome=None):
    found, start = [], 0
    while entries := fed.get("fi", f"/ledger/entries?start={start}")["entries"]:
        start += len(entries)
        found += [entry for entry in map(json.loads, entries)
                  if entry["kind"] == "contact" and outcome in (None, entry["outcome"])]
    return found


def test_a_request_outlives_the_process_that_took_it(fed, asked):
    killed = fed.kill9("fi", "discovery")
    fed.wait_ready("fi", "discovery", not_pid=killed)
    assert wait_until(lambda: requests(fed, "holder_fi"), 20, "the node to answer")[asked["id"]]["state"] == "STATE_WAITING"
    fed.genofed("case", "decline", asked["id"], "--reply", "No", as_="holder_fi")


def test_what_cannot_be_asked_is_refused_with_a_reason(fed, cohorts, listed):
    def ask(dataset, term="HP:0001250", message="m"):
        return fed.genofed("case", "contact", dataset, "--term", term, "--message", message, "--reply-to", "r", site="fi",
                           check=False, **at(fed, "clinician"))
    nobodys = fed.genofed("case", "contact", cohorts["fi"].dataset, "--term", "HP:0001250", "--message", "m", "--reply-to", "r", site="fi",
                          check=False, **at(fed, "researcher"))
    assert nobodys.reason == "ORGANISATION_MISSING", "the login names no organisation"
    assert ask(cohorts["es"].dataset).reason == "DATASET_UNKNOWN"
    assert ask(cohorts["fi"].dataset, term="HP:1").reason == "TERM_UNKNOWN"
    assert ask(cohorts["fi"].dataset, message=" ").reason == "FIELD_MISSING"
    body = {"dataset": cohorts["fi"].dataset, "terms": ["HP:0001250"], "message": "m", "reply_to": "r"}
    assert fed.rest("fi", "POST", "/api/v1/contact-requests", body=body)[0] == 401
    assert fed.rest("hub", "POST", "/api/v1/contact-requests", body=body, persona="clinician")[0] == 404


# What the catalogue says of people ----------------------------------------------------------------------------------------

def told(values, population):
    """A division as it may be told: small groups not, and then not the smallest of the others, either."""
    small = [group for group, people in values.items() if 0 < people < MINIMUM]
    if any(0 < population - people < MINIMUM for people in values.values()):
        return {group: population for group, people in values.items() if people >= MINIMUM}
    shown = {group: people for group, people in values.items() if people >= MINIMUM}
    if small and shown:
        del shown[min(shown, key=shown.get)]
    return shown


def test_the_catalogue_tells_groups_and_never_a_small_one(fed, cohorts, listed):
    for cohort in cohorts.values():
        groups = {}
        for group in fed.get("hub", f"/api/v1/datasets/{cohort.dataset}")["record"]["groups"]:
            assert group["individuals"] >= MINIMUM
            groups.setdefault(group["dimension"], {})[group["id"]] = group["individuals"]
        people = Cohort(cohort.folder, cohort.country, cohort.dataset)  # as it was when it came
        asked = people.permitting("SLQ")
        sexes = {code: len(people.with_filters(asked, [], word)) for code, word in
                 (("NCIT:C16576", "FEMALE"), ("NCIT:C20197", "MALE"))}
        sexes["NCIT:C17998"] = len(asked) - sum(sexes.values())
        assert groups["sex"] == told(sexes, len(asked))
        systems = {}
        for person in asked:
            for system in hpo_oracle.systems(people.people[person]["terms"]):
                systems[system] = systems.get(system, 0) + 1
        assert groups["phenotype"] == {system: subject_level(count, len(asked)) for system, count in systems.items() if count >= MINIMUM}
        assert sum(groups["age"].values()) <= len(asked)
