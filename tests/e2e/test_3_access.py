# SPDX-License-Identifier: Apache-2.0
"""Step 3: application, signature, advice, and each country's own decision."""

import base64
import hashlib
import json

import road


def claims_of(jws):
    header, claims, _ = jws.split(".")
    return [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in (header, claims)]


def outcomes(application):
    return {decision["country"]: decision["outcome"] for decision in application["decisions"]}


def test_both_countries_approve_and_each_signs_with_its_own_key(fed, cohorts, approved):
    assert approved["state"] == "STATE_ACTIVE"
    assert outcomes(approved) == {"FI": "OUTCOME_APPROVED", "ES": "OUTCOME_APPROVED"}
    assert hashlib.sha256(approved["frozen"].encode()).hexdigest() == approved["digest"]
    keys = set()
    for decision in approved["decisions"]:
        header, claims = claims_of(decision["signed_decision"])
        country = decision["country"].lower()
        trust = json.loads((fed.var / country / "trust.json").read_text())
        national = next(i for i in trust["issuers"] if "decision" in i["roles"])
        assert header["typ"] == "1mg-decision+jwt" and header["alg"] == "ES256"
        assert header["kid"] == national["jwks"]["keys"][0]["kid"], "signed by the country's pinned key"
        assert claims["iss"] == national["iss"]
        assert claims["application_sha256"] == approved["digest"]
        assert claims["datasets"] == [cohorts[country].dataset]
        keys.add(header["kid"])
        # The node pins no other national key: neither the neighbour's nor one of the hub.
        assert [i["iss"] for i in trust["issuers"] if "approval" in i["roles"]] == [national["iss"]]
    assert len(keys) == 2


def test_a_veto_removes_only_that_country(fed, cohorts, half_approved):
    assert outcomes(half_approved) == {"FI": "OUTCOME_APPROVED", "ES": "OUTCOME_VETOED"}
    veto = next(d for d in half_approved["decisions"] if d["country"] == "ES")
    assert veto["reason"] == "Not covered by national law"
    answer = road.submit(fed, half_approved["id"], fed.images / "allele-counts.workflow.json", check=False,
                         datasets=[cohorts["es"].dataset], CASE_TERM="HP:0001250")
    assert answer.code == 1 and answer.reason == "DATASET_NOT_APPROVED", answer
    # A country's word stands: neither again nor otherwise.
    again = fed.genofed("review", "approve", half_approved["id"], "--reason", "On second thoughts", as_="dac_es", check=False)
    assert again.code == 1, again


def test_every_step_belongs_to_its_person(fed, cohorts, listed):
    datasets = [cohort.dataset for cohort in cohorts.values()]
    body = {"content": {"title": "t", "purpose": "p", "lay_summary": "l", "purpose_code": "DUO:0000006",
                        "datasets": datasets, "duration_days": 30}}
    post = lambda path, who, content=None, site="hub": fed.rest(  # noqa: E731
        site, "POST", path, body={} if content is None else content, persona=who)[0]

    assert post("/api/v1/applications", None, body) == 401
    assert post("/api/v1/applications", "holder_fi", body) == 401, "a token for Finland's node"
    for persona in ("signing_official", "central_dac", "clinician", "policymaker"):
        assert post("/api/v1/applications", persona, body) == 403, persona
    unknown = {"content": {**body["content"], "datasets": ["GOE-FI-DATASET-404"]}}
    assert post("/api/v1/applications", "researcher", unknown) == 400

    path = f"/api/v1/applications/{road.draft(fed, datasets, 'Every step')['id']}"
    assert post(path + "/submit", "researcher_other_org") in (403, 404)
    assert fed.rest("hub", "GET", path, persona="researcher_other_org")[0] == 404, "others do not learn of it"
    assert post(path + "/confirmation", "signing_official", {"confirm": True}) == 409, "not submitted yet"
    assert post(path + "/submit", "researcher") == 200
    assert post(path + "/submit", "researcher") == 409

    for persona in ("researcher", "central_dac", "coordinator"):
        assert post(path + "/confirmation", persona, {"confirm": True}) == 403, persona
    assert post(path + "/recommendation", "central_dac", {"positive": True}) == 409, "not confirmed yet"
    assert post(path + "/confirmation", "signing_official", {"confirm": True}) == 200

    for persona in ("researcher", "signing_official", "coordinator"):
        assert post(path + "/recommendation", persona, {"positive": True}) == 403, persona
    assert fed.rest("fi", "GET", path.replace("applications", "reviews"), persona="dac_fi")[0] == 404, "not sent yet"
    assert post(path + "/recommendation", "central_dac", {"positive": True}) == 200

    ident = path.rsplit("/", 1)[1]
    review = road.wait_for_review(fed, cohorts["fi"], ident)
    assert review["digest_matches"] is True
    decision = f"/api/v1/reviews/{ident}/decision"
    say = {"approve": True, "reason": "r", "digest": review["application"]["digest"]}
    assert post(decision, None, say, "fi") == 401
    for persona in ("dac_es", "central_dac", "researcher"):
        assert post(decision, persona, say, "fi") == 401, f"{persona} has no token for Finland"
    for persona in ("holder_fi", "ncp_fi", "operator_fi", "citizen_fi"):
        assert post(decision, persona, say, "fi") == 403, persona
    status, _, problem = fed.rest("fi", "POST", decision, body={**say, "digest": "0" * 64}, persona="dac_fi")
    assert status in (400, 409) and problem["reason"] == "DIGEST_MISMATCH", problem
    status, _, problem = fed.rest("fi", "POST", decision, body={**say, "datasets": [cohorts["es"].dataset]}, persona="dac_fi")
    assert status in (400, 403, 409), f"Finland must not decide about Spain: {problem}"
    assert post(path + "/agreement", "signing_official", {"digest": say["digest"]}) == 409, "nobody decided yet"

    assert post(decision, "dac_fi", say, "fi") == 200
    road.decide(fed, cohorts["es"], ident, False)
    decided = road.wait_until(lambda: next((a for a in [road.application(fed, ident)] if a["state"] == "STATE_DECIDED"), None),
                              20, "both decisions at the hub")
    for persona in ("researcher", "central_dac"):
        assert post(path + "/agreement", persona, {"digest": decided["digest"]}) == 403, persona
    status, _, problem = fed.rest("hub", "POST", path + "/agreement", body={"digest": "0" * 64}, persona="signing_official")
    assert status == 400 and problem["reason"] == "DIGEST_MISMATCH", problem
    # Without the agreement nothing runs.
    early = road.submit(fed, ident, fed.images / "allele-counts.workflow.json", check=False, CASE_TERM="HP:0001250")
    assert early.code == 1 and early.reason == "APPLICATION_NOT_ACTIVE", early


def test_an_official_signs_only_for_their_own_organisation(fed, cohorts, listed):
    made = road.draft(fed, [cohorts["fi"].dataset], "Of another organisation", as_="researcher_other_org")
    fed.genofed("application", "submit", made["id"], as_="researcher_other_org")
    status, _, problem = fed.rest("hub", "POST", f"/api/v1/applications/{made['id']}/confirmation",
                                  body={"confirm": True}, persona="signing_official")
    assert status in (403, 404), problem


def test_an_application_that_every_country_refuses_stays_closed(fed, cohorts, listed):
    ident = road.transmit(fed, [cohorts["es"].dataset], "Refused by all")["id"]
    road.decide(fed, cohorts["es"], ident, False)
    refused = road.wait_until(lambda: next((a for a in [road.application(fed, ident)] if a["state"] == "STATE_REFUSED"), None),
                              20, "the refusal at the hub")
    answer = fed.genofed("application", "sign", ident, "--digest", refused["digest"], as_="signing_official", check=False)
    assert answer.code == 1 and answer.reason == "APPLICATION_STATE", answer
