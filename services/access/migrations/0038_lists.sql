-- SPDX-License-Identifier: Apache-2.0
-- Hub: whose officials see an application, as `organisation` in its document; lists are of whoever asks.
ALTER TABLE applications ADD COLUMN organisation text NOT NULL DEFAULT '';
UPDATE applications SET organisation = coalesce(document::json ->> 'organisation', '');
CREATE INDEX applications_of_organisation ON applications (organisation, id);

-- Node: the end of the permit while the country approves; NULL: nothing is permitted. Visas are made of these.
ALTER TABLE grants ADD COLUMN live_until timestamptz;
UPDATE grants SET live_until = (document::json ->> 'permitUntil')::timestamptz
  WHERE document::json -> 'decision' ->> 'outcome' = 'OUTCOME_APPROVED';
CREATE INDEX grants_live ON grants (live_until) WHERE live_until IS NOT NULL;
