-- SPDX-License-Identifier: Apache-2.0
-- Files of Beacon data folders.
ALTER TABLE files DROP CONSTRAINT files_kind_check,
  ADD CONSTRAINT files_kind_check CHECK (kind IN ('variants', 'clinical', 'consents', 'mapping', 'beacon'));
