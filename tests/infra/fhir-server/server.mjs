// SPDX-License-Identifier: Apache-2.0
// Medplum's FHIR router over its repository in memory, behind HTTP: reading, writing and searching are Medplum's; here are
// only the socket, a bearer token and the links to pages.
//
//   node server.mjs PORT [TOKEN]     prints "listening" when it is ready
import { createServer } from 'node:http';
import { handle } from './medplum.mjs';

const [port, token] = process.argv.slice(2);
const base = `http://127.0.0.1:${port}/fhir`;
let served = 0;

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
    const { status, resource } = await handle(request, url);
    if (resource.type === 'searchset') linkPages(resource, url);
    send(status, resource);
  } catch (error) {
    send(500, { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'exception', diagnostics: String(error) }] });
  }
}).listen(Number(port), '127.0.0.1', () => console.log('listening'));
