# SPDX-License-Identifier: Apache-2.0
"""How a dataset lives: versions that go on from one another, reports, a return to an earlier one, and its end."""

import base64
import hashlib
import json
import shutil

import pytest

import road
from cohort import CASE_COLUMNS, Cohort, is_small, read_table
from conftest import CASE_TERM, WORKFLOW, synth
from federation import wait_until

DATASET = "GOE-FI-GROWING-1"
NEW_TERM = "HP:0030833"  # nobody has it before the follow-up


def part_of(folder, people, target):
    """A folder with the phenopackets of some people; the VCF and the consents are everybody's."""
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("phenopackets", "reference*", "truth.json"))
    (target / "phenopackets").mkdir()
    for person in people:
        shutil.copy(folder / "phenopackets" / f"{person}.json", target / "phenopackets")
    target.chmod(0o755)
    return Cohort(target, "FI", DATASET)


@pytest.fixture(scope="module")
def growing(fed, workspace, listed):
    """The folders of the three versions: {"all", "first", "second"}, and the submissions, listed one after another."""
    folder = synth(workspace / "growing", "FI", people=120, sites=200)
    everybody = Cohort(folder, "FI", DATASET)
    people = sorted(everybody.people)
    first = part_of(folder, people[:70], workspace / "growing-first")
    second = part_of(folder, people[70:], workspace / "growing-second")
    submissions = []
    for cohort, how in ((first, ()), (second, ("--add",))):
        submissions.append(road.onboard(fed, cohort, extra=how).json)
        road.list_dataset(fed, cohort)
    return {"all": everybody, "first": first, "second": second, "submissions": submissions}


def carriers(fed, variant):
    return road.query(fed, "variant", variant)["counts"].get(DATASET, 0)


def common_variant(cohort):
    """A variant that many of the first people carry, and more of all."""
    return max(cohort.variants(), key=lambda variant: cohort.carriers(variant, cohort.permitting("AF")))


def listed_version(fed, version):
    def found():
        record = road.hub_record(fed, DATASET)
        return record if record and record["version"] == version else None
    return wait_until(found, 20, f"version {version} of {DATASET} at the hub")


def test_added_people_are_counted_with_the_others(fed, growing):
    first, second = growing["submissions"]
    assert (first["version"], second["version"], second["base_version"]) == (1, 2, 1)
    difference = second["difference"]
    assert difference["segments_kept"] == difference["segments_added"] == 1
    assert difference["people_kept"] == len(growing["first"].included)
    assert difference["people_added"] == len(growing["second"].included)
    listed_version(fed, 2)
    variant = common_variant(growing["first"])
    expected = growing["all"].carriers(variant, growing["all"].permitting("AF"))
    assert expected > growing["first"].carriers(variant, growing["first"].permitting("AF"))
    wait_until(lambda: carriers(fed, variant) == expected, 10, f"{expected} carriers of both batches")


def test_an_analysis_reads_the_people_of_all_segments(fed, growing, images):
    cohort = growing["all"]
    application = road.grant(fed, [(cohort, True)], "Of a growing dataset")
    run = road.submit(fed, application["id"], images / WORKFLOW, CASE_TERM=CASE_TERM)
    state = road.finish(fed, run, ["fi"])
    assert state["state"] == "STATE_COMPLETE", state
    table = read_table(road.download(fed, run, "case_control.tsv"), CASE_COLUMNS)
    expected = cohort.counts(CASE_TERM)
    assert table
    for key, row in table.items():
        assert {column: row[column] for column in CASE_COLUMNS} == {c: expected[key][c] for c in CASE_COLUMNS}, key
    assert len(table) == sum(1 for row in expected.values() if not is_small(row, CASE_COLUMNS))


def test_follow_up_data_make_a_version_without_touching_genotypes(fed, growing, workspace):
    cohort = growing["all"]
    folder = workspace / "growing-visits"
    (folder / "phenopackets").mkdir(parents=True)
    folder.chmod(0o755)
    shutil.copy(cohort.folder / "consents.fhir-r4.json", folder)
    seen = sorted(person for person in cohort.included if "SLQ" in cohort.permissions[person])[:8]
    for person in seen:
        packet = json.loads((cohort.folder / "phenopackets" / f"{person}.json").read_text())
        packet.setdefault("phenotypicFeatures", []).append({"type": {"id": NEW_TERM, "label": "Neck pain"}})
        (folder / "phenopackets" / f"{person}.json").write_text(json.dumps(packet))
    visits = Cohort(folder, "FI", DATASET)
    submission = road.onboard(fed, visits, extra=("--follow-up",)).json
    assert submission["state"] == "STATE_PUBLISHED", submission
    assert submission["difference"].get("segments_added", 0) == 0
    assert submission["difference"]["people_changed"] == len(seen)
    assert road.query(fed, "individuals", terms=[NEW_TERM])["counts"].get(DATASET, 0) == 0, "not listed yet"
    road.list_dataset(fed, visits)
    wait_until(lambda: road.query(fed, "individuals", terms=[NEW_TERM])["counts"].get(DATASET, 0) == len(seen), 10,
               "the new term")


def test_every_submission_has_a_signed_report_that_the_ledger_names(fed, growing, tmp_path):
    entries = [entry for entry in road.ledger_entries(fed, "fi") if entry["kind"] == "dataset"]
    for submission in growing["submissions"]:
        answer = fed.get("fi", f"/api/v1/submissions/{submission['id']}/report", persona="holder_fi")
        digest = hashlib.sha256(answer["json"].encode()).hexdigest()
        assert digest == submission["report_sha256"]
        header, nothing, signature = answer["jws"].split(".")
        assert nothing == "" and len(signature) > 80
        facts = json.loads(base64.urlsafe_b64decode(header + "=="))
        entry, = [e for e in entries if e.get("report_sha256") == digest]
        assert (entry["dataset"], entry["version"]) == (DATASET, str(submission["version"]))
        assert entry["key_id"] == facts["kid"] and entry["outcome"] == "judged"
        report = json.loads(answer["json"])
        assert report["verdict"] in ("accept", "quarantine")
    status, headers, page = fed.rest("fi", "GET", f"/api/v1/submissions/{growing['submissions'][0]['id']}/report.html",
                                     persona="ncp_fi")
    assert status == 200 and headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert b"<script" not in page
    # The page says nothing about who the people are.
    assert not any(person.encode() in page for person in growing["all"].people)
    for persona, wanted in ((None, 401), ("researcher", 403), ("holder_es", 403)):
        assert fed.rest("fi", "GET", f"/api/v1/submissions/{growing['submissions'][0]['id']}/report",
                        persona=persona)[0] in (wanted, 401), persona


def test_an_earlier_version_is_listed_again(fed, growing):
    answer = fed.genofed("dataset", "rollback", DATASET, "--to", 1, "--reason", "Visits of another study", as_="holder_fi")
    assert answer.json["state"] == "STATE_PUBLISHED"
    assert listed_version(fed, 1)["review_comment"] == "Visits of another study"
    variant = common_variant(growing["first"])
    expected = growing["first"].carriers(variant, growing["first"].permitting("AF"))
    wait_until(lambda: carriers(fed, variant) == expected, 15, "the counts of version 1")
    refused = fed.genofed("dataset", "rollback", DATASET, "--to", 9, "--reason", "x", as_="holder_fi", check=False)
    assert refused.code == 3 and refused.json["findings"][0]["code"] == "VERSION_UNKNOWN"
    assert fed.genofed("dataset", "rollback", DATASET, "--to", 2, "--reason", "x", as_="holder_es", site="fi",
                       check=False).code == 1


def test_of_a_decommissioned_dataset_only_a_tombstone_is_left(fed, growing):
    variant = common_variant(growing["first"])
    assert carriers(fed, variant) > 0
    without_yes = fed.genofed("dataset", "decommission", DATASET, "--reason", "The study ended", as_="holder_fi", check=False)
    assert without_yes.code == 2
    fed.genofed("dataset", "decommission", DATASET, "--reason", "The study ended", "--yes", as_="holder_fi")
    wait_until(lambda: road.hub_record(fed, DATASET) is None, 20, "the dataset to leave the hub's list")
    for site in ("fi", "hub"):
        tombstone = fed.get(site, f"/api/v1/datasets/{DATASET}")["record"]
        assert tombstone["state"] == "STATE_WITHDRAWN"
        assert tombstone["review_comment"] == "The study ended"
    wait_until(lambda: carriers(fed, variant) == 0, 15, "no counts")
    assert not (fed.var / "fi" / "data" / "onboarding" / "index" / DATASET).exists()
    outcomes = [e.get("outcome") for e in road.ledger_entries(fed, "fi") if e.get("dataset") == DATASET]
    assert "decommissioned" in outcomes and "keys-destroyed" in outcomes
    again = road.onboard(fed, growing["second"], check=False)
    assert again.json["state"] in ("STATE_FAILED", "STATE_REJECTED"), again
