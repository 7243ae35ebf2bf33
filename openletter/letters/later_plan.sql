-- Of each open reminder or closing wave: the mailboxes that letters told something, by what
-- becomes of them there.
SELECT w.kind, reached.fate, count(*)
FROM campaign c
CROSS JOIN (VALUES (%(now)s::timestamptz)) clock (now)
JOIN wave w ON w.campaign_id = c.id AND w.kind IN ('reminder', 'closing')
    AND w.opens_at <= clock.now AND (w.closes_at IS NULL OR w.closes_at > clock.now)
CROSS JOIN LATERAL (
    SELECT DISTINCT b.mailbox
    FROM letter b JOIN delivery e ON e.id = b.delivery_id
    WHERE b.campaign_id = c.id AND b.kind <> 'correction' AND e.handed_at IS NOT NULL
      AND (%(partners)s::bigint[] IS NULL OR b.partner_id = ANY (%(partners)s::bigint[]))
) m
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN EXISTS (
            SELECT FROM letter x LEFT JOIN delivery e ON e.id = x.delivery_id
            WHERE x.wave_id = w.id AND x.mailbox = m.mailbox
              AND (e.id IS NULL OR e.state IN ('cleared', 'deferred'))
        ) THEN 'written'
        WHEN EXISTS (
            SELECT FROM letter x WHERE x.wave_id = w.id AND x.mailbox = m.mailbox
        ) THEN 'left'
        WHEN EXISTS (
            SELECT FROM suppression s
            WHERE s.mailbox = m.mailbox AND s.undone_at IS NULL
              AND (s.campaign_id IS NULL OR s.campaign_id = c.id)
        ) THEN 'suppressed'
        ELSE coalesce({why}, CASE
            WHEN m.mailbox = ANY (%(due)s) THEN 'due'
            WHEN w.kind = 'reminder' THEN 'not-seen-again'
            ELSE 'nothing-to-tell'
        END)
    END AS fate
) reached
WHERE c.id = %(campaign)s
GROUP BY w.kind, reached.fate
ORDER BY w.kind, count(*) DESC, reached.fate
