# SPDX-License-Identifier: Apache-2.0
"""The same people, handed over as FHIR, OMOP, CSV or Phenopackets: one result, whatever the source."""

import json
import os
import pathlib
import subprocess

import pytest

import road
from cohort import Cohort
from federation import GENOFED

HOLDER = "holder_fi"
SOURCES = {"phenopackets": "phenopackets", "fhir": "fhir-r4", "omop": "omop54", "csv": "redcap.csv"}


@pytest.fixture(scope="module")
def data():
    shared = os.environ.get("GENOFED_SHARED_DIR")
    if not shared:
        pytest.skip("needs GENOFED_SHARED_DIR: etl-equivalence")
    return pathlib.Path(shared) / "data" / "etl-equivalence"


DESCRIPTION = ["--title", "One cohort", "--description", "The same people in four formats", "--publisher", "Test bank",
               "--contact", "data@bank.example", "--data-use", "DUO:0000042", "--assembly", "GRCh38"]


def onboard(fed, dataset, *files, check=True):
    return fed.genofed("onboard", *files, "--id", dataset, *DESCRIPTION, as_=HOLDER, check=check)


def individuals(fed, dataset, version=1):
    """What discovery counts, without the people's order, which follows their pseudonyms."""
    table = fed.var / "fi" / "data" / "onboarding" / "index" / dataset / str(version) / "individuals.jsonl"
    return sorted(table.read_text().splitlines()[1:])


def expected(data):
    """The permitted people of expected.tsv, as discovery has them."""
    sexes = {"FEMALE": "NCIT:C16576", "MALE": "NCIT:C20197", "UNKNOWN_SEX": "NCIT:C17998"}
    rows = []
    for line in (data / "expected.tsv").read_text().splitlines()[1:]:
        cells = line.split("\t")
        if cells[9] == "NONE":
            continue
        terms = sorted({term for column in (4, 6, 7, 8) for term in cells[column].split("|") if term})
        rows.append(json.dumps({"sex": sexes[cells[2]], "terms": terms}, separators=(",", ":")))
    return sorted(rows)


@pytest.fixture(scope="module")
def published(fed, data):
    """{source: submission}"""
    made = {}
    for source, path in SOURCES.items():
        dataset = f"GOE-FI-{source.upper()}-1"
        made[source] = onboard(fed, dataset, data / "cohort.vcf", data / path, data / "consents.fhir-r4.json").json
    return made


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_gives_the_people_that_are_expected(fed, data, published, source):
    submission = published[source]
    assert submission["state"] == "STATE_PUBLISHED", submission
    counts = submission["counts"]
    assert (counts["subjects"], counts["subjects_included"], counts["subjects_without_consent"]) == (40, 30, 10)
    assert individuals(fed, submission["dataset"]["id"]) == expected(data)
    assert not [finding for finding in submission["findings"] if finding["severity"] != "SEVERITY_NOTE"]


def test_a_description_is_what_the_holder_says(fed, data, published):
    files = [data / "cohort.vcf", data / SOURCES["csv"], data / "consents.fhir-r4.json"]
    refused = fed.genofed("onboard", *files, "--id", "GOE-FI-NAMELESS-1", as_=HOLDER, check=False)
    assert refused.code == 1 and "DESCRIPTION_INVALID" in refused.err and "publisher" in refused.err, refused
    # The same files, corrected in one word: a version of its own, and the rest as it was.
    before = published["csv"]["dataset"]
    again = fed.genofed("onboard", *files, "--id", before["id"], "--title", "Corrected", as_=HOLDER).json
    assert again["state"] == "STATE_PUBLISHED" and again["version"] == 2, again
    assert again["dataset"] == {**before, "title": "Corrected"}
    assert fed.genofed("onboard", *files, "--id", before["id"], "--title", "Corrected", as_=HOLDER).json["id"] == again["id"]


def test_a_mapping_says_what_the_columns_of_a_table_mean(fed, data, tmp_path):
    lines = (data / "redcap.csv").read_text().splitlines()
    lines[0] = "Fall,Geschlecht,geboren,ja,nein,ICD,Orphacode,Probe"
    (tmp_path / "klinik.csv").write_text("\n".join(lines) + "\n")
    mapping = {"columns": {"subject": "Fall", "sex": "Geschlecht", "birth_date": "geboren", "hpo_present": "ja",
                           "hpo_absent": "nein", "sample": "Probe"},
               "codes": {"ICD": "ICD10CM", "Orphacode": "ORPHA"}}
    (tmp_path / "mapping.json").write_text(json.dumps(mapping))
    dataset = "GOE-FI-MAPPED-1"
    onboard(fed, dataset, data / "cohort.vcf", tmp_path / "klinik.csv", data / "consents.fhir-r4.json",
            "--mapping", tmp_path / "mapping.json")
    assert individuals(fed, dataset) == expected(data)


def crypt4gh(command, *options, stdin):
    done = subprocess.run([GENOFED, "crypt4gh", command, *map(str, options)], input=stdin, capture_output=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_files_may_come_encrypted_for_the_node(fed, data, tmp_path):
    key = fed.genofed("onboard", "--intake-key", as_=HOLDER).json["public_key"]
    (tmp_path / "node.pub").write_text(key)
    (tmp_path / "me.key").write_text("11" * 32)
    files = []
    for name in ("cohort.vcf", "redcap.csv", "consents.fhir-r4.json"):
        files.append(tmp_path / f"{name}.c4gh")
        files[-1].write_bytes(crypt4gh("encrypt", "--secret-key", tmp_path / "me.key", "--recipient-key",
                                       tmp_path / "node.pub", stdin=(data / name).read_bytes()))
    dataset = "GOE-FI-CLOSED-1"
    onboard(fed, dataset, *files)
    assert individuals(fed, dataset) == expected(data)
    # One byte of it changed: nothing is taken.
    body = bytearray(files[1].read_bytes())
    body[-20] ^= 1
    files[1].write_bytes(body)
    refused = onboard(fed, "GOE-FI-CLOSED-2", *files, check=False)
    assert refused.code == 1 and "CRYPT4GH_SEGMENT_INVALID" in refused.err


def test_what_was_set_aside_is_the_holders_to_read(fed, data, tmp_path):
    lines = (data / "redcap.csv").read_text().splitlines()
    lines[3] = lines[3].replace(",2,", ",zz,", 1)
    (tmp_path / "redcap.csv").write_text("\n".join(lines) + "\n")
    submission = onboard(fed, "GOE-FI-ASIDE-1", data / "cohort.vcf", tmp_path / "redcap.csv",
                         data / "consents.fhir-r4.json").json
    warning = next(finding for finding in submission["findings"] if finding["severity"] == "SEVERITY_WARNING")
    assert (warning["code"], warning["file"], int(warning["line"]), warning["field"]) == ("SEX_INVALID", "redcap.csv", 4, "sex")
    me, pub, out = tmp_path / "me.key", tmp_path / "me.pub", tmp_path / "aside.c4gh"
    subprocess.run(["openssl", "genpkey", "-algorithm", "X25519", "-out", me], check=True)
    subprocess.run(["openssl", "pkey", "-in", me, "-pubout", "-out", pub], check=True)
    fed.genofed("report", submission["id"], "--quarantine", out, "--recipient-key", pub, as_=HOLDER)
    aside = [json.loads(line) for line in crypt4gh("decrypt", "--secret-key", me, stdin=out.read_bytes()).splitlines()]
    assert aside == [{"code": "SEX_INVALID", "file": "redcap.csv", "line": 4, "field": "sex", "record": lines[3]}]
    stranger = fed.genofed("report", submission["id"], "--quarantine", out, "--recipient-key", pub, as_="holder_es", check=False)
    assert stranger.code == 1
    # Where the service keeps its files, and in the logs, there is nothing of it.
    person = lines[3].split(",")[0].encode()
    kept = [*(fed.var / "fi" / "data" / "onboarding").rglob("*"), *(fed.var / "fi").rglob("*.log")]
    assert not [path for path in kept if path.is_file() and person in path.read_bytes()]


def test_a_wrong_file_names_its_reason_and_nothing_is_published(fed, data, tmp_path):
    (tmp_path / "people.csv").write_text("colour,size\nred,3\n")
    answer = onboard(fed, "GOE-FI-WRONG-1", data / "cohort.vcf", "--clinical", tmp_path / "people.csv",
                     data / "consents.fhir-r4.json", check=False)
    assert answer.code == 3
    errors = [finding for finding in answer.json["findings"] if finding["severity"] == "SEVERITY_ERROR"]
    assert [(error["code"], error["file"]) for error in errors] == [("CSV_NO_SUBJECT_COLUMN", "people.csv")]
    assert road.hub_record(fed, "GOE-FI-WRONG-1") is None


def test_contamination_shows_in_files_of_one_person_each(fed, data, tmp_path):
    """Reads of a stranger show where somebody is homozygous. Single files have no frequencies: only together they tell."""
    header = [line for line in (data / "cohort.vcf").read_text().splitlines() if line.startswith("##")]
    header.insert(1, '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Reads of each allele">')
    columns = next(line for line in (data / "cohort.vcf").read_text().splitlines() if line.startswith("#CHROM")).split("\t")
    first = next(line for line in (data / "cohort.vcf").read_text().splitlines() if not line.startswith("#")).split("\t")
    mixed = 7
    files = []
    for person, sample in enumerate(columns[9:]):
        rows = []
        for site in range(1600):
            # A quarter of the people each: two, one, one and none of the allele, so that its frequency is a half.
            copies = (2, 1, 1, 0)[(person + site) % 4]
            reads = {2: "3,27" if person == mixed else "0,30", 1: "15,15", 0: "30,0"}[copies]
            genotype = {2: "1/1", 1: "0/1", 0: "0/0"}[copies]
            rows.append(f"{first[0]}\t{int(first[1]) + 100 * site}\t.\t{'ACGT'[site % 4]}\t{'GTAC'[site % 4]}\t.\tPASS\t.\tGT:AD\t{genotype}:{reads}")
        files.append(tmp_path / f"{sample}.vcf")
        files[-1].write_text("\n".join([*header, "\t".join([*columns[:9], sample]), *rows]) + "\n")
    submission = onboard(fed, "GOE-FI-SINGLE-1", *files, data / "phenopackets", data / "consents.fhir-r4.json").json
    contaminated = [finding for finding in submission["findings"] if finding["code"] == "SAMPLE_CONTAMINATION"]
    assert len(contaminated) == 1 and int(contaminated[0]["count"]) == 1, submission["findings"]
    assert contaminated[0]["field"] == f"sample {mixed + 1}", contaminated
