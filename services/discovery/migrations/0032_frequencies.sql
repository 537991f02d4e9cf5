-- SPDX-License-Identifier: Apache-2.0
-- Tables of allele frequencies that this node published, and who was counted in them: rows of datasets, without names.
-- Rows are never changed; how many there are within the policy's days is what may still be published.
CREATE TABLE frequency_tables (
  id        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  assembly  text        NOT NULL,
  digest    text        NOT NULL CHECK (length(digest) = 64),
  published timestamptz NOT NULL
);
CREATE INDEX frequency_tables_by_assembly ON frequency_tables (assembly, id);
CREATE TABLE frequency_counted (
  published bigint  NOT NULL REFERENCES frequency_tables (id),
  dataset   text    NOT NULL,
  version   integer NOT NULL CHECK (version > 0),
  people    bytea   NOT NULL, -- row i is bit i%8 of byte i/8
  PRIMARY KEY (published, dataset)
);
