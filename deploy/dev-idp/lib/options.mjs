// SPDX-License-Identifier: Apache-2.0
// Command line of the development OpenID provider.
import { parseArgs } from 'node:util';

const usage = `usage: node server.mjs --issuer URL --cert FILE --key FILE --signing-key FILE --accounts FILE \\
                       --client-secret FILE [--redirect-uri URL]...

  --issuer         https://127.0.0.1:PORT or https://localhost:PORT; the port is the one listened on (loopback only)
  --cert, --key    PEM files of the HTTPS server
  --signing-key    PEM file with a P-256 private key; its public half is what relying parties pin
  --accounts       JSON: {"personas": {NAME: {subject, name, organisation, site, person_identifier?}}}
  --client-secret  file with the secret of the client "genofed-up", which may use the persona grant
  --redirect-uri   redirect address of the browser client "genofed-portal" (repeatable)`;

const required = ['issuer', 'cert', 'key', 'signing-key', 'accounts', 'client-secret'];

// Ends the process with exit code 2 and one clear line when the command line is wrong.
export function readOptions(argv) {
  const fail = (why) => {
    console.error(`dev-idp: ${why}\n${usage}`);
    process.exit(2);
  };
  let values;
  try {
    ({ values } = parseArgs({
      args: argv,
      options: {
        ...Object.fromEntries(required.map((name) => [name, { type: 'string' }])),
        'redirect-uri': { type: 'string', multiple: true, default: [] },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    return fail(error.message);
  }
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  for (const name of required) if (!values[name]) return fail(`--${name} is missing`);
  let issuer;
  try {
    issuer = new URL(values.issuer);
  } catch {
    return fail('--issuer is not a URL');
  }
  if (issuer.protocol !== 'https:' || !['127.0.0.1', 'localhost'].includes(issuer.hostname) || !issuer.port
      || values.issuer !== issuer.origin) {
    return fail('--issuer must be https://127.0.0.1:PORT or https://localhost:PORT, without a path');
  }
  return {
    issuer: issuer.origin,
    port: Number(issuer.port),
    cert: values.cert,
    key: values.key,
    signingKey: values['signing-key'],
    accounts: values.accounts,
    clientSecret: values['client-secret'],
    redirectUris: values['redirect-uri'],
  };
}
