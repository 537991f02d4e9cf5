-- SPDX-License-Identifier: Apache-2.0
-- What connectors to clinical servers remember between pulls. People are keyed hashes; the key is not in the database.
CREATE TABLE connectors (
  name                 text        PRIMARY KEY,
  dataset              text        NOT NULL,
  base_version         integer     NOT NULL,
  watermark            timestamptz,
  last_full            timestamptz,
  submission           text        NOT NULL,  -- empty: none
  submission_watermark timestamptz,
  attempt              integer     NOT NULL,
  last_attempt         timestamptz,
  last_success         timestamptz,
  last_error           text        NOT NULL,
  resources_pulled     bigint      NOT NULL,
  people_submitted     bigint      NOT NULL
);
CREATE TABLE connector_people (
  connector       text  NOT NULL REFERENCES connectors (name),
  person          text  NOT NULL CHECK (length(person) = 64),
  digest          text  CHECK (length(digest) = 64),  -- null: not in the base version as it is at the server
  has_consent     boolean,
  pending_digest  text  CHECK (length(pending_digest) = 64),  -- of the submission
  pending_consent boolean,
  PRIMARY KEY (connector, person)
);
