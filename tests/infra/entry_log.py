# SPDX-License-Identifier: Apache-2.0
"""The files in which a site keeps the entries of its ledger, read and written by their description (services/consent/adapters/entry_group.h) alone."""

import hashlib
import json
import struct

HEAD, ENTRY = struct.Struct("<4sIIIq"), struct.Struct("<IHHqB")


def folder(federation, site):
    return federation.var / site / "data" / "consent" / "ledger"


def _digest(head, entries):
    parts = [head]
    for one in entries:
        parts += [one["names"], hashlib.sha256(b"\0" + one["entry"]).digest()]
    return hashlib.sha256(b"".join(parts)).digest()


def _groups(file):
    """(offset, head, entries) of each whole group."""
    data, at = file.read_bytes(), 0
    while at + HEAD.size + 32 <= len(data):
        head = data[at:at + HEAD.size]
        magic, payload, count, _, first = HEAD.unpack(head)
        end = at + HEAD.size + 32 + payload
        if magic != b"GFE1" or end > len(data):
            return  # somebody is just writing it
        entries, place = [], at + HEAD.size + 32
        for index in range(first, first + count):
            text, caller, key, micros, _ = ENTRY.unpack_from(data, place)
            names = data[place:place + ENTRY.size + caller + key]
            place += len(names)
            entries.append({"index": index, "caller": names[ENTRY.size:ENTRY.size + caller].decode(), "key": names[ENTRY.size + caller:].decode(),
                            "micros": micros, "names": names, "entry": data[place:place + text], "at": place})
            place += text
        if _digest(head, entries) != data[at + HEAD.size:at + HEAD.size + 32]:
            return
        yield at, head, entries
        at = end


def entries(federation, site):
    """All there are, in order: without a gap, or this fails."""
    found = []
    for file in sorted(folder(federation, site).glob("*.entries")):
        assert file.name == f"{len(found):020}.entries", (file, len(found))
        for _, _, group in _groups(file):
            found += group
    assert [one["index"] for one in found] == list(range(len(found)))
    return found


def texts(federation, site):
    return [json.loads(one["entry"]) for one in entries(federation, site)]


def groups(federation, site):
    """How many times something was appended: each was one sync."""
    count = 0
    for file in folder(federation, site).glob("*.entries"):
        with file.open("rb") as data:
            while len(head := data.read(HEAD.size)) == HEAD.size:
                data.seek(32 + HEAD.unpack(head)[1], 1)
                count += 1
    return count


def rewrite(federation, site, index, change):
    """Puts other bytes of the same length in the place of an entry, with a digest that fits: whoever has the machine can do this."""
    for file in sorted(folder(federation, site).glob("*.entries")):
        for at, head, group in _groups(file):
            for one in group:
                if one["index"] == index:
                    was = one["entry"]
                    one["entry"] = change(was)
                    assert len(one["entry"]) == len(was) and one["entry"] != was
                    with file.open("r+b") as out:
                        out.seek(one["at"])
                        out.write(one["entry"])
                        out.seek(at + HEAD.size)
                        out.write(_digest(head, group))
                    return was
    raise AssertionError(f"no entry {index}")
