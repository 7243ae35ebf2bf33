"""How the site's views are dressed: open to everybody, read-only or answering, behind a secret."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeAlias

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

View: TypeAlias = Callable[..., HttpResponse]


def _public(view: View, methods: list[str]) -> View:
    guarded: View = require_http_methods(methods)(view)
    guarded.access = "public"  # type: ignore[attr-defined]  # the route law reads this mark
    return guarded


def reading(view: View) -> View:
    """A page that is read only."""
    return _public(view, ["GET", "HEAD"])


def answering(view: View) -> View:
    """A page with a form: reading changes nothing, pressing does.

    No CSRF cookie: the site reads no cookie, so a forged POST would have nothing to ride on, and
    whoever can post to a secret's page knows the secret. Besides, a page with `Referrer-Policy:
    no-referrer` sends `Origin: null`, which Django's check refuses.
    """
    exempt: View = csrf_exempt(_public(view, ["GET", "HEAD", "POST"]))
    return exempt


def behind_secret(view: View) -> View:
    """Kept by nobody on the way, found by no search engine, named to no other site."""

    @wraps(view)
    def dressed(request: HttpRequest, **of_path: object) -> HttpResponse:
        response = view(request, **of_path)
        response.headers["Cache-Control"] = "no-store, private"
        response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return dressed
