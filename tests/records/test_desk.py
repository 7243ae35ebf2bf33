"""What the desk shows is what the database holds, and costs the same however much there is."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from django.conf import Settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from openletter.campaigns import clock, steps
from openletter.campaigns.models import Campaign, Installation, Partner, TimelineEntry
from openletter.campaigns.rules import CampaignState, MemberRole
from openletter.cases.models import Case
from openletter.contacts.models import Suppression
from openletter.contacts.wish_rows import ContactWish
from openletter.desk.exports import COLUMNS
from openletter.desk.queries import cases as case_list
from openletter.desk.queries.campaigns import DIMENSIONS, funnel
from openletter.letters.models import Delivery
from openletter.replies.models import Answer, Reply
from openletter.words import Wish, print_reference
from tests.builders import NOW, a_campaign, a_partner, a_user
from tests.desk_builders import Desk, a_desk, a_member, rows_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    """Hashing a password slowly is Django's to prove, not ours."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def desk() -> Desk:
    return a_desk()


@pytest.fixture
def browse(desk: Desk) -> Callable[[MemberRole], Client]:
    """Sign a member of alpha in."""

    def signed_in(role: MemberRole = MemberRole.HANDLER) -> Client:
        browser = Client()
        browser.force_login(a_member(role, desk.alpha.partner))
        return browser

    return signed_in


def _page(browser: Client, name: str, **parts: object) -> str:
    answer = browser.get(reverse(f"desk:{name}", kwargs=parts or None), follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_plan_says_how_many_letters_follow_a_wish(
    desk: Desk, browse: Callable[[MemberRole], Client]
) -> None:
    assert "wish" not in _page(browse(MemberRole.READER), "plan", slug=desk.campaign.slug)
    ContactWish.objects.create(
        exercise=desk.campaign, mailbox=desk.alpha.draft.mailbox, wish=Wish.NO_ATTACHMENT,
        said_by="mail of 3 May", by="user:ann", at=NOW,
    )  # fmt: skip
    text = _page(browse(MemberRole.HANDLER), "plan", slug=desk.campaign.slug)
    assert "<dt>without attachment</dt><dd>1</dd>" in text


# -- signing in -----------------------------------------------------------------------------------


def test_signing_in_and_out(desk: Desk) -> None:
    a_member(MemberRole.READER, desk.alpha.partner)
    browser = Client()
    form = {"username": "reader-alpha", "password": "pass word"}
    assert browser.post("/desk/sign-in/", form)["Location"] == "/desk/"
    cookie = browser.cookies["desk"]
    assert cookie["samesite"] == "Strict"
    assert cookie["httponly"]
    assert browser.get("/desk/sign-out/").status_code == 405
    assert browser.post("/desk/sign-out/").status_code == 302
    assert browser.get("/desk/").status_code == 302


def test_guessing_ends_at_a_closed_door_and_says_nothing_about_the_name(desk: Desk) -> None:
    a_member(MemberRole.READER, desk.alpha.partner)
    for name in ("reader-alpha", "nobody-of-that-name"):
        browser = Client()
        for _ in range(8):
            answer = browser.post("/desk/sign-in/", {"username": name, "password": "wrong"})
        assert answer.status_code == 429
        assert answer["Retry-After"] == "900"


def test_an_open_redirect_is_not_followed(desk: Desk) -> None:
    a_member(MemberRole.READER, desk.alpha.partner)
    form = {"username": "reader-alpha", "password": "pass word", "next": "https://evil.example/"}
    assert Client().post("/desk/sign-in/", form)["Location"] == "/desk/"


def test_pages_are_kept_by_nobody(browse: Callable[..., Client]) -> None:
    headers = browse().get("/desk/").headers
    assert "no-store" in headers["Cache-Control"]
    assert "script" not in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_the_desk_speaks_the_language_that_was_chosen(browse: Callable[..., Client]) -> None:
    browser = browse()
    assert 'lang="en"' in _page(browser, "front")
    browser.post("/desk/language/", {"language": "nl", "next": "/desk/"})
    page = _page(browser, "front")
    assert 'lang="nl"' in page
    assert "reacties wachten op een mens" in page


# -- lists cost the same however long -------------------------------------------------------------

LISTS = ("front", "campaigns", "cases", "inbox", "deliveries", "stops")


def _queries(browser: Client, address: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert browser.get(address).status_code == 200
    return len(seen)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_asks_a_fixed_number_of_questions(
    desk: Desk, browse: Callable[..., Client], name: str
) -> None:
    browser = browse()
    address = reverse(f"desk:{name}")
    before = _queries(browser, address)
    for number in range(3):
        rows_of(
            desk.alpha.partner, desk.campaign, mark=f"more{number}", net=f"2001:db8:{number}::{{}}"
        )
    assert _queries(browser, address) <= before
    assert before <= 16


def test_pages_of_one_row_ask_a_fixed_number_of_questions(
    desk: Desk, browse: Callable[..., Client]
) -> None:
    browser = browse()
    pages = {
        "case": reverse("desk:case", kwargs={"reference": desk.alpha.case.reference}),
        "reply": reverse("desk:reply", kwargs={"pk": desk.alpha.reply.pk}),
        "letter": reverse("desk:letter", kwargs={"reference": desk.alpha.letter.reference}),
        "plan": reverse("desk:plan", kwargs={"slug": desk.campaign.slug}),
        "campaign": reverse("desk:campaign", kwargs={"slug": desk.campaign.slug}),
    }
    for name, address in pages.items():
        assert _queries(browser, address) <= 30, name


# -- the line at a glance -------------------------------------------------------------------------


def test_the_front_page_says_what_is_beyond_recall(
    desk: Desk, browse: Callable[..., Client]
) -> None:
    Delivery.objects.filter(pk=desk.alpha.letter.delivery_id).update(state="accepted")
    page = _page(browse(), "front")
    assert "<strong>1</strong> <span>letters are beyond recall" in page
    assert "<strong>1</strong> <span>deliveries are unknown" in page


def test_only_an_administrator_lets_a_paused_installation_send_again(
    desk: Desk, browse: Callable[..., Client]
) -> None:
    steps.pause_leaving(because="mark-differs", now=NOW)
    assert "Nothing leaves this installation" in _page(browse(), "front")
    assert "installation/go-on" not in _page(browse(MemberRole.APPROVER), "front")
    browser = browse(MemberRole.ADMINISTRATOR)
    assert "installation/go-on" in _page(browser, "front")
    browser.post("/desk/installation/go-on/")
    assert Installation.objects.get().leaving_paused_at is None


# -- cases ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("192.0.2.7", True), ("192.0.2.0/24", True), ("192.0.2.9", False), ("2001:db8::/32", False),
        ("abuse@alphaonly.example", True), ("ABUSE@Alphaonly.EXAMPLE", True),
        ("'; drop table case", False), ("%", False), ("::1%eth0", False),
    ],
)  # fmt: skip
def test_a_case_is_found_by_address_network_and_mailbox(
    desk: Desk, typed: str, found: bool
) -> None:
    viewer = steps.viewer_of(a_member(MemberRole.READER, desk.alpha.partner))
    rows = case_list.asked(viewer, case_list.Filter(search=typed))
    assert (desk.alpha.case in rows) is found


def test_a_case_is_found_by_its_own_reference_and_by_its_letters(desk: Desk) -> None:
    viewer = steps.viewer_of(a_member(MemberRole.READER, desk.alpha.partner))
    for reference in (desk.alpha.case.reference, desk.alpha.letter.reference):
        rows = case_list.asked(viewer, case_list.Filter(search=print_reference(reference).lower()))
        assert list(rows) == [desk.alpha.case]


def test_the_case_page_shows_evidence_reasons_and_refusals(
    desk: Desk, browse: Callable[..., Client]
) -> None:
    page = _page(browse(), "case", reference=desk.alpha.case.reference)
    for words in (
        "Wierhaven", "220 mail.alphaonly.example", "closest netblock of alphaonly",
        "info@alphaonly.example", "refused", "seen again, alphaonly", "noted for alphaonly",
        "queued alphaonly",
    ):  # fmt: skip
        assert words in page, words


def test_what_comes_from_outside_is_text(desk: Desk, browse: Callable[..., Client]) -> None:
    case = _page(browse(), "case", reference=desk.alpha.case.reference)
    assert "<script>" not in case
    reply = _page(browse(), "reply", pk=desk.alpha.reply.pk)
    assert "<img" not in reply
    assert "\u202e" not in reply
    assert "\\u202e" in reply
    letter = _page(browse(), "letter", reference=desk.alpha.letter.reference)
    assert "&lt;b&gt;server&lt;/b&gt;" in letter


def test_an_override_is_refused_with_a_sentence(desk: Desk, browse: Callable[..., Client]) -> None:
    browser = browse()
    address = reverse("desk:override", kwargs={"reference": desk.alpha.case.reference})
    page = browser.post(
        address, {"address": "abuse@alphaonly.example", "because": "x"}, follow=True
    ).content.decode()
    assert 'class="notice wrong"' in page  # the mailbox wants no letters
    assert "override-suppressed" not in page


# -- campaigns ------------------------------------------------------------------------------------


def _real() -> tuple[Campaign, Partner]:
    partner = a_partner("gamma", exercise=False)
    Partner.objects.filter(pk=partner.pk).update(
        legal_approved_at=NOW, legal_text={"en": "law"}, legal_approved_by="counsel"
    )
    campaign = a_campaign("real", lead=partner, exercise=False)
    steps.plan(campaign, actor="user:x", now=clock.wall())
    return campaign, partner


def test_a_real_campaign_starts_with_two_different_persons() -> None:
    campaign, partner = _real()
    one, two = Client(), Client()
    one.force_login(a_user("one", partner=partner, role=MemberRole.APPROVER))
    two.force_login(a_user("two", partner=partner, role=MemberRole.APPROVER))
    approve, start = (
        reverse(f"desk:{name}", kwargs={"slug": "real"}) for name in ("approve", "start")
    )
    one.post(approve)
    one.post(approve)
    page = one.post(start, follow=True).content.decode()
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.PLANNED
    assert 'class="notice wrong"' in page
    two.post(approve)
    two.post(start)
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.RUNNING
    assert TimelineEntry.objects.filter(campaign=campaign, action="started").count() == 1


def test_a_pause_needs_a_reason_and_ends_by_an_approver(
    desk: Desk, browse: Callable[..., Client]
) -> None:
    address = reverse("desk:pause", kwargs={"slug": desk.campaign.slug})
    browse().post(address, {"because": "  "})
    desk.campaign.refresh_from_db()
    assert desk.campaign.paused_at is None
    browse().post(address, {"because": "a bounce storm"})
    assert "a bounce storm" in _page(browse(), "front")
    browse(MemberRole.APPROVER).post(reverse("desk:resume", kwargs={"slug": desk.campaign.slug}))
    desk.campaign.refresh_from_db()
    assert desk.campaign.paused_at is None


def test_the_funnel_counts_what_is_there(desk: Desk) -> None:
    viewer = steps.viewer_of(a_member(MemberRole.READER, desk.alpha.partner))
    for by in DIMENSIONS:
        (row,) = funnel(viewer, desk.campaign, by=by)
        counted = (row.cases, row.chosen, row.written, row.left, row.arrived, row.answered)
        assert counted == (2, 2, 2, 1, 1, 1), by


# -- replies --------------------------------------------------------------------------------------


def test_a_question_is_answered_from_the_desk(desk: Desk, browse: Callable[..., Client]) -> None:
    browser = browse()
    where = {"pk": desk.alpha.reply.pk}
    opening = browser.get(reverse("desk:reply", kwargs=where), {"opening": "which-program"})
    assert (
        "Schrijf ons de naam en de versie van het programma" in opening.content.decode()
    )  # they wrote in Dutch
    browser.post(reverse("desk:answer", kwargs=where), {"text": "Die op rij 1."})
    answer = Answer.objects.get(reply=desk.alpha.reply, text="Die op rij 1.")
    assert answer.delivery.state == "cleared"
    assert answer.by == "handler-alpha"
    desk.alpha.reply.refresh_from_db()
    assert desk.alpha.reply.handled_by == "handler-alpha"


def test_an_empty_answer_stays_in_the_form(desk: Desk, browse: Callable[..., Client]) -> None:
    answer = browse().post(
        reverse("desk:answer", kwargs={"pk": desk.alpha.reply.pk}), {"text": " "}
    )
    assert answer.status_code == 422
    assert Answer.objects.filter(reply=desk.alpha.reply).count() == 1


def test_correcting_a_reply_does_what_the_new_kind_does_and_undo_takes_it_back(
    desk: Desk, browse: Callable[..., Client]
) -> None:
    browser, where = browse(), {"pk": desk.alpha.reply.pk}
    browser.post(reverse("desk:correct", kwargs=where), {"kind": "fixed"})
    assert Case.objects.get(pk=desk.alpha.case.pk).state == "announced-fixed"
    browser.post(reverse("desk:undo", kwargs=where))
    assert Case.objects.get(pk=desk.alpha.case.pk).state == "open"
    assert Reply.objects.get(pk=desk.alpha.reply.pk).undone_at is not None


# -- stops ----------------------------------------------------------------------------------------


def test_a_suppression_is_lifted_and_made_again(desk: Desk, browse: Callable[..., Client]) -> None:
    browser, row = browse(), desk.alpha.suppression
    browser.post(reverse("desk:lift-suppression", kwargs={"pk": row.pk}))
    row.refresh_from_db()
    assert row.undone_by == "user:handler-alpha"
    form = {"mailbox": row.mailbox.upper(), "campaign": desk.campaign.slug, "how": "telephone"}
    browser.post(reverse("desk:suppress"), form)
    assert Suppression.objects.filter(mailbox=row.mailbox, undone_at=None).count() == 1


def test_nobody_stops_letters_of_another_partner(desk: Desk, browse: Callable[..., Client]) -> None:
    Suppression.objects.all().delete()
    form = {"mailbox": "abuse@betaonly.example", "campaign": desk.campaign.slug, "how": "telephone"}
    browse().post(reverse("desk:suppress"), form)
    assert not Suppression.objects.exists()


# -- export ---------------------------------------------------------------------------------------


def test_the_export_is_a_table_without_formulas(desk: Desk, browse: Callable[..., Client]) -> None:
    choice = desk.alpha.letter.rows.get().choice
    choice.holder.name = '=HYPERLINK("http://evil.example")\u202e'
    choice.holder.save()
    answer = browse().get(reverse("desk:export", kwargs={"slug": desk.campaign.slug}))
    table = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
    assert tuple(table[0]) == COLUMNS
    row = next(one for one in table if one["address"] == "192.0.2.7")
    assert row["holder"].startswith("'=")
    assert "\u202e" not in row["holder"]
    assert row["reference"] == print_reference(desk.alpha.case.reference)
    assert row["delivery_state"] == "delivered"
    assert {one["partner"] for one in table} == {desk.alpha.partner.name}


# -- a person's own page --------------------------------------------------------------------------


def test_a_person_changes_the_password_and_stays_signed_in(browse: Callable[..., Client]) -> None:
    browser = browse()
    form = {
        "old_password": "pass word", "new_password1": "a long enough one, 7", "new_password2":
        "a long enough one, 7",
    }  # fmt: skip
    assert browser.post(reverse("desk:change-password"), form)["Location"] == "/desk/me/"
    page = _page(browser, "me")
    assert "password-changed" in page
