# SPDX-License-Identifier: Apache-2.0
"""The steps of the road, as functions that several tests use."""

import json
import time

from federation import POLL, wait_until

ENDED = {"STATE_COMPLETE", "STATE_EXECUTOR_ERROR", "STATE_SYSTEM_ERROR", "STATE_CANCELED"}


def onboard(fed, cohort, check=True, folder=None, dataset=None, extra=()):
    """`genofed onboard` by the holder; the answer's json is the submission."""
    return fed.genofed("onboard", folder or cohort.folder, "--id", dataset or cohort.dataset, "--assembly", cohort.assembly,
                       *extra, as_=cohort.holder, check=check)


def list_dataset(fed, cohort, evidence=()):
    """The national coordination point lists the dataset; returns once the hub shows it and its node answers from it."""
    seen = [word for reference in evidence for word in ("--evidence", reference)]
    fed.genofed("dataset", "approve", cohort.dataset, *seen, as_=cohort.ncp)
    wait_until(lambda: cohort.dataset in fed.answering(cohort.site), 20, f"{cohort.dataset} to be answered from")
    return wait_until(lambda: hub_record(fed, cohort.dataset), 20, f"{cohort.dataset} in the hub's catalogue")


DESCRIBED = ["--title", "Beacon", "--description", "Records", "--publisher", "Bank", "--contact", "data@bank.example", "--assembly", "GRCh38"]
DOCUMENTS = [word for criterion in ("ethics_approval", "legal_basis", "consent_form") for word in ("--evidence", f"{criterion}=seen/1/2026")]


def list_folder(fed, path, name, site="fi"):
    """A Beacon data folder, onboarded and listed under `name`; its node answers from it soon."""
    fed.genofed("onboard", "beacon", path, "--id", name, *DESCRIBED, as_=f"holder_{site}")
    fed.genofed("dataset", "approve", name, *DOCUMENTS, as_=f"ncp_{site}")


def hub_record(fed, dataset):
    records = fed.get("hub", "/api/v1/datasets?page_size=500").get("records", [])
    return next((record for record in records if record["id"] == dataset), None)


def query(fed, entity, variant=None, terms=(), sex=None, as_=None, site=None, assembly=None, cohorts=None):
    """`genofed query`: {"total", "counts": {dataset: disclosed count}, "members": {site: state}}.

    `counts` has the datasets of `cohorts` only, where these are given; tests leave other datasets behind.
    """
    command = ["query", entity]
    if variant and entity == "variant":
        command.append(":".join(map(str, variant)))
    elif variant:
        command += ["--variant", ":".join(map(str, variant))]
    for term in terms:
        command += ["--term", term]
    if sex:
        command += ["--sex", sex]
    if assembly:
        command += ["--assembly", assembly]
    beacon = fed.genofed(*command, as_=as_, site=site).json
    sets = beacon.get("response", {}).get("resultSets", [])
    counts = {s["id"]: s["resultsCount"] for s in sets if s.get("exists")}
    total = beacon["responseSummary"].get("numTotalResults", 0)
    assert total == sum(counts.values()), "the total is the sum of what was disclosed"
    if cohorts is not None:
        wanted = {cohort.dataset for cohort in cohorts.values()}
        counts = {dataset: count for dataset, count in counts.items() if dataset in wanted}
    return {"total": total, "counts": counts,
            "members": {m["site"]: m["state"] for m in beacon.get("info", {}).get("members", [])},
            "beacon": beacon}


# Access ----------------------------------------------------------------------------------------------------------------

def draft(fed, datasets, title="Genes of epilepsy", as_="researcher", check=True, purpose="DUO:0000006"):
    command = ["application", "create", "--title", title, "--purpose", "Find variants that cause seizures",
               "--lay-summary", "We look for causes of epilepsy.", "--purpose-code", purpose]
    for dataset in datasets:
        command += ["--dataset", dataset]
    answer = fed.genofed(*command, as_=as_, check=check)
    return answer.json["application"] if check else answer


def application(fed, ident, as_="researcher"):
    return fed.get("hub", f"/api/v1/applications/{ident}", persona=as_)["application"]


def transmit(fed, datasets, title="Genes of epilepsy"):
    """Draft, submit, confirm, recommend: the application as it went to the countries."""
    ident = draft(fed, datasets, title)["id"]
    fed.genofed("application", "submit", ident, as_="researcher")
    fed.genofed("application", "confirm", ident, as_="signing_official")
    return fed.genofed("application", "recommend", ident, as_="central_dac").json["application"]


def wait_for_review(fed, cohort, ident):
    def arrived():
        status, _, body = fed.rest(cohort.site, "GET", f"/api/v1/reviews/{ident}", persona=cohort.dac)
        return body["review"] if status == 200 else None
    return wait_until(arrived, 20, f"application {ident} at {cohort.site}")


def decide(fed, cohort, ident, approve):
    wait_for_review(fed, cohort, ident)
    reason = "In the public interest" if approve else "Not covered by national law"
    return fed.genofed("review", "approve" if approve else "veto", ident, "--reason", reason, as_=cohort.dac).json["review"]


def sign(fed, ident):
    """Waits until every country has decided, and signs the agreement."""
    decided = wait_until(lambda: next((a for a in [application(fed, ident)] if a["state"] == "STATE_DECIDED"), None), 20,
                         f"every country to have decided on {ident}")
    return fed.genofed("application", "sign", ident, "--digest", decided["digest"], as_="signing_official").json["application"]


def grant(fed, decisions, title="Genes of epilepsy"):
    """An active application. `decisions`: [(cohort, approve)]."""
    ident = transmit(fed, [cohort.dataset for cohort, _ in decisions], title)["id"]
    for cohort, approve in decisions:
        decide(fed, cohort, ident, approve)
    active = sign(fed, ident)
    assert active["state"] == "STATE_ACTIVE", active
    return active


# Analysis --------------------------------------------------------------------------------------------------------------

def submit(fed, ident, workflow, check=True, datasets=(), as_="researcher", **parameters):
    command = ["run", "submit", ident, "--workflow", workflow]
    for dataset in datasets:
        command += ["--dataset", dataset]
    for name, value in parameters.items():
        command += ["--set", f"{name}={value}"]
    answer = fed.genofed(*command, as_=as_, check=check)
    return answer.json["run_id"] if check else answer


def run_state(fed, run):
    return fed.get("hub", f"/api/v1/runs/{run}", persona="researcher")["run"]


def parts(run):
    """Site to part."""
    return {part["site"]: part for part in run.get("parts", [])}


def reviews(fed, site, run):
    """What waits in a node's airlock for this run."""
    waiting = fed.get(site, "/api/v1/airlock", persona=f"holder_{site}").get("reviews", [])
    return [review for review in waiting if review["task"].startswith(run)]


def release(fed, site, review, release=True, reason="Checked"):
    return fed.rest(site, "POST", f"/api/v1/airlock/{review['task']}/decision",
                    body={"digest": review["digest"], "release": release, "reason": reason}, persona=f"holder_{site}")


def finish(fed, run, sites, timeout=90):
    """Holders release whatever the run brings to their airlocks, until it ends; returns the run."""
    end = time.monotonic() + timeout
    while True:
        try:
            state = run_state(fed, run)
            if state["state"] in ENDED:
                return state
            for site in sites:
                for review in reviews(fed, site, run):
                    release(fed, site, review)
        except (AssertionError, OSError):  # a service may be away for a moment in the crash tests
            state = {"state": "not to be had"}
        assert time.monotonic() < end, f"run {run} did not end within {timeout} s: {json.dumps(state)}\n{fed.log_tails()}"
        time.sleep(POLL)


def download(fed, run, name):
    status, _, body = fed.rest("hub", "GET", f"/api/v1/runs/{run}/outputs/{name}", persona="researcher")
    assert status == 200, f"{name} of {run}: {status} {body!r:.500}"
    return body.decode()


def ledger_entries(fed, site):
    """Every entry of a node's ledger, in order."""
    entries = []
    while True:
        page = fed.get(site, f"/ledger/entries?start={len(entries)}&limit=1000").get("entries", [])
        if not page:
            return [json.loads(entry) for entry in entries]
        entries += page
