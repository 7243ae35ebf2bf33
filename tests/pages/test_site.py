"""The site in a browser: accessible, valid, narrow, dark, by keyboard, without scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from django.test import Client

from openletter.cases.models import Case, Mistake
from openletter.evidence.models import Source, Withdrawal
from openletter.guides import library
from openletter.site import genuine, limits
from openletter.words import CaseState, print_reference
from tests.pages.browser import Scheme, Tab, html_faults, is_too_wide, strangers, tab, violations
from tests.site_builders import Held, a_letter, a_running_campaign

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.django_db(transaction=True)]

OPEN = ("", "genuine", "open-relay", "open-proxy", "guides", "partners", "contact", "privacy",
        "accessibility")  # fmt: skip
PRESSES = ("fixed", "not-fixed", "not-mine", "mine", "stop", "go-on", "question", "pass-on")
UNDO = ("not-fixed", "mine", "go-on")
HOLDERS = ("fixed", "not-mine", "question", "pass-on")


@dataclass(frozen=True, kw_only=True)
class World:
    """A letter about one address, one about many, two answered ones, one that moved on."""

    one: Held
    many: Held
    said: Held
    unsaid: Held
    moved: Held


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(genuine, "SECONDS", 0.0)
    campaign = a_running_campaign()
    one = a_letter(campaign, net="192.0.2.{}")
    many = a_letter(campaign, count=60, mailbox="noc@lage-land.example", net="198.51.100.{}")
    moved = a_letter(campaign, count=3, mailbox="it@molen.example", net="203.0.113.{}")
    states = (CaseState.ANNOUNCED_FIXED, CaseState.CLOSED, CaseState.WITHDRAWN)
    for case, state in zip(moved.cases, states, strict=True):
        Case.objects.filter(id=case.id).update(state=state, announced_at=case.opened_at)
    _our_mistake(moved.cases[2])
    said = a_letter(campaign, count=2, mailbox="hoi@dijk.example", net="2001:db8:1::{}")
    unsaid = a_letter(campaign, count=2, mailbox="ik@polder.example", net="2001:db8:2::{}")
    _press(said.secret, "fixed", "not-mine", "stop", "question", "pass-on")
    _press(unsaid.secret, "fixed", "not-fixed", "not-mine", "mine", "stop", "go-on")
    _press_case(said.case_secrets[0], *HOLDERS)
    return World(one=one, many=many, said=said, unsaid=unsaid, moved=moved)


def _our_mistake(case: Case) -> None:
    made = Withdrawal.objects.create(
        exercise=case.campaign, source=Source.objects.get(pk="wierhaven"), at=case.opened_at,
        since=case.opened_at, reason="a wrong scan", by="user:x",
    )  # fmt: skip
    Mistake.objects.create(
        case=case, withdrawal=made, state_before=CaseState.OPEN, at=case.opened_at
    )


def _press(secret: str, *presses: str) -> None:
    for press in presses:
        Client().post(f"/nl/l/{secret}/all/{press}", {"text": "it@klant.example"})


def _press_case(secret: str, *presses: str) -> None:
    for press in presses:
        Client().post(f"/nl/c/{secret}/{press}", {"text": "it@klant.example"})


def templates(world: World) -> Iterator[str]:
    """One page of each template, by an address alone."""
    yield from OPEN
    yield "guides/postfix"
    yield f"l/{world.one.secret}"
    yield f"l/{world.many.secret}?page=2"
    yield f"l/{world.many.secret}/all/fixed"
    yield f"l/{world.said.secret}"
    yield f"l/{world.said.secret}/all/fixed/done"
    yield f"l/{world.many.secret}/{world.many.cases[1].reference}"
    yield f"l/{world.many.secret}/{world.many.cases[1].reference}/pass-on"
    yield f"c/{world.many.case_secrets[2]}"
    yield f"c/{world.moved.case_secrets[0]}"
    yield f"c/{world.moved.case_secrets[2]}"
    yield f"l/{world.moved.secret}"
    yield f"c/{world.many.case_secrets[1]}/question"
    yield "no-such-page"


def paths(world: World) -> Iterator[str]:
    """Every page that can be reached by an address alone."""
    yield from templates(world)
    for guide_id in library.ids():
        yield f"guides/{guide_id}"
    yield f"l/{world.many.secret}"
    for press in PRESSES:
        yield f"l/{world.many.secret}/all/{press}"
        answered = world.unsaid if press in UNDO else world.said
        yield f"l/{answered.secret}/all/{press}/done"
    yield f"c/{world.moved.case_secrets[1]}"
    for press in HOLDERS:
        yield f"c/{world.many.case_secrets[1]}/{press}"
        yield f"c/{world.said.case_secrets[0]}/{press}/done"
    yield f"c/{'a' * 20}"


Press = Callable[["Page", World], None]


# -- pages that follow a press of a button -------------------------------------------------------
def _ask(page: Page, reference: str, address: str) -> None:
    page.fill("#reference", reference)
    page.fill("#address", address)
    page.click("main button")


def _right(page: Page, world: World) -> None:
    case = world.one.cases[0]
    _ask(page, print_reference(case.reference), str(case.ip))


def _wrong(page: Page, world: World) -> None:
    _ask(page, "7K3Q-D9MX", "192.0.2.77")


def _missing(page: Page, world: World) -> None:
    _ask(page, "", "")


def _too_many(page: Page, world: World) -> None:
    limits.PER_SOURCE, before = 0, limits.PER_SOURCE
    try:
        _wrong(page, world)
    finally:
        limits.PER_SOURCE = before


AFTER_A_PRESS: tuple[Press, ...] = (_right, _wrong, _missing, _too_many)


def look(opened: Tab, host: str) -> list[str]:
    """All faults of the page that is open."""
    found = violations(opened.page)
    found += [f"asks for {url}" for url in strangers(opened, host)]
    found += [line for line in opened.complained if "404" not in line and "429" not in line]
    if is_too_wide(opened.page):
        found.append("has to be scrolled sideways")
    return found


def all_faults(
    tabs: list[tuple[str, Tab]], address: str, pages: Iterable[str | Press], *, world: World
) -> dict[str, list[str]]:
    """Open every page, each in the next of the given tabs."""
    faults, turns = {}, cycle(tabs)
    for path in pages:
        language, opened = next(turns)
        if isinstance(path, str):
            opened.open(f"{address}/{language}/{path}")
        else:
            opened.open(f"{address}/{language}/genuine")
            path(opened.page, world)
        found = look(opened, urlsplit(address).netloc)
        if found:
            faults[f"{path} {language} {opened.width}"] = found
    return faults


def test_every_template_in_one_way_in_turn(
    browser: Browser, live_server: LiveServer, world: World
) -> None:
    with (
        tab(browser, width=320) as narrow,
        tab(browser, scheme="dark") as dark,
        tab(browser) as light,
    ):
        tabs = [("nl", narrow), ("en", dark), ("en", narrow), ("nl", light), ("nl", dark)]
        pages = [*templates(world), *AFTER_A_PRESS]
        assert all_faults(tabs, live_server.url, pages, world=world) == {}


@pytest.mark.full
@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_every_page_in_every_way(
    browser: Browser,
    live_server: LiveServer,
    world: World,
    *,
    language: str,
    scheme: Scheme,
    width: int,
) -> None:
    with tab(browser, scheme=scheme, width=width) as opened:
        pages = [*paths(world), *AFTER_A_PRESS]
        assert all_faults([(language, opened)], live_server.url, pages, world=world) == {}


def test_every_page_is_valid_html(client: Client, world: World) -> None:
    faults = {}
    for path in [*paths(world), "../o/" + world.one.stop]:
        for language in ("nl", "en"):
            page = client.get(f"/{language}/{path}".replace(f"/{language}/..", ""))
            found = html_faults(page.content.decode())
            if found:
                faults[f"{language} {path}"] = found
    assert faults == {}


def test_every_link_of_every_template_leads_somewhere(client: Client, world: World) -> None:
    import html5lib

    links: dict[str, str] = {}
    for path in templates(world):
        tree = html5lib.parse(
            client.get(f"/en/{path}").content.decode(), namespaceHTMLElements=False
        )
        for element in tree.iter("a"):
            target = str(element.get("href")).partition("#")[0]
            if target.startswith("?"):
                target = f"/en/{path.partition('?')[0]}{target}"
            if target.startswith("/"):
                links.setdefault(target, path)
    gone = {target: page for target, page in links.items() if client.get(target).status_code != 200}
    assert {k: v for k, v in gone.items() if "no-such" not in k and "a" * 20 not in k} == {}


# -- by keyboard, without scripts ------------------------------------------------------------------
def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.outerHTML.slice(0, 80)"))


def test_a_keyboard_reaches_the_content_at_once(
    browser: Browser, live_server: LiveServer, world: World
) -> None:
    with tab(browser) as opened:
        opened.open(f"{live_server.url}/en/l/{world.one.secret}")
        opened.page.keyboard.press("Tab")
        assert 'class="skip"' in focused(opened.page)
        box = opened.page.locator(".skip").bounding_box()
        assert box is not None
        assert box["y"] >= 0
        opened.page.keyboard.press("Enter")
        assert 'id="main"' in focused(opened.page)
        seen = set()
        for _ in range(40):
            opened.page.keyboard.press("Tab")
            if "<body" in focused(opened.page):
                break
            seen.add(focused(opened.page))
            outline = opened.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline == "solid"
        assert any("/fixed" in one for one in seen)
        assert any("<pre" in one for one in seen)


def test_an_answer_is_given_and_taken_back_without_scripts(
    browser: Browser, live_server: LiveServer, world: World
) -> None:
    case = world.one.cases[0]
    with tab(browser, script=False) as opened:
        page = opened.page
        opened.open(f"{live_server.url}/nl/l/{world.one.secret}")
        page.click("text=Het is hersteld")
        page.click("button:has-text('Ja, het is hersteld')")
        assert page.url.endswith("/fixed/done")
        page.reload()
        case.refresh_from_db()
        assert case.state == CaseState.ANNOUNCED_FIXED
        page.click("button:has-text('Terugnemen')")
        case.refresh_from_db()
        assert case.state == CaseState.OPEN
        page.click("text=Terug naar de pagina")
        page.click("text=Engl")
        assert page.url.startswith(f"{live_server.url}/en/l/")


def test_colours_may_be_forced(browser: Browser, live_server: LiveServer, world: World) -> None:
    with tab(browser, forced=True) as opened:
        opened.open(f"{live_server.url}/en/l/{world.one.secret}")
        border = opened.page.evaluate(
            "getComputedStyle(document.querySelector('.button')).borderTopStyle"
        )
        assert border == "solid"


def test_a_page_prints_with_its_reference_and_its_link(
    browser: Browser, live_server: LiveServer, world: World
) -> None:
    with tab(browser) as opened:
        opened.open(f"{live_server.url}/en/c/{world.many.case_secrets[0]}")
        opened.page.emulate_media(media="print")
        assert opened.page.locator("dd.address", has_text=world.many.case_secrets[0]).is_visible()
        assert opened.page.locator(".case-head + dl .code-name").is_visible()
        assert not opened.page.locator(".buttons").first.is_visible()
        assert not opened.page.locator(".nav").is_visible()
