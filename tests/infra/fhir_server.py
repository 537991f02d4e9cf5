# SPDX-License-Identifier: Apache-2.0
"""Medplum's FHIR server (tests/infra/fhir-server) in a process of its own, for tests of the connector."""

import http.client
import json
import pathlib
import shutil
import socket
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent / "fhir-server"


def installed():
    return shutil.which("node") is not None and (HERE / "node_modules" / "@medplum" / "fhir-router").exists()


class FhirServer:
    def __init__(self, token):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.token = token
        self.url = f"http://127.0.0.1:{self.port}/fhir"
        self._process = None

    def __enter__(self):
        self._process = subprocess.Popen(["node", "server.mjs", str(self.port), self.token], cwd=HERE, stdout=subprocess.PIPE,
                                         text=True)
        end = time.monotonic() + 60  # it reads the whole specification first
        while "listening" not in self._process.stdout.readline():
            assert self._process.poll() is None and time.monotonic() < end, "the FHIR server did not start"
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(10)

    def _send(self, method, path, resource=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body=json.dumps(resource) if resource else None,
                               headers={"Content-Type": "application/fhir+json", "Authorization": f"Bearer {self.token}"})
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"{}")
        finally:
            connection.close()

    def put(self, resource):
        """Creates or replaces a resource by its id."""
        status, answer = self._send("PUT", f"/fhir/{resource['resourceType']}/{resource['id']}", resource)
        assert status in (200, 201), answer
        return answer

    def served(self):
        """How many requests it has answered, these of this class among them."""
        return self._send("GET", "/served")[1]["served"]
