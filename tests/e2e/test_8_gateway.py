# SPDX-License-Identifier: Apache-2.0
"""The gateway as programs and people meet it, the command's help, TLS, and what it all weighs."""

import json
import socket
import ssl
import urllib.parse

import pytest

import federation


@pytest.mark.parametrize("site", ["hub", "fi"])
def test_the_api_is_documented_for_programs_and_people(fed, listed, site):
    status, headers, document = fed.rest(site, "GET", "/openapi.json")
    assert status == 200 and document["openapi"].startswith("3."), headers
    paths = document["paths"]
    for path in ("/api/v1/datasets", "/beacon/v2/g_variants", "/ga4gh/wes/v1/service-info"):
        assert path in paths, sorted(paths)
    assert ("/api/v1/applications" in paths) == (site == "hub")
    assert ("/api/v1/reviews" in paths) == (site == "fi")
    status, headers, page = fed.rest(site, "GET", "/docs")
    assert status == 200 and headers["Content-Type"].startswith("text/html")
    assert b"/api/v1/datasets" in page and b"<script src=\"http" not in page, "nothing is loaded from elsewhere"
    assert "default-src" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("site, path, artifact", [
    ("hub", "/beacon/v2/service-info", "beacon"), ("fi", "/beacon/v2/service-info", "beacon"),
    ("hub", "/ga4gh/wes/v1/service-info", "wes"), ("fi", "/ga4gh/wes/v1/service-info", "wes"),
    ("fi", "/ga4gh/tes/v1/service-info", "tes"), ("fi", "/ga4gh/drs/v1/service-info", "drs"),
])
def test_every_ga4gh_api_says_what_it_is(fed, listed, site, path, artifact):
    info = fed.get(site, path)
    assert info["type"]["artifact"] == artifact and info["type"]["group"] == "org.ga4gh"
    for member in ("id", "name", "version", "organization"):
        assert info[member], member


@pytest.mark.parametrize("path", ["/", "/info", "/configuration", "/entry_types", "/map", "/filtering_terms", "/datasets"])
def test_beacon_describes_itself(fed, listed, path):
    answer = fed.get("hub", "/beacon/v2" + path)
    assert answer["meta"]["apiVersion"].startswith("v2"), answer["meta"]
    assert answer["meta"]["beaconId"]


def problem(fed, site, method, path, status, **kwargs):
    given, headers, body = fed.rest(site, method, path, **kwargs)
    assert given == status, f"{method} {path}: {given} {body!r:.500}"
    assert headers["Content-Type"].startswith("application/problem+json"), headers["Content-Type"]
    assert body["status"] == status and body["title"] and body["trace_id"], body
    return body


def test_every_error_is_a_problem_document(fed, listed):
    problem(fed, "hub", "GET", "/api/v1/nothing", 404)
    problem(fed, "hub", "DELETE", "/api/v1/datasets", 405)
    problem(fed, "hub", "GET", "/api/v1/me", 401)
    problem(fed, "fi", "GET", "/api/v1/me", 401, persona="researcher")
    problem(fed, "hub", "GET", "/api/v1/datasets?page_size=many", 400)
    as_researcher = {"persona": "researcher", "headers": {"Content-Type": "application/json"}}
    problem(fed, "hub", "POST", "/api/v1/applications", 400, body=b"{", **as_researcher)
    unknown = problem(fed, "hub", "POST", "/api/v1/applications", 400, body=b'{"contents": {}}', **as_researcher)
    assert "contents" in json.dumps(unknown), "the field is named"
    incomplete = problem(fed, "hub", "POST", "/api/v1/applications", 400, body=b'{"content": {"title": "t"}}', **as_researcher)
    assert {e["field"] for e in incomplete["errors"]} >= {"content.purpose", "content.datasets"}
    problem(fed, "hub", "POST", "/api/v1/applications", 413, body=b" " * ((1 << 20) + 1), **as_researcher)
    problem(fed, "hub", "POST", "/api/v1/applications", 415, body=b"<a/>", persona="researcher",
            headers={"Content-Type": "application/xml"})


def test_ga4gh_errors_have_the_form_of_their_standard(fed, listed):
    status, _, body = fed.rest("hub", "GET", "/ga4gh/wes/v1/runs/run-unknown", persona="researcher")
    assert status == 404 and body["status_code"] == 404 and body["msg"]
    status, _, body = fed.rest("hub", "GET", "/beacon/v2/unknown")
    assert status == 404 and body["error"]["errorCode"] == 404


def test_me_tells_who_i_am_here(fed, listed):
    me = fed.get("fi", "/api/v1/me", persona="dac_fi")
    assert me["subject"] == "dac_fi" and "dac" in me["roles"]
    assert fed.get("hub", "/api/v1/site")["role"]


def test_the_command_explains_itself():
    done = federation.genofed("--help")
    assert done.returncode == 0 and "Examples:" in done.stdout and "genofed up" in done.stdout
    for command in ("up", "onboard", "query individuals", "run submit", "ledger verify", "token", "synth"):
        done = federation.genofed(*command.split(), "--help")
        assert done.returncode == 0 and len(done.stdout) > 100, command
    assert federation.genofed("no-such-command").returncode == 2


def handshake(address, ca_file, version):
    host, port = address
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ca_file)
    context.check_hostname = False
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    with socket.create_connection((host, port), timeout=5) as plain, context.wrap_socket(plain) as secure:
        return secure.version()


def test_nothing_speaks_tls_older_than_1_3(fed, listed):
    for site in ["hub", *fed.nodes]:
        entry = fed.site(site)
        url = urllib.parse.urlsplit(entry["rest"])
        addresses = {"rest": (url.hostname, url.port)}
        for service, where in entry["services"].items():
            if service == "gateway":  # its listener is REST
                continue
            host, port = where["grpc"].rsplit(":", 1)
            addresses[service] = (host, int(port))
        for name, address in addresses.items():
            with pytest.raises((ssl.SSLError, ConnectionError)):
                handshake(address, fed.ca_file, ssl.TLSVersion.TLSv1_2)
            assert handshake(address, fed.ca_file, ssl.TLSVersion.TLSv1_3) == "TLSv1.3", (site, name)


def test_the_idle_federation_fits_into_one_and_a_half_gigabytes(site_fed, figures):
    memory = site_fed.idle_memory
    total = sum(memory.values())
    parts = ", ".join(f"{name} {size >> 20}" for name, size in sorted(memory.items()))
    figures.append(f"idle federation (hub, 2 nodes, 3 databases, OpenID provider), PSS and swap: {total >> 20} MiB ({parts})")
    assert total < 1_500_000_000
