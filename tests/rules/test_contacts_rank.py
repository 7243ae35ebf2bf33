"""Whom the rules choose from answers built like the registries' own, with made-up holders.

The domains are `.example`, so the exercise's world is used; one test holds the real world's
stricter idea of a placeholder.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.contacts.rules import answers, names
from openletter.contacts.rules.candidates import candidates_of
from openletter.contacts.rules.rank import History, Ranking, rank
from openletter.contacts.rules.refuse import Refusal, World, refusal_of_mailbox
from openletter.wire import rdap, rpsl_links, whois
from openletter.wire.registry import Registration, parse_address


def party(
    *emails: Any, roles: str = "", name: str = "Desk", kind: str = "group", **more: Any
) -> dict[str, Any]:
    """An RDAP entity; an e-mail may be (address, parameters)."""
    card = [["fn", {}, "text", name], ["kind", {}, "text", kind]]
    card += [
        ["email", email[1], "text", email[0]] if isinstance(email, tuple)
        else ["email", {}, "text", email]
        for email in emails
    ]  # fmt: skip
    return {"handle": f"H-{name}", "roles": roles.split(), "vcardArray": ["vcard", card], **more}


def network(*entities: dict[str, Any], remarks: str = "", **more: Any) -> Registration:
    """An RDAP network of one holder."""
    notes = [{"description": remarks.split("\n")}] if remarks else []
    answer = {
        "objectClassName": "ip network", "startAddress": "192.0.2.0", "endAddress": "192.0.2.255",
        "handle": "NET-1", "entities": list(entities), "remarks": notes, **more,
    }  # fmt: skip
    return rdap.read(json.dumps(answer))[0]


def ranking(*found: Registration, history: History | None = None) -> Ranking:
    every = [
        replace(each, level=level)
        for level, one in enumerate(found)
        for each in candidates_of(one, world=World.EXERCISE)
    ]
    return rank(every, history=history or History())


def chosen(*found: Registration) -> str | None:
    best = ranking(*found).chosen
    return best.mailbox if best else None


def refusals(*found: Registration) -> dict[str, str]:
    return {each.mailbox: str(each.refused) for each in ranking(*found).rejected}


ORG = party(name="Isp B.V.", kind="org", roles="registrant")


# -- the order ----------------------------------------------------------------------------------


def test_declared_then_role_then_remark_then_desk() -> None:
    typed = party(("abuse@isp.example", {"type": "abuse"}), name="A", roles="abuse")
    role = party("net-abuse@isp.example", name="B", roles="technical abuse")
    desk = party("noc@isp.example", name="C", roles="technical")
    says = "Send abuse reports to cert@isp.example"
    assert chosen(network(ORG, desk, role, typed, remarks=says)) == "abuse@isp.example"
    assert chosen(network(ORG, desk, role, remarks=says)) == "net-abuse@isp.example"
    assert chosen(network(ORG, desk, remarks=says)) == "cert@isp.example"
    assert chosen(network(ORG, desk)) == "noc@isp.example"
    assert chosen(network(ORG)) is None


def test_the_network_itself_speaks_before_its_holder_and_the_child_before_the_parent() -> None:
    own = party("abuse@shop.example", name="Own", roles="abuse")
    nested = party("abuse@isp.example", name="Org", roles="abuse")
    holder = party(name="Isp", kind="org", roles="registrant", entities=[nested])
    assert chosen(network(holder, own)) == "abuse@shop.example"
    child, parent = network(party("info@shop.example", roles="technical")), network(nested)
    assert chosen(child, parent) == "abuse@isp.example"
    assert chosen(child, network()) == "info@shop.example"


def test_a_desk_beside_a_declared_box_is_not_the_abuse_desk() -> None:
    box = party(
        ("ripe@isp.example", {"type": "email"}), ("abuse@isp.example", {"type": "abuse"}),
        ("who-knows@isp.example", {}), roles="abuse",
    )  # fmt: skip
    found = ranking(network(box))
    assert found.chosen is not None
    assert found.chosen.mailbox == "abuse@isp.example"
    assert next(each.candidate.mailbox for each in found.order) == "abuse@isp.example"
    assert {each.candidate.mailbox for each in found.order} >= {"ripe@isp.example"}
    assert refusals(network(box)) == {"who-knows@isp.example": "other-role"}


def test_an_address_that_the_registry_could_not_reach_comes_after_one_it_could() -> None:
    silent = party(
        "abuse@old.example", name="Old", roles="abuse", remarks=[{"title": "Unvalidated POC"}]
    )
    alive = party("desk@new.example", name="New", roles="abuse", status=["validated"])
    assert chosen(network(silent, alive)) == "desk@new.example"
    noted = party("abuse@old.example", "irt@old.example", roles="abuse", remarks=[
        {"description": ["abuse@old.example is invalid", "irt@old.example was validated on 2026"]}
    ])  # fmt: skip
    assert chosen(network(noted)) == "irt@old.example"


# -- people -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "name", "kind"),
    [
        ("juan.perez@isp.example", "Juan Perez", "individual"),
        ("jperez@isp.example", "Juan Perez", "individual"),
        ("perezj@isp.example", "Juan Pérez", "individual"),
        ("pepe@isp.example", "Juan Perez", "individual"),
        ("maria@isp.example", "ISP S.A.", "org"),
        ("teixei_a@isp.example", "ORG-X", "org"),
        ("m.de-vries@isp.example", "Registry", "group"),
    ],
)
def test_somebodys_own_box_is_never_chosen(address: str, name: str, kind: str) -> None:
    found = network(party(address, name=name, kind=kind, roles="administrative"))
    assert chosen(found) is None
    assert refusals(found) == {address: "person"}
    assert ranking(found).needs_person


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("redes@uni.example", "Juan Perez"),
        ("noc-team@isp.example", "Jane Doe"),
        ("isp@gmail.com", "ISP Network Operations"),
        ("acme@acme.example", "Jane Doe"),
        ("sistemas.red@uni.example", "Juan Diego Garcia"),
    ],
)
def test_a_desk_filed_as_a_person_is_a_desk(address: str, name: str) -> None:
    assert chosen(network(party(address, name=name, kind="individual", roles="abuse"))) == address


def test_people_in_an_abuse_role_give_way_to_its_desk_and_stand_in_where_alone() -> None:
    both = party("dns-reg@isp.example", "ann.b.lee@isp.example", roles="abuse")
    assert chosen(network(both)) == "dns-reg@isp.example"
    assert refusals(network(both)) == {"ann.b.lee@isp.example": "person"}
    assert chosen(network(party("ann.lee@isp.example", roles="abuse"))) == "ann.lee@isp.example"


# -- registries and placeholders ----------------------------------------------------------------


def nir(status: str, name: str, holder: str, *extra: dict[str, Any], **more: Any) -> Registration:
    irt = party("hostmaster@nic.ad.jp", name="IRT-JPNIC-JP", roles="abuse")
    org = party(name=holder, kind="org", roles="registrant")
    return network(org, irt, *extra, type=status, name=name, port43="whois.apnic.net", **more)


def test_a_national_registrys_box_is_not_its_members() -> None:
    assert chosen(nir("ALLOCATED PORTABLE", "BIGISP", "Japan Network Information Center")) is None
    assert chosen(nir("ASSIGNED NON-PORTABLE", "BIGISP", "Big Isp Inc.")) is None
    told = nir("ALLOCATED PORTABLE", "BIGISP", "Big Isp", remarks="abuse: abuse@bigisp.example")
    assert chosen(told) == "abuse@bigisp.example"
    desk = party("ip-admin@bigisp.example", name="IP Manager", roles="technical")
    assert chosen(nir("ALLOCATED PORTABLE", "BIGISP", "Big Isp", desk)) == "ip-admin@bigisp.example"


def test_a_registry_that_uses_the_network_itself_is_its_holder() -> None:
    assert (
        chosen(nir("ASSIGNED PORTABLE", "JPNIC-NET", "Japan Network Information Center"))
        == "hostmaster@nic.ad.jp"
    )


def test_a_registrys_own_as_is_written_to_at_its_desk() -> None:
    desk = party("hostmaster@nic.ad.jp", name="JNIC", roles="technical")
    own = {"description": ["Japan Network Information Center"], "title": "description"}
    found = rdap.read(
        json.dumps({"startAutnum": 2, "name": "JPNIC", "entities": [desk], "remarks": [own]})
    )[0]
    assert chosen(found) == "hostmaster@nic.ad.jp"


def test_the_holders_own_house_comes_before_another_one() -> None:
    org = party("support@ix.example", "ann@isp.example", name="Org", kind="org")
    desk = party("help@isp.example", "bob@isp.example", name="Bob", kind="individual")
    assert chosen(network(org, desk)) == "help@isp.example"


@pytest.mark.parametrize(
    ("status", "name"),
    [
        ("Allocated to RIPE NCC", "RIPE-93"),
        ("Early Registrations, Transferred to RIPE NCC", "RIPE-ERX"),
        ("ALLOCATED UNSPECIFIED", "NON-RIPE-NCC-MANAGED-ADDRESS-BLOCK"),
        ("ASSIGNED", "NON-RIPE-NCC-MANAGED-ADDRESS-BLOCK"),
    ],
)
def test_a_stub_of_another_registry_names_nobody(status: str, name: str) -> None:
    org = party(name="RIPE Network Coordination Centre", kind="org", roles="registrant")
    box = party("abuse@ripe.net", roles="abuse")
    assert chosen(network(org, box, type=status, name=name)) is None


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("abuse@example.com", Refusal.PLACEHOLDER),
        ("abuse@mail.example.org", Refusal.PLACEHOLDER),
        ("abuse@isp.example", Refusal.PLACEHOLDER),
        ("abuse@isp.invalid", Refusal.PLACEHOLDER),
        ("unread@ripe.net", Refusal.PLACEHOLDER),
        ("bitbucket@ripe.net", Refusal.PLACEHOLDER),
        ("removed@lacnic.net", Refusal.REDACTED),
        ("***@isp.net", Refusal.REDACTED),
        ("no-reply@isp.net", Refusal.NO_REPLY),
        ("noreply-abuse@isp.net", Refusal.NO_REPLY),
        ("donotreply@isp.net", Refusal.NO_REPLY),
        ("abuse@isp.net", None),
        ("noreen@isp.net", None),
    ],
)
def test_what_the_address_alone_tells(address: str, reason: Refusal | None) -> None:
    assert refusal_of_mailbox(address, world=World.REAL) is reason


def test_exercises_live_in_reserved_names_but_know_placeholders_too() -> None:
    for address in ("abuse@isp.example", "abuse@example.net", "abuse@isp.test"):
        assert refusal_of_mailbox(address, world=World.EXERCISE) is None
    refused = refusal_of_mailbox("abuse@example.com", world=World.EXERCISE)
    assert refused is Refusal.PLACEHOLDER


@pytest.mark.parametrize("value", ["DATA REDACTED", "REDACTED FOR PRIVACY", "Data withheld"])
def test_redacted_values(value: str) -> None:
    found = ranking(network(party(value, roles="abuse"))).rejected
    assert [each.refused for each in found] == [Refusal.REDACTED]


def test_a_header_in_an_address_poisons_the_whole_value() -> None:
    evil = party("abuse@isp.example\r\nBcc: all@victims.example", roles="abuse")
    found = ranking(network(evil))
    assert found.chosen is None
    assert [each.refused for each in found.rejected] == [Refusal.CONTROL_CHARACTER]
    assert "victims" not in json.dumps([each.mailbox for each in found.rejected])


# -- remarks ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("please send abuse reports to desk@isp.example", "desk@isp.example"),
        ("Abuse: help@isp.example", "help@isp.example"),
        ("*** SPAM/Abuse - help@isp.example ***", "help@isp.example"),
        ("For all abuse reporting\nuse\nhelp@isp.example", "help@isp.example"),
        ("abuse (at) isp (dot) example", "abuse@isp.example"),
        ("mailto:abuse@isp.example", "abuse@isp.example"),
        ("help@isp.example for hacking and spam complaints", "help@isp.example"),
        ("Missbrauch bitte an hilfe@isp.example melden", "hilfe@isp.example"),
        ("Support: help@isp.example", None),
        ("We fight abuse.\n\nPeering: help@isp.example", None),
        ("Abuse reports via https://isp.example/abuse\nNOC: noc@isp.example", None),
        ("Do not send abuse reports to noc@isp.example", None),
        ("We take abuse seriously. For routing ask noc@isp.example", None),
        ("Abuse is handled elsewhere\nTechnical contact: noc@isp.example", None),
        ("noc@isp.example was validated on 2026-01-01", None),
        ("abuse reports are for sales@isp.example", None),
    ],
)
def test_which_address_a_remark_gives_for_abuse(text: str, expected: str | None) -> None:
    assert chosen(network(ORG, remarks=text)) == expected


# -- what is known beyond the registries --------------------------------------------------------


def test_a_holder_gets_one_contact_where_the_registry_names_equals() -> None:
    one = party(("abuse@isp.example", {"type": "abuse"}), name="A", roles="abuse")
    two = party(("abuse@other.example", {"type": "abuse"}), name="B", roles="abuse")
    desk = party("noc@third.example", name="C", roles="technical")
    found = network(ORG, one, two, desk)
    first = ranking(found).chosen
    assert first is not None
    equal = {"abuse@isp.example", "abuse@other.example"} - {first.mailbox}
    known = ranking(found, history=History(of_holder=frozenset(equal))).chosen
    assert known is not None
    assert known.mailbox in equal
    lesser = History(of_holder=frozenset({"noc@third.example"}))
    assert ranking(found, history=lesser).chosen == first


def test_what_is_spelled_out_comes_after_what_stands_plainly() -> None:
    found = network(
        ORG, remarks="Abuse: abuse (at) isp dot example\n\nSpam complaints to spam@isp.example"
    )
    places = [each.candidate.mailbox for each in ranking(found).order]
    assert places == ["spam@isp.example", "abuse@isp.example"]


def test_a_run_of_as_numbers_is_nobodys_network() -> None:
    desk = party("hostmaster@nic.ad.jp", name="JPNIC", roles="technical abuse")
    block = network(desk, name="JPNIC-2Byte-ASBLOCK-AP")
    assert refusals(block) == {"hostmaster@nic.ad.jp": "registry-mailbox"}


def test_dead_suppressed_and_not_ours_are_passed_over_with_the_reason() -> None:
    child = network(party("abuse@shop.example", name="S", roles="abuse"))
    parent = network(
        party("abuse@isp.example", name="I", roles="abuse"),
        party("noc@isp.example", name="N", roles="noc"),
    )
    history = History(
        dead=frozenset({"abuse@shop.example"}), suppressed={"abuse@isp.example": "campaign"}
    )
    found = ranking(child, parent, history=history)
    assert found.chosen is not None
    assert found.chosen.mailbox == "noc@isp.example"
    skipped = {each.candidate.mailbox: each.skipped.code for each in found.order if each.skipped}
    assert skipped == {
        "abuse@shop.example": "skipped-dead", "abuse@isp.example": "skipped-suppressed"
    }  # fmt: skip
    history = History(not_ours=frozenset({"abuse@shop.example"}))
    assert ranking(child, parent, history=history).chosen != found.chosen


# -- other forms --------------------------------------------------------------------------------


def test_lacnic_text_of_a_person_with_a_desks_box_and_one_without() -> None:
    text = """\
% Copyright LACNIC lacnic.net
inetnum:     192.0.2.0/24
status:      reallocated
owner:       Cooperativa
country:     AR
abuse-c:     ABC
owner-c:     JPE

nic-hdl:     ABC
person:      Soporte Tecnico
e-mail:      soporte@coop.example

nic-hdl:     JPE
person:      Juan Perez
e-mail:      jperez@coop.example
"""
    found = whois.read(text)[0]
    assert chosen(found) == "soporte@coop.example"
    assert refusals(found) == {"jperez@coop.example": "person"}
    assert chosen(whois.read(text.replace("soporte@", "soledad@"))[0]) == "soledad@coop.example"
    assert (
        chosen(
            whois.read(text.replace("Soporte Tecnico", "Ana Soto").replace("soporte@", "ana@"))[0]
        )
        is None
    )


def test_the_ladder_of_a_dump_goes_up_as_ripes_does() -> None:
    dump = b"""\
inetnum: 192.0.2.0 - 192.0.2.255
org: ORG-A
status: ALLOCATED PA
source: RIPE

organisation: ORG-A
org-name: Isp
abuse-c: AB-RIPE

role: Abuse
nic-hdl: AB-RIPE
abuse-mailbox: abuse@isp.example

inetnum: 192.0.2.16 - 192.0.2.31
tech-c: JD-RIPE
status: ASSIGNED PA
source: RIPE

person: Jane Doe
nic-hdl: JD-RIPE
e-mail: jane@shop.example
"""
    ip = parse_address("192.0.2.20")
    assert ip is not None
    found = rpsl_links.gather(lambda: [dump], lambda each: each.covers(ip), faults=Counter())
    told = answers.answer(ip, found, world=World.EXERCISE)
    assert told.ranking.chosen is not None
    assert (told.ranking.chosen.mailbox, told.ranking.chosen.level) == ("abuse@isp.example", 1)
    shown = answers.as_json(told)
    assert isinstance(shown["chosen"], dict)
    assert shown["chosen"]["reader"] == "provider"
    assert shown["netblock"] == {
        "first": "192.0.2.16", "last": "192.0.2.31", "cidrs": ["192.0.2.16/28"]
    }  # fmt: skip


# -- always the same ----------------------------------------------------------------------------


_emails = st.lists(
    st.sampled_from(
        ["abuse@a.example", "noc@a.example", "jane.doe@a.example", "x@a.example", "abuse@ripe.net",
         "bad", "abuse@b.example", "no-reply@a.example", "evil@a.example\nBcc: x@y.example"]
    ), max_size=4,
)  # fmt: skip
_parties = st.builds(
    lambda emails, roles, name, kind: party(*emails, roles=roles, name=name, kind=kind),
    _emails,
    st.sampled_from(["abuse", "technical abuse", "noc", "", "registrant"]),
    st.sampled_from(["Desk", "Jane Doe", "Isp"]),
    st.sampled_from(["individual", "group", "org", ""]),
)


@given(st.lists(_parties, max_size=5), st.randoms(use_true_random=False))
def test_the_order_depends_on_facts_only_and_refused_ones_are_never_chosen(
    parties: list[dict[str, Any]], chance: random.Random
) -> None:
    every = candidates_of(network(*parties), world=World.EXERCISE)
    first = rank(every)
    shuffled = list(every)
    chance.shuffle(shuffled)
    assert rank(shuffled) == first
    if first.chosen:
        assert first.chosen.refused is None
        assert first.chosen.mailbox.isascii()
        assert "\n" not in first.chosen.address
    assert {
        each.candidate.mailbox for each in first.order if not each.candidate.refused
    }.isdisjoint({each.mailbox for each in first.rejected if each.mailbox})


@given(st.text(max_size=40), st.text(max_size=40))
def test_names_of_any_script_are_judged(local: str, person: str) -> None:
    names.is_functional(local, domain=person)
    names.is_named_after(local, person)
    names.is_name_like(local)
