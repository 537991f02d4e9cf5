-- SPDX-License-Identifier: Apache-2.0
-- Everything that was said about a person, by whom: the person ('own'), the holder of a dataset (name: the dataset), a
-- national registry (name: the registry, record: its own name for the record). Bits of permissions as elsewhere; what
-- is in neither is silence.
CREATE TABLE statements (
  subject     bigint   NOT NULL REFERENCES subjects (id),
  source      text     NOT NULL CHECK (source IN ('own', 'holder', 'registry')),
  name        text     NOT NULL DEFAULT '',
  record      text     NOT NULL DEFAULT '',
  version     integer  NOT NULL DEFAULT 0,  -- of the dataset, of a holder's
  permits     smallint NOT NULL CHECK (permits BETWEEN 0 AND 7),
  denies      smallint NOT NULL CHECK (denies BETWEEN 0 AND 7),
  valid_from  timestamptz,
  valid_until timestamptz,
  terms       text     NOT NULL DEFAULT '',  -- JSON: purposes, conditions, form, wishes; empty: none
  PRIMARY KEY (subject, source, name, record)
);
CREATE INDEX statements_of_source ON statements (source, name, record);
CREATE INDEX statements_from ON statements (valid_from) WHERE valid_from IS NOT NULL;
CREATE INDEX statements_until ON statements (valid_until) WHERE valid_until IS NOT NULL;

-- Until now a record named what it permits, and refused the rest.
INSERT INTO statements (subject, source, permits, denies)
  SELECT id, 'own', own_permissions, 7 - own_permissions FROM subjects WHERE own_permissions IS NOT NULL;
INSERT INTO statements (subject, source, name, version, permits, denies)
  SELECT subject, 'holder', dataset, version, permissions, 7 - permissions FROM holder_permissions;
DROP TABLE holder_permissions;
ALTER TABLE subjects DROP COLUMN own_permissions;

-- Of the person: when a guardian's permission lapses, and when the person died.
ALTER TABLE subjects ADD COLUMN adult_at timestamptz, ADD COLUMN died_at timestamptz, ADD COLUMN erased timestamptz;
CREATE INDEX subjects_adult ON subjects (adult_at) WHERE adult_at IS NOT NULL;
CREATE INDEX subjects_died ON subjects (died_at) WHERE died_at IS NOT NULL;

-- When the epoch began: what begins or ends by itself after that begins another. The policy in force.
ALTER TABLE head ADD COLUMN epoch_at timestamptz NOT NULL DEFAULT 'epoch', ADD COLUMN policy_sha256 text NOT NULL DEFAULT '';

-- Cohorts are of a purpose, too, by a rule of the policy.
ALTER TABLE snapshots ADD COLUMN purpose text NOT NULL DEFAULT '', ADD COLUMN model text NOT NULL DEFAULT 'opt-in',
  ADD COLUMN legal_basis text NOT NULL DEFAULT '',
  DROP CONSTRAINT snapshots_dataset_version_permission_epoch_key,
  ADD UNIQUE (dataset, version, permission, epoch, purpose);

-- The name of the registry that a change came from.
ALTER TABLE permission_changes ADD COLUMN registry text NOT NULL DEFAULT '';
