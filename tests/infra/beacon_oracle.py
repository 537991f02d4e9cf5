# SPDX-License-Identifier: Apache-2.0
"""What a Beacon must answer from a data folder, worked out record by record and without any index.

Independent of genofed: it reads the folder's JSON files and the words of the Beacon v2 specification, nothing else.
"""

import json
import pathlib
import re

FILES = {"analyses": "analyses", "biosamples": "biosamples", "cohorts": "cohorts", "datasets": "datasets",
         "g_variants": "genomicVariations", "individuals": "individuals", "runs": "runs"}
SCOPES = {"analysis": "analyses", "biosample": "biosamples", "cohort": "cohorts", "dataset": "datasets",
          "genomicVariant": "g_variants", "individual": "individuals", "run": "runs"}
COLLECTIONS = ("cohorts", "datasets")
# NCBI: version of the accession of chromosome n in GRCh38 (GCF_000001405.26) and GRCh37 (GCF_000001405.13).
GRCH38 = dict(zip(range(1, 25), (11, 12, 12, 12, 10, 12, 14, 11, 12, 11, 10, 12, 11, 9, 10, 10, 11, 10, 10, 11, 9, 11, 11, 10)))
GRCH37 = dict(zip(range(1, 25), (10, 11, 11, 11, 9, 11, 13, 10, 11, 10, 9, 11, 10, 8, 9, 9, 10, 9, 9, 10, 8, 10, 10, 9)))
THREE = dict(Ala="A", Arg="R", Asn="N", Asp="D", Cys="C", Gln="Q", Glu="E", Gly="G", His="H", Ile="I", Leu="L", Lys="K",
             Met="M", Phe="F", Pro="P", Ser="S", Thr="T", Trp="W", Tyr="Y", Val="V", Ter="*")
SIMILAR = {"exact": 0, "high": 1, "medium": 2, "low": 3}


def contig(name):
    """("3", "GRCh38") of a sequence's name; None for an assembly that the name does not tell."""
    name = name.removeprefix("refseq:")
    if name.startswith("HGVSid:"):
        return name.split(":")[1], None
    accession = re.fullmatch(r"NC_0000(\d\d)\.(\d+)(:.*)?", name)
    if accession:
        number, version = int(accession[1]), int(accession[2])
        letters = {23: "X", 24: "Y"}.get(number, str(number))
        return letters, "GRCh38" if GRCH38[number] == version else "GRCh37" if GRCH37[number] == version else None
    return name.removeprefix("chr"), None


def values(record, path):
    """Every value at a dotted path, through lists."""
    found = [record]
    for part in path.split("."):
        found = [one for value in found for one in (value if isinstance(value, list) else [value])]
        found = [value[part] for value in found if isinstance(value, dict) and part in value]
    return [one for value in found for one in (value if isinstance(value, list) else [value])]


def terms(record):
    """Identifiers of ontology terms that apply to a record: a feature that was excluded is not there."""
    out = set()

    def walk(value, top):
        if isinstance(value, list):
            for one in value:
                walk(one, False)
        elif isinstance(value, dict) and value.get("excluded") is not True:
            if not top and isinstance(value.get("id"), str) and ":" in value["id"]:
                out.add(value["id"])
            for one in value.values():
                walk(one, False)

    walk(record, True)
    return out


def months(text):
    match = re.fullmatch(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?", text) if isinstance(text, str) else None
    if not match or text == "P":
        return None
    years, month, weeks, days = (int(part or 0) for part in match.groups())
    return years * 12 + month + (weeks * 7 + days) / 30.436875


def compare(have, operator, want):
    if months(want) is not None:
        have, want = months(have), months(want)
        if have is None:
            return False
    elif isinstance(have, (int, float)):
        want = float(want)
    else:
        pattern = ".*".join(re.escape(part) for part in want.split("%"))
        if operator in ("=", "!"):
            return re.fullmatch(pattern, str(have), re.I | re.S) is not None
        have, want = str(have), want
    return {"=": have == want, "!": have == want, "<": have < want, ">": have > want, "<=": have <= want, ">=": have >= want}[operator]


def one_letter(change):
    change = change.split(":")[-1].removeprefix("p.").strip("()")
    return re.sub("|".join(THREE), lambda match: THREE[match[0]], change)


CODES = dict(A="A", C="C", G="G", T="T", N="ACGT", R="AG", Y="CT", S="CG", W="AT", K="GT", M="AC", B="CGT", D="AGT", H="ACT", V="ACG")


def bases_match(pattern, bases):
    return len(pattern) == len(bases) and all(base in CODES[code] for code, base in zip(pattern.upper(), bases.upper()))


class Folder:
    def __init__(self, path):
        path = pathlib.Path(path)
        self.tables = {entry: json.loads((path / f"{file}.json").read_text()) for entry, file in FILES.items()}
        ontology = path / "ontology.json"
        self.children = json.loads(ontology.read_text()) if ontology.exists() else {}
        self.datasets = [dataset["id"] for dataset in self.tables["datasets"]]

    @staticmethod
    def id(entry, record):
        return record["variantInternalId" if entry == "g_variants" else "id"]

    # Links ---------------------------------------------------------------------------------------------------------

    def links(self, entry, record):
        """(kind, id) pairs that a record names or is, within its dataset."""
        if entry == "individuals":
            return {("individual", record["id"])}
        if entry == "g_variants":
            return {pair for case in record.get("caseLevelData", [])
                    for pair in (("individual", case.get("individualId")), ("biosample", case.get("biosampleId"))) if pair[1]}
        out = {("individual", record.get("individualId")), ("biosample", record.get("biosampleId")), ("run", record.get("runId"))}
        out.add(({"biosamples": "biosample", "runs": "run", "analyses": "analysis"}[entry], record["id"]))
        return {pair for pair in out if pair[1]}

    def related(self, entry, record, other, candidate):
        """Whether `candidate` of `other` belongs to `record` of `entry`."""
        one = record["id"] if entry == "datasets" else record.get("datasetId")
        two = candidate["id"] if other == "datasets" else candidate.get("datasetId")
        if one != two:
            return False
        if entry in COLLECTIONS or other in COLLECTIONS:
            return True
        if entry == other:
            return self.id(entry, record) == self.id(other, candidate)
        mine, theirs = self.links(entry, record), self.links(other, candidate)
        kinds = {entry, other}
        if "individuals" in kinds:
            kind = "individual"
        elif kinds == {"runs", "analyses"}:
            kind = "run"
        else:
            kind = "biosample"
        return bool({pair for pair in mine if pair[0] == kind} & theirs)

    # Conditions ----------------------------------------------------------------------------------------------------

    def expand(self, term, descendants, similarity):
        out, frontier = {term}, [term]
        while descendants and frontier:
            frontier = [child for one in frontier for child in self.children.get(one, []) if child not in out]
            out.update(frontier)
        near, frontier = {term}, {term}
        for _ in range(SIMILAR[similarity]):
            frontier = {child for one in frontier for child in self.children.get(one, [])} | {
                parent for parent, children in self.children.items() if set(children) & frontier}
            near |= frontier
        return out | near

    def matches(self, flt, record):
        if isinstance(flt, str):
            flt = {"id": flt}
        if "operator" in flt:
            have = values(record, flt["id"])
            if flt["id"].startswith("LOINC:"):
                have = [measure["measurementValue"]["value"] for measure in record.get("measures", []) if measure["assayCode"]["id"] == flt["id"]]
            if flt["id"] == "age":
                have = values(record, "diseases.ageOfOnset.iso8601duration")
            held = any(compare(one, flt["operator"], str(flt["value"])) for one in have)
            return bool(have) and not held if flt["operator"] == "!" else held
        wanted = self.expand(flt["id"], flt.get("includeDescendantTerms", True), flt.get("similarity", "exact"))
        return bool(wanted & terms(record))

    def filtered(self, filters, entry, record):
        """Filters without a scope look at the record itself; those with another scope at what belongs to it."""
        by_scope = {}
        for flt in filters:
            group = flt if isinstance(flt, list) else [flt]
            scope = next((SCOPES[one["scope"]] for one in group if isinstance(one, dict) and "scope" in one), entry)
            by_scope.setdefault(scope, []).append(group)
        for scope, groups in by_scope.items():
            candidates = [record] if scope == entry else [one for one in self.tables[scope] if self.related(entry, record, scope, one)]
            if not any(all(any(self.matches(flt, one) for flt in group) for group in groups) for one in candidates):
                return False
        return True

    def variant(self, query, record):
        variation = record["variation"]
        interval = variation["location"]["interval"]
        start, end = interval["start"]["value"], interval["end"]["value"]
        ref, alt = variation.get("referenceBases", ""), variation.get("alternateBases", "")
        chromosome, assembly = contig(variation["location"]["sequence_id"])
        hgvs = record.get("identifiers", {}).get("genomicHGVSId")
        assembly = assembly or (contig(hgvs)[1] if hgvs else None)
        if "referenceName" in query:
            name, named = contig(query["referenceName"])
            named = named or {"hg38": "GRCh38", "hg19": "GRCh37"}.get(query.get("assemblyId"), query.get("assemblyId"))
            if name != chromosome or (named and assembly and not named.startswith(assembly)):
                return False
        starts, ends = query.get("start", []), query.get("end", [])
        if len(starts) == 2:
            if not (starts[0] <= start < starts[1] and ends[0] <= end < ends[1]):
                return False
        elif ends:
            if not (start < ends[0] and end > starts[0]):
                return False
        elif starts and start != starts[0]:
            return False
        attributes = record.get("molecularAttributes", {})
        length = max(len(ref), len(alt))
        checks = {
            "referenceBases": lambda value: bases_match(value, ref),
            "alternateBases": lambda value: bases_match(value, alt),
            "variantType": lambda value: value == variation["variantType"],
            "variantMinLength": lambda value: length >= value,
            "variantMaxLength": lambda value: length <= value,
            "geneId": lambda value: value in attributes.get("geneIds", []),
            "aminoacidChange": lambda value: value in [one_letter(change) for change in attributes.get("aminoacidChanges", [])] + attributes.get("aminoacidChanges", []),
            "genomicAlleleShortForm": lambda value: value == hgvs,
        }
        return all(check(query[name]) for name, check in checks.items() if name in query)

    # Answers -------------------------------------------------------------------------------------------------------

    def select(self, entry, parameters=None, filters=(), parent=None, one=None):
        """Records of `entry` in the folder's order. `parent`: (entry, id); `one`: an id."""
        out = []
        for record in self.tables[entry]:
            if one is not None and self.id(entry, record) != one:
                continue
            if parent and not any(self.id(parent[0], other) == parent[1] and self.related(parent[0], other, entry, record)
                                  for other in self.tables[parent[0]]):
                continue
            if parameters:
                carried = [record] if entry == "g_variants" else [
                    variant for variant in self.tables["g_variants"] if self.related(entry, record, "g_variants", variant)]
                if not any(self.variant(parameters, variant) for variant in carried):
                    continue
            if not self.filtered(filters, entry, record):
                continue
            out.append(record)
        return out

    def by_dataset(self, records):
        return {dataset: [record for record in records if record.get("datasetId") == dataset] for dataset in self.datasets}
