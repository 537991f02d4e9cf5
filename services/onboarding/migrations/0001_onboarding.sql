-- SPDX-License-Identifier: Apache-2.0
-- The document holds what people see of a submission (genofed.onboarding.v1.Submission as JSON): no person
-- identifiers, no sample names.
CREATE TABLE submissions (
  id              text        PRIMARY KEY,
  issuer          text        NOT NULL,
  subject         text        NOT NULL,
  organisation    text        NOT NULL,
  idempotency_key text        NOT NULL,
  dataset         text        NOT NULL,
  version         integer     CHECK (version > 0),  -- null until reserved; never used twice
  state           text        NOT NULL
                  CHECK (state IN ('open', 'queued', 'running', 'published', 'rejected', 'failed')),
  document        text        NOT NULL,
  index_sha256    text        NOT NULL DEFAULT '',
  individuals_sha256 text NOT NULL DEFAULT '',
  created         timestamptz NOT NULL,
  started         timestamptz,
  finished        timestamptz,
  UNIQUE (issuer, subject, idempotency_key),
  UNIQUE (dataset, version)
);
CREATE INDEX submissions_created ON submissions (created);

CREATE TABLE files (
  submission text    NOT NULL REFERENCES submissions (id),
  kind       text    NOT NULL CHECK (kind IN ('variants', 'phenopackets', 'consents')),
  size       bigint  NOT NULL CHECK (size >= 0),  -- bytes that are on disk
  sha256     text    CHECK (length(sha256) = 64),  -- null until sealed
  PRIMARY KEY (submission, kind)
);

-- A row exists once its body is in the store. The header is encrypted to the key service.
CREATE TABLE objects (
  id            text        PRIMARY KEY,
  submission    text        NOT NULL REFERENCES submissions (id),
  role          text        NOT NULL CHECK (role IN ('genotypes', 'phenotypes')),
  name          text        NOT NULL,
  plain_size    bigint      NOT NULL,
  plain_sha256  text        NOT NULL,
  body_size     bigint      NOT NULL,
  body_sha256   text        NOT NULL,
  header        bytea       NOT NULL,
  header_stored boolean     NOT NULL DEFAULT false,
  created       timestamptz NOT NULL,
  UNIQUE (submission, role)
);

-- Started submissions: leased work items (libs/sql/lease.h).
CREATE TABLE jobs (
  id          text        PRIMARY KEY REFERENCES submissions (id),
  work_state  text        NOT NULL DEFAULT 'ready' CHECK (work_state IN ('ready', 'done', 'failed')),
  attempt     integer     NOT NULL DEFAULT 0,
  not_before  timestamptz NOT NULL DEFAULT now(),
  lease_owner text,
  lease_until timestamptz,
  last_reason text
);
CREATE INDEX jobs_ready ON jobs (not_before) WHERE work_state = 'ready';
