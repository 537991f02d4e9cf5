# SPDX-License-Identifier: Apache-2.0
"""Every REST route of a node, tried with everything that a hostile hub, a neighbour or a thief has."""

import collections
import json
import re
import time

import pytest

from test_7_hostile_hub import b64, forge, unpack

NODE = "urn:genofed:site:fi"
# What a route may answer to somebody who is not let in: no token, no right, no such thing, or a request that is
# refused before anybody is asked.
CLOSED = {400, 401, 403, 404, 405, 409, 411, 413, 415, 422}


def routes(fed, site):
    """(method, path with made-up values, operation) of everything that the gateway serves."""
    listing = fed.get(site, "/openapi.json")
    for pattern, operations in sorted(listing["paths"].items()):
        path = re.sub(r"\{[^}]*\}", "x1", pattern)
        for method, operation in operations.items():
            if method in ("get", "post", "put", "patch", "delete"):
                yield method.upper(), pattern, path, operation


def is_public(operation):
    return not operation.get("security")


@pytest.fixture(scope="module")
def loot(fed):
    """Name to Authorization header: all that an attacker with the hub and Spain in hand could present in Finland."""
    found = {}
    for persona, entry in fed.document["personas"].items():
        if entry["site"] != "fi":
            found[f"token of {persona}"] = "Bearer " + fed.token(persona)
    genuine = fed.token("dac_fi")
    header, claims = unpack(genuine)
    parts = genuine.split(".")
    hub_key, es_key = fed.var / "hub" / "tls" / "access.key", fed.var / "es" / "secrets" / "national.pem"
    for name, key in (("the hub's certificate key", hub_key), ("Spain's national key", es_key)):
        found[f"dac_fi signed by {name}"] = "Bearer " + forge(key, header, claims)
        found[f"dac_fi by {name}, of the hub"] = "Bearer " + forge(key, header, {**claims, "iss": "https://hub.1mg.example"})
    found["own key in the header"] = "Bearer " + forge(es_key, {**header, "jwk": {"kty": "EC"}}, claims)
    found["keys at the attacker's address"] = "Bearer " + forge(es_key, {**header, "jku": "https://attacker.example/jwks"}, claims)
    found["without signature"] = "Bearer " + parts[0] + "." + parts[1] + "."
    found["alg none"] = "Bearer " + b64(json.dumps({**header, "alg": "none"}).encode()) + "." + parts[1] + "."
    found["other subject"] = "Bearer " + ".".join([parts[0], b64(json.dumps({**claims, "sub": "x"}).encode()), parts[2]])
    found["other audience"] = "Bearer " + ".".join([parts[0], b64(json.dumps({**claims, "aud": "urn:genofed:site:hub"}).encode()), parts[2]])
    found["as DPoP without proof"] = "DPoP " + genuine
    found["as Basic"] = "Basic " + b64(b"dac_fi:secret")
    found["nothing"] = None
    return found


def test_every_rest_route_of_a_node_refuses_what_a_hostile_hub_can_present(fed, listed, loot, figures):
    wrong, statuses, tried = [], collections.Counter(), 0
    everything = list(routes(fed, "fi"))
    guarded = [route for route in everything if not is_public(route[3])]
    assert len(guarded) > 25, [route[:2] for route in guarded]
    for method, pattern, path, _ in guarded:
        for name, authorization in loot.items():
            headers = {"Authorization": authorization} if authorization else {}
            status, _, body = fed.rest("fi", method, path, {} if method != "GET" else None, headers=headers)
            tried += 1
            statuses[status] += 1
            if status not in (401, 403):
                wrong.append((method, pattern, name, status, str(body)[:200]))
    assert not wrong, f"{len(wrong)}: {wrong[:5]}"
    # A bad token is no better than none where none is needed: it is refused, not ignored.
    for method, pattern, path, _ in everything:
        if (method, pattern) in [(m, p) for m, p, *_ in guarded]:
            continue
        status, _, body = fed.rest("fi", method, path, {} if method != "GET" else None, headers={"Authorization": loot["without signature"]})
        tried += 1
        statuses[status] += 1
        if status not in CLOSED and pattern not in ("/login", "/callback", "/logout"):
            wrong.append((method, pattern, "without signature", status, str(body)[:200]))
    assert not wrong, f"{len(wrong)}: {wrong[:5]}"
    figures.append(f"hostile hub at REST: {tried} requests to {len(everything)} routes of Finland's gateway with {len(loot)} "
                   f"kinds of loot ({', '.join(loot)}): {dict(statuses)}")


def test_public_routes_disclose_no_person_and_no_count_under_the_floor(fed, cohorts, listed):
    cohort = cohorts["fi"]
    names = {person["sample"] for person in cohort.people.values()} | set(cohort.people)
    for method, pattern, path, operation in routes(fed, "fi"):
        if method != "GET" or not is_public(operation):
            continue
        status, _, body = fed.rest("fi", "GET", path)
        text = body.decode(errors="replace") if isinstance(body, bytes) else json.dumps(body)
        leaked = [name for name in names if name in text]
        assert not leaked, (pattern, status, leaked[:3])


@pytest.mark.parametrize("shift, accepted", [(-55, True), (55, True), (70, False), (3600, False)])
def test_clocks_that_differ_by_less_than_a_minute_do_no_harm(fed, listed, shift, accepted):
    """A token of a login service whose clock is off by `shift` seconds."""
    header, claims = unpack(fed.token("dac_fi"))
    now = int(time.time()) + shift
    token = forge(fed.var / "idp" / "signing-key.pem", header, {**claims, "iat": now, "nbf": now, "exp": now + 600, "jti": f"skew{shift}"})
    status, _, _ = fed.rest("fi", "GET", "/api/v1/reviews", headers={"Authorization": "Bearer " + token})
    assert (status == 200) == accepted, status
    if accepted:
        ended = forge(fed.var / "idp" / "signing-key.pem", header, {**claims, "iat": now - 900, "nbf": now - 900, "exp": now - 116, "jti": "late"})
        status, _, _ = fed.rest("fi", "GET", "/api/v1/reviews", headers={"Authorization": "Bearer " + ended})
        assert status == 401, "a token that ended more than a minute ago"
