# SPDX-License-Identifier: Apache-2.0
"""A clinician's raw VCF of one patient becomes normalised variants under names that can be asked for, without retyping.

Positions and alleles are compared with `bcftools norm`, identifiers with the digests of the VRS specification, computed here.
"""

import base64
import gzip
import hashlib
import json
import os
import subprocess

import pytest

import tokens

DESCRIBE = "/api/v1/variants/describe"
FILES = "/api/v1/variant-files"


def digest(text):
    """GA4GH sha512t24u."""
    return base64.urlsafe_b64encode(hashlib.sha512(text).digest()[:24]).decode()


def canonical(value):
    """RFC 8785, as far as VRS needs it."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def vrs_2_0(sequence, pos, ref, alt):
    """The identifier of a substitution of one base; VRS 2.0, "Computed identifiers"."""
    location = {"type": "SequenceLocation", "start": pos - 1, "end": pos - 1 + len(ref),
                "sequenceReference": {"type": "SequenceReference", "refgetAccession": f"SQ.{sequence}"}}
    allele = {"type": "Allele", "location": digest(canonical(location)),
              "state": {"type": "LiteralSequenceExpression", "sequence": alt}}
    return f"ga4gh:VA.{digest(canonical(allele))}"


@pytest.fixture(scope="module")
def bases(reference):
    return reference.read_text().split(">chr20\n")[1].split("\n")[0]


@pytest.fixture(scope="module")
def patient(cohorts, reference, bases, workspace):
    """The VCF of one person as a laboratory writes it, and what `bcftools norm` makes of it: {(pos, ref, alt): genotype}.

    Behind the last variant it has a deletion that is written as far to the right as it can be, and a record with two alleles.
    """
    cohort = cohorts["fi"]
    sample = next(iter(cohort.people.values()))["sample"]
    lines = subprocess.run(["bcftools", "view", "-s", sample, "-r", "chr20", cohort.vcf], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    last = max(int(line.split("\t")[1]) for line in lines if not line.startswith("#"))
    run = next(i for i in range(last + 10, len(bases)) if bases[i] != bases[i - 1] and len(set(bases[i:i + 4])) == 1 and bases[i] != "N"
               and bases[i + 4] != bases[i])
    form = "\t.\tPASS\t.\tGT\t"
    lines.append(f"chr20\t{run + 3}\t.\t{bases[run + 2:run + 4]}\t{bases[run + 2]}{form}0/1")
    at_two = run + 20
    first, second = [base for base in "ACGT" if base != bases[at_two - 1]][:2]
    lines.append(f"chr20\t{at_two}\t.\t{bases[at_two - 1]}\t{first},{second}{form}1/2")
    vcf = workspace / "clinician" / "patient.vcf.gz"
    vcf.parent.mkdir()
    plain = vcf.with_suffix("")
    plain.write_text("\n".join(lines) + "\n")
    subprocess.run(["bcftools", "view", "-Oz", "-o", vcf, plain], check=True)
    normal = subprocess.run(["bcftools", "norm", "-f", reference, "-m-", "-Ou", plain], check=True, capture_output=True).stdout
    rows = subprocess.run(["bcftools", "query", "-f", "%POS\t%REF\t%ALT[\t%GT]\n"], input=normal, check=True,
                          capture_output=True).stdout.decode().splitlines()
    carried = {}
    for row in rows:
        pos, ref, alt, genotype = row.split("\t")
        if "1" in genotype and set(alt) <= set("ACGT"):
            carried[(int(pos), ref, alt)] = genotype
    assert len(carried) > 30
    return {"vcf": vcf, "carried": carried, "deletion": (run, bases[run - 1] + bases[run], bases[run - 1]), "last_of_run": run + 4}


def listed_variants(content):
    lines = [json.loads(line) for line in content.decode().splitlines()]
    return lines[:-1], lines[-1]["summary"]


@pytest.fixture(scope="module")
def described(fed, patient):
    """(variants, summary) of one request to the node that has the reference genome."""
    status, headers, body = fed.rest("fi", "POST", f"{DESCRIBE}?name=patient.vcf.gz", body=patient["vcf"].read_bytes(), persona="clinician_fi")
    assert status == 200 and headers["Content-Type"] == "application/x-ndjson", body
    assert headers["Cache-Control"] == "no-store"
    return listed_variants(body)


def test_variants_are_normalised_as_bcftools_normalises_them(described, patient):
    variants, summary = described
    assert {(v["position"], v["ref"], v["alt"]) for v in variants} == set(patient["carried"])
    assert patient["deletion"] in patient["carried"]
    for variant in variants:
        both = set(patient["carried"][(variant["position"], variant["ref"], variant["alt"])].replace("|", "/").split("/")) == {"1"}
        assert variant["zygosity"] == ("homozygous" if both else "heterozygous"), variant
    assert summary["file"] == "patient.vcf.gz" and summary["assembly"] == "GRCh38" and summary["reference"]
    assert summary["variants"] == len(variants)


def test_each_has_the_names_that_laboratories_and_databases_use(described, patient, bases):
    variants, _ = described
    sequence = digest(bases.encode())
    substitutions = [v for v in variants if len(v["ref"]) == len(v["alt"]) == 1]
    assert len(substitutions) > 20
    for one in substitutions:
        assert one["hgvs"] == f"NC_000020.11:g.{one['position']}{one['ref']}>{one['alt']}"
        assert one["vrs_2_0"] == vrs_2_0(sequence, one["position"], one["ref"], one["alt"])
        assert one["vrs_1_3"].startswith("ga4gh:VA.") and one["not_given"] is None
    # VCF writes a deletion in a run at its first base, HGVS at its last.
    deletion = next(v for v in variants if (v["position"], v["ref"], v["alt"]) == patient["deletion"])
    assert deletion["hgvs"] == f"NC_000020.11:g.{patient['last_of_run']}del"
    assert deletion["vrs_2_0"].startswith("ga4gh:VA.")


def test_a_name_can_be_asked_for_as_it_is(fed, cohorts, listed, described):
    asked = next(v for v in described[0] if v["position"] == common_position(cohorts["fi"]))
    answer = fed.genofed("query", "variant", "--hgvs", asked["hgvs"], as_="researcher").json
    assert answer["responseSummary"]["exists"], asked


def common_position(cohort):
    """Of a variant that most people carry, the patient among them."""
    first = next(iter(cohort.people))
    everybody = cohort.permitting("SLQ")
    return next(variant[1] for variant in cohort.variants()
                if variant[0] == "chr20" and cohort.carriers(variant, [first]) and cohort.carriers(variant, everybody) > len(everybody) // 2)


def test_the_command_sends_pieces_and_says_the_same(fed, patient, described, reference):
    done = fed.genofed("variants", "describe", patient["vcf"], "--at-node", as_="clinician_fi", check=False)
    assert done.code == 0, done.err
    assert listed_variants(done.out.encode()) == described
    here = fed.genofed("variants", "describe", patient["vcf"], "--reference", reference, check=False)
    assert listed_variants(here.out.encode()) == described
    shown = fed.genofed("variants", "describe", patient["vcf"], "--at-node", as_="clinician_fi", json=False, check=False).out
    assert shown.startswith("CONTIG") and described[0][0]["hgvs"] in shown and "patient.vcf.gz: " in shown


def test_pieces_may_be_sent_again_and_the_list_read_in_ranges(fed, patient, described):
    content, who = patient["vcf"].read_bytes(), {"persona": "clinician_fi"}
    status, _, begun = fed.rest("fi", "PUT", f"{FILES}?offset=0", body=content[:1000], **who)
    assert status == 200, begun
    file = begun["file"]
    assert fed.rest("fi", "PUT", f"{FILES}?file={file}&offset=1001", body=b"x", **who)[2]["reason"] == "OFFSET_GAP"
    assert fed.rest("fi", "GET", f"{FILES}/{file}/variants", **who)[2]["reason"] == "NOT_DESCRIBED"
    for offset in (500, 500):
        assert int(fed.rest("fi", "PUT", f"{FILES}?file={file}&offset={offset}", body=content[offset:], **who)[2]["size"]) == len(content)
    progress = fed.post("fi", f"{FILES}/{file}/describe", {"name": "patient.vcf.gz"}, **who)
    assert progress["done"] and int(progress["variants"]) == len(described[0])
    whole = fed.rest("fi", "GET", f"{FILES}/{file}/variants", **who)[2]
    assert listed_variants(whole) == described and len(whole) == int(progress["list_size"])
    status, headers, part = fed.rest("fi", "GET", f"{FILES}/{file}/variants", headers={"Range": "bytes=10-19"}, **who)
    assert status == 206 and part == whole[10:20], headers
    assert fed.rest("fi", "DELETE", f"{FILES}/{file}", **who)[0] == 200
    assert fed.rest("fi", "GET", f"{FILES}/{file}/variants", **who)[2]["reason"] == "FILE_UNKNOWN"


HEADER = ("##fileformat=VCFv4.2\n##contig=<ID=chr20,length=64444167>\n"
          "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n"
          "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t")

BAD = {
    "nothing": (b"", "BODY_INVALID"),
    "a letter": (b"Dear colleague,\n", "NOT_VCF"),
    "two people": ((HEADER + "a\tb\n").encode(), "SAMPLES_NOT_ONE"),
    "nobody": (HEADER[:HEADER.index("\tFORMAT")].encode() + b"\n", "SAMPLES_NOT_ONE"),
    "cut off": (gzip.compress(HEADER.encode() + b"p\n" + os.urandom(500).hex().encode())[:-300], None),
    "another assembly": ((HEADER + "p\n").encode(), "ASSEMBLY_CONFLICT"),
    "no assembly": ((HEADER + "p\n").encode(), "ASSEMBLY_UNKNOWN"),
    "a path as name": ((HEADER + "p\n").encode(), "FILE_NAME_INVALID"),
    "a word too many": ((HEADER + "p\n").encode(), "FIELD_UNKNOWN"),
}
QUERIES = {"another assembly": "?assembly=GRCh37", "no assembly": "?assembly=hg17", "a path as name": "?name=../../x", "a word too many": "?panel=1"}


@pytest.mark.parametrize("what", BAD, ids=lambda what: what.replace(" ", "-"))
def test_bad_input_is_refused_with_a_reason(fed, what):
    body, reason = BAD[what]
    status, headers, problem = fed.rest("fi", "POST", DESCRIBE + QUERIES.get(what, ""), body=body, persona="clinician_fi")
    assert status == 400 and headers["Content-Type"] == "application/problem+json", problem
    assert problem["detail"] and (reason is None or problem["reason"] == reason), problem


def test_a_bad_record_is_named_and_the_others_are_described(fed, bases):
    good = next(i for i, base in enumerate(bases, 1) if base == "A")
    records = [f"chr20\t{good}\t.\tA\tC\t.\t.\t.\tGT\t0/1", f"chr20\t{good}\t.\tG\tC\t.\t.\t.\tGT\t0/1", "chr20\tx\t.\tA\tC\t.\t.\t.\tGT\t0/1"]
    status, _, body = fed.rest("fi", "POST", DESCRIBE, body=(HEADER + "p\n" + "\n".join(records) + "\n").encode(), persona="clinician_fi")
    variants, summary = listed_variants(body)
    assert status == 200 and [v["position"] for v in variants] == [good]
    found = {(finding["code"], finding["line"], finding["field"]) for finding in summary["findings"] if finding["severity"] == "warning"}
    assert ("REF_MISMATCH", 6, "REF") in found and any(line == 7 and field == "POS" for _, line, field in found), summary


def test_a_node_without_the_reference_says_what_it_cannot_name(fed, patient):
    status, _, body = fed.rest("es", "POST", DESCRIBE, body=patient["vcf"].read_bytes(), persona="clinician_es")
    variants, summary = listed_variants(body)
    assert status == 200 and not summary["reference"] and "NOT_LEFT_ALIGNED" in {f["code"] for f in summary["findings"]}
    for one in variants:
        substitution = len(one["ref"]) == len(one["alt"]) == 1
        assert (one["hgvs"] is not None) == substitution and one["not_given"] == (None if substitution else "REFERENCE_NEEDED"), one


def test_too_much_at_once_is_refused(fed):
    """Before it is sent."""
    status, _, problem = fed.rest("fi", "POST", DESCRIBE, headers={"Content-Length": str((15 << 20) + 1)}, persona="clinician_fi")
    assert status == 413, problem


def test_only_clinicians_of_a_node_may(fed):
    assert fed.rest("fi", "POST", DESCRIBE, body=b"x")[0] == 401
    for persona in ("clinician", "clinician_es", "researcher", "holder_fi", "citizen_fi", "operator_fi"):
        token = tokens.access_token(fed, persona, ["fi"])
        status, _, problem = fed.rest("fi", "POST", DESCRIBE, body=b"x", token=token)
        assert (status, problem["reason"]) == (403, "ROLE_MISSING"), (persona, problem)
    status, _, problem = fed.rest("hub", "POST", DESCRIBE, body=b"x", persona="clinician")
    assert status == 404 and "is asked of a national node" in problem["detail"]


def test_nothing_of_a_patient_stays(fed, described):
    scratch = fed.var / "fi" / "data" / "onboarding" / "scratch"
    assert scratch.is_dir() and not list(scratch.iterdir())
    for log in (fed.var / "fi" / "log").glob("*.log"):
        text = log.read_text(errors="replace")
        assert "patient.vcf" not in text and described[0][0]["hgvs"] not in text, log
