// SPDX-License-Identifier: Apache-2.0
// Configuration of oidc-provider: one signing key, three clients, one audience per site, and the persona grant.
import { createPrivateKey, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Provider, { errors, interactionPolicy } from 'oidc-provider';
import { actAs, claimsOf } from './accounts.mjs';
import * as pages from './pages.mjs';

const kLifetimeSeconds = 12 * 60 * 60;
const kSitePrefix = 'urn:genofed:site:';
const kDeviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
export const kPersonaGrant = 'urn:genofed:grant-type:persona';

function signingJwk(path) {
  const jwk = createPrivateKey(readFileSync(path)).export({ format: 'jwk' });
  if (jwk.kty !== 'EC' || jwk.crv !== 'P-256') throw new Error(`${path} is not a P-256 private key`);
  return { ...jwk, use: 'sig', alg: 'ES256' };  // the library adds the RFC 7638 thumbprint as kid
}

function clientsOf(options) {
  const base = { id_token_signed_response_alg: 'ES256', response_types: ['code'], grant_types: ['authorization_code'] };
  const clients = [
    {
      ...base,
      client_id: 'genofed-up',
      client_secret: readFileSync(options.clientSecret, 'utf8').trim(),
      grant_types: [kPersonaGrant],
      response_types: [],
      redirect_uris: [],
    },
    {  // RFC 8252: a native application may use any port of the loopback interface
      ...base,
      client_id: 'genofed-cli',
      client_name: 'genofed',
      application_type: 'native',
      grant_types: ['authorization_code', kDeviceGrant],
      token_endpoint_auth_method: 'none',
      redirect_uris: ['http://127.0.0.1/callback'],
    },
  ];
  if (options.redirectUris.length > 0) {
    clients.push({
      ...base,
      client_id: 'genofed-portal',
      token_endpoint_auth_method: 'none',
      redirect_uris: options.redirectUris,
      post_logout_redirect_uris: options.redirectUris.map((uri) => `${new URL(uri).origin}/`),
    });
  }
  return clients;
}

function resourceServerInfo(accounts, resource) {
  if (!resource.startsWith(kSitePrefix) || !accounts.hasSite(resource.slice(kSitePrefix.length))) {
    throw new errors.InvalidTarget('no such site');
  }
  return {
    scope: 'openid',
    audience: resource,
    accessTokenTTL: kLifetimeSeconds,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: 'ES256' } },
  };
}

// Signed in at this provider as a persona of one site, and now wanted at another: choose again.
function loginPolicy(accounts) {
  const policy = interactionPolicy.base();
  policy.get('login').checks.add(new interactionPolicy.Check('other_site', 'another persona is needed', (ctx) => {
    const account = accounts.subject(ctx.oidc.session.accountId ?? '');
    return account !== undefined && account.site !== siteOfResource(ctx.oidc.params.resource);
  }));
  return policy;
}

// The development shortcut: a confidential client gets the token of any persona without a browser.
function registerPersonaGrant(provider, accounts, acting) {
  provider.registerGrantType(kPersonaGrant, async (ctx, next) => {
    const { params, client } = ctx.oidc;
    const persona = params.persona === undefined ? undefined : accounts.persona(params.persona);
    if (!persona) throw new errors.InvalidRequest('persona is missing or unknown');
    const account = actAs(persona, params.person_identifier);
    if (!account) throw new errors.InvalidRequest('person_identifier is only for citizens, and must be an identifier');
    // Who is at home at the hub may visit a node: a researcher reads records there.
    const site = params.site ?? account.site;
    if (site !== account.site && (account.site !== 'hub' || !accounts.hasSite(site))) {
      throw new errors.InvalidRequest('the persona is not known at that site');
    }
    const resource = kSitePrefix + site;
    const token = new provider.AccessToken({
      client,
      accountId: account.subject,
      scope: 'openid',
      gty: 'persona',
      resourceServer: new provider.ResourceServer(resource, resourceServerInfo(accounts, resource)),
      expiresIn: kLifetimeSeconds,
    });
    acting.set(token, { ...account, site });
    ctx.oidc.entity('AccessToken', token);
    ctx.body = {
      access_token: await token.save(),
      token_type: token.tokenType,
      expires_in: token.expiration,
      scope: token.scope,
    };
    await next();
  }, ['persona', 'person_identifier', 'site']);
}

export function makeProvider(options, accounts) {
  const acting = new WeakMap();  // token -> account of the persona grant
  const accountOf = (token) => acting.get(token) ?? accounts.subject(token.accountId);
  const provider = new Provider(options.issuer, {
    jwks: { keys: [signingJwk(options.signingKey)] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    clients: clientsOf(options),
    scopes: ['openid'],
    claims: { openid: ['sub', 'name', 'organisation', 'person_identifier'] },
    conformIdTokenClaims: false,
    responseTypes: ['code'],
    pkce: { required: () => true, methods: ['S256'] },
    ttl: {
      AccessToken: kLifetimeSeconds,
      DeviceCode: 600,
      IdToken: 3600,
      Session: kLifetimeSeconds,
      Grant: kLifetimeSeconds,
      Interaction: 600,
    },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    findAccount: (ctx, sub) => {
      const account = accounts.subject(sub);
      return account && { accountId: sub, claims: async () => ({ sub, ...claimsOf(account) }) };
    },
    extraTokenClaims: (ctx, token) => {
      const account = accountOf(token);
      // A persona is known at its own site only, whatever audience the client asked for.
      if (!account || token.aud !== kSitePrefix + account.site) {
        throw new errors.InvalidTarget('persona of another site');
      }
      return claimsOf(account);
    },
    // There is nobody to ask for consent: choosing the persona is the whole login.
    loadExistingGrant: async (ctx) => {
      const grant = new provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope('openid');
      for (const resource of Object.keys(ctx.oidc.resourceServers)) grant.addResourceScope(resource, 'openid');
      await grant.save();
      return grant;
    },
    interactions: { policy: loginPolicy(accounts), url: (ctx, interaction) => `/login/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      dPoP: { enabled: true },
      deviceFlow: {
        enabled: true,
        userCodeInputSource: pages.deviceInput,
        userCodeConfirmSource: pages.deviceConfirm,
        successSource: pages.deviceSuccess,
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: pages.logout,
        postLogoutSuccessSource: pages.loggedOut,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: (ctx) => ctx.oidc.params.resource ?? `${kSitePrefix}hub`,
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, resource) => resourceServerInfo(accounts, resource),
      },
    },
    renderError: (ctx, out) => {
      ctx.type = 'json';
      ctx.body = out;
    },
  });
  registerPersonaGrant(provider, accounts, acting);
  provider.on('server_error', (ctx, error) => console.error(`dev-idp: ${error.stack}`));
  return provider;
}

export const siteOfResource = (resource) => (resource ?? `${kSitePrefix}hub`).slice(kSitePrefix.length);
