# SPDX-License-Identifier: Apache-2.0
"""Two discovery services of one node: the same numbers from both, one budget, and none is missed when one of them dies or hangs."""

import concurrent.futures
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

import road
import tokens
from cohort import MINIMUM, Cohort
from conftest import QUICK, synth
from federation import BUILD, Federation, wait_until
from test_30_privacy import carriers, database
from test_34_shards import Process

BUDGET = 0.0157908  # nats: the square of the normal distribution's quantile of 0.55, which is 0.1256613
NOISE_VARIANCE = 121.41  # of Laplace noise of scale 10, cut at 30
SLICE_LIFE = 8  # seconds after which what another replica holds open was given back: docs/security/privacy.md


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def node(workspace):
    """Finland with its own disclosure control (noise, budget), a process for each service."""
    federation = Federation(workspace / "var-replicas", nodes="FI", layout="services", images=workspace / "no-images", hsm="none",
                            sets=[*QUICK, "hub:discovery.node_deadline=3s", "hub:discovery.hedge_after=0.3s"], exact=False)
    try:
        yield federation.up(timeout=240)
    finally:
        federation.down()


@pytest.fixture(scope="module")
def people(node, workspace):
    cohort = Cohort(synth(workspace / "replicated", "FI", people=400, sites=300), "FI", "GOE-FI-REPLICAS-1")
    road.onboard(node, cohort)
    road.list_dataset(node, cohort)
    return cohort


@pytest.fixture(scope="module")
def replica(node, people, workspace):
    """A second discovery process of the same site, and the hub told of both."""
    file = node.var / "fi" / "site.json"
    config = json.loads(file.read_text())
    first, grpc, admin = config["network"]["grpc"]["discovery"], f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    log = (workspace / "replica.log").open("w")
    process = subprocess.Popen([BUILD / "bin" / "genofed-discovery", "--config", file, "--set", f"network.grpc.discovery={grpc}",
                                "--set", f"network.admin.discovery={admin}"], stdout=log, stderr=log)
    try:
        hub = node.var / "hub" / "site.json"
        settings = json.loads(hub.read_text())
        assert settings["network"]["nodes"]["fi"] == first
        settings["network"]["nodes"]["fi"] = f"ipv4:{first},{grpc}"
        hub.write_text(json.dumps(settings))
        killed = node.kill9("hub", "discovery")
        node.wait_ready("hub", "discovery", not_pid=killed, timeout=60)
        wait_until(lambda: served(admin) is not None, 30, "the replica to be ready")
        wait_until(lambda: count(node) is not None, 30, "the hub to reach the node")
        yield process, admin, config["network"]["admin"]["discovery"], grpc
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(20)


def served(admin):
    """Queries that this process answered; None while it is not ready."""
    host, port = admin.split(":")
    try:
        with socket.create_connection((host, int(port)), timeout=2) as link:
            link.sendall(f"GET /metrics HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n".encode())
            text = b"".join(iter(lambda: link.recv(65536), b"")).decode()
    except OSError:
        return None
    lines = [line for line in text.splitlines() if line.startswith("genofed_discovery_query_seconds_count")]
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in lines)


def ask(federation, term="NCIT:C16576"):
    status, _, body = federation.rest("hub", "POST", "/beacon/v2/individuals", body={"meta": {"apiVersion": "2.0"}, "query": {
        "filters": [{"id": term}], "requestedGranularity": "record", "includeResultsetResponses": "ALL"}})
    return status, body


def answer(federation):
    """(state of the node, count that is told)."""
    status, body = ask(federation)
    member = body.get("info", {}).get("members", [{}])[0]
    return member.get("state", status), body.get("responseSummary", {}).get("numTotalResults", 0)


def count(federation):
    """The count that is told, or None when the node is not among those that answered."""
    state, told = answer(federation)
    return told if state == "ANSWERED" else None


def test_both_replicas_tell_the_same_noisy_number(node, people, replica):
    _, second, first, _ = replica
    before = served(first), served(second)
    told = [count(node) for _ in range(20)]
    assert told[0] and set(told) == {told[0]}, told
    truth = len(people.with_filters(people.permitting("SLQ"), sex="FEMALE"))
    assert abs(told[0] - truth) < truth / 2 and truth >= MINIMUM
    after = served(first), served(second)
    assert all(now > then for now, then in zip(after, before, strict=True)), "both were asked"


@pytest.fixture(scope="module")
def doors(node, replica):
    """Ports of two gateways of the node, the second of which asks the replica alone."""
    port = free_port()
    gateway = Process(node, "gateway", "replica-gateway", f"gateway.listen=127.0.0.1:{port}", f"network.grpc.discovery={replica[3]}")
    try:
        wait_until(gateway.ready, 60, "the replica's gateway to be ready")
        yield int(node.site("fi")["rest"].rsplit(":", 1)[1]), port
    finally:
        gateway.stop()


def count_at(federation, port, question, token):
    """(count and what it was rounded to, None), or (None, seconds until asking makes sense again)."""
    entity, query = question
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=ssl.create_default_context(cafile=federation.ca_file))
    try:
        connection.request("POST", f"/beacon/v2/{entity}", json.dumps({"meta": {"apiVersion": "2.0"}, "query": {
            **query, "requestedGranularity": "count"}}), {"Content-Type": "application/json", "Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        body = json.loads(response.read())
    finally:
        connection.close()
    if response.status == 429:
        assert response.headers["Genofed-Reason"] == "BUDGET_SPENT"
        return None, int(response.headers["Retry-After"])
    assert response.status == 200, body
    summary = body["responseSummary"]
    return (summary.get("numTotalResults", 0), summary.get("countAdjustedTo", [10])[0]), None


def nats(told, people):
    """What answers that were shown cost, by docs/security/privacy.md; of those that were not, nothing."""
    total = 0
    for count, step in told:
        p = min(count / people, 1)
        total += max(p, 1 - p) ** 2 / (2 * (people * p * (1 - p) + NOISE_VARIANCE + step * step / 12)) if count else 0
    return total


def told_by_audit(node, dataset):
    """Account to the nats of all that it was told: each question once."""
    time.sleep(1.5)  # both processes write it in batches, twice a second
    rows = database(node, "fi", "discovery", "SELECT account, sum(nats) AS nats FROM (SELECT DISTINCT account, question, nats FROM "
                    f"discovery.disclosure_audit WHERE dataset = '{dataset}' AND outcome <> 'refused') AS once GROUP BY account")
    return {row["account"]: row["nats"] for row in rows}


def test_a_budget_is_not_doubled_by_a_replica(node, people, doors, figures):
    """One account asks both by turns, then another one both at once: what the two say together stays within one budget."""
    population = people.permitting("AF")
    questions = [carriers(v) for v in people.variants() if 0.2 < people.carriers(v, population) / len(population) < 0.8]
    assert len(questions) > 30, "more than two budgets would pay for"
    before = set(told_by_audit(node, people.dataset))
    patient, hasty = (tokens.access_token(node, subject, ["fi"]) for subject in ("patient", "hasty"))

    told, answered, waiting = [], [0, 0], list(questions)
    for _ in range(4):  # what the other one holds open may refuse an account for some seconds
        refusals = [None, None]
        while waiting and None in refusals:
            for at, port in enumerate(doors):
                if refusals[at] is None and waiting:
                    told_now, refusals[at] = count_at(node, port, waiting[-1], patient)
                    if told_now is not None:
                        told.append(told_now)
                        answered[at] += 1
                        waiting.pop()
        assert waiting, "all was answered, and no budget was spent"
        if min(refusals) > SLICE_LIFE:
            break
        time.sleep(SLICE_LIFE)
    assert min(refusals) > SLICE_LIFE, "the end of the budget, not of a slice"
    assert min(answered) > 0, answered
    by_hand = nats(told, len(population))
    assert 0 < by_hand <= BUDGET
    # Neither of them tells anything new to anybody of it; what was told before is told by both.
    assert all(count_at(node, port, waiting[0], patient)[1] for port in doors)
    assert [count_at(node, port, questions[-1], patient)[0] for port in doors] == [told[0]] * 2

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        at_once = list(pool.map(lambda at: count_at(node, doors[at % 2], questions[at], hasty)[0], range(len(questions))))
    at_once = [one for one in at_once if one is not None]
    assert 0 < nats(at_once, len(population)) <= BUDGET
    spent = {account: sum_of for account, sum_of in told_by_audit(node, people.dataset).items() if account not in before}
    assert len(spent) == 2 and all(by_hand / 2 < sum_of <= BUDGET for sum_of in spent.values()), spent
    figures.append(f"budget split over two replicas: {answered[0]} + {answered[1]} answers by turns, {len(at_once)} of {len(questions)} at once; "
                   f"{', '.join(f'{sum_of / BUDGET:.2f}' for sum_of in spent.values())} of one budget")


def test_a_replica_that_dies_is_not_missed(node, replica):
    told, failed, stop = count(node), [], threading.Event()

    def keep_asking():
        while not stop.is_set():
            if (got := answer(node)) != ("ANSWERED", told):
                failed.append((time.monotonic(), got))
    askers = [threading.Thread(target=keep_asking) for _ in range(4)]
    for asker in askers:
        asker.start()
    try:
        time.sleep(1)
        killed = node.kill9("fi", "discovery")
        time.sleep(2)
    finally:
        stop.set()
        for asker in askers:
            asker.join()
    # What was under way on the lost connection is asked of the other one. On a busy machine gRPC may take longer to notice.
    assert len(failed) <= len(askers), failed
    node.wait_ready("fi", "discovery", not_pid=killed, timeout=60)


def test_a_replica_that_hangs_is_not_waited_for(node, replica):
    process, *_ = replica
    told = wait_until(lambda: count(node), 30, "the node to answer")
    os.kill(process.pid, signal.SIGSTOP)
    try:
        for _ in range(6):
            assert count(node) == told, "the other one was asked once more, within the node's deadline"
    finally:
        os.kill(process.pid, signal.SIGCONT)
