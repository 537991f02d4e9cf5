-- SPDX-License-Identifier: Apache-2.0
-- Snapshots are kept from the moment on that discovery has the version. Those of submissions that failed before lead
-- to files that are gone.
DELETE FROM snapshot_segments WHERE (dataset, version) IN
  (SELECT s.dataset, s.version FROM snapshots s JOIN submissions o ON o.id = s.submission
   WHERE o.state IN ('rejected', 'failed'));
DELETE FROM snapshots WHERE submission IN (SELECT id FROM submissions WHERE state IN ('rejected', 'failed'));
