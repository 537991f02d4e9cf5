-- SPDX-License-Identifier: Apache-2.0
-- One row. Every writing transaction locks it first, so that there is one appender and one order of events.
CREATE TABLE head (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  epoch    bigint  NOT NULL CHECK (epoch >= 0),
  releases bigint  NOT NULL CHECK (releases >= 0)  -- headers released by the key service, ever
);
INSERT INTO head (epoch, releases) VALUES (0, 0);

-- The transparency ledger: append only, indices without gaps from 0.
CREATE TABLE ledger (
  index           bigint      PRIMARY KEY CHECK (index >= 0),
  entry           text        NOT NULL,
  leaf            bytea       NOT NULL CHECK (octet_length(leaf) = 32),
  caller          text        NOT NULL,
  idempotency_key text        NOT NULL,
  appended        timestamptz NOT NULL,
  is_access       boolean     NOT NULL,  -- a run or release over a snapshot: shown to citizens
  UNIQUE (caller, idempotency_key)
);
CREATE INDEX ledger_accesses ON ledger (index) WHERE is_access;
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'the ledger is append only'; END $$;
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What opens the commitments in entries. Deleting a row erases the personal value and leaves the ledger whole.
CREATE TABLE openings (
  ledger_index bigint NOT NULL REFERENCES ledger (index),
  name         text   NOT NULL,
  key          bytea  NOT NULL CHECK (octet_length(key) = 32),
  payload      text   NOT NULL,
  PRIMARY KEY (ledger_index, name)
);

-- Persons. The clear identifier is never stored.
CREATE TABLE subjects (
  id              bigint   GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  blinded         text     NOT NULL UNIQUE,
  secret          bytea    NOT NULL CHECK (octet_length(secret) = 32),  -- K_i of cohort snapshots
  own_permissions smallint CHECK (own_permissions BETWEEN 0 AND 7)      -- null until the person decided
);

-- What the holder of a dataset recorded last about a person.
CREATE TABLE holder_permissions (
  dataset     text     NOT NULL,
  subject     bigint   NOT NULL REFERENCES subjects (id),
  version     integer  NOT NULL,
  permissions smallint NOT NULL CHECK (permissions BETWEEN 0 AND 7),
  PRIMARY KEY (dataset, subject)
);

CREATE TABLE dataset_versions (
  dataset     text    NOT NULL,
  version     integer NOT NULL CHECK (version > 0),
  fingerprint bytea   NOT NULL,  -- of the request that registered it
  rows        integer NOT NULL CHECK (rows >= 0),
  slots       integer NOT NULL CHECK (slots >= rows),
  epoch       bigint  NOT NULL,
  PRIMARY KEY (dataset, version)
);

-- Slots 0..rows-1 are the rows of the dataset version, in order of pseudonyms. The slots after them belong to the
-- persons who were left out: their bit is 0 in every snapshot, which proves to them that they were not used.
CREATE TABLE dataset_rows (
  dataset   text    NOT NULL,
  version   integer NOT NULL,
  slot      integer NOT NULL CHECK (slot >= 0),
  subject   bigint  NOT NULL REFERENCES subjects (id),
  pseudonym text,  -- null: left out
  PRIMARY KEY (dataset, version, slot),
  FOREIGN KEY (dataset, version) REFERENCES dataset_versions (dataset, version)
);
CREATE UNIQUE INDEX dataset_rows_subject ON dataset_rows (subject, dataset, version);

CREATE TABLE permission_changes (
  id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  subject      bigint      NOT NULL REFERENCES subjects (id),
  permissions  smallint    NOT NULL CHECK (permissions BETWEEN 0 AND 7),
  at           timestamptz NOT NULL,
  by_subject   boolean     NOT NULL,
  ledger_index bigint      REFERENCES ledger (index)
);
CREATE INDEX permission_changes_subject ON permission_changes (subject, id);

CREATE TABLE snapshots (
  id           text     PRIMARY KEY,
  dataset      text     NOT NULL,
  version      integer  NOT NULL,
  permission   smallint NOT NULL CHECK (permission IN (1, 2, 4)),
  epoch        bigint   NOT NULL,
  slots        integer  NOT NULL,
  bits         bytea    NOT NULL,  -- one bit for each slot
  root         bytea    NOT NULL CHECK (octet_length(root) = 32),
  ledger_index bigint   NOT NULL REFERENCES ledger (index),
  UNIQUE (dataset, version, permission, epoch),
  FOREIGN KEY (dataset, version) REFERENCES dataset_versions (dataset, version)
);

-- Crypt4GH headers: with the dataset key, the only way into the objects.
CREATE TABLE headers (
  object  text    PRIMARY KEY,
  dataset text    NOT NULL,
  version integer NOT NULL,
  header  bytea   NOT NULL
);
