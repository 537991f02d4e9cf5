-- SPDX-License-Identifier: Apache-2.0
-- An answer is kept before the ledger is told, and seen when it is in there.
ALTER TABLE contact_requests ADD COLUMN answer_logged boolean NOT NULL DEFAULT false;
UPDATE contact_requests SET answer_logged = true WHERE state <> 'waiting';
