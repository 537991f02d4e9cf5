-- SPDX-License-Identifier: Apache-2.0
-- The ledger's entries lie in a log of files. This table keeps those that were made together with rows: they are written
-- here in the rows' transaction, and then to the log.
DROP INDEX ledger_accesses;
-- The log that belongs to this database.
CREATE TABLE entry_log (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  id       text    NOT NULL,
  -- The newest entry whose rows the operator has given up (docs/operations/backup.md).
  given_up bigint  NOT NULL DEFAULT -1
);
