"""A partner's own register is read whole or not at all."""

from __future__ import annotations

import pytest

from openletter.contacts.rules.ownregister import RegisterError, languages_of, read
from openletter.contacts.rules.rank import rank
from openletter.contacts.rules.refuse import World
from openletter.words import Scope

HEADER = "network,address,scope,language,name\n"


def rows(text: str) -> list[tuple[str, str, list[str]]]:
    found = read([(HEADER + text).encode()], world=World.EXERCISE)
    return [
        (str(each.first), str(each.last), [candidate.address for candidate in candidates])
        for each, candidates in found
    ]


def test_prefixes_ranges_and_addresses_with_their_boxes_in_order() -> None:
    text = (
        "192.0.2.0/25,second@a.example,end-user,nl,A\n"
        "192.0.2.130 - 192.0.2.140,b@b.example,,,\n"
        "192.0.2.0/25,first@a.example,provider,,\n"
        "2001:db8::/48,odd@c.example,,de fr,\n"
        "198.51.100.7,mailto:d@bücher.example,upstream,,\n"
    )
    assert rows(text) == [
        ("192.0.2.0", "192.0.2.127", ["second@a.example", "first@a.example"]),
        ("192.0.2.130", "192.0.2.140", ["b@b.example"]),
        ("2001:db8::", "2001:db8:0:ffff:ffff:ffff:ffff:ffff", ["odd@c.example"]),
        ("198.51.100.7", "198.51.100.7", ["d@xn--bcher-kva.example"]),
    ]


def test_languages_scope_and_the_narrower_first() -> None:
    text = "192.0.2.0/24,wide@a.example,,,\n192.0.2.0/26,near@a.example,end-user,pt-br,\n"
    found = read([(HEADER + text).encode()], world=World.EXERCISE)
    (wide,), (near,) = (candidates for _, candidates in found)
    assert rank([wide, near]).chosen == near
    assert (near.scope, wide.scope) == (Scope.END_USER, Scope.UNKNOWN)
    assert (languages_of(near), languages_of(wide)) == (("pt-BR",), ())


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("192.0.2.1/24,a@a.example,,,", "register-network"),
        ("192.0.2.9 - 192.0.2.1,a@a.example,,,", "register-network"),
        ("nowhere,a@a.example,,,", "register-network"),
        ("10.0.0.0/7,a@a.example,,,", "register-too-wide"),
        ("0.0.0.0/0,a@a.example,,,", "register-too-wide"),
        ("2000::/3,a@a.example,,,", "register-too-wide"),
        ("192.0.2.0/24,nobody,,,", "register-address"),
        ('192.0.2.0/24,"a@a.example, b@a.example",,,', "register-address"),
        ("192.0.2.0/24,,,,", "register-address"),
        ("192.0.2.0/24,no-reply@a.example,,,", "register-refused"),
        ("192.0.2.0/24,abuse@ripe.net,,,", "register-refused"),
        ("192.0.2.0/24,a@a.example,everybody,,", "register-scope"),
        ("192.0.2.0/24,a@a.example,csirt,,", "register-scope"),
        ("192.0.2.0/24,a@a.example,,Dutch!,", "register-language"),
        ("192.0.2.0/24,a@a.example", "register-cells"),
        ("192.0.2.0/24,a@a.example,,,,", "register-cells"),
        ('192.0.2.0/24,"a@a.example,,,', "register-not-csv"),
        ("192.0.2.0/24,a@a.example,,,\n192.0.2.0-192.0.2.255,A@a.example,,,", "register-twice"),
        ("\n".join(f"192.0.2.1,a{n}@a.example,,," for n in range(21)), "register-too-many"),
    ],
)
def test_one_wrong_line_refuses_the_file(line: str, code: str) -> None:
    with pytest.raises(RegisterError) as caught:
        rows(f"198.51.100.0/24,good@a.example,,,\n{line}\n")
    assert caught.value.code == code
    assert caught.value.line >= 3


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("network,scope", "register-header"),
        ("network,address,network", "register-header"),
        ("network,address,phone", "register-column"),
    ],
)
def test_the_first_line_must_name_the_columns(header: str, code: str) -> None:
    with pytest.raises(RegisterError) as caught:
        read([f"{header}\n".encode()], world=World.REAL)
    assert (caught.value.code, caught.value.line) == (code, 1)


def test_somebodys_own_box_may_stand_in_it() -> None:
    assert rows("192.0.2.0/24,jane.doe@a.example,,,\n")[0][2] == ["jane.doe@a.example"]
