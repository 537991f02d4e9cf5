# SPDX-License-Identifier: Apache-2.0
"""What is true of a synthetic cohort, read from its files with bcftools: the other side of every check of the demo."""

import json
import pathlib
import subprocess

AF, SLQ, SEC = ("PERMISSION_ALLELE_FREQUENCY", "PERMISSION_SUBJECT_LEVEL_QUERY", "PERMISSION_SECONDARY_USE")
CODES = {"AF": AF, "SLQ": SLQ, "SEC": SEC}
FULL = {AF, SLQ, SEC}


def bcftools(*args):
    return subprocess.run(["bcftools", *map(str, args)], check=True, capture_output=True, text=True).stdout


class Cohort:
    """A folder that `genofed synth` wrote."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.vcf = self.folder / "cohort.vcf.gz"
        self.truth = json.loads((self.folder / "truth.json").read_text())
        self.people = [json.loads(f.read_text()) for f in sorted((self.folder / "phenopackets").glob("*.json"))]
        self.person_of = {p["biosamples"][0]["id"]: p["subject"]["id"] for p in self.people}
        self.sample_of = {person: sample for sample, person in self.person_of.items()}
        self.permissions = {p["subject"]["id"]: set() for p in self.people}
        for entry in json.loads((self.folder / "consents.fhir-r4.json").read_text())["entry"]:
            consent = entry["resource"]
            if consent["status"] == "active":
                codes = [p["code"][0]["coding"][0]["code"] for p in consent["provision"]["provision"]]
                self.permissions[consent["patient"]["identifier"]["value"]] = {CODES[code] for code in codes}
        first = self.truth["planted"][0]
        self.planted = dict(first, variant=f"{first['chrom']}:{first['pos']}:{first['ref']}:{first['alt']}")
        carriers = self.carriers(self.planted["variant"])
        # The citizen of the story permits everything and carries the planted variant; the other one permits nothing.
        self.citizen = next(p for p in sorted(self.permissions) if self.permissions[p] == FULL and p in carriers)
        self.excluded = self.truth["demo_citizens"]["no_consent"]["person"]

    def permitted(self, code):
        return {person for person, permissions in self.permissions.items() if CODES[code] in permissions}

    def with_permission(self):
        return {person for person, permissions in self.permissions.items() if permissions}

    def without_consent(self):
        return set(self.permissions) - self.with_permission()

    def with_term(self, term, sex=None):
        """People who have the term, and not as excluded."""
        return {p["subject"]["id"] for p in self.people if (sex is None or p["subject"]["sex"] == sex) and any(
            f["type"]["id"] == term and not f.get("excluded") for f in p.get("phenotypicFeatures", []))}

    def samples_file(self, people, path):
        path.write_text("".join(f"{self.sample_of[p]}\n" for p in sorted(people)))
        return path

    def carriers(self, variant):
        """People with at least one copy, of a variant CHROM:POS:REF:ALT."""
        chrom, pos, ref, alt = variant.split(":")
        found = set()
        for line in bcftools("query", "-r", f"{chrom}:{pos}-{pos}", "-f", "%POS\t%REF\t%ALT[\t%SAMPLE=%GT]\n", self.vcf).splitlines():
            at, reference, alternatives, *calls = line.split("\t")
            if (at, reference) != (pos, ref) or alt not in alternatives.split(","):
                continue
            number = str(alternatives.split(",").index(alt) + 1)
            for call in calls:
                sample, genotype = call.split("=")
                if number in genotype.replace("|", "/").split("/"):
                    found.add(self.person_of[sample])
        return found

    def rare(self, permission, most):
        """Variants with one ALT, of which there are `most` copies or one less among permitted people."""
        samples = self.samples_file(self.permitted(permission), self.folder.parent / f"{self.folder.name}.samples")
        view = subprocess.Popen(["bcftools", "view", "-S", samples, "-c", str(most - 1), "-C", str(most), "-M2", "-Ou", self.vcf], stdout=subprocess.PIPE)
        text = subprocess.run(["bcftools", "query", "-f", "%CHROM:%POS:%REF:%ALT\n"], stdin=view.stdout, check=True,
                              capture_output=True, text=True).stdout
        view.wait()
        return [line for line in text.splitlines() if line.startswith("chr20:")]


def pooled_counts(cohorts, term, work):
    """The case-control table of all cohorts together, as if there were one file: genotypes merged, then counted.

    {(chrom, pos, ref, alt): (case_ac, case_an, control_ac, control_an, case_carriers, control_carriers)}
    """
    work.mkdir(parents=True, exist_ok=True)
    parts, groups = [], []
    for cohort in cohorts:
        name = cohort.folder.name
        people = cohort.permitted("SEC")
        samples = cohort.samples_file(people, work / f"{name}.samples")
        part = work / f"{name}.bcf"
        bcftools("view", "-S", samples, "-Ob", "-o", part, cohort.vcf)
        bcftools("index", "-f", part)
        parts.append(part)
        cases = cohort.with_term(term)
        groups += [f"{cohort.sample_of[p]}\t{'case' if p in cases else 'control'}\n" for p in sorted(people)]
    (work / "groups.tsv").write_text("".join(groups))
    merged, tagged = work / "merged.bcf", work / "tagged.bcf"
    if len(parts) > 1:
        bcftools("merge", "-m", "none", "-Ob", "-o", merged, *parts)
    else:
        merged = parts[0]
    bcftools("+fill-tags", merged, "-Ob", "-o", tagged, "--", "-S", work / "groups.tsv", "-t", "AC,AN,AC_Het,AC_Hom,AC_Hemi")
    fields = [f"{tag}_{group}" for group in ("case", "control") for tag in ("AC", "AN", "AC_Het", "AC_Hom", "AC_Hemi")]
    text = bcftools("query", "-f", "%CHROM\t%POS\t%REF\t%ALT" + "".join(f"\t%{f}" for f in fields) + "\n", tagged)
    table = {}
    for line in text.splitlines():
        chrom, pos, ref, alts, *values = line.split("\t")
        for i, alt in enumerate(alts.split(",")):
            def number(field):
                cells = values[fields.index(field)].split(",")
                return int(cells[i] if len(cells) > 1 else cells[0])
            carriers = [number(f"AC_Het_{g}") + number(f"AC_Hom_{g}") // 2 + number(f"AC_Hemi_{g}") for g in ("case", "control")]
            row = (number("AC_case"), number("AN_case"), number("AC_control"), number("AN_control"), *carriers)
            key = (chrom.removeprefix("chr"), pos, ref, alt)
            table[key] = tuple(x + y for x, y in zip(table.get(key, (0,) * 6), row))
    return table
