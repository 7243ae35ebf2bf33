"""Flattening, languages, scopes, holders, partners, and the decision that joins them."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from openletter.contacts.rules.candidates import Candidate, Tier
from openletter.contacts.rules.decide import Facts, MailboxFacts, Rung, decide
from openletter.contacts.rules.holders import Claim, holder_key, responsible
from openletter.contacts.rules.language import OF_COUNTRY, Known, languages
from openletter.contacts.rules.rank import History
from openletter.contacts.rules.scope import reader_of, scope_of
from openletter.wire.registry import Holder, Place, Registration, Source, Subject, Written
from openletter.words import Reader, Reason, Scope, normalise_language

IP = ip_address("192.0.2.7")


# -- languages ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "expected", "code"),
    [
        (Known(stored="DE", of_reply="fr", organisation="NL"), ("de", "en"), "language-stored"),
        (Known(of_reply="no", organisation="NL"), ("nb", "en"), "language-of-reply"),
        (Known(organisation="BE"), ("nl", "fr", "en"), "language-organisation"),
        (Known(organisation="CH"), ("de", "fr", "it", "en"), "language-organisation"),
        (Known(organisation="CA"), ("fr", "en"), "language-organisation"),
        (Known(organisation="KE"), ("en",), "language-organisation"),
        (Known(organisation="HR"), ("en",), "language-organisation-english"),
        (Known(delegated="BR"), ("pt-BR", "en"), "language-delegated"),
        (Known(delegated="HR"), ("en",), "language-delegated-english"),
        (Known(organisation="NL", countries_of_contact=4), ("en",), "language-many-countries"),
        (Known(organisation="NL", countries_of_contact=3), ("nl", "en"), "language-organisation"),
        (Known(declared=("sv", "en"), organisation="NL"), ("sv", "en"), "language-declared"),
        (Known(declared=("sv",), of_reply="da"), ("da", "en"), "language-of-reply"),
        (Known(registry="jpnic"), ("ja", "en"), "language-registry"),
        (Known(registry="lacnic", delegated="BR"), ("pt-BR", "en"), "language-delegated"),
        (Known(registry="ripencc"), ("en",), "language-unknown"),
        (Known(organisation="UA"), ("uk", "en"), "language-organisation"),
        (Known(organisation="GB"), ("en",), "language-organisation"),
        (Known(), ("en",), "language-unknown"),
    ],
)
def test_the_order_of_what_decides_the_language(
    known: Known, expected: tuple[str, ...], code: str
) -> None:
    found, reason = languages(known)
    assert (found, reason.code) == (expected, code)


def test_the_table_speaks_our_tags_only() -> None:
    ours = (
        "en nl de fr es pt-BR pt it pl cs sk hu ro bg el sv da fi nb lt uk ru tr ar fa "
        "zh-Hans zh-Hant ja ko id"
    ).split()
    for country, tags in OF_COUNTRY.items():
        assert len(country) == 2
        assert country.isupper()
        assert set(tags) <= set(ours), country
        assert [normalise_language(tag) for tag in tags] == list(tags)


# -- scope --------------------------------------------------------------------------------------


def a_registration(status: str, name: str, *, kind: str = "", autnum: bool = False) -> Registration:
    return Registration(
        source=Source.RPSL, registry="ripencc", status=status,
        subject=Subject.AUTNUM if autnum else Subject.NETWORK,
        holder=Holder(name=name, handle="ORG-1", kind=kind),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "name", "expected"),
    [
        ("ALLOCATED PA", "University of Somewhere", Scope.PROVIDER),
        ("LIR-PARTITIONED PA", "Somebody", Scope.PROVIDER),
        ("AGGREGATED-BY-LIR", "Somebody", Scope.PROVIDER),
        ("Direct Allocation", "Somebody", Scope.PROVIDER),
        ("ASSIGNED PA", "Bakkerij De Korst", Scope.END_USER),
        ("ASSIGNED PI", "Isp Telecom", Scope.PROVIDER),
        ("Reassigned", "Corner Shop", Scope.END_USER),
        ("reallocated", "Cooperativa", Scope.PROVIDER),
        ("LEGACY", "University of Somewhere", Scope.END_USER),
        ("LEGACY", "Somebody", Scope.UNKNOWN),
        ("", "Acme Hosting", Scope.PROVIDER),
        ("IANA Special Use", "Somebody", Scope.UNKNOWN),
    ],
)
def test_the_status_and_the_holders_name_tell_the_scope(
    status: str, name: str, expected: Scope
) -> None:
    found = a_registration(status, name)
    assert scope_of(found, mailbox="abuse@a.example", object_="X") is expected


def test_a_lir_serves_others_whatever_it_assigned_itself() -> None:
    found = a_registration("ASSIGNED PI", "Somebody", kind="LIR")
    assert scope_of(found, mailbox="abuse@a.example", object_="X") is Scope.PROVIDER
    autnum = a_registration("", "Somebody", autnum=True)
    assert scope_of(autnum, mailbox="abuse@a.example", object_="X") is Scope.PROVIDER


def test_beside_its_users_own_box_a_providers_is_upstream() -> None:
    def box(value: str, place: Place, role: str) -> Written:
        return Written(value=value, place=place, role=role, object=role)

    own = box("contact@baker.example", Place.ABUSE_BOX, "abuse-contact")
    given = box("abuse@hoster.example", Place.ABUSE_BOX, "tech-c")
    given_noc = box("noc@hoster.example", Place.CONTACT, "tech-c")
    found = replace(a_registration("ASSIGNED PA", "Baker"), written=(own, given, given_noc))
    assert scope_of(found, mailbox="contact@baker.example", object_="X") is Scope.END_USER
    assert scope_of(found, mailbox="abuse@hoster.example", object_="X") is Scope.UPSTREAM
    assert scope_of(found, mailbox="noc@hoster.example", object_="X") is Scope.UPSTREAM
    alone = replace(found, written=(given, given_noc))
    assert scope_of(alone, mailbox="abuse@hoster.example", object_="X") is Scope.END_USER


def test_an_as_whose_only_desk_does_everything_serves_nobody_else() -> None:
    def desk(object_: str, place: Place) -> Written:
        return Written(value="a@a.example", place=place, role="abuse", object=object_)

    small = replace(
        a_registration("", "Twenty LLC", autnum=True), written=(desk("D", Place.ABUSE_BOX),)
    )
    assert scope_of(small, mailbox="a@a.example", object_="D") is Scope.END_USER
    apart = replace(small, written=(*small.written, desk("N", Place.CONTACT)))
    assert scope_of(apart, mailbox="a@a.example", object_="D") is Scope.PROVIDER
    named = replace(small, holder=Holder(name="Twenty Telecom"))
    assert scope_of(named, mailbox="a@a.example", object_="D") is Scope.PROVIDER


@pytest.mark.parametrize(
    ("name", "last", "expected"),
    [
        ("SHOP-1", "192.0.2.255", Scope.END_USER),
        ("ACME-DSL-NET18", "192.0.2.255", Scope.PROVIDER),
        ("ACMEDYNAMICIP", "192.0.2.255", Scope.END_USER),
        ("ACME-DYNAMICIP", "192.0.2.255", Scope.PROVIDER),
        ("ACME-CORPORATE", "192.0.31.255", Scope.END_USER),
        ("SHOP-1", "192.0.31.255", Scope.PROVIDER),
    ],
)
def test_the_networks_name_and_size_tell_who_uses_it(name: str, last: str, expected: Scope) -> None:
    found = replace(
        a_registration("ASSIGNED PA", "Corner Shop"), name=name,
        first=ip_address("192.0.2.0"), last=ip_address(last),
    )  # fmt: skip
    assert scope_of(found, mailbox="a@a.example", object_="X") is expected


def test_arins_customers_are_told_by_their_provider() -> None:
    found = replace(a_registration("Reassigned", "Corner Shop"), registry="arin")
    assert scope_of(found, mailbox="a@a.example", object_="X") is Scope.END_USER
    customer = replace(found, holder=Holder(name="Corner Shop", handle="C01234567"))
    assert scope_of(customer, mailbox="a@a.example", object_="X") is Scope.PROVIDER


def test_only_the_user_of_the_very_network_gets_the_owners_text() -> None:
    assert reader_of(Scope.END_USER, level=0) is Reader.OWNER
    assert reader_of(Scope.END_USER, level=1) is Reader.PROVIDER
    assert reader_of(Scope.UNKNOWN, level=0) is Reader.PROVIDER
    assert reader_of(Scope.CSIRT, level=3) is Reader.CSIRT


# -- holders and partners -----------------------------------------------------------------------


def key(handle: str, name: str) -> str:
    return holder_key(registry="ripencc", handle=handle, name=name, first=IP, last=IP)


def test_one_holder_has_one_key() -> None:
    assert key("org-1", "Any") == key("ORG-1", "Other") == "ripencc:ORG-1"
    assert key("", "Café  du Port, S.A.") == key("", "CAFE DU PORT S A") == "name:cafe du port s a"
    assert key("", "") == "block:192.0.2.7-192.0.2.7"


def test_network_before_country_and_conflicts_on_one_level() -> None:
    dutch, belgian = Claim(partner=1, country="NL"), Claim(partner=2, country="BE")
    academic = Claim(partner=3, network=ip_network("192.0.2.0/24"))
    rival = Claim(partner=4, network=ip_network("192.0.2.0/28"))
    claims = [dutch, belgian]
    assert responsible(IP, country="NL", claims=claims, lead=9).partner == 1
    assert responsible(IP, country="DE", claims=claims, lead=9).partner == 9
    assert responsible(IP, country=None, claims=claims, lead=9).reason.code == "partner-lead"
    assert responsible(IP, country="NL", claims=[dutch, academic], lead=9).partner == 3
    found = responsible(IP, country="NL", claims=[academic, rival], lead=9)
    assert (found.conflict, found.reason.code) == ((3, 4), "partner-conflict")
    twice = responsible(IP, country="NL", claims=[dutch, dutch], lead=9)
    assert twice.conflict == ()


# -- the decision -------------------------------------------------------------------------------


def a_candidate(mailbox: str, *, scope: Scope = Scope.END_USER, weight: int = 1) -> Candidate:
    return Candidate(
        address=mailbox, mailbox=mailbox, source="rpsl", registry="ripencc", object="R", depth=0,
        role="abuse-c", scope=scope, tier=Tier.ABUSE_BOX, weight=weight,
        reason=Reason(code="contact-abuse-box"),
    )  # fmt: skip


def a_rung(level: int, *mailboxes: str, country: str | None = "NL", handle: str = "") -> Rung:
    return Rung(
        first=IP, last=IP, level=level, holder=f"Holder {level}", holder_key=handle,
        country=country, registry="ripencc", candidates=tuple(map(a_candidate, mailboxes)),
    )  # fmt: skip


def test_the_recipients_country_decides_the_language_the_networks_the_partner() -> None:
    facts = Facts(
        address=IP,
        rungs=[a_rung(0, country="BE"), a_rung(1, "abuse@isp.example", country="DE")],
        claims=[Claim(partner=2, country="BE"), Claim(partner=3, country="DE")],
        lead=9,
    )
    found = decide(facts)
    assert (found.outcome, found.languages, found.responsibility.partner) == (
        "chosen", ("de", "en"), 2,
    )  # fmt: skip
    assert found.reader is Reader.PROVIDER
    assert found.holder is not None
    assert (found.holder.name, found.holder.country) == ("Holder 0", "BE")


def test_the_holder_is_the_nearest_organisation_with_a_handle() -> None:
    rungs = [a_rung(0, "a@x.example", country=None), a_rung(1, handle="ORG-P")]
    found = decide(Facts(address=IP, rungs=rungs, claims=[], lead=9))
    assert found.holder is not None
    assert (found.holder.key, found.holder.stratum) == ("ripencc:ORG-P", "NL")


def test_a_conflict_sends_nothing_however_good_the_contact() -> None:
    claims = [Claim(partner=1, country="NL"), Claim(partner=2, country="NL")]
    found = decide(Facts(address=IP, rungs=[a_rung(0, "a@x.example")], claims=claims, lead=9))
    assert (found.outcome, found.chosen, found.reader) == ("conflict", None, None)
    assert found.ranking.chosen is not None


def test_delegations_give_a_country_but_no_holder_and_no_contact() -> None:
    delegation = replace(a_rung(0), is_delegation=True, country="FR", holder="")
    found = decide(Facts(address=IP, rungs=[delegation], claims=[], lead=9))
    assert (found.outcome, found.holder) == ("nobody", None)
    assert found.reasons[0].code == "no-netblock"


def test_what_is_kept_of_mailboxes_counts() -> None:
    rungs = [a_rung(0, "a@x.example"), a_rung(1, "b@y.example")]
    mailboxes = MailboxFacts(stored_language={"b@y.example": "ja"}, countries={"b@y.example": 9})
    found = decide(
        Facts(
            address=IP, rungs=rungs, claims=[], lead=9, mailboxes=mailboxes,
            history=History(dead=frozenset({"a@x.example"})),
        )
    )  # fmt: skip
    assert found.chosen is not None
    assert (found.chosen.mailbox, found.languages) == ("b@y.example", ("ja", "en"))
    codes = [reason.code for reason in found.reasons]
    assert codes == [
        "contact-abuse-box", "from-parent", "skipped-dead", "reader-provider", "partner-lead",
    ]  # fmt: skip


def test_the_same_facts_give_the_same_decision() -> None:
    facts = Facts(address=IP, rungs=[a_rung(0, "b@x.example", "a@x.example")], claims=[], lead=9)
    assert decide(facts) == decide(facts)
    assert decide(facts).rule_version == "contacts-2"
