-- Cleared letters that may not leave any more, with the reason; waiting is no such reason.
SELECT d.id, door.reason
FROM delivery d
JOIN campaign c ON c.id = d.campaign_id
LEFT JOIN letter l ON l.delivery_id = d.id
LEFT JOIN wave w ON w.id = l.wave_id
CROSS JOIN LATERAL (SELECT {door} AS reason) door
WHERE d.campaign_id = %(campaign)s AND d.state IN ('cleared', 'deferred')
  AND d.purpose = 'letter' AND door.reason IS NOT NULL AND door.reason <> ALL(%(waiting)s)
ORDER BY d.id
LIMIT %(limit)s
FOR UPDATE OF d SKIP LOCKED
