"""Case rows for letters to be written from: what the line before them would have left, by SQL.

Most mailboxes are those of servers' owners with a few cases each, every fifth is a small
provider's, and one in five hundred is a provider's with hundreds of cases. All languages, sixty
countries, three weaknesses, two sources that speak of each case, some with a banner.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openletter.campaigns.models import Campaign

CASES = (1, 1, 2, 2, 3, 4)
"""Cases of a mailbox, in turn: a bit more than two."""
LARGE, LARGE_EVERY = 240, 500
OWNERS = 5
"""Of six mailboxes so many are of owners."""

_SOURCES = """
INSERT INTO source (id, name, family, terms)
SELECT id, name, id, '{"redistribute": true}' FROM (VALUES
    ('bench-relays', 'Bench relay list'), ('bench-proxies', 'Bench proxy watch')
) s (id, name) ON CONFLICT DO NOTHING
"""
_PARTS = """
WITH batches AS (
    INSERT INTO batch (exercise_id, sha256, name, declared_source, complete, state, format,
        source_id, reason, detail, rows, by_judgement, by_reason, stored_at)
    SELECT %(campaign)s, sha256(id::bytea), id || '.csv', '', false, 'done', 'csv', id, '', '', 0,
        '{}', '{}', %(now)s
    FROM source WHERE id LIKE 'bench-%%'
    RETURNING id, source_id, name
)
INSERT INTO batch_part (batch_id, file, outcome, format, source_id, reason, detail, rows,
    by_judgement, by_reason, feed_at, read_at, day_file)
SELECT id, name, 'ok', 'csv', source_id, '', '', 0, '{}', '{}', %(now)s, %(now)s, ''
FROM batches
"""
_MAILBOXES = """
CREATE TEMP TABLE made AS
SELECT n, row_number() OVER (ORDER BY n, k) - 1 AS number,
    'abuse@net' || n || '.example' AS mailbox,
    CASE WHEN n %% %(large_every)s = 0 OR n %% 6 >= %(owners)s THEN 'provider' ELSE 'owner' END
        AS reader,
    (%(countries)s::text[])[1 + n %% cardinality(%(countries)s::text[])] AS country,
    (%(languages)s::text[])[1 + n %% cardinality(%(languages)s::text[])] AS language,
    (ARRAY['open-relay', 'open-http-proxy', 'open-socks'])[1 + (n + k / 3) %% 3] AS weakness,
    (ARRAY[25, 3128, 1080])[1 + (n + k / 3) %% 3] AS port
FROM generate_series(1, %(mailboxes)s) n
CROSS JOIN LATERAL generate_series(1, CASE WHEN n %% %(large_every)s = 0 THEN %(large)s
    ELSE (%(cases)s::int[])[1 + n %% cardinality(%(cases)s::int[])] END) k
"""
_OBSERVATIONS = """
INSERT INTO observation (batch_id, exercise_id, part_id, source_id, row, line, ip, port, protocol,
    weakness, role, code, seen_at, dated_by, address_class, judgement, says, reason, about,
    weighed_at)
SELECT p.batch_id, %(campaign)s, p.id, p.source_id, m.number + 1, m.number + 2,
    inet '10.0.0.0' + m.number, m.port, 'tcp', m.weakness, 'entry', '127.0.0.2',
    %(now)s - interval '1 hour' * (1 + m.number %% 40), 'row', 'private', 'accept', 'accept',
    'says-open',
    CASE WHEN p.source_id = 'bench-relays' AND m.number %% 3 = 0 THEN '{}'::jsonb
    WHEN m.weakness = 'open-relay' THEN '{"banner": "220 mail.shop.example ESMTP Postfix"}'
    WHEN m.weakness = 'open-http-proxy' THEN '{"server": "squid/5.7"}' ELSE '{}' END,
    %(now)s
FROM made m CROSS JOIN batch_part p WHERE p.source_id LIKE 'bench-%%'
ORDER BY m.number, p.id
"""
_FINDINGS = """
INSERT INTO finding (exercise_id, ip, weakness, ports, state, confidence, families, reasons, rows,
    rule_version, first_seen, last_seen, weighed_at)
SELECT %(campaign)s, o.ip, o.weakness, ARRAY[min(o.port)], 'open', 0.9, array_agg(o.source_id),
    '[]', array_agg(o.id), 'weigh-3', min(o.seen_at), max(o.seen_at), %(now)s
FROM observation o WHERE o.exercise_id = %(campaign)s GROUP BY o.ip, o.weakness
"""
_CASES = """
INSERT INTO "case" (campaign_id, exercise, partner_id, ip, weakness, finding_id, reference, state,
    opened_at, last_evidence_at, judged_at, judged_by)
SELECT %(campaign)s, true, %(partner)s, f.ip, f.weakness, f.id, r.reference, 'open', %(now)s,
    f.last_seen, f.weighed_at, %(knobs)s
FROM (SELECT *, row_number() OVER (ORDER BY ip) AS place FROM finding
    WHERE exercise_id = %(campaign)s) f
JOIN unnest(%(references)s::text[]) WITH ORDINALITY r (reference, place) USING (place)
"""
_HOLDERS = """
INSERT INTO holder (campaign_id, key, name, country, stratum, arm, assigned_at)
SELECT DISTINCT %(campaign)s::bigint, 'ORG-' || n, 'Organisation ' || n, country, country, 'letter',
    %(now)s::timestamptz
FROM made
"""
_CHOICES = """
INSERT INTO choice (case_id, partner_id, outcome, mailbox, address, reader, holder_id, netblock,
    candidates, languages, language_reason, reasons, rule_version, chosen_at, superseded_because)
SELECT c.id, c.partner_id, 'chosen', m.mailbox, m.mailbox, m.reader, h.id, '{}', '[]',
    CASE WHEN m.language = 'en' THEN ARRAY['en'] ELSE ARRAY[m.language, 'en'] END, '{}', '[]',
    'rank-1', %(now)s, ''
FROM made m JOIN "case" c ON c.campaign_id = %(campaign)s AND c.ip = inet '10.0.0.0' + m.number
JOIN holder h ON h.campaign_id = %(campaign)s AND h.key = 'ORG-' || m.n
ORDER BY m.number
"""


def fill(campaign: Campaign, *, mailboxes: int, now: datetime) -> int:
    """Cases of so many mailboxes, each with evidence and a choice; how many cases."""
    from django.db import connection, transaction

    from openletter.evidence.weighing import knobs_of
    from openletter.letters import library
    from openletter.words import new_reference

    values = {
        "campaign": campaign.pk, "partner": campaign.lead_id, "now": now, "mailboxes": mailboxes,
        "large": LARGE, "large_every": LARGE_EVERY, "cases": list(CASES), "owners": OWNERS,
        "countries": _countries(), "languages": list(library.languages()),
        "knobs": knobs_of(campaign).knobs,
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in (_SOURCES, _PARTS, _MAILBOXES, _OBSERVATIONS, _FINDINGS):
            cursor.execute(statement, values)
        count = cursor.rowcount
        values["references"] = [new_reference() for _ in range(count)]
        for statement in (_CASES, _HOLDERS, _CHOICES):
            cursor.execute(statement, values)
        cursor.execute("DROP TABLE made")
    return count


def _countries() -> list[str]:
    from bench.operationworld import COUNTRIES

    return list(COUNTRIES)
