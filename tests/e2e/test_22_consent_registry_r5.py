# SPDX-License-Identifier: Apache-2.0
"""National registries that speak FHIR R5: one that pushes, and one that is asked every second and falls silent."""

import contextlib
import datetime
import json
import re
import secrets

import pytest

import road
from cohort import Cohort
from conftest import QUICK, _running, synth
from federation import Federation, wait_until
from r5_registry import R5Registry

PEOPLE = "urn:example:person-identifiers"
CHOICES = "https://registry.example/CodeSystem/choices"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
LOINC = "http://loinc.org"
RESEARCH = "57016-8"  # privacy policy acknowledgement: the category that the node's filter names
FORM = "https://registry.example/forms/altruism"
ALTRUISM = "FI:altruism"
CODES = {"AF": "frequencies", "SLQ": "counts", "SEC": "research"}
TABLE = {"identifier_system": PEOPLE, "codes": [
    *({"system": CHOICES, "code": code, "permissions": [permission]} for permission, code in CODES.items()),
    {"system": CHOICES, "code": "altruism", "permissions": ["SEC"], "purposes": [ALTRUISM]},
    {"system": CHOICES, "code": "biobank", "ignore": True},
    {"system": ACT, "code": "OPTOUT", "permissions": ["SLQ", "SEC"], "decision": "deny"}]}
POLICY = {"policy": "FI-R5-1", "country": "FI", "adult_age": 16, "rules": [
    {"permissions": ["SEC"], "purposes": [ALTRUISM], "model": "altruism", "forms": [FORM + "|2"], "organisations": ["FI-ALTRUISM-1"]}]}


def codeable(*codes, system=CHOICES):
    return [{"coding": [{"system": system, "code": code}]} for code in codes]


def consent(ident, subject, decision="deny", **members):
    """An R5 Consent of the category that the node asks for. `subject`: a person's identifier, or a Reference."""
    if isinstance(subject, str):
        subject = {"identifier": {"system": PEOPLE, "value": subject}}
    return {"resourceType": "Consent", "id": ident, "status": "active", "category": codeable(RESEARCH, system=LOINC),
            "subject": subject, "date": "2026-01-15", "decision": decision, **members}


def exceptions(*permissions, **members):
    """A provision, which says the opposite of the decision."""
    return {"code": codeable(*(CODES.get(permission, permission) for permission in permissions)), **members}


def permit(ident, person, permissions):
    """What somebody permits: a denial of all but these."""
    return consent(ident, person, provision=[exceptions(permission) for permission in sorted(permissions)])


def ident_of(person):
    return re.sub(r"[^A-Za-z0-9.-]", "-", person).lower()


@pytest.fixture(scope="module")
def people(workspace):
    """A cohort whose holder has no record of anybody's choice: `permissions` is what the registry says."""
    folder = synth(workspace / "r5", "FI", people=60, sites=300)
    cohort = Cohort(folder, "FI", "GOE-FI-NATIONAL-1")
    (folder / "consents.fhir-r4.json").write_text('{"resourceType": "Bundle", "type": "collection", "entry": []}')
    return cohort


@pytest.fixture(scope="module")
def registries(people):
    """`national` has the Consents of everybody, half of them by reference to a Patient; `regional` has none yet."""
    with contextlib.ExitStack() as stack:
        made = {name: stack.enter_context(R5Registry(secrets.token_urlsafe(24))) for name in ("national", "regional")}
        for number, person in enumerate(sorted(people.included)):
            ident = ident_of(person)
            made["national"].put({"resourceType": "Patient", "id": ident, "birthDate": "1970-03-01", "identifier": [
                {"system": "urn:example:other", "value": "x" + person}, {"system": PEOPLE, "value": person}]})
            subject = person if number % 2 else {"reference": f"Patient/{ident}"}
            made["national"].put(permit(f"choice-{ident}", subject, people.permissions[person]))
        # Of another category: the node must not even see it, since it would refuse everything.
        everything = consent("treatment", sorted(people.included)[0])
        made["national"].put({**everything, "category": codeable("59284-0", system=LOINC)})
        yield made


@pytest.fixture(scope="module")
def land(workspace, registries):
    table, policy = workspace / "r5-codes.json", workspace / "r5-policy.json"
    table.write_text(json.dumps(TABLE))
    policy.write_text(json.dumps(POLICY))
    def secret(name, text):
        file = workspace / name
        file.touch(mode=0o600)
        file.write_text(text)
        return str(file)
    webhook = secrets.token_urlsafe(32)
    config = [{"name": name, "base_url": registry.url, "mapping_file": str(table), "filter": f"category={LOINC}|{RESEARCH}",
               "bearer_token_file": secret(f"r5-{name}", registry.token), "overlap": "1s"} for name, registry in registries.items()]
    config[0].update(interval="3600s", max_staleness="7200s", webhook_token={"file": secret("r5-webhook", webhook)})
    config[1].update(interval="1s", max_staleness="15s")
    federation = Federation(workspace / "var-r5", nodes="FI", layout="site", images=workspace / "no-images", hsm="none", sets=[
        *QUICK, f"fi:consent.registries={json.dumps(config)}", f"fi:consent.policy_file={policy}"])
    federation.webhook = webhook
    _running.append(federation)
    try:
        yield federation.up()
    finally:
        federation.down()
        _running.remove(federation)


@pytest.fixture(scope="module")
def listed(land, people, registries):
    wait_until(lambda: all(row.get("last_success") for row in states(land).values()), 30, "both registries to be heard")
    submission = road.onboard(land, people).json
    assert submission["counts"]["subjects_included"] == len(people.included), submission
    road.list_dataset(land, people)
    return submission


@pytest.fixture(scope="module")
def pushed(land, listed, registries):
    """The national registry tells the node of each change."""
    assert subscribe(land, registries["national"], land.webhook) == 202
    return registries["national"]


def subscribe(land, registry, token, **more):
    endpoint = land.site("fi")["rest"].rstrip("/") + "/api/v1/registries/national/notify"
    return registry.subscribe(endpoint, {"X-Registry-Token": token} if token else {}, land.ca_file, **more)


def states(land):
    return {row["name"]: row for row in land.get("fi", "/api/v1/registries", persona="operator_fi")["registries"]}


def count(land, people):
    """Of women, since there must be some filter."""
    return road.query(land, "individuals", sex="female")["counts"].get(people.dataset, 0)


def settled(land, people):
    """The number of women who permit to be counted, once what tests before this one said has come to discovery."""
    number = len(people.with_filters(people.permitting("SLQ"), sex="FEMALE"))
    wait_until(lambda: count(land, people) == number, 10, f"{number} to be counted")
    return number


def women(people, *permissions):
    return sorted(p for p in people.with_filters(people.included, sex="FEMALE") if people.permissions[p] == set(permissions))


def bases(land, people, person):
    """{permission, or purpose of SEC: what was decided}, as the person sees it."""
    names = {"PERMISSION_ALLELE_FREQUENCY": "AF", "PERMISSION_SUBJECT_LEVEL_QUERY": "SLQ", "PERMISSION_SECONDARY_USE": "SEC"}
    held = land.get("fi", "/api/v1/me/permissions", token=land.token(people.citizen, person))
    return {d.get("purpose") or names[d["permission"]]: d["basis"] for d in held["decisions"]}


def becomes(land, people, person, expected, what):
    """What the registry says counts within five seconds of its notification."""
    def decided():
        now = bases(land, people, person)
        return {name: now[name] for name in expected} == expected
    wait_until(decided, 5, what)


def test_what_the_registry_says_decides_who_is_in(land, people, listed, registries):
    assert settled(land, people) > 0
    national = registries["national"]
    kind, params, found = national.searches[0]
    assert kind == "Consent" and found == len(people.included) > 2 * 20, "three pages"
    assert "_lastUpdated" not in dict(params) and dict(params)["category"] == f"{LOINC}|{RESEARCH}", params
    referred = {f"Patient/{ident_of(person)}" for person in sorted(people.included)[::2]}
    assert set(national.reads) == referred, "a Patient is read where a Consent has no identifier"
    some = next(p for p in sorted(people.included) if people.permissions[p] == {"AF", "SLQ"})
    assert bases(land, people, some) == {"AF": "permitted", "SLQ": "permitted", "SEC": "denied", ALTRUISM: "denied"}


def test_a_subscription_with_a_wrong_token_is_refused_at_its_handshake(land, listed, registries):
    national = registries["national"]
    searches = len(national.searches)
    assert subscribe(land, national, "x" * 40) == 403 and subscribe(land, national, "") == 401
    assert len(national.searches) == searches, "nobody else makes the node ask"


def test_a_denial_with_exceptions_that_is_pushed_counts(land, people, pushed):
    before, person = settled(land, people), women(people, "AF", "SLQ", "SEC")[0]
    pushed.put(consent("objection", person, provision=[exceptions("AF")]))
    becomes(land, people, person, {"AF": "permitted", "SLQ": "denied", "SEC": "denied"}, "the denial to count")
    wait_until(lambda: count(land, people) == before - 1, 5, "the person not to be counted")
    kind, params, found = pushed.searches[-1]
    assert dict(params)["_lastUpdated"].startswith("ge") and kind == "Consent" and found < len(people.included), (params, found)
    # An exception that is over is none.
    pushed.put(consent("objection", person, provision=[exceptions("AF", "SLQ", "SEC", period={"end": "2026-01-31"})]))
    becomes(land, people, person, {"AF": "denied", "SLQ": "denied", "SEC": "denied"}, "the exception to be over")
    pushed.put(consent("objection", person, status="inactive", provision=[exceptions("AF")]))
    becomes(land, people, person, {"AF": "permitted", "SLQ": "permitted", "SEC": "permitted"}, "the withdrawn denial to be gone")
    wait_until(lambda: count(land, people) == before, 5, "the person to be counted again")
    assert pushed.delivered[-1] == ("event-notification", 202) and pushed.heartbeat() == [202]


def test_a_permit_names_what_it_does_not_permit(land, people, pushed):
    """What R5's `permit` permits is the whole of what some policy is about: nobody gains by that."""
    person = women(people, "AF", "SLQ", "SEC")[1]
    pushed.put(consent("limits", person, "permit", provision=[exceptions("SEC")]))
    becomes(land, people, person, {"AF": "permitted", "SLQ": "permitted", "SEC": "denied"}, "the exception to count")
    pushed.put(consent("limits", person, "permit", provision=[exceptions("never-heard-of")]))
    becomes(land, people, person, {"AF": "denied", "SLQ": "denied", "SEC": "denied"}, "an unknown refusal to refuse everything")
    pushed.put(consent("limits", person, "permit", provision=[exceptions("biobank")]))
    becomes(land, people, person, {"AF": "permitted", "SLQ": "permitted", "SEC": "permitted"}, "a refusal of something else to refuse nothing")
    unreadable = int(states(land)["national"].get("unreadable", 0))
    pushed.put(consent("limits", person, "permit"))
    becomes(land, people, person, {"AF": "denied", "SLQ": "denied", "SEC": "denied"}, "a permission of nobody knows what to refuse")
    assert int(states(land)["national"]["unreadable"]) > unreadable
    # What decides by itself stands in R5's regulatoryBasis.
    pushed.put(consent("limits", person, "permit", regulatoryBasis=codeable("OPTOUT", system=ACT)))
    becomes(land, people, person, {"AF": "permitted", "SLQ": "denied", "SEC": "denied"}, "the objection to be of these two")
    pushed.put(consent("limits", person, "permit", status="entered-in-error"))
    becomes(land, people, person, {"AF": "permitted", "SLQ": "permitted", "SEC": "permitted"}, "what was an error to be gone")


def test_a_withdrawn_permission_permits_nothing_any_more(land, people, pushed):
    before, (person, *_) = settled(land, people), women(people, "AF", "SLQ")
    choice = permit(f"choice-{ident_of(person)}", person, people.permissions[person])
    for status in ("inactive", "entered-in-error", "draft", "not-done"):
        pushed.put({**choice, "status": status})
        becomes(land, people, person, {"AF": "silent", "SLQ": "silent", "SEC": "silent"}, f"the {status} Consent to say nothing")
        wait_until(lambda: count(land, people) == before - 1, 5, "the person not to be counted")
        pushed.put(choice)
        becomes(land, people, person, {"AF": "permitted", "SLQ": "permitted"}, "the Consent to be in force again")
    # A code of R5 by which nobody knows whether it is in force.
    pushed.put({**choice, "status": "unknown"})
    becomes(land, people, person, {"AF": "denied", "SLQ": "denied", "SEC": "denied"}, "an unknown state to refuse everything")
    pushed.put(choice)
    becomes(land, people, person, {"AF": "permitted", "SLQ": "permitted"}, "the Consent to be in force again")


def test_only_a_form_version_that_the_policy_knows_is_data_altruism(land, people, pushed):
    person = women(people, "AF", "SLQ", "SEC")[2]
    registered = {"identifier": {"system": "urn:example:organisations", "value": "FI-ALTRUISM-1"}}
    for form, controller, basis in ((FORM + "|2", registered, "altruism"), (FORM + "|3", registered, "silent"),
                                    (FORM + "|2", registered, "altruism"), (FORM + "|20", registered, "silent"),
                                    (FORM + "|2", registered, "altruism"), (FORM, registered, "silent"),
                                    (FORM + "|2", registered, "altruism"), (FORM + "|2", {"reference": "Organization/other"}, "silent")):
        pushed.put(consent(f"choice-{ident_of(person)}", person, policyBasis={"url": form}, controller=[controller],
                           provision=[exceptions(*CODES), exceptions("altruism")]))
        becomes(land, people, person, {ALTRUISM: basis}, f"{form} of {controller} to be {basis}")
    pushed.put(permit(f"choice-{ident_of(person)}", person, people.permissions[person]))
    becomes(land, people, person, {"SEC": "permitted"}, "the choice to be as before")


def test_a_guardians_permission_lapses_by_the_patients_date_of_birth(land, people, pushed):
    person = women(people, "AF", "SLQ", "SEC")[3]
    ident = ident_of(person)
    def of_child(born):
        """The registry corrects a date of birth, and says again what the mother permitted."""
        pushed.put({"resourceType": "Patient", "id": ident, "identifier": [{"system": PEOPLE, "value": person}],
                    **({"birthDate": born} if born else {})},
                   {**permit(f"choice-{ident}", {"reference": f"{pushed.url}/Patient/{ident}"}, people.permissions[person]),
                    "grantor": [{"reference": "RelatedPerson/mother"}]})
    year = datetime.date.today().year
    of_child(f"{year - 6}-05-04")
    becomes(land, people, person, {"AF": "permitted", "SLQ": "permitted", "SEC": "permitted"}, "the mother's permission to count")
    of_child(f"{year - 17}-01-01")  # by this country's policy of age, and by most others' not
    becomes(land, people, person, {"AF": "lapsed", "SLQ": "lapsed", "SEC": "lapsed"}, "the mother's permission to have lapsed")
    of_child(None)
    becomes(land, people, person, {"AF": "denied", "SLQ": "denied", "SEC": "denied"}, "a child of unknown age to be refused")
    pushed.put(permit(f"choice-{ident}", person, people.permissions[person]))
    becomes(land, people, person, {"SEC": "permitted"}, "the choice to be the person's own")


def test_a_notification_with_the_resource_is_only_a_reason_to_ask(land, people, pushed):
    """Whoever has the webhook's token can make the node ask, and nothing else."""
    person = women(people, "AF", "SLQ", "SEC")[4]
    forged = {"resourceType": "Bundle", "type": "subscription-notification", "entry": [
        {"fullUrl": "urn:uuid:9d1d7a3e-0a4f-4d0b-9a80-1f4cf2ac2b6e", "resource": {
            "resourceType": "SubscriptionStatus", "status": "active", "type": "event-notification",
            "subscription": {"reference": "Subscription/1"}}},
        {"fullUrl": f"{pushed.url}/Consent/forged", "resource": consent("forged", person)}]}
    searches = len(pushed.searches)
    status, _, _ = land.rest("fi", "POST", "/api/v1/registries/national/notify", body=forged,
                             headers={"X-Registry-Token": land.webhook, "Content-Type": "application/fhir+json; fhirVersion=5.0"})
    assert status == 202
    wait_until(lambda: len(pushed.searches) > searches, 5, "the node to ask")
    assert bases(land, people, person)["SEC"] == "permitted"


def test_a_registry_without_subscriptions_is_asked_for_what_changed(land, people, listed, registries):
    regional, person = registries["regional"], women(people, "AF", "SLQ", "SEC")[5]
    before = settled(land, people)
    regional.put(consent("objection", person))
    wait_until(lambda: count(land, people) == before - 1, 10, "the objection to be found")
    asked = len(regional.searches)
    wait_until(lambda: len(regional.searches) > asked + 4, 20, "the node to ask again")
    _, params, found = regional.searches[-1]
    assert dict(params)["_lastUpdated"].startswith("ge") and found == 0, "only what changed"
    regional.put(consent("objection", person, status="inactive"))
    wait_until(lambda: count(land, people) == before, 10, "the objection to be over")


def test_a_silent_registry_closes_everything_until_it_is_heard_again(land, people, listed, registries):
    regional, person = registries["regional"], women(people, "AF", "SLQ", "SEC")[6]
    before = settled(land, people)
    assert before > 0 and bases(land, people, person)["SEC"] == "permitted"
    regional.away = True
    wait_until(lambda: bases(land, people, person)["SEC"] == "registry-stale", 30, "fifteen seconds of silence to count")
    wait_until(lambda: count(land, people) == 0, 10, "nobody to be counted")
    row = states(land)["regional"]
    assert row["stale"] and row["last_error"] == "FHIR_SERVER_ERROR", row
    assert set(bases(land, people, person).values()) == {"registry-stale"}
    regional.put(consent("late", person))  # said while nobody heard it
    regional.away = False
    wait_until(lambda: not states(land)["regional"].get("stale"), 30, "the registry to be heard again")
    wait_until(lambda: bases(land, people, person)["SEC"] == "denied", 10, "what was said meanwhile to count")
    wait_until(lambda: count(land, people) == before - 1, 10, "everybody else to be counted again")
    reasons = [e.get("reason", "") for e in road.ledger_entries(land, "fi") if e["kind"] == "policy"]
    assert "registry regional is silent: closed but by statute" in reasons and "registry regional is heard again" in reasons, reasons


def test_a_wrong_registry_of_r4_shape_would_be_noticed():
    """The registry that these tests ask is R5's and nothing else: it takes no Consent of R4."""
    with pytest.raises(AssertionError), R5Registry("token") as registry:
        registry.put({"resourceType": "Consent", "id": "r4", "status": "active", "patient": {"identifier": {"value": "x"}}})
