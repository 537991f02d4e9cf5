# SPDX-License-Identifier: Apache-2.0
"""Starts a federation with `genofed up` and talks to it: through the command, and through HTTPS.

Python's standard library only. Programs are taken from $GENOFED_BUILD_DIR/bin (default: build/ci).
"""

import http.client
import json
import os
import pathlib
import signal
import ssl
import subprocess
import time
import urllib.parse

REPO = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("GENOFED_BUILD_DIR", REPO / "build" / "ci")).resolve()
GENOFED = BUILD / "bin" / "genofed"
EXACT_COUNTS = REPO / "tests" / "infra" / "exact-counts.policy.json"
POLL = 0.2  # seconds


class CommandFailed(AssertionError):
    """A `genofed` command ended with another exit code than expected."""


class Answer:
    """Result of one `genofed` command."""

    def __init__(self, code, out, err, as_json):
        self.code, self.out, self.err = code, out, err
        self.json = None
        if as_json:
            try:
                self.json = json.loads(out)
            except ValueError:
                pass

    @property
    def reason(self):
        """The coded reason that `genofed: message (REASON)` ends with."""
        first = self.err.strip().splitlines()[0] if self.err.strip() else ""
        return first[first.rfind("(") + 1:].rstrip(")") if "(" in first else ""

    def __repr__(self):
        return f"exit code {self.code}\n{self.out}\n{self.err}"


def genofed(*args, timeout=120, program=GENOFED, **kwargs):
    """Runs the command without a federation and returns the completed process; `kwargs` as subprocess.run."""
    return subprocess.run([program, *map(str, args)], capture_output=True, text=True, timeout=timeout, check=False, **kwargs)


def wait_until(fn, timeout, what):
    """Calls `fn` until it returns something true, and returns that. An AssertionError of `fn` counts as "not yet"."""
    end = time.monotonic() + timeout
    last = None
    while True:
        try:
            value = fn()
            if value:
                return value
            last = value
        except (AssertionError, OSError) as error:
            last = error
        if time.monotonic() >= end:
            raise AssertionError(f"waited {timeout} s for {what}; last: {last!r:.2000}")
        time.sleep(POLL)


class Federation:
    """A hub and nodes on this machine, with everything they keep under `var_dir`.

    nodes   countries, separated by commas
    layout  "services": a process for each service; "site": one for each site
    images  directory of OCI images and workflow descriptors; default: <repository>/var/images
    sets    site configuration: "SITE:path=value", or "path=value" for every node
    hsm     countries whose national key is in a SoftHSM token, or "none"
    args    further arguments of `genofed up`
    exact   nodes count exactly from five people on, so that tests can compare; False: the product's disclosure control
    programs  directory of the programs that are started; default: $GENOFED_BUILD_DIR/bin
    """

    def __init__(self, var_dir, nodes="FI,ES", layout="services", images=None, sets=(), hsm="ES", args=(), exact=True, programs=BUILD / "bin"):
        self.var = pathlib.Path(var_dir).resolve()
        self.nodes = [country.strip().lower() for country in nodes.split(",")]
        self.layout = layout
        self.images = pathlib.Path(images) if images else REPO / "var" / "images"
        self.sets = list(sets)
        if exact:
            self.sets.insert(0, f"discovery.disclosure_policy_file={EXACT_COUNTS}")
        self.hsm = hsm
        self.args = list(args)
        self.programs = programs
        self._document = None

    # Life cycle ----------------------------------------------------------------------------------------------------

    def up(self, timeout=120):
        """Starts everything and returns when it is ready. Safe to call when it runs already, whatever it was started with."""
        self._document = None
        if genofed("--var", self.var, "status", timeout=60).returncode != 3:
            return self
        command = ["--var", self.var, "up", "--nodes", ",".join(self.nodes).upper(), "--layout", self.layout,
                   "--images", self.images, "--timeout", timeout, "--hsm", self.hsm, *self.args]
        for setting in self.sets:
            command += ["--set", setting]
        done = genofed(*command, timeout=timeout + 60, cwd=REPO, program=self.programs / "genofed")
        if done.returncode != 0:
            raise CommandFailed(f"genofed up failed\n{done.stdout}{done.stderr}\n{self.log_tails()}")
        return self

    def down(self):
        genofed("--var", self.var, "down", timeout=90)
        self._document = None

    def __enter__(self):
        return self.up()

    def __exit__(self, *_):
        self.down()

    @property
    def document(self):
        """var/federation.json."""
        if self._document is None:
            self._document = json.loads((self.var / "federation.json").read_text())
        return self._document

    def site(self, name):
        """The entry of a site ("hub", "fi" ...) in federation.json."""
        sites = [self.document["hub"], *self.document["nodes"]]
        return next(site for site in sites if site["site"] == name)

    @property
    def ca_file(self):
        return self.document["ca_file"]

    # Processes -----------------------------------------------------------------------------------------------------

    def processes(self):
        """Name ("fi/consent") to {"state", "pid", "restarts", ...} as the supervisor last wrote it."""
        status = json.loads((self.var / "status.json").read_text())
        return {process["name"]: process for process in status["processes"]}

    def pid(self, site, service):
        return self.processes()[f"{site}/{service}"]["pid"]

    def signal(self, site, service, number):
        os.kill(self.pid(site, service), number)

    def kill9(self, site, service):
        """Kills one process; the supervisor starts it again. Returns the process id that died."""
        pid = self.pid(site, service)
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_ready(self, site=None, service=None, timeout=60, not_pid=None):
        """Waits until a process (all, when none is named) is ready, and is another than `not_pid`."""
        name = f"{site}/{service}" if service else None

        def ready():
            chosen = [process for key, process in self.processes().items()
                      if key == name or name is None and (site is None or key.startswith(f"{site}/"))]
            return chosen and all(p["state"] == "ready" and p.get("pid") != not_pid for p in chosen)

        wait_until(ready, timeout, f"{name or site or 'every process'} to be ready")

    def memory(self):
        """Bytes of memory of everything the federation runs, by supervised process, each with its descendants.

        Proportional set size, in memory and swapped out: what processes share counts once.
        """
        parents = {}
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
        names = {process["pid"]: name for name, process in self.processes().items() if process.get("pid")}
        names[json.loads((self.var / "status.json").read_text())["pid"]] = "up"
        sizes = {}
        for pid in parents:
            owner = pid
            while owner and owner not in names:
                owner = parents.get(owner, 0)
            if not owner:
                continue
            try:
                rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                continue
            kilobytes = sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith(("Pss:", "SwapPss:")))
            sizes[names[owner]] = sizes.get(names[owner], 0) + kilobytes * 1024
        return sizes

    def log(self, site, service):
        file = self.var / site / "log" / f"{service}.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def log_tails(self, lines=4, words=("error", "warn", "critical", "fatal")):
        """The last lines of every log that speak of trouble, for failure reports."""
        parts = []
        for file in sorted(self.var.glob("*/log/*.log")):
            text = file.read_text(errors="replace").splitlines()
            chosen = [line for line in text if any(word in line.lower() for word in words)][-lines:]
            if chosen:
                parts.append(f"--- {file}\n" + "\n".join(line[:400] for line in chosen))
        return "\n".join(parts)

    # The command ---------------------------------------------------------------------------------------------------

    def genofed(self, *args, as_=None, site=None, json=True, check=True, timeout=180, token=None):
        """Runs `genofed` as a persona. With check, an exit code other than 0 raises CommandFailed."""
        command = ["--var", self.var]
        if as_:
            command += ["--as", as_]
        if site:
            command += ["--site", site]
        if token:
            file = self.var / "token.tmp"
            file.touch(mode=0o600)
            file.write_text(token)
            command += ["--token-file", file]
        if json:
            command += ["--json"]
        done = genofed(*command, *args, timeout=timeout, cwd=self.var)
        answer = Answer(done.returncode, done.stdout, done.stderr, json)
        if check and answer.code != 0:
            raise CommandFailed(f"genofed {' '.join(map(str, args))} as {as_}: {answer!r}\n{self.log_tails()}")
        return answer

    # HTTPS ---------------------------------------------------------------------------------------------------------

    def token(self, persona, person=None):
        """A bearer token; a citizen's may be for another person than the persona's own."""
        if person is None:
            return self.document["personas"][persona]["token"]
        done = genofed("--var", self.var, "token", "get", persona, "--person", person, timeout=30)
        if done.returncode != 0:
            raise CommandFailed(f"no token for {persona}: {done.stderr}")
        return done.stdout.strip()

    def rest(self, site, method, path, body=None, persona=None, token=None, headers=None, timeout=60):
        """One request to a site's gateway: (status, headers, body). JSON is parsed, everything else is bytes.

        `body`: bytes go as they are, anything else as JSON. `persona` or `token` say who asks; neither: nobody.
        """
        address = urllib.parse.urlsplit(self.site(site)["rest"])
        send = dict(headers or {})
        if persona and token is None:
            token = self.token(persona)
        if token:
            send["Authorization"] = f"Bearer {token}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            send.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPSConnection(address.hostname, address.port, timeout=timeout,
                                                 context=ssl.create_default_context(cafile=self.ca_file))
        try:
            connection.request(method, path, body=body, headers=send)
            response = connection.getresponse()
            content = response.read()
            kind = response.headers.get("Content-Type", "")
            if "json" in kind and "ndjson" not in kind and content:
                content = json.loads(content)
            return response.status, response.headers, content
        finally:
            connection.close()

    def get(self, site, path, persona=None, **kwargs):
        """GET that must succeed; returns the body."""
        status, _, body = self.rest(site, "GET", path, persona=persona, **kwargs)
        assert status == 200, f"GET {path} at {site} as {persona}: {status} {body!r:.1000}"
        return body

    def post(self, site, path, body=None, persona=None, **kwargs):
        """POST that must succeed; returns the body."""
        status, _, answer = self.rest(site, "POST", path, body={} if body is None else body, persona=persona, **kwargs)
        assert status in (200, 201, 202), f"POST {path} at {site} as {persona}: {status} {answer!r:.1000}"
        return answer

    def answering(self, site):
        """The datasets from which a node answers just now; None when their budget is spent."""
        question = {"meta": {"apiVersion": "2.0"}, "query": {
            "filters": [{"id": "NCIT:C16576"}], "requestedGranularity": "record", "includeResultsetResponses": "ALL"}}
        status, _, body = self.rest(site, "POST", "/beacon/v2/individuals", body=question)
        assert status in (200, 429), f"datasets of {site}: {status} {body!r:.1000}"
        return {dataset["id"] for dataset in body["response"]["resultSets"]} if status == 200 else None

    wait_until = staticmethod(wait_until)
