-- SPDX-License-Identifier: Apache-2.0
-- When somebody was born, of what is possible the earliest: when they come of age is the country's to say, and may change.
-- Until now it was at 18 years. Who came of age on 1 March may have been born on 29 February; then nothing lapses later.
ALTER TABLE subjects ADD COLUMN born date;
UPDATE subjects s SET born = CASE WHEN to_char(o.day, 'MMDD') = '0301' AND extract(day FROM o.day - interval '1 day') = 29
                                  THEN o.day - interval '1 day' ELSE o.day END
  FROM (SELECT id, (adult_at AT TIME ZONE 'UTC') - interval '18 years' AS day FROM subjects WHERE adult_at IS NOT NULL) AS o
  WHERE s.id = o.id;
