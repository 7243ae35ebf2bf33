"""Whatever a registry's server writes ends as one of the six ends, and never as an exception."""

from __future__ import annotations

import json
from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st

from openletter.net import whois_client
from openletter.net.http_client import Page
from openletter.net.rdap_client import _read
from openletter.wire import lookup
from openletter.wire.lookup import End

ABOUT = ip_address("192.0.2.1")
_KEYS = st.sampled_from([
    "objectClassName", "startAddress", "endAddress", "handle", "entities", "vcardArray", "roles",
    "remarks", "description", "title", "cidr0_cidrs", "v4prefix", "length", "networks", "status",
    "startAutnum", "errorCode", "country", "links", "href", "port43", "parentHandle",
])  # fmt: skip
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | (
    st.sampled_from([
        "ip network", "entity", "192.0.2.0", "192.0.2.255", "255.255.255.255", "0.0.0.0", "vcard",
        "email", "abuse", "abuse@provider.net", "2001:db8::", "\ud800", "192.0.2.0/24",
    ])
)  # fmt: skip
_JSON = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=6),
    max_leaves=25,
)
_NETWORK = st.fixed_dictionaries({
    "objectClassName": st.just("ip network"), "startAddress": st.sampled_from(["192.0.2.0", "0.0.0.0"]),
    "endAddress": st.sampled_from(["192.0.2.255", "255.255.255.255", "192.0.2.0"]),
    "entities": _JSON, "remarks": _JSON, "handle": _JSON,
})  # fmt: skip


def rdap_end(body: bytes) -> End:
    page = Page(url="u", status=200, content_type="application/rdap+json", headers={}, body=body)
    reply = _read(page, about=ABOUT, server="s", asked="u")
    assert (reply.end is End.FOUND) == bool(reply.registrations)
    assert all(lookup.fits(each, ABOUT) for each in reply.registrations)
    assert (reply.end is End.FOUND) == (reply.code == "")
    return reply.end


@given(_JSON | _NETWORK)
def test_any_json_is_an_answer_about_the_network_or_none(value: object) -> None:
    assert rdap_end(json.dumps(value).encode("utf-8", "surrogatepass")) in (End.FOUND, End.REFUSED)


@given(st.binary(max_size=200))
def test_any_bytes_are_none(body: bytes) -> None:
    assert rdap_end(body) in (End.FOUND, End.REFUSED)


_LINES = st.lists(
    st.sampled_from([
        "inetnum: 192.0.2.0 - 192.0.2.255", "inetnum: 0.0.0.0 - 255.255.255.255", "netname: X", "",
        "NetRange: 192.0.2.0 - 192.0.2.255", "% no entries found", "%ERROR:201: access denied",
        "ReferralServer: whois://whois.apnic.net", "ReferralServer: whois://evil.example",
        "[Network Number] 192.0.2.0/24", "IPv4 Address : 192.0.2.0 - 192.0.2.255 (/24)",
        "% Abuse contact for '192.0.2.0 - 192.0.2.255' is 'abuse@provider.net'",
        "abuse-mailbox: abuse@provider.net", "OrgAbuseEmail: abuse@provider.net", "refer: 127.0.0.1",
    ]) | st.text(max_size=60),
    max_size=20,
)  # fmt: skip


@given(
    _LINES.map("\n".join).map(lambda text: text.encode("utf-8", "replace"))
    | st.binary(max_size=300)
)
def test_any_text_ends_clearly(raw: bytes) -> None:
    reply = whois_client.read(raw, about=ABOUT, server="whois.ripe.net", asked="x")
    assert reply.end in (End.FOUND, End.NOTHING, End.MOVED, End.BUSY, End.REFUSED)
    assert reply.moved_to in ("", "whois.apnic.net")
    assert (reply.end is End.FOUND) == bool(reply.registrations)
    assert all(lookup.fits(each, ABOUT) for each in reply.registrations)
