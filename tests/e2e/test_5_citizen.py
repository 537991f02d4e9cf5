# SPDX-License-Identifier: Apache-2.0
"""Step 5: citizens see who used their data, check it offline, and withdraw."""

import base64
import json
import os
import pathlib
import re
import subprocess
import time

import pytest

import road
from conftest import CASE_TERM, WORKFLOW
from federation import REPO, genofed, wait_until


def citizen_token(fed, cohort, person):
    return fed.token(cohort.citizen, person)


def accesses(fed, cohort, token):
    return fed.get(cohort.site, "/api/v1/me/accesses?page_size=200", token=token).get("accesses", [])


def of_run(found, run, kind="run"):
    return [access for access in found if access["run"] == run and access["kind"] == kind]


def someone(cohort, *codes, taken=()):
    """An onboarded person who permits exactly these uses."""
    return next(p for p in sorted(cohort.included) if cohort.permissions[p] == set(codes) and p not in taken)


@pytest.fixture(scope="module")
def keys(fed, workspace):
    """Site to a file with the node's published verifier key."""
    files = {}
    for site in fed.nodes:
        files[site] = workspace / f"{site}.ledger-key"
        files[site].write_text(fed.genofed("ledger", "key", site=site, json=False).out)
    return files


def verify(receipt, key):
    """`genofed ledger verify`, with nothing but the two files."""
    done = genofed("--json", "ledger", "verify", receipt, "--key", key, cwd=receipt.parent)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


@pytest.mark.parametrize("site", ["fi", "es"])
def test_a_citizen_whose_data_were_used_holds_a_valid_receipt(fed, cohorts, approved, completed, keys, tmp_path, site):
    cohort = cohorts[site]
    token = citizen_token(fed, cohort, someone(cohort, "AF", "SLQ", "SEC"))
    access, = of_run(accesses(fed, cohort, token), completed["run"]["id"])
    assert access["used"] is True
    assert access["project"] == approved["content"]["title"]
    assert access["organisation"] == approved["organisation"]
    assert access["purpose"] and access["at"]
    assert access["dataset"]["dataset"] == cohort.dataset
    receipt = tmp_path / "receipt.json"
    receipt.write_text(access["receipt"])
    code, facts = verify(receipt, keys[site])
    assert code == 0 and facts["valid"] and facts["use"] == "used", facts
    assert facts["index"] == int(access["ledger_index"])
    entry = json.loads(json.loads(access["receipt"])["entry"])
    assert entry["application"] == approved["id"] and entry["kind"] == "run"
    # The other country's key does not vouch for it.
    other = keys["es" if site == "fi" else "fi"]
    assert verify(receipt, other)[0] == 3


def test_a_citizen_sees_the_decision_that_permitted_the_use(fed, cohorts, approved, completed):
    cohort = cohorts["fi"]
    token = citizen_token(fed, cohort, someone(cohort, "AF", "SLQ", "SEC"))
    access, = of_run(accesses(fed, cohort, token), completed["run"]["id"])
    review = road.wait_for_review(fed, cohort, approved["id"])
    assert access["decision_sha256"] == review["decision_sha256"]


@pytest.mark.parametrize("codes", [("AF",), ("AF", "SLQ")], ids=["AF only", "no secondary use"])
def test_a_citizen_who_was_left_out_holds_a_proof_of_that(fed, cohorts, completed, keys, tmp_path, codes):
    cohort = cohorts["fi"]
    token = citizen_token(fed, cohort, someone(cohort, *codes))
    access, = of_run(accesses(fed, cohort, token), completed["run"]["id"])
    assert not access.get("used")
    receipt = tmp_path / "receipt.json"
    receipt.write_text(access["receipt"])
    code, facts = verify(receipt, keys["fi"])
    assert code == 0 and facts["use"] == "not_used", facts


def test_a_citizen_without_any_consent_sees_that_nothing_was_used(fed, cohorts, completed, keys, tmp_path):
    cohort = cohorts["fi"]
    person = cohort.truth["demo_citizens"]["no_consent"]["person"]
    assert person not in cohort.included
    found = of_run(accesses(fed, cohort, citizen_token(fed, cohort, person)), completed["run"]["id"])
    assert found and not any(access.get("used") for access in found), found
    for access in found:
        receipt = tmp_path / "receipt.json"
        receipt.write_text(access["receipt"])
        code, facts = verify(receipt, keys["fi"])
        assert code == 0 and facts["use"] == "not_used", facts


def verify_in_javascript(folder, access, *keys):
    """With WebCrypto, and none of genofed's code."""
    proof, entry = folder / "access.tlog-proof", folder / "access.entry"
    proof.write_text(access["tlog_proof"])
    entry.write_text(access["entry"])
    done = subprocess.run(["node", REPO / "tests" / "infra" / "verify_receipt.mjs", proof, entry, *keys], capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_the_verifier_in_javascript_knows_the_published_proof(tmp_path):
    if not os.environ.get("GENOFED_SHARED_DIR"):
        pytest.skip("needs GENOFED_SHARED_DIR: specs/ledger")
    vector = pathlib.Path(os.environ["GENOFED_SHARED_DIR"]) / "specs" / "ledger" / "cosigned"
    readme = (vector / "README.txt").read_text()
    log, witness = tmp_path / "log", tmp_path / "witness"
    log.write_text(re.search(r"^log vkey: (\S+)", readme, re.M)[1])
    witness.write_text(re.search(r"^witness vkey .*: (\S+)", readme, re.M)[1])
    access = {"tlog_proof": (vector / "entry-256.tlog-proof").read_text(), "entry": "entry-256"}
    code, facts = verify_in_javascript(tmp_path, access, log, witness)
    assert code == 0 and facts["index"] == 256 and facts["size"] == 300 and facts["witnesses"] == ["hub.example/witness"], facts
    assert verify_in_javascript(tmp_path, dict(access, entry="entry-255"), log, witness)[0] == 3


@pytest.mark.parametrize("used", [True, False], ids=["used", "not used"])
def test_a_browser_verifies_a_use_and_a_non_use_by_itself(fed, cohorts, completed, keys, tmp_path, used):
    cohort = cohorts["fi"]
    token = citizen_token(fed, cohort, someone(cohort, "AF", "SLQ", "SEC") if used else someone(cohort, "AF"))
    witness = tmp_path / "hub.key"
    witness.write_text(fed.genofed("ledger", "witnesses", site="hub").json["verifier_key"])

    def cosigned():
        access, = of_run(accesses(fed, cohort, token), completed["run"]["id"])
        return access if "hub" in access["tlog_proof"] else None
    access = wait_until(cosigned, 20, "the hub's cosignature")
    code, facts = verify_in_javascript(tmp_path, access, keys["fi"], witness)
    assert code == 0 and facts["used"] is used and facts["kind"] == "run", facts
    assert facts["index"] == int(access["ledger_index"]) and len(facts["witnesses"]) == 1
    assert verify_in_javascript(tmp_path, access, keys["es"])[0] == 3, "the other country's key"

    # Another entry, another bit, another place, another signature: none is taken.
    head, _, note = access["tlog_proof"].partition("\n\n")
    version, extra, index, *hashes = head.split("\n")
    other_bit = json.loads(base64.b64decode(extra.removeprefix("extra ")))
    other_bit["bit"] = 1 - other_bit["bit"]
    other_extra = "extra " + base64.b64encode(json.dumps(other_bit).encode()).decode()
    text, _, signatures = note.partition("\n\n")
    size = text.split("\n")[1]
    forgeries = {
        "entry": dict(access, entry=access["entry"].replace("run", "rum", 1)),
        "bit": dict(access, tlog_proof="\n".join([version, other_extra, index, *hashes]) + "\n\n" + note),
        "index": dict(access, tlog_proof=access["tlog_proof"].replace(index, f"index {facts['index'] ^ 1}")),
        "path": dict(access, tlog_proof="\n".join([version, extra, index, *hashes[:-1]]) + "\n\n" + note),
        "size": dict(access, tlog_proof=access["tlog_proof"].replace(f"\n{size}\n", f"\n{int(size) + 1}\n")),
        "signature": dict(access, tlog_proof=head + "\n\n" + text + "\n\n" + "\n".join(signatures.split("\n")[1:])),
    }
    for what, forged in forgeries.items():
        code, facts = verify_in_javascript(tmp_path, forged, keys["fi"], witness)
        assert code == 3 and not facts["valid"], (what, facts)


def test_a_tampered_receipt_is_refused(fed, cohorts, completed, keys, tmp_path):
    cohort = cohorts["fi"]
    token = citizen_token(fed, cohort, someone(cohort, "AF", "SLQ"))
    text = of_run(accesses(fed, cohort, token), completed["run"]["id"])[0]["receipt"]
    receipt = json.loads(text)
    receipt["snapshot"]["bit"] = 1 - receipt["snapshot"]["bit"]
    entry = json.loads(receipt["entry"])
    other_project = dict(json.loads(text), entry=receipt["entry"].replace(entry["project"], "Something harmless"))
    dump = lambda value: json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)  # noqa: E731
    assert dump(json.loads(text)) == text, "the test must write receipts as genofed does"
    file = tmp_path / "receipt.json"
    for tampered in (dump(receipt), dump(other_project), text.replace('"index": ', '"index": 1'), text[:-2], text + "\n", ""):
        file.write_text(tampered)
        code, facts = verify(file, keys["fi"])
        assert code == 3, f"accepted: {tampered[:300]} {facts}"


def test_a_citizen_of_another_country_and_other_people_see_nothing(fed, cohorts, completed):
    fi, es = cohorts["fi"], cohorts["es"]
    spaniard = citizen_token(fed, es, someone(es, "AF", "SLQ", "SEC"))
    for path in ("/api/v1/me/accesses", "/api/v1/me/permissions"):
        assert fed.rest("fi", "GET", path, token=spaniard)[0] == 401, path
        assert fed.rest("fi", "GET", path)[0] == 401, path
        for persona in ("holder_fi", "dac_fi", "operator_fi"):
            assert fed.rest("fi", "GET", path, persona=persona)[0] == 403, (path, persona)
    assert fed.rest("fi", "PUT", "/api/v1/me/permissions", body={"permissions": []}, token=spaniard)[0] == 401
    # A person from nowhere has no accesses, and the answer does not tell whether others exist.
    stranger = fed.get("fi", "/api/v1/me/accesses", token=citizen_token(fed, fi, "FI-P777777")).get("accesses", [])
    assert not any(access.get("used") for access in stranger)


def test_a_withdrawal_counts_within_five_seconds_and_in_the_next_run(fed, cohorts, approved, completed, images, figures):
    cohort = cohorts["fi"]
    person = someone(cohort, "AF", "SLQ", "SEC", taken={someone(cohort, "AF", "SLQ", "SEC")})
    sex = cohort.people[person]["sex"].lower()
    token = citizen_token(fed, cohort, person)
    held = fed.get("fi", "/api/v1/me/permissions", token=token)
    assert len(held["permissions"]) == 3 and held["datasets"]

    count = lambda: road.query(fed, "individuals", sex=sex)["counts"][cohort.dataset]  # noqa: E731
    before = count()
    assert before == len(cohort.with_filters(cohort.permitting("SLQ"), sex=sex.upper()))
    status, _, answer = fed.rest("fi", "PUT", "/api/v1/me/permissions", body={"permissions": []}, token=token)
    assert status == 200, answer
    started = time.monotonic()
    cohort.permissions[person] = set()
    wait_until(lambda: count() == before - 1, 5, "the count to drop by one")
    figures.append(f"withdrawal effective in counts after {time.monotonic() - started:.1f} s")
    withdrawal = road.ledger_entries(fed, "fi")[int(answer["ledger_index"])]
    assert withdrawal["kind"] == "consent-withdraw" and person not in json.dumps(withdrawal)

    run = road.submit(fed, approved["id"], images / WORKFLOW, datasets=[cohort.dataset], CASE_TERM=CASE_TERM)
    state = road.finish(fed, run, ["fi"])
    part = road.parts(state)["fi"]
    assert part["individuals"] == road.parts(completed["run"])["fi"]["individuals"] - 1 == len(cohort.permitting("SEC"))
    found = accesses(fed, cohort, token)
    assert of_run(found, completed["run"]["id"])[0]["used"] is True, "the past stays true"
    assert not of_run(found, run)[0].get("used")
    assert not fed.get("fi", "/api/v1/me/permissions", token=token).get("permissions")


def test_the_ledger_only_grows(fed, cohorts, completed):
    first = fed.get("fi", "/ledger/checkpoint").decode()
    size = int(first.splitlines()[1])
    assert size == len(road.ledger_entries(fed, "fi"))
    proof = fed.get("fi", f"/ledger/consistency?old_size={size // 2}&new_size={size}")
    assert proof["hashes"]
    text = json.dumps(road.ledger_entries(fed, "fi"))
    assert not any(person in text for person in cohorts["fi"].people)
