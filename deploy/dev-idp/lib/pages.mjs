// SPDX-License-Identifier: Apache-2.0
// The provider's own pages, plain and without scripts. The forms come from the library; buttons name them.
export const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

export const kContentSecurity = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

export const layout = (title, body) => `<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>${escape(title)}</title><meta name="viewport" content="width=device-width"><style>
body{font:1rem/1.4 system-ui,sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem}
ul{list-style:none;padding:0}button,input{font:inherit;padding:.6rem 1rem;margin:.2rem 0}
li button{text-align:left;width:100%}code{font-size:1.6rem}
</style></head><body><h1>${escape(title)}</h1>${body}</body></html>`;

function show(ctx, title, body) {
  ctx.set('Content-Security-Policy', kContentSecurity);
  ctx.set('Cache-Control', 'no-store');
  ctx.type = 'html';
  ctx.body = layout(title, body);
}

export const deviceInput = (ctx, form, out, error) => show(ctx, 'Sign in a program', `
<p>${error ? 'That code is not known, was used, or has expired.' : 'Enter the code that the program shows.'}</p>
${form.replace(/ onfocus="[^"]*"/, '')}<button type="submit" form="op.deviceInputForm">Continue</button>`);

export const deviceConfirm = (ctx, form, client, deviceInfo, userCode) => show(ctx, 'Sign in a program', `
<p>The program <b>${escape(client.clientName ?? client.clientId)}</b> wants to act for you. Continue only if you started
it yourself and it shows this code:</p><p><code>${escape(userCode)}</code></p>${form}
<button type="submit" form="op.deviceConfirmForm">Continue</button>
<button type="submit" form="op.deviceConfirmForm" name="abort" value="yes">Refuse</button>`);

export const deviceSuccess = (ctx) => show(ctx, 'Signed in', '<p>The program is signed in. You may close this page.</p>');

export const logout = (ctx, form) => show(ctx, 'Sign out', `<p>Sign out of the development login, too?</p>${form}
<button type="submit" form="op.logoutForm" name="logout" value="yes">Sign out</button>
<button type="submit" form="op.logoutForm">Stay signed in</button>`);

export const loggedOut = (ctx) => show(ctx, 'Signed out', '<p>You are signed out.</p>');
