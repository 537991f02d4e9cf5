# SPDX-License-Identifier: Apache-2.0
"""What the tests of the connector and the inbox share: a cohort without ages, and the same people as FHIR resources.

FHIR has a date of birth and no age, so that only people without an age are the same from both sources.
"""

import json
import shutil

from cohort import Cohort
from federation import wait_until

PERMISSIONS = "urn:1plusmg:consent-permission"


def without_ages(folder, dataset):
    for file in (folder / "phenopackets").glob("*.json"):
        packet = json.loads(file.read_text())
        for member in ("timeAtLastEncounter", "dateOfBirth"):
            packet["subject"].pop(member, None)
        file.write_text(json.dumps(packet))
    return Cohort(folder, "FI", dataset)


def concept(system, code):
    return {"coding": [{"system": system, "code": code}]}


def patient_id(person):
    """The server's own id, which is not the identifier that the dataset knows."""
    return f"pat-{person}"


def observation(person, term, number):
    return {"resourceType": "Observation", "id": f"{patient_id(person)}-{number}", "status": "final",
            "code": concept("http://purl.obolibrary.org/obo/hp.owl", term),
            "subject": {"reference": f"Patient/{patient_id(person)}"},
            "valueCodeableConcept": concept("http://snomed.info/sct", "52101004")}


def consent(person, codes):
    return {"resourceType": "Consent", "id": f"{patient_id(person)}-consent", "status": "active",
            "scope": concept("http://terminology.hl7.org/CodeSystem/consentscope", "research"),
            "category": [concept("http://loinc.org", "59284-0")],
            "patient": {"reference": f"Patient/{patient_id(person)}"},
            "provision": {"type": "deny", "provision": [{"type": "permit", "code": [concept(PERMISSIONS, code)]} for code in sorted(codes)]}}


def patient(person, sex="UNKNOWN_SEX"):
    gender = {"MALE": "male", "FEMALE": "female"}.get(sex, "unknown")
    return {"resourceType": "Patient", "id": patient_id(person), "gender": gender,
            "identifier": [{"system": "urn:hospital:mrn", "value": person}]}


def resources(cohort, person):
    """Everything that a hospital's server has about somebody of the cohort."""
    facts = cohort.people[person]
    return [patient(person, facts["sex"]), consent(person, cohort.permissions[person]),
            *(observation(person, term, number) for number, term in enumerate(sorted(facts["terms"])))]


# The inbox -----------------------------------------------------------------------------------------------------------

def described(cohort, dataset):
    return {"id": dataset, "title": "Inbox", "description": "Of the inbox", "publisher": "HUS", "contact_email": "data@example.org",
            "assembly": cohort.assembly, "evidence": {"ethics_approval": "HUS/1/2026", "legal_basis": "Act 552/2019",
                                                      "consent_form": "Form 3"}}


def drop(fed, cohort, name, mode="full", files=None, dataset=None, ready=True):
    """Puts a submission into the inbox as an SFTP client would: READY last."""
    folder = fed.inbox / name
    folder.mkdir()
    chosen = []
    if mode != "follow-up":
        shutil.copy(cohort.vcf, folder / "cohort.vcf.gz")
        chosen.append({"kind": "variants", "name": "cohort.vcf.gz"})
    shutil.copy(cohort.folder / "consents.fhir-r4.json", folder / "consents.json")
    chosen.append({"kind": "consents", "name": "consents.json"})
    with open(folder / "people.ndjson", "w", encoding="utf-8") as out:
        for file in sorted((cohort.folder / "phenopackets").glob("*.json")):
            out.write(json.dumps(json.loads(file.read_text())) + "\n")
    chosen.append({"kind": "clinical", "name": "people.ndjson"})
    description = {"dataset": dataset or described(cohort, cohort.dataset), "mode": mode, "files": files or chosen}
    (folder / "submission.json").write_text(json.dumps(description))
    if ready:
        (folder / "READY").touch()
    return folder


def result(fed, where, name):
    file = fed.inbox / where / name / "result.json"
    return wait_until(lambda: json.loads(file.read_text()) if file.exists() else None, 60, f"{where}/{name}")


def published(fed, ident):
    def found():
        submission = fed.get("fi", f"/api/v1/submissions/{ident}", persona="holder_fi")["submission"]
        return submission if submission["state"] in ("STATE_PUBLISHED", "STATE_REJECTED", "STATE_FAILED") else None
    return wait_until(found, 90, f"the end of {ident}")
