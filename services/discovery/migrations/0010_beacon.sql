-- SPDX-License-Identifier: Apache-2.0
-- One row per published version of a Beacon data folder, never changed.
CREATE TABLE beacon_publications (
  dataset   text        NOT NULL,
  version   integer     NOT NULL CHECK (version > 0),
  path      text        NOT NULL,
  sha256    text        NOT NULL,
  published timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (dataset, version)
);
