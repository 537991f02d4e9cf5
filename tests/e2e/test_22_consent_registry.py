# SPDX-License-Identifier: Apache-2.0
"""A national registry of consents (Medplum's FHIR server), and what people and the data protection officer are shown."""

import json
import pathlib
import secrets
import subprocess

import pytest

import entry_log
import fhir_server
import road
from cohort import Cohort
from conftest import QUICK, _running, synth
from federation import REPO, Federation, genofed, wait_until

SYSTEM = "urn:1plusmg:consent-permission"
TABLE = {"codes": [{"system": SYSTEM, "code": code, "permissions": [code]} for code in ("AF", "SLQ", "SEC")]}


@pytest.fixture(scope="module")
def registry():
    if not fhir_server.installed():
        pytest.skip("needs tests/infra/fhir-server/node_modules (npm ci)")
    with fhir_server.FhirServer(secrets.token_urlsafe(24)) as server:
        yield server


@pytest.fixture(scope="module")
def webhook_token(workspace):
    file = workspace / "registry-webhook"
    file.touch(mode=0o600)
    file.write_text(secrets.token_urlsafe(32))
    return file


@pytest.fixture(scope="module")
def land(workspace, registry, webhook_token):
    table, bearer = workspace / "registry-codes.json", workspace / "registry-token"
    table.write_text(json.dumps(TABLE))
    bearer.touch(mode=0o600)
    bearer.write_text(registry.token)
    config = [{"name": "national", "base_url": registry.url, "mapping_file": str(table), "interval": "3600s",
               "max_staleness": "7200s", "bearer_token_file": str(bearer), "webhook_token": {"file": str(webhook_token)}}]
    federation = Federation(workspace / "var-registry", nodes="FI", layout="site", images=workspace / "no-images", hsm="none", sets=[
        *QUICK, f"fi:consent.registries={json.dumps(config)}", "fi:consent.reconcile_interval=1s"])
    _running.append(federation)
    try:
        yield federation.up()
    finally:
        federation.down()
        _running.remove(federation)


@pytest.fixture(scope="module")
def people(land, workspace):
    cohort = Cohort(synth(workspace / "registered", "FI", people=60, sites=300), "FI", "GOE-FI-REGISTERED-1")
    road.onboard(land, cohort)
    road.list_dataset(land, cohort)
    return cohort


def consent(ident, person, kind, *codes):
    """An R4 Consent that permits or refuses these."""
    provision = [{"type": kind, "code": [{"coding": [{"system": SYSTEM, "code": code}]} for code in codes]}]
    return {"resourceType": "Consent", "id": ident, "status": "active",
            "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "research"}]},
            "category": [{"coding": [{"system": "http://loinc.org", "code": "57016-8"}]}],
            "policy": [{"uri": "urn:example"}],
            "patient": {"identifier": {"value": person}}, "provision": {"type": "deny", "provision": provision}}


def notify_with(fed, token, resource):
    """As a Subscription with a payload does it."""
    return fed.rest("fi", "PUT", f"/api/v1/registries/national/notify/Consent/{resource['id']}", body=resource,
                    headers={"X-Registry-Token": token})[0]


def proven(fed, person_token, folder):
    """The newest change of what somebody permits, and what its receipt proves that the ledger says of them."""
    newest = fed.get("fi", "/api/v1/me/permissions", token=person_token)["history"][0]
    receipt, key = folder / "receipt.json", folder / "fi.key"
    receipt.write_text(newest["receipt"])
    key.write_text(fed.genofed("ledger", "key", site="fi", json=False).out)
    facts = genofed("--json", "ledger", "verify", receipt, "--key", key)
    assert facts.returncode == 0, facts
    facts = json.loads(facts.stdout)
    assert facts["index"] == int(newest.get("ledger_index", 0))
    def in_javascript(text):
        receipt.write_text(text)
        return subprocess.run(["node", REPO / "tests/infra/verify_receipt.mjs", receipt, key], capture_output=True, text=True, check=False)

    again = in_javascript(newest["receipt"])
    assert again.returncode == 0 and json.loads(again.stdout)["said"] == facts["said"], again
    assert in_javascript(newest["receipt"].replace(facts["said"], facts["said"] + " not")).returncode == 3
    return newest, road.ledger_entries(fed, "fi")[facts["index"]], facts["said"].partition(" ")[2]


def notify(fed, token):
    return fed.rest("fi", "POST", "/api/v1/registries/national/notify", body={}, headers={"X-Registry-Token": token})[0]


def count(fed, people):
    """Of women, since there must be some filter."""
    return road.query(fed, "individuals", sex="female")["counts"].get(people.dataset, 0)


def someone(people, *codes):
    women = people.with_filters(people.included, sex="FEMALE")
    return next(p for p in sorted(women) if people.permissions[p] == set(codes))


def test_a_refusal_in_the_registry_counts_within_five_seconds_of_its_notification(land, people, registry, webhook_token, tmp_path):
    before = count(land, people)
    assert before == len(people.with_filters(people.permitting("SLQ"), sex="FEMALE"))
    person = someone(people, "AF", "SLQ", "SEC")
    registry.put(consent("objection", person, "deny", "SLQ"))
    assert notify(land, "x" * 40) == 403 and notify(land, "") == 401
    assert notify(land, webhook_token.read_text()) == 202
    wait_until(lambda: count(land, people) == before - 1, 5, "the refusal to count")
    token = land.token(people.citizen, person)
    held = land.get("fi", "/api/v1/me/permissions", token=token)
    assert any(s["by"] == "registry" and s["name"] == "national" for s in held["statements"]), held
    assert next(d for d in held["decisions"] if d["permission"] == "PERMISSION_SUBJECT_LEVEL_QUERY")["basis"] == "denied"
    newest, entry, said = proven(land, token, tmp_path)
    assert newest["registry"] == "national" and entry["kind"] == "consent-withdraw", (newest, entry)
    assert said == "none refuses SLQ" and person not in json.dumps(entry)
    over = {**consent("objection", person, "deny", "SLQ"), "status": "inactive"}
    registry.put(over)
    assert notify_with(land, "x" * 40, over) == 403 and notify_with(land, "", over) == 401
    assert notify_with(land, webhook_token.read_text(), over) == 202
    wait_until(lambda: count(land, people) == before, 5, "the refusal to be over")
    assert proven(land, token, tmp_path)[2] == "not in force any more"


def test_the_operator_sees_when_it_was_heard(land, people):
    row, = land.get("fi", "/api/v1/registries", persona="operator_fi")["registries"]
    assert row["name"] == "national" and row["last_success"] and not row.get("stale"), row
    assert land.rest("fi", "GET", "/api/v1/registries", persona="holder_fi")[0] == 403


def test_a_citizen_takes_everything_along_and_is_forgotten(land, people, tmp_path):
    person = someone(people, "AF", "SLQ")
    token = land.token(people.citizen, person)
    before = count(land, people)
    for form in ("fhir-r4", "fhir-r5", "duo", "receipt"):
        land.genofed("me", "export", "--format", form, "--out", tmp_path / form, site="fi", token=token, json=False)
        assert json.loads((tmp_path / form).read_text())
    land.genofed("me", "export", "--out", tmp_path / "all", site="fi", token=token, json=False)
    everything = json.loads((tmp_path / "all").read_text())
    assert everything["about"] == person and everything["datasets"] == [people.dataset], everything
    held = everything["held"][-1]
    assert held["dataset"] == people.dataset and {"genotypes", "phenotypes", "person-records"} <= set(held["files"]), held
    listed = land.get("fi", "/api/v1/me/accesses?page_size=100", token=token).get("accesses", [])
    assert [access["ledger_index"] for access in everything["accesses"]] == [int(access["ledger_index"]) for access in listed]
    assert land.genofed("me", "erase", site="fi", token=token, check=False).code == 2, "only with --yes"
    land.genofed("me", "erase", "--yes", site="fi", token=token)
    wait_until(lambda: count(land, people) == before - 1, 5, "the forgotten person not to be counted")
    assert not land.get("fi", "/api/v1/me/permissions", token=token).get("history")
    log = json.dumps(road.ledger_entries(land, "fi"))
    assert not any(one in log for one in people.people)
    # Nor does what lies beside the entries in their files.
    files = b"".join(file.read_bytes() for file in entry_log.folder(land, "fi").glob("*.entries"))
    assert files and not any(one.encode() in files for one in people.people)
    assert any(entry["kind"] == "erase" for entry in road.ledger_entries(land, "fi"))


def test_what_is_stored_of_the_forgotten_person_is_erased(land, people):
    """The test before left somebody who was forgotten: the version is written anew without them, under its number."""
    indices, = land.var.glob(f"fi/**/onboarding/index/{people.dataset}")
    wait_until(lambda: not (indices / "1").exists(), 150, "the old files to be gone, after a minute if a service was away")
    entries = road.ledger_entries(land, "fi")
    assert any(entry["kind"] == "dataset" and entry.get("outcome") == "erased" for entry in entries)
    # Genotypes were opened for that, and what each person carries, which says whether the right things went; then nobody can open
    # what they were.
    opened = {entry["object"] for entry in entries if entry.get("outcome") == "keys-released" and entry.get("reason") == "erasure"}
    destroyed = {entry.get("object") for entry in entries if entry.get("outcome") == "keys-destroyed"}
    assert len(opened) >= 2 and opened <= destroyed, (opened, destroyed)
    # Everybody else is counted as before, by the same version; every release of a key is accounted for.
    assert road.hub_record(land, people.dataset)["version"] == 1
    assert count(land, people) == len(people.with_filters(people.permitting("SLQ"), sex="FEMALE")) - 1
    assert land.genofed("audit", "reconcile", as_="dpo_fi").json["accounted"] is True


def test_a_breach_is_told_to_the_people_concerned(land, people, tmp_path):
    file = tmp_path / "breach.json"
    file.write_text(json.dumps({"title": "A disk was lost", "what_happened": "On its way", "consequences": "None known",
                                "measures": "Keys changed", "contact": "dpo@example.fi", "datasets": [people.dataset]}))
    told = land.genofed("consent", "notice", file, "--key", "disk-1", as_="dpo_fi").json
    assert int(told["people"]) > 0
    assert land.genofed("consent", "notice", file, "--key", "disk-1", as_="operator_fi").json["notice"]["id"] == told["notice"]["id"]
    person = someone(people, "AF", "SLQ", "SEC")
    notices = land.get("fi", "/api/v1/me/notices", token=land.token(people.citizen, person))["notices"]
    assert [notice["title"] for notice in notices] == ["A disk was lost"]
    assert not land.get("fi", "/api/v1/me/notices", token=land.token(people.citizen, "FI-P777777")).get("notices")
    assert land.rest("fi", "POST", "/api/v1/notices", body={}, persona="holder_fi")[0] == 403


def test_the_data_protection_officer_searches_and_exports(land, people, tmp_path):
    found = land.get("fi", f"/api/v1/audit/entries?kind=dataset&dataset={people.dataset}", persona="dpo_fi")["entries"]
    assert found and all(json.loads(row["entry"])["dataset"] == people.dataset for row in found)
    for persona in ("operator_fi", "holder_fi", "dac_fi"):
        assert land.rest("fi", "GET", "/api/v1/audit/entries", persona=persona)[0] == 403, persona
    land.genofed("audit", "export", "--out", tmp_path / "audit.ndjson", as_="dpo_fi", json=False)
    *lines, last = (json.loads(line) for line in (tmp_path / "audit.ndjson").read_text().splitlines())
    entries = [json.loads(line["entry"]) for line in lines]
    assert entries == road.ledger_entries(land, "fi")[:len(entries)] and len(entries) >= 2
    assert "fi" in last["checkpoint"] and last["verifier_key"]
    assert land.genofed("audit", "reconcile", as_="dpo_fi").json["accounted"] is True
    assert pathlib.Path(tmp_path / "audit.ndjson").stat().st_mode & 0o077 == 0


def test_who_was_forgotten_is_not_taken_in_again(land, people):
    """An earlier test left somebody who was forgotten, and the holder hands everybody in once more."""
    submission = road.onboard(land, people, dataset="GOE-FI-REGISTERED-2").json
    assert submission["counts"]["subjects_forgotten"] == 1, submission["counts"]
    assert any(finding["code"] == "FORGOTTEN" for finding in submission["findings"]), submission["findings"]


BREACH = {"title": "A copy was sent to a wrong address", "what_happened": "A courier gave a disk to somebody else.",
          "consequences": "Nobody knows of any; the disk was encrypted.", "measures": "Its keys were changed, and the courier too.",
          "contact": "dpo@example.fi, +358 1", "happened": "2026-03-01T08:00:00Z"}


def told(fed, people, person):
    """The notices that somebody is shown, newest first."""
    return fed.get("fi", "/api/v1/me/notices", token=fed.token(people.citizen, person)).get("notices", [])


def publish(fed, key, persona="dpo_fi", **notice):
    return fed.rest("fi", "POST", "/api/v1/notices", body={"notice": {**BREACH, **notice}, "idempotency_key": key}, persona=persona)


def test_a_breach_is_told_once_to_everybody_concerned_and_to_nobody_else(land, people, registry, webhook_token, tmp_path):
    """People of several datasets, of one of them, of none, and of whom only a registry has ever spoken."""
    both = someone(people, "AF", "SLQ", "SEC")
    leaver = next(p for p in sorted(people.included) if people.permissions[p] == {"AF", "SLQ", "SEC"} and p != both)
    silent = next(p for p in sorted(people.people) if p not in people.included)
    only_registered, stranger = "FI-P888888", "FI-P777777"
    assert land.rest("fi", "PUT", "/api/v1/me/permissions", body={"permissions": []}, token=land.token(people.citizen, leaver))[0] == 200
    second = road.onboard(land, people, dataset="GOE-FI-REGISTERED-3").json["counts"]["subjects_included"]
    spoken_of = consent("only-registered", only_registered, "permit", "AF")
    registry.put(spoken_of)
    assert notify_with(land, webhook_token.read_text(), spoken_of) == 202
    wait_until(lambda: land.get("fi", "/api/v1/me/permissions", token=land.token(people.citizen, only_registered)).get("statements"), 10,
               "the registry's word to be known")

    before = {person: told(land, people, person) for person in (both, leaver, silent, only_registered, stranger)}
    first = len(people.included) - 1  # an earlier test left somebody who was forgotten
    assert second == first - 1, "who withdrew everything is not in the second"
    concerned = {"of-both": ([people.dataset, "GOE-FI-REGISTERED-3"], first), "of-the-second": (["GOE-FI-REGISTERED-3"], second),
                 "of-none": (["GOE-FI-REGISTERED-404"], 0), "of-everybody": ([], len(people.people) - 1 + 1)}
    ids = {}
    for key, (datasets, number) in concerned.items():
        for again in (False, True):
            status, _, answer = publish(land, key, "operator_fi" if again else "dpo_fi", datasets=datasets)
            assert status == 200 and int(answer.get("people", 0)) == number, (key, answer)
            assert ids.setdefault(key, answer["notice"]["id"]) == answer["notice"]["id"], "the same key publishes once"

    def new(person):
        shown = told(land, people, person)
        assert shown[len(shown) - len(before[person]):] == before[person], "newest first"
        return [notice["id"] for notice in shown[:len(shown) - len(before[person])]]
    everybody, of_both, of_second = ids["of-everybody"], ids["of-both"], ids["of-the-second"]
    assert new(both) == [everybody, of_second, of_both]
    assert new(leaver) == [everybody, of_both], "whose data are still kept, though nobody may use them"
    assert new(silent) == new(only_registered) == [everybody]
    assert new(stranger) == before[stranger] == []

    # What the law wants to be said, and nothing of whom else it is said to.
    shown = next(notice for notice in told(land, people, both) if notice["id"] == of_both)
    assert {field: shown[field] for field in BREACH} == BREACH and shown["datasets"] == concerned["of-both"][0]
    assert set(shown) == {*BREACH, "id", "datasets", "published"}, shown
    assert not any(person in json.dumps(shown) for person in people.people)
    land.genofed("me", "export", "--out", tmp_path / "all", site="fi", token=land.token(people.citizen, leaver), json=False)
    assert [notice["id"] for notice in json.loads((tmp_path / "all").read_text())["notices"]][:2] == [everybody, of_both]


def test_who_may_not_send_a_notice_and_which_is_none(land, people):
    before = told(land, people, someone(people, "AF", "SLQ", "SEC"))
    for persona in ("holder_fi", "dac_fi", "ncp_fi", "citizen_fi"):
        assert publish(land, "not-mine", persona)[0] == 403, persona
    for persona in (None, "researcher", "central_dac"):  # nobody, and people of the hub
        assert publish(land, "not-mine", persona)[0] in (401, 403), persona
    for change in ({"what_happened": "Something else."}, {"contact": "another@example.fi"}, {"datasets": [people.dataset]}):
        status, _, problem = publish(land, "of-everybody", **change)
        assert status == 409 and problem["reason"] == "NOTICE_KEY_REUSED", problem
    for field in ("title", "what_happened", "consequences", "measures", "contact"):
        status, _, problem = publish(land, "incomplete", **{field: ""})
        assert status == 400 and problem["reason"] == "NOTICE_INVALID", (field, problem)
    assert publish(land, "")[0] == 400
    assert told(land, people, someone(people, "AF", "SLQ", "SEC")) == before
