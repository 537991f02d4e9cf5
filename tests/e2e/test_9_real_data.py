# SPDX-License-Identifier: Apache-2.0
"""The same road with real genotypes (1000 Genomes, chr20:1-4 Mb, GRCh37) and real published phenopackets.

300 people: FIN are Finland's, IBS are Spain's; everybody else stays in both files without a subject, and is left out.
The phenopackets are of other, published patients: subject and biosample identifiers are rewritten to the 1000 Genomes
samples (`reassign` below), everything else stays. No real person's genotypes and phenotypes belong together here.
Consents are invented: 90 % permit everything, 5 % allele frequencies only, 5 % nothing.
"""

import collections
import json
import os
import pathlib

import pytest

import road
from cohort import ALLELE_COLUMNS, CASE_COLUMNS, MINIMUM, Cohort, combined, read_table, trimmed
from conftest import WORKFLOW

SHARED = os.environ.get("GENOFED_SHARED_DIR", "")
pytestmark = pytest.mark.skipif(not SHARED and os.environ.get("CI") != "true", reason="needs GENOFED_SHARED_DIR: real data")


def data():
    return pathlib.Path(SHARED) / "data"


def population(name):
    rows = [line.split("\t") for line in (data() / "vcf/1000g-chr20/populations.tsv").read_text().splitlines()[1:]]
    return [sample for sample, _, place in rows if place == name]


def published_cases():
    """The phenopackets whose subject lived to be described, each once, in order of file name."""
    packets = [json.loads(file.read_text()) for file in sorted((data() / "phenopackets").glob("*.json"))]
    return [packet for packet in packets if packet.get("phenotypicFeatures")]


def reassign(packet, person, sample):
    """Another subject for a published case: here identifiers are rewritten, and only here."""
    old = packet["subject"]["id"]
    packet = json.loads(json.dumps(packet))
    packet.update(id=f"pp-{person}", biosamples=[{"id": sample, "individualId": person}])
    packet["subject"].update(id=person)
    for interpretation in packet.get("interpretations", []):
        for genomic in interpretation.get("diagnosis", {}).get("genomicInterpretations", []):
            if genomic.get("subjectOrBiosampleId") == old:
                genomic["subjectOrBiosampleId"] = person
    return packet


def consent(person, codes):
    coding = lambda system, code: {"coding": [{"system": system, "code": code}]}  # noqa: E731
    return {"resourceType": "Consent", "id": f"c-{person}", "status": "active",
            "scope": coding("http://terminology.hl7.org/CodeSystem/consentscope", "research"),
            "category": [coding("http://loinc.org", "59284-0")],
            "patient": {"identifier": {"system": "urn:hospital:mrn", "value": person}}, "dateTime": "2024-02-01T09:00:00Z",
            "provision": {"type": "deny", "provision": [{"type": "permit", "code": [coding("urn:1plusmg:consent-permission", c)]}
                                                        for c in codes]}}


def make(folder, country, place, cases):
    """A folder as `genofed synth` would write it, out of real data."""
    (folder / "phenopackets").mkdir(parents=True)
    vcf, = (data() / "vcf/1000g-chr20").glob("*.vcf.gz")
    (folder / "cohort.vcf.gz").symlink_to(vcf)
    consents = []
    for number, sample in enumerate(population(place)):
        person = f"{country}-{sample}"
        packet = reassign(cases[number % len(cases)], person, sample)
        (folder / "phenopackets" / f"{person}.json").write_text(json.dumps(packet))
        if number % 20 == 0:
            continue
        consents.append({"resource": consent(person, ["AF"] if number % 20 == 10 else ["AF", "SLQ", "SEC"])})
    (folder / "consents.fhir-r4.json").write_text(json.dumps({"resourceType": "Bundle", "type": "searchset", "entry": consents}))
    (folder / "dataset.json").write_text(json.dumps({
        "title": f"1000 Genomes, {place}", "description": "Published genotypes with published phenopackets", "publisher": "IGSR",
        "contact_email": "data@biobank.example", "data_use": ["DUO:0000042"]}))
    return Cohort(folder, country, f"GOE-{country}-THOUSAND-1", assembly="GRCh37")


@pytest.fixture(scope="module")
def real(workspace):
    assert SHARED, "CI must run this"
    cases = published_cases()
    half = len(cases) // 2
    return {"fi": make(workspace / "real" / "fi", "FI", "FIN", cases[:half]),
            "es": make(workspace / "real" / "es", "ES", "IBS", cases[half:])}


@pytest.fixture(scope="module")
def real_listed(fed, real):
    submissions = {}
    for site, cohort in real.items():
        submissions[site] = road.onboard(fed, cohort).json
        # The folder says nothing of ethics: the coordinator has to have seen the documents.
        refused = fed.genofed("dataset", "approve", cohort.dataset, as_=cohort.ncp, check=False)
        assert refused.code == 1 and "INCLUSION_UNMET" in refused.err, refused
        road.list_dataset(fed, cohort, evidence=[f"{criterion}=seen/1/2026" for criterion in
                                                 ("ethics_approval", "legal_basis", "consent_form")])
    return submissions


def common_term(real):
    """The term that most people have, in both countries together."""
    count = collections.Counter(term for cohort in real.values() for person in cohort.permitting("SEC")
                                for term in cohort.people[person]["terms"] if term.startswith("HP:"))
    return count.most_common(1)[0][0]


def test_real_cohorts_are_onboarded(real, real_listed):
    for site, cohort in real.items():
        counts = real_listed[site]["counts"]
        assert counts["subjects"] == len(cohort.people) == {"fi": 99, "es": 107}[site]
        assert counts["subjects_included"] == len(cohort.included)
        assert counts["samples_without_subject"] == 300 - len(cohort.people)
        assert int(counts["records"]) == 24990 and not int(counts.get("records_quarantined", 0))


def test_counts_of_real_carriers_equal_bcftools(fed, real, real_listed):
    fi, es = real["fi"], real["es"]
    variants = fi.variants()
    for variant in (variants[100], variants[5000], variants[-100]):
        truth = {c.dataset: c.carriers(variant, c.permitting("AF")) for c in (fi, es)}
        given = road.query(fed, "variant", variant, assembly="GRCh37")["counts"]
        given = {dataset: count for dataset, count in given.items() if dataset in truth}
        assert given == {dataset: count for dataset, count in truth.items() if count >= MINIMUM}, variant


def carriers_of(cohort, people, wanted):
    """How many of the people carry some allele (pos, ref, alt; trimmed, 1-based) that is wanted."""
    samples = {cohort.people[person]["sample"] for person in people}
    found = set()
    for _, pos, ref, alts, calls in cohort.records:
        for number, alt in enumerate(alts, 1):
            if set(alt) <= set("ACGT") and wanted(*trimmed(pos, ref, alt)):
                found |= {sample for sample in samples if number in calls[sample]}
    return len(found)


def kind(ref, alt):
    return ("SNP" if len(ref) == 1 else "MNP") if len(ref) == len(alt) else "INS" if len(ref) < len(alt) else "DEL"


# Requests in Beacon's words, 0-based and half-open, and the same of an allele as a VCF has it.
QUESTIONS = {
    "range": ({"start": [1_200_000], "end": [1_200_400]}, lambda pos, ref, alt: pos - 1 < 1_200_400 and pos - 1 + len(ref) > 1_200_000),
    "range and type": ({"start": [2_000_000], "end": [2_500_000], "variantType": "DEL"},
                       lambda pos, ref, alt: pos - 1 < 2_500_000 and pos - 1 + len(ref) > 2_000_000 and kind(ref, alt) == "DEL"),
    "range and alleles": ({"start": [1_000_000], "end": [1_200_000], "referenceBases": "C", "alternateBases": "T"},
                          lambda pos, ref, alt: 1_000_000 <= pos - 1 < 1_200_000 and (ref, alt) == ("C", "T")),
    "range and length": ({"start": [1_000_000], "end": [1_200_000], "variantMinLength": 8, "variantMaxLength": 30},
                         lambda pos, ref, alt: pos - 1 < 1_200_000 and pos - 1 + len(ref) > 1_000_000 and 8 <= max(len(ref), len(alt)) <= 30),
    "bracket": ({"start": [1_500_000, 1_501_000], "end": [1_500_000, 1_501_001]},
                       lambda pos, ref, alt: 1_500_000 <= pos - 1 < 1_501_000 and pos - 1 + len(ref) < 1_501_001),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_ranges_brackets_types_and_lengths_equal_bcftools(fed, real, real_listed, name):
    parameters, wanted = QUESTIONS[name]
    status, _, beacon = fed.rest("hub", "POST", "/beacon/v2/g_variants", body={"meta": {"apiVersion": "2.0"}, "query": {
        "requestedGranularity": "record", "requestParameters": {"assemblyId": "GRCh37", "referenceName": "20", **parameters}}})
    assert status == 200, beacon
    given = {s["id"]: s["resultsCount"] for s in beacon["response"]["resultSets"] if s["exists"]}
    truth = {c.dataset: carriers_of(c, c.permitting("AF"), wanted) for c in real.values()}
    assert any(count >= MINIMUM for count in truth.values()), "the question must have an answer to compare"
    assert {d: n for d, n in given.items() if d in truth} == {d: n for d, n in truth.items() if n >= MINIMUM}


def test_descriptions_on_the_chromosome_equal_bcftools(fed, real, real_listed):
    fi = real["fi"]
    for variant in sorted(fi.variants(), key=lambda v: fi.carriers(v, fi.permitting("AF")))[-3:]:
        _, pos, ref, alt = variant
        beacon = fed.genofed("query", "variant", "--hgvs", f"NC_000020.10:g.{pos}{ref}>{alt}").json
        given = {s["id"]: s["resultsCount"] for s in beacon["response"]["resultSets"] if s["exists"]}
        for cohort in real.values():
            truth = cohort.carriers(variant, cohort.permitting("AF"))
            assert given.get(cohort.dataset, 0) == (truth if truth >= MINIMUM else 0), variant


def test_people_are_found_by_published_phenotypes(fed, real, real_listed):
    term = common_term(real)
    given = road.query(fed, "individuals", terms=[term])["counts"]
    for cohort in real.values():
        matching = len(cohort.with_filters(cohort.permitting("SLQ"), [term]))
        assert given.get(cohort.dataset, 0) == (matching if matching >= MINIMUM else 0), term


def test_the_combined_table_of_real_data_equals_bcftools(fed, real, real_listed, images, figures):
    term = common_term(real)
    active = road.grant(fed, [(real["fi"], True), (real["es"], True)], "Real genotypes")
    run = road.submit(fed, active["id"], images / WORKFLOW, CASE_TERM=term)
    state = road.finish(fed, run, ["fi", "es"], timeout=180)
    assert state["state"] == "STATE_COMPLETE", f"{state}\n{fed.log_tails()}"
    for name, columns in (("allele_counts.tsv", ALLELE_COLUMNS), ("case_control.tsv", CASE_COLUMNS)):
        given = read_table(road.download(fed, run, name), columns)
        wanted = combined({site: cohort.counts(term) for site, cohort in real.items()}, columns)
        assert given.keys() == wanted.keys()
        wrong = {key: (given[key], wanted[key]) for key in wanted if given[key] != wanted[key]}
        assert not wrong, f"{len(wrong)} of {len(wanted)} rows of {name} differ, for example {list(wrong.items())[:3]}"
    figures.append(f"real data: {len(wanted)} variants of {sum(len(c.permitting('SEC')) for c in real.values())} people "
                   f"equal to bcftools, cases by {term}")
