# SPDX-License-Identifier: Apache-2.0
"""Signing in: browsers with sessions, the command with the device flow, and tokens bound to keys.

A federation of its own: Finland with sessions of eight hours, the hub with sessions of two seconds.
"""

import base64
import hashlib
import html
import http.cookiejar
import json
import os
import re
import secrets
import ssl
import stat
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

import federation
from federation import GENOFED, Federation, wait_until
from test_7_hostile_hub import Attacker

SESSION = "__Host-genofed-session"
LOGIN = "__Host-genofed-login"


@pytest.fixture(scope="module")
def fed(workspace):
    with Federation(workspace / "var-login", nodes="FI", layout="site",
                    sets=["hub:gateway.session_lifetime=2s"]) as running:
        yield running


class Page:
    def __init__(self, status, headers, body, url):
        self.status, self.headers, self.body, self.url = status, headers, body, url

    @property
    def reason(self):
        return self.headers.get("Genofed-Reason", "")

    @property
    def location(self):
        return urllib.parse.urljoin(self.url, self.headers["Location"]) if self.headers["Location"] else None

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.reason} {self.headers['Location'] or ''} {self.body:.600}"


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Browser:
    """Keeps cookies and follows nothing by itself."""

    def __init__(self, fed):
        self.jar = http.cookiejar.CookieJar()
        context = ssl.create_default_context(cafile=fed.ca_file)
        self.opener = urllib.request.build_opener(NoRedirect(), urllib.request.HTTPSHandler(context=context),
                                                  urllib.request.HTTPCookieProcessor(self.jar))

    def ask(self, method, url, form=None, headers=None, body=None):
        if form is not None:
            body = urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
        try:
            answer = self.opener.open(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return Page(answer.status, answer.headers, answer.read().decode(), url)

    def get(self, url, **kwargs):
        return self.ask("GET", url, **kwargs)

    def cookie(self, name):
        return next((cookie.value for cookie in self.jar if cookie.name == name), None)

    def follow(self, page, stop):
        """Redirects up to (and not to) an address that begins with `stop`, or a page."""
        while page.status in (302, 303) and not page.location.startswith(stop):
            page = self.get(page.location)
        return page

    def submit(self, page, **fields):
        """The form of a page, with its hidden fields and these."""
        action = urllib.parse.urljoin(page.url, html.unescape(re.search(r'<form[^>]*action="([^"]*)"', page.body)[1]))
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page.body))
        return self.ask("POST", action, form={**hidden, **fields})

    def to_callback(self, base, persona, return_to=None, change=lambda url: url):
        """From /login through the provider; returns the address it leads back to."""
        query = "?" + urllib.parse.urlencode({"return_to": return_to}) if return_to else ""
        begun = self.get(f"{base}/login{query}")
        assert begun.status == 302, begun
        page = self.follow(self.get(change(begun.location)), base)
        assert "Choose a persona" in page.body, page
        page = self.follow(self.submit(page, persona=persona), base)
        assert page.location and page.location.startswith(f"{base}/callback?"), page
        return page.location

    def sign_in(self, base, persona, return_to=None):
        page = self.get(self.to_callback(base, persona, return_to))
        assert page.status == 303, page
        return page

    def session(self, base):
        return self.get(f"{base}/api/v1/session")


def base_of(fed, site="fi"):
    return fed.site(site)["rest"]


@pytest.fixture
def browser(fed):
    return Browser(fed)


def submission():
    dataset = {"id": f"GOE-FI-LOGIN-{secrets.randbelow(10**9)}", "title": "t", "description": "d", "publisher": "p",
               "contact_email": "a@b.example", "data_use": ["DUO:0000042"], "assembly": "GRCh38"}
    return json.dumps({"dataset": dataset, "idempotency_key": secrets.token_hex(8)}).encode()


JSON = {"Content-Type": "application/json"}


# Browsers ----------------------------------------------------------------------------------------------------------------


def test_a_browser_signs_in_reads_changes_and_signs_out(fed, browser):
    base = base_of(fed)
    assert browser.session(base).status == 401
    done = browser.sign_in(base, "holder_fi", "/api/v1/datasets?page_size=5")
    assert done.location == f"{base}/api/v1/datasets?page_size=5"
    lines = done.headers.get_all("Set-Cookie")
    made = next(line for line in lines if line.startswith(SESSION + "="))
    for attribute in ("Path=/", "Secure", "HttpOnly", "SameSite=Lax"):
        assert f"; {attribute}" in made, made
    assert "Domain" not in made and len(made.split(";")[0]) <= 4096
    assert any(line.startswith(f"{LOGIN}=; Max-Age=0") for line in lines), lines
    assert browser.cookie(LOGIN) is None

    who = browser.session(base)
    assert who.status == 200 and who.headers["Cache-Control"] == "no-store", who
    assert "holder" in who.json["roles"] and who.json["csrf_token"] and who.json["expires"].endswith("Z")
    assert browser.get(done.location).status == 200
    url, csrf = f"{base}/api/v1/submissions", who.json["csrf_token"]
    assert browser.get(url).status == 200, "the session is good for services"
    for headers in ({}, {"X-CSRF-Token": "x"}, {"X-CSRF-Token": csrf, "Origin": "https://evil.example"},
                    {"X-CSRF-Token": csrf, "Origin": "null"}, {"Origin": base}):
        refused = browser.ask("POST", url, body=submission(), headers={**JSON, **headers})
        assert (refused.status, refused.reason) == (403, "CSRF_REFUSED"), (headers, refused)
    for headers in ({"X-CSRF-Token": csrf}, {"X-CSRF-Token": csrf, "Origin": base}):
        accepted = browser.ask("POST", url, body=submission(), headers={**JSON, **headers})
        assert accepted.status == 200, (headers, accepted)

    copy = {"Cookie": f"{SESSION}={browser.cookie(SESSION)}"}
    assert fed.rest("fi", "GET", "/api/v1/me", headers=copy)[0] == 200
    assert browser.ask("POST", f"{base}/logout").reason == "CSRF_REFUSED"
    out = browser.ask("POST", f"{base}/logout", headers={"X-CSRF-Token": csrf})
    assert out.status == 200 and out.json["end_session_url"].startswith(fed.document["oidc"]["issuer"]), out
    assert browser.cookie(SESSION) is None
    status, headers, _ = fed.rest("fi", "GET", "/api/v1/me", headers=copy)
    assert (status, headers["Genofed-Reason"]) == (401, "SESSION_ENDED"), "a copy of the cookie is useless, too"
    # The provider forgets the person as well, and leads back.
    page = browser.get(out.json["end_session_url"])
    assert browser.submit(page, logout="yes").location == f"{base}/"


def test_a_session_is_for_one_site_and_unchanged(fed, browser):
    browser.sign_in(base_of(fed), "dac_fi")
    value = browser.cookie(SESSION)
    ask = lambda site, cookie: fed.rest(site, "GET", "/api/v1/me", headers={"Cookie": f"{SESSION}={cookie}"})
    assert ask("fi", value)[0] == 200
    for broken in (value[:-1] + ("A" if value[-1] != "A" else "B"), value[:40] + value[41:], value[1:], "", "x" * 5000):
        status, headers, body = ask("fi", broken)
        assert status == 401 and headers["Set-Cookie"].startswith(f"{SESSION}=; Max-Age=0"), body
    assert ask("hub", value)[0] == 401, "another site has another key"
    status, headers, _ = fed.rest("fi", "GET", "/api/v1/site", headers={"Cookie": f"{SESSION}=x"})
    assert status == 200 and headers["Set-Cookie"].startswith(f"{SESSION}=; Max-Age=0")
    status, headers, _ = fed.rest("fi", "GET", "/api/v1/me", persona="dac_fi", headers={"Cookie": f"{SESSION}={value}"})
    assert (status, headers["Genofed-Reason"]) == (400, "CREDENTIALS_AMBIGUOUS")


def test_a_session_ends_when_its_time_is_over(fed, browser):
    base = base_of(fed, "hub")
    browser.sign_in(base, "researcher")
    copy = {"Cookie": f"{SESSION}={browser.cookie(SESSION)}"}
    end = time.monotonic() + 2
    assert fed.rest("hub", "GET", "/api/v1/me", headers=copy)[0] == 200
    wait_until(lambda: fed.rest("hub", "GET", "/api/v1/me", headers=copy)[0] == 401, 10, "the session to end")
    assert time.monotonic() >= end - 0.5


def test_an_answer_belongs_to_the_login_that_asked(fed, browser):
    base = base_of(fed)
    callback = browser.to_callback(base, "dac_fi")
    pending = {"Cookie": f"{LOGIN}={browser.cookie(LOGIN)}"}
    other = Browser(fed)
    assert other.get(callback).reason == "LOGIN_UNKNOWN", "somebody else's browser"
    wrong = re.sub(r"state=[^&]*", "state=" + "A" * 43, callback)
    page = browser.get(wrong)
    assert (page.status, page.reason) == (400, "LOGIN_UNKNOWN") and page.headers["Content-Type"].startswith("text/html")
    assert browser.get(callback).reason == "LOGIN_UNKNOWN", "a failed answer ends the login"
    path = callback[len(base):]
    status, headers, _ = fed.rest("fi", "GET", path, headers=pending)
    assert status == 303 and SESSION in "".join(headers.get_all("Set-Cookie"))
    status, headers, _ = fed.rest("fi", "GET", path, headers=pending)
    assert (status, headers["Genofed-Reason"]) == (401, "CODE_REFUSED"), "a code works once"
    assert SESSION not in "".join(headers.get_all("Set-Cookie"))


@pytest.mark.parametrize("parameter, value, reason", [
    ("nonce", "n" * 43, "ID_TOKEN_REFUSED"), ("code_challenge", "c" * 43, "CODE_REFUSED")])
def test_an_answer_to_another_question_is_refused(fed, browser, parameter, value, reason):
    base = base_of(fed)
    change = lambda url: re.sub(rf"([?&]{parameter}=)[^&]*", rf"\g<1>{value}", url)
    page = browser.get(browser.to_callback(base, "dac_fi", change=change))
    assert (page.status, page.reason) == (401, reason) and browser.cookie(SESSION) is None, page


def test_nobody_is_sent_elsewhere(fed, browser):
    base = base_of(fed)
    for target in ("https://evil.example/", "//evil.example", "/\\evil.example", "evil.example", "/a\nb", "javascript:x"):
        page = browser.get(f"{base}/login?" + urllib.parse.urlencode({"return_to": target}))
        assert (page.status, page.reason, page.location) == (400, "RETURN_TO_INVALID", None), target
    assert browser.sign_in(base, "dac_fi").location == f"{base}/"


# The command --------------------------------------------------------------------------------------------------------------


class Person:
    """Somebody with a home directory and the `genofed` command."""

    def __init__(self, fed, home, site="fi"):
        self.fed, self.home, self.site = fed, home, site
        self.environment = {**os.environ, "XDG_CONFIG_HOME": str(home)}

    def command(self, *args):
        return [GENOFED, "--var", self.fed.var, "--site", self.site, *args]

    def run(self, *args):
        return subprocess.run(self.command(*args), capture_output=True, text=True, timeout=60, check=False,
                              env=self.environment)

    def login(self, persona, *args, refuse=False):
        """`genofed login`, while the person opens the page and decides."""
        process = subprocess.Popen(self.command("--json", "login", *args), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, env=self.environment)
        try:
            shown = json.loads(process.stdout.readline())
            browser = Browser(self.fed)
            page = browser.submit(browser.get(shown["verification_uri"]), user_code=shown["user_code"])
            assert shown["user_code"] in page.body and "<script" not in page.body, page
            issuer = self.fed.document["oidc"]["issuer"]
            if refuse:
                browser.submit(page, abort="yes")
            else:
                page = browser.follow(browser.submit(page), "nowhere")
                page = browser.follow(browser.submit(page, persona=persona), "nowhere")
                assert "is signed in" in page.body and page.url.startswith(issuer), page
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
        return process.returncode, out, err

    @property
    def files(self):
        folder = self.home / "genofed"
        return sorted(folder.iterdir()) if folder.exists() else []

    @property
    def token(self):
        return json.loads(next(file for file in self.files if file.suffix == ".json").read_text())["access_token"]


def test_the_command_signs_in_with_a_code(fed, tmp_path):
    person = Person(fed, tmp_path)
    assert person.run("whoami").returncode == 1
    code, out, err = person.login("holder_fi")
    assert code == 0, err
    assert json.loads(out)["subject"] == "holder_fi"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (person.home / "genofed", *person.files)] == [0o700, 0o600]
    assert person.token not in out + err
    who = person.run("--json", "whoami")
    assert json.loads(who.stdout)["roles"] == ["user", "holder"] and not json.loads(who.stdout)["bound_to_key"]
    who = person.run("whoami")
    assert who.returncode == 0 and "holder" in who.stdout and person.token not in who.stdout
    other = person.run("--as", "dac_fi", "--json", "whoami")
    assert json.loads(other.stdout)["subject"] == "dac_fi", "--as goes first"
    person.files[0].chmod(0o644)
    assert "LOGIN_EXPOSED" in person.run("whoami").stderr
    person.files[0].chmod(0o600)
    assert person.run("logout").returncode == 0 and not person.files
    assert person.run("whoami").returncode == 1
    assert "NOT_SIGNED_IN" in person.run("logout").stderr


def test_the_command_says_when_the_sign_in_was_refused(fed, tmp_path):
    person = Person(fed, tmp_path)
    code, _, err = person.login(None, refuse=True)
    assert code == 1 and "LOGIN_REFUSED" in err and not person.files


def test_the_login_commands_explain_themselves():
    for command in ("login", "logout", "whoami"):
        done = federation.genofed(command, "--help")
        assert done.returncode == 0 and "Example" in done.stdout, command


# Tokens bound to keys ------------------------------------------------------------------------------------------------------


def encode(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Key:
    """An ES256 key in a PEM file, used through the openssl command."""

    def __init__(self, pem):
        self.pem = pem
        point = self._openssl("pkey", "-in", pem, "-pubout", "-outform", "DER")[-64:]
        self.jwk = {"crv": "P-256", "kty": "EC", "x": encode(point[:32]), "y": encode(point[32:])}

    @staticmethod
    def make(path):
        Key._openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)
        return Key(path)

    @staticmethod
    def _openssl(*args, data=None):
        return subprocess.run(["openssl", *args], input=data, capture_output=True, check=True).stdout

    def sign(self, data):
        der = self._openssl("dgst", "-sha256", "-sign", self.pem, data=data)
        raw, at = b"", 2
        for _ in range(2):
            size = der[at + 1]
            raw += der[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0")
            at += 2 + size
        return raw

    def proof(self, method, url, token, jwk=None, **claims):
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk or self.jwk}
        claims = {"jti": secrets.token_hex(8), "htm": method, "htu": url, "iat": int(time.time()),
                  "ath": encode(hashlib.sha256(token.encode()).digest()), **claims}
        text = ".".join(encode(json.dumps(part).encode()) for part in (header, claims))
        return f"{text}.{encode(self.sign(text.encode()))}"


def test_a_token_bound_to_a_key_is_useless_without_it(fed, tmp_path):
    person = Person(fed, tmp_path / "home")
    code, out, err = person.login("holder_fi", "--dpop")
    assert code == 0 and json.loads(out)["bound_to_key"], err
    assert [stat.S_IMODE(file.stat().st_mode) for file in person.files] == [0o600, 0o600]
    assert json.loads(person.run("--json", "whoami").stdout)["subject"] == "holder_fi"
    token, pem = person.token, next(file for file in person.files if file.suffix == ".pem")
    owner, thief = Key(pem), Key.make(tmp_path / "thief.pem")
    path = "/api/v1/submissions"
    url = base_of(fed) + path

    def ask(proof=None, scheme="DPoP", method="GET", where=path):
        headers = {"Authorization": f"{scheme} {token}", **({"DPoP": proof} if proof else {})}
        status, answer, _ = fed.rest("fi", method, where, headers=headers)
        return status, answer.get("Genofed-Reason", "")

    good = owner.proof("GET", url, token)
    assert ask(good) == (200, ""), "services accept what the gateway has checked"
    assert ask(good) == (401, "DPOP_PROOF_INVALID"), "replayed"
    assert ask(scheme="Bearer") == (401, "DPOP_PROOF_MISSING"), "stolen"
    assert ask(owner.proof("GET", url, token), scheme="Bearer") == (401, "DPOP_PROOF_MISSING")
    assert ask() == (401, "DPOP_PROOF_MISSING")
    invalid = (401, "DPOP_PROOF_INVALID")
    assert ask(thief.proof("GET", url, token)) == invalid, "another key"
    assert ask(thief.proof("GET", url, token, jwk=owner.jwk)) == invalid, "the owner's key, the thief's signature"
    assert ask(owner.proof("GET", base_of(fed) + "/api/v1/me", token)) == invalid, "another address"
    assert ask(owner.proof("GET", base_of(fed, "hub") + path, token)) == invalid, "another site"
    assert ask(owner.proof("POST", url, token)) == invalid, "another method"
    assert ask(owner.proof("GET", url, "x")) == invalid, "another token"
    assert ask(owner.proof("GET", url, token, iat=int(time.time()) - 120)) == invalid, "old"
    datasets = "/api/v1/datasets"
    assert ask(owner.proof("GET", base_of(fed) + datasets, token), where=datasets + "?page_size=1") == (200, "")
    bearer = fed.token("holder_fi")
    status, headers, _ = fed.rest("fi", "GET", path, headers={"Authorization": f"DPoP {bearer}",
                                                              "DPoP": owner.proof("GET", url, bearer)})
    assert (status, headers["Genofed-Reason"]) == (401, "DPOP_UNEXPECTED"), "a proof for a bearer token"
    assert person.run("logout").returncode == 0 and not person.files


def test_services_take_a_bound_token_from_their_own_site_only(fed, tmp_path, hostile_hub):
    person = Person(fed, tmp_path / "home")
    code, _, err = person.login("holder_fi", "--dpop")
    assert code == 0, err
    stolen = {"bearer": fed.token("holder_fi"), "bound": person.token}
    for name, token in stolen.items():
        (tmp_path / name).write_text(token)
    method = "genofed.discovery.v1.DiscoveryService/ListFilteringTerms"  # which the hub may call
    attempts = Attacker(fed, hostile_hub, "hub").run(["discovery"], "fi", ["discovery"], only=True, requests=[(method, {})],
                                                     tokens=[(name, tmp_path / name) for name in stolen])
    answers = {attempt["token"]: (attempt["status"], attempt["reason"]) for attempt in attempts}
    assert answers["none"][0] == answers["bearer"][0] == "OK", answers
    assert answers["bound"] == ("UNAUTHENTICATED", "TOKEN_REFUSED"), answers
