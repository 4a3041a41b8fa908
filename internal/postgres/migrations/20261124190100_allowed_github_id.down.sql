-- lost: no rows; events of people who are allowed before they come say no GitHub id any more
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
        pg_catalog.jsonb_build_object('until', whitelist_until))
    FROM new_rows WHERE id = ANY (decided);
    PERFORM notify_access(decided);
    RETURN NULL;
END $$;
