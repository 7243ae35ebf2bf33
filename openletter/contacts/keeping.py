"""Decisions of the step `find` on their way into the database: choices, holders, who answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import connection

from openletter.campaigns.copying import array, as_json, copy_rows, new_ids
from openletter.campaigns.models import Campaign
from openletter.campaigns.rules import Entry, arm_of
from openletter.cases.models import Case
from openletter.contacts.models import Holder
from openletter.contacts.rules.decide import Decision, HolderFacts, Rung, candidates_as_json

ACTOR = "step:find"
_COLUMNS = (
    "id", "case_id", "chosen_at", "superseded_because", "partner_id", "outcome", "mailbox",
    "address", "reader", "holder_id", "netblock", "candidates", "languages", "language_reason",
    "reasons", "rule_version",
)  # fmt: skip
_NEW_HOLDERS = """
INSERT INTO holder (campaign_id, key, name, country, stratum, arm, assigned_at)
SELECT %s, told.key, told.name, told.country, told.stratum, told.arm, %s
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
  AS told (key, name, country, stratum, arm)
ON CONFLICT (campaign_id, key) DO NOTHING
"""


def keep(
    cases: Sequence[Case], decisions: Mapping[int, Decision], *, campaign: Campaign, now: datetime
) -> list[Entry]:
    """Write the choices, the holders with their arms, and which partner answers.

    Returns the timeline's lines about them, in the cases' order.
    """
    holders = _holders(campaign, decisions.values(), now)
    told: dict[int, tuple[object, ...]] = {}
    for made in decisions.values():
        if id(made) not in told:
            told[id(made)] = _columns_of(made, holders=holders)
    ids = new_ids("choice", len(cases))
    copy_rows(
        "choice",
        _COLUMNS,
        (
            (pk, case.pk, now, "", *told[id(decisions[case.pk])])
            for pk, case in zip(ids, cases, strict=True)
        ),
    )
    _answers(cases, decisions)
    return [entry_of(decisions[case.pk], case, now=now) for case in cases]


def _answers(cases: Sequence[Case], decisions: Mapping[int, Decision]) -> None:
    """Where another partner than the one it was opened for answers for a case."""
    moved: dict[int, list[int]] = defaultdict(list)
    for case in cases:
        partner = decisions[case.pk].responsibility.partner
        if case.partner_id != partner:
            moved[partner].append(case.pk)
    for partner, ids in moved.items():
        Case.objects.filter(pk__in=ids).update(partner=partner)


def _holders(campaign: Campaign, decisions: Iterable[Decision], now: datetime) -> dict[str, int]:
    """Every holder once a campaign, by its key; the arm is drawn the first time and stays."""
    wanted: dict[str, HolderFacts] = {
        decision.holder.key: decision.holder for decision in decisions if decision.holder
    }
    known = Holder.objects.filter(campaign=campaign, key__in=list(wanted))
    found = dict(known.values_list("key", "pk"))
    new = [wanted[key] for key in sorted(wanted.keys() - found.keys())]
    if not new:
        return found
    columns = [
        [one.key for one in new],
        [one.name[:300] for one in new],
        [one.country or "" for one in new],
        [one.stratum for one in new],
        [_arm(campaign, one) for one in new],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_NEW_HOLDERS, [campaign.pk, now, *columns])
    return dict(known.values_list("key", "pk"))


def _arm(campaign: Campaign, facts: HolderFacts) -> str:
    key = bytes(campaign.arm_key)
    return arm_of(facts.key, stratum=facts.stratum, key=key, shares=campaign.arms)


def _columns_of(decision: Decision, *, holders: Mapping[str, int]) -> tuple[object, ...]:
    """What a choice says, apart from which case it is about and when it was made."""
    chosen, nearest = decision.chosen, decision.nearest
    ranking = decision.ranking
    return (
        decision.responsibility.partner,
        decision.outcome,
        chosen.mailbox if chosen else "",
        chosen.address if chosen else "",
        decision.reader or "",
        holders[decision.holder.key] if decision.holder else None,
        as_json(_netblock(nearest) if nearest else {}),
        as_json(candidates_as_json(ranking.order, ranking.rejected)),
        array(decision.languages),
        as_json(decision.language_reason.as_json()),
        as_json([reason.as_json() for reason in decision.reasons]),
        decision.rule_version,
    )


def _netblock(nearest: Rung) -> dict[str, object]:
    return {
        "first": str(nearest.first),
        "last": str(nearest.last),
        "handle": nearest.handle,
        "name": nearest.name,
        "holder": nearest.holder,
        "country": nearest.country,
        "registry": nearest.registry,
    }


def entry_of(decision: Decision, case: Case, *, now: datetime) -> Entry:
    """The timeline's line about a choice."""
    partner, chosen = decision.responsibility.partner, decision.chosen
    return Entry(
        subject=f"case:{case.pk}",
        actor=ACTOR,
        action=f"contact-{decision.outcome}",
        at=now,
        campaign_id=case.campaign_id,
        partner_id=partner,
        before={"partner": case.partner_id} if case.partner_id != partner else None,
        after={
            "mailbox": chosen.mailbox if chosen else "", "reader": decision.reader or "",
            "languages": list(decision.languages), "partner": partner,
            "rules": decision.rule_version,
        },
        reason=decision.reasons[0].as_json() if decision.reasons else None,
    )  # fmt: skip
