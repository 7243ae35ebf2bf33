"""The person at the desk: reads questions and answers them in the language they came in."""

from __future__ import annotations

from openletter.campaigns import clock
from openletter.exercise.people import people
from openletter.exercise.stage import Cast
from openletter.replies import steps as replies
from openletter.replies.models import Reply, ReplyKind
from openletter.words import normalise_mailbox

LEFT_FOR_THE_VIEWER = 2
"""So many questions stay in the desk's inbox for whoever watches the demonstration."""

ANSWERS = {
    "nl": "Goedendag,\n\nFijn dat u ernaar kijkt. Wat de databanken zagen en wanneer, staat met"
    ' tijden in UTC in de brief, bij elk adres. Begin met de eerste stap onder "Zo sluit u'
    ' hem": die wijst het programma aan dat op de poort antwoordt. Uw adres staat nergens'
    " openbaar; alleen wie de brief of het kenmerk heeft, ziet het.\n\nMet vriendelijke groet,",
    "en": "Hello,\n\nThank you for looking into it. What the databases saw, and when, stands in"
    " the letter beside each address, in UTC. Begin with the first step: it names the program"
    " that answers on the port. Your address is not published anywhere; only whoever holds the"
    " letter or its reference sees it.\n\nKind regards,",
}  # fmt: skip


def answer_questions(cast: Cast) -> list[str]:
    """Answer what waits, but for the last two; the mailboxes answered."""
    waiting = Reply.objects.filter(
        campaign=cast.campaign, kind=ReplyKind.QUESTION, handled_at=None, mail__isnull=False
    ).select_related("letter")
    ordered = sorted(waiting, key=lambda reply: reply.sender)
    answered: list[str] = []
    for reply in ordered[: max(len(ordered) - LEFT_FOR_THE_VIEWER, 0)]:
        mailbox = normalise_mailbox(reply.sender) or ""
        person = people().get(mailbox)
        text = ANSWERS[person.speaks if person else "en"]
        replies.answer(reply, text=text, user=cast.administrator, now=clock.now(cast.campaign))
        answered.append(mailbox)
    return answered
