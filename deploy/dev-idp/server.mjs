// SPDX-License-Identifier: Apache-2.0
// Development OpenID provider of a genofed federation: personas instead of people, loopback only. Not for production.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { Accounts } from './lib/accounts.mjs';
import { watchCertificate } from './lib/certificate.mjs';
import { loginRoutes } from './lib/login.mjs';
import { readOptions } from './lib/options.mjs';
import { makeProvider } from './lib/provider.mjs';

function start() {
  const options = readOptions(process.argv.slice(2));
  const accounts = new Accounts(options.accounts);
  const provider = makeProvider(options, accounts);
  provider.use(loginRoutes(provider, accounts));
  const tls = { cert: readFileSync(options.cert), key: readFileSync(options.key), minVersion: 'TLSv1.3' };
  const server = createServer(tls, provider.callback());
  watchCertificate(server, options, tls);
  server.on('error', (error) => {
    console.error(`dev-idp: ${error.message}`);
    process.exit(1);
  });
  server.listen(options.port, '127.0.0.1', () => console.log(`dev-idp: listening, issuer ${options.issuer}`));
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.on(signal, () => {
      server.close(() => process.exit(0));
      server.closeAllConnections?.();
    });
  }
}

try {
  start();
} catch (error) {
  console.error(`dev-idp: ${error.message}`);
  process.exit(2);
}
