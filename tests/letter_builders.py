"""Rows for tests of composing: cases with evidence, and whom to write to about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from openletter.campaigns.models import Campaign, Wave
from openletter.cases.models import Case
from openletter.contacts.models import Choice, Holder
from openletter.letters.models import Letter
from openletter.words import Reader, WaveKind, Weakness
from tests.builders import NOW
from tests.site_builders import a_running_campaign, some_cases

ABUSE = "abuse@network.example"


def a_campaign_with_wave(*, exercise: bool = True, **changes: object) -> Campaign:
    """A running campaign whose first wave is open."""
    campaign = a_running_campaign(exercise=exercise)
    for name, value in changes.items():
        setattr(campaign, name, value)
    campaign.save()
    Wave.objects.get_or_create(campaign=campaign, kind=WaveKind.FIRST, defaults={"opens_at": NOW})
    return campaign


def a_choice(case: Case, address: str = ABUSE, **changes: object) -> Choice:
    """The current choice of a case."""
    given: dict[str, object] = {
        "case": case, "partner": case.partner, "outcome": Choice.Outcome.CHOSEN,
        "mailbox": address.lower(), "address": address, "reader": Reader.PROVIDER,
        "languages": ["nl", "en"], "rule_version": "1", "chosen_at": NOW,
    }  # fmt: skip
    return Choice.objects.create(**(given | changes))


def a_holder(campaign: Campaign, key: str = "ORG-1", *, arm: str = "letter") -> Holder:
    return Holder.objects.create(
        campaign=campaign, key=key, name=key, country="NL", stratum="NL", arm=arm, assigned_at=NOW
    )


def chosen_cases(
    campaign: Campaign,
    addresses: Sequence[str],
    address: str = ABUSE,
    *,
    weakness: Weakness = Weakness.OPEN_RELAY,
    at: datetime = NOW,
    **changes: object,
) -> list[Choice]:
    """Cases at these addresses, all of one mailbox."""
    cases = some_cases(campaign, [(ip, weakness) for ip in addresses], at=at)
    return [a_choice(case, address, **changes) for case in cases]


def the_letter(mailbox: str = ABUSE) -> Letter:
    return Letter.objects.get(mailbox=mailbox)


def text_of(letter: Letter) -> str:
    """The plain text of a stored letter."""
    import email
    import email.policy

    message = email.message_from_bytes(bytes(letter.raw), policy=email.policy.SMTP)
    parts = [
        str(part.get_content()).replace("\r\n", "\n")
        for part in message.walk()
        if part.get_content_type() == "text/plain" and not part.get_filename()
    ]
    assert parts
    return "\n".join(parts)
