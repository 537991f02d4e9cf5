// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';

const INTERVAL_MS = 2000;

// Serves a renewed certificate to new connections. A pair that cannot be read or does not match is tried again.
export function watchCertificate(server, files, served) {
  let present = served.cert;
  setInterval(() => {
    try {
      const cert = readFileSync(files.cert);
      if (cert.equals(present)) return;
      server.setSecureContext({ ...served, cert, key: readFileSync(files.key) });
      present = cert;
    } catch (error) {
      console.error(`dev-idp: certificate not renewed yet: ${error.message}`);
    }
  }, INTERVAL_MS).unref();
}
