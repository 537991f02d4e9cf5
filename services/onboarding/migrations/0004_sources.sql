-- SPDX-License-Identifier: Apache-2.0
-- A submission has any number of files, each with a name of its own; one may have come encrypted. A file that was sent
-- before keeps its place on disk: its name is what its kind was called.
ALTER TABLE files DROP CONSTRAINT files_pkey, DROP CONSTRAINT files_kind_check;
ALTER TABLE files ADD COLUMN name text, ADD COLUMN crypt4gh boolean NOT NULL DEFAULT false;
UPDATE files SET name = kind;
UPDATE files SET kind = 'clinical' WHERE kind = 'phenopackets';
ALTER TABLE files ALTER COLUMN name SET NOT NULL, ADD PRIMARY KEY (submission, name),
  ADD CONSTRAINT files_kind_check CHECK (kind IN ('variants', 'clinical', 'consents', 'mapping'));

ALTER TABLE objects DROP CONSTRAINT objects_role_check;
ALTER TABLE objects ADD CONSTRAINT objects_role_check
  CHECK (role IN ('genotypes', 'phenotypes', 'index', 'quarantine'));
