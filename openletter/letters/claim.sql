-- The claim: one conditional UPDATE. True for one sender only, and only for what may leave now.
-- Cheap conditions (pace, hours) are asked before the door; what is too much of one provider or
-- partner in this batch is cut off after it.
WITH chosen AS MATERIALIZED (
    SELECT d.id, d.purpose, d.partner_id, coalesce(r.provider, d.domain) AS provider,
        w.id AS wave, w.kind AS kind
    FROM delivery d
    JOIN campaign c ON c.id = d.campaign_id
    LEFT JOIN letter l ON l.delivery_id = d.id
    LEFT JOIN wave w ON w.id = l.wave_id
    LEFT JOIN mail_route r ON r.domain = d.domain
    WHERE d.campaign_id = %(campaign)s
      AND (d.state = 'cleared' OR (d.state = 'deferred' AND d.not_before <= %(now)s))
      AND (d.purpose = 'answer' OR %(with_letters)s
           OR (w.kind = 'correction' AND %(with_corrections)s))
      AND (d.purpose = 'answer' OR w.kind = 'correction'
           OR l.country IS NULL OR l.country <> ALL(%(closed_countries)s))
      AND (d.purpose = 'answer' OR coalesce(r.provider, d.domain) <> ALL(%(spent_providers)s))
      AND (d.purpose = 'answer' OR d.partner_id <> ALL(%(spent_partners)s))
      AND ({door}) IS NULL
    ORDER BY d.purpose, w.kind IS DISTINCT FROM 'correction', d.id
    LIMIT %(limit)s
    FOR UPDATE OF d SKIP LOCKED
), ranked AS (
    SELECT chosen.*,
        row_number() OVER (PARTITION BY purpose, provider
                           ORDER BY kind IS DISTINCT FROM 'correction', id) AS of_provider,
        row_number() OVER (PARTITION BY purpose, partner_id
                           ORDER BY kind IS DISTINCT FROM 'correction', id) AS of_partner
    FROM chosen
), allowed AS (
    SELECT ranked.*
    FROM ranked
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
WHERE delivery.id = allowed.id AND delivery.state IN ('cleared', 'deferred')
RETURNING delivery.id, attempt, delivery.purpose, envelope_from, recipient, mailbox, message_id,
    raw, delivery.partner_id, allowed.provider, allowed.wave, allowed.kind
