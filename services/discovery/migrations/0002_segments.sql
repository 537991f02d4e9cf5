-- SPDX-License-Identifier: Apache-2.0
-- The cohort index of a version is one segment for each batch of people that was added; versions share segments.
CREATE TABLE publication_segments (
  dataset         text    NOT NULL,
  version         integer NOT NULL,
  position        integer NOT NULL CHECK (position >= 0),
  index_path      text    NOT NULL,
  manifest_sha256 text    NOT NULL,
  PRIMARY KEY (dataset, version, position),
  FOREIGN KEY (dataset, version) REFERENCES publications (dataset, version)
);
INSERT INTO publication_segments SELECT dataset, version, 0, index_path, manifest_sha256 FROM publications;
ALTER TABLE publications DROP COLUMN index_path, DROP COLUMN manifest_sha256;
