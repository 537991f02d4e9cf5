-- SPDX-License-Identifier: Apache-2.0
-- People who were forgotten are looked for again and again.
CREATE INDEX subjects_erased ON subjects (id) WHERE erased IS NOT NULL;
