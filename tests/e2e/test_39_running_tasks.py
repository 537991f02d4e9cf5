# SPDX-License-Identifier: Apache-2.0
"""People withdraw while an analysis runs with their data: one country ends it and begins again, the other finishes it."""

import json

import pytest

import road
from cohort import Cohort
from conftest import CASE_TERM, QUICK, SLOW_WORKFLOW, _running, synth
from federation import Federation, wait_until

RULES = [{"permissions": ["AF", "SLQ"], "model": "opt-out", "legal_basis": "EHDS Art. 71(1)"},
         {"permissions": ["SEC"], "purposes": ["DUO:0000006"], "model": "opt-out", "legal_basis": "EHDS Art. 71(1)"}]


@pytest.fixture(scope="module")
def lands(workspace, images):
    policies = {}
    for country, running in (("FI", "cancel"), ("ES", "finish")):
        policies[country.lower()] = workspace / f"{country}-running.json"
        policies[country.lower()].write_text(json.dumps({"policy": f"{country}-2026-1", "country": country, "rules": RULES, "running_tasks": running}))
    federation = Federation(workspace / "var-running", layout="site", images=images, hsm="none", sets=[
        *QUICK, *(f"{site}:consent.policy_file={file}" for site, file in policies.items())])
    _running.append(federation)
    try:
        yield federation.up()
    finally:
        federation.down()
        _running.remove(federation)


@pytest.fixture(scope="module")
def cohorts(lands, workspace):
    """Both listed, and nobody has said anything: everybody is in."""
    made = {}
    for country in ("FI", "ES"):
        folder = synth(workspace / "running" / country, country, people=60, sites=300)
        (folder / "consents.fhir-r4.json").write_text('{"resourceType": "Bundle", "type": "collection", "entry": []}')
        cohort = Cohort(folder, country, f"GOE-{country}-RUNNING-1")
        road.onboard(lands, cohort)
        road.list_dataset(lands, cohort)
        made[country.lower()] = cohort
    return made


@pytest.fixture(scope="module")
def withdrawn(lands, cohorts, images):
    """One person of each country withdrew while the run was under way: (the run as it ended, {site: their token})."""
    application = road.grant(lands, [(cohort, True) for cohort in cohorts.values()])["id"]
    run = road.submit(lands, application, images / SLOW_WORKFLOW, CASE_TERM=CASE_TERM)
    tokens = {site: lands.token(cohort.citizen, sorted(cohort.people)[0]) for site, cohort in cohorts.items()}
    waiting = set(cohorts)

    def withdraw_where_it_runs():
        parts = road.parts(road.run_state(lands, run))
        for site in [site for site in waiting if parts.get(site, {}).get("state") == "STATE_RUNNING"]:
            assert not road.reviews(lands, site, run), f"the task at {site} was over before anybody could withdraw"
            assert lands.rest(site, "PUT", "/api/v1/me/permissions", body={"permissions": []}, token=tokens[site])[0] == 200
            waiting.remove(site)
        return not waiting
    wait_until(withdraw_where_it_runs, 90, "both tasks to run")
    return road.finish(lands, run, list(cohorts), timeout=180), tokens


def of_run(lands, site, run):
    return [entry for entry in road.ledger_entries(lands, site) if entry.get("run", "").startswith(run)]


def denials(entries):
    return [(entry["outcome"], entry.get("rule")) for entry in entries if entry["kind"] == "denied"]


def uses(lands, site, token, run):
    """Whether each entry of the run used this person, oldest first."""
    seen = lands.get(site, "/api/v1/me/accesses?page_size=100", token=token)["accesses"]
    return [access.get("used", False) for access in reversed(seen) if access["run"].startswith(run) and access["kind"] == "run"]


def test_a_country_that_cancels_ends_the_task_and_begins_again_without_them(lands, cohorts, withdrawn):
    run, tokens = withdrawn
    assert run["state"] == "STATE_COMPLETE", run
    assert road.parts(run)["fi"]["individuals"] == len(cohorts["fi"].people) - 1, run
    entries = of_run(lands, "fi", run["id"])
    assert denials(entries) == [("ended, to begin again without them", "FI-2026-1")], entries
    assert uses(lands, "fi", tokens["fi"], run["id"]) == [True, False], "the first try had begun with them"
    assert [entry["kind"] for entry in entries].count("release") == 1, "results of the second try alone"


def test_a_country_that_finishes_lets_the_task_end_with_them_and_says_so(lands, cohorts, withdrawn):
    run, tokens = withdrawn
    assert road.parts(run)["es"]["individuals"] == len(cohorts["es"].people), run
    entries = of_run(lands, "es", run["id"])
    assert denials(entries) == [("will be finished", "ES-2026-1")], entries
    assert uses(lands, "es", tokens["es"], run["id"]) == [True]
    kinds = [entry["kind"] for entry in entries]
    assert kinds.count("run") == kinds.count("release") == 1, entries


def test_the_next_run_is_without_them_in_both(lands, cohorts, withdrawn, images):
    application = road.grant(lands, [(cohort, True) for cohort in cohorts.values()], "After the withdrawals")["id"]
    run = road.submit(lands, application, images / SLOW_WORKFLOW, CASE_TERM=CASE_TERM)
    parts = road.parts(road.finish(lands, run, list(cohorts), timeout=180))
    assert {site: part["individuals"] for site, part in parts.items()} == {site: len(c.people) - 1 for site, c in cohorts.items()}, parts
