-- SPDX-License-Identifier: Apache-2.0
-- National registries of consents. What they say is in `statements`: name is the registry, record its own id of the
-- Consent ("/refused" behind it: what that refuses), version the number of the full pull that saw it last.
CREATE TABLE registries (
  name         text        PRIMARY KEY,
  stale        boolean     NOT NULL DEFAULT true,  -- not heard for too long: nothing is permitted but by statute
  generation   integer     NOT NULL DEFAULT 0,     -- of full pulls
  watermark    timestamptz,
  last_full    timestamptz,
  last_attempt timestamptz,
  last_success timestamptz,
  last_error   text        NOT NULL DEFAULT '',
  unreadable   bigint      NOT NULL DEFAULT 0
);
