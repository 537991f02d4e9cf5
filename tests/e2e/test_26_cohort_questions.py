# SPDX-License-Identifier: Apache-2.0
"""Genes, consequences, rarity, changes of proteins, brackets, ages and kinds of a phenotype, asked of cohorts through the hub."""

import os
import pathlib

import pytest

import beacon_schemas
import hpo_oracle
import road
from cohort import MINIMUM, Cohort
from conftest import QUICK, make_reference, synth
from federation import Federation, wait_until
from test_2_discovery import subject_level
from test_36_clinician import digest, vrs_2_0

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
    """A federation whose nodes share one table of annotations: (federation, {site: cohort}). Finland has its reference genome."""
    cohorts = {country.lower(): Cohort(folder, country, f"GOE-{country}-QUESTIONS-1") for country, folder in folders.items()}
    table = workspace / "annotations.tsv"
    with table.open("w") as out:
        for variant in sorted({v for cohort in cohorts.values() for v in cohort.variants()}):
            chrom, pos, ref, alt = variant
            about = note(variant)
            out.write("\t".join(map(str, (chrom, pos, ref, alt, about["frequency"], about["gene"], about["effect"], about["change"]))) + "\n")
    reference = make_reference(folders["FI"] / "reference.fa", workspace / "questions.fa")
    federation = Federation(workspace / "var-questions", layout="site", images=workspace / "no-images", hsm="none",
                            sets=[*QUICK, f"fi:discovery.reference_fasta={reference}", *(f"{site}:discovery.annotations_file={table}" for site in cohorts)])
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


STEPS = {"exact": 0, "high": 1, "medium": 2, "low": 3}


@pytest.mark.parametrize("site", ["fi", "hub"])
@pytest.mark.parametrize("descendants", [True, False])
@pytest.mark.parametrize("similarity", STEPS)
def test_similar_terms_are_so_many_steps_away(annotated, site, descendants, similarity):
    federation, cohorts = annotated
    seen = 0
    for term in ("HP:0001250", "HP:0002315", "HP:0000707"):
        near, expected = hpo_oracle.within(term, STEPS[similarity]), {}
        for cohort in cohorts.values() if site == "hub" else [cohorts[site]]:
            people = cohort.permitting("SLQ")
            holds = {p for p in people if near & set(cohort.people[p]["terms"])}
            holds |= cohort.with_filters(people, [term]) if descendants else set()
            expected[cohort.dataset] = subject_level(len(holds), len(people))
        query = {"requestedGranularity": "record", "includeResultsetResponses": "HIT",
                 "filters": [{"id": term, "similarity": similarity, "includeDescendantTerms": descendants}]}
        status, _, body = federation.rest(site, "POST", "/beacon/v2/individuals", body={"meta": {"apiVersion": "2.0"}, "query": query})
        assert status == 200 and "notAsked" not in body["info"], body
        assert {s["id"]: s["resultsCount"] for s in body["response"]["resultSets"] if s["exists"]} == told(expected), term
        seen += len(told(expected))
    assert seen, "the questions must have an answer to compare"


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


SHARED = os.environ.get("GENOFED_SHARED_DIR")
SCHEMAS = beacon_schemas.Schemas(pathlib.Path(SHARED) / "specs" / "beacon-v2") if SHARED else None


def alleles(federation, variant, filters=(), site="hub"):
    """{dataset: result} of an exact allele."""
    chrom, pos, ref, alt = variant
    status, _, body = federation.rest(site, "POST", "/beacon/v2/g_variants", body={"meta": {"apiVersion": "2.0"}, "query": {
        "requestedGranularity": "record", "filters": list(filters),
        "requestParameters": {"referenceName": chrom, "start": [pos - 1], "referenceBases": ref, "alternateBases": alt}}})
    assert status == 200, body
    if SCHEMAS:
        SCHEMAS.check_answer(body)
    return {s["id"]: s["results"][0] for s in body["response"]["resultSets"] if s.get("results")}


def frequency_of(result):
    (population,) = result["frequencyInPopulations"]
    (frequency,) = population["frequencies"]
    return frequency


def counted(cohort, variant, people):
    """(AC, AN) among the people, as bcftools reads their genotypes."""
    chrom, pos, ref, alt = variant
    calls = next(calls for c, p, r, a, calls in cohort.records if (c, p, r, a) == (chrom, pos, ref, [alt]))
    called = [allele for person in people for allele in calls[cohort.people[person]["sample"]] if allele is not None]
    return sum(called), len(called)


@pytest.mark.parametrize("filters, label, holds", [
    (["NCIT:C16576"], "_F", lambda p: p["sex"] == "FEMALE"),
    ([{"id": "age", "operator": ">=", "value": "P40Y"}, {"id": "NCIT:C20197"}], ": age >= 40 AND NCIT:C20197",
     lambda p: p["sex"] == "MALE" and p["age"] is not None and p["age"] >= 40)], ids=["women", "older men"])
def test_frequencies_are_counted_anew_among_those_whom_filters_select(annotated, filters, label, holds):
    federation, cohorts = annotated
    variants = sorted(set(cohorts["fi"].variants()) & set(cohorts["es"].variants()))
    seen = 0
    for variant in variants[::7]:
        found = alleles(federation, variant, filters)
        for cohort in cohorts.values():
            group = {p for p in cohort.permitting("SLQ") if holds(cohort.people[p])}
            if cohort.carriers(variant, group) < MINIMUM:
                assert cohort.dataset not in found
                continue
            frequency = frequency_of(found[cohort.dataset])
            assert (frequency["alleleCount"], frequency["alleleNumber"]) == counted(cohort, variant, group), variant
            assert frequency["population"] == cohort.country + label
            seen += 1
    assert seen > 5


SEXES = {"FEMALE": "NCIT:C16576", "MALE": "NCIT:C20197"}
BANDS = ((0, 17, "P0Y-P17Y"), (18, 39, "P18Y-P39Y"), (40, 64, "P40Y-P64Y"), (65, 200, "P65Y-"))


def cell_of(person):
    age = person["age"]
    band = "undefined" if age is None else next(name for begin, end, name in BANDS if begin <= age <= end)
    return SEXES.get(person["sex"], "NCIT:C17998"), band


def table_of(cohort, people):
    """People by sex and age as they may be told: what could be computed from sums of rows and columns is held back with the smallest others."""
    cells = {}
    for person in people:
        cell = cell_of(cohort.people[person])
        cells[cell] = cells.get(cell, 0) + 1
    shown = told(cells)
    names = [name for _, _, name in BANDS] + ["undefined"]
    lines = [{cell for cell in cells if cell[1] == name} for name in names]
    lines += [{cell for cell in cells if cell[0] == sex} for sex in (*SEXES.values(), "NCIT:C17998")]

    def hides_more(line):
        hidden = [cells[cell] for cell in line if cell not in shown]
        if not hidden or not line & shown.keys() or len(hidden) > 1 and max(hidden) >= MINIMUM:
            return False
        least = min(cells[cell] for cell in line & shown.keys())
        for cell in line:
            if cells[cell] == least:
                shown.pop(cell, None)
        return True
    while any(hides_more(line) for line in lines):
        pass
    return shown


@pytest.mark.parametrize("filters", [[], ["HP:0000707"], ["HP:0001250"]], ids=["everybody", "many", "few in each cell"])
@pytest.mark.parametrize("site", ["fi", "hub"])
def test_individuals_are_distributed_over_sex_and_age(annotated, site, filters):
    federation, cohorts = annotated
    listed = federation.rest(site, "GET", "/beacon/v2/aggregation_terms")[2]["response"]["aggregationTerms"]
    assert "sexByAge" in {term["id"] for term in listed}
    status, _, body = federation.rest(site, "POST", "/beacon/v2/individuals", body={"meta": {"apiVersion": "2.0"}, "query": {
        "requestedGranularity": "aggregated", "filters": filters, "aggregationTerms": [{"id": "sexByAge"}]}})
    assert status == 200 and body["meta"]["returnedGranularity"] == "aggregated", body
    (aggregation,) = body["responseAggregation"]
    got = {tuple(value["id"] for value in one["conceptValues"]): one["count"] for one in aggregation["distribution"]}
    expected = {}
    for cohort in cohorts.values() if site == "hub" else [cohorts[site]]:
        for cell, count in table_of(cohort, cohort.with_filters(cohort.permitting("SLQ"), filters)).items():
            expected[cell] = expected.get(cell, 0) + count
    assert got == expected
    assert bool(expected) == (filters != ["HP:0001250"])


def test_alleles_have_names_by_which_databases_know_them(annotated, folders):
    federation, cohorts = annotated
    fi, es = cohorts["fi"], cohorts["es"]
    contig = next(text for text in (folders["FI"] / "reference.fa").read_text().split(">") if text.startswith("chr20"))
    bases = contig.partition("\n")[2].replace("\n", "").ljust(64_444_167, "N")
    of_finland, published = digest(bases.encode()), "-A1QmD_MatoqxvgVxBLZTONHz9-c7nQo"
    variant = max(set(fi.variants()) & set(es.variants()), key=lambda v: fi.carriers(v, fi.permitting("AF")))
    chrom, pos, ref, alt = variant
    assert chrom == "chr20"
    wait_until(lambda: "identifiers" in alleles(federation, variant, site="fi")[fi.dataset], 60, "the reference to be read")
    found = alleles(federation, variant)
    for cohort, sequence in ((fi, of_finland), (es, published)):
        names = found[cohort.dataset]["identifiers"]
        assert names["genomicHGVSId"] == f"NC_000020.11:g.{pos}{ref}>{alt}"
        assert names["variantAlternativeIds"][0] == {"id": vrs_2_0(sequence, pos, ref, alt), "notes": "GA4GH VRS 2.0"}
        assert names["variantAlternativeIds"][1]["notes"] == "GA4GH VRS 1.3"
    # Insertions and deletions where the node knows what lies around them.
    for cohort, named in ((fi, True), (es, False)):
        indel = next((c, p, r, a[0]) for c, p, r, a, _ in cohort.records if len(a) == 1 and set(a[0]) <= set("ACGT")
                     and len(r) != len(a[0]) and min(len(r), len(a[0])) == 1
                     and cohort.carriers((c, p, r, a[0]), cohort.permitting("AF")) >= MINIMUM)
        result = alleles(federation, indel)[cohort.dataset]
        assert ("identifiers" in result) == named, result
        if named:
            assert result["identifiers"]["genomicHGVSId"].startswith("NC_000020.11:g.")


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
            ("filters", {"filters": [{"id": "alleleFrequency", "operator": "<", "value": "0.01"}]}),
            ("filters", {"requestParameters": {"g_variant": {"geneId": "BRCA2"}},
                         "filters": [{"id": "age", "operator": ">", "value": "old"}]})):
        status, _, body = federation.rest("hub", "POST", "/beacon/v2/individuals", body={"meta": {"apiVersion": "2.0"}, "query": query})
        assert status == 400 and body["error"]["errorMessage"].startswith(field + ":"), (query, body)


def test_whom_a_question_cannot_be_asked_is_said(annotated):
    federation, cohorts = annotated
    query = {"requestParameters": {"g_variant": {"genomicAlleleShortForm": "NM_000059.4:c.1A>G"}}}
    status, _, body = federation.rest("hub", "POST", "/beacon/v2/individuals", body={"meta": {"apiVersion": "2.0"}, "query": query})
    assert status == 200 and not body["responseSummary"]["exists"], body
    assert {(one["dataset"], one["reason"]) for one in body["info"]["notAsked"]} == {(c.dataset, "QUERY_UNSUPPORTED") for c in cohorts.values()}
    told = federation.genofed("query", "variant", "--hgvs", "NM_000059.4:c.1A>G", json=False).out
    assert all(f"{c.dataset}: not asked (genomicAlleleShortForm" in told for c in cohorts.values()), told
