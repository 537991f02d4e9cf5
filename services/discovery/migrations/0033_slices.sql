-- SPDX-License-Identifier: Apache-2.0
-- Parts of budgets that a replica charged before it told them (app/budgets.h); `spent` holds them in full. The row goes
-- when the replica settles. One that is older than seconds was left by a replica that was killed: it stays spent.
CREATE TABLE slices (
  id      bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account text             NOT NULL,
  dataset text             NOT NULL,
  day     bigint           NOT NULL,
  nats    double precision NOT NULL CHECK (nats > 0),
  at      timestamptz      NOT NULL
);
CREATE INDEX slices_of_dataset ON slices (dataset);
