-- Letters in hand of which nothing was said: as they were before the claim, times and all.
UPDATE delivery SET
    state = 'cleared', attempt = delivery.attempt - 1, worker = '', handed_at = held.handed_before
FROM unnest(%(ids)s::bigint[], %(workers)s::text[], %(attempts)s::int[],
            %(handed_before)s::timestamptz[]) AS held (id, worker, attempt, handed_before)
WHERE delivery.id = held.id AND delivery.worker = held.worker
  AND delivery.attempt = held.attempt AND delivery.state = 'handing'
RETURNING delivery.id
