-- The claim: one conditional UPDATE. True for one sender only, and only for what may leave now.
-- Answers, corrections, letters in their order: the door is asked of one after the other until
-- enough may leave, so that what waits behind them costs nothing. Cheap conditions (pace, hours)
-- are asked before the door; what is too much of one provider or partner is cut off after it.
-- `OFFSET 0` and `LIMIT 1` hold the planner to this order, also where it knows no figures yet.
WITH chosen AS MATERIALIZED (
    SELECT found.*
    FROM (VALUES (1, 'answer', false), (2, 'letter', true), (3, 'letter', false))
        AS turn (number, purpose, is_correction)
    CROSS JOIN LATERAL (
        SELECT d.id, d.purpose, d.partner_id, coalesce(r.provider, d.domain) AS provider,
            w.id AS wave, w.kind AS kind, l.id AS letter, d.handed_at AS handed_before
        FROM (
            SELECT * FROM delivery d
            WHERE d.campaign_id = %(campaign)s AND d.purpose = turn.purpose
              AND d.state IN ('cleared', 'deferred')
              AND (d.state = 'cleared' OR d.not_before <= %(now)s)
              AND (turn.purpose = 'answer'
                   OR (turn.is_correction AND %(with_corrections)s AND EXISTS (
                       SELECT FROM wave v JOIN letter b ON b.wave_id = v.id
                       JOIN delivery e ON e.id = b.delivery_id
                       WHERE v.campaign_id = %(campaign)s AND v.kind = 'correction'
                         AND e.state IN ('cleared', 'deferred')))
                   OR (NOT turn.is_correction AND %(with_letters)s))
            ORDER BY d.campaign_id, d.purpose, d.id
            OFFSET 0
        ) d
        CROSS JOIN LATERAL (SELECT * FROM campaign WHERE id = d.campaign_id LIMIT 1) c
        LEFT JOIN LATERAL (SELECT * FROM letter WHERE delivery_id = d.id LIMIT 1) l ON true
        LEFT JOIN LATERAL (SELECT * FROM wave WHERE id = l.wave_id LIMIT 1) w ON true
        LEFT JOIN LATERAL (SELECT * FROM mail_route WHERE domain = d.domain LIMIT 1) r ON true
        WHERE turn.is_correction = (w.kind IS NOT DISTINCT FROM 'correction')
          AND (d.purpose = 'answer' OR turn.is_correction
               OR l.country IS NULL OR l.country <> ALL(%(closed_countries)s))
          AND (d.purpose = 'answer' OR coalesce(r.provider, d.domain) <> ALL(%(spent_providers)s))
          AND (d.purpose = 'answer' OR d.partner_id <> ALL(%(spent_partners)s))
          AND ({door}) IS NULL
        LIMIT %(limit)s
    ) found
    LIMIT %(limit)s
), held AS MATERIALIZED (
    SELECT d.id FROM delivery d
    WHERE d.id = ANY(ARRAY(SELECT id FROM chosen)) AND d.state IN ('cleared', 'deferred')
    FOR UPDATE OF d SKIP LOCKED
), ranked AS (
    SELECT chosen.*,
        row_number() OVER (PARTITION BY purpose, provider
                           ORDER BY kind IS DISTINCT FROM 'correction', id) AS of_provider,
        row_number() OVER (PARTITION BY purpose, partner_id
                           ORDER BY kind IS DISTINCT FROM 'correction', id) AS of_partner
    FROM chosen JOIN held USING (id)
), allowed AS (
    SELECT ranked.*, letter.raw
    FROM ranked
    LEFT JOIN letter ON letter.id = ranked.letter
    LEFT JOIN unnest(%(providers)s::text[], %(provider_left)s::int[]) AS p (key, room)
        ON p.key = ranked.provider
    LEFT JOIN unnest(%(partners)s::bigint[], %(partner_left)s::int[]) AS q (key, room)
        ON q.key = ranked.partner_id
    WHERE purpose = 'answer'
       OR (of_provider <= coalesce(p.room, %(provider_full)s)
           AND of_partner <= coalesce(q.room, %(limit)s))
)
UPDATE delivery SET
    state = 'handing', worker = %(worker)s, attempt = attempt + 1,
    handed_at = %(now)s, not_before = NULL, reason = ''
FROM allowed
WHERE delivery.id = allowed.id AND coalesce(delivery.state, '') IN ('cleared', 'deferred')
RETURNING delivery.id, attempt, delivery.purpose, envelope_from, recipient, mailbox, message_id,
    coalesce(delivery.raw, allowed.raw), delivery.partner_id, allowed.provider, allowed.wave,
    allowed.kind, allowed.handed_before
