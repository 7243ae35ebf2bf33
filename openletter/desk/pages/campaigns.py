"""Campaigns: list, figures, plan, and the verbs of a campaign's life."""

from __future__ import annotations

from collections.abc import Callable

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from openletter.campaigns import clock, steps, switches
from openletter.campaigns.models import Campaign
from openletter.campaigns.rules import CampaignState, Level
from openletter.campaigns.steps import APPROVERS_NEEDED, CampaignError
from openletter.desk import exports, reading, reasons
from openletter.desk.access import Visit, needs
from openletter.desk.paging import page_of
from openletter.desk.queries import campaigns, line
from openletter.letters import steps as letters
from openletter.letters import waves
from openletter.letters.plan import plan_of, waiting_for_wording
from openletter.letters.rules.facts import LetterError
from openletter.letters.sending import why_waiting
from openletter.words import Reason, WaveKind

LONGEST_REASON = 300


def _found(visit: Visit, slug: str) -> Campaign:
    campaign = line.campaigns(visit.viewer).filter(slug=slug).first()
    if campaign is None:
        raise Http404
    return campaign


@needs(Level.READER)
def listing(visit: Visit) -> HttpResponse:
    page = page_of(visit.request, line.campaigns(visit.viewer), size=30)
    rows = line.lines(visit.viewer, page.object_list)
    return visit.show("campaigns", {"title": gettext("Campaigns"), "page": page, "lines": rows})


@needs(Level.READER)
def campaign(visit: Visit, slug: str) -> HttpResponse:
    """A campaign's figures, its life so far, and what may be done next."""
    found = _found(visit, slug)
    by = visit.request.GET.get("by", "country")
    by = by if by in campaigns.DIMENSIONS else "country"
    told = {
        "title": found.name,
        "line": line.lines(visit.viewer, [found])[0],
        "about": campaigns.page_of(visit.viewer, found),
        "funnel": campaigns.funnel(visit.viewer, found, by=by),
        "by": by,
        "needed": APPROVERS_NEEDED,
        "may": _may(visit, found),
        "campaign_now": clock.now(found),
        "unapproved": waiting_for_wording(found, partners=visit.viewer.partner_ids),
        "waits": _waits(found),
    }
    return visit.show("campaign", told)


def _waits(campaign: Campaign) -> list[tuple[str, int]]:
    """Why letters that are written have not left, most first; sums only, nobody's rows."""
    why = why_waiting(campaign, now=clock.now(campaign))
    rows = [(reasons.told(Reason(code=code)), count) for code, count in why.items() if code]
    return sorted(rows, key=lambda row: -row[1])


def _may(visit: Visit, campaign: Campaign) -> dict[str, bool]:
    """The verbs that are open to this person now; the verbs ask again."""
    state = campaign.state
    approver = visit.may(Level.APPROVER, campaign.lead_id)
    may_open = state in (CampaignState.RUNNING, CampaignState.WAITING)
    return {
        "close_draft": approver and state == CampaignState.DRAFT,
        "approve": approver and state == CampaignState.PLANNED and not campaign.exercise,
        "start": approver and state == CampaignState.PLANNED,
        "go_on": approver and state == CampaignState.WAITING,
        "pause": _may_pause(visit, campaign) and campaign.paused_at is None and state in line.LIVE,
        "update": approver and may_open,
        "remind": approver and may_open and campaign.reminders,
        "close": approver and may_open and campaign.closing_letters,
        "switch": approver and state != CampaignState.FINISHED,
        "resume": approver and campaign.paused_at is not None,
        "finish": approver and may_open,
    }


def _may_pause(visit: Visit, campaign: Campaign) -> bool:
    """Stopping is never a privilege of the lead: a handler of any partner that takes part may."""
    partners = {campaign.lead_id, *campaign.partners.values_list("pk", flat=True)}
    return any(visit.may(Level.HANDLER, partner_id) for partner_id in partners)


@needs(Level.READER)
def plan(visit: Visit, slug: str) -> HttpResponse:
    """What would leave if it started now; the seed in the address draws letters to read."""
    found = _found(visit, slug)
    seed = visit.request.GET.get("seed", "1")[:40]
    made = plan_of(found, now=clock.now(found), partners=visit.viewer.partner_ids, seed=seed)
    told = {
        "title": gettext("Plan"),
        "campaign": found,
        "plan": made,
        "seed": seed,
        "next_seed": int(seed) + 1 if seed.isdigit() else 1,
        "samples": [(letter, reading.inline_text(bytes(letter.raw))) for letter in made.sample],
        "others": _others(visit, found),
    }
    return visit.show("plan", told)


def _others(visit: Visit, campaign: Campaign) -> list[str]:
    """Partners whose letters this plan leaves out, because only they may see them."""
    rest = campaign.partners.exclude(pk__in=visit.viewer.partner_ids).order_by("name")
    return [partner.name for partner in rest]


@needs(Level.HANDLER)
def export(visit: Visit, slug: str) -> StreamingHttpResponse:
    """The campaign's cases as CSV, of those partners at which the viewer is a handler."""
    found = _found(visit, slug)
    return exports.cases_csv(visit.viewer, found)


# -- verbs --------------------------------------------------------------------------------------


def _try(visit: Visit, campaign: Campaign, verb: Callable[[], None], *, done: str) -> HttpResponse:
    try:
        verb()
    except CampaignError as refused:
        visit.regrets(reasons.told(refused.reason))
    else:
        visit.says(done)
    return visit.to("campaign", slug=campaign.slug)


def _for_approver(visit: Visit, slug: str) -> Campaign:
    found = _found(visit, slug)
    visit.must(Level.APPROVER, found.lead_id)
    return found


def _because(visit: Visit) -> str:
    """A person's reason; empty is refused."""
    text = visit.request.POST.get("because", "").strip()[:LONGEST_REASON]
    if not text:
        raise CampaignError(Reason(code="reason-missing"))
    return text


@needs(Level.APPROVER, change=True)
def close_draft(visit: Visit, slug: str) -> HttpResponse:
    found = _for_approver(visit, slug)
    return _try(
        visit, found,
        lambda: steps.plan(found, actor=visit.actor, now=clock.now(found)),
        done=gettext("The campaign is planned: letters are written now, and none leaves."),
    )  # fmt: skip


@needs(Level.APPROVER, change=True)
def approve(visit: Visit, slug: str) -> HttpResponse:
    found = _for_approver(visit, slug)
    return _try(
        visit, found,
        lambda: steps.approve(found, user=visit.user, what="start", now=clock.now(found)),
        done=gettext("Your approval of the start is noted."),
    )  # fmt: skip


@needs(Level.APPROVER, change=True)
def start(visit: Visit, slug: str) -> HttpResponse:
    found = _for_approver(visit, slug)
    return _try(
        visit, found,
        lambda: steps.start(found, actor=visit.actor, now=clock.now(found)),
        done=gettext("The campaign has started."),
    )  # fmt: skip


@needs(Level.APPROVER, change=True)
def go_on(visit: Visit, slug: str) -> HttpResponse:
    found = _for_approver(visit, slug)
    return _try(
        visit, found,
        lambda: steps.go_on(found, user=visit.user, now=clock.now(found)),
        done=gettext("The campaign goes on after its first letters."),
    )  # fmt: skip


@needs(Level.HANDLER, change=True)
def pause(visit: Visit, slug: str) -> HttpResponse:
    found = _found(visit, slug)
    if not _may_pause(visit, found):
        visit.must(Level.HANDLER, found.lead_id)
    return _try(
        visit, found,
        lambda: steps.pause(
            found, actor=visit.actor, because=_because(visit), now=clock.now(found)
        ),
        done=gettext("The campaign is paused: no new letter is handed over."),
    )  # fmt: skip


@needs(Level.APPROVER, change=True)
def resume(visit: Visit, slug: str) -> HttpResponse:
    found = _for_approver(visit, slug)
    return _try(
        visit, found,
        lambda: steps.resume(found, actor=visit.actor, now=clock.now(found)),
        done=gettext("The pause is over."),
    )  # fmt: skip


@needs(Level.APPROVER, change=True)
def finish(visit: Visit, slug: str) -> HttpResponse:
    found = _for_approver(visit, slug)
    return _try(
        visit, found,
        lambda: steps.finish(found, actor=visit.actor, now=clock.now(found)),
        done=gettext("The campaign is finished: nothing of it leaves any more."),
    )  # fmt: skip


@needs(Level.APPROVER, change=True)
def update_wave(visit: Visit, slug: str) -> HttpResponse:
    """From now on new cases of mailboxes that had their letter are gathered into an update."""
    found = _for_approver(visit, slug)

    def verb() -> None:
        try:
            letters.open_update_wave(found, actor=visit.actor, now=clock.now(found))
        except LetterError as refused:
            raise CampaignError(Reason(code="no-update-now")) from refused

    return _try(visit, found, verb, done=gettext("New cases are gathered into update letters."))


@needs(Level.APPROVER, change=True)
def open_wave(visit: Visit, slug: str, kind: str) -> HttpResponse:
    """Reminders or closing letters are written from now on; the campaign has to allow them."""
    found = _for_approver(visit, slug)
    if kind not in waves.LATER:
        raise Http404

    def verb() -> None:
        try:
            letters.open_wave(found, WaveKind(kind), user=visit.user, now=clock.now(found))
        except LetterError as refused:
            raise CampaignError(Reason(code=refused.code)) from refused

    return _try(visit, found, verb, done=str(OPENED[WaveKind(kind)]))


OPENED = {
    WaveKind.REMINDER: _("Reminders are written to whom a source named again."),
    WaveKind.CLOSING: _("Closing letters are written; nothing else is, save corrections."),
}


@needs(Level.APPROVER, change=True)
def switch_letters(visit: Visit, slug: str) -> HttpResponse:
    """Allow reminders and closing letters, or forbid them: what the form does not tick is off."""
    found = _for_approver(visit, slug)
    asked = visit.request.POST
    return _try(
        visit, found,
        lambda: switches.switch(
            found, reminders="reminders" in asked, closing_letters="closing" in asked,
            user=visit.user, now=clock.now(found),
        ),
        done=gettext("Noted what the campaign allows."),
    )  # fmt: skip
