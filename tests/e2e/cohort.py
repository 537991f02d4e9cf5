# SPDX-License-Identifier: Apache-2.0
"""What a cohort truly holds, computed from its files with bcftools and nothing of genofed.

The rules that are restated here, so that the tests compare two independent computations:
  - alleles are trimmed to their differing bases, and of records that repeat an allele the first counts;
  - AF permits allele counts, SLQ queries about people, SEC analyses;
  - an analysis sees no allele that nobody in its cohort carries, and the airlock leaves out rows in which a count, or the rest of a
    part, may stand for 1 to the minimum - 1 people: two alleles may be one person's.
"""

import functools
import gzip
import json
import pathlib
import re
import subprocess

MINIMUM = 5
HPO = pathlib.Path(__file__).parents[2] / "data" / "ontologies" / "hpo.tsv.gz"
ALLELE_COLUMNS = ["ac", "an"]
CASE_COLUMNS = ["case_ac", "case_an", "control_ac", "control_an", "case_carriers", "control_carriers"]
PARTS = {"ac": "an", "case_ac": "case_an", "control_ac": "control_an"}


def permissions_of(bundle):
    """Person identifier to the set of codes that their active consents permit."""
    permitted = {}
    for entry in bundle["entry"]:
        consent = entry["resource"]
        codes = {coding["code"] for provision in consent.get("provision", {}).get("provision", [])
                 if provision.get("type") == "permit"
                 for code in provision.get("code", []) for coding in code.get("coding", [])}
        if consent["status"] == "active":
            permitted.setdefault(consent["patient"]["identifier"]["value"], set()).update(codes)
    return {person: codes for person, codes in permitted.items() if codes}


def trimmed(pos, ref, alt):
    """The shared last bases, then the shared first bases of an allele removed."""
    while len(ref) > 1 and len(alt) > 1 and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    while len(ref) > 1 and len(alt) > 1 and ref[0] == alt[0]:
        pos, ref, alt = pos + 1, ref[1:], alt[1:]
    return pos, ref, alt


@functools.cache
def hpo_parents():
    rows = (line.rstrip("\n").split("\t") for line in gzip.open(HPO, "rt", encoding="utf-8") if line.startswith("HP:"))
    return {row[0]: row[5].split("|") if row[5] else [] for row in rows}


@functools.cache
def kinds(term):
    """The term and all that it is a kind of."""
    return {term}.union(*(kinds(parent) for parent in hpo_parents().get(term, [])))


def years(subject):
    """Completed years, of "P43Y6M"."""
    age = subject.get("timeAtLastEncounter", {}).get("age", {}).get("iso8601duration", "")
    found = re.fullmatch(r"P(\d+)Y.*", age)
    return int(found[1]) if found else None


class Cohort:
    """A folder as `genofed synth` writes it. `permissions` follows what citizens change during the tests."""

    def __init__(self, folder, country, dataset, assembly="GRCh38"):
        self.folder = pathlib.Path(folder)
        self.country, self.dataset, self.assembly = country, dataset, assembly
        self.site = country.lower()
        self.holder, self.ncp, self.dac = f"holder_{self.site}", f"ncp_{self.site}", f"dac_{self.site}"
        self.citizen = f"citizen_{self.site}"
        self.vcf = self.folder / "cohort.vcf.gz"
        self.permissions = permissions_of(json.loads((self.folder / "consents.fhir-r4.json").read_text()))
        self.people = {}  # person: {"sample", "sex", "terms"}
        for file in sorted((self.folder / "phenopackets").glob("*.json")):
            packet = json.loads(file.read_text())
            self.people[packet["subject"]["id"]] = {
                "sample": packet["biosamples"][0]["id"],
                "sex": packet["subject"].get("sex", "UNKNOWN_SEX"),
                "age": years(packet["subject"]),
                "terms": {feature["type"]["id"] for feature in packet.get("phenotypicFeatures", [])
                          if not feature.get("excluded")},
            }
        truth = self.folder / "truth.json"
        self.truth = json.loads(truth.read_text()) if truth.exists() else {}
        self.included = {person for person in self.people if self.permissions.get(person)}
        self._records = None

    def permitting(self, code):
        """Who was onboarded and permits this now."""
        return {person for person in self.included if code in self.permissions.get(person, ())}

    @property
    def records(self):
        """[(chrom, pos, ref, alts, {sample: [allele or None, ...]})] as bcftools reads them."""
        if self._records is None:
            samples = [person["sample"] for person in self.people.values()]
            text = subprocess.run(["bcftools", "query", "-s", ",".join(samples), "-f", "%CHROM\t%POS\t%REF\t%ALT[\t%GT]\n",
                                   self.vcf], check=True, capture_output=True, text=True).stdout
            parsed = {}  # there are few different genotypes
            self._records = []
            for line in text.splitlines():
                chrom, pos, ref, alt, *genotypes = line.split("\t")
                for gt in set(genotypes) - parsed.keys():
                    parsed[gt] = [None if allele == "." else int(allele) for allele in gt.replace("|", "/").split("/")]
                calls = {sample: parsed[gt] for sample, gt in zip(samples, genotypes, strict=True)}
                self._records.append((chrom, int(pos), ref, alt.split(","), calls))
        return self._records

    def variants(self):
        """Variants that are simple to ask for: one alternative allele, one base each."""
        return [(chrom, pos, ref, alts[0]) for chrom, pos, ref, alts, _ in self.records
                if len(alts) == 1 and len(ref) == len(alts[0]) == 1 and alts[0] in "ACGT"]

    def carriers(self, variant, people):
        """How many of the people carry a variant of variants()."""
        chrom, pos, ref, alt = variant
        calls = next(calls for c, p, r, a, calls in self.records if (c, p, r, a) == (chrom, pos, ref, [alt]))
        return sum(1 for person in people if 1 in calls[self.people[person]["sample"]])

    def with_filters(self, people, terms=(), sex=None):
        """Those who have each term, or a kind of it, and this sex."""
        def has(person):
            return set(terms) <= set().union(*(kinds(term) for term in self.people[person]["terms"]))
        return {person for person in people if has(person) and (sex is None or self.people[person]["sex"] == sex)}

    def counts(self, case_term):
        """{(chrom, pos, ref, alt): {column: count}} over everybody who permits analyses, before the airlock."""
        people = self.permitting("SEC")
        cases = {self.people[p]["sample"] for p in people if case_term in self.people[p]["terms"]}
        controls = {self.people[p]["sample"] for p in people} - cases
        rows = {}
        for chrom, pos, ref, alts, calls in self.records:
            called = {group: [a for s in samples for a in calls[s] if a is not None]
                      for group, samples in (("case", cases), ("control", controls))}
            if not called["case"] and not called["control"]:
                continue
            for index, alt in enumerate(alts, 1):
                if not set(alt) <= set("ACGTNacgtn"):
                    continue
                row = {}
                for group, samples in (("case", cases), ("control", controls)):
                    row[f"{group}_ac"] = called[group].count(index)
                    row[f"{group}_an"] = len(called[group])
                    row[f"{group}_carriers"] = sum(1 for s in samples if index in calls[s])
                row["ac"], row["an"] = row["case_ac"] + row["control_ac"], row["case_an"] + row["control_an"]
                if row["ac"] == 0:
                    continue
                rows.setdefault((chrom, *trimmed(pos, ref, alt)), row)
        return rows


def is_small(row, columns, minimum=MINIMUM):
    """Whether the airlock leaves out this row of a table with these columns."""
    def people(column, value):
        return value if column.endswith("carriers") else (value + 1) // 2
    small = [people(column, row[column]) for column in columns] + [people(c, row[PARTS[c]] - row[c]) for c in columns if c in PARTS]
    return any(0 < value < minimum for value in small)


def combined(counts_by_site, columns, minimum=MINIMUM):
    """The table the hub should give: {key: {columns..., "nodes"}}."""
    table = {}
    for counts in counts_by_site.values():
        for key, row in counts.items():
            if is_small(row, columns, minimum):
                continue
            entry = table.setdefault(key, {**dict.fromkeys(columns, 0), "nodes": 0})
            entry["nodes"] += 1
            for column in columns:
                entry[column] += row[column]
    return table


def read_table(text, columns):
    """A combined table as the hub gave it, in the form of combined()."""
    header, *lines = text.splitlines()
    names = header.split("\t")
    assert names[:4] == ["chrom", "pos", "ref", "alt"], header
    table = {}
    for line in lines:
        row = dict(zip(names, line.split("\t"), strict=True))
        key = (row["chrom"], int(row["pos"]), row["ref"], row["alt"])
        assert key not in table, f"{key} twice"
        table[key] = {column: int(row[column]) for column in [*columns, "nodes"]}
    return table
