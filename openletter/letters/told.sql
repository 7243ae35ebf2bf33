-- The cases that letters to a mailbox told of, and how each stands now; once a case.
-- Only what the mailbox still answers for: of a case that went to another contact it learns no more.
SELECT DISTINCT ON (b.mailbox, k.id)
    b.mailbox, k.id AS case_id,
    CASE k.state
        WHEN 'closed' THEN 'closed' WHEN 'withdrawn' THEN 'taken-back'
        WHEN 'announced-fixed' THEN 'announced' ELSE 'remaining'
    END AS state
FROM letter b
JOIN wave v ON v.id = b.wave_id
JOIN delivery e ON e.id = b.delivery_id
JOIN letter_case t ON t.letter_id = b.id
JOIN "case" k ON k.id = t.case_id
WHERE b.campaign_id = {campaign} AND b.mailbox = {mailbox}
  AND v.kind <> 'correction' AND e.state IN ('accepted', 'delivered')
  AND EXISTS (
      SELECT FROM choice o
      WHERE o.case_id = k.id AND o.mailbox = b.mailbox
        AND o.superseded_at IS NULL AND o.outcome = 'chosen'
  )
  AND (k.state <> 'withdrawn'
       OR EXISTS (SELECT FROM mistake m WHERE m.case_id = k.id AND m.undone_at IS NULL))
  AND NOT EXISTS (
      SELECT FROM exclusion x
      WHERE k.ip <<= x.network AND x.undone_at IS NULL
        AND (x.campaign_id IS NULL OR x.campaign_id = b.campaign_id)
  )
ORDER BY b.mailbox, k.id
