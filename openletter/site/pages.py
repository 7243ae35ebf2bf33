"""Pages that are the same for everybody: the front page, explanations, guides, who takes part."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from openletter.campaigns.models import Partner
from openletter.campaigns.rules import CampaignState
from openletter.guides import library, record
from openletter.guides.export import as_json, in_list
from openletter.guides.model import Guide
from openletter.guides.values import Values
from openletter.site.doors import reading
from openletter.site.reading import read
from openletter.words import Weakness

STILL_OPEN = "still-open"
FIRST_AID = ("ufw", "firewalld", "nftables", "iptables", "windows-firewall", "cloud-firewall")
"""They close a port for now, whatever holds it; the usual ones first."""
PROXIES = frozenset({Weakness.OPEN_HTTP_PROXY, Weakness.OPEN_SOCKS})
KEPT_FOR = 3600
"""Seconds for which a partner's program may keep a guide without asking."""
STILL_OPEN = "still-open"
"""Where a reader goes on who followed a guide, and it is still open."""
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
    """Products by what they leave open, between what comes before and what comes after."""
    found = list(guides)
    first_aid = [guide for name in FIRST_AID for guide in found if guide.id == name]
    known = [guide for guide in found if guide not in first_aid]
    pages = [guide for guide in known if not guide.is_for_letters]
    pages.sort(key=lambda guide: guide.id != STILL_OPEN)
    products = [guide for guide in known if guide not in pages]
    relays = [guide for guide in products if guide.weaknesses == {Weakness.OPEN_RELAY}]
    proxies = [guide for guide in products if guide.weaknesses <= PROXIES]
    others = [guide for guide in products if guide not in relays and guide not in proxies]
    named = (
        (_("I do not know which product it is"), others),
        (_("Mail servers"), relays),
        (_("Proxies"), proxies),
        (_("First aid: close the port for now"), first_aid),
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
        "here": request.build_absolute_uri(request.path),
        "tested": record.tested(found),
        "sections": read(found.page, values=Values()),
        "in_english": found.language != language,
        "unreviewed": found.language != "en" and not found.reviewed_by,
        "next": library.guide(STILL_OPEN, language=language) if found.is_for_letters else None,
    }
    return render(request, "site/guide.html", told)


def _as_data(request: HttpRequest, told: object) -> HttpResponse:
    """For programs of partners: the same for everybody, asked again when it changed."""
    response = JsonResponse(told, safe=False, json_dumps_params={"ensure_ascii": False})
    patch_cache_control(response, public=True, max_age=KEPT_FOR)
    response.headers["ETag"] = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    response.headers["Access-Control-Allow-Origin"] = "*"
    asked = get_conditional_response(request, etag=response.headers["ETag"], response=response)
    return asked or response


@reading
def guides_data(request: HttpRequest) -> HttpResponse:
    """Every guide in a line, as JSON."""
    found = library.all_guides(language=get_language() or "en")
    return _as_data(request, [in_list(each, tested=record.tested(each)) for each in found])


@reading
def guide_data(request: HttpRequest, guide_id: str) -> HttpResponse:
    """One guide as JSON, in the path's language as far as it is translated."""
    if guide_id not in library.ids():
        raise Http404
    language = get_language() or "en"
    page = library.guide(guide_id, language=language)
    letter = library.for_letter(guide_id, language)
    return _as_data(request, as_json(page, letter=letter, tested=record.tested(page)))
