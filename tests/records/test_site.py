"""The site as its readers meet it: what a page shows, what it never shows, and what changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from django.apps import apps
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils.translation import override

from openletter.cases.models import Case
from openletter.contacts.models import Choice, Suppression
from openletter.evidence.models import Observation, Source
from openletter.guides import library
from openletter.letters.models import Delivery
from openletter.replies.models import Reply, ReplyKind
from openletter.site import errors
from openletter.site.urls import OPEN, PUBLIC_ROUTES, urlpatterns
from openletter.words import CaseState, DeliveryState, print_reference
from tests.builders import a_partner
from tests.site_builders import Held, a_letter, a_running_campaign

pytestmark = pytest.mark.django_db

CSP = {
    "default-src 'none'", "style-src 'self'", "img-src 'self'", "form-action 'self'",
    "frame-ancestors 'none'", "base-uri 'none'",
}  # fmt: skip
OPEN_NAMES = sorted(str(route.name) for route in OPEN)
WHOLE_CAMPAIGN = 812


def path_of(name: str, language: str) -> str:
    with override(language):
        return reverse(f"site:{name}", args=["postfix"] if name == "guide" else [])


@pytest.fixture
def held() -> Held:
    return a_letter(a_running_campaign(), count=3)


def everything() -> Mapping[str, list[object]]:
    """All rows of all tables, to see whether anything changed."""
    return {
        str(model._meta): sorted(map(repr, model._default_manager.values()))
        for model in apps.get_models()
    }


def pages_behind(held: Held) -> Iterator[str]:
    row = held.cases[0].reference
    for start in (f"/nl/l/{held.secret}/all", f"/nl/l/{held.secret}/{row}"):
        for press in ("fixed", "not-fixed", "not-mine", "mine", "question", "pass-on"):
            yield f"{start}/{press}"
            yield f"{start}/{press}/done"
    yield f"/nl/l/{held.secret}"
    yield f"/nl/l/{held.secret}/{row}"
    yield f"/nl/l/{held.secret}/all/stop"
    yield f"/nl/l/{held.secret}/all/go-on/done"
    yield f"/nl/c/{held.case_secrets[0]}"
    for press in ("fixed", "not-fixed", "not-mine", "mine", "question", "pass-on"):
        yield f"/nl/c/{held.case_secrets[0]}/{press}"
        yield f"/nl/c/{held.case_secrets[0]}/{press}/done"
    yield f"/o/{held.stop}"


# -- open pages ----------------------------------------------------------------------------------
@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("name", OPEN_NAMES)
def test_an_open_page_is_readable_and_strict(client: Client, name: str, language: str) -> None:
    a_running_campaign()
    response = client.get(path_of(name, language))
    assert response.status_code == 200
    assert set(response.headers["Content-Security-Policy"].split("; ")) == CSP
    assert response.headers["Content-Language"] == language
    assert not response.cookies
    page = response.content.decode()
    assert f'<html lang="{language}" dir="ltr">' in page
    assert "<script" not in page
    assert "style=" not in page
    assert len(response.content) < 50_000


@pytest.mark.parametrize("name", OPEN_NAMES)
def test_no_open_page_names_an_address_of_a_case(client: Client, name: str, held: Held) -> None:
    page = client.get(path_of(name, "en")).content.decode()
    for case in held.cases:
        assert str(case.ip) + "<" not in page
        assert print_reference(case.reference) not in page


def test_the_front_door_follows_the_browser_and_nothing_else_does(client: Client) -> None:
    dutch = client.get("/", headers={"accept-language": "nl-BE,nl;q=0.9,en;q=0.5"})
    assert (dutch.status_code, dutch.headers["Location"]) == (302, "/nl/")
    assert "Accept-Language" in dutch.headers["Vary"]
    assert client.get("/", headers={"accept-language": "xx"}).headers["Location"] == "/en/"
    english = client.get("/en/", headers={"accept-language": "nl"})
    assert english.headers["Content-Language"] == "en"


def test_partners_are_those_of_campaigns_under_way(client: Client) -> None:
    a_running_campaign()
    a_partner("idle")
    page = client.get("/en/partners").content.decode()
    assert "Agency Alpha" in page
    assert "Agency Idle" not in page


def test_text_from_outside_stays_text(client: Client, held: Held) -> None:
    partner = held.letter.partner
    partner.name = '<script>alert("x")</script>'
    partner.save()
    for path in ("/en/partners", f"/en/l/{held.secret}"):
        page = client.get(path).content.decode()
        assert "<script" not in page
        assert "&lt;script&gt;" in page


def test_a_guide_shows_commands_that_nobody_translates(client: Client) -> None:
    page = client.get("/nl/guides/postfix").content.decode()
    assert 'translate="no" dir="ltr" lang="en"><code>postconf' in page
    assert "postconf -e &#x27;relay_domains =" in page
    assert "hebben wij deze instructie gevolgd met Postfix" in page
    vendor = client.get("/nl/guides/exchange").content.decode()
    assert "dus niemand hier heeft deze instructie getest" in vendor
    assert 'href="https://learn.microsoft.com/' in vendor
    assert "gevolgd met" not in client.get("/nl/guides/unknown").content.decode()
    assert client.get("/nl/guides/no-such-guide").status_code == 404


def test_machines_find_what_they_ask_for(client: Client, settings: object) -> None:
    assert client.get("/robots.txt").content == b"User-agent: *\nDisallow: /desk/\n"
    settings.SECURITY_CONTACT = settings.SECURITY_EXPIRES = ""
    assert client.get("/.well-known/security.txt").status_code == 404
    settings.SECURITY_CONTACT = "mailto:security@campaign.example"
    settings.SECURITY_EXPIRES = "2027-01-01T00:00:00Z"
    told = client.get("/.well-known/security.txt")
    assert told.headers["Content-Type"].startswith("text/plain")
    assert b"Contact: mailto:security@campaign.example\n" in told.content


def test_every_route_is_on_the_public_list_and_marked() -> None:
    from openletter.site import roots

    for route in (*urlpatterns, *roots.urlpatterns):
        assert route.callback.access == "public"
    assert len(PUBLIC_ROUTES) == len(urlpatterns) + len(roots.urlpatterns)


# -- pages behind a secret -------------------------------------------------------------------------
def test_reading_changes_nothing_because_scanners_follow_links(client: Client, held: Held) -> None:
    before = everything()
    for path in pages_behind(held):
        for method in (client.get, client.head):
            response = method(path)
            assert response.status_code == (302 if path.endswith("/done") else 200), path
            assert "no-store" in response.headers["Cache-Control"]
            assert "noindex" in response.headers["X-Robots-Tag"]
            assert response.headers["Referrer-Policy"] == "no-referrer"
            assert not response.cookies
    assert everything() == before


def test_a_wrong_secret_opens_nothing_and_says_nothing(client: Client, held: Held) -> None:
    wrong = ["a" * 20, held.stop, held.case_secrets[0]]
    answers = [client.get(f"/en/l/{secret}") for secret in wrong]
    assert {answer.status_code for answer in answers} == {404}
    told = {
        answer.content.decode().replace(w, "") for answer, w in zip(answers, wrong, strict=True)
    }
    assert len(told) == 1
    assert all(answer.headers["Referrer-Policy"] == "no-referrer" for answer in answers)
    assert client.get(f"/en/c/{held.secret}").status_code == 404
    assert client.get(f"/o/{held.secret}").status_code == 404


def test_a_secret_printed_in_capitals_opens_the_same_door(client: Client, held: Held) -> None:
    assert client.get(f"/nl/l/{held.secret.upper()}").status_code == 200


def test_a_letters_page_shows_its_cases_and_masks_its_mailbox(client: Client, held: Held) -> None:
    page = client.get(f"/en/l/{held.secret}").content.decode()
    for case in held.cases:
        assert str(case.ip) in page
        assert print_reference(case.reference) in page
    assert "a•••@d•••.example" in page
    assert held.letter.mailbox not in page
    assert "This is an exercise." in page


def test_a_letter_reaches_its_own_cases_only(client: Client, held: Held) -> None:
    other = a_letter(held.letter.campaign, count=1, mailbox="noc@lage.example", net="192.0.2.{}")
    assert client.get(f"/en/l/{held.secret}/{other.cases[0].reference}").status_code == 404
    pressed = client.post(f"/en/l/{held.secret}/{other.cases[0].reference}/fixed")
    assert pressed.status_code == 404
    other.cases[0].refresh_from_db()
    assert other.cases[0].state == CaseState.OPEN


def test_a_case_shows_evidence_by_source_with_times_in_utc(client: Client, held: Held) -> None:
    page = client.get(f"/en/c/{held.case_secrets[0]}").content.decode()
    assert "Wierhaven relay list" in page
    assert "2026-03-02 12:00 UTC" in page
    assert 'datetime="2026-03-01T12:00:00Z"' in page
    assert "ESMTP Postfix" in page
    assert f"swaks -s {held.cases[0].ip} -p 25" in page


def test_a_sources_code_is_shown_only_where_its_terms_allow(client: Client, held: Held) -> None:
    path = f"/en/c/{held.case_secrets[0]}"
    assert "code 127.0.0.2" in client.get(path).content.decode()
    Source.objects.update(terms={"redistribute": False})
    page = client.get(path).content.decode()
    assert "Wierhaven relay list" in page
    assert "127.0.0.2" not in page


def test_an_exit_is_not_called_open(client: Client, held: Held) -> None:
    Observation.objects.filter(id__in=held.cases[0].finding.rows).update(role="exit")
    page = client.get(f"/en/c/{held.case_secrets[0]}").content.decode()
    assert "the traffic leaves from this address" in page
    assert "may have another address" in page
    assert "passes on mail from anybody" not in page
    Observation.objects.update(role="unknown")
    page = client.get(f"/en/c/{held.case_secrets[0]}").content.decode()
    assert "does not say whether the server listens here" in page


def test_a_closed_case_asks_for_nothing_more(client: Client, held: Held) -> None:
    Case.objects.filter(id=held.cases[0].id).update(state=CaseState.CLOSED)
    page = client.get(f"/en/c/{held.case_secrets[0]}").content.decode()
    assert "This case is closed." in page
    assert "/fixed" not in page


def test_a_letter_of_a_real_campaign_bears_no_notice(client: Client) -> None:
    a_running_campaign()
    held = a_letter(a_running_campaign(exercise=False), mailbox="abuse@hoster.nl", net="9.9.9.{}")
    assert "This is an exercise." not in client.get(f"/en/l/{held.secret}").content.decode()
    assert "This is an exercise." not in client.get("/en/").content.decode()


# -- whoever gets one row ----------------------------------------------------------------------------
@pytest.fixture
def large() -> Held:
    return a_letter(a_running_campaign(), count=WHOLE_CAMPAIGN)


def test_one_rows_receiver_learns_nothing_about_the_other_811(client: Client, large: Held) -> None:
    mine, *others = large.cases
    secret = large.case_secrets[0]
    for ending in ("", "/pass-on", "/fixed", "/not-mine", "/question"):
        page = client.get(f"/en/c/{secret}{ending}").content.decode()
        assert str(mine.ip) in page
        seen = [case for case in others if f"{case.ip}<" in page or f"{case.ip}\n" in page]
        assert seen == []
        assert not [c for c in others if print_reference(c.reference) in page]
        assert not [held for held in large.case_secrets[1:] if held in page]
        for hidden in (large.secret, large.stop, large.letter.mailbox, "duinwijk", "•••", "812"):
            assert hidden not in page
        assert print_reference(large.letter.reference) not in page


def test_one_rows_receiver_changes_nothing_about_the_other_811(client: Client, large: Held) -> None:
    mine, other, secret = large.cases[0], large.cases[1], large.case_secrets[0]
    for press in ("stop", "go-on"):
        assert client.post(f"/en/c/{secret}/{press}").status_code == 404
    for path in (
        f"/en/l/{secret}", f"/en/l/{secret}/all/fixed", f"/en/l/{secret}/{other.reference}/fixed",
        f"/en/c/{secret}/{other.reference}/fixed",
    ):  # fmt: skip
        assert client.post(path, {"text": "x"}).status_code in {404, 405}
    for press in ("fixed", "not-mine"):
        assert client.post(f"/en/c/{secret}/{press}").status_code == 303
    assert client.post(f"/en/c/{secret}/question", {"text": "Who are you?"}).status_code == 303
    mine.refresh_from_db()
    assert mine.state == CaseState.ANNOUNCED_FIXED
    assert Case.objects.filter(state=CaseState.OPEN).count() == WHOLE_CAMPAIGN - 1
    assert not Suppression.objects.exists()
    assert set(Reply.objects.values_list("letter_id", "case_id")) == {(None, mine.id)}
    assert Choice.objects.get(case=mine, superseded_at=None).mailbox == large.letter.mailbox


def test_a_letters_reader_does_not_see_what_a_rows_receiver_said(
    client: Client, held: Held
) -> None:
    client.post(f"/en/c/{held.case_secrets[0]}/question", {"text": "Mine alone"})
    assert "What you told us" in client.get(f"/en/c/{held.case_secrets[0]}").content.decode()
    assert "What you told us" not in client.get(f"/en/l/{held.secret}").content.decode()


def test_a_long_letter_is_read_in_pages_with_few_queries(
    client: Client, large: Held, django_assert_max_num_queries: object
) -> None:
    with django_assert_max_num_queries(8):
        first = client.get(f"/en/l/{large.secret}")
    assert "Addresses 1 to 50 of 812" in first.content.decode()
    assert len(first.content) < 50_000
    last = client.get(f"/en/l/{large.secret}?page=17").content.decode()
    assert f"{large.cases[-1].ip}" in last
    assert client.get(f"/en/l/{large.secret}?page=nonsense").status_code == 200


# -- answers -----------------------------------------------------------------------------------------
def press(client: Client, path: str, **typed: str) -> str:
    """Press the button; give where the reader is sent to, after reading that page."""
    response = client.post(path, typed)
    assert response.status_code == 303, path
    assert client.get(response.headers["Location"]).status_code == 200
    return str(response.headers["Location"])


def test_fixed_is_said_once_and_can_be_taken_back(client: Client, held: Held) -> None:
    path = f"/en/l/{held.secret}/{held.cases[0].reference}/fixed"
    assert press(client, path) == press(client, path) == f"{path}/done"
    held.cases[0].refresh_from_db()
    assert held.cases[0].state == CaseState.ANNOUNCED_FIXED
    assert Reply.objects.filter(kind=ReplyKind.FIXED, undone_at=None).count() == 1
    page = client.get(f"/en/l/{held.secret}/{held.cases[0].reference}").content.decode()
    assert "reported fixed" in page
    press(client, path.replace("/fixed", "/not-fixed"))
    held.cases[0].refresh_from_db()
    assert held.cases[0].state == CaseState.OPEN
    assert Case.objects.filter(state=CaseState.OPEN).count() == 3


def test_nothing_is_called_done_before_it_is_said(client: Client, held: Held) -> None:
    for ending in ("fixed", "not-fixed", "question", "stop", "pass-on"):
        unsaid = client.get(f"/en/l/{held.secret}/all/{ending}/done")
        assert (unsaid.status_code, unsaid.headers["Location"]) == (302, f"/en/l/{held.secret}")
    taken = client.post(f"/en/l/{held.secret}/all/not-fixed", follow=True)
    assert taken.redirect_chain[-1][0] == f"/en/l/{held.secret}"


def test_fixed_for_the_whole_letter_means_all_its_cases(client: Client, held: Held) -> None:
    press(client, f"/en/l/{held.secret}/all/fixed")
    assert Case.objects.filter(state=CaseState.ANNOUNCED_FIXED).count() == 3
    press(client, f"/en/l/{held.secret}/all/not-fixed")
    assert Case.objects.filter(state=CaseState.OPEN).count() == 3


def test_no_more_letters_holds_for_this_mailbox_and_campaign(client: Client, held: Held) -> None:
    press(client, f"/en/l/{held.secret}/all/stop")
    press(client, f"/en/l/{held.secret}/all/stop")
    row = Suppression.objects.get(undone_at=None)
    assert (row.mailbox, row.campaign_id) == (held.letter.mailbox, held.letter.campaign_id)
    page = client.get(f"/en/l/{held.secret}").content.decode()
    assert "You asked for no more letters" in page
    press(client, f"/en/l/{held.secret}/all/go-on")
    assert not Suppression.objects.filter(undone_at=None).exists()


def test_not_mine_is_noted_and_can_be_taken_back(client: Client, held: Held) -> None:
    path = f"/en/l/{held.secret}/{held.cases[0].reference}"
    press(client, f"{path}/not-mine")
    assert Reply.objects.filter(kind=ReplyKind.NOT_OURS, undone_at=None).count() == 1
    press(client, f"{path}/mine")
    assert Reply.objects.filter(kind=ReplyKind.NOT_OURS, undone_at=None).count() == 0


def test_a_question_goes_to_a_person(client: Client, held: Held) -> None:
    path = f"/en/l/{held.secret}/all/question"
    empty = client.post(path, {"text": "  "})
    assert empty.status_code == 200
    assert 'aria-invalid="true"' in empty.content.decode()
    press(client, path, text="Which of my <b>machines</b> is it?")
    reply = Reply.objects.get()
    assert (reply.kind, reply.needs_person) == (ReplyKind.QUESTION, True)
    assert reply.text == "Which of my <b>machines</b> is it?"
    assert reply.partner_id == held.letter.partner_id


def test_no_page_sends_mail_to_a_typed_address(client: Client, held: Held) -> None:
    deliveries = Delivery.objects.count()
    path = f"/en/l/{held.secret}/{held.cases[0].reference}/pass-on"
    refused = client.post(path, {"text": "not an address\r\nBcc: all@campaign.example"})
    assert "not a whole mail address" in refused.content.decode()
    assert not Reply.objects.exists()
    press(client, path, text="it@klant.example")
    reply = Reply.objects.get()
    assert (reply.kind, reply.needs_person) == (ReplyKind.FORWARDED, True)
    assert "it@klant.example" in reply.text
    assert Delivery.objects.count() == deliveries


def test_the_text_to_pass_on_carries_its_own_row_only(client: Client, held: Held) -> None:
    page = client.get(f"/en/l/{held.secret}/{held.cases[1].reference}/pass-on").content.decode()
    text = page[page.index("<pre") : page.index("</pre>")]
    assert f"/en/c/{held.case_secrets[1]}" in text
    assert print_reference(held.cases[1].reference) in text
    for hidden in (held.secret, held.case_secrets[0], str(held.cases[0].ip) + "\n", "duinwijk"):
        assert hidden not in text
    assert 'href="mailto:?subject=' in page
    every = client.get(f"/en/l/{held.secret}/all/pass-on").content.decode()
    assert all(secret in every for secret in held.case_secrets)


def test_what_is_closed_is_not_passed_on(client: Client, held: Held) -> None:
    path = f"/en/l/{held.secret}"
    Case.objects.filter(id=held.cases[0].id).update(state=CaseState.CLOSED)
    text = client.get(f"{path}/all/pass-on").content.decode()
    assert "servers at these addresses" in text
    assert held.case_secrets[0] not in text
    assert held.case_secrets[1] in text
    Case.objects.update(state=CaseState.CLOSED)
    page = client.get(path).content.decode()
    assert "/all/fixed" not in page
    assert "/all/question" in page
    assert client.get(f"{path}/all/pass-on").headers["Location"] == path


def test_the_passed_on_text_is_the_same_for_its_receiver(client: Client, held: Held) -> None:
    page = client.get(f"/en/c/{held.case_secrets[1]}/pass-on").content.decode()
    assert f"/en/c/{held.case_secrets[1]}" in page


@pytest.mark.parametrize("origin", ["null", "https://elsewhere.example"])
def test_a_button_works_without_cookie_and_with_origin_null(held: Held, origin: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    response = strict.post(f"/en/l/{held.secret}/all/fixed", headers={"origin": origin})
    assert response.status_code == 303


# -- one click ---------------------------------------------------------------------------------------
def test_one_click_stops_letters_on_post_alone(held: Held) -> None:
    strict = Client(enforce_csrf_checks=True)
    page = strict.get(f"/o/{held.stop}")
    assert page.headers["Content-Language"] == "nl"
    assert "Ja, geen brieven meer" in page.content.decode()
    assert not Suppression.objects.exists()
    for _ in range(2):
        done = strict.post(f"/o/{held.stop}", {"List-Unsubscribe": "One-Click"})
        assert done.status_code == 200
    assert Suppression.objects.filter(undone_at=None).count() == 1
    assert Reply.objects.filter(channel=Reply.Channel.ONE_CLICK).count() == 1


def test_one_click_of_nobody_is_refused_without_a_word(client: Client) -> None:
    assert client.post(f"/o/{'b' * 20}").status_code == 404


# -- what goes wrong ---------------------------------------------------------------------------------
@pytest.mark.parametrize("language", ["nl", "en"])
def test_errors_are_told_in_the_readers_language(client: Client, language: str) -> None:
    response = client.get(f"/{language}/no/such/page")
    assert response.status_code == 404
    assert f'lang="{language}"' in response.content.decode()
    assert response.headers["Content-Security-Policy"]


def test_a_broken_page_needs_no_database(rf: RequestFactory) -> None:
    with override("nl"):
        page = errors.broken(rf.get("/nl/"))
        assert page.status_code == 500
        assert "Er ging bij ons iets stuk" in page.content.decode()
        assert errors.forbidden(rf.get("/nl/")).status_code == 403
        assert errors.csrf(rf.get("/nl/"), reason="x").status_code == 403
        assert errors.bad_request(rf.get("/nl/"), ValueError()).status_code == 400


def test_a_draft_is_no_letter_yet(client: Client, held: Held) -> None:
    held.letter.delivery = None
    held.letter.save()
    assert client.get(f"/en/l/{held.secret}").status_code == 404


def test_a_letter_that_never_left_is_not_called_genuine() -> None:
    from openletter.site.genuine import LEFT

    assert DeliveryState.CLEARED not in LEFT
    assert DeliveryState.CANCELLED not in LEFT


def test_partners_get_guides_as_data_that_they_may_keep_for_an_hour(client: Client) -> None:
    listed = client.get("/nl/guides.json")
    assert {row["id"] for row in listed.json()} == set(library.ids())
    told = client.get("/nl/guides/squid.json")
    assert told.headers["Cache-Control"] == "public, max-age=3600"
    assert told.headers["Access-Control-Allow-Origin"] == "*"
    guide = told.json()
    assert (guide["language"], guide["letter"]["language"]) == ("nl", "nl")
    english = library.guide("squid").commands
    sent = [p for s in (*guide["sections"], guide["letter"]) for p in s["pieces"]]
    commands = {p["id"]: p["text"] for p in sent if p["type"] == "command"}
    assert commands
    assert all(english[name].text == text for name, text in commands.items())
    assert not any(section["key"] == "lab" for section in guide["sections"])
    again = client.get("/nl/guides/squid.json", headers={"if-none-match": told.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/en/guides/no-such-guide.json").status_code == 404
    assert client.post("/en/guides/squid.json").status_code == 405
