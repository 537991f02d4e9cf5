# SPDX-License-Identifier: Apache-2.0
"""One federation for all tests, in the state that each step of the road leaves behind."""

import json
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "infra"))

import fhir_server  # noqa: E402
import road  # noqa: E402
from cohort import Cohort  # noqa: E402
from federation import BUILD, REPO, Federation, genofed  # noqa: E402

PEOPLE, SITES, SEED = 200, 1200, 7
CASE_TERM = "HP:0001250"
WORKFLOW = "allele-counts.workflow.json"
SLOW_WORKFLOW = "slow.workflow.json"  # the same, after ten seconds

# Quick, so that tests need not wait; the defaults are a second.
QUICK = ["dispatcher.poll_interval=0.2s", "access.poll_interval=0.2s", "catalogue.announce_interval=0.2s"]

_running = []


def pytest_configure(config):
    if os.environ.get("CI") == "true" and not os.environ.get("GENOFED_SHARED_DIR"):
        raise pytest.UsageError("CI must set GENOFED_SHARED_DIR: no test may be skipped there")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows what the services said about it."""
    outcome = yield
    report = outcome.get_result()
    if report.failed and call.excinfo and not call.excinfo.errisinstance(pytest.skip.Exception):
        for fed in _running:
            if fed.var.exists():
                report.sections.append((f"logs of {fed.var}", fed.log_tails()))


def pytest_terminal_summary(terminalreporter):
    for line in _figures:
        terminalreporter.write_line(line)


_figures = []


@pytest.fixture(scope="session")
def figures():
    """Lines that the summary shows: what was measured or tried."""
    return _figures


@pytest.fixture(scope="session")
def workspace():
    """A directory that the database account can reach; kept when GENOFED_KEEP is set."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="genofed-e2e-"))
    path.chmod(0o755)
    yield path
    if not os.environ.get("GENOFED_KEEP"):
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def images(workspace):
    """The analysis and the hostile workflows, all on the nodes' allow-lists, and a workflow that is not."""
    built = REPO / "var" / "images"
    if not (built / WORKFLOW).exists():
        subprocess.run([REPO / "deploy" / "images" / "build-image", "allele-counts", built], check=True,
                       stdout=subprocess.DEVNULL)
    path = workspace / "images"
    shutil.copytree(built / "allele-counts", path / "allele-counts")
    shutil.copy(built / WORKFLOW, path)
    for descriptor in (built / "allele-counts-hostile").glob("*.json"):
        shutil.copy(descriptor, path / f"hostile-{descriptor.stem}.workflow.json")
    endless = json.loads((path / "hostile-endless.workflow.json").read_text())
    endless.update(name="hostile-brief", limits={**endless["limits"], "minutes": 0.05})
    (path / "hostile-brief.workflow.json").write_text(json.dumps(endless))
    slow = json.loads((path / WORKFLOW).read_text())
    slow.update(name="slow", command=["/bin/sh", "-c", f"sleep 10; exec {slow['command'][0]}"])
    (path / SLOW_WORKFLOW).write_text(json.dumps(slow))
    unknown = (path / WORKFLOW).read_text().replace('"1.0.0"', '"9.9.9"')
    (workspace / "unknown.workflow.json").write_text(unknown)
    return path


def synth(folder, country, people=PEOPLE, sites=SITES, seed=SEED):
    done = genofed("synth", "--country", country, "--people", people, "--sites", sites, "--seed", seed, "--reference",
                   "--out", folder)
    assert done.returncode == 0, done.stderr
    return folder


def make_reference(synthetic, fasta):
    """The synthetic reference and its index, with chromosome 20 as long as GRCh38's.

    By that length the node knows the assembly, and does not judge GRCh37 data with it.
    """
    chr20_length = 64_444_167
    offset = 0
    with open(fasta, "wb") as out, open(f"{fasta}.fai", "w", encoding="ascii") as index:
        for contig in synthetic.read_text().split(">")[1:]:
            name, _, bases = contig.partition("\n")
            name, bases = name.split()[0], bases.replace("\n", "").encode()
            if name == "chr20":
                bases = bases.ljust(chr20_length, b"N")
            header = f">{name}\n".encode()
            index.write(f"{name}\t{len(bases)}\t{offset + len(header)}\t{len(bases)}\t{len(bases) + 1}\n")
            offset += out.write(header + bases + b"\n")
    return fasta


@pytest.fixture(scope="session")
def reference(workspace, cohorts):
    return make_reference(cohorts["fi"].folder / "reference.fa", workspace / "reference.fa")


@pytest.fixture(scope="session")
def cohorts(workspace):
    """{"fi": Cohort, "es": Cohort}, synthetic, with planted associations."""
    made = {}
    for country in ("FI", "ES"):
        folder = synth(workspace / "cohorts" / country.lower(), country)
        made[country.lower()] = Cohort(folder, country, f"GOE-{country}-DATASET-1")
    return made


@pytest.fixture(scope="session")
def s3_settings(workspace):
    """Site settings for objects in a real S3 server; none where its packages are missing, but never in CI."""
    server = subprocess.Popen([sys.executable, REPO / "tests" / "infra" / "swift_s3.py"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    line = server.stdout.readline()
    if not line:
        assert os.environ.get("CI") != "true", "no S3 server: tools/install-deps --with s3-tests"
        yield []
        return
    s3 = json.loads(line)
    settings = [f"endpoint={s3['endpoint']}", f"region={s3['region']}", f"bucket={s3['bucket']}", "prefix=es/",
                "path_style=true"]
    for key in ("access_key", "secret_key"):
        secret = workspace / f"s3-{key}"
        secret.write_text(s3[key])
        secret.chmod(0o600)
        settings.append(f"{key}.file={secret}")
    yield [f"es:onboarding.object_store.s3.{setting}" for setting in settings]
    server.stdin.close()
    server.wait(60)


@pytest.fixture(scope="session")
def fed(workspace, images, reference, s3_settings):
    """The federation most tests share: a process for each service. Finland has the reference genome, Spain its objects in S3.

    Every national key is in a file, since attackers who have stolen them are played too.
    """
    federation = Federation(workspace / "var", images=images, hsm="none", sets=[
        *QUICK, f"fi:onboarding.reference_fasta={reference}", *s3_settings])
    _running.append(federation)
    try:
        yield federation.up()
    finally:
        federation.down()
        _running.remove(federation)


@pytest.fixture(scope="session")
def site_fed(workspace, images):
    """A second federation: a process for each site, and Finnish permits that end after seconds."""
    federation = Federation(workspace / "var-site", layout="site", images=images,
                            sets=[*QUICK, "fi:access.max_permit=4s"])
    _running.append(federation)
    try:
        federation.up()
        time.sleep(2)
        federation.idle_memory = federation.memory()
        yield federation
    finally:
        federation.down()
        _running.remove(federation)


@pytest.fixture(scope="session")
def submissions(fed, cohorts):
    """Both cohorts onboarded, not yet listed: {site: submission}."""
    return {site: road.onboard(fed, cohort).json for site, cohort in cohorts.items()}


@pytest.fixture(scope="session")
def listed(fed, cohorts, submissions):
    """Both datasets in the hub's catalogue, and answered from: {site: record}."""
    records = {site: road.list_dataset(fed, cohort) for site, cohort in cohorts.items()}
    return records


@pytest.fixture(scope="session")
def approved(fed, cohorts, listed):
    """An application that both countries approved."""
    return road.grant(fed, [(cohorts["fi"], True), (cohorts["es"], True)], "Genes of epilepsy")


@pytest.fixture(scope="session")
def half_approved(fed, cohorts, listed):
    """An application that Finland approved and Spain vetoed."""
    return road.grant(fed, [(cohorts["fi"], True), (cohorts["es"], False)], "Genes of migraine")


@pytest.fixture(scope="session")
def completed(fed, cohorts, approved, images):
    """A run of the analysis in both countries, released by both holders; and what it should give."""
    expected = {site: cohort.counts(CASE_TERM) for site, cohort in cohorts.items()}
    run = road.submit(fed, approved["id"], images / WORKFLOW, CASE_TERM=CASE_TERM)
    state = road.finish(fed, run, ["fi", "es"])
    assert state["state"] == "STATE_COMPLETE", f"{state}\n{fed.log_tails()}"
    return {"run": state, "expected": expected}


@pytest.fixture(scope="session")
def hostile_hub():
    path = BUILD / "bin" / "genofed-hostile-hub"
    assert path.exists(), f"build the target genofed-hostile-hub: {path}"
    return path


@pytest.fixture(scope="session")
def hospital():
    """A FHIR server that shares no code with genofed."""
    if not fhir_server.installed():
        assert os.environ.get("CI") != "true", "run ./dev test e2e, which installs the FHIR server"
        pytest.skip("needs tests/infra/fhir-server/node_modules (npm ci)")
    with fhir_server.FhirServer(secrets.token_urlsafe(24)) as server:
        yield server


@pytest.fixture(scope="session")
def intake_fed(workspace, hospital):
    """Finland with an inbox and a connector to the hospital, both for holder_fi."""
    var = workspace / "var-intake"
    var.mkdir()
    # Who somebody is depends on the port of the login service: choose it before the configuration names the holder.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (var / "ports.json").write_text(json.dumps({"idp": port}))
    holder = {"issuer": f"https://127.0.0.1:{port}", "subject": "holder_fi"}
    inbox = workspace / "inbox"
    inbox.mkdir()
    token = workspace / "hospital-token"
    token.touch(mode=0o600)
    token.write_text(hospital.token)
    server = {"name": "hospital", "base_url": hospital.url, "dataset": "GOE-FI-CONNECTED-1", "holder": holder,
              "interval": "1s", "bearer_token_file": str(token)}
    federation = Federation(var, nodes="FI", layout="site", images=workspace / "no-images", hsm="none", sets=[
        *QUICK, f"fi:onboarding.fhir_servers={json.dumps([server])}", f"fi:onboarding.inbox_directory={inbox}",
        f"fi:onboarding.inbox_holder={json.dumps(holder)}", "fi:onboarding.inbox_interval=0.2s"])
    federation.inbox = inbox
    _running.append(federation)
    try:
        yield federation.up()
    finally:
        federation.down()
        _running.remove(federation)
