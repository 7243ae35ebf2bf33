"""Contacts out of rows: loading registries, finding, and what proves a choice wrong."""

from __future__ import annotations

import json
from datetime import timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from openletter.campaigns.models import (
    Campaign,
    CampaignPartner,
    Constituency,
    Partner,
    TimelineEntry,
)
from openletter.campaigns.steps import verify_chain
from openletter.cases.models import Case
from openletter.contacts import loading, steps
from openletter.contacts.errors import ContactError
from openletter.contacts.ladder import ladders
from openletter.contacts.models import (
    Choice,
    ContactSet,
    Holder,
    MailboxHealth,
    Netblock,
    RegistryLoad,
    RegistryPage,
)
from openletter.words import Scope
from tests.builders import NOW, a_campaign, a_partner, a_user
from tests.contacts_builders import DUMP, a_case, a_dump, an_rdap_answer

pytestmark = pytest.mark.django_db

ABUSE, OWNER = "abuse@laagland.example", "abuse@dekorst.example"


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    found = a_campaign()
    steps.load_registries([a_dump(tmp_path), an_rdap_answer(tmp_path)], exercise=found, now=NOW)
    return found


def found_for(case: Case) -> Choice:
    choice = steps.current_choice(case)
    assert choice is not None
    return choice


def find(campaign: Campaign) -> int:
    return steps.find(campaign, now=NOW, limit=100)


def codes(choice: Choice) -> list[str]:
    return [reason["code"] for reason in choice.reasons]


# -- registries ---------------------------------------------------------------------------------


def test_the_same_bytes_again_change_nothing(campaign: Campaign, tmp_path: Path) -> None:
    before = set(Netblock.objects.values_list("pk", flat=True))
    again = steps.load_registries(
        [a_dump(tmp_path), an_rdap_answer(tmp_path)], exercise=campaign, now=NOW
    )
    assert set(Netblock.objects.values_list("pk", flat=True)) == before
    assert len(again) == 2 == RegistryLoad.objects.count()
    assert {load.format for load in again} == {"rpsl", "rdap"}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b'{"objectClassName": "entity"}', b"\x1f\x8b\x08\x00broken", b"no colon here\n"],
)
def test_a_broken_file_changes_nothing(campaign: Campaign, tmp_path: Path, content: bytes) -> None:
    before = list(RegistryPage.objects.values_list("first", "ladders"))
    broken = tmp_path / "broken.db.gz"
    broken.write_bytes(content)
    with pytest.raises(ContactError) as refused:
        steps.load_registries([a_dump(tmp_path), broken], exercise=campaign, now=NOW)
    assert refused.value.reason.code == "registry-unreadable"
    assert list(RegistryPage.objects.values_list("first", "ladders")) == before


def test_hostile_bytes_are_loaded_as_harmless_text(campaign: Campaign, tmp_path: Path) -> None:
    dump = tmp_path / "hostile.db.txt"
    dump.write_bytes(
        b"inetnum: 203.0.113.0 - 203.0.113.255\nnetname: N\x00ET\x1b[31m\ndescr: \xe2\x80\xaeevil\x00\n"
        b"status: A\x00\ncountry: N\x00L\nsource: R\x00\norg: O\x001\nabuse-c: R\x001\n"
        b"remarks: abuse \x00\x1b to abuse@evil.example\nnotify: x\x00@y.example\n\n"
        b"role: R\x00\xff\nnic-hdl: R\x001\nabuse-mailbox: a@b.example\x00\r\nBcc: c@d.example\n"
    )
    answer = tmp_path / "hostile.json"
    answer.write_text(
        '{"startAddress": "203.0.113.0", "endAddress": "203.0.113.255", "name": "\\u0000\\ud800",'
        '"handle": "\\u0000", "entities": [{"handle": "\\u0000", "roles": ["abuse\\u0000", "\\ud800"],'
        '"vcardArray": ["vcard", [["fn", {}, "text", "\\u0000"], ["email", {}, "text", "a@b.example"],'
        '["email", {}, "text", "e\\u0000@b.example"], ["email", {}, "text", "\\ud800@b.example"]]],'
        '"remarks": [{"description": ["abuse \\u0000\\ud800 x@y.example"]}]}]}'
    )
    steps.load_registries([dump, answer], exercise=campaign, now=NOW)
    case = a_case(campaign, "203.0.113.9")
    find(campaign)
    assert found_for(case).mailbox == "a@b.example"
    kept = json.dumps([found_for(case).candidates, found_for(case).netblock])
    assert "\\u00" not in kept
    assert "\\ud800" not in kept.replace("\\\\ud800", "")


def test_a_newer_file_of_the_same_name_takes_the_place_of_the_older(
    campaign: Campaign, tmp_path: Path
) -> None:
    changed = DUMP.replace("abuse@dekorst.example", "security@dekorst.example")
    steps.load_registry(a_dump(tmp_path, text=changed), exercise=campaign, now=NOW)
    loads = RegistryLoad.objects.filter(name="laagland.db.txt", state=RegistryLoad.State.CURRENT)
    assert loads.count() == 1
    case = a_case(campaign, "198.51.100.70")
    find(campaign)
    assert found_for(case).mailbox == "security@dekorst.example"


def test_every_exercise_and_the_real_world_have_their_own_registries(
    campaign: Campaign, tmp_path: Path
) -> None:
    other = a_campaign("other")
    case = a_case(other, "198.51.100.70")
    find(other)
    choice = found_for(case)
    assert (choice.outcome, codes(choice)[0]) == (Choice.Outcome.NOBODY, "no-netblock")
    steps.load_registry(a_dump(tmp_path), exercise=None, now=NOW)
    real = ContactSet.objects.filter(load__exercise=None).values_list("candidates", flat=True)
    assert {each["refused"] for kept in real for each in json.loads(kept)} == {"placeholder"}


def test_a_load_that_brings_a_contact_makes_nobody_be_asked_about_again(
    campaign: Campaign, tmp_path: Path
) -> None:
    other = a_campaign("other")
    case = a_case(other, "198.51.100.70")
    find(other)
    assert find(other) == 0
    steps.load_registry(a_dump(tmp_path), exercise=other, now=NOW)
    assert find(other) == 1
    assert found_for(case).mailbox == OWNER


def test_delegated_statistics_give_the_country_where_nothing_else_does(tmp_path: Path) -> None:
    campaign = a_campaign()
    bare = DUMP.replace("country:        NL\n", "")
    delegated = tmp_path / "delegated-test-extended"
    delegated.write_text(
        "2|ripencc|20260301|1|19830101|20260301|+0000\n"
        "ripencc|NL|ipv4|198.51.100.0|256|20100101|allocated|opaque-1\n"
    )
    steps.load_registries([a_dump(tmp_path, text=bare), delegated], exercise=campaign, now=NOW)
    case = a_case(campaign, "198.51.100.70")
    find(campaign)
    choice = found_for(case)
    assert choice.languages == ["nl", "en"]
    assert choice.language_reason["code"] == "language-delegated"


def test_taking_a_load_back_leaves_made_choices(campaign: Campaign) -> None:
    case = a_case(campaign, "198.51.100.70")
    find(campaign)
    load = RegistryLoad.objects.get(format="rpsl")
    loading.take_back(load, now=NOW)
    assert found_for(case).mailbox == OWNER
    assert not Netblock.objects.filter(registry="test").exists()


def test_version_6_and_mapped_addresses_are_looked_up_in_their_own_family(
    tmp_path: Path,
) -> None:
    campaign = a_campaign()
    six = DUMP + "\ninet6num: 2001:db8:40::/44\nnetname: SIX\nabuse-c: ABU2-TEST\n"
    steps.load_registry(a_dump(tmp_path, text=six), exercise=campaign, now=NOW)
    asked = [ip_address(each) for each in
             ("2001:db8:40::1", "2001:db8:50::1", "::ffff:198.51.100.70", "198.51.100.70")]  # fmt: skip
    found = ladders(asked, world=campaign)
    assert [[rung.name for rung in found[each]] for each in asked] == [
        ["SIX"], [], [], ["BAKKERIJ", "LAAGLAND-NET"],
    ]  # fmt: skip


# -- find ---------------------------------------------------------------------------------------


def test_the_most_specific_netblock_speaks_first(campaign: Campaign) -> None:
    owner, provider = a_case(campaign, "198.51.100.70"), a_case(campaign, "198.51.100.3")
    assert find(campaign) == 2
    assert find(campaign) == 0
    choice = found_for(owner)
    assert (choice.mailbox, choice.reader) == (OWNER, "owner")
    assert choice.languages == ["nl", "en"]
    assert choice.language_reason["code"] == "language-organisation"
    assert choice.netblock["holder"] == "Bakkerij De Korst"
    assert codes(choice) == ["contact-abuse-box", "reader-owner", "partner-of-country"]
    assert (found_for(provider).mailbox, found_for(provider).reader) == (ABUSE, "provider")


def test_a_block_without_contact_goes_up_to_its_parent(campaign: Campaign) -> None:
    case = a_case(campaign, "198.51.100.130")
    find(campaign)
    choice = found_for(case)
    assert (choice.mailbox, choice.reader) == (ABUSE, "provider")
    assert "from-parent" in codes(choice)
    assert choice.holder is not None
    assert choice.holder.name == "Laagland Internet B.V."


def test_rdap_answers_are_found_by_their_range(campaign: Campaign) -> None:
    case = a_case(campaign, "203.0.113.9")
    find(campaign)
    choice = found_for(case)
    assert choice.mailbox == "abuse@prairie.example"
    assert choice.languages == ["en"]
    assert choice.candidates[0]["object"] == "ABUSE1-ARIN"


def test_somebodys_own_address_needs_a_persons_decision(campaign: Campaign) -> None:
    case = a_case(campaign, "192.0.2.7")
    find(campaign)
    choice = found_for(case)
    assert (choice.outcome, choice.mailbox) == (Choice.Outcome.NEEDS_PERSON, "")
    assert [each["refused"] for each in choice.candidates] == ["person"]
    handler = a_user("hanna", partner=campaign.lead)
    chosen = steps.override(
        case, address="erika.mustermann@solo.example", reason="she asked for it", user=handler,
        now=NOW,
    )  # fmt: skip
    assert (chosen.outcome, chosen.mailbox) == ("chosen", "erika.mustermann@solo.example")
    assert found_for(case).pk == chosen.pk


def test_all_candidates_are_kept_with_provenance(campaign: Campaign) -> None:
    case = a_case(campaign, "198.51.100.70")
    find(campaign)
    kept = {each["mailbox"]: each for each in found_for(case).candidates}
    assert kept[OWNER]["rank"] == 1
    assert kept[ABUSE]["level"] == 1
    assert kept["jan.bakker@dekorst.example"]["refused"] == "person"
    assert all(each["source"] == "rpsl" and each["object"] for each in kept.values())


def test_a_partner_answers_for_its_country_and_an_overlap_sends_nothing(
    campaign: Campaign,
) -> None:
    belgian = a_partner("bravo", country="BE")
    CampaignPartner.objects.create(campaign=campaign, partner=belgian)
    case = a_case(campaign, "198.51.100.130")
    find(campaign)
    assert found_for(case).partner == belgian
    case.refresh_from_db()
    assert case.partner == belgian
    assert not Choice.objects.for_viewer(_viewer_of(campaign.lead)).exists()  # type: ignore[attr-defined]

    rival = a_partner("charlie", country="NL")
    CampaignPartner.objects.create(campaign=campaign, partner=rival)
    contested = a_case(campaign, "198.51.100.3")
    find(campaign)
    choice = found_for(contested)
    assert (choice.outcome, choice.mailbox) == (Choice.Outcome.CONFLICT, "")
    assert "partner-conflict" in codes(choice)


def test_a_network_constituency_wins_over_a_country(campaign: Campaign) -> None:
    academic = a_partner("delta", country="SE")
    CampaignPartner.objects.create(campaign=campaign, partner=academic)
    Constituency.objects.create(partner=academic, network=ip_network("198.51.100.64/27"))
    case = a_case(campaign, "198.51.100.70")
    find(campaign)
    assert found_for(case).partner == academic


def test_a_country_nobody_answers_for_goes_to_the_lead(campaign: Campaign) -> None:
    case = a_case(campaign, "203.0.113.9")
    find(campaign)
    choice = found_for(case)
    assert choice.partner == campaign.lead
    assert codes(choice)[-1] == "partner-lead"


def test_a_holder_gets_its_arm_once(campaign: Campaign) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(
        arms={"letter": 1.0, "later": 1.0}, arm_key=b"k" * 32
    )
    campaign.refresh_from_db()
    for host in (65, 66, 67):
        a_case(campaign, f"198.51.100.{host}")
    find(campaign)
    holder = Holder.objects.get(name="Bakkerij De Korst")
    assert holder.arm in {"letter", "later"}
    assert Choice.objects.filter(holder=holder).count() == 3
    Campaign.objects.filter(pk=campaign.pk).update(arms={})
    campaign.refresh_from_db()
    a_case(campaign, "198.51.100.68")
    find(campaign)
    assert Holder.objects.get(pk=holder.pk).arm == holder.arm


def test_every_choice_is_on_the_timeline(campaign: Campaign) -> None:
    case = a_case(campaign, "198.51.100.70")
    find(campaign)
    entry = TimelineEntry.objects.get(subject=f"case:{case.pk}")
    assert (entry.action, entry.actor) == ("contact-chosen", "step:find")
    assert verify_chain(campaign.pk) is None


# -- what proves wrong --------------------------------------------------------------------------


def test_the_ladder_ends_with_nobody(campaign: Campaign) -> None:
    case = a_case(campaign, "198.51.100.70")
    find(campaign)
    way = []
    while (choice := found_for(case)).outcome == "chosen":
        way.append(choice.mailbox)
        steps.note_bounce(choice, permanent=True, now=NOW, because="550 no such user")
        assert find(campaign) == 1
    assert way == [OWNER, ABUSE, "noc@laagland.example", "info@laagland.example"]
    last = found_for(case)
    assert last.outcome == Choice.Outcome.NEEDS_PERSON
    assert find(campaign) == 0


def test_a_dead_mailbox_moves_all_its_cases(campaign: Campaign) -> None:
    first, second = a_case(campaign, "198.51.100.70"), a_case(campaign, "198.51.100.71")
    find(campaign)
    steps.note_bounce(found_for(first), permanent=True, now=NOW)
    assert find(campaign) == 2
    assert {found_for(first).mailbox, found_for(second).mailbox} == {ABUSE}
    later = a_case(campaign, "198.51.100.72")
    find(campaign)
    assert found_for(later).mailbox == ABUSE
    assert "skipped-dead" in codes(found_for(later))


def test_a_forged_bounce_is_undone(campaign: Campaign) -> None:
    first, second = a_case(campaign, "198.51.100.70"), a_case(campaign, "198.51.100.71")
    find(campaign)
    choice = found_for(first)
    steps.note_bounce(choice, permanent=True, now=NOW)
    find(campaign)
    steps.undo_bounce(choice, now=NOW, actor="user:hanna", among=[first.pk])
    assert find(campaign) == 1
    assert (found_for(first).mailbox, found_for(second).mailbox) == (OWNER, ABUSE)
    later = a_case(campaign, "198.51.100.72")
    find(campaign)
    assert found_for(later).mailbox == OWNER


def test_soft_bounces_count_to_three(campaign: Campaign) -> None:
    case = a_case(campaign, "198.51.100.70")
    find(campaign)
    choice = found_for(case)
    for _ in range(2):
        steps.note_bounce(choice, permanent=False, now=NOW)
    assert find(campaign) == 0
    steps.note_bounce(choice, permanent=False, now=NOW, because="mailbox full")
    assert find(campaign) == 1
    assert MailboxHealth.objects.get(mailbox=OWNER).dead_because == "mailbox full"


def test_not_ours_goes_to_the_parent_and_back(campaign: Campaign) -> None:
    case = a_case(campaign, "198.51.100.70")
    find(campaign)
    first = found_for(case)
    steps.note_not_ours(first, now=NOW, actor="holder", text="we sold that network")
    find(campaign)
    assert found_for(case).mailbox == ABUSE
    assert "skipped-not-ours" in codes(found_for(case))
    neighbour = a_case(campaign, "198.51.100.71")
    find(campaign)
    assert found_for(neighbour).mailbox == ABUSE
    steps.undo_not_ours(first, now=NOW, actor="holder")
    find(campaign)
    assert found_for(case).mailbox == OWNER


def test_not_ours_of_one_network_says_nothing_of_another(campaign: Campaign) -> None:
    allocation, inner = a_case(campaign, "198.51.100.3"), a_case(campaign, "198.51.100.130")
    find(campaign)
    steps.note_not_ours(found_for(inner), now=NOW, actor="holder")
    find(campaign)
    assert found_for(inner).mailbox == "noc@laagland.example"
    assert found_for(allocation).mailbox == ABUSE


def test_the_language_of_a_reply_counts_and_a_persons_word_counts_more(
    campaign: Campaign,
) -> None:
    steps.note_language(OWNER, "pt-br", world=campaign, now=NOW)
    case = a_case(campaign, "198.51.100.70")
    find(campaign)
    assert found_for(case).languages == ["pt-BR", "en"]
    steps.note_language(OWNER, "de", world=campaign, now=NOW, stored=True)
    other = a_case(campaign, "198.51.100.71")
    find(campaign)
    assert found_for(other).languages == ["de", "en"]
    assert found_for(other).language_reason["code"] == "language-stored"


def test_suppression_survives_a_reload_and_stays_in_its_campaign(
    campaign: Campaign, tmp_path: Path
) -> None:
    row = steps.suppress(OWNER, campaign=campaign, actor="holder", how="button", now=NOW)
    assert steps.suppress(OWNER, campaign=campaign, actor="holder", how="reply", now=NOW) == row
    steps.load_registry(a_dump(tmp_path, text=DUMP + "\n# changed\n"), exercise=campaign, now=NOW)
    case = a_case(campaign, "198.51.100.70")
    find(campaign)
    assert found_for(case).mailbox == ABUSE
    assert "skipped-suppressed" in codes(found_for(case))

    other = a_campaign("other")
    steps.load_registry(a_dump(tmp_path), exercise=other, now=NOW)
    elsewhere = a_case(other, "198.51.100.70")
    find(other)
    assert found_for(elsewhere).mailbox == OWNER
    steps.suppress(OWNER, campaign=None, actor="holder", how="confirmed by mail", now=NOW)
    assert steps.is_suppressed(OWNER, campaign=other)

    steps.lift_suppression(row, actor="user:hanna", now=NOW + timedelta(days=1))
    assert steps.is_suppressed(OWNER, campaign=campaign)  # the one of all campaigns stands


def test_an_override_wins_over_registries_but_not_over_suppression(campaign: Campaign) -> None:
    handler = a_user("hanna", partner=campaign.lead)
    case, neighbour = a_case(campaign, "198.51.100.70"), a_case(campaign, "198.51.100.71")
    find(campaign)
    choice = steps.override(
        case, address="Beheer@DeKorst.example", reason="said on the phone", user=handler, now=NOW
    )
    assert (choice.mailbox, choice.address) == ("beheer@dekorst.example", "Beheer@dekorst.example")
    assert codes(choice)[0] == "contact-override"
    assert found_for(neighbour).mailbox == OWNER
    later = a_case(campaign, "198.51.100.72")
    find(campaign)
    assert found_for(later).mailbox == "beheer@dekorst.example"
    steps.suppress(
        "beheer@dekorst.example", campaign=campaign, actor="holder", how="reply", now=NOW
    )
    last = a_case(campaign, "198.51.100.73")
    find(campaign)
    assert found_for(last).mailbox == OWNER


def test_an_override_reaches_no_network_that_others_hold_inside(campaign: Campaign) -> None:
    handler = a_user("hanna", partner=campaign.lead)
    providers = a_case(campaign, "198.51.100.200")
    find(campaign)
    steps.override(
        providers, address="noc@laagland.example", reason="said so", user=handler, now=NOW,
        scope=Scope.END_USER,
    )  # fmt: skip
    beside, customers = a_case(campaign, "198.51.100.201"), a_case(campaign, "198.51.100.70")
    find(campaign)
    assert found_for(beside).mailbox == "noc@laagland.example"
    assert found_for(customers).mailbox == OWNER


def test_not_ours_holds_when_a_reload_brings_a_smaller_network(
    campaign: Campaign, tmp_path: Path
) -> None:
    case = a_case(campaign, "198.51.100.200")
    find(campaign)
    assert found_for(case).mailbox == ABUSE
    steps.note_not_ours(found_for(case), now=NOW, actor="holder")
    finer = (
        "inetnum: 198.51.100.192 - 198.51.100.223\nnetname: FINER\nstatus: ASSIGNED PA\n"
        "country: NL\n{}source: TEST\n\n"
    )
    steps.load_registry(a_dump(tmp_path, text=finer.format("") + DUMP), exercise=campaign, now=NOW)
    later = a_case(campaign, "198.51.100.201")
    find(campaign)
    assert found_for(later).mailbox != ABUSE
    named = finer.format("abuse-c: ABU1-TEST\n") + DUMP
    steps.load_registry(a_dump(tmp_path, text=named), exercise=campaign, now=NOW)
    newest = a_case(campaign, "198.51.100.202")
    find(campaign)
    assert found_for(newest).mailbox == ABUSE


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("abuse@dekorst.example\r\nBcc: all@victims.example", "override-no-address"),
        ("nobody here", "override-no-address"),
        ("no-reply@dekorst.example", "override-refused"),
        (OWNER, "override-suppressed"),
    ],
)
def test_what_an_override_refuses(campaign: Campaign, address: str, code: str) -> None:
    handler = a_user("hanna", partner=campaign.lead)
    steps.suppress(OWNER, campaign=campaign, actor="holder", how="reply", now=NOW)
    case = a_case(campaign, "198.51.100.70")
    with pytest.raises(ContactError) as refused:
        steps.override(case, address=address, reason="because", user=handler, now=NOW)
    assert refused.value.reason.code == code


def test_finding_many_takes_few_queries(
    campaign: Campaign, django_assert_max_num_queries: object
) -> None:
    for host in range(64, 90):
        a_case(campaign, f"198.51.100.{host}")
    with django_assert_max_num_queries(25):  # type: ignore[operator]
        assert find(campaign) == 26


def _viewer_of(partner: Partner) -> object:
    from openletter.campaigns.steps import viewer_of

    return viewer_of(a_user("reader", partner=partner, role="reader"))
