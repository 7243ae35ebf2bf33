"""How a case moves from state to state, and which addresses a campaign may pursue. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from openletter.words import CaseState

MOVES: Mapping[CaseState, frozenset[CaseState]] = {
    CaseState.OPEN: frozenset({CaseState.ANNOUNCED_FIXED, CaseState.CLOSED, CaseState.WITHDRAWN}),
    CaseState.ANNOUNCED_FIXED: frozenset({CaseState.OPEN, CaseState.CLOSED, CaseState.WITHDRAWN}),
    CaseState.CLOSED: frozenset({CaseState.OPEN}),
    CaseState.WITHDRAWN: frozenset({CaseState.OPEN}),
}
"""open <-> announced-fixed -> closed; closed and withdrawn reopen when it is seen again.

A withdrawal of the evidence ends any of them, a closed one too (`cases.mistakes`).
"""

WORLDS: Mapping[bool, str] = {True: "exercise", False: "real"}
"""What the database calls the addresses that an exercise, or a real campaign, may pursue."""


def may_move(now_in: CaseState, to: CaseState) -> bool:
    return to in MOVES[now_in]


def why_not_pursued(*, exercise: bool, world: str, is_excluded: bool) -> str:
    """The reason code for leaving a finding alone; empty where the campaign pursues it."""
    if world != WORLDS[exercise]:
        return "address-of-other-world" if world != "special" else "address-of-nobody"
    return "network-excluded" if is_excluded else ""
