# SPDX-License-Identifier: Apache-2.0
"""Workload certificates that last twenty seconds: renewed again and again under load, and nobody notices."""

import collections
import subprocess
import threading
import time
import urllib.parse
import urllib.request

import pytest

import road
from cohort import MINIMUM
from conftest import QUICK
from federation import Federation, wait_until

LIFETIME = 20  # seconds
LOAD = 60  # seconds: renewed after two thirds of their life, so at least four times
PAUSE = 0.1  # seconds between two calls of one caller
# Patience with a busy machine; that a call between services fails shows in their own counts all the same.
PATIENT = ["hub:discovery.node_deadline=10s", "discovery.consent_max_staleness=30s"]


@pytest.fixture(scope="module")
def brief(workspace, cohorts):
    """A federation of its own, with both cohorts listed and their variant to ask for."""
    federation = Federation(workspace / "var-brief", images=workspace / "no-images", sets=[*QUICK, *PATIENT],
                            args=["--certificate-lifetime", LIFETIME])
    try:
        federation.up()
        for cohort in cohorts.values():
            road.onboard(federation, cohort)
        for cohort in cohorts.values():
            road.list_dataset(federation, cohort)
        yield federation
    finally:
        federation.down()


def frequent_variant(cohorts):
    shared = set.intersection(*(set(cohort.variants()) for cohort in cohorts.values()))
    return min(v for v in shared
               if all(c.carriers(v, c.permitting("AF")) >= MINIMUM for c in cohorts.values()))


def grpc_address(fed, site, service):
    return fed.site(site)["services"][service]["grpc"]


def s_client(fed, address, *args):
    """`openssl s_client` with the certificate of Finland's gateway."""
    tls = fed.var / "fi" / "tls"
    return subprocess.run(["openssl", "s_client", "-connect", address, "-CAfile", fed.ca_file, "-cert",
                           tls / "gateway.pem", "-key", tls / "gateway.key", "-verify_return_error", "-alpn", "h2,http/1.1",
                           *args],
                          input="", capture_output=True, encoding="utf-8", errors="replace",  # what HTTP/2 says is binary
                          timeout=20, check=False)


def certificate(fed, address):
    """{"serial", "seconds": how long it lasts} of what is served now."""
    shown = s_client(fed, address)
    assert "BEGIN CERTIFICATE" in shown.stdout, shown.stderr
    out = subprocess.run("openssl x509 -noout -serial -startdate -enddate".split(), input=shown.stdout,
                         capture_output=True, text=True, check=True).stdout
    fields = dict(line.split("=", 1) for line in out.splitlines())
    dates = [time.mktime(time.strptime(fields[name], "%b %d %H:%M:%S %Y %Z")) for name in ("notBefore", "notAfter")]
    return {"serial": fields["serial"], "seconds": dates[1] - dates[0]}


def failed_calls(fed, site, service):
    """Calls of a service to others that failed after all attempts, by its own count."""
    with urllib.request.urlopen(fed.site(site)["services"][service]["metrics"], timeout=10) as answer:
        text = answer.read().decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
               if line.startswith("genofed_rpc_client_total{") and 'code="OK"' not in line)


def rest_address(fed, site):
    return urllib.parse.urlsplit(fed.site(site)["rest"]).netloc


def test_certificates_are_renewed_under_load_without_a_failed_call(brief, cohorts, figures):
    variant = frequent_variant(cohorts)
    chrom, pos, ref, alt = variant
    query = {"meta": {"apiVersion": "2.0"}, "query": {"requestedGranularity": "record", "requestParameters": {
        "assemblyId": "GRCh38", "referenceName": chrom.removeprefix("chr"), "start": [pos - 1],
        "referenceBases": ref, "alternateBases": alt}}}
    expected = {c.dataset: c.carriers(variant, c.permitting("AF")) for c in cohorts.values()}

    def fan_out():
        status, _, body = brief.rest("hub", "POST", "/beacon/v2/g_variants", body=query)
        assert status == 200, body
        members = {member["site"]: member["state"] for member in body["info"]["members"]}
        assert set(members.values()) == {"ANSWERED"}, members
        counts = {s["id"]: s["resultsCount"] for s in body["response"]["resultSets"] if s.get("exists")}
        assert counts == expected, counts

    def rest(site, path, persona=None):
        def call():
            status, _, body = brief.rest(site, "GET", path, persona=persona)
            assert status == 200, body
        return call

    wait_until(lambda: fan_out() is None, 20, "both countries to answer")
    callers = {"query": fan_out, "hub catalogue": rest("hub", "/api/v1/datasets"),
               "hub access": rest("hub", "/api/v1/applications", "researcher"),
               "node ledger": rest("fi", "/ledger/checkpoint")}
    for call in callers.values():
        call()
    done, lock = threading.Event(), threading.Lock()
    made, failed = collections.Counter(), []

    def load(name, call):
        while not done.is_set():
            try:
                call()
            except Exception as error:  # pylint: disable=broad-except
                with lock:
                    failed.append((name, time.monotonic(), repr(error)[:500]))
            with lock:
                made[name] += 1
            time.sleep(PAUSE)

    watched = {"discovery of Finland": grpc_address(brief, "fi", "discovery"),
               "consent of Finland": grpc_address(brief, "fi", "consent"),
               "catalogue of the hub": grpc_address(brief, "hub", "catalogue"),
               "HTTPS of the hub": rest_address(brief, "hub"), "HTTPS of Finland": rest_address(brief, "fi")}
    processes = [("hub", "discovery"), ("hub", "gateway"), ("fi", "discovery"), ("es", "discovery"), ("fi", "gateway")]
    before = {process: failed_calls(brief, *process) for process in processes}
    pids = {name: process["pid"] for name, process in brief.processes().items()}
    serials = collections.defaultdict(list)
    threads = [threading.Thread(target=load, args=item) for item in callers.items()]
    for thread in threads:
        thread.start()
    try:
        end = time.monotonic() + LOAD
        while time.monotonic() < end:
            for name, address in watched.items():
                shown = certificate(brief, address)
                assert shown["seconds"] == LIFETIME, (name, shown)
                if shown["serial"] not in serials[name]:
                    serials[name].append(shown["serial"])
            time.sleep(1)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert not failed, f"{len(failed)} of {sum(made.values())} failed: {failed[:5]}"
    assert {process: failed_calls(brief, *process) for process in processes} == before
    for name in watched:
        assert len(serials[name]) >= 3, f"{name}: less than two renewals in {LOAD} s: {serials[name]}"
    assert {name: process["pid"] for name, process in brief.processes().items()} == pids, "nothing was restarted"
    figures.append(f"certificates of {LIFETIME} s: {max(map(len, serials.values())) - 1} renewals in {LOAD} s under "
                   f"{sum(made.values())} calls, none failed: {dict(made)}")


def test_only_tls_1_3_is_spoken(brief):
    for address in (grpc_address(brief, "fi", "discovery"), grpc_address(brief, "hub", "catalogue"),
                    rest_address(brief, "fi"), rest_address(brief, "hub")):
        refused = s_client(brief, address, "-tls1_2")
        assert refused.returncode != 0 and "Cipher is (NONE)" in refused.stdout, (address, refused.stdout)
        spoken = s_client(brief, address, "-tls1_3")
        assert spoken.returncode == 0 and "TLSv1.3" in spoken.stdout, (address, spoken.stderr)
