"""`{% load frame %}`: how references, times, addresses and evidence are written on a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from django import template
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

from openletter.campaigns.models import Partner
from openletter.frame import labels
from openletter.frame.evidence import EvidenceRow
from openletter.words import CaseState, OutcomeResult, Reader, WaveKind, Weakness, print_reference

register = template.Library()

MARKS = frozenset({"envelope", "flap", "hero"})


@register.simple_tag
def mark(name: str) -> SafeString:
    """One of our own drawings, inline, so that it takes the colours of the page."""
    if name not in MARKS:
        raise template.TemplateSyntaxError(f"there is no mark {name!r}")
    return mark_safe(render_to_string(f"frame/marks/{name}.svg").strip())  # noqa: S308 own file


@register.filter
def reference(stored: str) -> SafeString:
    """`7KQ3D9MX` as `7KQ3-D9MX`, never broken over lines or translated."""
    return format_html(
        '<span class="code-name" translate="no" dir="ltr">{}</span>', print_reference(stored)
    )


@register.filter
def address(ip: object) -> SafeString:
    """An IP address: its own direction, left alone by translators."""
    return format_html('<bdi class="address" dir="ltr" translate="no">{}</bdi>', ip)


@register.filter
def utc(at: datetime | None) -> SafeString | str:
    """`2026-11-24 10:12 UTC`, machine-readable as ISO 8601; a dash where nothing is known."""
    if at is None:
        return "–"
    plain = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" dir="ltr" class="no-break">{} UTC</time>',
        plain.strftime("%Y-%m-%dT%H:%M:%SZ"),
        plain.strftime("%Y-%m-%d %H:%M"),
    )


@register.filter
def named(partner: Partner) -> str:
    """A partner's name in the reader's language, else the one that letters are signed with."""
    return partner.names.get(get_language() or "en") or partner.name


@register.filter
def weakness(word: str) -> str:
    return str(labels.WEAKNESS[Weakness(word)])


@register.filter
def state(word: str) -> SafeString:
    """A case's state as a chip: words and a shape, not colour alone."""
    known = CaseState(word)
    return format_html(
        '<span class="chip {}">{}</span>', labels.CASE_CHIP[known], labels.CASE_STATE[known]
    )


@register.filter
def outcome(word: str) -> str:
    return str(labels.OUTCOME[OutcomeResult(word)])


@register.filter
def reader(word: str) -> str:
    return str(labels.READER[Reader(word)])


@register.filter
def wave(word: str) -> str:
    return str(labels.WAVE[WaveKind(word)])


@register.filter
def masked(mailbox: str) -> str:
    """`abuse@example.net` as `a•••@e•••.net`: enough for its owner, nothing for anybody else."""
    local, _, domain = mailbox.rpartition("@")
    host, _, last = domain.rpartition(".")
    return f"{local[:1]}•••@{host[:1]}•••.{last}"


@register.inclusion_tag("frame/evidence.html")
def evidence_table(rows: Iterable[EvidenceRow], caption: str = "") -> Mapping[str, object]:
    """What each source says of an address, with times in UTC."""
    return {"rows": list(rows), "caption": caption or gettext("What public databases say")}
