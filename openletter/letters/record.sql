-- What became of letters in hand: only the sender that held them knows. One row in and out each.
WITH told AS (
    SELECT * FROM unnest(
        %(ids)s::bigint[], %(workers)s::text[], %(attempts)s::int[], %(states)s::text[],
        %(codes)s::int[], %(texts)s::text[], %(queue_ids)s::text[], %(reasons)s::text[],
        %(not_before)s::timestamptz[], %(is_sure)s::bool[]
    ) AS t (id, worker, attempt, state, code, said, queue_id, reason, not_before, is_sure)
), held AS (
    SELECT d.id, d.state AS before FROM delivery d JOIN told ON told.id = d.id
    WHERE d.worker = told.worker AND d.attempt = told.attempt
      AND (d.state = 'handing' OR (d.state = 'unknown' AND told.is_sure))
    ORDER BY d.id
    FOR UPDATE OF d
)
UPDATE delivery SET
    state = told.state, settled_at = %(now)s, queue_id = told.queue_id, smtp_code = told.code,
    smtp_text = told.said, reason = told.reason,
    not_before = coalesce(told.not_before, delivery.not_before)
FROM told JOIN held ON held.id = told.id
WHERE delivery.id = told.id
RETURNING delivery.id, held.before
