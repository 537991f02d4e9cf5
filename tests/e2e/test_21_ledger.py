# SPDX-License-Identifier: Apache-2.0
"""The ledgers of a running federation: as files, with witnesses, after crashes, by clocks that jump, restored from a backup, and when somebody rewrites one."""

import base64
import contextlib
import datetime
import json
import shutil
import signal
import subprocess
import time

import pytest

import entry_log
import road
from cohort import Cohort
from conftest import CASE_TERM, QUICK, WORKFLOW, _running, synth
from federation import BUILD, Federation, genofed, wait_until
from set_clock import SetClock

NODES = "FI,ES,EE"


@pytest.fixture(scope="module")
def clock(workspace):
    """What Finland's consent service takes for the time of day."""
    return SetClock(workspace / "clock", "fi", "consent")


@pytest.fixture(scope="module")
def ledgers(workspace, images, clock):
    """A hub and three nodes: each ledger has the hub and two other nodes as witnesses. Certificates outlast what the clock jumps over."""
    federation = Federation(workspace / "var-ledger", nodes=NODES, layout="services", images=images, hsm="none", sets=QUICK,
                            args=["--certificate-lifetime", 30 * 86400], programs=clock.programs)
    _running.append(federation)
    try:
        yield federation.up(timeout=240)
    finally:
        federation.down()
        _running.remove(federation)


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


def places(federation, site):
    """{key: index} of the entries that a site's dispatcher appended, as acknowledged ones are written down."""
    return {one["key"]: str(one["index"]) for one in entry_log.entries(federation, site) if one["caller"] == "dispatcher"}


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
    size = len(entry_log.entries(ledgers, "fi"))
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
    entry = entries_like(ledgers, "hub", "fi.1mg.example/ledger")[-1]
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
    rows = places(ledgers, "fi")
    said = [line.split() for line in acknowledged.read_text().splitlines()]
    assert said and all(rows.get(name) == index for name, index in said), "an acknowledged entry is where the answer said"
    assert not alarms(ledgers, "hub") and not alarms(ledgers, "fi")
    figures.append(f"ledger: {len(said)} entries were acknowledged around a kill -9 of {victim}, all are where the answers said")


def test_postgresql_syncs_what_it_acknowledges(ledgers):
    """A power cut takes what was not synced: crash safety is PostgreSQL's, as long as nobody turns it off."""
    for site in ("hub", "fi"):
        settings = [sql(ledgers, site, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")]
        assert settings == ["on", "on", "on"], (site, settings)


@pytest.fixture(scope="module")
def held(ledgers, workspace):
    """{site: Cohort}, listed in two countries; of Finland's, `child` comes of age within a week, and a guardian permitted everything."""
    cohorts = {}
    for country in ("FI", "ES"):
        folder = synth(workspace / "of-ledgers" / country, country, people=60, sites=300)
        cohort = Cohort(folder, country, f"GOE-{country}-LEDGER-1")
        if country == "FI":
            cohort.child = someone(cohort)
            of_age = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=2)
            while of_age.day > 28:  # there is such a day in every year
                of_age += datetime.timedelta(days=1)
            file = next(f for f in (folder / "phenopackets").glob("*.json") if json.loads(f.read_text())["subject"]["id"] == cohort.child)
            packet = json.loads(file.read_text())
            packet["subject"].pop("timeAtLastEncounter", None)
            packet["subject"]["dateOfBirth"] = f"{of_age.year - 18}-{of_age.month:02}-{of_age.day:02}T00:00:00Z"
            file.write_text(json.dumps(packet))
            bundle = json.loads((folder / "consents.fhir-r4.json").read_text())
            for entry in bundle["entry"]:
                if entry["resource"]["patient"]["identifier"]["value"] == cohort.child:
                    entry["resource"]["performer"] = [{"reference": "RelatedPerson/mother"}]
            (folder / "consents.fhir-r4.json").write_text(json.dumps(bundle))
        road.onboard(ledgers, cohort)
        road.list_dataset(ledgers, cohort)
        cohorts[cohort.site] = cohort
    return cohorts


def someone(cohort, number=0):
    """A woman who permits everything."""
    women = cohort.with_filters(cohort.included, sex="FEMALE")
    return [p for p in sorted(women) if cohort.permissions[p] == {"AF", "SLQ", "SEC"}][number]


def counted(federation, site, cohort):
    """How many women of a dataset a site counts; None when it counts none of it just now."""
    question = {"meta": {"apiVersion": "2.0"}, "query": {"filters": [{"id": "NCIT:C16576"}], "requestedGranularity": "record",
                                                          "includeResultsetResponses": "ALL"}}
    status, _, body = federation.rest(site, "POST", "/beacon/v2/individuals", body=question)
    if status == 503:
        return None
    assert status == 200, body
    return next((found["resultsCount"] for found in body["response"]["resultSets"] if found["id"] == cohort.dataset and found["exists"]), None)


def entries_like(federation, site, text):
    """Those with this text, in order; there are too many to read all of them again and again."""
    return [json.loads(one["entry"]) for one in entry_log.entries(federation, site) if text.encode() in one["entry"]]


def test_clocks_that_jump_lose_nothing_fork_nothing_and_bring_no_permission_back(ledgers, held, clock, tmp_path, figures):
    """A week forward and back, and before the present, under load, with a death in between."""
    fi, key, acknowledged = held["fi"], key_file(ledgers, "fi"), ledgers.var / "acknowledged-clock"
    leaver, limited = someone(fi, 1), someone(fi, 2)
    until = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    ledgers.genofed("me", "permit", "AF", "SLQ", "SEC", "--until", until, site="fi", token=ledgers.token(fi.citizen, limited))
    all_women = len(fi.with_filters(fi.permitting("SLQ"), sex="FEMALE"))
    assert counted(ledgers, "fi", fi) == all_women
    config = json.loads((ledgers.var / "fi" / "site.json").read_text())
    loading = subprocess.Popen([BUILD / "bin" / "ledger_load", "--tls", ledgers.var / "fi" / "tls", "--bundle", ledgers.var / "ca.pem",
                                "--at", config["network"]["grpc"]["consent"], "--site", "fi", "--batch", "5", "--threads", "2", "--seconds", "15",
                                "--acknowledged", acknowledged], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)
        clock.set(7 * 86400)
        wait_until(lambda: counted(ledgers, "fi", fi) == all_women - 2, 10, "a period to be over, and a child to have come of age")
        for seconds in (0, -200, -50):
            clock.set(seconds)
            for _ in range(6):
                assert counted(ledgers, "fi", fi) == all_women - 2, f"what was over is back, at {seconds} s"
                time.sleep(0.2)
        # What is said by a clock that is behind counts like anything else.
        me = ledgers.token(fi.citizen, leaver)
        status, _, answer = ledgers.rest("fi", "PUT", "/api/v1/me/permissions", body={"permissions": []}, token=me)
        assert status == 200, answer
        wait_until(lambda: counted(ledgers, "fi", fi) == all_women - 3, 5, "the withdrawal to count")
        clock.set(-200)
        killed = ledgers.kill9("fi", "consent")
        ledgers.wait_ready("fi", "consent", not_pid=killed, timeout=90)
        wait_until(lambda: counted(ledgers, "fi", fi), 20, "discovery to be open again")
        assert counted(ledgers, "fi", fi) == all_women - 3
    finally:
        clock.set(0)
        loading.wait(60)
    fi.permissions |= dict.fromkeys((leaver, limited, fi.child), set())
    size = len(entry_log.entries(ledgers, "fi"))
    wait_until(lambda: checkpoint(ledgers, "fi")[0] >= size and len(checkpoint(ledgers, "fi")[1]) == 4, 20, "everybody's cosignature, whatever their clocks say")
    fsck = ledgers.genofed("ledger", "fsck", "--key", key, site="fi").json
    assert fsck["ok"], fsck
    rows = places(ledgers, "fi")
    said = [line.split() for line in acknowledged.read_text().splitlines()]
    assert said and all(rows.get(name) == index for name, index in said), "an acknowledged entry is where the answer said"
    assert not any(alarms(ledgers, site) for site in ("hub", "fi", "es", "ee"))
    # The order of the ledger is the order of events, whatever times are written in it.
    newest, = ledgers.get("fi", "/api/v1/me/permissions", token=me)["history"][:1]
    assert newest["ledger_index"] == answer["ledger_index"] and not newest.get("permissions"), newest
    epochs = [entry["epoch"] for entry in entries_like(ledgers, "fi", "consent-") if entry["kind"].startswith("consent-")]
    assert len(epochs) > 2 and epochs == sorted(epochs)
    receipt = tmp_path / "receipt.json"
    receipt.write_text(newest["receipt"])
    assert genofed("ledger", "verify", receipt, "--key", key).returncode == 0
    figures.append(f"ledger: {len(said)} entries were acknowledged while the clock was set a week forward and 200 s back, all are where the answers said")


def admin(federation, site, program, *args):
    """A tool of PostgreSQL's, as whoever keeps the site's database."""
    config = json.loads((federation.var / site / "site.json").read_text())["postgres"]
    done = subprocess.run([program, "-h", config["host"], "-p", str(config["port"]), "-U", "genofed_admin", "-d", config["database"], *args],
                          capture_output=True, text=True, timeout=120, check=False,
                          env={"PATH": "/usr/bin:/bin", "PGPASSWORD": (federation.var / site / "secrets" / "postgres-admin").read_text().strip()})
    assert done.returncode == 0, done.stderr
    return done.stdout


def back_up(federation, site, name):
    """The database first: entries that it does not know are harmless."""
    file = federation.var / f"{site}.{name}"
    admin(federation, site, "pg_dump", "-Fc", "-n", "consent", "-f", file)
    shutil.copytree(entry_log.folder(federation, site), f"{file}.entries")
    return file


def restore(federation, site, backup, archive=None, with_entries=True):
    """Into the stores of a service that is at rest meanwhile and starts anew; `archive()` may look at them before. Returns the process that was."""
    pid = federation.pid(site, "consent")
    federation.signal(site, "consent", signal.SIGSTOP)
    if archive:
        archive()
    admin(federation, site, "psql", "-c", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'genofed_consent'")
    admin(federation, site, "pg_restore", "--clean", "--if-exists", "--single-transaction", "-n", "consent", backup)
    if with_entries:
        for file in entry_log.folder(federation, site).glob("*.entries"):
            file.unlink()
        shutil.copytree(f"{backup}.entries", entry_log.folder(federation, site), dirs_exist_ok=True)
    return federation.kill9(site, "consent") if federation.pid(site, "consent") == pid else pid


def of_run(federation, site, run, kind):
    return [entry for entry in entries_like(federation, site, run) if entry.get("run") == run and entry["kind"] == kind]


def history(federation, site, size):
    """What the first so many entries are, whatever came since."""
    return [one["entry"] for one in entry_log.entries(federation, site)[:size]]


@pytest.fixture(scope="module")
def frozen(ledgers, held, images):
    """Finland's consents restored from a backup that is older than a withdrawal, while a task waits for its keys."""
    fi, state = held["fi"], {}
    state["application"] = road.grant(ledgers, [(cohort, True) for cohort in held.values()], "Before the restore")["id"]
    state["analysed"] = len(fi.permitting("SEC"))
    ledgers.signal("fi", "spe", signal.SIGSTOP)
    try:
        state["run"] = road.submit(ledgers, state["application"], images / WORKFLOW, datasets=[fi.dataset], CASE_TERM=CASE_TERM)
        wait_until(lambda: of_run(ledgers, "fi", state["run"], "run"), 30, "the run to be in the ledger")
        state["before"] = counted(ledgers, "fi", fi)
        backup = back_up(ledgers, "fi", "backup")
        state["leaver"] = ledgers.token(fi.citizen, someone(fi, 1))
        status, _, answer = ledgers.rest("fi", "PUT", "/api/v1/me/permissions", body={"permissions": []}, token=state["leaver"])
        assert status == 200, answer
        for site in ("fi", "hub"):
            wait_until(lambda: counted(ledgers, site, fi) == state["before"] - 1, 10, "the withdrawal to count")  # noqa: B023
        wait_until(lambda: len(checkpoint(ledgers, "fi")[1]) == 4 and checkpoint(ledgers, "fi")[0] > int(answer["ledger_index"]), 20, "all to cosign it")

        def archive():
            """What is in the archived log of the database, too."""
            state["archive"] = back_up(ledgers, "fi", "archive")
            state["size"] = len(entry_log.entries(ledgers, "fi"))
            state["history"] = history(ledgers, "fi", state["size"])
        restored = restore(ledgers, "fi", backup, archive)
        began = time.monotonic()
        state["seen"] = {"fi": set(), "hub": set()}  # all that anybody was told since
        while not alarms_or_none(ledgers, "fi") or counted(ledgers, "fi", fi) is not None:
            for site, counts in state["seen"].items():
                counts.add(counted(ledgers, site, fi))
            assert time.monotonic() < began + 60, "it did not close"
        state["took"] = time.monotonic() - began
        ledgers.wait_ready("fi", "consent", not_pid=restored)
    finally:
        ledgers.signal("fi", "spe", signal.SIGCONT)
    return state


def alarms_or_none(federation, site):
    with contextlib.suppress(AssertionError):
        return alarms(federation, site)
    return None


def test_a_restored_backup_freezes_and_nobody_who_withdrew_is_counted_again(ledgers, held, frozen, figures):
    assert ("fi.1mg.example/ledger", "LEDGER_BEHIND") in alarms(ledgers, "fi")
    for site in ("hub", "es", "ee"):
        wait_until(lambda: ("fi.1mg.example/ledger", "LEDGER_ROLLED_BACK") in alarms(ledgers, site), 20, f"{site}'s alarm")  # noqa: B023
    assert frozen["seen"]["fi"] <= {frozen["before"] - 1, None} and frozen["seen"]["hub"] <= {frozen["before"] - 1, None}, frozen["seen"]
    figures.append(f"ledger: a restored backup was noticed, and discovery closed, {frozen['took']:.1f} s after the database was back")
    # The node says why not, and the hub who is missing; the other country is counted as before.
    question = {"meta": {"apiVersion": "2.0"}, "query": {"filters": [{"id": "NCIT:C16576"}], "requestedGranularity": "count"}}
    status, _, problem = ledgers.rest("fi", "POST", "/beacon/v2/individuals", body=question)
    assert status == 503 and "permissions could not be checked" in problem["error"]["errorMessage"], problem
    answer = road.query(ledgers, "individuals", sex="female")
    assert set(answer["counts"]) == {held["es"].dataset} and answer["members"]["es"] == "ANSWERED" != answer["members"]["fi"], answer
    # Nothing is taken, and everything that was said is shown, with what proves it.
    status, _, problem = ledgers.rest("fi", "PUT", "/api/v1/me/permissions", body={"permissions": []}, token=frozen["leaver"])
    assert status == 503 and problem["reason"] == "LEDGER_FROZEN", problem
    assert ledgers.get("fi", "/api/v1/me/permissions", token=frozen["leaver"])["history"]
    assert ledgers.get("fi", "/ledger/entries?start=0&limit=10")["entries"]
    assert history(ledgers, "fi", frozen["size"]) != frozen["history"], "the withdrawal is missing"


def test_a_frozen_ledger_releases_no_key_and_dispatches_nothing(ledgers, held, frozen, images):
    wait_until(lambda: "LEDGER_FROZEN" in ledgers.log("fi", "spe"), 60, "the waiting task to be refused its keys")
    later = road.submit(ledgers, frozen["application"], images / WORKFLOW, CASE_TERM=CASE_TERM)
    wait_until(lambda: of_run(ledgers, "es", later, "run"), 30, "the other country to begin")
    wait_until(lambda: "LEDGER_FROZEN" in ledgers.log("fi", "dispatcher"), 20, "Finland's dispatcher to be refused an entry")
    assert not of_run(ledgers, "fi", later, "run") and not of_run(ledgers, "fi", frozen["run"], "key-event")
    assert not entries_like(ledgers, "fi", "releases"), "nothing was ever opened"
    assert road.run_state(ledgers, frozen["run"])["state"] not in road.ENDED
    assert not road.parts(road.run_state(ledgers, later))["fi"].get("reason"), "it waits, and has not failed"
    frozen["later"] = later


def test_only_what_is_missing_lifts_it(ledgers, held, frozen):
    """Not a new start; what docs/operations/witnesses.md says does."""
    fi = held["fi"]
    killed = ledgers.kill9("fi", "consent")
    ledgers.wait_ready("fi", "consent", not_pid=killed, timeout=90)
    wait_until(lambda: "LEDGER_FROZEN" in load(ledgers, seconds=0.2, check=False).stderr, 20, "the ledger to be frozen again")
    assert counted(ledgers, "fi", fi) is None
    restored = restore(ledgers, "fi", frozen["archive"])
    ledgers.wait_ready("fi", "consent", not_pid=restored, timeout=90)
    assert wait_until(lambda: counted(ledgers, "fi", fi), 30, "discovery to be open") == frozen["before"] - 1
    wait_until(lambda: counted(ledgers, "hub", fi) == frozen["before"] - 1, 20, "the hub to count Finland again")
    shown = wait_until(lambda: [body for status, _, body in [ledgers.rest("fi", "GET", "/api/v1/me/permissions", token=frozen["leaver"])] if status == 200], 20,
                       "the gateway to have found the service again")
    assert not shown[0].get("permissions")
    for run in (frozen["run"], frozen["later"]):
        state = road.finish(ledgers, run, ["fi", "es"], timeout=150)
        assert state["state"] == "STATE_COMPLETE", state
        assert road.parts(state)["fi"]["individuals"] == frozen["analysed"] - 1, state
    assert of_run(ledgers, "fi", frozen["run"], "key-event")
    assert history(ledgers, "fi", frozen["size"]) == frozen["history"], "the same history goes on"
    load(ledgers, seconds=0.2)
    size = len(entry_log.entries(ledgers, "fi"))
    wait_until(lambda: checkpoint(ledgers, "fi")[0] >= size and len(checkpoint(ledgers, "fi")[1]) == 4, 20, "everybody to cosign what came since")
    assert ledgers.genofed("audit", "reconcile", as_="dpo_fi").json["accounted"] is True
    assert ("fi.1mg.example/ledger", "LEDGER_ROLLED_BACK") in alarms(ledgers, "hub"), "evidence stays"


def test_a_database_that_is_older_than_its_entries_freezes(ledgers, held, frozen):
    """Without asking anybody: its withdrawals are missing, and the entries say that there were some."""
    fi = held["fi"]
    newest = back_up(ledgers, "fi", "newest")
    restored = restore(ledgers, "fi", frozen["archive"].with_name("fi.backup"), with_entries=False)
    ledgers.wait_ready("fi", "consent", not_pid=restored, timeout=90)
    assert "LEDGER_FROZEN" in load(ledgers, seconds=0.2, check=False).stderr
    assert counted(ledgers, "fi", fi) is None and '"event":"ledger.database_behind"' in ledgers.log("fi", "consent")
    wait_until(lambda: ledgers.rest("fi", "GET", "/ledger/entries?start=0&limit=10")[0] == 200, 20, "what was said to be shown all the same")
    restored = restore(ledgers, "fi", newest)
    ledgers.wait_ready("fi", "consent", not_pid=restored, timeout=90)
    assert wait_until(lambda: counted(ledgers, "fi", fi), 30, "discovery to be open") == frozen["before"] - 1


def test_a_log_that_was_lost_is_not_begun_anew(ledgers, held):
    """That would be another ledger."""
    log = entry_log.folder(ledgers, "fi")
    kept = shutil.copytree(log, log.with_name(f"{log.name}-kept"))
    said = len(ledgers.log("fi", "consent"))
    pid = ledgers.pid("fi", "consent")
    ledgers.signal("fi", "consent", signal.SIGSTOP)
    try:
        shutil.rmtree(log)
        ledgers.kill9("fi", "consent")
        wait_until(lambda: "ENTRY_LOG_MISSING" in ledgers.log("fi", "consent")[said:], 60, "the service to say what is missing")
        assert counted(ledgers, "fi", held["fi"]) is None
    finally:
        shutil.rmtree(log, ignore_errors=True)
        kept.rename(log)
    ledgers.wait_ready("fi", "consent", not_pid=pid, timeout=120)
    wait_until(lambda: load(ledgers, seconds=0.2, check=False).returncode == 0, 30, "further entries to be taken")


@pytest.fixture
def spain_is_mended(ledgers):
    yield
    killed = ledgers.kill9("es", "consent")
    ledgers.wait_ready("es", "consent", not_pid=killed, timeout=90)


def test_an_entry_that_somebody_rewrites_is_noticed(ledgers, spain_is_mended, figures):
    """The tree in memory stays as it was."""
    me = ledgers.token("citizen_es", "rewritten-1")
    status, _, answer = ledgers.rest("es", "PUT", "/api/v1/me/permissions", body={"permissions": ["PERMISSION_ALLELE_FREQUENCY"]}, token=me)
    assert status == 200, answer
    index = int(answer["ledger_index"])
    wait_until(lambda: checkpoint(ledgers, "es")[0] > index, 10, "the entry to be cosigned")
    was = entry_log.rewrite(ledgers, "es", index, lambda entry: entry.replace(b'"time":"20', b'"time":"19'))
    began = time.monotonic()
    try:
        wait_until(lambda: ("es.1mg.example/ledger", "LEDGER_DAMAGED") in alarms(ledgers, "es"), 30, "Spain's own alarm")
        own = time.monotonic() - began
        for site in ("hub", "es", "fi", "ee"):
            wait_until(lambda: ("es.1mg.example/ledger", "LEDGER_DAMAGED") in alarms(ledgers, site), 30, f"{site}'s alarm")  # noqa: B023
        figures.append(f"ledger: an entry that was rewritten raised the node's own alarm within {own:.1f} s, and everybody's within {time.monotonic() - began:.1f} s")
        assert ledgers.rest("es", "GET", f"/ledger/entries?start={index}")[0] == 409
        status, _, problem = ledgers.rest("es", "PUT", "/api/v1/me/permissions", body={"permissions": []}, token=me)
        assert status == 503 and problem["reason"] == "LEDGER_FROZEN", problem
        # Who may be counted is not known any more.
        question = {"meta": {"apiVersion": "2.0"}, "query": {"filters": [{"id": "NCIT:C16576"}], "requestedGranularity": "count"}}
        wait_until(lambda: ledgers.rest("es", "POST", "/beacon/v2/individuals", body=question)[0] == 503, 20, "discovery to close")
    finally:
        entry_log.rewrite(ledgers, "es", index, lambda _: was)


def test_a_rewritten_history_is_noticed_within_seconds(ledgers, figures):
    wait_until(lambda: checkpoint(ledgers, "fi")[0] == len(entry_log.entries(ledgers, "fi")), 10, "everything to be cosigned")
    denied = next(one["index"] for one in entry_log.entries(ledgers, "fi") if b"CONSENT_WITHDRAWN" in one["entry"])
    entry_log.rewrite(ledgers, "fi", denied, lambda entry: entry.replace(b"CONSENT_WITHDRAWN", b"CONSENT_GIVEN_YES"))
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
    rows = places(fed, "fi")
    said = [line.split() for line in acknowledged.read_text().splitlines()]
    assert said and all(rows.get(name) == index for name, index in said)
    assert not alarms(fed, "hub") and not alarms(fed, "fi")
    figures.append(f"ledger: {len(said)} entries were acknowledged around a full disk, all are where the answers said")
