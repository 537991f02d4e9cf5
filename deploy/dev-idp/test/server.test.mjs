// SPDX-License-Identifier: Apache-2.0
// Starts the provider and uses it as `genofed up` and a browser would. Run: npm test
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash, createPublicKey, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const dir = mkdtempSync(join(tmpdir(), 'dev-idp-'));
const at = (name) => join(dir, name);
const secret = randomBytes(16).toString('hex');
const redirect = 'https://127.0.0.1:9/callback';
const personas = {
  researcher: { subject: 'researcher', name: 'Researcher', organisation: 'University', site: 'hub' },
  citizen_fi: {
    subject: 'citizen-fi',
    name: 'Citizen',
    organisation: 'Finland',
    site: 'fi',
    person_identifier: 'FI-P000001',
  },
};
let issuer;
let server;

const writeAccounts = (value) => {
  writeFileSync(at('accounts.new'), JSON.stringify({ personas: value }));
  renameSync(at('accounts.new'), at('accounts.json'));
};

const freePort = () => new Promise((resolve) => {
  const socket = createServer().listen(0, '127.0.0.1', () => {
    const { port } = socket.address();
    socket.close(() => resolve(port));
  });
});

// One HTTPS exchange: {status, headers, body, json}.
function call(method, url, { form, headers = {} } = {}) {
  const body = form && new URLSearchParams(form).toString();
  return new Promise((resolve, reject) => {
    const out = request(new URL(url, issuer), {
      method,
      ca: readFileSync(at('cert.pem')),
      headers: { ...headers, ...(body && { 'content-type': 'application/x-www-form-urlencoded' }) },
    }, (answer) => {
      let text = '';
      answer.on('data', (part) => { text += part; });
      answer.on('end', () => {
        let json;
        try { json = JSON.parse(text); } catch { /* a page, not JSON */ }
        resolve({ status: answer.statusCode, headers: answer.headers, body: text, json });
      });
    });
    out.on('error', reject);
    out.end(body);
  });
}

const personaToken = (form, password = secret) => call('POST', '/token', {
  form: { grant_type: 'urn:genofed:grant-type:persona', ...form },
  headers: { authorization: `Basic ${Buffer.from(`genofed-up:${password}`).toString('base64')}` },
});

// The claims of a token whose signature was checked with the published key.
async function claims(token) {
  const [header, payload, signature] = token.split('.');
  const { keys } = (await call('GET', '/jwks')).json;
  const { kid, alg, typ } = JSON.parse(Buffer.from(header, 'base64url'));
  assert.equal(alg, 'ES256');
  assert.equal(typ, 'at+jwt');
  const key = createPublicKey({ key: keys.find((k) => k.kid === kid), format: 'jwk' });
  assert.ok(verify('sha256', Buffer.from(`${header}.${payload}`), { key, dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64url')));
  return JSON.parse(Buffer.from(payload, 'base64url'));
}

before(async () => {
  const openssl = (...args) => execFileSync('openssl', args, { stdio: 'ignore' });
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', at('key.pem'),
    '-out', at('cert.pem'), '-days', '2', '-subj', '/CN=dev', '-addext', 'subjectAltName=IP:127.0.0.1');
  openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', at('sign.pem'));
  writeFileSync(at('secret'), `${secret}\n`, { mode: 0o600 });
  writeAccounts(personas);
  issuer = `https://127.0.0.1:${await freePort()}`;
  server = spawn(process.execPath, [fileURLToPath(new URL('../server.mjs', import.meta.url)), '--issuer', issuer,
    '--cert', at('cert.pem'), '--key', at('key.pem'), '--signing-key', at('sign.pem'),
    '--accounts', at('accounts.json'), '--client-secret', at('secret'), '--redirect-uri', redirect],
  { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve, reject) => {
    server.stdout.on('data', (text) => text.includes('listening') && resolve());
    server.on('exit', (code) => reject(new Error(`the provider ended with code ${code}`)));
  });
});

after(() => {
  server.kill();
  rmSync(dir, { recursive: true });
});

test('is healthy and publishes one ES256 key', async () => {
  assert.equal((await call('GET', '/health')).json.status, 'ok');
  const { keys } = (await call('GET', '/jwks')).json;
  assert.equal(keys.length, 1);
  assert.equal(keys[0].d, undefined);
});

test('persona grant: audience of the home site, twelve hours', async () => {
  const answer = await personaToken({ persona: 'researcher' });
  assert.equal(answer.status, 200, answer.body);
  const token = await claims(answer.json.access_token);
  assert.equal(token.iss, issuer);
  assert.equal(token.aud, 'urn:genofed:site:hub');
  assert.equal(token.sub, 'researcher');
  assert.equal(token.organisation, 'University');
  assert.equal(token.person_identifier, undefined);
  assert.equal(token.exp - token.iat, 12 * 3600);
});

test('persona grant: another citizen is another subject', async () => {
  const first = await claims((await personaToken({ persona: 'citizen_fi' })).json.access_token);
  assert.equal(first.person_identifier, 'FI-P000001');
  const form = { persona: 'citizen_fi', person_identifier: 'FI-P000042' };
  const second = await claims((await personaToken(form)).json.access_token);
  assert.equal(second.person_identifier, 'FI-P000042');
  assert.equal(second.aud, 'urn:genofed:site:fi');
  assert.notEqual(second.sub, first.sub);
});

test('persona grant: who is at home at the hub may visit a node', async () => {
  const visiting = await claims((await personaToken({ persona: 'researcher', site: 'fi' })).json.access_token);
  assert.equal(visiting.aud, 'urn:genofed:site:fi');
  assert.equal(visiting.sub, personas.researcher.subject);
});

test('persona grant: refusals', async () => {
  assert.equal((await personaToken({ persona: 'researcher', site: 'xx' })).json.error, 'invalid_request');
  assert.equal((await personaToken({ persona: 'citizen_fi', site: 'hub' })).json.error, 'invalid_request');
  assert.equal((await personaToken({ persona: 'researcher' }, 'wrong')).json.error, 'invalid_client');
  assert.equal((await personaToken({ persona: 'nobody' })).json.error, 'invalid_request');
  assert.equal((await personaToken({})).json.error, 'invalid_request');
  const override = { persona: 'researcher', person_identifier: 'FI-P000042' };
  assert.equal((await personaToken(override)).json.error, 'invalid_request');
  const spaced = { persona: 'citizen_fi', person_identifier: 'FI P' };
  assert.equal((await personaToken(spaced)).json.error, 'invalid_request');
  const publicClient = {
    grant_type: 'urn:genofed:grant-type:persona',
    client_id: 'genofed-portal',
    persona: 'researcher',
  };
  const refused = (await call('POST', '/token', { form: publicClient })).json;
  assert.match(refused.error_description, /not allowed for this client/);
});

// A browser: keeps cookies, follows nothing.
function browser() {
  const cookies = new Map();
  return async (method, url, form) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await call(method, url, { form, headers: { cookie } });
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      cookies.set(name, value);
    }
    return answer;
  };
}

// Follows redirects within the provider, and the one page that submits itself: when the persona changes.
async function follow(visit, answer) {
  for (;;) {
    const itself = /<form method="post" action="([^"]+\/session\/end\/confirm)">/.exec(answer.body);
    if ([302, 303].includes(answer.status) && new URL(answer.headers.location, issuer).origin === issuer) {
      answer = await visit('GET', answer.headers.location);
    } else if (itself) {
      answer = await visit('POST', itself[1], hidden(answer.body));
    } else {
      return answer;
    }
  }
}

// Follows the code flow as a browser would, up to the redirect back to the client.
async function login(persona, resource, verifier, visit = browser()) {
  const query = new URLSearchParams({
    client_id: 'genofed-portal',
    redirect_uri: redirect,
    response_type: 'code',
    scope: 'openid',
    state: 's1',
    ...(resource && { resource }),
    ...(verifier && {
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    }),
  });
  let answer = await visit('GET', `/auth?${query}`);
  if (!answer.headers.location?.startsWith('/login/')) return answer;
  const page = await visit('GET', answer.headers.location);
  assert.match(page.body, /Choose a persona/);
  return follow(visit, await visit('POST', answer.headers.location, { persona }));
}

test('code flow with PKCE', async () => {
  const verifier = randomBytes(32).toString('base64url');
  const answer = await login('citizen_fi', 'urn:genofed:site:fi', verifier);
  assert.equal(answer.status, 303, answer.body);
  const back = new URL(answer.headers.location);
  assert.equal(back.origin + back.pathname, redirect);
  assert.equal(back.searchParams.get('state'), 's1');
  const form = {
    grant_type: 'authorization_code', client_id: 'genofed-portal', redirect_uri: redirect,
    code: back.searchParams.get('code'), code_verifier: verifier,
  };
  const token = await call('POST', '/token', { form });
  assert.equal(token.status, 200, token.body);
  assert.ok(token.json.id_token);
  const said = await claims(token.json.access_token);
  assert.equal(said.aud, 'urn:genofed:site:fi');
  assert.equal(said.person_identifier, 'FI-P000001');
  assert.equal((await call('POST', '/token', { form })).json.error, 'invalid_grant', 'a code works once');
});

test('code flow: refusals', async () => {
  const verifier = randomBytes(32).toString('base64url');
  const errorOf = (answer) => new URL(answer.headers.location).searchParams.get('error');
  assert.equal(errorOf(await login('researcher', undefined, undefined)), 'invalid_request', 'no PKCE');
  assert.equal(errorOf(await login('researcher', 'urn:genofed:site:se', verifier)), 'invalid_target');
  assert.equal((await login('researcher', 'urn:genofed:site:fi', verifier)).status, 400, 'persona of another site');
});

const hidden = (page) => Object.fromEntries([...page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)]
  .map(([, name, value]) => [name, value]));

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
const startDevice = (resource) => call('POST', '/device/auth', {
  form: { client_id: 'genofed-cli', scope: 'openid', ...(resource && { resource }) },
});
const pollDevice = (code, headers) => call('POST', '/token', {
  form: { grant_type: deviceGrant, client_id: 'genofed-cli', device_code: code },
  headers,
});

// What a person does with the address and code that a program shows.
async function approve(device, persona, { abort = false } = {}) {
  const visit = browser();
  const input = await visit('GET', device.verification_uri);
  assert.match(input.body, /Enter the code/);
  const confirm = await visit('POST', device.verification_uri, { ...hidden(input.body), user_code: device.user_code });
  assert.match(confirm.body, new RegExp(device.user_code));
  for (const page of [input, confirm]) assert.doesNotMatch(page.body, /<script|onfocus|https?:\/\/fonts/);
  const form = { ...hidden(confirm.body), ...(abort && { abort: 'yes' }) };
  const begun = await visit('POST', device.verification_uri, form);
  if (abort) return begun;
  const where = begun.headers.location;
  assert.match((await visit('GET', where)).body, /Choose a persona/);
  return follow(visit, await visit('POST', where, { persona }));
}

test('device flow', async () => {
  const device = (await startDevice('urn:genofed:site:fi')).json;
  assert.equal((await pollDevice(device.device_code)).json.error, 'authorization_pending');
  assert.match((await approve(device, 'citizen_fi')).body, /program is signed in/);
  const answer = await pollDevice(device.device_code);
  assert.equal(answer.status, 200, answer.body);
  const said = await claims(answer.json.access_token);
  assert.equal(said.aud, 'urn:genofed:site:fi');
  assert.equal(said.sub, 'citizen-fi');
  assert.equal(said.cnf, undefined);
  assert.equal((await pollDevice(device.device_code)).json.error, 'invalid_grant', 'a code works once');
});

test('device flow: refusals', async () => {
  assert.equal((await startDevice('urn:genofed:site:se')).json.error, 'invalid_target');
  const device = (await startDevice('urn:genofed:site:fi')).json;
  assert.equal((await approve(device, 'researcher')).status, 400, 'persona of another site');
  assert.equal((await pollDevice(device.device_code)).json.error, 'authorization_pending');
  const refused = (await startDevice('urn:genofed:site:fi')).json;
  await approve(refused, undefined, { abort: true });
  assert.equal((await pollDevice(refused.device_code)).json.error, 'access_denied');
});

test('device flow with DPoP: the token names the key', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = publicKey.export({ format: 'jwk' });
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const proof = (htu) => {
    const input = `${encode({ typ: 'dpop+jwt', alg: 'ES256', jwk })}.${encode({
      jti: randomBytes(8).toString('hex'), htm: 'POST', htu, iat: Math.floor(Date.now() / 1000),
    })}`;
    return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  };
  const device = (await startDevice('urn:genofed:site:fi')).json;
  await approve(device, 'citizen_fi');
  const wrong = await pollDevice(device.device_code, { dpop: proof(`${issuer}/elsewhere`) });
  assert.equal(wrong.json.error, 'invalid_dpop_proof');
  const answer = await pollDevice(device.device_code, { dpop: proof(`${issuer}/token`) });
  assert.equal(answer.json.token_type, 'DPoP', answer.body);
  const { crv, kty, x, y } = jwk;
  const thumbprint = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
  assert.equal((await claims(answer.json.access_token)).cnf.jkt, thumbprint);
});

test('somebody signed in at one site chooses again at another', async () => {
  const visit = browser();
  const verifier = randomBytes(32).toString('base64url');
  assert.equal((await login('researcher', 'urn:genofed:site:hub', verifier, visit)).status, 303);
  const back = await login('citizen_fi', 'urn:genofed:site:fi', verifier, visit);
  assert.ok(new URL(back.headers.location).searchParams.get('code'), back.body);
});

test('sign-out asks, and leads back to the gateway only', async () => {
  const visit = browser();
  await login('citizen_fi', 'urn:genofed:site:fi', randomBytes(32).toString('base64url'), visit);
  const home = `${new URL(redirect).origin}/`;
  const query = (uri) => new URLSearchParams({ client_id: 'genofed-portal', post_logout_redirect_uri: uri });
  assert.equal((await visit('GET', `/session/end?${query('https://evil.example/')}`)).status, 400);
  const page = await visit('GET', `/session/end?${query(home)}`);
  assert.match(page.body, /Sign out/);
  const done = await visit('POST', '/session/end/confirm', { ...hidden(page.body), logout: 'yes' });
  assert.equal(done.headers.location, home);
});

test('accounts are read again; a broken file changes nothing', async () => {
  const added = { subject: 'ncp-fi', name: 'NCP', organisation: 'Finland', site: 'fi' };
  assert.equal((await personaToken({ persona: 'ncp_fi' })).status, 400);
  writeAccounts({ ...personas, ncp_fi: added });
  assert.equal((await personaToken({ persona: 'ncp_fi' })).status, 200);
  writeFileSync(at('accounts.json'), '{');
  assert.equal((await personaToken({ persona: 'ncp_fi' })).status, 200);
});
