"""Signing in and out, and the desk's language: the only routes open to strangers."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

RETRY_AFTER = 15 * 60


class SignIn(LoginView):
    """Django's own, with django-axes behind it: eight wrong tries close the door for a while."""

    template_name = "desk/sign_in.html"
    authentication_form = AuthenticationForm
    redirect_authenticated_user = True

    def get_context_data(self, **told: Any) -> dict[str, Any]:  # noqa: ANN401 Django's signature
        return {**super().get_context_data(**told), "exercise": False}


def locked_out(request: HttpRequest, *_parts: object, **_named: object) -> HttpResponse:
    """Too many wrong tries: the same page for a name that exists and one that does not."""
    response = render(request, "desk/locked_out.html", {"exercise": False}, status=429)
    response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


sign_in = SignIn.as_view()
sign_out = require_POST(LogoutView.as_view())
language = require_POST(set_language)
