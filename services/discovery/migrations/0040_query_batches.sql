-- SPDX-License-Identifier: Apache-2.0
-- How many links of disclosure_audit are covered by entries of the site's ledger.
CREATE TABLE query_batches (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  links    bigint  NOT NULL
);
INSERT INTO query_batches (links) VALUES (0);

-- Entries of the ledger that are to be appended (libs/platform/ledger_outbox.h).
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
