-- SPDX-License-Identifier: Apache-2.0
-- Of whom something was said or became known, in the order of the changes: who keeps in memory what was said asks for
-- what is newer. No person: of so many that all is to be read again.
CREATE TABLE voice_changes (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  subject bigint
);

CREATE FUNCTION note_voices(people bigint[]) RETURNS void LANGUAGE sql AS $$
  INSERT INTO voice_changes (subject)
    SELECT DISTINCT CASE WHEN cardinality(people) > 10000 THEN NULL ELSE one END FROM unnest(people) AS one
$$;
CREATE FUNCTION note_new_statements() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM note_voices((SELECT array_agg(DISTINCT subject) FROM new_rows));
  RETURN NULL;
END $$;
CREATE FUNCTION note_old_statements() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM note_voices((SELECT array_agg(DISTINCT subject) FROM old_rows));
  RETURN NULL;
END $$;
-- A registry's pull renews the version of all its rows; that says nothing new.
CREATE FUNCTION note_changed_statements() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM note_voices((SELECT array_agg(DISTINCT subject) FROM (
    SELECT subject, source, name, record, permits, denies, valid_from, valid_until, terms FROM new_rows
    EXCEPT SELECT subject, source, name, record, permits, denies, valid_from, valid_until, terms FROM old_rows) AS new));
  RETURN NULL;
END $$;
CREATE FUNCTION note_changed_lives() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM note_voices((SELECT array_agg(id) FROM new_rows));
  RETURN NULL;
END $$;
CREATE TRIGGER statements_added AFTER INSERT ON statements REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION note_new_statements();
CREATE TRIGGER statements_removed AFTER DELETE ON statements REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION note_old_statements();
CREATE TRIGGER statements_changed AFTER UPDATE ON statements REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION note_changed_statements();
CREATE TRIGGER lives_changed AFTER UPDATE ON subjects REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION note_changed_lives();
