#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares beacon_probe with the brute-force oracle: compare.py PROBE FOLDER...

Every kind of variant query, filter and way between entry types, with values taken from the folder; thousands of requests.
"""

import json
import pathlib
import random
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tests" / "infra"))

from beacon_oracle import COLLECTIONS, FILES, Folder  # noqa: E402

ROUNDS = 3


def variant_queries(folder, rng):
    """Sequence, range, bracket, gene, amino-acid change and HGVS queries around variants of the folder."""
    record = rng.choice(folder.tables["g_variants"])
    variation = record["variation"]
    interval = variation["location"]["interval"]
    start, end = interval["start"]["value"], interval["end"]["value"]
    ref, alt = variation["referenceBases"], variation["alternateBases"]
    hgvs = record["identifiers"]["genomicHGVSId"] if "identifiers" in record else None
    sequence = variation["location"]["sequence_id"]
    name = sequence if sequence.startswith("refseq:") else "refseq:" + hgvs.split(":")[0]
    bare = {"23": "X", "24": "Y"}.get(str(int(name[10:16])), str(int(name[10:16])))
    names = [{"referenceName": name}, {"referenceName": name[7:]}, {"referenceName": "chr" + bare}, {"referenceName": bare},
             {"referenceName": bare, "assemblyId": "GRCh38"}, {"referenceName": bare, "assemblyId": "hg38"},
             {"referenceName": bare, "assemblyId": "GRCh37"}, {"referenceName": bare, "assemblyId": "hg19"}]
    place = rng.choice(names)
    wild = "".join(rng.choice([base, base, "N"]) for base in alt)
    yield {**place, "start": [start], "alternateBases": alt}
    yield {**place, "start": [start], "referenceBases": ref, "alternateBases": alt}
    yield {**place, "start": [start], "referenceBases": "N" * len(ref), "alternateBases": wild}
    yield {**place, "start": [start + 1], "alternateBases": alt}
    low, high = start - rng.choice([0, 1, 50, 5000]), end + rng.choice([0, 1, 50, 5000])
    yield {**place, "start": [low], "end": [high]}
    yield {**place, "start": [start - 1], "end": [start]}
    yield {**place, "start": [end], "end": [end + 1]}
    yield {**place, "start": [low], "end": [high], "variantType": rng.choice(["SNP", "DEL", "INS", "MNP", "INDEL"])}
    yield {**place, "start": [low], "end": [high], "alternateBases": rng.choice(["A", "N", "NN", alt])}
    yield {**place, "start": [low], "end": [high], "variantMinLength": rng.choice([1, 2, 4]), "variantMaxLength": rng.choice([4, 10, 40])}
    yield {**place, "start": [low, start + 1], "end": [end, high + 1]}
    yield {**place, "start": [start, start + 1], "end": [end, end + 1]}
    yield {**place, "start": [low, start], "end": [end, high + 1]}
    genes = record.get("molecularAttributes", {}).get("geneIds", [])
    for gene in genes:
        yield {"geneId": gene}
        yield {"geneId": gene, "variantType": variation["variantType"]}
        yield {"geneId": gene, "variantMinLength": 2}
    for change in record.get("molecularAttributes", {}).get("aminoacidChanges", []):
        yield {"aminoacidChange": change}
        yield {"aminoacidChange": change, **({"geneId": genes[0]} if genes else {})}
    if hgvs:
        yield {"genomicAlleleShortForm": hgvs}
    yield {"geneId": "NO-SUCH-GENE"}


# What people ask of each entry type: terms, numbers, ages, texts.
FIELDS = {
    "individuals": ["sex.label", "ethnicity.label", "karyotypicSex", "diseases.diseaseCode.label", "geographicOrigin.label"],
    "biosamples": ["sampleOriginType.label", "biosampleStatus.label", "collectionDate"],
    "runs": ["libraryStrategy", "libraryLayout", "platform", "runDate", "platformModel.label"],
    "analyses": ["aligner", "pipelineName", "variantCaller", "analysisDate"],
    "g_variants": ["molecularAttributes.molecularEffects.label", "variation.variantType"],
}
SCOPE_NAMES = {"individuals": "individual", "biosamples": "biosample", "runs": "run", "analyses": "analysis", "g_variants": "genomicVariant"}


def some_filter(folder, entry, rng):
    from beacon_oracle import terms, values
    record = rng.choice(folder.tables[entry])
    kind = rng.choice(["term", "term", "parent", "text", "wildcard", "order", "age", "number", "not"])
    found = sorted(terms(record))
    if kind == "term" and found:
        return {"id": rng.choice(found), **rng.choice([{}, {"includeDescendantTerms": False}, {"similarity": rng.choice(["high", "medium", "low"])}])}
    # A term that no record of the type has would be looked for in other types.
    parents = [term for term in sorted(folder.children) if any(folder.expand(term, True, "exact") & terms(one) for one in folder.tables[entry])]
    if kind == "parent" and parents:
        return {"id": rng.choice(parents)}
    if kind == "age" and entry == "individuals":
        field = rng.choice(["age", "diseases.ageOfOnset.iso8601duration"])
        if field == "diseases.ageOfOnset.iso8601duration" or folder.children:
            return {"id": field, "operator": rng.choice(["<", ">", "<=", ">=", "="]), "value": f"P{rng.randint(1, 90)}Y"}
    if kind == "number" and entry == "individuals" and folder.children:
        return {"id": "LOINC:39156-5", "operator": rng.choice(["<", ">", "<=", ">="]), "value": str(rng.randint(18, 40))}
    field = rng.choice(FIELDS[entry])
    have = [value for value in values(record, field) if isinstance(value, str)]
    if not have:
        return {"id": "HP:9999999"}
    value = rng.choice(have)
    if kind == "wildcard":
        return {"id": field, "operator": "=", "value": rng.choice([value[:2] + "%", "%" + value[-2:], "%" + value[1:3] + "%"])}
    if kind == "order" and "Date" in field:
        return {"id": field, "operator": rng.choice(["<", ">", "<=", ">="]), "value": value}
    return {"id": field, "operator": "!" if kind == "not" else "=", "value": value}


def requests(folder, rng):
    records = [entry for entry in FILES if entry not in COLLECTIONS]
    for entry in records:
        for parameters in variant_queries(folder, rng):
            yield entry, None, None, parameters, []
            nested = rng.random() < 0.5
            if nested:
                yield entry, None, None, parameters, [some_filter(folder, entry, rng)]
        yield entry, None, None, None, []
        for _ in range(6):
            own = [some_filter(folder, entry, rng) for _ in range(rng.randint(1, 2))]
            yield entry, None, None, None, own
            other = rng.choice(records)
            yield entry, None, None, None, [{**some_filter(folder, other, rng), "scope": SCOPE_NAMES[other]}]
            group = [some_filter(folder, entry, rng) for _ in range(2)]
            yield entry, None, None, None, [group, some_filter(folder, entry, rng)]
    for parent in FILES:
        record = rng.choice(folder.tables[parent])
        for entry in FILES:
            one = folder.id(parent, record)
            yield entry, (parent, one) if entry != parent else None, one, None, []
            if entry in records:
                yield entry, (parent, one) if entry != parent else None, one, None, [some_filter(folder, entry, rng)]


def main(probe, paths):
    total = nonempty = 0
    for path in paths:
        folder = Folder(path)
        rng = random.Random(20261129)
        with subprocess.Popen([probe, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            for _ in range(ROUNDS):
                for entry, parent, one, parameters, filters in requests(folder, rng):
                    line = {"entry": entry, "body": {"meta": {"apiVersion": "v2.2.0"}, "query": {"filters": filters, "requestParameters": parameters}}}
                    if one is not None:
                        line["id"] = one
                    if parent:
                        line["parent"] = parent[0]
                    process.stdin.write(json.dumps(line) + "\n")
                    process.stdin.flush()
                    answer = json.loads(process.stdout.readline())
                    expected = folder.select(entry, parameters, filters, parent, None if parent else one)
                    if entry in COLLECTIONS:
                        ids = [record["id"] for record in expected]
                        wanted = {"": ids} if ids else {}
                    else:
                        wanted = {dataset: [folder.id(entry, record) for record in found] for dataset, found in folder.by_dataset(expected).items()}
                    if answer.get("sets") != wanted:
                        print(f"{path}: {json.dumps(line)}\n  expected {wanted}\n  answered {answer}"[:4000])
                        return 1
                    total += 1
                    nonempty += bool(expected)
            process.stdin.close()
    print(f"{total} requests answered as the oracle does, {nonempty} of them with records")
    return 0 if nonempty > total / 4 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
