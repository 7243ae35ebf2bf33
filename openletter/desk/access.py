"""Who may see and change what. Every page gets a `Visit`; rows come through it or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Final, TypeVar

from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from openletter.campaigns import clock
from openletter.campaigns.rules import Level, Viewer
from openletter.campaigns.steps import viewer_of
from openletter.desk.queries.inbox import waiting_for_a_person
from openletter.desk.queries.scope import mine

_M = TypeVar("_M", bound=Model)
READ: Final = ("GET", "HEAD")
CHANGE: Final = ("POST",)


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One request of a member: who it is, what he may, what time it is."""

    request: HttpRequest
    user: User
    viewer: Viewer
    now: datetime

    @property
    def actor(self) -> str:
        """The name under which the timeline knows this person."""
        return f"user:{self.user.get_username()}"

    def may(self, level: Level, partner_id: int | None) -> bool:
        return self.viewer.level_at(partner_id) >= level

    def must(self, level: Level, partner_id: int | None) -> None:
        """Refuse with 403 whoever sees the row but may not do this to it."""
        if not self.may(level, partner_id):
            raise PermissionDenied

    def find(self, rows: QuerySet[_M], **which: object) -> _M:
        """The one row among the viewer's partners' rows, else 404: it may well exist elsewhere."""
        found = mine(rows, self.viewer).filter(**which).first()
        if found is None:
            raise Http404
        return found

    def show(
        self, template: str, told: Mapping[str, object] | None = None, *, status: int = 200
    ) -> HttpResponse:
        frame = {
            "visit": self,
            "viewer_level": self.viewer.highest,
            "inbox_waiting": waiting_for_a_person(self.viewer).count(),
            "exercise": False,
        }
        return render(
            self.request, f"desk/{template}.html", {**frame, **(told or {})}, status=status
        )

    def says(self, text: str | Promise) -> None:
        messages.success(self.request, str(text))

    def regrets(self, text: str | Promise) -> None:
        messages.error(self.request, str(text))

    def to(self, name: str, **which: object) -> HttpResponseRedirect:
        """Redirect after a change, so that reloading repeats nothing."""
        return HttpResponseRedirect(reverse(f"desk:{name}", kwargs=which or None))


Answer = HttpResponse | StreamingHttpResponse
Page = Callable[..., Answer]


def needs(level: Level, *, change: bool = False) -> Callable[[Page], Page]:
    """Let in members who have this level at some partner; the page asks again for its row.

    A page reads (GET) or changes (POST), never both. The level stays on the view as
    `desk_level`, which the law of routes reads.
    """

    def guard(page: Page) -> Page:
        @never_cache
        @require_http_methods(list(CHANGE if change else READ))
        @wraps(page)
        def guarded(request: HttpRequest, **parts: object) -> Answer:
            if not isinstance(request.user, User):
                return redirect_to_login(
                    reverse("desk:front") if change else request.get_full_path()
                )
            visit = Visit(
                request=request,
                user=request.user,
                viewer=viewer_of(request.user),
                now=clock.wall(),
            )
            return _answer(page, visit, parts, level=level)

        guarded.desk_level = level  # type: ignore[attr-defined]
        return guarded

    return guard


def _answer(page: Page, visit: Visit, parts: Mapping[str, object], *, level: Level) -> Answer:
    try:
        if visit.viewer.highest < level:
            raise PermissionDenied
        return page(visit, **parts)
    except PermissionDenied:
        return visit.show("refused", {"title": gettext("This is not yours to do")}, status=403)
    except Http404:
        return visit.show("missing", {"title": gettext("There is no such page")}, status=404)
