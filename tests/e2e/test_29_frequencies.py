# SPDX-License-Identifier: Apache-2.0
"""One table of allele frequencies for the network: "rarer than" is answered alike at all nodes, and each answer says by which version."""

import json

import pytest

import road
from cohort import MINIMUM, Cohort, trimmed
from conftest import QUICK, synth
from federation import EXACT_COUNTS, Federation, wait_until
from test_5_citizen import citizen_token

LIMITS = (0.05, 0.1, 0.3)


@pytest.fixture(scope="module")
def network(workspace):
    """Two nodes that count exactly and publish: (federation, {site: cohort}). Nobody has annotations."""
    policy = json.loads(EXACT_COUNTS.read_text())
    policy["frequency_table"] = {"publish": True, "auc": 1, "versions": 100}
    file = workspace / "published.policy.json"
    file.write_text(json.dumps(policy))
    federation = Federation(workspace / "var-frequencies", layout="services", images=workspace / "no-images", hsm="none", exact=False,
                            sets=[*QUICK, f"discovery.disclosure_policy_file={file}", "discovery.frequency_interval=0.2s",
                                  "hub:discovery.frequency_interval=0.2s"])
    cohorts = {}
    try:
        federation.up(timeout=240)
        for country in ("FI", "ES"):
            folder = synth(workspace / "frequencies" / country, country, people=200, sites=400)
            cohort = cohorts[country.lower()] = Cohort(folder, country, f"GOE-{country}-FREQUENCIES-1")
            road.onboard(federation, cohort)
            road.list_dataset(federation, cohort)
        yield federation, cohorts
    finally:
        federation.down()


def alleles(cohort):
    """{(chrom, pos, ref, alt): {person: copies}} and {the same: called alleles}, of people who permit frequencies."""
    people = cohort.permitting("AF")
    found, called = {}, {}
    for chrom, pos, ref, alts, calls in cohort.records:
        for index, alt in enumerate(alts, 1):
            key = (chrom, *trimmed(pos, ref, alt))
            if not set(alt) <= set("ACGTN") or key in found:
                continue
            own = {p: calls[cohort.people[p]["sample"]] for p in people}
            found[key] = {p: c.count(index) for p, c in own.items() if index in c}
            called[key] = sum(a is not None for c in own.values() for a in c)
    return found, called


def expected_table(cohorts):
    """{allele: frequency} as the nodes' counts add up, and the frequency below which what is not in it lies."""
    copies, chromosomes = {}, 0
    for cohort in cohorts.values():
        everybody = 2 * len(cohort.permitting("AF"))
        chromosomes += everybody
        found, called = alleles(cohort)
        for key, carriers in found.items():
            if len(carriers) >= MINIMUM:
                copies[key] = copies.get(key, 0) + int(sum(carriers.values()) * everybody / called[key] + 0.5)
    return {key: count / chromosomes for key, count in copies.items()}, 2 * MINIMUM * len(cohorts) / chromosomes


def windows(cohorts):
    """Places, 1-based and both ends included, of a few sites each."""
    positions = sorted({key[1] for cohort in cohorts.values() for key in alleles(cohort)[0]})
    return [(positions[i], positions[min(i + 3, len(positions) - 1)]) for i in range(0, len(positions), len(positions) // 12)]


def carriers(cohort, window, rare):
    begin, end = window
    found = set()
    for key, own in alleles(cohort)[0].items():
        if key[1] <= end and key[1] + len(key[2]) > begin and rare(key):
            found |= own.keys()
    return len(found)


def ask(federation, window, below, site=None):
    chrom = "20"
    begin, end = window
    query = {"requestedGranularity": "record", "includeResultsetResponses": "ALL",
             "filters": [{"id": "alleleFrequency", "operator": "<", "value": str(below)}],
             "requestParameters": {"g_variant": {"referenceName": chrom, "assemblyId": "GRCh38", "start": [begin - 1], "end": [end]}}}
    status, _, beacon = federation.rest(site or "hub", "POST", "/beacon/v2/g_variants", body={"meta": {"apiVersion": "2.0"}, "query": query})
    assert status == 200, beacon
    return beacon


def counts(beacon):
    return {s["id"]: s["resultsCount"] for s in beacon["response"]["resultSets"] if s["exists"]}


def table_file(federation, site, digest):
    return federation.var / site / "data" / "discovery" / "frequencies" / "content" / digest[:2] / digest


def table_lines(federation, site, digest):
    return table_file(federation, site, digest).read_text().splitlines()


def version_everywhere(network, least=1):
    """The network's table, once both nodes count in it and go by it; its number is `least` or more."""
    federation, cohorts = network

    def there():
        info = ask(federation, (1, 2), 0.5)["info"]
        (table,) = info.get("frequencyTables") or [None]
        assert table and table["version"] >= least, info
        lines = table_lines(federation, "hub", table["digest"])
        people = sum(len(cohort.permitting("AF")) for cohort in cohorts.values())
        assert f"chromosomes {2 * people}" in lines and sum(line.startswith("from ") for line in lines) == 2, lines[:8]
        assert table["resolution"] == pytest.approx(MINIMUM * 2 / people), info
        assert all(m.get("frequencyTable") == table and "otherFrequencyTable" not in m for m in info["members"]), info
        return table
    return wait_until(there, 60, f"version {least} of the table at both nodes")


def check_all(network):
    federation, cohorts = network
    table, resolution = expected_table(cohorts)
    seen = set()
    for below in LIMITS:
        assert below >= resolution
        for window in windows(cohorts):
            def rare(key):
                return table.get(key, 0) < below
            expected = {c.dataset: carriers(c, window, rare) for c in cohorts.values()}
            expected = {dataset: count for dataset, count in expected.items() if count >= MINIMUM}
            seen.add(tuple(sorted(expected.items())))
            assert counts(ask(federation, window, below)) == expected, (window, below)
    assert len(seen) > 6, "the questions must tell limits and places apart"


def test_rarer_than_is_by_the_sum_of_all_nodes(network):
    version_everywhere(network)
    check_all(network)


def test_a_node_asked_by_itself_names_the_same_table(network):
    federation, cohorts = network
    table = version_everywhere(network)
    window = windows(cohorts)[3]
    for site in cohorts:
        info = ask(federation, window, 0.1, site)["info"]
        assert info["frequencyTables"] == [table]
    # Nothing else names one.
    beacon = federation.genofed("query", "individuals", "--sex", "female").json
    assert "frequencyTables" not in beacon["info"]
    # The command says it in words.
    text = federation.genofed("query", "variant", f"chr20:{window[0]}-{window[1]}", "--below-frequency", "0.1", json=False).out
    assert f"version {table['version']} of the network's table for GRCh38" in text


def test_who_withdraws_is_not_in_the_next_version(network):
    federation, cohorts = network
    before = version_everywhere(network)
    cohort = cohorts["es"]
    for person in sorted(cohort.permitting("AF"))[:8]:
        status, _, answer = federation.rest("es", "PUT", "/api/v1/me/permissions", body={"permissions": []},
                                            token=citizen_token(federation, cohort, person))
        assert status == 200, answer
        cohort.permissions[person] = set()
    after = version_everywhere(network, before["version"] + 1)
    assert after["digest"] != before["digest"]
    check_all(network)


def test_a_damaged_table_is_fetched_again_after_a_restart(network):
    federation, cohorts = network
    table = version_everywhere(network)
    page = next(line.split()[-1] for line in table_lines(federation, "fi", table["digest"]) if line.startswith("page "))
    file = table_file(federation, "fi", page)
    good = file.read_bytes()
    file.write_bytes(good[:-20])
    killed = federation.kill9("fi", "discovery")
    federation.wait_ready("fi", "discovery", not_pid=killed)
    assert version_everywhere(network) == table
    assert file.read_bytes() == good


def test_a_hub_that_cannot_show_its_table_takes_none_from_the_nodes(network):
    federation, cohorts = network
    table = version_everywhere(network)
    table_file(federation, "hub", table["digest"]).write_text("genofed-frequencies 1\n")
    window = windows(cohorts)[5]
    told = counts(ask(federation, window, 0.1))
    killed = federation.kill9("hub", "discovery")
    federation.wait_ready("hub", "discovery", not_pid=killed)

    def answered():
        beacon = ask(federation, window, 0.1)
        assert counts(beacon) == told
        return all(m.get("frequencyTable", {}).get("digest") == table["digest"] for m in beacon["info"]["members"])
    wait_until(answered, 20, "the nodes to go on with their table")
    # The hub makes it again from what the nodes delivered, and it is the same.
    assert version_everywhere(network) == table
