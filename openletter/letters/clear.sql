-- Letters become deliveries that may leave, in their order; the bytes stay where they are.
WITH made AS (
    INSERT INTO delivery (
        campaign_id, exercise, partner_id, purpose, mailbox, recipient, envelope_from, message_id,
        body_sha256, state, cleared_at, attempt, worker, queue_id, smtp_text, settled_by, reason)
    SELECT c.id, c.exercise, l.partner_id, 'letter', l.mailbox, l.recipient, l.envelope_from,
        l.message_id, l.body_sha256, 'cleared', %(now)s, 0, '', '', '', '', ''
    FROM letter l JOIN campaign c ON c.id = l.campaign_id
    WHERE l.id = ANY(%(letters)s) AND l.delivery_id IS NULL
    ORDER BY l.id
    RETURNING id, message_id
), cleared AS (
    UPDATE letter SET delivery_id = made.id FROM made WHERE letter.message_id = made.message_id
    RETURNING letter.id, letter.partner_id, letter.reference
)
SELECT cleared.id, cleared.partner_id, cleared.reference,
    ARRAY(SELECT r.case_id FROM letter_case r WHERE r.letter_id = cleared.id ORDER BY r.number)
FROM cleared
ORDER BY cleared.id
