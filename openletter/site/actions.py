"""The answers that a page offers, and what each says before and after.

An answer is a word; what it does is decided by `replies.steps.from_page`. Each one can be pressed
twice without a second effect, and the ones that change something have an answer that takes it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from openletter.replies.rules.actions import PageAction

Text = str | Promise


@dataclass(frozen=True, kw_only=True)
class Page:
    """The words of one answer: on its button, before it and after it."""

    title: Text
    explained: tuple[Text, ...]
    button: Text
    done: Text
    next: tuple[Text, ...] = ()
    asks: Text = ""
    hint: Text = ""
    undo: PageAction | None = None


CASE_PRESSES: Final = (PageAction.FIXED, PageAction.NOT_MINE, PageAction.QUESTION)
"""What is offered about one address."""

LETTER_ONLY: Final = frozenset({PageAction.STOP, PageAction.GO_ON})
"""What concerns the mailbox, not one address."""

PAGES: Final[Mapping[PageAction, Page]] = {
    PageAction.FIXED: Page(
        title=_("It is fixed"),
        explained=(
            _("We take your word for it and write no more about it for now."),
            _("Later we look in the public databases again. If it is still there, we may ask."),
        ),
        button=_("Yes, it is fixed"),
        done=_("Thank you. We noted that it is fixed."),
        next=(_("Nothing more has to be done. Some databases take days to notice."),),
        undo=PageAction.NOT_FIXED,
    ),
    PageAction.NOT_FIXED: Page(
        title=_("Not fixed after all"),
        explained=(_("We take back the note that it is fixed."),),
        button=_("Yes, take it back"),
        done=_("We took back that it is fixed."),
        undo=PageAction.FIXED,
    ),
    PageAction.NOT_MINE: Page(
        title=_("It is not mine"),
        explained=(
            _("Then the registry is out of date, or somebody else looks after this address."),
            _("We note that you do not answer for it, and look for whoever does."),
        ),
        button=_("Right, it is not mine"),
        done=_("Thank you. We noted that it is not yours."),
        next=(_("Do you know whose it is? Then pass the text on, or tell us."),),
        undo=PageAction.MINE,
    ),
    PageAction.MINE: Page(
        title=_("It is mine after all"),
        explained=(_("We take back the note that it is not yours."),),
        button=_("Yes, it is mine"),
        done=_("We noted that it is yours after all."),
        undo=PageAction.NOT_MINE,
    ),
    PageAction.STOP: Page(
        title=_("No more letters"),
        explained=(
            _("This campaign then writes nothing more to the mailbox that your letter went to."),
            _("The server stays open until somebody closes it."),
            _(
                "Do you want no letters from any campaign? Answer the letter and say so: we then "
                "ask that mailbox once by mail, and its yes counts for all campaigns."
            ),
        ),
        button=_("Yes, no more letters"),
        done=_("Noted: no more letters of this campaign."),
        undo=PageAction.GO_ON,
    ),
    PageAction.GO_ON: Page(
        title=_("Letters are welcome again"),
        explained=(_("We take back that you want no more letters of this campaign."),),
        button=_("Yes, write again"),
        done=_("We may write again if there is a reason."),
        undo=PageAction.STOP,
    ),
    PageAction.QUESTION: Page(
        title=_("Ask a question"),
        explained=(
            _("A person reads it and answers by mail, to the mailbox that the letter went to."),
        ),
        button=_("Send the question"),
        done=_("Your question is with a person now."),
        next=(_("The answer comes by mail, to the mailbox that the letter went to."),),
        asks=_("Your question"),
        hint=_("Write no passwords and no logs with other people's data."),
    ),
}

HOLDER_QUESTION: Final = Page(
    title=_("Ask a question"),
    explained=(
        _(
            "A person reads it. This page does not know your mail address: write down how we can "
            "reach you, or we cannot answer."
        ),
    ),
    button=_("Send the question"),
    done=_("Your question is with a person now."),
    next=(_("If you wrote how we can reach you, you will get an answer."),),
    asks=_("Your question, and how we can reach you"),
    hint=_("Write no passwords and no logs with other people's data."),
)


def page_of(press: PageAction, *, passed_on: bool) -> Page:
    """The words of an answer; a person with one passed-on address has no mailbox we know."""
    return HOLDER_QUESTION if passed_on and press is PageAction.QUESTION else PAGES[press]
