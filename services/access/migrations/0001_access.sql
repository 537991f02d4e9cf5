-- SPDX-License-Identifier: Apache-2.0
-- Hub: applications. The document is the protobuf JSON form of genofed.access.v1.Application.
CREATE TABLE applications (
  id              text   PRIMARY KEY,
  sequence        bigint NOT NULL UNIQUE,
  applicant       text   NOT NULL,
  idempotency_key text   NOT NULL,
  document        text   NOT NULL,
  UNIQUE (applicant, idempotency_key)
);
CREATE SEQUENCE application_sequence;
-- Countries an application was transmitted to.
CREATE TABLE application_countries (
  application text NOT NULL REFERENCES applications (id),
  country     text NOT NULL,
  PRIMARY KEY (country, application)
);

-- Node: what this country decided. The document is the protobuf JSON form of genofed.access.v1.Review.
CREATE TABLE grants (
  application text PRIMARY KEY,
  document    text NOT NULL
);
CREATE TABLE hub_cursor (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  sequence bigint  NOT NULL
);
INSERT INTO hub_cursor (sequence) VALUES (0);

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
