# SPDX-License-Identifier: Apache-2.0
"""Beacon v2.2 over cohorts, alone and beside a folder, at a node and at the hub: every answer against the official schemas."""

import json
import os
import pathlib

import pytest

import beacon_schemas
import road
import test_14_passports
import tokens
from cohort import MINIMUM, Cohort
from conftest import QUICK, synth
from federation import Federation, wait_until
from test_2_discovery import subject_level

SHARED = os.environ.get("GENOFED_SHARED_DIR")
pytestmark = pytest.mark.skipif(not SHARED, reason="needs GENOFED_SHARED_DIR: Beacon schemas and data folders")

FOLDER = "GDI-FI-BEACON-1"
SITES = ("fi", "hub")
ONSET = {"id": "diseases.ageOfOnset.iso8601duration", "operator": ">", "value": "P40Y", "scope": "individual"}


@pytest.fixture(scope="module")
def schemas():
    return beacon_schemas.Schemas(pathlib.Path(SHARED) / "specs" / "beacon-v2")


@pytest.fixture(scope="module")
def alone(workspace):
    """Finland with one cohort and nothing else: (federation, cohort)."""
    cohort = Cohort(synth(workspace / "beacon-cohort", "FI", people=150, sites=400), "FI", "GOE-FI-BEACONED-1")
    with Federation(workspace / "var-beacon-cohorts", nodes="FI", layout="site", images=workspace / "no-images", hsm="none", sets=QUICK) as federation:
        road.onboard(federation, cohort)
        road.list_dataset(federation, cohort)
        yield federation, cohort


@pytest.fixture(scope="module")
def beside(alone):
    """The same with a folder, for the tests from here on."""
    federation, cohort = alone
    road.list_folder(federation, pathlib.Path(SHARED) / "testdata" / "beacon-synth", FOLDER)
    wait_until(lambda: {"SYN-A", cohort.dataset} <= federation.answering("fi"), 30, "the folder to be answered from")
    return federation, cohort


def ask(federation, schemas, site, path, query=None, status=200, method="POST"):
    """The answer, which is valid."""
    body = {"meta": {"apiVersion": "2.0"}, "query": query or {}} if method == "POST" else None
    given, _, answer = federation.rest(site, method, "/beacon/v2" + path, body=body)
    assert given == status, (site, path, query, answer)
    if status != 200:
        schemas.check_error(answer)
    elif "returnedGranularity" in answer["meta"]:
        schemas.check_answer(answer)
    return answer


def sets(answer):
    found = answer["response"]["resultSets"]
    assert len({one["id"] for one in found}) == len(found), "a dataset is there twice"
    return {one["id"]: one for one in found}


def frequent(cohort):
    """A variant that many carry, as Beacon writes its place, and their number."""
    people = cohort.permitting("AF")
    variant = max(cohort.variants(), key=lambda v: cohort.carriers(v, people))
    chrom, pos, ref, alt = variant
    return {"referenceName": chrom.removeprefix("chr"), "start": [pos - 1], "referenceBases": ref, "alternateBases": alt,
            "assemblyId": "GRCh38"}, cohort.carriers(variant, people)


def women(cohort):
    people = cohort.permitting("SLQ")
    return subject_level(len(cohort.with_filters(people, [], "FEMALE")), len(people))


@pytest.mark.parametrize("site", SITES)
def test_the_user_portal_is_answered(alone, schemas, site):
    federation, cohort = alone
    place, carriers = frequent(cohort)
    assert carriers >= MINIMUM

    def portal(path, parameters, filters=(), limit=1):
        return ask(federation, schemas, site, path, {
            "filters": list(filters), "includeResultsetResponses": "HIT", "requestedGranularity": "record", "testMode": False,
            "pagination": {"skip": 0, "limit": limit}, "requestParameters": parameters})

    [start] = place["start"]
    for end in (None, [start], [start + 1]):
        answer = portal("/g_variants", {**place, **({"end": end} if end else {})})
        found = sets(answer)[cohort.dataset]
        assert answer["meta"]["returnedGranularity"] == "record" and found["resultsCount"] == carriers, end
        [record] = found["results"]
        assert record["variation"]["location"]["interval"]["start"]["value"] == start
        rows = {row["population"]: row for row in record["frequencyInPopulations"][0]["frequencies"]}
        assert set(rows) == {"Total", "FI"} and rows["Total"] == {**rows["FI"], "population": "Total"}
        assert rows["Total"]["alleleCount"] >= carriers
    bare = {"referenceName": place["referenceName"], "start": [start]}
    for end, limit in ([start], 1), ([start + 1000], 1000):
        answer = portal("/g_variants", {**bare, "end": end}, limit=limit)
        assert sets(answer)[cohort.dataset]["resultsCount"] >= carriers
        assert answer["meta"]["returnedGranularity"] == "count", "a range has no frequencies"
    text = {"referenceName": place["referenceName"], "start": str(start), "end": str(start + 1), "geneId": ""}
    sex = {"id": "NCIT:C16576", "scope": "individual"}
    answer = portal("/individuals", {}, [sex])
    assert sets(answer)[cohort.dataset]["resultsCount"] == women(cohort)
    assert answer["meta"]["returnedGranularity"] == "count" and "results" not in sets(answer)[cohort.dataset]
    portal("/individuals", text, [sex])
    answer = portal("/individuals", text, [sex, ONSET])
    assert not sets(answer) and [one["dataset"] for one in answer["info"]["notAsked"]] == [cohort.dataset]


@pytest.mark.parametrize("site", SITES)
def test_the_path_of_a_dataset_asks_it(alone, schemas, site):
    federation, cohort = alone
    place, carriers = frequent(cohort)
    answer = ask(federation, schemas, site, f"/datasets/{cohort.dataset}/individuals", {"filters": [{"id": "NCIT:C16576"}]})
    assert sets(answer)[cohort.dataset]["resultsCount"] == women(cohort)
    answer = ask(federation, schemas, site, f"/datasets/{cohort.dataset}/g_variants", {"requestParameters": place})
    assert answer["responseSummary"]["numTotalResults"] == carriers
    answer = ask(federation, schemas, site, "/datasets/GOE-FI-ELSEWHERE-1/individuals", {"filters": [{"id": "NCIT:C16576"}]})
    assert not answer["responseSummary"]["exists"] and not sets(answer)


def test_a_cohort_has_filtering_terms(alone, schemas):
    federation, cohort = alone
    answer = ask(federation, schemas, "fi", f"/datasets/{cohort.dataset}/filtering_terms", method="GET")
    schemas.check(beacon_schemas.RESPONSES + "beaconFilteringTermsResponse.json", answer)
    assert {"NCIT:C16576", "age"} <= {term["id"] for term in answer["response"]["filteringTerms"]}
    elsewhere = ask(federation, schemas, "fi", "/datasets/GOE-FI-ELSEWHERE-1/filtering_terms", method="GET")
    assert not elsewhere["response"]["filteringTerms"]


@pytest.mark.parametrize("site", SITES)
def test_test_mode_is_about_nobody(alone, schemas, site):
    federation, cohort = alone
    place, _ = frequent(cohort)
    for path, query in (("/individuals", {}), ("/g_variants", {"requestParameters": place}), ("/datasets", {}),
                        (f"/datasets/{cohort.dataset}/individuals", {})):
        answer = ask(federation, schemas, site, path, {**query, "testMode": True})
        assert answer["meta"]["testMode"] is True and not answer["responseSummary"]["exists"], path


@pytest.mark.parametrize("site", SITES)
def test_handovers_lead_somewhere(alone, schemas, site):
    federation, cohort = alone
    answer = ask(federation, schemas, site, "/individuals", {"filters": [{"id": "NCIT:C16576"}]})
    handovers = sets(answer)[cohort.dataset]["resultsHandovers"]
    assert [one["handoverType"]["id"] for one in handovers] == ["CUSTOM:dataset", "CUSTOM:data-access"]
    for handover in handovers:
        assert handover["url"].startswith(federation.site(site)["rest"])
        path = handover["url"].removeprefix(federation.site(site)["rest"].rstrip("/"))
        assert cohort.dataset in str(federation.get(site, path))


def unfiltered(federation, schemas, site):
    answer = ask(federation, schemas, site, "/configuration", method="GET")
    schemas.check(beacon_schemas.RESPONSES + "beaconConfigurationResponse.json", answer)
    assert ask(federation, schemas, site, "/entry_types", method="GET")["response"]["entryTypes"] == answer["response"]["entryTypes"]
    assert ("CONTROLLED" in answer["response"]["securityAttributes"]["securityLevels"]) == (site == "fi")
    return answer["response"]["entryTypes"]["genomicVariant"]["nonFilteredQueriesAllowed"]


@pytest.mark.parametrize("site", SITES)
def test_the_configuration_says_what_is_so(alone, schemas, site):
    federation, _ = alone
    assert unfiltered(federation, schemas, site) is False
    ask(federation, schemas, site, "/g_variants", status=400)
    schemas.check(beacon_schemas.RESPONSES + "beaconMapResponse.json", ask(federation, schemas, site, "/map", method="GET"))


# Beside a folder --------------------------------------------------------------------------------------------------------

def test_variants_and_people_are_not_added_up(beside, schemas):
    federation, cohort = beside
    place, carriers = frequent(cohort)
    [start] = place["start"]
    for where, unit in ({"referenceName": "3", "start": [45_700_000], "end": [45_900_000]}, "records"), \
                       ({"referenceName": place["referenceName"], "start": [start], "end": [start + 1000]}, "individuals"):
        answer = ask(federation, schemas, "fi", "/g_variants", {"requestParameters": where, "includeResultsetResponses": "ALL"})
        found = sets(answer)
        assert set(found) == {"SYN-A", "SYN-B", cohort.dataset}
        totals = {"records": sum(found[dataset]["resultsCount"] for dataset in ("SYN-A", "SYN-B")),
                  "individuals": found[cohort.dataset]["resultsCount"]}
        assert answer["info"]["totals"] == totals and answer["info"]["counted"] == unit
        assert answer["responseSummary"]["numTotalResults"] == totals[unit] > 0
        assert found[cohort.dataset]["info"]["counted"] == "individuals" and found["SYN-A"]["info"]["counted"] == "records"
    answer = ask(federation, schemas, "fi", "/g_variants", {"requestParameters": place})
    assert answer["responseSummary"]["numTotalResults"] == sets(answer)[cohort.dataset]["resultsCount"] == carriers
    people = ask(federation, schemas, "fi", "/individuals", {"filters": [{"id": "NCIT:C16576"}]})
    assert people["responseSummary"]["numTotalResults"] == sum(one["resultsCount"] for one in sets(people).values())


def test_whom_the_node_did_not_ask_is_said(beside, schemas):
    federation, cohort = beside
    place, _ = frequent(cohort)
    for path, query in (("/individuals", {"filters": [{"id": "HP:0001250", "scope": "biosample"}]}),
                        ("/individuals", {"filters": [{"id": "age", "operator": ">", "value": "P1Y6M"}]}),
                        ("/individuals", {"filters": [ONSET]}),
                        ("/g_variants", {"requestParameters": {**place, "alternateBases": "N"}}),
                        ("/g_variants", {}), ("/biosamples", {}), ("/datasets", {"filters": [{"id": "HP:0001250"}]})):
        answer = ask(federation, schemas, "fi", path, query)
        assert [one["dataset"] for one in answer["info"]["notAsked"]] == [cohort.dataset], (path, query)
        assert answer["info"]["notAsked"][0]["reason"] and answer["info"]["notAsked"][0]["detail"]
        assert ("ages are held in whole years" in answer["info"]["notAsked"][0]["detail"]) == ("P1Y6M" in json.dumps(query)), answer["info"]
    assert "notAsked" not in ask(federation, schemas, "fi", "/individuals", {"filters": [{"id": "HP:0001250"}]})["info"]
    assert "notAsked" not in ask(federation, schemas, "fi", "/datasets").get("info", {})


def test_folders_list_variants_and_the_configuration_says_so(beside, schemas):
    federation, _ = beside
    assert unfiltered(federation, schemas, "fi") is True
    ask(federation, schemas, "fi", "/g_variants", {"pagination": {"limit": 1}})
    assert unfiltered(federation, schemas, "hub") is False


def test_the_folder_leads_to_its_record(beside, schemas):
    federation, _ = beside
    answer = ask(federation, schemas, "fi", "/individuals", {"filters": [{"id": "NCIT:C16576"}]})
    url = sets(answer)["SYN-A"]["resultsHandovers"][1]["url"]
    assert federation.get("fi", url.removeprefix(federation.site("fi")["rest"].rstrip("/")))["record"]["id"] == FOLDER


def test_a_passport_opens_the_records_of_a_cohort(beside, schemas):
    federation, cohort = beside
    road.grant(federation, [(cohort, True)], "Records of the cohort")
    wait_until(lambda: test_14_passports.visas_in(test_14_passports.passport(federation)), 20, "the visa")
    readable = cohort.permitting("SLQ") & cohort.permitting("SEC")
    assert 5 < len(readable) < len(cohort.permitting("SLQ")), "some are found, and their records not read"

    def read(path, query=None, passport=True, status=200):
        token = tokens.access_token(federation, "researcher", ["fi"])
        headers = {"GA4GH-Passport": test_14_passports.passport(federation)} if passport else {}
        given, _, answer = federation.rest("fi", "POST", "/beacon/v2" + path, token=token, headers=headers,
                                           body={"meta": {"apiVersion": "2.0"}, "query": query or {}})
        assert given == status, answer
        schemas.check_answer(answer)
        return answer

    everybody = sets(read("/individuals", {"pagination": {"limit": 0}}))[cohort.dataset]
    assert everybody["resultsCount"] == len(everybody["results"]) == len(readable) and everybody["countPrecision"] == "exact"

    def told(record):
        terms = [one["featureType"]["id"] for one in record.get("phenotypicFeatures", [])]
        return record["sex"]["label"].upper(), record.get("info", {}).get("ageYears"), tuple(sorted(terms))

    def true(person):
        facts = cohort.people[person]
        return facts["sex"], facts["age"], tuple(sorted(facts["terms"]))

    assert sorted(map(told, everybody["results"])) == sorted(map(true, readable))
    # The command packs the passport by itself.
    shown = federation.genofed("query", "records", "--limit", 0, "--sex", "female", site="fi", as_="researcher").json
    assert sets(shown)[cohort.dataset]["results"] == [record for record in everybody["results"] if record["sex"]["label"] == "female"]
    # Pages, filters and carriers; one person alone.
    women_only = {"filters": [{"id": "NCIT:C16576"}]}
    pages = [record["id"] for skip in range(3)
             for record in sets(read("/individuals", {**women_only, "pagination": {"skip": skip, "limit": 40}})).get(cohort.dataset, {"results": []})["results"]]
    assert pages == [record["id"] for record in everybody["results"] if record["sex"]["label"] == "female"]
    place, _ = frequent(cohort)
    variant = (place["referenceName"], place["start"][0] + 1, place["referenceBases"], place["alternateBases"])
    chrom = next(v for v in cohort.variants() if v[1:] == variant[1:])
    carriers = sets(read(f"/datasets/{cohort.dataset}/individuals", {"requestParameters": place, "pagination": {"limit": 0}}))[cohort.dataset]
    assert carriers["resultsCount"] == len(carriers["results"]) == cohort.carriers(chrom, readable)
    one = everybody["results"][3]
    answer = read(f"/individuals/{one['id']}")
    assert sets(answer)[cohort.dataset]["results"] == [one] and answer["responseSummary"]["numTotalResults"] == 1
    nobody = read(f"/individuals/{cohort.dataset}.i99999")
    assert not nobody["responseSummary"]["exists"]
    # The folder beside it is not opened, and without the passport neither is.
    answer = read("/individuals", women_only)
    assert answer["meta"]["returnedGranularity"] == "record" and "results" not in sets(answer)["SYN-A"]
    closed = read("/individuals", women_only, passport=False)
    assert closed["meta"]["returnedGranularity"] == "count" and sets(closed)[cohort.dataset]["resultsCount"] == women(cohort)
    assert [one["dataset"] for one in read(f"/individuals/{one['id']}", passport=False)["info"]["notAsked"]] == [cohort.dataset]
    assert [e for e in road.ledger_entries(federation, "fi") if e["kind"] == "access" and e["dataset"] == cohort.dataset and e["project"] == "Records of the cohort"]


def test_citizens_see_who_could_read_their_records(beside):
    federation, cohort = beside
    readable = cohort.permitting("SLQ") & cohort.permitting("SEC")
    others = cohort.included - cohort.permitting("SEC")
    for people, used in (readable, True), (others, False):
        token = federation.token("citizen_fi", person=min(people))
        seen = federation.get("fi", "/api/v1/me/accesses?page_size=100", token=token)["accesses"]
        [access] = [one for one in seen if one["kind"] == "access"]
        assert access.get("used", False) == used and access["receipt"] and access["project"] == "Records of the cohort"
        assert access["outcome"] == "records could be read" and access["purpose_code"] == "DUO:0000006" and len(access["decision_sha256"]) == 64
        said = federation.genofed("me", "accesses", site="fi", token=token, json=False).out
        assert ("not used" in said) != used and f"records for application {access['application']}" in said
