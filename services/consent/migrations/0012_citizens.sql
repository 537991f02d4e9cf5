-- SPDX-License-Identifier: Apache-2.0
-- Leaves of people who were forgotten, in snapshots taken before: with them everybody else's proofs hold, and nobody
-- can say any more whose they are.
CREATE TABLE kept_leaves (
  snapshot text    NOT NULL REFERENCES snapshots (id),
  slot     integer NOT NULL CHECK (slot >= 0),
  leaf     bytea   NOT NULL CHECK (octet_length(leaf) = 32),
  PRIMARY KEY (snapshot, slot)
);

-- Notices of personal data breaches.
CREATE TABLE notices (
  id              text        PRIMARY KEY,
  idempotency_key text        NOT NULL UNIQUE,
  title           text        NOT NULL,
  what_happened   text        NOT NULL,
  consequences    text        NOT NULL,
  measures        text        NOT NULL,
  contact         text        NOT NULL,
  datasets        text[]      NOT NULL,  -- empty: everybody with a row
  happened        timestamptz,
  published       timestamptz NOT NULL,
  people          bigint      NOT NULL
);

-- What the ledger's entries are searched by; made of the ledger, and made again if it is lost.
CREATE TABLE audit_entries (
  ledger_index bigint      PRIMARY KEY,
  at           timestamptz NOT NULL,
  kind         text        NOT NULL,
  project      text        NOT NULL,
  organisation text        NOT NULL,
  dataset      text        NOT NULL,
  application  text        NOT NULL,
  run          text        NOT NULL,
  releases     bigint  -- the key service's counter after this entry, where it has one
);
CREATE INDEX audit_entries_project ON audit_entries (project, ledger_index);
CREATE INDEX audit_entries_dataset ON audit_entries (dataset, ledger_index);
CREATE INDEX audit_entries_run ON audit_entries (run, kind) WHERE run <> '';
