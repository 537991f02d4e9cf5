# SPDX-License-Identifier: Apache-2.0
"""Segments of a node in a store: another machine and a lost disk bring them from there, and what was erased goes from it."""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import time

import pytest

import road
from cohort import Cohort
from conftest import QUICK, _running, synth
from federation import BUILD, Federation, wait_until

DATASET = "GOE-FI-STORED-1"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def node(workspace):
    """Finland, a process for each service, with a directory as the store that all its machines share."""
    key = workspace / "segment-key"
    key.touch(mode=0o600)
    key.write_text(secrets.token_hex(32))
    federation = Federation(workspace / "var-segments", nodes="FI", layout="services", images=workspace / "no-images", hsm="none", sets=[
        *QUICK, f"discovery.segment_store.local.directory={workspace / 'segment-store'}", f"discovery.segment_key.file={key}"])
    federation.store = workspace / "segment-store"
    federation.segments = federation.var / "fi" / "data" / "discovery" / "segments"
    _running.append(federation)
    try:
        yield federation.up()
    finally:
        federation.down()
        _running.remove(federation)


@pytest.fixture(scope="module")
def people(node, workspace):
    cohort = Cohort(synth(workspace / "stored", "FI", people=60, sites=300), "FI", DATASET)
    road.onboard(node, cohort)
    road.list_dataset(node, cohort)
    return cohort


@contextlib.contextmanager
def machine(node, disk, sets=()):
    """One more discovery process of the node on a disk of its own, with the indices of onboarding and without segments.

    Gives its addresses and its log; what it made stays on its disk.
    """
    shutil.copytree(node.var / "fi" / "data" / "onboarding" / "index", disk / "onboarding" / "index")
    grpc, admin, log = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}", disk / "log"
    settings = [*node.sets, f"site.data_dir={disk}", f"network.grpc.discovery={grpc}", f"network.admin.discovery={admin}", *sets]
    command = [BUILD / "bin" / "genofed-discovery", "--config", node.var / "fi" / "site.json"]
    with log.open("w") as out:
        process = subprocess.Popen(command + [word for setting in settings for word in ("--set", setting)], stdout=out, stderr=out)
    try:
        yield grpc, admin, log
    finally:
        process.terminate()
        process.wait(20)


def made_on(disk):
    """The files of the one segment there."""
    segment, = (disk / "discovery" / "segments").iterdir()
    return {file.name: file.read_bytes() for file in segment.iterdir()}


def segments(admin, outcome):
    """How many segments this process made, put, fetched or removed; None while it does not answer."""
    host, port = admin.split(":")
    try:
        with socket.create_connection((host, int(port)), timeout=2) as link:
            link.sendall(f"GET /metrics HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n".encode())
            text = b"".join(iter(lambda: link.recv(65536), b"")).decode()
    except OSError:
        return None
    lines = [line for line in text.splitlines() if line.startswith(f'genofed_discovery_segments_total{{outcome="{outcome}"}}')]
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in lines)


def admin_of(node):
    return json.loads((node.var / "fi" / "site.json").read_text())["network"]["admin"]["discovery"]


def answers(node, people):
    """Through the hub: some people, and carriers of some variants."""
    told = [road.query(node, "individuals", sex="female")["counts"].get(DATASET, 0)]
    variants = people.variants()
    for variant in variants[:: len(variants) // 5]:
        told.append(road.query(node, "variant", variant=variant, assembly=people.assembly)["counts"].get(DATASET, 0))
    assert told[0] > 0, told
    return told


def objects(node):
    return {file.name: file.read_bytes() for file in node.store.iterdir() if not file.name.startswith(".tmp-")}


def test_what_one_machine_made_lies_in_the_store_and_nobody_can_read_it(node, people):
    admin = admin_of(node)
    wait_until(lambda: segments(admin, "put"), 30, "the segment to be put")
    assert segments(admin, "made") == segments(admin, "put") == 1
    made, = node.segments.iterdir()
    plain = {file.name: file.read_bytes() for file in made.iterdir()}
    stored = objects(node)
    assert len(stored) == len(plain) and all(name.startswith(f"segments%{made.name}%") for name in stored)
    patterns = [b"genofed-cohort-segment", DATASET.encode(), b"GRCh38"]
    for content in plain.values():
        patterns += [content[at:at + 16] for at in range(0, len(content) - 16, 1009) if len(set(content[at:at + 16])) > 4]
    assert len(patterns) > 20
    for pattern in patterns[:1]:
        assert any(pattern in content for content in plain.values()), "the pattern is one that would be found"
    for name, content in stored.items():
        assert content.startswith(b"crypt4gh"), name
        for pattern in patterns:
            assert pattern not in content, (name, pattern)


def test_another_machine_answers_the_same_from_what_it_brought_from_there(node, people, workspace):
    before = answers(node, people)
    hub, disk = node.var / "hub" / "site.json", workspace / "second"
    settings = hub.read_text()
    with machine(node, disk) as (grpc, admin, log):
        try:
            wait_until(lambda: segments(admin, "fetched"), 30, "the second machine to have its segments")
            asks = json.loads(settings)
            assert list(asks["network"]["nodes"]) == ["fi"]
            asks["network"]["nodes"]["fi"] = grpc  # the second machine alone
            hub.write_text(json.dumps(asks))
            node.wait_ready("hub", "discovery", not_pid=node.kill9("hub", "discovery"), timeout=60)
            wait_until(lambda: road.query(node, "individuals", sex="female")["members"].get("fi") == "ANSWERED", 30, "it to answer")
            assert answers(node, people) == before
            assert (segments(admin, "fetched"), segments(admin, "made"), segments(admin, "put")) == (1, 0, 0)
            assert "discovery.segment_fetched" in log.read_text() and "discovery.segment_made" not in log.read_text()
        finally:
            hub.write_text(settings)
            node.wait_ready("hub", "discovery", not_pid=node.kill9("hub", "discovery"), timeout=60)
    assert made_on(disk) == made_on(node.var / "fi" / "data")


def test_two_machines_share_an_s3_server(node, people, workspace, s3_settings):
    if not s3_settings:
        pytest.skip("no S3 server: tools/install-deps --with s3-tests")
    store = [setting.replace("es:onboarding.object_store", "discovery.segment_store").replace("prefix=es/", "prefix=fi/discovery/")
             for setting in s3_settings]
    with machine(node, workspace / "third", store) as (_, admin, _):
        wait_until(lambda: segments(admin, "put"), 30, "the third machine to make its segment and put it")
        assert (segments(admin, "made"), segments(admin, "fetched")) == (1, 0)
    with machine(node, workspace / "fourth", store) as (_, admin, _):
        wait_until(lambda: segments(admin, "fetched"), 30, "the fourth machine to have it")
        assert segments(admin, "made") == 0
    assert made_on(workspace / "fourth") == made_on(node.var / "fi" / "data")


def test_wrong_settings_are_named(node, workspace):
    short = workspace / "short-key"
    short.touch(mode=0o600)
    short.write_text("c0ffee")
    for setting, key in ((f"discovery.segment_key.file={short}", "discovery.segment_key"),
                         ("discovery.segment_store.s3.bucket=genomes", "discovery.segment_store.s3.access_key")):
        command = [BUILD / "bin" / "genofed-discovery", "--config", node.var / "fi" / "site.json"]
        command += [word for one in [*node.sets, setting] for word in ("--set", one)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 2 and key in done.stderr, done


def test_a_lost_disk_is_filled_again(node, people):
    before = wait_until(lambda: answers(node, people), 30, "the node to answer")
    shutil.rmtree(node.segments)
    node.wait_ready("fi", "discovery", not_pid=node.kill9("fi", "discovery"), timeout=60)
    assert wait_until(lambda: answers(node, people), 30, "the node to answer") == before
    assert (segments(admin_of(node), "fetched"), segments(admin_of(node), "made")) == (1, 0)


def test_what_was_written_before_somebody_was_forgotten_goes_from_the_store(node, people):
    before, old, local = answers(node, people), set(objects(node)), {entry.name for entry in node.segments.iterdir()}
    women = people.with_filters(people.included, sex="FEMALE")
    person = next(p for p in sorted(women) if people.permissions[p] == {"AF", "SLQ", "SEC"})
    node.genofed("me", "erase", "--yes", site="fi", token=node.token(people.citizen, person))
    indices, = node.var.glob(f"fi/**/onboarding/index/{DATASET}")
    wait_until(lambda: not (indices / "1").exists(), 150, "the old files to be gone, after a minute if a service was away")
    wait_until(lambda: set(objects(node)) - old and any(name.endswith("%manifest") for name in set(objects(node)) - old), 30,
               "the new segment to be put")
    # Ten minutes pass, in the store and on the disk; the next look is the one after a start.
    long_ago = time.time() - 3600
    for name in old:
        os.utime(node.store / name, (long_ago, long_ago))
    for name in local:
        for file in [*(node.segments / name).iterdir(), node.segments / name]:
            os.utime(file, (long_ago, long_ago))
    node.wait_ready("fi", "discovery", not_pid=node.kill9("fi", "discovery"), timeout=60)
    wait_until(lambda: not old & set(objects(node)), 30, "the old objects to be gone")
    assert not local & {entry.name for entry in node.segments.iterdir()}
    assert objects(node), "those of the new segment"
    assert segments(admin_of(node), "removed") == 1
    assert wait_until(lambda: answers(node, people), 30, "the node to answer")[0] == before[0] - 1
