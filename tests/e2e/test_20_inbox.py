# SPDX-License-Identifier: Apache-2.0
"""A directory into which a hospital's systems put what they submit."""

import hashlib
import json

import pytest

import road
from conftest import synth
from federation import wait_until
from intake import described, drop, published, result, without_ages

DATASET = "GOE-FI-INBOX-1"


@pytest.fixture(scope="module")
def cohort(workspace):
    return without_ages(synth(workspace / "inbox-cohort", "FI", people=30, sites=200), DATASET)


def submissions(fed):
    found = fed.get("fi", "/api/v1/submissions", persona="holder_fi").get("submissions", [])
    return [s for s in found if s["dataset"]["id"].startswith("GOE-FI-INBOX")]


def test_what_is_ready_is_taken_in_once_and_published(intake_fed, cohort):
    drop(intake_fed, cohort, "2026-01-visit")
    answer = result(intake_fed, "accepted", "2026-01-visit")
    assert answer["accepted"] is True
    submission = published(intake_fed, answer["submission"])
    assert submission["state"] == "STATE_PUBLISHED", submission
    assert submission["counts"]["subjects_included"] == len(cohort.included)
    left = {file.name for file in (intake_fed.inbox / "accepted" / "2026-01-visit").iterdir()}
    assert left == {"submission.json", "result.json"}, "no data in clear stay"
    # The same again is the same submission.
    drop(intake_fed, cohort, "2026-01-visit")
    wait_until(lambda: (intake_fed.inbox / "accepted" / "2026-01-visit.2").exists(), 60, "the second")
    assert [s["id"] for s in submissions(intake_fed)] == [answer["submission"]]


def test_sums_that_agree_need_no_marker(intake_fed, cohort):
    folder = drop(intake_fed, cohort, "by-sums", dataset=described(cohort, "GOE-FI-INBOX-2"), ready=False)
    sums = "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(folder.iterdir()))
    (folder / "SHA256SUMS").write_text(sums)
    assert published(intake_fed, result(intake_fed, "accepted", "by-sums")["submission"])["state"] == "STATE_PUBLISHED"


def test_killed_at_any_moment_it_takes_in_once(intake_fed, cohort):
    before = len(submissions(intake_fed))
    drop(intake_fed, cohort, "killed", dataset=described(cohort, "GOE-FI-INBOX-3"))
    pid = intake_fed.kill9("fi", "site")
    intake_fed.wait_ready("fi", "site", not_pid=pid)
    answer = result(intake_fed, "accepted", "killed")
    assert published(intake_fed, answer["submission"])["state"] == "STATE_PUBLISHED"
    assert len(submissions(intake_fed)) == before + 1


def test_what_cannot_be_taken_in_says_why(intake_fed, cohort):
    (intake_fed.inbox.parent / "elsewhere").write_text("secret")
    folder = drop(intake_fed, cohort, "linked", ready=False)
    (folder / "people.ndjson").unlink()
    (folder / "people.ndjson").symlink_to(intake_fed.inbox.parent / "elsewhere")
    (folder / "READY").touch()
    answer = result(intake_fed, "refused", "linked")
    assert answer["reason"] == "FILE_REFUSED" and "people.ndjson" in answer["message"], answer
    drop(intake_fed, cohort, "other-country", dataset={"id": "GOE-ES-INBOX-1"})
    answer = result(intake_fed, "refused", "other-country")
    assert answer["reason"] == "DESCRIPTION_INVALID" and any(f["field"] == "dataset.id" for f in answer["fields"])
    drop(intake_fed, cohort, "who-am-i", files=[{"kind": "variants", "name": "../../etc/passwd"}])
    assert result(intake_fed, "refused", "who-am-i")["reason"] == "SUBMISSION_INVALID"


def test_follow_up_data_come_through_the_inbox_too(intake_fed, cohort):
    road.list_dataset(intake_fed, cohort)
    person = sorted(cohort.included)[0]
    file = cohort.folder / "phenopackets" / f"{person}.json"
    packet = json.loads(file.read_text())
    packet.setdefault("phenotypicFeatures", []).append({"type": {"id": "HP:0030833", "label": "Neck pain"}})
    file.write_text(json.dumps(packet))
    drop(intake_fed, cohort, "follow-up", mode="follow-up", dataset={"id": DATASET})
    submission = published(intake_fed, result(intake_fed, "accepted", "follow-up")["submission"])
    assert submission["state"] == "STATE_PUBLISHED", submission
    assert submission["difference"]["people_changed"] == 1
