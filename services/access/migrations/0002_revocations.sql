-- SPDX-License-Identifier: Apache-2.0
-- What the site no longer accepts. Rows are added and marked as taken back, never changed otherwise; those of kind
-- token go once no such token can live any more.
CREATE TABLE revocations (
  id               text        PRIMARY KEY,
  kind             text        NOT NULL CHECK (kind IN ('token', 'application', 'user', 'dataset', 'identity')),
  value            text        NOT NULL,
  issuer           text        NOT NULL DEFAULT '',
  reason           text        NOT NULL,
  revoked_by       text        NOT NULL,
  revoked_at       timestamptz NOT NULL,
  reinstated_at    timestamptz,
  reinstated_by    text        NOT NULL DEFAULT '',
  reinstate_reason text        NOT NULL DEFAULT '',
  CHECK (kind <> 'application' OR reinstated_at IS NULL)
);
CREATE UNIQUE INDEX revocations_in_force ON revocations (kind, value, issuer) WHERE reinstated_at IS NULL;
-- Grows with every change of the list.
CREATE TABLE revocation_list (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  sequence bigint  NOT NULL
);
INSERT INTO revocation_list (sequence) VALUES (1);

-- Node: visas that were made and may still live, so that revoking an application revokes them too.
CREATE TABLE minted_visas (
  id          text        PRIMARY KEY,
  application text        NOT NULL,
  dataset     text        NOT NULL,
  expires     timestamptz NOT NULL
);
CREATE INDEX minted_visas_application ON minted_visas (application);

-- Hub: visas that nodes delivered, the newest for each application and dataset.
CREATE TABLE delivered_visas (
  application text        NOT NULL REFERENCES applications (id),
  dataset     text        NOT NULL,
  country     text        NOT NULL,
  subject     text        NOT NULL,
  issuer      text        NOT NULL,
  id          text        NOT NULL,
  visa        text        NOT NULL,
  expires     timestamptz NOT NULL,
  PRIMARY KEY (application, dataset)
);
CREATE INDEX delivered_visas_subject ON delivered_visas (subject);

-- Approvals revoked before there was a list.
INSERT INTO revocations (id, kind, value, reason, revoked_by, revoked_at)
  SELECT 'rev-' || application, 'application', application,
         coalesce(document::json -> 'decision' ->> 'reason', 'revoked'), '', now()
    FROM grants WHERE document::json -> 'decision' ->> 'outcome' = 'OUTCOME_REVOKED';
