"""What went wrong, in the site's own look: what it means and what to do next."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


def problem(
    request: HttpRequest, code: int, *, title: Text, lines: tuple[Text, ...]
) -> HttpResponse:
    """One error page; `problem` keeps it from naming other languages' addresses of itself."""
    told = {"code": code, "title": title, "lines": lines, "problem": True}
    return render(request, "site/error.html", told, status=code)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(
        request, 400,
        title=_("We could not read that"),
        lines=(_("Your browser sent something that this page does not understand."),),
    )  # fmt: skip


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return problem(
        request, 403,
        title=_("This is not open to you"),
        lines=(_("You may have to sign in again, or the form was open for too long."),),
    )  # fmt: skip


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's name for it: a form of the desk that did not come from the desk."""
    return forbidden(request)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(
        request, 404,
        title=_("There is no such page"),
        lines=(
            _("The address may have a slip in it, or the page has moved."),
            _("Does the link come from a letter? Then it may have been cut by a line break."),
        ),
    )  # fmt: skip


def unknown_link(request: HttpRequest) -> HttpResponse:
    """A secret that opens nothing: the same answer for every wrong one."""
    return problem(
        request, 404,
        title=_("This link opens nothing"),
        lines=(
            _("Mail programs sometimes cut long links. Copy the whole link from the letter."),
            _("You can also check the letter by its reference and the address in it."),
        ),
    )  # fmt: skip


def too_many(request: HttpRequest) -> HttpResponse:
    response = problem(
        request, 429,
        title=_("Too many tries"),
        lines=(
            _("There were too many wrong references. Please wait an hour and try again."),
            _("You can also ask the organisation that signed the letter."),
        ),
    )  # fmt: skip
    response.headers["Retry-After"] = "3600"
    return response


def broken(request: HttpRequest) -> HttpResponse:
    """No database and no request are needed to say that something broke."""
    told = {
        "code": 500,
        "title": _("Something broke on our side"),
        "lines": (_("It was noted. Please try again in a while."),),
        "problem": True,
    }
    return HttpResponse(render_to_string("site/error.html", told), status=500)
