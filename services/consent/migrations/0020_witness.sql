-- SPDX-License-Identifier: Apache-2.0
-- The newest checkpoint of each other ledger that this site cosigned: what must not be forgotten.
CREATE TABLE witnessed_logs (
  origin     text        PRIMARY KEY,
  size       bigint      NOT NULL CHECK (size >= 0),
  root       bytea       NOT NULL CHECK (octet_length(root) = 32),
  checkpoint text        NOT NULL,
  at         timestamptz NOT NULL
);

-- Ledgers that were caught, with the signed notes that prove it.
CREATE TABLE ledger_alarms (
  id     bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  origin text        NOT NULL,
  reason text        NOT NULL,
  detail text        NOT NULL,
  known  text        NOT NULL,
  seen   text        NOT NULL,
  at     timestamptz NOT NULL
);
CREATE UNIQUE INDEX ledger_alarms_once ON ledger_alarms (origin, reason, md5(known), md5(seen));
