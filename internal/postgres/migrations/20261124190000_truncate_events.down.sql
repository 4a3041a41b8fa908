DROP TRIGGER events_after_truncate ON events;
