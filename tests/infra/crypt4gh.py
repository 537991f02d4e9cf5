# SPDX-License-Identifier: Apache-2.0
"""Reads Crypt4GH files, independently of genofed: the specification, python3-cryptography and the standard library."""

import hashlib
import struct

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SEGMENT = 65536


def new_key():
    """(private key, 32 bytes of its public key)."""
    key = X25519PrivateKey.generate()
    return key, key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def split(file):
    """(payloads of the header, as (length with its length field, method, rest), offset of the body)."""
    magic, version, count = struct.unpack_from("<8sII", file)
    assert (magic, version) == (b"crypt4gh", 1)
    packets, at = [], 16
    for _ in range(count):
        length, method = struct.unpack_from("<II", file, at)
        packets.append((method, file[at + 8:at + length]))
        at += length
    return packets, at


def open_header(file, key):
    """(data keys, edit list or None, offset of the body); AssertionError when nothing in it is for this key."""
    own = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    packets, body = split(file)
    keys, edits = [], None
    for method, packet in packets:
        assert method == 0
        writer, nonce, sealed = packet[:32], packet[32:44], packet[44:]
        shared = key.exchange(X25519PublicKey.from_public_bytes(writer))
        secret = hashlib.blake2b(shared + own + writer).digest()[:32]
        try:
            payload = ChaCha20Poly1305(secret).decrypt(nonce, sealed, None)
        except Exception:  # for somebody else
            continue
        kind, word = struct.unpack_from("<II", payload)
        if kind == 0:
            keys.append(payload[8:40])
        else:
            assert kind == 1 and edits is None
            edits = list(struct.unpack_from(f"<{word}Q", payload, 8))
    assert keys, "nothing in the header is for this key"
    return keys, edits, body


def decrypt(file, key):
    keys, edits, at = open_header(file, key)
    cipher = ChaCha20Poly1305(keys[0])
    clear = b"".join(cipher.decrypt(file[i:i + 12], file[i + 12:i + SEGMENT + 28], None)
                     for i in range(at, len(file), SEGMENT + 28))
    if not edits:
        return clear
    kept, at = [], 0
    for index, length in enumerate(edits):
        if index % 2:
            kept.append(clear[at:at + length])
        at += length
    if len(edits) % 2:
        kept.append(clear[at:])
    return b"".join(kept)
