# SPDX-License-Identifier: Apache-2.0
"""Validates Beacon documents against the official schemas (../shared/specs/beacon-v2) with python3-jsonschema."""

import json
import pathlib
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import jsonschema

UPSTREAM = "https://raw.githubusercontent.com/ga4gh-beacon/beacon-v2/main/"
VRS = "https://w3id.org/ga4gh/schema/vrs/1.3/vrs.json"
RESPONSES = "framework/json/responses/"
MODELS = "models/json/beacon-v2-default-model/"
MODEL_OF = {"analysis": "analyses", "biosample": "biosamples", "cohort": "cohorts", "dataset": "datasets",
            "genomicVariant": "genomicVariations", "individual": "individuals", "run": "runs"}
RESPONSE_OF = {"boolean": "beaconBooleanResponse.json", "count": "beaconCountResponse.json"}


class Schemas:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self._validators = {}

    def _load(self, uri):
        path = self.root / "external/vrs-1.3.json" if uri.startswith(VRS) else self.root / uri.removeprefix(UPSTREAM).removeprefix("file://")
        return json.loads(path.read_text())

    def _validator(self, path):
        if path not in self._validators:
            schema = self._load(path)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                resolver = jsonschema.RefResolver(UPSTREAM + path, schema, handlers={"https": self._load})
                self._validators[path] = jsonschema.Draft202012Validator(schema, resolver=resolver, format_checker=jsonschema.FormatChecker())
        return self._validators[path]

    def check(self, path, document):
        """Raises AssertionError with the first violations."""
        problems = [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in self._validator(path).iter_errors(document)]
        assert not problems, f"{path}: {problems[:5]}"

    def check_answer(self, answer):
        """An answer to a query: its envelope by the granularity that was returned, and every record by its model."""
        granularity = answer["meta"]["returnedGranularity"]
        entity = answer["meta"]["returnedSchemas"][0]["entityType"]
        collection = entity in ("dataset", "cohort")
        self.check(RESPONSES + (RESPONSE_OF.get(granularity) or ("beaconCollectionsResponse.json" if collection else "beaconResultsetsResponse.json")), answer)
        records = list(answer.get("response", {}).get("collections", []))
        for result_set in answer.get("response", {}).get("resultSets", []):
            records += result_set.get("results", [])
        for record in records:
            self.check(f"{MODELS}{MODEL_OF[entity]}/defaultSchema.json", record)

    def check_error(self, answer):
        self.check(RESPONSES + "beaconErrorResponse.json", answer)
