# SPDX-License-Identifier: Apache-2.0
"""`genofed onboard check`: the standing entry point that judges files offline."""

import datetime
import json
import os
import pathlib
import subprocess

import pytest

from federation import GENOFED


@pytest.fixture(scope="module")
def data():
    shared = os.environ.get("GENOFED_SHARED_DIR")
    if not shared:
        pytest.skip("needs GENOFED_SHARED_DIR: etl-equivalence")
    return pathlib.Path(shared) / "data"


def run(*arguments):
    return subprocess.run([GENOFED, "onboard", "check", *map(str, arguments)], capture_output=True, text=True, timeout=120,
                          check=False)


def lines(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_four_formats_give_the_expected_table(data, tmp_path):
    etl = data / "etl-equivalence"
    for source in ("phenopackets", "fhir-r4", "omop54", "redcap.csv"):
        table = tmp_path / "people.tsv"
        done = run("--json", etl / source, "--consents", etl / "consents.fhir-r4.json", "--harmonised", table)
        assert done.returncode == 0, done.stderr
        assert {line["verdict"] for line in lines(done)} == {"accept"}
        assert table.read_bytes() == (etl / "expected.tsv").read_bytes(), source


def test_the_country_says_when_people_speak_for_themselves(tmp_path):
    """Somebody of 17 permits counts; their mother permitted research, and no counts."""
    today = datetime.date.today()
    born = today.replace(year=today.year - 17, day=1)

    def consent(code, speaker):
        return {"resourceType": "Consent", "status": "active", "patient": {"reference": "Patient/P1"}, "performer": [speaker],
                "provision": {"type": "deny", "provision": [
                    {"type": "permit", "code": [{"coding": [{"system": "urn:1plusmg:consent-permission", "code": code}]}]}]}}

    patient = {"resourceType": "Patient", "id": "P1", "birthDate": str(born)}
    resources = [patient, consent("SEC", {"type": "RelatedPerson"}), consent("AF", {"reference": "Patient/P1"})]
    file = tmp_path / "people.json"
    file.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}))

    def permissions(*more):
        table = tmp_path / "people.tsv"
        done = run("--json", file, "--harmonised", table, *more)
        assert done.returncode == 0, done
        head, row = (line.split("\t") for line in table.read_text().splitlines())
        return dict(zip(head, row))["consent"]

    assert permissions() == permissions("--adult-age", "18") == "NONE", "they permit nothing in common"
    assert permissions("--adult-age", "16") == "AF"
    refused = run(file, "--adult-age", "3")
    assert refused.returncode == 2 and "--adult-age" in refused.stderr, refused


def test_one_line_a_file_in_the_order_given(data, tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text("record_id,dob\nS1,03/04/2001\n")
    empty = tmp_path / "empty"
    empty.write_text("")
    good = data / "etl-equivalence" / "redcap.csv"
    done = run("--json", bad, good, empty)
    assert done.returncode == 3
    answers = lines(done)
    assert [answer["file"] for answer in answers] == [str(bad), str(good), str(empty)]
    assert [answer["verdict"] for answer in answers] == ["quarantine", "accept", "reject"]
    assert answers[0]["records"] == {"accepted": 0, "quarantined": 1}
    reason = next(reason for reason in answers[0]["reasons"] if reason["code"] == "DATE_AMBIGUOUS")
    assert (reason["line"], reason["field"]) == (2, "dob") and "date_format" in reason["message"]
    assert all(set(answer) == {"file", "verdict", "records", "reasons"} for answer in answers)
    human = run(bad, good, empty)
    assert human.returncode == 3 and f"{bad}:2 dob: set aside DATE_AMBIGUOUS" in human.stdout


def test_a_mapping_and_a_table_of_codes(tmp_path):
    table, mapping, codes, people = (tmp_path / name for name in ("x.csv", "m.json", "c.tsv", "p.tsv"))
    table.write_text("ID;geb;dx\nP1;3.4.2001;297231002\n")
    mapping.write_text(json.dumps({"columns": {"subject": "ID", "birth_date": "geb"}, "codes": {"dx": "SNOMED"},
                                   "date_format": "DD.MM.YYYY"}))
    codes.write_text("SNOMED\t297231002\texact\tORPHA:111\n")
    done = run("--json", table, "--mapping", mapping, "--codes", codes, "--harmonised", people)
    assert done.returncode == 0, done
    assert people.read_text().splitlines()[1].split("\t") == ["P1", "", "UNKNOWN_SEX", "2001-04-03", "", "", "MONDO:0010543",
                                                              "ORPHA:111", "ICD10CM:E78.71", "NONE"]


def test_exit_codes(tmp_path):
    assert run().returncode == 2
    assert run(tmp_path / "missing").returncode == 2
    wrong = tmp_path / "consents.json"
    wrong.write_text('{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Consent"}}]}')
    done = run(wrong, "--consents", wrong)
    assert done.returncode == 1 and "entry[0].resource.status" in done.stderr
    assert "Exit codes" in run("--help").stdout


def test_the_command_around_it_still_needs_an_id():
    done = subprocess.run([GENOFED, "onboard", "folder"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and "--id" in done.stderr
