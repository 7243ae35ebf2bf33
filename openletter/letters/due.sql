-- Choices that a reminder or a closing letter of an open wave would name now: of a reminder, the
-- cases that a source has seen again since the mailbox's last letter; of a closing letter, all.
SELECT o.id
FROM campaign c
CROSS JOIN (VALUES (%s::timestamptz)) clock (now)
JOIN wave w ON w.campaign_id = c.id AND w.kind IN ('reminder', 'closing')
    AND w.opens_at <= clock.now AND (w.closes_at IS NULL OR w.closes_at > clock.now)
CROSS JOIN LATERAL (
    SELECT b.mailbox, max(e.handed_at) AS last
    FROM letter b JOIN delivery e ON e.id = b.delivery_id
    WHERE b.campaign_id = c.id AND e.state <> 'cancelled'
    GROUP BY b.mailbox
    HAVING bool_or(b.kind <> 'correction' AND e.state IN ('accepted', 'delivered'))
) m
CROSS JOIN LATERAL ({told}) t
JOIN "case" k ON k.id = t.case_id
JOIN choice o ON o.case_id = k.id AND o.mailbox = m.mailbox
    AND o.superseded_at IS NULL AND o.outcome = 'chosen'
WHERE c.id = %s
  AND (w.kind = 'closing' OR (t.state = 'remaining' AND k.last_evidence_at > m.last))
  AND ({why}) IS NULL
