// SPDX-License-Identifier: Apache-2.0
// A hospital with Bulk Data export and SMART Backend Services. The parts are others':
//
//   authorisation   oidc-provider: client_credentials with private_key_jwt
//   FHIR            the routes of FHIR Works on AWS, which need no AWS: $export with its status, search, read, SMART
//                   configuration. jose verifies tokens with the keys that the authorisation service publishes
//   storage         Medplum's repository
//
// Here are what the routes ask of a storage and of an authorisation, and the place of the exports' files: it has an origin
// of its own and takes no token, as an object store with signed addresses does.
//
//   node bulk-server.mjs '[{"client_id", "kid", "public_key": PEM, "scope"}, ...]'
//
// prints {"fhir", "files", "admin"}, the addresses, when it is ready. `admin` is for tests: PUT and DELETE /fhir/TYPE/ID,
// POST /settings, GET /seen.
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { parseSearchRequest } from '@medplum/core';
import worksInterface from 'fhir-works-on-aws-interface';
import worksRouting from 'fhir-works-on-aws-routing';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import Provider from 'oidc-provider';
import { body, handle, repository } from './medplum.mjs';

const { BASE_R4_RESOURCES, ResourceNotFoundError, TooManyConcurrentExportRequestsError, UnauthorizedError } = worksInterface;
const kTypes = ['Patient', 'Condition', 'Observation', 'Consent', 'Group'];
const kScopes = kTypes.map((type) => `system/${type}.rs`);
const kLinesPerFile = 50;  // a type has several files

const registered = JSON.parse(process.argv[2]);
const settings = {
  lifetime: 300,               // of tokens, in seconds
  granted: kScopes.join(' '),  // what tokens are for, of what was asked
  ahead: 0,                    // seconds by which the FHIR server's clock is ahead of the authorisation service's
  export_seconds: 0.2,
  fail_exports: false,
};
const seen = { exports: [], tokens: {}, refused: 0 };

async function listen() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, origin: `http://127.0.0.1:${server.address().port}` };
}
const [authorisation, fhir, files, admin] = await Promise.all([listen(), listen(), listen(), listen()]);

// Authorisation -----------------------------------------------------------------------------------------------------

function makeProvider() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const provider = new Provider(authorisation.origin, {
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256' }] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    scopes: kScopes,
    clients: registered.map((client) => ({
      client_id: client.client_id,
      scope: client.scope,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      id_token_signed_response_alg: 'ES256',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...createPublicKey(client.public_key).export({ format: 'jwk' }), kid: client.kid, use: 'sig' }] },
    })),
    enabledJWA: { clientAuthSigningAlgValues: ['RS384', 'ES384'] },  // those of SMART
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => fhir.origin,
        getResourceServerInfo: () => ({
          scope: settings.granted, audience: fhir.origin, accessTokenTTL: settings.lifetime, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  });
  provider.on('grant.success', ({ oidc: { client } }) => { seen.tokens[client.clientId] = (seen.tokens[client.clientId] ?? 0) + 1; });
  provider.on('grant.error', (_, error) => { ++seen.refused; console.error(error.error, error.error_description, error.error_detail); });
  return provider.callback();
}
let provider = makeProvider();
authorisation.server.on('request', (request, response) => provider(request, response));

// The types that a token may read and search.
function typesOf(claims) {
  const scopes = (claims.scope ?? '').split(' ').map((scope) => /^system\/(\*|\w+)\.(?:read|\*|c?ru?d?s)$/.exec(scope)?.[1]);
  return scopes.includes('*') ? kTypes : kTypes.filter((type) => scopes.includes(type));
}

const keys = createRemoteJWKSet(new URL('/jwks', authorisation.origin), { cooldownDuration: 0, cacheMaxAge: 0 });
const refuse = async () => { throw new UnauthorizedError('not for a client of this kind'); };
const authorization = {
  async verifyAccessToken({ accessToken, resourceType, bulkDataAuth }) {
    const currentDate = new Date(Date.now() + settings.ahead * 1000);
    const { payload } = await jwtVerify(accessToken, keys, { issuer: authorisation.origin, audience: fhir.origin, currentDate })
      .catch((error) => { throw new UnauthorizedError(error.code); });
    if (!bulkDataAuth && !typesOf(payload).includes(resourceType)) await refuse();
    return payload;
  },
  getAllowedResourceTypesForOperation: async ({ userIdentity }) => typesOf(userIdentity),
  isAccessBulkDataJobAllowed: async ({ userIdentity, jobOwnerId }) => { if (userIdentity.sub !== jobOwnerId) await refuse(); },
  authorizeAndFilterReadResponse: async ({ readResponse }) => readResponse,
  getSearchFilterBasedOnIdentity: async () => [],
  isWriteRequestAuthorized: refuse,
  isBundleRequestAuthorized: refuse,
};

// Search and read ---------------------------------------------------------------------------------------------------

const read = ({ resourceType, id }) => repository.readResource(resourceType, id).catch(() => { throw new ResourceNotFoundError(resourceType, id); });

async function typeSearch({ resourceType, queryParams, baseUrl }) {
  const { entry = [], total } = await repository.search(parseSearchRequest(resourceType, queryParams));
  const count = Number(queryParams._count ?? 20), next = Number(queryParams._offset ?? 0) + count;
  const result = {
    numberOfResults: total,
    entries: entry.map(({ resource }) => ({ fullUrl: `${baseUrl}/${resourceType}/${resource.id}`, resource, search: { mode: 'match' } })),
  };
  if (next < total) result.nextResultUrl = `${baseUrl}/${resourceType}?${new URLSearchParams({ ...queryParams, _offset: next })}`;
  return { result };
}

// Bulk Data export --------------------------------------------------------------------------------------------------

const jobs = new Map(), contents = new Map();

// What an export gives of a type, as the repository has it now.
async function exported(type, { since, members }) {
  const { entry = [] } = await repository.search({ resourceType: type, count: 1_000_000 });
  const whose = (resource) => (type === 'Patient' ? `Patient/${resource.id}` : (resource.subject ?? resource.patient)?.reference);
  return entry.map(({ resource }) => resource).filter((resource) => (
    (!since || new Date(resource.meta.lastUpdated) >= new Date(since)) && (!members || members.has(whose(resource)))));
}

const bulkDataAccess = {
  async initiateExport(request) {
    const running = ({ jobOwnerId, jobStatus }) => jobOwnerId === request.requesterUserId && jobStatus === 'in-progress';
    if ([...jobs.values()].some(running)) throw new TooManyConcurrentExportRequestsError();
    const group = request.groupId && await read({ resourceType: 'Group', id: request.groupId });
    const members = group && new Set(group.member.map(({ entity }) => entity.reference));
    const { since, exportType, groupId } = request;
    const id = randomBytes(16).toString('hex');
    const job = { ...request, jobOwnerId: request.requesterUserId, jobStatus: 'in-progress', requiresAccessToken: false, exportedFileUrls: [], errorArray: [] };
    const record = { client: request.requesterUserId, since, exportType, groupId, resources: {} };
    for (const type of request.type?.split(',') ?? request.allowedResourceTypes) {
      if (!request.allowedResourceTypes.includes(type)) continue;  // silently, as the job of FHIR Works does
      const resources = await exported(type, { since, members });
      record.resources[type] = resources.length;
      for (let at = 0; at < resources.length; at += kLinesPerFile) {
        const path = `/${id}/${type}-${at / kLinesPerFile}.ndjson?signature=${randomBytes(16).toString('hex')}`;
        contents.set(path, resources.slice(at, at + kLinesPerFile).map((resource) => `${JSON.stringify(resource)}\n`).join(''));
        job.exportedFileUrls.push({ type, url: files.origin + path });
      }
    }
    seen.exports.push(record);
    jobs.set(id, job);
    setTimeout(() => {
      if (job.jobStatus !== 'in-progress') return;
      job.jobStatus = settings.fail_exports ? 'failed' : 'completed';
      job.errorMessage = 'told to fail';
    }, settings.export_seconds * 1000);
    return id;
  },
  async getExportStatus(id) {
    if (!jobs.has(id)) throw new ResourceNotFoundError('$export', id);
    return jobs.get(id);
  },
  async cancelExport(id) {
    jobs.get(id).jobStatus = 'canceled';
  },
};

// FHIR --------------------------------------------------------------------------------------------------------------

const fhirVersions = ['4.0.1'];
const { stubs } = worksInterface;
fhir.server.on('request', worksRouting.generateServerlessRouter({
  configVersion: 1,
  productInfo: { orgName: 'Hospital' },
  server: { url: fhir.origin },
  validators: [],
  auth: {
    authorization,
    strategy: {
      service: 'SMART-on-FHIR',
      oauthPolicy: {
        authorizationEndpoint: `${authorisation.origin}/auth`,
        tokenEndpoint: `${authorisation.origin}/token`,
        tokenEndpointAuthMethodsSupported: ['private_key_jwt'],
        tokenEndpointAuthSigningAlgValuesSupported: ['RS384', 'ES384'],
        scopesSupported: kScopes,
        capabilities: ['client-confidential-asymmetric', 'permission-v2'],
      },
    },
  },
  profile: {
    ...stubs,
    fhirVersion: '4.0.1',
    systemOperations: [],
    bulkDataAccess,
    genericResource: {
      operations: ['read', 'search-type'],
      fhirVersions,
      persistence: { ...stubs.persistence, readResource: async (request) => ({ resource: await read(request) }) },
      typeSearch: { ...stubs.search, typeSearch },
      typeHistory: stubs.history,
    },
  },
}, BASE_R4_RESOURCES));

files.server.on('request', (request, response) => {
  // Object stores take one proof, and the address is one.
  const content = request.headers.authorization ? undefined : contents.get(request.url);
  response.writeHead(content === undefined ? 400 : 200, { 'Content-Type': content === undefined ? 'application/xml' : 'application/fhir+ndjson' });
  response.end(content);
});

// For tests ---------------------------------------------------------------------------------------------------------

admin.server.on('request', async (request, response) => {
  const url = new URL(request.url, admin.origin);
  let answer = { status: 200, resource: seen };
  try {
    if (url.pathname === '/settings') {
      const { new_keys, ...changed } = await body(request);
      Object.assign(settings, changed);
      if (new_keys) provider = makeProvider();  // no token that was issued before verifies from now on
      answer.resource = settings;
    } else if (url.pathname !== '/seen') {
      answer = await handle(request, url);
    }
  } catch (error) {
    answer = { status: 500, resource: { error: String(error) } };
  }
  response.writeHead(answer.status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(answer.resource));
});

process.stdin.on('end', () => process.exit()).resume();  // whoever started it is gone
console.log(JSON.stringify({ fhir: fhir.origin, files: files.origin, admin: admin.origin }));
