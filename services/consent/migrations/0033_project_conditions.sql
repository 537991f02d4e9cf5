-- SPDX-License-Identifier: Apache-2.0
-- Cohorts are also of the conditions on permissions (DUO modifiers) that the country accepted as met by the project.
ALTER TABLE snapshots ADD COLUMN met text[] NOT NULL DEFAULT '{}',
  DROP CONSTRAINT snapshots_dataset_version_permission_epoch_purpose_key,
  ADD UNIQUE (dataset, version, permission, epoch, purpose, met);
