# SPDX-License-Identifier: Apache-2.0
"""A node whose genome three discovery processes share, one of them twice: each answers as the process that has it all."""

import http.client
import json
import os
import signal
import socket
import ssl
import statistics
import subprocess
import threading
import time

import pytest

import road
from cohort import MINIMUM, Cohort
from conftest import QUICK, synth
from federation import BUILD, EXACT_COUNTS, Federation, wait_until
from test_5_citizen import citizen_token

BLOCK = 8_000_000
# Where runs of records are moved to, 1-based: over borders of blocks, and in blocks of all three shards (libs/cohort/shards.cc:
# chromosome 1 begins with block 0, 20 with block 349, X with 372).
PLACES = (("chr1", 700_000), ("chr1", BLOCK - 2_000), ("chr1", 40_000_000), ("chr20", 900_000), ("chr20", BLOCK - 2_000),
          ("chr20", 2 * BLOCK - 1_500), ("chr20", 30_000_000))
GENES = ("ABCA1", "BRCA2", "CFTR")
EFFECTS = (("stop_gained", "."), ("missense_variant", "ENSP00000001.2:p.Gly12Asp"), ("intron_variant", "."),
           ("missense_variant", "ENSP00000001.2:p.Arg5Lys"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def spread(folder):
    """Moves the records of chromosome 20 to PLACES; X and Y stay."""
    vcf = folder / "cohort.vcf.gz"
    lines = subprocess.run(["bcftools", "view", "--no-version", vcf], check=True, capture_output=True, text=True).stdout.splitlines()
    header = [line for line in lines if line.startswith("#")]
    at = next(i for i, line in enumerate(header) if line.startswith("##contig=<ID=chr20"))
    header.insert(at, "##contig=<ID=chr1,length=248956422>")
    records = [line.split("\t", 2) for line in lines if not line.startswith("#")]
    moved = [r for r in records if r[0] == "chr20"]
    size = len(moved) // len(PLACES) + 1
    for i, (chrom, start) in enumerate(PLACES):
        run = moved[i * size:(i + 1) * size]
        first = int(run[0][1])
        for record in run:
            record[0], record[1] = chrom, str(start + int(record[1]) - first)
    text = "\n".join(header + ["\t".join(r) for r in records]) + "\n"
    for old in folder.glob("cohort.vcf.gz*"):
        old.unlink()
    subprocess.run(["bcftools", "view", "--no-version", "-Oz", "-o", vcf, "-"], input=text, text=True, check=True)
    subprocess.run(["bcftools", "index", vcf], check=True)
    return folder


def note(variant):
    _, pos, _, _ = variant
    effect, change = EFFECTS[(pos // 7) % len(EFFECTS)]
    return GENES[pos // 100 % len(GENES)], effect, change


def settings(workspace):
    """What all discovery processes of the node have in common beside its file."""
    return [f"discovery.disclosure_policy_file={workspace / 'shards.policy.json'}",
            f"discovery.annotations_file={workspace / 'shards.annotations.tsv'}", "discovery.frequency_interval=0.3s"]


@pytest.fixture(scope="module")
def folder(workspace):
    return spread(synth(workspace / "shards" / "FI", "FI", people=150, sites=900))


@pytest.fixture(scope="module")
def node(workspace, folder):
    """Finland with exact counts, a process for each service, annotations and a frequency table."""
    cohort = Cohort(folder, "FI", "GOE-FI-SHARDS-1")
    table = workspace / "shards.annotations.tsv"
    policy = json.loads(EXACT_COUNTS.read_text())
    policy["frequency_table"] = {"publish": True, "auc": 1, "versions": 100}
    (workspace / "shards.policy.json").write_text(json.dumps(policy))
    with table.open("w") as out:
        for variant in sorted(set(cohort.variants())):
            gene, effect, change = note(variant)
            out.write("\t".join(map(str, (*variant, 0.001 * (variant[1] % 40), gene, effect, change))) + "\n")
    federation = Federation(workspace / "var-shards", nodes="FI", layout="services", images=workspace / "no-images", hsm="none", exact=False,
                            sets=[*QUICK, *settings(workspace), "hub:discovery.frequency_interval=0.3s"])
    try:
        federation.up(timeout=240)
        road.onboard(federation, cohort)
        road.list_dataset(federation, cohort)
        yield federation, cohort
    finally:
        federation.down()


def look(admin, path):
    host, port = admin.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read().decode()


def held(admin):
    """(tiles, bytes) that a process has open."""
    values = dict(line.split() for line in look(admin, "/metrics")[1].splitlines() if line.startswith("genofed_discovery_tile"))
    return int(float(values["genofed_discovery_tiles"])), int(float(values["genofed_discovery_tile_bytes"]))


class Process:
    """A service of the site that is started beside those of the federation."""

    def __init__(self, federation, service, name, *sets):
        self.admin = f"127.0.0.1:{free_port()}"
        self.log = federation.var / f"{name}.log"
        self.command = [BUILD / "bin" / f"genofed-{service}", "--config", federation.var / "fi" / "site.json"]
        for setting in (f"network.admin.{service}={self.admin}", *sets):
            self.command += ["--set", setting]
        self.start()

    def start(self):
        with self.log.open("a") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)

    def ready(self):
        try:
            return look(self.admin, "/readyz")[0] == 200
        except OSError:
            return False

    def kill9(self):
        self.process.kill()
        self.process.wait(20)

    def stop(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Shards:
    """Three shards, the second one twice, and a gateway before each of the three."""

    def __init__(self, federation, common):
        self.federation = federation
        ports = [free_port() for _ in range(4)]
        self.addresses = [f"127.0.0.1:{port}" for port in ports]
        targets = [self.addresses[0], f"ipv4:{self.addresses[1]},{self.addresses[3]}", self.addresses[2]]
        self.processes = [Process(federation, "discovery", f"shard-{i}", f"network.grpc.discovery={address}",
                                  f"discovery.shards={json.dumps(targets)}", f"discovery.shard={number}", *common)
                          for i, (address, number) in enumerate(zip(self.addresses, (1, 2, 3, 2), strict=True))]
        self.rest = [free_port() for _ in range(3)]
        self.gateways = [Process(federation, "gateway", f"shard-gateway-{i}", f"gateway.listen=127.0.0.1:{port}",
                                 f"network.grpc.discovery={self.addresses[i]}") for i, port in enumerate(self.rest)]
        for process in self.processes + self.gateways:
            wait_until(process.ready, 60, f"{process.log.name} to be ready")

    def stop(self):
        for process in self.gateways + self.processes:
            process.stop()

    def ask(self, number, entity, query, timeout=60):
        """(status, body, seconds) of the shard from 0; None: of the process that has everything."""
        body = json.dumps({"meta": {"apiVersion": "2.0"}, "query": query})
        port = self.rest[number] if number is not None else int(self.federation.site("fi")["rest"].rsplit(":", 1)[1])
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout,
                                                 context=ssl.create_default_context(cafile=self.federation.ca_file))
        began = time.monotonic()
        try:
            connection.request("POST", f"/beacon/v2/{entity}", body=body, headers={"Content-Type": "application/json"})
            response = connection.getresponse()
            content = json.loads(response.read())
            return response.status, content, time.monotonic() - began
        finally:
            connection.close()


@pytest.fixture(scope="module")
def shards(node, workspace):
    federation, _ = node
    shards = Shards(federation, settings(workspace))
    try:
        yield shards
    finally:
        shards.stop()


def told(status, body):
    """What an answer says, without what differs from one to the next."""
    assert status == 200, body
    return body["responseSummary"], body.get("response", {}).get("resultSets")


def counts(body):
    return {s["id"]: s["resultsCount"] for s in body["response"]["resultSets"] if s.get("exists")}


def request(filters=(), **parameters):
    query = {"requestedGranularity": "record", "includeResultsetResponses": "ALL", "filters": list(filters)}
    if parameters:
        query["requestParameters"] = {"g_variant": {"assemblyId": "GRCh38", **parameters}}
    return query


def exact(variant):
    chrom, pos, ref, alt = variant
    return request(referenceName=chrom, start=[pos - 1], referenceBases=ref, alternateBases=alt)


def region(chrom, begin, end, filters=()):
    return request(filters, referenceName=chrom, start=[begin - 1], end=[end])


def shard_of(chrom, pos):
    return ({"chr1": 0, "chr20": 349, "chrX": 372}[chrom] + (pos - 1) // BLOCK) % 3


def expect_the_same(shards, entity, query, something=True):
    status, body, _ = shards.ask(None, entity, query)
    expected = told(status, body)
    assert expected[0]["exists"] == something, body
    for number in range(3):
        status, body, _ = shards.ask(number, entity, query)
        assert told(status, body) == expected, f"shard {number + 1} of {query}"
    return body


def settled(shards, query):
    """What all processes say, for longer than permissions may be old: each hears of a withdrawal by itself, within five seconds."""
    last, since = None, time.monotonic()

    def all_say_the_same():
        nonlocal last, since
        answers = [shards.ask(number, "g_variants", query)[:2] for number in (None, 0, 1, 2)]
        said = {json.dumps(told(*answer)) if answer[0] == 200 else None for answer in answers}
        if said != last or len(said) > 1 or None in said:
            last, since = said, time.monotonic()
        return time.monotonic() - since > 6
    wait_until(all_say_the_same, 60, "all processes to say the same")
    return told(*shards.ask(None, "g_variants", query)[:2])


def common(cohort, chrom, begin, end):
    """A variant of a place with many carriers."""
    people = cohort.permitting("AF")
    return max((v for v in cohort.variants() if v[0] == chrom and begin <= v[1] < end), key=lambda v: cohort.carriers(v, people))


def by_owner(cohort):
    """Number of a shard from 0 to a question that it alone can answer."""
    found = {}
    for chrom, start in PLACES:
        variant = common(cohort, chrom, start, start + 12_000)
        found.setdefault(shard_of(chrom, variant[1]), exact(variant))
    return found


def test_each_process_holds_a_part(node, shards):
    federation, _ = node
    plain = json.loads((federation.var / "fi" / "site.json").read_text())["network"]["admin"]["discovery"]
    tiles, size = held(plain)
    parts = [held(process.admin) for process in shards.processes]
    assert sum(part[0] for part in parts[:3]) == tiles and sum(part[1] for part in parts[:3]) == size, parts
    assert all(0 < part[0] < tiles and 0 < part[1] < size for part in parts), parts
    assert parts[1] == parts[3], "a replica has the same"


def test_exact_alleles_with_their_frequencies(node, shards):
    _, cohort = node
    owners = set()
    for chrom, start in PLACES:
        variant = common(cohort, chrom, start, start + 12_000)
        owners.add(shard_of(chrom, variant[1]))
        body = expect_the_same(shards, "g_variants", exact(variant))
        assert counts(body) == {cohort.dataset: cohort.carriers(variant, cohort.permitting("AF"))}
        assert body["response"]["resultSets"][0]["results"], "with frequencies"
    assert owners == {0, 1, 2}
    expect_the_same(shards, "g_variants", request(referenceName="chr20", start=[77], referenceBases="A", alternateBases="C"), something=False)


def carriers(cohort, people, wanted):
    found = set()
    variants = {v for v in cohort.variants() if wanted(v)}
    for chrom, pos, ref, alts, calls in cohort.records:
        if len(alts) == 1 and (chrom, pos, ref, alts[0]) in variants:
            found |= {person for person in people if 1 in calls[cohort.people[person]["sample"]]}
    return found


@pytest.mark.parametrize("chrom,border", [("chr1", BLOCK), ("chr20", BLOCK), ("chr20", 2 * BLOCK)])
def test_nobody_counts_twice_across_a_border(node, shards, chrom, border):
    _, cohort = node
    query = region(chrom, border - 1_200, border + 1_200)
    query["requestParameters"]["g_variant"]["variantType"] = "SNP"
    body = expect_the_same(shards, "g_variants", query)
    def inside(low, high):
        return carriers(cohort, cohort.permitting("AF"), lambda v: v[0] == chrom and low <= v[1] <= high)
    before, behind = inside(border - 1_200, border), inside(border + 1, border + 1_200)
    assert before & behind, "somebody carries something on both sides"
    assert counts(body) == {cohort.dataset: len(before | behind)}
    expect_the_same(shards, "g_variants", region(chrom, border - 400, border + 400))


@pytest.mark.parametrize("gene", GENES)
def test_genes_that_lie_in_several_shards(node, shards, gene):
    _, cohort = node
    body = expect_the_same(shards, "g_variants", request(geneId=gene))
    assert counts(body) == {cohort.dataset: len(carriers(cohort, cohort.permitting("AF"), lambda v: note(v)[0] == gene))}
    expect_the_same(shards, "g_variants", request(geneId=gene, aminoacidChange="Gly12Asp"))
    female = [{"id": "NCIT:C16576"}, {"id": "HP:0000118"}]
    expect_the_same(shards, "individuals", request(female, geneId=gene))


def test_a_change_anywhere_and_what_is_rare(node, shards):
    expect_the_same(shards, "g_variants", request(aminoacidChange="Gly12Asp"))
    rare = [{"id": "alleleFrequency", "operator": "<", "value": "0.2"}]

    def by_one_table():
        # Each process looks for the network's table by itself.
        answers = [shards.ask(number, "g_variants", region("chr1", BLOCK - 1_500, BLOCK + 1_500, rare)) for number in (None, 0, 1, 2)]
        tables = {json.dumps(body.get("info", {}).get("frequencyTables")) for _, body, _ in answers}
        return all(status == 200 for status, _, _ in answers) and len(tables) == 1 and "digest" in tables.pop() and answers
    answers = wait_until(by_one_table, 30, "all processes to go by one table")
    assert len({json.dumps(told(status, body)) for status, body, _ in answers}) == 1
    assert answers[0][1]["responseSummary"]["exists"]


def test_people_by_what_is_known_of_them(node, shards):
    _, cohort = node
    body = expect_the_same(shards, "individuals", request([{"id": "NCIT:C16576"}]))
    assert counts(body)[cohort.dataset] >= MINIMUM
    expect_the_same(shards, "individuals", region("chr20", BLOCK - 1_000, BLOCK + 1_000, [{"id": "NCIT:C20197"}]))


def test_what_is_published_while_they_run(node, shards, workspace):
    """The process that onboarding calls has it first; the others follow by themselves."""
    federation, _ = node
    other = Cohort(spread(synth(workspace / "shards" / "more", "FI", people=60, sites=500, seed=23)), "FI", "GOE-FI-SHARDS-2")
    road.onboard(federation, other)
    road.list_dataset(federation, other)
    variant = common(other, "chr20", BLOCK - 2_000, BLOCK)
    query = request(referenceName=variant[0], start=[variant[1] - 1], end=[variant[1] + 20_000])

    def everywhere():
        answers = [shards.ask(number, "g_variants", query) for number in (None, 0, 1, 2)]
        return all(status == 200 and other.dataset in counts(body) for status, body, _ in answers)
    wait_until(everywhere, 40, "all shards to have the new dataset")
    expect_the_same(shards, "g_variants", query)
    expect_the_same(shards, "g_variants", request(geneId="CFTR"))


def test_a_table_of_frequencies_is_of_the_whole_genome(node, shards):
    """The first shard publishes it, and asks the others; meanwhile the process that could do it alone stands still."""
    federation, cohort = node
    rare = region("chr20", BLOCK - 1_500, BLOCK + 1_500, [{"id": "alleleFrequency", "operator": "<", "value": "0.2"}])

    def table(number):
        status, body, _ = shards.ask(number, "g_variants", rare)
        return body["info"].get("frequencyTables", [None])[0] if status == 200 else None

    def pages(digest):
        file = federation.var / "fi" / "data" / "discovery" / "frequencies" / "content" / digest[:2] / digest
        return {tuple(line.split()[1:3]): int(line.split()[3]) for line in file.read_text().splitlines() if line.startswith("page ")}
    last, since = None, time.monotonic()

    def of_all():
        # Longer than the same people must be counted before a table is published (five seconds), and than it takes to come round.
        nonlocal last, since
        tables = [table(number) for number in (None, 0, 1, 2)]
        if tables[0] is None or tables[0] != last or any(t != last for t in tables):
            last, since = tables[0], time.monotonic()
        return time.monotonic() - since > 8 and last
    before = wait_until(of_all, 90, "a table that stays")
    whole = pages(before["digest"])
    assert {"1", "20"} <= {contig for contig, _ in whole} and {shard_of(f"chr{c}", int(m) * 1_000_000 + 1) for c, m in whole
                                                              if c in ("1", "20")} == {0, 1, 2}
    people = sorted(cohort.permitting("AF"))[:3]
    log = shards.processes[0].log
    logged = log.stat().st_size
    federation.signal("fi", "discovery", signal.SIGSTOP)
    try:
        for person in people:
            status, _, answer = federation.rest("fi", "PUT", "/api/v1/me/permissions", body={"permissions": []},
                                                token=citizen_token(federation, cohort, person))
            assert status == 200, answer
            cohort.permissions[person] = set()
        after = wait_until(lambda: (t := table(0)) and t["version"] > before["version"] and t, 60, "the next table")
        assert b"frequencies.published" in log.read_bytes()[logged:]
    finally:
        federation.signal("fi", "discovery", signal.SIGCONT)
    now = pages(after["digest"])
    assert now.keys() == whole.keys()
    fewer = {page: (whole[page], now[page]) for page in whole if now[page] < 0.9 * whole[page] - 3}
    assert not fewer, "no part is missing"
    wait_until(lambda: all(table(number) == table(None) for number in (0, 1, 2)), 30, "all processes to go by one table")
    settled(shards, rare)
    expect_the_same(shards, "g_variants", rare)


def test_nobody_else_is_told_exact_numbers(node, shards, hostile_hub):
    federation, cohort = node
    who = {"shard": 3, "shards": 3, "dataset": cohort.dataset, "version": 1, "rows": {"size": 150, "others": ""}}
    asked = {"cohort": who, "variant": {"contig": "20", "start": 5, "referenceBases": "A", "alternateBases": "C"}}
    requests = {"CountCarriers": asked, "ListCarriers": asked, "CountAlleles": asked,
                "CountSites": {"cohort": who, "contig": "20", "start": 1, "end": 100}}
    for site, services in (("hub", ("discovery", "access", "gateway")), ("fi", ("gateway", "onboarding", "access", "consent", "discovery"))):
        command = [hostile_hub, "--tls", federation.var / site / "tls", "--bundle", federation.ca_file,
                   "--at", f"fi/discovery={shards.addresses[0]}", "--only"]
        for service in services:
            command += ["--as", f"{site}/{service}"]
        for method, body in requests.items():
            command += ["--request", f"genofed.discovery.v1.ShardService/{method}={json.dumps(body)}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        attempts = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(attempts) == len(services) * len(requests), done
        for attempt in attempts:
            # The node's own discovery is let in, to be told that this is not the shard that it means.
            own = attempt["as"] == "fi/discovery"
            assert attempt["status"] in (("FAILED_PRECONDITION", "INVALID_ARGUMENT") if own else ("PERMISSION_DENIED",)), attempt


def test_many_at_once_at_all_of_them(node, shards):
    """More than there are threads, each needing the other shards: nobody waits for somebody who waits for them."""
    query = request(geneId="CFTR")
    expected = settled(shards, query)
    wrong, slowest = [], []

    def keep_asking(number):
        for _ in range(8):
            status, body, seconds = shards.ask(number, "g_variants", query)
            slowest.append(seconds)
            if status != 200 or told(status, body) != expected:
                wrong.append((status, body))
    askers = [threading.Thread(target=keep_asking, args=(i % 3,)) for i in range(60)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    def brief(status, body):
        return status, body.get("responseSummary", body), body.get("info", {}).get("consentEpoch")
    assert not wrong, f"{len(wrong)} of 480 differ from {expected[0]}: {[brief(*w) for w in wrong[:3]]}"
    assert max(slowest) < 10


def test_what_it_costs_to_ask_another_shard(node, shards, figures):
    _, cohort = node
    lines = []
    for name, query, places in (
            ("an exact allele", exact(common(cohort, "chr20", 900_000, 912_000)), (1, 0)),
            ("a gene in all shards", request(geneId="CFTR"), (None, 0))):
        seconds = {}
        for number in places:
            asked = sorted(shards.ask(number, "g_variants", query)[2] for _ in range(100))
            seconds[number] = statistics.median(asked)
        own, others = (seconds[place] for place in places)
        lines.append(f"{name}: {own * 1000:.1f} ms where it lies, {others * 1000:.1f} ms through another process")
    figures.append("shards, median over REST with TLS: " + "; ".join(lines))


def test_a_replica_that_is_killed_is_not_missed(node, shards):
    _, cohort = node
    query = exact(common(cohort, "chr20", 900_000, 912_000))
    assert shard_of("chr20", 900_000) == 1, "of the shard that is there twice"
    expected = told(*shards.ask(0, "g_variants", query)[:2])
    failed, stop = [], threading.Event()
    asked = [0]

    def keep_asking(number):
        while not stop.is_set():
            status, body, _ = shards.ask(number, "g_variants", query)
            asked[0] += 1
            if status != 200 or told(status, body) != expected:
                failed.append((number, status, body))
    askers = [threading.Thread(target=keep_asking, args=(number,)) for number in (0, 2, 0, 2)]
    for asker in askers:
        asker.start()
    try:
        time.sleep(1)
        shards.processes[3].kill9()
        time.sleep(2)
    finally:
        stop.set()
        for asker in askers:
            asker.join()
    assert not failed and asked[0] > 20, (asked, failed[:3])
    shards.processes[3].start()
    wait_until(shards.processes[3].ready, 60, "the replica to be back")


def test_a_replica_that_hangs_is_not_waited_for(node, shards):
    _, cohort = node
    query = exact(common(cohort, "chr20", 900_000, 912_000))
    expected = told(*shards.ask(0, "g_variants", query)[:2])
    os.kill(shards.processes[3].process.pid, signal.SIGSTOP)
    try:
        for _ in range(4):
            status, body, seconds = shards.ask(0, "g_variants", query)
            assert told(status, body) == expected
            assert seconds < 20, "the other one was asked within the deadline"
    finally:
        os.kill(shards.processes[3].process.pid, signal.SIGCONT)


def test_a_shard_that_is_down_fails_only_what_needs_it(node, shards):
    _, cohort = node
    question = by_owner(cohort)
    expected = {owner: told(*shards.ask(None, "g_variants", query)[:2]) for owner, query in question.items()}
    shards.processes[2].kill9()
    try:
        for number in (0, 1):
            for query in (question[2], request(geneId="CFTR"), region("chr20", 2 * BLOCK - 500, 2 * BLOCK + 500)):
                status, body, seconds = shards.ask(number, "g_variants", query)
                assert status == 503 and "shard 3 of 3" in json.dumps(body), (status, body)
                assert seconds < 10
            for owner in (0, 1):
                assert told(*shards.ask(number, "g_variants", question[owner])[:2]) == expected[owner]
            status, body, _ = shards.ask(number, "individuals", request([{"id": "NCIT:C16576"}]))
            assert status == 200 and counts(body)
            # Two blocks, of the two shards that are there.
            assert told(*shards.ask(number, "g_variants", region("chr1", BLOCK - 500, BLOCK + 500))[:2])[0]["exists"]
    finally:
        shards.processes[2].start()
        wait_until(shards.processes[2].ready, 60, "the shard to be back")
    wait_until(lambda: shards.ask(0, "g_variants", question[2])[0] == 200, 30, "the shard to be reached again")
    assert told(*shards.ask(0, "g_variants", question[2])[:2]) == expected[2]


def test_the_hub_knows_them_as_replicas(node, shards):
    """Whichever it asks, the same; and the node, not the network, fails where a shard is away."""
    federation, cohort = node
    file = federation.var / "hub" / "site.json"
    settings = json.loads(file.read_text())
    settings["network"]["nodes"]["fi"] = "ipv4:" + ",".join(shards.addresses)
    file.write_text(json.dumps(settings))
    killed = federation.kill9("hub", "discovery")
    federation.wait_ready("hub", "discovery", not_pid=killed, timeout=60)

    def answer(query):
        status, _, body = federation.rest("hub", "POST", "/beacon/v2/g_variants", body={"meta": {"apiVersion": "2.0"}, "query": query})
        assert status == 200, body
        (member,) = body["info"]["members"]
        return member["state"], {s["id"]: s["resultsCount"] for s in body["response"]["resultSets"] if s.get("exists")}
    needs_third = by_owner(cohort)[2]
    wait_until(lambda: answer(needs_third)[0] == "ANSWERED", 30, "the hub to reach the node")
    first = answer(needs_third)
    assert first[1] and all(answer(needs_third) == first for _ in range(8))
    shards.processes[2].kill9()
    try:
        assert answer(needs_third) == ("REFUSED", {})
        other = exact(common(cohort, "chr20", 900_000, 912_000))
        assert answer(other)[0] == "ANSWERED"
    finally:
        shards.processes[2].start()
        wait_until(shards.processes[2].ready, 60, "the shard to be back")


def test_a_process_that_does_not_fit_the_list_says_so(node):
    federation, _ = node
    config = federation.var / "fi" / "site.json"
    for sets, field in ((["discovery.shards=[\"127.0.0.1:1\",\"127.0.0.1:2\"]"], "discovery.shard:"),
                        (["discovery.shards=[\"127.0.0.1:1\",\"127.0.0.1:1\"]", "discovery.shard=1"], "discovery.shards:"),
                        (["discovery.shard=1"], "discovery.shard:")):
        command = [BUILD / "bin" / "genofed-discovery", "--config", config, "--set", f"network.grpc.discovery=127.0.0.1:{free_port()}"]
        for setting in sets:
            command += ["--set", setting]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 2 and field in done.stderr + done.stdout, done
