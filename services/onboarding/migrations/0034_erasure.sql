-- SPDX-License-Identifier: Apache-2.0
-- Rows of a version of which nothing is stored any more; and whether discovery knows the files that the version has
-- since.
ALTER TABLE snapshots ADD COLUMN erased bigint[] NOT NULL DEFAULT '{}',
  ADD COLUMN announced boolean NOT NULL DEFAULT true;
-- What is to be removed: replaced, or being made (then a process that is killed leaves it here).
CREATE TABLE discarded (
  name    text NOT NULL,
  kind    text NOT NULL CHECK (kind IN ('object', 'path')),
  dataset text NOT NULL,
  PRIMARY KEY (kind, name)
);
