-- Why a delivery (d) of campaign (c), letter (l) and wave (w) may not leave now; NULL: it may.
-- One text for the claim and for sending back, so that both ask the same questions.
CASE
    WHEN NOT EXISTS (SELECT FROM installation) THEN 'no-installation'
    WHEN EXISTS (SELECT FROM installation i WHERE i.leaving_paused_at IS NOT NULL)
        THEN 'leaving-paused'
    WHEN c.paused_at IS NOT NULL THEN 'campaign-paused'
    WHEN d.purpose = 'answer'
        THEN CASE WHEN c.state IN ('running', 'waiting', 'finished') THEN NULL
             ELSE 'campaign-not-running' END
    WHEN c.state <> 'running' AND NOT (
        w.kind IS NOT DISTINCT FROM 'correction' AND c.state IN ('waiting', 'finished')
    ) THEN 'campaign-not-running'
    WHEN l.id IS NULL THEN 'no-letter'
    WHEN w.opens_at > %(now)s THEN 'wave-not-open'
    WHEN w.closes_at <= %(now)s THEN 'wave-closed'
    WHEN EXISTS (
        SELECT FROM handed_elsewhere h
        WHERE h.campaign = c.slug AND h.mailbox_hash = sha256(convert_to(d.mailbox, 'UTF8'))
          AND (h.wave = w.id OR (h.wave IS NULL AND h.kind = w.kind))
    ) OR EXISTS (SELECT FROM same_contact) AND w.kind <> 'correction' AND EXISTS (
        SELECT FROM same_contact y
        JOIN same_contact x ON x.contact = y.contact AND x.mailbox <> y.mailbox
            AND x.exercise_id IS NOT DISTINCT FROM y.exercise_id
        JOIN handed_elsewhere h ON h.campaign = c.slug AND h.kind <> 'correction'
            AND h.mailbox_hash = sha256(convert_to(x.mailbox, 'UTF8'))
        WHERE y.mailbox = d.mailbox
          AND y.exercise_id IS NOT DISTINCT FROM CASE WHEN c.exercise THEN c.id END
    ) THEN 'handed-elsewhere'
    WHEN NOT EXISTS (SELECT FROM letter_case lc WHERE lc.letter_id = l.id) THEN 'no-case'
    WHEN EXISTS (
        SELECT FROM suppression s
        WHERE s.mailbox = d.mailbox AND s.undone_at IS NULL
          AND (s.campaign_id IS NULL OR s.campaign_id = c.id)
    ) OR EXISTS (SELECT FROM same_contact) AND EXISTS (
        SELECT FROM same_contact y
        JOIN same_contact x ON x.contact = y.contact
            AND x.exercise_id IS NOT DISTINCT FROM y.exercise_id
        JOIN suppression s ON s.mailbox = x.mailbox
        WHERE y.mailbox = d.mailbox AND s.undone_at IS NULL
          AND y.exercise_id IS NOT DISTINCT FROM CASE WHEN c.exercise THEN c.id END
          AND (s.campaign_id IS NULL OR s.campaign_id = c.id)
    ) THEN 'suppressed'
    WHEN EXISTS (
        SELECT FROM letter_case lc JOIN "case" k ON k.id = lc.case_id
        JOIN exclusion e ON k.ip <<= e.network
        WHERE lc.letter_id = l.id AND e.undone_at IS NULL
          AND (e.campaign_id IS NULL OR e.campaign_id = c.id)
    ) THEN 'excluded'
    WHEN NOT c.exercise AND (l.wordings = '{}' OR EXISTS (
        SELECT FROM unnest(l.wordings) asked (version)
        WHERE NOT EXISTS (
            SELECT FROM wording_approval a
            WHERE a.partner_id = l.partner_id AND a.version = asked.version
              AND a.undone_at IS NULL)
    )) THEN 'wording-not-approved'
    WHEN NOT c.exercise AND NOT EXISTS (
        SELECT FROM partner p WHERE p.id = l.partner_id AND p.legal_approved_at <= l.composed_at
    ) THEN 'law-not-approved'
    WHEN w.kind = 'correction' THEN CASE
        WHEN NOT EXISTS (
            SELECT FROM correction q
            WHERE q.wave_id = w.id AND q.approved_at IS NOT NULL AND q.dropped_at IS NULL
        ) THEN 'correction-not-approved'
        WHEN EXISTS (
            SELECT FROM letter_case lc JOIN "case" k ON k.id = lc.case_id
            WHERE lc.letter_id = l.id AND (k.state <> 'withdrawn' OR NOT EXISTS (
                SELECT FROM mistake m WHERE m.case_id = k.id AND m.undone_at IS NULL))
        ) THEN 'no-mistake'
        WHEN EXISTS (
            SELECT FROM letter_case lc
            WHERE lc.letter_id = l.id AND NOT EXISTS (
                SELECT FROM letter_case t JOIN letter b ON b.id = t.letter_id
                JOIN wave v ON v.id = b.wave_id JOIN delivery e ON e.id = b.delivery_id
                WHERE t.case_id = lc.case_id AND b.mailbox = d.mailbox AND v.kind <> 'correction'
                  AND (e.state IN ('accepted', 'delivered')
                       OR (e.state = 'unknown' AND e.not_sent_at IS NULL)))
        ) THEN 'never-told'
    END
    ELSE coalesce(CASE WHEN l.kind <> 'first' THEN {why} END, CASE
    WHEN EXISTS (
        SELECT FROM contact_wish v
        WHERE v.mailbox = d.mailbox
          AND v.exercise_id IS NOT DISTINCT FROM CASE WHEN c.exercise THEN c.id END
          AND (v.at >= l.composed_at OR v.undone_at >= l.composed_at
               OR (v.wish = 'other-mailbox' AND v.undone_at IS NULL))
    ) THEN 'wish-changed'
    WHEN EXISTS (SELECT FROM same_contact) AND EXISTS (
        SELECT FROM letter b JOIN delivery e ON e.id = b.delivery_id
        WHERE b.campaign_id = c.id AND b.mailbox = ANY(ARRAY(
              SELECT x.mailbox::text FROM same_contact y
              JOIN same_contact x ON x.contact = y.contact AND x.mailbox <> y.mailbox
                  AND x.exercise_id IS NOT DISTINCT FROM y.exercise_id
              WHERE y.mailbox = d.mailbox
                AND y.exercise_id IS NOT DISTINCT FROM CASE WHEN c.exercise THEN c.id END))
          AND e.state <> 'cancelled'
          AND (b.wave_id = w.id OR (l.kind IN ('first', 'update') AND EXISTS (
              SELECT FROM letter_case t JOIN letter_case lc ON lc.case_id = t.case_id
              WHERE t.letter_id = b.id AND lc.letter_id = l.id)))
          AND (e.state <> 'cleared' OR e.id < d.id)
    ) THEN 'contact-had-its-letter'
    ELSE (
        -- its rows once, with all that is asked of them; nothing here may begin at another table
        SELECT CASE
            WHEN bool_or(h.arm <> 'letter' AND c.arms ? h.arm) THEN 'control-arm'
            WHEN bool_or(o.superseded_at IS NOT NULL OR o.mailbox <> d.mailbox
                OR o.outcome <> 'chosen') THEN 'choice-changed'
            WHEN l.kind <> 'first' AND l.told::text[] <> ({stands}) THEN 'told-changed'
            WHEN l.kind = 'closing' THEN NULL
            WHEN bool_or(k.state <> 'open') THEN 'case-not-open'
            WHEN bool_or(EXISTS (SELECT FROM withdrawal) AND EXISTS (
                SELECT FROM observation x WHERE x.id = ANY(f.rows) AND x.withdrawn_id IS NOT NULL
            )) THEN 'evidence-withdrawn'
            WHEN bool_or(f.state <> 'open') THEN 'evidence-turned'
            WHEN bool_or(EXISTS (SELECT FROM suspension WHERE ended_at IS NULL) AND EXISTS (
                SELECT FROM suspension u
                JOIN observation x ON x.source_id = u.source_id AND x.ip = k.ip
                    AND x.weakness = k.weakness AND x.exercise_id IS NOT DISTINCT FROM f.exercise_id
                WHERE u.exercise_id IS NOT DISTINCT FROM f.exercise_id AND u.ended_at IS NULL
                  AND (l.composed_at <= greatest(u.at, f.weighed_at) OR x.id = ANY(f.rows))
            )) THEN 'source-suspended'
            WHEN bool_or(k.judged_at IS NULL OR k.judged_at < f.weighed_at
                OR k.judged_by <> concat_ws('/', c.families_needed, c.fresh_days,
                    c.fresh_days_unsaid, c.fresh_days_ipv6, c.fresh_hours_moving)
            ) THEN 'evidence-weighed-anew'
            WHEN bool_or(k.falls_short) THEN 'campaign-asks-more'
            WHEN bool_or(k.last_evidence_at <= %(now)s - c.door_fresh_days * interval '1 day'
                OR k.fresh_until <= %(now)s) THEN 'evidence-old'
            WHEN l.kind = 'reminder' AND NOT (
                SELECT coalesce(bool_and(a.last_evidence_at > (
                    SELECT max(e.handed_at) FROM letter b JOIN delivery e ON e.id = b.delivery_id
                    WHERE b.campaign_id = c.id AND b.mailbox = d.mailbox AND e.id <> d.id
                )), false)
                FROM letter_case t JOIN "case" a ON a.id = t.case_id
                WHERE t.letter_id = l.id AND t.case_id || ':remaining' = ANY (l.told)
            ) THEN 'not-seen-again'
        END
        FROM letter_case lc
        JOIN choice o ON o.id = lc.choice_id
        LEFT JOIN holder h ON h.id = o.holder_id
        JOIN "case" k ON k.id = lc.case_id
        JOIN finding f ON f.id = k.finding_id
        WHERE lc.letter_id = l.id
    )
    END)
END
