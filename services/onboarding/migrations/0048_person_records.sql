-- SPDX-License-Identifier: Apache-2.0
ALTER TABLE objects DROP CONSTRAINT objects_role_check;
ALTER TABLE objects ADD CONSTRAINT objects_role_check
  CHECK (role IN ('genotypes', 'phenotypes', 'index', 'quarantine', 'person-records'));
