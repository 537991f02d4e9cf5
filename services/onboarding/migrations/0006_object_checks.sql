-- SPDX-License-Identifier: Apache-2.0
-- When a body was last compared with what was written, and what was wrong then: '' or a code of libs/objects/verify.h.
ALTER TABLE objects ADD COLUMN checked timestamptz;
ALTER TABLE objects ADD COLUMN damage text NOT NULL DEFAULT '';
CREATE INDEX objects_checked ON objects (checked NULLS FIRST);
