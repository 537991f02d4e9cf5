-- SPDX-License-Identifier: Apache-2.0
-- Everybody has one slot in all cohort snapshots of the node, at random and for good. Slots come in blocks of 1,024;
-- those that are nobody's yet have secrets, too, so that a snapshot does not tell how many people there are.
DO $$ BEGIN
  IF EXISTS (SELECT FROM snapshots) THEN
    RAISE EXCEPTION 'snapshots of a version before 0.1 cannot be proven any more: begin with an empty database';
  END IF;
END $$;

CREATE TABLE slot_blocks (
  block   integer PRIMARY KEY CHECK (block >= 0),
  secrets bytea   NOT NULL CHECK (octet_length(secrets) = 32768)  -- K_i, 32 bytes each
);
ALTER TABLE slot_blocks ALTER COLUMN secrets SET STORAGE EXTERNAL;  -- random bytes do not compress
CREATE TABLE free_slots (slot integer PRIMARY KEY);

ALTER TABLE subjects ADD COLUMN slot integer UNIQUE CHECK (slot >= 0);
UPDATE subjects SET slot = given.slot
  FROM (SELECT id, row_number() OVER (ORDER BY gen_random_uuid()) - 1 AS slot FROM subjects) AS given
  WHERE given.id = subjects.id;
WITH filled AS (SELECT count(*)::integer AS first, ((count(*) + 1023) / 1024 * 1024)::integer AS next FROM subjects),
  added AS (INSERT INTO free_slots SELECT generate_series(first, next - 1) FROM filled RETURNING slot)
INSERT INTO slot_blocks
  SELECT slot / 1024, string_agg(secret, '' ORDER BY slot) FROM (
    SELECT slot, secret FROM subjects
    UNION ALL  -- two UUIDs have 244 random bits
    SELECT slot, decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex') FROM added) AS one
  GROUP BY slot / 1024;
ALTER TABLE subjects ALTER COLUMN slot SET NOT NULL, DROP COLUMN secret;

-- What a snapshot is proven from: who is permitted (RoaringFormatSpec), and the root of each block.
ALTER TABLE snapshots DROP COLUMN bits, ADD COLUMN permitted bytea NOT NULL, ADD COLUMN blocks bytea NOT NULL;
ALTER TABLE snapshots ALTER COLUMN blocks SET STORAGE EXTERNAL;
CREATE INDEX snapshots_in_order ON snapshots (ledger_index);
