-- SPDX-License-Identifier: Apache-2.0
-- One row per task. `task_order` is what the dispatcher asked for (genofed.spe.v1.Task), as bytes.
CREATE TABLE tasks (
  id               text        PRIMARY KEY,
  task_order       bytea       NOT NULL,
  state            text        NOT NULL CHECK (state IN ('queued', 'initializing', 'running', 'in_review', 'complete',
                                                         'executor_error', 'system_error', 'canceled')),
  reason           text        NOT NULL DEFAULT '',
  cancel_requested boolean     NOT NULL DEFAULT false,
  executor_attempt integer     NOT NULL DEFAULT 0,
  individuals      integer     NOT NULL DEFAULT 0,
  exit_code        integer     NOT NULL DEFAULT 0,
  created          timestamptz NOT NULL,
  started          timestamptz,
  ended            timestamptz,
  -- the columns of libs/sql/lease.h
  work_state       text        NOT NULL DEFAULT 'ready' CHECK (work_state IN ('ready', 'done', 'failed')),
  attempt          integer     NOT NULL DEFAULT 0,
  not_before       timestamptz NOT NULL DEFAULT now(),
  lease_owner      text,
  lease_until      timestamptz,
  last_reason      text
);
CREATE INDEX tasks_ready ON tasks (not_before) WHERE work_state = 'ready';

-- Outputs that passed the checks, waiting or decided. The files themselves lie in the service's data directory.
CREATE TABLE reviews (
  task     text        PRIMARY KEY REFERENCES tasks (id),
  digest   text        NOT NULL,
  document bytea       NOT NULL,
  since    timestamptz NOT NULL,
  decision text        NOT NULL DEFAULT 'none' CHECK (decision IN ('none', 'release', 'refuse')),
  by       text        NOT NULL DEFAULT '',
  reason   text        NOT NULL DEFAULT ''
);
CREATE INDEX reviews_waiting ON reviews (since) WHERE decision = 'none';
