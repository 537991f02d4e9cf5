-- SPDX-License-Identifier: Apache-2.0
-- One row per published version of a dataset, never changed; the newest version is answered from.
CREATE TABLE publications (
  dataset            text        NOT NULL,
  version            integer     NOT NULL CHECK (version > 0),
  assembly           text        NOT NULL,
  index_path         text        NOT NULL,
  manifest_sha256    text        NOT NULL,
  individuals_path   text        NOT NULL,
  individuals_sha256 text        NOT NULL,
  published          timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (dataset, version)
);
