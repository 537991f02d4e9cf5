-- SPDX-License-Identifier: Apache-2.0
-- Hub: one row per run. `request` is a genofed.dispatcher.v1.RunRequest, as bytes.
CREATE TABLE runs (
  id              text        PRIMARY KEY,
  owner_issuer    text        NOT NULL,
  owner_subject   text        NOT NULL,
  idempotency_key text        NOT NULL,
  request         bytea       NOT NULL,
  cancel          boolean     NOT NULL DEFAULT false,
  created         timestamptz NOT NULL,
  finished        timestamptz,
  final_state     text        NOT NULL DEFAULT 'QUEUED',
  message         text        NOT NULL DEFAULT '',
  UNIQUE (owner_issuer, owner_subject, idempotency_key)
);
CREATE INDEX runs_of_owner ON runs (owner_issuer, owner_subject, id);
CREATE INDEX runs_unfinished ON runs (id) WHERE finished IS NULL;

-- Hub: one row per dataset at a node.
CREATE TABLE parts (
  id           text        PRIMARY KEY,
  run          text        NOT NULL REFERENCES runs (id),
  number       integer     NOT NULL,
  site         text        NOT NULL,
  dataset      text        NOT NULL,
  state        text        NOT NULL,
  ended        boolean     NOT NULL,
  reason       text        NOT NULL,
  message      text        NOT NULL,
  changed      timestamptz NOT NULL,
  ledger_index bigint      NOT NULL,
  individuals  integer     NOT NULL,
  heard        timestamptz NOT NULL
);
CREATE INDEX parts_of_run ON parts (run, number);
CREATE INDEX parts_open ON parts (site, id) WHERE NOT ended;

-- Hub: outputs of parts, until they are merged; and merged outputs.
CREATE TABLE part_outputs (
  part    text  NOT NULL REFERENCES parts (id),
  name    text  NOT NULL,
  content bytea NOT NULL,
  PRIMARY KEY (part, name)
);
CREATE TABLE outputs (
  run     text  NOT NULL REFERENCES runs (id),
  name    text  NOT NULL,
  content bytea NOT NULL,
  PRIMARY KEY (run, name)
);

-- Node: one row per part of this node.
CREATE TABLE node_parts (
  id                 text        PRIMARY KEY,
  run                text        NOT NULL,
  dataset            text        NOT NULL,
  researcher_issuer  text        NOT NULL,
  researcher_subject text        NOT NULL,
  request            bytea       NOT NULL,
  cancel             boolean     NOT NULL DEFAULT false,
  created            timestamptz NOT NULL,
  stage              text        NOT NULL,
  state              text        NOT NULL,
  end_state          text        NOT NULL,
  reason             text        NOT NULL,
  message            text        NOT NULL,
  tries              integer     NOT NULL,
  version            integer     NOT NULL,
  epoch              bigint      NOT NULL,
  entry              text        NOT NULL,
  ledger_index       bigint      NOT NULL,
  individuals        integer     NOT NULL,
  reported           text        NOT NULL,
  changed            timestamptz NOT NULL,
  -- the columns of libs/sql/lease.h
  work_state         text        NOT NULL DEFAULT 'ready' CHECK (work_state IN ('ready', 'done', 'failed')),
  attempt            integer     NOT NULL DEFAULT 0,
  not_before         timestamptz NOT NULL DEFAULT now(),
  lease_owner        text,
  lease_until        timestamptz,
  last_reason        text
);
CREATE INDEX node_parts_ready ON node_parts (not_before) WHERE work_state = 'ready';
CREATE INDEX node_parts_of_run ON node_parts (run);
