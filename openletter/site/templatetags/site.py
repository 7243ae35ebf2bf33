"""`{% load site %}`: links that know where the reader is, and the same page in other languages."""

from __future__ import annotations

from collections.abc import Iterator

from babel import Locale
from django import template
from django.conf import settings
from django.http import HttpRequest
from django.template.context import Context
from django.urls import reverse, translate_url
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, get_language_info, override

register = template.Library()

SECTION_OF = {"site:guide": "site:guides"}
"""Pages that belong to an entry of the navigation."""


@register.simple_block_tag(takes_context=True, end_name="end_nav_link")
def nav_link(context: Context, content: str, name: str) -> SafeString:
    """A link of the navigation; says so when it leads to where the reader is."""
    request = context.get("request")
    match = getattr(request, "resolver_match", None)
    here = match.view_name if match else ""
    current = "page" if here == name else "true" if SECTION_OF.get(here) == name else ""
    if current:
        return format_html('<a href="{}" aria-current="{}">{}</a>', reverse(name), current, content)
    return format_html('<a href="{}">{}</a>', reverse(name), content)


def _home_in(code: str) -> str:
    with override(code):
        return reverse("site:home")


def _versions(request: HttpRequest | None) -> Iterator[tuple[str, str]]:
    """(language, this page in it); the front page where this one has no other language."""
    path = request.get_full_path() if request is not None else ""
    for code, _name in settings.LANGUAGES:
        there = translate_url(path, code) if path else ""
        yield code, there if there.startswith(f"/{code}/") else _home_in(code)


@register.filter
def country(code: str) -> str:
    """The name of a country in the reader's language; the code where there is none."""
    names = Locale.parse(get_language() or "en", sep="-").territories
    return str(names.get(code.upper(), code))


@register.simple_tag(takes_context=True)
def language_switch(context: Context) -> SafeString:
    """Every language by its own name; the present one is no link."""
    items = []
    for code, there in _versions(context.get("request")):
        name = get_language_info(code)["name_local"].capitalize()
        if code == get_language():
            items.append(
                (format_html('<span aria-current="true" lang="{}">{}</span>', code, name),)
            )
        else:
            items.append(
                (
                    format_html(
                        '<a href="{}" hreflang="{}" lang="{}">{}</a>', there, code, code, name
                    ),
                )
            )
    return format_html('<ul class="languages">{}</ul>', format_html_join("", "<li>{}</li>", items))


@register.simple_tag(takes_context=True)
def alternates(context: Context) -> SafeString:
    """For search engines: the same page in the other languages."""
    origin = getattr(settings, "SITE_ADDRESS", "")
    return format_html_join(
        "\n  ",
        '<link rel="alternate" hreflang="{}" href="{}{}">',
        (
            (code, origin, there.partition("?")[0])
            for code, there in _versions(context.get("request"))
        ),
    )
