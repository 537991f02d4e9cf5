// SPDX-License-Identifier: Apache-2.0
// The personas of the development federation, read again whenever their file changes.
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';

const kPersonIdentifier = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

function validate(document) {
  const personas = new Map();
  for (const [name, persona] of Object.entries(document.personas ?? {})) {
    for (const key of ['subject', 'name', 'organisation', 'site']) {
      if (typeof persona[key] !== 'string' || !persona[key]) throw new Error(`personas.${name}.${key} is missing`);
    }
    if (persona.person_identifier !== undefined && !kPersonIdentifier.test(persona.person_identifier)) {
      throw new Error(`personas.${name}.person_identifier is not an identifier`);
    }
    personas.set(name, Object.freeze({ ...persona, persona: name }));
  }
  return personas;
}

export class Accounts {
  #path;
  #stamp = '';
  #personas = new Map();

  // Throws when the file cannot be read or is not valid: the process must not start without accounts.
  constructor(path) {
    this.#path = path;
    this.#reload();
  }

  #reload() {
    const { mtimeMs, size, ino } = statSync(this.#path);
    const stamp = `${mtimeMs}:${size}:${ino}`;
    if (stamp === this.#stamp) return;
    this.#personas = validate(JSON.parse(readFileSync(this.#path, 'utf8')));
    this.#stamp = stamp;
  }

  // A file that is broken while someone edits it leaves the last good accounts in force.
  all() {
    try {
      this.#reload();
    } catch (error) {
      console.error(`dev-idp: keeping the previous accounts: ${error.message}`);
    }
    return [...this.#personas.values()];
  }

  persona(name) {
    return this.all().find((account) => account.persona === name);
  }

  subject(subject) {
    return this.all().find((account) => account.subject === subject);
  }

  hasSite(site) {
    return this.all().some((account) => account.site === site);
  }
}

// The account of one particular citizen. Somebody else than the persona's default is another subject, so that
// no service can take two people for one. Undefined when the persona is no citizen or the identifier no identifier.
export function actAs(account, personIdentifier) {
  if (personIdentifier === undefined || personIdentifier === account.person_identifier) return account;
  if (account.person_identifier === undefined || !kPersonIdentifier.test(personIdentifier)) return undefined;
  const suffix = createHash('sha256').update(personIdentifier).digest('hex').slice(0, 16);
  return {
    ...account,
    subject: `${account.subject}.${suffix}`,
    person_identifier: personIdentifier,
  };
}

// What every token says about its holder beyond `sub`.
export function claimsOf(account) {
  const claims = { name: account.name, organisation: account.organisation };
  if (account.person_identifier !== undefined) claims.person_identifier = account.person_identifier;
  return claims;
}
