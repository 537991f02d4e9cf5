-- SPDX-License-Identifier: Apache-2.0
-- A published version is a snapshot: segments that it shares with the version it goes on from, and a table of
-- individuals of its own. Rows are never changed.
CREATE TABLE snapshots (
  dataset            text    NOT NULL,
  version            integer NOT NULL CHECK (version > 0),
  submission         text    NOT NULL UNIQUE REFERENCES submissions (id),
  base               integer NOT NULL CHECK (base >= 0 AND base < version),
  assembly           text    NOT NULL,
  individuals_path   text    NOT NULL,
  individuals_sha256 text    NOT NULL,
  PRIMARY KEY (dataset, version)
);
CREATE TABLE snapshot_segments (
  dataset         text    NOT NULL,
  version         integer NOT NULL,
  position        integer NOT NULL CHECK (position >= 0),
  submission      text    NOT NULL REFERENCES submissions (id),  -- that added these people
  index_path      text    NOT NULL,
  manifest_sha256 text    NOT NULL,
  rows            integer NOT NULL CHECK (rows > 0),
  PRIMARY KEY (dataset, version, position),
  FOREIGN KEY (dataset, version) REFERENCES snapshots (dataset, version)
);
INSERT INTO snapshots
  SELECT dataset, version, id, 0, document::json->'dataset'->>'assembly',
         'onboarding/index/' || dataset || '/' || version || '/individuals.jsonl', individuals_sha256
  FROM submissions WHERE state = 'published';
INSERT INTO snapshot_segments
  SELECT dataset, version, 0, id, 'onboarding/index/' || dataset || '/' || version, index_sha256,
         (document::json->'counts'->>'subjectsIncluded')::integer
  FROM submissions WHERE state = 'published';

-- Conformity reports, as they were signed.
CREATE TABLE reports (
  submission text PRIMARY KEY REFERENCES submissions (id),
  json       text NOT NULL,
  html       text NOT NULL,
  jws        text NOT NULL
);
