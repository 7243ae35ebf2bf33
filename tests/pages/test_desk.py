"""The desk in a browser: no axe violation, valid HTML, nothing wider than the window, no script.

Each page is looked at in one of the languages and schemes in turn; `full` looks at all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser

from openletter.campaigns import steps
from openletter.campaigns.rules import MemberRole
from openletter.evidence.models import Zone
from openletter.evidence.zonekeeping import suspend
from tests.builders import NOW
from tests.desk_builders import Desk, a_desk, a_member
from tests.pages.browser import Scheme, Tab, html_faults, is_too_wide, tab, violations

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("browser")]

SIGNED_OUT = ("/desk/sign-in/",)
WAYS: tuple[tuple[str, Scheme, int], ...] = tuple(product(("en", "nl"), ("light", "dark"), (1280, 320)))  # fmt: skip


def addresses(desk: Desk) -> list[str]:
    """Every page of the desk, and the ways it can look."""
    rows, slug = desk.alpha, desk.campaign.slug
    return [
        "/desk/", "/desk/me/", "/desk/campaigns/", f"/desk/campaigns/{slug}/",
        f"/desk/campaigns/{slug}/?by=language", f"/desk/campaigns/{slug}/plan/", "/desk/cases/",
        "/desk/cases/?search=nothing", f"/desk/cases/{rows.case.reference}/",
        f"/desk/cases/{rows.drafted.reference}/", "/desk/inbox/", "/desk/inbox/?view=all",
        f"/desk/inbox/{rows.reply.pk}/?opening=which-program", "/desk/letters/",
        "/desk/letters/?state=unknown", f"/desk/letters/{rows.letter.reference}/", "/desk/stops/", "/desk/sources/",
        "/desk/contacts/",
        "/desk/withdrawals/", f"/desk/withdrawals/{desk.withdrawal.pk}/",
        "/desk/withdrawals/preview/",
        f"/desk/withdrawals/preview/?source=wierhaven&world={slug}&since=2020-01-01+00:00:00",
        "/desk/wordings/", f"/desk/wordings/{rows.partner.slug}/first/nl/",
        f"/desk/wordings/{rows.partner.slug}/correction/fa/",
        "/desk/no-such-page/", "/desk/cases/00000000/",
    ]  # fmt: skip


@dataclass(kw_only=True)
class Room:
    desk: Desk
    host: str
    server: Any
    member: Client


@pytest.fixture
def room(live_server: Any) -> Room:
    """A desk with an administrator signed in, who sees every form."""
    desk = a_desk()
    steps.pause_leaving(because="a copy was started", now=NOW)
    Zone.objects.create(name="dnsbl.example", condition="healthy", examined_at=NOW)
    suspend("a-very-long-name-of-a-zone.dnsbl.example", actor="user:ann", because="x" * 80, now=NOW)
    member = Client()
    member.force_login(a_member(MemberRole.ADMINISTRATOR, desk.alpha.partner))
    return Room(desk=desk, host=urlsplit(live_server.url).netloc, server=live_server, member=member)


def _enter(opened: Tab, room: Room, language: str) -> None:
    """The member's session and language, as the browser would hold them."""
    cookies = {
        settings.SESSION_COOKIE_NAME: room.member.cookies[settings.SESSION_COOKIE_NAME].value,
        settings.LANGUAGE_COOKIE_NAME: language,
    }
    opened.page.context.add_cookies(
        [{"name": name, "value": value, "url": room.server.url} for name, value in cookies.items()]
    )


def _faults(opened: Tab, room: Room, address: str) -> Iterator[str]:
    opened.open(room.server.url + address)
    # every disclosure open, so that the forms in them are judged too
    opened.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    yield from violations(opened.page)
    reader = Client() if address in SIGNED_OUT else room.member
    yield from html_faults(reader.get(address).content.decode())
    yield from [url for url in opened.asked if urlsplit(url).netloc != room.host]
    complaints = [one for one in opened.complained if "404" not in one]
    yield from complaints
    if is_too_wide(opened.page):
        yield "wider than the window"


def test_every_page_is_clean_in_one_way_of_looking(room: Room, browser: Browser) -> None:
    found = []
    pages = [*addresses(room.desk), *SIGNED_OUT]
    for number, address in enumerate(pages):
        language, scheme, width = WAYS[number % len(WAYS)]
        with tab(browser, scheme=scheme, width=width) as opened:
            if address not in SIGNED_OUT:
                _enter(opened, room, language)
            found += [(address, language, scheme, width, f) for f in _faults(opened, room, address)]
    assert found == [], "\n".join(map(str, found))


@pytest.mark.full
@pytest.mark.parametrize(("language", "scheme", "width"), WAYS)
def test_every_page_is_clean_in_every_way(
    room: Room, browser: Browser, language: str, scheme: Scheme, width: int
) -> None:
    found = []
    with tab(browser, scheme=scheme, width=width) as opened:
        _enter(opened, room, language)
        for address in addresses(room.desk):
            found += [(address, fault) for fault in _faults(opened, room, address)]
    assert found == [], "\n".join(map(str, found))


def test_a_handler_pauses_and_answers_without_script(room: Room, browser: Browser) -> None:
    with tab(browser, script=False) as opened:
        _enter(opened, room, "en")
        opened.open(f"{room.server.url}/desk/inbox/{room.desk.alpha.reply.pk}/")
        opened.page.fill("#answer-text", "The one in row 1.")
        opened.page.click("text=Send the answer")
        assert "leaves with the next hand-over" in opened.page.inner_text("main")
        assert opened.page.url.endswith(f"/desk/inbox/{room.desk.alpha.reply.pk}/")
        opened.open(f"{room.server.url}/desk/campaigns/{room.desk.campaign.slug}/")
        opened.page.click("summary:has-text('Pause')")
        opened.page.fill("#because", "to look at bounces")
        opened.page.click("text=Stop all that leaves")
        assert "to look at bounces" in opened.page.inner_text("main")


def test_the_keyboard_reaches_the_content_first(room: Room, browser: Browser) -> None:
    with tab(browser) as opened:
        _enter(opened, room, "en")
        opened.open(f"{room.server.url}/desk/")
        opened.page.keyboard.press("Tab")
        assert opened.page.evaluate("document.activeElement.className") == "skip"
        opened.page.keyboard.press("Enter")
        assert opened.page.evaluate("document.activeElement.id") == "main"
