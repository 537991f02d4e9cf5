-- SPDX-License-Identifier: Apache-2.0
-- Node: entries of the site's ledger that are to be appended (libs/platform/ledger_outbox.h).
CREATE TABLE ledger_outbox (
  id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic        text        NOT NULL,
  key          text        NOT NULL,
  payload      bytea       NOT NULL,
  created      timestamptz NOT NULL DEFAULT now(),
  attempts     integer     NOT NULL DEFAULT 0,
  next_attempt timestamptz NOT NULL DEFAULT now(),
  done         timestamptz
);
CREATE INDEX ledger_outbox_pending ON ledger_outbox (topic, key, id) WHERE done IS NULL;

-- What opens the commitment to the researcher in these entries, by the entry's key in the ledger. Deleting a row erases
-- the personal value and leaves the ledger whole.
CREATE TABLE ledger_openings (
  entry       text  PRIMARY KEY,
  application text  NOT NULL,
  key         bytea NOT NULL CHECK (octet_length(key) = 32),
  payload     text  NOT NULL
);
