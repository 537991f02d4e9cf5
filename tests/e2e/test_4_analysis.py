# SPDX-License-Identifier: Apache-2.0
"""Step 4: one run over two countries; its table equals the computation on the pooled data."""

from datetime import datetime, timezone
import socket

import pytest

import road
from cohort import ALLELE_COLUMNS, CASE_COLUMNS, Cohort, combined, read_table
from conftest import CASE_TERM, WORKFLOW, synth
from federation import wait_until


def chi_square(cases, case_carriers, controls, control_carriers):
    """Of the two-by-two table of carriers among cases and controls (Pearson)."""
    a, b, c, d = case_carriers, cases - case_carriers, control_carriers, controls - control_carriers
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    return (a + b + c + d) * (a * d - b * c) ** 2 / margins if margins else 0.0


@pytest.mark.parametrize("name, columns", [("allele_counts.tsv", ALLELE_COLUMNS), ("case_control.tsv", CASE_COLUMNS)])
def test_the_combined_table_equals_bcftools_on_the_pooled_data(fed, completed, name, columns):
    assert set(completed["run"]["outputs"]) == {"allele_counts.tsv", "case_control.tsv"}
    given = read_table(road.download(fed, completed["run"]["id"], name), columns)
    wanted = combined(completed["expected"], columns)
    assert given.keys() == wanted.keys()
    wrong = {key: (given[key], wanted[key]) for key in wanted if given[key] != wanted[key]}
    assert not wrong, f"{len(wrong)} of {len(wanted)} rows differ, for example {list(wrong.items())[:3]}"
    assert any(row["nodes"] == 2 for row in given.values())
    seen = {key for counts in completed["expected"].values() for key in counts}
    assert seen - given.keys(), "some rows should be rare enough to stay behind"
    assert not any(0 < row[c] < 5 for row in given.values() for c in columns)


def test_the_planted_variant_has_the_strongest_association(fed, cohorts, completed):
    planted = next(p for p in cohorts["fi"].truth["planted"] if p["term"]["id"] == CASE_TERM)
    table = read_table(road.download(fed, completed["run"]["id"], "case_control.tsv"), CASE_COLUMNS)
    people = {site: cohort.permitting("SEC") for site, cohort in cohorts.items()}
    cases = sum(CASE_TERM in c.people[p]["terms"] for s, c in cohorts.items() for p in people[s])
    controls = sum(map(len, people.values())) - cases
    complete = {key: row for key, row in table.items() if row["nodes"] == 2 and key[0] == planted["chrom"]}
    strength = {key: chi_square(cases, row["case_carriers"], controls, row["control_carriers"])
                for key, row in complete.items()}
    assert max(strength, key=strength.get) == (planted["chrom"], planted["pos"], planted["ref"], planted["alt"])


def test_each_country_counted_exactly_those_who_permit(cohorts, completed):
    for site, part in road.parts(completed["run"]).items():
        assert part["state"] == "STATE_COMPLETE"
        assert part["individuals"] == len(cohorts[site].permitting("SEC"))
        assert int(part["ledger_index"]) >= 0


def test_only_the_owner_sees_a_run_and_its_results(fed, completed):
    ident = completed["run"]["id"]
    for path in (f"/api/v1/runs/{ident}", f"/api/v1/runs/{ident}/outputs/case_control.tsv", f"/ga4gh/wes/v1/runs/{ident}"):
        assert fed.rest("hub", "GET", path)[0] == 401, path
        assert fed.rest("hub", "GET", path, persona="dac_fi")[0] == 401, path
        assert fed.rest("hub", "GET", path, persona="researcher_other_org")[0] in (403, 404), path
    status, _, body = fed.rest("hub", "GET", f"/ga4gh/wes/v1/runs/{ident}/status", persona="researcher")
    assert status == 200 and body == {"run_id": ident, "state": "COMPLETE"}, body


def test_nobody_else_runs_under_an_application(fed, approved, images):
    answer = road.submit(fed, approved["id"], images / WORKFLOW, check=False, as_="researcher_other_org", CASE_TERM=CASE_TERM)
    assert answer.code == 1, answer
    answer = road.submit(fed, approved["id"], images / WORKFLOW, check=False, as_="signing_official", CASE_TERM=CASE_TERM)
    assert answer.code == 1, answer


def test_a_run_reaches_only_the_country_that_approved(fed, cohorts, half_approved, images):
    expected = {"fi": cohorts["fi"].counts(CASE_TERM)}
    run = road.submit(fed, half_approved["id"], images / WORKFLOW, CASE_TERM=CASE_TERM)
    state = road.finish(fed, run, ["fi"])
    assert state["state"] == "STATE_COMPLETE", state
    assert set(road.parts(state)) == {"fi"}
    given = read_table(road.download(fed, run, "allele_counts.tsv"), ALLELE_COLUMNS)
    assert given == combined(expected, ALLELE_COLUMNS)
    assert not any(entry.get("run") == run for entry in road.ledger_entries(fed, "es"))


def refused(fed, application, workflow, timeout=60, **parameters):
    """Runs a workflow in Finland that must not succeed; returns its part."""
    run = road.submit(fed, application["id"], workflow, **parameters)

    def ended():
        state = road.run_state(fed, run)
        assert not road.reviews(fed, "fi", run), f"{workflow.name} reached the airlock's release"
        return state if state["state"] in road.ENDED else None
    state = wait_until(ended, timeout, f"{workflow.name} to end")
    assert state["state"] in ("STATE_EXECUTOR_ERROR", "STATE_SYSTEM_ERROR"), state
    assert not state.get("outputs"), f"{workflow.name} left something behind: {state['outputs']}"
    assert fed.rest("hub", "GET", f"/api/v1/runs/{run}/outputs/allele_counts.tsv", persona="researcher")[0] in (404, 409)
    return road.parts(state)["fi"]


@pytest.mark.parametrize("name, reason", [
    ("write-outside", "EXIT_NON_ZERO"), ("memory", "OUT_OF_MEMORY"), ("forks", "EXIT_NON_ZERO"),
    ("link-out", "OUTPUT_REFUSED"), ("leak-rows", "OUTPUT_REFUSED"), ("brief", "TIMED_OUT"),
])
def test_a_hostile_workflow_ends_with_a_reason_and_nothing_leaves(fed, half_approved, images, name, reason):
    part = refused(fed, half_approved, images / f"hostile-{name}.workflow.json")
    assert part["reason"] == reason, part
    assert "GOE" not in part.get("message", "")


def test_a_workflow_that_tries_the_network_reaches_nobody(fed, half_approved, images):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        target = f"127.0.0.1:{listener.getsockname()[1]}"
        part = refused(fed, half_approved, images / "hostile-network.workflow.json", TARGET=target)
        assert part["reason"] == "EXIT_NON_ZERO", part
        with pytest.raises(TimeoutError):
            listener.accept()


def test_a_workflow_that_the_node_does_not_list_is_refused(fed, half_approved, workspace):
    part = refused(fed, half_approved, workspace / "unknown.workflow.json", CASE_TERM=CASE_TERM)
    assert part["reason"] == "WORKFLOW_NOT_ALLOWED", part


def test_a_parameter_that_the_workflow_does_not_declare_is_refused_at_once(fed, approved, images):
    answer = road.submit(fed, approved["id"], images / WORKFLOW, check=False, CASE_TERM=CASE_TERM, LD_PRELOAD="/out/x.so")
    assert answer.code == 1 and answer.reason == "PARAMETER_UNKNOWN", answer


def test_what_the_holder_refuses_does_not_leave(fed, half_approved, images):
    run = road.submit(fed, half_approved["id"], images / WORKFLOW, CASE_TERM=CASE_TERM)
    review = wait_until(lambda: road.reviews(fed, "fi", run), 60, "results in the airlock")[0]
    for persona in ("ncp_fi", "operator_fi", "dac_fi"):
        status, _, _ = fed.rest("fi", "POST", f"/api/v1/airlock/{review['task']}/decision",
                                body={"digest": review["digest"], "release": True}, persona=persona)
        assert status == 403, persona
    status, _, problem = fed.rest("fi", "POST", f"/api/v1/airlock/{review['task']}/decision",
                                  body={"digest": "0" * 64, "release": True}, persona="holder_fi")
    assert status in (400, 409), problem
    assert all(check["passed"] for check in review["checks"]), review
    status, _, table = fed.rest("fi", "GET", f"/api/v1/airlock/{review['task']}/files/allele_counts.tsv", persona="holder_fi")
    assert status == 200 and table.startswith(b"chrom\tpos\tref\talt\tac\tan\n")
    assert road.release(fed, "fi", review, release=False)[0] == 200
    state = road.finish(fed, run, [])
    assert road.parts(state)["fi"]["reason"] == "RELEASE_REFUSED", state
    assert not state.get("outputs")


def test_a_revoked_approval_ends_even_a_finished_task_before_its_release(fed, cohorts, listed, images):
    active = road.grant(fed, [(cohorts["fi"], True)], "To be revoked")
    run = road.submit(fed, active["id"], images / WORKFLOW, CASE_TERM=CASE_TERM)
    wait_until(lambda: road.reviews(fed, "fi", run), 60, "results in the airlock")
    fed.genofed("review", "revoke", active["id"], "--reason", "Breach of the agreement", as_="dac_fi")
    state = road.finish(fed, run, [])
    assert state["state"] == "STATE_SYSTEM_ERROR", state
    assert road.parts(state)["fi"]["reason"] == "APPROVAL_REVOKED", state
    wait_until(lambda: road.application(fed, active["id"])["decisions"][0]["outcome"] == "OUTCOME_REVOKED", 20,
               "the revocation at the hub")
    answer = road.submit(fed, active["id"], images / WORKFLOW, check=False, CASE_TERM=CASE_TERM)
    assert answer.code == 1 and answer.reason == "DATASET_NOT_APPROVED", answer


def test_a_canceled_run_stops_everywhere(fed, half_approved, images):
    run = road.submit(fed, half_approved["id"], images / "hostile-endless.workflow.json")
    wait_until(lambda: road.parts(road.run_state(fed, run))["fi"]["state"] == "STATE_RUNNING", 30, "the task to run")
    fed.genofed("run", "cancel", run, as_="researcher")
    state = road.finish(fed, run, [], timeout=30)
    assert state["state"] == "STATE_CANCELED", state
    tasks = fed.get("fi", "/ga4gh/tes/v1/tasks", persona="operator_fi")["tasks"]
    assert all(task["state"] not in ("RUNNING", "QUEUED", "INITIALIZING") for task in tasks), tasks


def test_an_expired_permit_is_refused(site_fed, workspace, images):
    cohort = Cohort(synth(workspace / "cohorts" / "small", "FI", people=60, sites=250), "FI", "GOE-FI-DATASET-1")
    assert road.onboard(site_fed, cohort).json["state"] == "STATE_PUBLISHED"
    road.list_dataset(site_fed, cohort)
    active = road.grant(site_fed, [(cohort, True)], "Too slow")  # the permit runs for four seconds

    review = site_fed.get("fi", f"/api/v1/reviews/{active['id']}", persona="dac_fi")["review"]
    ends = datetime.fromisoformat(review["permit_until"])
    wait_until(lambda: datetime.now(timezone.utc) > ends, 30, "the permit to end")
    run = road.submit(site_fed, active["id"], images / WORKFLOW, CASE_TERM=CASE_TERM)
    state = road.finish(site_fed, run, ["fi"])
    assert road.parts(state)["fi"]["reason"] == "APPROVAL_PERMIT_EXPIRED", state
    assert state["state"] == "STATE_SYSTEM_ERROR"
    entries = [e for e in road.ledger_entries(site_fed, "fi") if e.get("run") == state["id"]]
    assert [(e["kind"], e["reason"]) for e in entries] == [("denied", "APPROVAL_PERMIT_EXPIRED")], "nothing was used, and that stands in the ledger"
