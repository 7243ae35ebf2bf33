"""Routes without a language: the front door, one-click unsubscribe, and what machines ask for."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, register_converter, reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language_from_request, override

from openletter.campaigns import clock
from openletter.letters.models import Letter
from openletter.replies import steps
from openletter.site import converters, errors
from openletter.site.doors import answering, behind_secret, reading

register_converter(converters.SecretInPath, "token")

app_name = "roots"


@reading
def front(request: HttpRequest) -> HttpResponse:
    """The only page that looks at Accept-Language; everywhere else the path says the language."""
    with override(get_language_from_request(request)):
        response = HttpResponseRedirect(reverse("site:home"))
    patch_vary_headers(response, ["Accept-Language"])
    return response


def _language_of(letter: Letter) -> str:
    ours = {code for code, _name in settings.LANGUAGES}
    return next((tag for tag in letter.languages if tag in ours), "en")


@answering
@behind_secret
def one_click(request: HttpRequest, token: str) -> HttpResponse:
    """RFC 8058: a POST is the wish itself; a GET asks first and changes nothing."""
    letter = steps.letter_of_stop(token)
    if letter is None:
        return errors.unknown_link(request)
    if request.method == "POST":
        steps.one_click(token, now=clock.now(letter.campaign))
    told = {
        "done": request.method == "POST",
        "secret": token,
        "exercise": letter.campaign.exercise,
    }
    language = _language_of(letter)
    with override(language):
        response = render(request, "site/one_click.html", told)
    response.headers["Content-Language"] = language
    return response


@reading
def robots(request: HttpRequest) -> HttpResponse:
    """Pages behind secrets say `noindex` themselves; a rule here would only name them."""
    return HttpResponse("User-agent: *\nDisallow: /desk/\n", content_type="text/plain")


@reading
def security(request: HttpRequest) -> HttpResponse:
    """RFC 9116, only where the operator said whom to tell and until when it holds."""
    contact = getattr(settings, "SECURITY_CONTACT", "")
    expires = getattr(settings, "SECURITY_EXPIRES", "")
    if not contact or not expires:
        raise Http404
    lines = [
        f"Contact: {contact}",
        f"Expires: {expires}",
        f"Preferred-Languages: {', '.join(code for code, _name in settings.LANGUAGES)}",
        f"Canonical: {settings.SITE_ADDRESS}{request.path}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


urlpatterns: list[URLPattern] = [
    path("", front, name="front"),
    path("o/<token:token>", one_click, name="one-click"),
    path("robots.txt", robots, name="robots"),
    path(".well-known/security.txt", security, name="security"),
]
