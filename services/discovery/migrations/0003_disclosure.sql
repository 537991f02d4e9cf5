-- SPDX-License-Identifier: Apache-2.0
-- What each account was told of each dataset. Accounts and questions are digests: neither says who asked or what.
CREATE TABLE asked (
  account  text        NOT NULL,
  dataset  text        NOT NULL,
  question bytea       NOT NULL,
  at       timestamptz NOT NULL,
  PRIMARY KEY (account, dataset, question)
);
CREATE INDEX asked_at ON asked (at);
-- Nats by day (days since 1970, UTC); account '*' is all of them together.
CREATE TABLE spent (
  account text             NOT NULL,
  dataset text             NOT NULL,
  day     bigint           NOT NULL,
  nats    double precision NOT NULL CHECK (nats >= 0),
  PRIMARY KEY (account, dataset, day)
);
-- Every answer and refusal. `hash` is SHA-256 over the row and the hash before it, so that no row can be changed or
-- taken out unseen (app/disclosure_audit.h).
CREATE TABLE disclosure_audit (
  seq      bigint           PRIMARY KEY,
  at       timestamptz      NOT NULL,
  account  text             NOT NULL,
  dataset  text             NOT NULL,
  question bytea            NOT NULL,
  outcome  text             NOT NULL,
  nats     double precision NOT NULL,
  hash     bytea            NOT NULL
);
