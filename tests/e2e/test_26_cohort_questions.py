# SPDX-License-Identifier: Apache-2.0
"""Genes, consequences, rarity, changes of proteins, brackets, ages and kinds of a phenotype, asked of cohorts through the hub."""

import pytest

import road
from cohort import MINIMUM, Cohort
from conftest import QUICK, synth
from federation import Federation
from test_2_discovery import subject_level

GENES = ("ABCA1", "BRCA2", "CFTR")
EFFECTS = (("stop_gained", "."), ("missense_variant", "ENSP00000001.2:p.Gly12Asp"), ("missense_variant", "ENSP00000001.2:p.Arg5Lys"),
           ("intron_variant", "."), ("synonymous_variant", "ENSP00000001.2:p.Gly12="))
FREQUENCIES = (0.0001, 0.004, 0.02, 0.3)
LOSS_OF_FUNCTION = {"stop_gained", "frameshift_variant", "splice_donor_variant", "splice_acceptor_variant"}


def note(variant):
    """What the table says of a variant: spread over positions, without a pattern that the queries share."""
    _, pos, _, alt = variant
    effect, change = EFFECTS[(pos // 7) % len(EFFECTS)]
    return {"gene": GENES[pos % len(GENES)], "effect": effect, "change": change, "frequency": FREQUENCIES[(pos // 3 + ord(alt)) % 4]}


@pytest.fixture(scope="module")
def folders(workspace):
    return {country: synth(workspace / "questions" / country, country, people=150, sites=400) for country in ("FI", "ES")}


@pytest.fixture(scope="module")
def annotated(workspace, folders):
    """A federation whose nodes share one table of annotations: (federation, {site: cohort})."""
    cohorts = {country.lower(): Cohort(folder, country, f"GOE-{country}-QUESTIONS-1") for country, folder in folders.items()}
    table = workspace / "annotations.tsv"
    with table.open("w") as out:
        for variant in sorted({v for cohort in cohorts.values() for v in cohort.variants()}):
            chrom, pos, ref, alt = variant
            about = note(variant)
            out.write("\t".join(map(str, (chrom, pos, ref, alt, about["frequency"], about["gene"], about["effect"], about["change"]))) + "\n")
    federation = Federation(workspace / "var-questions", layout="site", images=workspace / "no-images", hsm="none",
                            sets=[*QUICK, *(f"{site}:discovery.annotations_file={table}" for site in cohorts)])
    try:
        federation.up(timeout=240)
        for cohort in cohorts.values():
            road.onboard(federation, cohort)
            road.list_dataset(federation, cohort)
        yield federation, cohorts
    finally:
        federation.down()


def carriers(cohort, people, wanted):
    """Those of the people who carry a variant that is wanted."""
    found = set()
    for variant in cohort.variants():
        if not wanted(variant, note(variant)):
            continue
        chrom, pos, ref, alt = variant
        calls = next(calls for c, p, r, a, calls in cohort.records if (c, p, r, a) == (chrom, pos, ref, [alt]))
        found |= {person for person in people if 1 in calls[cohort.people[person]["sample"]]}
    return found


def ask(federation, entity, *options):
    """{dataset: count} as the hub tells."""
    beacon = federation.genofed("query", entity, *options).json
    assert {m["state"] for m in beacon["info"]["members"]} == {"ANSWERED"}, beacon["info"]
    return {s["id"]: s["resultsCount"] for s in beacon["response"]["resultSets"] if s.get("exists")}


def told(counts):
    return {dataset: count for dataset, count in counts.items() if count >= MINIMUM}


VARIANTS = {
    "a gene": (["--gene", "brca2"], lambda v, n: n["gene"] == "BRCA2"),
    "loss of function": (["--gene", "CFTR", "--consequence", "loss_of_function"],
                         lambda v, n: n["gene"] == "CFTR" and n["effect"] in LOSS_OF_FUNCTION),
    "either of two": (["--gene", "CFTR", "--consequence", "stop_gained", "--consequence", "missense_variant"],
                      lambda v, n: n["gene"] == "CFTR" and n["effect"] in ("stop_gained", "missense_variant")),
    "rare in a gene": (["--gene", "ABCA1", "--below-frequency", "0.004"], lambda v, n: n["gene"] == "ABCA1" and n["frequency"] < 0.004),
    "a change": (["--change", "p.Gly12Asp"], lambda v, n: "Gly12Asp" in n["change"]),
    "a change in a gene": (["--gene", "CFTR", "--change", "R5K"], lambda v, n: n["gene"] == "CFTR" and "Arg5Lys" in n["change"]),
    "a gene that is nowhere": (["--gene", "TP53"], lambda v, n: False),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_are_found_by_what_they_do(annotated, name):
    federation, cohorts = annotated
    options, wanted = VARIANTS[name]
    expected = told({c.dataset: len(carriers(c, c.permitting("AF"), wanted)) for c in cohorts.values()})
    assert expected or "nowhere" in name, "the question must have an answer to compare"
    assert ask(federation, "variant", *options) == expected


def test_a_range_is_restricted_to_what_is_rare_and_does_something(annotated):
    federation, cohorts = annotated
    positions = sorted({v[1] for c in cohorts.values() for v in c.variants()})
    chrom = next(iter(cohorts.values())).variants()[0][0]
    begin, end = positions[len(positions) // 4], positions[len(positions) // 2]

    def wanted(v, n):
        return begin <= v[1] <= end and n["effect"] == "missense_variant" and n["frequency"] < 0.02
    expected = told({c.dataset: len(carriers(c, c.permitting("AF"), wanted)) for c in cohorts.values()})
    assert expected
    assert ask(federation, "variant", f"{chrom}:{begin}-{end}", "--consequence", "missense_variant", "--below-frequency", "0.02") == expected


def test_a_description_on_a_chromosome_finds_the_allele(annotated):
    federation, cohorts = annotated
    fi, es = cohorts["fi"], cohorts["es"]
    variant = max(set(fi.variants()) & set(es.variants()), key=lambda v: fi.carriers(v, fi.permitting("AF")))
    chrom, pos, ref, alt = variant
    assert chrom in ("20", "chr20"), "the accession below is of chromosome 20 in GRCh38"
    expected = told({c.dataset: c.carriers(variant, c.permitting("AF")) for c in cohorts.values()})
    assert ask(federation, "variant", "--hgvs", f"NC_000020.11:g.{pos}{ref}>{alt}") == expected


def test_brackets_and_alternatives_in_beacons_own_words(annotated):
    federation, cohorts = annotated
    positions = sorted({v[1] for c in cohorts.values() for v in c.variants()})
    begin, end = positions[10], positions[120]
    query = {"requestedGranularity": "record", "includeResultsetResponses": "HIT",
             "filters": [["HP:0001250", "HP:0001252"], {"id": "NCIT:C16576"}],
             "requestParameters": {"g_variant": {"referenceName": "chr20", "start": [begin - 1, end], "end": [begin, end + 1],
                                                 "variantType": "SNP"}}}
    status, _, beacon = federation.rest("hub", "POST", "/beacon/v2/individuals", body={"meta": {"apiVersion": "2.0"}, "query": query})
    assert status == 200, beacon
    expected = {}
    for cohort in cohorts.values():
        people = cohort.permitting("SLQ")
        either = cohort.with_filters(people, ["HP:0001250"], "FEMALE") | cohort.with_filters(people, ["HP:0001252"], "FEMALE")
        matching = carriers(cohort, either, lambda v, n: begin <= v[1] <= end)
        expected[cohort.dataset] = subject_level(len(matching), len(people))
    got = {s["id"]: s["resultsCount"] for s in beacon["response"]["resultSets"] if s["exists"]}
    assert got == told(expected)


@pytest.mark.parametrize("term", ["HP:0000118", "HP:0000707", "HP:0001250"])
def test_a_phenotype_has_everybody_who_has_a_kind_of_it(annotated, term):
    federation, cohorts = annotated
    expected, exactly = {}, {}
    for cohort in cohorts.values():
        people = cohort.permitting("SLQ")
        expected[cohort.dataset] = subject_level(len(cohort.with_filters(people, [term])), len(people))
        exactly[cohort.dataset] = subject_level(sum(term in cohort.people[p]["terms"] for p in people), len(people))
    assert told(expected), "somebody has it"
    assert ask(federation, "individuals", "--term", term) == told(expected)
    assert ask(federation, "individuals", "--term", term, "--exact-terms") == told(exactly)


def test_people_with_a_rare_variant_and_a_phenotype_and_a_sex(annotated):
    federation, cohorts = annotated

    def wanted(v, n):
        return n["gene"] == "CFTR" and n["frequency"] < 0.02
    expected = {}
    for cohort in cohorts.values():
        people = cohort.permitting("SLQ")
        matching = carriers(cohort, cohort.with_filters(people, ["HP:0000707"], "FEMALE"), wanted)
        expected[cohort.dataset] = subject_level(len(matching), len(people))
    assert told(expected)
    assert ask(federation, "individuals", "--gene", "CFTR", "--below-frequency", "0.02", "--term", "HP:0000707", "--sex", "female") == \
        told(expected)


def test_ages_are_completed_years(annotated):
    federation, cohorts = annotated
    expected = {}
    for cohort in cohorts.values():
        people = cohort.permitting("SLQ")
        matching = {p for p in people if cohort.people[p]["age"] is not None and 30 <= cohort.people[p]["age"] <= 49}
        expected[cohort.dataset] = subject_level(len(matching), len(people))
    assert told(expected)
    assert ask(federation, "individuals", "--age", "30-49") == told(expected)


def test_what_can_be_asked_is_listed(annotated):
    federation, cohorts = annotated
    _, _, body = federation.rest("hub", "GET", "/beacon/v2/filtering_terms?limit=10000")
    terms = {term["id"]: term for term in body["response"]["filteringTerms"]}
    assert terms["age"]["type"] == "alphanumeric" and terms["age"]["scopes"] == ["individual"]
    assert terms["SO:0001587"]["label"] == "stop_gained" and terms["SO:0001587"]["scopes"] == ["genomicVariant"]
    assert terms["alleleFrequency"]["scopes"] == ["genomicVariant"]
    frequent = {t for c in cohorts.values() for p in c.permitting("SLQ") for t in c.people[p]["terms"] if t.startswith("HP:")
                if len(c.with_filters(c.permitting("SLQ"), [t])) >= MINIMUM}
    assert frequent <= terms.keys()


def test_what_cannot_be_asked_is_refused_with_the_field(annotated):
    federation, _ = annotated
    answer = federation.genofed("query", "variant", "--gene", "BRCA2", "--consequence", "nonsense", check=False)
    assert answer.code == 2 and "CONSEQUENCE_UNKNOWN" in answer.err, answer
    for field, query in (
            ("genomicAlleleShortForm", {"requestParameters": {"g_variant": {"genomicAlleleShortForm": "NM_000059.4:c.1A>G"}}}),
            ("filters", {"filters": [{"id": "alleleFrequency", "operator": "<", "value": "0.01"}]}),
            ("filters", {"requestParameters": {"g_variant": {"geneId": "BRCA2"}},
                         "filters": [{"id": "age", "operator": ">", "value": "old"}]})):
        status, _, body = federation.rest("hub", "POST", "/beacon/v2/individuals", body={"meta": {"apiVersion": "2.0"}, "query": query})
        assert status == 400 and body["error"]["errorMessage"].startswith(field + ":"), (query, body)
