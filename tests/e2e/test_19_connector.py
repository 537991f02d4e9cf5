# SPDX-License-Identifier: Apache-2.0
"""A national eHealth system: what changes there about enrolled people becomes the next version of their dataset."""

import contextlib

import pytest

import road
from conftest import synth
from federation import wait_until
from intake import consent, drop, observation, patient, published, resources, result, without_ages

DATASET = "GOE-FI-CONNECTED-1"
NEW_TERM = "HP:0030833"  # nobody has it before


@pytest.fixture(scope="module")
def connected(intake_fed, hospital, workspace):
    """The cohort, onboarded and listed, and everybody of it at the hospital's server."""
    cohort = without_ages(synth(workspace / "connected", "FI", people=40, sites=200), DATASET)
    for person in sorted(cohort.included):
        for resource in resources(cohort, person):
            hospital.put(resource)
    drop(intake_fed, cohort, "connected")
    submission = published(intake_fed, result(intake_fed, "accepted", "connected")["submission"])
    assert submission["state"] == "STATE_PUBLISHED", submission
    road.list_dataset(intake_fed, cohort)
    return cohort


def connector(fed):
    answer, = fed.get("fi", "/api/v1/connectors", persona="operator_fi")["connectors"]
    return answer


def follow_ups(fed):
    """Oldest first."""
    submissions = fed.get("fi", "/api/v1/submissions", persona="holder_fi")["submissions"]
    return [s for s in reversed(submissions) if s["dataset"]["id"] == DATASET and s.get("mode") == "MODE_FOLLOW_UP"]


def ended(fed, count):
    """The follow-ups, once there are so many and the last has ended."""
    def found():
        all_of_them = follow_ups(fed)
        final = ("STATE_PUBLISHED", "STATE_REJECTED", "STATE_FAILED")
        return all_of_them if len(all_of_them) == count and all_of_them[-1]["state"] in final else None
    return wait_until(found, 60, f"{count} follow-ups")


def pulls(fed, count):
    """Waits for so many more pulls that succeed."""
    for _ in range(count):
        before = connector(fed).get("last_success")
        wait_until(lambda: connector(fed).get("last_success") != before, 30, "a pull")


def test_what_the_dataset_has_already_makes_no_version(intake_fed, connected):
    first, = ended(intake_fed, 1)
    assert first["state"] == "STATE_REJECTED", first
    assert [f["code"] for f in first["findings"] if f["severity"] == "SEVERITY_ERROR"] == ["NOTHING_CHANGED"], first["findings"]
    wait_until(lambda: connector(intake_fed).get("watermark"), 30, "a watermark")


def test_a_changed_diagnosis_is_a_version_with_one_person_changed(intake_fed, hospital, connected):
    person = sorted(connected.included)[3]
    hospital.put(observation(person, NEW_TERM, "new"))
    submission = ended(intake_fed, 2)[-1]
    assert submission["state"] == "STATE_PUBLISHED", submission
    assert submission["base_version"] == 1
    assert submission["difference"]["people_changed"] == 1
    assert submission["difference"].get("people_added", 0) == 0
    assert submission["difference"]["people_kept"] == len(connected.included)
    state = connector(intake_fed)
    assert state["submission"] == submission["id"] and not state.get("last_error"), state


def test_nothing_changed_makes_nothing(intake_fed, hospital, connected):
    person = sorted(connected.included)[3]
    pulls(intake_fed, 2)
    hospital.put(observation(person, NEW_TERM, "new"))  # written again, and the same
    pulls(intake_fed, 2)
    assert len(follow_ups(intake_fed)) == 2
    road.list_dataset(intake_fed, connected)
    wait_until(lambda: not connector(intake_fed).get("submission"), 30, "the version to be in force")
    pulls(intake_fed, 2)
    assert len(follow_ups(intake_fed)) == 2


def test_nobody_who_is_not_enrolled_gets_in(intake_fed, hospital, connected):
    # The consent last: before it, the server says nothing about them.
    for resource in (observation("A-STRANGER", NEW_TERM, 1), patient("A-STRANGER"), consent("A-STRANGER", ["AF", "SLQ", "SEC"])):
        hospital.put(resource)
    refused = ended(intake_fed, 3)[-1]
    assert refused["state"] == "STATE_REJECTED", refused
    assert [f["code"] for f in refused["findings"] if f["severity"] == "SEVERITY_ERROR"] == ["NO_KNOWN_SUBJECT"]
    # Together with somebody who is, the stranger is left out.
    hospital.put(observation("A-STRANGER", "HP:0001250", 2))
    hospital.put(observation(sorted(connected.included)[5], NEW_TERM, "new"))
    published = wait_until(lambda: next((s for s in follow_ups(intake_fed)[3:] if s["state"] == "STATE_PUBLISHED"), None), 60,
                           "a version")
    assert published["difference"]["people_changed"] == 1
    assert published["difference"].get("people_added", 0) == 0
    assert published["difference"]["people_kept"] == len(connected.included)


def test_operators_see_how_it_goes_and_others_do_not(intake_fed, connected):
    answer = intake_fed.genofed("connector", as_="operator_fi", site="fi")
    state, = answer.json["connectors"]
    assert state["name"] == "hospital" and int(state["resources_pulled"]) > 100
    assert intake_fed.genofed("connector", as_="holder_fi").json["connectors"], "their own"
    assert intake_fed.rest("fi", "GET", "/api/v1/connectors", persona="researcher")[0] in (401, 403)
    assert intake_fed.rest("fi", "GET", "/api/v1/connectors")[0] == 401


def test_nothing_of_it_lies_on_the_disk_in_clear(intake_fed, hospital, connected):
    words = [b"resourceType", b"A-STRANGER", b"pat-"]

    def in_clear():
        """What a pull has fetched is there while it runs, and goes with it."""
        found = []
        for file in (intake_fed.var / "fi" / "data" / "onboarding").rglob("*"):
            if "connectors" in file.parts and file.name != "people.key":
                with contextlib.suppress(FileNotFoundError, IsADirectoryError):
                    found += [file] if any(word in file.read_bytes() for word in words) else []
        return found

    wait_until(lambda: not in_clear(), 30, "nothing in clear between two pulls")
    log = intake_fed.log("fi", "site")
    assert "A-STRANGER" not in log and hospital.token not in log
