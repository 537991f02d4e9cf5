# SPDX-License-Identifier: Apache-2.0
"""Step 1: a holder in each country onboards a cohort; the national coordinator lists it."""

import gzip
import json
import shutil

import pytest

import road


def test_both_countries_onboard_and_count_who_was_left_out(cohorts, submissions):
    for site, cohort in cohorts.items():
        submission = submissions[site]
        assert submission["state"] == "STATE_PUBLISHED", submission
        counts = submission["counts"]
        left_out = len(cohort.people) - len(cohort.included)
        assert left_out > 0, "the cohort should hold people without consent"
        assert counts["subjects"] == len(cohort.people)
        assert counts["subjects_included"] == len(cohort.included)
        assert counts["subjects_without_consent"] == left_out
        assert int(counts["records"]) == len(cohort.records)


def test_the_onboarded_files_are_named_with_size_and_digest(fed, cohorts, submissions):
    status, _, body = fed.rest("fi", "GET", f"/api/v1/submissions/{submissions['fi']['id']}", persona="holder_fi")
    assert status == 200
    assert body["submission"]["dataset"]["id"] == cohorts["fi"].dataset


def test_a_dataset_is_listed_only_after_the_national_coordinator_approved(fed, cohorts, submissions, listed):
    # The fixture `submissions` leaves records waiting; a third dataset shows that waiting records stay hidden.
    fi = cohorts["fi"]
    road.onboard(fed, fi, dataset="GOE-FI-DATASET-2")
    at_node = fed.get("fi", "/api/v1/datasets?all=true&page_size=500", persona="ncp_fi")["records"]
    waiting = next(record for record in at_node if record["id"] == "GOE-FI-DATASET-2")
    assert waiting["state"] == "STATE_WAITING"
    assert road.hub_record(fed, "GOE-FI-DATASET-2") is None
    public = fed.get("fi", "/api/v1/datasets?page_size=500")["records"]
    assert "GOE-FI-DATASET-2" not in {record["id"] for record in public}
    fed.genofed("dataset", "return", "GOE-FI-DATASET-2", "--comment", "A trial", as_="ncp_fi")
    assert road.hub_record(fed, "GOE-FI-DATASET-2") is None
    for site, record in listed.items():
        assert record["state"] == "STATE_LISTED"
        assert record["individuals"] == len(cohorts[site].included) // 10 * 10, "rounded down to ten"


def test_the_nodes_keep_no_clear_text(fed, cohorts, submissions, s3_settings):
    for site, cohort in cohorts.items():
        words = [b"##fileformat", b"resourceType", b"phenotypicFeatures"]
        for person in list(cohort.people)[::20]:
            words += [person.encode(), cohort.people[person]["sample"].encode()]
        data = fed.var / site / "data"
        programs = data / "spe" / "images"
        files = [file for file in data.rglob("*") if file.is_file() and not file.is_relative_to(programs)]
        bodies = [file for file in files if file.suffix == ".c4gh"]
        in_s3 = any(setting.startswith(f"{site}:") for setting in s3_settings)
        assert bool(bodies) != in_s3, f"encrypted objects below {data}: {len(bodies)}"
        for file in files:
            content = file.read_bytes()
            if content[:2] == b"\x1f\x8b":
                content += gzip.decompress(content)
            found = [word for word in words if word in content]
            assert not found, f"{file} holds {found} in clear"
        for file in bodies:
            assert file.stat().st_mode & 0o077 == 0, f"{file} can be read by others"


@pytest.fixture
def copy_of_finland(tmp_path, cohorts):
    """A folder of its own with the Finnish cohort, to spoil."""
    tmp_path.chmod(0o755)
    folder = tmp_path / "cohort"
    shutil.copytree(cohorts["fi"].folder, folder, ignore=shutil.ignore_patterns("reference*", "*.tbi"))
    return folder


def vcf_lines(folder):
    return gzip.decompress((folder / "cohort.vcf.gz").read_bytes()).decode().splitlines(keepends=True)


def write_vcf(folder, lines):
    (folder / "cohort.vcf.gz").write_bytes("".join(lines).encode())  # plain; the content decides, not the name


def edit_packet(folder, change):
    file = sorted((folder / "phenopackets").glob("*.json"))[3]
    packet = json.loads(file.read_text())
    change(packet)
    file.write_text(json.dumps(packet))


def truncate(folder):
    file = folder / "cohort.vcf.gz"
    file.write_bytes(file.read_bytes()[:file.stat().st_size * 2 // 3])


def lie_about_the_reference(folder):
    lines = vcf_lines(folder)
    for i, line in enumerate(lines):
        columns = line.split("\t", 5)
        if not line.startswith("#") and len(columns[3]) == 1:
            columns[3] = next(base for base in "ACGT" if base not in (columns[3], columns[4]))
            lines[i] = "\t".join(columns)
    write_vcf(folder, lines)


def name_a_sample_twice(folder):
    lines = vcf_lines(folder)
    header = next(i for i, line in enumerate(lines) if line.startswith("#CHROM"))
    columns = lines[header].rstrip("\n").split("\t")
    columns[12] = columns[11]
    lines[header] = "\t".join(columns) + "\n"
    write_vcf(folder, lines)


def send_something_else(folder):
    (folder / "cohort.vcf.gz").write_bytes(b"%PDF-1.7\n" + b"\x00\xff" * 5000)


def name_an_unknown_sample(folder):
    edit_packet(folder, lambda packet: packet["biosamples"][0].update(id="FI-S999999"))


def give_a_subject_two_samples(folder):
    first, second = sorted((folder / "phenopackets").glob("*.json"))[:2]
    packet = json.loads(second.read_text())
    packet["subject"]["id"] = packet["biosamples"][0]["individualId"] = json.loads(first.read_text())["subject"]["id"]
    second.write_text(json.dumps(packet))


@pytest.mark.parametrize("spoil, code", [
    (truncate, "TRUNCATED_BGZIP"),
    (lie_about_the_reference, "ASSEMBLY_MISMATCH"),
    (name_a_sample_twice, "DUPLICATE_SAMPLE"),
    (send_something_else, "NOT_A_VCF"),
    (name_an_unknown_sample, "UNKNOWN_SAMPLE"),
    (give_a_subject_two_samples, "SEVERAL_SAMPLES"),
], ids=lambda value: value.__name__ if callable(value) else "")
def test_wrong_input_is_rejected_with_a_finding(fed, cohorts, listed, copy_of_finland, spoil, code):
    spoil(copy_of_finland)
    answer = road.onboard(fed, cohorts["fi"], folder=copy_of_finland, dataset="GOE-FI-DATASET-9", check=False)
    assert answer.code == 3, answer
    assert answer.json["state"] == "STATE_REJECTED"
    errors = [f for f in answer.json["findings"] if f["severity"] == "SEVERITY_ERROR"]
    assert code in {finding["code"] for finding in errors + answer.json["findings"]}, answer.json["findings"]
    assert errors
    # Neither findings nor messages repeat genotypes or identifiers of people.
    text = json.dumps([finding["message"] for finding in answer.json["findings"]])
    assert not any(person in text for person in list(cohorts["fi"].people)[10:])
    assert road.hub_record(fed, "GOE-FI-DATASET-9") is None


def open_submission(fed, site, dataset, **who):
    body = {"dataset": {"id": dataset, "title": "t", "description": "d", "publisher": "p",
                        "contact_email": "a@b.example", "data_use": ["DUO:0000042"], "assembly": "GRCh38"},
            "idempotency_key": f"{dataset}.{who.get('persona')}"}
    return fed.rest(site, "POST", "/api/v1/submissions", body=body, **who)


def test_only_a_holder_of_this_country_may_onboard(fed):
    status, headers, problem = open_submission(fed, "fi", "GOE-FI-DATASET-8")
    assert status == 401
    assert headers["Content-Type"].startswith("application/problem+json")
    assert "WWW-Authenticate" in headers
    for persona in ("researcher", "holder_es", "dac_es"):
        status, _, problem = open_submission(fed, "fi", "GOE-FI-DATASET-8", persona=persona)
        assert status == 401, f"{persona}'s token is for another site: {problem}"
    for persona in ("ncp_fi", "dac_fi", "operator_fi", "citizen_fi"):
        status, _, problem = open_submission(fed, "fi", "GOE-FI-DATASET-8", persona=persona)
        assert status == 403, f"{persona} is no holder: {problem}"
    status, _, problem = open_submission(fed, "fi", "GOE-ES-DATASET-8", persona="holder_fi")
    assert status == 400, problem
    status, _, problem = open_submission(fed, "fi", "GOE-FI-DATASET-8", token="not.a.token")
    assert status == 401, problem


def test_nobody_but_the_coordinator_lists_a_dataset(fed, cohorts, submissions):
    path = f"/api/v1/datasets/{cohorts['fi'].dataset}/review"
    body = {"version": 1, "approve": True, "comment": ""}
    assert fed.rest("fi", "POST", path, body=body)[0] == 401
    assert fed.rest("fi", "POST", path, body=body, persona="ncp_es")[0] == 401
    assert fed.rest("fi", "POST", path, body=body, persona="holder_fi")[0] == 403


def test_other_holders_files_cannot_be_touched_and_gaps_are_refused(fed):
    status, _, body = open_submission(fed, "fi", "GOE-FI-DATASET-7", persona="holder_fi")
    assert status == 200, body
    files = f"/api/v1/submissions/{body['submission']['id']}/files/variants"
    octets = {"Content-Type": "application/octet-stream"}
    assert fed.rest("fi", "PUT", files + "?offset=0", body=b"abc", persona="ncp_fi", headers=octets)[0] == 403
    assert fed.rest("fi", "PUT", files + "?offset=0", body=b"abc", persona="holder_fi", headers=octets)[0] == 200
    assert fed.rest("fi", "PUT", files + "?offset=0", body=b"abc", persona="holder_fi", headers=octets)[0] == 200
    status, _, problem = fed.rest("fi", "PUT", files + "?offset=9", body=b"abc", persona="holder_fi", headers=octets)
    assert status in (400, 409) and problem["reason"] == "OFFSET_GAP", problem
    status, _, problem = fed.rest("fi", "POST", files + "/seal", body={"size": "3", "sha256": "0" * 64}, persona="holder_fi")
    assert status in (400, 409) and problem["reason"] == "CHECKSUM_MISMATCH", problem
