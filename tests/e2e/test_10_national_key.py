# SPDX-License-Identifier: Apache-2.0
"""Spain's national key lies in a token (SoftHSM), and Spain approves by two persons only."""

import base64
import json
import pathlib
import subprocess
import time

import pytest

import conftest
import road
from federation import Federation, wait_until

FIRST, SECOND = "dac_es", "dac_second_es"


@pytest.fixture(scope="module")
def key_fed(workspace):
    """A federation of its own: Spain alone, a process for each site."""
    federation = Federation(workspace / "var-key", nodes="ES", layout="site",
                            sets=[*conftest.QUICK, "es:access.two_person_rule=true"])
    conftest._running.append(federation)
    try:
        yield federation.up()
    finally:
        federation.down()
        conftest._running.remove(federation)


@pytest.fixture(scope="module")
def spain(key_fed, workspace):
    """Spain's cohort, in the hub's catalogue."""
    folder = conftest.synth(workspace / "cohorts-key" / "es", "ES", people=60, sites=300)
    cohort = conftest.Cohort(folder, "ES", "GOE-ES-DATASET-1")
    road.onboard(key_fed, cohort)
    road.list_dataset(key_fed, cohort)
    return cohort


def transmitted(fed, cohort, title):
    ident = road.transmit(fed, [cohort.dataset], title)["id"]
    road.wait_for_review(fed, cohort, ident)
    return ident


def approve(fed, ident, persona, *extra, check=True):
    answer = fed.genofed("review", "approve", ident, "--reason", "In the public interest", *extra, as_=persona, check=check)
    return answer.json["review"] if check else answer


def review(fed, ident, persona=FIRST):
    return fed.get("es", f"/api/v1/reviews/{ident}", persona=persona)["review"]


def at_hub(fed, ident):
    return next(d for d in road.application(fed, ident)["decisions"] if d["country"] == "ES")


def wait_at_hub(fed, ident, outcome):
    return wait_until(lambda: next((d for d in [at_hub(fed, ident)] if d["outcome"] == outcome), None), 20,
                      f"{outcome} of {ident} at the hub")


def assert_nothing_granted(fed, ident):
    time.sleep(1)  # five times the interval at which anything would have been delivered
    decision = at_hub(fed, ident)
    assert decision["outcome"] == "OUTCOME_PENDING" and not decision.get("signed_decision"), decision


def verify(jws, public_key):
    """Checks an ES256 signature with openssl alone; returns the claims."""
    unpad = lambda part: base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))  # noqa: E731
    header, claims, signature = jws.split(".")
    raw = unpad(signature)
    assert len(raw) == 64, "r||s"
    numbers = b""
    for half in (raw[:32], raw[32:]):
        number = half.lstrip(b"\0")
        number = b"\0" + number if not number or number[0] & 0x80 else number
        numbers += bytes([2, len(number)]) + number
    file = pathlib.Path(public_key).with_name("signature.tmp")
    file.write_bytes(bytes([0x30, len(numbers)]) + numbers)
    try:
        done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", public_key, "-keyform", "DER", "-signature", file],
                              input=f"{header}.{claims}".encode(), capture_output=True, check=False)
    finally:
        file.unlink()
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(unpad(claims))


def test_the_key_is_made_in_the_token_and_the_pin_shows_nowhere(key_fed):
    secrets = key_fed.var / "es" / "secrets"
    assert not (secrets / "national.pem").exists()
    assert (secrets / "token").stat().st_mode & 0o777 == 0o700
    config = (key_fed.var / "es" / "site.json").read_text()
    access = json.loads(config)["access"]
    assert access["national_key_uri"].startswith("pkcs11:token=genofed-es;object=national?module-path=")
    assert "national_key_file" not in access or not access["national_key_file"]
    pin_file = pathlib.Path(access["national_key_pin"]["file"])
    assert pin_file.stat().st_mode & 0o777 == 0o600
    pin = pin_file.read_text().strip()
    assert len(pin) >= 16 and pin not in config
    for name, process in key_fed.processes().items():
        command = pathlib.Path(f"/proc/{process['pid']}/cmdline").read_bytes().decode(errors="replace")
        assert pin not in command, name
    for log in key_fed.var.glob("**/*.log"):
        assert pin not in log.read_text(errors="replace"), log


def test_the_approval_of_one_gives_nothing_and_that_of_two_is_signed_in_the_token(key_fed, spain):
    ident = transmitted(key_fed, spain, "Two persons")
    proposed = approve(key_fed, ident, FIRST)
    assert proposed["decision"]["outcome"] == "OUTCOME_PENDING" and not proposed["decision"].get("signed_decision")
    assert_nothing_granted(key_fed, ident)

    # In plain words, to the committee.
    for command in (["review", "show", ident], ["review", "list"]):
        text = key_fed.genofed(*command, as_=SECOND, json=False).out
        assert f"({FIRST})" in text and "nothing is granted yet: another member" in text, text

    # kill -9 in between loses nothing.
    killed = key_fed.kill9("es", "site")
    key_fed.wait_ready("es", "site", not_pid=killed)
    assert review(key_fed, ident)["proposal"] == proposed["proposal"]

    again = approve(key_fed, ident, FIRST, check=False)
    assert again.code == 1 and again.reason == "SAME_PERSON", again
    other = approve(key_fed, ident, SECOND, "--days", 7, check=False)
    assert other.code == 1 and other.reason == "PROPOSAL_DIFFERS", other
    assert_nothing_granted(key_fed, ident)

    decided = approve(key_fed, ident, SECOND)
    assert decided["decision"]["outcome"] == "OUTCOME_APPROVED"
    assert decided["proposal"]["proposer"]["subject"] == FIRST and decided["proposal"]["seconder"]["subject"] == SECOND
    decision = wait_at_hub(key_fed, ident, "OUTCOME_APPROVED")
    claims = verify(decision["signed_decision"], key_fed.var / "es/secrets/token/national.pub.der")
    assert claims["iss"] == "https://dac.es.1mg.example" and claims["datasets"] == [spain.dataset]
    active = road.sign(key_fed, ident)
    assert active["state"] == "STATE_ACTIVE", active

    # One person suffices to take it away.
    key_fed.genofed("review", "revoke", ident, "--reason", "A breach", as_=FIRST)
    wait_at_hub(key_fed, ident, "OUTCOME_REVOKED")


def test_a_veto_needs_one_person(key_fed, spain):
    ident = transmitted(key_fed, spain, "Vetoed by one")
    approve(key_fed, ident, FIRST)
    key_fed.genofed("review", "veto", ident, "--reason", "No law for it", as_=SECOND)
    wait_at_hub(key_fed, ident, "OUTCOME_VETOED")
    late = approve(key_fed, ident, SECOND, check=False)
    assert late.code == 1 and late.reason == "ALREADY_DECIDED", late


def test_a_proposal_that_is_replaced_starts_again(key_fed, spain):
    ident = transmitted(key_fed, spain, "Replaced")
    approve(key_fed, ident, FIRST)
    replaced = approve(key_fed, ident, SECOND, "--days", 7, "--replace")
    assert replaced["proposal"]["permit_days"] == 7 and replaced["proposal"]["proposer"]["subject"] == SECOND
    assert_nothing_granted(key_fed, ident)
    answer = approve(key_fed, ident, FIRST, check=False)
    assert answer.code == 1 and answer.reason == "PROPOSAL_DIFFERS", answer
    decided = approve(key_fed, ident, FIRST, "--days", 7)
    assert decided["decision"]["outcome"] == "OUTCOME_APPROVED"
    wait_at_hub(key_fed, ident, "OUTCOME_APPROVED")
