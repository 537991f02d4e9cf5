-- SPDX-License-Identifier: Apache-2.0
-- One row per version of a dataset; the document holds what the catalogue says about it.
CREATE TABLE records (
  id       text        NOT NULL,
  version  integer     NOT NULL CHECK (version > 0),
  country  text        NOT NULL,
  state    text        NOT NULL CHECK (state IN ('waiting', 'listed', 'returned', 'withdrawn', 'superseded')),
  search   text        NOT NULL,
  document text        NOT NULL,
  modified timestamptz NOT NULL,
  PRIMARY KEY (id, version)
);
-- At most one version of a dataset is listed.
CREATE UNIQUE INDEX records_listed ON records (id) WHERE state = 'listed';

CREATE TABLE outbox (
  id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic        text        NOT NULL,
  key          text        NOT NULL,
  payload      bytea       NOT NULL,
  created      timestamptz NOT NULL DEFAULT now(),
  attempts     integer     NOT NULL DEFAULT 0,
  next_attempt timestamptz NOT NULL DEFAULT now(),
  done         timestamptz
);
CREATE INDEX outbox_pending ON outbox (topic, key, id) WHERE done IS NULL;
