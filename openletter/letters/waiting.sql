-- Letters that have not left, by the first reason why not now; '' where the door alone decides.
SELECT CASE
        WHEN %(whole)s::text <> '' THEN %(whole)s::text
        WHEN d.state = 'deferred' AND d.not_before > %(now)s THEN 'waits-for-retry'
        WHEN w.opens_at > %(now)s THEN 'wave-not-open'
        WHEN coalesce(r.provider, d.domain) = ANY(%(spent_providers)s) THEN 'waits-for-provider'
        WHEN d.partner_id = ANY(%(spent_partners)s) THEN 'waits-for-partner'
        WHEN w.kind IS DISTINCT FROM 'correction' AND l.country = ANY(%(closed_countries)s)
            THEN 'waits-for-hours'
        ELSE ''
    END AS code, count(*)
FROM delivery d
LEFT JOIN letter l ON l.delivery_id = d.id
LEFT JOIN wave w ON w.id = l.wave_id
LEFT JOIN mail_route r ON r.domain = d.domain
WHERE d.campaign_id = %(campaign)s AND d.purpose = 'letter' AND d.state IN ('cleared', 'deferred')
GROUP BY code
