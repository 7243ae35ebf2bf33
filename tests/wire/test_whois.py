"""WHOIS texts: what each registry's form says, and anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.wire import whois
from openletter.wire.registry import Party, Place, UnreadableError

ARIN = """\
# ARIN WHOIS data and services are subject to the Terms of Use
NetRange:       198.51.100.0 - 198.51.100.255
CIDR:           198.51.100.0/24
NetName:        BIG
NetHandle:      NET-198-51-100-0-1
NetType:        Direct Allocation
Organization:   Big Carrier (BIGC)
Comment:        Abuse: see below

OrgName:        Big Carrier
OrgId:          BIGC
Country:        US
OrgAbuseHandle: ABUSE1-ARIN
OrgAbuseName:   Abuse Desk
OrgAbuseEmail:  abuse@big.example
OrgTechHandle:  JD1-ARIN
OrgTechName:    Doe, Jane
OrgTechEmail:   jane.doe@big.example

NetRange:       198.51.100.64 - 198.51.100.71
NetHandle:      NET-198-51-100-64-1
NetType:        Reassigned
Customer:       Corner Shop (C01234567)

CustName:       Corner Shop
Country:        CA
RAbuseEmail:    abuse@shop.example
"""

RIPE = """\
% This is the RIPE Database query service.
% Abuse contact for '192.0.2.0 - 192.0.2.255' is 'abuse@isp.example'

inetnum: 192.0.2.0 - 192.0.2.255
country: NL
status: ASSIGNED PA
source: RIPE # Filtered

% Abuse contact for 'AS64496' is 'other@isp.example'

aut-num: AS64496
source: RIPE
"""

JPNIC = """\
[ JPNIC database provides information regarding IP address and ASN. ]
Network Information:
a. [Network Number]             192.0.2.0/24
b. [Network Name]               NET
g. [Organization]               Some University
m. [Administrative Contact]     JP00000001
o. [Abuse]                      abuse@univ.example

Group Contact Information:
[Group Handle]                  JP00000001
[Group Name]                    Network Team
[E-Mail]                        net-team@univ.example

Contact Information:
a. [JPNIC Handle]               TY1JP
c. [Last, First]                Tanaka, Yoko
d. [E-Mail]                     tanaka@univ.example
"""


KRNIC = """\
<pre>query : 192.0.2.3
# KOREAN(UTF8)
IPv4 : 192.0.2.0 - 192.0.2.255 (/24)
# ENGLISH
[ Network Information ]
IPv4 Address       : 192.0.2.0 - 192.0.2.255 (/24)
Organization Name  : Big Telecom
Service Name       : BIGNET
<a href="javascript:rolling('x')">See the Contact Info</a>
<div>Name               : IP Manager
Phone              : +82-2-000-0000
E-Mail             : big_ip@big.example
</div>
[ Network Information ]
IPv4 Address       : 192.0.2.64 - 192.0.2.127 (/26)
Organization Name  : Shop
Network Type       : CUSTOMER
<div>Name               : IP Manager
E-Mail             : big_ip@big.example
</div>
</pre>
"""


def test_krnic_the_customer_inside_the_provider() -> None:
    shop, big = whois.read(KRNIC)
    assert (shop.holder.name, shop.status, shop.size) == ("Shop", "assigned", 64)
    assert (big.holder.name, big.name, big.written[0].value) == (
        "Big Telecom", "BIGNET", "big_ip@big.example",
    )  # fmt: skip


def test_a_mailbox_that_failed_validation_is_suspect() -> None:
    text = RIPE.replace(
        "@isp.example'\n", "@isp.example'\n% Abuse-mailbox validation failed. See\n"
    )
    assert [each.written[0].suspect for each in whois.read(text)] == [True, True]


def test_arin_the_smallest_network_first_each_with_its_own_contacts() -> None:
    shop, big = whois.read(ARIN)
    assert [each.value for each in shop.written] == ["abuse@shop.example"]
    assert (shop.holder.name, shop.holder.address_country) == ("Corner Shop", "CA")
    assert [(each.value, each.place, each.party_name) for each in big.written] == [
        ("abuse@big.example", Place.ABUSE_BOX, "Abuse Desk"),
        ("jane.doe@big.example", Place.CONTACT, "Doe, Jane"),
    ]
    assert big.remarks[0].lines == ("Abuse: see below",)


def test_ripes_abuse_line_belongs_to_its_own_object() -> None:
    found = {str(each.query): each for each in whois.read(RIPE)}
    assert [each.value for each in found["192.0.2.0"].written] == ["abuse@isp.example"]
    assert [each.value for each in found["AS64496"].written] == ["other@isp.example"]


def test_jpnic_group_and_person() -> None:
    found = whois.read(JPNIC)[0]
    assert [(each.value, each.place, each.party) for each in found.written] == [
        ("abuse@univ.example", Place.ABUSE_BOX, Party.UNKNOWN),
        ("net-team@univ.example", Place.CONTACT, Party.GROUP),
        ("tanaka@univ.example", Place.CONTACT, Party.INDIVIDUAL),
    ]


@pytest.mark.parametrize("text", ["", "No match found", "%ERROR:101: no entries found", "<pre>"])
def test_texts_about_nothing_are_refused(text: str) -> None:
    with pytest.raises(UnreadableError):
        whois.read(text)


@given(st.text(max_size=300) | st.binary(max_size=300))
def test_any_text_is_read_or_refused(text: str | bytes) -> None:
    try:
        found = whois.read(text)
    except UnreadableError:
        return
    assert found


_line = st.builds(
    "{}{}\n".format,
    st.sampled_from(["NetRange: ", "OrgAbuseEmail: ", "CIDR: ", "[Network Number] ", "inetnum: ",
                     "% Abuse contact for '", "e-mail: ", "<PRE>", "\n", "owner: ", "abuse-c: "]),
    st.sampled_from(["192.0.2.0 - 192.0.2.9", "192.0.2.0/24", "x@y.example", "A1", ""])
    | st.text(max_size=10),
)  # fmt: skip


@given(st.lists(_line, max_size=15).map("".join))
def test_mixed_forms_are_read_or_refused(text: str) -> None:
    try:
        for each in whois.read(text):
            assert each.first is not None or each.first_as is not None
    except UnreadableError:
        return


TWNIC = """\
[whois.twnic.net]

   Netname: BIG-NET
   Netblock: 192.0.2.0/24

   Administrator contact:
      network-adm@big.example

   Technical contact:
      network-adm@big.example

   Spam or abuse contact:
      abuse@big.example
"""
RWHOIS = """\
%rwhois V-1.5:00090h:00 rwhois.big.example
network:Class-Name:network
network:ID:NET-1.192.0.2.40/29
network:IP-Network:192.0.2.40/29
network:IP-Network-Block:192.0.2.40 - 192.0.2.47
network:Customer Organization:Corner Shop
network:Customer Country Code;I:US
network:Tech-Contact;I:MAINT-1
network:Updated-By:robot@big.example
contact:Tech-Email:support@big.example
contact:Abuse-Email:abuse@big.example
%ok
"""
KRNIC_ABUSE = """\
[ Network Information ]
IPv4 Address       : 192.0.2.0 - 192.0.2.255 (/24)
Organization Name  : Big Telecom

[ IPv4 Admin Contact Information ]
Name               : IP Manager
E-Mail             : big_ip@big.example

[ Network Abuse Contact Information ]
Name               : Abuse Team
E-Mail             : abuse@big.example
"""


def test_twnic_the_addresses_below_each_heading() -> None:
    (found,) = whois.read(TWNIC)
    assert (found.registry, found.name, str(found.first)) == ("twnic", "BIG-NET", "192.0.2.0")
    assert [(each.value, each.place) for each in found.written] == [
        ("network-adm@big.example", Place.CONTACT),
        ("network-adm@big.example", Place.CONTACT),
        ("abuse@big.example", Place.ABUSE_BOX),
    ]


def test_rwhois_the_customers_network_with_the_providers_desk() -> None:
    (found,) = whois.read(RWHOIS)
    assert (found.holder.name, found.country, found.size) == ("Corner Shop", "US", 8)
    places = {each.value: each.place for each in found.written}
    assert places == {
        "abuse@big.example": Place.ABUSE_BOX,
        "support@big.example": Place.CONTACT,
        "robot@big.example": Place.NOTICE,
    }


def test_krnic_the_abuse_section_counts_as_such() -> None:
    (found,) = whois.read(KRNIC_ABUSE)
    assert [(each.value, each.place) for each in found.written] == [
        ("abuse@big.example", Place.ABUSE_BOX),
        ("big_ip@big.example", Place.CONTACT),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n", "\r"])
@pytest.mark.parametrize("margin", ["", "    "])
def test_however_lines_end_and_begin(end: str, margin: str) -> None:
    text = end.join(margin + line for line in RIPE.split("\n"))
    plainly = [(each.first, each.written) for each in whois.read(RIPE)]
    assert [(each.first, each.written) for each in whois.read(text)] == plainly


def test_what_contact_records_remark_is_read() -> None:
    text = (
        "inetnum: 192.0.2.0 - 192.0.2.255\nadmin-c: D-AP\nmnt-irt: IRT-X\nsource: APNIC\n\n"
        "role: Desk\nnic-hdl: D-AP\nremarks: If related with spam, mail abuse@big.example\n\n"
        "irt: IRT-X\nremarks: abuse@x.example was validated on 2026-01-01\n"
    )
    (found,) = whois.read(text)
    assert [(each.object, each.depth) for each in found.remarks] == [("IRT-X", 2), ("D-AP", 2)]
