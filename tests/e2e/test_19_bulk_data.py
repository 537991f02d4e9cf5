# SPDX-License-Identifier: Apache-2.0
"""A hospital whose data come by Bulk Data export and, to compare, by search; and what its authorisation service refuses.

Server, authorisation service and storage are others' (../infra/fhir-server/bulk-server.mjs). What must come out is known from
the cohort's files and from what the tests put into the hospital.
"""

import json
import os
import shutil
import socket

import pytest

import bulk_data_server
import road
from conftest import QUICK, _running, synth
from federation import Federation, wait_until
from intake import consent, observation, patient, patient_id, resources, without_ages

GROUP = "genome-cohort"
NEW_TERM = "HP:0030833"  # nobody has it before
KEY_ID = "2026-1"
TYPES = "system/Patient.rs system/Condition.rs system/Observation.rs system/Consent.rs"
# How each connector asks, as whom, and for what it is registered.
WAYS = {
    "exported": {"algorithm": "ES384", "scope": f"{TYPES} system/Group.rs", "config": {"bulk_export": True, "group": GROUP}},
    "searched": {"algorithm": "RS384", "scope": TYPES, "config": {}},
}
# A third way, that this server does not know.
FILTERED = {"bulk_export": True, "group": GROUP, "filters": {"Observation": "category=exam"}}
SEXES = {"FEMALE": "NCIT:C16576", "MALE": "NCIT:C20197", "UNKNOWN_SEX": "NCIT:C17998"}
FINAL = ("STATE_PUBLISHED", "STATE_REJECTED", "STATE_FAILED")


def dataset_of(way):
    return f"GOE-FI-{way.upper()}-1"


def config_of(way, hospital, port, key, **more):
    return {"name": way, "base_url": hospital.url, "dataset": dataset_of("exported" if way == "filtered" else way),
            "interval": "1s", "overlap": "1s", "file_origins": [hospital.files],
            "holder": {"issuer": f"https://127.0.0.1:{port}", "subject": "holder_fi"},
            "smart": {"client_id": f"genofed-{way}", "key_id": KEY_ID, "key_file": str(key)}, **more}


def exports(hospital):
    """Those that the connector asked for which takes them in."""
    return [export for export in hospital.seen()["exports"] if export.pop("client") == "genofed-exported"]


@pytest.fixture(scope="module")
def keys(workspace):
    return {way: workspace / f"{way}.pem" for way in WAYS}


@pytest.fixture(scope="module")
def hospital(workspace, keys):
    if not bulk_data_server.installed():
        assert os.environ.get("CI") != "true", "run ./dev test e2e, which installs the FHIR servers"
        pytest.skip("needs tests/infra/fhir-server/node_modules (npm ci)")
    clients = [{"client_id": f"genofed-{way}", "kid": KEY_ID, "scope": asks["scope"],
                "public_key": bulk_data_server.make_key(keys[way], asks["algorithm"])} for way, asks in WAYS.items()]
    clients.append({**clients[0], "client_id": "genofed-filtered"})
    with bulk_data_server.BulkDataServer(clients, workspace / "bulk-server.log") as server:
        yield server


@pytest.fixture(scope="module")
def land(workspace, hospital, keys):
    var = workspace / "var-bulk"
    var.mkdir()
    # Who somebody is depends on the port of the login service: choose it before the configuration names the holder.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (var / "ports.json").write_text(json.dumps({"idp": port}))
    servers = [config_of(way, hospital, port, keys[way], **asks["config"]) for way, asks in WAYS.items()]
    servers.append(config_of("filtered", hospital, port, keys["exported"], **FILTERED))
    federation = Federation(var, nodes="FI", layout="site", images=workspace / "no-images", hsm="none", sets=[
        *QUICK, f"fi:onboarding.fhir_servers={json.dumps(servers)}"])
    _running.append(federation)
    try:
        yield federation.up()
    finally:
        federation.down()
        _running.remove(federation)


class People:
    """Who is enrolled, and what the hospital says about them."""

    def __init__(self, folder, hospital):
        self.cohorts = {way: without_ages(folder, dataset_of(way)) for way in WAYS}
        cohort = self.cohorts["exported"]
        self.enrolled = sorted(cohort.included)
        self.facts = {person: {"sex": cohort.people[person]["sex"], "terms": set(cohort.people[person]["terms"])}
                      for person in self.enrolled}
        self._hospital = hospital
        for person in self.enrolled:
            for resource in resources(cohort, person):
                hospital.put(resource)

    def add_term(self, person, term):
        self.facts[person]["terms"].add(term)
        self._hospital.put(observation(person, term, f"new-{term[3:]}"))

    def set_sex(self, person, sex):
        self.facts[person]["sex"] = sex
        self._hospital.put(patient(person, sex))

    def rows(self):
        """What discovery must count, as its index has it, in any order."""
        return sorted(json.dumps({"sex": SEXES[facts["sex"]], "terms": sorted(facts["terms"])}, separators=(",", ":"))
                      for facts in self.facts.values())

    def observations(self):
        return sum(len(facts["terms"]) for facts in self.facts.values())


@pytest.fixture(scope="module")
def people(land, hospital, workspace):
    """The cohort, listed twice without ages; the hospital knows more about two people, and a patient who is not enrolled."""
    known = People(synth(workspace / "bulk", "FI", people=40, sites=200), hospital)
    for resource in (patient("A-STRANGER"), consent("A-STRANGER", ["AF", "SLQ", "SEC"]), observation("A-STRANGER", NEW_TERM, 1)):
        hospital.put(resource)
    for person in known.enrolled[3:5]:
        known.add_term(person, NEW_TERM)
    members = [{"entity": {"reference": f"Patient/{patient_id(person)}"}} for person in known.enrolled]
    hospital.put({"resourceType": "Group", "id": GROUP, "type": "person", "actual": True, "member": members})
    for cohort in known.cohorts.values():
        road.onboard(land, cohort)
        road.list_dataset(land, cohort)
    return known


def connector(fed, way):
    answer = fed.get("fi", "/api/v1/connectors", persona="operator_fi")["connectors"]
    return next(state for state in answer if state["name"] == way)


def follow_ups(fed, way):
    """Oldest first."""
    submissions = fed.get("fi", "/api/v1/submissions", persona="holder_fi")["submissions"]
    return [s for s in reversed(submissions) if s["dataset"]["id"] == dataset_of(way) and s.get("mode") == "MODE_FOLLOW_UP"]


def ended(fed, way, count):
    """The last follow-up, once there are so many and it has ended."""
    def found():
        all_of_them = follow_ups(fed, way)
        return all_of_them[-1] if len(all_of_them) == count and all_of_them[-1]["state"] in FINAL else None
    return wait_until(found, 60, f"{count} follow-ups of what was {way}")


def pulls(fed, way, count):
    """Waits for so many more pulls that succeed."""
    for _ in range(count):
        before = connector(fed, way).get("last_success")
        wait_until(lambda: connector(fed, way).get("last_success") != before, 30, f"a pull of what is {way}")
    assert not connector(fed, way).get("last_error")


def failure(fed, way, reason):
    """The message of the connector, once it fails for this reason."""
    return wait_until(lambda: next(iter([e for e in [connector(fed, way).get("last_error", "")] if f"/{reason}: " in e]), None), 60,
                      f"{reason} of what is {way}")


def individuals(fed, way, version):
    """What discovery counts, without the people's order, which follows their pseudonyms."""
    table = fed.var / "fi" / "data" / "onboarding" / "index" / dataset_of(way) / str(version) / "individuals.jsonl"
    return sorted(table.read_text().splitlines()[1:])


def settle(fed, people):
    """Once both ways have brought what the hospital says, and the versions are listed."""
    def told(way):
        version = [s["version"] for s in follow_ups(fed, way) if s["state"] == "STATE_PUBLISHED"][-1]
        return individuals(fed, way, version) == people.rows()

    for way, cohort in people.cohorts.items():
        wait_until(lambda way=way: told(way), 60, f"all that was {way}")
        road.list_dataset(fed, cohort)
        wait_until(lambda way=way: not connector(fed, way).get("submission"), 30, "the version to be in force")


def test_everybody_enrolled_comes_by_export_as_by_search(land, hospital, people):
    for way in WAYS:
        submission = ended(land, way, 1)
        assert submission["state"] == "STATE_PUBLISHED", submission
        assert submission["difference"]["people_changed"] == 2
        assert submission["difference"]["people_kept"] == len(people.enrolled)
        assert submission["difference"].get("people_added", 0) == 0
        assert individuals(land, way, submission["version"]) == people.rows(), way
    settle(land, people)
    first = exports(hospital)[0]
    assert first == {"exportType": "group", "groupId": GROUP, "resources": {
        "Patient": len(people.enrolled), "Condition": 0, "Observation": people.observations(), "Consent": len(people.enrolled)}}


def test_an_export_that_was_not_filtered_is_not_read(land, hospital, people):
    assert "does not repeat _typeFilter" in failure(land, "filtered", "FILTER_IGNORED")
    state = connector(land, "filtered")
    assert not state.get("last_success") and not int(state.get("resources_pulled", 0)), state


def test_a_change_comes_by_itself(land, hospital, people):
    for way in WAYS:
        pulls(land, way, 3)  # those who were written just now are looked at again, for the overlap
    before = len(exports(hospital))
    people.add_term(people.enrolled[5], NEW_TERM)
    for way in WAYS:
        submission = ended(land, way, 2)
        assert submission["state"] == "STATE_PUBLISHED", submission
        assert submission["difference"]["people_changed"] == 1
        assert individuals(land, way, submission["version"]) == people.rows(), way
    settle(land, people)
    later = exports(hospital)[before:]
    assert all(export["since"] for export in later), "nothing is read in full again"
    given = [{kind: n for kind, n in export["resources"].items() if n} for export in later]
    assert {"Observation": 1} in given and all(more in ({}, {"Observation": 1}) for more in given), given


def test_a_corrected_sex_comes_and_a_stranger_does_not(land, hospital, people):
    person = people.enrolled[6]
    people.set_sex(person, "FEMALE" if people.facts[person]["sex"] == "MALE" else "MALE")
    hospital.put(observation("A-STRANGER", "HP:0001250", 2))
    submission = ended(land, "exported", 3)
    assert submission["difference"]["people_changed"] == 1 and submission["difference"].get("people_added", 0) == 0
    settle(land, people)
    pulls(land, "exported", 2)
    assert len(follow_ups(land, "exported")) == 3


def test_tokens_are_renewed_when_they_end_or_are_withdrawn(land, hospital, people):
    before = hospital.seen()["tokens"]
    hospital.settings(new_keys=True)
    for way in WAYS:
        pulls(land, way, 2)
    withdrawn = hospital.seen()["tokens"]
    assert all(withdrawn[f"genofed-{way}"] > before[f"genofed-{way}"] for way in WAYS)
    # A token that does not live as long as the export.
    hospital.settings(new_keys=True, lifetime=2, export_seconds=3)
    pulls(land, "exported", 2)
    assert hospital.seen()["tokens"]["genofed-exported"] >= withdrawn["genofed-exported"] + 3
    hospital.settings(new_keys=True, lifetime=300, export_seconds=0.2)


def test_a_token_that_has_expired_when_it_comes_is_refused_and_an_operator_sees_it(land, hospital, people):
    watermark = connector(land, "exported")["watermark"]
    hospital.settings(ahead=7200)  # the server's clock
    for way in WAYS:
        assert "the server answered 401 (error/security)" in failure(land, way, "FHIR_UNAUTHORISED")
    shown = land.genofed("connector", as_="operator_fi", site="fi", json=False, check=False)
    assert shown.code == 3 and "FHIR_UNAUTHORISED" in shown.out + shown.err
    hospital.settings(ahead=0)
    for way in WAYS:
        pulls(land, way, 1)
    assert connector(land, "exported")["watermark"] > watermark


@pytest.mark.parametrize("way", WAYS)
def test_a_wrong_key_is_refused_and_nothing_is_lost(land, hospital, people, keys, way, tmp_path):
    shutil.copy(keys[way], tmp_path / "right.pem")
    refused = hospital.seen()["refused"]
    bulk_data_server.make_key(keys[way], WAYS[way]["algorithm"])
    hospital.settings(new_keys=True)
    message = failure(land, way, "SMART_TOKEN")
    assert "401 (invalid_client)" in message and f'client "genofed-{way}"' in message and f'kid "{KEY_ID}"' in message
    assert hospital.seen()["refused"] > refused
    before = len(follow_ups(land, way))
    person = people.enrolled[8 + list(WAYS).index(way)]
    people.add_term(person, NEW_TERM)
    shutil.copy(tmp_path / "right.pem", keys[way])
    submission = ended(land, way, before + 1)
    assert submission["state"] == "STATE_PUBLISHED", submission
    assert individuals(land, way, submission["version"]) == people.rows()
    settle(land, people)


@pytest.mark.parametrize("way", WAYS)
def test_a_token_for_less_is_not_used(land, hospital, people, way):
    """The server would leave out the consents without a word, which looks as if everybody had withdrawn theirs."""
    before, exported = len(follow_ups(land, way)), len(exports(hospital))
    hospital.settings(new_keys=True, granted=WAYS[way]["scope"].replace(" system/Consent.rs", ""))
    message = failure(land, way, "SMART_SCOPE")
    assert "not for system/Consent.rs" in message and f'client "genofed-{way}"' in message
    if way == "exported":
        assert len(exports(hospital)) <= exported + 1, "one may have begun before"
    hospital.settings(new_keys=True, granted=WAYS["exported"]["scope"])
    pulls(land, way, 2)
    assert len(follow_ups(land, way)) == before


def test_an_export_that_fails_is_tried_again(land, hospital, people):
    hospital.settings(fail_exports=True)
    assert "500 (error/exception)" in failure(land, "exported", "FHIR_SERVER_ERROR")
    hospital.settings(fail_exports=False)
    pulls(land, "exported", 1)


def test_somebody_who_ends_their_consent_is_counted_no_more(land, hospital, people):
    women = [p for p in people.enrolled if people.facts[p]["sex"] == "FEMALE" and "SLQ" in people.cohorts["exported"].permissions[p]]

    def counts():
        return road.query(land, "individuals", sex="female", cohorts=people.cohorts)["counts"]

    assert counts() == {dataset_of(way): len(women) for way in WAYS}
    ending = consent(women[0], people.cohorts["exported"].permissions[women[0]])
    hospital.put({**ending, "status": "inactive"})
    wait_until(lambda: counts() == {dataset_of(way): len(women) - 1 for way in WAYS}, 60, "one woman less")


def test_neither_tokens_nor_people_are_in_the_logs(land, people):
    log = land.log("fi", "site")
    assert "connector.failed" in log
    assert "eyJ" not in log and not [person for person in [*people.enrolled, "A-STRANGER"] if person in log]
