-- SPDX-License-Identifier: Apache-2.0
-- People who were forgotten, so that they are not taken in again: a keyed hash of the blinded identifier, which leads
-- neither to a person nor to the row that was theirs. Of those who were forgotten before this there is none.
CREATE TABLE tombstones (tombstone text PRIMARY KEY);

-- Entries that count releases of keys are compared every minute, and are few among all.
CREATE INDEX audit_entries_releases ON audit_entries (ledger_index) WHERE releases IS NOT NULL;

-- From this version on people's own choices and those of guardians are judged otherwise: cohorts of before are not gone on with.
UPDATE head SET epoch = epoch + 1 WHERE EXISTS (SELECT FROM subjects);
