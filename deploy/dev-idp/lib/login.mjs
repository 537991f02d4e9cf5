// SPDX-License-Identifier: Apache-2.0
// The login page: a list of the personas of the site that the client asked for.
import { escape, kContentSecurity, layout } from './pages.mjs';
import { siteOfResource } from './provider.mjs';

const kMaxForm = 4096;

function page(uid, site, accounts) {
  const buttons = accounts.filter((account) => account.site === site).map((account) =>
    `<li><button name="persona" value="${escape(account.persona)}"><b>${escape(account.name)}</b>`
    + `<br>${escape(account.organisation)}</button></li>`);
  return layout('Choose a persona', `<p>This is the development login of site <b>${escape(site)}</b>. It asks for no password
and is not for production.</p><form method="post" action="/login/${escape(uid)}"><ul>${buttons.join('\n')}</ul></form>`);
}

async function readForm(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > kMaxForm) throw Object.assign(new Error('form too large'), { status: 413 });
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

// Koa middleware for /login/:uid and /health; everything else goes on to the provider.
export function loginRoutes(provider, accounts) {
  return async (ctx, next) => {
    if (ctx.path === '/health' && ctx.method === 'GET') {
      ctx.body = { status: 'ok', personas: accounts.all().length };
      return;
    }
    const match = /^\/login\/([A-Za-z0-9_-]{1,64})$/.exec(ctx.path);
    if (!match) {
      await next();
      return;
    }
    ctx.set('Cache-Control', 'no-store');
    ctx.set('Content-Security-Policy', kContentSecurity);
    let interaction;
    try {
      interaction = await provider.interactionDetails(ctx.req, ctx.res);
    } catch {
      ctx.throw(400, 'the login has expired; start again');
    }
    if (interaction.uid !== match[1]) ctx.throw(400, 'this is not the login you started');
    const site = siteOfResource(interaction.params.resource);
    if (ctx.method === 'GET') {
      ctx.type = 'html';
      ctx.body = page(interaction.uid, site, accounts.all());
      return;
    }
    const account = accounts.persona((await readForm(ctx.req)).get('persona') ?? '');
    if (!account || account.site !== site) ctx.throw(400, 'no such persona at this site');
    // Native clients need consent each time (RFC 8252 section 8.6); choosing a persona gives it.
    const result = { login: { accountId: account.subject }, consent: {} };
    const location = await provider.interactionResult(ctx.req, ctx.res, result);
    ctx.redirect(location);
    ctx.status = 303;
  };
}
