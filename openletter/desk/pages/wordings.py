"""Wordings: what each partner lets go out in its name, read before it is approved."""

from __future__ import annotations

from collections.abc import Callable

from django.http import Http404, HttpResponse
from django.utils.translation import gettext

from openletter.campaigns.models import Partner
from openletter.campaigns.rules import Level
from openletter.desk import reasons
from openletter.desk.access import Visit, needs
from openletter.desk.queries import wordings
from openletter.letters import approvals
from openletter.letters.proofs import proofs
from openletter.letters.rules.facts import LetterError
from openletter.words import Reason, WaveKind


@needs(Level.READER)
def listing(visit: Visit) -> HttpResponse:
    """Of each partner of the viewer: every kind and language, and who approved it."""
    told = {
        "title": gettext("Wordings"),
        "tables": wordings.tables(visit.viewer),
        "kinds": wordings.kinds(),
    }
    return visit.show("wordings", told)


@needs(Level.READER)
def wording(visit: Visit, slug: str, kind: str, language: str) -> HttpResponse:
    """One kind in one language as it would leave in the partner's name, with made-up facts."""
    partner, asked, tag = _found(visit, slug, kind, language)
    version = approvals.version(asked, tag)
    told = {
        "title": gettext("Wording"),
        "partner": partner,
        "kind": asked,
        "language": tag,
        "version": version,
        "approval": approvals.standing(partner).get(version),
        "proofs": list(proofs(partner, asked, tag)),
        "past": wordings.past(visit.viewer, partner, asked, tag),
        "may": visit.may(Level.APPROVER, partner.pk),
    }
    return visit.show("wording", told)


def _found(visit: Visit, slug: str, kind: str, language: str) -> tuple[Partner, WaveKind, str]:
    partner = wordings.partners(visit.viewer).filter(slug=slug).first()
    tags = {tag.lower(): tag for _, tag in approvals.every()}
    if partner is None or (kind, tags.get(language)) not in set(approvals.every()):
        raise Http404
    return partner, WaveKind(kind), tags[language]


# -- verbs ---------------------------------------------------------------------------------------


def _try(visit: Visit, verb: Callable[[], object], *, done: str) -> None:
    try:
        verb()
    except LetterError as refused:
        visit.regrets(reasons.told(Reason(code=refused.code, values={"role": "approver"})))
    else:
        visit.says(done)


@needs(Level.APPROVER, change=True)
def approve(visit: Visit, slug: str, kind: str, language: str) -> HttpResponse:
    """This version may go out; the form says which one was read."""
    partner, asked, tag = _found(visit, slug, kind, language)
    visit.must(Level.APPROVER, partner.pk)
    read = visit.request.POST.get("version", "")[:60]
    _try(
        visit,
        lambda: approvals.approve(partner, asked, tag, read=read, user=visit.user, now=visit.now),
        done=gettext("Approved: letters with this wording may go out."),
    )
    return visit.to("wording", slug=slug, kind=kind, language=language)


@needs(Level.APPROVER, change=True)
def take_back(visit: Visit, slug: str, kind: str, language: str) -> HttpResponse:
    partner, asked, tag = _found(visit, slug, kind, language)
    visit.must(Level.APPROVER, partner.pk)
    _try(
        visit,
        lambda: approvals.take_back(partner, asked, tag, user=visit.user, now=visit.now),
        done=gettext("Taken back: what has not left waits."),
    )
    return visit.to("wording", slug=slug, kind=kind, language=language)
