# SPDX-License-Identifier: Apache-2.0
"""Files for permitted smart layers: DRS and htsget behind passports, encrypted for the reader's key."""

import base64
import hashlib
import http.client
import json
import ssl
import subprocess
import time
import urllib.parse
import uuid

import pytest

import crypt4gh
import road
import tokens
from cohort import Cohort
from conftest import QUICK, _running, synth
from federation import Federation, wait_until

DRS, HTSGET = "/ga4gh/drs/v1", "/ga4gh/htsget/v1"
VIEWER, REGISTERED = crypt4gh.new_key(), crypt4gh.new_key()
DATASET, OTHER = "GOE-FI-ACCESS-1", "GOE-FI-ACCESS-2"

LAYERS = [
    {"client_id": "viewer", "title": "Clinical viewer", "organisation": "University hospital", "purpose": "DUO:0000043",
     "datasets": [DATASET]},
    {"client_id": "registered", "title": "Other viewer", "organisation": "Other hospital", "purpose": "DUO:0000043",
     "datasets": [DATASET], "recipient_key": REGISTERED[1].hex()},
    {"client_id": "elsewhere", "title": "Far viewer", "organisation": "Far hospital", "purpose": "DUO:0000043",
     "datasets": [DATASET], "networks": ["192.0.2.0/24"]},
]


@pytest.fixture(scope="module")
def fed(workspace):
    federation = Federation(workspace / "var-access", nodes="FI", layout="site", images=workspace / "no-images", hsm="none",
                            sets=[*QUICK, f"fi:consent.smart_layers={json.dumps(LAYERS)}"])
    _running.append(federation)
    try:
        yield federation.up(timeout=240)
    finally:
        federation.down()
        _running.remove(federation)


def permit_research(folder):
    """Everybody who permits anything permits secondary use."""
    file = folder / "consents.fhir-r4.json"
    bundle = json.loads(file.read_text())
    for entry in bundle["entry"]:
        permits = entry["resource"].get("provision", {}).get("provision", [])
        codes = {coding["code"] for permit in permits for code in permit["code"] for coding in code["coding"]}
        if permits and "SEC" not in codes:
            added = json.loads(json.dumps(permits[0]))
            added["code"][0]["coding"][0]["code"] = "SEC"
            permits.append(added)
    file.write_text(json.dumps(bundle))


@pytest.fixture(scope="module")
def cohorts(workspace, fed):
    """Two datasets granted to the researcher, of which the operator permits only the first to smart layers."""
    made = {}
    for dataset, seed in ((DATASET, 21), (OTHER, 22)):
        folder = synth(workspace / dataset.lower(), "FI", people=60, sites=40_000, seed=seed)
        permit_research(folder)
        made[dataset] = Cohort(folder, "FI", dataset)
        road.onboard(fed, made[dataset])
        road.list_dataset(fed, made[dataset])
    ident = road.transmit(fed, [DATASET, OTHER], "By smart layer")["id"]
    road.decide(fed, made[DATASET], ident, True)
    assert road.sign(fed, ident)["state"] == "STATE_ACTIVE"
    wait_until(lambda: len(tokens.claims_of(passport(fed))["ga4gh_passport_v1"]) == 2, 20, "both visas at the hub")
    return made


def passport(fed, subject="researcher"):
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "requested_token_type": "urn:ga4gh:params:oauth:token-type:passport", "audience": "urn:genofed:site:fi",
            "subject_token": tokens.access_token(fed, subject, ["hub"])}
    status, _, body = fed.rest("hub", "POST", "/oauth/token", body=urllib.parse.urlencode(form).encode(),
                               headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert status == 200, body
    return body["access_token"]


class Client:
    """A smart layer: a key that its access tokens are bound to, and a person it acts for."""

    def __init__(self, fed, client="viewer", recipient=VIEWER[1], subject="researcher", bound=True):
        self.fed, self.recipient, self.bound = fed, recipient, bound
        self.pem = tokens.new_key()
        jwk = tokens.public_jwk(self.pem)
        self.jwk = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
        more = {"cnf": {"jkt": jwk["kid"]}} if bound else {}
        self.token = tokens.access_token(fed, subject, ["fi"], client_id=client, **more)
        self.base = fed.site("fi")["rest"]

    def headers(self, method, path, **more):
        if not self.bound:
            return {"Authorization": f"Bearer {self.token}", **more}
        claims = {"jti": str(uuid.uuid4()), "htm": method, "htu": self.base + path.split("?")[0], "iat": int(time.time()),
                  "ath": tokens.b64(hashlib.sha256(self.token.encode()).digest())}
        signed = ".".join(tokens.b64(json.dumps(part).encode())
                          for part in ({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk}, claims))
        return {"Authorization": f"DPoP {self.token}", "DPoP": f"{signed}.{tokens.signature(self.pem, signed)}", **more}

    def ask(self, method, path, body=None, **more):
        """(status, headers, body); underscores in names of headers are hyphens."""
        headers = self.headers(method, path, **{name.replace("_", "-"): value for name, value in more.items()})
        return self.fed.rest("fi", method, path, body=body, headers=headers)

    def describe(self, ident, *passports):
        return self.ask("POST", f"{DRS}/objects/{ident}", {"passports": passports or [passport(self.fed)]})

    def objects(self, dataset=DATASET):
        """Name to identifier."""
        status, headers, body = self.describe(dataset)
        assert status == 200, (body, headers["Genofed-Reason"])
        return {entry["name"].removesuffix(".c4gh"): entry["id"] for entry in body["contents"]}

    def open(self, ident, how="crypt4gh", given=None):
        """(status, reason, access)."""
        more = {"Htsget_Context_Public_Key": base64.b64encode(self.recipient).decode()} if self.recipient else {}
        status, headers, body = self.ask("POST", f"{DRS}/objects/{ident}/access/{how}",
                                         {"passports": [given or passport(self.fed)]}, **more)
        if status != 200:
            return status, headers.get("Genofed-Reason", ""), None
        name, _, access = body["headers"][0].partition(": ")
        assert name == "Genofed-Access" and body["url"].startswith(self.base)
        return status, "", access

    def access(self, ident, how="crypt4gh"):
        status, reason, access = self.open(ident, how)
        assert status == 200, reason
        return access

    def bytes(self, ident, access, method="GET", **more):
        return self.ask(method, f"{DRS}/objects/{ident}/bytes", Genofed_Access=access, **more)


@pytest.fixture
def viewer(fed, cohorts):
    return Client(fed)


@pytest.fixture(scope="module")
def genotypes(fed, cohorts):
    """(identifier, the whole file as the viewer decrypted it, its DRS object)."""
    viewer = Client(fed)
    ident = viewer.objects()["genotypes.vcf.gz"]
    status, headers, file = viewer.bytes(ident, viewer.access(ident))
    assert status == 200, headers["Genofed-Reason"]
    return ident, crypt4gh.decrypt(file, VIEWER[0]), viewer.describe(ident)[2]


def checksum(found, kind):
    return next(entry["checksum"] for entry in found["checksums"] if entry["type"] == kind)


def test_a_smart_layer_gets_the_files_for_its_own_key(fed, viewer, cohorts):
    objects = viewer.objects()
    assert set(objects) == {"genotypes.vcf.gz", "genotypes.vcf.gz.csi", "phenotypes.tsv"}
    for name, ident in objects.items():
        status, _, found = viewer.describe(ident)
        assert status == 200 and found["name"] == name + ".c4gh"
        status, headers, file = viewer.bytes(ident, viewer.access(ident))
        assert status == 200 and headers["Accept-Ranges"] == "bytes"
        assert len(file) == found["size"] == int(headers["Content-Length"])
        clear = crypt4gh.decrypt(file, VIEWER[0])
        assert hashlib.sha256(clear).hexdigest() == checksum(found, "sha-256-of-decrypted")
        body = crypt4gh.split(file)[1]
        assert hashlib.sha256(file[body:]).hexdigest() == checksum(found, "sha-256-of-crypt4gh-body")
        with pytest.raises(AssertionError):
            crypt4gh.open_header(file, REGISTERED[0])
        if name == "phenotypes.tsv":
            assert clear.startswith(b"pseudonym\t") and len(clear.splitlines()) == 1 + len(cohorts[DATASET].included)
        assert not any(person.encode() in clear for person in cohorts[DATASET].people)


def test_ranges_add_up_and_an_interrupted_download_goes_on(fed, viewer, genotypes):
    ident = genotypes[0]
    access = viewer.access(ident)
    status, headers, whole = viewer.bytes(ident, access)
    tag = headers["ETag"]
    assert tag.startswith('"')
    parts = []
    for begin in range(0, len(whole), 50_000):
        status, headers, part = viewer.bytes(ident, access, Range=f"bytes={begin}-{begin + 49_999}", If_Range=tag)
        assert status == 206 and headers["ETag"] == tag
        assert headers["Content-Range"] == f"bytes {begin}-{min(begin + 50_000, len(whole)) - 1}/{len(whole)}"
        parts.append(part)
    assert b"".join(parts) == whole
    status, headers, body = viewer.bytes(ident, access, method="HEAD")
    assert (status, int(headers["Content-Length"]), body) == (200, len(whole), b"")
    status, headers, _ = viewer.bytes(ident, access, Range=f"bytes={len(whole)}-")
    assert status == 416 and headers["Content-Range"] == f"bytes */{len(whole)}"
    assert viewer.bytes(ident, access, Range="bytes=0-9", If_Range='"other"')[0] == 200
    assert viewer.bytes(ident, access, If_None_Match=tag)[0] == 304

    # Cut off in the middle; then with another token, another key and another access, from where it stopped.
    address = urllib.parse.urlsplit(viewer.base)
    connection = http.client.HTTPSConnection(address.hostname, address.port, timeout=30,
                                             context=ssl.create_default_context(cafile=fed.ca_file))
    path = f"{DRS}/objects/{ident}/bytes"
    connection.request("GET", path, headers=viewer.headers("GET", path, **{"Genofed-Access": access}))
    begun = connection.getresponse().read(len(whole) // 2 + 1)
    connection.close()
    later = Client(fed)
    status, _, rest = later.bytes(ident, later.access(ident), Range=f"bytes={len(begun)}-", If_Range=tag)
    assert status == 206 and begun + rest == whole


def test_everybody_else_is_refused_with_the_reason(fed, cohorts, viewer, genotypes):
    ident, other = genotypes[0], None
    holder = fed.get("fi", f"{DRS}/objects/{OTHER}", persona="holder_fi")
    other = next(entry["id"] for entry in holder["contents"] if entry["name"] == "genotypes.vcf.gz.c4gh")
    assert Client(fed, "unlisted").open(ident)[:2] == (403, "CLIENT_NOT_PERMITTED")
    assert Client(fed, bound=False).open(ident)[:2] == (403, "TOKEN_NOT_BOUND")
    assert Client(fed, "elsewhere").open(ident)[:2] == (403, "NETWORK_NOT_PERMITTED")
    assert viewer.open(other)[:2] == (403, "DATASET_NOT_PERMITTED")
    assert viewer.open("obj-unknown")[:2] == (404, "OBJECT_UNKNOWN")
    assert Client(fed, recipient=None).open(ident)[:2] == (400, "RECIPIENT_MISSING")
    assert Client(fed, "registered", recipient=VIEWER[1]).open(ident)[:2] == (403, "RECIPIENT_MISMATCH")
    assert Client(fed, "registered", recipient=REGISTERED[1]).open(ident)[0] == 200
    assert Client(fed, "registered", recipient=None).open(ident)[0] == 200
    stranger = Client(fed, subject="researcher_other_org")
    assert stranger.open(ident, given=passport(fed, "researcher_other_org"))[:2] == (403, "PASSPORT_REFUSED")
    assert stranger.open(ident)[:2] == (403, "PASSPORT_REFUSED"), "somebody else's passport"
    assert viewer.ask("GET", f"{DRS}/objects/{ident}/access/crypt4gh")[1]["Genofed-Reason"] == "PASSPORT_MISSING"
    assert fed.rest("fi", "GET", f"{DRS}/objects/{ident}/bytes")[0] == 401
    assert fed.rest("fi", "GET", f"{DRS}/objects/{ident}", persona="researcher")[0] in (401, 404)

    # An access is worth nothing to anybody but its client with its key.
    access = viewer.access(ident)
    assert viewer.ask("GET", f"{DRS}/objects/{ident}/bytes")[1]["Genofed-Reason"] == "ACCESS_MISSING"
    for thief in (Client(fed), Client(fed, subject="researcher_other_org"), Client(fed, "registered")):
        status, headers, _ = thief.bytes(ident, access)
        assert (status, headers["Genofed-Reason"]) == (403, "ACCESS_UNKNOWN")

    # A visa that has ended, in a passport of the hub's own making.
    pem = (fed.var / "hub" / "secrets" / "passport.pem").read_text()
    national = (fed.var / "fi" / "secrets" / "national.pem").read_text()
    claims = tokens.claims_of(passport(fed))
    ended = []
    for visa in claims["ga4gh_passport_v1"]:
        old = tokens.claims_of(visa)
        old.update(iat=old["iat"] - 9000, exp=int(time.time()) - 120)
        jku = json.loads(tokens.base64.urlsafe_b64decode(visa.split(".")[0] + "=="))["jku"]
        ended.append(tokens.sign(national, "vnd.ga4gh.visa+jwt", old, jku=jku))
    good = tokens.sign(pem, "vnd.ga4gh.passport+jwt", claims)
    assert viewer.open(ident, given=good)[0] == 200, "the control"
    expired = tokens.sign(pem, "vnd.ga4gh.passport+jwt", {**claims, "ga4gh_passport_v1": ended})
    assert viewer.open(ident, given=expired)[:2] == (403, "PASSPORT_REFUSED")


def region_of(fed, client, ident, access, path, body=None, tmp=None):
    status, headers, ticket = client.ask("POST" if body is not None else "GET", path, body, Genofed_Access=access)
    assert status == 200, (ticket, headers["Genofed-Reason"])
    file = b""
    for block in ticket["htsget"]["urls"]:
        if block["url"].startswith("data:"):
            file += base64.b64decode(block["url"].partition("base64,")[2])
            continue
        target = block["url"].removeprefix(client.base)
        status, _, part = client.ask("GET", target, **{name.replace("-", "_"): v for name, v in block["headers"].items()})
        assert status == 206
        file += part
    clear = crypt4gh.decrypt(file, VIEWER[0])
    (tmp / "region.vcf.gz").write_bytes(clear)
    return len(file), tmp / "region.vcf.gz"


def records(file, *region):
    return subprocess.run(["bcftools", "view", "-H", *region, file], check=True, capture_output=True, text=True).stdout


def test_htsget_regions_are_those_of_the_file(fed, viewer, genotypes, tmp_path, figures):
    ident, clear, _ = genotypes
    whole = tmp_path / "whole.vcf.gz"
    whole.write_bytes(clear)
    index = viewer.objects()["genotypes.vcf.gz.csi"]
    (tmp_path / "whole.vcf.gz.csi").write_bytes(
        crypt4gh.decrypt(viewer.bytes(index, viewer.access(index))[2], VIEWER[0]))
    positions = [line.split("\t")[:2] for line in records(whole).splitlines()]
    access = viewer.access(ident, "htsget")
    variants = f"{HTSGET}/variants/{ident}"
    middle = positions[len(positions) // 2]
    chrom, start = middle[0], int(middle[1]) - 1
    end = start + 20_000
    size, file = region_of(fed, viewer, ident, access, f"{variants}?referenceName={chrom}&start={start}&end={end}", tmp=tmp_path)
    wanted = ["-t", f"{chrom}:{start + 1}-{end}"]
    assert records(file, *wanted) == records(whole, "-r", wanted[1]) != ""
    assert size < len(clear) / 2, "only the blocks of the region travel"
    figures.append(f"htsget: {size} of {len(clear)} bytes for a region of 20 kb")
    regions = [{"referenceName": c, "start": int(p) - 1, "end": int(p)} for c, p in (positions[3], positions[-3])]
    _, file = region_of(fed, viewer, ident, access, variants, {"regions": regions}, tmp_path)
    for region in regions:
        place = f"{region['referenceName']}:{region['start'] + 1}-{region['end']}"
        assert records(file, "-t", place) == records(whole, "-r", place) != ""
    _, file = region_of(fed, viewer, ident, access, f"{variants}?class=header", tmp=tmp_path)
    assert records(file) == ""
    header = ["bcftools", "view", "--no-version", "-h"]
    assert subprocess.check_output([*header, file]) == subprocess.check_output([*header, whole])
    _, file = region_of(fed, viewer, ident, access, variants, tmp=tmp_path)
    assert file.read_bytes() == clear


@pytest.mark.parametrize("query, status, error", [
    ("?format=BCF", 400, "UnsupportedFormat"), ("?referenceName=chr20&start=9&end=3", 400, "InvalidRange"),
    ("?start=1", 400, "InvalidInput"), ("?referenceName=nowhere", 404, "NotFound")])
def test_htsget_refuses_in_its_own_words(fed, viewer, genotypes, query, status, error):
    ident = genotypes[0]
    got, _, body = viewer.ask("GET", f"{HTSGET}/variants/{ident}{query}", Genofed_Access=viewer.access(ident))
    assert (got, body["htsget"]["error"]) == (status, error)
    got, _, body = viewer.ask("GET", f"{HTSGET}/variants/{ident}")
    assert (got, body["htsget"]["error"]) == (403, "PermissionDenied")
    assert fed.rest("fi", "GET", f"{HTSGET}/variants/{ident}")[0] == 401
    assert viewer.ask("GET", f"{HTSGET}/reads/{ident}", Genofed_Access="x")[0] == 404


def test_citizens_and_auditors_see_every_access(fed, viewer, cohorts, genotypes):
    viewer.access(genotypes[0])
    entries = road.ledger_entries(fed, "fi")
    opened = [entry for entry in entries if entry["kind"] == "access" and entry["client"] == "viewer"]
    assert opened and all(entry["dataset"] == DATASET and entry["organisation"] == "University hospital" for entry in opened)
    assert [e for e in entries if e["kind"] == "key-event" and e.get("client") == "viewer"]
    assert "researcher" not in {value for entry in opened for value in entry.values() if isinstance(value, str)}
    included = next(iter(cohorts[DATASET].included))
    seen = fed.get("fi", "/api/v1/me/accesses?page_size=100", token=fed.token("citizen_fi", included))["accesses"]
    mine = [access for access in seen if access["kind"] == "access" and access["client"] == "viewer"]
    assert mine and mine[0]["used"] and mine[0]["organisation"] == "University hospital" and mine[0]["receipt"]


def test_a_revoked_visa_ends_an_access_and_opens_none(fed, viewer, genotypes, figures):
    ident = genotypes[0]
    access = viewer.access(ident)
    given = passport(fed)
    entries = []
    for visa in tokens.claims_of(given)["ga4gh_passport_v1"]:
        jti = tokens.claims_of(visa)["jti"]
        entries.append(fed.genofed("revoke", "token", jti, "--reason", "a test", as_="operator_fi").json["revocation"]["id"])
    began = time.monotonic()

    def refused():
        status, headers, _ = viewer.bytes(ident, access)
        return status == 403 and headers["Genofed-Reason"] == "PASSPORT_REFUSED"

    wait_until(refused, 5, "the access to end")
    figures.append(f"revoked visa: bytes refused after {time.monotonic() - began:.1f} s")
    assert viewer.open(ident, given=given)[:2] == (403, "PASSPORT_REFUSED")
    for entry in entries:
        fed.genofed("reinstate", entry, "--reason", "the test is over", as_="operator_fi")
    wait_until(lambda: viewer.open(ident, given=given)[0] == 200, 10, "the visas to count again")


def test_whoever_withdraws_keeps_the_files_in(fed, viewer, cohorts, genotypes):
    """Last: nothing of this version leaves afterwards."""
    ident = genotypes[0]
    access = viewer.access(ident)
    assert viewer.bytes(ident, access)[0] == 200
    person = sorted(cohorts[DATASET].included)[0]
    fed.rest("fi", "PUT", "/api/v1/me/permissions", body={"permissions": []}, token=fed.token("citizen_fi", person))
    status, headers, _ = viewer.bytes(ident, access)
    assert (status, headers["Genofed-Reason"]) == (403, "COHORT_CHANGED")
    assert viewer.open(ident)[:2] == (403, "COHORT_NOT_PERMITTED")
    status, _, body = viewer.ask("GET", f"{HTSGET}/variants/{ident}", Genofed_Access=access)
    assert (status, body["htsget"]["error"]) == (403, "PermissionDenied")
