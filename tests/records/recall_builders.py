"""A campaign on its way, whose evidence can be taken back: sources, cases, letters that left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from openletter.campaigns.models import Campaign
from openletter.cases import steps as cases
from openletter.cases.models import Case
from openletter.evidence import steps as evidence
from openletter.evidence.models import Source, Withdrawal
from openletter.evidence.withdrawing import Scope
from openletter.letters import recall, sending, steps
from openletter.letters.models import Correction, Delivery, Letter
from openletter.wire.smtp import Fate, Outcome, Stage
from tests.builders import NOW, a_user
from tests.letter_builders import ABUSE, a_campaign_with_wave, a_choice
from tests.mail_builders import an_installation
from tests.records.evidence_builders import proxy_list, said_open, take_in

ZONE = "example-dnsbl"
WRONG, RIGHT = "192.0.2.1", "192.0.2.2"
ACCEPTED = Fate(outcome=Outcome.ACCEPTED, stage=Stage.DOT, code=250, queue_id="4Xyz")


def a_world(state: Path) -> Campaign:
    """Two addresses by two sources; a third source names only the second of them."""
    an_installation(state)
    campaign = a_campaign_with_wave()
    said_open(WRONG, RIGHT, campaign=campaign)
    take_in(proxy_list(RIGHT), "proxy.txt", campaign)
    weigh(campaign)
    return campaign


def weigh(campaign: Campaign, *, now: datetime = NOW) -> None:
    while evidence.weigh(campaign, now=now, limit=1000):
        pass


def open_and_choose(campaign: Campaign, address: str = ABUSE, *, now: datetime = NOW) -> None:
    cases.open_cases(campaign, now=now, limit=1000)
    for case in Case.objects.filter(campaign=campaign).order_by("pk"):
        if not case.campaign.exercise or case.state == "open":
            a_choice(case, address)


def compose(campaign: Campaign, *, now: datetime = NOW) -> int:
    campaign.refresh_from_db()
    return steps.compose(campaign, now=now, limit=100)


def claim(campaign: Campaign, *, now: datetime = NOW) -> list[sending.Claimed]:
    return sending.claim(campaign, worker="w1", now=now, limit=100)


def hand_over(campaign: Campaign, *, fate: Fate = ACCEPTED, now: datetime = NOW) -> int:
    """Send all that may leave."""
    sending.send_back(campaign, now=now)
    claimed = claim(campaign, now=now)
    for one in claimed:
        sending.record(one, fate, now=now)
    return len(claimed)


def sent(campaign: Campaign, address: str = ABUSE) -> Letter:
    """One letter about both addresses has left."""
    open_and_choose(campaign, address)
    compose(campaign)
    assert hand_over(campaign) == 1
    return Letter.objects.get(mailbox=address)


def scope(campaign: Campaign | None, source: str = ZONE, **more: object) -> Scope:
    given: dict[str, object] = {"since": NOW.replace(hour=0), "until": None} | more
    return Scope(source=Source.objects.get(pk=source), exercise=campaign, **given)  # type: ignore[arg-type]


def withdraw(campaign: Campaign, source: str = ZONE, **more: object) -> Withdrawal:
    made, _ = recall.withdraw(
        scope(campaign.world, source, **more), reason="their scanner was wrong", by="user:x",
        now=NOW,
    )  # fmt: skip
    return made


def the_correction(campaign: Campaign) -> Correction:
    return Correction.objects.get(campaign=campaign)


def an_approver(campaign: Campaign):  # noqa: ANN201 - Django's user
    return a_user("approver", partner=campaign.lead, role="approver")


def the_case(ip: str = WRONG) -> Case:
    return Case.objects.get(ip=ip)


def states(rows: Sequence[Delivery] | None = None) -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("state", flat=True))
