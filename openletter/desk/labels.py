"""Words and marks for the closed sets that only the desk shows; the others are the frame's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from openletter.campaigns.rules import CampaignState, MemberRole
from openletter.contacts.models import Choice
from openletter.evidence.models import Batch
from openletter.frame import labels as shared
from openletter.letters.models import Delivery
from openletter.outcomes.models import Recheck
from openletter.replies.models import Reply, ReplyKind
from openletter.words import (
    CaseState,
    DeliveryState,
    FindingState,
    Judgement,
    OutcomeResult,
    Reader,
    Role,
    Scope,
    StepName,
    WaveKind,
    Weakness,
    Wish,
)

Label = str | Promise

STEP: Final[Mapping[StepName, Label]] = {
    StepName.INGEST: _("Read reports"),
    StepName.CONSULT: _("Ask blocklists"),
    StepName.WEIGH: _("Weigh evidence"),
    StepName.OPEN: _("Open cases"),
    StepName.LOOKUP: _("Ask registries"),
    StepName.FIND: _("Find contacts"),
    StepName.COMPOSE: _("Write letters"),
    StepName.SEND: _("Hand over"),
    StepName.READ: _("Read replies"),
    StepName.RECHECK: _("Look again"),
    StepName.CONCLUDE: _("Conclude"),
}

CAMPAIGN_STATE: Final[Mapping[CampaignState, Label]] = {
    CampaignState.DRAFT: pgettext_lazy("campaign", "draft"),
    CampaignState.PLANNED: pgettext_lazy("campaign", "planned"),
    CampaignState.RUNNING: pgettext_lazy("campaign", "running"),
    CampaignState.WAITING: pgettext_lazy("campaign", "waits for a person"),
    CampaignState.FINISHED: pgettext_lazy("campaign", "finished"),
}

CASE: Final[Mapping[CaseState, Label]] = {
    **shared.CASE_STATE,
    CaseState.OPEN: pgettext_lazy("case", "open"),
}

DELIVERY: Final[Mapping[DeliveryState, Label]] = {
    DeliveryState.CLEARED: pgettext_lazy("delivery", "cleared to leave"),
    DeliveryState.HANDING: pgettext_lazy("delivery", "being handed over"),
    DeliveryState.ACCEPTED: pgettext_lazy("delivery", "accepted by our mail server"),
    DeliveryState.DEFERRED: pgettext_lazy("delivery", "deferred, tried again"),
    DeliveryState.DELIVERED: pgettext_lazy("delivery", "delivered"),
    DeliveryState.BOUNCED: pgettext_lazy("delivery", "bounced"),
    DeliveryState.UNKNOWN: pgettext_lazy("delivery", "unknown"),
    DeliveryState.CANCELLED: pgettext_lazy("delivery", "cancelled"),
}

REPLY_KIND: Final[Mapping[ReplyKind, Label]] = {
    ReplyKind.BOUNCE_HARD: _("bounce: no such mailbox"),
    ReplyKind.BOUNCE_SOFT: _("bounce: for now"),
    ReplyKind.DELAYED: _("delayed"),
    ReplyKind.AUTO_REPLY: _("automatic reply"),
    ReplyKind.CHALLENGE: _("asks us to prove ourselves"),
    ReplyKind.FEEDBACK: _("spam report"),
    ReplyKind.QUESTION: _("question"),
    ReplyKind.FIXED: _("says it is fixed"),
    ReplyKind.NOT_OURS: _("says it is not theirs"),
    ReplyKind.FORWARDED: _("passed it on"),
    ReplyKind.OPT_OUT: _("wants no more letters"),
    ReplyKind.COMPLAINT: _("complaint"),
    ReplyKind.UNCLEAR: _("unclear"),
}

CHANNEL: Final[Mapping[str, Label]] = {
    Reply.Channel.MAIL: pgettext_lazy("channel", "mail"),
    Reply.Channel.PAGE: pgettext_lazy("channel", "letter's page"),
    Reply.Channel.ONE_CLICK: pgettext_lazy("channel", "one-click unsubscribe"),
}

CHOICE: Final[Mapping[str, Label]] = {
    Choice.Outcome.CHOSEN: _("contact chosen"),
    Choice.Outcome.NOBODY: _("nobody found"),
    Choice.Outcome.CONFLICT: _("partners overlap"),
    Choice.Outcome.NEEDS_PERSON: _("needs a person"),
}

CONTACT: Final[Mapping[str, Label]] = {
    "contact-partner": _("a partner's own register"),
    "contact-override": _("a handler's word"),
    "contact-abuse-box": _("declared for abuse"),
    "contact-abuse-box-of-contact": _("abuse box of the network's contact"),
    "contact-abuse-role": _("abuse role"),
    "contact-abuse-role-named": _("abuse role, looks like a person's"),
    "contact-abuse-remark": _("asked for in a remark"),
    "contact-abuse-box-of-maintainer": _("abuse box of the maintainer"),
    "contact-registry-as-holder": _("a registry that uses the network"),
    "contact-functional": _("another desk of the holder"),
    "contact-second-opinion": _("a directory of abuse contacts"),
    "contact-csirt": _("national response team"),
    "contact-guess": _("a guess"),
}
"""Kinds of places that contacts are taken from, by the code of their reason."""

RECHECK: Final[Mapping[str, Label]] = {
    Recheck.Seen.STILL_THERE: _("still there"),
    Recheck.Seen.GONE: _("gone"),
    Recheck.Seen.SILENCE: _("no word"),
}

FINDING: Final[Mapping[FindingState, Label]] = {
    FindingState.OPEN: pgettext_lazy("finding", "open"),
    FindingState.SUSPECTED: pgettext_lazy("finding", "suspected"),
    FindingState.NONE: pgettext_lazy("finding", "nothing found"),
}

JUDGEMENT: Final[Mapping[Judgement, Label]] = {
    Judgement.ACCEPT: pgettext_lazy("judgement", "accepted"),
    Judgement.SAME_AS: pgettext_lazy("judgement", "same as another row"),
    Judgement.REACHABLE_ONLY: pgettext_lazy("judgement", "reachable only"),
    Judgement.CORROBORATES: pgettext_lazy("judgement", "supports"),
    Judgement.WITHDRAWN: pgettext_lazy("judgement", "withdrawn"),
    Judgement.QUARANTINE: pgettext_lazy("judgement", "set aside"),
    Judgement.REJECT: pgettext_lazy("judgement", "rejected"),
}

SIDE: Final[Mapping[Role, Label]] = {
    Role.ENTRY: _("listens here"),
    Role.EXIT: _("leaves here"),
    Role.UNKNOWN: _("side not said"),
}

SCOPE: Final[Mapping[Scope, Label]] = {
    Scope.END_USER: pgettext_lazy("scope", "end user"),
    Scope.PROVIDER: pgettext_lazy("scope", "provider"),
    Scope.UPSTREAM: pgettext_lazy("scope", "upstream"),
    Scope.NIR: pgettext_lazy("scope", "national registry"),
    Scope.CSIRT: pgettext_lazy("scope", "response team"),
    Scope.UNKNOWN: pgettext_lazy("scope", "unknown"),
}

WISH: Final[Mapping[Wish, Label]] = {
    Wish.NO_ATTACHMENT: _("without attachment"),
    Wish.OTHER_MAILBOX: _("to another mailbox"),
}

MEMBER_ROLE: Final[Mapping[MemberRole, Label]] = {
    MemberRole.READER: pgettext_lazy("role", "reader"),
    MemberRole.HANDLER: pgettext_lazy("role", "handler"),
    MemberRole.APPROVER: pgettext_lazy("role", "approver"),
    MemberRole.ADMINISTRATOR: pgettext_lazy("role", "administrator"),
}

PURPOSE: Final[Mapping[str, Label]] = {
    Delivery.Purpose.LETTER: pgettext_lazy("purpose", "letter"),
    Delivery.Purpose.ANSWER: pgettext_lazy("purpose", "answer"),
}

BATCH: Final[Mapping[str, Label]] = {
    Batch.State.WAITING: pgettext_lazy("file", "waiting"),
    Batch.State.DONE: pgettext_lazy("file", "read"),
    Batch.State.REFUSED: pgettext_lazy("file", "refused"),
}

ZONE: Final[Mapping[str, Label]] = {
    "asked": pgettext_lazy("zone", "asked"),
    "unseen": pgettext_lazy("zone", "not yet examined"),
    "suspended": pgettext_lazy("zone", "suspended"),
    "not-asked": pgettext_lazy("zone", "not asked"),
}

LOOK_UP: Final[Mapping[str, Label]] = {
    "waiting": pgettext_lazy("look-up", "being asked"),
    "covered": pgettext_lazy("look-up", "not asked: loaded files tell it"),
    "found": pgettext_lazy("look-up", "answered"),
    "nothing": pgettext_lazy("look-up", "answered, without a contact"),
    "refused": pgettext_lazy("look-up", "not answered"),
    "gave-up": pgettext_lazy("look-up", "given up"),
}

WITHDRAWAL: Final[Mapping[str, Label]] = {
    "waits": pgettext_lazy("withdrawal", "corrections wait for approval"),
    "approved": pgettext_lazy("withdrawal", "corrections approved"),
    "restored": pgettext_lazy("withdrawal", "restored"),
    "stands": pgettext_lazy("withdrawal", "stands; nothing had left"),
}

DATED: Final[Mapping[str, Label]] = {
    "row": _("time of the row"),
    "file": _("day of the file"),
    "fetch": _("day it was fetched"),
}

SETS: Final[Mapping[str, Mapping[str, Label]]] = {
    "step": {word.value: text for word, text in STEP.items()},
    "campaign": {word.value: text for word, text in CAMPAIGN_STATE.items()},
    "delivery": {word.value: text for word, text in DELIVERY.items()},
    "reply": {word.value: text for word, text in REPLY_KIND.items()},
    "channel": CHANNEL,
    "choice": CHOICE,
    "contact": CONTACT,
    "recheck": RECHECK,
    "finding": {word.value: text for word, text in FINDING.items()},
    "judgement": {word.value: text for word, text in JUDGEMENT.items()},
    "side": {word.value: text for word, text in SIDE.items()},
    "scope": {word.value: text for word, text in SCOPE.items()},
    "role": {word.value: text for word, text in MEMBER_ROLE.items()},
    "purpose": PURPOSE,
    "batch": BATCH,
    "dated": DATED,
    "withdrawal": WITHDRAWAL,
    "zone": ZONE,
    "lookup": LOOK_UP,
    "weakness": {word.value: shared.WEAKNESS[word] for word in Weakness},
    "case": {word.value: text for word, text in CASE.items()},
    "reader": {word.value: shared.READER[word] for word in Reader},
    "wave": {word.value: shared.WAVE[word] for word in WaveKind},
    "outcome": {word.value: shared.OUTCOME[word] for word in OutcomeResult},
    "wish": {word.value: text for word, text in WISH.items()},
}
"""Every closed set that a page names, by a short word for templates."""

GOOD, MIND, WRONG, PLAIN = "good", "mind", "open", ""
MARKS: Final[Mapping[str, Mapping[str, str]]] = {
    "campaign": {"running": GOOD, "waiting": MIND, "planned": MIND},
    "delivery": {
        "delivered": GOOD, "bounced": WRONG, "unknown": WRONG, "deferred": MIND, "handing": MIND,
    },
    "reply": {
        "question": MIND, "unclear": MIND, "complaint": WRONG, "feedback": WRONG, "fixed": GOOD,
        "challenge": MIND, "bounce-hard": WRONG,
    },
    "choice": {"chosen": GOOD, "nobody": WRONG, "conflict": MIND, "needs-person": MIND},
    "zone": {"asked": GOOD, "unseen": MIND, "suspended": WRONG},
    "recheck": {"still-there": WRONG, "gone": GOOD},
    "case": {"announced-fixed": MIND, "closed": GOOD},
    "outcome": {"closed": GOOD, "gone": GOOD, "still-open": WRONG},
    "finding": {"open": WRONG, "suspected": MIND},
    "withdrawal": {"waits": MIND, "approved": GOOD},
    "judgement": {"accept": GOOD, "corroborates": GOOD, "reject": WRONG, "quarantine": MIND},
}  # fmt: skip
"""Colour and shape of a chip; the words stand beside it and say the same."""


def label(kind: str, word: str) -> Label:
    """The words for a member of a set; the code itself where a set has grown past this file."""
    return SETS[kind].get(word, word)
