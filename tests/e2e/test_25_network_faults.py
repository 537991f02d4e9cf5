# SPDX-License-Identifier: Apache-2.0
"""The Beacon network with members that hang, fail, are slow, lie, speak nonsense or only say yes.

Finland is well. Spain is a real node behind a wire that can be slowed and cut. Estonia's discovery is played by a script
with Estonia's own certificate. "boolean" is somebody else's Beacon over REST, played by a script, too.
"""

import json
import os
import signal
import struct
import time

import pytest

import road
from conftest import QUICK
from federation import Federation, wait_until
from scripted_peers import (DATA, END_HEADERS, HEADERS, RST_STREAM, ScriptedBeacon, ScriptedNode, Wire, dataset_result, drip,
                            frame, header, message, query_response, reply)

DEADLINE = 1.0
# What an answer may take. Without a deadline these members would hold it up for a minute or for ever.
BOUND = DEADLINE + 9
YES = {"meta": {}, "responseSummary": {"exists": True}}
NO = {"meta": {}, "responseSummary": {"exists": False}}


class Network:
    def __init__(self, federation, wire, estonia, beacon):
        self.federation, self.wire, self.estonia, self.beacon = federation, wire, estonia, beacon

    def ask(self, granularity="count"):
        """The hub's answer, which must have come in time and name every member."""
        started = time.monotonic()
        status, _, body = self.federation.rest("hub", "POST", "/beacon/v2/individuals", body={
            "meta": {"apiVersion": "2.0"}, "query": {"filters": [{"id": "NCIT:C16576"}], "requestedGranularity": granularity,
                                                     "includeResultsetResponses": "HIT"}})
        assert status == 200, body
        seconds = time.monotonic() - started
        assert seconds < BOUND, f"took {seconds:.1f} s; members have {DEADLINE} s"
        self.members = {member["site"]: member for member in body["info"]["members"]}
        assert set(self.members) == {"fi", "es", "ee", "boolean"}
        self.exists = body["responseSummary"]["exists"]
        self.total = body["responseSummary"].get("numTotalResults", 0)
        return body

    def states(self):
        return {site: member["state"] for site, member in self.members.items()}

    def recover(self):
        """Everybody is well again, and the breakers have noticed."""
        self.wire.delay, self.wire.cut = 0, False
        self.estonia.greet, self.estonia.certificate = None, self.estonia.own_certificate
        self.estonia.script = lambda call: call.answer(query_response(dataset_result()))
        self.beacon.script = lambda handler, body: reply(handler, NO)

        def well():
            self.ask()
            return set(self.states().values()) == {"ANSWERED"}
        wait_until(well, 60, "all members to answer")
        return self.total

    def others(self, answers, without):
        """What is left is exactly what the others said."""
        assert self.states()["fi"] == "ANSWERED"
        assert self.total == answers - without, self.members
        assert self.exists


@pytest.fixture(scope="module")
def network(workspace, images, cohorts):
    wire, estonia, beacon = Wire(), ScriptedNode(), ScriptedBeacon()
    var = workspace / "var-faults"
    foreign = [{"name": "boolean", "url": beacon.url}]
    federation = Federation(var, nodes="FI,ES,EE", layout="site", images=images, hsm="none", sets=[
        *QUICK, f"hub:network.nodes.es={wire.address}", f"hub:network.nodes.ee={estonia.address}",
        f"hub:discovery.foreign_beacons={json.dumps(foreign)}", f"hub:discovery.node_deadline={DEADLINE}s",
        "hub:discovery.breaker_failures=3", "hub:discovery.breaker_pause=0.5s"])
    try:
        federation.up()
        ports = json.loads((var / "ports.json").read_text())
        wire.target = "127.0.0.1:%d" % ports["es/discovery/grpc"]
        estonia.own_certificate = (var / "ee" / "tls" / "discovery.pem", var / "ee" / "tls" / "discovery.key")
        for site in ("fi", "es"):
            road.onboard(federation, cohorts[site])
            road.list_dataset(federation, cohorts[site])
        yield Network(federation, wire, estonia, beacon)
    finally:
        federation.down()
        for peer in (wire, estonia, beacon):
            peer.close()


@pytest.fixture(scope="module")
def truth(cohorts):
    """{site: women who permitted questions about people}."""
    return {site: len(cohort.with_filters(cohort.permitting("SLQ"), [], "FEMALE")) for site, cohort in cohorts.items()}


def test_everybody_is_added_up_when_all_are_well(network, truth):
    wait_until(lambda: network.recover() == truth["fi"] + truth["es"] + 40, 30, "both datasets to be answered from")


def fail(network, site, states, total):
    """Asks until the breaker is open, then once more: the member costs nothing then."""
    for _ in range(3):
        network.ask()
        assert network.states()[site] in states, network.members
        network.others(total, network.missing)
    network.ask()
    network.others(total, network.missing)


def test_a_hung_node_is_waited_for_until_the_deadline_and_then_left_alone(network, truth):
    total = network.recover()
    network.missing = truth["es"]
    network.federation.signal("es", "site", signal.SIGSTOP)
    try:
        fail(network, "es", {"TIMED_OUT"}, total)
        # The breaker is open: nobody waits for Spain any more, but for one probe each half second.
        waited = []
        for _ in range(6):
            network.ask()
            waited.append(network.members["es"]["state"])
        assert "UNREACHABLE" in waited and set(waited) <= {"UNREACHABLE", "TIMED_OUT"}, waited
    finally:
        network.federation.signal("es", "site", signal.SIGCONT)
    assert network.recover() == total


def test_a_slow_node_counts_as_long_as_it_keeps_the_deadline(network, truth):
    total = network.recover()
    network.wire.delay = 0.2
    wait_until(lambda: network.ask() and network.states()["es"] == "ANSWERED", 20, "Spain within the deadline")
    assert network.members["es"]["milliseconds"] >= 200 and network.total == total
    network.wire.delay = 5 * DEADLINE
    network.missing = truth["es"]
    fail(network, "es", {"TIMED_OUT"}, total)
    network.wire.delay = 0
    network.wire.break_off()
    assert network.recover() == total


def test_a_node_whose_connections_end_is_unreachable(network, truth):
    total = network.recover()
    network.wire.cut = True
    network.wire.break_off()
    network.missing = truth["es"]
    fail(network, "es", {"UNREACHABLE", "TIMED_OUT"}, total)
    assert network.recover() == total


def test_a_killed_node_is_named_and_counts_again_after_its_restart(network, truth):
    total = network.recover()
    killed = network.federation.kill9("es", "site")
    network.ask()
    # It may be back already.
    if network.states()["es"] != "ANSWERED":
        assert network.states()["es"] in {"UNREACHABLE", "TIMED_OUT", "REFUSED"}
        network.others(total, truth["es"])
    network.federation.wait_ready("es", "site", not_pid=killed)
    wait_until(lambda: network.recover() == total, 30, "Spain to count again")


# Estonia: a node of the federation that is under somebody else's control. ---------------------------------------------

def told(*datasets, **more):
    return lambda call: call.answer(query_response(*datasets, **more))


def sent(*parts):
    def script(call):
        for part in parts:
            call.raw(part(call) if callable(part) else part)
    return script


def hang(call):
    time.sleep(30)


def stop_in_the_middle(call):
    call.begin()
    call.data(b"\0" + struct.pack(">I", 100) + b"\x1a")
    call.connection.close()


def giant(call):
    """A length of two gigabytes, and the first bytes."""
    call.begin()
    call.data(b"\0" + struct.pack(">I", 2 << 30) + bytes(1000))
    time.sleep(3 * DEADLINE)


def frames_without_end(call):
    call.begin()
    for _ in range(2000):
        call.raw(frame(HEADERS, END_HEADERS, call.stream + 2, header("x", b"y" * 100)))


def random_frames(call):
    call.raw(os.urandom(4096))
    raise ConnectionAbortedError  # one in four begins like a long frame of a kind that is skipped, and the answers of later tests with it


LIES = {
    "dataset of another country": told(dataset_result(dataset="GOE-FI-DATASET-1", country="FI")),
    "country of another": told(dataset_result(country="FI")),
    "dataset that names no country": told(dataset_result(dataset="everything")),
    "negative count": told(dataset_result(count=-40)),
    "count below its own floor": told(dataset_result(count=3)),
    "count of what does not exist": told(dataset_result(exists=False, count=40)),
    "more people than there are": told(dataset_result(count=1 << 62)),
    "version 0": told(dataset_result(version=0)),
    "dataset twice": told(dataset_result(), dataset_result(count=60)),
    "one true and one false": told(dataset_result(), dataset_result(dataset="GOE-ES-DATASET-9", country="ES")),
    "floor that would silence others": told(dataset_result(count=100_000), floor=100_000),
    "negative floor": told(dataset_result(), floor=-1),
    "frequency of more than all": told(dataset_result(f6=message(f1="20", f2=1, f3="A", f4="C", f5=90, f6=80))),
    "ten thousand datasets": told(*[dataset_result(dataset=f"GOE-EE-DATASET-{i}", count=5) for i in range(1, 10_002)]),
}
NONSENSE = {
    "bytes that are no message": lambda call: call.answer(b"\xff" * 200),
    "text": lambda call: call.answer(b"<html>Bad gateway</html>"),
    "no HTTP/2": sent(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    "random frames": random_frames,
    "data before headers": sent(lambda call: frame(DATA, 0, call.stream, b"\0\0\0\0\1x")),
    "headers that are none": sent(lambda call: frame(HEADERS, END_HEADERS, call.stream, b"\xff" * 50)),
    "frame longer than allowed": sent(lambda call: struct.pack(">I", 0xfffff0)[1:] + b"\0\0" + struct.pack(">I", call.stream) + bytes(65536)),
    "stream reset": sent(lambda call: frame(RST_STREAM, 0, call.stream, struct.pack(">I", 2))),
    "other streams' headers": frames_without_end,
    "end in the middle": stop_in_the_middle,
    "gigabytes": giant,
    "silence": hang,
    "unknown error": lambda call: call.refuse(2, b"x" * 2000),
    "internal error": lambda call: call.refuse(13, b"core dumped"),
    "no such method": lambda call: call.refuse(12, b""),
    "status that does not exist": lambda call: call.refuse(99, b""),
}


def without_estonia(network, states):
    total = network.recover()
    yield total
    before = network.estonia.asked
    network.ask()
    assert network.states()["ee"] in states, network.members
    network.others(total, 40)
    assert network.estonia.asked > before, "it was asked"
    for site in ("fi", "es", "boolean"):
        assert network.states()[site] == "ANSWERED", network.members


@pytest.mark.parametrize("lie", LIES)
def test_an_answer_that_cannot_be_true_is_dropped_whole(network, lie):
    check = without_estonia(network, {"REFUSED"})
    next(check)
    network.estonia.script = LIES[lie]
    next(check, None)
    # Nor is it shown on the way: the stream of members says the same.
    status, _, body = network.federation.rest("hub", "GET", "/api/v1/discovery/stream/individuals?filters=NCIT:C16576&requestedGranularity=count")
    assert status == 200
    events = [json.loads(line[6:]) for line in body.decode().splitlines() if line.startswith("data: ")]
    assert {event["site"]: event["state"] for event in events if "site" in event}["ee"] == "REFUSED"


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_from_a_node_costs_its_own_answer_only(network, nonsense):
    hub = network.federation.pid("hub", "site")
    check = without_estonia(network, {"REFUSED", "UNREACHABLE", "TIMED_OUT"})
    next(check)
    network.estonia.script = NONSENSE[nonsense]
    next(check, None)
    assert network.federation.pid("hub", "site") == hub


def test_somebody_without_estonias_certificate_is_not_estonia(network):
    total = network.recover()
    var = network.federation.var
    for site, service in (("fi", "discovery"), ("ee", "gateway"), ("hub", "discovery")):
        network.recover()
        network.estonia.certificate = (var / site / "tls" / f"{service}.pem", var / site / "tls" / f"{service}.key")
        network.estonia.hang_up()
        before = network.estonia.asked
        for _ in range(2):
            network.ask()
            assert network.states()["ee"] in {"UNREACHABLE", "TIMED_OUT"}, (site, service)
            network.others(total, 40)
        assert network.estonia.asked == before, "it was told nothing"
    assert network.recover() == total


@pytest.mark.parametrize("greeting", [b"\x16\x03\x01\xff\xff" + bytes(500), b"SSH-2.0-OpenSSH_9.2\r\n", os.urandom(2000), b""],
                         ids=["broken TLS", "another protocol", "random bytes", "nothing"])
def test_a_connection_without_tls_is_nobody(network, greeting):
    total = network.recover()

    def greet(connection):
        connection.sendall(greeting)
        if not greeting:
            time.sleep(2 * DEADLINE)
    network.estonia.greet = greet
    network.estonia.hang_up()
    network.ask()
    assert network.states()["ee"] in {"UNREACHABLE", "TIMED_OUT"}
    network.others(total, 40)


def test_terms_without_end_are_cut_off(network):
    """Pages of filtering terms that always name a next one."""
    network.recover()
    pages = [0]

    def script(call):
        pages[0] += 1
        call.answer(message(f1=[message(f1=f"HP:{pages[0]:07}")], f2=f"page {pages[0]}"))
    network.estonia.script = script
    started = time.monotonic()
    status, _, body = network.federation.rest("hub", "GET", "/beacon/v2/filtering_terms?limit=1000")
    assert status == 200 and time.monotonic() - started < BOUND
    assert {"NCIT:C16576", "NCIT:C20197"} <= {term["id"] for term in body["response"]["filteringTerms"]}
    assert pages[0] > 1


# Somebody else's Beacon over REST. -----------------------------------------------------------------------------------

def test_a_beacon_that_only_says_yes_is_believed_and_counts_nobody(network):
    total = network.recover()
    network.beacon.requests.clear()
    network.beacon.script = lambda handler, body: reply(handler, YES)
    network.ask("boolean")
    assert network.exists and network.states()["boolean"] == "ANSWERED"
    body = network.ask("record")
    assert network.total == total
    sets = {one["id"]: one for one in body["response"]["resultSets"]}
    assert sets["boolean"]["exists"] and sets["boolean"].get("resultsCount", 0) == 0
    for path, headers, _ in network.beacon.requests:
        assert path == "/api/individuals" and not {"Authorization", "Cookie"} & set(headers)


def test_a_yes_is_not_lost_when_every_node_says_no(network):
    """Nodes know no such term; the answer hangs on the Beacon that only says yes or no."""
    network.recover()
    network.estonia.script = told(dataset_result(exists=False, count=0))
    for answer in (NO, YES):
        network.beacon.script = lambda handler, body, answer=answer: reply(handler, answer)
        for granularity in ("boolean", "count"):
            status, _, body = network.federation.rest("hub", "POST", "/beacon/v2/individuals", body={
                "meta": {"apiVersion": "2.0"}, "query": {"filters": [{"id": "HP:9999999"}], "requestedGranularity": granularity}})
            assert status == 200
            assert {m["site"]: m["state"] for m in body["info"]["members"]}["boolean"] == "ANSWERED"
            assert body["responseSummary"]["exists"] is answer["responseSummary"]["exists"]
            assert body["responseSummary"].get("numTotalResults", 0) == 0


def result_sets(*sets):
    return {"meta": {}, "responseSummary": {"exists": True, "numTotalResults": 50}, "response": {"resultSets": list(sets)}}


def answered(body, **more):
    return lambda handler, _: reply(handler, body, **more)


def drop(handler, _):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")


BAD_BEACONS = {
    "no JSON": (answered(b"{{{{"), {"REFUSED"}),
    "a web page": (answered(b"<html></html>", kind="text/html"), {"REFUSED"}),
    "deep JSON": (answered(b"[" * 100_000), {"REFUSED"}),
    "no summary": (answered({"meta": {}}), {"REFUSED"}),
    "exists is a number": (answered({"responseSummary": {"exists": 1}}), {"REFUSED"}),
    "negative": (answered({"responseSummary": {"exists": True, "numTotalResults": -1}}), {"REFUSED"}),
    "contradiction": (answered({"responseSummary": {"exists": False, "numTotalResults": 7}}), {"REFUSED"}),
    "dataset of a node": (answered(result_sets({"id": "GOE-FI-DATASET-1", "exists": True, "resultsCount": 50})), {"REFUSED"}),
    "not UTF-8": (answered(b'{"responseSummary":{"exists":true},"x":"\xff\xfe"}'), {"REFUSED"}),
    "key twice": (answered(b'{"responseSummary":{"exists":false},"responseSummary":{"exists":true}}'), {"REFUSED"}),
    "ten megabytes": (answered(b" " * 10_000_000), {"REFUSED"}),
    "server error": (answered({}, status=503), {"REFUSED"}),
    "not found": (answered({}, status=404), {"REFUSED"}),
    "redirection": (answered({}, status=307, headers=[("Location", "http://127.0.0.1:1/")]), {"REFUSED"}),
    "too many requests": (answered({}, status=429, headers=[("Retry-After", "60")]), {"BUDGET_SPENT"}),
    "no HTTP": (lambda handler, _: handler.wfile.write(b"\x00\x01\x02" * 100), {"REFUSED", "UNREACHABLE"}),
    "broken off": (drop, {"REFUSED", "UNREACHABLE"}),
    "slow": (lambda handler, _: time.sleep(20 * DEADLINE), {"TIMED_OUT"}),
    "a byte from time to time": (lambda handler, _: drip(handler, 20 * DEADLINE), {"TIMED_OUT"}),
}


@pytest.mark.parametrize("kind", BAD_BEACONS)
def test_a_bad_beacon_costs_its_own_answer_only(network, kind):
    total = network.recover()
    network.beacon.script, states = BAD_BEACONS[kind]
    asked = len(network.beacon.requests)
    network.ask()
    assert network.states()["boolean"] in states, network.members
    network.others(total, 0)
    assert len(network.beacon.requests) > asked
    assert network.recover() == total


UNASKED = {"dataset": "EGAD00000000001", "reason": "QUERY_UNSUPPORTED", "detail": "no such field"}


@pytest.mark.parametrize("script, said", [
    (answered({**NO, "info": {"notAsked": [UNASKED]}}), [{"site": "boolean", **UNASKED}]),
    (answered({**result_sets({"id": "EGAD00000000002", "exists": True, "resultsCount": 50}), "info": {"notAsked": [UNASKED]}}),
     [{"site": "boolean", **UNASKED}]),
    (answered({"error": {"errorCode": 400}}, status=400), [{"site": "boolean", "reason": "QUERY_UNSUPPORTED"}]),
    (answered({"error": {"errorCode": 501}}, status=501), [{"site": "boolean", "reason": "QUERY_UNSUPPORTED"}])],
    ids=["not its dataset", "one of two", "bad request", "not implemented"])
def test_a_beacon_that_cannot_be_asked_says_no_no(network, script, said):
    total = network.recover()
    network.beacon.script = script
    body = network.ask()
    asked = network.total - total == 50
    assert network.states()["boolean"] == ("ANSWERED" if asked else "NOT_ASKED"), body
    network.others(total, -50 if asked else 0)
    assert all(one["detail"] for one in body["info"]["notAsked"]), body
    assert [{key: one.get(key) for key in said[0]} for one in body["info"]["notAsked"]] == said
    sets = network.ask("record")["response"]["resultSets"]
    assert [one["id"] for one in sets if one["id"].startswith(("EGAD", "boolean"))] == (["EGAD00000000002"] if asked else [])
    assert network.recover() == total


def test_a_beacon_without_words_for_the_question_is_named(network):
    """Alternatives are a proposal, and nothing of it is asked; nodes answer."""
    network.recover()
    network.beacon.requests.clear()
    status, _, body = network.federation.rest("hub", "POST", "/beacon/v2/individuals", body={
        "meta": {"apiVersion": "2.0"}, "query": {"filters": [["NCIT:C16576", "NCIT:C20197"]], "requestedGranularity": "count"}})
    assert status == 200
    states = {member["site"]: member["state"] for member in body["info"]["members"]}
    assert states["boolean"] == "NOT_ASKED" and states["fi"] == "ANSWERED"
    assert [(one["site"], one["reason"]) for one in body["info"]["notAsked"]] == [("boolean", "QUERY_UNSUPPORTED")]
    assert not network.beacon.requests


def test_the_hub_is_as_it_was(network, truth):
    """After all this: same process, all members counted, and no thread is stuck in a call."""
    assert network.recover() == truth["fi"] + truth["es"] + 40
    status = network.federation.processes()["hub/site"]
    assert status["restarts"] == 0, status
