# SPDX-License-Identifier: Apache-2.0
"""Beacon v2.2 over data folders: every answer against the official schemas, and against a brute-force oracle."""

import concurrent.futures
import http.client
import json
import os
import pathlib
import random
import ssl
import sys
import types
import urllib.parse
import uuid

import pytest

import beacon_schemas
import road
import test_14_passports
import tokens
from beacon_oracle import COLLECTIONS, FILES, Folder, values
from conftest import QUICK
from federation import REPO, Federation, genofed, wait_until
from test_36_clinician import vrs_2_0

sys.path.insert(0, str(REPO / "libs" / "beacon" / "oracle"))

import compare  # noqa: E402

SHARED = os.environ.get("GENOFED_SHARED_DIR")
pytestmark = pytest.mark.skipif(not SHARED, reason="needs GENOFED_SHARED_DIR: Beacon schemas and data folders")

META = {"apiVersion": "v2.2.0", "requestedSchemas": []}
ENTRY_TYPES = {"analysis": "analyses", "biosample": "biosamples", "cohort": "cohorts", "dataset": "datasets",
               "genomicVariant": "g_variants", "individual": "individuals", "run": "runs"}


@pytest.fixture(scope="module")
def schemas():
    return beacon_schemas.Schemas(pathlib.Path(SHARED) / "specs" / "beacon-v2")


@pytest.fixture(scope="module", params=["beacon-synth", "beacon-pi-test"])
def open_beacon(request, workspace):
    """A node that serves a folder as it is, and the folder."""
    path = pathlib.Path(SHARED) / "testdata" / request.param
    with Federation(workspace / f"var-{request.param}", nodes="FI", layout="site", hsm="none",
                    args=["--beacon-data", path, "--disclosure-control", "off"]) as federation:
        yield federation, Folder(path)


@pytest.fixture(scope="module")
def closed_beacon(workspace):
    """A node under disclosure control that served another's folder through `genofed onboard beacon`."""
    path = pathlib.Path(SHARED) / "testdata" / "beacon-synth"
    with Federation(workspace / "var-closed", nodes="FI", layout="site", hsm="none", sets=QUICK, args=["--beacon-data", path]) as federation:
        yield federation, Folder(path)


def ask(federation, path, query=None, status=200, method="POST", **kwargs):
    body = {"meta": META, "query": query or {}} if method == "POST" else None
    given, headers, answer = federation.rest("fi", method, "/beacon/v2" + path, body=body, **kwargs)
    assert given == status, f"{method} {path} {json.dumps(query)}: {given} {str(answer)[:600]}"
    if method != "HEAD":
        assert headers["Content-Type"].startswith("application/json")
    return answer


def ids_of(entry, records):
    return [record["variantInternalId" if entry == "g_variants" else "id"] for record in records]


def result_sets(answer):
    sets = answer["response"]["resultSets"]
    assert len({one["id"] for one in sets}) == len(sets), "a dataset is there twice"
    assert all(one["setType"] == "dataset" for one in sets)
    return {one["id"]: one for one in sets}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_framework_endpoints(open_beacon, schemas, method):
    federation, folder = open_beacon
    for path, schema in {"": "beaconInfoResponse", "/info": "beaconInfoResponse", "/service-info": "ga4gh-service-info-1-0-0-schema",
                         "/configuration": "beaconConfigurationResponse", "/entry_types": "beaconEntryTypesResponse",
                         "/map": "beaconMapResponse", "/filtering_terms": "beaconFilteringTermsResponse"}.items():
        answer = ask(federation, path, method=method)
        schemas.check(beacon_schemas.RESPONSES + schema + ".json", answer)
    info = ask(federation, "/info", method=method)["response"]
    assert "DISCLOSURE CONTROL IS OFF" in info["description"] and info["info"]["disclosureControl"] == "off"
    assert set(ask(federation, "/entry_types", method=method)["response"]["entryTypes"]) == set(ENTRY_TYPES)
    endpoint_sets = ask(federation, "/map", method=method)["response"]["endpointSets"]
    assert set(endpoint_sets) == set(ENTRY_TYPES)
    for entry in endpoint_sets.values():
        assert len(entry["endpoints"]) == 6


def test_filtering_terms_find_somebody_and_page(open_beacon, schemas):
    federation, folder = open_beacon
    everything = ask(federation, "/filtering_terms", method="GET")["response"]["filteringTerms"]
    assert len({term["id"] for term in everything}) == len(everything)
    second = ask(federation, "/filtering_terms?skip=1&limit=5", method="GET")["response"]["filteringTerms"]
    assert second == everything[5:10]
    for term in everything:
        if term["type"] != "ontology":
            continue
        for scope in term["scopes"]:
            answer = ask(federation, "/" + ENTRY_TYPES[scope], {"filters": [{"id": term["id"]}], "requestedGranularity": "count"})
            assert answer["responseSummary"]["exists"], term
    for path in ("/individuals/filtering_terms", f"/datasets/{folder.datasets[0]}/filtering_terms",
                 f"/cohorts/{folder.tables['cohorts'][0]['id']}/filtering_terms"):
        answer = ask(federation, path, method="GET")
        schemas.check(beacon_schemas.RESPONSES + "beaconFilteringTermsResponse.json", answer)
        assert answer["response"]["filteringTerms"]


def check(federation, folder, schemas, entry, parent, one, parameters, filters, rng):
    """One request, by POST, in a granularity, include mode and page chosen by chance."""
    path = f"/{parent[0]}/{parent[1]}/{entry}" if parent else f"/{entry}/{one}" if one is not None else f"/{entry}"
    granularity = rng.choice(["record", "record", "count", "boolean"])
    include = rng.choice(["HIT", "HIT", "ALL", "MISS", "NONE"])
    skip, limit = rng.choice([(0, 10), (0, 0), (1, 3), (2, 8), (0, 1), (50, 10)])
    query = {"filters": filters, "requestedGranularity": granularity, "includeResultsetResponses": include,
             "pagination": {"skip": skip, "limit": limit}, "testMode": rng.random() < 0.1,
             "requestParameters": {"g_variant": parameters} if parameters and rng.random() < 0.5 else parameters}
    answer = ask(federation, path.replace(">", "%3E"), query)
    where = f"{path} {json.dumps(query)}"
    schemas.check_answer(answer)
    expected = folder.select(entry, parameters, filters, parent, None if parent else one)
    assert answer["meta"]["returnedGranularity"] == granularity, where
    assert answer["responseSummary"]["exists"] == bool(expected), where
    if granularity == "boolean":
        return
    assert answer["responseSummary"]["numTotalResults"] == len(expected), where
    if granularity == "count":
        return
    page = slice(skip * limit, skip * limit + limit) if limit else slice(None)
    if entry in COLLECTIONS:
        assert answer["response"]["collections"] == expected[page], where
        return
    wanted = folder.by_dataset(expected)
    shown = {dataset for dataset, records in wanted.items() if include == "ALL" or (include == "HIT" and records) or (include == "MISS" and not records)}
    sets = result_sets(answer)
    assert set(sets) == shown, where
    for dataset in shown:
        assert sets[dataset]["exists"] == bool(wanted[dataset]) and sets[dataset]["resultsCount"] == len(wanted[dataset]), where
        assert sets[dataset]["results"] == wanted[dataset][page], where


def test_answers_equal_the_oracle(open_beacon, schemas, figures):
    federation, folder = open_beacon
    rng = random.Random(5)
    asked = 0
    for entry, parent, one, parameters, filters in compare.requests(folder, rng):
        check(federation, folder, schemas, entry, parent, one, parameters, filters, rng)
        asked += 1
    figures.append(f"Beacon folder {folder.datasets}: {asked} requests as the oracle answers them, each valid by the official schemas")


def test_pages_are_a_partition(open_beacon):
    federation, folder = open_beacon
    for entry in ("individuals", "g_variants", "biosamples"):
        seen = {dataset: [] for dataset in folder.datasets}
        for skip in range(60):
            sets = result_sets(ask(federation, f"/{entry}?skip={skip}&limit=7", method="GET"))
            for dataset, one in sets.items():
                seen[dataset] += ids_of(entry, one["results"])
        assert seen == {dataset: ids_of(entry, records) for dataset, records in folder.by_dataset(folder.tables[entry]).items()}


def test_get_and_post_are_the_same(open_beacon):
    federation, folder = open_beacon
    variation = folder.tables["g_variants"][0]["variation"]
    start, end = (variation["location"]["interval"][side]["value"] for side in ("start", "end"))
    name = compare_name(folder.tables["g_variants"][0])
    alt = variation["alternateBases"]
    pairs = [
        (f"/g_variants?referenceName={name}&start={start}&alternateBases={alt}",
         {"requestParameters": {"referenceName": name, "start": [start], "alternateBases": alt}}),
        (f"/g_variants?referenceName={name}&start={start},{start + 1}&end={end},{end + 1}",
         {"requestParameters": {"referenceName": name, "start": [start, start + 1], "end": [end, end + 1]}}),
        ("/individuals?filters=NCIT_C16576,age:%3EP40Y", {"filters": ["NCIT:C16576", {"id": "age", "operator": ">", "value": "P40Y"}]}),
        ("/runs?filters=libraryStrategy=WGS&skip=1&limit=2", {"filters": [{"id": "libraryStrategy", "operator": "=", "value": "WGS"}], "pagination": {"skip": 1, "limit": 2}}),
        ("/individuals?requestedGranularity=count&includeResultsetResponses=ALL&testMode=true",
         {"requestedGranularity": "count", "includeResultsetResponses": "ALL", "testMode": True}),
    ]
    for path, query in pairs:
        got, posted = ask(federation, path, method="GET"), ask(federation, path.split("?")[0], query)
        assert got.get("response") == posted.get("response") and got["responseSummary"] == posted["responseSummary"], path
    for start_form in ([start], start, str(start), [str(start)], f"{start}"):
        answer = ask(federation, "/g_variants", {"requestParameters": {"referenceName": name, "start": start_form, "alternateBases": alt}})
        assert answer["responseSummary"]["exists"], start_form


def compare_name(record):
    sequence = record["variation"]["location"]["sequence_id"]
    return sequence if sequence.startswith("refseq:") else record["identifiers"]["genomicHGVSId"].split(":")[0]


def test_the_summary_echoes_the_request(open_beacon, schemas):
    federation, folder = open_beacon
    query = {"requestParameters": {"referenceName": "chr3", "start": "45823239", "alternateBases": "n"},
             "filters": [{"id": "HP:0001250", "scope": "individual"}, [{"id": "age", "operator": ">", "value": "P70Y"}, "NCIT:C16576"]],
             "pagination": {"skip": 1, "limit": 0}, "includeResultsetResponses": "ALL"}
    answer = ask(federation, "/g_variants", query)
    schemas.check_answer(answer)
    summary = answer["meta"]["receivedRequestSummary"]
    assert summary["requestParameters"] == {"g_variant": {"referenceName": "chr3", "start": [45823239], "alternateBases": "N"}}
    assert summary["filters"] == ["HP:0001250", "age:>P70Y|NCIT:C16576"]
    assert summary["pagination"] == {"skip": 1, "limit": 0} and summary["includeResultsetResponses"] == "ALL"


@pytest.mark.parametrize("path, query", [
    ("/g_variants", {"requestParameters": {"referenceName": "3", "start": [7]}}),
    ("/g_variants", {"requestParameters": {"referenceName": "3"}}),
    ("/g_variants", {"requestParameters": {"start": [7], "end": [9]}}),
    ("/g_variants", {"requestParameters": {"referenceName": "3", "start": [7, 8], "end": [9]}}),
    ("/g_variants", {"requestParameters": {"referenceName": "3", "start": [-1], "alternateBases": "A"}}),
    ("/g_variants", {"requestParameters": {"referenceName": "3", "start": [1], "alternateBases": "Q"}}),
    ("/g_variants", {"requestParameters": {"referenceName": "NC_000003.12", "assemblyId": "GRCh37", "start": [1], "alternateBases": "A"}}),
    ("/g_variants", {"requestParameters": {"noSuchParameter": 1}}),
    ("/individuals", {"filters": {"id": "HP:0001250"}}),
    ("/individuals", {"filters": [{"scope": "individual"}]}),
    ("/individuals", {"filters": [{"id": "age", "operator": "~", "value": "P1Y"}]}),
    ("/individuals", {"filters": [{"id": "HP:0001250", "scope": "planet"}]}),
    ("/individuals", {"requestedGranularity": "everything"}),
    ("/individuals", {"includeResultsetResponses": "SOME"}),
    ("/individuals", {"pagination": {"limit": -1}}),
])
def test_what_cannot_be_asked_is_refused(open_beacon, schemas, path, query):
    federation, _ = open_beacon
    answer = ask(federation, path, query, status=400)
    schemas.check_error(answer)
    assert answer["error"]["errorCode"] == 400


def test_errors_have_the_envelope(open_beacon, schemas):
    federation, folder = open_beacon
    for method, path, status in (("GET", "/nothing", 404), ("GET", "/individuals/x/planets", 404), ("DELETE", "/individuals", 405),
                                 ("PUT", "/g_variants/x", 405), ("GET", "/individuals?skip=many", 400)):
        answer = ask(federation, path, status=status, method=method)
        schemas.check_error(answer)
        assert answer["error"]["errorCode"] == status
    for body, kind, status in ((b"{", "application/json", 400), (b"[]", "application/json", 400), (b"<a/>", "application/xml", 415)):
        given, _, answer = federation.rest("fi", "POST", "/beacon/v2/individuals", body=body, headers={"Content-Type": kind})
        assert given == status
        schemas.check_error(answer)
    given, _, body = federation.rest("fi", "HEAD", "/beacon/v2/individuals")
    assert given == 200 and not body
    # An identifier that is not there is a query without an answer, the same as one that is not disclosed.
    answer = ask(federation, "/individuals/NO-SUCH-ONE", method="GET")
    assert answer["responseSummary"] == {"exists": False, "numTotalResults": 0, "countPrecision": "exact"}


def test_what_the_user_portal_sends(open_beacon, schemas):
    federation, folder = open_beacon
    record = folder.tables["g_variants"][0]
    interval = record["variation"]["location"]["interval"]
    answer = ask(federation, "/g_variants", {
        "filters": [], "includeResultsetResponses": "HIT", "requestedGranularity": "record", "testMode": False,
        "pagination": {"skip": 0, "limit": 1},
        "requestParameters": {"referenceName": compare_name(record), "start": [interval["start"]["value"]], "end": [interval["end"]["value"]],
                              "referenceBases": record["variation"]["referenceBases"], "alternateBases": record["variation"]["alternateBases"]}})
    schemas.check_answer(answer)
    found = [one for sets in result_sets(answer).values() for one in sets["results"]]
    assert found and all("value" in one["variation"]["location"]["interval"]["start"] for one in found)
    for one in found:
        for source in one.get("frequencyInPopulations", []):
            for frequency in source["frequencies"]:
                assert {"population", "alleleFrequency", "alleleCount", "alleleNumber"} <= set(frequency)
    answer = ask(federation, "/individuals", {
        "filters": [{"id": "NCIT:C16576", "scope": "individual"}], "requestedGranularity": "record", "pagination": {"limit": 1},
        "requestParameters": {"referenceName": compare_name(record), "start": str(interval["start"]["value"]), "end": str(interval["end"]["value"]),
                              "geneId": "", "assemblyId": None}})
    schemas.check_answer(answer)
    everybody = ask(federation, "/individuals", {"pagination": {"limit": 1}})
    assert set(result_sets(everybody)) == set(folder.datasets), "limit does not shorten the list of datasets"


def test_a_vcf_of_frequencies_is_a_folder(workspace, schemas):
    path = pathlib.Path(SHARED) / "testdata" / "beacon-goe-af"
    with Federation(workspace / "var-goe", nodes="FI", layout="site", hsm="none", args=["--beacon-data", path]) as federation:
        query = {"requestParameters": {"referenceName": "3", "start": [45823239], "referenceBases": "T", "alternateBases": "C", "assemblyId": "GRCh38"}}
        answer = ask(federation, "/g_variants", query)
        schemas.check_answer(answer)
        [record] = result_sets(answer)["goe-sample"]["results"]
        # The accession of chromosome 3 in GRCh38, as NCBI's sequence has it.
        assert record["identifiers"]["genomicHGVSId"] == "NC_000003.12:g.45823240T>C"
        assert record["identifiers"]["variantAlternativeIds"] == [
            {"id": vrs_2_0("Zu7h9AggXxhTaGVsy7h_EZSChSZGcmgX", 45823240, "T", "C"), "notes": "GA4GH VRS 2.0"},
            {"id": "ga4gh:VA.S6wWHTu2hblAgp2Cri1BN7HLuHAU8aEl", "notes": "GA4GH VRS 1.3"}]
        frequencies = {one["population"]: one for one in record["frequencyInPopulations"][0]["frequencies"]}
        # Public under disclosure control: 618 of 8000, and 12 populations that are all large.
        assert len(frequencies) == 12 and frequencies["Total"]["alleleCount"] == 618
        assert frequencies["FI_M"]["alleleNumber"] == 1400 and frequencies["FI_M"]["alleleCount"] == 119
        assert "alleleCountHemizygous" not in frequencies["LV"], "one hemizygous person is too few to tell"
        for entry in ("individuals", "biosamples", "runs", "analyses", "cohorts"):
            answer = ask(federation, f"/{entry}")
            schemas.check_answer(answer)
            assert not answer["responseSummary"]["exists"]


def test_requests_do_not_mix(open_beacon):
    """The same answers whether asked one after another or all at once."""
    federation, folder = open_beacon
    rng = random.Random(11)
    cases = [case for case in compare.requests(folder, rng) if case[0] not in COLLECTIONS][::7][:60]

    def run(case):
        entry, parent, one, parameters, filters = case
        path = f"/{parent[0]}/{parent[1]}/{entry}" if parent else f"/{entry}/{one}" if one is not None else f"/{entry}"
        return ask(federation, path.replace(">", "%3E"), {"filters": filters, "requestParameters": parameters})

    alone = [run(case) for case in cases]
    order = list(range(len(cases))) * 4
    rng.shuffle(order)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for at, answer in zip(order, pool.map(lambda at: run(cases[at]), order)):
            assert answer == alone[at], cases[at]


# Under disclosure control ------------------------------------------------------------------------------------------------

FLOOR = 5


def test_under_control_nobody_sees_records_of_people(closed_beacon, schemas):
    federation, folder = closed_beacon
    assert ask(federation, "/info", method="GET")["response"]["info"]["disclosureControl"] == "on"
    for entry in ("individuals", "biosamples", "runs", "analyses"):
        answer = ask(federation, f"/{entry}", {"requestedGranularity": "record"})
        schemas.check_answer(answer)
        assert answer["meta"]["returnedGranularity"] == "count"
        for one in result_sets(answer).values():
            assert "results" not in one and one["countPrecision"] == "imprecise" and one["countAdjustedTo"] == [0, FLOOR]
        person = folder.id(entry, folder.tables[entry][0])
        assert ask(federation, f"/{entry}/{person}", method="GET")["responseSummary"] == \
            ask(federation, f"/{entry}/NO-SUCH-ONE", method="GET")["responseSummary"]


def test_under_control_counts_follow_the_floor(closed_beacon):
    federation, folder = closed_beacon
    people = {dataset: len(records) for dataset, records in folder.by_dataset(folder.tables["individuals"]).items()}
    seen_small = 0
    for term in ("NCIT:C16576", "NCIT:C20197", "MONDO:0004975", "MONDO:0005575", "MONDO:0005015", "HP:0000118", "HP:0001627", "GAZ:00002959"):
        answer = ask(federation, "/individuals", {"filters": [{"id": term}], "includeResultsetResponses": "ALL"})
        sets = result_sets(answer)
        for dataset, records in folder.by_dataset(folder.select("individuals", None, [{"id": term}])).items():
            true = len(records)
            told = 0 if true < FLOOR else people[dataset] if people[dataset] - true < FLOOR else true
            seen_small += 0 < true < FLOOR
            assert sets[dataset]["resultsCount"] == told and sets[dataset]["exists"] == (told > 0), (term, dataset)
        assert answer["responseSummary"]["numTotalResults"] == sum(one["resultsCount"] for one in sets.values())
    assert seen_small, "some counts should have been too small to tell"


def through_the_hub(federation, entry, query):
    """{dataset: count} of what the network finds, and the total."""
    status, _, answer = federation.rest("hub", "POST", f"/beacon/v2/{entry}", body={"meta": META, "query": {
        **query, "includeResultsetResponses": "ALL", "requestedGranularity": "record"}})
    assert status == 200, answer
    assert {member["site"]: member["state"] for member in answer["info"]["members"]} == {"fi": "ANSWERED"}
    return {one["id"]: one["resultsCount"] for one in answer["response"]["resultSets"]}, answer["responseSummary"].get("numTotalResults", 0)


def test_a_folder_is_one_dataset_of_the_network(closed_beacon):
    """The hub finds the people whom the node's own Beacon finds; expected values are the oracle's."""
    federation, folder = closed_beacon
    wait_until(lambda: through_the_hub(federation, "individuals", {})[1] > 0, 20, "the folder to be answered from")
    everybody = len(folder.tables["individuals"])

    def told(people):
        return 0 if people < FLOOR else everybody if people and 0 < everybody - people < FLOOR else people

    seen_small = 0
    for filters in ([{"id": "NCIT:C16576"}], [{"id": "MONDO:0005015"}], [{"id": "HP:0000118"}], [{"id": "HP:0001627"}],
                    [{"id": "NCIT:C20197"}, {"id": "MONDO:0005015"}], []):
        people = len(folder.select("individuals", None, filters))
        seen_small += 0 < people < FLOOR
        assert through_the_hub(federation, "individuals", {"filters": filters}) == ({"GDI-FI-BEACON-1": told(people)}, told(people)), filters
    terms = {term["id"] for term in federation.get("hub", "/beacon/v2/filtering_terms?limit=1000")["response"]["filteringTerms"]}
    assert {"NCIT:C16576", "MONDO:0005015"} <= terms
    assert all(through_the_hub(federation, "individuals", {"filters": [{"id": term}]})[1] for term in sorted(terms)[:20])
    found = 0
    for variant in folder.tables["g_variants"][:40]:
        carriers = len({case["individualId"] for case in variant["caseLevelData"]})
        variation = variant["variation"]
        place = {"referenceName": compare_name(variant), "start": [variation["location"]["interval"]["start"]["value"]],
                 "referenceBases": variation["referenceBases"], "alternateBases": variation["alternateBases"]}
        if not all(set(place[bases]) <= set("ACGT") and place[bases] for bases in ("referenceBases", "alternateBases")):
            continue
        counts, _ = through_the_hub(federation, "g_variants", {"requestParameters": place})
        same = len({case["individualId"] for other in folder.select("g_variants", place, []) for case in other["caseLevelData"]})
        assert same >= carriers and counts == {"GDI-FI-BEACON-1": same if same >= FLOOR else 0}, (place, same)
        found += same >= FLOOR
        seen_small += 0 < same < FLOOR
    assert found and seen_small, "some are told, some are too few"
    gene = next(gene for variant in folder.tables["g_variants"] for gene in variant.get("molecularAttributes", {}).get("geneIds", []))
    carriers = len({case["individualId"] for variant in folder.select("g_variants", {"geneId": gene}, []) for case in variant["caseLevelData"]})
    assert through_the_hub(federation, "g_variants", {"requestParameters": {"geneId": gene}})[0] == {"GDI-FI-BEACON-1": carriers if carriers >= FLOOR else 0}


def distributions(answer):
    """{term: {value: people}} of an aggregated answer, whose shape is that of the proposal (upstream pull request 259)."""
    out = {}
    for one in answer["responseAggregation"]:
        assert one["scope"] == "individual" and one["concepts"][0]["property"].startswith("individual.")
        for value in one["distribution"]:
            assert set(value) == {"conceptValues", "count"} and len(value["conceptValues"]) == 1
        out[one["id"]] = {value["conceptValues"][0]["id"]: value["count"] for value in one["distribution"]}
    return out


def distribution_of(people, path):
    counts = {}
    for person in people:
        for value in set(values(person, path)) or {"undefined"}:
            counts[value] = counts.get(value, 0) + 1
    return counts


AGGREGATIONS = {"sex": "sex.id", "ethnicity": "ethnicity.id", "geographicOrigin": "geographicOrigin.id",
                "diseases": "diseases.diseaseCode.id"}


def test_individuals_are_aggregated_as_the_proposal_says(open_beacon):
    federation, folder = open_beacon
    listed = ask(federation, "/aggregation_terms", method="GET")["response"]["aggregationTerms"]
    concepts = {term["id"]: term["concepts"] for term in listed}
    assert {term: concepts[term] for term in AGGREGATIONS} == {
        term: [{"property": f"individual.{path}"}] for term, path in AGGREGATIONS.items()}
    for filters in ([], [{"id": "NCIT:C16576"}]):
        answer = ask(federation, "/individuals", {"filters": filters, "requestedGranularity": "aggregated",
                                                  "aggregationTerms": [[{"id": term}] for term in AGGREGATIONS]})
        people = folder.select("individuals", None, filters)
        assert answer["meta"]["returnedGranularity"] == "aggregated"
        assert answer["responseSummary"] == {"exists": bool(people), "numTotalResults": len(people), "countPrecision": "exact"}
        assert "response" not in answer, "no records"
        assert distributions(answer) == {term: distribution_of(people, path) for term, path in AGGREGATIONS.items()}
    # Without terms it is what it was: a count at most.
    plain = ask(federation, "/individuals", {"requestedGranularity": "aggregated"})
    assert plain["meta"]["returnedGranularity"] in ("boolean", "count") and "responseAggregation" not in plain
    for terms, entry in (([{"id": "shoeSize"}], "individuals"), ([[{"id": "sex"}, {"id": "diseases"}]], "individuals"), ([{"id": "sex"}], "biosamples")):
        ask(federation, f"/{entry}", {"requestedGranularity": "aggregated", "aggregationTerms": terms}, status=400)


def test_under_control_no_small_value_is_aggregated(closed_beacon):
    federation, folder = closed_beacon
    everybody = len(folder.tables["individuals"])
    small = 0
    for filters in ([], [{"id": "MONDO:0005015"}], [{"id": "HP:0001627"}], [{"id": "MONDO:0005575"}]):
        answer = ask(federation, "/individuals", {"filters": filters, "requestedGranularity": "aggregated",
                                                  "aggregationTerms": [{"id": term} for term in AGGREGATIONS]})
        for term, told in distributions(answer).items():
            truth = distribution_of(folder.select("individuals", None, filters), AGGREGATIONS[term])
            few = {value for value, count in truth.items() if count < FLOOR}
            shown = {value: count for value, count in truth.items() if count >= FLOOR}
            if term == "diseases":  # people may have several
                shown = {value: everybody if everybody - count < FLOOR else count for value, count in shown.items()}
            elif few and shown:  # or what is not told could be computed from the number of all
                del shown[min(shown, key=shown.get)]
            assert told == shown, (term, filters)
            small += len(few)
    assert small, "some values have too few people"


def test_under_control_variants_have_frequencies_and_no_people(closed_beacon, schemas):
    federation, folder = closed_beacon
    sets = result_sets(ask(federation, "/g_variants", {"pagination": {"limit": 0}}))
    for dataset, records in folder.by_dataset(folder.tables["g_variants"]).items():
        frequent = [record for record in records if len({case["individualId"] for case in record["caseLevelData"]}) >= FLOOR]
        assert ids_of("g_variants", sets[dataset]["results"]) == ids_of("g_variants", frequent)
        assert len(frequent) < len(records)
        for one in sets[dataset]["results"]:
            assert "caseLevelData" not in one
            for source in one.get("frequencyInPopulations", []):
                for frequency in source["frequencies"]:
                    assert frequency["alleleCount"] == 0 or frequency["alleleCount"] > FLOOR
    schemas.check_answer(ask(federation, "/g_variants", {"pagination": {"limit": 50}}))


def test_records_need_the_right_visa(closed_beacon, schemas):
    federation, folder = closed_beacon
    beacon = types.SimpleNamespace(dataset="GDI-FI-BEACON-1", site="fi", dac="dac_fi")
    wait_until(lambda: road.hub_record(federation, beacon.dataset), 20, "the folder in the hub's catalogue")
    road.grant(federation, [(beacon, True)], "Records of the Beacon")
    wait_until(lambda: test_14_passports.visas_in(test_14_passports.passport(federation)), 20, "the visa")
    passport = test_14_passports.passport(federation)
    query = {"filters": [{"id": "NCIT:C16576"}], "pagination": {"limit": 3}}

    def asked_by(person, given, status=200):
        headers = {"GA4GH-Passport": given} if given else {}
        return ask(federation, "/individuals", query, status=status, token=tokens.access_token(federation, person, ["fi"]) if person else None,
                   headers=headers)

    answer = asked_by("researcher", passport)
    schemas.check_answer(answer)
    assert answer["meta"]["returnedGranularity"] == "record"
    wanted = folder.by_dataset(folder.select("individuals", None, query["filters"]))
    for dataset, one in result_sets(answer).items():
        assert one["results"] == wanted[dataset][:3] and one["resultsCount"] == len(wanted[dataset])
    # Neither the person without the passport, nor the passport with another person, nor a forged one.
    assert asked_by("researcher", None)["meta"]["returnedGranularity"] == "count"
    assert asked_by(None, passport, status=401)["error"]["errorCode"] == 401
    schemas.check_error(asked_by("researcher_other_org", passport, status=403))
    schemas.check_error(asked_by("researcher", passport[:-8] + "AAAAAAAA", status=403))


def test_whose_records_were_read_sees_by_whom_and_for_what(closed_beacon, tmp_path):
    federation, folder = closed_beacon
    reader = tokens.access_token(federation, "researcher", ["fi"])
    whose, reluctant = (folder.tables["individuals"][i]["id"] for i in (6, 7))

    def read(ident, **query):
        answer = ask(federation, f"/individuals/{ident}", query, token=reader, headers={"GA4GH-Passport": test_14_passports.passport(federation)})
        return [record["id"] for one in answer["response"]["resultSets"] for record in one["results"]]

    def accesses(ident):
        token = federation.token("citizen_fi", person=ident)
        seen = federation.get("fi", "/api/v1/me/accesses?page_size=100", token=token)["accesses"]
        return [access for access in seen if access["kind"] == "access"]

    assert read(whose) == [whose] and read(reluctant) == [reluctant]
    before = accesses(whose)
    assert before and before[0]["used"] and before[0]["project"] == "Records of the Beacon" and before[0]["application"].startswith("app-")
    assert before[0]["organisation"] and before[0]["purpose"] and before[0]["dataset"]["dataset"] == "GDI-FI-BEACON-1"
    assert before[0]["text"].endswith("Outcome: records could be read."), before[0]
    receipt = tmp_path / "receipt.json"
    receipt.write_text(before[0]["receipt"])
    key = tmp_path / "fi.key"
    key.write_text(federation.genofed("ledger", "key", site="fi", json=False).out)
    verified = genofed("ledger", "verify", receipt, "--key", key)
    assert verified.returncode == 0, verified.stderr
    # Who is still found, but does not permit what the project is for, is read by nobody and has the proof.
    token = federation.token("citizen_fi", person=reluctant)
    everything = federation.get("fi", "/api/v1/me/permissions", token=token)["permissions"]
    without = [one for one in everything if one != "PERMISSION_SECONDARY_USE"]
    assert len(without) == 2
    assert federation.rest("fi", "PUT", "/api/v1/me/permissions", token=token, body={"permissions": without})[0] == 200
    wait_until(lambda: read(reluctant) == [], 10, "the record to be closed")
    assert read(whose) == [whose]
    after = accesses(reluctant)
    assert len(after) == len(before) + 1 and not after[0]["used"] and after[1]["used"] and after[0]["receipt"]
    assert accesses(whose)[0]["used"]
    assert federation.rest("fi", "PUT", "/api/v1/me/permissions", token=token, body={"permissions": everything})[0] == 200
    wait_until(lambda: read(reluctant) == [reluctant], 10, "the record to be open again")


def test_a_person_who_withdraws_is_gone_with_the_next_answer(closed_beacon):
    federation, folder = closed_beacon
    person = folder.tables["individuals"][0]["id"]
    before = ask(federation, "/individuals", {"requestedGranularity": "count"})["responseSummary"]["numTotalResults"]
    token = federation.token("citizen_fi", person=person)
    assert len(federation.get("fi", "/api/v1/me/permissions", token=token)["permissions"]) == 3
    status, _, answer = federation.rest("fi", "PUT", "/api/v1/me/permissions", token=token, body={"permissions": []})
    assert status == 200, answer
    wait_until(lambda: ask(federation, "/individuals", {"requestedGranularity": "count"})["responseSummary"]["numTotalResults"] == before - 1,
               10, "the person to be gone")


def test_of_a_person_who_is_forgotten_nothing_stays_in_the_folder(closed_beacon):
    federation, folder = closed_beacon
    person = folder.tables["individuals"][0]["id"]  # who withdrew
    count = {"requestedGranularity": "count"}
    before = ask(federation, "/individuals", count)["responseSummary"]["numTotalResults"]

    def stored():
        return [file.read_text() for file in federation.var.glob("fi/**/onboarding/index/*/*/beacon.jsonl")]

    assert any(f'"{person}"' in text for text in stored())
    federation.genofed("me", "erase", "--yes", site="fi", token=federation.token("citizen_fi", person=person))
    wait_until(lambda: stored() and not any(f'"{person}"' in text for text in stored()), 60, "the person to be erased")
    other = folder.tables["individuals"][1]["id"]
    assert any(f'"{other}"' in text for text in stored())
    assert ask(federation, "/individuals", count)["responseSummary"]["numTotalResults"] == before
    # Everybody else kept the row: who withdraws now is the one who asked.
    token = federation.token("citizen_fi", person=other)
    assert federation.rest("fi", "PUT", "/api/v1/me/permissions", token=token, body={"permissions": []})[0] == 200
    wait_until(lambda: ask(federation, "/individuals", count)["responseSummary"]["numTotalResults"] == before - 1, 10, "the other to be gone")


def test_bad_records_are_reported_with_file_index_and_rule(closed_beacon, tmp_path):
    federation, folder = closed_beacon
    tmp_path.chmod(0o755)
    people = [dict(folder.tables["individuals"][i], datasetId="D") for i in range(10, 18)]
    del people[1]["sex"]
    people[2]["sex"] = {"label": "female"}
    people[3]["id"] = people[0]["id"]
    (tmp_path / "individuals.json").write_text(json.dumps(people)[:-1] + ', 7, {"id": "x", "id": "y"}]')
    variant = dict(folder.tables["g_variants"][0], datasetId="D", caseLevelData=[])
    (tmp_path / "genomicVariations.json").write_text(json.dumps([variant, {"variantInternalId": "v"}, dict(variant, variantInternalId="w", variation={"location": {"sequence_id": "refseq:NC_000003.12"}})]))
    answer = federation.genofed("onboard", "beacon", tmp_path, "--id", "GDI-FI-BEACON-2", *road.DESCRIBED, as_="holder_fi").json
    found = {(finding["file"], finding.get("field"), finding["code"]) for finding in answer["findings"]}
    assert {("individuals.json", "[1].sex", "MEMBER_MISSING"), ("individuals.json", "[2].sex", "MEMBER_INVALID"),
            ("individuals.json", "[3].id", "ID_TWICE"), ("individuals.json", "[8]", "NOT_AN_OBJECT"),
            ("individuals.json", "[9]", "JSON_DUPLICATE_NAME"), ("genomicVariations.json", "[1].variation", "VARIATION_INVALID"),
            ("genomicVariations.json", "[2].variation.location.interval", "VARIATION_INVALID")} <= found
    assert answer["counts"]["subjects_included"] == 5 and int(answer["counts"]["records_quarantined"]) == 7
    broken = tmp_path / "broken"
    broken.mkdir(mode=0o755)
    (broken / "individuals.json").write_text('[{"id": "a"')
    answer = federation.genofed("onboard", "beacon", broken, "--id", "GDI-FI-BEACON-3", *road.DESCRIBED, as_="holder_fi", check=False)
    assert answer.code == 3 and "ARRAY_INVALID" in {finding["code"] for finding in answer.json["findings"]}


def asked_on(connection, path, query, headers):
    connection.request("POST", f"/beacon/v2{path}", json.dumps({"meta": META, "query": query}), {"Content-Type": "application/json", **headers})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def reissued(federation, given, subject, dataset):
    """The passport as hub and Finland would have signed it for `subject`, who was granted this dataset alone."""
    def key(site, name):
        return (federation.var / site / "secrets" / name).read_text()
    claims = tokens.claims_of(given)
    visa = next(visa for visa in claims["ga4gh_passport_v1"] if tokens.claims_of(visa)["ga4gh_visa_v1"]["value"].endswith(f"/{dataset}"))
    jku = json.loads(tokens.base64.urlsafe_b64decode(visa.split(".")[0] + "=="))["jku"]
    visa = tokens.sign(key("fi", "national.pem"), "vnd.ga4gh.visa+jwt", {**tokens.claims_of(visa), "sub": subject, "jti": str(uuid.uuid4())}, jku=jku)
    return tokens.sign(key("hub", "passport.pem"), "vnd.ga4gh.passport+jwt",
                       {**claims, "sub": subject, "jti": str(uuid.uuid4()), "ga4gh_passport_v1": [visa]})


@pytest.fixture(scope="module")
def two_visas(closed_beacon):
    """A second folder at the node; two people, each with a visa for one of both: {name: (headers, folder that opens)}, and both folders."""
    federation, first = closed_beacon
    path = pathlib.Path(SHARED) / "testdata" / "beacon-pi-test"
    second = Folder(path)
    assert not set(first.datasets) & set(second.datasets)
    road.list_folder(federation, path, "GDI-FI-BEACON-4")
    for beacon in ("GDI-FI-BEACON-1", "GDI-FI-BEACON-4"):
        dataset = types.SimpleNamespace(dataset=beacon, site="fi", dac="dac_fi")
        wait_until(lambda dataset=dataset: road.hub_record(federation, dataset.dataset), 20, "the folder in the hub's catalogue")
        road.grant(federation, [(dataset, True)], f"Records of {beacon}")

    def visas():
        values = [visa["ga4gh_visa_v1"]["value"] for visa in test_14_passports.visas_in(test_14_passports.passport(federation))]
        return sorted(value.rpartition("/")[2] for value in set(values)) == ["GDI-FI-BEACON-1", "GDI-FI-BEACON-4"]
    wait_until(visas, 20, "both visas")
    given = test_14_passports.passport(federation)
    bearer = {person: {"Authorization": f"Bearer {tokens.access_token(federation, person, ['fi'])}"} for person in ("researcher", "researcher_other_org")}
    passports = {"researcher": reissued(federation, given, "researcher", "GDI-FI-BEACON-1"),
                 "researcher_other_org": reissued(federation, given, "researcher_other_org", "GDI-FI-BEACON-4")}
    callers = {"the first": ({**bearer["researcher"], "GA4GH-Passport": passports["researcher"]}, first),
               "the second": ({**bearer["researcher_other_org"], "GA4GH-Passport": passports["researcher_other_org"]}, second),
               "nobody": ({}, None),
               "the first, who shows nothing": (bearer["researcher"], None),
               "the second with what is the first's": ({**bearer["researcher_other_org"], "GA4GH-Passport": passports["researcher"]}, None)}
    return callers, first, second


def test_requests_of_different_people_do_not_mix(closed_beacon, two_visas, figures):
    """Whoever asks beside others, on the same connection even, sees what they see alone: never another's records or granularity."""
    federation, _ = closed_beacon
    callers, first, second = two_visas
    female, anybody = [{"id": "NCIT:C16576"}], {"pagination": {"limit": 5}}
    questions = [("/individuals", {"filters": female, **anybody}), ("/individuals", {"filters": female, "requestedGranularity": "count"}),
                 ("/individuals", {"requestedGranularity": "boolean"}), ("/biosamples", anybody), ("/runs", {**anybody, "includeResultsetResponses": "ALL"}),
                 ("/g_variants", anybody), (f"/individuals/{first.tables['individuals'][20]['id']}", {}),
                 (f"/individuals/{second.tables['individuals'][3]['id']}", {}),
                 ("/individuals", {"requestParameters": {"datasets": [first.datasets[0]]}, **anybody}),
                 ("/individuals", {"requestParameters": {"datasets": [second.datasets[0]]}, **anybody})]
    cases = [(name, path, query) for name in callers for path, query in questions]

    def line():
        address = urllib.parse.urlsplit(federation.site("fi")["rest"])
        return http.client.HTTPSConnection(address.hostname, address.port, timeout=60, context=ssl.create_default_context(cafile=federation.ca_file))

    connection = line()
    wait_until(lambda: set(first.datasets + second.datasets) <= set(ids_of("datasets", asked_on(connection, "/datasets", {}, {})[1]["response"]["collections"])),
               20, "both folders to be answered from")
    alone = {}
    for at, (name, path, query) in enumerate(cases):
        headers, opens = callers[name]
        status, answer = alone[at] = asked_on(connection, path, query, headers)
        if name == "the second with what is the first's":
            assert status == 403 and answer["error"]["errorCode"] == 403, answer
            continue
        assert status == 200, answer
        asked = query.get("requestedGranularity", "record")
        people = path != "/g_variants"
        within = query.get("requestParameters", {}).get("datasets")
        granted = opens is not None and (within is None or within[0] in opens.datasets)
        assert answer["meta"]["returnedGranularity"] == (asked if asked != "record" or granted or not people else "count"), (name, path)
        for one in answer.get("response", {}).get("resultSets", []):
            own = opens is not None and one["id"] in opens.datasets
            assert ("results" in one) == (own or not people), (name, path, one["id"])
            assert own or not any("caseLevelData" in record for record in one.get("results", [])), (name, path)
    for name, (_, opens) in callers.items():
        seen = [one["id"] for at, case in enumerate(cases) if case[0] == name for one in alone[at][1].get("response", {}).get("resultSets", [])
                if case[1] != "/g_variants" and one.get("results")]
        assert set(seen) == set(opens.datasets if opens else []), name

    def ask_all(seed):
        own, order = line(), list(range(len(cases))) * 3
        random.Random(seed).shuffle(order)
        wrong = [cases[at] for at in order if asked_on(own, *cases[at][1:], callers[cases[at][0]][0]) != alone[at]]
        own.close()
        return len(order), wrong

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        done = list(pool.map(ask_all, range(8)))
    assert [wrong for _, wrong in done] == [[]] * 8
    figures.append(f"people do not mix: {sum(asked for asked, _ in done)} answers to {len(callers)} kinds of callers at once, on 8 connections, each as alone")


def test_disclosure_control_stays_on_where_others_could_ask(workspace):
    done = genofed("--var", workspace / "var-none", "up", "--disclosure-control", "off")
    assert done.returncode == 2 and "--beacon-data" in done.stderr
