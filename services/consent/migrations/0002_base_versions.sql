-- SPDX-License-Identifier: Apache-2.0
-- The version that a version goes on from (0: none): its people keep their slots' rows, its objects stay in use.
ALTER TABLE dataset_versions ADD COLUMN base integer NOT NULL DEFAULT 0 CHECK (base >= 0 AND base < version);
