-- SPDX-License-Identifier: Apache-2.0
-- What an object is, so that the key of an index can be given where those of data are not.
ALTER TABLE headers ADD COLUMN role text NOT NULL DEFAULT '';
