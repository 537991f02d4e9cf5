-- SPDX-License-Identifier: Apache-2.0
-- What the catalogue was told about the people of a version: one row per version, never changed.
CREATE TABLE dataset_statistics (
  dataset   text        NOT NULL,
  version   integer     NOT NULL CHECK (version > 0),
  response  bytea       NOT NULL, -- genofed.discovery.v1.DescribeVersionResponse
  described timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (dataset, version)
);
