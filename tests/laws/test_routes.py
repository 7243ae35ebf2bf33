"""Every route is open on purpose, or guarded by a role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from openletter.campaigns.rules import Level
from openletter.desk.urls import PUBLIC_ROUTES as DESK_PUBLIC
from openletter.site.urls import PUBLIC_ROUTES as SITE_PUBLIC

PUBLIC = {*SITE_PUBLIC, *DESK_PUBLIC, "healthz"}
"""Site: pages for everybody, or opened by a secret alone. Desk: signing in and out."""


def routes(resolver: URLResolver, *, space: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    """Give every route's full name and view."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from routes(entry, space=inner)
        elif isinstance(entry, URLPattern):
            yield f"{space}{entry.name}", entry.callback


def test_every_route_is_public_on_purpose_or_guarded_by_a_role() -> None:
    open_ones = [
        name
        for name, view in routes(get_resolver())
        if name not in PUBLIC and not isinstance(getattr(view, "desk_level", None), Level)
    ]
    assert open_ones == []


def test_no_guard_lets_strangers_in() -> None:
    guards = {name: getattr(view, "desk_level", None) for name, view in routes(get_resolver())}
    assert [name for name, level in guards.items() if level is Level.STRANGER] == []


def test_every_route_has_a_name_and_the_lists_name_no_others() -> None:
    names = [name for name, _view in routes(get_resolver())]
    assert [name for name in names if name.endswith("None")] == []
    assert PUBLIC - set(names) == set()
