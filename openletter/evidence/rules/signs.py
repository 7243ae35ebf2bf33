"""What a row says, as one small number: the same for every file, so that days compare by it.

weakness 2 bits, protocol 2, port 16 (0: none), what it says 3, role 2. Without the last five bits
it names the place (address, port, protocol, weakness); with them, the statement.
"""

from __future__ import annotations

from typing import NamedTuple

from openletter.words import Judgement, Protocol, Role, Weakness

_WEAKNESS: tuple[Weakness | None, ...] = (
    None, Weakness.OPEN_RELAY, Weakness.OPEN_HTTP_PROXY, Weakness.OPEN_SOCKS,
)  # fmt: skip
_PROTOCOL: tuple[Protocol | None, ...] = (None, Protocol.TCP, Protocol.UDP)
_SAYS: tuple[Judgement, ...] = (
    Judgement.REJECT, Judgement.ACCEPT, Judgement.REACHABLE_ONLY, Judgement.CORROBORATES,
    Judgement.WITHDRAWN, Judgement.QUARANTINE,
)  # fmt: skip
_ROLE: tuple[Role, ...] = (Role.UNKNOWN, Role.ENTRY, Role.EXIT)
BITS, HOW_BITS = 25, 5
SAYS_SHIFT, SAYS_MASK = 2, 7
WEAKNESS_SHIFT = 23
RANKED = tuple(
    map(_SAYS.index, (Judgement.ACCEPT, Judgement.REACHABLE_ONLY, Judgement.CORROBORATES))
)
"""Codes of what is weighed, and counted as `same-as` when it comes twice."""
ACCEPT = _SAYS.index(Judgement.ACCEPT)


class Said(NamedTuple):
    """The parts of a sign."""

    weakness: Weakness | None
    protocol: Protocol | None
    port: int | None
    says: Judgement
    role: Role


def sign_of(said: Said) -> int:
    """The number."""
    place = _WEAKNESS.index(said.weakness) << 18 | _PROTOCOL.index(said.protocol) << 16
    how = _SAYS.index(said.says) << SAYS_SHIFT | _ROLE.index(said.role)
    return (place | (said.port or 0)) << HOW_BITS | how


def said_by(sign: int) -> Said:
    """What a number says."""
    place, how = sign >> HOW_BITS, sign & (1 << HOW_BITS) - 1
    return Said(
        weakness=_WEAKNESS[place >> 18],
        protocol=_PROTOCOL[place >> 16 & 3],
        port=place & 0xFFFF or None,
        says=_SAYS[how >> SAYS_SHIFT & SAYS_MASK],
        role=_ROLE[how & 3],
    )


def code_of(weakness: str) -> int:
    """The top bits of a sign that names this weakness."""
    return _WEAKNESS.index(Weakness(weakness))
