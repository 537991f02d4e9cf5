# SPDX-License-Identifier: Apache-2.0
"""Signs tokens (ES256) with keys of a development federation, with the openssl command and the standard library."""

import base64
import hashlib
import json
import os
import pathlib
import subprocess
import tempfile
import time
import uuid


def replace(file, text):
    """Writes a file so that readers see the old content or the new."""
    beside = file.with_name(file.name + ".new")
    beside.write_text(text)
    beside.chmod(file.stat().st_mode if file.exists() else 0o644)
    os.replace(beside, file)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims_of(token):
    """The claims of a JWS, not verified."""
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def public_jwk(pem):
    """The public JWK of a P-256 private key (PEM), its kid being the RFC 7638 thumbprint."""
    der = subprocess.run(["openssl", "pkey", "-pubout", "-outform", "DER"], input=pem.encode(), capture_output=True,
                         check=True).stdout
    point = der[-64:]
    jwk = {"crv": "P-256", "kty": "EC", "x": b64(point[:32]), "y": b64(point[32:])}
    thumbprint = hashlib.sha256(json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode()).digest()
    return {**jwk, "alg": "ES256", "use": "sig", "kid": b64(thumbprint)}


def new_key():
    """A fresh private key in PKCS#8 PEM."""
    return subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
                          capture_output=True, check=True, text=True).stdout


def _fixed(der):
    """A DER signature as r || s."""
    def integer(at):
        size = der[at + 1]
        return int.from_bytes(der[at + 2:at + 2 + size], "big"), at + 2 + size
    r, at = integer(2)
    s, _ = integer(at)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def sign(pem, typ, claims, **more):
    """`more` goes into the header."""
    header = {"alg": "ES256", "typ": typ, "kid": public_jwk(pem)["kid"], **more}
    signed = ".".join(b64(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    return f"{signed}.{signature(pem, signed)}"


def signature(pem, signed):
    """ES256 over text, in base64url."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as key:
        key.write(pem)
        key.flush()
        der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key.name], input=signed.encode(),
                             capture_output=True, check=True).stdout
    return b64(_fixed(der))


def access_token(fed, subject, sites, lifetime=3600, **more):
    """An access token of the federation's login service for any person and sites."""
    pem = pathlib.Path(fed.var / "idp" / "signing-key.pem").read_text()
    now = int(time.time())
    return sign(pem, "at+jwt", {"iss": fed.document["oidc"]["issuer"], "sub": subject, "client_id": "test",
                                "scope": "openid", "iat": now, "exp": now + lifetime, "jti": str(uuid.uuid4()),
                                "aud": [f"urn:genofed:site:{site}" for site in sites], **more})
