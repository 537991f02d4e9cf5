# SPDX-License-Identifier: Apache-2.0
"""A power cut under the database and the ledger of a running node: no entry that was acknowledged is lost, and a disk that lies is noticed."""

import collections
import contextlib
import json
import os
import signal
import subprocess
import time
import types

import pytest

import entry_log
from conftest import QUICK
from federation import BUILD, Federation, wait_until
from power_cut import PowerCutDisk
from test_21_ledger import key_file, load, places


@pytest.fixture(scope="module")
def node(workspace):
    """Finland with its database on such a disk, and the hub, which cosigns its ledger."""
    base = workspace / "power"
    ledger = entry_log.folder(types.SimpleNamespace(var=base / "var"), "fi")
    disks = [PowerCutDisk(base / "disk", base / "var" / "fi" / "postgres"), PowerCutDisk(base / "entries", ledger)]
    for folder in (base, *ledger.parents):
        if folder.is_relative_to(base):
            folder.chmod(0o755)
    try:
        for disk in disks:
            disk.start()
    except OSError as error:
        for disk in disks:
            disk.stop()
        pytest.skip(f"cannot mount a file system of our own: {error}")
    federation = Federation(base / "var", nodes="FI", layout="services", images=workspace / "no-images", hsm="none", sets=QUICK)
    federation.disks = disks
    try:
        federation.up(timeout=240)
        wait_until(lambda: federation.genofed("ledger", "key", site="fi", json=False, check=False).code == 0, 60, "the ledger to be served")
        federation.ledger_key = key_file(federation, "fi")
        yield federation
    finally:
        federation.down()
        for disk in disks:
            disk.stop()


def cut_under_load(node, name, seconds, ready=120, **next_disk):
    """Appends entries, cuts the power meanwhile, and starts again. (what the cut took, {key: index} that were acknowledged)"""
    acknowledged = node.var / f"acknowledged-{name}"
    config = json.loads((node.var / "fi" / "site.json").read_text())
    loading = subprocess.Popen([BUILD / "bin" / "ledger_load", "--tls", node.var / "fi" / "tls", "--bundle", node.var / "ca.pem", "--at",
                                config["network"]["grpc"]["consent"], "--site", "fi", "--batch", "20", "--threads", "4", "--seconds", str(seconds + 1),
                                "--acknowledged", acknowledged], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    machine = {service: node.pid("fi", service) for service in ("postgres", "consent")}
    took = collections.Counter()
    for disk in node.disks:
        took.update(disk.cut())
    for pid in machine.values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    loading.wait(60)
    for disk in node.disks:
        disk.start(**next_disk)
    for service, pid in machine.items():
        node.wait_ready("fi", service, not_pid=pid, timeout=ready)
    node.wait_ready("fi", timeout=ready)
    wait_until(lambda: node.genofed("ledger", "checkpoint", site="fi", json=False, check=False).code == 0, 60, "Finland's ledger to be served again")
    return took, dict(line.split() for line in acknowledged.read_text().splitlines())


@pytest.mark.parametrize("survives", [0.0, 0.5, 0.9], ids=["nothing unsynced survives", "half of the blocks do", "most do"])
def test_no_acknowledged_entry_is_lost_in_a_power_cut(node, survives, figures):
    took, said = cut_under_load(node, f"at-{survives}", 2, survives={0.0: 0.5, 0.5: 0.9, 0.9: 0.0}[survives], seed=int(survives * 100))
    assert took["lost"] > 0 and (took["kept"] > 0) == (survives > 0), took
    rows = places(node, "fi")
    assert said and all(rows.get(name) == index for name, index in said.items()), "an acknowledged entry is where the answer said"
    fsck = wait_until(lambda: node.genofed("ledger", "fsck", "--key", node.ledger_key, site="fi", check=False).json, 60, "fsck")
    assert fsck["ok"], fsck
    wait_until(lambda: load(node, seconds=0.2, check=False).returncode == 0, 30, "further entries to be taken")
    assert not node.genofed("ledger", "witnesses", site="hub", check=False).json["alarms"]
    figures.append(f"ledger: a power cut took {took['lost']} blocks that were not synced, and none of {len(said)} acknowledged entries")


def test_a_disk_that_lies_loses_entries_and_the_witness_knows(node):
    """Shows that the test above can fail, and what a site is told that lost entries which a witness has seen."""
    for disk in node.disks:
        disk.lie()
    try:
        _, said = cut_under_load(node, "lied", 3, ready=45)
    except AssertionError:
        # The database, or the ledger, found by itself that its files do not fit together, and serves nobody.
        found = [word in node.log("fi", service) for service, words in (("postgres", ("PANIC", "FATAL")), ("consent", ("LEDGER_BROKEN", "ENTRY_LOG_")))
                 for word in words]
        assert any(found), node.log("fi", "postgres")[-2000:] + node.log("fi", "consent")[-2000:]
        return
    rows = places(node, "fi")
    assert any(rows.get(name) != index for name, index in said.items()), "the disk kept nothing, and nothing was missed"
    wait_until(lambda: "LEDGER_FROZEN" in load(node, seconds=0.2, check=False).stderr, 30, "the ledger to be frozen: a witness has seen more of it")
