"""Who sees and changes what on the desk: two partners × five persons × every route.

The routes come from the resolver, so a new one fails here until it is written down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

import pytest
from django.conf import Settings
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from openletter.campaigns.models import TimelineEntry
from openletter.campaigns.rules import Level, MemberRole
from openletter.desk import urls
from openletter.words import print_reference
from tests.builders import a_user
from tests.desk_builders import Desk, Rows, a_desk, a_member

pytestmark = pytest.mark.django_db

STRANGER, NOBODY = "stranger", "no member"
ROLES = (MemberRole.READER, MemberRole.HANDLER, MemberRole.APPROVER, MemberRole.ADMINISTRATOR)


@dataclass(frozen=True, kw_only=True)
class Route:
    """How a route is asked about a partner's rows; `scoped` ones have a row of one partner."""

    name: str
    level: Level
    parts: Callable[[Desk, Rows], dict[str, object]] = lambda _desk, _rows: {}
    is_change: bool = False
    scoped: bool = False
    lead_only: bool = False
    form: Callable[[Desk, Rows], dict[str, str]] = lambda _desk, _rows: {}

    def address(self, desk: Desk, rows: Rows) -> str:
        return reverse(f"desk:{self.name}", kwargs=self.parts(desk, rows) or None)


def _campaign(desk: Desk, rows: Rows) -> dict[str, object]:
    return {"slug": desk.campaign.slug}


def _case(desk: Desk, rows: Rows) -> dict[str, object]:
    return {"reference": rows.case.reference}


def _reply(desk: Desk, rows: Rows) -> dict[str, object]:
    return {"pk": rows.reply.pk}


def _wording(desk: Desk, rows: Rows) -> dict[str, object]:
    return {"slug": rows.partner.slug, "kind": "first", "language": "en"}


def _withdrawal(desk: Desk, rows: Rows) -> dict[str, object]:
    return {"pk": desk.withdrawal.pk}


def _wrong_scan(desk: Desk, rows: Rows) -> dict[str, str]:
    """A scope of the exercise's source in which nothing was said."""
    return {
        "source": "wierhaven", "world": desk.campaign.slug, "since": "2020-01-01 00:00:00",
        "until": "2020-01-02 00:00:00", "because": "a wrong scan",
    }  # fmt: skip


def _because(desk: Desk, rows: Rows) -> dict[str, str]:
    return {"because": "the handler says so"}


def _lead(name: str) -> Route:
    return Route(
        name=name, level=Level.APPROVER, parts=_campaign, is_change=True, lead_only=True,
        form=_because,
    )  # fmt: skip


def _read(name: str, **more: object) -> Route:
    return Route(name=name, level=Level.READER, **more)  # type: ignore[arg-type]


def _of_row(name: str, parts: Callable[[Desk, Rows], dict[str, object]], **more: object) -> Route:
    return Route(name=name, level=Level.HANDLER, parts=parts, is_change=True, scoped=True, **more)  # type: ignore[arg-type]


ROUTES = (
    _read("front"), _read("me"), _read("campaigns"), _read("cases"), _read("inbox"),
    _read("deliveries"), _read("stops"), _read("sources"), _read("contacts"),
    _read("campaign", parts=_campaign), _read("plan", parts=_campaign),
    Route(name="export", level=Level.HANDLER, parts=_campaign),
    _read("case", parts=_case, scoped=True), _read("reply", parts=_reply, scoped=True),
    _read("letter", parts=lambda _, rows: {"reference": rows.letter.reference}, scoped=True),
    _read("withdrawals"), _read("withdrawal", parts=_withdrawal),
    Route(name="withdrawal-preview", level=Level.APPROVER),
    Route(
        name="take-back", level=Level.APPROVER, is_change=True, lead_only=True, form=_wrong_scan
    ),
    Route(
        name="approve-correction", level=Level.APPROVER, parts=_withdrawal, is_change=True,
        lead_only=True, form=lambda desk, _: {"campaign": desk.campaign.slug},
    ),
    Route(
        name="restore", level=Level.APPROVER, parts=_withdrawal, is_change=True, lead_only=True
    ),
    Route(name="installation-go-on", level=Level.ADMINISTRATOR, is_change=True),
    Route(name="change-password", level=Level.READER, is_change=True),
    Route(name="pause", level=Level.HANDLER, parts=_campaign, is_change=True, form=_because),
    _lead("close-draft"), _lead("approve"), _lead("start"), _lead("go-on"), _lead("resume"),
    _lead("finish"), _lead("update-wave"), _lead("switch-letters"),
    Route(
        name="open-wave", level=Level.APPROVER, is_change=True, lead_only=True,
        parts=lambda desk, _: {"slug": desk.campaign.slug, "kind": "reminder"},
    ),
    _read("wordings"), _read("wording", parts=_wording, scoped=True),
    Route(
        name="approve-wording", level=Level.APPROVER, parts=_wording, is_change=True, scoped=True
    ),
    Route(
        name="take-wording-back", level=Level.APPROVER, parts=_wording, is_change=True, scoped=True
    ),
    _of_row("give-time", _reply, form=lambda _, _rows: {"until": "2026-04-01"}),
    _of_row("take-time-back", _reply),
    _of_row("announce-fixed", _case, form=_because), _of_row("not-fixed", _case, form=_because),
    _of_row("withdraw", _case, form=_because), _of_row("reopen", _case, form=_because),
    _of_row(
        "override", _case, form=lambda _, _rows: {"address": "new@net.example", "because": "call"}
    ),
    _of_row(
        "hand-over", _case,
        form=lambda desk, rows: {
            "partner": (desk.beta if rows is desk.alpha else desk.alpha).partner.slug,
            "because": "the handler says so",
        },
    ),
    _of_row("answer", _reply, form=lambda _, _rows: {"text": "That one."}),
    _of_row("correct", _reply, form=lambda _, _rows: {"kind": "fixed"}),
    _of_row("undo", _reply), _of_row("settle", _reply),
    _of_row("clear-again", lambda _, rows: {"pk": rows.unknown.pk}),
    _of_row("lift-suppression", lambda _, rows: {"pk": rows.suppression.pk}),
    Route(
        name="suppress", level=Level.HANDLER, is_change=True,
        form=lambda desk, rows: {
            "mailbox": f"abuse@{rows.mark}.example", "campaign": desk.campaign.slug, "how": "phone",
        },
    ),
    Route(
        name="exclude", level=Level.HANDLER, is_change=True,
        form=lambda _desk, _rows: {"network": "203.0.113.64/26", "how": "DNS record"},
    ),
    Route(
        name="lift-exclusion", level=Level.HANDLER, is_change=True,
        parts=lambda desk, _: {"pk": desk.exclusion.pk},
    ),
)  # fmt: skip


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    """Hashing a password slowly is Django's to prove, not ours."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def desk() -> Desk:
    return a_desk()


def clients(desk: Desk) -> Iterator[tuple[str, Level, str, Client]]:
    """Give everybody: who, his level, at which partner, and his signed-in browser."""
    yield STRANGER, Level.STRANGER, "", Client()
    outsider = Client()
    outsider.force_login(a_user("outsider"))
    yield NOBODY, Level.STRANGER, "", outsider
    for rows in (desk.alpha, desk.beta):
        for role in ROLES:
            browser = Client()
            browser.force_login(a_member(role, rows.partner))
            yield str(role), Level.of(role), rows.partner.slug, browser


def expected(route: Route, who: str, level: Level, *, at: str, rows: Rows) -> set[int]:
    """What the answer must be: sign-in, not yours to do, no such page, or done."""
    if who == STRANGER:
        return {302}
    if level < route.level:
        return {403}
    if route.scoped and at != rows.partner.slug:
        return {404}
    if route.lead_only and at != "alpha":
        return {403}
    if route.name == "change-password":
        return {422}
    return {302} if route.is_change else {200}


def test_every_route_is_written_down_here() -> None:
    names = {pattern.name for pattern in urls.urlpatterns}
    public = {name.removeprefix("desk:") for name in urls.PUBLIC_ROUTES}
    assert names - public == {route.name for route in ROUTES}


def test_every_route_answers_each_person_as_his_role_and_partner_say(desk: Desk) -> None:
    wrong = []
    for who, level, at, browser in clients(desk):
        for route in ROUTES:
            for rows in (desk.alpha, desk.beta)[: 2 if route.scoped else 1]:
                answer = _ask_and_forget(browser, route, desk, rows)
                allowed = expected(route, who, level, at=at, rows=rows)
                if answer.status_code not in allowed:
                    wrong.append((route.name, who, at, rows.mark, answer.status_code, allowed))
                if who == STRANGER and not answer["Location"].startswith("/desk/sign-in/"):
                    wrong.append((route.name, who, at, rows.mark, answer["Location"], allowed))
    assert wrong == []


def _ask_and_forget(browser: Client, route: Route, desk: Desk, rows: Rows) -> HttpResponse:
    """Ask, and take back what the answer changed, so that everybody finds the same world."""
    ask = browser.post if route.is_change else browser.get
    with transaction.atomic():
        answer = ask(route.address(desk, rows), route.form(desk, rows))
        transaction.set_rollback(True)
    return answer


def test_the_wrong_method_changes_nothing(desk: Desk) -> None:
    browser = Client()
    browser.force_login(a_member(MemberRole.ADMINISTRATOR, desk.alpha.partner))
    before = TimelineEntry.objects.count()
    for route in ROUTES:
        ask = browser.get if route.is_change else browser.post
        assert ask(route.address(desk, desk.alpha)).status_code == 405, route.name
    assert TimelineEntry.objects.count() == before


def test_no_page_of_one_partner_shows_a_row_of_the_other(desk: Desk) -> None:
    for rows, other in ((desk.alpha, desk.beta), (desk.beta, desk.alpha)):
        browser = Client()
        browser.force_login(a_member(MemberRole.ADMINISTRATOR, rows.partner))
        for address in _pages(desk, rows):
            answer = browser.get(address)
            asked = unquote(address.partition("search=")[2])
            page = b"".join(answer).decode().replace(asked or "\0", "")
            assert answer.status_code == 200, address
            assert other.mark not in page, address
            assert other.case.reference not in page, address
            assert print_reference(other.case.reference) not in page, address
            assert str(other.case.ip) not in page, address


def _pages(desk: Desk, rows: Rows) -> Iterator[str]:
    for route in ROUTES:
        if not route.is_change:
            yield route.address(desk, rows)
    yield reverse("desk:letter", kwargs={"reference": rows.draft.reference})
    for search in (
        "",
        "192.0.2.7",
        "198.51.100.0/24",
        desk.beta.case.reference,
        desk.alpha.letter.reference,
        "abuse@betaonly.example",
    ):
        yield f"/desk/cases/?search={search}"
    yield "/desk/inbox/?view=all"
    for by in ("country", "language", "reader", "weakness", "arm"):
        yield f"/desk/campaigns/{desk.campaign.slug}/?by={by}"


def test_a_page_shows_the_rows_of_its_own_partner(desk: Desk) -> None:
    browser = Client()
    browser.force_login(a_member(MemberRole.READER, desk.beta.partner))
    for name in ("cases", "inbox", "deliveries", "stops"):
        assert desk.beta.mark in browser.get(reverse(f"desk:{name}")).content.decode(), name


def test_changes_carry_who_and_why(desk: Desk) -> None:
    browser = Client()
    browser.force_login(a_member(MemberRole.HANDLER, desk.beta.partner))
    address = reverse("desk:withdraw", kwargs={"reference": desk.beta.case.reference})
    browser.post(address, {"because": "a honeypot of ours"})
    entry = TimelineEntry.objects.get(subject=f"case:{desk.beta.case.pk}", action="withdrawn")
    assert entry.actor == "user:handler-beta"
    assert entry.reason == {"code": "handler-says", "values": {"text": "a honeypot of ours"}}
    page = browser.get(reverse("desk:case", kwargs={"reference": desk.beta.case.reference}))
    assert "a honeypot of ours" in page.content.decode()


def test_a_change_without_a_reason_is_refused(desk: Desk) -> None:
    browser = Client()
    browser.force_login(a_member(MemberRole.HANDLER, desk.beta.partner))
    browser.post(reverse("desk:withdraw", kwargs={"reference": desk.beta.case.reference}))
    desk.beta.case.refresh_from_db()
    assert desk.beta.case.state == "open"


def test_forms_need_the_token_of_the_page(desk: Desk) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(a_member(MemberRole.HANDLER, desk.alpha.partner))
    address = reverse("desk:pause", kwargs={"slug": desk.campaign.slug})
    assert browser.post(address, {"because": "x"}).status_code == 403
    desk.campaign.refresh_from_db()
    assert desk.campaign.paused_at is None
