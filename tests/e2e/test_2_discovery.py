# SPDX-License-Identifier: Apache-2.0
"""Step 2: anyone browses the catalogue and asks Beacon for counts; small counts and stopped nodes."""

import signal
import time

import pytest

import road
from cohort import MINIMUM
from federation import wait_until


def expected_counts(cohorts, count):
    """{dataset: count} of those that may be disclosed."""
    truth = {cohort.dataset: count(cohort) for cohort in cohorts.values()}
    return {dataset: number for dataset, number in truth.items() if number >= MINIMUM}


def subject_level(matching, population):
    """Fewer than the minimum who do not match are as identifying as few who do: then all are reported to match."""
    return population if 0 < population - matching < MINIMUM else matching


def check(answer, expected):
    assert answer["counts"] == expected
    assert set(answer["members"].values()) == {"ANSWERED"}, answer["members"]


def test_anyone_sees_both_datasets_at_the_hub(fed, cohorts, listed):
    records = fed.get("hub", "/api/v1/datasets")["records"]
    found = {record["id"]: record for record in records}
    for cohort in cohorts.values():
        assert found[cohort.dataset]["country"] == cohort.country
        assert fed.get("hub", f"/api/v1/datasets/{cohort.dataset}")["record"]["id"] == cohort.dataset
    by_country = fed.get("hub", "/api/v1/datasets?country=ES")["records"]
    assert {record["id"] for record in by_country} == {cohorts["es"].dataset}
    assert fed.rest("hub", "GET", "/api/v1/datasets/GOE-FI-DATASET-404")[0] == 404


def test_counts_of_carriers_equal_bcftools_per_country(fed, cohorts, listed):
    fi, es = cohorts["fi"], cohorts["es"]
    shared = [v for v in fi.variants() if v in set(es.variants())]
    frequent = [v for v in shared if all(c.carriers(v, c.permitting("AF")) >= MINIMUM for c in (fi, es))]
    one_sided = [v for v in shared
                 if (fi.carriers(v, fi.permitting("AF")) >= MINIMUM) != (es.carriers(v, es.permitting("AF")) >= MINIMUM)]
    assert len(frequent) > 5 and len(one_sided) > 1
    for variant in frequent[:5] + one_sided[:3]:
        expected = expected_counts(cohorts, lambda c, v=variant: c.carriers(v, c.permitting("AF")))
        check(road.query(fed, "variant", variant, cohorts=cohorts), expected)


def test_counts_below_the_floor_are_not_disclosed(fed, cohorts, listed):
    fi, es = cohorts["fi"], cohorts["es"]
    shared = [v for v in fi.variants() if v in set(es.variants())]
    rare = [v for v in shared if 0 < fi.carriers(v, fi.permitting("AF")) < MINIMUM
            and es.carriers(v, es.permitting("AF")) < MINIMUM]
    absent = (rare[0][0], rare[0][1] + 1, rare[0][2], rare[0][3])
    for variant in rare[:3]:
        answer, nothing = road.query(fed, "variant", variant), road.query(fed, "variant", absent)
        assert answer["total"] == 0 and answer["counts"] == {}
        # One who carries it and nobody who carries it look the same.
        assert answer["beacon"]["responseSummary"] == nothing["beacon"]["responseSummary"]


@pytest.mark.parametrize("terms, sex", [(["HP:0001250"], None), ([], "female"), (["HP:0001250"], "male"), ([], None)],
                         ids=["term", "sex", "term and sex", "everybody"])
def test_counts_of_individuals_equal_the_phenopackets(fed, cohorts, listed, terms, sex):
    def count(cohort):
        people = cohort.permitting("SLQ")
        matching = cohort.with_filters(people, terms, sex.upper() if sex else None)
        return subject_level(len(matching), len(people))
    check(road.query(fed, "individuals", terms=terms, sex=sex, cohorts=cohorts), expected_counts(cohorts, count))


def test_a_variant_and_a_filter_count_people_who_have_both(fed, cohorts, listed):
    fi = cohorts["fi"]
    planted = fi.truth["planted"][0]
    variant = (planted["chrom"], planted["pos"], planted["ref"], planted["alt"])

    def count(cohort):
        people = cohort.permitting("SLQ")
        return subject_level(cohort.carriers(variant, cohort.with_filters(people, [planted["term"]["id"]])), len(people))
    answer = road.query(fed, "individuals", variant, terms=[planted["term"]["id"]], cohorts=cohorts)
    check(answer, expected_counts(cohorts, count))


def test_a_node_answers_for_itself_alone(fed, cohorts, listed):
    answer = road.query(fed, "individuals", sex="female", site="fi")
    assert cohorts["fi"].dataset in answer["counts"] and cohorts["es"].dataset not in answer["counts"]


def ask_while_spain_is_away(fed, cohorts, states):
    started = time.monotonic()
    answer = road.query(fed, "individuals", sex="female", cohorts=cohorts)
    seconds = time.monotonic() - started
    assert answer["members"]["fi"] == "ANSWERED"
    assert answer["members"]["es"] in states
    assert set(answer["counts"]) == {cohorts["fi"].dataset}
    assert seconds < 4, f"took {seconds:.1f} s; a node has 2 s"
    return answer


def test_a_hanging_node_is_named_and_the_rest_answers_in_time(fed, cohorts, listed):
    fed.signal("es", "discovery", signal.SIGSTOP)
    try:
        ask_while_spain_is_away(fed, cohorts, {"TIMED_OUT"})
    finally:
        fed.signal("es", "discovery", signal.SIGCONT)
    wait_until(lambda: len(road.query(fed, "individuals", sex="female", cohorts=cohorts)["counts"]) == 2, 20, "Spain to answer again")


def test_a_stopped_node_is_named_and_answers_again_after_its_restart(fed, cohorts, listed):
    killed = fed.kill9("es", "discovery")
    ask_while_spain_is_away(fed, cohorts, {"UNREACHABLE", "TIMED_OUT"})
    fed.wait_ready("es", "discovery", not_pid=killed)
    wait_until(lambda: len(road.query(fed, "individuals", sex="female", cohorts=cohorts)["counts"]) == 2, 20, "Spain to answer again")


def test_a_dataset_that_the_coordinator_did_not_list_is_not_answered_from(fed, cohorts, listed):
    road.onboard(fed, cohorts["fi"], dataset="GOE-FI-DATASET-3")
    assert "GOE-FI-DATASET-3" not in road.query(fed, "individuals", sex="female")["counts"]


def test_a_query_that_cannot_be_right_is_refused_in_beacons_form(fed, listed):
    status, _, body = fed.rest("hub", "POST", "/beacon/v2/g_variants", body={
        "meta": {"apiVersion": "2.0"},
        "query": {"requestParameters": {"referenceName": "20", "start": [-5], "alternateBases": "Q"}}})
    assert status == 400 and body["error"]["errorCode"] == 400, body
