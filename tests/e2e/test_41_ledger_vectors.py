# SPDX-License-Identifier: Apache-2.0
"""`genofed ledger build`, `root`, `check-proofs`, `fsck` and `verify` on every published vector, without any site."""

import base64
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from federation import genofed


@pytest.fixture(scope="module")
def vectors():
    if not os.environ.get("GENOFED_SHARED_DIR"):
        pytest.skip("needs GENOFED_SHARED_DIR: specs/ledger")
    return pathlib.Path(os.environ["GENOFED_SHARED_DIR"]) / "specs" / "ledger"


def rows(file):
    return [line.split("\t") for line in file.read_text().splitlines() if line and not line.startswith("#")]


def ledger(*args, code=0, **kwargs):
    done = genofed("ledger", *args, **kwargs)
    assert done.returncode == code, done
    return done.stdout


def write(path, leaves):
    path.write_bytes(b"".join(leaf + b"\n" for leaf in leaves))
    return path


def counting(size):
    """The leaves of tree-513.tsv and of the cosigned vectors."""
    return [f"entry-{i}".encode() for i in range(size)]


def in_base64(digest):
    return base64.b64encode(bytes.fromhex(digest)).decode()


def judge(cases):
    """{name: verdict} as check-proofs gives them."""
    out = ledger("check-proofs", input="".join(json.dumps(case) + "\n" for case in cases))
    return {line["name"]: line["verdict"] for line in map(json.loads, out.splitlines())}


def test_every_reference_proof_is_accepted_or_refused_as_stated(vectors, figures):
    cases = {str(file.relative_to(vectors)): json.loads(file.read_text()) for file in sorted(vectors.glob("merkle-testdata/testdata/**/*.json"))}
    assert {name.split("/")[2] for name in cases} == {"consistency", "inclusion", "subtreeconsistency", "subtreeinclusion"}
    verdicts = judge([dict(case, name=name) for name, case in cases.items()])
    assert verdicts == {name: "refuse" if case["wantErr"] else "accept" for name, case in cases.items()}
    refused = list(verdicts.values()).count("refuse")
    assert (len(verdicts), refused) == (518, 482), "as many as PROVENANCE.md names"
    figures.append(f"ledger: {len(verdicts)} reference proofs judged by the command, {refused} of them refused as stated")


def test_the_roots_of_the_vectors_come_out(vectors, tmp_path):
    """All small ones, and around every border; of RFC 6962's all, whose leaves are any bytes."""
    trees = {"tree-513.tsv": counting(513)}
    trees["rfc6962-vectors.tsv"] = [bytes.fromhex((row + [""])[2]) for row in rows(vectors / "rfc6962-vectors.tsv") if row[0] == "leaf_input"]
    for name, leaves in trees.items():
        file = write(tmp_path / name, leaves)
        expected = {int(row[1]): row[2] for row in rows(vectors / name) if row[0] == "root"}
        assert sorted(expected) == list(range(len(leaves) + 1))
        sizes = [size for size in expected if size <= 33 or size % 32 in (31, 0, 1) or size % 61 == 0]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            shown = list(pool.map(lambda size: ledger("root", "--leaves", file, "--size", size), sizes))  # noqa: B023
        assert shown == [f"size {size}\nroot {expected[size]}\n" for size in sizes]
        ledger("root", "--leaves", file, "--size", len(leaves) + 1, code=2)


def test_every_proof_of_the_vectors_is_accepted_and_none_that_was_changed(vectors):
    found = rows(vectors / "tree-513.tsv")
    root = {int(row[1]): in_base64(row[2]) for row in found if row[0] == "root"}
    cases, expected = [], {}

    def case(verdict, name, **fields):
        cases.append(dict(fields, name=name))
        expected[name] = verdict
    for kind, args, proof in ((row[0], row[1], (row + [""])[2].split()) for row in found if row[0] != "root"):
        first, second = map(int, args.split(","))
        proof = [in_base64(digest) for digest in proof]
        if kind == "inclusion":
            leaf = base64.b64encode(hashlib.sha256(b"\0" + counting(513)[first]).digest()).decode()
            good = {"leafIdx": first, "treeSize": second, "root": root[second], "leafHash": leaf, "proof": proof}
            bad = {"another index": {"leafIdx": second}, "another leaf": {"leafHash": root[513]}, "another root": {"root": root[second - 1]}}
        else:
            good = {"size1": first, "size2": second, "root1": root[first], "root2": root[second], "proof": proof}
            bad = {"another end": {"root2": root[second - 1]}, "another beginning": {"root1": root[first - 1]}}
        bad["one more"] = {"proof": [*proof, root[0]]}
        if proof:
            bad |= {"one less": {"proof": proof[:-1]}, "another first": {"proof": [root[0], *proof[1:]]}}
        case("accept", f"{kind} {args}", **good)
        for what, change in bad.items():
            case("refuse", f"{kind} {args}, {what}", **(good | change))
    assert len(cases) > 100 and judge(cases) == expected


def test_the_golden_log_is_built_file_by_file(vectors, tmp_path):
    """Tessera's own files of each of fifteen sizes; its signed checkpoints verify."""
    golden = vectors / "tessera-golden-log" / "log"
    bundle, leaves = (golden / "tile/entries/000.p/15").read_bytes(), []
    while bundle:
        length = 2 + int.from_bytes(bundle[:2], "big")
        leaves.append(bundle[2:length])
        bundle = bundle[length:]
    key = tmp_path / "key"
    key.write_text("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx\n")
    for size in range(16):
        out = tmp_path / f"log-{size}"
        built = ledger("build", "--leaves", write(tmp_path / "leaves", leaves[:size]), "--out", out)
        checkpoint = (golden / f"checkpoint.{size}").read_text()
        root = base64.b64decode(checkpoint.splitlines()[2]).hex()
        assert built == f"size {size}\nroot {root}\n"
        files = {str(file.relative_to(out)): file.read_bytes() for file in out.rglob("*") if file.is_file()}
        assert files == {path: (golden / path).read_bytes() for path in (f"tile/0/000.p/{size}", f"tile/entries/000.p/{size}") if size}
        (out / "checkpoint").write_text(checkpoint)
        assert json.loads(ledger("fsck", out, "--key", key, "--json"))["ok"]
    # What another size's checkpoint signs is not there.
    (tmp_path / "log-14" / "checkpoint").write_text((golden / "checkpoint.13").read_text().replace("\n13\n", "\n14\n"))
    ledger("fsck", tmp_path / "log-14", "--key", key, code=3)


def test_the_tiles_of_a_log_are_where_the_layout_says(vectors, tmp_path):
    """Of tile-paths.tsv what a log of some entries has; the rest is of logs that fill disks."""
    checked, logs = 0, {}
    for kind, level, index, number, path in rows(vectors / "tile-paths.tsv"):
        index, number = int(index), int(number)
        if index > 255 and kind != "entries_for_seq" or number > 512:
            continue
        if kind == "entries_for_seq":
            size = number
        else:  # the smallest log that has this tile, of this width
            size = (index * 256 + (number or 256)) * 256 ** (int(level) if kind == "tile" else 0)
        if size not in logs:
            logs[size] = tmp_path / f"log-{size}"
            ledger("build", "--leaves", write(tmp_path / "leaves", counting(size)), "--out", logs[size])
        assert (logs[size] / path).is_file(), (kind, level, index, number)
        checked += 1
    assert checked == 13, "all but three"


def test_a_signed_log_is_the_cosigned_one_but_for_the_witness(vectors, tmp_path):
    """Ed25519 signatures are the same whoever makes them."""
    signing = tmp_path / "log.pem"
    signing.write_bytes(Ed25519PrivateKey.from_private_bytes(bytes(range(32))).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    readme = (vectors / "cosigned" / "README.txt").read_text()
    keys = {}
    for name, pattern in (("log", r"^log vkey: (\S+)"), ("witness", r"^witness vkey .*: (\S+)")):
        keys[name] = tmp_path / name
        keys[name].write_text(re.search(pattern, readme, re.M)[1])
    out = tmp_path / "signed"
    ledger("build", "--leaves", write(tmp_path / "leaves", counting(300)), "--out", out, "--signing-key", signing, "--origin",
           "node.fi.example/ledger")
    *own, witness = (vectors / "cosigned" / "checkpoint").read_text().splitlines(keepends=True)
    assert (out / "checkpoint").read_text() == "".join(own) and "hub.example/witness" in witness
    assert ledger("prove", out, "--key", keys["log"], "--index", 256, "--save-entry", tmp_path / "entry")
    assert (tmp_path / "entry").read_bytes() == b"entry-256"
    witness_key = keys["witness"].read_text()
    check = ("verify", vectors / "cosigned" / "entry-256.tlog-proof", "--entry", tmp_path / "entry", "--key", keys["log"], "--witnesses", 1)
    ledger(*check, "--witness-key", witness_key)
    ledger(*check, code=3)
