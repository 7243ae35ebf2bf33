"""`{% load desk %}`: chips, sentences, foreign text, ages and figures as the desk writes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from babel import Locale
from babel.numbers import format_decimal
from django import template
from django.template.context import Context
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext, to_locale

from openletter.campaigns.rules import Level, MemberRole
from openletter.desk import labels, reasons
from openletter.replies.models import Reply
from openletter.wire.visible import visible
from openletter.words import Reason

register = template.Library()
LONG = 200_000

SECTION_OF = {
    "desk:campaign": "desk:campaigns", "desk:plan": "desk:campaigns", "desk:case": "desk:cases",
    "desk:reply": "desk:inbox", "desk:letter": "desk:deliveries",
    "desk:withdrawals": "desk:sources", "desk:withdrawal": "desk:sources",
    "desk:withdrawal-preview": "desk:sources",
}  # fmt: skip
"""Pages that belong to an entry of the navigation."""


@register.simple_tag
def chip(kind: str, word: str) -> SafeString:
    """A state in words, with a shape and a colour that say the same again."""
    if not word:
        return SafeString("–")
    mark = labels.MARKS.get(kind, {}).get(word, "")
    return format_html('<span class="chip {}">{}</span>', mark, labels.label(kind, word))


@register.simple_tag
def words(kind: str, word: str) -> str:
    """A member of a closed set in words, without a chip."""
    return str(labels.label(kind, word)) if word else "–"


@register.filter
def why(stored: object) -> list[str]:
    """Reasons of a JSON column as sentences."""
    return [text for text in reasons.all_stored(stored) if text]


@register.filter
def ended(because: str) -> list[str]:
    """Why a choice no longer counts, as a sentence of the contacts' catalogue."""
    return [reasons.stored(f"superseded-{because}")] if because else []


@register.filter
def plain(text: object) -> str:
    """One line from outside: controls and bidi marks written out, so that nothing turns around."""
    return visible(str(text)) if text not in (None, "") else "–"


@register.filter
def plain_lines(text: object) -> str:
    """A text of several lines from outside: each line made harmless, line breaks kept."""
    lines = str(text)[:LONG].replace("\r\n", "\n").replace("\t", "    ").split("\n")
    return "\n".join(visible(line, limit=LONG).replace("\\\\", "\\") for line in lines)


@register.filter
def country(code: str) -> str:
    """The name of a country in the page's language; a dash where none is known."""
    names = Locale.parse(get_language() or "en", sep="-").territories
    return str(names.get(code.upper(), code)) if code else "–"


@register.filter
def tongue(tag: str) -> str:
    """The name of a language in the page's language."""
    names = Locale.parse(get_language() or "en", sep="-").languages
    return str(names.get(tag.replace("-", "_"), names.get(tag.partition("-")[0], tag)))


@register.filter
def tongues(tags: list[str]) -> str:
    return ", ".join(tongue(tag) for tag in tags)


@register.simple_tag
def age(at: datetime | None, now: datetime) -> str:
    """How long ago, in the largest unit that says it: `3 h`, `2 days`."""
    return lasting(now - at) if at is not None else "–"


@register.filter
def lasting(span: timedelta) -> str:
    """A length of time in one unit, rounded down."""
    seconds = max(int(span.total_seconds()), 0)
    if seconds < 60:
        return gettext("under a minute")
    if seconds < 3600:
        return gettext("%(count)d min") % {"count": seconds // 60}
    if seconds < 48 * 3600:
        return gettext("%(count)d h") % {"count": seconds // 3600}
    days = seconds // 86400
    return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}


LATE = timedelta(days=2)
"""A person who wrote waits no longer than this."""


@register.simple_tag(takes_context=True)
def waits(context: Context, reply: Reply) -> Mapping[str, object]:
    """How long somebody has waited by the campaign's clock, and whether that is too long."""
    span = context["visit"].now + reply.campaign.clock_offset - reply.at
    return {"text": lasting(span), "late": span > LATE}


@register.simple_tag(takes_context=True)
def may(context: Context, role: str, partner_id: int) -> bool:
    """Whether the visitor has this role at that partner; the verb asks again."""
    return bool(context["visit"].may(Level.of(MemberRole(role)), partner_id))


@register.simple_tag
def tally(counts: Mapping[str, int], word: str) -> int:
    return counts.get(word, 0)


@register.filter
def sentence(reason: Reason) -> str:
    return reasons.told(reason)


@register.filter
def figure(number: float) -> str:
    """A number as the page's language groups it: `12,345`."""
    return str(format_decimal(round(number), locale=to_locale(get_language() or "en")))


@register.filter
def percent(part: float) -> str:
    return f"{100 * part:.0f} %"


@register.filter
def changes(stored: object) -> str:
    """Before or after in a timeline: `state open, paused no`."""
    if not isinstance(stored, Mapping) or not stored:
        return "–"
    pairs = (f"{name} {_shown(value)}" for name, value in stored.items() if value not in (None, ""))
    return visible(", ".join(pairs), limit=300)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return " ".join(str(one) for one in value) if isinstance(value, list) else str(value)


@register.filter
def share(part: int, whole: int) -> str:
    """`38 %`; a dash where there is nothing to take a share of."""
    return f"{100 * part / whole:.0f} %" if whole else "–"


@register.simple_block_tag(takes_context=True, end_name="end_nav_link")
def nav_link(context: Context, content: str, name: str) -> SafeString:
    """A link of the navigation; says so when it leads to where the reader is."""
    match = getattr(context.get("request"), "resolver_match", None)
    here = match.view_name if match else ""
    current = "page" if here == name else "true" if SECTION_OF.get(here) == name else ""
    if current:
        return format_html('<a href="{}" aria-current="{}">{}</a>', reverse(name), current, content)
    return format_html('<a href="{}">{}</a>', reverse(name), content)


@register.simple_tag(takes_context=True)
def turned_to(context: Context, number: int) -> str:
    """The page's address with another page number and the same filters."""
    asked = context["request"].GET.copy()
    asked["page"] = str(number)
    return f"?{asked.urlencode()}"
