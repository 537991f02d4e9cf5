# SPDX-License-Identifier: Apache-2.0
"""Somebody permits research under conditions: they are in a cohort exactly when their country accepted every one."""

import hashlib
import json
import subprocess
import time

import pytest

import road
from cohort import CASE_COLUMNS, Cohort, read_table
from conftest import CASE_TERM, QUICK, WORKFLOW, _running, synth
from federation import Federation, wait_until
from test_7_hostile_hub import Attacker, hub_sql

NOT_FOR_PROFIT, ETHICS, NOT_COMMERCIAL, INSTITUTION = "DUO:0000045", "DUO:0000021", "DUO:0000046", "DUO:0000028"
BOTH = [NOT_FOR_PROFIT, ETHICS]
APPEND = "genofed.consent.v1.LedgerService/AppendEntry"
COHORT = "genofed.consent.v1.ConsentService/GetCohort"


@pytest.fixture(scope="module")
def finland(workspace, images):
    federation = Federation(workspace / "var-conditions", nodes="FI", images=images, hsm="none",
                            sets=[*QUICK, "discovery.query_batch_interval=1s"])
    _running.append(federation)
    try:
        yield federation.up()
    finally:
        federation.down()
        _running.remove(federation)


@pytest.fixture(scope="module")
def people(finland, workspace):
    cohort = Cohort(synth(workspace / "conditions", "FI", people=60, sites=300), "FI", "GOE-FI-CONDITIONS-1")
    road.onboard(finland, cohort)
    road.list_dataset(finland, cohort)
    return cohort


@pytest.fixture(scope="module")
def person(finland, people):
    """Permits research that meets both conditions; and counts without any."""
    person = next(p for p in sorted(people.included) if people.permissions[p] == {"AF", "SLQ", "SEC"})
    token = finland.token(people.citizen, person)
    conditions = [word for code in BOTH for word in ("--condition", code)]
    finland.genofed("me", "permit", "AF", "SLQ", "SEC", *conditions, site="fi", token=token)
    return token


@pytest.fixture(scope="module")
def others(people, person):
    """How many permit research without a condition."""
    return len(people.permitting("SEC")) - 1


def options(name, codes):
    return [word for code in codes for word in (name, code)]


def draft(fed, cohort, stated, check=True, more=()):
    return fed.genofed("application", "create", "--title", "Seizures", "--purpose", "Find variants that cause seizures",
                       "--lay-summary", "We look for causes of epilepsy.", "--dataset", cohort.dataset,
                       *options("--meets", stated), *more, as_="researcher", check=check)


def transmit(fed, cohort, stated, more=()):
    ident = draft(fed, cohort, stated, more=more).json["application"]["id"]
    fed.genofed("application", "submit", ident, as_="researcher")
    fed.genofed("application", "confirm", ident, *options("--attest", stated), as_="signing_official")
    fed.genofed("application", "recommend", ident, as_="central_dac")
    road.wait_for_review(fed, cohort, ident)
    return ident


def approve(fed, cohort, ident, accepted, check=True):
    return fed.genofed("review", "approve", ident, "--reason", "In the public interest", *options("--accept", accepted),
                       as_=cohort.dac, check=check)


def grant(fed, cohort, stated, accepted, more=()):
    ident = transmit(fed, cohort, stated, more)
    approve(fed, cohort, ident, accepted)
    return road.sign(fed, ident)["id"]


def run(fed, cohort, application, images):
    """(run, how many people were in its cohort)"""
    ident = road.submit(fed, application, images / WORKFLOW, CASE_TERM=CASE_TERM)
    part = road.parts(road.finish(fed, ident, ["fi"]))["fi"]
    assert part["state"] == "STATE_COMPLETE", f"{part}\n{fed.log_tails()}"
    return ident, part["individuals"]


def access_of(fed, token, ident):
    found = fed.get("fi", "/api/v1/me/accesses?page_size=100", token=token)["accesses"]
    return next(access for access in found if access["run"] == ident and access["kind"] == "run")


def test_the_person_is_used_if_and_only_if_the_country_accepted_every_condition(finland, people, person, others, images):
    ident, individuals = run(finland, people, grant(finland, people, BOTH, BOTH), images)
    assert individuals == others + 1
    access = access_of(finland, person, ident)
    assert access["used"] and access["accepted_conditions"] == sorted(BOTH), access
    assert ("The access committee accepted that the project has the approval of an ethics committee; is done by a "
            "not-for-profit organisation.") in access["text"]
    entries = road.ledger_entries(finland, "fi")
    used = next(entry for entry in entries if entry["kind"] == "run" and entry["run"] == ident)
    made = next(entry for entry in entries if entry["kind"] == "snapshot" and entry["snapshot"] == used["snapshot"])
    assert made["conditions"] == " ".join(sorted(BOTH)), made

    for stated, accepted in ((BOTH, [ETHICS]), (BOTH, []), ([], [])):
        ident, individuals = run(finland, people, grant(finland, people, stated, accepted), images)
        assert individuals == others, (stated, accepted)
        access = access_of(finland, person, ident)
        assert not access.get("used") and access.get("accepted_conditions", []) == accepted, access


HEALTH, ANCESTRY = "DUO:0000006", "DUO:0000011"
DUO = "http://purl.obolibrary.org/obo/duo.owl"


def permit(*codes, purposes=(), conditions=()):
    """A provision of a holder's Consent, as docs/guides/data-holder.md has it."""
    provision = {"type": "permit", "code": [{"coding": [{"system": "urn:1plusmg:consent-permission", "code": code}]} for code in codes]}
    if purposes:
        provision["purpose"] = [{"system": DUO, "code": code} for code in purposes]
    if conditions:
        provision["modifierExtension"] = [{"url": "urn:1plusmg:project-condition", "valueCode": code} for code in conditions]
    return provision


def wish(kind, code):
    return {"type": kind, "code": [{"coding": [{"system": "urn:1plusmg:consent-wish", "code": code}]}]}


def test_what_a_holder_hands_in_limits_as_what_people_say_does(finland, people, workspace, images):
    folder = synth(workspace / "holder-conditions", "FI", people=70, sites=200, seed=9)
    cohort = Cohort(folder, "FI", "GOE-FI-LIMITED-1")
    limited = next(p for p in sorted(cohort.included - people.people.keys()) if cohort.permissions[p] == {"AF", "SLQ", "SEC"})
    file = folder / "consents.fhir-r4.json"
    bundle = json.loads(file.read_text())
    number, consent = next((i, entry["resource"]) for i, entry in enumerate(bundle["entry"])
                           if entry["resource"]["patient"]["identifier"]["value"] == limited)

    def say(*provisions):
        consent["provision"]["provision"] = provisions
        file.write_text(json.dumps(bundle))

    # What nobody knows refuses the file, and its place is named.
    for wrong, field in ((permit("SEC", purposes=["DUO:9999999"]), "purpose[0].code"), (permit("SEC", conditions=["DUO:0000022"]), "modifierExtension[0].valueCode"),
                         (permit("AF", "SEC", purposes=[HEALTH]), "code")):
        say(wrong)
        refused = road.onboard(finland, cohort, check=False, dataset="GOE-FI-LIMITED-0")
        assert refused.code == 3, refused
        assert {(f["code"], f["field"]) for f in refused.json["findings"] if f["code"] == "CONSENT_INVALID"} == {
            ("CONSENT_INVALID", f"entry[{number}].resource.provision.provision[0].{field}")}, refused
    say(permit("AF", "SLQ"), permit("SEC", purposes=[HEALTH], conditions=[NOT_FOR_PROFIT]), wish("permit", "recontact"),
        wish("deny", "incidental-findings"))
    road.onboard(finland, cohort)
    road.list_dataset(finland, cohort)
    token = finland.token(cohort.citizen, limited)
    held, = finland.get("fi", "/api/v1/me/permissions", token=token)["statements"]
    assert held["by"] == "holder" and held["terms"]["purposes"] == [HEALTH] and held["terms"]["conditions"] == [NOT_FOR_PROFIT], held
    assert held["terms"]["recontact"] is True and held["terms"]["incidental_findings"] is False, held
    names = workspace / "limited-people.txt"
    names.write_text(limited + "\n")
    wished, = finland.genofed("consent", "wishes", cohort.dataset, "--people", names, as_="holder_fi").json["wishes"]
    assert wished.get("recontact") and not wished.get("incidental_findings"), wished
    counts = []  # some of the others are in both cohorts and have decided themselves, which is the same in each run
    for purpose, met, used in ((HEALTH, [NOT_FOR_PROFIT], True), (HEALTH, [], False), (ANCESTRY, [NOT_FOR_PROFIT], False)):
        ident, individuals = run(finland, cohort, grant(finland, cohort, met, met, ["--purpose-code", purpose]), images)
        counts.append(individuals)
        assert access_of(finland, token, ident).get("used", False) is used, (purpose, met)
    assert counts[0] - 1 == counts[1] == counts[2] > len(cohort.people) // 2, counts
    # What the person takes along says the same.
    exported = {form: json.loads(finland.genofed("me", "export", "--format", form, site="fi", token=token, json=False).out)
                for form in ("fhir-r4", "duo", "receipt")}
    said = exported["fhir-r4"]["entry"][0]["resource"]["provision"]["provision"]
    for provision in (permit("SEC", purposes=[HEALTH], conditions=[NOT_FOR_PROFIT]), wish("permit", "recontact"), wish("deny", "incidental-findings")):
        assert any(provision.items() <= one.items() for one in said), (provision, said)
    use, = exported["duo"]["dataUse"]
    assert use["duo"] == HEALTH and use["modifiers"] == [NOT_FOR_PROFIT], use
    assert exported["receipt"]["dpv:hasRecord"][0]["terms"]["conditions"] == [NOT_FOR_PROFIT]


def test_a_value_is_part_of_a_condition(finland, people, others, images):
    """Somebody else permits research in Finland alone that ends within two years."""
    of_age = sorted(p for p in people.included if people.permissions[p] == {"AF", "SLQ", "SEC"})[1]
    token = finland.token(people.citizen, of_age)
    both = ["DUO:0000022=FI", "DUO:0000025=24"]
    refused = finland.genofed("me", "permit", "SEC", "--condition", "DUO:0000022=Finland", site="fi", token=token, check=False)
    assert refused.reason == "CHOICE_INVALID", refused
    finland.genofed("me", "permit", "AF", "SLQ", "SEC", *options("--condition", both), site="fi", token=token)
    try:
        for met in (["DUO:0000022=SE", "DUO:0000025=24"], ["DUO:0000022=FI", "DUO:0000025=12"]):
            ident, individuals = run(finland, people, grant(finland, people, met, met), images)
            assert individuals == others - 1, met
        ident, individuals = run(finland, people, grant(finland, people, both, both), images)
        assert individuals == others
        access = access_of(finland, token, ident)
        assert access["used"] and access["accepted_conditions"] == both, access
        assert "the project takes place in FI alone; ends within 24 months." in access["text"]
    finally:
        finland.genofed("me", "permit", "AF", "SLQ", "SEC", site="fi", token=token)


def test_only_what_is_whole_can_be_stated_and_only_what_was_stated_attested_and_accepted(finland, people):
    refused = draft(finland, people, [INSTITUTION], check=False)
    assert refused.reason == "APPLICATION_INVALID", refused
    ident = draft(finland, people, BOTH).json["application"]["id"]
    finland.genofed("application", "submit", ident, as_="researcher")
    for attested in ([], [ETHICS], [*BOTH, NOT_COMMERCIAL]):
        refused = finland.genofed("application", "confirm", ident, *options("--attest", attested), as_="signing_official",
                                  check=False)
        assert refused.reason == "ATTESTATION_DIFFERS", refused
    finland.genofed("application", "confirm", ident, *options("--attest", reversed(BOTH)), as_="signing_official")
    finland.genofed("application", "recommend", ident, as_="central_dac")
    road.wait_for_review(finland, people, ident)
    refused = approve(finland, people, ident, [*BOTH, NOT_COMMERCIAL], check=False)
    assert refused.reason == "CONDITION_NOT_ATTESTED", refused
    review = approve(finland, people, ident, [ETHICS]).json["review"]
    assert review["decision"]["accepted_conditions"] == [ETHICS], review
    shown = wait_until(lambda: [d for d in road.application(finland, ident)["decisions"] if d.get("accepted_conditions")], 20,
                       "the decision at the hub")
    assert shown[0]["accepted_conditions"] == [ETHICS], shown


def lie(fed, ident):
    """The hub's row says that the project meets, and Finland accepts, the second condition too."""
    document = json.loads(hub_sql(fed, f"SELECT document FROM access.applications WHERE id = '{ident}'"))
    frozen = json.loads(document["frozen"])
    frozen["conditions_met"] = BOTH
    document["frozen"] = json.dumps(frozen, sort_keys=True, separators=(",", ":"))
    document["digest"] = hashlib.sha256(document["frozen"].encode()).hexdigest()
    camel = any("A" <= c <= "Z" for name in document for c in name)
    document["content"]["conditionsMet" if camel else "conditions_met"] = BOTH
    for decision in document["decisions"]:
        decision["acceptedConditions" if camel else "accepted_conditions"] = BOTH
    text = json.dumps(document).replace("'", "''")
    hub_sql(fed, f"UPDATE access.applications SET document = '{text}', "
                 f"sequence = nextval('access.application_sequence') WHERE id = '{ident}'")
    told = road.application(fed, ident)
    assert told["content"]["conditions_met"] == BOTH and told["digest"] == document["digest"], "the hub now lies"


def test_a_condition_that_the_hub_adds_does_not_get_past_the_nodes_signature(finland, people, person, others, images):
    # Before the decision: the committee decides on what its node saw first.
    ident = transmit(finland, people, [NOT_FOR_PROFIT])
    lie(finland, ident)
    time.sleep(1)
    refused = approve(finland, people, ident, BOTH, check=False)
    assert refused.reason == "CONDITION_NOT_ATTESTED", refused
    # After it: what the hub says of the application and of the decision reaches no cohort.
    application = grant(finland, people, [NOT_FOR_PROFIT], [NOT_FOR_PROFIT])
    wait_until(lambda: road.wait_for_review(finland, people, application)["application"].get("agreement_sha256"), 20,
               "the agreement at the node")  # for this digest; with another it would not be taken
    lie(finland, application)
    ident, individuals = run(finland, people, application, images)
    assert individuals == others
    assert not access_of(finland, person, ident).get("used")


def test_only_the_dispatcher_names_what_a_project_meets(finland, people, person, others, hostile_hub):
    def ask(service, **more):
        body = {"dataset": {"dataset": people.dataset, "version": 1}, "permission": "PERMISSION_SECONDARY_USE",
                "purpose": "DUO:0000006", **more}
        return Attacker(finland, hostile_hub, "fi").run([service], "fi", ["consent"], requests=[(COHORT, body)], only=True)[0]
    for service in ("discovery", "spe", "onboarding"):
        assert ask(service)["status"] == "OK"
        attempt = ask(service, conditions_met=BOTH)
        assert (attempt["status"], attempt["reason"]) == ("PERMISSION_DENIED", "CALLER_WITHOUT_PROJECT"), attempt
    assert ask("dispatcher", conditions_met=BOTH)["status"] == "OK"
    attempt = ask("dispatcher", conditions_met=[INSTITUTION])
    assert (attempt["status"], attempt["reason"]) == ("INVALID_ARGUMENT", "CONDITION_INVALID"), attempt


def entries_of(fed, **fields):
    return [entry for entry in road.ledger_entries(fed, "fi") if fields.items() <= entry.items()]


def test_grants_refusals_and_numbers_of_questions_are_in_the_ledger(finland, people, person, workspace, images):
    """A project from its approval to its end, under a title of several lines; and what everybody was told of the dataset."""
    ident = finland.genofed("application", "create", "--title", "Seizures\nin children", "--purpose", "Find variants that cause seizures",
                            "--lay-summary", "We look for causes of epilepsy.", "--dataset", people.dataset, as_="researcher").json["application"]["id"]
    finland.genofed("application", "submit", ident, as_="researcher")
    finland.genofed("application", "confirm", ident, as_="signing_official")
    finland.genofed("application", "recommend", ident, as_="central_dac")
    road.wait_for_review(finland, people, ident)
    approve(finland, people, ident, [])
    road.sign(finland, ident)
    done, _ = run(finland, people, ident, images)
    used, released = (entries_of(finland, run=done, kind=kind)[0] for kind in ("run", "release"))
    assert used["project"] == released["project"] == "Seizures in children"
    refused = road.submit(finland, ident, workspace / "unknown.workflow.json", CASE_TERM=CASE_TERM)
    assert road.parts(road.finish(finland, refused, []))["fi"]["reason"] == "WORKFLOW_NOT_ALLOWED"
    denied, = entries_of(finland, kind="denied", run=refused)
    assert (denied["application"], denied["dataset"], denied["version"], denied["reason"]) == (ident, people.dataset, "1", "WORKFLOW_NOT_ALLOWED")

    finland.genofed("review", "revoke", ident, "--reason", "A breach by Dr Findlater", as_=people.dac)
    granted = wait_until(lambda: (found := entries_of(finland, kind="grant", application=ident)) and len(found) == 3 and found, 20,
                         "approval, agreement and revocation in the ledger")
    assert [entry["outcome"] for entry in granted] == ["approved", "agreed", "revoked"]
    for entry in granted:
        assert entry["dataset"] == people.dataset and entry["project"] == "Seizures in children"
        assert len(entry["commitments"]["researcher"]) == 64 and "Findlater" not in json.dumps(entry)
    review = finland.get("fi", f"/api/v1/reviews/{ident}", persona=people.dac)["review"]
    assert granted[1]["agreement_sha256"] == review["application"]["agreement_sha256"]
    assert granted[0]["decision_sha256"] == used["decision_sha256"] != granted[2]["decision_sha256"]

    vetoed = transmit(finland, people, [])
    finland.genofed("review", "veto", vetoed, "--reason", "Not covered by national law", as_=people.dac)
    wait_until(lambda: entries_of(finland, kind="denied", application=vetoed, outcome="vetoed"), 20, "the veto in the ledger")

    before = sum(batch["answers"] for batch in entries_of(finland, kind="query-batch", dataset=people.dataset))
    asked = 3
    for _ in range(asked):
        road.query(finland, "individuals", terms=[CASE_TERM], site="fi")
    batches = wait_until(lambda: (found := entries_of(finland, kind="query-batch", dataset=people.dataset))
                         and sum(batch["answers"] for batch in found) >= before + asked and found, 30, "the questions in the ledger")
    assert CASE_TERM not in json.dumps(batches)
    links = {str(batch["audit_links"]): batch["audit_sha256"] for batch in batches}
    rows = dict(line.split("|") for line in site_sql(finland, "discovery", "SELECT seq, encode(hash, 'hex') FROM discovery.disclosure_audit").splitlines())
    assert links.items() <= rows.items(), "the chain is anchored where the entries say"

    found = finland.get("fi", f"/api/v1/audit/entries?kind=grant&application={ident}", persona="dpo_fi")["entries"]
    assert [json.loads(entry["entry"])["outcome"] for entry in found] == ["revoked", "agreed", "approved"]
    seen = finland.get("fi", "/api/v1/me/accesses?page_size=100", token=person)["accesses"]
    assert {access["kind"] for access in seen} <= {"run", "access", "release"}, "nobody's data are used by a grant or a question"
    key = workspace / "conditions.ledger-key"
    key.write_text(finland.genofed("ledger", "key", site="fi", json=False).out)
    assert finland.genofed("ledger", "fsck", "--key", key, site="fi").json["ok"]


def site_sql(fed, service, statement):
    config = json.loads((fed.var / "fi" / "site.json").read_text())["postgres"]
    password = (fed.var / "fi" / "secrets" / f"postgres-{service}").read_text().strip()
    done = subprocess.run(["psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-h", config["host"], "-p", str(config["port"]),
                           "-U", f"genofed_{service}", "-d", config["database"], "-c", statement],
                          capture_output=True, text=True, timeout=30, env={"PATH": "/usr/bin:/bin", "PGPASSWORD": password}, check=True)
    return done.stdout.strip()


def test_each_service_appends_its_own_kinds_alone(finland, hostile_hub):
    """Whoever has the keys of one service can say no more in the ledger than that service."""
    def append(service, kind, **fields):
        entry = {"kind": kind, "time": "2026-01-01T00:00:00Z", "v": 1, **fields}
        body = {"idempotency_key": f"test-{service}-{kind}", "entry": json.dumps(entry, sort_keys=True, separators=(",", ":"))}
        attempt = Attacker(finland, hostile_hub, "fi").run([service], "fi", ["consent"], requests=[(APPEND, body)], only=True)[0]
        return attempt["status"] if attempt["status"] == "OK" else attempt["reason"]
    grant_of = {"application": "app-x", "dataset": "GOE-FI-X-1", "outcome": "approved"}
    for service in ("discovery", "dispatcher", "spe", "onboarding"):
        assert append(service, "grant", **grant_of) == "ENTRY_KIND_RESERVED", service
    for service, kind in (("access", "run"), ("access", "query-batch"), ("discovery", "denied"), ("discovery", "run"), ("dispatcher", "release"),
                          ("dispatcher", "access"), ("spe", "denied")):
        assert append(service, kind, reason="x") == "ENTRY_KIND_RESERVED", (service, kind)
    assert append("access", "grant", **grant_of) == "OK"


def test_once_somebody_is_forgotten_the_same_version_is_analysed_from_what_was_written_anew(finland, people, person, others, images):
    """Last, since it cannot be taken back."""
    forgotten = next(p for p in sorted(people.included) if people.permissions[p] == {"AF", "SLQ", "SEC"})
    indices, = finland.var.glob(f"fi/**/onboarding/index/{people.dataset}")
    finland.genofed("me", "erase", "--yes", site="fi", token=person)
    wait_until(lambda: not (indices / "1").exists(), 150, "the old files to be gone, after a minute if a service was away")
    people.permissions[forgotten] = set()
    ident, individuals = run(finland, people, grant(finland, people, BOTH, BOTH), images)
    assert individuals == others
    table = read_table(road.download(finland, ident, "case_control.tsv"), CASE_COLUMNS)
    expected = people.counts(CASE_TERM)
    shown = {key: row for key, row in table.items() if row["nodes"]}
    assert shown
    for key, row in shown.items():
        assert {column: row[column] for column in CASE_COLUMNS} == {c: expected[key][c] for c in CASE_COLUMNS}, key
