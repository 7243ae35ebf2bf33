-- The claim: one conditional UPDATE. True for one sender only, and only for what may leave now.
WITH chosen AS MATERIALIZED (
    SELECT d.id
    FROM delivery d
    JOIN campaign c ON c.id = d.campaign_id
    LEFT JOIN letter l ON l.delivery_id = d.id
    LEFT JOIN wave w ON w.id = l.wave_id
    WHERE d.campaign_id = %(campaign)s
      AND (d.state = 'cleared' OR (d.state = 'deferred' AND d.not_before <= %(now)s))
      AND (d.purpose = 'answer' OR %(with_letters)s
           OR (w.kind = 'correction' AND %(with_corrections)s))
      AND ({door}) IS NULL
    ORDER BY d.purpose, w.kind IS DISTINCT FROM 'correction', d.id
    LIMIT %(limit)s
    FOR UPDATE OF d SKIP LOCKED
)
UPDATE delivery SET
    state = 'handing', worker = %(worker)s, attempt = attempt + 1,
    handed_at = %(now)s, not_before = NULL, reason = ''
FROM chosen
WHERE delivery.id = chosen.id AND delivery.state IN ('cleared', 'deferred')
RETURNING delivery.id
