# SPDX-License-Identifier: Apache-2.0
"""kill -9 of every service in turn, during onboarding and during a run."""

import collections

import pytest

import road
from conftest import CASE_TERM, WORKFLOW
from federation import wait_until

NODE = ["onboarding", "consent", "discovery", "access", "dispatcher", "spe", "gateway", "catalogue"]


def assert_ledger_is_sound(fed, run, sites):
    """Of each dataset of a run: one entry of its use and one of its results' release.

    Keys are released once for each key that a task was given: a task that began anew has another key.
    """
    for site in sites:
        entries = [entry for entry in road.ledger_entries(fed, site) if entry.get("run") == run]
        kinds = collections.Counter(entry["kind"] for entry in entries)
        assert kinds["run"] == kinds["release"] == 1 <= kinds["key-event"] <= 3, f"{run} at {site}: {entries}"
        releases = [entry["releases"] for entry in entries if entry["kind"] == "key-event"]
        assert len(set(releases)) == len(releases), f"the count of released keys must grow: {releases}"


def in_turn(fed, victims):
    """Kills one service after the other, each when the one before is ready again."""
    for site, service in victims:
        killed = fed.kill9(site, service)
        fed.wait_ready(site, service, not_pid=killed, timeout=60)


@pytest.mark.parametrize("service", ["onboarding", "consent", "discovery", "catalogue"])
def test_onboarding_survives_the_death_of_a_service(fed, cohorts, listed, service):
    cohort = cohorts["fi"]
    dataset = f"GOE-FI-CRASH-{NODE.index(service) + 1}"
    answer = fed.genofed("onboard", cohort.folder, "--id", dataset, "--no-wait", as_=cohort.holder, json=False)
    ident = answer.out.strip()
    state = lambda: fed.get("fi", f"/api/v1/submissions/{ident}", persona="holder_fi")["submission"]  # noqa: E731
    killed = fed.kill9("fi", service)
    done = wait_until(lambda: next((s for s in [state()] if s["state"] not in ("STATE_QUEUED", "STATE_RUNNING")), None), 60,
                      f"the submission to end after {service} died")
    fed.wait_ready("fi", service, not_pid=killed)
    assert done["state"] == "STATE_PUBLISHED", done
    # Who withdrew by their own will stays out, whatever a new bundle of consents says.
    permitting = [person for person in cohort.included if cohort.permissions[person]]
    assert done["counts"]["subjects_included"] == len(permitting)
    # Once, and only once.
    records = fed.get("fi", "/api/v1/datasets?all=true&page_size=500", persona="ncp_fi")["records"]
    assert len([record for record in records if record["id"] == dataset]) == 1


def test_an_upload_goes_on_where_it_was_when_the_gateway_dies(fed, cohorts, listed):
    body = {"dataset": {"id": "GOE-FI-CRASH-9", "title": "t", "description": "d", "publisher": "p",
                        "contact_email": "a@b.example", "data_use": ["DUO:0000042"], "assembly": "GRCh38"},
            "idempotency_key": "upload"}
    ident = fed.post("fi", "/api/v1/submissions", body, persona="holder_fi")["submission"]["id"]
    path = f"/api/v1/submissions/{ident}/files/variants?offset="
    octets = {"Content-Type": "application/octet-stream"}
    content = cohorts["fi"].vcf.read_bytes()
    half = len(content) // 2
    assert fed.rest("fi", "PUT", path + "0", body=content[:half], persona="holder_fi", headers=octets)[0] == 200
    gateway, onboarding = fed.kill9("fi", "gateway"), fed.kill9("fi", "onboarding")
    fed.wait_ready("fi", "gateway", not_pid=gateway)
    fed.wait_ready("fi", "onboarding", not_pid=onboarding)
    status, _, answer = fed.rest("fi", "PUT", path + str(half), body=content[half:], persona="holder_fi", headers=octets)
    assert status == 200 and int(answer["size"]) == len(content), "what was acknowledged is there"


VICTIMS = [[("fi", "dispatcher")], [("fi", "spe")], [("fi", "consent")], [("fi", "access")], [("fi", "gateway")],
           [("hub", "dispatcher")], [("hub", "access")], [("fi", "onboarding"), ("fi", "catalogue"), ("fi", "discovery")]]


@pytest.mark.parametrize("victims", VICTIMS, ids=lambda v: "+".join("-".join(one) for one in v))
def test_a_run_survives_the_death_of_a_service(fed, cohorts, approved, images, victims):
    run = road.submit(fed, approved["id"], images / WORKFLOW, datasets=[cohorts["fi"].dataset], CASE_TERM=CASE_TERM)
    wait_until(lambda: road.parts(road.run_state(fed, run))["fi"]["state"] != "STATE_QUEUED", 20, "the node to take its part")
    killed = {victim: fed.kill9(*victim) for victim in victims}
    state = road.finish(fed, run, ["fi"], timeout=90)
    for (site, service), pid in killed.items():
        fed.wait_ready(site, service, not_pid=pid)
    assert state["state"] == "STATE_COMPLETE", f"{state}\n{fed.log_tails()}"
    assert set(state["outputs"]) == {"allele_counts.tsv", "case_control.tsv"}
    assert_ledger_is_sound(fed, run, ["fi"])


def test_one_run_survives_the_death_of_every_service_in_turn(fed, cohorts, approved, images, figures):
    victims = [("fi", service) for service in NODE] + [("hub", "dispatcher"), ("hub", "access"), ("hub", "gateway")]
    run = road.submit(fed, approved["id"], images / WORKFLOW, CASE_TERM=CASE_TERM)
    in_turn(fed, victims)  # from its first step until it waits for its release, which comes only then
    state = road.finish(fed, run, ["fi", "es"], timeout=120)
    fed.wait_ready()
    assert state["state"] == "STATE_COMPLETE", f"{state}\n{fed.log_tails()}"
    assert_ledger_is_sound(fed, run, ["fi", "es"])
    figures.append(f"killed during one run, which completed: {', '.join('/'.join(victim) for victim in victims)}")


def test_a_decision_made_while_the_hub_is_away_arrives_later(fed, cohorts, listed):
    cohort = cohorts["fi"]
    ident = road.transmit(fed, [cohort.dataset], "Decided without the hub")["id"]
    road.wait_for_review(fed, cohort, ident)
    killed = fed.kill9("hub", "access")
    fed.genofed("review", "approve", ident, "--reason", "In the public interest", as_=cohort.dac)
    fed.wait_ready("hub", "access", not_pid=killed)
    wait_until(lambda: road.application(fed, ident)["state"] == "STATE_DECIDED", 30, "the decision at the hub")
