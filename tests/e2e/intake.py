# SPDX-License-Identifier: Apache-2.0
"""What the tests of the connector and the inbox share: a cohort without ages, and the same people as FHIR resources.

FHIR has a date of birth and no age, so that only people without an age are the same from both sources.
"""

import json

from cohort import Cohort

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
