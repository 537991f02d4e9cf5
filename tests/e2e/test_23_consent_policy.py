# SPDX-License-Identifier: Apache-2.0
"""Two countries, two laws: nobody in either cohort has said anything, and the same project asks both."""

import datetime
import json

import pytest

import road
from cohort import Cohort
from conftest import CASE_TERM, QUICK, WORKFLOW, _running, synth
from federation import Federation, genofed, wait_until

HEALTH, ANCESTRY, STATUTE = "DUO:0000006", "DUO:0000011", "EHDS:53-1-a"
ALTRUISM, FORM = "ES:altruism", "urn:example:dga-form|2"
OPEN_COUNTS = {"permissions": ["AF", "SLQ"], "model": "opt-out", "legal_basis": "EHDS Art. 71(1)"}
POLICIES = {
    "fi": {"policy": "FI-2026-1", "country": "FI", "rules": [OPEN_COUNTS], "adult_age": 16},
    "es": {"policy": "ES-2026-1", "country": "ES", "rules": [
        OPEN_COUNTS,
        {"permissions": ["SEC"], "purposes": [HEALTH], "model": "opt-out", "legal_basis": "EHDS Art. 71(1)"},
        {"permissions": ["SEC"], "purposes": [ALTRUISM], "model": "altruism", "forms": [FORM], "organisations": ["ES-ALTRUISM-1"]},
        {"permissions": ["SEC"], "purposes": [STATUTE], "model": "statutory", "legal_basis": "Ley 1/2026, art. 5"}]},
}


@pytest.fixture(scope="module")
def policies(workspace):
    files = {}
    for site, policy in POLICIES.items():
        files[site] = workspace / f"{site}-consent-policy.json"
        files[site].write_text(json.dumps(policy))
    return files


@pytest.fixture(scope="module")
def lands(workspace, images, policies):
    federation = Federation(workspace / "var-policy", layout="site", images=images, hsm="none", sets=[
        *QUICK, *(f"{site}:consent.policy_file={file}" for site, file in policies.items())])
    _running.append(federation)
    try:
        yield federation.up()
    finally:
        federation.down()
        _running.remove(federation)


@pytest.fixture(scope="module")
def silent(lands, workspace):
    """Both cohorts listed; no consent of anybody was handed in."""
    cohorts = {}
    for country in ("FI", "ES"):
        folder = synth(workspace / "silent" / country, country, people=60, sites=300)
        (folder / "consents.fhir-r4.json").write_text('{"resourceType": "Bundle", "type": "collection", "entry": []}')
        cohort = Cohort(folder, country, f"GOE-{country}-SILENT-1")
        submission = road.onboard(lands, cohort).json
        assert submission["counts"]["subjects_included"] == len(cohort.people), submission
        road.list_dataset(lands, cohort)
        cohorts[country.lower()] = cohort
    return cohorts


def grant(fed, cohorts, purpose):
    ident = road.draft(fed, [c.dataset for c in cohorts], f"For {purpose}", purpose=purpose)["id"]
    fed.genofed("application", "submit", ident, as_="researcher")
    fed.genofed("application", "confirm", ident, as_="signing_official")
    fed.genofed("application", "recommend", ident, as_="central_dac")
    for cohort in cohorts:
        road.decide(fed, cohort, ident, True)
    return road.sign(fed, ident)["id"]


def run(fed, cohorts, application, images):
    """Site to part, of a run in these countries."""
    ident = road.submit(fed, application, images / WORKFLOW, CASE_TERM=CASE_TERM)
    return ident, road.parts(road.finish(fed, ident, [cohort.site for cohort in cohorts]))


@pytest.fixture(scope="module")
def health(lands, silent):
    return grant(lands, silent.values(), HEALTH)


def test_one_purpose_is_refused_where_people_opt_in_and_allowed_where_they_opt_out(lands, silent, health, images):
    _, parts = run(lands, silent.values(), health, images)
    assert parts["fi"]["state"] == "STATE_SYSTEM_ERROR" and parts["fi"]["reason"] == "NO_PERMITTED_INDIVIDUALS", parts
    assert parts["es"]["state"] == "STATE_COMPLETE" and parts["es"]["individuals"] == len(silent["es"].people), parts


def test_another_purpose_is_refused_in_both(lands, silent, images):
    _, parts = run(lands, silent.values(), grant(lands, silent.values(), ANCESTRY), images)
    assert {part.get("reason") for part in parts.values()} == {"NO_PERMITTED_INDIVIDUALS"}, parts


def test_an_objection_counts_at_once_but_not_before_a_statute_which_the_person_sees(lands, silent, health, images):
    es = silent["es"]
    person = sorted(es.people)[0]
    token = lands.token(es.citizen, person)
    held = lands.get("es", "/api/v1/me/permissions", token=token)
    decisions = {(d["permission"], d.get("purpose", "")): d for d in held["decisions"]}
    assert decisions["PERMISSION_SECONDARY_USE", HEALTH]["basis"] == "not-objected", held
    assert decisions["PERMISSION_SECONDARY_USE", STATUTE]["legal_basis"] == "Ley 1/2026, art. 5"
    assert not held.get("permissions") and held["policy"] == "ES-2026-1"
    assert lands.rest("es", "PUT", "/api/v1/me/permissions", body={"permissions": []}, token=token)[0] == 200
    ident, parts = run(lands, [es], health, images)
    assert parts["es"]["individuals"] == len(es.people) - 1, parts
    by_law, parts = run(lands, [es], grant(lands, [es], STATUTE), images)
    assert parts["es"]["individuals"] == len(es.people), parts
    seen = {(a["run"], a["kind"]): a for a in lands.get("es", "/api/v1/me/accesses?page_size=100", token=token)["accesses"]}
    assert not seen[ident, "run"].get("used")
    access = seen[by_law, "run"]
    assert access["used"] and access["model"] == "statutory" and access["legal_basis"] == "Ley 1/2026, art. 5", access
    assert access["purpose_code"] == STATUTE


def by_mother(person):
    """An R5 Consent to everything that somebody's mother gave."""
    return {"resourceType": "Consent", "status": "active", "subject": {"identifier": {"value": person}},
            "grantor": [{"reference": "RelatedPerson/mother"}], "decision": "deny",
            "provision": [{"code": [{"coding": [{"system": "urn:1plusmg:consent-permission", "code": code}]}
                                    for code in ("AF", "SLQ", "SEC")]}]}


ADULT = POLICIES["fi"]["adult_age"]


def birthday(of_age_in):
    """Of somebody who comes of age in so many days, counted from today. Who was born on 29 February does on 1 March."""
    day = datetime.datetime.now(datetime.timezone.utc).date() + datetime.timedelta(days=of_age_in)
    try:
        return day.replace(year=day.year - ADULT).isoformat()
    except ValueError:
        return day.replace(year=day.year - ADULT, month=3, day=1).isoformat()


@pytest.fixture(scope="module")
def guarded(lands, silent, workspace):
    """A Finnish dataset of people whose mothers permitted everything; {group: people}, of one dataset alone."""
    folder = synth(workspace / "guardians", "FI", people=80, sites=200, seed=8)
    cohort = Cohort(folder, "FI", "GOE-FI-GUARDIANS-1")
    people = iter(sorted(cohort.people.keys() - silent["fi"].people.keys()))
    # Days until they come of age. Nothing changes at the next midnight, whenever this runs.
    born = {"infants": birthday(14 * 365), "nearly": birthday(2), "just": birthday(-1), "long": birthday(-3650), "undated": None}
    cohort.groups = {group: [next(people) for _ in range(3)] for group in born}
    dates = {person: born[group] for group, some in cohort.groups.items() for person in some}
    for file in (folder / "phenopackets").glob("*.json"):
        packet = json.loads(file.read_text())
        if packet["subject"]["id"] in dates:
            packet["subject"].pop("timeAtLastEncounter", None)
            packet["subject"].pop("dateOfBirth")
            if date := dates[packet["subject"]["id"]]:
                packet["subject"]["dateOfBirth"] = f"{date}T00:00:00Z"
            file.write_text(json.dumps(packet))
    (folder / "consents.fhir-r4.json").write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [
        {"resource": by_mother(person)} for person in dates]}))
    submission = road.onboard(lands, cohort).json
    assert any(finding["code"] == "GUARDIAN_WITHOUT_BIRTH_DATE" for finding in submission["findings"]), submission
    road.list_dataset(lands, cohort)
    return cohort


def test_what_a_guardian_permitted_lapses_at_coming_of_age(lands, guarded, tmp_path):
    cohort = guarded

    def use(person):
        held = lands.get("fi", "/api/v1/me/permissions", token=lands.token(cohort.citizen, person))
        decision, = (d for d in held["decisions"] if d["permission"] == "PERMISSION_SECONDARY_USE")
        statement, = held["statements"]
        return decision["basis"], len(statement.get("refuses", []))
    for group, expected in (("infants", ("permitted", 0)), ("nearly", ("permitted", 0)), ("just", ("lapsed", 0)), ("long", ("lapsed", 0)),
                            ("undated", ("silent", 3))):  # nobody knows when they come of age: refused, and nothing of them is held
        assert [use(person) for person in cohort.groups[group]] == [expected] * 3, group
    # What a holder recorded is proven to the person, too.
    token = lands.token(cohort.citizen, cohort.groups["infants"][0])
    lands.genofed("me", "permissions", "--receipts", tmp_path, site="fi", token=token, json=False)
    receipt, = tmp_path.glob("consent-*.json")
    key = tmp_path / "fi.key"
    key.write_text(lands.genofed("ledger", "key", site="fi", json=False).out)
    facts = genofed("--json", "ledger", "verify", receipt, "--key", key)
    assert facts.returncode == 0, facts
    assert json.loads(facts.stdout)["said"].endswith(" AF,SLQ,SEC by guardian"), facts.stdout


def test_a_run_uses_children_and_nobody_who_has_come_of_age_until_they_permit_it_themselves(lands, guarded, images, tmp_path):
    cohort = guarded
    children = {*cohort.groups["infants"], *cohort.groups["nearly"]}
    decided = cohort.groups["just"][0]
    status, _, answer = lands.rest("fi", "PUT", "/api/v1/me/permissions", body={"permissions": ["PERMISSION_SECONDARY_USE"]},
                                   token=lands.token(cohort.citizen, decided))
    assert status == 200, answer
    ident, parts = run(lands, [cohort], grant(lands, [cohort], HEALTH), images)
    assert parts["fi"]["state"] == "STATE_COMPLETE" and parts["fi"]["individuals"] == len(children) + 1, parts
    key = tmp_path / "fi.key"
    key.write_text(lands.genofed("ledger", "key", site="fi", json=False).out)
    for person in (person for some in cohort.groups.values() for person in some):
        seen = lands.get("fi", "/api/v1/me/accesses?page_size=100", token=lands.token(cohort.citizen, person))["accesses"]
        access, = (a for a in seen if a["run"] == ident and a["kind"] == "run")
        expected = person in children or person == decided
        assert access.get("used", False) is expected, (person, cohort.groups)
        receipt = tmp_path / "receipt.json"
        receipt.write_text(access["receipt"])
        facts = genofed("--json", "ledger", "verify", receipt, "--key", key)
        assert facts.returncode == 0 and json.loads(facts.stdout)["use"] == ("used" if expected else "not_used"), facts


def test_altruism_is_of_a_form_and_an_organisation(lands, silent):
    es = silent["es"]
    token = lands.token(es.citizen, sorted(es.people)[2])

    def decision(*more):
        lands.genofed("me", "permit", "SEC", *more, site="es", token=token)
        held = lands.get("es", "/api/v1/me/permissions", token=token)
        return next(d for d in held["decisions"] if d.get("purpose") == ALTRUISM)

    assert not decision().get("permitted")
    assert not decision("--form", FORM).get("permitted")
    assert decision("--form", FORM, "--organisation", "ES-ALTRUISM-1")["basis"] == "altruism"
    form = json.loads(lands.genofed("me", "export", "--format", "fhir-r4", site="es", token=token, json=False).out)
    assert [{"uri": FORM}] in [entry["resource"].get("policy") for entry in form["entry"]], form


def test_a_person_may_limit_a_purpose_and_an_end(lands, silent, tmp_path):
    fi = silent["fi"]
    person = sorted(fi.people)[1]
    token = lands.token(fi.citizen, person)
    lands.genofed("me", "permit", "SEC", "--purpose", HEALTH, "--until", "2999-01-01T00:00:00Z", "--recontact", "yes",
                  site="fi", token=token)
    held = lands.get("fi", "/api/v1/me/permissions", token=token)
    own, = (statement for statement in held["statements"] if statement["by"] == "subject")
    assert own["terms"]["purposes"] == [HEALTH] and own["terms"]["recontact"] is True, held
    decisions = {d.get("purpose", ""): d for d in held["decisions"] if d["permission"] == "PERMISSION_SECONDARY_USE"}
    assert decisions[""]["basis"] == "limited", held
    refused = lands.genofed("me", "permit", "SEC", "--until", "2001-01-01T00:00:00Z", site="fi", token=token, check=False)
    assert refused.reason == "CHOICE_INVALID", refused
    # The holder learns whom it may ask, of the people whom it names.
    people = tmp_path / "people.txt"
    people.write_text("\n".join([sorted(fi.people)[2], person, "nobody"]) + "\n")
    asked = lands.genofed("consent", "wishes", fi.dataset, "--people", people, as_="holder_fi").json["wishes"]
    assert [one["recontact"] for one in asked] == [False, True, False] and not any(one["incidental_findings"] for one in asked), asked
    assert [one["person"] for one in asked][1] == person
    assert any(entry["kind"] == "contact" and entry.get("outcome") == "wishes-asked" for entry in road.ledger_entries(lands, "fi"))
    assert lands.rest("fi", "POST", f"/api/v1/datasets/{fi.dataset}/wishes", body={"people": [person]}, persona="researcher")[0] in (401, 403)


def test_a_policy_file_is_explained_and_a_wrong_one_refused(policies, tmp_path):
    told = genofed("consent", "policy", "explain", policies["es"])
    assert told.returncode == 0 and "SEC for EHDS:53-1-a: statutory" in told.stdout, told
    assert json.loads(genofed("--json", "consent", "policy", "explain", policies["fi"]).stdout)["country"] == "FI"
    assert "What a guardian permitted lapses at 16 years." in genofed("consent", "policy", "explain", policies["fi"]).stdout
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps({**POLICIES["fi"], "adult_age": 12}))
    refused = genofed("consent", "policy", "explain", wrong)
    assert refused.returncode == 3 and "adult_age" in refused.stderr and "14 to 21 years" in refused.stderr, refused
    wrong.write_text(json.dumps({**POLICIES["es"], "rules": [{"permissions": ["SEC"], "model": "statutory"}]}))
    refused = genofed("consent", "policy", "explain", wrong)
    assert refused.returncode == 3 and "rules[0].purposes" in refused.stderr, refused


def test_the_policy_in_force_is_in_the_ledger(lands, policies, silent):
    told = json.loads(genofed("--json", "consent", "policy", "explain", policies["es"]).stdout)
    entry = next(e for e in road.ledger_entries(lands, "es") if e["kind"] == "policy" and e.get("rule") == "ES-2026-1")
    assert entry["policy_sha256"] == told["sha256"]
    wait_until(lambda: any(e["kind"] == "snapshot" and e.get("policy_sha256") == told["sha256"]
                           for e in road.ledger_entries(lands, "es")), 5, "a snapshot by this policy")
