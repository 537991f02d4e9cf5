-- SPDX-License-Identifier: Apache-2.0
-- People who were forgotten, so that they are not taken in again: a keyed hash of the blinded identifier, which leads
-- neither to a person nor to the row that was theirs. Of those who were forgotten before this there is none.
CREATE TABLE tombstones (tombstone text PRIMARY KEY);
