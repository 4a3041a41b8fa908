-- schema: 1.2.0
-- kind: expand
--
-- Whoever empties the record leaves the first line of the new one: who, when,
-- and from which role.
CREATE TRIGGER events_after_truncate AFTER TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION table_after_truncate();
