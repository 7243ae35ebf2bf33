"""The signed-in person's own page: roles, password, latest changes."""

from __future__ import annotations

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.http import HttpResponse
from django.utils.translation import gettext

from openletter.campaigns.models import Member, TimelineEntry
from openletter.campaigns.rules import Entry, Level
from openletter.campaigns.steps import record
from openletter.desk.access import Visit, needs


def _page(visit: Visit, form: PasswordChangeForm, *, status: int = 200) -> HttpResponse:
    told = {
        "title": gettext("Your page"),
        "form": form,
        "members": list(
            Member.objects.filter(user=visit.user)
            .select_related("partner")
            .order_by("partner__name")
        ),
        "entries": list(
            TimelineEntry.objects.filter(actor=visit.actor)
            .select_related("campaign")
            .order_by("-id")[:20]
        ),
    }
    return visit.show("me", told, status=status)


@needs(Level.READER)
def me(visit: Visit) -> HttpResponse:
    return _page(visit, PasswordChangeForm(visit.user))


@needs(Level.READER, change=True)
def change_password(visit: Visit) -> HttpResponse:
    """A new password; this session stays, all others of this person end."""
    form = PasswordChangeForm(visit.user, visit.request.POST)
    if not form.is_valid():
        return _page(visit, form, status=422)
    form.save()
    update_session_auth_hash(visit.request, visit.user)
    record([_changed(visit)])
    visit.says(gettext("Your password is changed."))
    return visit.to("me")


def _changed(visit: Visit) -> Entry:
    return Entry(
        subject=f"user:{visit.user.pk}",
        actor=visit.actor,
        action="password-changed",
        at=visit.now,
    )
