# SPDX-License-Identifier: Apache-2.0
"""The offline tools for tokens and trust files, on the files of the running federation and on the interchange files."""

import json
import os
import pathlib
import subprocess

import jsonschema
import pytest

from federation import GENOFED, REPO, genofed

SCHEMA = json.loads((REPO / "docs" / "trust-file.schema.json").read_text())


@pytest.fixture(scope="module")
def interchange():
    shared = os.environ.get("GENOFED_SHARED_DIR")
    if not shared:
        pytest.skip("needs GENOFED_SHARED_DIR: specs/trust")
    return pathlib.Path(shared) / "specs" / "trust"


def check(trust, lines):
    done = subprocess.run([GENOFED, "clearinghouse", "check", "--trust", trust], input="\n".join(lines) + "\n",
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_clearinghouse_accepts_the_interchange_file_line_by_line(interchange):
    lines = (interchange / "accepted.jsonl").read_text().splitlines()
    answers = check(interchange / "trust.json", lines)
    assert [a["name"] for a in answers] == [json.loads(line)["name"] for line in lines]
    assert {a["verdict"] for a in answers} == {"accept"}, [a for a in answers if a["verdict"] != "accept"]


def test_every_line_gets_an_answer_whatever_it_holds(interchange):
    good = json.loads((interchange / "accepted.jsonl").read_text().splitlines()[0])
    head, payload, signature = good["token"].split(".")
    lines = ["", "not json", "[]", '{"name": "cut", "kind": "visa", "token": "\\ud800"}', json.dumps({"name": "no token", "kind": "visa"}),
             json.dumps({**good, "name": "no kind", "kind": None}), json.dumps({**good, "name": "other kind", "kind": "passport"}),
             json.dumps({**good, "name": "changed", "token": f"{head}.{payload}.{signature[:-4]}AAAA"}),
             f'{{"kind": "visa", "token": "deep", "name": {"[" * 200_000}{"]" * 200_000}}}', json.dumps(good)]
    answers = check(interchange / "trust.json", lines)
    assert [a["verdict"] for a in answers] == ["reject"] * 9 + ["accept"], answers
    assert [a["name"] for a in answers][3:] == ["cut", "no token", "no kind", "other kind", "changed", None, good["name"]]
    assert all(a["why"] for a in answers[:9])


def test_explain_names_the_check_and_the_remedy(interchange, tmp_path):
    good = json.loads((interchange / "accepted.jsonl").read_text().splitlines()[0])
    file = tmp_path / "visa.jwt"
    file.write_text(good["token"] + "\n")
    trust = interchange / "trust.json"
    fine = genofed("token", "verify", file, "--trust", trust)
    assert fine.returncode == 0 and "accepted as visa until" in fine.stdout, fine
    refused = genofed("--json", "token", "explain", file, "--trust", trust, "--subject", "bob@aai.example")
    answer = json.loads(refused.stdout)
    assert refused.returncode == 3 and answer["why"] == "SUBJECT_MISMATCH" and answer["remedy"], answer
    states = [step["state"] for step in answer["checks"]]
    assert states == ["passed"] * 10 + ["failed"] + ["not reached"] * 3
    shown = genofed("token", "inspect", file)
    assert shown.returncode == 0 and "NOT VERIFIED" in shown.stdout and "alice@aai.example" in shown.stdout
    late = genofed("token", "verify", file, "--trust", trust, "--now", "2030-01-01T00:00:00Z")
    assert late.returncode == 3 and "EXPIRED" in late.stdout


def test_trust_files_fit_their_schema(fed, interchange):
    validator = jsonschema.Draft202012Validator(SCHEMA)
    files = [interchange / "trust.json", *(fed.var / site / "trust.json" for site in ("hub", "fi", "es"))]
    for file in files:
        validator.validate(json.loads(file.read_text()))
    broken = json.loads(files[0].read_text())
    broken["issuers"][0]["roles"] = []
    assert not validator.is_valid(broken)


def test_lint_is_quiet_about_the_federations_own_files_and_loud_about_mistakes(fed, tmp_path):
    for site in ("hub", "fi", "es"):
        done = genofed("trust", "lint", fed.var / site / "trust.json")
        assert done.returncode == 0 and "nothing to complain about" in done.stdout, done
    file = tmp_path / "trust.json"
    text = json.loads((fed.var / "fi" / "trust.json").read_text())
    text["issuers"][0]["datasets"] = ".*"
    text["revoked"] = []
    file.write_text(json.dumps(text))
    done = genofed("--json", "trust", "lint", file)
    paths = {finding["path"] for finding in json.loads(done.stdout)["findings"]}
    assert done.returncode == 0 and {"issuers[0].datasets", "revoked"} <= paths, done
    file.write_text("{}")
    assert genofed("trust", "lint", file).returncode == 3
