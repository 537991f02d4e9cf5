# SPDX-License-Identifier: Apache-2.0
"""What is revoked is refused by everything within five seconds and for good; what is not heard denies."""

import http.client
import json
import signal
import time
import urllib.parse

import pytest

import road
import tokens
from cohort import Cohort
from conftest import QUICK, _running, synth
from federation import Federation, wait_until

LIMIT = 5.0  # seconds


@pytest.fixture(scope="module")
def revfed(workspace):
    federation = Federation(workspace / "var-revocation", nodes="FI", layout="services",
                            images=workspace / "no-images", sets=QUICK)
    _running.append(federation)
    try:
        yield federation.up(timeout=240)
    finally:
        federation.down()
        _running.remove(federation)


@pytest.fixture(scope="module")
def cohort(workspace, revfed):
    folder = synth(workspace / "revocation-cohort", "FI", people=40, sites=200)
    made = Cohort(folder, "FI", "GOE-FI-REVOKED-1")
    road.onboard(revfed, made)
    road.list_dataset(revfed, made)
    return made


def status_of(fed, site, path, token):
    status, headers, _ = fed.rest(site, "GET", path, token=token)
    return status, headers.get("Genofed-Reason", "")


def refused_within(fed, figures, what, tries):
    """Asks until every try is refused; the time that took, which must be within the limit."""
    start = time.monotonic()
    left = dict(tries)
    while left:
        for name, attempt in list(left.items()):
            if attempt():
                del left[name]
        assert time.monotonic() - start < LIMIT + 1, f"{what}: still accepted by {sorted(left)}"
        time.sleep(0.05)
    took = time.monotonic() - start
    figures.append(f"revoked {what}: refused by {len(tries)} routes after {took:.1f} s")
    assert took <= LIMIT
    return took


def admin(fed, site, service, path):
    """GET at the admin listener of a process: (status, text)."""
    config = json.loads((fed.var / site / "site.json").read_text())
    host, port = config["network"]["admin"][service].split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def revoke(fed, kind, value, as_, *more):
    return fed.genofed("revoke", kind, value, "--reason", "a test", *more, as_=as_).json["revocation"]


PATHS = ["/api/v1/me", "/api/v1/datasets", "/ga4gh/wes/v1/runs", "/beacon/v2/datasets"]


@pytest.mark.parametrize("site", ["hub", "fi"])
def test_a_revoked_token_is_refused_at_every_route_and_no_other_is(revfed, figures, site):
    token = tokens.access_token(revfed, "researcher", [site])
    other = tokens.access_token(revfed, "researcher", [site])
    assert status_of(revfed, site, "/api/v1/me", token)[0] == 200
    revoke(revfed, "token", tokens.claims_of(token)["jti"], f"operator_{site}")
    refused_within(revfed, figures, f"token at {site}", {
        path: lambda path=path: status_of(revfed, site, path, token)[0] == 401 for path in PATHS})
    assert status_of(revfed, site, "/api/v1/me", other)[0] == 200


def test_signing_out_revokes_the_token_of_the_request(revfed, figures):
    token = tokens.access_token(revfed, "researcher", ["hub"])
    revfed.post("hub", "/api/v1/session/revoke", token=token)
    refused_within(revfed, figures, "own token", {
        path: lambda path=path: status_of(revfed, "hub", path, token)[0] == 401 for path in PATHS})


def test_a_revoked_person_is_refused_until_reinstated(revfed, figures):
    token = tokens.access_token(revfed, "somebody", ["fi"])
    assert status_of(revfed, "fi", "/api/v1/me", token)[0] == 200
    entry = revoke(revfed, "user", "somebody", "operator_fi", "--issuer", revfed.document["oidc"]["issuer"])
    again = revoke(revfed, "user", "somebody", "operator_fi", "--issuer", revfed.document["oidc"]["issuer"])
    assert again["id"] == entry["id"], "revoking twice is one entry"
    refused_within(revfed, figures, "user", {
        path: lambda path=path: status_of(revfed, "fi", path, token)[0] == 401 for path in PATHS})
    revfed.genofed("reinstate", entry["id"], "--reason", "a mistake", as_="operator_fi")
    wait_until(lambda: status_of(revfed, "fi", "/api/v1/me", token)[0] == 200, 5, "the person to be accepted again")
    listed = revfed.genofed("revocations", "--all", as_="operator_fi").json["revocations"]
    kept = next(one for one in listed if one["id"] == entry["id"])
    assert kept["reinstated_by"] == "operator_fi" and kept["reinstate_reason"] == "a mistake"


def test_only_dac_and_operator_revoke(revfed):
    for persona, site in (("researcher", "hub"), ("holder_fi", "fi"), ("citizen_fi", "fi")):
        status, headers, _ = revfed.rest(site, "POST", "/api/v1/revocations", persona=persona,
                                         body={"kind": "user", "value": "x", "reason": "y"})
        assert (status, headers["Genofed-Reason"]) == (403, "ROLE_MISSING"), persona
        assert revfed.rest(site, "GET", "/api/v1/revocations", persona=persona)[0] == 403
    status, headers, _ = revfed.rest("fi", "POST", "/api/v1/revocations", persona="dac_fi",
                                     body={"kind": "king", "value": "x", "reason": "y"})
    assert (status, headers["Genofed-Reason"]) == (400, "REVOCATION_INVALID")


def passport(fed, subject, audience="fi"):
    token = tokens.access_token(fed, subject, ["hub"])
    form = urllib.parse.urlencode({
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "requested_token_type": "urn:ga4gh:params:oauth:token-type:passport",
        "audience": f"urn:genofed:site:{audience}"}).encode()
    status, _, body = fed.rest("hub", "POST", "/oauth/token", body=form,
                               headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert status == 200, body
    return body["access_token"]


def opens(fed, subject, given, dataset=""):
    status, _, body = fed.rest("fi", "POST", "/api/v1/passports/check",
                               body={"passport": given, "dataset": dataset},
                               token=tokens.access_token(fed, subject, ["fi"]))
    return [one["dataset"] for one in body["datasets"]] if status == 200 else []


def granted(fed, cohort, title):
    """An application that is approved, and a passport that opens its dataset."""
    ident = road.grant(fed, [(cohort, True)], title)["id"]
    given = wait_until(lambda: next((p for p in [passport(fed, "researcher")] if tokens.claims_of(p)["ga4gh_passport_v1"]),
                                    None), 20, "a visa at the hub")
    assert opens(fed, "researcher", given) == [cohort.dataset]
    return ident, given


def test_a_revoked_dataset_and_a_revoked_application_open_nothing(revfed, cohort, figures):
    ident, given = granted(revfed, cohort, "To be revoked")
    entry = revoke(revfed, "dataset", cohort.dataset, "dac_fi")
    refused_within(revfed, figures, "dataset", {"passport": lambda: not opens(revfed, "researcher", given),
                                                "permissions": lambda: not permissions(revfed, "fi")})
    revfed.genofed("reinstate", entry["id"], "--reason", "done", as_="dac_fi")
    assert opens(revfed, "researcher", given) == [cohort.dataset]

    revfed.genofed("review", "revoke", ident, "--reason", "breach", as_="dac_fi")
    refused_within(revfed, figures, "application", {
        "passport": lambda: not opens(revfed, "researcher", given),
        "permissions at the node": lambda: not permissions(revfed, "fi"),
        "permissions at the hub": lambda: not permissions(revfed, "hub"),
        "exchange": lambda: not tokens.claims_of(passport(revfed, "researcher"))["ga4gh_passport_v1"]})
    listed = revfed.genofed("revocations", as_="dac_fi").json["revocations"]
    entry = next(one for one in listed if one["kind"] == "application" and one["value"] == ident)
    answer = revfed.genofed("reinstate", entry["id"], "--reason", "sorry", as_="dac_fi", check=False)
    assert answer.reason == "REVOCATION_FINAL", answer


def permissions(fed, site):
    broker = "broker" if site == "hub" else f"broker_{site}"
    return fed.get(site, "/permissions/researcher", persona=broker)["ga4gh_passport_v1"]


def test_revocations_survive_the_death_of_everything(revfed, figures):
    token = tokens.access_token(revfed, "researcher", ["hub", "fi"])
    for site in ("hub", "fi"):
        revoke(revfed, "token", tokens.claims_of(token)["jti"], f"operator_{site}")
    victims = {name: p["pid"] for name, p in revfed.processes().items() if name != "idp" and "postgres" not in name}
    for name in victims:
        revfed.kill9(*name.split("/"))
    for name, pid in victims.items():
        revfed.wait_ready(*name.split("/"), timeout=120, not_pid=pid)
    for site in ("hub", "fi"):
        for path in PATHS:
            assert status_of(revfed, site, path, token)[0] == 401, (site, path)


def test_who_does_not_hear_denies_and_recovers(revfed, figures):
    token = tokens.access_token(revfed, "researcher", ["fi"])
    services = [name.split("/")[1] for name in revfed.processes() if name.startswith("fi/") and "postgres" not in name]
    others = [service for service in services if service != "access"]
    revfed.signal("fi", "access", signal.SIGSTOP)
    try:
        start = time.monotonic()
        wait_until(lambda: status_of(revfed, "fi", "/api/v1/me", token) == (503, "REVOCATIONS_STALE"), LIMIT + 1,
                   "the gateway to deny")
        took = time.monotonic() - start
        for service in others:
            wait_until(lambda service=service: "REVOCATIONS_STALE" in admin(revfed, "fi", service, "/readyz")[1], 2,
                       f"{service} to deny")
            text = admin(revfed, "fi", service, "/metrics")[1]
            age = next(line for line in text.splitlines() if line.startswith("genofed_trust_revocations_age_seconds "))
            assert float(age.split()[1]) > 2, age
    finally:
        revfed.signal("fi", "access", signal.SIGCONT)
    start = time.monotonic()
    wait_until(lambda: status_of(revfed, "fi", "/api/v1/me", token)[0] == 200, 10, "the gateway to accept again")
    figures.append(f"access stopped: denied after {took:.1f} s, accepted again {time.monotonic() - start:.1f} s after it went on")
    revfed.wait_ready("fi", timeout=30)


def test_a_broken_trust_file_changes_nothing_and_a_good_one_is_taken(revfed):
    file = revfed.var / "fi" / "trust.json"
    good = file.read_text()
    token = tokens.access_token(revfed, "researcher", ["fi"])
    failures = "genofed_trust_reload_failures_total"

    def counted(service):
        text = admin(revfed, "fi", service, "/metrics")[1]
        return next((float(line.split()[1]) for line in text.splitlines() if line.startswith(failures + " ")), 0.0)

    before = {service: counted(service) for service in ("gateway", "consent", "spe")}
    try:
        tokens.replace(file, json.dumps({"issuers": [{"iss": "https://evil.example", "roles": "approval"}]}))
        for service, count in before.items():
            wait_until(lambda service=service, count=count: counted(service) == count + 1, 10, f"{service} to notice")
        assert "issuers[0]" in revfed.log("fi", "gateway"), "the log says what is wrong"
        assert status_of(revfed, "fi", "/api/v1/me", token)[0] == 200
        changed = json.loads(good)
        changed["revoked_jti"] = [tokens.claims_of(token)["jti"]]
        tokens.replace(file, json.dumps(changed))
        wait_until(lambda: status_of(revfed, "fi", "/api/v1/me", token)[0] == 401, 5, "the new trust file to count")
    finally:
        tokens.replace(file, good)
    wait_until(lambda: status_of(revfed, "fi", "/api/v1/me", token)[0] == 200, 5, "the old trust file to count")
