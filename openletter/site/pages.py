"""Pages that are the same for everybody: the front page, explanations, guides, who takes part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from openletter.campaigns.models import Partner
from openletter.campaigns.rules import CampaignState
from openletter.guides import library, record
from openletter.guides.model import Guide, Kind
from openletter.guides.values import Values
from openletter.site.doors import reading
from openletter.site.reading import read
from openletter.words import Weakness

PROXIES = frozenset({Weakness.OPEN_HTTP_PROXY, Weakness.OPEN_SOCKS})
LIVE = (CampaignState.RUNNING, CampaignState.WAITING)


@reading
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "site/home.html")


@reading
def relay(request: HttpRequest) -> HttpResponse:
    return render(request, "site/relay.html")


@reading
def proxy(request: HttpRequest) -> HttpResponse:
    return render(request, "site/proxy.html")


@reading
def privacy(request: HttpRequest) -> HttpResponse:
    return render(request, "site/privacy.html")


@reading
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "site/accessibility.html")


@reading
def contact(request: HttpRequest) -> HttpResponse:
    told = {
        "operator": getattr(settings, "OPERATOR", ""),
        "contact_mail": getattr(settings, "CONTACT_MAIL", ""),
    }
    return render(request, "site/contact.html", told)


@reading
def partners(request: HttpRequest) -> HttpResponse:
    """Organisations of campaigns that are under way; nothing about whom they write to."""
    found = Partner.objects.filter(campaigns__state__in=LIVE).distinct().order_by("country", "name")
    return render(request, "site/partners.html", {"partners": found})


@dataclass(frozen=True, kw_only=True)
class Group:
    heading: str | Promise
    guides: tuple[Guide, ...]


def _groups(guides: Iterable[Guide]) -> list[Group]:
    """Products by what they leave open; what is not tied to one of them stands first."""
    known = list(guides)
    pages = [guide for guide in known if guide.kind is Kind.PAGE]
    products = [guide for guide in known if guide not in pages]
    relays = [guide for guide in products if guide.weaknesses == {Weakness.OPEN_RELAY}]
    proxies = [guide for guide in products if guide.weaknesses <= PROXIES]
    others = [guide for guide in products if guide not in relays and guide not in proxies]
    named = (
        (_("I do not know which product it is"), others),
        (_("Mail servers"), relays),
        (_("Proxies"), proxies),
        (_("When it is not that simple"), pages),
    )
    return [Group(heading=heading, guides=tuple(some)) for heading, some in named if some]


@reading
def guides(request: HttpRequest) -> HttpResponse:
    found = library.all_guides(language=get_language() or "en")
    return render(request, "site/guides.html", {"groups": _groups(found)})


@reading
def guide(request: HttpRequest, guide_id: str) -> HttpResponse:
    """One product's guide; commands keep their blanks, because nobody's address is known here."""
    if guide_id not in library.ids():
        raise Http404
    language = get_language() or "en"
    found = library.guide(guide_id, language=language)
    told = {
        "guide": found,
        "tested": record.tested(found),
        "sections": read(found.page, values=Values()),
        "in_english": found.language != language,
        "unreviewed": found.language != "en" and not found.reviewed_by,
    }
    return render(request, "site/guide.html", told)
