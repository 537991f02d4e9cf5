-- SPDX-License-Identifier: Apache-2.0
-- Requests of clinicians to be put in touch with those who care for similar people.
CREATE TABLE contact_requests (
  id           text        PRIMARY KEY, -- sorts by the time it was made
  state        text        NOT NULL CHECK (state IN ('waiting', 'accepted', 'declined')),
  created      timestamptz NOT NULL,
  dataset      text        NOT NULL,
  terms        text        NOT NULL, -- separated by commas
  message      text        NOT NULL,
  reply_to     text        NOT NULL,
  account      text        NOT NULL, -- digest of the organisation, as in asked
  issuer       text        NOT NULL,
  subject      text        NOT NULL,
  name         text        NOT NULL,
  organisation text        NOT NULL,
  logged       boolean     NOT NULL DEFAULT false, -- it is in the ledger; nobody sees it before
  reply        text        NOT NULL DEFAULT '',
  answered     timestamptz
);
CREATE INDEX contact_requests_waiting ON contact_requests (account) WHERE state = 'waiting';
CREATE INDEX contact_requests_person ON contact_requests (issuer, subject, id);
