"""A case is handed to another partner of its campaign by a person, with a reason."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from openletter.campaigns.models import Partner
from openletter.cases.models import Case
from openletter.cases.steps import assign_partner
from openletter.contacts import steps
from openletter.contacts.decision_rows import HandOver
from openletter.contacts.errors import ContactError
from openletter.contacts.models import Choice
from openletter.contacts.registers import Untold
from openletter.words import Reason

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@transaction.atomic
def hand_over(
    case: Case, partner: Partner, *, reason: str, user: User, now: datetime, untold: Untold
) -> Choice | None:
    """A person gives the case to another partner of the campaign; it settles a conflict too.

    None: that partner answers for it already. The contact is chosen anew, because the partner's
    own register counts now, unless a letter about the case has left: whom it reached stays whom
    the case is told to (`untold` says which choices that leaves).
    """
    if not reason.strip():
        raise ContactError(Reason(code="override-no-reason"))
    if not case.campaign.partners.filter(pk=partner.pk).exists():
        raise ContactError(Reason(code="partner-not-in-campaign", values={"partner": partner.name}))
    current = steps.current_choice(case)
    is_conflict = current is not None and current.outcome == Choice.Outcome.CONFLICT
    if case.partner_id == partner.pk and not is_conflict:
        return None
    actor = f"user:{user.get_username()}"
    HandOver.objects.create(
        case=case, partner=partner, by=user.get_username(), reason=reason.strip()[:300], at=now
    )
    why = Reason(code="handed-over", values={"text": reason.strip()[:300]})
    assign_partner(case, partner, actor=actor, now=now, reason=why)
    standing = Choice.objects.filter(case=case, superseded_at=None)
    if current is not None and not untold(standing).exists():
        standing.update(partner=partner)
        return standing.get()
    steps.send_back(standing, because="handed-over", actor=actor, now=now, text=reason)
    return steps.decide_anew([Case.objects.get(pk=case.pk)], campaign=case.campaign, now=now)[0]
