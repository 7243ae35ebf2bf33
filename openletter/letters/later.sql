-- Why mailbox {mailbox} of campaign (c) gets no {kind} letter now; NULL: nothing speaks against it.
-- One text for composing, for the plan and for the door; {own} is the delivery that asks, or zero.
CASE
    WHEN {kind} = 'reminder' AND NOT c.reminders THEN 'reminders-off'
    WHEN {kind} = 'closing' AND NOT c.closing_letters THEN 'closing-letters-off'
    WHEN EXISTS (
        SELECT FROM letter b JOIN delivery e ON e.id = b.delivery_id
        WHERE b.campaign_id = c.id AND b.mailbox = {mailbox} AND e.id <> {own}
          AND b.kind = {kind} AND {kind} <> 'update' AND e.state <> 'cancelled'
    ) THEN 'had-its-one'
    WHEN EXISTS (
        SELECT FROM letter b JOIN delivery e ON e.id = b.delivery_id
        WHERE b.campaign_id = c.id AND b.mailbox = {mailbox} AND e.id <> {own}
          AND e.state IN ('cleared', 'deferred', 'handing')
    ) THEN 'letter-in-hand'
    WHEN EXISTS (
        SELECT FROM letter b JOIN delivery e ON e.id = b.delivery_id
        WHERE b.campaign_id = c.id AND b.mailbox = {mailbox} AND e.id <> {own}
          AND e.state = 'unknown'
    ) THEN 'fate-unknown'
    WHEN {kind} <> 'update' AND EXISTS (
        SELECT FROM letter b JOIN delivery e ON e.id = b.delivery_id
        WHERE b.campaign_id = c.id AND b.mailbox = {mailbox} AND e.state = 'bounced'
    ) THEN 'letter-bounced'
    WHEN EXISTS (
        SELECT FROM handed_elsewhere h
        WHERE h.campaign = c.slug AND h.mailbox_hash = sha256(convert_to({mailbox}, 'UTF8'))
    ) THEN 'fate-unknown'
    WHEN EXISTS (
        SELECT FROM letter b JOIN delivery e ON e.id = b.delivery_id
        WHERE b.campaign_id = c.id AND b.mailbox = {mailbox} AND e.id <> {own}
          AND e.handed_at > {now} - c.distance_days * interval '1 day'
    ) THEN 'too-soon'
    WHEN EXISTS (
        SELECT FROM grace g
        WHERE g.campaign_id = c.id AND g.mailbox = {mailbox}
          AND g.undone_at IS NULL AND g.until > {now}
    ) THEN 'given-time'
    WHEN EXISTS (
        SELECT FROM letter b JOIN letter_case r ON r.letter_id = b.id
        JOIN "case" k ON k.id = r.case_id
        WHERE b.campaign_id = c.id AND b.mailbox = {mailbox} AND b.delivery_id IS NOT NULL
          AND k.state = 'announced-fixed' AND k.announced_until > {now}
    ) THEN 'announced-fixed'
END
