# SPDX-License-Identifier: Apache-2.0
"""A hospital with Bulk Data export and SMART Backend Services (tests/infra/fhir-server/bulk-server.mjs) in a process of its own."""

import http.client
import json
import shutil
import subprocess
import urllib.parse

from fhir_server import HERE


def installed():
    return shutil.which("node") is not None and (HERE / "node_modules" / "fhir-works-on-aws-routing").exists()


def make_key(file, kind):
    """A private key as docs/guides/connect-fhir-server.md makes it ("ES384") or of RSA ("RS384"); returns its public part."""
    algorithm = ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"] if kind == "ES384" else ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
    file.touch(mode=0o600)
    subprocess.run(["openssl", "genpkey", "-quiet", "-out", file, "-algorithm", *algorithm], check=True, capture_output=True)
    return subprocess.run(["openssl", "pkey", "-in", file, "-pubout"], check=True, capture_output=True, text=True).stdout


class BulkDataServer:
    """`clients`: [{"client_id", "kid", "public_key", "scope"}], whom its authorisation service knows."""

    def __init__(self, clients, log):
        self._clients, self._log = clients, log
        self._process = None

    def __enter__(self):
        with open(self._log, "w", encoding="utf-8") as log:
            self._process = subprocess.Popen(["node", "bulk-server.mjs", json.dumps(self._clients)], cwd=HERE, text=True,
                                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        line = self._process.stdout.readline()  # it reads the whole specification first
        assert line, self._log.read_text()
        addresses = json.loads(line)
        self.url, self.files = addresses["fhir"], addresses["files"]
        self._admin = urllib.parse.urlsplit(addresses["admin"])
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(10)
        self._process.stdin.close()
        self._process.stdout.close()

    def _send(self, method, path, body=None):
        connection = http.client.HTTPConnection(self._admin.hostname, self._admin.port, timeout=30)
        try:
            connection.request(method, path, body=json.dumps(body) if body else None)
            response = connection.getresponse()
            answer = json.loads(response.read() or b"{}")
            assert response.status in (200, 201), answer
            return answer
        finally:
            connection.close()

    def put(self, resource):
        """Creates or replaces a resource by its id."""
        return self._send("PUT", f"/fhir/{resource['resourceType']}/{resource['id']}", resource)

    def settings(self, **changed):
        """lifetime, granted, ahead, export_seconds, fail_exports; new_keys=True: of the authorisation service."""
        return self._send("POST", "/settings", changed)

    def seen(self):
        """{"exports": [{"client", "since", "exportType", "groupId", "resources": {type: count}}], "tokens": {client: count}, "refused"}"""
        return self._send("GET", "/seen")
