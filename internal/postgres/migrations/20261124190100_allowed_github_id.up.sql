-- schema: 1.3.0
-- kind: expand
--
-- Somebody who is allowed before the first sign-in may be deleted before it too,
-- and then the record has to say by itself which account was meant.
CREATE OR REPLACE FUNCTION users_after_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    decided uuid[];
BEGIN
    SELECT pg_catalog.array_agg(id) INTO decided FROM new_rows
    WHERE is_whitelisted OR whitelist_decided_at IS NOT NULL;
    IF decided IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM note_event(
        CASE WHEN is_whitelisted THEN 'access.allowed' ELSE 'access.refused' END,
        id,
        pg_catalog.jsonb_build_object('github_user_id', github_user_id, 'until', whitelist_until))
    FROM new_rows WHERE id = ANY (decided);
    PERFORM notify_access(decided);
    RETURN NULL;
END $$;
