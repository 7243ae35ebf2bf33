-- How the told cases of a mailbox stand now, as `letter.told` keeps it.
SELECT coalesce(array_agg(t.case_id || ':' || t.state ORDER BY t.case_id), '{}') FROM ({told}) t
