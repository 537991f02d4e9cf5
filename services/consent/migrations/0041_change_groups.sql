-- SPDX-License-Identifier: Apache-2.0
-- What holders and registries say of people is logged for many of them at once: an entry holds the root of a tree over
-- their commitments, which stand here, 32 bytes each. They hide what they commit to, and stay when somebody is forgotten.
CREATE TABLE change_groups (
  ledger_index bigint PRIMARY KEY REFERENCES ledger (index),
  commitments  bytea  NOT NULL CHECK (octet_length(commitments) % 32 = 0)
);

-- Of such a change: where the person's commitment stands, and with the blinded identifier what opens it. Goes with the row.
ALTER TABLE permission_changes
  ADD COLUMN place integer CHECK (place >= 0),
  ADD COLUMN key   bytea   CHECK (octet_length(key) = 32),
  ADD COLUMN words text,
  ADD CHECK ((place IS NULL) = (key IS NULL) AND (place IS NULL) = (words IS NULL));
