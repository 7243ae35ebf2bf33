-- Drafts of later letters that tell what no longer holds, or that nothing is due any more.
SELECT l.id
FROM campaign c
CROSS JOIN (VALUES (%s::timestamptz)) clock (now)
JOIN letter l ON l.campaign_id = c.id AND l.delivery_id IS NULL AND l.kind <> 'first'
WHERE c.id = %s AND (l.told::text[] <> ({stands}) OR ({why}) IS NOT NULL)
