// SPDX-License-Identifier: Apache-2.0
//
// Verifies a citizen's receipt as docs/api/receipts.md says, sharing no code with genofed: the log's
// signature, witnesses' cosignatures, the entry's inclusion, and the person's bit in the snapshot.
// `verify` uses WebCrypto alone, as a browser has it.
//
//   node verify_receipt.mjs PROOF ENTRY LOG_KEY [WITNESS_KEY...]     files; one line of JSON; 3: not valid
//   node verify_receipt.mjs RECEIPT.json LOG_KEY [WITNESS_KEY...]    of a change of what a person permits
import { webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const subtle = (globalThis.crypto ?? webcrypto).subtle;
const utf8 = new TextEncoder();
const bytesOf = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
const hexOf = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
const same = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);

function concat(...parts) {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) all.set(part, at), (at += part.length);
  return all;
}
const sha256 = async (...parts) => new Uint8Array(await subtle.digest("SHA-256", concat(...parts)));
const leafHash = (data) => sha256([0], data);
const nodeHash = (left, right) => sha256([1], left, right);

function must(holds, what) {
  if (!holds) throw new Error(what);
}

// RFC 9162 section 2.1.3.2.
async function rootFrom(index, size, leaf, path) {
  must(index < size, "the index lies outside of the tree");
  let fn = index, sn = size - 1n, root = leaf;
  for (const hash of path) {
    must(sn !== 0n, "the path is too long");
    if (fn & 1n || fn === sn) {
      root = await nodeHash(hash, root);
      while (!(fn & 1n) && fn !== 0n) (fn >>= 1n), (sn >>= 1n);
    } else {
      root = await nodeHash(root, hash);
    }
    (fn >>= 1n), (sn >>= 1n);
  }
  must(sn === 0n, "the path is too short");
  return root;
}

// c2sp.org/signed-note: "name+hash+base64(type || key)".
async function parseKey(text) {
  const [, name, hash, data] = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)\s*$/.exec(text) ?? [];
  must(name, "not a verifier key");
  const typed = bytesOf(data);
  must(typed.length === 33, "not an Ed25519 key");
  const id = (await sha256(utf8.encode(name + "\n"), typed)).slice(0, 4);
  must(hexOf(id) === hash, "the key's hash is not its own");
  const key = await subtle.importKey("raw", typed.slice(1), { name: "Ed25519" }, false, ["verify"]);
  return { name, id, type: typed[0], key };
}

// Whether the note has a valid signature of this key; a wrong one is an error.
async function signedBy(text, signatures, { name, id, type, key }) {
  for (const line of signatures) {
    const [, signer, data] = /^\u2014 (\S+) ([A-Za-z0-9+/=]+)$/.exec(line) ?? [];
    must(signer, "not a signature line");
    const raw = bytesOf(data);
    if (signer !== name || !same(raw.slice(0, 4), id)) continue;
    let signed = text, signature = raw.slice(4);
    if (type === 4) {  // c2sp.org/tlog-cosignature: with the time of cosigning in front
      const time = new DataView(raw.buffer, 4, 8).getBigUint64(0);
      signed = `cosignature/v1\ntime ${time}\n${text}`;
      signature = raw.slice(12);
    } else {
      must(type === 1, "a type of key that is not known here");
    }
    must(await subtle.verify({ name: "Ed25519" }, key, signature, utf8.encode(signed)), `the signature of ${name} is wrong`);
    return true;
  }
  return false;
}

async function inSnapshot(entry, extra) {
  const { slot, bit, salt, path } = JSON.parse(extra);
  must(Number.isInteger(slot) && (bit === 0 || bit === 1), "slot or bit are no numbers");
  const be32 = new Uint8Array(4);
  new DataView(be32.buffer).setUint32(0, slot);
  const leaf = await leafHash(concat(utf8.encode("m1"), utf8.encode(entry.snapshot), be32, [bit], bytesOf(salt)));
  const root = await rootFrom(BigInt(slot), BigInt(entry.slots), leaf, path.map(bytesOf));
  must(hexOf(root) === entry.snapshot_root, "the bit is not that of the snapshot");
  return bit === 1;
}

export async function verify(proof, entryBytes, logKey, witnessKeys = []) {
  const [head, ...rest] = proof.split("\n\n");
  const note = rest.join("\n\n");
  const lines = head.split("\n");
  must(lines.shift() === "c2sp.org/tlog-proof@v1", "not a tlog-proof");
  const extra = lines[0].startsWith("extra ") ? atob(lines.shift().slice(6)) : undefined;
  const [, index] = /^index (0|[1-9][0-9]*)$/.exec(lines.shift() ?? "") ?? [];
  must(index !== undefined, "no index");

  const at = note.indexOf("\n\n");
  must(at > 0 && note.endsWith("\n"), "not a signed note");
  const text = note.slice(0, at + 1);
  const signatures = note.slice(at + 2, -1).split("\n");
  const [origin, size, root] = text.split("\n");
  const log = await parseKey(logKey);
  must(log.type === 1 && origin === log.name, "the checkpoint is of another log");
  must(await signedBy(text, signatures, log), "the log did not sign the checkpoint");
  const witnesses = [];
  for (const witness of witnessKeys) {
    const key = await parseKey(witness);
    if (await signedBy(text, signatures, key)) witnesses.push(key.name);
  }
  const found = await rootFrom(BigInt(index), BigInt(size), await leafHash(entryBytes), lines.map(bytesOf));
  must(same(found, bytesOf(root)), "the entry is not in the tree of the checkpoint");

  // Without a person's part any entry will do.
  const entry = extra === undefined ? {} : JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(entryBytes));
  const permitted = entry.snapshot ? await inSnapshot(entry, extra) : null;
  // Only these are a use of somebody's data; what was refused used nobody, whoever was in the cohort.
  const isUse = ["run", "access", "release"].includes(entry.kind);
  const used = permitted === null || (!isUse && entry.kind !== "denied") ? null : isUse && permitted;
  return { valid: true, origin, index: Number(index), size: Number(size), witnesses, kind: entry.kind, used };
}

// A receipt in JSON of what was said of a person: by themselves, or with others in a group.
export async function verifyChange(text, logKey, witnessKeys = []) {
  const { checkpoint, entry, group, index, proof } = JSON.parse(text);
  const head = ["c2sp.org/tlog-proof@v1", `index ${index}`, ...proof].join("\n");
  const facts = await verify(`${head}\n\n${checkpoint}`, utf8.encode(entry), logKey, witnessKeys);
  const { commitments, kind } = JSON.parse(entry);
  if (!commitments.group) return { ...facts, kind };
  const key = await subtle.importKey("raw", bytesOf(group.key), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const commitment = new Uint8Array(await subtle.sign("HMAC", key, utf8.encode(group.payload)));
  const root = await rootFrom(BigInt(group.place), BigInt(group.size), await leafHash(commitment), group.path.map(bytesOf));
  must(hexOf(root) === commitments.group, "what is said is not in the group of the entry");
  return { ...facts, kind, said: group.payload };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [first, ...files] = process.argv.slice(2).map((name) => readFileSync(name));
  try {
    const facts = first.toString().startsWith("{")
      ? await verifyChange(first.toString(), files[0].toString(), files.slice(1).map(String))
      : await verify(first.toString(), files[0], files[1].toString(), files.slice(2).map(String));
    console.log(JSON.stringify(facts));
  } catch (error) {
    console.log(JSON.stringify({ valid: false, why: error.message }));
    process.exitCode = 3;
  }
}
