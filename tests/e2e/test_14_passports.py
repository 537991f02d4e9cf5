# SPDX-License-Identifier: Apache-2.0
"""Visas, passports and the keys behind them, in a federation with a process for each site."""

import json
import os
import signal
import time
import urllib.parse

import pytest

import road
import tokens
from cohort import Cohort
from conftest import QUICK, _running, synth
from federation import Federation, wait_until

FORM = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "requested_token_type": "urn:ga4gh:params:oauth:token-type:passport",
        "audience": "urn:genofed:site:fi"}
REFRESH = 13  # seconds: the interval of `genofed up`, a fifth more, and a look


@pytest.fixture(scope="module")
def passfed(workspace):
    federation = Federation(workspace / "var-passports", layout="site", images=workspace / "no-images", sets=QUICK,
                            hsm="none")
    _running.append(federation)
    try:
        yield federation.up(timeout=240)
    finally:
        federation.down()
        _running.remove(federation)


@pytest.fixture(scope="module")
def granted(workspace, passfed):
    """Datasets of both countries, granted to the researcher: {site: cohort}."""
    cohorts = {}
    for country in ("FI", "ES"):
        folder = synth(workspace / f"passport-cohort-{country}", country, people=40, sites=200)
        cohort = cohorts[country.lower()] = Cohort(folder, country, f"GOE-{country}-PASSPORT-1")
        road.onboard(passfed, cohort)
        road.list_dataset(passfed, cohort)
    road.grant(passfed, [(cohort, True) for cohort in cohorts.values()], "By passport")
    wait_until(lambda: len(visas_in(passport(passfed))) == 2, 20, "visas of both countries at the hub")
    return cohorts


def exchange(fed, subject="researcher", **changes):
    form = {**FORM, "subject_token": tokens.access_token(fed, subject, ["hub"]), **changes}
    return fed.rest("hub", "POST", "/oauth/token", headers={"Content-Type": "application/x-www-form-urlencoded"},
                    body=urllib.parse.urlencode({k: v for k, v in form.items() if v is not None}).encode())


def passport(fed, subject="researcher", site="fi"):
    status, headers, body = exchange(fed, subject, audience=f"urn:genofed:site:{site}")
    assert status == 200 and headers["Cache-Control"] == "no-store", body
    assert body["issued_token_type"] == FORM["requested_token_type"] and body["token_type"] == "N_A"
    assert 0 < body["expires_in"] <= 600
    return body["access_token"]


def visas_in(token):
    return [tokens.claims_of(visa) for visa in tokens.claims_of(token)["ga4gh_passport_v1"]]


def check(fed, site, given, subject="researcher", dataset=""):
    """(datasets that open, reason)."""
    status, headers, body = fed.rest(site, "POST", "/api/v1/passports/check", body={"passport": given, "dataset": dataset},
                                     token=tokens.access_token(fed, subject, [site]))
    return ([one["dataset"] for one in body["datasets"]] if status == 200 else []), headers.get("Genofed-Reason", "")


def test_a_passport_opens_its_holders_datasets_at_its_node(passfed, granted):
    given = passport(passfed)
    claims = tokens.claims_of(given)
    assert claims["aud"] == "urn:genofed:site:fi" and claims["sub"] == "researcher" and claims["jti"]
    assert claims["exp"] - claims["iat"] <= 600
    for visa in visas_in(given):
        assert visa["exp"] - visa["iat"] <= 24 * 3600 and visa["jti"] and visa["sub"] == "researcher"
        grant = visa["ga4gh_visa_v1"]
        assert grant["type"] == "ControlledAccessGrants" and grant["by"] == "dac"
        assert grant["value"].startswith("https://data.1mg.example/datasets/GOE-") and grant["source"] == visa["iss"] + "/dac"
    assert check(passfed, "fi", given) == ([granted["fi"].dataset], "")
    assert check(passfed, "fi", given, dataset=granted["fi"].dataset) == ([granted["fi"].dataset], "")
    # Neither for another node, nor for another dataset, nor for somebody else.
    assert check(passfed, "es", given) == ([], "PASSPORT_REFUSED")
    assert check(passfed, "fi", given, dataset=granted["es"].dataset) == ([], "PASSPORT_REFUSED")
    assert check(passfed, "fi", given, subject="researcher_other_org") == ([], "PASSPORT_REFUSED")
    assert check(passfed, "es", passport(passfed, site="es")) == ([granted["es"].dataset], "")
    # Somebody without grants gets a passport without visas, which opens nothing.
    empty = passport(passfed, "researcher_other_org")
    assert visas_in(empty) == [] and check(passfed, "fi", empty, subject="researcher_other_org") == ([], "PASSPORT_REFUSED")


def test_a_passport_is_not_an_access_token_nor_the_reverse(passfed, granted):
    given = passport(passfed)
    assert passfed.rest("fi", "GET", "/api/v1/me", token=given)[0] == 401
    assert exchange(passfed, subject_token=given)[0] == 400
    assert check(passfed, "fi", tokens.access_token(passfed, "researcher", ["fi"])) == ([], "PASSPORT_REFUSED")
    # Re-signed by somebody else's key, or with one visa of another person's passport.
    forged = tokens.sign(tokens.new_key(), "vnd.ga4gh.passport+jwt", tokens.claims_of(given))
    assert check(passfed, "fi", forged) == ([], "PASSPORT_REFUSED")


@pytest.mark.parametrize("changes, status, error", [
    ({"grant_type": "client_credentials"}, 400, "unsupported_grant_type"),
    ({"grant_type": None}, 400, "invalid_request"),
    ({"subject_token": "x.y.z"}, 400, "invalid_request"),
    ({"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"}, 400, "invalid_request"),
    ({"requested_token_type": "urn:ietf:params:oauth:token-type:access_token"}, 400, "invalid_request"),
    ({"audience": None}, 400, "invalid_request"),
    ({"audience": "urn:genofed:site:hub"}, 400, "invalid_target"),
    ({"audience": "urn:genofed:site:se"}, 400, "invalid_target"),
])
def test_the_exchange_refuses_in_the_words_of_oauth(passfed, granted, changes, status, error):
    given, headers, body = exchange(passfed, **changes)
    assert (given, body["error"]) == (status, error), body
    assert body["error_description"] and headers["Cache-Control"] == "no-store"


def test_brokers_and_only_brokers_see_permissions(passfed, granted):
    hub = passfed.get("hub", "/permissions/researcher", persona="broker")["ga4gh_passport_v1"]
    assert {tokens.claims_of(visa)["iss"] for visa in hub} == {"https://dac.fi.1mg.example", "https://dac.es.1mg.example"}
    node = passfed.get("fi", "/permissions/researcher", persona="broker_fi")["ga4gh_passport_v1"]
    assert [tokens.claims_of(visa)["iss"] for visa in node] == ["https://dac.fi.1mg.example"]
    assert passfed.get("hub", "/permissions/nobody%40example.org", persona="broker") == {"ga4gh_passport_v1": []}
    for site, persona in (("hub", "researcher"), ("hub", "central_dac"), ("fi", "dac_fi"), ("fi", "operator_fi")):
        assert passfed.rest(site, "GET", "/permissions/researcher", persona=persona)[0] == 403, persona
    assert passfed.rest("hub", "GET", "/permissions/researcher")[0] == 401


def test_keys_are_published(passfed, granted):
    for site, pem in (("hub", "passport.pem"), ("fi", "national.pem"), ("es", "national.pem")):
        expected = tokens.public_jwk((passfed.var / site / "secrets" / pem).read_text())
        for path in ("/jwks.json", "/.well-known/jwks.json"):
            status, headers, body = passfed.rest(site, "GET", path)
            assert status == 200 and headers["Cache-Control"] == "public, max-age=60"
            assert [key["kid"] for key in body["keys"]] == [expected["kid"]]
            assert "d" not in body["keys"][0] and body["keys"][0]["x"] == expected["x"]


def test_fetched_keys_go_on_when_their_issuer_is_away(passfed, granted, figures):
    """Finland pins another key of the hub than the one in use: only the fetched one verifies passports."""
    file = passfed.var / "fi" / "trust.json"
    good = file.read_text()
    given = passport(passfed)
    trust = json.loads(good)
    broker = next(issuer for issuer in trust["issuers"] if "passport" in issuer["roles"])
    broker["jwks"] = {"keys": [tokens.public_jwk(tokens.new_key())]}
    hub = passfed.pid("hub", "site")
    try:
        tokens.replace(file, json.dumps(trust))
        time.sleep(2)
        assert check(passfed, "fi", given)[0] == [granted["fi"].dataset]
        os.kill(hub, signal.SIGSTOP)
        end = time.monotonic() + 1.5 * REFRESH
        while time.monotonic() < end:
            assert check(passfed, "fi", given)[0] == [granted["fi"].dataset]
            time.sleep(1)
        figures.append(f"hub away for {1.5 * REFRESH:.0f} s: its fetched key went on verifying passports")
    finally:
        os.kill(hub, signal.SIGCONT)
        tokens.replace(file, good)
    # What had waited for the hub comes first.
    wait_until(lambda: exchange(passfed, "researcher", audience="urn:genofed:site:fi")[0] == 200, 20, "the hub to be back")


def test_the_national_key_rotates_with_overlap(passfed, granted, figures):
    secrets = passfed.var / "fi" / "secrets" / "national.pem"
    published = passfed.var / "fi" / "published-keys.json"
    old, new = secrets.read_text(), tokens.new_key()
    before = passport(passfed)
    checks = 0

    def still_opens(given):
        nonlocal checks
        checks += 1
        assert check(passfed, "fi", given) == ([granted["fi"].dataset], ""), f"after {checks} checks"

    tokens.replace(published, json.dumps({"keys": [tokens.public_jwk(new)]}))
    end = time.monotonic() + REFRESH
    while time.monotonic() < end:
        still_opens(before)
        time.sleep(0.5)
    # Everybody has the new key; now it signs, and the old one is published beside it.
    tokens.replace(published, json.dumps({"keys": [tokens.public_jwk(old)]}))
    tokens.replace(secrets, new)
    pid = passfed.kill9("fi", "site")
    passfed.wait_ready("fi", "site", timeout=90, not_pid=pid)
    wait_until(lambda: check(passfed, "fi", before)[0], 5, "the node to answer")
    kid = tokens.public_jwk(new)["kid"]
    assert kid in [key["kid"] for key in passfed.get("fi", "/jwks.json")["keys"]]

    def header(visa):
        return json.loads(tokens.base64.urlsafe_b64decode(visa.split(".")[0] + "=="))

    def signed_anew():
        given = passport(passfed)
        kids = [header(visa)["kid"] for visa in tokens.claims_of(given)["ga4gh_passport_v1"]]
        return given if kid in kids else None

    after = wait_until(signed_anew, 20, "a visa by the new key at the hub")
    end = time.monotonic() + REFRESH
    while time.monotonic() < end:
        still_opens(before)
        still_opens(after)
        time.sleep(0.5)
    figures.append(f"national key rotated with overlap: {checks} passport checks, none failed")
