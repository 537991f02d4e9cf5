# SPDX-License-Identifier: Apache-2.0
"""The hub turned hostile: with its keys, certificates and database, nothing of a node is granted or disclosed."""

import base64
import collections
import hashlib
import json
import subprocess
import time

import pytest

import road
from cohort import MINIMUM
from conftest import CASE_TERM, WORKFLOW
from federation import REPO, wait_until

HUB_SERVICES = ["access", "catalogue", "discovery", "dispatcher", "gateway"]
REFUSED = {"PERMISSION_DENIED", "UNAUTHENTICATED"}
QUERY = "genofed.discovery.v1.DiscoveryService/Query"
TERMS = "genofed.discovery.v1.DiscoveryService/ListFilteringTerms"
CASES = "genofed.discovery.v1.CaseService/MatchCases"
ISSUE = "genofed.access.v1.PassportService/IssueAccountTokens"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def es256(key_file, data):
    """r || s over `data`, by the command line of OpenSSL."""
    der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key_file], input=data, check=True, capture_output=True).stdout
    numbers, rest = [], der[2:]
    for _ in range(2):
        length = rest[1]
        numbers.append(int.from_bytes(rest[2:2 + length], "big"))
        rest = rest[2 + length:]
    return b"".join(number.to_bytes(32, "big") for number in numbers)


def forge(key_file, header, claims):
    text = ".".join(b64(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    return f"{text}.{b64(es256(key_file, text.encode()))}"


def unpack(jws):
    return [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in jws.split(".")[:2]]


class Attacker:
    """Drives genofed-hostile-hub with the files of one site."""

    def __init__(self, fed, program, site):
        self.fed, self.program, self.site = fed, program, site

    def run(self, services, target_site, targets, tokens=(), requests=(), only=False):
        command = [self.program, "--tls", self.fed.var / self.site / "tls", "--bundle", self.fed.ca_file]
        for service in services:
            command += ["--as", f"{self.site}/{service}"]
        for service in targets:
            command += ["--at", f"{target_site}/{service}={self.fed.site(target_site)['services'][service]['grpc']}"]
        for name, file in tokens:
            command += ["--token", f"{name}={file}"]
        for method, request in requests:
            command += ["--request", f"{method}={json.dumps(request)}"]
        done = subprocess.run(command + ["--only"] * only, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        attempts = [json.loads(line) for line in done.stdout.splitlines()]
        assert not [a for a in attempts if a["status"] in ("BAD_ATTEMPT", "UNAVAILABLE", "DEADLINE_EXCEEDED")], attempts[:3]
        return attempts


@pytest.fixture
def stolen(fed, tmp_path):
    """Access tokens that passed through hostile hands: of a researcher at the hub, and of people of Finland's node."""
    files = []
    for persona in ("researcher", "dac_fi", "holder_fi", "citizen_fi"):
        file = tmp_path / persona
        file.write_text(fed.token(persona))
        files.append((persona, file))
    return files


def known_methods():
    """Every method that some service's policy names."""
    methods = set()
    for policy in REPO.glob("services/*/policy.json"):
        methods |= set(json.loads(policy.read_text())["methods"])
    return methods


def test_every_rpc_of_a_node_refuses_every_workload_of_the_hub(fed, listed, hostile_hub, stolen, figures):
    targets = sorted(set(fed.site("fi")["services"]) - {"gateway"})  # which serves no RPC
    attempts = Attacker(fed, hostile_hub, "hub").run(HUB_SERVICES, "fi", targets, stolen)
    tried = {attempt["method"] for attempt in attempts}
    assert tried >= known_methods(), f"not tried: {known_methods() - tried}"
    unexpected = []
    for a in attempts:
        at_home = a["method"].startswith(f"genofed.{a['at'].split('/')[1]}.")
        allowed = a["as"] == "hub/discovery" and a["method"] in (QUERY, TERMS, CASES) and at_home
        # What is not served there at all is refused in the same way: nobody learns what there is.
        if not allowed and a["status"] not in REFUSED:
            unexpected.append(a)
    assert not unexpected, f"{len(unexpected)} of {len(attempts)}: {unexpected[:5]}"
    statuses = collections.Counter(a["status"] for a in attempts)
    figures.append(f"hostile hub: {len(attempts)} calls of {len(tried)} methods at {len(targets)} services of Finland "
                   f"with 5 certificates and {len(stolen)} stolen tokens: {dict(statuses)}")


def test_a_neighbour_gets_nothing_from_a_node(fed, listed, hostile_hub, stolen):
    services = sorted(fed.site("es")["services"])
    targets = sorted(set(fed.site("fi")["services"]) - {"gateway"})
    attempts = Attacker(fed, hostile_hub, "es").run(services, "fi", targets, stolen[1:2])
    # What any node may call at the hub passes the same row here, to find that it is not served.
    wrong = [a for a in attempts if a["status"] not in REFUSED | {"UNIMPLEMENTED"}]
    assert not wrong, wrong[:5]


def test_what_the_hub_may_ask_stays_above_the_floor(fed, cohorts, listed, hostile_hub):
    cohort = cohorts["fi"]
    people = cohort.permitting("AF")
    by_count = collections.defaultdict(list)
    for variant in cohort.variants():
        by_count[cohort.carriers(variant, people)].append(variant)
    chosen = [by_count[n][0] for n in range(1, MINIMUM + 3) if by_count[n]]
    assert len(chosen) >= 5
    requests = [(QUERY, {"entity": "ENTITY_VARIANT", "granularity": "GRANULARITY_RECORD", "datasets": [cohort.dataset],
                         "variant": {"assembly": "GRCh38", "contig": chrom.removeprefix("chr"), "start": pos - 1,
                                     "reference_bases": ref, "alternate_bases": alt}})
                for chrom, pos, ref, alt in chosen]
    attempts = Attacker(fed, hostile_hub, "hub").run(["discovery"], "fi", ["discovery"], requests=requests, only=True)
    for variant, attempt in zip(chosen, attempts, strict=True):
        truth = cohort.carriers(variant, people)
        assert attempt["status"] == "OK", attempt
        answer = attempt["response"]
        if truth < MINIMUM:
            assert not answer.get("exists") and int(answer.get("count", 0)) == 0, (truth, answer)
            assert not any(d.get("count") or d.get("alleles") for d in answer.get("datasets", [])), (truth, answer)
        else:
            assert int(answer["count"]) == truth, (truth, answer)
    text = json.dumps([attempt["response"] for attempt in attempts])
    assert not any(person["sample"] in text for person in cohort.people.values())


def test_a_captured_discovery_of_the_hub_cannot_invent_accounts(fed, listed, hostile_hub, stolen):
    """It has its certificate and what callers hand over. Accounts are named by the hub's broker alone, to one node at a time."""
    hub = Attacker(fed, hostile_hub, "hub")
    nobody, researcher = hub.run(["discovery"], "hub", ["access"], stolen[:1], [(ISSUE, {})], only=True)
    assert nobody["status"] == "UNAUTHENTICATED", nobody
    assert researcher["status"] == "OK", researcher
    issued = {one["site"]: one["token"] for one in researcher["response"]["tokens"]}
    assert issued.keys() >= {"fi", "es"}
    assert all(a["status"] in REFUSED for a in hub.run(["gateway", "dispatcher", "catalogue"], "hub", ["access"], stolen[:1],
                                                       [(ISSUE, {})], only=True))
    header, claims = unpack(issued["fi"])
    assert claims["aud"] == "urn:genofed:site:fi" and claims["exp"] - claims["iat"] == 600
    assert "researcher" not in json.dumps(claims) and len(claims["sub"]) == 64

    def ask(site, token):
        # Of no dataset: it goes all the way, and spends nothing.
        query = {"entity": "ENTITY_VARIANT", "granularity": "GRANULARITY_BOOLEAN", "datasets": ["none"], "account_token": token,
                 "variant": {"contig": "20", "start": 1000, "reference_bases": "A", "alternate_bases": "T"}}
        cases = {"terms": [CASE_TERM], "datasets": ["none"], "account_token": token}
        return hub.run(["discovery"], site, ["discovery"], requests=[(QUERY, query), (CASES, cases)], only=True)

    assert [a["status"] for a in ask("fi", issued["fi"])] == ["OK", "OK"], "the control"
    # Who shows nothing is nobody, of whom there is one; cases are matched for people who signed in.
    assert [a["status"] for a in ask("fi", "")] == ["OK", "UNAUTHENTICATED"]
    invented = {**claims, "sub": hashlib.sha256(b"a new organisation").hexdigest()}
    broker, own = fed.var / "hub/secrets/passport.pem", fed.var / "hub/tls/discovery.key"
    now = int(time.time())
    refused = {
        "a bare name": invented["sub"],
        "its own key under the broker's name": forge(own, header, invented),
        "the hub's authority": forge(fed.var / "hub/secrets/ca.key", header, invented),
        "another country's key": forge(fed.var / "es/secrets/national.pem", header, invented),
        "another account under the broker's signature":
            ".".join([issued["fi"].split(".")[0], b64(json.dumps(invented).encode()), issued["fi"].split(".")[2]]),
        "the token for Spain": issued["es"],
        "a passport": forge(broker, {**header, "typ": "vnd.ga4gh.passport+jwt"}, {**claims, "ga4gh_passport_v1": []}),
        "one that ended": forge(broker, header, {**claims, "iat": now - 700, "exp": now - 100}),
        "one for an hour": forge(broker, header, {**claims, "iat": now, "exp": now + 3600}),
        "the caller's own token": stolen[0][1].read_text(),
    }
    for name, token in refused.items():
        for attempt in ask("fi", token):
            assert (attempt["status"], attempt["reason"]) == ("PERMISSION_DENIED", "ACCOUNT_TOKEN_REFUSED"), (name, attempt)
            assert "trust file" in attempt["message"], attempt
    assert ask("es", issued["fi"])[0]["reason"] == "ACCOUNT_TOKEN_REFUSED"
    # What was forged above was forged rightly: with the broker's key it counts, which is all that this key can do here.
    assert [a["status"] for a in ask("fi", forge(broker, header, invented))] == ["OK", "OK"]


def test_a_certificate_for_finland_by_the_hubs_authority_is_refused(fed, hostile_hub, listed, tmp_path):
    hub = fed.var / "hub"
    # With the hub's own CA key: one for Finland's consent service, and as a control one for the hub itself.
    for folder, uri in (("forged", "spiffe://fi.1mg.example/sa/spe"), ("control", "spiffe://hub.1mg.example/sa/spe")):
        path = tmp_path / "hub" / folder
        path.mkdir(parents=True)
        (path / "extensions").write_text(
            f"subjectAltName=URI:{uri},DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=clientAuth,serverAuth\n"
            "keyUsage=critical,digitalSignature\nbasicConstraints=critical,CA:FALSE\n")
        run = lambda *args: subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)  # noqa: E731
        run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path / "spe.key",
            "-subj", "/CN=spe", "-out", path / "spe.csr")
        run("x509", "-req", "-in", path / "spe.csr", "-CA", hub / "tls" / "ca.pem", "-CAkey", hub / "secrets" / "ca.key",
            "-days", "1", "-extfile", path / "extensions", "-out", path / "spe.pem")
    request = "genofed.consent.v1.ConsentService/GetEpoch={}"
    address = fed.site("fi")["services"]["consent"]["grpc"]

    def attempt(folder):
        done = subprocess.run([hostile_hub, "--tls", tmp_path / "hub" / folder, "--bundle", fed.ca_file, "--as", "hub/spe",
                               "--at", f"fi/consent={address}", "--request", request, "--only"],
                              capture_output=True, text=True, timeout=60, check=True)
        return json.loads(done.stdout)
    # The handshake fails for the forged one; the honest one gets through TLS and is refused by the policy.
    assert attempt("forged")["status"] == "UNAVAILABLE"
    assert attempt("control")["status"] == "PERMISSION_DENIED"
    real = Attacker(fed, hostile_hub, "fi").run(["spe"], "fi", ["consent"], only=True,
                                               requests=[("genofed.consent.v1.ConsentService/GetEpoch", {})])
    assert real[0]["status"] == "OK", "the control: with Finland's own certificate it works"


def test_a_node_believes_no_key_but_its_own_countrys(fed, cohorts, approved, completed, hostile_hub):
    """Even inside the node, past every certificate check, an approval by another key opens nothing."""
    inside = Attacker(fed, hostile_hub, "fi")
    genuine = inside.run(["dispatcher"], "fi", ["access"], only=True, requests=[
        ("genofed.access.v1.DecisionService/GetApproval", {"application": approved["id"]})])[0]["response"]["token"]
    header, claims = unpack(genuine)
    # Approvals are bound to who presents them: spe asks for its own.
    own = inside.run(["spe"], "fi", ["access"], only=True, requests=[
        ("genofed.access.v1.DecisionService/GetApproval", {"application": approved["id"]})])[0]["response"]["token"]
    part = road.parts(completed["run"])["fi"]
    objects = inside.run(["spe"], "fi", ["onboarding"], only=True, requests=[
        ("genofed.onboarding.v1.OnboardingService/ListObjects", {"dataset": {"dataset": cohorts["fi"].dataset, "version": 1}})
    ])[0]["response"]["objects"]
    recipient = base64.b64encode(bytes(range(32))).decode()

    def ask(token):
        body = {"ledger_index": part["ledger_index"], "recipient": recipient, "objects": [objects[0]["id"]],
                "approval": token, "application": approved["id"], "researcher_subject": claims["sub"]}
        return inside.run(["spe"], "fi", ["consent"], only=True,
                          requests=[("genofed.consent.v1.KeyService/ReleaseHeaders", body)])[0]

    keys = {"the hub's CA": fed.var / "hub/secrets/ca.key", "a hub workload": fed.var / "hub/tls/access.key",
            "Spain": fed.var / "es/secrets/national.pem"}
    for name, key in keys.items():
        for altered in (header, {**header, "kid": "hub"}, {"alg": "none", "typ": header["typ"]}):
            attempt = ask(forge(key, altered, claims))
            assert attempt["status"] in REFUSED and "APPROVAL" in attempt["reason"], (name, attempt)
    spain = unpack(inside_spain(fed, hostile_hub, approved))[1]
    assert spain["country"].upper() == "ES"
    wider = {**claims, "datasets": [*claims["datasets"], "GOE-FI-DATASET-9"]}
    attempt = ask(".".join([genuine.split(".")[0], b64(json.dumps(wider).encode()), genuine.split(".")[2]]))
    assert attempt["status"] in REFUSED, attempt
    # The control comes last: the genuine token is good for exactly this. Somebody may have withdrawn since the entry
    # was written, which is another, later refusal.
    stolen_from_dispatcher = ask(genuine)
    assert stolen_from_dispatcher["reason"] == "APPROVAL_REFUSED", stolen_from_dispatcher
    attempt = ask(own)
    assert attempt["status"] == "OK" or attempt["reason"] == "COHORT_CHANGED", attempt


def inside_spain(fed, hostile_hub, approved):
    return Attacker(fed, hostile_hub, "es").run(["dispatcher"], "es", ["access"], only=True, requests=[
        ("genofed.access.v1.DecisionService/GetApproval", {"application": approved["id"]})])[0]["response"]["token"]


def test_a_country_cannot_decide_for_another_and_the_hub_for_none(fed, cohorts, listed, hostile_hub):
    ident = road.transmit(fed, [cohorts["fi"].dataset, cohorts["es"].dataset], "Forged decisions")["id"]
    application = road.application(fed, ident)
    deliver = "genofed.access.v1.ApplicationService/DeliverDecision"
    claims = {"iss": "https://dac.es.1mg.example", "jti": "dec-forged", "country": "ES", "application": ident,
              "application_sha256": application["digest"], "decision": "approve", "verdict": "approve",
              "datasets": [cohorts["es"].dataset], "conditions": [], "reason": "", "iat": int(time.time())}
    trust = json.loads((fed.var / "hub" / "trust.json").read_text())
    spain = next(i for i in trust["issuers"] if i["iss"] == claims["iss"])["jwks"]["keys"][0]["kid"]
    header = {"alg": "ES256", "typ": "1mg-decision+jwt", "kid": spain}
    for site, key in (("fi", "fi/secrets/national.pem"), ("es", "fi/secrets/national.pem"), ("es", "hub/tls/access.key")):
        jws = forge(fed.var / key, header, claims)
        attempt = Attacker(fed, hostile_hub, site).run(["access"], "hub", ["access"], only=True,
                                                      requests=[(deliver, {"application": ident, "signed_decision": jws})])[0]
        assert attempt["status"] in REFUSED, (site, key, attempt)
    assert {d["outcome"] for d in road.application(fed, ident)["decisions"]} == {"OUTCOME_PENDING"}


def hub_sql(fed, statement):
    """Runs SQL as the hub's access service: the whole hub is hostile, its database included."""
    config = json.loads((fed.var / "hub" / "site.json").read_text())["postgres"]
    password = (fed.var / "hub" / "secrets" / "postgres-access").read_text().strip()
    done = subprocess.run(["psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-h", config["host"], "-p", str(config["port"]),
                           "-U", "genofed_access", "-d", config["database"], "-c", statement],
                          capture_output=True, text=True, timeout=30, env={"PATH": "/usr/bin:/bin", "PGPASSWORD": password},
                          check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def claim_approved(fed, ident):
    """Edits the hub's row so that every country seems to have approved. Field names as in the stored document."""
    document = json.loads(hub_sql(fed, f"SELECT document FROM access.applications WHERE id = '{ident}'"))
    for decision in document["decisions"]:
        decision["outcome"] = "OUTCOME_APPROVED"
    document["state"] = "STATE_ACTIVE"
    key = "agreementSha256" if any("A" <= c <= "Z" for name in document for c in name) else "agreement_sha256"
    document.setdefault(key, hashlib.sha256(b"forged").hexdigest())
    text = json.dumps(document).replace("'", "''")
    hub_sql(fed, f"UPDATE access.applications SET document = '{text}', "
                 f"sequence = nextval('access.application_sequence') WHERE id = '{ident}'")


def run_at_both(fed, ident, images, datasets):
    run = road.submit(fed, ident, images / WORKFLOW, datasets=datasets, CASE_TERM=CASE_TERM)
    return run, road.finish(fed, run, [], timeout=60)


def test_a_veto_holds_although_the_hubs_database_says_otherwise(fed, cohorts, listed, images):
    es = cohorts["es"]
    ident = road.transmit(fed, [es.dataset], "Vetoed, says Spain")["id"]
    road.decide(fed, es, ident, False)
    wait_until(lambda: road.application(fed, ident)["state"] == "STATE_REFUSED", 20, "the refusal at the hub")
    claim_approved(fed, ident)
    assert road.application(fed, ident)["state"] == "STATE_ACTIVE", "the hub now lies"
    run, state = run_at_both(fed, ident, images, [es.dataset])
    assert state["state"] == "STATE_SYSTEM_ERROR" and not state.get("outputs"), state
    assert road.parts(state)["es"]["reason"] == "APPROVAL_VETOED", state
    assert {entry["kind"] for entry in road.ledger_entries(fed, "es") if entry.get("run") == run} <= {"denied"}


def test_an_application_nobody_decided_on_opens_nothing(fed, cohorts, listed, images):
    fi = cohorts["fi"]
    ident = road.transmit(fed, [fi.dataset], "Pending, says Finland")["id"]
    road.wait_for_review(fed, fi, ident)
    claim_approved(fed, ident)
    run = road.submit(fed, ident, images / WORKFLOW, datasets=[fi.dataset], CASE_TERM=CASE_TERM)
    time.sleep(2)  # the node waits a while for an approval that may be on its way
    part = road.parts(road.run_state(fed, run))["fi"]
    assert part["state"] in ("STATE_INITIALIZING", "STATE_SYSTEM_ERROR"), part
    assert not any(entry.get("run") == run for entry in road.ledger_entries(fed, "fi"))
    fed.genofed("run", "cancel", run, as_="researcher")


def test_an_agreement_that_nobody_signed_opens_nothing(fed, cohorts, listed, images):
    """The country approves, and the hub's word that the official signed is a digest of nothing."""
    fi = cohorts["fi"]
    ident = road.transmit(fed, [fi.dataset], "Approved, and never agreed to")["id"]
    road.decide(fed, fi, ident, True)
    wait_until(lambda: road.application(fed, ident)["state"] == "STATE_DECIDED", 20, "the decision at the hub")
    claim_approved(fed, ident)
    run = road.submit(fed, ident, images / WORKFLOW, datasets=[fi.dataset], CASE_TERM=CASE_TERM)
    time.sleep(2)  # the node waits a while for an approval that may be on its way
    part = road.parts(road.run_state(fed, run))["fi"]
    assert part["state"] in ("STATE_INITIALIZING", "STATE_SYSTEM_ERROR"), part
    review = road.wait_for_review(fed, fi, ident)
    assert review["application"]["state"] == "STATE_ACTIVE", "the hub's lie came to the node"
    assert not review["application"].get("agreement_sha256"), review
    assert not any(entry.get("run") == run for entry in road.ledger_entries(fed, "fi"))
    fed.genofed("run", "cancel", run, as_="researcher")


def test_content_edited_after_the_decision_is_another_application(fed, cohorts, listed, images):
    """The hub shows the country a harmless text and then edits it: the digest no longer matches, nothing carries over."""
    fi = cohorts["fi"]
    ident = road.transmit(fed, [fi.dataset], "Harmless")["id"]
    road.wait_for_review(fed, fi, ident)
    document = json.loads(hub_sql(fed, f"SELECT document FROM access.applications WHERE id = '{ident}'"))
    document["frozen"] = document["frozen"].replace("Harmless", "Harmful")
    document["digest"] = hashlib.sha256(document["frozen"].encode()).hexdigest()
    text = json.dumps(document).replace("'", "''")
    hub_sql(fed, f"UPDATE access.applications SET document = '{text}', "
                 f"sequence = nextval('access.application_sequence') WHERE id = '{ident}'")
    time.sleep(1)
    review = road.wait_for_review(fed, fi, ident)
    assert "Harmless" in review["application"]["frozen"], "the country decides on what it first saw"
    status, _, problem = fed.rest("fi", "POST", f"/api/v1/reviews/{ident}/decision", persona="dac_fi",
                                  body={"approve": True, "reason": "r", "digest": document["digest"]})
    assert status in (400, 409) and problem["reason"] == "DIGEST_MISMATCH", problem
