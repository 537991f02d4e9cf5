# SPDX-License-Identifier: Apache-2.0
"""The ledgers of a running federation: as files, with witnesses, after crashes, and when somebody rewrites one."""

import base64
import json
import shutil
import subprocess
import time

import pytest

from conftest import QUICK
from federation import BUILD, Federation, wait_until

NODES = "FI,ES,EE"


@pytest.fixture(scope="module")
def ledgers(workspace):
    """A hub and three nodes: each ledger has the hub and two other nodes as witnesses."""
    federation = Federation(workspace / "var-ledger", nodes=NODES, layout="services", images=workspace / "no-images", hsm="none", sets=QUICK)
    try:
        yield federation.up(timeout=240)
    finally:
        federation.down()


def load(federation, *, seconds, batch=20, threads=4, check=True):
    """Appends entries to Finland's ledger as its dispatcher does."""
    config = json.loads((federation.var / "fi" / "site.json").read_text())
    return subprocess.run([BUILD / "bin" / "ledger_load", "--tls", federation.var / "fi" / "tls", "--bundle", federation.var / "ca.pem",
                           "--at", config["network"]["grpc"]["consent"], "--site", "fi", "--batch", str(batch), "--threads", str(threads),
                           "--seconds", str(seconds)], capture_output=True, text=True, timeout=120, check=check)


def sql(federation, site, statement):
    """As the site's own consent service: whoever has the machine has this."""
    config = json.loads((federation.var / site / "site.json").read_text())["postgres"]
    password = (federation.var / site / "secrets" / "postgres-consent").read_text().strip()
    done = subprocess.run(["psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-h", config["host"], "-p", str(config["port"]), "-U", "genofed_consent",
                           "-d", config["database"], "-c", statement], capture_output=True, text=True, timeout=60,
                          env={"PATH": "/usr/bin:/bin", "PGPASSWORD": password}, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def key_file(federation, site):
    file = federation.var / f"{site}.ledger-key"
    file.write_text(federation.genofed("ledger", "key", site=site, json=False).out)
    return file


def checkpoint(federation, site):
    """(size, names of the signers) of what the site shows to everybody."""
    note = federation.genofed("ledger", "checkpoint", site=site, json=False).out
    lines = note.splitlines()
    return int(lines[1]), [line.split()[1] for line in lines if line.startswith("— ")]


def alarms(federation, site):
    answer = federation.genofed("ledger", "witnesses", site=site, check=False)
    assert answer.json, answer  # a service that is just starting has no answer yet
    return [(alarm["origin"], alarm["reason"]) for alarm in answer.json["alarms"]]


def test_the_hub_and_two_nodes_cosign_every_ledger(ledgers, figures):
    load(ledgers, seconds=1)
    began = time.monotonic()
    size = int(sql(ledgers, "fi", "SELECT count(*) FROM consent.ledger"))
    everybody = sorted(["fi.1mg.example/ledger", "hub.1mg.example/witness", "es.1mg.example/witness", "ee.1mg.example/witness"])
    wait_until(lambda: [(shown, sorted(signers)) for shown, signers in [checkpoint(ledgers, "fi")]] == [(size, everybody)], 10,
               "three cosignatures under Finland's newest checkpoint")
    figures.append(f"ledger: {size} entries, the newest checkpoint cosigned by hub and two nodes {time.monotonic() - began:.1f} s after the last append")
    for site in ("hub", "es", "ee"):
        shown = ledgers.genofed("ledger", "witnesses", site=site).json
        assert "fi.1mg.example/ledger" in [log["origin"] for log in shown["logs"]] and not shown["alarms"], shown


def test_the_ledger_is_files_that_verify_by_themselves(ledgers, workspace):
    key = key_file(ledgers, "fi")
    fsck = ledgers.genofed("ledger", "fsck", "--key", key, site="fi").json
    assert fsck["ok"] and fsck["size"] > 20 and fsck["signature_checked"], fsck
    witness_keys = [arg for site in ("hub", "es", "ee")
                    for arg in ("--witness-key", ledgers.genofed("ledger", "witnesses", site=site).json["verifier_key"])]
    entry, proof = workspace / "entry", workspace / "proof"
    proof.write_text(ledgers.genofed("ledger", "prove", "--key", key, "--index", 7, "--save-entry", entry, site="fi", json=False).out)
    facts = ledgers.genofed("ledger", "verify", proof, "--entry", entry, "--key", key, *witness_keys, "--witnesses", 2).json
    assert facts["index"] == 7 and facts["witnesses"] >= 2
    state = workspace / "fi.checkpoint"
    assert ledgers.genofed("ledger", "watch", "--key", key, "--state", state, "--once", site="fi").code == 0
    load(ledgers, seconds=0.5)
    wait_until(lambda: ledgers.genofed("ledger", "watch", "--key", key, "--state", state, "--once", site="fi").out.strip(), 10, "growth to be seen")


def test_the_hub_logs_what_it_cosigned(ledgers):
    key = key_file(ledgers, "hub")
    assert ledgers.genofed("ledger", "fsck", "--key", key, site="hub").json["ok"]
    bundle = sql(ledgers, "hub", "SELECT entry FROM consent.ledger WHERE entry LIKE '%fi.1mg.example/ledger%' ORDER BY index DESC LIMIT 1")
    entry = json.loads(bundle)
    note = base64.b64decode(entry["checkpoint"]).decode()
    assert entry["kind"] == "checkpoint" and note.startswith(f"fi.1mg.example/ledger\n{entry['log_size']}\n")
    # The hub's own ledger is witnessed by the nodes.
    wait_until(lambda: {"fi.1mg.example/witness", "es.1mg.example/witness"} & set(checkpoint(ledgers, "hub")[1]), 10, "nodes to cosign the hub's ledger")


@pytest.mark.parametrize("victim", ["consent", "postgres"])
def test_nothing_acknowledged_is_lost_when_a_process_dies_under_load(ledgers, victim, figures):
    key, acknowledged = key_file(ledgers, "fi"), ledgers.var / f"acknowledged-{victim}"
    config = json.loads((ledgers.var / "fi" / "site.json").read_text())
    loading = subprocess.Popen([BUILD / "bin" / "ledger_load", "--tls", ledgers.var / "fi" / "tls", "--bundle", ledgers.var / "ca.pem",
                                "--at", config["network"]["grpc"]["consent"], "--site", "fi", "--batch", "10", "--threads", "4", "--seconds", "4",
                                "--acknowledged", acknowledged], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1.5)
    before = checkpoint(ledgers, "fi")[0]
    killed = ledgers.kill9("fi", victim)
    loading.wait(60)
    ledgers.wait_ready("fi", victim, not_pid=killed, timeout=90)
    wait_until(lambda: checkpoint(ledgers, "fi")[0] >= before, 60, "Finland's ledger to be served again")
    fsck = wait_until(lambda: ledgers.genofed("ledger", "fsck", "--key", key, site="fi", check=False).json, 60, "fsck")
    assert fsck["ok"], fsck
    rows = dict(line.split("|", 1) for line in sql(ledgers, "fi", "SELECT idempotency_key, index FROM consent.ledger WHERE caller = 'dispatcher'").splitlines())
    said = [line.split() for line in acknowledged.read_text().splitlines()]
    assert said and all(rows.get(name) == index for name, index in said), "an acknowledged entry is where the answer said"
    assert sql(ledgers, "fi", "SELECT count(*) = max(index) + 1 AND min(index) = 0 FROM consent.ledger") == "t", "no gap"
    assert not alarms(ledgers, "hub") and not alarms(ledgers, "fi")
    figures.append(f"ledger: {len(said)} entries were acknowledged around a kill -9 of {victim}, all are where the answers said")


def test_postgresql_syncs_what_it_acknowledges(ledgers):
    """A power cut takes what was not synced: crash safety is PostgreSQL's, as long as nobody turns it off."""
    for site in ("hub", "fi"):
        settings = [sql(ledgers, site, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")]
        assert settings == ["on", "on", "on"], (site, settings)


@pytest.fixture
def spain_is_mended(ledgers):
    yield
    killed = ledgers.kill9("es", "consent")
    ledgers.wait_ready("es", "consent", not_pid=killed, timeout=90)


def test_an_entry_that_somebody_rewrites_in_the_database_is_noticed(ledgers, spain_is_mended, figures):
    """The tree is made of the column beside it, and stays as it was."""
    me = ledgers.token("citizen_es", "rewritten-1")
    status, _, answer = ledgers.rest("es", "PUT", "/api/v1/me/permissions", body={"permissions": ["PERMISSION_ALLELE_FREQUENCY"]}, token=me)
    assert status == 200, answer
    index = int(answer["ledger_index"])
    wait_until(lambda: checkpoint(ledgers, "es")[0] > index, 10, "the entry to be cosigned")
    was = sql(ledgers, "es", f"SELECT entry FROM consent.ledger WHERE index = {index}")

    def write(entry):
        sql(ledgers, "es", f"""ALTER TABLE consent.ledger DISABLE TRIGGER ledger_append_only;
            UPDATE consent.ledger SET entry = '{entry}' WHERE index = {index}; ALTER TABLE consent.ledger ENABLE TRIGGER ledger_append_only""")
    write(was.replace("consent-set", "consent-withdraw"))
    began = time.monotonic()
    try:
        for site in ("hub", "es", "fi", "ee"):
            wait_until(lambda: ("es.1mg.example/ledger", "LEDGER_DAMAGED") in alarms(ledgers, site), 30, f"{site}'s alarm")  # noqa: B023
        figures.append(f"ledger: an entry that was rewritten beside the tree raised everybody's alarm within {time.monotonic() - began:.1f} s")
        assert ledgers.rest("es", "GET", f"/ledger/entries?start={index}")[0] == 409
        status, _, problem = ledgers.rest("es", "PUT", "/api/v1/me/permissions", body={"permissions": []}, token=me)
        assert status == 503 and problem["reason"] == "LEDGER_FROZEN", problem
        # Who may be counted is not known any more.
        question = {"meta": {"apiVersion": "2.0"}, "query": {"filters": [{"id": "NCIT:C16576"}], "requestedGranularity": "count"}}
        wait_until(lambda: ledgers.rest("es", "POST", "/beacon/v2/individuals", body=question)[0] == 503, 20, "discovery to close")
    finally:
        write(was)


def test_a_rewritten_history_is_noticed_within_seconds(ledgers, figures):
    wait_until(lambda: checkpoint(ledgers, "fi")[0] == int(sql(ledgers, "fi", "SELECT count(*) FROM consent.ledger")), 10, "everything to be cosigned")
    sql(ledgers, "fi", """ALTER TABLE consent.ledger DISABLE TRIGGER ledger_append_only;
        UPDATE consent.ledger SET entry = replace(entry, 'CONSENT_WITHDRAWN', 'CONSENT_GIVEN_YES'),
          leaf = sha256('\\x00'::bytea || convert_to(replace(entry, 'CONSENT_WITHDRAWN', 'CONSENT_GIVEN_YES'), 'UTF8')) WHERE index = 5;
        ALTER TABLE consent.ledger ENABLE TRIGGER ledger_append_only""")
    killed = ledgers.kill9("fi", "consent")
    ledgers.wait_ready("fi", "consent", not_pid=killed, timeout=90)
    began = time.monotonic()
    wait_until(lambda: ("fi.1mg.example/ledger", "LEDGER_FORKED") in alarms(ledgers, "hub"), 20, "the hub's alarm")
    took = time.monotonic() - began
    assert ledgers.genofed("ledger", "witnesses", site="hub", check=False).code == 3
    for site in ("es", "ee", "fi"):
        wait_until(lambda: ("fi.1mg.example/ledger", "LEDGER_FORKED") in alarms(ledgers, site), 20, f"{site}'s alarm")
    assert '"event":"ledger.alarm"' in ledgers.log("hub", "consent")
    refused = load(ledgers, seconds=0.2, check=False)
    assert "LEDGER_FROZEN" in refused.stderr, refused
    figures.append(f"ledger: a rewritten entry raised the hub's alarm {took:.1f} s after the tampered service was ready")


@pytest.fixture
def small_disk(workspace):
    """A federation of one node on a disk of its own."""
    disk = workspace / "small-disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600m,mode=755", "tmpfs", disk], capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small disk: {mounted.stderr.strip()}")
    federation = Federation(disk / "var", nodes="FI", layout="services", images=workspace / "no-images", hsm="none", sets=QUICK)
    try:
        yield federation.up(timeout=240)
    finally:
        federation.down()
        subprocess.run(["umount", "-l", disk], check=False)


def test_a_full_disk_loses_nothing_that_was_acknowledged(small_disk, figures):
    fed = small_disk
    key, acknowledged, ballast = key_file(fed, "fi"), fed.var.parent / "acknowledged", fed.var.parent / "ballast"
    config = json.loads((fed.var / "fi" / "site.json").read_text())
    load(fed, seconds=0.5)
    free = shutil.disk_usage(fed.var).free
    subprocess.run(["fallocate", "-l", str(free - (6 << 20)), ballast], check=True)
    loading = subprocess.Popen([BUILD / "bin" / "ledger_load", "--tls", fed.var / "fi" / "tls", "--bundle", fed.var / "ca.pem",
                                "--at", config["network"]["grpc"]["consent"], "--site", "fi", "--batch", "50", "--threads", "4", "--seconds", "8",
                                "--acknowledged", "/dev/shm/genofed-acknowledged"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: shutil.disk_usage(fed.var).free < 1 << 20, 20, "the disk to be full")
    time.sleep(1)
    ballast.unlink()
    loading.wait(60)
    fed.wait_ready("fi", timeout=90)
    shutil.move("/dev/shm/genofed-acknowledged", acknowledged)
    fsck = wait_until(lambda: fed.genofed("ledger", "fsck", "--key", key, site="fi", check=False).json, 60, "fsck")
    assert fsck["ok"], fsck
    rows = dict(line.split("|", 1) for line in sql(fed, "fi", "SELECT idempotency_key, index FROM consent.ledger WHERE caller = 'dispatcher'").splitlines())
    said = [line.split() for line in acknowledged.read_text().splitlines()]
    assert said and all(rows.get(name) == index for name, index in said)
    assert sql(fed, "fi", "SELECT count(*) = max(index) + 1 FROM consent.ledger") == "t", "no gap"
    assert not alarms(fed, "hub") and not alarms(fed, "fi")
    figures.append(f"ledger: {len(said)} entries were acknowledged around a full disk, all are where the answers said")
