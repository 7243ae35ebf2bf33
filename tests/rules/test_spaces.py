"""Which addresses move or are shared, by name, by remark, by list."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.evidence.rules.naming import is_shared_by_name, moves_by_name, moves_by_remark
from openletter.evidence.rules.spaces import ListKind, Space, Spaces

ADDRESS = ip_address("192.0.2.77")
MOVES = """
dyn-192-0-2-77.provider.example 77-2-0-192.dynamic.isp.example
pool-192-0-2-77.bltmmd.east.isp.example 192-0-2-77.dhcp.insightbb.example
77.2.0.192.dynamic.adsl.gvt.com.example c-192-0-2-77.hsd1.fl.isp.example
dsl-192-0-2-77.hive.is.example cpc1-2-cust77.cable.isp.example 77.pppoe.isp.ru.example
ppp192.0.2.77.internode.on.net.example adsl-77.192.0.2.tellas.gr.example
lfbn-1-77.w192-0.abo.wanadoo.fr host77-2-dynamic.isp.it.example
192.0.2.77.dinamico.telefonica.com.br 77.red-192-0-2.dynamicip.rima.es.example
broadband-192-0-2-77.ip.moscow.ru.example dial-up-77.isp.example dialin-192-0-2-77.isp.example
mobile-192-0-2-77.mycingular.example gprs77.isp.hr.example user-192-0-2-77.play-internet.example
abonent77.2.isp.ua.example 192-0-2-77.klienti.isp.cz.example kabel-192-0-2-77.isp.de.example
cust-192-0-2-77.isp.se.example ip-192-0-2-77.isp.example c000024d.virtua.com.br.example
i192000002077.cable.isp.example node-77.2.0.192.home.isp.example ip192002077.dinamik.ttnet.tr
unassigned.isp.example x192-000-002-077.adsl.isp.example 192-0-2-77.fibra.isp.it.example
""".split()
NOT_MOVING = """
mail.provider.example mx1.dynamic-networks.example www.pool.example static-192-0-2-77.isp.example
host77-2-static.isp.it.example 77-2-0-192.static.isp.example 192-0-2-77.fix.isp.hu.example
fixed-192-0-2-77.isp.example adsl-static-77.isp.example server77.hosting.example
ec2-192-0-2-77.compute-1.cloudprovider.example vps-192-0-2-77.host.example mail.dynamo.isp.example
ns1.poolside.isp.example relay.cust.isp.example smtp-192-0-2-77.clients.isp.example
192-0-2-77.estatico.isp.com.br dsl.isp.example customer.isp.example gateway.company.example
fijo-192-0-2-77.isp.es.example vast-192-0-2-77.isp.nl.example
""".split()


@pytest.mark.parametrize("name", MOVES)
def test_names_of_moving_space(name: str) -> None:
    assert moves_by_name(name, ADDRESS)


@pytest.mark.parametrize("name", NOT_MOVING)
def test_names_of_servers_and_fixed_addresses(name: str) -> None:
    assert not moves_by_name(name, ADDRESS)


@pytest.mark.parametrize(
    "name",
    [
        "cgnat-192-0-2-77.isp.example",
        "cgn.isp.example",
        "nat-pool-7.isp.example",
        "nat77.mobile.isp.example",
        "cg-nat.isp.com.br",
        "ds-lite-77.isp.example",
        "192-0-2-77.lsn.isp.example",
    ],
)
def test_names_of_shared_space(name: str) -> None:
    assert is_shared_by_name(name)
    assert Spaces().of(ADDRESS, {"hostname": name}) is Space.SHARED_BY_NAME


@pytest.mark.parametrize(
    "name", ["natalie.isp.example", "signature.isp.example", "www.nat.example"]
)
def test_parts_of_words_share_nothing(name: str) -> None:
    assert not is_shared_by_name(name)


@pytest.mark.parametrize(
    ("remark", "moves"),
    [
        ("Dynamic IP pool for residential customers", True),
        ("DHCP", True),
        ("PPPoE users Ankara", True),
        ("Direcciones dinámicas", True),
        ("Динамические адреса абонентов", True),
        ("动态地址池", True),
        ("ADSL-POOL", True),
        ("ADSL POOL", True),
        ("not dynamic: statically assigned", False),
        ("non-dynamic space", False),
        ("Web hosting", False),
        ("car pool parking ltd", False),
    ],
)
def test_remarks_of_registries(remark: str, moves: bool) -> None:
    assert moves_by_remark(remark) is moves
    told = Spaces().of(ADDRESS, {"descr": remark})
    assert told is (Space.DYNAMIC_BY_REMARK if moves else None)


def test_lists_go_first_and_what_is_set_aside_before_what_moves() -> None:
    spaces = Spaces(
        [
            (ListKind.DYNAMIC, [ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")]),
            (ListKind.TOR_EXIT, [ip_network("192.0.2.9/32")]),
            (ListKind.OWN_HOST, [ip_network("192.0.2.10/32")]),
            (ListKind.SHARED, [ip_network("192.0.2.128/25")]),
        ]
    )
    told = {
        host: spaces.listed(ip_address(host))
        for host in (
            "192.0.2.9",
            "192.0.2.10",
            "192.0.2.11",
            "192.0.2.200",
            "198.51.100.1",
            "2001:db8::7",
            "::7",
        )
    }
    assert list(told.values()) == [
        Space.TOR_EXIT,
        Space.OWN_HOST,
        Space.DYNAMIC_BY_LIST,
        Space.SHARED_BY_LIST,
        None,
        Space.DYNAMIC_BY_LIST,
        None,
    ]
    assert all(space.is_moving is not space.is_set_aside for space in Space)


@given(
    st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(8, 32)), max_size=20),
    st.lists(st.integers(0, 2**32 - 1), max_size=20),
)
def test_looking_up_is_being_inside(nets: list[tuple[int, int]], hosts: list[int]) -> None:
    networks = [ip_network((number, width), strict=False) for number, width in nets]
    spaces = Spaces([(ListKind.DYNAMIC, networks)])
    for number in [*hosts, *(int(net[-1]) for net in networks)]:
        address = ip_address(number)
        inside = any(address in net for net in networks)
        assert (spaces.listed(address) is Space.DYNAMIC_BY_LIST) is inside


@given(st.text(max_size=80), st.ip_addresses())
def test_any_name_is_read(name: str, address: object) -> None:
    Spaces().of(address, {"hostname": name, "remark": name})  # type: ignore[arg-type]
